// RUN: m1-opt %s --plan-assign-buffers -verify-diagnostics -split-input-file

module attributes {plan.symbols = {T = 4 : i64}} {
  plan.program @p() {
    // expected-error@+1 {{expected a bound for symbol "B" in plan.symbols}}
    %0 = plan.buffer rows <"B" * 1 + 0 ceildiv 1> : memref<?x8xf32>
    plan.return
  }
}

// -----

module {
  plan.program @p() {
    // expected-error@+1 {{expected a bound for symbol "T" in plan.symbols}}
    %0 = plan.buffer rows <"T" * 1 + 0 ceildiv 1> : memref<?x8xf32>
    plan.return
  }
}
