// Products: init packs each weight once. m1.fused becomes one kernel that computes the
// product and its epilogue; elementwise ops outside of m1.fused get kernels of their own.
// RUN: m1-opt %s --tile-set-target=name=x86-64-v3 --m1-to-plan --split-input-file | FileCheck %s
// RUN: m1-opt %s --tile-set-target=name=x86-64-v4+amx --m1-to-plan --split-input-file | FileCheck %s --check-prefix=AMX

// CHECK: plan.symbols = {T = 512 : i64}
// CHECK: plan.global "weights" @w.panels32 : memref<5x20x32xbf16>
// CHECK-LABEL: plan.program @init(
// CHECK: %[[PACKED:.*]] = plan.global_ref @w.panels32 : memref<5x20x32xbf16>
// CHECK: %[[SOURCE:.*]] = plan.parameter "w" : memref<160x20xbf16>
// CHECK: plan.launch @pack_160x20_bf16 grid [5, 1, 1]
// CHECK-SAME: (source = %[[SOURCE]] : memref<160x20xbf16>, packed = %[[PACKED]] : memref<5x20x32xbf16> written)
// CHECK-LABEL: plan.program @linear(
// CHECK-SAME: %[[ARG0:.*]]: memref<?x20xbf16> {plan.name = "arg0", plan.rows = #plan.expr<T>}
// CHECK-SAME: %[[RESULT0:.*]]: memref<?x160xf32> {plan.name = "result0", plan.output, plan.rows = #plan.expr<T>})
// CHECK: %[[WEIGHT:.*]] = plan.global_ref @w.panels32 : memref<5x20x32xbf16>
// CHECK: %[[ROWS:.*]] = plan.scalar T
// CHECK: plan.launch @linear_20x160_bf16_f32 grid [T ceildiv 64, 2, 1]
// CHECK-SAME: (x = %[[ARG0]] : memref<?x20xbf16>, weight = %[[WEIGHT]] : memref<5x20x32xbf16>,
// CHECK-SAME: result = %[[RESULT0]] : memref<?x160xf32> written, rows = %[[ROWS]] : index)

// A panel holds 32 rows of the weight, transposed.
// CHECK-LABEL: tile.kernel @pack_160x20_bf16(%cell_x: index
// CHECK: %[[W:.*]] = tile.load %source[%{{.*}}, %{{.*}}] dims [0, 1] : memref<160x20xbf16>, vector<32x20xbf16>
// CHECK: %[[T:.*]] = vector.transpose %[[W]], [1, 0]
// CHECK: tile.store %[[T]], %packed[%cell_x, %{{.*}}, %{{.*}}] dims [1, 2] streamed : vector<20x32xbf16>
// CHECK-LABEL: tile.kernel @linear_20x160_bf16_f32(%cell_x: index, %cell_y: index
// CHECK: %[[ROWS:.*]] = arith.minsi
// CHECK: %[[X:.*]] = tile.load %x[%[[FIRST:.*]], %{{.*}}] dims [0, 1] rows %[[ROWS]] : memref<?x20xbf16>, vector<64x20xbf16>
// CHECK: scf.for %[[PANEL:.*]] =
// CHECK: %[[COLUMN:.*]] = arith.muli %[[PANEL]]
// CHECK: %[[W:.*]] = tile.load %weight[%[[PANEL]], %{{.*}}, %{{.*}}] dims [1, 2] : memref<5x20x32xbf16>, vector<20x32xbf16>
// CHECK: %[[Y:.*]] = tile.dot %[[X]], %[[W]], %{{.*}} : vector<64x20xbf16>, vector<20x32xbf16>, vector<64x32xf32>
// CHECK: tile.store %[[Y]], %result[%[[FIRST]], %[[COLUMN]]] dims [0, 1] rows %[[ROWS]] : vector<64x32xf32>

