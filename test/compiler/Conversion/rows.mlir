// Embedding, norms, elementwise ops and what is returned: one launch each. Results are
// written in place; a value that is returned twice, or was given, is copied.
// RUN: m1-opt %s --m1-to-plan --split-input-file | FileCheck %s

// CHECK: plan.symbols = {T = 512 : i64}
// CHECK-LABEL: plan.program @embedding(
// CHECK-SAME: %[[ARG0:.*]]: memref<?xi32> {plan.checks = [#plan.below<97>], plan.name = "tokens", plan.rows = #plan.expr<T>}
// CHECK-SAME: %[[ARG1:.*]]: memref<?x20xf32> {plan.name = "rows", plan.output, plan.rows = #plan.expr<T>})
// CHECK: %[[V0:.*]] = plan.parameter "embed" : memref<97x20xbf16>
// CHECK: %[[V1:.*]] = plan.scalar T
// CHECK: plan.launch @embedding_97x20_bf16_f32 grid [T ceildiv 8, 1, 1] written [false, false, true, false](%[[ARG0]], %[[V0]], %[[ARG1]], %[[V1]]

// CHECK-LABEL: tile.kernel @embedding_97x20_bf16_f32(%arg0: index
// CHECK: %[[ROWS:.*]] = arith.minsi
// CHECK: %[[TOKENS:.*]] = tile.load %arg3[%[[FIRST:.*]]] dims [0] rows %[[ROWS]] : memref<?xi32>, vector<8xi32>
// CHECK: %[[FOUND:.*]] = arith.maxsi %[[TOKENS]], %{{.*}} : vector<8xi32>
// CHECK: %[[X:.*]] = tile.gather %arg4[%[[FOUND]], %{{.*}}] rows %[[ROWS]] : {{.*}} vector<8x20xbf16>
// CHECK: %[[WIDE:.*]] = arith.extf %[[X]]
// CHECK: tile.store %[[WIDE]], %arg5[%[[FIRST]], %{{.*}}] dims [0, 1] rows %[[ROWS]]

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
// CHECK-SAME: %[[ARG1:.*]]: memref<?x20xf32> {plan.name = "result0", plan.output, plan.rows = #plan.expr<T>})
// CHECK: %[[V0:.*]] = plan.parameter "norm" : memref<20xf32>
// CHECK: %[[V1:.*]] = plan.scalar T
// CHECK: plan.launch @rms_norm_20_bf16_f32_f32_eps9p9999999999999995em07 grid [T ceildiv 8, 1, 1] written [false, false, true, false](%[[ARG0]], %[[V0]], %[[ARG1]], %[[V1]]

// The mean is of f32 numbers; no column past the 20 real ones takes part.
// CHECK-LABEL: tile.kernel @rms_norm_20
// CHECK: %[[X:.*]] = arith.extf %{{.*}} : vector<8x20xbf16> to vector<8x20xf32>
// CHECK: %[[W:.*]] = tile.load %arg4[%{{.*}}] dims [0] : memref<20xf32>, vector<20xf32>
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
// CHECK-SAME: %[[ARG3:.*]]: memref<?x20xbf16> {plan.name = "result0", plan.output, plan.rows = #plan.expr<T>})
// CHECK: %[[V0:.*]] = plan.buffer rows T : memref<?x20xf32>
// CHECK: %[[V1:.*]] = plan.scalar T
// CHECK: plan.launch @silu_mul_f32_f32_f32_20 grid [T ceildiv 8, 1, 1] written [false, false, true, false](%[[ARG0]], %[[ARG1]], %[[V0]], %[[V1]]
// CHECK: %[[V2:.*]] = plan.buffer rows T : memref<?x20xf32>
// CHECK: %[[V3:.*]] = plan.scalar T
// CHECK: plan.launch @residual_2p5_m0p10000000000000001_f32_f32_f32_20 grid [T ceildiv 8, 1, 1] written [false, false, true, false](%[[V0]], %[[ARG0]], %[[V2]], %[[V3]]
// CHECK: %[[V4:.*]] = plan.scalar T
// CHECK: plan.launch @shared_mix_f32_f32_f32_bf16_20 grid [T ceildiv 8, 1, 1] written [false, false, false, true, false](%[[V0]], %[[V2]], %[[ARG2]], %[[ARG3]], %[[V4]]

