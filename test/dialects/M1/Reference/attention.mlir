// Heads, rotary embedding and attention, computed by hand.
// RUN: rm -rf %t && %python %S/check.py %s %t | FileCheck %s
// CHECK: 9 functions agree

// Head by head, and q, k, v inside each head.
func.func @split_qkv() -> (tensor<1x2x2xf32>, tensor<1x2x2xf32>, tensor<1x2x2xf32>, tensor<1x2x2xf64>, tensor<1x2x2xf64>, tensor<1x2x2xf64>) {
  %x = arith.constant dense<[[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0]]> : tensor<1x12xf32>
  %q, %k, %v = m1.split_qkv %x : (tensor<1x12xf32>) -> (tensor<1x2x2xf32>, tensor<1x2x2xf32>, tensor<1x2x2xf32>)
  %0 = arith.constant dense<[[[1.0, 2.0], [7.0, 8.0]]]> : tensor<1x2x2xf64>
  %1 = arith.constant dense<[[[3.0, 4.0], [9.0, 10.0]]]> : tensor<1x2x2xf64>
  %2 = arith.constant dense<[[[5.0, 6.0], [11.0, 12.0]]]> : tensor<1x2x2xf64>
  return %q, %k, %v, %0, %1, %2 : tensor<1x2x2xf32>, tensor<1x2x2xf32>, tensor<1x2x2xf32>, tensor<1x2x2xf64>, tensor<1x2x2xf64>, tensor<1x2x2xf64>
}

func.func @heads() -> (tensor<1x2x3xf32>, tensor<1x6xf32>, tensor<1x2x3xf64>, tensor<1x6xf64>) {
  %x = arith.constant dense<[[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]]> : tensor<1x6xf32>
  %0 = m1.split_heads %x : (tensor<1x6xf32>) -> tensor<1x2x3xf32>
  %1 = m1.merge_heads %0 : (tensor<1x2x3xf32>) -> tensor<1x6xf32>
  %2 = arith.constant dense<[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]]> : tensor<1x2x3xf64>
  %3 = arith.constant dense<[[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]]> : tensor<1x6xf64>
  return %0, %1, %2, %3 : tensor<1x2x3xf32>, tensor<1x6xf32>, tensor<1x2x3xf64>, tensor<1x6xf64>
}

// Position 0 turns nothing. At position 3 components 0 and 2 turn by 3, 1 and 3 by 3 * 100^(-1/2) = 0.3; the fifth passes.
func.func @rotary() -> (tensor<2x1x5xf32>, tensor<2x1x5xf64>) {
  %x = arith.constant dense<[[[1.0, 2.0, 3.0, 4.0, 5.0]], [[1.0, 0.0, 0.0, 1.0, 5.0]]]> : tensor<2x1x5xf32>
  %p = arith.constant dense<[0, 3]> : tensor<2xi32>
  %0 = m1.rotary %x, %p theta 100.0 dims 4 : (tensor<2x1x5xf32>, tensor<2xi32>) -> tensor<2x1x5xf32>
  // [cos 3, -sin 0.3, sin 3, cos 0.3, 5]
  %1 = arith.constant dense<[[[1.0, 2.0, 3.0, 4.0, 5.0]],
    [[-0.98999249660044546, -0.29552020666133958, 0.14112000805986722, 0.95533648912560602, 5.0]]]> : tensor<2x1x5xf64>
  return %0, %1 : tensor<2x1x5xf32>, tensor<2x1x5xf64>
}

m1.state @lightning : !m1.lightning_state<1 x 1, chunk = 2, f32>

