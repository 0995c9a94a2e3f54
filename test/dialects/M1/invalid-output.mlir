// What log-probabilities and sampling must be given; each constraint broken once.
// RUN: m1-opt %s -verify-diagnostics -split-input-file

func.func @f(%a0: tensor<?xf32>, %a1: tensor<?xi32>) {
  // expected-error@+1 {{C1: expected logits to be [T, V], found 'tensor<?xf32>'}}
  %r = m1.token_log_prob %a0, %a1 : (tensor<?xf32>, tensor<?xi32>) -> tensor<?xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x9xf32>, %a1: tensor<?x1xi32>) {
  // expected-error@+1 {{C2: expected targets to be [T], found 'tensor<?x1xi32>'}}
  %r = m1.token_log_prob %a0, %a1 : (tensor<?x9xf32>, tensor<?x1xi32>) -> tensor<?xf32>
  return
}

// -----

func.func @f(%a0: tensor<5x9xf32>, %a1: tensor<?xi32>, %a2: tensor<6xf32>) {
  // expected-error@+1 {{C2: expected temperature to be [T = 5], found 'tensor<6xf32>'}}
  %r = m1.token_log_prob %a0, %a1 temperature %a2 : (tensor<5x9xf32>, tensor<?xi32>, tensor<6xf32>) -> tensor<?xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x9xf32>, %a1: tensor<?xi32>) {
  // expected-error@+1 {{C3: expected the result to be [T], found 'tensor<?x9xf32>'}}
  %r = m1.token_log_prob %a0, %a1 : (tensor<?x9xf32>, tensor<?xi32>) -> tensor<?x9xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x9xf32>, %a1: tensor<?xi32>) {
  // expected-error@+1 {{result #0 must be ranked tensor of 32-bit float values, but got 'tensor<?xbf16>'}}
  %r = m1.token_log_prob %a0, %a1 : (tensor<?x9xf32>, tensor<?xi32>) -> tensor<?xbf16>
  return
}

// -----

func.func @f(%a0: tensor<?xf32>, %a1: tensor<9x8xf32>, %a2: tensor<?xi32>) {
  // expected-error@+1 {{C1: expected x to be [T, D], found 'tensor<?xf32>'}}
  %r = m1.head_log_prob %a0, %a1, %a2 : (tensor<?xf32>, tensor<9x8xf32>, tensor<?xi32>) -> tensor<?xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x8xf32>, %a1: tensor<9x7xf32>, %a2: tensor<?xi32>) {
  // expected-error@+1 {{C1: expected weight to be [V, D = 8], found 'tensor<9x7xf32>'}}
  %r = m1.head_log_prob %a0, %a1, %a2 : (tensor<?x8xf32>, tensor<9x7xf32>, tensor<?xi32>) -> tensor<?xf32>
  return
}

// -----

func.func @f(%a0: tensor<5x8xf32>, %a1: tensor<9x8xf32>, %a2: tensor<6xi32>) {
  // expected-error@+1 {{C2: expected targets to be [T = 5], found 'tensor<6xi32>'}}
  %r = m1.head_log_prob %a0, %a1, %a2 : (tensor<5x8xf32>, tensor<9x8xf32>, tensor<6xi32>) -> tensor<?xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x8xf32>, %a1: tensor<9x8xf32>, %a2: tensor<?xi32>) {
  // expected-error@+1 {{C3: expected the result to be [T], found 'tensor<?x9xf32>'}}
  %r = m1.head_log_prob %a0, %a1, %a2 : (tensor<?x8xf32>, tensor<9x8xf32>, tensor<?xi32>) -> tensor<?x9xf32>
  return
}

// -----

func.func @f(%l: tensor<?xf32>, %t: tensor<?xf32>, %p: tensor<?xf32>, %k: tensor<?xi32>, %s: tensor<?xi64>, %q: tensor<?xi32>) {
  // expected-error@+1 {{C1: expected logits to be [B, V], found 'tensor<?xf32>'}}
  %r = m1.sample %l temperature %t top_p %p top_k %k seeds %s positions %q
    : (tensor<?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<?xi32>, tensor<?xi64>, tensor<?xi32>) -> tensor<?xi32>
  return
}

// -----

func.func @f(%l: tensor<?x9xbf16>, %t: tensor<?xf32>, %p: tensor<?xf32>, %k: tensor<?xi32>, %s: tensor<?xi64>, %q: tensor<?xi32>) {
  // expected-error@+1 {{C1: expected logits of 'f32', found 'bf16'}}
  %r = m1.sample %l temperature %t top_p %p top_k %k seeds %s positions %q
    : (tensor<?x9xbf16>, tensor<?xf32>, tensor<?xf32>, tensor<?xi32>, tensor<?xi64>, tensor<?xi32>) -> tensor<?xi32>
  return
}

// -----

