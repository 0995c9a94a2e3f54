// The output head with the policy loss, computed by hand.
// RUN: rm -rf %t && %python %S/check.py %s %t | FileCheck %s
// CHECK: 6 functions agree

m1.state @sum : !m1.tensor_state<2x1xf32>
m1.state @sum4 : !m1.tensor_state<4x1xf32>

// Logits 0 and 0, so the log-probability is ln 1/2 and 1 - p = 1/2. Weights 1 and 0 of the only column: x_gradient is
// s / 2 for target 0, -s / 2 for target 1. Advantages 1 and ratios 1, 3, 9, 0.01, which 5 bounds to 1, 3, 5, 0.01; then
// advantage 0.5 and ratio 9, a derivative of -2.5; advantage 0; the bound again for a log-ratio of 200 and of 800, whose
// exponential is infinite.
func.func @ratios() -> (tensor<8xf32>, tensor<8xf32>, tensor<8x1xf32>, tensor<8xf64>, tensor<8xf64>, tensor<8x1xf64>) {
  %x = arith.constant dense<0.0> : tensor<8x1xf32>
  %w = arith.constant dense<[[1.0], [0.0]]> : tensor<2x1xf32>
  %y = arith.constant dense<[0, 0, 0, 0, 1, 0, 0, 1]> : tensor<8xi32>
  // ln 1/2 less the logarithm of the ratio
  %old = arith.constant dense<[-0.69314718055994529, -1.7917594692280550, -2.8903717578961645, 3.9120230054281460, -2.8903717578961645, -2.8903717578961645, -200.69314718055994, -800.69314718055994]> : tensor<8xf64>
  %o = m1.cast %old : tensor<8xf64> to tensor<8xf32>
  %a = arith.constant dense<[1.0, 1.0, 1.0, 1.0, 0.5, 0.0, 1.0, -1.0]> : tensor<8xf32>
  %g = arith.constant dense<1.0> : tensor<8xf32>
  %t = arith.constant dense<1.0> : tensor<1xf32>
  %b = arith.constant dense<[0.0, 5.0, 0.0, 3.0e38]> : tensor<4xf32>
  %s = m1.read_state @sum : !m1.tensor_state<2x1xf32>
  %p, %h, %dx, %n = m1.policy_head %x, %w, %y old %o advantages %a weights %g temperature %t bounds %b, %s
    : (tensor<8x1xf32>, tensor<2x1xf32>, tensor<8xi32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<1xf32>, tensor<4xf32>, !m1.tensor_state<2x1xf32>)
    -> (tensor<8xf32>, tensor<8xf32>, tensor<8x1xf32>, !m1.tensor_state<2x1xf32>)
  m1.write_state %n, @sum : !m1.tensor_state<2x1xf32>
  %0 = arith.constant dense<-0.69314718055994529> : tensor<8xf64>
  %1 = arith.constant dense<0.69314718055994529> : tensor<8xf64>
  %2 = arith.constant dense<[[-0.5], [-1.5], [-2.5], [-0.005], [1.25], [0.0], [-2.5], [-2.5]]> : tensor<8x1xf64>
  return %p, %h, %dx, %0, %1, %2 : tensor<8xf32>, tensor<8xf32>, tensor<8x1xf32>, tensor<8xf64>, tensor<8xf64>, tensor<8x1xf64>
}

// Bounds 0.9 to 5, masks below 0.5 and above 1. Ratios 1 and 2 with advantage 1: 1 is not above the mask, 2 is. With
// advantage -1, 2 is not masked; 0.5 is not below the mask, and raised to 0.9; 0.25 is. The last has no advantage.
func.func @masks() -> (tensor<6x1xf32>, tensor<6x1xf64>) {
  %x = arith.constant dense<0.0> : tensor<6x1xf32>
  %w = arith.constant dense<[[1.0], [0.0]]> : tensor<2x1xf32>
  %y = arith.constant dense<0> : tensor<6xi32>
  %old = arith.constant dense<[-0.69314718055994529, -1.3862943611198906, -1.3862943611198906, 0.0, 0.69314718055994529, 0.69314718055994529]> : tensor<6xf64>
  %o = m1.cast %old : tensor<6xf64> to tensor<6xf32>
  %a = arith.constant dense<[1.0, 1.0, -1.0, -1.0, -1.0, 0.0]> : tensor<6xf32>
  %g = arith.constant dense<1.0> : tensor<6xf32>
  %t = arith.constant dense<1.0> : tensor<1xf32>
  %b = arith.constant dense<[0.9, 5.0, 0.5, 1.0]> : tensor<4xf64>
  %c = m1.cast %b : tensor<4xf64> to tensor<4xf32>
  %s = m1.read_state @sum : !m1.tensor_state<2x1xf32>
  %p, %h, %dx, %n = m1.policy_head %x, %w, %y old %o advantages %a weights %g temperature %t bounds %c, %s
    : (tensor<6x1xf32>, tensor<2x1xf32>, tensor<6xi32>, tensor<6xf32>, tensor<6xf32>, tensor<6xf32>, tensor<1xf32>, tensor<4xf32>, !m1.tensor_state<2x1xf32>)
    -> (tensor<6xf32>, tensor<6xf32>, tensor<6x1xf32>, !m1.tensor_state<2x1xf32>)
  m1.write_state %n, @sum : !m1.tensor_state<2x1xf32>
  %0 = arith.constant dense<[[-0.5], [0.0], [1.0], [0.45], [0.0], [0.0]]> : tensor<6x1xf64>
  return %dx, %0 : tensor<6x1xf32>, tensor<6x1xf64>
}

