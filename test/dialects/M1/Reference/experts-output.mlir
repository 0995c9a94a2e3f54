// The mixture of experts, log-probabilities and sampling, computed by hand.
// RUN: rm -rf %t && %python %S/check.py %s %t | FileCheck %s
// CHECK: 9 functions agree

// The first token's logits are 0, ln 3, 0, ln 3: ties go to the lower index, equal weights. The second's are
// 0, 2 ln 3, 0, ln 3: weights 9 and 3 of 12. Its third choice ties between experts 0 and 2.
func.func @router() -> (tensor<2x3xi32>, tensor<2x3xf32>, tensor<2x3xi32>, tensor<2x3xf64>) {
  %x = arith.constant dense<[[1.0, 0.0], [1.0, 1.0]]> : tensor<2x2xf32>
  %w64 = arith.constant dense<[[0.0, 0.0], [1.0986122886681098, 1.0986122886681098], [0.0, 0.0], [1.0986122886681098, 0.0]]> : tensor<4x2xf64>
  %e, %p = m1.router %x, %w64 : (tensor<2x2xf32>, tensor<4x2xf64>) -> (tensor<2x3xi32>, tensor<2x3xf32>)
  %0 = arith.constant dense<[[1, 3, 0], [1, 3, 0]]> : tensor<2x3xi32>
  %1 = arith.constant dense<[[0.42857142857142855, 0.42857142857142855, 0.14285714285714285], [0.69230769230769229, 0.23076923076923078, 0.076923076923076927]]> : tensor<2x3xf64>
  return %e, %p, %0, %1 : tensor<2x3xi32>, tensor<2x3xf32>, tensor<2x3xi32>, tensor<2x3xf64>
}

// One column, width 1. Expert 0 computes silu(x ln 3) x 8, expert 1 silu(x 2 ln 3) x, for x = 1: 8 * 3/4 ln 3 and
// 9/10 * 2 ln 3. The first token takes a half and a quarter of them, the second expert 1 twice. Gate and up are the
// products with w1 and w3.
func.func @experts() -> (tensor<2x1xf32>, tensor<2x2x1xf32>, tensor<2x2x1xf32>, tensor<2x1xf64>, tensor<2x2x1xf64>, tensor<2x2x1xf64>) {
  %x = arith.constant dense<1.0> : tensor<2x1xf32>
  %e = arith.constant dense<[[0, 1], [1, 1]]> : tensor<2x2xi32>
  %p = arith.constant dense<[[0.5, 0.25], [1.0, 2.0]]> : tensor<2x2xf32>
  %w1 = arith.constant dense<[[[1.0986122886681098]], [[2.1972245773362196]]]> : tensor<2x1x1xf64>
  %w3 = arith.constant dense<[[[2.0]], [[1.0]]]> : tensor<2x1x1xf64>
  %w2 = arith.constant dense<[[[4.0]], [[1.0]]]> : tensor<2x1x1xf64>
  %0, %gate, %up = m1.experts %x, %e, %p, %w1, %w3, %w2 : (tensor<2x1xf32>, tensor<2x2xi32>, tensor<2x2xf32>, tensor<2x1x1xf64>, tensor<2x1x1xf64>, tensor<2x1x1xf64>) -> (tensor<2x1xf32>, tensor<2x2x1xf32>, tensor<2x2x1xf32>)
  // 3 ln 3 + 0.45 ln 3 and 5.4 ln 3
  %1 = arith.constant dense<[[3.7902123959049788], [5.9325063588077930]]> : tensor<2x1xf64>
  %2 = arith.constant dense<[[[1.0986122886681098], [2.1972245773362196]], [[2.1972245773362196], [2.1972245773362196]]]> : tensor<2x2x1xf64>
  %3 = arith.constant dense<[[[2.0], [1.0]], [[1.0], [1.0]]]> : tensor<2x2x1xf64>
  return %0, %gate, %up, %1, %2, %3 : tensor<2x1xf32>, tensor<2x2x1xf32>, tensor<2x2x1xf32>, tensor<2x1xf64>, tensor<2x2x1xf64>, tensor<2x2x1xf64>
}

// Logits far from 0 do not overflow.
func.func @token_log_prob() -> (tensor<3xf32>, tensor<3xf64>) {
  %logits = arith.constant dense<[[1.0986122886681098, 0.0], [1000.0, 1000.0], [-1000.0, 0.0]]> : tensor<3x2xf64>
  %targets = arith.constant dense<[1, 0, 0]> : tensor<3xi32>
  %0 = m1.token_log_prob %logits, %targets : (tensor<3x2xf64>, tensor<3xi32>) -> tensor<3xf32>
  %1 = arith.constant dense<[-1.3862943611198906, -0.69314718055994529, -1000.0]> : tensor<3xf64>
  return %0, %1 : tensor<3xf32>, tensor<3xf64>
}

