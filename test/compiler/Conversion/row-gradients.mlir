// Gradients of rows and the optimiser: sums over tokens are launched over columns, and parameters of any shape share
// the optimiser's kernels.
// RUN: m1-opt %s --tile-set-target=name=x86-64-v3 --m1-to-plan --split-input-file | FileCheck %s

// CHECK-LABEL: plan.program @sums(
// CHECK-SAME: %[[DY:.*]]: memref<?x600xf32>
// CHECK-SAME: %[[X:.*]]: memref<?x600xbf16>
// CHECK-SAME: %[[TOKENS:.*]]: memref<?xi32> {plan.checks = [#plan.below<97>]
// CHECK: %[[TABLE:.*]] = plan.global_ref @table.value
// CHECK: plan.launch @embedding_gradient_600x97_f32 grid [3, 1, 1] (dy = %[[DY]] : memref<?x600xf32>, tokens = %[[TOKENS]]
// CHECK-SAME: state = %[[TABLE]] : memref<97x600xf32> written
// CHECK: %[[ROOTS:.*]] = plan.buffer rows T : memref<?xf32>
// CHECK: plan.launch @inverse_roots_600_bf16_f32_eps0p5 grid [T ceildiv 8, 1, 1] (x = %[[X]]
// CHECK-SAME: result = %[[ROOTS]] : memref<?xf32> written
// CHECK: plan.launch @rms_norm_weight_gradient_600_f32_bf16 grid [3, 1, 1]

// Every term is one multiply-add to what the loop carries from memory.
// CHECK-LABEL: tile.kernel @rms_norm_weight_gradient_600_f32_bf16
// CHECK: %[[BEFORE:.*]] = tile.load %state
// CHECK: %[[AFTER:.*]] = scf.for {{.*}} iter_args(%[[SUM:.*]] = %[[BEFORE]]) -> (vector<256xf32>) {
// CHECK: %[[NEXT:.*]] = math.fma %{{.*}}, %{{.*}}, %[[SUM]]
// CHECK-NEXT: scf.yield %[[NEXT]]
// CHECK: tile.store %[[AFTER]], %state

m1.state @table : !m1.tensor_state<97x600xf32>
m1.state @norm : !m1.tensor_state<600xf32>

func.func @sums(%dy: tensor<?x600xf32>, %x: tensor<?x600xbf16>, %tokens: tensor<?xi32>) {
  %s = m1.read_state @table : !m1.tensor_state<97x600xf32>
  %s2 = m1.embedding_gradient %dy, %tokens, %s : (tensor<?x600xf32>, tensor<?xi32>, !m1.tensor_state<97x600xf32>) -> !m1.tensor_state<97x600xf32>
  m1.write_state %s2, @table : !m1.tensor_state<97x600xf32>
  %n = m1.read_state @norm : !m1.tensor_state<600xf32>
  %n2 = m1.rms_norm_weight_gradient %dy, %x, %n eps 0.5 : (tensor<?x600xf32>, tensor<?x600xbf16>, !m1.tensor_state<600xf32>) -> !m1.tensor_state<600xf32>
  m1.write_state %n2, @norm : !m1.tensor_state<600xf32>
  return
}

// -----

// CHECK-LABEL: plan.program @norm(
// CHECK: %[[A:.*]] = plan.view %{{.*}} at 0 rows 2048 : memref<64x32xf32> to memref<?xf32>
// CHECK: plan.launch @squared_sums_f32_f64 grid [1, 1, 1] (state = %[[A]]
// CHECK: plan.launch @join_sums_f64 grid [1, 1, 1]
// CHECK: %[[B:.*]] = plan.view %{{.*}} at 0 rows 40000 : memref<40000xf32> to memref<?xf32>
// CHECK: plan.launch @squared_sums_f32_f64 grid [3, 1, 1] (state = %[[B]]
// CHECK: plan.launch @join_sums_f64 grid [1, 1, 1]
// CHECK-NOT: tile.kernel @squared_sums_f32_f64_2

m1.state @a : !m1.tensor_state<64x32xf32>
m1.state @b : !m1.tensor_state<40000xf32>

func.func @norm() -> tensor<1xf64> {
  %a = m1.read_state @a : !m1.tensor_state<64x32xf32>
  %0, %a2 = m1.squared_sum %a : (!m1.tensor_state<64x32xf32>) -> (tensor<1xf64>, !m1.tensor_state<64x32xf32>)
  m1.write_state %a2, @a : !m1.tensor_state<64x32xf32>
  %b = m1.read_state @b : !m1.tensor_state<40000xf32>
  %1, %b2 = m1.squared_sum %b : (!m1.tensor_state<40000xf32>) -> (tensor<1xf64>, !m1.tensor_state<40000xf32>)
  m1.write_state %b2, @b : !m1.tensor_state<40000xf32>
  return %1 : tensor<1xf64>
}
