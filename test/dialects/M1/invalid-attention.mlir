// What attention must be given; each constraint broken once.
// RUN: m1-opt %s -verify-diagnostics -split-input-file

func.func @f(%a0: tensor<?xf32>) {
  // expected-error@+1 {{C1: expected the operand to be [T, 3Hd], found 'tensor<?xf32>'}}
  %q, %k, %v = m1.split_qkv %a0 : (tensor<?xf32>) -> (tensor<?x4x8xf32>, tensor<?x4x8xf32>, tensor<?x4x8xf32>)
  return
}

// -----

func.func @f(%a0: tensor<?x95xf32>) {
  // expected-error@+1 {{C1: expected the operand to have 3·4·8 columns, found 95}}
  %q, %k, %v = m1.split_qkv %a0 : (tensor<?x95xf32>) -> (tensor<?x4x8xf32>, tensor<?x4x8xf32>, tensor<?x4x8xf32>)
  return
}

// -----

func.func @f(%a0: tensor<?x96xf32>) {
  // expected-error@+1 {{C2: expected q to be [T, H, d], found 'tensor<?x32xf32>'}}
  %q, %k, %v = m1.split_qkv %a0 : (tensor<?x96xf32>) -> (tensor<?x32xf32>, tensor<?x4x8xf32>, tensor<?x4x8xf32>)
  return
}

// -----

func.func @f(%a0: tensor<?x96xf32>) {
  // expected-error@+1 {{C2: expected k to be [T, H = 4, d = 8], found 'tensor<?x8x4xf32>'}}
  %q, %k, %v = m1.split_qkv %a0 : (tensor<?x96xf32>) -> (tensor<?x4x8xf32>, tensor<?x8x4xf32>, tensor<?x4x8xf32>)
  return
}

// -----

func.func @f(%a0: tensor<?x96xf32>) {
  // expected-error@+1 {{C2: expected v to be [T, H = 4, d = 8], found 'tensor<?x4x9xf32>'}}
  %q, %k, %v = m1.split_qkv %a0 : (tensor<?x96xf32>) -> (tensor<?x4x8xf32>, tensor<?x4x8xf32>, tensor<?x4x9xf32>)
  return
}

// -----

func.func @f(%a0: tensor<?x96xf32>) {
  // expected-error@+1 {{C2: expected v of 'f32', found 'bf16'}}
  %q, %k, %v = m1.split_qkv %a0 : (tensor<?x96xf32>) -> (tensor<?x4x8xf32>, tensor<?x4x8xf32>, tensor<?x4x8xbf16>)
  return
}

// -----

func.func @f(%a0: tensor<?x31xf32>) {
  // expected-error@+1 {{C1: expected H·d = 31, found 4·8}}
  %r = m1.split_heads %a0 : (tensor<?x31xf32>) -> tensor<?x4x8xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x32xf32>) {
  // expected-error@+1 {{C1: expected a result of 'f32', found 'bf16'}}
  %r = m1.split_heads %a0 : (tensor<?x32xf32>) -> tensor<?x4x8xbf16>
  return
}

// -----

func.func @f(%a0: tensor<?x4x8xf32>) {
  // expected-error@+1 {{C1: expected the operand to be [T, Hd], found 'tensor<?x4x8xf32>'}}
  %r = m1.split_heads %a0 : (tensor<?x4x8xf32>) -> tensor<?x4x8xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x4x8xf32>) {
  // expected-error@+1 {{C1: expected H·d = 31, found 4·8}}
  %r = m1.merge_heads %a0 : (tensor<?x4x8xf32>) -> tensor<?x31xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x4x8xf32>) {
  // expected-error@+1 {{C1: expected a result of 'f32', found 'bf16'}}
  %r = m1.merge_heads %a0 : (tensor<?x4x8xf32>) -> tensor<?x32xbf16>
  return
}

// -----

