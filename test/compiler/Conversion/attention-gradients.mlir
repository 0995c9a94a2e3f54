// Launches of the gradients of attention.
// RUN: m1-opt %s -split-input-file --tile-set-target=name=x86-64-v4 --m1-to-plan="tokens=640 slots=4" -verify-diagnostics | FileCheck %s

// States in a row for each chunk of 64: 640 / 64 and one more for each of 4 sequences. S^T and dS are walked by cells of their own.
// CHECK-LABEL: plan.program @lightning
// CHECK: plan.view {{.*}} to memref<?x3x8xbf16, strided<[72, 24, 1]>
// CHECK: %[[S:.*]] = plan.buffer rows 14 : memref<?x3x8x8xf32>
// CHECK: %[[DS:.*]] = plan.buffer rows 14 : memref<?x3x8x8xf32>
// CHECK: plan.launch @lightning_states_{{.*}} grid [B, 3, 2] ({{.*}} states = %[[S]] : memref<?x3x8x8xf32> written, state_gradients = %[[DS]] : memref<?x3x8x8xf32> written)
// CHECK: plan.launch @lightning_gradient_{{.*}} grid [B, 3, T ceildiv 64] (
func.func @lightning(%dy: tensor<?x3x8xf32>, %x: tensor<?x72xbf16>, %cu: tensor<?xi32> {m1.dim = "B+1"}) -> (tensor<?x3x8xf32>, tensor<?x3x8xf32>, tensor<?x3x8xf32>) {
  %q, %k, %v = m1.split_qkv %x : (tensor<?x72xbf16>) -> (tensor<?x3x8xbf16>, tensor<?x3x8xbf16>, tensor<?x3x8xbf16>)
  %dq, %dk, %dv = m1.lightning_attention_gradient %dy, %q, %k, %v at %cu slopes [0.5, 0.25, 0.0] chunk 64
    : (tensor<?x3x8xf32>, tensor<?x3x8xbf16>, tensor<?x3x8xbf16>, tensor<?x3x8xbf16>, tensor<?xi32>) -> (tensor<?x3x8xf32>, tensor<?x3x8xf32>, tensor<?x3x8xf32>)
  return %dq, %dk, %dv : tensor<?x3x8xf32>, tensor<?x3x8xf32>, tensor<?x3x8xf32>
}

// -----

// Keys and values, transposed, and two numbers for each row; nothing has T² elements.
// CHECK-LABEL: plan.program @softmax
// CHECK-DAG: plan.buffer rows 14 : memref<?x2x8x64xf32>
// CHECK-DAG: plan.buffer rows T : memref<?x4xf32>
// CHECK: plan.launch @transposed_keys_{{.*}} grid [B, 2, T ceildiv 64] (
// CHECK: plan.launch @softmax_statistics_{{.*}} grid [B, 4, T ceildiv 64] (
// CHECK: plan.launch @softmax_gradient_{{.*}} grid [B, 2, 1] (
func.func @softmax(%dy: tensor<?x4x8xf32>, %q: tensor<?x4x8xf32>, %k: tensor<?x2x8xf32>, %v: tensor<?x2x8xf32>, %y: tensor<?x4x8xf32>, %cu: tensor<?xi32> {m1.dim = "B+1"}) -> (tensor<?x4x8xf32>, tensor<?x2x8xf32>, tensor<?x2x8xf32>) {
  %dq, %dk, %dv = m1.softmax_attention_gradient %dy, %q, %k, %v, %y at %cu scale 0.5
    : (tensor<?x4x8xf32>, tensor<?x4x8xf32>, tensor<?x2x8xf32>, tensor<?x2x8xf32>, tensor<?x4x8xf32>, tensor<?xi32>) -> (tensor<?x4x8xf32>, tensor<?x2x8xf32>, tensor<?x2x8xf32>)
  return %dq, %dk, %dv : tensor<?x4x8xf32>, tensor<?x2x8xf32>, tensor<?x2x8xf32>
}

// -----

// A chunk is no longer than a call.
// CHECK-LABEL: plan.program @long_chunk
// CHECK: plan.buffer rows 5 : memref<?x1x8x8xf32>
// CHECK: plan.launch @lightning_gradient_{{.*}}_chunk640 grid [B, 1, T ceildiv 640] (
func.func @long_chunk(%dy: tensor<?x1x8xf32>, %cu: tensor<?xi32> {m1.dim = "B+1"}) -> tensor<?x1x8xf32> {
  %dq, %dk, %dv = m1.lightning_attention_gradient %dy, %dy, %dy, %dy at %cu slopes [0.5] chunk 1099511627776
    : (tensor<?x1x8xf32>, tensor<?x1x8xf32>, tensor<?x1x8xf32>, tensor<?x1x8xf32>, tensor<?xi32>) -> (tensor<?x1x8xf32>, tensor<?x1x8xf32>, tensor<?x1x8xf32>)
  return %dq : tensor<?x1x8xf32>
}

// -----

func.func @rows(%dy: tensor<?x1x8xf32>, %q: tensor<?x1x8xf32>, %k: tensor<?x1x8xf32> {m1.dim = "U"}, %cu: tensor<?xi32> {m1.dim = "B+1"}) -> tensor<?x1x8xf32> {
  // expected-error@+1 {{expected operand 2 with T rows, found U}}
  %dq, %dk, %dv = m1.lightning_attention_gradient %dy, %q, %k, %q at %cu slopes [0.5] chunk 64
    : (tensor<?x1x8xf32>, tensor<?x1x8xf32>, tensor<?x1x8xf32>, tensor<?x1x8xf32>, tensor<?xi32>) -> (tensor<?x1x8xf32>, tensor<?x1x8xf32>, tensor<?x1x8xf32>)
  return %dq : tensor<?x1x8xf32>
}

// -----

func.func @no_offsets(%dy: tensor<?x1x8xf32>, %q: tensor<?x1x8xf32>, %cu: tensor<0xi32>) -> tensor<?x1x8xf32> {
  // expected-error@+1 {{expected cu_seqlens with at least 1 row, found 0}}
  %dq, %dk, %dv = m1.softmax_attention_gradient %dy, %q, %q, %q, %q at %cu scale 0.5
    : (tensor<?x1x8xf32>, tensor<?x1x8xf32>, tensor<?x1x8xf32>, tensor<?x1x8xf32>, tensor<?x1x8xf32>, tensor<0xi32>) -> (tensor<?x1x8xf32>, tensor<?x1x8xf32>, tensor<?x1x8xf32>)
  return %dq : tensor<?x1x8xf32>
}
