// Linear layers: weights are packed once by init, and elementwise ops on an f32
// product join its kernel, but not where the product has a second use, is rounded
// first, or is the column of a shared mix.
// RUN: m1-opt %s --m1-to-plan --split-input-file | FileCheck %s

// CHECK: plan.symbols = {T = 512 : i64}
// CHECK: plan.global "weights" @w.panels32 : memref<5x20x32xbf16>
// CHECK-LABEL: plan.program @init(
// CHECK: %[[V0:.*]] = plan.global_ref @w.panels32 : memref<5x20x32xbf16>
// CHECK: %[[V1:.*]] = plan.parameter "w" : memref<160x20xbf16>
// CHECK: plan.launch @pack_160x20_bf16_panel32 grid [5, 1, 1] written [false, true](%[[V1]], %[[V0]]
// CHECK-LABEL: plan.program @linear(
// CHECK-SAME: %[[ARG0:.*]]: memref<?x20xbf16> {plan.name = "arg0", plan.rows = #plan.expr<T>}
// CHECK-SAME: %[[ARG1:.*]]: memref<?x160xf32> {plan.name = "result0", plan.output, plan.rows = #plan.expr<T>})
// CHECK: %[[V0:.*]] = plan.global_ref @w.panels32 : memref<5x20x32xbf16>
// CHECK: %[[V1:.*]] = plan.scalar T
// CHECK: plan.launch @linear_20x160_bf16_bf16_f32 grid [T ceildiv 64, 2, 1] written [false, false, true, false](%[[ARG0]], %[[V0]], %[[ARG1]], %[[V1]]

// A panel is 32 columns of the weight, transposed.
// CHECK-LABEL: tile.kernel @pack_160x20_bf16_panel32(%arg0: index
// CHECK: %[[W:.*]] = tile.load %arg3[%{{.*}}, %{{.*}}] dims [0, 1] : memref<160x20xbf16>, vector<32x20xbf16>
// CHECK: %[[T:.*]] = vector.transpose %[[W]], [1, 0]
// CHECK: tile.store %[[T]], %arg4[%arg0, %{{.*}}, %{{.*}}] dims [1, 2] : vector<20x32xbf16>
// CHECK-LABEL: tile.kernel @linear_20x160_bf16_bf16_f32(%arg0: index, %arg1: index
// CHECK: %[[ROWS:.*]] = arith.minsi
// CHECK: %[[X:.*]] = tile.load %arg3[%[[FIRST:.*]], %{{.*}}] dims [0, 1] rows %[[ROWS]] : memref<?x20xbf16>, vector<64x20xbf16>
// CHECK: scf.for %[[PANEL:.*]] =
// CHECK: %[[COLUMN:.*]] = arith.muli %[[PANEL]]
// CHECK: %[[W:.*]] = tile.load %arg4[%[[PANEL]], %{{.*}}, %{{.*}}] dims [1, 2] : memref<5x20x32xbf16>, vector<20x32xbf16>
// CHECK: %[[Y:.*]] = tile.dot %[[X]], %[[W]], %{{.*}} : vector<64x20xbf16>, vector<20x32xbf16>, vector<64x32xf32>
// CHECK: tile.store %[[Y]], %arg5[%[[FIRST]], %[[COLUMN]]] dims [0, 1] rows %[[ROWS]] : vector<64x32xf32>

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
// CHECK: %[[V0:.*]] = plan.global_ref @v.panels32 : memref<2x20x32xf32>
// CHECK: %[[V1:.*]] = plan.parameter "v" : memref<33x20xf32>
// CHECK: plan.launch @pack_33x20_f32_panel32 grid [2, 1, 1] written [false, true](%[[V1]], %[[V0]]
// CHECK: %[[V2:.*]] = plan.global_ref @w.panels32 : memref<2x20x32xf32>
// CHECK: %[[V3:.*]] = plan.parameter "w" : memref<33x20xf32>
// CHECK: plan.launch @pack_33x20_f32_panel32 grid [2, 1, 1] written [false, true](%[[V3]], %[[V2]]
// CHECK-LABEL: plan.program @fused(
// CHECK-SAME: %[[ARG0:.*]]: memref<?x20xf32> {plan.name = "arg0", plan.rows = #plan.expr<T>}
// CHECK-SAME: %[[ARG1:.*]]: memref<?x33xf32> {plan.name = "arg1", plan.rows = #plan.expr<T>}
// CHECK-SAME: %[[ARG2:.*]]: memref<?x1xf32> {plan.name = "arg2", plan.rows = #plan.expr<T>}
// CHECK-SAME: %[[ARG3:.*]]: memref<?x33xbf16> {plan.name = "result0", plan.output, plan.rows = #plan.expr<T>})
// CHECK: %[[V0:.*]] = plan.global_ref @v.panels32 : memref<2x20x32xf32>
// CHECK: %[[V1:.*]] = plan.buffer rows T : memref<?x33xf32>
// CHECK: %[[V2:.*]] = plan.scalar T
// CHECK: plan.launch @linear_20x33_f32_f32_f32 grid [T ceildiv 64, 1, 1] written [false, false, true, false](%[[ARG0]], %[[V0]], %[[V1]], %[[V2]]
// CHECK: %[[V3:.*]] = plan.global_ref @w.panels32 : memref<2x20x32xf32>
// CHECK: %[[V4:.*]] = plan.scalar T
// CHECK: plan.launch @linear_20x33_f32_f32_bf16_silu_mul_f32_f32_f32_0_shared_mix_f32_f32_f32_bf16_1 grid [T ceildiv 64, 1, 1] written [false, false, false, false, false, true, false](%[[ARG0]], %[[V3]], %[[V1]], %[[ARG1]], %[[ARG2]], %[[ARG3]], %[[V4]]

