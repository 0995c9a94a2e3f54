// What gradients of products, routers and experts must be given; each constraint broken once.
// RUN: m1-opt %s -verify-diagnostics -split-input-file

func.func @f(%a0: tensor<?xf32>, %a1: tensor<6x8xbf16>) {
  // expected-error@+1 {{C1: expected dy to be [T, N], found 'tensor<?xf32>'}}
  %r = m1.linear_transposed %a0, %a1 : (tensor<?xf32>, tensor<6x8xbf16>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x6xf32>, %a1: tensor<5x8xf32>) {
  // expected-error@+1 {{C2: expected weight to be [N = 6, K], found 'tensor<5x8xf32>'}}
  %r = m1.linear_transposed %a0, %a1 : (tensor<?x6xf32>, tensor<5x8xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x6xf32>, %a1: tensor<6x8xbf16>) {
  // expected-error@+1 {{C3: expected the result to be [T, N = 8], found 'tensor<?x7xf32>'}}
  %r = m1.linear_transposed %a0, %a1 : (tensor<?x6xf32>, tensor<6x8xbf16>) -> tensor<?x7xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x3x2xf32>, %a1: tensor<?x8xbf16>, %a2: !m1.tensor_state<6x8xf32>) {
  // expected-error@+1 {{C1: expected dy to be [T, N], found 'tensor<?x3x2xf32>'}}
  %r = m1.linear_weight_gradient %a0, %a1, %a2 : (tensor<?x3x2xf32>, tensor<?x8xbf16>, !m1.tensor_state<6x8xf32>) -> !m1.tensor_state<6x8xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x6xf32>, %a1: tensor<?xf32>, %a2: !m1.tensor_state<6x8xf32>) {
  // expected-error@+1 {{C1: expected x to be [T, K], found 'tensor<?xf32>'}}
  %r = m1.linear_weight_gradient %a0, %a1, %a2 : (tensor<?x6xf32>, tensor<?xf32>, !m1.tensor_state<6x8xf32>) -> !m1.tensor_state<6x8xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x6xf32>, %a1: tensor<?x8xbf16>, %a2: !m1.tensor_state<8x6xf32>) {
  // expected-error@+1 {{C2: expected a state of 6x8xf32, found '!m1.tensor_state<8x6xf32>'}}
  %r = m1.linear_weight_gradient %a0, %a1, %a2 : (tensor<?x6xf32>, tensor<?x8xbf16>, !m1.tensor_state<8x6xf32>) -> !m1.tensor_state<8x6xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x2xf32>, %a1: tensor<?x3xi32>, %a2: tensor<?x2xf32>) {
  // expected-error@+1 {{C1: expected experts to be [T, N = 2], found 'tensor<?x3xi32>'}}
  %r = m1.router_gradient %a0, %a1, %a2 : (tensor<?x2xf32>, tensor<?x3xi32>, tensor<?x2xf32>) -> tensor<?x4xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x2xf32>, %a1: tensor<?x2xi32>, %a2: tensor<?x1xf32>) {
  // expected-error@+1 {{C1: expected weights to be [T, N = 2], found 'tensor<?x1xf32>'}}
  %r = m1.router_gradient %a0, %a1, %a2 : (tensor<?x2xf32>, tensor<?x2xi32>, tensor<?x1xf32>) -> tensor<?x4xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x2xf32>, %a1: tensor<?x2xi32>, %a2: tensor<?x2xf32>) {
  // expected-error@+1 {{C2: expected the result to be [T, E], found 'tensor<?xf32>'}}
  %r = m1.router_gradient %a0, %a1, %a2 : (tensor<?x2xf32>, tensor<?x2xi32>, tensor<?x2xf32>) -> tensor<?xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x2xf32>, %a1: tensor<?x2xi32>, %a2: tensor<?x2xf32>) {
  // expected-error@+1 {{C2: expected at least 2 experts, found 1}}
  %r = m1.router_gradient %a0, %a1, %a2 : (tensor<?x2xf32>, tensor<?x2xi32>, tensor<?x2xf32>) -> tensor<?x1xf32>
  return
}

// -----

func.func @f(%a0: tensor<?xf32>, %a1: tensor<4x8xf32>, %a2: tensor<4xf32>) {
  // expected-error@+1 {{C1: expected x to be [T, D], found 'tensor<?xf32>'}}
  %r0, %r1 = m1.router_balance %a0, %a1, %a2 : (tensor<?xf32>, tensor<4x8xf32>, tensor<4xf32>) -> (tensor<?xf32>, tensor<?x4xf32>)
  return
}

// -----

func.func @f(%a0: tensor<?x8xbf16>, %a1: tensor<4x7xf32>, %a2: tensor<4xf32>) {
  // expected-error@+1 {{C1: expected weight to be [E, D = 8], found 'tensor<4x7xf32>'}}
  %r0, %r1 = m1.router_balance %a0, %a1, %a2 : (tensor<?x8xbf16>, tensor<4x7xf32>, tensor<4xf32>) -> (tensor<?xf32>, tensor<?x4xf32>)
  return
}

// -----

func.func @f(%a0: tensor<?x8xbf16>, %a1: tensor<4x8xf32>, %a2: tensor<5xf32>) {
  // expected-error@+1 {{C2: expected coefficients to be [4], found 'tensor<5xf32>'}}
  %r0, %r1 = m1.router_balance %a0, %a1, %a2 : (tensor<?x8xbf16>, tensor<4x8xf32>, tensor<5xf32>) -> (tensor<?xf32>, tensor<?x4xf32>)
  return
}

// -----

func.func @f(%a0: tensor<?x8xbf16>, %a1: tensor<4x8xf32>, %a2: tensor<4xf32>) {
  // expected-error@+1 {{C3: expected loss to be [T], found 'tensor<?x1xf32>'}}
  %r0, %r1 = m1.router_balance %a0, %a1, %a2 : (tensor<?x8xbf16>, tensor<4x8xf32>, tensor<4xf32>) -> (tensor<?x1xf32>, tensor<?x4xf32>)
  return
}

// -----

func.func @f(%a0: tensor<?x8xbf16>, %a1: tensor<4x8xf32>, %a2: tensor<4xf32>) {
  // expected-error@+1 {{C3: expected gradient to be [T, N = 4], found 'tensor<?x5xf32>'}}
  %r0, %r1 = m1.router_balance %a0, %a1, %a2 : (tensor<?x8xbf16>, tensor<4x8xf32>, tensor<4xf32>) -> (tensor<?xf32>, tensor<?x5xf32>)
  return
}

// -----

func.func @f(%a0: tensor<?x8xf32>, %a1: tensor<?x7xf32>, %a2: tensor<?x2xi32>, %a3: tensor<?x2xf32>, %a4: tensor<4x6x8xbf16>, %a5: tensor<4x6x8xbf16>, %a6: tensor<4x8x6xbf16>) {
  // expected-error@+1 {{C1: expected x to be [T, N = 8], found 'tensor<?x7xf32>'}}
  %r0, %r1, %r2, %r3, %r4 = m1.experts_gradient %a0, %a1, %a2, %a3, %a4, %a5, %a6 : (tensor<?x8xf32>, tensor<?x7xf32>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<4x6x8xbf16>, tensor<4x6x8xbf16>, tensor<4x8x6xbf16>) -> (tensor<?x8xf32>, tensor<?x2xf32>, tensor<?x2x6xf32>, tensor<?x2x6xf32>, tensor<?x2x6xf32>)
  return
}

// -----

func.func @f(%a0: tensor<?x8xf32>, %a1: tensor<?x8xbf16>, %a2: tensor<?x2xi32>, %a3: tensor<?x2xf32>, %a4: tensor<4x6x8xbf16>, %a5: tensor<4x6x8xbf16>, %a6: tensor<4x8x6xbf16>) {
  // expected-error@+1 {{C1: expected dx to be [T, N = 8], found 'tensor<?x9xf32>'}}
  %r0, %r1, %r2, %r3, %r4 = m1.experts_gradient %a0, %a1, %a2, %a3, %a4, %a5, %a6 : (tensor<?x8xf32>, tensor<?x8xbf16>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<4x6x8xbf16>, tensor<4x6x8xbf16>, tensor<4x8x6xbf16>) -> (tensor<?x9xf32>, tensor<?x2xf32>, tensor<?x2x6xf32>, tensor<?x2x6xf32>, tensor<?x2x6xf32>)
  return
}

// -----

func.func @f(%a0: tensor<?x8xf32>, %a1: tensor<?x8xbf16>, %a2: tensor<?xi32>, %a3: tensor<?x2xf32>, %a4: tensor<4x6x8xbf16>, %a5: tensor<4x6x8xbf16>, %a6: tensor<4x8x6xbf16>) {
  // expected-error@+1 {{C2: expected experts to be [T, K], found 'tensor<?xi32>'}}
  %r0, %r1, %r2, %r3, %r4 = m1.experts_gradient %a0, %a1, %a2, %a3, %a4, %a5, %a6 : (tensor<?x8xf32>, tensor<?x8xbf16>, tensor<?xi32>, tensor<?x2xf32>, tensor<4x6x8xbf16>, tensor<4x6x8xbf16>, tensor<4x8x6xbf16>) -> (tensor<?x8xf32>, tensor<?x2xf32>, tensor<?x2x6xf32>, tensor<?x2x6xf32>, tensor<?x2x6xf32>)
  return
}

// -----

func.func @f(%a0: tensor<?x8xf32>, %a1: tensor<?x8xbf16>, %a2: tensor<?x2xi32>, %a3: tensor<?x3xf32>, %a4: tensor<4x6x8xbf16>, %a5: tensor<4x6x8xbf16>, %a6: tensor<4x8x6xbf16>) {
  // expected-error@+1 {{C2: expected weights to be [T, N = 2], found 'tensor<?x3xf32>'}}
  %r0, %r1, %r2, %r3, %r4 = m1.experts_gradient %a0, %a1, %a2, %a3, %a4, %a5, %a6 : (tensor<?x8xf32>, tensor<?x8xbf16>, tensor<?x2xi32>, tensor<?x3xf32>, tensor<4x6x8xbf16>, tensor<4x6x8xbf16>, tensor<4x8x6xbf16>) -> (tensor<?x8xf32>, tensor<?x2xf32>, tensor<?x2x6xf32>, tensor<?x2x6xf32>, tensor<?x2x6xf32>)
  return
}

// -----

func.func @f(%a0: tensor<?x8xf32>, %a1: tensor<?x8xbf16>, %a2: tensor<?x2xi32>, %a3: tensor<?x2xf32>, %a4: tensor<4x6x8xbf16>, %a5: tensor<4x6x8xbf16>, %a6: tensor<4x8x6xbf16>) {
  // expected-error@+1 {{C2: expected dweights to be [T, N = 2], found 'tensor<?x3xf32>'}}
  %r0, %r1, %r2, %r3, %r4 = m1.experts_gradient %a0, %a1, %a2, %a3, %a4, %a5, %a6 : (tensor<?x8xf32>, tensor<?x8xbf16>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<4x6x8xbf16>, tensor<4x6x8xbf16>, tensor<4x8x6xbf16>) -> (tensor<?x8xf32>, tensor<?x3xf32>, tensor<?x2x6xf32>, tensor<?x2x6xf32>, tensor<?x2x6xf32>)
  return
}

// -----

func.func @f(%a0: tensor<?x8xf32>, %a1: tensor<?x8xbf16>, %a2: tensor<?x2xi32>, %a3: tensor<?x2xf32>, %a4: tensor<4x6x7xbf16>, %a5: tensor<4x6x8xbf16>, %a6: tensor<4x8x6xbf16>) {
  // expected-error@+1 {{C3: expected w1 to be [E, F, D = 8], found 'tensor<4x6x7xbf16>'}}
  %r0, %r1, %r2, %r3, %r4 = m1.experts_gradient %a0, %a1, %a2, %a3, %a4, %a5, %a6 : (tensor<?x8xf32>, tensor<?x8xbf16>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<4x6x7xbf16>, tensor<4x6x8xbf16>, tensor<4x8x6xbf16>) -> (tensor<?x8xf32>, tensor<?x2xf32>, tensor<?x2x6xf32>, tensor<?x2x6xf32>, tensor<?x2x6xf32>)
  return
}

// -----

func.func @f(%a0: tensor<?x8xf32>, %a1: tensor<?x8xbf16>, %a2: tensor<?x2xi32>, %a3: tensor<?x2xf32>, %a4: tensor<4x6x8xbf16>, %a5: tensor<4x5x8xbf16>, %a6: tensor<4x8x6xbf16>) {
  // expected-error@+1 {{C3: expected w3 to be [E = 4, F = 6, D = 8], found 'tensor<4x5x8xbf16>'}}
  %r0, %r1, %r2, %r3, %r4 = m1.experts_gradient %a0, %a1, %a2, %a3, %a4, %a5, %a6 : (tensor<?x8xf32>, tensor<?x8xbf16>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<4x6x8xbf16>, tensor<4x5x8xbf16>, tensor<4x8x6xbf16>) -> (tensor<?x8xf32>, tensor<?x2xf32>, tensor<?x2x6xf32>, tensor<?x2x6xf32>, tensor<?x2x6xf32>)
  return
}

// -----

func.func @f(%a0: tensor<?x8xf32>, %a1: tensor<?x8xbf16>, %a2: tensor<?x2xi32>, %a3: tensor<?x2xf32>, %a4: tensor<4x6x8xbf16>, %a5: tensor<4x6x8xbf16>, %a6: tensor<4x6x8xbf16>) {
  // expected-error@+1 {{C3: expected w2 to be [E = 4, D = 8, F = 6], found 'tensor<4x6x8xbf16>'}}
  %r0, %r1, %r2, %r3, %r4 = m1.experts_gradient %a0, %a1, %a2, %a3, %a4, %a5, %a6 : (tensor<?x8xf32>, tensor<?x8xbf16>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<4x6x8xbf16>, tensor<4x6x8xbf16>, tensor<4x6x8xbf16>) -> (tensor<?x8xf32>, tensor<?x2xf32>, tensor<?x2x6xf32>, tensor<?x2x6xf32>, tensor<?x2x6xf32>)
  return
}

// -----

func.func @f(%a0: tensor<?x8xf32>, %a1: tensor<?x8xbf16>, %a2: tensor<?x2xi32>, %a3: tensor<?x2xf32>, %a4: tensor<4x6x8xbf16>, %a5: tensor<4x6x8xbf16>, %a6: tensor<4x8x6xf32>) {
  // expected-error@+1 {{C3: expected w2 of 'bf16', found 'f32'}}
  %r0, %r1, %r2, %r3, %r4 = m1.experts_gradient %a0, %a1, %a2, %a3, %a4, %a5, %a6 : (tensor<?x8xf32>, tensor<?x8xbf16>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<4x6x8xbf16>, tensor<4x6x8xbf16>, tensor<4x8x6xf32>) -> (tensor<?x8xf32>, tensor<?x2xf32>, tensor<?x2x6xf32>, tensor<?x2x6xf32>, tensor<?x2x6xf32>)
  return
}

// -----

func.func @f(%a0: tensor<?x8xf32>, %a1: tensor<?x8xbf16>, %a2: tensor<?x2xi32>, %a3: tensor<?x2xf32>, %a4: tensor<4x6x8xbf16>, %a5: tensor<4x6x8xbf16>, %a6: tensor<4x8x6xbf16>) {
  // expected-error@+1 {{C4: expected hidden to be [T, K = 2, F = 6], found 'tensor<?x2x5xf32>'}}
  %r0, %r1, %r2, %r3, %r4 = m1.experts_gradient %a0, %a1, %a2, %a3, %a4, %a5, %a6 : (tensor<?x8xf32>, tensor<?x8xbf16>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<4x6x8xbf16>, tensor<4x6x8xbf16>, tensor<4x8x6xbf16>) -> (tensor<?x8xf32>, tensor<?x2xf32>, tensor<?x2x5xf32>, tensor<?x2x6xf32>, tensor<?x2x6xf32>)
  return
}

// -----

func.func @f(%a0: tensor<?x8xf32>, %a1: tensor<?x8xbf16>, %a2: tensor<?x2xi32>, %a3: tensor<?x2xf32>, %a4: tensor<4x6x8xbf16>, %a5: tensor<4x6x8xbf16>, %a6: tensor<4x8x6xbf16>) {
  // expected-error@+1 {{C4: expected up_gradient to be [T, K = 2, F = 6], found 'tensor<?x6xf32>'}}
  %r0, %r1, %r2, %r3, %r4 = m1.experts_gradient %a0, %a1, %a2, %a3, %a4, %a5, %a6 : (tensor<?x8xf32>, tensor<?x8xbf16>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<4x6x8xbf16>, tensor<4x6x8xbf16>, tensor<4x8x6xbf16>) -> (tensor<?x8xf32>, tensor<?x2xf32>, tensor<?x2x6xf32>, tensor<?x2x6xf32>, tensor<?x6xf32>)
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

func.func @f(%a0: tensor<?x2x6xf32>, %a1: tensor<8xf32>, %a2: tensor<?x2xi32>, %a3: !m1.tensor_state<4x6x8xf32>) {
  // expected-error@+1 {{C2: expected right to be [T, N], found 'tensor<8xf32>'}}
  %r = m1.experts_weight_gradient %a0, %a1, %a2, %a3 : (tensor<?x2x6xf32>, tensor<8xf32>, tensor<?x2xi32>, !m1.tensor_state<4x6x8xf32>) -> !m1.tensor_state<4x6x8xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x2x6xf32>, %a1: tensor<?x8xbf16>, %a2: tensor<?x2xi32>, %a3: !m1.tensor_state<4x8x6xf32>) {
  // expected-error@+1 {{C3: expected a state of 4x6x8xf32, found '!m1.tensor_state<4x8x6xf32>'}}
  %r = m1.experts_weight_gradient %a0, %a1, %a2, %a3 : (tensor<?x2x6xf32>, tensor<?x8xbf16>, tensor<?x2xi32>, !m1.tensor_state<4x8x6xf32>) -> !m1.tensor_state<4x8x6xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x2x6xf32>, %a1: tensor<?x8xbf16>, %a2: tensor<?x2xi32>, %a3: !m1.tensor_state<6x8xf32>) {
  // expected-error@+1 {{C3: expected a state of 6x6x8xf32, found '!m1.tensor_state<6x8xf32>'}}
  %r = m1.experts_weight_gradient %a0, %a1, %a2, %a3 : (tensor<?x2x6xf32>, tensor<?x8xbf16>, tensor<?x2xi32>, !m1.tensor_state<6x8xf32>) -> !m1.tensor_state<6x8xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x6xbf16>, %a1: tensor<?x8xbf16>, %a2: !m1.tensor_state<6x8xf32>, %a3: tensor<?x1xi32>) {
  // expected-error@+1 {{C3: expected cu_seqlens to be [B+1], found 'tensor<?x1xi32>'}}
  %r = m1.linear_weight_gradient %a0, %a1, %a2 at %a3 : (tensor<?x6xbf16>, tensor<?x8xbf16>, !m1.tensor_state<6x8xf32>, tensor<?x1xi32>) -> !m1.tensor_state<6x8xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x8xbf16>, %a1: tensor<?x8xbf16>, %a2: tensor<?x2xi32>, %a3: tensor<?x2xf32>, %a4: tensor<4x6x8xbf16>, %a5: tensor<4x8x6xbf16>) {
  // expected-error@+1 {{C4: expected up_gradient of 'bf16', found 'f32'}}
  %r0, %r1, %r2, %r3, %r4 = m1.experts_gradient %a0, %a1, %a2, %a3, %a4, %a4, %a5 : (tensor<?x8xbf16>, tensor<?x8xbf16>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<4x6x8xbf16>, tensor<4x6x8xbf16>, tensor<4x8x6xbf16>) -> (tensor<?x8xf32>, tensor<?x2xf32>, tensor<?x2x6xbf16>, tensor<?x2x6xbf16>, tensor<?x2x6xf32>)
  return
}

// -----

func.func @f(%a0: tensor<?x6xbf16>, %a1: tensor<?x8xbf16>, %a2: tensor<?x2xi32>, %a3: !m1.tensor_state<4x6x8xf32>, %a4: tensor<i32>) {
  // expected-error@+1 {{C4: expected cu_seqlens to be [B+1], found 'tensor<i32>'}}
  %r = m1.experts_weight_gradient %a0, %a1, %a2, %a3 at %a4 : (tensor<?x6xbf16>, tensor<?x8xbf16>, tensor<?x2xi32>, !m1.tensor_state<4x6x8xf32>, tensor<i32>) -> !m1.tensor_state<4x6x8xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x8xf32>, %a1: tensor<?x8xbf16>, %a2: tensor<?x2xi32>, %a3: tensor<?x2xf32>, %a4: tensor<4x6x8xbf16>, %a5: tensor<4x8x6xbf16>, %p0: tensor<?x2x6xf32>) {
  // expected-error@+1 {{C5: expected gate and up as products, or none, found 1}}
  %r0, %r1, %r2, %r3, %r4 = m1.experts_gradient %a0, %a1, %a2, %a3, %a4, %a4, %a5 products %p0 : (tensor<?x8xf32>, tensor<?x8xbf16>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<4x6x8xbf16>, tensor<4x6x8xbf16>, tensor<4x8x6xbf16>, tensor<?x2x6xf32>) -> (tensor<?x8xf32>, tensor<?x2xf32>, tensor<?x2x6xf32>, tensor<?x2x6xf32>, tensor<?x2x6xf32>)
  return
}

// -----

func.func @f(%a0: tensor<?x8xf32>, %a1: tensor<?x8xbf16>, %a2: tensor<?x2xi32>, %a3: tensor<?x2xf32>, %a4: tensor<4x6x8xbf16>, %a5: tensor<4x8x6xbf16>, %p0: tensor<?x12xf32>, %p1: tensor<?x2x6xf32>) {
  // expected-error@+1 {{C5: expected gate to be [T, K = 2, F = 6], found 'tensor<?x12xf32>'}}
  %r0, %r1, %r2, %r3, %r4 = m1.experts_gradient %a0, %a1, %a2, %a3, %a4, %a4, %a5 products %p0, %p1 : (tensor<?x8xf32>, tensor<?x8xbf16>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<4x6x8xbf16>, tensor<4x6x8xbf16>, tensor<4x8x6xbf16>, tensor<?x12xf32>, tensor<?x2x6xf32>) -> (tensor<?x8xf32>, tensor<?x2xf32>, tensor<?x2x6xf32>, tensor<?x2x6xf32>, tensor<?x2x6xf32>)
  return
}

// -----

func.func @f(%a0: tensor<?x8xf32>, %a1: tensor<?x8xbf16>, %a2: tensor<?x2xi32>, %a3: tensor<?x2xf32>, %a4: tensor<4x6x8xbf16>, %a5: tensor<4x8x6xbf16>, %p0: tensor<?x2x6xf32>, %p1: tensor<?x2x8xf32>) {
  // expected-error@+1 {{C5: expected up to be [T, K = 2, F = 6], found 'tensor<?x2x8xf32>'}}
  %r0, %r1, %r2, %r3, %r4 = m1.experts_gradient %a0, %a1, %a2, %a3, %a4, %a4, %a5 products %p0, %p1 : (tensor<?x8xf32>, tensor<?x8xbf16>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<4x6x8xbf16>, tensor<4x6x8xbf16>, tensor<4x8x6xbf16>, tensor<?x2x6xf32>, tensor<?x2x8xf32>) -> (tensor<?x8xf32>, tensor<?x2xf32>, tensor<?x2x6xf32>, tensor<?x2x6xf32>, tensor<?x2x6xf32>)
  return
}
