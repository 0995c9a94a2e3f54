// Sums whose parts may be on different ranks, computed by hand. Beside a = 2^60, 1 is lost; what remains of it tells
// the order of additions.
// RUN: rm -rf %t && %python %S/check.py %s %t | FileCheck %s
// CHECK: 6 functions agree

// The terms a, -a, 1, a, -a, 1. As one chain, the first 1 is lost: 1. As two, none is: 2. As six leaves,
// ((a - a) + (1 + a)) + (-a + 1): 0, and the same as three leaves of two.
func.func @leaves() -> (tensor<1x1xf32>, tensor<1x1xf32>, tensor<1x1xf32>, tensor<1x1xf32>, tensor<1x1xf64>, tensor<1x1xf64>, tensor<1x1xf64>, tensor<1x1xf64>) {
  %x = arith.constant dense<[[1152921504606846976.0, -1152921504606846976.0, 1.0, 1152921504606846976.0, -1152921504606846976.0, 1.0]]> : tensor<1x6xf64>
  %w = arith.constant dense<[[1.0, 1.0, 1.0, 1.0, 1.0, 1.0]]> : tensor<1x6xf64>
  %0 = m1.linear %x, %w : (tensor<1x6xf64>, tensor<1x6xf64>) -> tensor<1x1xf32>
  %1 = m1.linear %x, %w leaves 2 : (tensor<1x6xf64>, tensor<1x6xf64>) -> tensor<1x1xf32>
  %2 = m1.linear %x, %w leaves 6 : (tensor<1x6xf64>, tensor<1x6xf64>) -> tensor<1x1xf32>
  %3 = m1.linear %x, %w leaves 3 : (tensor<1x6xf64>, tensor<1x6xf64>) -> tensor<1x1xf32>
  %one = arith.constant dense<[[1.0]]> : tensor<1x1xf64>
  %two = arith.constant dense<[[2.0]]> : tensor<1x1xf64>
  %zero = arith.constant dense<[[0.0]]> : tensor<1x1xf64>
  return %0, %1, %2, %3, %one, %two, %zero, %zero : tensor<1x1xf32>, tensor<1x1xf32>, tensor<1x1xf32>, tensor<1x1xf32>, tensor<1x1xf64>, tensor<1x1xf64>, tensor<1x1xf64>, tensor<1x1xf64>
}

// Columns of the three partial sums, one after the other.
func.func @partials() -> (tensor<1x6xf32>, tensor<1x6xf64>) {
  %x = arith.constant dense<[[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]]> : tensor<1x6xf32>
  %w = arith.constant dense<[[1.0, 1.0, 1.0, 1.0, 1.0, 1.0], [1.0, 10.0, 1.0, 10.0, 1.0, 10.0]]> : tensor<2x6xf32>
  %0 = m1.linear %x, %w leaves 6 partials 3 : (tensor<1x6xf32>, tensor<2x6xf32>) -> tensor<1x6xf32>
  %1 = arith.constant dense<[[3.0, 21.0, 7.0, 43.0, 11.0, 65.0]]> : tensor<1x6xf64>
  return %0, %1 : tensor<1x6xf32>, tensor<1x6xf64>
}

// silu(64) is 64 in double precision, so the terms are a, 1, -a, 1: as one chain 1, as two leaves 0.
func.func @experts() -> (tensor<1x1xf32>, tensor<1x1xf32>, tensor<1x1xf64>, tensor<1x1xf64>) {
  %x = arith.constant dense<[[1.0]]> : tensor<1x1xf32>
  %e = arith.constant dense<[[0]]> : tensor<1x1xi32>
  %p = arith.constant dense<[[1.0]]> : tensor<1x1xf32>
  %w1 = arith.constant dense<[[[64.0], [64.0], [64.0], [64.0]]]> : tensor<1x4x1xf64>
  %w3 = arith.constant dense<[[[1152921504606846976.0], [1.0], [-1152921504606846976.0], [1.0]]]> : tensor<1x4x1xf64>
  %w2 = arith.constant dense<[[[0.015625, 0.015625, 0.015625, 0.015625]]]> : tensor<1x1x4xf64>
  %0 = m1.experts %x, %e, %p, %w1, %w3, %w2 : (tensor<1x1xf32>, tensor<1x1xi32>, tensor<1x1xf32>, tensor<1x4x1xf64>, tensor<1x4x1xf64>, tensor<1x1x4xf64>) -> tensor<1x1xf32>
  %1 = m1.experts %x, %e, %p, %w1, %w3, %w2 leaves 2 : (tensor<1x1xf32>, tensor<1x1xi32>, tensor<1x1xf32>, tensor<1x4x1xf64>, tensor<1x4x1xf64>, tensor<1x1x4xf64>) -> tensor<1x1xf32>
  %one = arith.constant dense<[[1.0]]> : tensor<1x1xf64>
  %zero = arith.constant dense<[[0.0]]> : tensor<1x1xf64>
  return %0, %1, %one, %zero : tensor<1x1xf32>, tensor<1x1xf32>, tensor<1x1xf64>, tensor<1x1xf64>
}

