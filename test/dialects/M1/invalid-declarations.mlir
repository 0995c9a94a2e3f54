// What parameters and states must be; each constraint broken once.
// RUN: m1-opt %s -verify-diagnostics -split-input-file

// expected-error@+1 {{C1: expected a static tensor of f32, bf16, f16 or f64, found 'tensor<?x32xf32>'}}
m1.parameter @p : tensor<?x32xf32> from [#m1.source<"a">]

// -----

// expected-error@+1 {{C1: expected a static tensor of f32, bf16, f16 or f64, found 'tensor<32xi32>'}}
m1.parameter @p : tensor<32xi32> from [#m1.source<"a">]

// -----

// expected-error@+1 {{C2: expected at least one source, found none}}
m1.parameter @p : tensor<32xf32> from []

// -----

// expected-error@+1 {{C3: expected axis 0 to have extent 2, the number of sources, found 'tensor<3x32xf32>'}}
m1.parameter @p : tensor<3x32xf32> from [#m1.source<"a">, #m1.source<"b">]

// -----

// expected-error@+1 {{C4: expected a slice of length 16, found 8 of "a"}}
m1.parameter @p : tensor<32x16xf32> from [#m1.source<"a"[axis 1, 0 to 8 of 64]>]

// -----

// expected-error@+1 {{C4: expected a slice along an axis of 'tensor<2x32xf32>', found axis 1 of "b"}}
m1.parameter @p : tensor<2x32xf32> from [#m1.source<"a">, #m1.source<"b"[axis 1, 0 to 32 of 64]>]

// -----

// expected-error@+1 {{C4: expected a slice of length 32, found 2 of "b"}}
m1.parameter @p : tensor<2x32xf32> from [#m1.source<"a">, #m1.source<"b"[axis 0, 0 to 2 of 64]>]

// -----

// expected-error@+1 {{expected the name of a tensor, found ""}}
m1.parameter @p : tensor<32xf32> from [#m1.source<"">]

// -----

// expected-error@+1 {{expected an axis from 0 on, found -2}}
m1.parameter @p : tensor<32xf32> from [#m1.source<"a"[axis -2, 0 to 32 of 64]>]

// -----

// expected-error@+1 {{expected a range with 0 <= begin < end <= extent <= 2147483647, found 40 to 72 of 64}}
m1.parameter @p : tensor<32xf32> from [#m1.source<"a"[axis 0, 40 to 72 of 64]>]

// -----

// expected-error@+1 {{expected a range with 0 <= begin < end <= extent <= 2147483647, found 32 to 32 of 64}}
m1.parameter @p : tensor<32xf32> from [#m1.source<"a"[axis 0, 32 to 32 of 64]>]

// -----

// expected-error@+1 {{expected 'of'}}
m1.parameter @p : tensor<32xf32> from [#m1.source<"a"[axis 0, 0 to 32]>]

// -----

// expected-error@+1 {{expected a positive chunk size, found 0}}
m1.state @s : !m1.lightning_state<4 x 8, chunk = 0, f32>

// -----

// expected-error@+1 {{expected a positive number of heads and a positive head size, found 0 x 8}}
m1.state @s : !m1.lightning_state<0 x 8, chunk = 64, f32>

// -----

// expected-error@+1 {{expected a positive number of heads and a positive head size, found 4 x 0}}
m1.state @s : !m1.kv_cache<4 x 0, f32>

// -----

// expected-error@+1 {{expected f32, bf16, f16 or f64 elements, found 'i32'}}
m1.state @s : !m1.kv_cache<4 x 8, i32>

// -----

// expected-error@+1 {{expected a positive block size, found -64}}
m1.state @s : !m1.kv_cache<4 x 8, f32, block = -64>

// -----

// expected-error@+1 {{expected at most 1099511627776 elements, found 'tensor<2147483647x64x64xf32>'}}
m1.state @s : !m1.kv_cache<64 x 64, f32, block = 2147483647>

// -----

func.func @f() {
  // expected-error@+1 {{C1: expected the name of an m1.parameter, found @absent}}
  %0 = m1.load_parameter @absent : tensor<32xf32>
  return
}

// -----

m1.state @s : !m1.kv_cache<4 x 8, f32>
func.func @f() {
  // expected-error@+1 {{C1: expected the name of an m1.parameter, found @s}}
  %0 = m1.load_parameter @s : tensor<32xf32>
  return
}

// -----

m1.parameter @p : tensor<32xf32> from [#m1.source<"a">]
func.func @f() {
  // expected-error@+1 {{C2: expected a result of the declared 'tensor<32xf32>', found 'tensor<32xbf16>'}}
  %0 = m1.load_parameter @p : tensor<32xbf16>
  return
}

// -----

func.func @f() {
  // expected-error@+1 {{C1: expected the name of an m1.state, found @absent}}
  %0 = m1.read_state @absent : !m1.kv_cache<4 x 8, f32>
  return
}

// -----

m1.state @s : !m1.kv_cache<4 x 8, f32>
func.func @f() {
  // expected-error@+1 {{C2: expected a result of the declared '!m1.kv_cache<4 x 8, f32>', found '!m1.kv_cache<4 x 8, bf16>'}}
  %0 = m1.read_state @s : !m1.kv_cache<4 x 8, bf16>
  return
}

// -----

m1.state @s : !m1.kv_cache<4 x 8, f32>
func.func @f() {
  // expected-error@+1 {{C3: expected at most one use of a state's value, found 2}}
  %0 = m1.read_state @s : !m1.kv_cache<4 x 8, f32>
  m1.write_state %0, @s : !m1.kv_cache<4 x 8, f32>
  m1.write_state %0, @s : !m1.kv_cache<4 x 8, f32>
  return
}

// -----

func.func @f(%0: !m1.kv_cache<4 x 8, f32>) {
  // expected-error@+1 {{C1: expected the name of an m1.state, found @absent}}
  m1.write_state %0, @absent : !m1.kv_cache<4 x 8, f32>
  return
}

// -----

m1.state @s : !m1.kv_cache<2 x 8, f32>
func.func @f(%0: !m1.kv_cache<4 x 8, f32>) {
  // expected-error@+1 {{C2: expected an operand of the declared '!m1.kv_cache<2 x 8, f32>', found '!m1.kv_cache<4 x 8, f32>'}}
  m1.write_state %0, @s : !m1.kv_cache<4 x 8, f32>
  return
}

// -----

// expected-error@+1 {{C5: expected "b" stored in a narrower type than 'bf16', found 'f16'}}
m1.parameter @p : tensor<2x32xbf16> from [#m1.source<"a">, #m1.source<"b" as f16>]

// -----

// expected-error@+1 {{expected a tensor stored as f32, bf16 or f16, found 'i32'}}
m1.parameter @p : tensor<32xf32> from [#m1.source<"a" as i32>]

// -----

// expected-error@+1 {{C1: expected extents of at most 2147483647, found 'tensor<2x1000000000000xf32>'}}
m1.parameter @p : tensor<2x1000000000000xf32> from [#m1.source<"a">, #m1.source<"b">]

// -----

// 2^41 elements.
// expected-error@+1 {{C1: expected at most 1099511627776 elements, found 'tensor<2147483647x1024xf32>'}}
m1.parameter @p : tensor<2147483647x1024xf32> from [#m1.source<"a">]

// -----

// The largest.
m1.parameter @p : tensor<1073741824x1024xf32> from [#m1.source<"a">]

// -----

// Steps along an axis count the extents of the others.
// expected-error@+1 {{C1: expected at most 1099511627776 elements, found 'tensor<0x2147483647x2147483647xf32>'}}
m1.parameter @p : tensor<0x2147483647x2147483647xf32> from [#m1.source<"a">]

// -----

// expected-error@+1 {{expected a range with 0 <= begin < end <= extent <= 2147483647, found 0 to 4 of 9223372036854775807}}
m1.parameter @p : tensor<4xf32> from [#m1.source<"a"[axis 0, 0 to 4 of 9223372036854775807]>]

// -----

// expected-error@+1 {{expected at most 1099511627776 elements, found 'tensor<65536x65536x65536xf32>'}}
m1.state @s : !m1.lightning_state<65536 x 65536, chunk = 64, f32>

// -----

// expected-error@+1 {{expected at most 1099511627776 elements, found 'tensor<2147483647x64x64xf32>'}}
m1.state @s : !m1.lightning_state<64 x 64, chunk = 2147483647, f32>

// -----

// expected-error@+1 {{expected extents of at most 2147483647, found 'tensor<4611686018427387904x2xbf16>'}}
m1.state @s : !m1.kv_cache<4611686018427387904 x 2, bf16>
