// Embedding, norms, elementwise ops: one launch each. A returned result is written to
// the output directly; the second output of a value and a returned argument are copies.
// RUN: m1-opt %s --tile-set-target=name=x86-64-v3 --m1-to-plan --split-input-file | FileCheck %s

// CHECK: plan.symbols = {T = 512 : i64}
// CHECK-LABEL: plan.program @embedding(
// CHECK-SAME: %[[TOKENS:.*]]: memref<?xi32> {plan.checks = [#plan.below<97>], plan.name = "tokens", plan.rows = #plan.expr<T>}
// CHECK-SAME: %[[ROWS:.*]]: memref<?x20xf32> {plan.name = "rows", plan.output, plan.rows = #plan.expr<T>})
// CHECK: %[[TABLE:.*]] = plan.parameter "embed" : memref<97x20xbf16>
// CHECK: %[[ROWS_2:.*]] = plan.scalar T
// CHECK: plan.launch @embedding_97x20_bf16_f32 grid [T ceildiv 8, 1, 1]
// CHECK-SAME: (tokens = %[[TOKENS]] : memref<?xi32>, table = %[[TABLE]] : memref<97x20xbf16>,
// CHECK-SAME: result = %[[ROWS]] : memref<?x20xf32> written, rows = %[[ROWS_2]] : index)

// CHECK-LABEL: tile.kernel @embedding_97x20_bf16_f32(%cell_x: index
// CHECK: %[[ROWS:.*]] = arith.minsi
// CHECK: %[[TOKENS:.*]] = tile.load %tokens[%[[FIRST:.*]]] dims [0] rows %[[ROWS]] : memref<?xi32>, vector<8xi32>
// CHECK: %[[FOUND:.*]] = arith.maxsi %[[TOKENS]], %{{.*}} : vector<8xi32>
// CHECK: %[[X:.*]] = tile.gather %table[%[[FOUND]], %{{.*}}] rows %[[ROWS]] : {{.*}} vector<8x20xbf16>
// CHECK: %[[WIDE:.*]] = arith.extf %[[X]]
// CHECK: tile.store %[[WIDE]], %result[%[[FIRST]], %{{.*}}] dims [0, 1] rows %[[ROWS]]

