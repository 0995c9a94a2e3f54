// What the mixture of experts must be given; each constraint broken once.
// RUN: m1-opt %s -verify-diagnostics -split-input-file

func.func @f(%a0: tensor<?xf32>, %a1: tensor<4x8xf32>) {
  // expected-error@+1 {{C1: expected x to be [T, D], found 'tensor<?xf32>'}}
  %r, %s = m1.router %a0, %a1 : (tensor<?xf32>, tensor<4x8xf32>) -> (tensor<?x2xi32>, tensor<?x2xf32>)
  return
}

// -----

func.func @f(%a0: tensor<?x8xf32>, %a1: tensor<4x7xf32>) {
  // expected-error@+1 {{C1: expected weight to be [E, D = 8], found 'tensor<4x7xf32>'}}
  %r, %s = m1.router %a0, %a1 : (tensor<?x8xf32>, tensor<4x7xf32>) -> (tensor<?x2xi32>, tensor<?x2xf32>)
  return
}

// -----

func.func @f(%a0: tensor<?x8xf32>, %a1: tensor<4x8xf32>) {
  // expected-error@+1 {{C2: expected experts to be [T, K], found 'tensor<?xi32>'}}
  %r, %s = m1.router %a0, %a1 : (tensor<?x8xf32>, tensor<4x8xf32>) -> (tensor<?xi32>, tensor<?x2xf32>)
  return
}

// -----

func.func @f(%a0: tensor<?x8xf32>, %a1: tensor<4x8xf32>) {
  // expected-error@+1 {{C2: expected weights to be [T, K = 2], found 'tensor<?x3xf32>'}}
  %r, %s = m1.router %a0, %a1 : (tensor<?x8xf32>, tensor<4x8xf32>) -> (tensor<?x2xi32>, tensor<?x3xf32>)
  return
}

// -----

func.func @f(%a0: tensor<?x8xf32>, %a1: tensor<4x8xf32>) {
  // expected-error@+1 {{C2: expected weights of 'f32', found 'bf16'}}
  %r, %s = m1.router %a0, %a1 : (tensor<?x8xf32>, tensor<4x8xf32>) -> (tensor<?x2xi32>, tensor<?x2xbf16>)
  return
}

// -----

func.func @f(%a0: tensor<?x8xf32>, %a1: tensor<4x8xf32>) {
  // expected-error@+1 {{C3: expected 1 to 4 experts per token, found 5}}
  %r, %s = m1.router %a0, %a1 : (tensor<?x8xf32>, tensor<4x8xf32>) -> (tensor<?x5xi32>, tensor<?x5xf32>)
  return
}

// -----

func.func @f(%a0: tensor<?x8xf32>, %a1: tensor<4x8xf32>) {
  // expected-error@+1 {{C3: expected 1 to 4 experts per token, found 0}}
  %r, %s = m1.router %a0, %a1 : (tensor<?x8xf32>, tensor<4x8xf32>) -> (tensor<?x0xi32>, tensor<?x0xf32>)
  return
}

// -----

