// What plan-verify finds; each rule broken once.
// RUN: m1-opt %s --plan-verify -verify-diagnostics -split-input-file

// expected-error@+1 {{expected the attribute plan.activation_bytes}}
module {
}

// -----

// expected-error@+1 {{expected the attribute plan.symbols}}
module attributes {plan.activation_bytes = 0 : i64} {
}

// -----

// expected-error@+1 {{expected a bound of at least 1 for symbol "T", found 0 : i64}}
module attributes {plan.activation_bytes = 128 : i64, plan.constant_bytes = 64 : i64, plan.symbols = {T = 0 : i64}, plan.weight_bytes = 64 : i64} {
}

// -----

module attributes {plan.activation_bytes = 128 : i64, plan.constant_bytes = 64 : i64, plan.symbols = {T = 8 : i64}, plan.weight_bytes = 64 : i64} {
  // expected-error@+1 {{has no offset}}
  plan.global "weights" @w : memref<16xf32>
}

// -----

module attributes {plan.activation_bytes = 128 : i64, plan.constant_bytes = 64 : i64, plan.symbols = {T = 8 : i64}, plan.weight_bytes = 64 : i64} {
  // expected-error@+1 {{expected an offset that is a multiple of 64, found 32}}
  plan.global "weights" @w : memref<4xf32> {offset = 32 : i64}
}

// -----

module attributes {plan.activation_bytes = 128 : i64, plan.constant_bytes = 64 : i64, plan.symbols = {T = 8 : i64}, plan.weight_bytes = 64 : i64} {
  // expected-error@+1 {{occupies bytes 64 to 128 of an arena of 64 bytes}}
  plan.global "weights" @w : memref<16xf32> {offset = 64 : i64}
}

// -----

module attributes {plan.activation_bytes = 128 : i64, plan.constant_bytes = 64 : i64, plan.symbols = {T = 8 : i64}, plan.weight_bytes = 64 : i64} {
  // expected-error@+1 {{occupies bytes 0 to 68 of an arena of 64 bytes}}
  plan.global "constant" @c : memref<17xf32> = dense<0.0> : tensor<17xf32> {offset = 0 : i64}
}

// -----

module attributes {plan.activation_bytes = 128 : i64, plan.constant_bytes = 64 : i64, plan.symbols = {T = 8 : i64}, plan.weight_bytes = 128 : i64} {
  plan.global "weights" @v : memref<17xf32> {offset = 0 : i64}
  // expected-error@+1 {{occupies bytes 64 to 128 and overlaps @v, which occupies bytes 0 to 68}}
  plan.global "weights" @w : memref<16xf32> {offset = 64 : i64}
}

// -----

module attributes {plan.activation_bytes = 128 : i64, plan.constant_bytes = 64 : i64, plan.symbols = {T = 8 : i64}, plan.weight_bytes = 64 : i64} {
  // expected-error@+1 {{expected a state at offset 0, found 64}}
  plan.global "state" @s : memref<16xf32> {offset = 64 : i64}
}

// -----

module attributes {plan.activation_bytes = 128 : i64, plan.constant_bytes = 64 : i64, plan.symbols = {T = 8 : i64}, plan.weight_bytes = 64 : i64} {
  // expected-error@+1 {{expected a state at offset 0, found none}}
  plan.global "state" @s : memref<16xf32>
}

// -----