func.func @f(%a0: tensor<?x32xf32>, %a1: tensor<?xi32>) {
  // expected-error@+1 {{C1: expected x to be [T, H, d], found 'tensor<?x32xf32>'}}
  %r = m1.rotary %a0, %a1 theta 1.0e4 dims 4 : (tensor<?x32xf32>, tensor<?xi32>) -> tensor<?x32xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x4x8xf32>, %a1: tensor<?xi32>) {
  // expected-error@+1 {{C1: expected the result to be [T, H = 4, d = 8], found 'tensor<?x4x9xf32>'}}
  %r = m1.rotary %a0, %a1 theta 1.0e4 dims 4 : (tensor<?x4x8xf32>, tensor<?xi32>) -> tensor<?x4x9xf32>
  return
}

// -----

func.func @f(%a0: tensor<5x4x8xf32>, %a1: tensor<6xi32>) {
  // expected-error@+1 {{C2: expected positions to be [T = 5], found 'tensor<6xi32>'}}
  %r = m1.rotary %a0, %a1 theta 1.0e4 dims 4 : (tensor<5x4x8xf32>, tensor<6xi32>) -> tensor<5x4x8xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x4x8xf32>, %a1: tensor<?xi32>) {
  // expected-error@+1 {{C3: expected an even rotary_dim of 2 to 8, found 3}}
  %r = m1.rotary %a0, %a1 theta 1.0e4 dims 3 : (tensor<?x4x8xf32>, tensor<?xi32>) -> tensor<?x4x8xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x4x8xf32>, %a1: tensor<?xi32>) {
  // expected-error@+1 {{C3: expected an even rotary_dim of 2 to 8, found 0}}
  %r = m1.rotary %a0, %a1 theta 1.0e4 dims 0 : (tensor<?x4x8xf32>, tensor<?xi32>) -> tensor<?x4x8xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x4x8xf32>, %a1: tensor<?xi32>) {
  // expected-error@+1 {{C3: expected an even rotary_dim of 2 to 8, found 10}}
  %r = m1.rotary %a0, %a1 theta 1.0e4 dims 10 : (tensor<?x4x8xf32>, tensor<?xi32>) -> tensor<?x4x8xf32>
  return
}

// -----

func.func @f(%a0: tensor<?x4x8xf32>, %a1: tensor<?xi32>) {
  // expected-error@+1 {{C4: expected a positive theta, found -1.000000e+00}}
  %r = m1.rotary %a0, %a1 theta -1.0 dims 4 : (tensor<?x4x8xf32>, tensor<?xi32>) -> tensor<?x4x8xf32>
  return
}

// -----

func.func @f(%q: tensor<?x32xf32>, %k: tensor<?x4x8xf32>, %v: tensor<?x4x8xf32>, %s: !m1.lightning_state<4 x 8, chunk = 64, f32>, %p: tensor<?xi32>, %cu: tensor<?xi32>, %slots: tensor<?xi32>) {
  // expected-error@+1 {{C1: expected q to be [T, H, d], found 'tensor<?x32xf32>'}}
  %r, %n = m1.lightning_attention %q, %k, %v, %s at (%p, %cu, %slots) slopes [0.5, 0.25, 0.125, 0.0]
    : (tensor<?x32xf32>, tensor<?x4x8xf32>, tensor<?x4x8xf32>, !m1.lightning_state<4 x 8, chunk = 64, f32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>)
    -> (tensor<?x4x8xf32>, !m1.lightning_state<4 x 8, chunk = 64, f32>)
  return
}

// -----

func.func @f(%q: tensor<?x4x8xf32>, %k: tensor<?x2x8xf32>, %v: tensor<?x4x8xf32>, %s: !m1.lightning_state<4 x 8, chunk = 64, f32>, %p: tensor<?xi32>, %cu: tensor<?xi32>, %slots: tensor<?xi32>) {
  // expected-error@+1 {{C1: expected k to be [T, H = 4, d = 8], found 'tensor<?x2x8xf32>'}}
  %r, %n = m1.lightning_attention %q, %k, %v, %s at (%p, %cu, %slots) slopes [0.5, 0.25, 0.125, 0.0]
    : (tensor<?x4x8xf32>, tensor<?x2x8xf32>, tensor<?x4x8xf32>, !m1.lightning_state<4 x 8, chunk = 64, f32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>)
    -> (tensor<?x4x8xf32>, !m1.lightning_state<4 x 8, chunk = 64, f32>)
  return
}