func.func @head_log_prob() -> (tensor<2xf32>, tensor<2xf64>) {
  %x = arith.constant dense<[[1.0, 0.0], [0.0, 1.0]]> : tensor<2x2xf32>
  %w = arith.constant dense<[[0.0, 1.0986122886681098], [1.0986122886681098, 1.0986122886681098]]> : tensor<2x2xf64>
  %targets = arith.constant dense<[0, 1]> : tensor<2xi32>
  %0 = m1.head_log_prob %x, %w, %targets : (tensor<2x2xf32>, tensor<2x2xf64>, tensor<2xi32>) -> tensor<2xf32>
  // ln 1/4 and ln 1/2
  %1 = arith.constant dense<[-1.3862943611198906, -0.69314718055994529]> : tensor<2xf64>
  return %0, %1 : tensor<2xf32>, tensor<2xf64>
}

// The first token has probability 1 / (1 + 3 e^-20): its log-probability is -log1p(3 e^-20), less than the distance
// from 1 to the next smaller number. The second has 1 / (1 + 2 e^-800), which no double can tell from 1.
func.func @almost_certain() -> (tensor<3xf32>, tensor<3xf64>) {
  %logits = arith.constant dense<[[20.0, 0.0, 0.0, 0.0], [800.0, -1.0, -1.0, 0.0], [20.0, 0.0, 0.0, 0.0]]> : tensor<3x4xf64>
  %targets = arith.constant dense<[0, 0, 2]> : tensor<3xi32>
  %0 = m1.token_log_prob %logits, %targets : (tensor<3x4xf64>, tensor<3xi32>) -> tensor<3xf32>
  %1 = arith.constant dense<[-6.1834608e-09, 0.0, -20.000000006183461]> : tensor<3xf64>
  return %0, %1 : tensor<3xf32>, tensor<3xf64>
}

// Logits 2 and 0 at temperature 1/2: -log1p(e^-4). At 0, less than 0 and 1 the logits are those given: -log1p(e^-2). At
// infinity all tokens are equal.
func.func @temperature() -> (tensor<5xf32>, tensor<5xf64>) {
  %logits = arith.constant dense<[[2.0, 0.0], [2.0, 0.0], [2.0, 0.0], [2.0, 0.0], [2.0, 0.0]]> : tensor<5x2xf64>
  %targets = arith.constant dense<0> : tensor<5xi32>
  %t = arith.constant dense<[0.5, 0.0, -3.0, 1.0, 0x7F800000]> : tensor<5xf32>
  %0 = m1.token_log_prob %logits, %targets temperature %t : (tensor<5x2xf64>, tensor<5xi32>, tensor<5xf32>) -> tensor<5xf32>
  %1 = arith.constant dense<[-0.018149927917809740, -0.12692801104297250, -0.12692801104297250, -0.12692801104297250, -0.69314718055994529]> : tensor<5xf64>
  return %0, %1 : tensor<5xf32>, tensor<5xf64>
}

// Philox4x32-10 of counter 0 and key 0 starts with 0x6627e8d5 (its published known answer), so u = 0.39904... Four equal
// logits: temperature 0 takes the first; all four, the second (1/4 <= u < 1/2); top_k 1 the first; top_p 0.25 is reached
// by the first alone; top_p 0.26 keeps two, the first of which ends at 1/2; top_k 3 leaves thirds, u beyond the first.
// Then logits ln 1, ln 6, ln 3: in descending order shares 0.6, 0.3, 0.1, so the second token; at temperature 1/2 the
// squares, 36, 9, 1; at temperature 1000 nearly thirds, so the one in the middle of the order: index 2.
func.func @sample() -> (tensor<6xi32>, tensor<3xi32>, tensor<6xi32>, tensor<3xi32>) {
  %l = arith.constant dense<0.0> : tensor<6x4xf32>
  %t = arith.constant dense<[0.0, 1.0, 1.0, 1.0, 1.0, 1.0]> : tensor<6xf32>
  %p = arith.constant dense<[1.0, 1.0, 1.0, 0.25, 0.26, 1.0]> : tensor<6xf32>
  %k = arith.constant dense<[0, 0, 1, 0, 0, 3]> : tensor<6xi32>
  %s = arith.constant dense<0> : tensor<6xi64>
  %q = arith.constant dense<0> : tensor<6xi32>
  %0 = m1.sample %l temperature %t top_p %p top_k %k seeds %s positions %q
    : (tensor<6x4xf32>, tensor<6xf32>, tensor<6xf32>, tensor<6xi32>, tensor<6xi64>, tensor<6xi32>) -> tensor<6xi32>
  %e0 = arith.constant dense<[0, 1, 0, 0, 0, 1]> : tensor<6xi32>
  %l2 = arith.constant dense<[[0.0, 1.79175947, 1.09861229], [0.0, 1.79175947, 1.09861229], [0.0, 1.79175947, 1.09861229]]> : tensor<3x3xf32>
  %t2 = arith.constant dense<[1.0, 0.5, 1000.0]> : tensor<3xf32>
  %p2 = arith.constant dense<1.0> : tensor<3xf32>
  %k2 = arith.constant dense<0> : tensor<3xi32>
  %s2 = arith.constant dense<0> : tensor<3xi64>
  %1 = m1.sample %l2 temperature %t2 top_p %p2 top_k %k2 seeds %s2 positions %k2
    : (tensor<3x3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xi32>, tensor<3xi64>, tensor<3xi32>) -> tensor<3xi32>
  %e1 = arith.constant dense<[1, 1, 2]> : tensor<3xi32>
  return %0, %1, %e0, %e1 : tensor<6xi32>, tensor<3xi32>, tensor<6xi32>, tensor<3xi32>
}

