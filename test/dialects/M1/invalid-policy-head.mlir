// What the head with the policy loss must be given; each constraint broken once.
// RUN: m1-opt %s -verify-diagnostics -split-input-file

func.func @f(%x: tensor<?xf32>, %w: tensor<9x8xf32>, %y: tensor<?xi32>, %o: tensor<?xf32>, %a: tensor<?xf32>, %g: tensor<?xf32>, %t: tensor<1xf32>, %b: tensor<4xf32>, %s: !m1.tensor_state<9x8xf32>) {
  // expected-error@+1 {{C1: expected x to be [T, D], found 'tensor<?xf32>'}}
  %p, %h, %dx, %n = m1.policy_head %x, %w, %y old %o advantages %a weights %g temperature %t bounds %b, %s
    : (tensor<?xf32>, tensor<9x8xf32>, tensor<?xi32>, tensor<?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<1xf32>, tensor<4xf32>, !m1.tensor_state<9x8xf32>)
    -> (tensor<?xf32>, tensor<?xf32>, tensor<?x8xf32>, !m1.tensor_state<9x8xf32>)
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<9x7xf32>, %y: tensor<?xi32>, %o: tensor<?xf32>, %a: tensor<?xf32>, %g: tensor<?xf32>, %t: tensor<1xf32>, %b: tensor<4xf32>, %s: !m1.tensor_state<9x8xf32>) {
  // expected-error@+1 {{C1: expected weight to be [V, D = 8], found 'tensor<9x7xf32>'}}
  %p, %h, %dx, %n = m1.policy_head %x, %w, %y old %o advantages %a weights %g temperature %t bounds %b, %s
    : (tensor<?x8xf32>, tensor<9x7xf32>, tensor<?xi32>, tensor<?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<1xf32>, tensor<4xf32>, !m1.tensor_state<9x8xf32>)
    -> (tensor<?xf32>, tensor<?xf32>, tensor<?x8xf32>, !m1.tensor_state<9x8xf32>)
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<?x8xf32>, %y: tensor<?xi32>, %o: tensor<?xf32>, %a: tensor<?xf32>, %g: tensor<?xf32>, %t: tensor<1xf32>, %b: tensor<4xf32>, %s: !m1.tensor_state<9x8xf32>) {
  // expected-error@+1 {{C1: expected weight to be [V, D = 8], found 'tensor<?x8xf32>'}}
  %p, %h, %dx, %n = m1.policy_head %x, %w, %y old %o advantages %a weights %g temperature %t bounds %b, %s
    : (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?xi32>, tensor<?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<1xf32>, tensor<4xf32>, !m1.tensor_state<9x8xf32>)
    -> (tensor<?xf32>, tensor<?xf32>, tensor<?x8xf32>, !m1.tensor_state<9x8xf32>)
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<9x8xf32>, %y: tensor<?x1xi32>, %o: tensor<?xf32>, %a: tensor<?xf32>, %g: tensor<?xf32>, %t: tensor<1xf32>, %b: tensor<4xf32>, %s: !m1.tensor_state<9x8xf32>) {
  // expected-error@+1 {{C2: expected targets to be [T], found 'tensor<?x1xi32>'}}
  %p, %h, %dx, %n = m1.policy_head %x, %w, %y old %o advantages %a weights %g temperature %t bounds %b, %s
    : (tensor<?x8xf32>, tensor<9x8xf32>, tensor<?x1xi32>, tensor<?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<1xf32>, tensor<4xf32>, !m1.tensor_state<9x8xf32>)
    -> (tensor<?xf32>, tensor<?xf32>, tensor<?x8xf32>, !m1.tensor_state<9x8xf32>)
  return
}

// -----