func.func @f(%l: tensor<4x9xf32>, %t: tensor<5xf32>, %p: tensor<?xf32>, %k: tensor<?xi32>, %s: tensor<?xi64>, %q: tensor<?xi32>) {
  // expected-error@+1 {{C2: expected temperature to be [B = 4], found 'tensor<5xf32>'}}
  %r = m1.sample %l temperature %t top_p %p top_k %k seeds %s positions %q
    : (tensor<4x9xf32>, tensor<5xf32>, tensor<?xf32>, tensor<?xi32>, tensor<?xi64>, tensor<?xi32>) -> tensor<?xi32>
  return
}

// -----

func.func @f(%l: tensor<?x9xf32>, %t: tensor<?xf32>, %p: tensor<?x1xf32>, %k: tensor<?xi32>, %s: tensor<?xi64>, %q: tensor<?xi32>) {
  // expected-error@+1 {{C2: expected top_p to be [B], found 'tensor<?x1xf32>'}}
  %r = m1.sample %l temperature %t top_p %p top_k %k seeds %s positions %q
    : (tensor<?x9xf32>, tensor<?xf32>, tensor<?x1xf32>, tensor<?xi32>, tensor<?xi64>, tensor<?xi32>) -> tensor<?xi32>
  return
}

// -----

func.func @f(%l: tensor<4x9xf32>, %t: tensor<?xf32>, %p: tensor<?xf32>, %k: tensor<3xi32>, %s: tensor<?xi64>, %q: tensor<?xi32>) {
  // expected-error@+1 {{C2: expected top_k to be [B = 4], found 'tensor<3xi32>'}}
  %r = m1.sample %l temperature %t top_p %p top_k %k seeds %s positions %q
    : (tensor<4x9xf32>, tensor<?xf32>, tensor<?xf32>, tensor<3xi32>, tensor<?xi64>, tensor<?xi32>) -> tensor<?xi32>
  return
}

// -----

func.func @f(%l: tensor<4x9xf32>, %t: tensor<?xf32>, %p: tensor<?xf32>, %k: tensor<?xi32>, %s: tensor<3xi64>, %q: tensor<?xi32>) {
  // expected-error@+1 {{C2: expected seeds to be [B = 4], found 'tensor<3xi64>'}}
  %r = m1.sample %l temperature %t top_p %p top_k %k seeds %s positions %q
    : (tensor<4x9xf32>, tensor<?xf32>, tensor<?xf32>, tensor<?xi32>, tensor<3xi64>, tensor<?xi32>) -> tensor<?xi32>
  return
}

// -----

func.func @f(%l: tensor<4x9xf32>, %t: tensor<?xf32>, %p: tensor<?xf32>, %k: tensor<?xi32>, %s: tensor<?xi64>, %q: tensor<3xi32>) {
  // expected-error@+1 {{C2: expected positions to be [B = 4], found 'tensor<3xi32>'}}
  %r = m1.sample %l temperature %t top_p %p top_k %k seeds %s positions %q
    : (tensor<4x9xf32>, tensor<?xf32>, tensor<?xf32>, tensor<?xi32>, tensor<?xi64>, tensor<3xi32>) -> tensor<?xi32>
  return
}

// -----

func.func @f(%l: tensor<?x9xf32>, %t: tensor<?xf32>, %p: tensor<?xf32>, %k: tensor<?xi32>, %s: tensor<?xi32>, %q: tensor<?xi32>) {
  // expected-error@+1 {{operand #4 must be ranked tensor of 64-bit signless integer values, but got 'tensor<?xi32>'}}
  %r = m1.sample %l temperature %t top_p %p top_k %k seeds %s positions %q
    : (tensor<?x9xf32>, tensor<?xf32>, tensor<?xf32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>) -> tensor<?xi32>
  return
}

// -----

func.func @f(%l: tensor<4x9xf32>, %t: tensor<?xf32>, %p: tensor<?xf32>, %k: tensor<?xi32>, %s: tensor<?xi64>, %q: tensor<?xi32>) {
  // expected-error@+1 {{C3: expected the result to be [B = 4], found 'tensor<3xi32>'}}
  %r = m1.sample %l temperature %t top_p %p top_k %k seeds %s positions %q
    : (tensor<4x9xf32>, tensor<?xf32>, tensor<?xf32>, tensor<?xi32>, tensor<?xi64>, tensor<?xi32>) -> tensor<3xi32>
  return
}

// -----

func.func @f(%l: tensor<4x9xf32>, %t: tensor<?xf32>, %k: tensor<?xi32>, %s: tensor<?xi64>, %m: tensor<3xf32>) {
  // expected-error@+1 {{C2: expected min_p to be [B = 4], found 'tensor<3xf32>'}}
  %r = m1.sample %l temperature %t top_p %t top_k %k seeds %s positions %k min_p %m
    : (tensor<4x9xf32>, tensor<?xf32>, tensor<?xf32>, tensor<?xi32>, tensor<?xi64>, tensor<?xi32>, tensor<3xf32>) -> tensor<?xi32>
  return
}