// One component, decay 1/2, keys 1: o_t = q_t (v_t + v_{t-1}/2 + v_{t-2}/4 + ...), with v = 1, 2, 3.
func.func @lightning_decay() -> (tensor<3x1x1xf32>, tensor<3x1x1xf64>) {
  %q = arith.constant dense<[[[1.0]], [[1.0]], [[10.0]]]> : tensor<3x1x1xf32>
  %k = arith.constant dense<1.0> : tensor<3x1x1xf32>
  %v = arith.constant dense<[[[1.0]], [[2.0]], [[3.0]]]> : tensor<3x1x1xf32>
  %p = arith.constant dense<[0, 1, 2]> : tensor<3xi32>
  %cu = arith.constant dense<[0, 3]> : tensor<2xi32>
  %slots = arith.constant dense<[0]> : tensor<1xi32>
  %s = m1.read_state @lightning : !m1.lightning_state<1 x 1, chunk = 2, f32>
  %0, %s2 = m1.lightning_attention %q, %k, %v, %s at (%p, %cu, %slots) slopes [0.69314718055994529]
    : (tensor<3x1x1xf32>, tensor<3x1x1xf32>, tensor<3x1x1xf32>, !m1.lightning_state<1 x 1, chunk = 2, f32>, tensor<3xi32>, tensor<2xi32>, tensor<1xi32>)
    -> (tensor<3x1x1xf32>, !m1.lightning_state<1 x 1, chunk = 2, f32>)
  m1.write_state %s2, @lightning : !m1.lightning_state<1 x 1, chunk = 2, f32>
  %1 = arith.constant dense<[[[1.0]], [[2.5]], [[42.5]]]> : tensor<3x1x1xf64>
  return %0, %1 : tensor<3x1x1xf32>, tensor<3x1x1xf64>
}

// S is k v^T, not v k^T, and each head has its own: with k = (1, 0), v = (0, 5), q = (2, 7), the result is 2 v; with
// k = (0, 1) in the second head 7 v.
func.func @lightning_outer_product() -> (tensor<1x2x2xf32>, tensor<1x2x2xf64>) {
  %q = arith.constant dense<[[[2.0, 7.0], [2.0, 7.0]]]> : tensor<1x2x2xf32>
  %k = arith.constant dense<[[[1.0, 0.0], [0.0, 1.0]]]> : tensor<1x2x2xf32>
  %v = arith.constant dense<[[[0.0, 5.0], [0.0, 5.0]]]> : tensor<1x2x2xf32>
  %p = arith.constant dense<[0]> : tensor<1xi32>
  %cu = arith.constant dense<[0, 1]> : tensor<2xi32>
  %s = m1.read_state @two_heads : !m1.lightning_state<2 x 2, chunk = 2, f32>
  %0, %s2 = m1.lightning_attention %q, %k, %v, %s at (%p, %cu, %p) slopes [0.5, 0.0]
    : (tensor<1x2x2xf32>, tensor<1x2x2xf32>, tensor<1x2x2xf32>, !m1.lightning_state<2 x 2, chunk = 2, f32>, tensor<1xi32>, tensor<2xi32>, tensor<1xi32>)
    -> (tensor<1x2x2xf32>, !m1.lightning_state<2 x 2, chunk = 2, f32>)
  m1.write_state %s2, @two_heads : !m1.lightning_state<2 x 2, chunk = 2, f32>
  %1 = arith.constant dense<[[[0.0, 10.0], [0.0, 35.0]]]> : tensor<1x2x2xf64>
  return %0, %1 : tensor<1x2x2xf32>, tensor<1x2x2xf64>
}
m1.state @two_heads : !m1.lightning_state<2 x 2, chunk = 2, f32>