// The last panel has one column; 31 are padding, and read and written nowhere.
// CHECK-LABEL: tile.kernel @pack_33x20_f32_panel32(
// CHECK: tile.load %arg3[%{{.*}}] dims [0, 1] rows %{{.*}} : memref<33x20xf32>, vector<32x20xf32>
// CHECK-LABEL: tile.kernel @linear_20x33_f32_f32_bf16_silu_mul_f32_f32_f32_0_shared_mix_f32_f32_f32_bf16_1(
// CHECK-SAME: %arg5: memref<?x33xf32>, %arg6: memref<?x33xf32>, %arg7: memref<?x1xf32>, %arg8: memref<?x33xbf16>
// CHECK: %[[COLUMNS:.*]] = arith.minsi {{.*}}
// CHECK: %[[DOT:.*]] = tile.dot
// CHECK: %[[UP:.*]] = tile.load %arg5[{{.*}}] dims [0, 1] rows %[[ROWS:.*]] cols %[[COLUMNS:.*]] : memref<?x33xf32>, vector<64x32xf32>
// CHECK: %[[SILU:.*]] = arith.mulf %[[DOT]]
// CHECK: %[[GATED:.*]] = arith.mulf %[[SILU]], %[[UP]]
// CHECK: %[[OTHER:.*]] = tile.load %arg6[{{.*}}] dims [0, 1] rows %[[ROWS]] cols %[[COLUMNS]]
// CHECK: %[[C:.*]] = tile.load %arg7[{{.*}}] dims [0] rows %[[ROWS]] : memref<?x1xf32>, vector<64xf32>
// CHECK: %[[SIGMOID:.*]] = arith.divf
// CHECK: arith.mulf %[[OTHER]]
// CHECK: arith.mulf %[[GATED]], %[[SIGMOID]]
// CHECK: tile.store %{{.*}}, %arg8[{{.*}}] dims [0, 1] rows %[[ROWS]] cols %[[COLUMNS]] : vector<64x32xbf16>

