// Gradients of operations on rows, computed by hand. At ln 3 the sigmoid is 3/4, at -ln 3 it is 1/4.
// RUN: rm -rf %t && %python %S/check.py %s %t | FileCheck %s
// CHECK: 11 functions agree

m1.state @table : !m1.tensor_state<3x2xf32>
m1.state @norm : !m1.tensor_state<2xf32>

// A token that occurs twice gets both rows; the state keeps what it held.
func.func @embedding_gradient() -> (tensor<3x2xf32>, tensor<3x2xf64>) {
  %dy = arith.constant dense<[[1.0, 2.0], [10.0, 20.0], [100.0, 200.0]]> : tensor<3x2xf32>
  %tokens = arith.constant dense<[2, 0, 2]> : tensor<3xi32>
  %0 = m1.read_state @table : !m1.tensor_state<3x2xf32>
  %1 = m1.embedding_gradient %dy, %tokens, %0 : (tensor<3x2xf32>, tensor<3xi32>, !m1.tensor_state<3x2xf32>) -> !m1.tensor_state<3x2xf32>
  %2 = m1.embedding_gradient %dy, %tokens, %1 : (tensor<3x2xf32>, tensor<3xi32>, !m1.tensor_state<3x2xf32>) -> !m1.tensor_state<3x2xf32>
  %3, %4 = m1.state_value %2 : (!m1.tensor_state<3x2xf32>) -> (tensor<3x2xf32>, !m1.tensor_state<3x2xf32>)
  m1.write_state %4, @table : !m1.tensor_state<3x2xf32>
  %5 = arith.constant dense<[[20.0, 40.0], [0.0, 0.0], [202.0, 404.0]]> : tensor<3x2xf64>
  return %3, %5 : tensor<3x2xf32>, tensor<3x2xf64>
}

// mean(x²) + eps = 12.5 + 3.5 = 16, s = 1/4, g = (2, 4), mean(g x) = 11: s (g - x s² 11).
// In a row of zeros s = 1/sqrt(3.5) and the gradient is s g.
func.func @rms_norm_gradient() -> (tensor<2x2xf32>, tensor<2x2xf64>) {
  %dy = arith.constant dense<[[2.0, 2.0], [1.0, -1.0]]> : tensor<2x2xf32>
  %x = arith.constant dense<[[3.0, 4.0], [0.0, 0.0]]> : tensor<2x2xf32>
  %w = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %0 = m1.rms_norm_gradient %dy, %x, %w eps 3.5 : (tensor<2x2xf32>, tensor<2x2xf32>, tensor<2xf32>) -> tensor<2x2xf32>
  %1 = arith.constant dense<[[-0.015625, 0.3125], [0.53452248382484879, -1.0690449676496976]]> : tensor<2x2xf64>
  return %0, %1 : tensor<2x2xf32>, tensor<2x2xf64>
}

// The rows' roots are 4 and 2: state += dy x / root, twice.
func.func @rms_norm_weight_gradient() -> (tensor<2xf32>, tensor<2xf64>) {
  %dy = arith.constant dense<[[2.0, -1.0], [1.0, 8.0]]> : tensor<2x2xf32>
  %x = arith.constant dense<[[3.0, 4.0], [1.0, 0.0]]> : tensor<2x2xf32>
  %0 = m1.read_state @norm : !m1.tensor_state<2xf32>
  %1 = m1.rms_norm_weight_gradient %dy, %x, %0 eps 3.5 : (tensor<2x2xf32>, tensor<2x2xf32>, !m1.tensor_state<2xf32>) -> !m1.tensor_state<2xf32>
  %2 = m1.rms_norm_weight_gradient %dy, %x, %1 eps 3.5 : (tensor<2x2xf32>, tensor<2x2xf32>, !m1.tensor_state<2xf32>) -> !m1.tensor_state<2xf32>
  %3, %4 = m1.state_value %2 : (!m1.tensor_state<2xf32>) -> (tensor<2xf32>, !m1.tensor_state<2xf32>)
  m1.write_state %4, @norm : !m1.tensor_state<2xf32>
  %5 = arith.constant dense<[4.0, -2.0]> : tensor<2xf64>
  return %3, %5 : tensor<2xf32>, tensor<2xf64>
}