func.func @f(%x: tensor<5x8xf32>, %w: tensor<9x8xf32>, %y: tensor<?xi32>, %o: tensor<6xf32>, %a: tensor<?xf32>, %g: tensor<?xf32>, %t: tensor<1xf32>, %b: tensor<4xf32>, %s: !m1.tensor_state<9x8xf32>) {
  // expected-error@+1 {{C2: expected old_log_probs to be [T = 5], found 'tensor<6xf32>'}}
  %p, %h, %dx, %n = m1.policy_head %x, %w, %y old %o advantages %a weights %g temperature %t bounds %b, %s
    : (tensor<5x8xf32>, tensor<9x8xf32>, tensor<?xi32>, tensor<6xf32>, tensor<?xf32>, tensor<?xf32>, tensor<1xf32>, tensor<4xf32>, !m1.tensor_state<9x8xf32>)
    -> (tensor<?xf32>, tensor<?xf32>, tensor<?x8xf32>, !m1.tensor_state<9x8xf32>)
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<9x8xf32>, %y: tensor<?xi32>, %o: tensor<?xf32>, %a: tensor<?x1xf32>, %g: tensor<?xf32>, %t: tensor<1xf32>, %b: tensor<4xf32>, %s: !m1.tensor_state<9x8xf32>) {
  // expected-error@+1 {{C2: expected advantages to be [T], found 'tensor<?x1xf32>'}}
  %p, %h, %dx, %n = m1.policy_head %x, %w, %y old %o advantages %a weights %g temperature %t bounds %b, %s
    : (tensor<?x8xf32>, tensor<9x8xf32>, tensor<?xi32>, tensor<?xf32>, tensor<?x1xf32>, tensor<?xf32>, tensor<1xf32>, tensor<4xf32>, !m1.tensor_state<9x8xf32>)
    -> (tensor<?xf32>, tensor<?xf32>, tensor<?x8xf32>, !m1.tensor_state<9x8xf32>)
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<9x8xf32>, %y: tensor<?xi32>, %o: tensor<?xf32>, %a: tensor<?xf32>, %g: tensor<?x1xf32>, %t: tensor<1xf32>, %b: tensor<4xf32>, %s: !m1.tensor_state<9x8xf32>) {
  // expected-error@+1 {{C2: expected weights to be [T], found 'tensor<?x1xf32>'}}
  %p, %h, %dx, %n = m1.policy_head %x, %w, %y old %o advantages %a weights %g temperature %t bounds %b, %s
    : (tensor<?x8xf32>, tensor<9x8xf32>, tensor<?xi32>, tensor<?xf32>, tensor<?xf32>, tensor<?x1xf32>, tensor<1xf32>, tensor<4xf32>, !m1.tensor_state<9x8xf32>)
    -> (tensor<?xf32>, tensor<?xf32>, tensor<?x8xf32>, !m1.tensor_state<9x8xf32>)
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<9x8xf32>, %y: tensor<?xi32>, %o: tensor<?xf32>, %a: tensor<?xf32>, %g: tensor<?xf32>, %t: tensor<1xf32>, %b: tensor<4xf32>, %s: !m1.tensor_state<9x8xf32>) {
  // expected-error@+1 {{C2: expected log_probs to be [T], found 'tensor<?x1xf32>'}}
  %p, %h, %dx, %n = m1.policy_head %x, %w, %y old %o advantages %a weights %g temperature %t bounds %b, %s
    : (tensor<?x8xf32>, tensor<9x8xf32>, tensor<?xi32>, tensor<?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<1xf32>, tensor<4xf32>, !m1.tensor_state<9x8xf32>)
    -> (tensor<?x1xf32>, tensor<?xf32>, tensor<?x8xf32>, !m1.tensor_state<9x8xf32>)
  return
}

// -----