// -----

func.func @f(%q: tensor<?x4x8xf32>, %k: tensor<?x4x8xf32>, %v: tensor<?x4x9xf32>, %s: !m1.lightning_state<4 x 8, chunk = 64, f32>, %p: tensor<?xi32>, %cu: tensor<?xi32>, %slots: tensor<?xi32>) {
  // expected-error@+1 {{C1: expected v to be [T, H = 4, d = 8], found 'tensor<?x4x9xf32>'}}
  %r, %n = m1.lightning_attention %q, %k, %v, %s at (%p, %cu, %slots) slopes [0.5, 0.25, 0.125, 0.0]
    : (tensor<?x4x8xf32>, tensor<?x4x8xf32>, tensor<?x4x9xf32>, !m1.lightning_state<4 x 8, chunk = 64, f32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>)
    -> (tensor<?x4x8xf32>, !m1.lightning_state<4 x 8, chunk = 64, f32>)
  return
}

// -----

func.func @f(%q: tensor<?x4x8xf32>, %k: tensor<?x4x8xf32>, %v: tensor<?x4x8xbf16>, %s: !m1.lightning_state<4 x 8, chunk = 64, f32>, %p: tensor<?xi32>, %cu: tensor<?xi32>, %slots: tensor<?xi32>) {
  // expected-error@+1 {{C1: expected v of 'f32', found 'bf16'}}
  %r, %n = m1.lightning_attention %q, %k, %v, %s at (%p, %cu, %slots) slopes [0.5, 0.25, 0.125, 0.0]
    : (tensor<?x4x8xf32>, tensor<?x4x8xf32>, tensor<?x4x8xbf16>, !m1.lightning_state<4 x 8, chunk = 64, f32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>)
    -> (tensor<?x4x8xf32>, !m1.lightning_state<4 x 8, chunk = 64, f32>)
  return
}

// -----

func.func @f(%q: tensor<?x4x8xf32>, %k: tensor<?x4x8xf32>, %v: tensor<?x4x8xf32>, %s: !m1.lightning_state<4 x 8, chunk = 64, f32>, %p: tensor<?xi32>, %cu: tensor<?xi32>, %slots: tensor<?xi32>) {
  // expected-error@+1 {{C2: expected the result to be [T, H = 4, d = 8], found 'tensor<?x32xf32>'}}
  %r, %n = m1.lightning_attention %q, %k, %v, %s at (%p, %cu, %slots) slopes [0.5, 0.25, 0.125, 0.0]
    : (tensor<?x4x8xf32>, tensor<?x4x8xf32>, tensor<?x4x8xf32>, !m1.lightning_state<4 x 8, chunk = 64, f32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>)
    -> (tensor<?x32xf32>, !m1.lightning_state<4 x 8, chunk = 64, f32>)
  return
}

// -----

func.func @f(%q: tensor<?x4x8xf32>, %k: tensor<?x4x8xf32>, %v: tensor<?x4x8xf32>, %s: !m1.lightning_state<2 x 8, chunk = 64, f32>, %p: tensor<?xi32>, %cu: tensor<?xi32>, %slots: tensor<?xi32>) {
  // expected-error@+1 {{C3: expected a state of 4 x 8 and 'f32', found '!m1.lightning_state<2 x 8, chunk = 64, f32>'}}
  %r, %n = m1.lightning_attention %q, %k, %v, %s at (%p, %cu, %slots) slopes [0.5, 0.25, 0.125, 0.0]
    : (tensor<?x4x8xf32>, tensor<?x4x8xf32>, tensor<?x4x8xf32>, !m1.lightning_state<2 x 8, chunk = 64, f32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>)
    -> (tensor<?x4x8xf32>, !m1.lightning_state<2 x 8, chunk = 64, f32>)
  return
}

// -----

