// Operations on rows, computed by hand.
// RUN: rm -rf %t && %python %S/check.py %s %t | FileCheck %s
// CHECK: 12 functions agree

func.func @embedding() -> (tensor<3x2xf32>, tensor<3x2xf64>) {
  %tokens = arith.constant dense<[2, 0, 2]> : tensor<3xi32>
  %table = arith.constant dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]> : tensor<3x2xf32>
  %0 = m1.embedding %tokens, %table : (tensor<3xi32>, tensor<3x2xf32>) -> tensor<3x2xf32>
  %1 = arith.constant dense<[[5.0, 6.0], [1.0, 2.0], [5.0, 6.0]]> : tensor<3x2xf64>
  return %0, %1 : tensor<3x2xf32>, tensor<3x2xf64>
}

// Values are never rounded to the types they are given.
func.func @cast() -> (tensor<1x2xf64>, tensor<1x2xf64>) {
  %0 = arith.constant dense<[[1.1, 3.0e200]]> : tensor<1x2xf64>
  %1 = m1.cast %0 : tensor<1x2xf64> to tensor<1x2xbf16>
  %2 = m1.cast %1 : tensor<1x2xbf16> to tensor<1x2xf64>
  return %2, %0 : tensor<1x2xf64>, tensor<1x2xf64>
}

func.func @linear() -> (tensor<2x3xf32>, tensor<2x3xf64>) {
  %x = arith.constant dense<[[1.0, 2.0], [0.0, -1.0]]> : tensor<2x2xf32>
  %w = arith.constant dense<[[1.0, 10.0], [100.0, 0.5], [0.0, 0.0]]> : tensor<3x2xbf16>
  %0 = m1.linear %x, %w : (tensor<2x2xf32>, tensor<3x2xbf16>) -> tensor<2x3xf32>
  %1 = arith.constant dense<[[21.0, 101.0, 0.0], [-10.0, -0.5, 0.0]]> : tensor<2x3xf64>
  return %0, %1 : tensor<2x3xf32>, tensor<2x3xf64>
}

// Mean squares 12.5 and 0, with 0.25 added: the root of 12.75, and 0.
func.func @rms_norm() -> (tensor<2x2xf32>, tensor<2x2xf64>) {
  %x = arith.constant dense<[[3.0, 4.0], [0.0, 0.0]]> : tensor<2x2xf32>
  %w = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %0 = m1.rms_norm %x, %w eps 0.25 : (tensor<2x2xf32>, tensor<2xf32>) -> tensor<2x2xf32>
  %1 = arith.constant dense<[[0.84016805041680583, 2.2404481344448156], [0.0, 0.0]]> : tensor<2x2xf64>
  return %0, %1 : tensor<2x2xf32>, tensor<2x2xf64>
}

// At ln 3 the sigmoid is 3/4, at -ln 3 it is 1/4.
func.func @silu() -> (tensor<1x3xf32>, tensor<1x3xf64>) {
  %x = arith.constant dense<[[1.0986122886681098, -1.0986122886681098, 0.0]]> : tensor<1x3xf64>
  %0 = m1.silu %x : (tensor<1x3xf64>) -> tensor<1x3xf32>
  %1 = arith.constant dense<[[0.82395921650108235, -0.27465307216702745, 0.0]]> : tensor<1x3xf64>
  return %0, %1 : tensor<1x3xf32>, tensor<1x3xf64>
}

func.func @sigmoid_gate() -> (tensor<1x3xf32>, tensor<1x3xf64>) {
  %x = arith.constant dense<[[8.0, 8.0, 8.0]]> : tensor<1x3xf32>
  %gate = arith.constant dense<[[1.0986122886681098, -1.0986122886681098, 0.0]]> : tensor<1x3xf64>
  %0 = m1.sigmoid_gate %x, %gate : (tensor<1x3xf32>, tensor<1x3xf64>) -> tensor<1x3xf32>
  %1 = arith.constant dense<[[6.0, 2.0, 4.0]]> : tensor<1x3xf64>
  return %0, %1 : tensor<1x3xf32>, tensor<1x3xf64>
}

func.func @silu_mul() -> (tensor<1x3xf32>, tensor<1x3xf64>) {
  %a = arith.constant dense<[[1.0986122886681098, -1.0986122886681098, 0.0]]> : tensor<1x3xf64>
  %b = arith.constant dense<[[1.0, 2.0, 3.0]]> : tensor<1x3xf32>
  %0 = m1.silu_mul %a, %b : (tensor<1x3xf64>, tensor<1x3xf32>) -> tensor<1x3xf32>
  %1 = arith.constant dense<[[0.82395921650108235, -0.54930614433405490, 0.0]]> : tensor<1x3xf64>
  return %0, %1 : tensor<1x3xf32>, tensor<1x3xf64>
}

