// plan.checks lists, per argument, what a program requires of the elements: each
// requirement once, and of several limits the lowest.
// RUN: m1-opt %s --tile-set-target=name=x86-64-v3 --m1-to-plan="tokens=100 slots=3 length=200" --split-input-file | FileCheck %s

m1.parameter @large : tensor<97x8xf32> from [#m1.source<"large">]
m1.parameter @small : tensor<41x8xf32> from [#m1.source<"small">]

// CHECK-LABEL: plan.program @two_tables(
// CHECK-SAME: %arg0: memref<?xi32> {plan.checks = [#plan.below<41>], plan.name = "arg0"
// CHECK-SAME: %arg1: memref<?xf32> {plan.name = "result0"
func.func @two_tables(%tokens: tensor<?xi32>) -> tensor<?xf32> {
  %l = m1.load_parameter @large : tensor<97x8xf32>
  %s = m1.load_parameter @small : tensor<41x8xf32>
  %0 = m1.embedding %tokens, %l : (tensor<?xi32>, tensor<97x8xf32>) -> tensor<?x8xf32>
  %1 = m1.embedding %tokens, %s : (tensor<?xi32>, tensor<41x8xf32>) -> tensor<?x8xf32>
  %2 = m1.residual %0, %1 alpha 1.0 beta 1.0 : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %3 = m1.head_log_prob %2, %l, %tokens : (tensor<?x8xf32>, tensor<97x8xf32>, tensor<?xi32>) -> tensor<?xf32>
  return %3 : tensor<?xf32>
}

// Tokens that m1.sample draws are known to be in range and need no check.
// CHECK-LABEL: plan.program @made_here(
// CHECK-NOT: plan.checks
// CHECK: plan.return
func.func @made_here(%x: tensor<?x41xf32> {m1.dim = "B"}, %t: tensor<?xf32> {m1.dim = "B"}, %k: tensor<?xi32> {m1.dim = "B"},
                     %seeds: tensor<?xi64> {m1.dim = "B"}) -> (tensor<?xf32> {m1.dim = "B"}, tensor<?x8xf32> {m1.dim = "B"}, tensor<?xi32> {m1.dim = "B"}) {
  %l = m1.load_parameter @large : tensor<97x8xf32>
  %drawn = m1.sample %x temperature %t top_p %t top_k %k seeds %seeds positions %k
    : (tensor<?x41xf32>, tensor<?xf32>, tensor<?xf32>, tensor<?xi32>, tensor<?xi64>, tensor<?xi32>) -> tensor<?xi32>
  %0 = m1.token_log_prob %x, %drawn : (tensor<?x41xf32>, tensor<?xi32>) -> tensor<?xf32>
  %1 = m1.embedding %drawn, %l : (tensor<?xi32>, tensor<97x8xf32>) -> tensor<?x8xf32>
  return %0, %1, %drawn : tensor<?xf32>, tensor<?x8xf32>, tensor<?xi32>
}

// -----

// Two attention ops of one batch require the same: each check is listed once.
// CHECK-LABEL: plan.program @two_layers(
// CHECK-SAME: %arg1: memref<?xi32> {plan.checks = [#plan.below<200>, #plan.consecutive<2>], plan.name = "arg1"
// CHECK-SAME: %arg2: memref<?xi32> {plan.checks = [#plan.offsets<T>], plan.name = "arg2"
// CHECK-SAME: %arg3: memref<?xi32> {plan.checks = [#plan.below<3>, #plan.unique], plan.name = "arg3"
m1.state @l : !m1.lightning_state<2 x 8, chunk = 16, f32>
m1.state @s : !m1.kv_cache<2 x 8, f32>
func.func @two_layers(%x: tensor<?x2x8xf32>, %p: tensor<?xi32>, %cu: tensor<?xi32> {m1.dim = "B+1"},
                      %slots: tensor<?xi32> {m1.dim = "B"}) -> tensor<?x2x8xf32> {
  %l = m1.read_state @l : !m1.lightning_state<2 x 8, chunk = 16, f32>
  %0, %l1 = m1.lightning_attention %x, %x, %x, %l at (%p, %cu, %slots) slopes [0.5, 0.25]
    : (tensor<?x2x8xf32>, tensor<?x2x8xf32>, tensor<?x2x8xf32>, !m1.lightning_state<2 x 8, chunk = 16, f32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>)
    -> (tensor<?x2x8xf32>, !m1.lightning_state<2 x 8, chunk = 16, f32>)
  m1.write_state %l1, @l : !m1.lightning_state<2 x 8, chunk = 16, f32>
  %s = m1.read_state @s : !m1.kv_cache<2 x 8, f32>
  %1, %s1 = m1.softmax_attention %0, %0, %0, %s at (%p, %cu, %slots) scale 0.5
    : (tensor<?x2x8xf32>, tensor<?x2x8xf32>, tensor<?x2x8xf32>, !m1.kv_cache<2 x 8, f32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>)
    -> (tensor<?x2x8xf32>, !m1.kv_cache<2 x 8, f32>)
  m1.write_state %s1, @s : !m1.kv_cache<2 x 8, f32>
  return %1 : tensor<?x2x8xf32>
}

// -----

// Rows of rules; two ops with the same rules require the same.
// CHECK: plan.symbols = {B = 3 : i64, R = 3 : i64}
// CHECK-LABEL: plan.program @rules(
// CHECK-SAME: %arg1: memref<?xi32> {plan.checks = [#plan.row_or_none<R>], plan.name = "arg1", plan.rows = #plan.expr<B>}
func.func @rules(%l: tensor<?x9xf32> {m1.dim = "B"}, %r: tensor<?xi32> {m1.dim = "B"}, %b: tensor<?x9xf32> {m1.dim = "R"}) -> (tensor<?x9xf32> {m1.dim = "B"}) {
  %0 = m1.adjust_logits %l rows %r bias %b repetition %b : (tensor<?x9xf32>, tensor<?xi32>, tensor<?x9xf32>, tensor<?x9xf32>) -> tensor<?x9xf32>
  %1 = m1.adjust_logits %0 rows %r bias %b repetition %b : (tensor<?x9xf32>, tensor<?xi32>, tensor<?x9xf32>, tensor<?x9xf32>) -> tensor<?x9xf32>
  return %1 : tensor<?x9xf32>
}