m1.parameter @w : tensor<33x20xf32> from [#m1.source<"w">]
m1.parameter @v : tensor<33x20xf32> from [#m1.source<"v">]

func.func @fused(%x: tensor<?x20xf32>, %y: tensor<?x33xf32>, %c: tensor<?x1xf32>) -> tensor<?x33xbf16> {
  %w = m1.load_parameter @w : tensor<33x20xf32>
  %v = m1.load_parameter @v : tensor<33x20xf32>
  %0 = m1.linear %x, %w : (tensor<?x20xf32>, tensor<33x20xf32>) -> tensor<?x33xf32>
  %1 = m1.linear %x, %v : (tensor<?x20xf32>, tensor<33x20xf32>) -> tensor<?x33xf32>
  %2 = m1.silu_mul %0, %1 : (tensor<?x33xf32>, tensor<?x33xf32>) -> tensor<?x33xf32>
  %3 = m1.shared_mix %y, %2, %c : (tensor<?x33xf32>, tensor<?x33xf32>, tensor<?x1xf32>) -> tensor<?x33xbf16>
  return %3 : tensor<?x33xbf16>
}

// -----

// CHECK: plan.symbols = {T = 512 : i64}
// CHECK: plan.global "weights" @w.panels32 : memref<1x20x32xf32>
// CHECK-LABEL: plan.program @init(
// CHECK: %[[V0:.*]] = plan.global_ref @w.panels32 : memref<1x20x32xf32>
// CHECK: %[[V1:.*]] = plan.parameter "w" : memref<32x20xf32>
// CHECK: plan.launch @pack_32x20_f32_panel32 grid [1, 1, 1] written [false, true](%[[V1]], %[[V0]]
// CHECK-LABEL: plan.program @two_uses(
// CHECK-SAME: %[[ARG0:.*]]: memref<?x20xf32> {plan.name = "arg0", plan.rows = #plan.expr<T>}
// CHECK-SAME: %[[ARG1:.*]]: memref<?x32xf32> {plan.name = "result0", plan.output, plan.rows = #plan.expr<T>})
// CHECK: %[[V0:.*]] = plan.global_ref @w.panels32 : memref<1x20x32xf32>
// CHECK: %[[V1:.*]] = plan.buffer rows T : memref<?x32xf32>
// CHECK: %[[V2:.*]] = plan.scalar T
// CHECK: plan.launch @linear_20x32_f32_f32_f32 grid [T ceildiv 64, 1, 1] written [false, false, true, false](%[[ARG0]], %[[V0]], %[[V1]], %[[V2]]
// CHECK: %[[V3:.*]] = plan.scalar T
// CHECK: plan.launch @sigmoid_gate_f32_f32_f32_32 grid [T ceildiv 8, 1, 1] written [false, false, true, false](%[[V1]], %[[V1]], %[[ARG1]], %[[V3]]

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
// CHECK: %[[V0:.*]] = plan.global_ref @w.panels32 : memref<1x20x32xf32>
// CHECK: %[[V1:.*]] = plan.parameter "w" : memref<32x20xf32>
// CHECK: plan.launch @pack_32x20_f32_panel32 grid [1, 1, 1] written [false, true](%[[V1]], %[[V0]]
// CHECK-LABEL: plan.program @rounded(
// CHECK-SAME: %[[ARG0:.*]]: memref<?x20xf32> {plan.name = "arg0", plan.rows = #plan.expr<T>}
// CHECK-SAME: %[[ARG1:.*]]: memref<?x32xf32> {plan.name = "result0", plan.output, plan.rows = #plan.expr<T>})
// CHECK: %[[V0:.*]] = plan.global_ref @w.panels32 : memref<1x20x32xf32>
// CHECK: %[[V1:.*]] = plan.buffer rows T : memref<?x32xbf16>
// CHECK: %[[V2:.*]] = plan.scalar T
// CHECK: plan.launch @linear_20x32_f32_f32_bf16 grid [T ceildiv 64, 1, 1] written [false, false, true, false](%[[ARG0]], %[[V0]], %[[V1]], %[[V2]]
// CHECK: %[[V3:.*]] = plan.scalar T
// CHECK: plan.launch @silu_bf16_f32_32 grid [T ceildiv 8, 1, 1] written [false, true, false](%[[V1]], %[[ARG1]], %[[V3]]

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
// CHECK: %[[V0:.*]] = plan.global_ref @w.panels32 : memref<1x20x32xf32>
// CHECK: %[[V1:.*]] = plan.parameter "w" : memref<1x20xf32>
// CHECK: plan.launch @pack_1x20_f32_panel32 grid [1, 1, 1] written [false, true](%[[V1]], %[[V0]]
// CHECK-LABEL: plan.program @column(
// CHECK-SAME: %[[ARG0:.*]]: memref<?x20xf32> {plan.name = "arg0", plan.rows = #plan.expr<T>}
// CHECK-SAME: %[[ARG1:.*]]: memref<?x20xf32> {plan.name = "arg1", plan.rows = #plan.expr<T>}
// CHECK-SAME: %[[ARG2:.*]]: memref<?x20xf32> {plan.name = "result0", plan.output, plan.rows = #plan.expr<T>})
// CHECK: %[[V0:.*]] = plan.global_ref @w.panels32 : memref<1x20x32xf32>
// CHECK: %[[V1:.*]] = plan.buffer rows T : memref<?x1xf32>
// CHECK: %[[V2:.*]] = plan.scalar T
// CHECK: plan.launch @linear_20x1_f32_f32_f32 grid [T ceildiv 64, 1, 1] written [false, false, true, false](%[[ARG0]], %[[V0]], %[[V1]], %[[V2]]
// CHECK: %[[V3:.*]] = plan.scalar T
// CHECK: plan.launch @shared_mix_f32_f32_f32_f32_20 grid [T ceildiv 8, 1, 1] written [false, false, false, true, false](%[[ARG0]], %[[ARG1]], %[[V1]], %[[ARG2]], %[[V3]]

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
// CHECK: %[[V0:.*]] = plan.global_ref @rows.panels32 : memref<2x8x32xf32>
// CHECK: %[[V1:.*]] = plan.parameter "fused" : memref<60x8xf32>
// CHECK: %[[V2:.*]] = plan.view %[[V1]] at 128 : memref<60x8xf32> to memref<40x8xf32>
// CHECK: plan.launch @pack_40x8_f32_panel32 grid [2, 1, 1] written [false, true](%[[V2]], %[[V0]]
// CHECK: %[[V3:.*]] = plan.global_ref @columns.panels32 : memref<2x8x32xf32>
// CHECK: %[[V4:.*]] = plan.parameter "wide" : memref<40x30xf32>
// CHECK: %[[V5:.*]] = plan.view %[[V4]] at 3 : memref<40x30xf32> to memref<40x8xf32, strided<[30, 1]>>
// CHECK: plan.launch @pack_40x8_f32_panel32_strides_30_1 grid [2, 1, 1] written [false, true](%[[V5]], %[[V3]]
// CHECK-LABEL: plan.program @ranges(
// CHECK-SAME: %[[ARG0:.*]]: memref<?x8xf32> {plan.name = "arg0", plan.rows = #plan.expr<T>}
// CHECK-SAME: %[[ARG1:.*]]: memref<?x40xf32> {plan.name = "result0", plan.output, plan.rows = #plan.expr<T>}
// CHECK-SAME: %[[ARG2:.*]]: memref<?x40xf32> {plan.name = "result1", plan.output, plan.rows = #plan.expr<T>}
// CHECK-SAME: %[[ARG3:.*]]: memref<?x40xf32> {plan.name = "result2", plan.output, plan.rows = #plan.expr<T>})
// CHECK: %[[V0:.*]] = plan.global_ref @rows.panels32 : memref<2x8x32xf32>
// CHECK: %[[V1:.*]] = plan.scalar T
// CHECK: plan.launch @linear_8x40_f32_f32_f32 grid [T ceildiv 64, 1, 1] written [false, false, true, false](%[[ARG0]], %[[V0]], %[[ARG1]], %[[V1]]
// CHECK: %[[V2:.*]] = plan.global_ref @columns.panels32 : memref<2x8x32xf32>
// CHECK: %[[V3:.*]] = plan.scalar T
// CHECK: plan.launch @linear_8x40_f32_f32_f32 grid [T ceildiv 64, 1, 1] written [false, false, true, false](%[[ARG0]], %[[V2]], %[[ARG2]], %[[V3]]
// CHECK: %[[V4:.*]] = plan.global_ref @rows.panels32 : memref<2x8x32xf32>
// CHECK: %[[V5:.*]] = plan.scalar T
// CHECK: plan.launch @linear_8x40_f32_f32_f32 grid [T ceildiv 64, 1, 1] written [false, false, true, false](%[[ARG0]], %[[V4]], %[[ARG3]], %[[V5]]

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

// f64 on f64 is summed in f64; what joins the kernel computes in f32.
// CHECK-LABEL: tile.kernel @linear_20x33_f64_f64_f32_silu_f32_f32_0(
// CHECK: %[[Y:.*]] = tile.dot %{{.*}} : vector<64x20xf64>, vector<20x32xf64>, vector<64x32xf64>
// CHECK: arith.truncf %[[Y]] : vector<64x32xf64> to vector<64x32xf32>
// CHECK-LABEL: tile.kernel @linear_20x33_f64_f64_f64(
// CHECK: %[[Y:.*]] = tile.dot %{{.*}} : vector<64x20xf64>, vector<20x32xf64>, vector<64x32xf64>
// CHECK: tile.store %[[Y]], {{.*}} : vector<64x32xf64>

m1.parameter @w : tensor<33x20xf64> from [#m1.source<"w">]

func.func @double(%x: tensor<?x20xf64>) -> (tensor<?x33xf32>, tensor<?x33xf64>) {
  %w = m1.load_parameter @w : tensor<33x20xf64>
  %0 = m1.linear %x, %w : (tensor<?x20xf64>, tensor<33x20xf64>) -> tensor<?x33xf32>
  %1 = m1.silu %0 : (tensor<?x33xf32>) -> tensor<?x33xf32>
  %2 = m1.linear %x, %w : (tensor<?x20xf64>, tensor<33x20xf64>) -> tensor<?x33xf64>
  return %1, %2 : tensor<?x33xf32>, tensor<?x33xf64>
}
