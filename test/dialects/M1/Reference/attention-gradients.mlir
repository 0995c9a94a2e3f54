// Gradients of attention, computed by hand.
// RUN: rm -rf %t && %python %S/check.py %s %t | FileCheck %s
// CHECK: 3 functions agree

// One component, decay 1/2, a sequence of two tokens and one of one. S = 5*11, 5*11/2 + 7*13; 15. dS = 2*1 + 3*10/2, 3*10;
// 14. dq = S dy, dk = dS v, dv = k dS.
func.func @lightning_decay() -> (tensor<3x1x1xf32>, tensor<3x1x1xf32>, tensor<3x1x1xf32>, tensor<3x1x1xf64>, tensor<3x1x1xf64>, tensor<3x1x1xf64>) {
  %q = arith.constant dense<[[[2.0]], [[3.0]], [[2.0]]]> : tensor<3x1x1xf32>
  %k = arith.constant dense<[[[5.0]], [[7.0]], [[3.0]]]> : tensor<3x1x1xf32>
  %v = arith.constant dense<[[[11.0]], [[13.0]], [[5.0]]]> : tensor<3x1x1xf32>
  %dy = arith.constant dense<[[[1.0]], [[10.0]], [[7.0]]]> : tensor<3x1x1xf32>
  %cu = arith.constant dense<[0, 2, 3]> : tensor<3xi32>
  %dq, %dk, %dv = m1.lightning_attention_gradient %dy, %q, %k, %v at %cu slopes [0.69314718055994529] chunk 256
    : (tensor<3x1x1xf32>, tensor<3x1x1xf32>, tensor<3x1x1xf32>, tensor<3x1x1xf32>, tensor<3xi32>)
    -> (tensor<3x1x1xf32>, tensor<3x1x1xf32>, tensor<3x1x1xf32>)
  %0 = arith.constant dense<[[[55.0]], [[1185.0]], [[105.0]]]> : tensor<3x1x1xf64>
  %1 = arith.constant dense<[[[187.0]], [[390.0]], [[70.0]]]> : tensor<3x1x1xf64>
  %2 = arith.constant dense<[[[85.0]], [[210.0]], [[42.0]]]> : tensor<3x1x1xf64>
  return %dq, %dk, %dv, %0, %1, %2 : tensor<3x1x1xf32>, tensor<3x1x1xf32>, tensor<3x1x1xf32>, tensor<3x1x1xf64>, tensor<3x1x1xf64>, tensor<3x1x1xf64>
}

// S is k v^T: dq = k (v dy), dk = q (dy v), dv = (k q) dy, and each head has its own.
func.func @lightning_outer_product() -> (tensor<1x2x2xf32>, tensor<1x2x2xf32>, tensor<1x2x2xf32>, tensor<1x2x2xf64>, tensor<1x2x2xf64>, tensor<1x2x2xf64>) {
  %q = arith.constant dense<[[[2.0, 7.0], [2.0, 7.0]]]> : tensor<1x2x2xf32>
  %k = arith.constant dense<[[[1.0, 0.0], [0.0, 1.0]]]> : tensor<1x2x2xf32>
  %v = arith.constant dense<[[[0.0, 5.0], [0.0, 5.0]]]> : tensor<1x2x2xf32>
  %dy = arith.constant dense<[[[1.0, 3.0], [1.0, 2.0]]]> : tensor<1x2x2xf32>
  %cu = arith.constant dense<[0, 1]> : tensor<2xi32>
  %dq, %dk, %dv = m1.lightning_attention_gradient %dy, %q, %k, %v at %cu slopes [0.5, 0.0] chunk 1
    : (tensor<1x2x2xf32>, tensor<1x2x2xf32>, tensor<1x2x2xf32>, tensor<1x2x2xf32>, tensor<2xi32>)
    -> (tensor<1x2x2xf32>, tensor<1x2x2xf32>, tensor<1x2x2xf32>)
  %0 = arith.constant dense<[[[15.0, 0.0], [0.0, 10.0]]]> : tensor<1x2x2xf64>
  %1 = arith.constant dense<[[[30.0, 105.0], [20.0, 70.0]]]> : tensor<1x2x2xf64>
  %2 = arith.constant dense<[[[2.0, 6.0], [7.0, 14.0]]]> : tensor<1x2x2xf64>
  return %dq, %dk, %dv, %0, %1, %2 : tensor<1x2x2xf32>, tensor<1x2x2xf32>, tensor<1x2x2xf32>, tensor<1x2x2xf64>, tensor<1x2x2xf64>, tensor<1x2x2xf64>
}

// Two heads share one key head. The second token has p = (1/4, 3/4) and (1/2, 1/2), for the first p is 1 and ds 0.
// ds = p (dy v - D) = (-12, 12) and (-4, 4); dk = scale (ds q) = -12 ln 3, 12 ln 3, of the first head only, as the second has
// q = 0; dv = 1 + 2 + 16/4 + 4/2, 16*3/4 + 4/2.
func.func @softmax_groups() -> (tensor<2x2x1xf32>, tensor<2x1x1xf32>, tensor<2x1x1xf32>, tensor<2x2x1xf64>, tensor<2x1x1xf64>, tensor<2x1x1xf64>) {
  %q = arith.constant dense<[[[5.0], [6.0]], [[2.1972245773362196], [0.0]]]> : tensor<2x2x1xf64>
  %k = arith.constant dense<[[[0.0]], [[1.0]]]> : tensor<2x1x1xf64>
  %v = arith.constant dense<[[[4.0]], [[8.0]]]> : tensor<2x1x1xf64>
  %result = arith.constant dense<[[[4.0], [4.0]], [[7.0], [6.0]]]> : tensor<2x2x1xf64>
  %dy = arith.constant dense<[[[1.0], [2.0]], [[16.0], [4.0]]]> : tensor<2x2x1xf32>
  %cu = arith.constant dense<[0, 2]> : tensor<2xi32>
  %dq, %dk, %dv = m1.softmax_attention_gradient %dy, %q, %k, %v, %result at %cu scale 0.5
    : (tensor<2x2x1xf32>, tensor<2x2x1xf64>, tensor<2x1x1xf64>, tensor<2x1x1xf64>, tensor<2x2x1xf64>, tensor<2xi32>)
    -> (tensor<2x2x1xf32>, tensor<2x1x1xf32>, tensor<2x1x1xf32>)
  %0 = arith.constant dense<[[[0.0], [0.0]], [[6.0], [2.0]]]> : tensor<2x2x1xf64>
  %1 = arith.constant dense<[[[-13.183347464017316]], [[13.183347464017316]]]> : tensor<2x1x1xf64>
  %2 = arith.constant dense<[[[9.0]], [[14.0]]]> : tensor<2x1x1xf64>
  return %dq, %dk, %dv, %0, %1, %2 : tensor<2x2x1xf32>, tensor<2x1x1xf32>, tensor<2x1x1xf32>, tensor<2x2x1xf64>, tensor<2x1x1xf64>, tensor<2x1x1xf64>
}
