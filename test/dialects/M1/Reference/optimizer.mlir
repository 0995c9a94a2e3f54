// The optimiser, computed by hand. States get their values by m1.embedding_gradient, which adds to 0.
// RUN: rm -rf %t && %python %S/check.py %s %t | FileCheck %s
// CHECK: 6 functions agree

m1.state @master : !m1.tensor_state<1x2xf32>
m1.state @first : !m1.tensor_state<1x2xf32>
m1.state @second : !m1.tensor_state<1x2xf32>
m1.state @gradient : !m1.tensor_state<1x2xf32>

// The squares of 3e-20 and 4e-20 are far below f32's range; the state is unchanged.
func.func @squared_sum() -> (tensor<1xf64>, tensor<1x2xf32>, tensor<1xf64>, tensor<1x2xf64>) {
  %x = arith.constant dense<[[3.0, 4.0]]> : tensor<1x2xf32>
  %tokens = arith.constant dense<0> : tensor<1xi32>
  %tiny = m1.scale %x by 1.0e-20 : (tensor<1x2xf32>) -> tensor<1x2xf32>
  %0 = m1.read_state @gradient : !m1.tensor_state<1x2xf32>
  %1 = m1.embedding_gradient %tiny, %tokens, %0 : (tensor<1x2xf32>, tensor<1xi32>, !m1.tensor_state<1x2xf32>) -> !m1.tensor_state<1x2xf32>
  %sum, %2 = m1.squared_sum %1 : (!m1.tensor_state<1x2xf32>) -> (tensor<1xf64>, !m1.tensor_state<1x2xf32>)
  %v, %3 = m1.state_value %2 : (!m1.tensor_state<1x2xf32>) -> (tensor<1x2xf32>, !m1.tensor_state<1x2xf32>)
  m1.write_state %3, @gradient : !m1.tensor_state<1x2xf32>
  // Scaled up again, because small differences pass the comparison.
  %w = m1.scale %v by 1.0e20 : (tensor<1x2xf32>) -> tensor<1x2xf32>
  %40 = m1.scale %sum by 1.0e40 : (tensor<1xf64>) -> tensor<1xf64>
  %5 = arith.constant dense<25.0> : tensor<1xf64>
  %6 = arith.constant dense<[[3.0, 4.0]]> : tensor<1x2xf64>
  return %40, %w, %5, %6 : tensor<1xf64>, tensor<1x2xf32>, tensor<1xf64>, tensor<1x2xf64>
}

// Norm 5 clipped to 2, and not clipped: the maximum is above it, or 0.
func.func @clip_norm() -> (tensor<1xf32>, tensor<1xf32>, tensor<1xi32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf64>, tensor<1xf64>, tensor<1xi32>, tensor<1xf64>, tensor<1xf64>, tensor<1xf64>) {
  %a = arith.constant dense<9.0> : tensor<1xf64>
  %b = arith.constant dense<16.0> : tensor<1xf64>
  %two = arith.constant dense<2.0> : tensor<1xf32>
  %ten = arith.constant dense<10.0> : tensor<1xf32>
  %zero = arith.constant dense<0.0> : tensor<1xf32>
  %on = arith.constant dense<1> : tensor<1xi32>
  %norm, %s0, %a0 = m1.clip_norm %a, %b max %two if %on : (tensor<1xf64>, tensor<1xf64>, tensor<1xf32>, tensor<1xi32>) -> (tensor<1xf32>, tensor<1xf32>, tensor<1xi32>)
  %n1, %s1, %a1 = m1.clip_norm %a, %b max %ten if %a0 : (tensor<1xf64>, tensor<1xf64>, tensor<1xf32>, tensor<1xi32>) -> (tensor<1xf32>, tensor<1xf32>, tensor<1xi32>)
  %n2, %s2, %a2 = m1.clip_norm %b max %zero if %a1 : (tensor<1xf64>, tensor<1xf32>, tensor<1xi32>) -> (tensor<1xf32>, tensor<1xf32>, tensor<1xi32>)
  %5 = arith.constant dense<5.0> : tensor<1xf64>
  %4 = arith.constant dense<4.0> : tensor<1xf64>
  %clipped = arith.constant dense<0.4> : tensor<1xf64>
  %1 = arith.constant dense<1.0> : tensor<1xf64>
  return %norm, %s0, %a2, %s1, %n2, %s2, %5, %clipped, %on, %1, %4, %1 : tensor<1xf32>, tensor<1xf32>, tensor<1xi32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf64>, tensor<1xf64>, tensor<1xi32>, tensor<1xf64>, tensor<1xf64>, tensor<1xf64>
}

