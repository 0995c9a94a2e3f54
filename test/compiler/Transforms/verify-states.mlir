// RUN: m1-opt %s -m1-verify-states -verify-diagnostics -split-input-file | FileCheck %s

m1.state @s : !m1.kv_cache<1 x 2, f32>
m1.state @untouched : !m1.kv_cache<1 x 2, f32>

// Two steps of one state, one after the other.
// CHECK-LABEL: func.func @chain
func.func @chain(%x: tensor<?x1x2xf32>, %p: tensor<?xi32>, %cu: tensor<?xi32>, %slots: tensor<?xi32>) -> tensor<?x1x2xf32> {
  %0 = m1.read_state @s : !m1.kv_cache<1 x 2, f32>
  %a, %1 = m1.softmax_attention %x, %x, %x, %0 at (%p, %cu, %slots) scale 1.0
    : (tensor<?x1x2xf32>, tensor<?x1x2xf32>, tensor<?x1x2xf32>, !m1.kv_cache<1 x 2, f32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>)
    -> (tensor<?x1x2xf32>, !m1.kv_cache<1 x 2, f32>)
  %b, %2 = m1.softmax_attention %a, %a, %a, %1 at (%p, %cu, %slots) scale 1.0
    : (tensor<?x1x2xf32>, tensor<?x1x2xf32>, tensor<?x1x2xf32>, !m1.kv_cache<1 x 2, f32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>)
    -> (tensor<?x1x2xf32>, !m1.kv_cache<1 x 2, f32>)
  m1.write_state %2, @s : !m1.kv_cache<1 x 2, f32>
  return %b : tensor<?x1x2xf32>
}

// -----

m1.state @s : !m1.kv_cache<1 x 2, f32>

func.func @read_twice() {
  // expected-note@+1 {{first here}}
  %0 = m1.read_state @s : !m1.kv_cache<1 x 2, f32>
  m1.write_state %0, @s : !m1.kv_cache<1 x 2, f32>
  // expected-error@+1 {{expected state @s to be read once in a function}}
  %1 = m1.read_state @s : !m1.kv_cache<1 x 2, f32>
  return
}

// -----

m1.state @s : !m1.kv_cache<1 x 2, f32>

func.func @written_twice(%other: !m1.kv_cache<1 x 2, f32>) {
  %0 = m1.read_state @s : !m1.kv_cache<1 x 2, f32>
  // expected-note@+1 {{first here}}
  m1.write_state %0, @s : !m1.kv_cache<1 x 2, f32>
  // expected-error@+1 {{expected state @s to be written once in a function}}
  m1.write_state %other, @s : !m1.kv_cache<1 x 2, f32>
  return
}

// -----

m1.state @s : !m1.kv_cache<1 x 2, f32>

func.func @not_read(%other: !m1.kv_cache<1 x 2, f32>) {
  // expected-error@+1 {{expected state @s to be read before it is written}}
  m1.write_state %other, @s : !m1.kv_cache<1 x 2, f32>
  return
}

// -----

m1.state @s : !m1.kv_cache<1 x 2, f32>

func.func @not_written() {
  // expected-error@+1 {{expected the value of state @s to be used once, found 0 uses}}
  %0 = m1.read_state @s : !m1.kv_cache<1 x 2, f32>
  return
}

// -----

m1.state @s : !m1.kv_cache<1 x 2, f32>

func.func @forked(%x: tensor<?x1x2xf32>, %p: tensor<?xi32>, %cu: tensor<?xi32>, %slots: tensor<?xi32>) -> !m1.kv_cache<1 x 2, f32> {
  %0 = m1.read_state @s : !m1.kv_cache<1 x 2, f32>
  // expected-error@+1 {{expected the value of state @s to be used once, found 2 uses}}
  %a, %1 = m1.softmax_attention %x, %x, %x, %0 at (%p, %cu, %slots) scale 1.0
    : (tensor<?x1x2xf32>, tensor<?x1x2xf32>, tensor<?x1x2xf32>, !m1.kv_cache<1 x 2, f32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>)
    -> (tensor<?x1x2xf32>, !m1.kv_cache<1 x 2, f32>)
  m1.write_state %1, @s : !m1.kv_cache<1 x 2, f32>
  return %1 : !m1.kv_cache<1 x 2, f32>
}

// -----

m1.state @s : !m1.kv_cache<1 x 2, f32>
m1.state @t : !m1.kv_cache<1 x 2, f32>

func.func @crossed() {
  %0 = m1.read_state @s : !m1.kv_cache<1 x 2, f32>
  %1 = m1.read_state @t : !m1.kv_cache<1 x 2, f32>
  // expected-error@+1 {{expected the value read from @s to be written there, found @t}}
  m1.write_state %0, @t : !m1.kv_cache<1 x 2, f32>
  // expected-error@+1 {{expected the value read from @t to be written there, found @s}}
  m1.write_state %1, @s : !m1.kv_cache<1 x 2, f32>
  return
}

// -----

m1.state @s : !m1.kv_cache<1 x 2, f32>

func.func @returned() -> !m1.kv_cache<1 x 2, f32> {
  %0 = m1.read_state @s : !m1.kv_cache<1 x 2, f32>
  // expected-error@+1 {{expected m1.write_state or an op that updates a state to use @s}}
  return %0 : !m1.kv_cache<1 x 2, f32>
}