// -----

func.func @f(%l: tensor<?xf32>, %r: tensor<?xi32>, %b: tensor<?x9xf32>, %q: tensor<?x9xf32>) {
  // expected-error@+1 {{C1: expected logits to be [B, V], found 'tensor<?xf32>'}}
  %y = m1.adjust_logits %l rows %r bias %b repetition %q : (tensor<?xf32>, tensor<?xi32>, tensor<?x9xf32>, tensor<?x9xf32>) -> tensor<?x9xf32>
  return
}

// -----

func.func @f(%l: tensor<?x9xbf16>, %r: tensor<?xi32>, %b: tensor<?x9xf32>, %q: tensor<?x9xf32>) {
  // expected-error@+1 {{C1: expected logits of 'f32', found 'bf16'}}
  %y = m1.adjust_logits %l rows %r bias %b repetition %q : (tensor<?x9xbf16>, tensor<?xi32>, tensor<?x9xf32>, tensor<?x9xf32>) -> tensor<?x9xf32>
  return
}

// -----

func.func @f(%l: tensor<4x9xf32>, %r: tensor<3xi32>, %b: tensor<?x9xf32>, %q: tensor<?x9xf32>) {
  // expected-error@+1 {{C2: expected rows to be [B = 4], found 'tensor<3xi32>'}}
  %y = m1.adjust_logits %l rows %r bias %b repetition %q : (tensor<4x9xf32>, tensor<3xi32>, tensor<?x9xf32>, tensor<?x9xf32>) -> tensor<?x9xf32>
  return
}

// -----

func.func @f(%l: tensor<4x9xf32>, %r: tensor<?xi32>, %b: tensor<?x8xf32>, %q: tensor<?x9xf32>) {
  // expected-error@+1 {{C3: expected bias to be [R, V = 9], found 'tensor<?x8xf32>'}}
  %y = m1.adjust_logits %l rows %r bias %b repetition %q : (tensor<4x9xf32>, tensor<?xi32>, tensor<?x8xf32>, tensor<?x9xf32>) -> tensor<?x9xf32>
  return
}

// -----

func.func @f(%l: tensor<4x9xf32>, %r: tensor<?xi32>, %b: tensor<2x9xf32>, %q: tensor<3x9xf32>) {
  // expected-error@+1 {{C3: expected repetition to be [R = 2, V = 9], found 'tensor<3x9xf32>'}}
  %y = m1.adjust_logits %l rows %r bias %b repetition %q : (tensor<4x9xf32>, tensor<?xi32>, tensor<2x9xf32>, tensor<3x9xf32>) -> tensor<?x9xf32>
  return
}

// -----

func.func @f(%l: tensor<4x9xf32>, %r: tensor<?xi32>, %b: tensor<2x9xf16>, %q: tensor<2x9xf32>) {
  // expected-error@+1 {{C3: expected bias of 'f32', found 'f16'}}
  %y = m1.adjust_logits %l rows %r bias %b repetition %q : (tensor<4x9xf32>, tensor<?xi32>, tensor<2x9xf16>, tensor<2x9xf32>) -> tensor<?x9xf32>
  return
}

// -----

func.func @f(%l: tensor<4x9xf32>, %r: tensor<?xi32>, %b: tensor<2x9xf32>, %q: tensor<2x9xf16>) {
  // expected-error@+1 {{C3: expected repetition of 'f32', found 'f16'}}
  %y = m1.adjust_logits %l rows %r bias %b repetition %q : (tensor<4x9xf32>, tensor<?xi32>, tensor<2x9xf32>, tensor<2x9xf16>) -> tensor<?x9xf32>
  return
}

// -----

func.func @f(%l: tensor<4x9xf32>, %r: tensor<?xi32>, %b: tensor<2x9xf32>, %q: tensor<2x9xf32>) {
  // expected-error@+1 {{C4: expected the result to be [B = 4, V = 9], found 'tensor<3x9xf32>'}}
  %y = m1.adjust_logits %l rows %r bias %b repetition %q : (tensor<4x9xf32>, tensor<?xi32>, tensor<2x9xf32>, tensor<2x9xf32>) -> tensor<3x9xf32>
  return
}

// -----

func.func @f(%l: tensor<4x9xf32>, %r: tensor<?xi32>, %b: tensor<2x9xf32>, %q: tensor<2x9xf32>) {
  // expected-error@+1 {{C4: expected the result of 'f32', found 'bf16'}}
  %y = m1.adjust_logits %l rows %r bias %b repetition %q : (tensor<4x9xf32>, tensor<?xi32>, tensor<2x9xf32>, tensor<2x9xf32>) -> tensor<4x9xbf16>
  return
}