// One token each for the sequences of slots 3 and 1, twice; then slot 3 goes on and slot 1 starts anew. Without decay a
// sequence's output is the sum of its values so far.
func.func private @step(%v: tensor<2x1x1xf32>, %p: tensor<2xi32>) -> tensor<2x1x1xf32> {
  %one = arith.constant dense<1.0> : tensor<2x1x1xf32>
  %cu = arith.constant dense<[0, 1, 2]> : tensor<3xi32>
  %slots = arith.constant dense<[3, 1]> : tensor<2xi32>
  %s = m1.read_state @lightning : !m1.lightning_state<1 x 1, chunk = 2, f32>
  %0, %s2 = m1.lightning_attention %one, %one, %v, %s at (%p, %cu, %slots) slopes [0.0]
    : (tensor<2x1x1xf32>, tensor<2x1x1xf32>, tensor<2x1x1xf32>, !m1.lightning_state<1 x 1, chunk = 2, f32>, tensor<2xi32>, tensor<3xi32>, tensor<2xi32>)
    -> (tensor<2x1x1xf32>, !m1.lightning_state<1 x 1, chunk = 2, f32>)
  m1.write_state %s2, @lightning : !m1.lightning_state<1 x 1, chunk = 2, f32>
  return %0 : tensor<2x1x1xf32>
}
func.func @lightning_slots() -> (tensor<2x1x1xf32>, tensor<2x1x1xf32>, tensor<2x1x1xf32>, tensor<2x1x1xf64>, tensor<2x1x1xf64>, tensor<2x1x1xf64>) {
  %v0 = arith.constant dense<[[[1.0]], [[10.0]]]> : tensor<2x1x1xf32>
  %p0 = arith.constant dense<0> : tensor<2xi32>
  %p1 = arith.constant dense<1> : tensor<2xi32>
  %p2 = arith.constant dense<[2, 0]> : tensor<2xi32>
  %0 = func.call @step(%v0, %p0) : (tensor<2x1x1xf32>, tensor<2xi32>) -> tensor<2x1x1xf32>
  %1 = func.call @step(%v0, %p1) : (tensor<2x1x1xf32>, tensor<2xi32>) -> tensor<2x1x1xf32>
  %2 = func.call @step(%v0, %p2) : (tensor<2x1x1xf32>, tensor<2xi32>) -> tensor<2x1x1xf32>
  %e0 = arith.constant dense<[[[1.0]], [[10.0]]]> : tensor<2x1x1xf64>
  %e1 = arith.constant dense<[[[2.0]], [[20.0]]]> : tensor<2x1x1xf64>
  %e2 = arith.constant dense<[[[3.0]], [[10.0]]]> : tensor<2x1x1xf64>
  return %0, %1, %2, %e0, %e1, %e2 : tensor<2x1x1xf32>, tensor<2x1x1xf32>, tensor<2x1x1xf32>, tensor<2x1x1xf64>, tensor<2x1x1xf64>, tensor<2x1x1xf64>
}

m1.state @cache : !m1.kv_cache<1 x 1, f32>

// Two query heads share one key/value head. q = 0 weighs all keys alike. q k = 0, ln 3 weighs the second three times.
func.func @softmax() -> (tensor<2x2x1xf32>, tensor<2x2x1xf64>) {
  %q = arith.constant dense<[[[0.0], [1.0]], [[0.0], [1.0]]]> : tensor<2x2x1xf32>
  %k = arith.constant dense<[[[0.0]], [[2.1972245773362196]]]> : tensor<2x1x1xf64>
  %k32 = m1.cast %k : tensor<2x1x1xf64> to tensor<2x1x1xf32>
  %v = arith.constant dense<[[[4.0]], [[8.0]]]> : tensor<2x1x1xf32>
  %p = arith.constant dense<[0, 1]> : tensor<2xi32>
  %cu = arith.constant dense<[0, 2]> : tensor<2xi32>
  %slots = arith.constant dense<[0]> : tensor<1xi32>
  %s = m1.read_state @cache : !m1.kv_cache<1 x 1, f32>
  %0, %s2 = m1.softmax_attention %q, %k32, %v, %s at (%p, %cu, %slots) scale 0.5
    : (tensor<2x2x1xf32>, tensor<2x1x1xf32>, tensor<2x1x1xf32>, !m1.kv_cache<1 x 1, f32>, tensor<2xi32>, tensor<2xi32>, tensor<1xi32>)
    -> (tensor<2x2x1xf32>, !m1.kv_cache<1 x 1, f32>)
  m1.write_state %s2, @cache : !m1.kv_cache<1 x 1, f32>
  %1 = arith.constant dense<[[[4.0], [4.0]], [[6.0], [7.0]]]> : tensor<2x2x1xf64>
  return %0, %1 : tensor<2x2x1xf32>, tensor<2x2x1xf64>
}