func.func @f(%q: tensor<?x4x8xf32>, %k: tensor<?x4x8xf32>, %v: tensor<?x4x8xf32>, %s: !m1.lightning_state<4 x 8, chunk = 64, bf16>, %p: tensor<?xi32>, %cu: tensor<?xi32>, %slots: tensor<?xi32>) {
  // expected-error@+1 {{C3: expected a state of 4 x 8 and 'f32', found '!m1.lightning_state<4 x 8, chunk = 64, bf16>'}}
  %r, %n = m1.lightning_attention %q, %k, %v, %s at (%p, %cu, %slots) slopes [0.5, 0.25, 0.125, 0.0]
    : (tensor<?x4x8xf32>, tensor<?x4x8xf32>, tensor<?x4x8xf32>, !m1.lightning_state<4 x 8, chunk = 64, bf16>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>)
    -> (tensor<?x4x8xf32>, !m1.lightning_state<4 x 8, chunk = 64, bf16>)
  return
}

// -----

func.func @f(%q: tensor<?x4x8xf32>, %k: tensor<?x4x8xf32>, %v: tensor<?x4x8xf32>, %s: !m1.lightning_state<4 x 8, chunk = 64, f32>, %p: tensor<?xi32>, %cu: tensor<?xi32>, %slots: tensor<?xi32>) {
  // expected-error@+1 {{C4: expected 4 slopes, found 3}}
  %r, %n = m1.lightning_attention %q, %k, %v, %s at (%p, %cu, %slots) slopes [0.5, 0.25, 0.125]
    : (tensor<?x4x8xf32>, tensor<?x4x8xf32>, tensor<?x4x8xf32>, !m1.lightning_state<4 x 8, chunk = 64, f32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>)
    -> (tensor<?x4x8xf32>, !m1.lightning_state<4 x 8, chunk = 64, f32>)
  return
}

// -----

func.func @f(%q: tensor<?x4x8xf32>, %k: tensor<?x4x8xf32>, %v: tensor<?x4x8xf32>, %s: !m1.lightning_state<4 x 8, chunk = 64, f32>, %p: tensor<?xi32>, %cu: tensor<?xi32>, %slots: tensor<?xi32>) {
  // expected-error@+1 {{C4: expected finite slopes of at least 0, found -2.500000e-01}}
  %r, %n = m1.lightning_attention %q, %k, %v, %s at (%p, %cu, %slots) slopes [0.5, -0.25, 0.125, 0.0]
    : (tensor<?x4x8xf32>, tensor<?x4x8xf32>, tensor<?x4x8xf32>, !m1.lightning_state<4 x 8, chunk = 64, f32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>)
    -> (tensor<?x4x8xf32>, !m1.lightning_state<4 x 8, chunk = 64, f32>)
  return
}

// -----

func.func @f(%q: tensor<?x4x8xf32>, %k: tensor<?x4x8xf32>, %v: tensor<?x4x8xf32>, %s: !m1.lightning_state<4 x 8, chunk = 64, f32>, %p: tensor<?x1xi32>, %cu: tensor<?xi32>, %slots: tensor<?xi32>) {
  // expected-error@+1 {{C5: expected positions to be [T], found 'tensor<?x1xi32>'}}
  %r, %n = m1.lightning_attention %q, %k, %v, %s at (%p, %cu, %slots) slopes [0.5, 0.25, 0.125, 0.0]
    : (tensor<?x4x8xf32>, tensor<?x4x8xf32>, tensor<?x4x8xf32>, !m1.lightning_state<4 x 8, chunk = 64, f32>, tensor<?x1xi32>, tensor<?xi32>, tensor<?xi32>)
    -> (tensor<?x4x8xf32>, !m1.lightning_state<4 x 8, chunk = 64, f32>)
  return
}

// -----

func.func @f(%q: tensor<?x4x8xf32>, %k: tensor<?x4x8xf32>, %v: tensor<?x4x8xf32>, %s: !m1.lightning_state<4 x 8, chunk = 64, f32>, %p: tensor<?xi32>, %cu: tensor<?xi32>, %slots: tensor<?x1xi32>) {
  // expected-error@+1 {{C5: expected slots to be [B], found 'tensor<?x1xi32>'}}
  %r, %n = m1.lightning_attention %q, %k, %v, %s at (%p, %cu, %slots) slopes [0.5, 0.25, 0.125, 0.0]
    : (tensor<?x4x8xf32>, tensor<?x4x8xf32>, tensor<?x4x8xf32>, !m1.lightning_state<4 x 8, chunk = 64, f32>, tensor<?xi32>, tensor<?xi32>, tensor<?x1xi32>)
    -> (tensor<?x4x8xf32>, !m1.lightning_state<4 x 8, chunk = 64, f32>)
  return
}