// No step: the norm is NaN, infinite, beyond f32, or the step is not enabled. A norm of 0 is not clipped.
func.func @clip_norm_refused() -> (tensor<1xi32>, tensor<1xf32>, tensor<1xi32>, tensor<1xf32>, tensor<1xi32>, tensor<1xf32>, tensor<1xi32>, tensor<1xf32>, tensor<1xi32>, tensor<1xf32>,
                                   tensor<1xi32>, tensor<1xf64>, tensor<1xi32>, tensor<1xf64>, tensor<1xi32>, tensor<1xf64>, tensor<1xi32>, tensor<1xf64>, tensor<1xi32>, tensor<1xf64>) {
  %nan = arith.constant dense<0x7FF8000000000000> : tensor<1xf64>
  %inf = arith.constant dense<0x7FF0000000000000> : tensor<1xf64>
  %huge = arith.constant dense<1.0e80> : tensor<1xf64>
  %zero = arith.constant dense<0.0> : tensor<1xf64>
  %one = arith.constant dense<1.0> : tensor<1xf32>
  %off = arith.constant dense<0> : tensor<1xi32>
  %on = arith.constant dense<1> : tensor<1xi32>
  %n0, %s0, %a0 = m1.clip_norm %nan max %one if %on : (tensor<1xf64>, tensor<1xf32>, tensor<1xi32>) -> (tensor<1xf32>, tensor<1xf32>, tensor<1xi32>)
  %n1, %s1, %a1 = m1.clip_norm %inf max %one if %on : (tensor<1xf64>, tensor<1xf32>, tensor<1xi32>) -> (tensor<1xf32>, tensor<1xf32>, tensor<1xi32>)
  %n2, %s2, %a2 = m1.clip_norm %huge max %one if %on : (tensor<1xf64>, tensor<1xf32>, tensor<1xi32>) -> (tensor<1xf32>, tensor<1xf32>, tensor<1xi32>)
  %n3, %s3, %a3 = m1.clip_norm %zero max %one if %off : (tensor<1xf64>, tensor<1xf32>, tensor<1xi32>) -> (tensor<1xf32>, tensor<1xf32>, tensor<1xi32>)
  %n4, %s4, %a4 = m1.clip_norm %zero max %one if %on : (tensor<1xf64>, tensor<1xf32>, tensor<1xi32>) -> (tensor<1xf32>, tensor<1xf32>, tensor<1xi32>)
  %1 = arith.constant dense<1.0> : tensor<1xf64>
  return %a0, %s0, %a1, %s1, %a2, %s2, %a3, %s3, %a4, %s4, %off, %zero, %off, %zero, %off, %zero, %off, %zero, %on, %1
      : tensor<1xi32>, tensor<1xf32>, tensor<1xi32>, tensor<1xf32>, tensor<1xi32>, tensor<1xf32>, tensor<1xi32>, tensor<1xf32>, tensor<1xi32>, tensor<1xf32>,
        tensor<1xi32>, tensor<1xf64>, tensor<1xi32>, tensor<1xf64>, tensor<1xi32>, tensor<1xf64>, tensor<1xi32>, tensor<1xf64>, tensor<1xi32>, tensor<1xf64>
}

