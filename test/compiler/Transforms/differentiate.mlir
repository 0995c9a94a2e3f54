// RUN: m1-opt %s --split-input-file --m1-differentiate --verify-diagnostics | FileCheck %s

// A value with two uses gets the sum of their gradients, the later use first; rounding counts as the identity; a
// parameter that is used twice has a gradient for each use.

m1.parameter @w : tensor<8x8xf32> from [#m1.source<"w">]
m1.parameter @head : tensor<16x8xf32> from [#m1.source<"head">]
m1.state @head.gradient : !m1.tensor_state<16x8xf32>

// CHECK-DAG: m1.parameter @w :
// CHECK-DAG: m1.state @w.gradient : !m1.tensor_state<8x8xf32>{{ *$}}
// CHECK-DAG: m1.state @w.master : !m1.tensor_state<8x8xf32> from @w
// CHECK-DAG: m1.state @w.first : !m1.tensor_state<8x8xf32>{{ *$}}
// CHECK-DAG: m1.state @w.second : !m1.tensor_state<8x8xf32>{{ *$}}
// CHECK-DAG: m1.state @w.gradient.1 : !m1.tensor_state<8x8xf32>{{ *$}}
// CHECK-DAG: m1.trained @w master @w.master moments @w.first, @w.second gradient @w.gradient further [@w.gradient.1]
// CHECK-DAG: m1.trained @head master @head.master moments @head.first, @head.second gradient @head.gradient

// CHECK-LABEL: func.func @loss(
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x8xf32>
func.func @loss(%x: tensor<?x8xf32>, %targets: tensor<?xi32>, %t: tensor<?xf32>, %one: tensor<1xf32>,
                %bounds: tensor<4xf32>) -> tensor<?xf32> {
  // CHECK: %[[W:.*]] = m1.load_parameter @w
  %w = m1.load_parameter @w : tensor<8x8xf32>
  // CHECK: %[[A:.*]] = m1.linear %[[X]], %[[W]]
  %a = m1.linear %x, %w : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  // CHECK: %[[S:.*]] = m1.silu %[[A]]
  %s = m1.silu %a : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %c = m1.cast %s : tensor<?x8xf32> to tensor<?x8xbf16>
  // CHECK: %[[C:.*]] = m1.cast
  // CHECK: m1.linear %[[C]], %[[W]]
  %b = m1.linear %c, %w : (tensor<?x8xbf16>, tensor<8x8xf32>) -> tensor<?x8xf32>
  // CHECK: m1.residual
  %y = m1.residual %a, %b alpha 1.0 beta 0.5 : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %h = m1.load_parameter @head : tensor<16x8xf32>
  %g = m1.read_state @head.gradient : !m1.tensor_state<16x8xf32>
  // CHECK: %[[LOGP:.*]], %{{.*}}, %[[DY:.*]], %[[DHEAD:.*]] = m1.policy_head
  %log_probs, %entropy, %dx, %g1 = m1.policy_head %y, %h, %targets old %t advantages %t weights %t temperature %one
      bounds %bounds, %g
      : (tensor<?x8xf32>, tensor<16x8xf32>, tensor<?xi32>, tensor<?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<1xf32>,
         tensor<4xf32>, !m1.tensor_state<16x8xf32>)
      -> (tensor<?xf32>, tensor<?xf32>, tensor<?x8xf32>, !m1.tensor_state<16x8xf32>)
  // CHECK: %[[DB:.*]] = m1.scale %[[DY]] by 5.000000e-01
  // CHECK: %[[G0:.*]] = m1.read_state @w.gradient
  // CHECK: %[[G1:.*]] = m1.linear_weight_gradient %[[DB]], %[[C]], %[[G0]]
  // CHECK: %[[DC:.*]] = m1.linear_transposed %[[DB]], %[[W]]
  // CHECK: %[[DA:.*]] = m1.silu_gradient %[[DC]], %[[A]]
  // CHECK: %[[SUM:.*]] = m1.residual %[[DY]], %[[DA]] alpha 1.000000e+00 beta 1.000000e+00
  // CHECK: %[[H0:.*]] = m1.read_state @w.gradient.1
  // CHECK: %[[H1:.*]] = m1.linear_weight_gradient %[[SUM]], %[[X]], %[[H0]]
  // CHECK: m1.write_state %[[DHEAD]], @head.gradient
  // CHECK: m1.write_state %[[G1]], @w.gradient
  // CHECK: m1.write_state %[[H1]], @w.gradient.1
  // CHECK: return %[[LOGP]]
  return %log_probs : tensor<?xf32>
}

// A function without a loss is unchanged.

// CHECK-LABEL: func.func @forward(
// CHECK-NEXT: m1.silu
// CHECK-NEXT: return
func.func @forward(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %s = m1.silu %x : (tensor<?x8xf32>) -> tensor<?x8xf32>
  return %s : tensor<?x8xf32>
}

// -----

// An op without a derivative between parameters and the loss is an error.

m1.parameter @gate : tensor<4x8xf32> from [#m1.source<"gate">]

func.func @no_derivative(%x: tensor<?x8xf32>, %cu: tensor<?xi32>, %c: tensor<4xf32>) -> tensor<?xf32> {
  %w = m1.load_parameter @gate : tensor<4x8xf32>
  // expected-error@+1 {{'m1.select_last' op has no derivative, but the loss of @no_derivative depends on its result}}
  %last = m1.select_last %x, %cu : (tensor<?x8xf32>, tensor<?xi32>) -> tensor<?x8xf32>
  %loss, %gradient = m1.router_balance %last, %w, %c
      : (tensor<?x8xf32>, tensor<4x8xf32>, tensor<4xf32>) -> (tensor<?xf32>, tensor<?x4xf32>)
  return %loss : tensor<?xf32>
}

// -----

// The gradients of a product of bf16 by bf16 are products of bf16 by bf16, and sums over tokens know the sequences.

m1.parameter @w : tensor<8x8xbf16> from [#m1.source<"w">]
m1.parameter @head : tensor<16x8xf32> from [#m1.source<"head">]
m1.state @head.gradient : !m1.tensor_state<16x8xf32>
m1.state @cache : !m1.kv_cache<2 x 4, f32>

// CHECK-LABEL: func.func @rounded(
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x8xbf16>
// CHECK-SAME: %[[CU:[^:]*]]: tensor<?xi32>
func.func @rounded(%x: tensor<?x8xbf16>, %heads: tensor<?x2x4xf32>, %cu: tensor<?xi32>, %indices: tensor<?xi32>, %t: tensor<?xf32>,
                   %one: tensor<1xf32>, %bounds: tensor<4xf32>) -> tensor<?xf32> {
  %c0 = m1.read_state @cache : !m1.kv_cache<2 x 4, f32>
  %attended, %c1 = m1.softmax_attention %heads, %heads, %heads, %c0 at (%indices, %cu, %indices) scale 0.5
    : (tensor<?x2x4xf32>, tensor<?x2x4xf32>, tensor<?x2x4xf32>, !m1.kv_cache<2 x 4, f32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>)
    -> (tensor<?x2x4xf32>, !m1.kv_cache<2 x 4, f32>)
  m1.write_state %c1, @cache : !m1.kv_cache<2 x 4, f32>
  // CHECK: %[[W:.*]] = m1.load_parameter @w
  %w = m1.load_parameter @w : tensor<8x8xbf16>
  %y = m1.linear %x, %w : (tensor<?x8xbf16>, tensor<8x8xbf16>) -> tensor<?x8xf32>
  %h = m1.load_parameter @head : tensor<16x8xf32>
  %g = m1.read_state @head.gradient : !m1.tensor_state<16x8xf32>
  // CHECK: %{{.*}}, %{{.*}}, %[[DY:.*]], %{{.*}} = m1.policy_head
  %log_probs, %entropy, %dx, %g1 = m1.policy_head %y, %h, %indices old %t advantages %t weights %t temperature %one
      bounds %bounds, %g
      : (tensor<?x8xf32>, tensor<16x8xf32>, tensor<?xi32>, tensor<?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<1xf32>,
         tensor<4xf32>, !m1.tensor_state<16x8xf32>)
      -> (tensor<?xf32>, tensor<?xf32>, tensor<?x8xf32>, !m1.tensor_state<16x8xf32>)
  // CHECK: %[[ROUNDED:.*]] = m1.cast %[[DY]] : tensor<?x8xf32> to tensor<?x8xbf16>
  // CHECK: %[[STATE:.*]] = m1.read_state @w.gradient
  // CHECK: m1.linear_weight_gradient %[[ROUNDED]], %[[X]], %[[STATE]] at %[[CU]] :
  // CHECK: m1.linear_transposed %[[ROUNDED]], %[[W]] :
  return %log_probs : tensor<?xf32>
}