// Logits 20, 0, 0, 0. The target has 1 - p = 3 e^-20 / (1 + 3 e^-20), s is -1: its logit's gradient is -(1 - p), which is
// x_gradient, as the other weights are 0; the others' is p. Times x they are added to the state, twice. The entropy is
// log1p(3 e^-20) + 60 e^-20 / (1 + 3 e^-20).
func.func @almost_certain() -> (tensor<1xf32>, tensor<1xf32>, tensor<1x1xf32>, tensor<4x1xf32>, tensor<1xf64>, tensor<1xf64>, tensor<1x1xf64>, tensor<4x1xf64>) {
  %x = arith.constant dense<20.0> : tensor<1x1xf32>
  %w = arith.constant dense<[[1.0], [0.0], [0.0], [0.0]]> : tensor<4x1xf32>
  %y = arith.constant dense<0> : tensor<1xi32>
  %old = arith.constant dense<-6.183460848198079e-09> : tensor<1xf64>
  %o = m1.cast %old : tensor<1xf64> to tensor<1xf32>
  %a = arith.constant dense<1.0> : tensor<1xf32>
  %t = arith.constant dense<1.0> : tensor<1xf32>
  %b = arith.constant dense<[0.0, 5.0, 0.0, 3.0e38]> : tensor<4xf32>
  %s = m1.read_state @sum4 : !m1.tensor_state<4x1xf32>
  %p, %h, %dx, %s1 = m1.policy_head %x, %w, %y old %o advantages %a weights %a temperature %t bounds %b, %s
    : (tensor<1x1xf32>, tensor<4x1xf32>, tensor<1xi32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<4xf32>, !m1.tensor_state<4x1xf32>)
    -> (tensor<1xf32>, tensor<1xf32>, tensor<1x1xf32>, !m1.tensor_state<4x1xf32>)
  %p2, %h2, %dx2, %s2 = m1.policy_head %x, %w, %y old %o advantages %a weights %a temperature %t bounds %b, %s1
    : (tensor<1x1xf32>, tensor<4x1xf32>, tensor<1xi32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<4xf32>, !m1.tensor_state<4x1xf32>)
    -> (tensor<1xf32>, tensor<1xf32>, tensor<1x1xf32>, !m1.tensor_state<4x1xf32>)
  %dw, %n = m1.state_value %s2 : (!m1.tensor_state<4x1xf32>) -> (tensor<4x1xf32>, !m1.tensor_state<4x1xf32>)
  m1.write_state %n, @sum4 : !m1.tensor_state<4x1xf32>
  %0 = arith.constant dense<-6.183460848198079e-09> : tensor<1xf64>
  %1 = arith.constant dense<1.298526774298078e-07> : tensor<1xf64>
  %2 = arith.constant dense<-6.183460829080485e-09> : tensor<1x1xf64>
  %3 = arith.constant dense<[[-2.473384331632194e-07], [8.24461443877398e-08], [8.24461443877398e-08], [8.24461443877398e-08]]> : tensor<4x1xf64>
  return %p2, %h2, %dx2, %dw, %0, %1, %2, %3 : tensor<1xf32>, tensor<1xf32>, tensor<1x1xf32>, tensor<4x1xf32>, tensor<1xf64>, tensor<1xf64>, tensor<1x1xf64>, tensor<4x1xf64>
}

// Logits 2 and 0 at temperature 1/2: those of 4 and 0. s = -1 and 1 / temperature = 2.
func.func @temperature() -> (tensor<1xf32>, tensor<1xf32>, tensor<1x1xf32>, tensor<2x1xf32>, tensor<1xf64>, tensor<1xf64>, tensor<1x1xf64>, tensor<2x1xf64>) {
  %x = arith.constant dense<2.0> : tensor<1x1xf32>
  %w = arith.constant dense<[[1.0], [0.0]]> : tensor<2x1xf32>
  %y = arith.constant dense<0> : tensor<1xi32>
  %old = arith.constant dense<-0.01814992791780974> : tensor<1xf64>
  %o = m1.cast %old : tensor<1xf64> to tensor<1xf32>
  %a = arith.constant dense<1.0> : tensor<1xf32>
  %t = arith.constant dense<0.5> : tensor<1xf32>
  %b = arith.constant dense<[0.0, 5.0, 0.0, 3.0e38]> : tensor<4xf32>
  %s = m1.read_state @sum : !m1.tensor_state<2x1xf32>
  %p, %h, %dx, %s1 = m1.policy_head %x, %w, %y old %o advantages %a weights %a temperature %t bounds %b, %s
    : (tensor<1x1xf32>, tensor<2x1xf32>, tensor<1xi32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<4xf32>, !m1.tensor_state<2x1xf32>)
    -> (tensor<1xf32>, tensor<1xf32>, tensor<1x1xf32>, !m1.tensor_state<2x1xf32>)
  %dw, %n = m1.state_value %s1 : (!m1.tensor_state<2x1xf32>) -> (tensor<2x1xf32>, !m1.tensor_state<2x1xf32>)
  m1.write_state %n, @sum : !m1.tensor_state<2x1xf32>
  %0 = arith.constant dense<-0.01814992791780974> : tensor<1xf64>
  %1 = arith.constant dense<0.09009476776617598> : tensor<1xf64>
  %2 = arith.constant dense<-0.03597241992418312> : tensor<1x1xf64>
  %3 = arith.constant dense<[[-0.07194483984836623], [0.07194483984836623]]> : tensor<2x1xf64>
  return %p, %h, %dx, %dw, %0, %1, %2, %3 : tensor<1xf32>, tensor<1xf32>, tensor<1x1xf32>, tensor<2x1xf32>, tensor<1xf64>, tensor<1xf64>, tensor<1x1xf64>, tensor<2x1xf64>
}

