// Results that differ between ranks are an error.
// RUN: not m1-interpret %s --out-dir %t 2>&1 | FileCheck %s
// CHECK: expected the same results on all ranks, found another result 0 on rank 1 than on rank 0
module attributes {m1.mesh = #m1.mesh<tensor = 2>} {
func.func @main() -> tensor<1x1xf32> {
  %tokens = arith.constant dense<[0]> : tensor<1xi32>
  %table = arith.constant dense<[[1.0]]> : tensor<1x1xf32>
  %0 = m1.embedding %tokens, %table shard <"tensor", 1 of 2> : (tensor<1xi32>, tensor<1x1xf32>) -> tensor<1x1xf32>
  return %0 : tensor<1x1xf32>
}
}