// A gradient of (3, 4) clipped to 1: beta1 = beta2 = 0 and rate 0 leave g and g² in the moments.
func.func @clipped() -> (tensor<1x2xf32>, tensor<1x2xf32>, tensor<1x2xf64>, tensor<1x2xf64>) {
  %x = arith.constant dense<[[3.0, 4.0]]> : tensor<1x2xf32>
  %tokens = arith.constant dense<0> : tensor<1xi32>
  %one = arith.constant dense<1.0> : tensor<1xf32>
  %zero = arith.constant dense<0.0> : tensor<1xf32>
  %on = arith.constant dense<1> : tensor<1xi32>
  %hyper = arith.constant dense<[0.0, 0.0, 1.0, 1.0, 1.0]> : tensor<5xf32>
  %g0 = m1.read_state @gradient : !m1.tensor_state<1x2xf32>
  %g1 = m1.embedding_gradient %x, %tokens, %g0 : (tensor<1x2xf32>, tensor<1xi32>, !m1.tensor_state<1x2xf32>) -> !m1.tensor_state<1x2xf32>
  %sum, %g2 = m1.squared_sum %g1 : (!m1.tensor_state<1x2xf32>) -> (tensor<1xf64>, !m1.tensor_state<1x2xf32>)
  %norm, %scale, %applied = m1.clip_norm %sum max %one if %on : (tensor<1xf64>, tensor<1xf32>, tensor<1xi32>) -> (tensor<1xf32>, tensor<1xf32>, tensor<1xi32>)
  %w0 = m1.read_state @master : !m1.tensor_state<1x2xf32>
  %f0 = m1.read_state @first : !m1.tensor_state<1x2xf32>
  %s0 = m1.read_state @second : !m1.tensor_state<1x2xf32>
  %w1, %f1, %s1, %g3 = m1.adamw %w0 moments %f0, %s0 gradient %g2 scale %scale if %applied rates %zero decays %zero hyperparameters %hyper index 0
      : (!m1.tensor_state<1x2xf32>, !m1.tensor_state<1x2xf32>, !m1.tensor_state<1x2xf32>, !m1.tensor_state<1x2xf32>, tensor<1xf32>, tensor<1xi32>, tensor<1xf32>, tensor<1xf32>, tensor<5xf32>)
      -> (!m1.tensor_state<1x2xf32>, !m1.tensor_state<1x2xf32>, !m1.tensor_state<1x2xf32>, !m1.tensor_state<1x2xf32>)
  %first, %f2 = m1.state_value %f1 : (!m1.tensor_state<1x2xf32>) -> (tensor<1x2xf32>, !m1.tensor_state<1x2xf32>)
  %second, %s2 = m1.state_value %s1 : (!m1.tensor_state<1x2xf32>) -> (tensor<1x2xf32>, !m1.tensor_state<1x2xf32>)
  m1.write_state %w1, @master : !m1.tensor_state<1x2xf32>
  m1.write_state %f2, @first : !m1.tensor_state<1x2xf32>
  m1.write_state %s2, @second : !m1.tensor_state<1x2xf32>
  m1.write_state %g3, @gradient : !m1.tensor_state<1x2xf32>
  %used = arith.constant dense<[[0.6, 0.8]]> : tensor<1x2xf64>
  %squares = arith.constant dense<[[0.36, 0.64]]> : tensor<1x2xf64>
  return %first, %second, %used, %squares : tensor<1x2xf32>, tensor<1x2xf32>, tensor<1x2xf64>, tensor<1x2xf64>
}

// What the states hold before a step: master (1, 2), first and second 0, gradient (4, -8).
func.func private @start() -> tensor<1x2xf32> {
  %master = arith.constant dense<[[1.0, 2.0]]> : tensor<1x2xf32>
  %gradient = arith.constant dense<[[4.0, -8.0]]> : tensor<1x2xf32>
  %tokens = arith.constant dense<0> : tensor<1xi32>
  %0 = m1.read_state @master : !m1.tensor_state<1x2xf32>
  %1 = m1.embedding_gradient %master, %tokens, %0 : (tensor<1x2xf32>, tensor<1xi32>, !m1.tensor_state<1x2xf32>) -> !m1.tensor_state<1x2xf32>
  m1.write_state %1, @master : !m1.tensor_state<1x2xf32>
  %2 = m1.read_state @gradient : !m1.tensor_state<1x2xf32>
  %3 = m1.embedding_gradient %gradient, %tokens, %2 : (tensor<1x2xf32>, tensor<1xi32>, !m1.tensor_state<1x2xf32>) -> !m1.tensor_state<1x2xf32>
  m1.write_state %3, @gradient : !m1.tensor_state<1x2xf32>
  return %master : tensor<1x2xf32>
}