// -----

func.func @f(%q: tensor<?x4x8xf32>, %k: tensor<?x4x8xf32>, %v: tensor<?x4x8xf32>, %s: !m1.lightning_state<4 x 8, chunk = 64, f32>, %p: tensor<?xi32>, %cu: tensor<2xi32>, %slots: tensor<2xi32>) {
  // expected-error@+1 {{C5: expected cu_seqlens to be [B+1 = 3], found 'tensor<2xi32>'}}
  %r, %n = m1.lightning_attention %q, %k, %v, %s at (%p, %cu, %slots) slopes [0.5, 0.25, 0.125, 0.0]
    : (tensor<?x4x8xf32>, tensor<?x4x8xf32>, tensor<?x4x8xf32>, !m1.lightning_state<4 x 8, chunk = 64, f32>, tensor<?xi32>, tensor<2xi32>, tensor<2xi32>)
    -> (tensor<?x4x8xf32>, !m1.lightning_state<4 x 8, chunk = 64, f32>)
  return
}

// -----

func.func @f(%q: tensor<?x4x8xf32>, %k: tensor<?x4x8xf32>, %v: tensor<?x4x8xf32>, %s: !m1.lightning_state<4 x 8, chunk = 64, f32>, %p: tensor<?xi32>, %cu: tensor<?xi32>, %slots: tensor<?xi32>) {
  // expected-error@+1 {{C6: expected an updated state of type '!m1.lightning_state<4 x 8, chunk = 64, f32>', found '!m1.lightning_state<4 x 8, chunk = 32, f32>'}}
  %r, %n = m1.lightning_attention %q, %k, %v, %s at (%p, %cu, %slots) slopes [0.5, 0.25, 0.125, 0.0]
    : (tensor<?x4x8xf32>, tensor<?x4x8xf32>, tensor<?x4x8xf32>, !m1.lightning_state<4 x 8, chunk = 64, f32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>)
    -> (tensor<?x4x8xf32>, !m1.lightning_state<4 x 8, chunk = 32, f32>)
  return
}

// -----

func.func @f(%q: tensor<?x32xf32>, %k: tensor<?x4x8xf32>, %v: tensor<?x4x8xf32>, %s: !m1.kv_cache<4 x 8, f32>, %p: tensor<?xi32>, %cu: tensor<?xi32>, %slots: tensor<?xi32>) {
  // expected-error@+1 {{C1: expected q to be [T, H, d], found 'tensor<?x32xf32>'}}
  %r, %n = m1.softmax_attention %q, %k, %v, %s at (%p, %cu, %slots) scale 0.5
    : (tensor<?x32xf32>, tensor<?x4x8xf32>, tensor<?x4x8xf32>, !m1.kv_cache<4 x 8, f32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>)
    -> (tensor<?x4x8xf32>, !m1.kv_cache<4 x 8, f32>)
  return
}

// -----

func.func @f(%q: tensor<?x4x8xf32>, %k: tensor<?x4x8xf32>, %v: tensor<?x4x8xf32>, %s: !m1.kv_cache<4 x 8, f32>, %p: tensor<?xi32>, %cu: tensor<?xi32>, %slots: tensor<?xi32>) {
  // expected-error@+1 {{C1: expected the result to be [T, H = 4, d = 8], found 'tensor<?x2x8xf32>'}}
  %r, %n = m1.softmax_attention %q, %k, %v, %s at (%p, %cu, %slots) scale 0.5
    : (tensor<?x4x8xf32>, tensor<?x4x8xf32>, tensor<?x4x8xf32>, !m1.kv_cache<4 x 8, f32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>)
    -> (tensor<?x2x8xf32>, !m1.kv_cache<4 x 8, f32>)
  return
}