m1.parameter @w : tensor<160x20xbf16> from [#m1.source<"w">]

func.func @linear(%x: tensor<?x20xbf16>) -> tensor<?x160xf32> {
  %w = m1.load_parameter @w : tensor<160x20xbf16>
  %r = m1.linear %x, %w : (tensor<?x20xbf16>, tensor<160x20xbf16>) -> tensor<?x160xf32>
  return %r : tensor<?x160xf32>
}

// -----

// CHECK: plan.symbols = {T = 512 : i64}
// CHECK: plan.global "weights" @v.panels32 : memref<2x20x32xf32>
// CHECK: plan.global "weights" @w.panels32 : memref<2x20x32xf32>
// CHECK-LABEL: plan.program @init(
// CHECK: %[[PACKED:.*]] = plan.global_ref @v.panels32 : memref<2x20x32xf32>
// CHECK: %[[SOURCE:.*]] = plan.parameter "v" : memref<33x20xf32>
// CHECK: plan.launch @pack_33x20_f32 grid [2, 1, 1]
// CHECK-SAME: (source = %[[SOURCE]] : memref<33x20xf32>, packed = %[[PACKED]] : memref<2x20x32xf32> written)
// CHECK: %[[PACKED_2:.*]] = plan.global_ref @w.panels32 : memref<2x20x32xf32>
// CHECK: %[[SOURCE_2:.*]] = plan.parameter "w" : memref<33x20xf32>
// CHECK: plan.launch @pack_33x20_f32 grid [2, 1, 1]
// CHECK-SAME: (source = %[[SOURCE_2]] : memref<33x20xf32>, packed = %[[PACKED_2]] : memref<2x20x32xf32> written)
// CHECK-LABEL: plan.program @fused(
// CHECK-SAME: %[[ARG0:.*]]: memref<?x20xf32> {plan.name = "arg0", plan.rows = #plan.expr<T>}
// CHECK-SAME: %[[ARG1:.*]]: memref<?x33xf32> {plan.name = "arg1", plan.rows = #plan.expr<T>}
// CHECK-SAME: %[[ARG2:.*]]: memref<?x1xf32> {plan.name = "arg2", plan.rows = #plan.expr<T>}
// CHECK-SAME: %[[RESULT0:.*]]: memref<?x33xbf16> {plan.name = "result0", plan.output, plan.rows = #plan.expr<T>})
// CHECK: %[[WEIGHT:.*]] = plan.global_ref @v.panels32 : memref<2x20x32xf32>
// CHECK: %[[RESULT:.*]] = plan.buffer rows T : memref<?x33xf32>
// CHECK: %[[ROWS:.*]] = plan.scalar T
// CHECK: plan.launch @linear_20x33_f32 grid [T ceildiv 64, 1, 1]
// CHECK-SAME: (x = %[[ARG0]] : memref<?x20xf32>, weight = %[[WEIGHT]] : memref<2x20x32xf32>,
// CHECK-SAME: result = %[[RESULT]] : memref<?x33xf32> written, rows = %[[ROWS]] : index)
// CHECK: %[[WEIGHT_2:.*]] = plan.global_ref @w.panels32 : memref<2x20x32xf32>
// CHECK: %[[ROWS_2:.*]] = plan.scalar T
// CHECK: plan.launch @linear_20x33_f32_bf16_silu_mul_shared_mix grid [T ceildiv 64, 1, 1]
// CHECK-SAME: (x = %[[ARG0]] : memref<?x20xf32>, weight = %[[WEIGHT_2]] : memref<2x20x32xf32>,
// CHECK-SAME: input0 = %[[RESULT]] : memref<?x33xf32>, input1 = %[[ARG1]] : memref<?x33xf32>,
// CHECK-SAME: input2 = %[[ARG2]] : memref<?x1xf32>, result = %[[RESULT0]] : memref<?x33xbf16> written,
// CHECK-SAME: rows = %[[ROWS_2]] : index)

// The last panel has one column and 31 columns of padding. No load or store goes past
// the 33 columns. Operands of the epilogue are loaded where they are used; the per-token
// one is broadcast.
// CHECK-LABEL: tile.kernel @pack_33x20_f32(
// CHECK: tile.load %source[%{{.*}}] dims [0, 1] rows %{{.*}} : memref<33x20xf32>, vector<32x20xf32>
// CHECK-LABEL: tile.kernel @linear_20x33_f32_bf16_silu_mul_shared_mix(
// CHECK-SAME: %input0: memref<?x33xf32>, %input1: memref<?x33xf32>, %input2: memref<?x1xf32>, %result: memref<?x33xbf16>
// CHECK: %[[COLUMNS:.*]] = arith.minsi {{.*}}
// CHECK: %[[DOT:.*]] = tile.dot
// CHECK: %[[UP:.*]] = tile.load %input0[{{.*}}] dims [0, 1] rows %[[ROWS:.*]] cols %[[COLUMNS:.*]] : memref<?x33xf32>, vector<64x32xf32>
// CHECK: %[[SILU:.*]] = arith.mulf %[[DOT]]
// CHECK: %[[GATED:.*]] = arith.mulf %[[SILU]], %[[UP]]
// CHECK: %[[OTHER:.*]] = tile.load %input1[{{.*}}] dims [0, 1] rows %[[ROWS]] cols %[[COLUMNS]]
// CHECK: %[[C:.*]] = tile.load %input2[{{.*}}] dims [0] rows %[[ROWS]] : memref<?x1xf32>, vector<64xf32>
// CHECK: %[[SIGMOID:.*]] = arith.divf
// CHECK: arith.mulf %[[OTHER]]
// CHECK: arith.mulf %[[GATED]], %[[SIGMOID]]
// CHECK: tile.store %{{.*}}, %result[{{.*}}] dims [0, 1] rows %[[ROWS]] cols %[[COLUMNS]] : vector<64x32xbf16>

m1.parameter @w : tensor<33x20xf32> from [#m1.source<"w">]
m1.parameter @v : tensor<33x20xf32> from [#m1.source<"v">]

func.func @fused(%x: tensor<?x20xf32>, %y: tensor<?x33xf32>, %c: tensor<?x1xf32>) -> tensor<?x33xbf16> {
  %w = m1.load_parameter @w : tensor<33x20xf32>
  %v = m1.load_parameter @v : tensor<33x20xf32>
  %0 = m1.linear %x, %v : (tensor<?x20xf32>, tensor<33x20xf32>) -> tensor<?x33xf32>
  %1 = m1.fused -> tensor<?x33xbf16> {
    %2 = m1.linear %x, %w : (tensor<?x20xf32>, tensor<33x20xf32>) -> tensor<?x33xf32>
    %3 = m1.silu_mul %2, %0 : (tensor<?x33xf32>, tensor<?x33xf32>) -> tensor<?x33xf32>
    %4 = m1.shared_mix %y, %3, %c : (tensor<?x33xf32>, tensor<?x33xf32>, tensor<?x1xf32>) -> tensor<?x33xbf16>
    m1.yield %4 : tensor<?x33xbf16>
  }
  return %1 : tensor<?x33xbf16>
}

// -----

// CHECK: plan.symbols = {T = 512 : i64}
// CHECK: plan.global "weights" @w.panels32 : memref<1x20x32xf32>
// CHECK-LABEL: plan.program @init(
// CHECK: %[[PACKED:.*]] = plan.global_ref @w.panels32 : memref<1x20x32xf32>
// CHECK: %[[SOURCE:.*]] = plan.parameter "w" : memref<32x20xf32>
// CHECK: plan.launch @pack_32x20_f32 grid [1, 1, 1]
// CHECK-SAME: (source = %[[SOURCE]] : memref<32x20xf32>, packed = %[[PACKED]] : memref<1x20x32xf32> written)
// CHECK-LABEL: plan.program @two_uses(
// CHECK-SAME: %[[ARG0:.*]]: memref<?x20xf32> {plan.name = "arg0", plan.rows = #plan.expr<T>}
// CHECK-SAME: %[[RESULT0:.*]]: memref<?x32xf32> {plan.name = "result0", plan.output, plan.rows = #plan.expr<T>})
// CHECK: %[[WEIGHT:.*]] = plan.global_ref @w.panels32 : memref<1x20x32xf32>
// CHECK: %[[RESULT:.*]] = plan.buffer rows T : memref<?x32xf32>
// CHECK: %[[ROWS:.*]] = plan.scalar T
// CHECK: plan.launch @linear_20x32_f32 grid [T ceildiv 64, 1, 1]
// CHECK-SAME: (x = %[[ARG0]] : memref<?x20xf32>, weight = %[[WEIGHT]] : memref<1x20x32xf32>,
// CHECK-SAME: result = %[[RESULT]] : memref<?x32xf32> written, rows = %[[ROWS]] : index)
// CHECK: %[[ROWS_2:.*]] = plan.scalar T
// CHECK: plan.launch @elementwise_32_f32_sigmoid_gate grid [T ceildiv 8, 1, 1]
// CHECK-SAME: (input0 = %[[RESULT]] : memref<?x32xf32>, input1 = %[[RESULT]] : memref<?x32xf32>,
// CHECK-SAME: result = %[[RESULT0]] : memref<?x32xf32> written, rows = %[[ROWS_2]] : index)

m1.parameter @w : tensor<32x20xf32> from [#m1.source<"w">]

func.func @two_uses(%x: tensor<?x20xf32>) -> tensor<?x32xf32> {
  %w = m1.load_parameter @w : tensor<32x20xf32>
  %0 = m1.linear %x, %w : (tensor<?x20xf32>, tensor<32x20xf32>) -> tensor<?x32xf32>
  %1 = m1.sigmoid_gate %0, %0 : (tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  return %1 : tensor<?x32xf32>
}

// -----

// CHECK: plan.symbols = {T = 512 : i64}
// CHECK: plan.global "weights" @w.panels32 : memref<1x20x32xf32>
// CHECK-LABEL: plan.program @init(
// CHECK: %[[PACKED:.*]] = plan.global_ref @w.panels32 : memref<1x20x32xf32>
// CHECK: %[[SOURCE:.*]] = plan.parameter "w" : memref<32x20xf32>
// CHECK: plan.launch @pack_32x20_f32 grid [1, 1, 1]
// CHECK-SAME: (source = %[[SOURCE]] : memref<32x20xf32>, packed = %[[PACKED]] : memref<1x20x32xf32> written)
// CHECK-LABEL: plan.program @rounded(
// CHECK-SAME: %[[ARG0:.*]]: memref<?x20xf32> {plan.name = "arg0", plan.rows = #plan.expr<T>}
// CHECK-SAME: %[[RESULT0:.*]]: memref<?x32xf32> {plan.name = "result0", plan.output, plan.rows = #plan.expr<T>})
// CHECK: %[[WEIGHT:.*]] = plan.global_ref @w.panels32 : memref<1x20x32xf32>
// CHECK: %[[RESULT:.*]] = plan.buffer rows T : memref<?x32xbf16>
// CHECK: %[[ROWS:.*]] = plan.scalar T
// CHECK: plan.launch @linear_20x32_f32_bf16 grid [T ceildiv 64, 1, 1]
// CHECK-SAME: (x = %[[ARG0]] : memref<?x20xf32>, weight = %[[WEIGHT]] : memref<1x20x32xf32>,
// CHECK-SAME: result = %[[RESULT]] : memref<?x32xbf16> written, rows = %[[ROWS]] : index)
// CHECK: %[[ROWS_2:.*]] = plan.scalar T
// CHECK: plan.launch @elementwise_32_bf16_f32_silu grid [T ceildiv 8, 1, 1]
// CHECK-SAME: (input0 = %[[RESULT]] : memref<?x32xbf16>, result = %[[RESULT0]] : memref<?x32xf32> written,
// CHECK-SAME: rows = %[[ROWS_2]] : index)

m1.parameter @w : tensor<32x20xf32> from [#m1.source<"w">]

func.func @rounded(%x: tensor<?x20xf32>) -> tensor<?x32xf32> {
  %w = m1.load_parameter @w : tensor<32x20xf32>
  %0 = m1.linear %x, %w : (tensor<?x20xf32>, tensor<32x20xf32>) -> tensor<?x32xbf16>
  %1 = m1.silu %0 : (tensor<?x32xbf16>) -> tensor<?x32xf32>
  return %1 : tensor<?x32xf32>
}

// -----

// CHECK: plan.symbols = {T = 512 : i64}
// CHECK: plan.global "weights" @w.panels32 : memref<1x20x32xf32>
// CHECK-LABEL: plan.program @init(
// CHECK: %[[PACKED:.*]] = plan.global_ref @w.panels32 : memref<1x20x32xf32>
// CHECK: %[[SOURCE:.*]] = plan.parameter "w" : memref<1x20xf32>
// CHECK: plan.launch @pack_1x20_f32 grid [1, 1, 1]
// CHECK-SAME: (source = %[[SOURCE]] : memref<1x20xf32>, packed = %[[PACKED]] : memref<1x20x32xf32> written)
// CHECK-LABEL: plan.program @column(
// CHECK-SAME: %[[ARG0:.*]]: memref<?x20xf32> {plan.name = "arg0", plan.rows = #plan.expr<T>}
// CHECK-SAME: %[[ARG1:.*]]: memref<?x20xf32> {plan.name = "arg1", plan.rows = #plan.expr<T>}
// CHECK-SAME: %[[RESULT0:.*]]: memref<?x20xf32> {plan.name = "result0", plan.output, plan.rows = #plan.expr<T>})
// CHECK: %[[WEIGHT:.*]] = plan.global_ref @w.panels32 : memref<1x20x32xf32>
// CHECK: %[[RESULT:.*]] = plan.buffer rows T : memref<?x1xf32>
// CHECK: %[[ROWS:.*]] = plan.scalar T
// CHECK: plan.launch @linear_20x1_f32 grid [T ceildiv 64, 1, 1]
// CHECK-SAME: (x = %[[ARG0]] : memref<?x20xf32>, weight = %[[WEIGHT]] : memref<1x20x32xf32>,
// CHECK-SAME: result = %[[RESULT]] : memref<?x1xf32> written, rows = %[[ROWS]] : index)
// CHECK: %[[ROWS_2:.*]] = plan.scalar T
// CHECK: plan.launch @elementwise_20_f32_shared_mix grid [T ceildiv 8, 1, 1]
// CHECK-SAME: (input0 = %[[ARG0]] : memref<?x20xf32>, input1 = %[[ARG1]] : memref<?x20xf32>,
// CHECK-SAME: input2 = %[[RESULT]] : memref<?x1xf32>, result = %[[RESULT0]] : memref<?x20xf32> written,
// CHECK-SAME: rows = %[[ROWS_2]] : index)

m1.parameter @w : tensor<1x20xf32> from [#m1.source<"w">]

func.func @column(%x: tensor<?x20xf32>, %y: tensor<?x20xf32>) -> tensor<?x20xf32> {
  %w = m1.load_parameter @w : tensor<1x20xf32>
  %0 = m1.linear %x, %w : (tensor<?x20xf32>, tensor<1x20xf32>) -> tensor<?x1xf32>
  %1 = m1.shared_mix %x, %y, %0 : (tensor<?x20xf32>, tensor<?x20xf32>, tensor<?x1xf32>) -> tensor<?x20xf32>
  return %1 : tensor<?x20xf32>
}

// -----

// CHECK: plan.symbols = {T = 512 : i64}
// CHECK: plan.global "weights" @rows.panels32 : memref<2x8x32xf32>
// CHECK: plan.global "weights" @columns.panels32 : memref<2x8x32xf32>
// CHECK-LABEL: plan.program @init(
// CHECK: %[[PACKED:.*]] = plan.global_ref @rows.panels32 : memref<2x8x32xf32>
// CHECK: %[[WHOLE:.*]] = plan.parameter "fused" : memref<60x8xf32>
// CHECK: %[[SOURCE:.*]] = plan.view %[[WHOLE]] at 128 : memref<60x8xf32> to memref<40x8xf32>
// CHECK: plan.launch @pack_40x8_f32 grid [2, 1, 1]
// CHECK-SAME: (source = %[[SOURCE]] : memref<40x8xf32>, packed = %[[PACKED]] : memref<2x8x32xf32> written)
// CHECK: %[[PACKED_2:.*]] = plan.global_ref @columns.panels32 : memref<2x8x32xf32>
// CHECK: %[[WHOLE_2:.*]] = plan.parameter "wide" : memref<40x30xf32>
// CHECK: %[[SOURCE_2:.*]] = plan.view %[[WHOLE_2]] at 3 : memref<40x30xf32> to memref<40x8xf32, strided<[30, 1]>>
// CHECK: plan.launch @pack_40x8_f32_2 grid [2, 1, 1]
// CHECK-SAME: (source = %[[SOURCE_2]] : memref<40x8xf32, strided<[30, 1]>>,
// CHECK-SAME: packed = %[[PACKED_2]] : memref<2x8x32xf32> written)
// CHECK-LABEL: plan.program @ranges(
// CHECK-SAME: %[[ARG0:.*]]: memref<?x8xf32> {plan.name = "arg0", plan.rows = #plan.expr<T>}
// CHECK-SAME: %[[RESULT0:.*]]: memref<?x40xf32> {plan.name = "result0", plan.output, plan.rows = #plan.expr<T>}
// CHECK-SAME: %[[RESULT1:.*]]: memref<?x40xf32> {plan.name = "result1", plan.output, plan.rows = #plan.expr<T>}
// CHECK-SAME: %[[RESULT2:.*]]: memref<?x40xf32> {plan.name = "result2", plan.output, plan.rows = #plan.expr<T>})
// CHECK: %[[WEIGHT:.*]] = plan.global_ref @rows.panels32 : memref<2x8x32xf32>
// CHECK: %[[ROWS:.*]] = plan.scalar T
// CHECK: plan.launch @linear_8x40_f32 grid [T ceildiv 64, 1, 1]
// CHECK-SAME: (x = %[[ARG0]] : memref<?x8xf32>, weight = %[[WEIGHT]] : memref<2x8x32xf32>,
// CHECK-SAME: result = %[[RESULT0]] : memref<?x40xf32> written, rows = %[[ROWS]] : index)
// CHECK: %[[WEIGHT_2:.*]] = plan.global_ref @columns.panels32 : memref<2x8x32xf32>
// CHECK: %[[ROWS_2:.*]] = plan.scalar T
// CHECK: plan.launch @linear_8x40_f32 grid [T ceildiv 64, 1, 1]
// CHECK-SAME: (x = %[[ARG0]] : memref<?x8xf32>, weight = %[[WEIGHT_2]] : memref<2x8x32xf32>,
// CHECK-SAME: result = %[[RESULT1]] : memref<?x40xf32> written, rows = %[[ROWS_2]] : index)
// CHECK: %[[WEIGHT_3:.*]] = plan.global_ref @rows.panels32 : memref<2x8x32xf32>
// CHECK: %[[ROWS_3:.*]] = plan.scalar T
// CHECK: plan.launch @linear_8x40_f32 grid [T ceildiv 64, 1, 1]
// CHECK-SAME: (x = %[[ARG0]] : memref<?x8xf32>, weight = %[[WEIGHT_3]] : memref<2x8x32xf32>,
// CHECK-SAME: result = %[[RESULT2]] : memref<?x40xf32> written, rows = %[[ROWS_3]] : index)

m1.parameter @rows : tensor<40x8xf32> from [#m1.source<"fused"[axis 0, 16 to 56 of 60]>]
m1.parameter @columns : tensor<40x8xf32> from [#m1.source<"wide"[axis 1, 3 to 11 of 30]>]

func.func @ranges(%x: tensor<?x8xf32>) -> (tensor<?x40xf32>, tensor<?x40xf32>, tensor<?x40xf32>) {
  %r = m1.load_parameter @rows : tensor<40x8xf32>
  %c = m1.load_parameter @columns : tensor<40x8xf32>
  %0 = m1.linear %x, %r : (tensor<?x8xf32>, tensor<40x8xf32>) -> tensor<?x40xf32>
  %1 = m1.linear %x, %c : (tensor<?x8xf32>, tensor<40x8xf32>) -> tensor<?x40xf32>
  %2 = m1.linear %x, %r : (tensor<?x8xf32>, tensor<40x8xf32>) -> tensor<?x40xf32>
  return %0, %1, %2 : tensor<?x40xf32>, tensor<?x40xf32>, tensor<?x40xf32>
}

// -----

// A product of f64 is summed in f64; its epilogue computes in f32.
// CHECK: plan.symbols = {T = 512 : i64}
// CHECK: plan.global "weights" @w.panels32 : memref<2x20x32xf64>
// CHECK-LABEL: plan.program @init(
// CHECK: %[[PACKED:.*]] = plan.global_ref @w.panels32 : memref<2x20x32xf64>
// CHECK: %[[SOURCE:.*]] = plan.parameter "w" : memref<33x20xf64>
// CHECK: plan.launch @pack_33x20_f64 grid [2, 1, 1]
// CHECK-SAME: (source = %[[SOURCE]] : memref<33x20xf64>, packed = %[[PACKED]] : memref<2x20x32xf64> written)
// CHECK-LABEL: plan.program @double(
// CHECK-SAME: %[[ARG0:.*]]: memref<?x20xf64> {plan.name = "arg0", plan.rows = #plan.expr<T>}
// CHECK-SAME: %[[RESULT0:.*]]: memref<?x33xf32> {plan.name = "result0", plan.output, plan.rows = #plan.expr<T>}
// CHECK-SAME: %[[RESULT1:.*]]: memref<?x33xf64> {plan.name = "result1", plan.output, plan.rows = #plan.expr<T>})
// CHECK: %[[WEIGHT:.*]] = plan.global_ref @w.panels32 : memref<2x20x32xf64>
// CHECK: %[[ROWS:.*]] = plan.scalar T
// CHECK: plan.launch @linear_20x33_f64_f32_silu grid [T ceildiv 64, 1, 1]
// CHECK-SAME: (x = %[[ARG0]] : memref<?x20xf64>, weight = %[[WEIGHT]] : memref<2x20x32xf64>,
// CHECK-SAME: result = %[[RESULT0]] : memref<?x33xf32> written, rows = %[[ROWS]] : index)
// CHECK: %[[WEIGHT_2:.*]] = plan.global_ref @w.panels32 : memref<2x20x32xf64>
// CHECK: %[[ROWS_2:.*]] = plan.scalar T
// CHECK: plan.launch @linear_20x33_f64 grid [T ceildiv 64, 1, 1]
// CHECK-SAME: (x = %[[ARG0]] : memref<?x20xf64>, weight = %[[WEIGHT_2]] : memref<2x20x32xf64>,
// CHECK-SAME: result = %[[RESULT1]] : memref<?x33xf64> written, rows = %[[ROWS_2]] : index)

// CHECK-LABEL: tile.kernel @linear_20x33_f64_f32_silu(
// CHECK: %[[Y:.*]] = tile.dot %{{.*}} : vector<64x20xf64>, vector<20x32xf64>, vector<64x32xf64>
// CHECK: arith.truncf %[[Y]] : vector<64x32xf64> to vector<64x32xf32>
// CHECK-LABEL: tile.kernel @linear_20x33_f64(
// CHECK: %[[Y:.*]] = tile.dot %{{.*}} : vector<64x20xf64>, vector<20x32xf64>, vector<64x32xf64>
// CHECK: tile.store %[[Y]], {{.*}} : vector<64x32xf64>

m1.parameter @w : tensor<33x20xf64> from [#m1.source<"w">]

func.func @double(%x: tensor<?x20xf64>) -> (tensor<?x33xf32>, tensor<?x33xf64>) {
  %w = m1.load_parameter @w : tensor<33x20xf64>
  %0 = m1.fused -> tensor<?x33xf32> {
    %2 = m1.linear %x, %w : (tensor<?x20xf64>, tensor<33x20xf64>) -> tensor<?x33xf32>
    %3 = m1.silu %2 : (tensor<?x33xf32>) -> tensor<?x33xf32>
    m1.yield %3 : tensor<?x33xf32>
  }
  %1 = m1.linear %x, %w : (tensor<?x20xf64>, tensor<33x20xf64>) -> tensor<?x33xf64>
  return %0, %1 : tensor<?x33xf32>, tensor<?x33xf64>
}

// -----

// A matrix unit that multiplies pairs of rows gets weights packed in pairs, for the
// products that can run on it: not with x of f32. Other targets pack both alike.
// AMX: plan.global "weights" @w.panels32.pairs : memref<2x32x32x2xbf16>
// AMX: plan.global "weights" @v.panels32 : memref<2x64x32xbf16>
// AMX: plan.launch @pack_40x64_bf16 grid [2, 1, 1]
// AMX: plan.launch @pack_40x64_bf16_2 grid [2, 1, 1]
// AMX-LABEL: plan.program @pairs(
// AMX: %[[W:.*]] = plan.global_ref @w.panels32.pairs : memref<2x32x32x2xbf16>
// AMX: plan.launch @linear_64x40_bf16_f32 {{.*}} weight = %[[W]] : memref<2x32x32x2xbf16>
// AMX: %[[V:.*]] = plan.global_ref @v.panels32 : memref<2x64x32xbf16>
// AMX: plan.launch @linear_64x40_f32_bf16 {{.*}} weight = %[[V]] : memref<2x64x32xbf16>
// AMX-LABEL: tile.kernel @pack_40x64_bf16(
// AMX: tile.store %{{.*}}, %packed[%cell_x, %{{.*}}] dims [1, 2] pairs streamed : vector<64x32xbf16>, memref<2x32x32x2xbf16>
// AMX-LABEL: tile.kernel @linear_64x40_bf16_f32(
// AMX: tile.load %weight[{{.*}}] dims [1, 2] pairs : memref<2x32x32x2xbf16>, vector<64x32xbf16>
// AMX-LABEL: tile.kernel @pack_40x64_bf16_2(
// AMX: tile.store %{{.*}}, %packed[%cell_x, %{{.*}}] dims [1, 2] streamed : vector<64x32xbf16>, memref<2x64x32xbf16>

// CHECK: plan.global "weights" @w.panels32 : memref<2x64x32xbf16>
// CHECK: plan.global "weights" @v.panels32 : memref<2x64x32xbf16>
// CHECK-LABEL: plan.program @pairs(
// CHECK-NOT: pack_40x64_bf16_2

m1.parameter @w : tensor<40x64xbf16> from [#m1.source<"w">]
m1.parameter @v : tensor<40x64xbf16> from [#m1.source<"v">]

func.func @pairs(%x: tensor<?x64xbf16>, %y: tensor<?x64xf32>) -> (tensor<?x40xf32>, tensor<?x40xf32>) {
  %w = m1.load_parameter @w : tensor<40x64xbf16>
  %v = m1.load_parameter @v : tensor<40x64xbf16>
  %0 = m1.linear %x, %w : (tensor<?x64xbf16>, tensor<40x64xbf16>) -> tensor<?x40xf32>
  %1 = m1.linear %y, %v : (tensor<?x64xf32>, tensor<40x64xbf16>) -> tensor<?x40xf32>
  return %0, %1 : tensor<?x40xf32>, tensor<?x40xf32>
}