// The second call sees the keys of the first; a function that does not write the state leaves it as it was.
func.func private @peek(%v: tensor<1x1x1xf32>, %p: tensor<1xi32>) -> tensor<1x1x1xf32> {
  %q = arith.constant dense<0.0> : tensor<1x1x1xf32>
  %cu = arith.constant dense<[0, 1]> : tensor<2xi32>
  %slots = arith.constant dense<[5]> : tensor<1xi32>
  %s = m1.read_state @cache : !m1.kv_cache<1 x 1, f32>
  %0, %s2 = m1.softmax_attention %q, %v, %v, %s at (%p, %cu, %slots) scale 1.0
    : (tensor<1x1x1xf32>, tensor<1x1x1xf32>, tensor<1x1x1xf32>, !m1.kv_cache<1 x 1, f32>, tensor<1xi32>, tensor<2xi32>, tensor<1xi32>)
    -> (tensor<1x1x1xf32>, !m1.kv_cache<1 x 1, f32>)
  return %0 : tensor<1x1x1xf32>
}
func.func private @append(%v: tensor<1x1x1xf32>, %p: tensor<1xi32>) -> tensor<1x1x1xf32> {
  %q = arith.constant dense<0.0> : tensor<1x1x1xf32>
  %cu = arith.constant dense<[0, 1]> : tensor<2xi32>
  %slots = arith.constant dense<[5]> : tensor<1xi32>
  %s = m1.read_state @cache : !m1.kv_cache<1 x 1, f32>
  %0, %s2 = m1.softmax_attention %q, %v, %v, %s at (%p, %cu, %slots) scale 1.0
    : (tensor<1x1x1xf32>, tensor<1x1x1xf32>, tensor<1x1x1xf32>, !m1.kv_cache<1 x 1, f32>, tensor<1xi32>, tensor<2xi32>, tensor<1xi32>)
    -> (tensor<1x1x1xf32>, !m1.kv_cache<1 x 1, f32>)
  m1.write_state %s2, @cache : !m1.kv_cache<1 x 1, f32>
  return %0 : tensor<1x1x1xf32>
}
func.func @softmax_cache() -> (tensor<1x1x1xf32>, tensor<1x1x1xf32>, tensor<1x1x1xf32>, tensor<1x1x1xf64>, tensor<1x1x1xf64>, tensor<1x1x1xf64>) {
  %a = arith.constant dense<2.0> : tensor<1x1x1xf32>
  %b = arith.constant dense<6.0> : tensor<1x1x1xf32>
  %c = arith.constant dense<10.0> : tensor<1x1x1xf32>
  %p0 = arith.constant dense<0> : tensor<1xi32>
  %p1 = arith.constant dense<1> : tensor<1xi32>
  %0 = func.call @append(%a, %p0) : (tensor<1x1x1xf32>, tensor<1xi32>) -> tensor<1x1x1xf32>
  %1 = func.call @peek(%b, %p1) : (tensor<1x1x1xf32>, tensor<1xi32>) -> tensor<1x1x1xf32>
  %2 = func.call @append(%c, %p1) : (tensor<1x1x1xf32>, tensor<1xi32>) -> tensor<1x1x1xf32>
  %e0 = arith.constant dense<2.0> : tensor<1x1x1xf64>
  %e1 = arith.constant dense<4.0> : tensor<1x1x1xf64>
  %e2 = arith.constant dense<6.0> : tensor<1x1x1xf64>
  return %0, %1, %2, %e0, %e1, %e2 : tensor<1x1x1xf32>, tensor<1x1x1xf32>, tensor<1x1x1xf32>, tensor<1x1x1xf64>, tensor<1x1x1xf64>, tensor<1x1x1xf64>
}

