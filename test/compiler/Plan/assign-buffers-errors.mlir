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