func.func @scale() -> (tensor<1x2xf32>, tensor<1x2xf64>) {
  %x = arith.constant dense<[[3.0, -4.0]]> : tensor<1x2xf32>
  %0 = m1.scale %x by 0.1 : (tensor<1x2xf32>) -> tensor<1x2xf32>
  %1 = arith.constant dense<[[0.3, -0.4]]> : tensor<1x2xf64>
  return %0, %1 : tensor<1x2xf32>, tensor<1x2xf64>
}

// 3/4 (1 + ln 3 / 4), 1/4 (1 - 3 ln 3 / 4) and 1/2.
func.func @silu_gradient() -> (tensor<1x3xf32>, tensor<1x3xf64>) {
  %dy = arith.constant dense<[[1.0, 2.0, 4.0]]> : tensor<1x3xf32>
  %x = arith.constant dense<[[1.0986122886681098, -1.0986122886681098, 0.0]]> : tensor<1x3xf64>
  %0 = m1.silu_gradient %dy, %x : (tensor<1x3xf32>, tensor<1x3xf64>) -> tensor<1x3xf32>
  %1 = arith.constant dense<[[0.95598980412527059, 0.08802039174945882, 2.0]]> : tensor<1x3xf64>
  return %0, %1 : tensor<1x3xf32>, tensor<1x3xf64>
}

// s (1 - s) is 3/16, 3/16 and 1/4.
func.func @sigmoid_gate_gradient() -> (tensor<1x3xf32>, tensor<1x3xf64>) {
  %dy = arith.constant dense<[[1.0, 2.0, 4.0]]> : tensor<1x3xf32>
  %x = arith.constant dense<[[16.0, 16.0, 3.0]]> : tensor<1x3xf32>
  %gate = arith.constant dense<[[1.0986122886681098, -1.0986122886681098, 0.0]]> : tensor<1x3xf64>
  %0 = m1.sigmoid_gate_gradient %dy, %x, %gate : (tensor<1x3xf32>, tensor<1x3xf32>, tensor<1x3xf64>) -> tensor<1x3xf32>
  %1 = arith.constant dense<[[3.0, 6.0, 3.0]]> : tensor<1x3xf64>
  return %0, %1 : tensor<1x3xf32>, tensor<1x3xf64>
}

func.func @silu_mul_gradient() -> (tensor<1x3xf32>, tensor<1x3xf64>) {
  %dy = arith.constant dense<[[1.0, 2.0, 4.0]]> : tensor<1x3xf32>
  %a = arith.constant dense<[[1.0986122886681098, -1.0986122886681098, 0.0]]> : tensor<1x3xf64>
  %b = arith.constant dense<[[2.0, -1.0, 0.5]]> : tensor<1x3xf32>
  %0 = m1.silu_mul_gradient %dy, %a, %b : (tensor<1x3xf32>, tensor<1x3xf64>, tensor<1x3xf32>) -> tensor<1x3xf32>
  %1 = arith.constant dense<[[1.9119796082505412, -0.08802039174945882, 1.0]]> : tensor<1x3xf64>
  return %0, %1 : tensor<1x3xf32>, tensor<1x3xf64>
}