// -----

func.func @f(%q: tensor<?x4x8xf32>, %k: tensor<?x4x9xf32>, %v: tensor<?x4x8xf32>, %s: !m1.kv_cache<4 x 8, f32>, %p: tensor<?xi32>, %cu: tensor<?xi32>, %slots: tensor<?xi32>) {
  // expected-error@+1 {{C2: expected k to be [T, G, d = 8], found 'tensor<?x4x9xf32>'}}
  %r, %n = m1.softmax_attention %q, %k, %v, %s at (%p, %cu, %slots) scale 0.5
    : (tensor<?x4x8xf32>, tensor<?x4x9xf32>, tensor<?x4x8xf32>, !m1.kv_cache<4 x 8, f32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>)
    -> (tensor<?x4x8xf32>, !m1.kv_cache<4 x 8, f32>)
  return
}

// -----

func.func @f(%q: tensor<?x4x8xf32>, %k: tensor<?x4x8xf32>, %v: tensor<?x2x8xf32>, %s: !m1.kv_cache<4 x 8, f32>, %p: tensor<?xi32>, %cu: tensor<?xi32>, %slots: tensor<?xi32>) {
  // expected-error@+1 {{C2: expected v to be [T, G = 4, d = 8], found 'tensor<?x2x8xf32>'}}
  %r, %n = m1.softmax_attention %q, %k, %v, %s at (%p, %cu, %slots) scale 0.5
    : (tensor<?x4x8xf32>, tensor<?x4x8xf32>, tensor<?x2x8xf32>, !m1.kv_cache<4 x 8, f32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>)
    -> (tensor<?x4x8xf32>, !m1.kv_cache<4 x 8, f32>)
  return
}

// -----

func.func @f(%q: tensor<?x4x8xf32>, %k: tensor<?x4x8xbf16>, %v: tensor<?x4x8xf32>, %s: !m1.kv_cache<4 x 8, f32>, %p: tensor<?xi32>, %cu: tensor<?xi32>, %slots: tensor<?xi32>) {
  // expected-error@+1 {{C2: expected k of 'f32', found 'bf16'}}
  %r, %n = m1.softmax_attention %q, %k, %v, %s at (%p, %cu, %slots) scale 0.5
    : (tensor<?x4x8xf32>, tensor<?x4x8xbf16>, tensor<?x4x8xf32>, !m1.kv_cache<4 x 8, f32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>)
    -> (tensor<?x4x8xf32>, !m1.kv_cache<4 x 8, f32>)
  return
}

// -----

func.func @f(%q: tensor<?x4x8xf32>, %k: tensor<?x3x8xf32>, %v: tensor<?x3x8xf32>, %s: !m1.kv_cache<4 x 8, f32>, %p: tensor<?xi32>, %cu: tensor<?xi32>, %slots: tensor<?xi32>) {
  // expected-error@+1 {{C3: expected the key/value heads to divide the 4 query heads, found 3}}
  %r, %n = m1.softmax_attention %q, %k, %v, %s at (%p, %cu, %slots) scale 0.5
    : (tensor<?x4x8xf32>, tensor<?x3x8xf32>, tensor<?x3x8xf32>, !m1.kv_cache<4 x 8, f32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>)
    -> (tensor<?x4x8xf32>, !m1.kv_cache<4 x 8, f32>)
  return
}

// -----

func.func @f(%q: tensor<?x4x8xf32>, %k: tensor<?x2x8xf32>, %v: tensor<?x2x8xf32>, %s: !m1.kv_cache<4 x 8, f32>, %p: tensor<?xi32>, %cu: tensor<?xi32>, %slots: tensor<?xi32>) {
  // expected-error@+1 {{C4: expected a cache of 2 x 8 and 'f32', found '!m1.kv_cache<4 x 8, f32>'}}
  %r, %n = m1.softmax_attention %q, %k, %v, %s at (%p, %cu, %slots) scale 0.5
    : (tensor<?x4x8xf32>, tensor<?x2x8xf32>, tensor<?x2x8xf32>, !m1.kv_cache<4 x 8, f32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>)
    -> (tensor<?x4x8xf32>, !m1.kv_cache<4 x 8, f32>)
  return
}

