// Gradients of products, routers and experts, computed by hand.
// RUN: rm -rf %t && %python %S/check.py %s %t | FileCheck %s
// CHECK: 8 functions agree

m1.state @matrix : !m1.tensor_state<2x2xf32>
m1.state @experts : !m1.tensor_state<3x1x2xf32>

func.func @linear_transposed() -> (tensor<2x2xf32>, tensor<2x2xf64>) {
  %dy = arith.constant dense<[[1.0, 2.0, 3.0], [0.0, -1.0, 0.5]]> : tensor<2x3xf32>
  %w = arith.constant dense<[[1.0, 10.0], [100.0, 0.5], [0.0, 2.0]]> : tensor<3x2xbf16>
  %0 = m1.linear_transposed %dy, %w : (tensor<2x3xf32>, tensor<3x2xbf16>) -> tensor<2x2xf32>
  %1 = arith.constant dense<[[201.0, 17.0], [-100.0, 0.5]]> : tensor<2x2xf64>
  return %0, %1 : tensor<2x2xf32>, tensor<2x2xf64>
}

// Added twice to a state that begins at zero.
func.func @linear_weight_gradient() -> (tensor<2x2xf32>, tensor<2x2xf64>) {
  %dy = arith.constant dense<[[1.0, 2.0], [3.0, -1.0]]> : tensor<2x2xf32>
  %x = arith.constant dense<[[1.0, 0.5], [2.0, 4.0]]> : tensor<2x2xbf16>
  %s0 = m1.read_state @matrix : !m1.tensor_state<2x2xf32>
  %s1 = m1.linear_weight_gradient %dy, %x, %s0 : (tensor<2x2xf32>, tensor<2x2xbf16>, !m1.tensor_state<2x2xf32>) -> !m1.tensor_state<2x2xf32>
  %s2 = m1.linear_weight_gradient %dy, %x, %s1 : (tensor<2x2xf32>, tensor<2x2xbf16>, !m1.tensor_state<2x2xf32>) -> !m1.tensor_state<2x2xf32>
  %0, %s3 = m1.state_value %s2 : (!m1.tensor_state<2x2xf32>) -> (tensor<2x2xf32>, !m1.tensor_state<2x2xf32>)
  m1.write_state %s3, @matrix : !m1.tensor_state<2x2xf32>
  %1 = arith.constant dense<[[14.0, 25.0], [0.0, -6.0]]> : tensor<2x2xf64>
  return %0, %1 : tensor<2x2xf32>, tensor<2x2xf64>
}

// The mean of 8 and 4 with weights 1/4 and 3/4 is 5. Expert 1 was not chosen.
func.func @router_gradient() -> (tensor<2x3xf32>, tensor<2x3xf64>) {
  %g = arith.constant dense<[[8.0, 4.0], [1.0, 1.0]]> : tensor<2x2xf32>
  %e = arith.constant dense<[[2, 0], [0, 1]]> : tensor<2x2xi32>
  %w = arith.constant dense<[[0.25, 0.75], [0.5, 0.5]]> : tensor<2x2xf32>
  %0 = m1.router_gradient %g, %e, %w : (tensor<2x2xf32>, tensor<2x2xi32>, tensor<2x2xf32>) -> tensor<2x3xf32>
  %1 = arith.constant dense<[[-0.75, 0.0, 0.75], [0.0, 0.0, 0.0]]> : tensor<2x3xf64>
  return %0, %1 : tensor<2x3xf32>, tensor<2x3xf64>
}

// The weight of a single choice does not depend on the logits.
func.func @router_gradient_of_one() -> (tensor<1x3xf32>, tensor<1x3xf64>) {
  %g = arith.constant dense<[[7.3]]> : tensor<1x1xf32>
  %e = arith.constant dense<[[1]]> : tensor<1x1xi32>
  %w = arith.constant dense<[[1.0]]> : tensor<1x1xf32>
  %0 = m1.router_gradient %g, %e, %w : (tensor<1x1xf32>, tensor<1x1xi32>, tensor<1x1xf32>) -> tensor<1x3xf32>
  %1 = arith.constant dense<0.0> : tensor<1x3xf64>
  return %0, %1 : tensor<1x3xf32>, tensor<1x3xf64>
}

