// What meshes, shards and the ops of sharded modules must be; each constraint broken once.
// RUN: m1-opt %s -verify-diagnostics -split-input-file

// expected-error@+1 {{expected axis data, tensor or expert, found "pipeline"}}
module attributes {m1.mesh = #m1.mesh<pipeline = 2>} {}

// -----

// expected-error@+1 {{expected each axis once, found "data" twice}}
module attributes {m1.mesh = #m1.mesh<data = 2, data = 2>} {}

// -----

// expected-error@+1 {{expected an extent of at least 1, found tensor = 0}}
module attributes {m1.mesh = #m1.mesh<tensor = 0>} {}

// -----

// expected-error@+1 {{expected at most 4096 ranks}}
module attributes {m1.mesh = #m1.mesh<data = 64, tensor = 64, expert = 2>} {}

// -----

// expected-error@+1 {{expected axes with an extent each, found 0 axes and 0 extents}}
module attributes {m1.mesh = #m1.mesh<>} {}

// -----

// expected-error@+1 {{expected m1.mesh to be a #m1.mesh, found 4}}
module attributes {m1.mesh = 4 : i64} {}

// -----

// expected-error@+1 {{m1.mesh is an attribute of modules}}
func.func private @f() attributes {m1.mesh = #m1.mesh<tensor = 2>}

// -----

// expected-error@+1 {{argument 0: m1.mesh is an attribute of modules}}
func.func private @f(tensor<?xi32> {m1.mesh = #m1.mesh<tensor = 2>})

// -----

module attributes {m1.mesh = #m1.mesh<tensor = 4>} {
// expected-error@+1 {{expected a dimension from 0 on, found -1}}
m1.parameter @p : tensor<32x16xf32> from [#m1.source<"a">] sharding [#m1.sharding<-1 over "tensor" unit 4>]
}

// -----

module attributes {m1.mesh = #m1.mesh<tensor = 4>} {
// expected-error@+1 {{expected a unit of 1 to 2147483647, found 0}}
m1.parameter @p : tensor<32x16xf32> from [#m1.source<"a">] sharding [#m1.sharding<0 over "tensor" unit 0>]
}

// -----

module attributes {m1.mesh = #m1.mesh<tensor = 4>} {
// expected-error@+1 {{expected replicable or short, found both}}
m1.parameter @p : tensor<32x16xf32> from [#m1.source<"a">] sharding [#m1.sharding<0 over "tensor" unit 4 replicable short>]
}

// -----

module attributes {m1.mesh = #m1.mesh<tensor = 4>} {
// expected-error@+1 {{C6: expected a dimension of 'tensor<32x16xf32>', found #m1.sharding<2 over "tensor" unit 4>}}
m1.parameter @p : tensor<32x16xf32> from [#m1.source<"a">] sharding [#m1.sharding<2 over "tensor" unit 4>]
}

// -----

module attributes {m1.mesh = #m1.mesh<tensor = 4>} {
// expected-error@+1 {{C6: expected each dimension and each axis once, found #m1.sharding<0 over "tensor" unit 4> and #m1.sharding<1 over "tensor" unit 4>}}
m1.parameter @p : tensor<32x16xf32> from [#m1.source<"a">] sharding [#m1.sharding<0 over "tensor" unit 4>, #m1.sharding<1 over "tensor" unit 4>]
}

// -----

module attributes {m1.mesh = #m1.mesh<tensor = 4>} {
// expected-error@+1 {{C6: expected each dimension and each axis once}}
m1.parameter @p : tensor<32x16xf32> from [#m1.source<"a">] sharding [#m1.sharding<0 over "tensor" unit 4>, #m1.sharding<0 over "expert" unit 4>]
}

// -----

module attributes {m1.mesh = #m1.mesh<tensor = 4>} {
// expected-error@+1 {{C6: expected a unit that divides 32, found #m1.sharding<0 over "tensor" unit 5>}}
m1.parameter @p : tensor<32x16xf32> from [#m1.source<"a">] sharding [#m1.sharding<0 over "tensor" unit 5>]
}

// -----

module attributes {m1.mesh = #m1.mesh<tensor = 4>} {
// expected-error@+1 {{expected a step of 1 to 2147483647, found 0}}
m1.parameter @p : tensor<32x16xf32> from [#m1.source<"a">] slices [#m1.slice<0 over "tensor" step 0 of 4>]
}

// -----

module attributes {m1.mesh = #m1.mesh<tensor = 4>} {
// expected-error@+1 {{expected 1 to 4096 replicas, found 0}}
m1.parameter @p : tensor<32x16xf32> from [#m1.source<"a">] slices [#m1.slice<0 over "tensor" step 32 of 64 replicas 0>]
}

// -----

module attributes {m1.mesh = #m1.mesh<tensor = 4>} {
// expected-error@+1 {{C7: expected a dimension of}}
m1.parameter @p : tensor<32x16xf32> from [#m1.source<"a">] slices [#m1.slice<2 over "tensor" step 32 of 64>]
}

// -----

module attributes {m1.mesh = #m1.mesh<tensor = 4>} {
// expected-error@+1 {{C7: expected each dimension and each axis once}}
m1.parameter @p : tensor<32x16xf32> from [#m1.source<"a">] slices [#m1.slice<0 over "tensor" step 32 of 64>, #m1.slice<1 over "tensor" step 16 of 64>]
}

// -----

module attributes {m1.mesh = #m1.mesh<tensor = 4>} {
// expected-error@+1 {{C7: expected a step of 32, found #m1.slice<0 over "tensor" step 16 of 64>}}
m1.parameter @p : tensor<32x16xf32> from [#m1.source<"a">] slices [#m1.slice<0 over "tensor" step 16 of 64>]
}

// -----

module attributes {m1.mesh = #m1.mesh<tensor = 4>} {
// expected-error@+1 {{C7: expected a mesh with axis expert (m1.mesh), found #m1.mesh<tensor = 4>}}
m1.parameter @p : tensor<32x16xf32> from [#m1.source<"a">] slices [#m1.slice<0 over "expert" step 32 of 64>]
}

// -----

module {
// expected-error@+1 {{C7: expected a mesh with axis tensor (m1.mesh), found none}}
m1.parameter @p : tensor<32x16xf32> from [#m1.source<"a">] slices [#m1.slice<0 over "tensor" step 32 of 64>]
}

// -----

module attributes {m1.mesh = #m1.mesh<tensor = 4>} {
// expected-error@+1 {{C4: expected a slice of length 64, found 32 of "a"}}
m1.parameter @p : tensor<32xf32> from [#m1.source<"a"[axis 0, 0 to 32 of 128]>] slices [#m1.slice<0 over "tensor" step 32 of 64>]
}

// -----

module attributes {m1.mesh = #m1.mesh<expert = 4>} {
// expected-error@+1 {{C3: expected axis 0 to have extent 2, the number of sources, found 'tensor<4x32xf32>'}}
m1.parameter @p : tensor<1x32xf32> from [#m1.source<"a">, #m1.source<"b">] slices [#m1.slice<0 over "expert" step 1 of 4>]
}

// -----

module attributes {m1.mesh = #m1.mesh<tensor = 4>} {
func.func @f(%x: tensor<?x2x4xf32>) {
  // expected-error@+1 {{C1: expected x to be [T, n]}}
  %0 = m1.all_gather %x over "tensor" : (tensor<?x2x4xf32>) -> tensor<?x8xf32>
  return
}
}

// -----

module attributes {m1.mesh = #m1.mesh<tensor = 4>} {
func.func @f(%x: tensor<?x8xf32>) {
  // expected-error@+1 {{C1: expected the result to be [T, N]}}
  %0 = m1.all_gather %x over "tensor" : (tensor<?x8xf32>) -> tensor<?x2x4xf32>
  return
}
}

// -----

module attributes {m1.mesh = #m1.mesh<tensor = 4>} {
func.func @f(%x: tensor<?x8xf32>) {
  // expected-error@+1 {{C1: expected the result of 'f32', found 'bf16'}}
  %0 = m1.all_gather %x over "tensor" : (tensor<?x8xf32>) -> tensor<?x32xbf16>
  return
}
}

// -----

module attributes {m1.mesh = #m1.mesh<tensor = 4>} {
func.func @f(%x: tensor<?x8xf32>) {
  // expected-error@+1 {{C2: expected a mesh with axis data (m1.mesh), found #m1.mesh<tensor = 4>}}
  %0 = m1.all_gather %x over "data" : (tensor<?x8xf32>) -> tensor<?x32xf32>
  return
}
}

// -----

module {
func.func @f(%x: tensor<?x8xf32>) {
  // expected-error@+1 {{C2: expected a mesh with axis tensor (m1.mesh), found none}}
  %0 = m1.all_gather %x over "tensor" : (tensor<?x8xf32>) -> tensor<?x32xf32>
  return
}
}

// -----

module attributes {m1.mesh = #m1.mesh<tensor = 4>} {
func.func @f(%x: tensor<?x8xf32>) {
  // expected-error@+1 {{C3: expected a result of 1 to P·n = 32 columns, found 33}}
  %0 = m1.all_gather %x over "tensor" : (tensor<?x8xf32>) -> tensor<?x33xf32>
  return
}
}

// -----

module attributes {m1.mesh = #m1.mesh<tensor = 4>} {
func.func @f(%x: tensor<?x2x4xf32>) {
  // expected-error@+1 {{C1: expected x to be [T, G·M·N]}}
  %0 = m1.tree_sum %x over "tensor" partials 2 : (tensor<?x2x4xf32>) -> tensor<?x4xf32>
  return
}
}

// -----

module attributes {m1.mesh = #m1.mesh<tensor = 4>} {
func.func @f(%x: tensor<?x8xf32>) {
  // expected-error@+1 {{C1: expected x to have M = 3 times the result's 4 columns, found 8}}
  %0 = m1.tree_sum %x over "tensor" partials 3 : (tensor<?x8xf32>) -> tensor<?x4xf32>
  return
}
}

// -----

module attributes {m1.mesh = #m1.mesh<tensor = 4>} {
func.func @f(%x: tensor<?x8xf32>) {
  // expected-error@+1 {{C1: expected the result to be [T, G·N]}}
  %0 = m1.tree_sum %x over "tensor" partials 1 : (tensor<?x8xf32>) -> tensor<?x2x4xf32>
  return
}
}

// -----

module attributes {m1.mesh = #m1.mesh<tensor = 4>} {
func.func @f(%x: tensor<?x8xbf16>) {
  // expected-error@+1 {{C1: expected x of 'f32', found 'bf16'}}
  %0 = m1.tree_sum %x over "tensor" partials 1 : (tensor<?x8xbf16>) -> tensor<?x8xf32>
  return
}
}

// -----

module attributes {m1.mesh = #m1.mesh<tensor = 4>} {
func.func @f(%x: tensor<?x8xf32>) {
  // expected-error@+1 {{C1: expected the result of 'f32', found 'bf16'}}
  %0 = m1.tree_sum %x over "tensor" partials 1 : (tensor<?x8xf32>) -> tensor<?x8xbf16>
  return
}
}

// -----

module attributes {m1.mesh = #m1.mesh<tensor = 4>} {
func.func @f(%x: tensor<?x8xf32>) {
  // expected-error@+1 {{C2: expected a mesh with axis expert}}
  %0 = m1.tree_sum %x over "expert" partials 1 : (tensor<?x8xf32>) -> tensor<?x8xf32>
  return
}
}

// -----

module attributes {m1.mesh = #m1.mesh<tensor = 4>} {
func.func @f(%x: tensor<?x8xf32>) {
  // expected-error@+1 {{C3: expected 1 to 2147483647 partial sums, found 0}}
  %0 = m1.tree_sum %x over "tensor" partials 0 : (tensor<?x8xf32>) -> tensor<?x8xf32>
  return
}
}

// -----

module attributes {m1.mesh = #m1.mesh<tensor = 4>} {
func.func @f(%x: tensor<?x8xf32>, %w: tensor<1024x7xf32>, %t: tensor<?xi32>) {
  // expected-error@+1 {{C1: expected weight to be [v, D = 8]}}
  %0, %1, %2 = m1.log_prob_parts %x, %w, %t  : (tensor<?x8xf32>, tensor<1024x7xf32>, tensor<?xi32>) -> (tensor<?x1xf32>, tensor<?x1xf32>, tensor<?x1xf32>)
  return
}
}

// -----

module attributes {m1.mesh = #m1.mesh<tensor = 4>} {
func.func @f(%x: tensor<8xf32>, %w: tensor<1024x8xf32>, %t: tensor<?xi32>) {
  // expected-error@+1 {{C1: expected x to be [T, D]}}
  %0, %1, %2 = m1.log_prob_parts %x, %w, %t  : (tensor<8xf32>, tensor<1024x8xf32>, tensor<?xi32>) -> (tensor<?x1xf32>, tensor<?x1xf32>, tensor<?x1xf32>)
  return
}
}

// -----

module attributes {m1.mesh = #m1.mesh<tensor = 4>} {
func.func @f(%x: tensor<?x8xf32>, %w: tensor<1024x8xf32>, %t: tensor<?x1xi32>) {
  // expected-error@+1 {{C2: expected targets to be [T]}}
  %0, %1, %2 = m1.log_prob_parts %x, %w, %t  : (tensor<?x8xf32>, tensor<1024x8xf32>, tensor<?x1xi32>) -> (tensor<?x1xf32>, tensor<?x1xf32>, tensor<?x1xf32>)
  return
}
}

// -----

module attributes {m1.mesh = #m1.mesh<tensor = 4>} {
func.func @f(%x: tensor<?x8xf32>, %w: tensor<1024x8xf32>, %t: tensor<?xi32>) {
  // expected-error@+1 {{C3: expected maxima to be [T, G = 1]}}
  %0, %1, %2 = m1.log_prob_parts %x, %w, %t  : (tensor<?x8xf32>, tensor<1024x8xf32>, tensor<?xi32>) -> (tensor<?x2xf32>, tensor<?x1xf32>, tensor<?x1xf32>)
  return
}
}

// -----

module attributes {m1.mesh = #m1.mesh<tensor = 4>} {
func.func @f(%x: tensor<?x8xf32>, %w: tensor<1024x8xf32>, %t: tensor<?xi32>) {
  // expected-error@+1 {{C3: expected others to be [T, G = 1]}}
  %0, %1, %2 = m1.log_prob_parts %x, %w, %t  : (tensor<?x8xf32>, tensor<1024x8xf32>, tensor<?xi32>) -> (tensor<?x1xf32>, tensor<?x2xf32>, tensor<?x1xf32>)
  return
}
}

// -----

module attributes {m1.mesh = #m1.mesh<tensor = 4>} {
func.func @f(%x: tensor<?x8xf32>, %w: tensor<1024x8xf32>, %t: tensor<?xi32>) {
  // expected-error@+1 {{C3: expected chosen of 'f32', found 'bf16'}}
  %0, %1, %2 = m1.log_prob_parts %x, %w, %t  : (tensor<?x8xf32>, tensor<1024x8xf32>, tensor<?xi32>) -> (tensor<?x1xf32>, tensor<?x1xf32>, tensor<?x1xbf16>)
  return
}
}

// -----

module attributes {m1.mesh = #m1.mesh<tensor = 4>} {
func.func @f(%x: tensor<?x8xf32>, %w: tensor<1024x8xf32>, %t: tensor<?xi32>) {
  // expected-error@+1 {{C4: expected a step of 1024, found #m1.shard<"tensor", 2048 of 4096>}}
  %0, %1, %2 = m1.log_prob_parts %x, %w, %t shard <"tensor", 2048 of 4096> : (tensor<?x8xf32>, tensor<1024x8xf32>, tensor<?xi32>) -> (tensor<?x1xf32>, tensor<?x1xf32>, tensor<?x1xf32>)
  return
}
}

// -----

module attributes {m1.mesh = #m1.mesh<tensor = 4>} {
func.func @f(%x: tensor<?x8xf32>, %w: tensor<1024x8xf32>, %t: tensor<?xi32>) {
  // expected-error@+1 {{C4: expected a mesh with axis expert}}
  %0, %1, %2 = m1.log_prob_parts %x, %w, %t shard <"expert", 1024 of 4096> : (tensor<?x8xf32>, tensor<1024x8xf32>, tensor<?xi32>) -> (tensor<?x1xf32>, tensor<?x1xf32>, tensor<?x1xf32>)
  return
}
}

// -----

module attributes {m1.mesh = #m1.mesh<tensor = 4>} {
func.func @f(%x: tensor<?x8xf32>, %w: tensor<8x8xf32>, %t: tensor<?xi32>) {
  // expected-error@+1 {{C4: expected a step that is a multiple of 1024, found #m1.shard<"tensor", 8 of 32>}}
  %0, %1, %2 = m1.log_prob_parts %x, %w, %t shard <"tensor", 8 of 32> : (tensor<?x8xf32>, tensor<8x8xf32>, tensor<?xi32>) -> (tensor<?x1xf32>, tensor<?x1xf32>, tensor<?x1xf32>)
  return
}
}

// -----

module attributes {m1.mesh = #m1.mesh<tensor = 4>} {
func.func @f(%x: tensor<?x8xf32>, %w: tensor<1024x8xf32>, %t: tensor<?xi32>) {
  // expected-error@+1 {{expected a step of 1 to 2147483647, found 0}}
  %0, %1, %2 = m1.log_prob_parts %x, %w, %t shard <"tensor", 0 of 4096> : (tensor<?x8xf32>, tensor<1024x8xf32>, tensor<?xi32>) -> (tensor<?x1xf32>, tensor<?x1xf32>, tensor<?x1xf32>)
  return
}
}

// -----

module attributes {m1.mesh = #m1.mesh<tensor = 4>} {
func.func @f(%x: tensor<?x8xf32>, %w: tensor<1024x8xf32>, %t: tensor<?xi32>) {
  // expected-error@+1 {{expected an extent of 1 to 2147483647, found 0}}
  %0, %1, %2 = m1.log_prob_parts %x, %w, %t shard <"tensor", 1024 of 0> : (tensor<?x8xf32>, tensor<1024x8xf32>, tensor<?xi32>) -> (tensor<?x1xf32>, tensor<?x1xf32>, tensor<?x1xf32>)
  return
}
}

// -----

module attributes {m1.mesh = #m1.mesh<tensor = 4>} {
func.func @f(%a: tensor<?x2xf32>, %b: tensor<?x3xf32>, %c: tensor<?x2xbf16>) {
  // expected-error@+1 {{C1: expected others to be [T, G = 2]}}
  %0 = m1.join_log_prob %a, %b, %a : (tensor<?x2xf32>, tensor<?x3xf32>, tensor<?x2xf32>) -> tensor<?xf32>
  return
}
}

// -----

module attributes {m1.mesh = #m1.mesh<tensor = 4>} {
func.func @f(%a: tensor<?x2xf32>, %b: tensor<?x3xf32>, %c: tensor<?x2xbf16>) {
  // expected-error@+1 {{C1: expected chosen of 'f32', found 'bf16'}}
  %0 = m1.join_log_prob %a, %a, %c : (tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xbf16>) -> tensor<?xf32>
  return
}
}

// -----

module attributes {m1.mesh = #m1.mesh<tensor = 4>} {
func.func @f(%a: tensor<?x2xf32>, %b: tensor<?x3xf32>, %c: tensor<?x2xbf16>) {
  // expected-error@+1 {{C2: expected the result to be [T]}}
  %0 = m1.join_log_prob %a, %a, %a : (tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>) -> tensor<?x1xf32>
  return
}
}

// -----

module attributes {m1.mesh = #m1.mesh<tensor = 4>} {
func.func @f(%t: tensor<?xi32>, %w: tensor<8x8xf32>) {
  // expected-error@+1 {{C4: expected a step of 8, found #m1.shard<"tensor", 4 of 32>}}
  %0 = m1.embedding %t, %w shard <"tensor", 4 of 32> : (tensor<?xi32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  return
}
}

// -----

module attributes {m1.mesh = #m1.mesh<tensor = 4>} {
func.func @f(%q: tensor<?x1x8xf32>, %state: !m1.lightning_state<1 x 8, chunk = 64, f32>, %p: tensor<?xi32>) {
  // expected-error@+1 {{C7: expected a step of 1, found #m1.shard<"tensor", 2 of 8>}}
  %0, %1 = m1.lightning_attention %q, %q, %q, %state at (%p, %p, %p) slopes [0.5, 0.5, 0.5, 0.5] shard <"tensor", 2 of 8> : (tensor<?x1x8xf32>, tensor<?x1x8xf32>, tensor<?x1x8xf32>, !m1.lightning_state<1 x 8, chunk = 64, f32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>) -> (tensor<?x1x8xf32>, !m1.lightning_state<1 x 8, chunk = 64, f32>)
  return
}
}

// -----

module attributes {m1.mesh = #m1.mesh<tensor = 4>} {
func.func @f(%q: tensor<?x1x8xf32>, %state: !m1.lightning_state<1 x 8, chunk = 64, f32>, %p: tensor<?xi32>) {
  // expected-error@+1 {{C7: expected a shard of 4 heads, 1 for each rank, found #m1.shard<"tensor", 1 of 3>}}
  %0, %1 = m1.lightning_attention %q, %q, %q, %state at (%p, %p, %p) slopes [0.5, 0.5, 0.5] shard <"tensor", 1 of 3> : (tensor<?x1x8xf32>, tensor<?x1x8xf32>, tensor<?x1x8xf32>, !m1.lightning_state<1 x 8, chunk = 64, f32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>) -> (tensor<?x1x8xf32>, !m1.lightning_state<1 x 8, chunk = 64, f32>)
  return
}
}

// -----

module attributes {m1.mesh = #m1.mesh<tensor = 4>} {
func.func @f(%q: tensor<?x1x8xf32>, %state: !m1.lightning_state<1 x 8, chunk = 64, f32>, %p: tensor<?xi32>) {
  // expected-error@+1 {{C7: expected 4 slopes, found 1}}
  %0, %1 = m1.lightning_attention %q, %q, %q, %state at (%p, %p, %p) slopes [0.5] shard <"tensor", 1 of 4> : (tensor<?x1x8xf32>, tensor<?x1x8xf32>, tensor<?x1x8xf32>, !m1.lightning_state<1 x 8, chunk = 64, f32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>) -> (tensor<?x1x8xf32>, !m1.lightning_state<1 x 8, chunk = 64, f32>)
  return
}
}

// -----

module attributes {m1.mesh = #m1.mesh<tensor = 4>} {
func.func @f(%q: tensor<?x1x8xf32>, %state: !m1.lightning_state<1 x 8, chunk = 64, f32>, %p: tensor<?xi32>) {
  // expected-error@+1 {{C7: expected a mesh with axis expert}}
  %0, %1 = m1.lightning_attention %q, %q, %q, %state at (%p, %p, %p) slopes [0.5] shard <"expert", 1 of 4> : (tensor<?x1x8xf32>, tensor<?x1x8xf32>, tensor<?x1x8xf32>, !m1.lightning_state<1 x 8, chunk = 64, f32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>) -> (tensor<?x1x8xf32>, !m1.lightning_state<1 x 8, chunk = 64, f32>)
  return
}
}

// -----

module attributes {m1.mesh = #m1.mesh<tensor = 4>} {
func.func @f(%x: tensor<?x8xf32>) {
  // expected-error@+1 {{C1: expected a result of 3 groups of columns, found 8 columns}}
  %0 = m1.tree_sum %x over "tensor" groups 3 partials 1 : (tensor<?x8xf32>) -> tensor<?x8xf32>
  return
}
}

// -----

module attributes {m1.mesh = #m1.mesh<tensor = 4>} {
func.func @f(%x: tensor<?x8xf32>) {
  // expected-error@+1 {{C3: expected 1 to 2147483647 groups, found 0}}
  %0 = m1.tree_sum %x over "tensor" groups 0 partials 1 : (tensor<?x8xf32>) -> tensor<?x8xf32>
  return
}
}