// alpha belongs to the residual, beta to the branch.
func.func @residual() -> (tensor<1x2xf32>, tensor<1x2xf64>) {
  %r = arith.constant dense<[[1.0, 2.0]]> : tensor<1x2xf32>
  %b = arith.constant dense<[[10.0, -10.0]]> : tensor<1x2xf32>
  %0 = m1.residual %r, %b alpha 3.0 beta 0.5 : (tensor<1x2xf32>, tensor<1x2xf32>) -> tensor<1x2xf32>
  %1 = arith.constant dense<[[8.0, 1.0]]> : tensor<1x2xf64>
  return %0, %1 : tensor<1x2xf32>, tensor<1x2xf64>
}

// The shared part's share is the sigmoid: 3/4 of the first token, half of the second.
func.func @shared_mix() -> (tensor<2x2xf32>, tensor<2x2xf64>) {
  %moe = arith.constant dense<[[4.0, 8.0], [1.0, 1.0]]> : tensor<2x2xf32>
  %shared = arith.constant dense<[[0.0, 4.0], [3.0, 5.0]]> : tensor<2x2xf32>
  %c = arith.constant dense<[[1.0986122886681098], [0.0]]> : tensor<2x1xf64>
  %0 = m1.shared_mix %moe, %shared, %c : (tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x1xf64>) -> tensor<2x2xf32>
  %1 = arith.constant dense<[[1.0, 5.0], [2.0, 3.0]]> : tensor<2x2xf64>
  return %0, %1 : tensor<2x2xf32>, tensor<2x2xf64>
}

// Sequences of 2, 0 and 1 tokens.
func.func @select_last() -> (tensor<?x2xf32>, tensor<3x2xf64>) {
  %x = arith.constant dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]> : tensor<3x2xf32>
  %cu = arith.constant dense<[0, 2, 2, 3]> : tensor<4xi32>
  %0 = m1.select_last %x, %cu : (tensor<3x2xf32>, tensor<4xi32>) -> tensor<?x2xf32>
  %1 = arith.constant dense<[[3.0, 4.0], [0.0, 0.0], [5.0, 6.0]]> : tensor<3x2xf64>
  return %0, %1 : tensor<?x2xf32>, tensor<3x2xf64>
}

// A call runs the function that it names, and constants are what their types make of them.
func.func @call() -> (tensor<3x2xf32>, tensor<1x1xf32>, tensor<3x2xf64>, tensor<1x1xf64>) {
  %0:2 = func.call @embedding() : () -> (tensor<3x2xf32>, tensor<3x2xf64>)
  %1 = arith.constant dense<1.1> : tensor<1x1xf32>
  %2 = arith.constant dense<1.10000002384185791> : tensor<1x1xf64>
  return %0#0, %1, %0#1, %2 : tensor<3x2xf32>, tensor<1x1xf32>, tensor<3x2xf64>, tensor<1x1xf64>
}

// The value of m1.fused is that of its last op; a value of outside that only
// the body uses, and one that is used afterwards too.
func.func @fused() -> (tensor<1x2xf32>, tensor<1x2xf32>, tensor<1x2xf64>, tensor<1x2xf64>) {
  %x = arith.constant dense<[[1.0, 2.0]]> : tensor<1x2xf32>
  %w = arith.constant dense<[[1.0, 10.0], [100.0, 0.5]]> : tensor<2x2xf32>
  %y = arith.constant dense<[[-1.0, 3.0]]> : tensor<1x2xf32>
  %0 = m1.fused -> tensor<1x2xf32> {
    %l = m1.linear %x, %w : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
    %r = m1.residual %y, %l alpha 2.0 beta 0.5 : (tensor<1x2xf32>, tensor<1x2xf32>) -> tensor<1x2xf32>
    m1.yield %r : tensor<1x2xf32>
  }
  %1 = m1.residual %y, %0 alpha 1.0 beta 1.0 : (tensor<1x2xf32>, tensor<1x2xf32>) -> tensor<1x2xf32>
  %2 = arith.constant dense<[[8.5, 56.5]]> : tensor<1x2xf64>
  %3 = arith.constant dense<[[7.5, 59.5]]> : tensor<1x2xf64>
  return %0, %1, %2, %3 : tensor<1x2xf32>, tensor<1x2xf32>, tensor<1x2xf64>, tensor<1x2xf64>
}
