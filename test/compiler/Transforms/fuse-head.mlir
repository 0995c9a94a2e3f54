// RUN: m1-opt %s -m1-fuse-head | FileCheck %s

// CHECK-LABEL: func.func @fused
// CHECK-SAME: (%[[X:.*]]: tensor<?x32xf32>, %[[W:.*]]: tensor<97x32xbf16>, %[[TARGETS:.*]]: tensor<?xi32>)
// CHECK-NEXT: %[[P:.*]] = m1.head_log_prob %[[X]], %[[W]], %[[TARGETS]] : (tensor<?x32xf32>, tensor<97x32xbf16>, tensor<?xi32>) -> tensor<?xf32>
// CHECK-NEXT: return %[[P]]
func.func @fused(%x: tensor<?x32xf32>, %w: tensor<97x32xbf16>, %targets: tensor<?xi32>) -> tensor<?xf32> {
  %logits = m1.linear %x, %w : (tensor<?x32xf32>, tensor<97x32xbf16>) -> tensor<?x97xf32>
  %p = m1.token_log_prob %logits, %targets : (tensor<?x97xf32>, tensor<?xi32>) -> tensor<?xf32>
  return %p : tensor<?xf32>
}

// The logits are returned: they are made anyway.
// CHECK-LABEL: func.func @logits_used
// CHECK-NEXT: m1.linear
// CHECK-NEXT: m1.token_log_prob
func.func @logits_used(%x: tensor<?x32xf32>, %w: tensor<97x32xbf16>, %targets: tensor<?xi32>) -> (tensor<?xf32>, tensor<?x97xf32>) {
  %logits = m1.linear %x, %w : (tensor<?x32xf32>, tensor<97x32xbf16>) -> tensor<?x97xf32>
  %p = m1.token_log_prob %logits, %targets : (tensor<?x97xf32>, tensor<?xi32>) -> tensor<?xf32>
  return %p, %logits : tensor<?xf32>, tensor<?x97xf32>
}

// Two sets of targets of the same logits: one product is cheaper than two.
// CHECK-LABEL: func.func @two_targets
// CHECK-NEXT: m1.linear
// CHECK-NEXT: m1.token_log_prob
// CHECK-NEXT: m1.token_log_prob
func.func @two_targets(%x: tensor<?x32xf32>, %w: tensor<97x32xf32>, %a: tensor<?xi32>, %b: tensor<?xi32>) -> (tensor<?xf32>, tensor<?xf32>) {
  %logits = m1.linear %x, %w : (tensor<?x32xf32>, tensor<97x32xf32>) -> tensor<?x97xf32>
  %p = m1.token_log_prob %logits, %a : (tensor<?x97xf32>, tensor<?xi32>) -> tensor<?xf32>
  %q = m1.token_log_prob %logits, %b : (tensor<?x97xf32>, tensor<?xi32>) -> tensor<?xf32>
  return %p, %q : tensor<?xf32>, tensor<?xf32>
}

// Logits rounded to bf16 are other values.
// CHECK-LABEL: func.func @rounded
// CHECK-NEXT: m1.linear
// CHECK-NEXT: m1.token_log_prob
func.func @rounded(%x: tensor<?x32xf32>, %w: tensor<97x32xbf16>, %targets: tensor<?xi32>) -> tensor<?xf32> {
  %logits = m1.linear %x, %w : (tensor<?x32xf32>, tensor<97x32xbf16>) -> tensor<?x97xbf16>
  %p = m1.token_log_prob %logits, %targets : (tensor<?x97xbf16>, tensor<?xi32>) -> tensor<?xf32>
  return %p : tensor<?xf32>
}

// head_log_prob does not support f64.
// CHECK-LABEL: func.func @f64
// CHECK-NEXT: m1.linear
// CHECK-NEXT: m1.token_log_prob
func.func @f64(%x: tensor<?x32xf64>, %w: tensor<97x32xf64>, %targets: tensor<?xi32>) -> tensor<?xf32> {
  %logits = m1.linear %x, %w : (tensor<?x32xf64>, tensor<97x32xf64>) -> tensor<?x97xf32>
  %p = m1.token_log_prob %logits, %targets : (tensor<?x97xf32>, tensor<?xi32>) -> tensor<?xf32>
  return %p : tensor<?xf32>
}