// g is (2, -4), the corrected moments (2, -4) and (2, 4) as a root: 1 - (2 / 2.25 + 0.125) / 2 and 2 - (-4 / 4.25 + 0.25) / 2.
func.func @adamw() -> (tensor<1x2xf32>, tensor<1x2xf32>, tensor<1x2xf32>, tensor<1x2xf32>, tensor<1x2xf64>, tensor<1x2xf64>, tensor<1x2xf64>, tensor<1x2xf64>) {
  %start = func.call @start() : () -> tensor<1x2xf32>
  %scale = arith.constant dense<0.5> : tensor<1xf32>
  %applied = arith.constant dense<1> : tensor<1xi32>
  %rates = arith.constant dense<[7.0, 0.5, 7.0]> : tensor<3xf32>
  %decays = arith.constant dense<[7.0, 0.125, 7.0]> : tensor<3xf32>
  %hyper = arith.constant dense<[0.5, 0.75, 0.25, 0.5, 0.25]> : tensor<5xf32>
  %0 = m1.read_state @master : !m1.tensor_state<1x2xf32>
  %1 = m1.read_state @first : !m1.tensor_state<1x2xf32>
  %2 = m1.read_state @second : !m1.tensor_state<1x2xf32>
  %3 = m1.read_state @gradient : !m1.tensor_state<1x2xf32>
  %4:4 = m1.adamw %0 moments %1, %2 gradient %3 scale %scale if %applied rates %rates decays %decays hyperparameters %hyper index 1
      : (!m1.tensor_state<1x2xf32>, !m1.tensor_state<1x2xf32>, !m1.tensor_state<1x2xf32>, !m1.tensor_state<1x2xf32>, tensor<1xf32>, tensor<1xi32>, tensor<3xf32>, tensor<3xf32>, tensor<5xf32>)
      -> (!m1.tensor_state<1x2xf32>, !m1.tensor_state<1x2xf32>, !m1.tensor_state<1x2xf32>, !m1.tensor_state<1x2xf32>)
  %master, %s0 = m1.state_value %4#0 : (!m1.tensor_state<1x2xf32>) -> (tensor<1x2xf32>, !m1.tensor_state<1x2xf32>)
  m1.write_state %s0, @master : !m1.tensor_state<1x2xf32>
  %first, %s1 = m1.state_value %4#1 : (!m1.tensor_state<1x2xf32>) -> (tensor<1x2xf32>, !m1.tensor_state<1x2xf32>)
  m1.write_state %s1, @first : !m1.tensor_state<1x2xf32>
  %second, %s2 = m1.state_value %4#2 : (!m1.tensor_state<1x2xf32>) -> (tensor<1x2xf32>, !m1.tensor_state<1x2xf32>)
  m1.write_state %s2, @second : !m1.tensor_state<1x2xf32>
  %gradient, %s3 = m1.state_value %4#3 : (!m1.tensor_state<1x2xf32>) -> (tensor<1x2xf32>, !m1.tensor_state<1x2xf32>)
  m1.write_state %s3, @gradient : !m1.tensor_state<1x2xf32>
  %e0 = arith.constant dense<[[0.49305555555555558, 2.3455882352941178]]> : tensor<1x2xf64>
  %e1 = arith.constant dense<[[1.0, -2.0]]> : tensor<1x2xf64>
  %e2 = arith.constant dense<[[1.0, 4.0]]> : tensor<1x2xf64>
  %e3 = arith.constant dense<[[0.0, 0.0]]> : tensor<1x2xf64>
  return %master, %first, %second, %gradient, %e0, %e1, %e2, %e3 : tensor<1x2xf32>, tensor<1x2xf32>, tensor<1x2xf32>, tensor<1x2xf32>, tensor<1x2xf64>, tensor<1x2xf64>, tensor<1x2xf64>, tensor<1x2xf64>
}