// Groups of one column: the squares a, 1, 1, 1 with a = 2^60, of which ((a + 1) + (1 + 1)) / 4 is a / 4. The root of
// it is 2^29.
func.func @rms_norm() -> (tensor<1x4xf32>, tensor<1x4xf64>) {
  %x = arith.constant dense<[[1073741824.0, 1.0, 1.0, -1.0]]> : tensor<1x4xf32>
  %w = arith.constant dense<[1.0, 1.0, 2.0, 536870912.0]> : tensor<4xf32>
  %0 = m1.rms_norm %x, %w eps 1.0e-6 groups 4 : (tensor<1x4xf32>, tensor<4xf32>) -> tensor<1x4xf32>
  %1 = arith.constant dense<[[2.0, 1.862645149230957e-09, 3.725290298461914e-09, -1.0]]> : tensor<1x4xf64>
  return %0, %1 : tensor<1x4xf32>, tensor<1x4xf64>
}

// Two of three groups of a row with six columns, the mean of whose squares is 36 / 6, and 3 beside it.
func.func @halves_of_norm() -> (tensor<1x2xf32>, tensor<1x4xf32>, tensor<1x2xf64>, tensor<1x4xf64>) {
  %x = arith.constant dense<[[1.0, 2.0, -3.0, 0.0]]> : tensor<1x4xf32>
  %w = arith.constant dense<[3.0, 6.0, 1.0, 1.0]> : tensor<4xf32>
  %all = arith.constant dense<[[5.0, 9.0, 22.0]]> : tensor<1x3xf32>
  %0 = m1.squares %x : (tensor<1x4xf32>) -> tensor<1x2xf32>
  %1 = m1.normalize %x, %w, %all groups 2 eps 3.0 : (tensor<1x4xf32>, tensor<4xf32>, tensor<1x3xf32>) -> tensor<1x4xf32>
  %2 = arith.constant dense<[[5.0, 9.0]]> : tensor<1x2xf64>
  %3 = arith.constant dense<[[1.0, 4.0, -1.0, 0.0]]> : tensor<1x4xf64>
  return %0, %1, %2, %3 : tensor<1x2xf32>, tensor<1x4xf32>, tensor<1x2xf64>, tensor<1x4xf64>
}

// The hidden row of expert 0 is 64 [1, 2], that of expert 1 is 64 [3, 4]; token 0 chooses both, as two partial sums of
// two columns each.
func.func @halves_of_experts() -> (tensor<1x8xf32>, tensor<2x2xf32>, tensor<1x8xf64>, tensor<2x2xf64>) {
  %x = arith.constant dense<[[1.0, 0.0]]> : tensor<1x2xf32>
  %e = arith.constant dense<[[1, 0]]> : tensor<1x2xi32>
  %w1 = arith.constant dense<[[[64.0, 0.0], [64.0, 0.0]], [[64.0, 0.0], [64.0, 0.0]]]> : tensor<2x2x2xf64>
  %w3 = arith.constant dense<[[[1.0, 0.0], [2.0, 0.0]], [[3.0, 0.0], [4.0, 0.0]]]> : tensor<2x2x2xf64>
  %w2 = arith.constant dense<[[[1.0, 1.0], [2.0, 3.0]], [[1.0, 2.0], [0.5, 1.0]]]> : tensor<2x2x2xf64>
  %0 = m1.expert_products %x, %e, %w1, %w3, %w2 leaves 2 partials 2 : (tensor<1x2xf32>, tensor<1x2xi32>, tensor<2x2x2xf64>, tensor<2x2x2xf64>, tensor<2x2x2xf64>) -> tensor<1x8xf32>
  %1 = arith.constant dense<[[192.0, 96.0, 512.0, 256.0, 64.0, 128.0, 128.0, 384.0]]> : tensor<1x8xf64>
  %o = arith.constant dense<[[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]]> : tensor<2x4xf32>
  %p = arith.constant dense<[[0.5, 2.0], [1.0, 0.0]]> : tensor<2x2xf32>
  %2 = m1.combine_experts %o, %p : (tensor<2x4xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %3 = arith.constant dense<[[6.5, 9.0], [5.0, 6.0]]> : tensor<2x2xf64>
  return %0, %2, %1, %3 : tensor<1x8xf32>, tensor<2x2xf32>, tensor<1x8xf64>, tensor<2x2xf64>
}
