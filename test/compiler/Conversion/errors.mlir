// What the lowering of functions refuses.
// RUN: m1-opt %s --m1-to-plan -verify-diagnostics -split-input-file

func.func @f(%x: tensor<?x8xf32>, %w: tensor<4x8xf32>) -> tensor<?x4xf32> {
  // expected-error@+1 {{expected a parameter (m1.load_parameter) as weight, found another value}}
  %r = m1.linear %x, %w : (tensor<?x8xf32>, tensor<4x8xf32>) -> tensor<?x4xf32>
  return %r : tensor<?x4xf32>
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<8xf32>) -> tensor<?x8xf32> {
  // expected-error@+1 {{expected a parameter (m1.load_parameter) as weight, found another value}}
  %r = m1.rms_norm %x, %w eps 1.0 : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  return %r : tensor<?x8xf32>
}

// -----

m1.parameter @table : tensor<2x8xf32> from stacked [#m1.source<"a">, #m1.source<"b">]
func.func @f(%x: tensor<?xi32>) -> tensor<?x8xf32> {
  %t = m1.load_parameter @table : tensor<2x8xf32>
  // expected-error@+1 {{expected a parameter of one source, found 2}}
  %r = m1.embedding %x, %t : (tensor<?xi32>, tensor<2x8xf32>) -> tensor<?x8xf32>
  return %r : tensor<?x8xf32>
}

// -----

m1.state @a : !m1.kv_cache<1 x 8, f32>
m1.state @b : !m1.kv_cache<1 x 8, f32>
func.func @f() {
  %s = m1.read_state @a : !m1.kv_cache<1 x 8, f32>
  // expected-error@+1 {{expected a successor of @b, found one of another state}}
  m1.write_state %s, @b : !m1.kv_cache<1 x 8, f32>
  return
}

// -----

// expected-error@+1 {{the name init is taken by the program that packs weights; choose another}}
func.func @init() {
  return
}

// -----

func.func @f(%x: tensor<?x12xf32>) -> tensor<?x2x2xbf16> {
  %q, %k, %v = m1.split_qkv %x : (tensor<?x12xf32>) -> (tensor<?x2x2xf32>, tensor<?x2x2xf32>, tensor<?x2x2xf32>)
  // expected-error@+1 {{cannot read an operand that is a part of each row of another value}}
  %r = m1.cast %k : tensor<?x2x2xf32> to tensor<?x2x2xbf16>
  return %r : tensor<?x2x2xbf16>
}

// -----

// A view without gaps would show the wrong elements.
func.func @f(%x: tensor<?x12xf32>) -> tensor<?x4xf32> {
  %q, %k, %v = m1.split_qkv %x : (tensor<?x12xf32>) -> (tensor<?x2x2xf32>, tensor<?x2x2xf32>, tensor<?x2x2xf32>)
  // expected-error@+1 {{cannot reshape a part of each row of another value}}
  %r = m1.merge_heads %k : (tensor<?x2x2xf32>) -> tensor<?x4xf32>
  return %r : tensor<?x4xf32>
}

// -----

func.func @f(%x: tensor<?x12xf32>) -> tensor<?x2x2xf32> {
  %q, %k, %v = m1.split_qkv %x : (tensor<?x12xf32>) -> (tensor<?x2x2xf32>, tensor<?x2x2xf32>, tensor<?x2x2xf32>)
  // expected-error@+1 {{cannot copy result 0 of type 'tensor<?x2x2xf32>': return it from the op that computes it}}
  return %v : tensor<?x2x2xf32>
}

// -----

func.func @f(%x: tensor<?xi32>) -> tensor<?xi32> {
  // expected-error@+1 {{cannot copy result 0 of type 'tensor<?xi32>': return it from the op that computes it}}
  return %x : tensor<?xi32>
}

// -----

// expected-error@+1 {{expected m1.dim to be a symbol or symbol+number, found 'B+one'}}
func.func @f(%x: tensor<?xi32> {m1.dim = "B+one"}) {
  return
}

// -----

// expected-error@+1 {{expected m1.dim to be a symbol or symbol+number, found '+1'}}
func.func @f(%x: tensor<?xi32> {m1.dim = "+1"}) {
  return
}

// -----

// expected-error@+1 {{expected one block}}
func.func @f() {
  llvm.br ^next
^next:
  return
}

// -----

// expected-error@+1 {{expected ranked tensors with at most axis 0 dynamic as arguments and results, found 'tensor<?x?xf32>'}}
func.func @f(%x: tensor<?x?xf32>) {
  return
}

// -----

// expected-error@+1 {{expected ranked tensors with at most axis 0 dynamic as arguments and results, found 'i32'}}
func.func @f(%x: i32) {
  return
}

// -----

func.func @f(%x: tensor<?x8xf64>, %t: tensor<?xi32>) -> tensor<?xf32> {
  // expected-error@+1 {{is only known for logits of f32, found 'tensor<?x8xf64>'}}
  %r = m1.token_log_prob %x, %t : (tensor<?x8xf64>, tensor<?xi32>) -> tensor<?xf32>
  return %r : tensor<?xf32>
}

// -----

func.func @f() -> tensor<8xf32> {
  // expected-error@+1 {{has no lowering to a plan}}
  %0 = arith.constant dense<0.0> : tensor<8xf32>
  return %0 : tensor<8xf32>
}
