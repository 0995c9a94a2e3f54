// What lowered kernels must be; each rule broken once.
// RUN: m1-opt %s --tile-verify-loops -verify-diagnostics -split-input-file

module attributes {tile.target = #tile.target<gpu "sm_86", registers = 255, shared = 1000>} {
  func.func @fits() attributes {tile.scratch_bytes = 1000 : i64} {
    return
  }
  // expected-error@+1 {{kernel 'large' needs 1001 bytes of shared memory per thread block, sm_86 has 1000}}
  func.func @large() attributes {tile.scratch_bytes = 1001 : i64} {
    return
  }
}

// -----

// A CPU's cells take their memory from the heap.
module attributes {tile.target = #tile.target<cpu "x86-64-v3", lanes = 8, registers = 16>} {
  func.func @large() attributes {tile.scratch_bytes = 1000000 : i64} {
    return
  }
}

// -----

module attributes {tile.target = #tile.target<cpu "x86-64-v3", lanes = 8, registers = 16>} {
  // expected-error@+1 {{'func.func' op expected the attribute tile.scratch_bytes, found none; the pass tile-assign-scratch sets it}}
  func.func @none() {
    return
  }
}

// -----

module attributes {tile.target = #tile.target<cpu "x86-64-v3", lanes = 8, registers = 16>} {
  func.func @scratch(%base: !llvm.ptr) {
    // expected-error@+1 {{'tile.scratch' op is left after lowering to loops}}
    %a = tile.scratch %base, 100 : !llvm.ptr
    return
  }
}