// -----

func.func @f(%q: tensor<?x4x8xf32>, %k: tensor<?x4x8xf32>, %v: tensor<?x4x8xf32>, %s: !m1.kv_cache<4 x 8, bf16>, %p: tensor<?xi32>, %cu: tensor<?xi32>, %slots: tensor<?xi32>) {
  // expected-error@+1 {{C4: expected a cache of 4 x 8 and 'f32', found '!m1.kv_cache<4 x 8, bf16>'}}
  %r, %n = m1.softmax_attention %q, %k, %v, %s at (%p, %cu, %slots) scale 0.5
    : (tensor<?x4x8xf32>, tensor<?x4x8xf32>, tensor<?x4x8xf32>, !m1.kv_cache<4 x 8, bf16>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>)
    -> (tensor<?x4x8xf32>, !m1.kv_cache<4 x 8, bf16>)
  return
}

// -----

func.func @f(%q: tensor<5x4x8xf32>, %k: tensor<?x4x8xf32>, %v: tensor<?x4x8xf32>, %s: !m1.kv_cache<4 x 8, f32>, %p: tensor<6xi32>, %cu: tensor<?xi32>, %slots: tensor<?xi32>) {
  // expected-error@+1 {{C5: expected positions to be [T = 5], found 'tensor<6xi32>'}}
  %r, %n = m1.softmax_attention %q, %k, %v, %s at (%p, %cu, %slots) scale 0.5
    : (tensor<5x4x8xf32>, tensor<?x4x8xf32>, tensor<?x4x8xf32>, !m1.kv_cache<4 x 8, f32>, tensor<6xi32>, tensor<?xi32>, tensor<?xi32>)
    -> (tensor<?x4x8xf32>, !m1.kv_cache<4 x 8, f32>)
  return
}

// -----

func.func @f(%q: tensor<?x4x8xf32>, %k: tensor<?x4x8xf32>, %v: tensor<?x4x8xf32>, %s: !m1.kv_cache<4 x 8, f32>, %p: tensor<?xi32>, %cu: tensor<?xi32>, %slots: tensor<?xi32>) {
  // expected-error@+1 {{C6: expected an updated state of type '!m1.kv_cache<4 x 8, f32>', found '!m1.kv_cache<4 x 8, f16>'}}
  %r, %n = m1.softmax_attention %q, %k, %v, %s at (%p, %cu, %slots) scale 0.5
    : (tensor<?x4x8xf32>, tensor<?x4x8xf32>, tensor<?x4x8xf32>, !m1.kv_cache<4 x 8, f32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>)
    -> (tensor<?x4x8xf32>, !m1.kv_cache<4 x 8, f16>)
  return
}

// -----

func.func @f(%q: tensor<?x4x8xf32>, %k: tensor<?x4x8xf32>, %v: tensor<?x4x8xf32>, %s: !m1.kv_cache<4 x 8, f32>, %p: tensor<?xi32>, %cu: tensor<?xi32>, %slots: tensor<?xi32>) {
  // expected-error@+1 {{C7: expected a positive scale, found 0.000000e+00}}
  %r, %n = m1.softmax_attention %q, %k, %v, %s at (%p, %cu, %slots) scale 0.0
    : (tensor<?x4x8xf32>, tensor<?x4x8xf32>, tensor<?x4x8xf32>, !m1.kv_cache<4 x 8, f32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>)
    -> (tensor<?x4x8xf32>, !m1.kv_cache<4 x 8, f32>)
  return
}

// -----