m1.parameter @table : tensor<97x20xbf16> from [#m1.source<"embed">]

func.func @embedding(%tokens: tensor<?xi32> {m1.name = "tokens"}) -> (tensor<?x20xf32> {m1.name = "rows"}) {
  %t = m1.load_parameter @table : tensor<97x20xbf16>
  %r = m1.embedding %tokens, %t : (tensor<?xi32>, tensor<97x20xbf16>) -> tensor<?x20xf32>
  return %r : tensor<?x20xf32>
}

// -----

// CHECK: plan.symbols = {T = 512 : i64}
// CHECK-LABEL: plan.program @rms_norm(
// CHECK-SAME: %[[ARG0:.*]]: memref<?x20xbf16> {plan.name = "arg0", plan.rows = #plan.expr<T>}
// CHECK-SAME: %[[RESULT0:.*]]: memref<?x20xf32> {plan.name = "result0", plan.output, plan.rows = #plan.expr<T>})
// CHECK: %[[WEIGHT:.*]] = plan.parameter "norm" : memref<20xf32>
// CHECK: %[[ROWS:.*]] = plan.scalar T
// CHECK: plan.launch @rms_norm_20_bf16_f32_eps1em06 grid [T ceildiv 8, 1, 1]
// CHECK-SAME: (x = %[[ARG0]] : memref<?x20xbf16>, weight = %[[WEIGHT]] : memref<20xf32>,
// CHECK-SAME: result = %[[RESULT0]] : memref<?x20xf32> written, rows = %[[ROWS]] : index)

// The mean is computed in f32, over the 20 columns that exist.
// CHECK-LABEL: tile.kernel @rms_norm_20_bf16_f32_eps1em06
// CHECK: %[[X:.*]] = arith.extf %{{.*}} : vector<8x20xbf16> to vector<8x20xf32>
// CHECK: %[[W:.*]] = tile.load %weight[%{{.*}}] dims [0] : memref<20xf32>, vector<20xf32>
// CHECK: %[[SQUARES:.*]] = arith.mulf %[[X]], %[[X]]
// CHECK: %[[SUM:.*]] = vector.multi_reduction <add>, %[[SQUARES]], %{{.*}} [1] : vector<8x20xf32> to vector<8xf32>
// CHECK: arith.constant dense<2.000000e+01> : vector<8xf32>
// CHECK: %[[MEAN:.*]] = arith.divf %[[SUM]]
// CHECK: arith.constant dense<9.99999997E-7> : vector<8xf32>
// CHECK: %[[ADDED:.*]] = arith.addf %[[MEAN]]
// CHECK: %[[ROOT:.*]] = math.sqrt %[[ADDED]]
// CHECK: %[[SCALE:.*]] = arith.divf %{{.*}}, %[[ROOT]]
// CHECK: tile.broadcast %[[W]] along 0
// CHECK: tile.broadcast %[[SCALE]] along 1

m1.parameter @norm : tensor<20xf32> from [#m1.source<"norm">]

func.func @rms_norm(%x: tensor<?x20xbf16>) -> tensor<?x20xf32> {
  %w = m1.load_parameter @norm : tensor<20xf32>
  %r = m1.rms_norm %x, %w eps 1.0e-6 : (tensor<?x20xbf16>, tensor<20xf32>) -> tensor<?x20xf32>
  return %r : tensor<?x20xf32>
}

// -----

// CHECK: plan.symbols = {T = 512 : i64}
// CHECK-LABEL: plan.program @elementwise(
// CHECK-SAME: %[[ARG0:.*]]: memref<?x20xf32> {plan.name = "arg0", plan.rows = #plan.expr<T>}
// CHECK-SAME: %[[ARG1:.*]]: memref<?x20xf32> {plan.name = "arg1", plan.rows = #plan.expr<T>}
// CHECK-SAME: %[[ARG2:.*]]: memref<?x1xf32> {plan.name = "arg2", plan.rows = #plan.expr<T>}
// CHECK-SAME: %[[RESULT0:.*]]: memref<?x20xbf16> {plan.name = "result0", plan.output, plan.rows = #plan.expr<T>})
// CHECK: %[[RESULT:.*]] = plan.buffer rows T : memref<?x20xf32>
// CHECK: %[[ROWS:.*]] = plan.scalar T
// CHECK: plan.launch @elementwise_20_f32_silu_mul grid [T ceildiv 8, 1, 1]
// CHECK-SAME: (input0 = %[[ARG0]] : memref<?x20xf32>, input1 = %[[ARG1]] : memref<?x20xf32>,
// CHECK-SAME: result = %[[RESULT]] : memref<?x20xf32> written, rows = %[[ROWS]] : index)
// CHECK: %[[RESULT_2:.*]] = plan.buffer rows T : memref<?x20xf32>
// CHECK: %[[ROWS_2:.*]] = plan.scalar T
// CHECK: plan.launch @elementwise_20_f32_residual grid [T ceildiv 8, 1, 1]
// CHECK-SAME: (input0 = %[[RESULT]] : memref<?x20xf32>, input1 = %[[ARG0]] : memref<?x20xf32>,
// CHECK-SAME: result = %[[RESULT_2]] : memref<?x20xf32> written, rows = %[[ROWS_2]] : index)
// CHECK: %[[ROWS_3:.*]] = plan.scalar T
// CHECK: plan.launch @elementwise_20_f32_bf16_shared_mix grid [T ceildiv 8, 1, 1]
// CHECK-SAME: (input0 = %[[RESULT]] : memref<?x20xf32>, input1 = %[[RESULT_2]] : memref<?x20xf32>,
// CHECK-SAME: input2 = %[[ARG2]] : memref<?x1xf32>, result = %[[RESULT0]] : memref<?x20xbf16> written,
// CHECK-SAME: rows = %[[ROWS_3]] : index)

// CHECK-LABEL: tile.kernel @elementwise_20_f32_silu_mul(
// CHECK: %[[A:.*]] = tile.load %input0
// CHECK: %[[B:.*]] = tile.load %input1
// CHECK: %[[MINUS:.*]] = arith.subf %{{.*}}, %[[A]]
// CHECK: %[[E:.*]] = math.exp %[[MINUS]]
// CHECK: %[[SUM:.*]] = arith.addf %{{.*}}, %[[E]]
// CHECK: %[[SIGMOID:.*]] = arith.divf %{{.*}}, %[[SUM]]
// CHECK: %[[SILU:.*]] = arith.mulf %[[A]], %[[SIGMOID]]
// CHECK: %[[Y:.*]] = arith.mulf %[[SILU]], %[[B]]
// CHECK: tile.store %[[Y]], %result
// CHECK-LABEL: tile.kernel @elementwise_20_f32_residual(
// CHECK: %[[A:.*]] = tile.load %input0
// CHECK: %[[B:.*]] = tile.load %input1
// CHECK: %[[ALPHA:.*]] = arith.constant dense<2.500000e+00>
// CHECK: %[[BETA:.*]] = arith.constant dense<-1.000000e-01>
// CHECK: %[[LEFT:.*]] = arith.mulf %[[A]], %[[ALPHA]]
// CHECK: %[[RIGHT:.*]] = arith.mulf %[[B]], %[[BETA]]
// CHECK: arith.addf %[[LEFT]], %[[RIGHT]]
// CHECK-LABEL: tile.kernel @elementwise_20_f32_bf16_shared_mix(
// CHECK: %[[MOE:.*]] = tile.load %input0
// CHECK: %[[SHARED:.*]] = tile.load %input1
// CHECK: %[[COLUMN:.*]] = tile.load %input2[%{{.*}}, %{{.*}}] dims [0] rows %{{.*}} : memref<?x1xf32>, vector<8xf32>
// CHECK: tile.broadcast %[[COLUMN]] along 1 : vector<8xf32> to vector<8x20xf32>
// CHECK: %[[C:.*]] = arith.divf
// CHECK: %[[REST:.*]] = arith.subf %{{.*}}, %[[C]]
// CHECK: %[[LEFT:.*]] = arith.mulf %[[MOE]], %[[REST]]
// CHECK: %[[RIGHT:.*]] = arith.mulf %[[SHARED]], %[[C]]
// CHECK: arith.addf %[[LEFT]], %[[RIGHT]]
// CHECK: tile.store %{{.*}}, %result[%{{.*}}] dims [0, 1] rows %{{.*}} : vector<8x20xbf16>

func.func @elementwise(%a: tensor<?x20xf32>, %b: tensor<?x20xf32>, %c: tensor<?x1xf32>) -> tensor<?x20xbf16> {
  %0 = m1.silu_mul %a, %b : (tensor<?x20xf32>, tensor<?x20xf32>) -> tensor<?x20xf32>
  %1 = m1.residual %0, %a alpha 2.5 beta -0.1 : (tensor<?x20xf32>, tensor<?x20xf32>) -> tensor<?x20xf32>
  %2 = m1.shared_mix %0, %1, %c : (tensor<?x20xf32>, tensor<?x20xf32>, tensor<?x1xf32>) -> tensor<?x20xbf16>
  return %2 : tensor<?x20xbf16>
}

// -----

// CHECK: plan.symbols = {B = 8 : i64, T = 512 : i64}
// CHECK-LABEL: plan.program @select_last(
// CHECK-SAME: %[[ARG0:.*]]: memref<?x20xf32> {plan.name = "arg0", plan.rows = #plan.expr<T>}
// CHECK-SAME: %[[ARG1:.*]]: memref<?xi32> {plan.checks = [#plan.offsets<T>], plan.name = "arg1", plan.rows = #plan.expr<B + 1>}
// CHECK-SAME: %[[RESULT0:.*]]: memref<?x20xf32> {plan.name = "result0", plan.output, plan.rows = #plan.expr<B>})
// CHECK: plan.launch @select_last_20_f32 grid [B, 1, 1]
// CHECK-SAME: (x = %[[ARG0]] : memref<?x20xf32>, cu_seqlens = %[[ARG1]] : memref<?xi32>,
// CHECK-SAME: result = %[[RESULT0]] : memref<?x20xf32> written)

// An empty sequence has no last row: 0 rows are loaded, which gives zeros.
// CHECK-LABEL: tile.kernel @select_last_20_f32(%cell_x: index
// CHECK: %[[USED:.*]] = arith.minsi
// CHECK: %[[LAST:.*]] = arith.maxsi
// CHECK: %[[ROW:.*]] = tile.load %x[%[[LAST]], %{{.*}}] dims [0, 1] rows %[[USED]] : memref<?x20xf32>, vector<1x20xf32>
// CHECK: tile.store %[[ROW]], %result[%cell_x, %{{.*}}] dims [0, 1] : vector<1x20xf32>

func.func @select_last(%x: tensor<?x20xf32>, %cu: tensor<?xi32> {m1.dim = "B+1"}) -> (tensor<?x20xf32> {m1.dim = "B"}) {
  %r = m1.select_last %x, %cu : (tensor<?x20xf32>, tensor<?xi32>) -> tensor<?x20xf32>
  return %r : tensor<?x20xf32>
}

// -----

// CHECK: plan.symbols = {T = 512 : i64}
// CHECK-LABEL: plan.program @returns(
// CHECK-SAME: %[[ARG0:.*]]: memref<?x20xf32> {plan.name = "arg0", plan.rows = #plan.expr<T>}
// CHECK-SAME: %[[ARG1:.*]]: memref<?xi32> {plan.name = "arg1", plan.rows = #plan.expr<T>}
// CHECK-SAME: %[[RESULT0:.*]]: memref<?x20xf32> {plan.name = "result0", plan.output, plan.rows = #plan.expr<T>}
// CHECK-SAME: %[[RESULT1:.*]]: memref<?x20xf32> {plan.name = "result1", plan.output, plan.rows = #plan.expr<T>}
// CHECK-SAME: %[[RESULT2:.*]]: memref<?x20xf32> {plan.name = "result2", plan.output, plan.rows = #plan.expr<T>}
// CHECK-SAME: %[[RESULT3:.*]]: memref<?xi32> {plan.name = "result3", plan.output, plan.rows = #plan.expr<T>})
// CHECK: %[[ROWS:.*]] = plan.scalar T
// CHECK: plan.launch @elementwise_20_f32_silu grid [T ceildiv 8, 1, 1]
// CHECK-SAME: (input0 = %[[ARG0]] : memref<?x20xf32>, result = %[[RESULT0]] : memref<?x20xf32> written,
// CHECK-SAME: rows = %[[ROWS]] : index)
// CHECK: plan.copy %[[RESULT0]] to %[[RESULT1]] : memref<?x20xf32>
// CHECK: plan.copy %[[ARG0]] to %[[RESULT2]] : memref<?x20xf32>
// CHECK: plan.copy %[[ARG1]] to %[[RESULT3]] : memref<?xi32>

func.func @returns(%x: tensor<?x20xf32>, %y: tensor<?xi32>) -> (tensor<?x20xf32>, tensor<?x20xf32>, tensor<?x20xf32>, tensor<?xi32>) {
  %r = m1.silu %x : (tensor<?x20xf32>) -> tensor<?x20xf32>
  return %r, %r, %x, %y : tensor<?x20xf32>, tensor<?x20xf32>, tensor<?x20xf32>, tensor<?xi32>
}

// -----

// CHECK: plan.symbols = {T = 512 : i64}
// CHECK-LABEL: plan.program @known_rows(
// CHECK-SAME: %[[ARG0:.*]]: memref<?x2x3xf32> {plan.name = "arg0", plan.rows = #plan.expr<4>}
// CHECK-SAME: %[[ARG1:.*]]: memref<?x2x3xf32> {plan.name = "arg1", plan.rows = #plan.expr<T>}
// CHECK-SAME: %[[RESULT0:.*]]: memref<?x2x3xbf16> {plan.name = "result0", plan.output, plan.rows = #plan.expr<4>}
// CHECK-SAME: %[[RESULT1:.*]]: memref<?x2x3xbf16> {plan.name = "result1", plan.output, plan.rows = #plan.expr<T>})
// CHECK: %[[INPUT0:.*]] = plan.view %[[ARG0]] at 0 : memref<?x2x3xf32> to memref<?x6xf32>
// CHECK: %[[RESULT:.*]] = plan.view %[[RESULT0]] at 0 : memref<?x2x3xbf16> to memref<?x6xbf16>
// CHECK: %[[ROWS:.*]] = plan.scalar 4
// CHECK: plan.launch @elementwise_6_f32_bf16_cast grid [4 ceildiv 8, 1, 1]
// CHECK-SAME: (input0 = %[[INPUT0]] : memref<?x6xf32>, result = %[[RESULT]] : memref<?x6xbf16> written,
// CHECK-SAME: rows = %[[ROWS]] : index)
// CHECK: %[[INPUT0_2:.*]] = plan.view %[[ARG1]] at 0 : memref<?x2x3xf32> to memref<?x6xf32>
// CHECK: %[[RESULT_2:.*]] = plan.view %[[RESULT1]] at 0 : memref<?x2x3xbf16> to memref<?x6xbf16>
// CHECK: %[[ROWS_2:.*]] = plan.scalar T
// CHECK: plan.launch @elementwise_6_f32_bf16_cast grid [T ceildiv 8, 1, 1]
// CHECK-SAME: (input0 = %[[INPUT0_2]] : memref<?x6xf32>, result = %[[RESULT_2]] : memref<?x6xbf16> written,
// CHECK-SAME: rows = %[[ROWS_2]] : index)

func.func @known_rows(%x: tensor<4x2x3xf32>, %y: tensor<?x2x3xf32>) -> (tensor<4x2x3xbf16>, tensor<?x2x3xbf16>) {
  %0 = m1.cast %x : tensor<4x2x3xf32> to tensor<4x2x3xbf16>
  %1 = m1.cast %y : tensor<?x2x3xf32> to tensor<?x2x3xbf16>
  return %0, %1 : tensor<4x2x3xbf16>, tensor<?x2x3xbf16>
}