module attributes {plan.activation_bytes = 128 : i64, plan.constant_bytes = 64 : i64, plan.symbols = {T = 8 : i64}, plan.weight_bytes = 64 : i64} {
  // expected-error@+1 {{expected a bound for symbol "B" in plan.symbols}}
  plan.program @p(%a: memref<?xf32> {plan.name = "a", plan.rows = #plan.expr<B>}) {
    plan.return
  }
}

// -----

module attributes {plan.activation_bytes = 128 : i64, plan.constant_bytes = 64 : i64, plan.symbols = {T = 8 : i64}, plan.weight_bytes = 64 : i64} {
  // expected-error@+1 {{expected a bound for symbol "B" in plan.symbols}}
  plan.program @p(%a: memref<4xi32> {plan.name = "a", plan.checks = [#plan.offsets<B>]}) {
    plan.return
  }
}

// -----

module attributes {plan.activation_bytes = 128 : i64, plan.constant_bytes = 64 : i64, plan.symbols = {T = 8 : i64}, plan.weight_bytes = 64 : i64} {
  plan.program @p() {
    // expected-error@+1 {{expected a bound for symbol "B" in plan.symbols}}
    %0 = plan.scalar B
    plan.return
  }
}

// -----

module attributes {plan.activation_bytes = 128 : i64, plan.constant_bytes = 64 : i64, plan.symbols = {T = 8 : i64}, plan.weight_bytes = 64 : i64} {
  tile.kernel @write(%x: index, %y: index, %z: index, %result: memref<16xf32>) {
    %zero = arith.constant 0.0 : f32
    memref.store %zero, %result[%x] : memref<16xf32>
    tile.return
  }
  plan.program @p() {
    %0 = plan.buffer : memref<16xf32> {offset = 0 : i64}
    // expected-error@+1 {{expected a bound for symbol "B" in plan.symbols}}
    plan.launch @write grid [B, 1, 1] (result = %0 : memref<16xf32> written)
    plan.return
  }
}

// -----

module attributes {plan.activation_bytes = 128 : i64, plan.constant_bytes = 64 : i64, plan.symbols = {T = 8 : i64}, plan.weight_bytes = 64 : i64} {
  // expected-error@+1 {{has a value of 'i16', which a plan file cannot hold}}
  plan.program @p(%a: memref<4xi16> {plan.name = "a"}) {
    plan.return
  }
}

// -----

module attributes {plan.activation_bytes = 128 : i64, plan.constant_bytes = 64 : i64, plan.symbols = {T = 8 : i64}, plan.weight_bytes = 64 : i64} {
  plan.program @p() {
    // expected-error@+1 {{has a value of 'i16', which a plan file cannot hold}}
    %0 = plan.parameter "w" : memref<4xi16>
    plan.return
  }
}

// -----

module attributes {plan.activation_bytes = 128 : i64, plan.constant_bytes = 64 : i64, plan.symbols = {T = 8 : i64}, plan.weight_bytes = 64 : i64} {
  plan.program @p() {
    // expected-error@+1 {{is not allowed in a plan.program}}
    %0 = arith.constant 0 : index
    plan.return
  }
}

// -----

module attributes {plan.activation_bytes = 128 : i64, plan.constant_bytes = 64 : i64, plan.symbols = {T = 8 : i64}, plan.weight_bytes = 64 : i64} {
  // expected-error@+1 {{expected no arguments, found 1}}
  plan.program @init(%a: memref<4xf32> {plan.name = "a"}) {
    plan.return
  }
}

// -----

module attributes {plan.activation_bytes = 128 : i64, plan.constant_bytes = 64 : i64, plan.symbols = {T = 8 : i64}, plan.weight_bytes = 64 : i64} {
  plan.program @p() {
    // expected-error@+1 {{has no offset}}
    %0 = plan.buffer : memref<16xf32>
    plan.return
  }
}

// -----

module attributes {plan.activation_bytes = 128 : i64, plan.constant_bytes = 64 : i64, plan.symbols = {T = 8 : i64}, plan.weight_bytes = 64 : i64} {
  plan.program @p() {
    // expected-error@+1 {{expected an offset that is a multiple of 64, found 4}}
    %0 = plan.buffer : memref<16xf32> {offset = 4 : i64}
    plan.return
  }
}

// -----

// The bound of T decides: 8 rows of 4 elements.
module attributes {plan.activation_bytes = 128 : i64, plan.constant_bytes = 64 : i64, plan.symbols = {T = 8 : i64}, plan.weight_bytes = 64 : i64} {
  plan.program @p() {
    // expected-error@+1 {{occupies bytes 64 to 192 of an arena of 128 bytes}}
    %0 = plan.buffer rows T : memref<?x4xf32> {offset = 64 : i64}
    plan.return
  }
}

// -----

module attributes {plan.activation_bytes = 128 : i64, plan.constant_bytes = 64 : i64, plan.symbols = {T = 8 : i64}, plan.weight_bytes = 64 : i64} {
  tile.kernel @write(%x: index, %y: index, %z: index, %result: memref<?xf32>) {
    %zero = arith.constant 0.0 : f32
    memref.store %zero, %result[%x] : memref<?xf32>
    tile.return
  }
  plan.program @p() {
    // expected-error@+1 {{to have rows without a division, found #plan.expr<(T + 1) ceildiv 2>}}
    %0 = plan.buffer rows (T + 1) ceildiv 2 : memref<?xf32> {offset = 0 : i64}
    plan.return
  }
}

// -----

module attributes {plan.activation_bytes = 128 : i64, plan.constant_bytes = 64 : i64, plan.symbols = {T = 8 : i64}, plan.weight_bytes = 64 : i64} {
  tile.kernel @k(%x: index, %y: index, %z: index, %size: index) {
    tile.return
  }
  plan.program @p() {
    // expected-error@+1 {{is not allowed in a plan.program}}
    %n = arith.constant 4 : index
    plan.launch @k grid [1, 1, 1] (size = %n : index)
    plan.return
  }
}

// -----

module attributes {plan.activation_bytes = 128 : i64, plan.constant_bytes = 64 : i64, plan.symbols = {T = 8 : i64}, plan.weight_bytes = 64 : i64} {
  tile.kernel @write(%x: index, %y: index, %z: index, %result: memref<16xf32>) {
    %zero = arith.constant 0.0 : f32
    memref.store %zero, %result[%x] : memref<16xf32>
    tile.return
  }
  plan.program @p() {
    %0 = plan.buffer : memref<16xf32> {offset = 0 : i64}
    %1 = plan.view %0 at 4 : memref<16xf32> to memref<16xf32>
    // expected-error@+1 {{has an operand that ends at byte 80 of memory of 64 bytes}}
    plan.launch @write grid [1, 1, 1] (result = %1 : memref<16xf32> written)
    plan.return
  }
}

// -----

// 2 T rows in memory of T.
module attributes {plan.activation_bytes = 128 : i64, plan.constant_bytes = 64 : i64, plan.symbols = {T = 8 : i64}, plan.weight_bytes = 64 : i64} {
  plan.program @p(%a: memref<?xf32> {plan.name = "a", plan.rows = #plan.expr<T>}, %b: memref<?xf32> {plan.name = "b", plan.output, plan.rows = #plan.expr<T>}) {
    %0 = plan.view %a at 0 rows T * 2 : memref<?xf32> to memref<?xf32>
    %1 = plan.view %b at 0 rows T * 2 : memref<?xf32> to memref<?xf32>
    // expected-error@+1 {{has an operand that ends at byte 64 of memory of 32 bytes}}
    plan.copy %0 to %1 : memref<?xf32>
    plan.return
  }
}

// -----

module attributes {plan.activation_bytes = 128 : i64, plan.constant_bytes = 64 : i64, plan.symbols = {T = 8 : i64}, plan.weight_bytes = 64 : i64} {
  tile.kernel @write(%x: index, %y: index, %z: index, %result: memref<16xf32>) {
    %zero = arith.constant 0.0 : f32
    memref.store %zero, %result[%x] : memref<16xf32>
    tile.return
  }
  plan.program @p(%a: memref<16xf32> {plan.name = "a"}) {
    // expected-error@+1 {{writes input 0}}
    plan.launch @write grid [1, 1, 1] (result = %a : memref<16xf32> written)
    plan.return
  }
}

// -----

module attributes {plan.activation_bytes = 128 : i64, plan.constant_bytes = 64 : i64, plan.symbols = {T = 8 : i64}, plan.weight_bytes = 64 : i64} {
  tile.kernel @write(%x: index, %y: index, %z: index, %result: memref<16xf32>) {
    %zero = arith.constant 0.0 : f32
    memref.store %zero, %result[%x] : memref<16xf32>
    tile.return
  }
  plan.program @p() {
    %0 = plan.parameter "w" : memref<16xf32>
    // expected-error@+1 {{writes parameter "w"}}
    plan.launch @write grid [1, 1, 1] (result = %0 : memref<16xf32> written)
    plan.return
  }
}

// -----

module attributes {plan.activation_bytes = 128 : i64, plan.constant_bytes = 64 : i64, plan.symbols = {T = 8 : i64}, plan.weight_bytes = 64 : i64} {
  plan.global "constant" @g : memref<16xf32> = dense<0.0> : tensor<16xf32> {offset = 0 : i64}
  tile.kernel @write(%x: index, %y: index, %z: index, %result: memref<16xf32>) {
    %zero = arith.constant 0.0 : f32
    memref.store %zero, %result[%x] : memref<16xf32>
    tile.return
  }
  plan.program @p() {
    %0 = plan.global_ref @g : memref<16xf32>
    // expected-error@+1 {{writes @g of kind "constant" in program @p}}
    plan.launch @write grid [1, 1, 1] (result = %0 : memref<16xf32> written)
    plan.return
  }
}

// -----

module attributes {plan.activation_bytes = 128 : i64, plan.constant_bytes = 64 : i64, plan.symbols = {T = 8 : i64}, plan.weight_bytes = 64 : i64} {
  plan.program @p(%out: memref<16xf32> {plan.name = "out", plan.output}) {
    // expected-note@+1 {{this buffer}}
    %0 = plan.buffer : memref<16xf32> {offset = 0 : i64}
    // expected-error@+1 {{reads a buffer that no earlier step has written}}
    plan.copy %0 to %out : memref<16xf32>
    plan.return
  }
}

// -----

// The second buffer takes the bytes of the first, which is read afterwards.
module attributes {plan.activation_bytes = 128 : i64, plan.constant_bytes = 64 : i64, plan.symbols = {T = 8 : i64}, plan.weight_bytes = 64 : i64} {
  tile.kernel @write(%x: index, %y: index, %z: index, %result: memref<16xf32>) {
    %zero = arith.constant 0.0 : f32
    memref.store %zero, %result[%x] : memref<16xf32>
    tile.return
  }
  plan.program @p(%out: memref<16xf32> {plan.name = "out", plan.output}) {
    // expected-note@+1 {{this buffer}}
    %0 = plan.buffer : memref<16xf32> {offset = 0 : i64}
    %1 = plan.buffer : memref<16xf32> {offset = 0 : i64}
    plan.launch @write grid [1, 1, 1] (result = %0 : memref<16xf32> written)
    // expected-note@+1 {{this write}}
    plan.launch @write grid [1, 1, 1] (result = %1 : memref<16xf32> written)
    // expected-error@+1 {{uses a buffer at bytes 0 to 64 after a write to another buffer there}}
    plan.copy %0 to %out : memref<16xf32>
    plan.return
  }
}

// -----

// Bytes that overlap in part, and a view of the buffer.
module attributes {plan.activation_bytes = 128 : i64, plan.constant_bytes = 64 : i64, plan.symbols = {T = 8 : i64}, plan.weight_bytes = 64 : i64} {
  tile.kernel @write(%x: index, %y: index, %z: index, %result: memref<16xf32>) {
    %zero = arith.constant 0.0 : f32
    memref.store %zero, %result[%x] : memref<16xf32>
    tile.return
  }
  plan.program @p(%out: memref<16xf32> {plan.name = "out", plan.output}) {
    // expected-note@+1 {{this buffer}}
    %0 = plan.buffer : memref<17xf32> {offset = 0 : i64}
    %1 = plan.buffer : memref<16xf32> {offset = 64 : i64}
    %view = plan.view %0 at 1 : memref<17xf32> to memref<16xf32>
    plan.launch @write grid [1, 1, 1] (result = %view : memref<16xf32> written)
    // expected-note@+1 {{this write}}
    plan.launch @write grid [1, 1, 1] (result = %1 : memref<16xf32> written)
    // expected-error@+1 {{uses a buffer at bytes 0 to 68 after a write to another buffer there}}
    plan.copy %view to %out : memref<16xf32>
    plan.return
  }
}

// -----

module attributes {plan.activation_bytes = 128 : i64, plan.constant_bytes = 64 : i64, plan.symbols = {T = 8 : i64}, plan.weight_bytes = 64 : i64} {
  tile.kernel @write(%x: index, %y: index, %z: index, %result: memref<16xf32>) {
    %zero = arith.constant 0.0 : f32
    memref.store %zero, %result[%x] : memref<16xf32>
    tile.return
  }
  plan.program @p() {
    %0 = plan.buffer : memref<16xf32> {offset = 0 : i64}
    %1 = plan.buffer : memref<16xf32> {offset = 0 : i64}
    plan.launch @write grid [1, 1, 1] (result = %0 : memref<16xf32> written)
    // expected-error@+1 {{uses two buffers that share bytes, at bytes 0 to 64 and at bytes 0 to 64}}
    plan.copy %0 to %1 : memref<16xf32>
    plan.return
  }
}

// -----

// Sizes whose sum or product does not fit 64 bits.
module attributes {plan.activation_bytes = 128 : i64, plan.constant_bytes = 64 : i64, plan.symbols = {T = 8 : i64}, plan.weight_bytes = 9223372036854775744 : i64} {
  // expected-error@+1 {{at offset 9223372036854775744 is too large for any memory: 64 bytes}}
  plan.global "weights" @w : memref<16xf32> {offset = 9223372036854775744 : i64}
}

// -----

module attributes {plan.activation_bytes = 128 : i64, plan.constant_bytes = 64 : i64, plan.symbols = {T = 8 : i64}, plan.weight_bytes = 64 : i64} {
  // expected-error@+1 {{'w' is too large for any memory: 'memref<2147483648x1073741824xf64>'}}
  plan.global "weights" @w : memref<2147483648x1073741824xf64> {offset = 0 : i64}
}

// -----

module attributes {plan.activation_bytes = 128 : i64, plan.constant_bytes = 64 : i64, plan.symbols = {T = 8 : i64}, plan.weight_bytes = 64 : i64} {
  // expected-error@+1 {{'s' is too large for any memory: 'memref<2147483648x1073741824xf64>'}}
  plan.global "state" @s : memref<2147483648x1073741824xf64> {offset = 0 : i64}
}