// Nothing but the gradient changes.
func.func @adamw_not_applied() -> (tensor<1x2xf32>, tensor<1x2xf32>, tensor<1x2xf32>, tensor<1x2xf32>, tensor<1x2xf64>, tensor<1x2xf64>, tensor<1x2xf64>, tensor<1x2xf64>) {
  %start = func.call @start() : () -> tensor<1x2xf32>
  %scale = arith.constant dense<0.5> : tensor<1xf32>
  %applied = arith.constant dense<0> : tensor<1xi32>
  %rates = arith.constant dense<[7.0, 0.5, 7.0]> : tensor<3xf32>
  %decays = arith.constant dense<[7.0, 0.125, 7.0]> : tensor<3xf32>
  %hyper = arith.constant dense<[0.5, 0.75, 0.25, 0.5, 0.25]> : tensor<5xf32>
  %0 = m1.read_state @master : !m1.tensor_state<1x2xf32>
  %1 = m1.read_state @first : !m1.tensor_state<1x2xf32>
  %2 = m1.read_state @second : !m1.tensor_state<1x2xf32>
  %3 = m1.read_state @gradient : !m1.tensor_state<1x2xf32>
  %4:4 = m1.adamw %0 moments %1, %2 gradient %3 scale %scale if %applied rates %rates decays %decays hyperparameters %hyper index 1
      : (!m1.tensor_state<1x2xf32>, !m1.tensor_state<1x2xf32>, !m1.tensor_state<1x2xf32>, !m1.tensor_state<1x2xf32>, tensor<1xf32>, tensor<1xi32>, tensor<3xf32>, tensor<3xf32>, tensor<5xf32>)
      -> (!m1.tensor_state<1x2xf32>, !m1.tensor_state<1x2xf32>, !m1.tensor_state<1x2xf32>, !m1.tensor_state<1x2xf32>)
  %master, %s0 = m1.state_value %4#0 : (!m1.tensor_state<1x2xf32>) -> (tensor<1x2xf32>, !m1.tensor_state<1x2xf32>)
  m1.write_state %s0, @master : !m1.tensor_state<1x2xf32>
  %first, %s1 = m1.state_value %4#1 : (!m1.tensor_state<1x2xf32>) -> (tensor<1x2xf32>, !m1.tensor_state<1x2xf32>)
  m1.write_state %s1, @first : !m1.tensor_state<1x2xf32>
  %second, %s2 = m1.state_value %4#2 : (!m1.tensor_state<1x2xf32>) -> (tensor<1x2xf32>, !m1.tensor_state<1x2xf32>)
  m1.write_state %s2, @second : !m1.tensor_state<1x2xf32>
  %gradient, %s3 = m1.state_value %4#3 : (!m1.tensor_state<1x2xf32>) -> (tensor<1x2xf32>, !m1.tensor_state<1x2xf32>)
  m1.write_state %s3, @gradient : !m1.tensor_state<1x2xf32>
  %e0 = arith.constant dense<[[1.0, 2.0]]> : tensor<1x2xf64>
  %e1 = arith.constant dense<[[0.0, 0.0]]> : tensor<1x2xf64>
  %e2 = arith.constant dense<[[0.0, 0.0]]> : tensor<1x2xf64>
  %e3 = arith.constant dense<[[0.0, 0.0]]> : tensor<1x2xf64>
  return %master, %first, %second, %gradient, %e0, %e1, %e2, %e3 : tensor<1x2xf32>, tensor<1x2xf32>, tensor<1x2xf32>, tensor<1x2xf32>, tensor<1x2xf64>, tensor<1x2xf64>, tensor<1x2xf64>, tensor<1x2xf64>
}