// CHECK-LABEL: tile.kernel @silu_mul_f32_f32_f32_20(
// CHECK: %[[A:.*]] = tile.load %arg3
// CHECK: %[[B:.*]] = tile.load %arg4
// CHECK: %[[MINUS:.*]] = arith.subf %{{.*}}, %[[A]]
// CHECK: %[[E:.*]] = math.exp %[[MINUS]]
// CHECK: %[[SUM:.*]] = arith.addf %{{.*}}, %[[E]]
// CHECK: %[[SIGMOID:.*]] = arith.divf %{{.*}}, %[[SUM]]
// CHECK: %[[SILU:.*]] = arith.mulf %[[A]], %[[SIGMOID]]
// CHECK: %[[Y:.*]] = arith.mulf %[[SILU]], %[[B]]
// CHECK: tile.store %[[Y]], %arg5
// CHECK-LABEL: tile.kernel @residual_2p5_m0p10000000000000001_f32_f32_f32_20(
// CHECK: %[[A:.*]] = tile.load %arg3
// CHECK: %[[B:.*]] = tile.load %arg4
// CHECK: %[[ALPHA:.*]] = arith.constant dense<2.500000e+00>
// CHECK: %[[BETA:.*]] = arith.constant dense<-1.000000e-01>
// CHECK: %[[LEFT:.*]] = arith.mulf %[[A]], %[[ALPHA]]
// CHECK: %[[RIGHT:.*]] = arith.mulf %[[B]], %[[BETA]]
// CHECK: arith.addf %[[LEFT]], %[[RIGHT]]
// CHECK-LABEL: tile.kernel @shared_mix_f32_f32_f32_bf16_20(
// CHECK: %[[MOE:.*]] = tile.load %arg3
// CHECK: %[[SHARED:.*]] = tile.load %arg4
// CHECK: %[[COLUMN:.*]] = tile.load %arg5[%{{.*}}, %{{.*}}] dims [0] rows %{{.*}} : memref<?x1xf32>, vector<8xf32>
// CHECK: tile.broadcast %[[COLUMN]] along 1 : vector<8xf32> to vector<8x20xf32>
// CHECK: %[[C:.*]] = arith.divf
// CHECK: %[[REST:.*]] = arith.subf %{{.*}}, %[[C]]
// CHECK: %[[LEFT:.*]] = arith.mulf %[[MOE]], %[[REST]]
// CHECK: %[[RIGHT:.*]] = arith.mulf %[[SHARED]], %[[C]]
// CHECK: arith.addf %[[LEFT]], %[[RIGHT]]
// CHECK: tile.store %{{.*}}, %arg6[%{{.*}}] dims [0, 1] rows %{{.*}} : vector<8x20xbf16>

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
// CHECK-SAME: %[[ARG2:.*]]: memref<?x20xf32> {plan.name = "result0", plan.output, plan.rows = #plan.expr<B>})
// CHECK: plan.launch @select_last_20_f32 grid [B, 1, 1] written [false, false, true](%[[ARG0]], %[[ARG1]], %[[ARG2]]

// The row of an empty sequence is zero: none of its rows is in use.
// CHECK-LABEL: tile.kernel @select_last_20_f32(%arg0: index
// CHECK: %[[USED:.*]] = arith.minsi
// CHECK: %[[LAST:.*]] = arith.maxsi
// CHECK: %[[ROW:.*]] = tile.load %arg3[%[[LAST]], %{{.*}}] dims [0, 1] rows %[[USED]] : memref<?x20xf32>, vector<1x20xf32>
// CHECK: tile.store %[[ROW]], %arg5[%arg0, %{{.*}}] dims [0, 1] : vector<1x20xf32>

func.func @select_last(%x: tensor<?x20xf32>, %cu: tensor<?xi32> {m1.dim = "B+1"}) -> (tensor<?x20xf32> {m1.dim = "B"}) {
  %r = m1.select_last %x, %cu : (tensor<?x20xf32>, tensor<?xi32>) -> tensor<?x20xf32>
  return %r : tensor<?x20xf32>
}

// -----

