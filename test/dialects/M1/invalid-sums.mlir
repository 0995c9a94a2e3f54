// How sums may be divided; each constraint broken once.
// RUN: m1-opt %s -verify-diagnostics -split-input-file

func.func @f(%x: tensor<?x8xf32>, %w: tensor<3x8xf32>) {
  // expected-error@+1 {{C4: expected a positive number of leaves that divides K = 8, found 3}}
  %r = m1.linear %x, %w leaves 3 : (tensor<?x8xf32>, tensor<3x8xf32>) -> tensor<?x3xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<3x8xf32>) {
  // expected-error@+1 {{C4: expected a positive number of leaves that divides K = 8, found 0}}
  %r = m1.linear %x, %w leaves 0 : (tensor<?x8xf32>, tensor<3x8xf32>) -> tensor<?x3xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<3x8xf32>) {
  // expected-error@+1 {{C5: expected partial sums of the 4 leaves with a power of two of them each, found 3}}
  %r = m1.linear %x, %w leaves 4 partials 3 : (tensor<?x8xf32>, tensor<3x8xf32>) -> tensor<?x9xf32>
  return
}

// -----

func.func @f(%x: tensor<?x12xf32>, %w: tensor<3x12xf32>) {
  // expected-error@+1 {{C5: expected partial sums of the 6 leaves with a power of two of them each, found 2}}
  %r = m1.linear %x, %w leaves 6 partials 2 : (tensor<?x12xf32>, tensor<3x12xf32>) -> tensor<?x6xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<3x8xf32>) {
  // expected-error@+1 {{C3: expected the result to be [T, M·N = 6], found 'tensor<?x3xf32>'}}
  %r = m1.linear %x, %w leaves 4 partials 2 : (tensor<?x8xf32>, tensor<3x8xf32>) -> tensor<?x3xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<3x8xf32>) -> tensor<?x6xbf16> {
  %r = m1.fused -> tensor<?x6xbf16> {
    // expected-error@+1 {{C1: expected m1.fused to begin with an m1.linear of f32 and one partial sum}}
    %0 = m1.linear %x, %w leaves 4 partials 2 : (tensor<?x8xf32>, tensor<3x8xf32>) -> tensor<?x6xf32>
    %1 = m1.silu %0 : (tensor<?x6xf32>) -> tensor<?x6xbf16>
    m1.yield %1 : tensor<?x6xbf16>
  }
  return %r : tensor<?x6xbf16>
}

// -----

