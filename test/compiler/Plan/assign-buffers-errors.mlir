// RUN: m1-opt %s --plan-assign-buffers -verify-diagnostics -split-input-file

module attributes {plan.symbols = {T = 4 : i64}} {
  plan.program @p() {
    // expected-error@+1 {{expected a bound for symbol "B" in plan.symbols}}
    %0 = plan.buffer rows B : memref<?x8xf32>
    plan.return
  }
}

// -----

module {
  plan.program @p() {
    // expected-error@+1 {{expected a bound for symbol "T" in plan.symbols}}
    %0 = plan.buffer rows T : memref<?x8xf32>
    plan.return
  }
}

// -----

// 2^63 bytes.
module attributes {plan.symbols = {T = 1073741824 : i64}} {
  // expected-error@+1 {{'keys' is too large for any memory: 'memref<2147483648x1073741824xf32>'}}
  plan.global "state" @keys : memref<2147483648x1073741824xf32>
  plan.program @p() {
    plan.return
  }
}

// -----

module attributes {plan.symbols = {T = 1073741824 : i64}} {
  plan.program @p() {
    // expected-error@+1 {{is too large for any memory: 'memref<?x2147483648xf32>'}}
    %0 = plan.buffer rows T : memref<?x2147483648xf32>
    plan.return
  }
}

// -----

// Each fits 64 bits, their sum does not.
module attributes {plan.symbols = {}} {
  plan.global "weights" @v : memref<1073741824x1073741824xf32>
  // expected-error@+1 {{'w' is too large for any memory: 'memref<1073741824x1073741824xf32>'}}
  plan.global "weights" @w : memref<1073741824x1073741824xf32>
}

// -----

module attributes {plan.symbols = {}} {
  tile.kernel @use(%x: index, %y: index, %z: index, %a: memref<1073741824x1073741824xf32>, %b: memref<1073741824x1073741824xf32>) {
    tile.return
  }
  // expected-error@+1 {{'p' has buffers that together are too large for any memory}}
  plan.program @p() {
    %0 = plan.buffer : memref<1073741824x1073741824xf32>
    %1 = plan.buffer : memref<1073741824x1073741824xf32>
    plan.launch @use grid [1, 1, 1] (a = %0 : memref<1073741824x1073741824xf32>, b = %1 : memref<1073741824x1073741824xf32>)
    plan.return
  }
}