// Probabilities 1/4 and 3/4.
func.func @router_balance() -> (tensor<1xf32>, tensor<1x2xf32>, tensor<1xf64>, tensor<1x2xf64>) {
  %x = arith.constant dense<[[1.0, 0.0]]> : tensor<1x2xf32>
  %w = arith.constant dense<[[0.0, 5.0], [1.0986122886681098, 5.0]]> : tensor<2x2xf64>
  %c = arith.constant dense<[2.0, 6.0]> : tensor<2xf32>
  %0, %1 = m1.router_balance %x, %w, %c : (tensor<1x2xf32>, tensor<2x2xf64>, tensor<2xf32>) -> (tensor<1xf32>, tensor<1x2xf32>)
  %2 = arith.constant dense<5.0> : tensor<1xf64>
  %3 = arith.constant dense<[[-0.75, 0.75]]> : tensor<1x2xf64>
  return %0, %1, %2, %3 : tensor<1xf32>, tensor<1x2xf32>, tensor<1xf64>, tensor<1x2xf64>
}

// One column, width 1, x = dy = 1. Expert 0 has a = ln 3 (sigmoid 3/4), b = 2 and u = 4; expert 1 a = 2 ln 3 (sigmoid
// 9/10), b = 1 and u = 1. They get weights 1/2 and 1/4.
func.func @experts_gradient() -> (tensor<1x1xf32>, tensor<1x2xf32>, tensor<1x2x1xf32>, tensor<1x2x1xf32>, tensor<1x2x1xf32>,
                                  tensor<1x1xf64>, tensor<1x2xf64>, tensor<1x2x1xf64>, tensor<1x2x1xf64>, tensor<1x2x1xf64>) {
  %x = arith.constant dense<1.0> : tensor<1x1xf32>
  %e = arith.constant dense<[[0, 1]]> : tensor<1x2xi32>
  %p = arith.constant dense<[[0.5, 0.25]]> : tensor<1x2xf32>
  %w1 = arith.constant dense<[[[1.0986122886681098]], [[2.1972245773362196]]]> : tensor<2x1x1xf64>
  %w3 = arith.constant dense<[[[2.0]], [[1.0]]]> : tensor<2x1x1xf64>
  %w2 = arith.constant dense<[[[4.0]], [[1.0]]]> : tensor<2x1x1xf64>
  %dx, %dp, %h, %da, %db = m1.experts_gradient %x, %x, %e, %p, %w1, %w3, %w2 : (tensor<1x1xf32>, tensor<1x1xf32>, tensor<1x2xi32>, tensor<1x2xf32>, tensor<2x1x1xf64>, tensor<2x1x1xf64>, tensor<2x1x1xf64>) -> (tensor<1x1xf32>, tensor<1x2xf32>, tensor<1x2x1xf32>, tensor<1x2x1xf32>, tensor<1x2x1xf32>)
  // h = 3/2 ln 3 and 9/5 ln 3; da = 3 + 3/4 ln 3 and 9/40 (1 + 1/5 ln 3); db = 3/2 ln 3 and 9/20 ln 3.
  %0 = arith.constant dense<8.594261918892526> : tensor<1x1xf64>
  %1 = arith.constant dense<[[6.591673732008658, 1.9775021196025977]]> : tensor<1x2xf64>
  %2 = arith.constant dense<[[[0.8239592165010823], [0.4943755299006494]]]> : tensor<1x2x1xf64>
  %3 = arith.constant dense<[[[3.8239592165010823], [0.27443755299006495]]]> : tensor<1x2x1xf64>
  %4 = arith.constant dense<[[[1.6479184330021646], [0.4943755299006494]]]> : tensor<1x2x1xf64>
  return %dx, %dp, %h, %da, %db, %0, %1, %2, %3, %4 : tensor<1x1xf32>, tensor<1x2xf32>, tensor<1x2x1xf32>, tensor<1x2x1xf32>, tensor<1x2x1xf32>, tensor<1x1xf64>, tensor<1x2xf64>, tensor<1x2x1xf64>, tensor<1x2x1xf64>, tensor<1x2x1xf64>
}