func.func @f(%x: tensor<?x8xf32>, %e: tensor<?x2xi32>, %p: tensor<?x2xf32>, %w1: tensor<4x6x8xf32>, %w2: tensor<4x8x6xf32>) {
  // expected-error@+1 {{C4: expected a positive number of leaves that divides F = 6, found 4}}
  %r = m1.experts %x, %e, %p, %w1, %w1, %w2 leaves 4 : (tensor<?x8xf32>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<4x6x8xf32>, tensor<4x6x8xf32>, tensor<4x8x6xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<8xf32>) {
  // expected-error@+1 {{C4: expected a positive number of groups that divides N = 8, found 3}}
  %r = m1.rms_norm %x, %w eps 0.5 groups 3 : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%x: tensor<?xf32>) {
  // expected-error@+1 {{C1: expected x to be [T, n], found 'tensor<?xf32>'}}
  %r = m1.squares %x : (tensor<?xf32>) -> tensor<?x2xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>) {
  // expected-error@+1 {{C1: expected the result of 'f32', found 'bf16'}}
  %r = m1.squares %x : (tensor<?x8xf32>) -> tensor<?x2xbf16>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>) {
  // expected-error@+1 {{C2: expected a positive number of groups that divides n = 8, found 3}}
  %r = m1.squares %x : (tensor<?x8xf32>) -> tensor<?x3xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<7xf32>, %s: tensor<?x6xf32>) {
  // expected-error@+1 {{C1: expected weight to be [n = 8], found 'tensor<7xf32>'}}
  %r = m1.normalize %x, %w, %s groups 2 eps 0.5 : (tensor<?x8xf32>, tensor<7xf32>, tensor<?x6xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<8xf32>, %s: tensor<?xf32>) {
  // expected-error@+1 {{C2: expected squares to be [T, G], found 'tensor<?xf32>'}}
  %r = m1.normalize %x, %w, %s groups 2 eps 0.5 : (tensor<?x8xf32>, tensor<8xf32>, tensor<?xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<8xf32>, %s: tensor<?x6xbf16>) {
  // expected-error@+1 {{C2: expected squares of 'f32', found 'bf16'}}
  %r = m1.normalize %x, %w, %s groups 2 eps 0.5 : (tensor<?x8xf32>, tensor<8xf32>, tensor<?x6xbf16>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<8xf32>, %s: tensor<?x6xf32>) {
  // expected-error@+1 {{C3: expected at most the 6 groups of squares, found 8}}
  %r = m1.normalize %x, %w, %s groups 8 eps 0.5 : (tensor<?x8xf32>, tensor<8xf32>, tensor<?x6xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<8xf32>, %s: tensor<?x6xf32>) {
  // expected-error@+1 {{C3: expected a positive number of groups that divides n = 8, found 3}}
  %r = m1.normalize %x, %w, %s groups 3 eps 0.5 : (tensor<?x8xf32>, tensor<8xf32>, tensor<?x6xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<8xf32>, %s: tensor<?x6xf32>) {
  // expected-error@+1 {{C4: expected a positive eps, found 0.000000e+00}}
  %r = m1.normalize %x, %w, %s groups 2 eps 0.0 : (tensor<?x8xf32>, tensor<8xf32>, tensor<?x6xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %e: tensor<?xi32>, %w1: tensor<4x6x8xf32>, %w2: tensor<4x8x6xf32>) {
  // expected-error@+1 {{C1: expected experts to be [T, K], found 'tensor<?xi32>'}}
  %r = m1.expert_products %x, %e, %w1, %w1, %w2 : (tensor<?x8xf32>, tensor<?xi32>, tensor<4x6x8xf32>, tensor<4x6x8xf32>, tensor<4x8x6xf32>) -> tensor<?x16xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %e: tensor<?x2xi32>, %w1: tensor<4x6x8xf32>, %w2: tensor<4x8x6xf32>) {
  // expected-error@+1 {{C2: expected w2 to be [E = 4, D = 8, F = 6], found 'tensor<4x6x8xf32>'}}
  %r = m1.expert_products %x, %e, %w1, %w1, %w1 : (tensor<?x8xf32>, tensor<?x2xi32>, tensor<4x6x8xf32>, tensor<4x6x8xf32>, tensor<4x6x8xf32>) -> tensor<?x16xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %e: tensor<?x2xi32>, %w1: tensor<4x6x8xf32>, %w2: tensor<4x8x6xf32>) {
  // expected-error@+1 {{C3: expected the result to be [T, K·M·D = 48], found 'tensor<?x16xf32>'}}
  %r = m1.expert_products %x, %e, %w1, %w1, %w2 leaves 6 partials 3 : (tensor<?x8xf32>, tensor<?x2xi32>, tensor<4x6x8xf32>, tensor<4x6x8xf32>, tensor<4x8x6xf32>) -> tensor<?x16xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %e: tensor<?x2xi32>, %w1: tensor<4x6x8xf32>, %w2: tensor<4x8x6xf32>) {
  // expected-error@+1 {{C3: expected the result of 'f32', found 'bf16'}}
  %r = m1.expert_products %x, %e, %w1, %w1, %w2 : (tensor<?x8xf32>, tensor<?x2xi32>, tensor<4x6x8xf32>, tensor<4x6x8xf32>, tensor<4x8x6xf32>) -> tensor<?x16xbf16>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %e: tensor<?x2xi32>, %w1: tensor<4x6x8xf32>, %w2: tensor<4x8x6xf32>) {
  // expected-error@+1 {{C4: expected a positive number of leaves that divides F = 6, found 4}}
  %r = m1.expert_products %x, %e, %w1, %w1, %w2 leaves 4 : (tensor<?x8xf32>, tensor<?x2xi32>, tensor<4x6x8xf32>, tensor<4x6x8xf32>, tensor<4x8x6xf32>) -> tensor<?x16xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %e: tensor<?x2xi32>, %w1: tensor<4x6x8xf32>, %w2: tensor<4x8x6xf32>) {
  // expected-error@+1 {{C5: expected partial sums of the 6 leaves with a power of two of them each, found 2}}
  %r = m1.expert_products %x, %e, %w1, %w1, %w2 leaves 6 partials 2 : (tensor<?x8xf32>, tensor<?x2xi32>, tensor<4x6x8xf32>, tensor<4x6x8xf32>, tensor<4x8x6xf32>) -> tensor<?x32xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %e: tensor<?x2xi32>, %w1: tensor<4x6x8xf32>, %w2: tensor<4x8x6xf32>) {
  // expected-error@+1 {{C6: expected a step of 4, found}}
  %r = m1.expert_products %x, %e, %w1, %w1, %w2 shard <"expert", 3 of 12> : (tensor<?x8xf32>, tensor<?x2xi32>, tensor<4x6x8xf32>, tensor<4x6x8xf32>, tensor<4x8x6xf32>) -> tensor<?x16xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %e: tensor<?x2xi32>, %w1: tensor<4x6x8xf32>, %w2: tensor<4x8x6xf32>) {
  // expected-error@+1 {{C6: expected a mesh with axis expert (m1.mesh), found none}}
  %r = m1.expert_products %x, %e, %w1, %w1, %w2 shard <"expert", 4 of 16> : (tensor<?x8xf32>, tensor<?x2xi32>, tensor<4x6x8xf32>, tensor<4x6x8xf32>, tensor<4x8x6xf32>) -> tensor<?x16xf32>
  return
}

// -----

func.func @f(%o: tensor<?x16xf32>, %p: tensor<?xf32>) {
  // expected-error@+1 {{C1: expected weights to be [T, K], found 'tensor<?xf32>'}}
  %r = m1.combine_experts %o, %p : (tensor<?x16xf32>, tensor<?xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%o: tensor<?x16xf32>, %p: tensor<?x2xf32>) {
  // expected-error@+1 {{C1: expected the result to be [T, D], found 'tensor<?xf32>'}}
  %r = m1.combine_experts %o, %p : (tensor<?x16xf32>, tensor<?x2xf32>) -> tensor<?xf32>
  return
}

// -----

func.func @f(%o: tensor<?x16xf32>, %p: tensor<?x3xf32>) {
  // expected-error@+1 {{C2: expected outputs to be [T, K·D = 24], found 'tensor<?x16xf32>'}}
  %r = m1.combine_experts %o, %p : (tensor<?x16xf32>, tensor<?x3xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%o: tensor<?x16xbf16>, %p: tensor<?x2xf32>) {
  // expected-error@+1 {{C2: expected outputs of 'f32', found 'bf16'}}
  %r = m1.combine_experts %o, %p : (tensor<?x16xbf16>, tensor<?x2xf32>) -> tensor<?x8xf32>
  return
}