func.func @f(%x: tensor<5x8xf32>, %w: tensor<9x8xf32>, %y: tensor<?xi32>, %o: tensor<?xf32>, %a: tensor<?xf32>, %g: tensor<?xf32>, %t: tensor<1xf32>, %b: tensor<4xf32>, %s: !m1.tensor_state<9x8xf32>) {
  // expected-error@+1 {{C2: expected entropy to be [T = 5], found 'tensor<4xf32>'}}
  %p, %h, %dx, %n = m1.policy_head %x, %w, %y old %o advantages %a weights %g temperature %t bounds %b, %s
    : (tensor<5x8xf32>, tensor<9x8xf32>, tensor<?xi32>, tensor<?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<1xf32>, tensor<4xf32>, !m1.tensor_state<9x8xf32>)
    -> (tensor<?xf32>, tensor<4xf32>, tensor<?x8xf32>, !m1.tensor_state<9x8xf32>)
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<9x8xf32>, %y: tensor<?xi32>, %o: tensor<?xf32>, %a: tensor<?xf32>, %g: tensor<?xf32>, %t: tensor<2xf32>, %b: tensor<4xf32>, %s: !m1.tensor_state<9x8xf32>) {
  // expected-error@+1 {{C3: expected temperature to be [1], found 'tensor<2xf32>'}}
  %p, %h, %dx, %n = m1.policy_head %x, %w, %y old %o advantages %a weights %g temperature %t bounds %b, %s
    : (tensor<?x8xf32>, tensor<9x8xf32>, tensor<?xi32>, tensor<?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<2xf32>, tensor<4xf32>, !m1.tensor_state<9x8xf32>)
    -> (tensor<?xf32>, tensor<?xf32>, tensor<?x8xf32>, !m1.tensor_state<9x8xf32>)
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<9x8xf32>, %y: tensor<?xi32>, %o: tensor<?xf32>, %a: tensor<?xf32>, %g: tensor<?xf32>, %t: tensor<1xf32>, %b: tensor<3xf32>, %s: !m1.tensor_state<9x8xf32>) {
  // expected-error@+1 {{C3: expected bounds to be [4], found 'tensor<3xf32>'}}
  %p, %h, %dx, %n = m1.policy_head %x, %w, %y old %o advantages %a weights %g temperature %t bounds %b, %s
    : (tensor<?x8xf32>, tensor<9x8xf32>, tensor<?xi32>, tensor<?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<1xf32>, tensor<3xf32>, !m1.tensor_state<9x8xf32>)
    -> (tensor<?xf32>, tensor<?xf32>, tensor<?x8xf32>, !m1.tensor_state<9x8xf32>)
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<9x8xf32>, %y: tensor<?xi32>, %o: tensor<?xf32>, %a: tensor<?xf32>, %g: tensor<?xf32>, %t: tensor<1xf32>, %b: tensor<4xf32>, %s: !m1.tensor_state<9x8xf32>) {
  // expected-error@+1 {{C4: expected x_gradient to be [T, N = 8], found 'tensor<?x9xf32>'}}
  %p, %h, %dx, %n = m1.policy_head %x, %w, %y old %o advantages %a weights %g temperature %t bounds %b, %s
    : (tensor<?x8xf32>, tensor<9x8xf32>, tensor<?xi32>, tensor<?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<1xf32>, tensor<4xf32>, !m1.tensor_state<9x8xf32>)
    -> (tensor<?xf32>, tensor<?xf32>, tensor<?x9xf32>, !m1.tensor_state<9x8xf32>)
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<9x8xf32>, %y: tensor<?xi32>, %o: tensor<?xf32>, %a: tensor<?xf32>, %g: tensor<?xf32>, %t: tensor<1xf32>, %b: tensor<4xf32>, %s: !m1.tensor_state<8x9xf32>) {
  // expected-error@+1 {{C4: expected a state of 9x8xf32, found '!m1.tensor_state<8x9xf32>'}}
  %p, %h, %dx, %n = m1.policy_head %x, %w, %y old %o advantages %a weights %g temperature %t bounds %b, %s
    : (tensor<?x8xf32>, tensor<9x8xf32>, tensor<?xi32>, tensor<?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<1xf32>, tensor<4xf32>, !m1.tensor_state<8x9xf32>)
    -> (tensor<?xf32>, tensor<?xf32>, tensor<?x8xf32>, !m1.tensor_state<8x9xf32>)
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<9x8xbf16>, %y: tensor<?xi32>, %o: tensor<?xf32>, %a: tensor<?xf32>, %g: tensor<?xf32>, %t: tensor<1xf32>, %b: tensor<4xf32>, %s: !m1.tensor_state<9x8xf32>, %cu: tensor<?x2xi32>) {
  // expected-error@+1 {{C5: expected cu_seqlens to be [B+1], found 'tensor<?x2xi32>'}}
  %p, %h, %dx, %n = m1.policy_head %x, %w, %y old %o advantages %a weights %g temperature %t bounds %b, %s at %cu
    : (tensor<?x8xf32>, tensor<9x8xbf16>, tensor<?xi32>, tensor<?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<1xf32>, tensor<4xf32>, !m1.tensor_state<9x8xf32>, tensor<?x2xi32>)
    -> (tensor<?xf32>, tensor<?xf32>, tensor<?x8xf32>, !m1.tensor_state<9x8xf32>)
  return
}