m1.state @pool : !m1.kv_cache<1 x 1, f32, block = 2>

// Blocks of two positions. q = 0 weighs all keys alike, so that a result is the mean of the sequence's values. The first
// call writes 1, 2, 3 to blocks 4 and 1, and 10 to block 0. In the second, the first sequence goes on with 6; the other,
// in a slot that was never used, begins at position 2 behind block 4, and has block 7 for its own 9.
func.func @softmax_blocks() -> (tensor<4x1x1xf32>, tensor<2x1x1xf32>, tensor<4x1x1xf64>, tensor<2x1x1xf64>) {
  %q = arith.constant dense<0.0> : tensor<4x1x1xf32>
  %v = arith.constant dense<[[[1.0]], [[2.0]], [[3.0]], [[10.0]]]> : tensor<4x1x1xf32>
  %p = arith.constant dense<[0, 1, 2, 0]> : tensor<4xi32>
  %cu = arith.constant dense<[0, 3, 4]> : tensor<3xi32>
  %slots = arith.constant dense<[3, 1]> : tensor<2xi32>
  %blocks = arith.constant dense<[[4, 1, 0], [0, 4, 4]]> : tensor<2x3xi32>
  %s = m1.read_state @pool : !m1.kv_cache<1 x 1, f32, block = 2>
  %0, %s2 = m1.softmax_attention %q, %v, %v, %s at (%p, %cu, %slots) blocks %blocks scale 1.0
    : (tensor<4x1x1xf32>, tensor<4x1x1xf32>, tensor<4x1x1xf32>, !m1.kv_cache<1 x 1, f32, block = 2>, tensor<4xi32>, tensor<3xi32>, tensor<2xi32>, tensor<2x3xi32>)
    -> (tensor<4x1x1xf32>, !m1.kv_cache<1 x 1, f32, block = 2>)
  %q2 = arith.constant dense<0.0> : tensor<2x1x1xf32>
  %v2 = arith.constant dense<[[[6.0]], [[9.0]]]> : tensor<2x1x1xf32>
  %p2 = arith.constant dense<[3, 2]> : tensor<2xi32>
  %cu2 = arith.constant dense<[0, 1, 2]> : tensor<3xi32>
  %slots2 = arith.constant dense<[3, 0]> : tensor<2xi32>
  %blocks2 = arith.constant dense<[[4, 1, 1], [4, 7, 4]]> : tensor<2x3xi32>
  %1, %s3 = m1.softmax_attention %q2, %v2, %v2, %s2 at (%p2, %cu2, %slots2) blocks %blocks2 scale 1.0
    : (tensor<2x1x1xf32>, tensor<2x1x1xf32>, tensor<2x1x1xf32>, !m1.kv_cache<1 x 1, f32, block = 2>, tensor<2xi32>, tensor<3xi32>, tensor<2xi32>, tensor<2x3xi32>)
    -> (tensor<2x1x1xf32>, !m1.kv_cache<1 x 1, f32, block = 2>)
  m1.write_state %s3, @pool : !m1.kv_cache<1 x 1, f32, block = 2>
  %2 = arith.constant dense<[[[1.0]], [[1.5]], [[2.0]], [[10.0]]]> : tensor<4x1x1xf64>
  %3 = arith.constant dense<[[[3.0]], [[4.0]]]> : tensor<2x1x1xf64>
  return %0, %1, %2, %3 : tensor<4x1x1xf32>, tensor<2x1x1xf32>, tensor<4x1x1xf64>, tensor<2x1x1xf64>
}