// The same from gate and up, which x, now 0, does not give.
func.func @experts_gradient_of_products() -> (tensor<1x1xf32>, tensor<1x2xf32>, tensor<1x2x1xf32>, tensor<1x2x1xf32>, tensor<1x2x1xf32>,
                                              tensor<1x1xf64>, tensor<1x2xf64>, tensor<1x2x1xf64>, tensor<1x2x1xf64>, tensor<1x2x1xf64>) {
  %dy = arith.constant dense<1.0> : tensor<1x1xf32>
  %x = arith.constant dense<0.0> : tensor<1x1xf32>
  %e = arith.constant dense<[[0, 1]]> : tensor<1x2xi32>
  %p = arith.constant dense<[[0.5, 0.25]]> : tensor<1x2xf32>
  %w1 = arith.constant dense<[[[1.0986122886681098]], [[2.1972245773362196]]]> : tensor<2x1x1xf64>
  %w3 = arith.constant dense<[[[2.0]], [[1.0]]]> : tensor<2x1x1xf64>
  %w2 = arith.constant dense<[[[4.0]], [[1.0]]]> : tensor<2x1x1xf64>
  %one = arith.constant dense<1.0> : tensor<1x1xf32>
  %y, %a, %b = m1.experts %one, %e, %p, %w1, %w3, %w2 : (tensor<1x1xf32>, tensor<1x2xi32>, tensor<1x2xf32>, tensor<2x1x1xf64>, tensor<2x1x1xf64>, tensor<2x1x1xf64>) -> (tensor<1x1xf32>, tensor<1x2x1xf32>, tensor<1x2x1xf32>)
  %dx, %dp, %h, %da, %db = m1.experts_gradient %dy, %x, %e, %p, %w1, %w3, %w2 products %a, %b : (tensor<1x1xf32>, tensor<1x1xf32>, tensor<1x2xi32>, tensor<1x2xf32>, tensor<2x1x1xf64>, tensor<2x1x1xf64>, tensor<2x1x1xf64>, tensor<1x2x1xf32>, tensor<1x2x1xf32>) -> (tensor<1x1xf32>, tensor<1x2xf32>, tensor<1x2x1xf32>, tensor<1x2x1xf32>, tensor<1x2x1xf32>)
  %0 = arith.constant dense<8.594261918892526> : tensor<1x1xf64>
  %1 = arith.constant dense<[[6.591673732008658, 1.9775021196025977]]> : tensor<1x2xf64>
  %2 = arith.constant dense<[[[0.8239592165010823], [0.4943755299006494]]]> : tensor<1x2x1xf64>
  %3 = arith.constant dense<[[[3.8239592165010823], [0.27443755299006495]]]> : tensor<1x2x1xf64>
  %4 = arith.constant dense<[[[1.6479184330021646], [0.4943755299006494]]]> : tensor<1x2x1xf64>
  return %dx, %dp, %h, %da, %db, %0, %1, %2, %3, %4 : tensor<1x1xf32>, tensor<1x2xf32>, tensor<1x2x1xf32>, tensor<1x2x1xf32>, tensor<1x2x1xf32>, tensor<1x1xf64>, tensor<1x2xf64>, tensor<1x2x1xf64>, tensor<1x2x1xf64>, tensor<1x2x1xf64>
}

// A row per token on the left, a row per choice on the right. Expert 1 was not chosen.
func.func @experts_weight_gradient() -> (tensor<3x1x2xf32>, tensor<3x1x2xf64>) {
  %l = arith.constant dense<[[2.0], [3.0]]> : tensor<2x1xf32>
  %r = arith.constant dense<[[[1.0, 10.0], [5.0, 7.0]], [[100.0, -1.0], [0.5, 0.25]]]> : tensor<2x2x2xf32>
  %e = arith.constant dense<[[0, 2], [2, 2]]> : tensor<2x2xi32>
  %s0 = m1.read_state @experts : !m1.tensor_state<3x1x2xf32>
  %s1 = m1.experts_weight_gradient %l, %r, %e, %s0 : (tensor<2x1xf32>, tensor<2x2x2xf32>, tensor<2x2xi32>, !m1.tensor_state<3x1x2xf32>) -> !m1.tensor_state<3x1x2xf32>
  %0, %s2 = m1.state_value %s1 : (!m1.tensor_state<3x1x2xf32>) -> (tensor<3x1x2xf32>, !m1.tensor_state<3x1x2xf32>)
  m1.write_state %s2, @experts : !m1.tensor_state<3x1x2xf32>
  %1 = arith.constant dense<[[[2.0, 20.0]], [[0.0, 0.0]], [[311.5, 11.75]]]> : tensor<3x1x2xf64>
  return %0, %1 : tensor<3x1x2xf32>, tensor<3x1x2xf64>
}
