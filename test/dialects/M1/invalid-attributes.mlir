// The dialect's attributes of modules, arguments and results.
// RUN: m1-opt %s -verify-diagnostics -split-input-file

// expected-error@+1 {{expected m1.model to be a #m1.model, found {layers = 8 : i64}}}
module attributes {m1.model = {layers = 8 : i64}} {
}

// -----

// expected-error@+1 {{duplicate or unknown struct parameter name: depth}}
module attributes {m1.model = #m1.model<architecture = "A", depth = 8>} {
}

// -----

// expected-error@+2 {{failed to parse M1_ModelAttr parameter 'layers' which is to be a `int64_t`}}
// expected-error@+1 {{expected integer value}}
module attributes {m1.model = #m1.model<architecture = "A", layers = "8", max_position = 1, vocabulary = 1, derived = []>} {
}

// -----

// expected-error@+1 {{expected a positive layers, found 0}}
module attributes {m1.model = #m1.model<architecture = "A", layers = 0, max_position = 1, vocabulary = 1, derived = []>} {
}

// -----

// expected-error@+1 {{expected derived to be a list of strings, found 1 : i64}}
module attributes {m1.model = #m1.model<architecture = "A", layers = 1, max_position = 1, vocabulary = 1, derived = [1]>} {
}

// -----

// expected-error@+1 {{m1.model is an attribute of modules}}
func.func @f() attributes {m1.model = #m1.model<architecture = "A", layers = 1, max_position = 1, vocabulary = 1, derived = []>} {
  return
}

// -----

// expected-error@+1 {{argument 0: m1.model is an attribute of modules}}
func.func @f(%x: tensor<?xi32> {m1.model = 1}) {
  return
}

// -----

// expected-error@+1 {{m1.dim is an attribute of a function's arguments and results}}
func.func @f() attributes {m1.dim = "T"} {
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>) {
  // expected-error@+1 {{m1.name is an attribute of a function's arguments and results}}
  %0 = m1.silu %x {m1.name = "x"} : (tensor<?x8xf32>) -> tensor<?x8xf32>
  return
}

// -----

// expected-error@+1 {{argument 0: expected m1.dim to be "symbol" or "symbol+number", found 5 : i64}}
func.func @f(%x: tensor<?xi32> {m1.dim = 5}) {
  return
}

// -----

// expected-error@+1 {{argument 1: expected m1.dim to be "symbol" or "symbol+number", found "B+"}}
func.func @f(%x: tensor<?xi32>, %y: tensor<?xi32> {m1.dim = "B+"}) {
  return
}

// -----

// expected-error@+1 {{argument 0: expected m1.dim to be "symbol" or "symbol+number", found "B+one"}}
func.func @f(%x: tensor<?xi32> {m1.dim = "B+one"}) {
  return
}

// -----

// expected-error@+1 {{argument 0: expected m1.dim to be "symbol" or "symbol+number", found "+1"}}
func.func @f(%x: tensor<?xi32> {m1.dim = "+1"}) {
  return
}

// -----

// expected-error@+1 {{expected m1.dim to be "symbol" or "symbol+number", found "B+-1"}}
func.func @f(%x: tensor<?xi32> {m1.dim = "B+-1"}) {
  return
}

// -----

// expected-error@+1 {{expected m1.dim to be "symbol" or "symbol+number", found "2T"}}
func.func @f(%x: tensor<?xi32> {m1.dim = "2T"}) {
  return
}

// -----

// expected-error@+1 {{result 0: expected m1.dim to be "symbol" or "symbol+number", found "T U"}}
func.func @f(%x: tensor<?xi32>) -> (tensor<?xi32> {m1.dim = "T U"}) {
  return %x : tensor<?xi32>
}

// -----

// expected-error@+1 {{argument 0: expected a tensor with an axis 0 for m1.dim, found 'tensor<f32>'}}
func.func @f(%x: tensor<f32> {m1.dim = "T"}) {
  return
}

// -----

// expected-error@+1 {{result 0: expected m1.name to be letters, digits, '_', '-' and '.', found "../x"}}
func.func @f(%x: tensor<?xi32>) -> (tensor<?xi32> {m1.name = "../x"}) {
  return %x : tensor<?xi32>
}

// -----

// expected-error@+1 {{argument 0: expected m1.name to be letters, digits, '_', '-' and '.', found unit}}
func.func @f(%x: tensor<?xi32> {m1.name}) {
  return
}

// -----

// expected-error@+1 {{argument 1: expected a m1.name of its own, found "x", which argument 0 has}}
func.func @f(%x: tensor<?xi32> {m1.name = "x"}, %y: tensor<?xi32> {m1.name = "x"}) {
  return
}

// -----

// An argument and a result may share a name.
func.func @f(%x: tensor<?xi32> {m1.name = "x"}) -> (tensor<?xi32> {m1.name = "x", m1.dim = "B+12"}) {
  return %x : tensor<?xi32>
}

// -----

// expected-error@+1 {{argument 0: expected a number of at most 2147483647 in m1.dim, found "B+2147483648"}}
func.func @f(%x: tensor<?xi32> {m1.dim = "B+2147483648"}) {
  return
}

// -----

// expected-error@+1 {{expected no attribute of m1 but m1.model and m1.mesh, found "m1.source"}}
module attributes {m1.source = 3} {
}

// -----

// expected-error@+1 {{argument 0: expected no attribute of m1 but m1.dim and m1.name, found "m1.dimension"}}
func.func @f(%x: tensor<?xi32> {m1.dimension = "B"}) {
  return
}

// -----

func.func @f(%x: tensor<?x4xf32>) {
  // expected-error@+1 {{expected no attribute of m1 but m1.model and m1.mesh, found "m1.alpha"}}
  %r = m1.silu %x {m1.alpha = 1.0} : (tensor<?x4xf32>) -> tensor<?x4xf32>
  return
}