func.func @f(%a0: tensor<?x8x1xf32>, %a1: tensor<?x2xi32>, %a2: tensor<?x2xf32>, %a3: tensor<4x6x8xf32>, %a4: tensor<4x6x8xf32>, %a5: tensor<4x8x6xf32>) {
  // expected-error@+1 {{C1: expected x to be [T, D], found 'tensor<?x8x1xf32>'}}
  %r = m1.experts %a0, %a1, %a2, %a3, %a4, %a5 : (tensor<?x8x1xf32>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<4x6x8xf32>, tensor<4x6x8xf32>, tensor<4x8x6xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x8xf32>, %a1: tensor<?xi32>, %a2: tensor<?x2xf32>, %a3: tensor<4x6x8xf32>, %a4: tensor<4x6x8xf32>, %a5: tensor<4x8x6xf32>) {
  // expected-error@+1 {{C1: expected experts to be [T, K], found 'tensor<?xi32>'}}
  %r = m1.experts %a0, %a1, %a2, %a3, %a4, %a5 : (tensor<?x8xf32>, tensor<?xi32>, tensor<?x2xf32>, tensor<4x6x8xf32>, tensor<4x6x8xf32>, tensor<4x8x6xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x8xf32>, %a1: tensor<?x2xi32>, %a2: tensor<?x3xf32>, %a3: tensor<4x6x8xf32>, %a4: tensor<4x6x8xf32>, %a5: tensor<4x8x6xf32>) {
  // expected-error@+1 {{C1: expected weights to be [T, K = 2], found 'tensor<?x3xf32>'}}
  %r = m1.experts %a0, %a1, %a2, %a3, %a4, %a5 : (tensor<?x8xf32>, tensor<?x2xi32>, tensor<?x3xf32>, tensor<4x6x8xf32>, tensor<4x6x8xf32>, tensor<4x8x6xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x8xf32>, %a1: tensor<?x2xi32>, %a2: tensor<?x2xf32>, %a3: tensor<4x6x7xf32>, %a4: tensor<4x6x8xf32>, %a5: tensor<4x8x6xf32>) {
  // expected-error@+1 {{C2: expected w1 to be [E, F, D = 8], found 'tensor<4x6x7xf32>'}}
  %r = m1.experts %a0, %a1, %a2, %a3, %a4, %a5 : (tensor<?x8xf32>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<4x6x7xf32>, tensor<4x6x8xf32>, tensor<4x8x6xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x8xf32>, %a1: tensor<?x2xi32>, %a2: tensor<?x2xf32>, %a3: tensor<4x6x8xf32>, %a4: tensor<3x6x8xf32>, %a5: tensor<4x8x6xf32>) {
  // expected-error@+1 {{C2: expected w3 to be [E = 4, F = 6, D = 8], found 'tensor<3x6x8xf32>'}}
  %r = m1.experts %a0, %a1, %a2, %a3, %a4, %a5 : (tensor<?x8xf32>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<4x6x8xf32>, tensor<3x6x8xf32>, tensor<4x8x6xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x8xf32>, %a1: tensor<?x2xi32>, %a2: tensor<?x2xf32>, %a3: tensor<4x6x8xf32>, %a4: tensor<4x6x8xf32>, %a5: tensor<4x6x8xf32>) {
  // expected-error@+1 {{C2: expected w2 to be [E = 4, D = 8, F = 6], found 'tensor<4x6x8xf32>'}}
  %r = m1.experts %a0, %a1, %a2, %a3, %a4, %a5 : (tensor<?x8xf32>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<4x6x8xf32>, tensor<4x6x8xf32>, tensor<4x6x8xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x8xf32>, %a1: tensor<?x2xi32>, %a2: tensor<?x2xf32>, %a3: tensor<4x6x8xf32>, %a4: tensor<4x6x8xbf16>, %a5: tensor<4x8x6xf32>) {
  // expected-error@+1 {{C2: expected w3 of 'f32', found 'bf16'}}
  %r = m1.experts %a0, %a1, %a2, %a3, %a4, %a5 : (tensor<?x8xf32>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<4x6x8xf32>, tensor<4x6x8xbf16>, tensor<4x8x6xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x8xf32>, %a1: tensor<?x2xi32>, %a2: tensor<?x2xf32>, %a3: tensor<4x6x8xf32>, %a4: tensor<4x6x8xf32>, %a5: tensor<4x8x6xbf16>) {
  // expected-error@+1 {{C2: expected w2 of 'f32', found 'bf16'}}
  %r = m1.experts %a0, %a1, %a2, %a3, %a4, %a5 : (tensor<?x8xf32>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<4x6x8xf32>, tensor<4x6x8xf32>, tensor<4x8x6xbf16>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x8xf32>, %a1: tensor<?x2xi32>, %a2: tensor<?x2xf32>, %a3: tensor<4x6x8xf32>, %a4: tensor<4x6x8xf32>, %a5: tensor<4x8x6xf32>) {
  // expected-error@+1 {{C3: expected the result to be [T, D = 8], found 'tensor<?x6xf32>'}}
  %r = m1.experts %a0, %a1, %a2, %a3, %a4, %a5 : (tensor<?x8xf32>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<4x6x8xf32>, tensor<4x6x8xf32>, tensor<4x8x6xf32>) -> tensor<?x6xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x8xf32>, %a1: tensor<?x2xi32>, %a2: tensor<?x2xf32>, %a3: tensor<4x6x8xf32>, %a5: tensor<4x8x6xf32>) {
  // expected-error@+1 {{C5: expected gate and up as products, or none, found 3}}
  %r, %p:3 = m1.experts %a0, %a1, %a2, %a3, %a3, %a5 : (tensor<?x8xf32>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<4x6x8xf32>, tensor<4x6x8xf32>, tensor<4x8x6xf32>) -> (tensor<?x8xf32>, tensor<?x2x6xf32>, tensor<?x2x6xf32>, tensor<?x2x6xf32>)
  return
}

// -----

func.func @f(%a0: tensor<?x8xf32>, %a1: tensor<?x2xi32>, %a2: tensor<?x2xf32>, %a3: tensor<4x6x8xf32>, %a5: tensor<4x8x6xf32>) {
  // expected-error@+1 {{C5: expected gate to be [T, K = 2, F = 6], found 'tensor<?x3x6xf32>'}}
  %r, %p:2 = m1.experts %a0, %a1, %a2, %a3, %a3, %a5 : (tensor<?x8xf32>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<4x6x8xf32>, tensor<4x6x8xf32>, tensor<4x8x6xf32>) -> (tensor<?x8xf32>, tensor<?x3x6xf32>, tensor<?x2x6xf32>)
  return
}

// -----

func.func @f(%a0: tensor<?x8xf32>, %a1: tensor<?x2xi32>, %a2: tensor<?x2xf32>, %a3: tensor<4x6x8xf32>, %a5: tensor<4x8x6xf32>) {
  // expected-error@+1 {{C5: expected up to be [T, K = 2, F = 6], found 'tensor<?x2x8xf32>'}}
  %r, %p:2 = m1.experts %a0, %a1, %a2, %a3, %a3, %a5 : (tensor<?x8xf32>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<4x6x8xf32>, tensor<4x6x8xf32>, tensor<4x8x6xf32>) -> (tensor<?x8xf32>, tensor<?x2x6xf32>, tensor<?x2x8xf32>)
  return
}

// -----

func.func @f(%a0: tensor<?x8xf32>, %a1: tensor<?x2xi32>, %a2: tensor<?x2xf32>, %a3: tensor<4x6x8xf32>, %a5: tensor<4x8x6xf32>) {
  // expected-error@+1 {{result #1 must be variadic of ranked tensor of 32-bit float values, but got 'tensor<?x2x6xbf16>'}}
  %r, %p:2 = m1.experts %a0, %a1, %a2, %a3, %a3, %a5 : (tensor<?x8xf32>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<4x6x8xf32>, tensor<4x6x8xf32>, tensor<4x8x6xf32>) -> (tensor<?x8xf32>, tensor<?x2x6xbf16>, tensor<?x2x6xf32>)
  return
}