// The same u. At temperature 1000 the weights of logits 3, 2, 1 and 0 are exp(-k / 1000), k = 0 to 3, nearly equal, in the
// order 1, 2, 3, 0. min_p 0.9975 keeps three: the second, 1/3 <= u < 2/3; 0.9985 two: the first. Of the three, top_p 0.6
// keeps two: the first; of all four it would keep three. No min_p keeps four: the second. More than 1 keeps one. Temperature
// 0 takes the largest whatever min_p is. top_k 2 of the three is the first again.
func.func @min_p() -> (tensor<7xi32>, tensor<2xi32>, tensor<7xi32>, tensor<2xi32>) {
  %l = arith.constant dense<[[0.0, 3.0, 2.0, 1.0], [0.0, 3.0, 2.0, 1.0], [0.0, 3.0, 2.0, 1.0], [0.0, 3.0, 2.0, 1.0], [0.0, 3.0, 2.0, 1.0], [0.0, 3.0, 2.0, 1.0], [0.0, 3.0, 2.0, 1.0]]> : tensor<7x4xf32>
  %t = arith.constant dense<[1000.0, 1000.0, 1000.0, 1000.0, 1000.0, 0.0, 1000.0]> : tensor<7xf32>
  %p = arith.constant dense<[1.0, 1.0, 0.6, 1.0, 1.0, 1.0, 1.0]> : tensor<7xf32>
  %k = arith.constant dense<[0, 0, 0, 0, 0, 0, 2]> : tensor<7xi32>
  %s = arith.constant dense<0> : tensor<7xi64>
  %q = arith.constant dense<0> : tensor<7xi32>
  %m = arith.constant dense<[0.9975, 0.9985, 0.9975, 0.0, 2.0, 0.5, 0.9975]> : tensor<7xf32>
  %0 = m1.sample %l temperature %t top_p %p top_k %k seeds %s positions %q min_p %m
    : (tensor<7x4xf32>, tensor<7xf32>, tensor<7xf32>, tensor<7xi32>, tensor<7xi64>, tensor<7xi32>, tensor<7xf32>) -> tensor<7xi32>
  %e0 = arith.constant dense<[2, 1, 1, 2, 1, 1, 1]> : tensor<7xi32>
  // Of equal logits min_p 1 keeps all: the second of four. A negative one keeps all, too.
  %l2 = arith.constant dense<5.0> : tensor<2x4xf32>
  %t2 = arith.constant dense<1.0> : tensor<2xf32>
  %k2 = arith.constant dense<0> : tensor<2xi32>
  %s2 = arith.constant dense<0> : tensor<2xi64>
  %m2 = arith.constant dense<[1.0, -1.0]> : tensor<2xf32>
  %1 = m1.sample %l2 temperature %t2 top_p %t2 top_k %k2 seeds %s2 positions %k2 min_p %m2
    : (tensor<2x4xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xi32>, tensor<2xi64>, tensor<2xi32>, tensor<2xf32>) -> tensor<2xi32>
  %e1 = arith.constant dense<1> : tensor<2xi32>
  return %0, %1, %e0, %e1 : tensor<7xi32>, tensor<2xi32>, tensor<7xi32>, tensor<2xi32>
}

// A positive logit is divided, a negative one multiplied, then the bias is added; sequence 1 has no rules.
func.func @adjust_logits() -> (tensor<3x4xf32>, tensor<3x4xf64>) {
  %l = arith.constant dense<[[2.0, -2.0, 0.0, 6.0], [2.0, -2.0, 0.0, 6.0], [2.0, -2.0, 0.0, 6.0]]> : tensor<3x4xf32>
  %r = arith.constant dense<[1, -1, 0]> : tensor<3xi32>
  %b = arith.constant dense<[[0.0, 0.0, 0.0, -100.0], [0.5, 0.5, -1.0, 0.0]]> : tensor<2x4xf32>
  %p = arith.constant dense<[[0.5, 0.5, 0.5, 1.0], [2.0, 2.0, 2.0, 4.0]]> : tensor<2x4xf32>
  %0 = m1.adjust_logits %l rows %r bias %b repetition %p
    : (tensor<3x4xf32>, tensor<3xi32>, tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<3x4xf32>
  %1 = arith.constant dense<[[1.5, -3.5, -1.0, 1.5], [2.0, -2.0, 0.0, 6.0], [4.0, -1.0, 0.0, -94.0]]> : tensor<3x4xf64>
  return %0, %1 : tensor<3x4xf32>, tensor<3x4xf64>
}