// Tokens of weight 0 add nothing, whatever else they are given. The second token is at the temperature 1 that 0 stands for:
// s = -3.
func.func @weight_zero() -> (tensor<3xf32>, tensor<3x1xf32>, tensor<2x1xf32>, tensor<3xf64>, tensor<3x1xf64>, tensor<2x1xf64>) {
  %x = arith.constant dense<[[0.0], [0.0], [0.0]]> : tensor<3x1xf32>
  %w = arith.constant dense<[[1.0], [0.0]]> : tensor<2x1xf32>
  %y = arith.constant dense<0> : tensor<3xi32>
  %old = arith.constant dense<[0x7FF8000000000000, -0.69314718055994529, -0.69314718055994529]> : tensor<3xf64>
  %o = m1.cast %old : tensor<3xf64> to tensor<3xf32>
  %a = arith.constant dense<[1.0, 1.5, 0x7FC00000]> : tensor<3xf32>
  %g = arith.constant dense<[0.0, 2.0, 0.0]> : tensor<3xf32>
  %t = arith.constant dense<0.0> : tensor<1xf32>
  %b = arith.constant dense<[0.0, 5.0, 0.0, 3.0e38]> : tensor<4xf32>
  %s = m1.read_state @sum : !m1.tensor_state<2x1xf32>
  %p, %h, %dx, %s1 = m1.policy_head %x, %w, %y old %o advantages %a weights %g temperature %t bounds %b, %s
    : (tensor<3x1xf32>, tensor<2x1xf32>, tensor<3xi32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<1xf32>, tensor<4xf32>, !m1.tensor_state<2x1xf32>)
    -> (tensor<3xf32>, tensor<3xf32>, tensor<3x1xf32>, !m1.tensor_state<2x1xf32>)
  %dw, %n = m1.state_value %s1 : (!m1.tensor_state<2x1xf32>) -> (tensor<2x1xf32>, !m1.tensor_state<2x1xf32>)
  m1.write_state %n, @sum : !m1.tensor_state<2x1xf32>
  %0 = arith.constant dense<-0.69314718055994529> : tensor<3xf64>
  %1 = arith.constant dense<[[0.0], [-1.5], [0.0]]> : tensor<3x1xf64>
  %2 = arith.constant dense<0.0> : tensor<2x1xf64>
  return %p, %dx, %dw, %0, %1, %2 : tensor<3xf32>, tensor<3x1xf32>, tensor<2x1xf32>, tensor<3xf64>, tensor<3x1xf64>, tensor<2x1xf64>
}

// Without an upper bound a ratio may overflow; an advantage of 0 is still 0.
func.func @unbounded() -> (tensor<1x1xf32>, tensor<1x1xf64>) {
  %x = arith.constant dense<0.0> : tensor<1x1xf32>
  %w = arith.constant dense<[[1.0], [0.0]]> : tensor<2x1xf32>
  %y = arith.constant dense<0> : tensor<1xi32>
  %o = arith.constant dense<-800.0> : tensor<1xf32>
  %a = arith.constant dense<0.0> : tensor<1xf32>
  %t = arith.constant dense<1.0> : tensor<1xf32>
  %b = arith.constant dense<[0.0, 0x7F800000, 0.0, 0x7F800000]> : tensor<4xf32>
  %s = m1.read_state @sum : !m1.tensor_state<2x1xf32>
  %p, %h, %dx, %n = m1.policy_head %x, %w, %y old %o advantages %a weights %t temperature %t bounds %b, %s
    : (tensor<1x1xf32>, tensor<2x1xf32>, tensor<1xi32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<4xf32>, !m1.tensor_state<2x1xf32>)
    -> (tensor<1xf32>, tensor<1xf32>, tensor<1x1xf32>, !m1.tensor_state<2x1xf32>)
  m1.write_state %n, @sum : !m1.tensor_state<2x1xf32>
  %0 = arith.constant dense<0.0> : tensor<1x1xf64>
  return %dx, %0 : tensor<1x1xf32>, tensor<1x1xf64>
}
