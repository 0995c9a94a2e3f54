// RUN: m1-opt %s -canonicalize | FileCheck %s

// CHECK-LABEL: func.func @cast_to_same
// CHECK-NEXT: return %arg0
func.func @cast_to_same(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %0 = m1.cast %x : tensor<?x8xf32> to tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}

// CHECK-LABEL: func.func @widened_and_back
// CHECK-NEXT: return %arg0
func.func @widened_and_back(%x: tensor<?x8xbf16>) -> tensor<?x8xbf16> {
  %0 = m1.cast %x : tensor<?x8xbf16> to tensor<?x8xf32>
  %1 = m1.cast %0 : tensor<?x8xf32> to tensor<?x8xbf16>
  return %1 : tensor<?x8xbf16>
}

// CHECK-LABEL: func.func @widened_then_other
// CHECK-NEXT: %[[Y:.*]] = m1.cast %arg0 : tensor<?x8xbf16> to tensor<?x8xf16>
// CHECK-NEXT: return %[[Y]]
func.func @widened_then_other(%x: tensor<?x8xbf16>) -> tensor<?x8xf16> {
  %0 = m1.cast %x : tensor<?x8xbf16> to tensor<?x8xf32>
  %1 = m1.cast %0 : tensor<?x8xf32> to tensor<?x8xf16>
  return %1 : tensor<?x8xf16>
}

// Rounding is not undone.
// CHECK-LABEL: func.func @rounded_and_back
// CHECK-NEXT: m1.cast
// CHECK-NEXT: m1.cast
func.func @rounded_and_back(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %0 = m1.cast %x : tensor<?x8xf32> to tensor<?x8xbf16>
  %1 = m1.cast %0 : tensor<?x8xbf16> to tensor<?x8xf32>
  return %1 : tensor<?x8xf32>
}

// f16 holds no large bf16 values, and bf16 fewer digits than f16.
// CHECK-LABEL: func.func @half_types
// CHECK-NEXT: m1.cast
// CHECK-NEXT: m1.cast
// CHECK-NEXT: m1.cast
// CHECK-NEXT: m1.cast
func.func @half_types(%x: tensor<?x8xbf16>, %y: tensor<?x8xf16>) -> (tensor<?x8xbf16>, tensor<?x8xf16>) {
  %0 = m1.cast %x : tensor<?x8xbf16> to tensor<?x8xf16>
  %1 = m1.cast %0 : tensor<?x8xf16> to tensor<?x8xbf16>
  %2 = m1.cast %y : tensor<?x8xf16> to tensor<?x8xbf16>
  %3 = m1.cast %2 : tensor<?x8xbf16> to tensor<?x8xf16>
  return %1, %3 : tensor<?x8xbf16>, tensor<?x8xf16>
}

// f32 is narrower than f64: rounding to it stays.
// CHECK-LABEL: func.func @double
// CHECK-NEXT: m1.cast %arg0 : tensor<?x8xf64> to tensor<?x8xf32>
// CHECK-NEXT: m1.cast {{.*}} to tensor<?x8xbf16>
func.func @double(%x: tensor<?x8xf64>) -> tensor<?x8xbf16> {
  %0 = m1.cast %x : tensor<?x8xf64> to tensor<?x8xf32>
  %1 = m1.cast %0 : tensor<?x8xf32> to tensor<?x8xbf16>
  return %1 : tensor<?x8xbf16>
}

// CHECK-LABEL: func.func @split_then_merge
// CHECK-NEXT: return %arg0
func.func @split_then_merge(%x: tensor<?x32xf32>) -> tensor<?x32xf32> {
  %0 = m1.split_heads %x : (tensor<?x32xf32>) -> tensor<?x4x8xf32>
  %1 = m1.merge_heads %0 : (tensor<?x4x8xf32>) -> tensor<?x32xf32>
  return %1 : tensor<?x32xf32>
}

// CHECK-LABEL: func.func @merge_then_split
// CHECK-NEXT: return %arg0
func.func @merge_then_split(%x: tensor<?x4x8xf32>) -> tensor<?x4x8xf32> {
  %0 = m1.merge_heads %x : (tensor<?x4x8xf32>) -> tensor<?x32xf32>
  %1 = m1.split_heads %0 : (tensor<?x32xf32>) -> tensor<?x4x8xf32>
  return %1 : tensor<?x4x8xf32>
}

// Another cut of the same columns is not the same heads.
// CHECK-LABEL: func.func @other_heads
// CHECK-NEXT: m1.merge_heads
// CHECK-NEXT: m1.split_heads
func.func @other_heads(%x: tensor<?x4x8xf32>) -> tensor<?x8x4xf32> {
  %0 = m1.merge_heads %x : (tensor<?x4x8xf32>) -> tensor<?x32xf32>
  %1 = m1.split_heads %0 : (tensor<?x32xf32>) -> tensor<?x8x4xf32>
  return %1 : tensor<?x8x4xf32>
}

m1.state @a : !m1.kv_cache<2 x 8, f32>
m1.state @b : !m1.kv_cache<2 x 8, f32>

// CHECK-LABEL: func.func @unchanged_state
// CHECK-NEXT: return
func.func @unchanged_state() {
  %0 = m1.read_state @a : !m1.kv_cache<2 x 8, f32>
  m1.write_state %0, @a : !m1.kv_cache<2 x 8, f32>
  return
}

// CHECK-LABEL: func.func @copied_state
// CHECK-NEXT: %[[A:.*]] = m1.read_state @a
// CHECK-NEXT: m1.write_state %[[A]], @b
func.func @copied_state() {
  %0 = m1.read_state @a : !m1.kv_cache<2 x 8, f32>
  m1.write_state %0, @b : !m1.kv_cache<2 x 8, f32>
  return
}

// The last write of @a undoes the one before it; that of @b changes nothing.
// CHECK-LABEL: func.func @restored_state
// CHECK-NEXT: %[[A:.*]] = m1.read_state @a
// CHECK-NEXT: m1.write_state %arg0, @a
// CHECK-NEXT: m1.write_state %[[A]], @a
// CHECK-NEXT: return
func.func @restored_state(%other: !m1.kv_cache<2 x 8, f32>) {
  %0 = m1.read_state @a : !m1.kv_cache<2 x 8, f32>
  %1 = m1.read_state @b : !m1.kv_cache<2 x 8, f32>
  m1.write_state %other, @a : !m1.kv_cache<2 x 8, f32>
  m1.write_state %0, @a : !m1.kv_cache<2 x 8, f32>
  m1.write_state %1, @b : !m1.kv_cache<2 x 8, f32>
  return
}

// A call between may write the state.
// CHECK-LABEL: func.func @called_between
// CHECK-NEXT: m1.read_state
// CHECK-NEXT: call
// CHECK-NEXT: m1.write_state
func.func @called_between() {
  %0 = m1.read_state @a : !m1.kv_cache<2 x 8, f32>
  func.call @unchanged_state() : () -> ()
  m1.write_state %0, @a : !m1.kv_cache<2 x 8, f32>
  return
}

// CHECK-LABEL: func.func @unused
// CHECK-NEXT: return
func.func @unused(%x: tensor<?x8xf32>) {
  %0 = m1.read_state @a : !m1.kv_cache<2 x 8, f32>
  %1 = m1.silu %x : (tensor<?x8xf32>) -> tensor<?x8xf32>
  return
}
