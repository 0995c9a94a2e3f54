// RUN: m1-opt %s -m1-fuse-elementwise | FileCheck %s

// A chain grows while its result's only user is elementwise. The fused op
// stands where the chain's last op stood.
// CHECK-LABEL: func.func @chain
// CHECK-SAME: (%[[X:.*]]: tensor<?x16xbf16>, %[[W:.*]]: tensor<32x16xbf16>, %[[A:.*]]: tensor<?x32xf32>)
// CHECK-NEXT: %[[S:.*]] = m1.silu %[[A]]
// CHECK-NEXT: %[[Y:.*]] = m1.fused -> tensor<?x32xbf16> {
// CHECK-NEXT:   %[[L:.*]] = m1.linear %[[X]], %[[W]] : (tensor<?x16xbf16>, tensor<32x16xbf16>) -> tensor<?x32xf32>
// CHECK-NEXT:   %[[G:.*]] = m1.sigmoid_gate %[[L]], %[[S]] : (tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
// CHECK-NEXT:   %[[R:.*]] = m1.residual %[[A]], %[[G]] alpha 5.000000e-01 beta 2.000000e+00 : (tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
// CHECK-NEXT:   %[[C:.*]] = m1.cast %[[R]] : tensor<?x32xf32> to tensor<?x32xbf16>
// CHECK-NEXT:   m1.yield %[[C]] : tensor<?x32xbf16>
// CHECK-NEXT: }
// CHECK-NEXT: return %[[Y]]
func.func @chain(%x: tensor<?x16xbf16>, %w: tensor<32x16xbf16>, %a: tensor<?x32xf32>) -> tensor<?x32xbf16> {
  %0 = m1.linear %x, %w : (tensor<?x16xbf16>, tensor<32x16xbf16>) -> tensor<?x32xf32>
  %1 = m1.silu %a : (tensor<?x32xf32>) -> tensor<?x32xf32>
  %2 = m1.sigmoid_gate %0, %1 : (tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %3 = m1.residual %a, %2 alpha 0.5 beta 2.0 : (tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %4 = m1.cast %3 : tensor<?x32xf32> to tensor<?x32xbf16>
  return %4 : tensor<?x32xbf16>
}

// A chain ends at a result with another user than one elementwise op.
// CHECK-LABEL: func.func @ends
// CHECK-NEXT: m1.fused -> tensor<?x32xf32> {
// CHECK-NEXT:   m1.linear
// CHECK-NEXT:   m1.silu
// CHECK-NEXT:   m1.yield
// CHECK-NEXT: }
// CHECK-NEXT: m1.cast
// CHECK-NEXT: m1.rms_norm
func.func @ends(%x: tensor<?x16xf32>, %w: tensor<32x16xf32>, %n: tensor<32xf32>) -> (tensor<?x32xbf16>, tensor<?x32xf32>) {
  %0 = m1.linear %x, %w : (tensor<?x16xf32>, tensor<32x16xf32>) -> tensor<?x32xf32>
  %1 = m1.silu %0 : (tensor<?x32xf32>) -> tensor<?x32xf32>
  %2 = m1.cast %1 : tensor<?x32xf32> to tensor<?x32xbf16>
  %3 = m1.rms_norm %1, %n eps 1.0e-5 : (tensor<?x32xf32>, tensor<32xf32>) -> tensor<?x32xf32>
  return %2, %3 : tensor<?x32xbf16>, tensor<?x32xf32>
}

// A product that is returned is made anyway.
// CHECK-LABEL: func.func @returned
// CHECK-NEXT: m1.linear
// CHECK-NEXT: m1.silu
// CHECK-NEXT: return
func.func @returned(%x: tensor<?x16xf32>, %w: tensor<32x16xf32>) -> (tensor<?x32xf32>, tensor<?x32xf32>) {
  %0 = m1.linear %x, %w : (tensor<?x16xf32>, tensor<32x16xf32>) -> tensor<?x32xf32>
  %1 = m1.silu %0 : (tensor<?x32xf32>) -> tensor<?x32xf32>
  return %0, %1 : tensor<?x32xf32>, tensor<?x32xf32>
}

// Two elementwise users.
// CHECK-LABEL: func.func @two_users
// CHECK-NEXT: m1.linear
// CHECK-NEXT: m1.silu
// CHECK-NEXT: m1.cast
// CHECK-NEXT: return
func.func @two_users(%x: tensor<?x16xf32>, %w: tensor<32x16xf32>) -> (tensor<?x32xf32>, tensor<?x32xbf16>) {
  %0 = m1.linear %x, %w : (tensor<?x16xf32>, tensor<32x16xf32>) -> tensor<?x32xf32>
  %1 = m1.silu %0 : (tensor<?x32xf32>) -> tensor<?x32xf32>
  %2 = m1.cast %0 : tensor<?x32xf32> to tensor<?x32xbf16>
  return %1, %2 : tensor<?x32xf32>, tensor<?x32xbf16>
}

// One user, two operands.
// CHECK-LABEL: func.func @used_twice
// CHECK-NEXT: m1.linear
// CHECK-NEXT: m1.sigmoid_gate
// CHECK-NEXT: return
func.func @used_twice(%x: tensor<?x16xf32>, %w: tensor<32x16xf32>) -> tensor<?x32xf32> {
  %0 = m1.linear %x, %w : (tensor<?x16xf32>, tensor<32x16xf32>) -> tensor<?x32xf32>
  %1 = m1.sigmoid_gate %0, %0 : (tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  return %1 : tensor<?x32xf32>
}

// A result that is rounded to bf16 before the elementwise op.
// CHECK-LABEL: func.func @rounded
// CHECK-NEXT: m1.linear
// CHECK-NEXT: m1.silu
// CHECK-NEXT: return
func.func @rounded(%x: tensor<?x16xbf16>, %w: tensor<32x16xbf16>) -> tensor<?x32xf32> {
  %0 = m1.linear %x, %w : (tensor<?x16xbf16>, tensor<32x16xbf16>) -> tensor<?x32xbf16>
  %1 = m1.silu %0 : (tensor<?x32xbf16>) -> tensor<?x32xf32>
  return %1 : tensor<?x32xf32>
}

// The epilogue may round: only the product itself must be f32.
// CHECK-LABEL: func.func @rounded_later
// CHECK-NEXT: m1.fused -> tensor<?x32xf32> {
// CHECK-NEXT:   m1.linear
// CHECK-NEXT:   m1.cast
// CHECK-NEXT:   m1.silu
// CHECK-NEXT:   m1.yield
func.func @rounded_later(%x: tensor<?x16xbf16>, %w: tensor<32x16xbf16>) -> tensor<?x32xf32> {
  %0 = m1.linear %x, %w : (tensor<?x16xbf16>, tensor<32x16xbf16>) -> tensor<?x32xf32>
  %1 = m1.cast %0 : tensor<?x32xf32> to tensor<?x32xbf16>
  %2 = m1.silu %1 : (tensor<?x32xbf16>) -> tensor<?x32xf32>
  return %2 : tensor<?x32xf32>
}

// Heads between product and elementwise op: the op is of rank 3 and alone.
// CHECK-LABEL: func.func @rank_3
// CHECK-NEXT: m1.linear
// CHECK-NEXT: m1.split_heads
// CHECK-NEXT: m1.silu
// CHECK-NEXT: return
func.func @rank_3(%x: tensor<?x16xf32>, %w: tensor<32x16xf32>) -> tensor<?x4x8xf32> {
  %0 = m1.linear %x, %w : (tensor<?x16xf32>, tensor<32x16xf32>) -> tensor<?x32xf32>
  %1 = m1.split_heads %0 : (tensor<?x32xf32>) -> tensor<?x4x8xf32>
  %2 = m1.silu %1 : (tensor<?x4x8xf32>) -> tensor<?x4x8xf32>
  return %2 : tensor<?x4x8xf32>
}

// The coefficient of shared_mix is per token and stays on its own; its other
// operands are joined to.
// CHECK-LABEL: func.func @coefficient
// CHECK-NEXT: m1.linear {{.*}} -> tensor<?x1xf32>
// CHECK-NEXT: m1.shared_mix
// CHECK-NEXT: return
func.func @coefficient(%x: tensor<?x16xf32>, %w: tensor<1x16xf32>, %moe: tensor<?x32xf32>, %shared: tensor<?x32xf32>) -> tensor<?x32xf32> {
  %0 = m1.linear %x, %w : (tensor<?x16xf32>, tensor<1x16xf32>) -> tensor<?x1xf32>
  %1 = m1.shared_mix %moe, %shared, %0 : (tensor<?x32xf32>, tensor<?x32xf32>, tensor<?x1xf32>) -> tensor<?x32xf32>
  return %1 : tensor<?x32xf32>
}

// CHECK-LABEL: func.func @shared
// CHECK-NEXT: m1.linear {{.*}} -> tensor<?x1xf32>
// CHECK-NEXT: m1.fused -> tensor<?x32xf32> {
// CHECK-NEXT:   %[[S:.*]] = m1.linear {{.*}} -> tensor<?x32xf32>
// CHECK-NEXT:   m1.shared_mix %{{.*}}, %[[S]], %{{.*}} :
// CHECK-NEXT:   m1.yield
func.func @shared(%x: tensor<?x16xf32>, %w: tensor<32x16xf32>, %c: tensor<1x16xf32>, %moe: tensor<?x32xf32>) -> tensor<?x32xf32> {
  %0 = m1.linear %x, %w : (tensor<?x16xf32>, tensor<32x16xf32>) -> tensor<?x32xf32>
  %1 = m1.linear %x, %c : (tensor<?x16xf32>, tensor<1x16xf32>) -> tensor<?x1xf32>
  %2 = m1.shared_mix %moe, %0, %1 : (tensor<?x32xf32>, tensor<?x32xf32>, tensor<?x1xf32>) -> tensor<?x32xf32>
  return %2 : tensor<?x32xf32>
}

// Of two products the first operand takes the op along, whichever comes first.
// CHECK-LABEL: func.func @first_operand
// CHECK-SAME: (%[[X:.*]]: tensor<?x16xf32>, %[[W:.*]]: tensor<32x16xf32>, %[[V:.*]]: tensor<32x16xf32>)
// CHECK-NEXT: %[[B:.*]] = m1.linear %[[X]], %[[W]]
// CHECK-NEXT: m1.fused -> tensor<?x32xf32> {
// CHECK-NEXT:   %[[A:.*]] = m1.linear %[[X]], %[[V]]
// CHECK-NEXT:   m1.silu_mul %[[A]], %[[B]]
// CHECK-NEXT:   m1.yield
func.func @first_operand(%x: tensor<?x16xf32>, %w: tensor<32x16xf32>, %v: tensor<32x16xf32>) -> tensor<?x32xf32> {
  %b = m1.linear %x, %w : (tensor<?x16xf32>, tensor<32x16xf32>) -> tensor<?x32xf32>
  %a = m1.linear %x, %v : (tensor<?x16xf32>, tensor<32x16xf32>) -> tensor<?x32xf32>
  %y = m1.silu_mul %a, %b : (tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}

// A chain that another operand was preferred to ends before the op.
// CHECK-LABEL: func.func @second_chain
// CHECK-NEXT: %[[B:.*]] = m1.fused -> tensor<?x32xf32> {
// CHECK-NEXT:   m1.linear
// CHECK-NEXT:   m1.silu
// CHECK-NEXT:   m1.yield
// CHECK-NEXT: }
// CHECK-NEXT: m1.fused -> tensor<?x32xf32> {
// CHECK-NEXT:   %[[A:.*]] = m1.linear
// CHECK-NEXT:   m1.sigmoid_gate %[[A]], %[[B]]
// CHECK-NEXT:   m1.yield
func.func @second_chain(%x: tensor<?x16xf32>, %w: tensor<32x16xf32>, %v: tensor<32x16xf32>) -> tensor<?x32xf32> {
  %0 = m1.linear %x, %w : (tensor<?x16xf32>, tensor<32x16xf32>) -> tensor<?x32xf32>
  %b = m1.silu %0 : (tensor<?x32xf32>) -> tensor<?x32xf32>
  %a = m1.linear %x, %v : (tensor<?x16xf32>, tensor<32x16xf32>) -> tensor<?x32xf32>
  %y = m1.sigmoid_gate %a, %b : (tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}

// What is fused already stays as it is.
// CHECK-LABEL: func.func @again
// CHECK-NEXT: m1.fused -> tensor<?x32xf32> {
// CHECK-NEXT:   m1.linear
// CHECK-NEXT:   m1.silu
// CHECK-NEXT:   m1.yield
// CHECK-NEXT: }
// CHECK-NEXT: return
func.func @again(%x: tensor<?x16xf32>, %w: tensor<32x16xf32>) -> tensor<?x32xf32> {
  %y = m1.fused -> tensor<?x32xf32> {
    %0 = m1.linear %x, %w : (tensor<?x16xf32>, tensor<32x16xf32>) -> tensor<?x32xf32>
    %1 = m1.silu %0 : (tensor<?x32xf32>) -> tensor<?x32xf32>
    m1.yield %1 : tensor<?x32xf32>
  }
  return %y : tensor<?x32xf32>
}