// dy (shared - moe) sums to 16 and to 6; times 3/16 and 1/4.
func.func @shared_mix_gradient() -> (tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x1xf32>, tensor<2x2xf64>, tensor<2x2xf64>, tensor<2x1xf64>) {
  %dy = arith.constant dense<[[4.0, -8.0], [1.0, 1.0]]> : tensor<2x2xf32>
  %moe = arith.constant dense<[[4.0, 8.0], [1.0, 1.0]]> : tensor<2x2xf32>
  %shared = arith.constant dense<[[0.0, 4.0], [3.0, 5.0]]> : tensor<2x2xf32>
  %c = arith.constant dense<[[1.0986122886681098], [0.0]]> : tensor<2x1xf64>
  %0:3 = m1.shared_mix_gradient %dy, %moe, %shared, %c : (tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x1xf64>) -> (tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x1xf32>)
  %1 = arith.constant dense<[[1.0, -2.0], [0.5, 0.5]]> : tensor<2x2xf64>
  %2 = arith.constant dense<[[3.0, -6.0], [0.5, 0.5]]> : tensor<2x2xf64>
  %3 = arith.constant dense<[[3.0], [1.5]]> : tensor<2x1xf64>
  return %0#0, %0#1, %0#2, %1, %2, %3 : tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x1xf32>, tensor<2x2xf64>, tensor<2x2xf64>, tensor<2x1xf64>
}

// Of each head q, then k, then v.
func.func @merge_qkv() -> (tensor<1x12xf32>, tensor<1x12xf64>) {
  %q = arith.constant dense<[[[0.0, 1.0], [6.0, 7.0]]]> : tensor<1x2x2xf32>
  %k = arith.constant dense<[[[2.0, 3.0], [8.0, 9.0]]]> : tensor<1x2x2xf32>
  %v = arith.constant dense<[[[4.0, 5.0], [10.0, 11.0]]]> : tensor<1x2x2xf32>
  %0 = m1.merge_qkv %q, %k, %v : (tensor<1x2x2xf32>, tensor<1x2x2xf32>, tensor<1x2x2xf32>) -> tensor<1x12xf32>
  %1 = arith.constant dense<[[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0]]> : tensor<1x12xf64>
  return %0, %1 : tensor<1x12xf32>, tensor<1x12xf64>
}

func.func @merge_split() -> (tensor<2x6xf32>, tensor<2x6xf32>) {
  %x = arith.constant dense<[[0.0, 1.0, 2.0, 3.0, 4.0, 5.0], [-1.0, -2.0, -3.0, -4.0, -5.0, -6.0]]> : tensor<2x6xf32>
  %q, %k, %v = m1.split_qkv %x : (tensor<2x6xf32>) -> (tensor<2x2x1xf32>, tensor<2x2x1xf32>, tensor<2x2x1xf32>)
  %0 = m1.merge_qkv %q, %k, %v : (tensor<2x2x1xf32>, tensor<2x2x1xf32>, tensor<2x2x1xf32>) -> tensor<2x6xf32>
  return %0, %x : tensor<2x6xf32>, tensor<2x6xf32>
}

// The inverse rotation of (1, 0) by 3, and the identity as rotation and inverse.
func.func @rotary_inverse() -> (tensor<1x1x3xf32>, tensor<1x1x3xf32>, tensor<1x1x3xf64>, tensor<1x1x3xf64>) {
  %x = arith.constant dense<[[[1.0, 0.0, 5.0]]]> : tensor<1x1x3xf64>
  %p = arith.constant dense<[3]> : tensor<1xi32>
  %0 = m1.rotary %x, %p theta 100.0 dims 2 inverse : (tensor<1x1x3xf64>, tensor<1xi32>) -> tensor<1x1x3xf32>
  %1 = m1.rotary %0, %p theta 100.0 dims 2 : (tensor<1x1x3xf32>, tensor<1xi32>) -> tensor<1x1x3xf32>
  %2 = arith.constant dense<[[[-0.98999249660044542, -0.14112000805986721, 5.0]]]> : tensor<1x1x3xf64>
  return %0, %1, %2, %x : tensor<1x1x3xf32>, tensor<1x1x3xf32>, tensor<1x1x3xf64>, tensor<1x1x3xf64>
}
