// What operations of a training step, and their state type, must be given; each constraint broken once.
// RUN: m1-opt %s -verify-diagnostics -split-input-file

// expected-error@+1 {{expected f32 elements, found 'bf16'}}
m1.state @s : !m1.tensor_state<64x32xbf16>

// -----

// expected-error@+1 {{expected an axis or more, and extents of at least 1, found 'tensor<f32>'}}
m1.state @s : !m1.tensor_state<f32>

// -----

// expected-error@+1 {{expected an axis or more, and extents of at least 1, found 'tensor<4x0xf32>'}}
m1.state @s : !m1.tensor_state<4x0xf32>

// -----

// expected-error@+1 {{expected static shape}}
m1.state @s : !m1.tensor_state<?x4xf32>

// -----

// expected-error@+1 {{expected '<'}}
m1.state @s : !m1.tensor_state

// -----

// expected-error@+1 {{expected extents of at most 2147483647, found 'tensor<4294967296xf32>'}}
m1.state @s : !m1.tensor_state<4294967296xf32>

// -----

// expected-error@+1 {{expected at most 1099511627776 elements, found 'tensor<65536x65536x65536xf32>'}}
m1.state @s : !m1.tensor_state<65536x65536x65536xf32>

// -----

func.func @f(%a0: tensor<?xf32>, %a1: tensor<?xi32>, %a2: !m1.tensor_state<9x8xf32>) {
  // expected-error@+1 {{C1: expected dy to be [T, D], found 'tensor<?xf32>'}}
  %r = m1.embedding_gradient %a0, %a1, %a2 : (tensor<?xf32>, tensor<?xi32>, !m1.tensor_state<9x8xf32>) -> !m1.tensor_state<9x8xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x8xf32>, %a1: tensor<?x1xi32>, %a2: !m1.tensor_state<9x8xf32>) {
  // expected-error@+1 {{C1: expected tokens to be [T], found 'tensor<?x1xi32>'}}
  %r = m1.embedding_gradient %a0, %a1, %a2 : (tensor<?x8xf32>, tensor<?x1xi32>, !m1.tensor_state<9x8xf32>) -> !m1.tensor_state<9x8xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x8xf32>, %a1: tensor<?xi32>, %a2: !m1.tensor_state<9x7xf32>) {
  // expected-error@+1 {{C2: expected a state of 9x8xf32, found '!m1.tensor_state<9x7xf32>'}}
  %r = m1.embedding_gradient %a0, %a1, %a2 : (tensor<?x8xf32>, tensor<?xi32>, !m1.tensor_state<9x7xf32>) -> !m1.tensor_state<9x7xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x8xf32>, %a1: tensor<?xi32>, %a2: !m1.tensor_state<8xf32>) {
  // expected-error@+1 {{C2: expected a state of 8x8xf32, found '!m1.tensor_state<8xf32>'}}
  %r = m1.embedding_gradient %a0, %a1, %a2 : (tensor<?x8xf32>, tensor<?xi32>, !m1.tensor_state<8xf32>) -> !m1.tensor_state<8xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x8xf32>, %a1: tensor<?xi32>, %a2: !m1.tensor_state<9x8xf32>) {
  // expected-error@+1 {{failed to verify that all of {state, newState} have same type}}
  %r = m1.embedding_gradient %a0, %a1, %a2 : (tensor<?x8xf32>, tensor<?xi32>, !m1.tensor_state<9x8xf32>) -> !m1.tensor_state<9x7xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x?xf32>, %a1: tensor<9x8xbf16>) {
  // expected-error@+1 {{C1: expected dy to be [T, N], found 'tensor<?x?xf32>'}}
  %r = m1.linear_transposed %a0, %a1 : (tensor<?x?xf32>, tensor<9x8xbf16>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x9xf32>, %a1: tensor<8x8xf32>) {
  // expected-error@+1 {{C2: expected weight to be [N = 9, K], found 'tensor<8x8xf32>'}}
  %r = m1.linear_transposed %a0, %a1 : (tensor<?x9xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x9xf32>, %a1: tensor<9x8xbf16>) {
  // expected-error@+1 {{C3: expected the result to be [T, N = 8], found 'tensor<?x9xf32>'}}
  %r = m1.linear_transposed %a0, %a1 : (tensor<?x9xf32>, tensor<9x8xbf16>) -> tensor<?x9xf32>
  return
}

// -----

func.func @f(%a0: tensor<9xf32>, %a1: tensor<?x8xbf16>, %a2: !m1.tensor_state<9x8xf32>) {
  // expected-error@+1 {{C1: expected dy to be [T, N], found 'tensor<9xf32>'}}
  %r = m1.linear_weight_gradient %a0, %a1, %a2 : (tensor<9xf32>, tensor<?x8xbf16>, !m1.tensor_state<9x8xf32>) -> !m1.tensor_state<9x8xf32>
  return
}

// -----

func.func @f(%a0: tensor<4x9xf32>, %a1: tensor<5x8xf32>, %a2: !m1.tensor_state<9x8xf32>) {
  // expected-error@+1 {{C1: expected x to be [T = 4, K], found 'tensor<5x8xf32>'}}
  %r = m1.linear_weight_gradient %a0, %a1, %a2 : (tensor<4x9xf32>, tensor<5x8xf32>, !m1.tensor_state<9x8xf32>) -> !m1.tensor_state<9x8xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x9xf32>, %a1: tensor<?x8xbf16>, %a2: !m1.tensor_state<8x9xf32>) {
  // expected-error@+1 {{C2: expected a state of 9x8xf32, found '!m1.tensor_state<8x9xf32>'}}
  %r = m1.linear_weight_gradient %a0, %a1, %a2 : (tensor<?x9xf32>, tensor<?x8xbf16>, !m1.tensor_state<8x9xf32>) -> !m1.tensor_state<8x9xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x8xf32>, %a1: tensor<?x9xf32>, %a2: tensor<8xf32>) {
  // expected-error@+1 {{C1: expected x to be [T, N = 8], found 'tensor<?x9xf32>'}}
  %r = m1.rms_norm_gradient %a0, %a1, %a2 eps 0.5 : (tensor<?x8xf32>, tensor<?x9xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x8xf32>, %a1: tensor<?x8xbf16>, %a2: tensor<8xf32>) {
  // expected-error@+1 {{C1: expected the result to be [T, N = 8], found 'tensor<?x9xf32>'}}
  %r = m1.rms_norm_gradient %a0, %a1, %a2 eps 0.5 : (tensor<?x8xf32>, tensor<?x8xbf16>, tensor<8xf32>) -> tensor<?x9xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x8xf32>, %a1: tensor<?x8xbf16>, %a2: tensor<9xf32>) {
  // expected-error@+1 {{C2: expected weight to be [8], found 'tensor<9xf32>'}}
  %r = m1.rms_norm_gradient %a0, %a1, %a2 eps 0.5 : (tensor<?x8xf32>, tensor<?x8xbf16>, tensor<9xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x8xf32>, %a1: tensor<?x8xbf16>, %a2: tensor<8xf32>) {
  // expected-error@+1 {{C3: expected a positive eps, found 0}}
  %r = m1.rms_norm_gradient %a0, %a1, %a2 eps 0.0 : (tensor<?x8xf32>, tensor<?x8xbf16>, tensor<8xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x8xbf16>, %a1: tensor<?x8xbf16>, %a2: tensor<8xf32>) {
  // expected-error@+1 {{operand #0 must be ranked tensor of 32-bit float values, but got 'tensor<?x8xbf16>'}}
  %r = m1.rms_norm_gradient %a0, %a1, %a2 eps 0.5 : (tensor<?x8xbf16>, tensor<?x8xbf16>, tensor<8xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x8xf32>, %a1: tensor<?x9xf32>, %a2: !m1.tensor_state<8xf32>) {
  // expected-error@+1 {{C1: expected x to be [T, N = 8], found 'tensor<?x9xf32>'}}
  %r = m1.rms_norm_weight_gradient %a0, %a1, %a2 eps 0.5 : (tensor<?x8xf32>, tensor<?x9xf32>, !m1.tensor_state<8xf32>) -> !m1.tensor_state<8xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x8xf32>, %a1: tensor<?x8xbf16>, %a2: !m1.tensor_state<9xf32>) {
  // expected-error@+1 {{C2: expected a state of 8xf32, found '!m1.tensor_state<9xf32>'}}
  %r = m1.rms_norm_weight_gradient %a0, %a1, %a2 eps 0.5 : (tensor<?x8xf32>, tensor<?x8xbf16>, !m1.tensor_state<9xf32>) -> !m1.tensor_state<9xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x8xf32>, %a1: tensor<?x8xbf16>, %a2: !m1.tensor_state<8xf32>) {
  // expected-error@+1 {{C3: expected a positive eps, found -5.000000e-01}}
  %r = m1.rms_norm_weight_gradient %a0, %a1, %a2 eps -0.5 : (tensor<?x8xf32>, tensor<?x8xbf16>, !m1.tensor_state<8xf32>) -> !m1.tensor_state<8xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x9xf32>) {
  // expected-error@+1 {{C1: expected operands and result of one shape, found 'tensor<?x9xf32>' and 'tensor<?x8xf32>'}}
  %r = m1.scale %a0 by 2.0 : (tensor<?x9xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x8xf32>, %a1: tensor<?x9xf32>) {
  // expected-error@+1 {{C1: expected operands and result of one shape, found 'tensor<?x9xf32>' and 'tensor<?x8xf32>'}}
  %r = m1.silu_gradient %a0, %a1 : (tensor<?x8xf32>, tensor<?x9xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x8xf32>, %a1: tensor<?x8xbf16>, %a2: tensor<?x9xf32>) {
  // expected-error@+1 {{C1: expected operands and result of one shape, found 'tensor<?x9xf32>' and 'tensor<?x8xf32>'}}
  %r = m1.sigmoid_gate_gradient %a0, %a1, %a2 : (tensor<?x8xf32>, tensor<?x8xbf16>, tensor<?x9xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x9xf32>, %a1: tensor<?x8xbf16>, %a2: tensor<?x8xbf16>) {
  // expected-error@+1 {{C1: expected operands and result of one shape, found 'tensor<?x9xf32>' and 'tensor<?x8xf32>'}}
  %r = m1.silu_mul_gradient %a0, %a1, %a2 : (tensor<?x9xf32>, tensor<?x8xbf16>, tensor<?x8xbf16>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x8xf32>, %a1: tensor<?x9xf32>, %a2: tensor<?x8xbf16>, %a3: tensor<?x1xf32>) {
  // expected-error@+1 {{C1: expected moe to be [T, N = 8], found 'tensor<?x9xf32>'}}
  %r:3 = m1.shared_mix_gradient %a0, %a1, %a2, %a3 : (tensor<?x8xf32>, tensor<?x9xf32>, tensor<?x8xbf16>, tensor<?x1xf32>) -> (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x1xf32>)
  return
}

// -----

func.func @f(%a0: tensor<?x8xf32>, %a1: tensor<?x8xbf16>, %a2: tensor<?x8xbf16>, %a3: tensor<?x1xf32>) {
  // expected-error@+1 {{C1: expected shared_gradient to be [T, N = 8], found 'tensor<?x9xf32>'}}
  %r:3 = m1.shared_mix_gradient %a0, %a1, %a2, %a3 : (tensor<?x8xf32>, tensor<?x8xbf16>, tensor<?x8xbf16>, tensor<?x1xf32>) -> (tensor<?x8xf32>, tensor<?x9xf32>, tensor<?x1xf32>)
  return
}

// -----

func.func @f(%a0: tensor<?x8xf32>, %a1: tensor<?x8xbf16>, %a2: tensor<?x8xbf16>, %a3: tensor<?xf32>) {
  // expected-error@+1 {{C2: expected coefficient to be [T, N = 1], found 'tensor<?xf32>'}}
  %r:3 = m1.shared_mix_gradient %a0, %a1, %a2, %a3 : (tensor<?x8xf32>, tensor<?x8xbf16>, tensor<?x8xbf16>, tensor<?xf32>) -> (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x1xf32>)
  return
}

// -----

func.func @f(%a0: tensor<?x8xf32>, %a1: tensor<?x8xbf16>, %a2: tensor<?x8xbf16>, %a3: tensor<?x1xf32>) {
  // expected-error@+1 {{C2: expected coefficient_gradient to be [T, N = 1], found 'tensor<?x8xf32>'}}
  %r:3 = m1.shared_mix_gradient %a0, %a1, %a2, %a3 : (tensor<?x8xf32>, tensor<?x8xbf16>, tensor<?x8xbf16>, tensor<?x1xf32>) -> (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>)
  return
}

// -----

func.func @f(%a0: tensor<?x4x8xbf16>, %a1: tensor<?x4x9xbf16>, %a2: tensor<?x4x8xbf16>) {
  // expected-error@+1 {{C1: expected k to be [T, H = 4, d = 8], found 'tensor<?x4x9xbf16>'}}
  %r = m1.merge_qkv %a0, %a1, %a2 : (tensor<?x4x8xbf16>, tensor<?x4x9xbf16>, tensor<?x4x8xbf16>) -> tensor<?x96xbf16>
  return
}

// -----

func.func @f(%a0: tensor<?x4x8xbf16>, %a1: tensor<?x4x8xbf16>, %a2: tensor<?x4x8xf32>) {
  // expected-error@+1 {{C1: expected v of 'bf16', found 'f32'}}
  %r = m1.merge_qkv %a0, %a1, %a2 : (tensor<?x4x8xbf16>, tensor<?x4x8xbf16>, tensor<?x4x8xf32>) -> tensor<?x96xbf16>
  return
}

// -----

func.func @f(%a0: tensor<?x4x8xbf16>, %a1: tensor<?x4x8xbf16>, %a2: tensor<?x4x8xbf16>) {
  // expected-error@+1 {{C2: expected the result to be [T, N = 96], found 'tensor<?x95xbf16>'}}
  %r = m1.merge_qkv %a0, %a1, %a2 : (tensor<?x4x8xbf16>, tensor<?x4x8xbf16>, tensor<?x4x8xbf16>) -> tensor<?x95xbf16>
  return
}

// -----

func.func @f(%a0: tensor<?x4x8xbf16>, %a1: tensor<?x4x8xbf16>, %a2: tensor<?x4x8xbf16>) {
  // expected-error@+1 {{C2: expected the result of 'bf16', found 'f32'}}
  %r = m1.merge_qkv %a0, %a1, %a2 : (tensor<?x4x8xbf16>, tensor<?x4x8xbf16>, tensor<?x4x8xbf16>) -> tensor<?x96xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x4x9xf32>, %a1: tensor<?x4x8xbf16>, %a2: tensor<?x4x8xbf16>, %a3: tensor<?x4x8xbf16>, %a4: tensor<?xi32>) {
  // expected-error@+1 {{C1: expected dy to be [T, H = 4, d = 8], found 'tensor<?x4x9xf32>'}}
  %r:3 = m1.lightning_attention_gradient %a0, %a1, %a2, %a3 at %a4 slopes [0.5, 0.5, 0.5, 0.5] chunk 4 : (tensor<?x4x9xf32>, tensor<?x4x8xbf16>, tensor<?x4x8xbf16>, tensor<?x4x8xbf16>, tensor<?xi32>) -> (tensor<?x4x8xf32>, tensor<?x4x8xf32>, tensor<?x4x8xf32>)
  return
}

// -----

func.func @f(%a0: tensor<?x4x8xf32>, %a1: tensor<?x4x8xbf16>, %a2: tensor<?x4x8xbf16>, %a3: tensor<?x4x8xbf16>, %a4: tensor<?xi32>) {
  // expected-error@+1 {{C1: expected dv to be [T, H = 4, d = 8], found 'tensor<?x32xf32>'}}
  %r:3 = m1.lightning_attention_gradient %a0, %a1, %a2, %a3 at %a4 slopes [0.5, 0.5, 0.5, 0.5] chunk 4 : (tensor<?x4x8xf32>, tensor<?x4x8xbf16>, tensor<?x4x8xbf16>, tensor<?x4x8xbf16>, tensor<?xi32>) -> (tensor<?x4x8xf32>, tensor<?x4x8xf32>, tensor<?x32xf32>)
  return
}

// -----

func.func @f(%a0: tensor<?x4x8xf32>, %a1: tensor<?x4x8xbf16>, %a2: tensor<?x4x8xf32>, %a3: tensor<?x4x8xbf16>, %a4: tensor<?xi32>) {
  // expected-error@+1 {{C1: expected k of 'bf16', found 'f32'}}
  %r:3 = m1.lightning_attention_gradient %a0, %a1, %a2, %a3 at %a4 slopes [0.5, 0.5, 0.5, 0.5] chunk 4 : (tensor<?x4x8xf32>, tensor<?x4x8xbf16>, tensor<?x4x8xf32>, tensor<?x4x8xbf16>, tensor<?xi32>) -> (tensor<?x4x8xf32>, tensor<?x4x8xf32>, tensor<?x4x8xf32>)
  return
}

// -----

func.func @f(%a0: tensor<?x4x8xf32>, %a1: tensor<?x4x8xbf16>, %a2: tensor<?x4x8xbf16>, %a3: tensor<?x4x8xbf16>, %a4: tensor<?xi32>) {
  // expected-error@+1 {{C2: expected 4 slopes, found 3}}
  %r:3 = m1.lightning_attention_gradient %a0, %a1, %a2, %a3 at %a4 slopes [0.5, 0.5, 0.5] chunk 4 : (tensor<?x4x8xf32>, tensor<?x4x8xbf16>, tensor<?x4x8xbf16>, tensor<?x4x8xbf16>, tensor<?xi32>) -> (tensor<?x4x8xf32>, tensor<?x4x8xf32>, tensor<?x4x8xf32>)
  return
}

// -----

func.func @f(%a0: tensor<?x4x8xf32>, %a1: tensor<?x4x8xbf16>, %a2: tensor<?x4x8xbf16>, %a3: tensor<?x4x8xbf16>, %a4: tensor<?xi32>) {
  // expected-error@+1 {{C2: expected finite slopes of at least 0, found -1}}
  %r:3 = m1.lightning_attention_gradient %a0, %a1, %a2, %a3 at %a4 slopes [0.5, 0.5, 0.5, -1.0] chunk 4 : (tensor<?x4x8xf32>, tensor<?x4x8xbf16>, tensor<?x4x8xbf16>, tensor<?x4x8xbf16>, tensor<?xi32>) -> (tensor<?x4x8xf32>, tensor<?x4x8xf32>, tensor<?x4x8xf32>)
  return
}

// -----

func.func @f(%a0: tensor<?x4x8xf32>, %a1: tensor<?x4x8xbf16>, %a2: tensor<?x4x8xbf16>, %a3: tensor<?x4x8xbf16>, %a4: tensor<?x1xi32>) {
  // expected-error@+1 {{C3: expected cu_seqlens to be [B+1], found 'tensor<?x1xi32>'}}
  %r:3 = m1.lightning_attention_gradient %a0, %a1, %a2, %a3 at %a4 slopes [0.5, 0.5, 0.5, 0.5] chunk 4 : (tensor<?x4x8xf32>, tensor<?x4x8xbf16>, tensor<?x4x8xbf16>, tensor<?x4x8xbf16>, tensor<?x1xi32>) -> (tensor<?x4x8xf32>, tensor<?x4x8xf32>, tensor<?x4x8xf32>)
  return
}

// -----

func.func @f(%a0: tensor<?x4x8xf32>, %a1: tensor<?x4x8xbf16>, %a2: tensor<?x4x8xbf16>, %a3: tensor<?x4x8xbf16>, %a4: tensor<?xi32>) {
  // expected-error@+1 {{C4: expected a positive chunk, found 0}}
  %r:3 = m1.lightning_attention_gradient %a0, %a1, %a2, %a3 at %a4 slopes [0.5, 0.5, 0.5, 0.5] chunk 0 : (tensor<?x4x8xf32>, tensor<?x4x8xbf16>, tensor<?x4x8xbf16>, tensor<?x4x8xbf16>, tensor<?xi32>) -> (tensor<?x4x8xf32>, tensor<?x4x8xf32>, tensor<?x4x8xf32>)
  return
}

// -----

func.func @f(%a0: tensor<?x2x8xf32>, %a1: tensor<?x4x8xbf16>, %a2: tensor<?x2x8xbf16>, %a3: tensor<?x2x8xbf16>, %a4: tensor<?x4x8xbf16>, %a5: tensor<?xi32>) {
  // expected-error@+1 {{C1: expected dy to be [T, H = 4, d = 8], found 'tensor<?x2x8xf32>'}}
  %r:3 = m1.softmax_attention_gradient %a0, %a1, %a2, %a3, %a4 at %a5 scale 0.5 : (tensor<?x2x8xf32>, tensor<?x4x8xbf16>, tensor<?x2x8xbf16>, tensor<?x2x8xbf16>, tensor<?x4x8xbf16>, tensor<?xi32>) -> (tensor<?x4x8xf32>, tensor<?x2x8xf32>, tensor<?x2x8xf32>)
  return
}

// -----

func.func @f(%a0: tensor<?x4x8xf32>, %a1: tensor<?x4x8xbf16>, %a2: tensor<?x2x8xbf16>, %a3: tensor<?x2x8xbf16>, %a4: tensor<?x4x8xbf16>, %a5: tensor<?xi32>) {
  // expected-error@+1 {{C1: expected dq to be [T, H = 4, d = 8], found 'tensor<?x2x8xf32>'}}
  %r:3 = m1.softmax_attention_gradient %a0, %a1, %a2, %a3, %a4 at %a5 scale 0.5 : (tensor<?x4x8xf32>, tensor<?x4x8xbf16>, tensor<?x2x8xbf16>, tensor<?x2x8xbf16>, tensor<?x4x8xbf16>, tensor<?xi32>) -> (tensor<?x2x8xf32>, tensor<?x2x8xf32>, tensor<?x2x8xf32>)
  return
}

// -----

func.func @f(%a0: tensor<?x4x8xf32>, %a1: tensor<?x4x8xbf16>, %a2: tensor<?x2x9xbf16>, %a3: tensor<?x2x8xbf16>, %a4: tensor<?x4x8xbf16>, %a5: tensor<?xi32>) {
  // expected-error@+1 {{C2: expected k to be [T, G, d = 8], found 'tensor<?x2x9xbf16>'}}
  %r:3 = m1.softmax_attention_gradient %a0, %a1, %a2, %a3, %a4 at %a5 scale 0.5 : (tensor<?x4x8xf32>, tensor<?x4x8xbf16>, tensor<?x2x9xbf16>, tensor<?x2x8xbf16>, tensor<?x4x8xbf16>, tensor<?xi32>) -> (tensor<?x4x8xf32>, tensor<?x2x8xf32>, tensor<?x2x8xf32>)
  return
}

// -----

func.func @f(%a0: tensor<?x4x8xf32>, %a1: tensor<?x4x8xbf16>, %a2: tensor<?x2x8xbf16>, %a3: tensor<?x2x8xf32>, %a4: tensor<?x4x8xbf16>, %a5: tensor<?xi32>) {
  // expected-error@+1 {{C2: expected v of 'bf16', found 'f32'}}
  %r:3 = m1.softmax_attention_gradient %a0, %a1, %a2, %a3, %a4 at %a5 scale 0.5 : (tensor<?x4x8xf32>, tensor<?x4x8xbf16>, tensor<?x2x8xbf16>, tensor<?x2x8xf32>, tensor<?x4x8xbf16>, tensor<?xi32>) -> (tensor<?x4x8xf32>, tensor<?x2x8xf32>, tensor<?x2x8xf32>)
  return
}

// -----

func.func @f(%a0: tensor<?x4x8xf32>, %a1: tensor<?x4x8xbf16>, %a2: tensor<?x2x8xbf16>, %a3: tensor<?x2x8xbf16>, %a4: tensor<?x4x8xbf16>, %a5: tensor<?xi32>) {
  // expected-error@+1 {{C2: expected dk to be [T, H = 2, d = 8], found 'tensor<?x4x8xf32>'}}
  %r:3 = m1.softmax_attention_gradient %a0, %a1, %a2, %a3, %a4 at %a5 scale 0.5 : (tensor<?x4x8xf32>, tensor<?x4x8xbf16>, tensor<?x2x8xbf16>, tensor<?x2x8xbf16>, tensor<?x4x8xbf16>, tensor<?xi32>) -> (tensor<?x4x8xf32>, tensor<?x4x8xf32>, tensor<?x2x8xf32>)
  return
}

// -----

func.func @f(%a0: tensor<?x4x8xf32>, %a1: tensor<?x4x8xbf16>, %a2: tensor<?x3x8xbf16>, %a3: tensor<?x3x8xbf16>, %a4: tensor<?x4x8xbf16>, %a5: tensor<?xi32>) {
  // expected-error@+1 {{C3: expected the key/value heads to divide the 4 query heads, found 3}}
  %r:3 = m1.softmax_attention_gradient %a0, %a1, %a2, %a3, %a4 at %a5 scale 0.5 : (tensor<?x4x8xf32>, tensor<?x4x8xbf16>, tensor<?x3x8xbf16>, tensor<?x3x8xbf16>, tensor<?x4x8xbf16>, tensor<?xi32>) -> (tensor<?x4x8xf32>, tensor<?x3x8xf32>, tensor<?x3x8xf32>)
  return
}

// -----

func.func @f(%a0: tensor<?x4x8xf32>, %a1: tensor<?x4x8xbf16>, %a2: tensor<?x2x8xbf16>, %a3: tensor<?x2x8xbf16>, %a4: tensor<?x4x8xbf16>, %a5: tensor<?x1xi32>) {
  // expected-error@+1 {{C4: expected cu_seqlens to be [B+1], found 'tensor<?x1xi32>'}}
  %r:3 = m1.softmax_attention_gradient %a0, %a1, %a2, %a3, %a4 at %a5 scale 0.5 : (tensor<?x4x8xf32>, tensor<?x4x8xbf16>, tensor<?x2x8xbf16>, tensor<?x2x8xbf16>, tensor<?x4x8xbf16>, tensor<?x1xi32>) -> (tensor<?x4x8xf32>, tensor<?x2x8xf32>, tensor<?x2x8xf32>)
  return
}

// -----

func.func @f(%a0: tensor<?x4x8xf32>, %a1: tensor<?x4x8xbf16>, %a2: tensor<?x2x8xbf16>, %a3: tensor<?x2x8xbf16>, %a4: tensor<?x4x8xbf16>, %a5: tensor<?xi32>) {
  // expected-error@+1 {{C5: expected a positive scale, found 0}}
  %r:3 = m1.softmax_attention_gradient %a0, %a1, %a2, %a3, %a4 at %a5 scale 0.0 : (tensor<?x4x8xf32>, tensor<?x4x8xbf16>, tensor<?x2x8xbf16>, tensor<?x2x8xbf16>, tensor<?x4x8xbf16>, tensor<?xi32>) -> (tensor<?x4x8xf32>, tensor<?x2x8xf32>, tensor<?x2x8xf32>)
  return
}

// -----

func.func @f(%a0: tensor<?x2xf32>, %a1: tensor<?x2xi32>, %a2: tensor<?x3xf32>) {
  // expected-error@+1 {{C1: expected weights to be [T, N = 2], found 'tensor<?x3xf32>'}}
  %r = m1.router_gradient %a0, %a1, %a2 : (tensor<?x2xf32>, tensor<?x2xi32>, tensor<?x3xf32>) -> tensor<?x4xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x2xf32>, %a1: tensor<?x2xi32>, %a2: tensor<?x2xf32>) {
  // expected-error@+1 {{C2: expected the result to be [T, E], found 'tensor<4xf32>'}}
  %r = m1.router_gradient %a0, %a1, %a2 : (tensor<?x2xf32>, tensor<?x2xi32>, tensor<?x2xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x2xf32>, %a1: tensor<?x2xi32>, %a2: tensor<?x2xf32>) {
  // expected-error@+1 {{C2: expected at least 2 experts, found 1}}
  %r = m1.router_gradient %a0, %a1, %a2 : (tensor<?x2xf32>, tensor<?x2xi32>, tensor<?x2xf32>) -> tensor<?x1xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x8xbf16>, %a1: tensor<4x9xf32>, %a2: tensor<4xf32>) {
  // expected-error@+1 {{C1: expected weight to be [E, D = 8], found 'tensor<4x9xf32>'}}
  %r:2 = m1.router_balance %a0, %a1, %a2 : (tensor<?x8xbf16>, tensor<4x9xf32>, tensor<4xf32>) -> (tensor<?xf32>, tensor<?x4xf32>)
  return
}

// -----

func.func @f(%a0: tensor<?x8xbf16>, %a1: tensor<4x8xf32>, %a2: tensor<5xf32>) {
  // expected-error@+1 {{C2: expected coefficients to be [4], found 'tensor<5xf32>'}}
  %r:2 = m1.router_balance %a0, %a1, %a2 : (tensor<?x8xbf16>, tensor<4x8xf32>, tensor<5xf32>) -> (tensor<?xf32>, tensor<?x4xf32>)
  return
}

// -----

func.func @f(%a0: tensor<?x8xbf16>, %a1: tensor<4x8xf32>, %a2: tensor<4xf32>) {
  // expected-error@+1 {{C3: expected loss to be [T], found 'tensor<?x1xf32>'}}
  %r:2 = m1.router_balance %a0, %a1, %a2 : (tensor<?x8xbf16>, tensor<4x8xf32>, tensor<4xf32>) -> (tensor<?x1xf32>, tensor<?x4xf32>)
  return
}

// -----

func.func @f(%a0: tensor<?x8xbf16>, %a1: tensor<4x8xf32>, %a2: tensor<4xf32>) {
  // expected-error@+1 {{C3: expected gradient to be [T, N = 4], found 'tensor<?x5xf32>'}}
  %r:2 = m1.router_balance %a0, %a1, %a2 : (tensor<?x8xbf16>, tensor<4x8xf32>, tensor<4xf32>) -> (tensor<?xf32>, tensor<?x5xf32>)
  return
}

// -----

func.func @f(%a0: tensor<?x8xf32>, %a1: tensor<?x9xf32>, %a2: tensor<?x2xi32>, %a3: tensor<?x2xf32>, %a4: tensor<4x6x8xbf16>, %a5: tensor<4x6x8xbf16>, %a6: tensor<4x8x6xbf16>) {
  // expected-error@+1 {{C1: expected x to be [T, N = 8], found 'tensor<?x9xf32>'}}
  %r:5 = m1.experts_gradient %a0, %a1, %a2, %a3, %a4, %a5, %a6 : (tensor<?x8xf32>, tensor<?x9xf32>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<4x6x8xbf16>, tensor<4x6x8xbf16>, tensor<4x8x6xbf16>) -> (tensor<?x8xf32>, tensor<?x2xf32>, tensor<?x2x6xf32>, tensor<?x2x6xf32>, tensor<?x2x6xf32>)
  return
}

// -----

func.func @f(%a0: tensor<?x8xf32>, %a1: tensor<?x8xbf16>, %a2: tensor<?x2xi32>, %a3: tensor<?x2xf32>, %a4: tensor<4x6x8xbf16>, %a5: tensor<4x6x8xbf16>, %a6: tensor<4x8x6xbf16>) {
  // expected-error@+1 {{C1: expected dx to be [T, N = 8], found 'tensor<?x9xf32>'}}
  %r:5 = m1.experts_gradient %a0, %a1, %a2, %a3, %a4, %a5, %a6 : (tensor<?x8xf32>, tensor<?x8xbf16>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<4x6x8xbf16>, tensor<4x6x8xbf16>, tensor<4x8x6xbf16>) -> (tensor<?x9xf32>, tensor<?x2xf32>, tensor<?x2x6xf32>, tensor<?x2x6xf32>, tensor<?x2x6xf32>)
  return
}

// -----

func.func @f(%a0: tensor<?x8xf32>, %a1: tensor<?x8xbf16>, %a2: tensor<?x2xi32>, %a3: tensor<?x3xf32>, %a4: tensor<4x6x8xbf16>, %a5: tensor<4x6x8xbf16>, %a6: tensor<4x8x6xbf16>) {
  // expected-error@+1 {{C2: expected weights to be [T, N = 2], found 'tensor<?x3xf32>'}}
  %r:5 = m1.experts_gradient %a0, %a1, %a2, %a3, %a4, %a5, %a6 : (tensor<?x8xf32>, tensor<?x8xbf16>, tensor<?x2xi32>, tensor<?x3xf32>, tensor<4x6x8xbf16>, tensor<4x6x8xbf16>, tensor<4x8x6xbf16>) -> (tensor<?x8xf32>, tensor<?x2xf32>, tensor<?x2x6xf32>, tensor<?x2x6xf32>, tensor<?x2x6xf32>)
  return
}

// -----

func.func @f(%a0: tensor<?x8xf32>, %a1: tensor<?x8xbf16>, %a2: tensor<?x2xi32>, %a3: tensor<?x2xf32>, %a4: tensor<4x6x8xbf16>, %a5: tensor<4x6x8xbf16>, %a6: tensor<4x8x6xbf16>) {
  // expected-error@+1 {{C2: expected dweights to be [T, N = 2], found 'tensor<?x3xf32>'}}
  %r:5 = m1.experts_gradient %a0, %a1, %a2, %a3, %a4, %a5, %a6 : (tensor<?x8xf32>, tensor<?x8xbf16>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<4x6x8xbf16>, tensor<4x6x8xbf16>, tensor<4x8x6xbf16>) -> (tensor<?x8xf32>, tensor<?x3xf32>, tensor<?x2x6xf32>, tensor<?x2x6xf32>, tensor<?x2x6xf32>)
  return
}

// -----

func.func @f(%a0: tensor<?x8xf32>, %a1: tensor<?x8xbf16>, %a2: tensor<?x2xi32>, %a3: tensor<?x2xf32>, %a4: tensor<4x6x9xbf16>, %a5: tensor<4x6x8xbf16>, %a6: tensor<4x8x6xbf16>) {
  // expected-error@+1 {{C3: expected w1 to be [E, F, D = 8], found 'tensor<4x6x9xbf16>'}}
  %r:5 = m1.experts_gradient %a0, %a1, %a2, %a3, %a4, %a5, %a6 : (tensor<?x8xf32>, tensor<?x8xbf16>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<4x6x9xbf16>, tensor<4x6x8xbf16>, tensor<4x8x6xbf16>) -> (tensor<?x8xf32>, tensor<?x2xf32>, tensor<?x2x6xf32>, tensor<?x2x6xf32>, tensor<?x2x6xf32>)
  return
}

// -----

func.func @f(%a0: tensor<?x8xf32>, %a1: tensor<?x8xbf16>, %a2: tensor<?x2xi32>, %a3: tensor<?x2xf32>, %a4: tensor<4x6x8xbf16>, %a5: tensor<4x7x8xbf16>, %a6: tensor<4x8x6xbf16>) {
  // expected-error@+1 {{C3: expected w3 to be [E = 4, F = 6, D = 8], found 'tensor<4x7x8xbf16>'}}
  %r:5 = m1.experts_gradient %a0, %a1, %a2, %a3, %a4, %a5, %a6 : (tensor<?x8xf32>, tensor<?x8xbf16>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<4x6x8xbf16>, tensor<4x7x8xbf16>, tensor<4x8x6xbf16>) -> (tensor<?x8xf32>, tensor<?x2xf32>, tensor<?x2x6xf32>, tensor<?x2x6xf32>, tensor<?x2x6xf32>)
  return
}

// -----

func.func @f(%a0: tensor<?x8xf32>, %a1: tensor<?x8xbf16>, %a2: tensor<?x2xi32>, %a3: tensor<?x2xf32>, %a4: tensor<4x6x8xbf16>, %a5: tensor<4x6x8xbf16>, %a6: tensor<3x8x6xbf16>) {
  // expected-error@+1 {{C3: expected w2 to be [E = 4, D = 8, F = 6], found 'tensor<3x8x6xbf16>'}}
  %r:5 = m1.experts_gradient %a0, %a1, %a2, %a3, %a4, %a5, %a6 : (tensor<?x8xf32>, tensor<?x8xbf16>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<4x6x8xbf16>, tensor<4x6x8xbf16>, tensor<3x8x6xbf16>) -> (tensor<?x8xf32>, tensor<?x2xf32>, tensor<?x2x6xf32>, tensor<?x2x6xf32>, tensor<?x2x6xf32>)
  return
}

// -----

func.func @f(%a0: tensor<?x8xf32>, %a1: tensor<?x8xbf16>, %a2: tensor<?x2xi32>, %a3: tensor<?x2xf32>, %a4: tensor<4x6x8xbf16>, %a5: tensor<4x6x8xbf16>, %a6: tensor<4x8x6xf32>) {
  // expected-error@+1 {{C3: expected w2 of 'bf16', found 'f32'}}
  %r:5 = m1.experts_gradient %a0, %a1, %a2, %a3, %a4, %a5, %a6 : (tensor<?x8xf32>, tensor<?x8xbf16>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<4x6x8xbf16>, tensor<4x6x8xbf16>, tensor<4x8x6xf32>) -> (tensor<?x8xf32>, tensor<?x2xf32>, tensor<?x2x6xf32>, tensor<?x2x6xf32>, tensor<?x2x6xf32>)
  return
}

// -----

func.func @f(%a0: tensor<?x8xf32>, %a1: tensor<?x8xbf16>, %a2: tensor<?x2xi32>, %a3: tensor<?x2xf32>, %a4: tensor<4x6x8xbf16>, %a5: tensor<4x6x8xbf16>, %a6: tensor<4x8x6xbf16>) {
  // expected-error@+1 {{C4: expected gate_gradient to be [T, K = 2, F = 6], found 'tensor<?x2x7xf32>'}}
  %r:5 = m1.experts_gradient %a0, %a1, %a2, %a3, %a4, %a5, %a6 : (tensor<?x8xf32>, tensor<?x8xbf16>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<4x6x8xbf16>, tensor<4x6x8xbf16>, tensor<4x8x6xbf16>) -> (tensor<?x8xf32>, tensor<?x2xf32>, tensor<?x2x6xf32>, tensor<?x2x7xf32>, tensor<?x2x6xf32>)
  return
}

// -----

func.func @f(%a0: tensor<?x2x6xf32>, %a1: tensor<?x8xbf16>, %a2: tensor<?xi32>, %a3: !m1.tensor_state<4x6x8xf32>) {
  // expected-error@+1 {{C1: expected experts to be [T, J], found 'tensor<?xi32>'}}
  %r = m1.experts_weight_gradient %a0, %a1, %a2, %a3 : (tensor<?x2x6xf32>, tensor<?x8xbf16>, tensor<?xi32>, !m1.tensor_state<4x6x8xf32>) -> !m1.tensor_state<4x6x8xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x3x6xf32>, %a1: tensor<?x8xbf16>, %a2: tensor<?x2xi32>, %a3: !m1.tensor_state<4x6x8xf32>) {
  // expected-error@+1 {{C2: expected left to be [T, J = 2, N], found 'tensor<?x3x6xf32>'}}
  %r = m1.experts_weight_gradient %a0, %a1, %a2, %a3 : (tensor<?x3x6xf32>, tensor<?x8xbf16>, tensor<?x2xi32>, !m1.tensor_state<4x6x8xf32>) -> !m1.tensor_state<4x6x8xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x2x6xf32>, %a1: tensor<?xf32>, %a2: tensor<?x2xi32>, %a3: !m1.tensor_state<4x6x8xf32>) {
  // expected-error@+1 {{C2: expected right to be [T, N], found 'tensor<?xf32>'}}
  %r = m1.experts_weight_gradient %a0, %a1, %a2, %a3 : (tensor<?x2x6xf32>, tensor<?xf32>, tensor<?x2xi32>, !m1.tensor_state<4x6x8xf32>) -> !m1.tensor_state<4x6x8xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x2x6xf32>, %a1: tensor<?x8xbf16>, %a2: tensor<?x2xi32>, %a3: !m1.tensor_state<4x6x9xf32>) {
  // expected-error@+1 {{C3: expected a state of 4x6x8xf32, found '!m1.tensor_state<4x6x9xf32>'}}
  %r = m1.experts_weight_gradient %a0, %a1, %a2, %a3 : (tensor<?x2x6xf32>, tensor<?x8xbf16>, tensor<?x2xi32>, !m1.tensor_state<4x6x9xf32>) -> !m1.tensor_state<4x6x9xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x8xbf16>, %a1: tensor<9x7xbf16>, %a2: tensor<?xi32>, %a3: tensor<?xf32>, %a4: tensor<?xf32>, %a5: tensor<?xf32>, %a6: tensor<1xf32>, %a7: tensor<4xf32>, %a8: !m1.tensor_state<9x8xf32>) {
  // expected-error@+1 {{C1: expected weight to be [V, D = 8], found 'tensor<9x7xbf16>'}}
  %r:4 = m1.policy_head %a0, %a1, %a2 old %a3 advantages %a4 weights %a5 temperature %a6 bounds %a7, %a8 : (tensor<?x8xbf16>, tensor<9x7xbf16>, tensor<?xi32>, tensor<?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<1xf32>, tensor<4xf32>, !m1.tensor_state<9x8xf32>) -> (tensor<?xf32>, tensor<?xf32>, tensor<?x8xf32>, !m1.tensor_state<9x8xf32>)
  return
}

// -----

func.func @f(%a0: tensor<?x8xbf16>, %a1: tensor<9x8xbf16>, %a2: tensor<?xi32>, %a3: tensor<?xf32>, %a4: tensor<?x1xf32>, %a5: tensor<?xf32>, %a6: tensor<1xf32>, %a7: tensor<4xf32>, %a8: !m1.tensor_state<9x8xf32>) {
  // expected-error@+1 {{C2: expected advantages to be [T], found 'tensor<?x1xf32>'}}
  %r:4 = m1.policy_head %a0, %a1, %a2 old %a3 advantages %a4 weights %a5 temperature %a6 bounds %a7, %a8 : (tensor<?x8xbf16>, tensor<9x8xbf16>, tensor<?xi32>, tensor<?xf32>, tensor<?x1xf32>, tensor<?xf32>, tensor<1xf32>, tensor<4xf32>, !m1.tensor_state<9x8xf32>) -> (tensor<?xf32>, tensor<?xf32>, tensor<?x8xf32>, !m1.tensor_state<9x8xf32>)
  return
}

// -----

func.func @f(%a0: tensor<?x8xbf16>, %a1: tensor<9x8xbf16>, %a2: tensor<?xi32>, %a3: tensor<?xf32>, %a4: tensor<?xf32>, %a5: tensor<?xf32>, %a6: tensor<1xf32>, %a7: tensor<4xf32>, %a8: !m1.tensor_state<9x8xf32>) {
  // expected-error@+1 {{C2: expected entropy to be [T], found 'tensor<?x1xf32>'}}
  %r:4 = m1.policy_head %a0, %a1, %a2 old %a3 advantages %a4 weights %a5 temperature %a6 bounds %a7, %a8 : (tensor<?x8xbf16>, tensor<9x8xbf16>, tensor<?xi32>, tensor<?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<1xf32>, tensor<4xf32>, !m1.tensor_state<9x8xf32>) -> (tensor<?xf32>, tensor<?x1xf32>, tensor<?x8xf32>, !m1.tensor_state<9x8xf32>)
  return
}

// -----

func.func @f(%a0: tensor<?x8xbf16>, %a1: tensor<9x8xbf16>, %a2: tensor<?xi32>, %a3: tensor<?xf32>, %a4: tensor<?xf32>, %a5: tensor<?xf32>, %a6: tensor<?xf32>, %a7: tensor<4xf32>, %a8: !m1.tensor_state<9x8xf32>) {
  // expected-error@+1 {{C3: expected temperature to be [1], found 'tensor<?xf32>'}}
  %r:4 = m1.policy_head %a0, %a1, %a2 old %a3 advantages %a4 weights %a5 temperature %a6 bounds %a7, %a8 : (tensor<?x8xbf16>, tensor<9x8xbf16>, tensor<?xi32>, tensor<?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<4xf32>, !m1.tensor_state<9x8xf32>) -> (tensor<?xf32>, tensor<?xf32>, tensor<?x8xf32>, !m1.tensor_state<9x8xf32>)
  return
}

// -----

func.func @f(%a0: tensor<?x8xbf16>, %a1: tensor<9x8xbf16>, %a2: tensor<?xi32>, %a3: tensor<?xf32>, %a4: tensor<?xf32>, %a5: tensor<?xf32>, %a6: tensor<1xf32>, %a7: tensor<5xf32>, %a8: !m1.tensor_state<9x8xf32>) {
  // expected-error@+1 {{C3: expected bounds to be [4], found 'tensor<5xf32>'}}
  %r:4 = m1.policy_head %a0, %a1, %a2 old %a3 advantages %a4 weights %a5 temperature %a6 bounds %a7, %a8 : (tensor<?x8xbf16>, tensor<9x8xbf16>, tensor<?xi32>, tensor<?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<1xf32>, tensor<5xf32>, !m1.tensor_state<9x8xf32>) -> (tensor<?xf32>, tensor<?xf32>, tensor<?x8xf32>, !m1.tensor_state<9x8xf32>)
  return
}

// -----

func.func @f(%a0: tensor<?x8xbf16>, %a1: tensor<9x8xbf16>, %a2: tensor<?xi32>, %a3: tensor<?xf32>, %a4: tensor<?xf32>, %a5: tensor<?xf32>, %a6: tensor<1xf32>, %a7: tensor<4xf32>, %a8: !m1.tensor_state<9x8xf32>) {
  // expected-error@+1 {{C4: expected x_gradient to be [T, N = 8], found 'tensor<?x9xf32>'}}
  %r:4 = m1.policy_head %a0, %a1, %a2 old %a3 advantages %a4 weights %a5 temperature %a6 bounds %a7, %a8 : (tensor<?x8xbf16>, tensor<9x8xbf16>, tensor<?xi32>, tensor<?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<1xf32>, tensor<4xf32>, !m1.tensor_state<9x8xf32>) -> (tensor<?xf32>, tensor<?xf32>, tensor<?x9xf32>, !m1.tensor_state<9x8xf32>)
  return
}

// -----

func.func @f(%a0: tensor<?x8xbf16>, %a1: tensor<9x8xbf16>, %a2: tensor<?xi32>, %a3: tensor<?xf32>, %a4: tensor<?xf32>, %a5: tensor<?xf32>, %a6: tensor<1xf32>, %a7: tensor<4xf32>, %a8: !m1.tensor_state<8x9xf32>) {
  // expected-error@+1 {{C4: expected a state of 9x8xf32, found '!m1.tensor_state<8x9xf32>'}}
  %r:4 = m1.policy_head %a0, %a1, %a2 old %a3 advantages %a4 weights %a5 temperature %a6 bounds %a7, %a8 : (tensor<?x8xbf16>, tensor<9x8xbf16>, tensor<?xi32>, tensor<?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<1xf32>, tensor<4xf32>, !m1.tensor_state<8x9xf32>) -> (tensor<?xf32>, tensor<?xf32>, tensor<?x8xf32>, !m1.tensor_state<8x9xf32>)
  return
}

// -----

func.func @f(%a0: !m1.tensor_state<9x8xf32>) {
  // expected-error@+1 {{C1: expected a result of type 'tensor<9x8xf32>', found 'tensor<8x9xf32>'}}
  %r:2 = m1.state_value %a0 : (!m1.tensor_state<9x8xf32>) -> (tensor<8x9xf32>, !m1.tensor_state<9x8xf32>)
  return
}

// -----

func.func @f(%a0: !m1.tensor_state<9x8xf32>) {
  // expected-error@+1 {{C1: expected a result of type 'tensor<9x8xf32>', found 'tensor<9x8xbf16>'}}
  %r:2 = m1.state_value %a0 : (!m1.tensor_state<9x8xf32>) -> (tensor<9x8xbf16>, !m1.tensor_state<9x8xf32>)
  return
}

// -----

func.func @f(%a0: !m1.tensor_state<9x8xf32>) {
  // expected-error@+1 {{C1: expected the result to be [1], found 'tensor<2xf64>'}}
  %r:2 = m1.squared_sum %a0 : (!m1.tensor_state<9x8xf32>) -> (tensor<2xf64>, !m1.tensor_state<9x8xf32>)
  return
}

// -----

func.func @f(%a0: !m1.tensor_state<9x8xf32>) {
  // expected-error@+1 {{result #0 must be ranked tensor of 64-bit float values, but got 'tensor<1xf32>'}}
  %r:2 = m1.squared_sum %a0 : (!m1.tensor_state<9x8xf32>) -> (tensor<1xf32>, !m1.tensor_state<9x8xf32>)
  return
}

// -----

func.func @f(%a0: tensor<1xf64>, %a1: tensor<2xf64>, %a2: tensor<1xf32>, %a3: tensor<1xi32>) {
  // expected-error@+1 {{C1: expected a sum to be [1], found 'tensor<2xf64>'}}
  %r:3 = m1.clip_norm %a0, %a1 max %a2 if %a3 : (tensor<1xf64>, tensor<2xf64>, tensor<1xf32>, tensor<1xi32>) -> (tensor<1xf32>, tensor<1xf32>, tensor<1xi32>)
  return
}

// -----

func.func @f(%a0: tensor<1xf64>, %a1: tensor<1xf64>, %a2: tensor<?xf32>, %a3: tensor<1xi32>) {
  // expected-error@+1 {{C2: expected max_norm to be [1], found 'tensor<?xf32>'}}
  %r:3 = m1.clip_norm %a0, %a1 max %a2 if %a3 : (tensor<1xf64>, tensor<1xf64>, tensor<?xf32>, tensor<1xi32>) -> (tensor<1xf32>, tensor<1xf32>, tensor<1xi32>)
  return
}

// -----

func.func @f(%a0: tensor<1xf64>, %a1: tensor<1xf64>, %a2: tensor<1xf32>, %a3: tensor<2xi32>) {
  // expected-error@+1 {{C2: expected enabled to be [1], found 'tensor<2xi32>'}}
  %r:3 = m1.clip_norm %a0, %a1 max %a2 if %a3 : (tensor<1xf64>, tensor<1xf64>, tensor<1xf32>, tensor<2xi32>) -> (tensor<1xf32>, tensor<1xf32>, tensor<1xi32>)
  return
}

// -----

func.func @f(%a0: tensor<1xf64>, %a1: tensor<1xf64>, %a2: tensor<1xf32>, %a3: tensor<1xi32>) {
  // expected-error@+1 {{C3: expected scale to be [1], found 'tensor<2xf32>'}}
  %r:3 = m1.clip_norm %a0, %a1 max %a2 if %a3 : (tensor<1xf64>, tensor<1xf64>, tensor<1xf32>, tensor<1xi32>) -> (tensor<1xf32>, tensor<2xf32>, tensor<1xi32>)
  return
}

// -----

func.func @f(%a0: tensor<1xf64>, %a1: tensor<1xf64>, %a2: tensor<1xf32>, %a3: tensor<1xi32>) {
  // expected-error@+1 {{C3: expected applied to be [1], found 'tensor<2xi32>'}}
  %r:3 = m1.clip_norm %a0, %a1 max %a2 if %a3 : (tensor<1xf64>, tensor<1xf64>, tensor<1xf32>, tensor<1xi32>) -> (tensor<1xf32>, tensor<1xf32>, tensor<2xi32>)
  return
}

// -----

func.func @f(%a0: tensor<1xf32>, %a1: tensor<1xi32>) {
  // expected-error@+1 {{C1: expected at least one sum, found none}}
  %r:3 = m1.clip_norm max %a0 if %a1 : (tensor<1xf32>, tensor<1xi32>) -> (tensor<1xf32>, tensor<1xf32>, tensor<1xi32>)
  return
}

// -----

func.func @f(%a0: !m1.tensor_state<9x8xf32>, %a1: !m1.tensor_state<9x8xf32>, %a2: !m1.tensor_state<8x9xf32>, %a3: !m1.tensor_state<9x8xf32>, %a4: tensor<1xf32>, %a5: tensor<1xi32>, %a6: tensor<3xf32>, %a7: tensor<3xf32>, %a8: tensor<5xf32>) {
  // expected-error@+1 {{C1: expected states of one type, of f32, found '!m1.tensor_state<9x8xf32>' and '!m1.tensor_state<8x9xf32>'}}
  %r:4 = m1.adamw %a0 moments %a1, %a2 gradient %a3 scale %a4 if %a5 rates %a6 decays %a7 hyperparameters %a8 index 0 : (!m1.tensor_state<9x8xf32>, !m1.tensor_state<9x8xf32>, !m1.tensor_state<8x9xf32>, !m1.tensor_state<9x8xf32>, tensor<1xf32>, tensor<1xi32>, tensor<3xf32>, tensor<3xf32>, tensor<5xf32>) -> (!m1.tensor_state<9x8xf32>, !m1.tensor_state<9x8xf32>, !m1.tensor_state<9x8xf32>, !m1.tensor_state<9x8xf32>)
  return
}

// -----

func.func @f(%a0: !m1.tensor_state<9x8xf32>, %a1: !m1.tensor_state<9x8xf32>, %a2: !m1.tensor_state<9x8xf32>, %a3: !m1.tensor_state<9x8xf32>, %a4: tensor<1xf32>, %a5: tensor<1xi32>, %a6: tensor<3xf32>, %a7: tensor<3xf32>, %a8: tensor<5xf32>) {
  // expected-error@+1 {{C1: expected states of one type, of f32, found '!m1.tensor_state<9x8xf32>' and '!m1.tensor_state<8x9xf32>'}}
  %r:4 = m1.adamw %a0 moments %a1, %a2 gradient %a3 scale %a4 if %a5 rates %a6 decays %a7 hyperparameters %a8 index 0 : (!m1.tensor_state<9x8xf32>, !m1.tensor_state<9x8xf32>, !m1.tensor_state<9x8xf32>, !m1.tensor_state<9x8xf32>, tensor<1xf32>, tensor<1xi32>, tensor<3xf32>, tensor<3xf32>, tensor<5xf32>) -> (!m1.tensor_state<9x8xf32>, !m1.tensor_state<9x8xf32>, !m1.tensor_state<9x8xf32>, !m1.tensor_state<8x9xf32>)
  return
}

// -----

func.func @f(%a0: !m1.tensor_state<9x8xf32>, %a1: !m1.tensor_state<9x8xf32>, %a2: !m1.tensor_state<9x8xf32>, %a3: !m1.tensor_state<9x8xf32>, %a4: tensor<2xf32>, %a5: tensor<1xi32>, %a6: tensor<3xf32>, %a7: tensor<3xf32>, %a8: tensor<5xf32>) {
  // expected-error@+1 {{C2: expected scale to be [1], found 'tensor<2xf32>'}}
  %r:4 = m1.adamw %a0 moments %a1, %a2 gradient %a3 scale %a4 if %a5 rates %a6 decays %a7 hyperparameters %a8 index 0 : (!m1.tensor_state<9x8xf32>, !m1.tensor_state<9x8xf32>, !m1.tensor_state<9x8xf32>, !m1.tensor_state<9x8xf32>, tensor<2xf32>, tensor<1xi32>, tensor<3xf32>, tensor<3xf32>, tensor<5xf32>) -> (!m1.tensor_state<9x8xf32>, !m1.tensor_state<9x8xf32>, !m1.tensor_state<9x8xf32>, !m1.tensor_state<9x8xf32>)
  return
}

// -----

func.func @f(%a0: !m1.tensor_state<9x8xf32>, %a1: !m1.tensor_state<9x8xf32>, %a2: !m1.tensor_state<9x8xf32>, %a3: !m1.tensor_state<9x8xf32>, %a4: tensor<1xf32>, %a5: tensor<2xi32>, %a6: tensor<3xf32>, %a7: tensor<3xf32>, %a8: tensor<5xf32>) {
  // expected-error@+1 {{C2: expected applied to be [1], found 'tensor<2xi32>'}}
  %r:4 = m1.adamw %a0 moments %a1, %a2 gradient %a3 scale %a4 if %a5 rates %a6 decays %a7 hyperparameters %a8 index 0 : (!m1.tensor_state<9x8xf32>, !m1.tensor_state<9x8xf32>, !m1.tensor_state<9x8xf32>, !m1.tensor_state<9x8xf32>, tensor<1xf32>, tensor<2xi32>, tensor<3xf32>, tensor<3xf32>, tensor<5xf32>) -> (!m1.tensor_state<9x8xf32>, !m1.tensor_state<9x8xf32>, !m1.tensor_state<9x8xf32>, !m1.tensor_state<9x8xf32>)
  return
}

// -----

func.func @f(%a0: !m1.tensor_state<9x8xf32>, %a1: !m1.tensor_state<9x8xf32>, %a2: !m1.tensor_state<9x8xf32>, %a3: !m1.tensor_state<9x8xf32>, %a4: tensor<1xf32>, %a5: tensor<1xi32>, %a6: tensor<3xf32>, %a7: tensor<3xf32>, %a8: tensor<4xf32>) {
  // expected-error@+1 {{C2: expected hyperparameters to be [5], found 'tensor<4xf32>'}}
  %r:4 = m1.adamw %a0 moments %a1, %a2 gradient %a3 scale %a4 if %a5 rates %a6 decays %a7 hyperparameters %a8 index 0 : (!m1.tensor_state<9x8xf32>, !m1.tensor_state<9x8xf32>, !m1.tensor_state<9x8xf32>, !m1.tensor_state<9x8xf32>, tensor<1xf32>, tensor<1xi32>, tensor<3xf32>, tensor<3xf32>, tensor<4xf32>) -> (!m1.tensor_state<9x8xf32>, !m1.tensor_state<9x8xf32>, !m1.tensor_state<9x8xf32>, !m1.tensor_state<9x8xf32>)
  return
}

// -----

func.func @f(%a0: !m1.tensor_state<9x8xf32>, %a1: !m1.tensor_state<9x8xf32>, %a2: !m1.tensor_state<9x8xf32>, %a3: !m1.tensor_state<9x8xf32>, %a4: tensor<1xf32>, %a5: tensor<1xi32>, %a6: tensor<?xf32>, %a7: tensor<3xf32>, %a8: tensor<5xf32>) {
  // expected-error@+1 {{C3: expected learning_rates to be [P], found 'tensor<?xf32>'}}
  %r:4 = m1.adamw %a0 moments %a1, %a2 gradient %a3 scale %a4 if %a5 rates %a6 decays %a7 hyperparameters %a8 index 0 : (!m1.tensor_state<9x8xf32>, !m1.tensor_state<9x8xf32>, !m1.tensor_state<9x8xf32>, !m1.tensor_state<9x8xf32>, tensor<1xf32>, tensor<1xi32>, tensor<?xf32>, tensor<3xf32>, tensor<5xf32>) -> (!m1.tensor_state<9x8xf32>, !m1.tensor_state<9x8xf32>, !m1.tensor_state<9x8xf32>, !m1.tensor_state<9x8xf32>)
  return
}

// -----

func.func @f(%a0: !m1.tensor_state<9x8xf32>, %a1: !m1.tensor_state<9x8xf32>, %a2: !m1.tensor_state<9x8xf32>, %a3: !m1.tensor_state<9x8xf32>, %a4: tensor<1xf32>, %a5: tensor<1xi32>, %a6: tensor<3xf32>, %a7: tensor<4xf32>, %a8: tensor<5xf32>) {
  // expected-error@+1 {{C3: expected weight_decays to be [3], found 'tensor<4xf32>'}}
  %r:4 = m1.adamw %a0 moments %a1, %a2 gradient %a3 scale %a4 if %a5 rates %a6 decays %a7 hyperparameters %a8 index 0 : (!m1.tensor_state<9x8xf32>, !m1.tensor_state<9x8xf32>, !m1.tensor_state<9x8xf32>, !m1.tensor_state<9x8xf32>, tensor<1xf32>, tensor<1xi32>, tensor<3xf32>, tensor<4xf32>, tensor<5xf32>) -> (!m1.tensor_state<9x8xf32>, !m1.tensor_state<9x8xf32>, !m1.tensor_state<9x8xf32>, !m1.tensor_state<9x8xf32>)
  return
}

// -----

func.func @f(%a0: !m1.tensor_state<9x8xf32>, %a1: !m1.tensor_state<9x8xf32>, %a2: !m1.tensor_state<9x8xf32>, %a3: !m1.tensor_state<9x8xf32>, %a4: tensor<1xf32>, %a5: tensor<1xi32>, %a6: tensor<3xf32>, %a7: tensor<3xf32>, %a8: tensor<5xf32>) {
  // expected-error@+1 {{C3: expected an index below 3, found 3}}
  %r:4 = m1.adamw %a0 moments %a1, %a2 gradient %a3 scale %a4 if %a5 rates %a6 decays %a7 hyperparameters %a8 index 3 : (!m1.tensor_state<9x8xf32>, !m1.tensor_state<9x8xf32>, !m1.tensor_state<9x8xf32>, !m1.tensor_state<9x8xf32>, tensor<1xf32>, tensor<1xi32>, tensor<3xf32>, tensor<3xf32>, tensor<5xf32>) -> (!m1.tensor_state<9x8xf32>, !m1.tensor_state<9x8xf32>, !m1.tensor_state<9x8xf32>, !m1.tensor_state<9x8xf32>)
  return
}

// -----

func.func @f(%a0: !m1.tensor_state<9x8xf32>, %a1: !m1.tensor_state<9x8xf32>, %a2: !m1.tensor_state<9x8xf32>, %a3: !m1.tensor_state<9x8xf32>, %a4: tensor<1xf32>, %a5: tensor<1xi32>, %a6: tensor<3xf32>, %a7: tensor<3xf32>, %a8: tensor<5xf32>) {
  // expected-error@+1 {{C3: expected an index below 3, found -1}}
  %r:4 = m1.adamw %a0 moments %a1, %a2 gradient %a3 scale %a4 if %a5 rates %a6 decays %a7 hyperparameters %a8 index -1 : (!m1.tensor_state<9x8xf32>, !m1.tensor_state<9x8xf32>, !m1.tensor_state<9x8xf32>, !m1.tensor_state<9x8xf32>, tensor<1xf32>, tensor<1xi32>, tensor<3xf32>, tensor<3xf32>, tensor<5xf32>) -> (!m1.tensor_state<9x8xf32>, !m1.tensor_state<9x8xf32>, !m1.tensor_state<9x8xf32>, !m1.tensor_state<9x8xf32>)
  return
}

// -----

m1.parameter @weight : tensor<9x8xbf16> from [#m1.source<"weight">]
m1.state @master : !m1.tensor_state<9x8xf32>
m1.state @turned : !m1.tensor_state<8x9xf32>
m1.state @cache : !m1.kv_cache<4 x 8, f32>
func.func @f() {
  // expected-error@+1 {{C1: expected the name of an m1.parameter, found @master}}
  m1.update_parameter @master from @master
  return
}

// -----

m1.parameter @weight : tensor<9x8xbf16> from [#m1.source<"weight">]
m1.state @master : !m1.tensor_state<9x8xf32>
m1.state @turned : !m1.tensor_state<8x9xf32>
m1.state @cache : !m1.kv_cache<4 x 8, f32>
func.func @f() {
  // expected-error@+1 {{C1: expected the name of an m1.parameter, found @absent}}
  m1.update_parameter @absent from @master
  return
}

// -----

m1.parameter @weight : tensor<9x8xbf16> from [#m1.source<"weight">]
m1.state @master : !m1.tensor_state<9x8xf32>
m1.state @turned : !m1.tensor_state<8x9xf32>
m1.state @cache : !m1.kv_cache<4 x 8, f32>
func.func @f() {
  // expected-error@+1 {{C2: expected the name of an m1.state, found @absent}}
  m1.update_parameter @weight from @absent
  return
}

// -----

m1.parameter @weight : tensor<9x8xbf16> from [#m1.source<"weight">]
m1.state @master : !m1.tensor_state<9x8xf32>
m1.state @turned : !m1.tensor_state<8x9xf32>
m1.state @cache : !m1.kv_cache<4 x 8, f32>
func.func @f() {
  // expected-error@+1 {{C2: expected the name of an m1.state, found @weight}}
  m1.update_parameter @weight from @weight
  return
}

// -----

m1.parameter @weight : tensor<9x8xbf16> from [#m1.source<"weight">]
m1.state @master : !m1.tensor_state<9x8xf32>
m1.state @turned : !m1.tensor_state<8x9xf32>
m1.state @cache : !m1.kv_cache<4 x 8, f32>
func.func @f() {
  // expected-error@+1 {{C2: expected a tensor state of the shape of 'tensor<9x8xbf16>', found '!m1.kv_cache<4 x 8, f32>'}}
  m1.update_parameter @weight from @cache
  return
}

// -----

m1.parameter @weight : tensor<9x8xbf16> from [#m1.source<"weight">]
m1.state @master : !m1.tensor_state<9x8xf32>
m1.state @turned : !m1.tensor_state<8x9xf32>
m1.state @cache : !m1.kv_cache<4 x 8, f32>
func.func @f() {
  // expected-error@+1 {{C2: expected a tensor state of the shape of 'tensor<9x8xbf16>', found '!m1.tensor_state<8x9xf32>'}}
  m1.update_parameter @weight from @turned
  return
}

// -----

m1.parameter @weight : tensor<9x8xbf16> from [#m1.source<"weight">]
m1.state @master : !m1.tensor_state<9x8xf32>
m1.state @turned : !m1.tensor_state<8x9xf32>
m1.state @cache : !m1.kv_cache<4 x 8, f32>
// expected-error@+1 {{C1: expected the name of an m1.parameter, found @master}}
m1.trained @master master @master moments @master, @master gradient @master

// -----

m1.parameter @weight : tensor<9x8xbf16> from [#m1.source<"weight">]
m1.state @master : !m1.tensor_state<9x8xf32>
m1.state @turned : !m1.tensor_state<8x9xf32>
m1.state @cache : !m1.kv_cache<4 x 8, f32>
// expected-error@+1 {{C1: expected the name of an m1.parameter, found @absent}}
m1.trained @absent master @master moments @master, @master gradient @master

// -----

m1.parameter @weight : tensor<9x8xbf16> from [#m1.source<"weight">]
m1.state @master : !m1.tensor_state<9x8xf32>
m1.state @turned : !m1.tensor_state<8x9xf32>
m1.state @cache : !m1.kv_cache<4 x 8, f32>
// expected-error@+1 {{C2: expected the name of an m1.state, found @absent}}
m1.trained @weight master @absent moments @master, @master gradient @master

// -----

m1.parameter @weight : tensor<9x8xbf16> from [#m1.source<"weight">]
m1.state @master : !m1.tensor_state<9x8xf32>
m1.state @turned : !m1.tensor_state<8x9xf32>
m1.state @cache : !m1.kv_cache<4 x 8, f32>
// expected-error@+1 {{C2: expected the name of an m1.state, found @weight}}
m1.trained @weight master @weight moments @master, @master gradient @master

// -----

m1.parameter @weight : tensor<9x8xbf16> from [#m1.source<"weight">]
m1.state @master : !m1.tensor_state<9x8xf32>
m1.state @turned : !m1.tensor_state<8x9xf32>
m1.state @cache : !m1.kv_cache<4 x 8, f32>
// expected-error@+1 {{C2: expected a tensor state of the shape of 'tensor<9x8xbf16>', found '!m1.kv_cache<4 x 8, f32>'}}
m1.trained @weight master @cache moments @master, @master gradient @master

// -----

m1.parameter @weight : tensor<9x8xbf16> from [#m1.source<"weight">]
m1.state @master : !m1.tensor_state<9x8xf32>
m1.state @turned : !m1.tensor_state<8x9xf32>
m1.state @cache : !m1.kv_cache<4 x 8, f32>
// expected-error@+1 {{C2: expected a tensor state of the shape of 'tensor<9x8xbf16>', found '!m1.tensor_state<8x9xf32>'}}
m1.trained @weight master @turned moments @master, @master gradient @master

// -----

m1.parameter @weight : tensor<9x8xbf16> from [#m1.source<"weight">]
m1.state @master : !m1.tensor_state<9x8xf32>
m1.state @turned : !m1.tensor_state<8x9xf32>
m1.state @cache : !m1.kv_cache<4 x 8, f32>
// expected-error@+1 {{C2: expected the name of an m1.state, found @absent}}
m1.trained @weight master @master moments @absent, @master gradient @master

// -----

m1.parameter @weight : tensor<9x8xbf16> from [#m1.source<"weight">]
m1.state @master : !m1.tensor_state<9x8xf32>
m1.state @turned : !m1.tensor_state<8x9xf32>
m1.state @cache : !m1.kv_cache<4 x 8, f32>
// expected-error@+1 {{C2: expected a tensor state of the shape of 'tensor<9x8xbf16>', found '!m1.tensor_state<8x9xf32>'}}
m1.trained @weight master @master moments @turned, @master gradient @master

// -----

m1.parameter @weight : tensor<9x8xbf16> from [#m1.source<"weight">]
m1.state @master : !m1.tensor_state<9x8xf32>
m1.state @turned : !m1.tensor_state<8x9xf32>
m1.state @cache : !m1.kv_cache<4 x 8, f32>
// expected-error@+1 {{C2: expected the name of an m1.state, found @absent}}
m1.trained @weight master @master moments @master, @absent gradient @master

// -----

m1.parameter @weight : tensor<9x8xbf16> from [#m1.source<"weight">]
m1.state @master : !m1.tensor_state<9x8xf32>
m1.state @turned : !m1.tensor_state<8x9xf32>
m1.state @cache : !m1.kv_cache<4 x 8, f32>
// expected-error@+1 {{C2: expected a tensor state of the shape of 'tensor<9x8xbf16>', found '!m1.tensor_state<8x9xf32>'}}
m1.trained @weight master @master moments @master, @turned gradient @master

// -----

m1.parameter @weight : tensor<9x8xbf16> from [#m1.source<"weight">]
m1.state @master : !m1.tensor_state<9x8xf32>
m1.state @turned : !m1.tensor_state<8x9xf32>
m1.state @cache : !m1.kv_cache<4 x 8, f32>
// expected-error@+1 {{C2: expected the name of an m1.state, found @absent}}
m1.trained @weight master @master moments @master, @master gradient @absent

// -----

m1.parameter @weight : tensor<9x8xbf16> from [#m1.source<"weight">]
m1.state @master : !m1.tensor_state<9x8xf32>
m1.state @turned : !m1.tensor_state<8x9xf32>
m1.state @cache : !m1.kv_cache<4 x 8, f32>
// expected-error@+1 {{C2: expected a tensor state of the shape of 'tensor<9x8xbf16>', found '!m1.tensor_state<8x9xf32>'}}
m1.trained @weight master @master moments @master, @master gradient @turned

// -----

m1.parameter @weight : tensor<9x8xbf16> from [#m1.source<"weight">]
m1.state @master : !m1.tensor_state<9x8xf32>
m1.state @turned : !m1.tensor_state<8x9xf32>
m1.state @cache : !m1.kv_cache<4 x 8, f32>
// expected-error@+1 {{C1: expected the name of an m1.parameter, found @absent}}
m1.state @s : !m1.tensor_state<9x8xf32> from @absent

// -----

m1.parameter @weight : tensor<9x8xbf16> from [#m1.source<"weight">]
m1.state @master : !m1.tensor_state<9x8xf32>
m1.state @turned : !m1.tensor_state<8x9xf32>
m1.state @cache : !m1.kv_cache<4 x 8, f32>
// expected-error@+1 {{C1: expected the name of an m1.parameter, found @master}}
m1.state @s : !m1.tensor_state<9x8xf32> from @master

// -----

m1.parameter @weight : tensor<9x8xbf16> from [#m1.source<"weight">]
m1.state @master : !m1.tensor_state<9x8xf32>
m1.state @turned : !m1.tensor_state<8x9xf32>
m1.state @cache : !m1.kv_cache<4 x 8, f32>
// expected-error@+1 {{C2: expected a tensor state of the shape of 'tensor<9x8xbf16>', found '!m1.tensor_state<8x9xf32>'}}
m1.state @s : !m1.tensor_state<8x9xf32> from @weight

// -----

m1.parameter @weight : tensor<9x8xbf16> from [#m1.source<"weight">]
m1.state @master : !m1.tensor_state<9x8xf32>
m1.state @turned : !m1.tensor_state<8x9xf32>
m1.state @cache : !m1.kv_cache<4 x 8, f32>
// expected-error@+1 {{C2: expected a tensor state of the shape of 'tensor<9x8xbf16>', found '!m1.kv_cache<4 x 8, f32>'}}
m1.state @s : !m1.kv_cache<4 x 8, f32> from @weight