func.func @f(%q: tensor<?x4x8xf32>, %k: tensor<?x4x8xf32>, %s: !m1.kv_cache<4 x 8, f32>, %p: tensor<?xi32>, %cu: tensor<?xi32>, %slots: tensor<?xi32>, %b: tensor<?x3xi32>) {
  // expected-error@+1 {{C8: expected blocks if and only if the cache is in blocks, found blocks for '!m1.kv_cache<4 x 8, f32>'}}
  %r, %n = m1.softmax_attention %q, %k, %k, %s at (%p, %cu, %slots) blocks %b scale 0.5
    : (tensor<?x4x8xf32>, tensor<?x4x8xf32>, tensor<?x4x8xf32>, !m1.kv_cache<4 x 8, f32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>, tensor<?x3xi32>)
    -> (tensor<?x4x8xf32>, !m1.kv_cache<4 x 8, f32>)
  return
}

// -----

func.func @f(%q: tensor<?x4x8xf32>, %k: tensor<?x4x8xf32>, %s: !m1.kv_cache<4 x 8, f32, block = 64>, %p: tensor<?xi32>, %cu: tensor<?xi32>, %slots: tensor<?xi32>) {
  // expected-error@+1 {{C8: expected blocks if and only if the cache is in blocks, found none for '!m1.kv_cache<4 x 8, f32, block = 64>'}}
  %r, %n = m1.softmax_attention %q, %k, %k, %s at (%p, %cu, %slots) scale 0.5
    : (tensor<?x4x8xf32>, tensor<?x4x8xf32>, tensor<?x4x8xf32>, !m1.kv_cache<4 x 8, f32, block = 64>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>)
    -> (tensor<?x4x8xf32>, !m1.kv_cache<4 x 8, f32, block = 64>)
  return
}

// -----

func.func @f(%q: tensor<?x4x8xf32>, %k: tensor<?x4x8xf32>, %s: !m1.kv_cache<4 x 8, f32, block = 64>, %p: tensor<?xi32>, %cu: tensor<?xi32>, %slots: tensor<?xi32>, %b: tensor<?xi32>) {
  // expected-error@+1 {{C8: expected blocks to be [B, M], found 'tensor<?xi32>'}}
  %r, %n = m1.softmax_attention %q, %k, %k, %s at (%p, %cu, %slots) blocks %b scale 0.5
    : (tensor<?x4x8xf32>, tensor<?x4x8xf32>, tensor<?x4x8xf32>, !m1.kv_cache<4 x 8, f32, block = 64>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>)
    -> (tensor<?x4x8xf32>, !m1.kv_cache<4 x 8, f32, block = 64>)
  return
}

// -----

func.func @f(%q: tensor<?x4x8xf32>, %k: tensor<?x4x8xf32>, %s: !m1.kv_cache<4 x 8, f32, block = 64>, %p: tensor<?xi32>, %cu: tensor<?xi32>, %slots: tensor<?xi32>, %b: tensor<?x?xi32>) {
  // expected-error@+1 {{C8: expected blocks to be [B, M], found 'tensor<?x?xi32>'}}
  %r, %n = m1.softmax_attention %q, %k, %k, %s at (%p, %cu, %slots) blocks %b scale 0.5
    : (tensor<?x4x8xf32>, tensor<?x4x8xf32>, tensor<?x4x8xf32>, !m1.kv_cache<4 x 8, f32, block = 64>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>, tensor<?x?xi32>)
    -> (tensor<?x4x8xf32>, !m1.kv_cache<4 x 8, f32, block = 64>)
  return
}

// -----

func.func @f(%q: tensor<?x4x8xf32>, %k: tensor<?x4x8xf32>, %s: !m1.kv_cache<4 x 8, f32, block = 64>, %p: tensor<?xi32>, %cu: tensor<?xi32>, %slots: tensor<2xi32>, %b: tensor<4x3xi32>) {
  // expected-error@+1 {{C8: expected blocks to be [B = 2, M], found 'tensor<4x3xi32>'}}
  %r, %n = m1.softmax_attention %q, %k, %k, %s at (%p, %cu, %slots) blocks %b scale 0.5
    : (tensor<?x4x8xf32>, tensor<?x4x8xf32>, tensor<?x4x8xf32>, !m1.kv_cache<4 x 8, f32, block = 64>, tensor<?xi32>, tensor<?xi32>, tensor<2xi32>, tensor<4x3xi32>)
    -> (tensor<?x4x8xf32>, !m1.kv_cache<4 x 8, f32, block = 64>)
  return
}
