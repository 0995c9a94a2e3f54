// What ranks cannot share, with the numbers.
// RUN: m1-opt %s -m1-shard -verify-diagnostics -split-input-file

module attributes {m1.mesh = #m1.mesh<tensor = 4>} {
// expected-error@+1 {{cannot be shared evenly by 4 ranks: expected a number of units of 32 elements along dimension 0 that is a multiple of tensor = 4, found 6}}
m1.parameter @heads : tensor<192x16xf32> from [#m1.source<"a">] sharding [#m1.sharding<0 over "tensor" unit 32>]
}

// -----

module attributes {m1.mesh = #m1.mesh<tensor = 3>} {
// expected-error@+1 {{cannot be shared evenly by 3 ranks: expected a number of units of 32 elements along dimension 0 that is a multiple of tensor = 3 or divides it, found 2}}
m1.parameter @keys : tensor<64x16xf32> from [#m1.source<"a">] sharding [#m1.sharding<0 over "tensor" unit 32 replicable>]
}

// -----

module attributes {m1.mesh = #m1.mesh<expert = 3>} {
// expected-error@+1 {{cannot be shared evenly by 3 ranks: expected a number of units of 1 elements along dimension 0 that is a multiple of expert = 3, found 4}}
m1.parameter @experts : tensor<4x16x16xf32> from [#m1.source<"a">] sharding [#m1.sharding<0 over "expert" unit 1>]
}

// -----

module attributes {m1.mesh = #m1.mesh<data = 2>} {
m1.parameter @a : tensor<4x16xf32> from [#m1.source<"a">]
// expected-error@+1 {{expected no mesh of several ranks in a module that trains, found #m1.mesh<data = 2>}}
m1.state @a.gradient : !m1.tensor_state<4x16xf32>
}

// -----

// The leaves of the sum and the parts of ranks do not match.
module attributes {m1.mesh = #m1.mesh<tensor = 2>} {
m1.parameter @a : tensor<96x16xf32> from [#m1.source<"a">] sharding [#m1.sharding<0 over "tensor" unit 48>]
m1.parameter @b : tensor<16x96xf32> from [#m1.source<"b">] sharding [#m1.sharding<1 over "tensor" unit 48>]
func.func @f(%x: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %a = m1.load_parameter @a : tensor<96x16xf32>
  %b = m1.load_parameter @b : tensor<16x96xf32>
  %0 = m1.linear %x, %a : (tensor<?x16xf32>, tensor<96x16xf32>) -> tensor<?x96xf32>
  // expected-error@+1 {{cannot be sharded over axis "tensor": expected ranks to have whole leaves of 32 terms, found 48 terms each}}
  %1 = m1.linear %0, %b leaves 3 : (tensor<?x96xf32>, tensor<16x96xf32>) -> tensor<?x16xf32>
  return %1 : tensor<?x16xf32>
}
}

// -----

// Nothing cuts a value that every rank has.
module attributes {m1.mesh = #m1.mesh<tensor = 2>} {
m1.parameter @b : tensor<16x64xf32> from [#m1.source<"b">] sharding [#m1.sharding<1 over "tensor" unit 32>]
func.func @f(%x: tensor<?x64xf32>) -> tensor<?x16xf32> {
  %b = m1.load_parameter @b : tensor<16x64xf32>
  // expected-error@+1 {{cannot be computed in parts: it would need parameter @b whole, of which ranks have #m1.slice<1 over "tensor" step 32 of 64>}}
  %1 = m1.linear %x, %b leaves 2 : (tensor<?x64xf32>, tensor<16x64xf32>) -> tensor<?x16xf32>
  return %1 : tensor<?x16xf32>
}
}

// -----

// Two ranks have the same head.
module attributes {m1.mesh = #m1.mesh<tensor = 4>} {
m1.parameter @a : tensor<64x16xf32> from [#m1.source<"a">] sharding [#m1.sharding<0 over "tensor" unit 32 replicable>]
func.func @f(%x: tensor<?x16xf32>) -> tensor<?x64xf32> {
  %a = m1.load_parameter @a : tensor<64x16xf32>
  %0 = m1.linear %x, %a : (tensor<?x16xf32>, tensor<64x16xf32>) -> tensor<?x64xf32>
  // expected-error@+1 {{cannot be computed in parts: it would need operand 0 whole, of which ranks have #m1.slice<1 over "tensor" step 32 of 64 replicas 2>; only columns without replicas can be gathered}}
  return %0 : tensor<?x64xf32>
}
}

// -----

module attributes {m1.mesh = #m1.mesh<expert = 2>} {
// expected-error@+1 {{cannot be shared by ranks: expected sources of one shape and element type, found #m1.source<"a"> and #m1.source<"b" as bf16>}}
m1.parameter @experts : tensor<2x16x16xf32> from [#m1.source<"a">, #m1.source<"b" as bf16>]
    sharding [#m1.sharding<0 over "expert" unit 1>]
}
