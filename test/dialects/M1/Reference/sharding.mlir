// All ranks of a mesh, op by op, computed by hand. `m1.embedding` with a shard makes the ranks differ: of the rows of the
// table, rank r has those from 2r on.
// RUN: rm -rf %t && %python %S/check.py %s %t | FileCheck %s
// CHECK: 6 functions agree

module attributes {m1.mesh = #m1.mesh<expert = 2, tensor = 3>} {

// Token r is row 0 of the table on the rank with coordinate r/2, and -0 elsewhere.
func.func @all_gather() -> (tensor<3x5xf32>, tensor<3x5xf64>) {
  %tokens = arith.constant dense<[0, 2, 5]> : tensor<3xi32>
  %table = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %0 = m1.embedding %tokens, %table shard <"tensor", 2 of 6> : (tensor<3xi32>, tensor<2x2xf32>) -> tensor<3x2xf32>
  // The last column of the last rank is cut off.
  %1 = m1.all_gather %0 over "tensor" : (tensor<3x2xf32>) -> tensor<3x5xf32>
  %2 = arith.constant dense<[[1.0, 2.0, 0.0, 0.0, 0.0], [0.0, 0.0, 1.0, 2.0, 0.0], [0.0, 0.0, 0.0, 0.0, 3.0]]> : tensor<3x5xf64>
  return %1, %2 : tensor<3x5xf32>, tensor<3x5xf64>
}

// Over the other axis, whose ranks are three apart.
func.func @expert_axis() -> (tensor<2x2xf32>, tensor<2x2xf64>) {
  %tokens = arith.constant dense<[1, 0]> : tensor<2xi32>
  %table = arith.constant dense<[[7.0]]> : tensor<1x1xf32>
  %0 = m1.embedding %tokens, %table shard <"expert", 1 of 2> : (tensor<2xi32>, tensor<1x1xf32>) -> tensor<2x1xf32>
  %1 = m1.all_gather %0 over "expert" : (tensor<2x1xf32>) -> tensor<2x2xf32>
  %2 = arith.constant dense<[[0.0, 7.0], [7.0, 0.0]]> : tensor<2x2xf64>
  return %1, %2 : tensor<2x2xf32>, tensor<2x2xf64>
}

// The whole row is found again.
func.func @embedding() -> (tensor<3x2xf32>, tensor<3x2xf64>) {
  %tokens = arith.constant dense<[0, 2, 5]> : tensor<3xi32>
  %table = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %0 = m1.embedding %tokens, %table shard <"tensor", 2 of 6> : (tensor<3xi32>, tensor<2x2xf32>) -> tensor<3x2xf32>
  %1 = m1.tree_sum %0 over "tensor" partials 1 : (tensor<3x2xf32>) -> tensor<3x2xf32>
  %2 = arith.constant dense<[[1.0, 2.0], [1.0, 2.0], [3.0, 4.0]]> : tensor<3x2xf64>
  return %1, %2 : tensor<3x2xf32>, tensor<3x2xf64>
}

// Two partial sums of each of three ranks, the same on all: ((a + b) + (a + b)) + (a + b). With a = 2^60 and b = 1 in the
// first column, every b is lost; a chain a + b + a + ... would lose them as well, but b + a + b would not in the second.
func.func @tree_sum() -> (tensor<1x2xf32>, tensor<1x2xf32>, tensor<1x2xf64>, tensor<1x2xf64>) {
  %x = arith.constant dense<[[1152921504606846976.0, 1.0, 1.0, 10.0]]> : tensor<1x4xf32>
  %0 = m1.tree_sum %x over "tensor" partials 2 : (tensor<1x4xf32>) -> tensor<1x2xf32>
  // Two groups: columns 0 and 1 are the partial sums of the first, 2 and 3 those of the second.
  %1 = m1.tree_sum %x over "tensor" groups 2 partials 2 : (tensor<1x4xf32>) -> tensor<1x2xf32>
  %2 = arith.constant dense<[[3458764513820540928.0, 33.0]]> : tensor<1x2xf64>
  return %0, %1, %2, %2 : tensor<1x2xf32>, tensor<1x2xf32>, tensor<1x2xf64>, tensor<1x2xf64>
}

// Experts on both ranks of `expert`: 4 · silu(x) · x / 4 and twice as much, of which each token has one.
func.func @experts() -> (tensor<2x1xf32>, tensor<2x1xf64>) {
  %x = arith.constant dense<[[64.0], [64.0]]> : tensor<2x1xf32>
  %e = arith.constant dense<[[0], [1]]> : tensor<2x1xi32>
  %p = arith.constant dense<[[1.0], [0.5]]> : tensor<2x1xf32>
  %w = arith.constant dense<[[[1.0]]]> : tensor<1x1x1xf32>
  %0 = m1.expert_products %x, %e, %w, %w, %w shard <"expert", 1 of 2>
      : (tensor<2x1xf32>, tensor<2x1xi32>, tensor<1x1x1xf32>, tensor<1x1x1xf32>, tensor<1x1x1xf32>) -> tensor<2x1xf32>
  %1 = m1.tree_sum %0 over "expert" partials 1 : (tensor<2x1xf32>) -> tensor<2x1xf32>
  %2 = m1.combine_experts %1, %p : (tensor<2x1xf32>, tensor<2x1xf32>) -> tensor<2x1xf32>
  %3 = arith.constant dense<[[4096.0], [2048.0]]> : tensor<2x1xf64>
  return %2, %3 : tensor<2x1xf32>, tensor<2x1xf64>
}

// Logits 0, log 2 and log 3 of tokens 0, 1 and 2, in three groups: their maxima, the sums without token 1, its logit.
func.func @join_log_prob() -> (tensor<1xf32>, tensor<1xf64>) {
  %maxima = arith.constant dense<[[0.0, 0.69314718055994530942, 1.09861228866810969140]]> : tensor<1x3xf64>
  %others = arith.constant dense<[[1.0, 0.0, 1.0]]> : tensor<1x3xf64>
  %chosen = arith.constant dense<[[0.0, 0.69314718055994530942, 0.0]]> : tensor<1x3xf64>
  %m = m1.cast %maxima : tensor<1x3xf64> to tensor<1x3xf32>
  %o = m1.cast %others : tensor<1x3xf64> to tensor<1x3xf32>
  %c = m1.cast %chosen : tensor<1x3xf64> to tensor<1x3xf32>
  %0 = m1.join_log_prob %m, %o, %c : (tensor<1x3xf32>, tensor<1x3xf32>, tensor<1x3xf32>) -> tensor<1xf32>
  // log(2 / 6)
  %1 = arith.constant dense<[-1.09861228866810969140]> : tensor<1xf64>
  return %0, %1 : tensor<1xf32>, tensor<1xf64>
}
}
