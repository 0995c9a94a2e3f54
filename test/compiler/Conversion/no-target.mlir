// Block sizes depend on the target: without one there is no lowering.
// RUN: m1-opt %s --m1-to-plan -verify-diagnostics

// expected-error@+1 {{expected a module with the attribute tile.target, found none; the pass tile-set-target sets it}}
module {
  func.func @f() {
    return
  }
}