// CHECK: plan.symbols = {T = 512 : i64}
// CHECK-LABEL: plan.program @returns(
// CHECK-SAME: %[[ARG0:.*]]: memref<?x20xf32> {plan.name = "arg0", plan.rows = #plan.expr<T>}
// CHECK-SAME: %[[ARG1:.*]]: memref<?xi32> {plan.name = "arg1", plan.rows = #plan.expr<T>}
// CHECK-SAME: %[[ARG2:.*]]: memref<?x20xf32> {plan.name = "result0", plan.output, plan.rows = #plan.expr<T>}
// CHECK-SAME: %[[ARG3:.*]]: memref<?x20xf32> {plan.name = "result1", plan.output, plan.rows = #plan.expr<T>}
// CHECK-SAME: %[[ARG4:.*]]: memref<?x20xf32> {plan.name = "result2", plan.output, plan.rows = #plan.expr<T>}
// CHECK-SAME: %[[ARG5:.*]]: memref<?xi32> {plan.name = "result3", plan.output, plan.rows = #plan.expr<T>})
// CHECK: %[[V0:.*]] = plan.scalar T
// CHECK: plan.launch @silu_f32_f32_20 grid [T ceildiv 8, 1, 1] written [false, true, false](%[[ARG0]], %[[ARG2]], %[[V0]]
// CHECK: plan.copy %[[ARG2]] to %[[ARG3]] : memref<?x20xf32>
// CHECK: plan.copy %[[ARG0]] to %[[ARG4]] : memref<?x20xf32>
// CHECK: plan.copy %[[ARG1]] to %[[ARG5]] : memref<?xi32>
// CHECK: plan.return

func.func @returns(%x: tensor<?x20xf32>, %y: tensor<?xi32>) -> (tensor<?x20xf32>, tensor<?x20xf32>, tensor<?x20xf32>, tensor<?xi32>) {
  %r = m1.silu %x : (tensor<?x20xf32>) -> tensor<?x20xf32>
  return %r, %r, %x, %y : tensor<?x20xf32>, tensor<?x20xf32>, tensor<?x20xf32>, tensor<?xi32>
}

// -----

// CHECK: plan.symbols = {T = 512 : i64}
// CHECK-LABEL: plan.program @known_rows(
// CHECK-SAME: %[[ARG0:.*]]: memref<?x2x3xf32> {plan.name = "arg0", plan.rows = #plan.expr<4>}
// CHECK-SAME: %[[ARG1:.*]]: memref<?x2x3xf32> {plan.name = "arg1", plan.rows = #plan.expr<T>}
// CHECK-SAME: %[[ARG2:.*]]: memref<?x2x3xbf16> {plan.name = "result0", plan.output, plan.rows = #plan.expr<4>}
// CHECK-SAME: %[[ARG3:.*]]: memref<?x2x3xbf16> {plan.name = "result1", plan.output, plan.rows = #plan.expr<T>})
// CHECK: %[[V0:.*]] = plan.view %[[ARG0]] at 0 : memref<?x2x3xf32> to memref<?x6xf32>
// CHECK: %[[V1:.*]] = plan.view %[[ARG2]] at 0 : memref<?x2x3xbf16> to memref<?x6xbf16>
// CHECK: %[[V2:.*]] = plan.scalar 4
// CHECK: plan.launch @cast_f32_bf16_6 grid [4 ceildiv 8, 1, 1] written [false, true, false](%[[V0]], %[[V1]], %[[V2]]
// CHECK: %[[V3:.*]] = plan.view %[[ARG1]] at 0 : memref<?x2x3xf32> to memref<?x6xf32>
// CHECK: %[[V4:.*]] = plan.view %[[ARG3]] at 0 : memref<?x2x3xbf16> to memref<?x6xbf16>
// CHECK: %[[V5:.*]] = plan.scalar T
// CHECK: plan.launch @cast_f32_bf16_6 grid [T ceildiv 8, 1, 1] written [false, true, false](%[[V3]], %[[V4]], %[[V5]]

func.func @known_rows(%x: tensor<4x2x3xf32>, %y: tensor<?x2x3xf32>) -> (tensor<4x2x3xbf16>, tensor<?x2x3xbf16>) {
  %0 = m1.cast %x : tensor<4x2x3xf32> to tensor<4x2x3xbf16>
  %1 = m1.cast %y : tensor<?x2x3xf32> to tensor<?x2x3xbf16>
  return %0, %1 : tensor<4x2x3xbf16>, tensor<?x2x3xbf16>
}
