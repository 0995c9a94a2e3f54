// What operations on rows must be given; each constraint broken once.
// RUN: m1-opt %s -verify-diagnostics -split-input-file

func.func @f(%a0: tensor<?x1xi32>, %a1: tensor<9x8xf32>) {
  // expected-error@+1 {{C1: expected tokens to be [T], found 'tensor<?x1xi32>'}}
  %r = m1.embedding %a0, %a1 : (tensor<?x1xi32>, tensor<9x8xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%a0: tensor<?xi32>, %a1: tensor<?x8xf32>) {
  // expected-error@+1 {{C2: expected table to be [V, D], found 'tensor<?x8xf32>'}}
  %r = m1.embedding %a0, %a1 : (tensor<?xi32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%a0: tensor<?xi32>, %a1: tensor<9x8xf32>) {
  // expected-error@+1 {{C3: expected the result to be [T, D = 8], found 'tensor<?x9xf32>'}}
  %r = m1.embedding %a0, %a1 : (tensor<?xi32>, tensor<9x8xf32>) -> tensor<?x9xf32>
  return
}

// -----

func.func @f(%a0: tensor<4xi32>, %a1: tensor<9x8xf32>) {
  // expected-error@+1 {{C3: expected the result to be [T = 4, D = 8], found 'tensor<5x8xf32>'}}
  %r = m1.embedding %a0, %a1 : (tensor<4xi32>, tensor<9x8xf32>) -> tensor<5x8xf32>
  return
}

// -----

func.func @f(%a0: tensor<?xi64>, %a1: tensor<9x8xf32>) {
  // expected-error@+1 {{operand #0 must be ranked tensor of 32-bit signless integer values, but got 'tensor<?xi64>'}}
  %r = m1.embedding %a0, %a1 : (tensor<?xi64>, tensor<9x8xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>) {
  // expected-error@+1 {{C1: expected operands and result of one shape, found 'tensor<?x8xf32>' and 'tensor<?x9xbf16>'}}
  %0 = m1.cast %x : tensor<?x8xf32> to tensor<?x9xbf16>
  return
}

// -----

func.func @f(%a0: tensor<?x2x8xf32>, %a1: tensor<9x8xf32>) {
  // expected-error@+1 {{C1: expected x to be [T, K], found 'tensor<?x2x8xf32>'}}
  %r = m1.linear %a0, %a1 : (tensor<?x2x8xf32>, tensor<9x8xf32>) -> tensor<?x9xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x?xf32>, %a1: tensor<9x8xf32>) {
  // expected-error@+1 {{C1: expected x to be [T, K], found 'tensor<?x?xf32>'}}
  %r = m1.linear %a0, %a1 : (tensor<?x?xf32>, tensor<9x8xf32>) -> tensor<?x9xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x8xf32>, %a1: tensor<?x8xf32>) {
  // expected-error@+1 {{C1: expected weight to be [N, K], found 'tensor<?x8xf32>'}}
  %r = m1.linear %a0, %a1 : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x9xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x8xf32>, %a1: tensor<9x7xf32>) {
  // expected-error@+1 {{C2: expected weight to be [N, K = 8], found 'tensor<9x7xf32>'}}
  %r = m1.linear %a0, %a1 : (tensor<?x8xf32>, tensor<9x7xf32>) -> tensor<?x9xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x8xf32>, %a1: tensor<9x8xf32>) {
  // expected-error@+1 {{C3: expected the result to be [T, N = 9], found 'tensor<?x8xf32>'}}
  %r = m1.linear %a0, %a1 : (tensor<?x8xf32>, tensor<9x8xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%a0: tensor<?xf32>, %a1: tensor<8xf32>) {
  // expected-error@+1 {{C1: expected x to be [T, N], found 'tensor<?xf32>'}}
  %r = m1.rms_norm %a0, %a1 eps 1.0e-6 : (tensor<?xf32>, tensor<8xf32>) -> tensor<?xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x8xf32>, %a1: tensor<8xf32>) {
  // expected-error@+1 {{C1: expected the result to be [T, N = 8], found 'tensor<?x7xf32>'}}
  %r = m1.rms_norm %a0, %a1 eps 1.0e-6 : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x7xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x8xf32>, %a1: tensor<7xf32>) {
  // expected-error@+1 {{C2: expected weight to be [N = 8], found 'tensor<7xf32>'}}
  %r = m1.rms_norm %a0, %a1 eps 1.0e-6 : (tensor<?x8xf32>, tensor<7xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x8xf32>, %a1: tensor<8xf32>) {
  // expected-error@+1 {{C3: expected a positive eps, found 0.000000e+00}}
  %r = m1.rms_norm %a0, %a1 eps 0.0 : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x7xf32>) {
  // expected-error@+1 {{C1: expected operands and result of one shape, found 'tensor<?x7xf32>' and 'tensor<?x8xf32>'}}
  %r = m1.silu %a0 : (tensor<?x7xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x8xf32>, %a1: tensor<?x7xf32>) {
  // expected-error@+1 {{C1: expected operands and result of one shape, found 'tensor<?x7xf32>' and 'tensor<?x8xf32>'}}
  %r = m1.sigmoid_gate %a0, %a1 : (tensor<?x8xf32>, tensor<?x7xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x7xf32>, %a1: tensor<?x8xf32>) {
  // expected-error@+1 {{C1: expected operands and result of one shape, found 'tensor<?x7xf32>' and 'tensor<?x8xf32>'}}
  %r = m1.silu_mul %a0, %a1 : (tensor<?x7xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x8xf32>, %a1: tensor<?x7xf32>) {
  // expected-error@+1 {{C1: expected operands and result of one shape, found 'tensor<?x7xf32>' and 'tensor<?x8xf32>'}}
  %r = m1.residual %a0, %a1 alpha 1.0 beta 1.0 : (tensor<?x8xf32>, tensor<?x7xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x8x1xf32>, %a1: tensor<?x8xf32>, %a2: tensor<?x1xf32>) {
  // expected-error@+1 {{C1: expected moe to be [T, D], found 'tensor<?x8x1xf32>'}}
  %r = m1.shared_mix %a0, %a1, %a2 : (tensor<?x8x1xf32>, tensor<?x8xf32>, tensor<?x1xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x8xf32>, %a1: tensor<?x7xf32>, %a2: tensor<?x1xf32>) {
  // expected-error@+1 {{C1: expected shared to be [T, D = 8], found 'tensor<?x7xf32>'}}
  %r = m1.shared_mix %a0, %a1, %a2 : (tensor<?x8xf32>, tensor<?x7xf32>, tensor<?x1xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x8xf32>, %a1: tensor<?x8xf32>, %a2: tensor<?x1xf32>) {
  // expected-error@+1 {{C1: expected the result to be [T, D = 8], found 'tensor<?x7xf32>'}}
  %r = m1.shared_mix %a0, %a1, %a2 : (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x1xf32>) -> tensor<?x7xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x8xf32>, %a1: tensor<?x8xf32>, %a2: tensor<?x8xf32>) {
  // expected-error@+1 {{C2: expected coefficient to be [T, 1], found 'tensor<?x8xf32>'}}
  %r = m1.shared_mix %a0, %a1, %a2 : (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%a0: tensor<?xf32>, %a1: tensor<?xi32>) {
  // expected-error@+1 {{C1: expected x to be [T, N], found 'tensor<?xf32>'}}
  %r = m1.select_last %a0, %a1 : (tensor<?xf32>, tensor<?xi32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x8xf32>, %a1: tensor<?x1xi32>) {
  // expected-error@+1 {{C2: expected cu_seqlens to be [B+1], found 'tensor<?x1xi32>'}}
  %r = m1.select_last %a0, %a1 : (tensor<?x8xf32>, tensor<?x1xi32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x8xf32>, %a1: tensor<?xi32>) {
  // expected-error@+1 {{C3: expected the result to be [B, N = 8], found 'tensor<?x7xf32>'}}
  %r = m1.select_last %a0, %a1 : (tensor<?x8xf32>, tensor<?xi32>) -> tensor<?x7xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x8xf32>, %a1: tensor<3xi32>) {
  // expected-error@+1 {{C3: expected the result to have a dynamic axis 0, found 'tensor<2x8xf32>'}}
  %r = m1.select_last %a0, %a1 : (tensor<?x8xf32>, tensor<3xi32>) -> tensor<2x8xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x8xf32>, %a1: tensor<?xi32>) {
  // expected-error@+1 {{C3: expected a result of 'f32', found 'bf16'}}
  %r = m1.select_last %a0, %a1 : (tensor<?x8xf32>, tensor<?xi32>) -> tensor<?x8xbf16>
  return
}

// -----

func.func @f(%x: tensor<?x4294967296xf32>) {
  // expected-error@+1 {{expected extents of at most 2147483647, found 'tensor<?x4294967296xf32>'}}
  %r = m1.silu %x : (tensor<?x4294967296xf32>) -> tensor<?x4294967296xf32>
  return
}

// -----

// 2^62 elements in each row.
func.func @f(%x: tensor<?x2147483647x2147483647xf32>) {
  // expected-error@+1 {{expected at most 1099511627776 elements per row, found 'tensor<?x2147483647x2147483647xf32>'}}
  %r = m1.merge_heads %x : (tensor<?x2147483647x2147483647xf32>) -> tensor<?x4xf32>
  return
}
