// What plan-verify finds in programs for many ranks; each rule broken once, after programs without a fault.
// RUN: m1-opt %s --plan-verify -verify-diagnostics -split-input-file

module attributes {plan.activation_bytes = 3072 : i64, plan.constant_bytes = 64 : i64, plan.mesh = #plan.mesh<tensor = 3>, plan.symbols = {T = 8 : i64, mesh.tensor = 2 : i64}, plan.weight_bytes = 64 : i64} {
  plan.global "constant" @slopes : memref<12xf32> = dense<0.0> : tensor<12xf32> {offset = 0 : i64}
  plan.program @p(%x: memref<?x8xf32> {plan.name = "x", plan.rows = #plan.expr<T>}) {
    // Rows of blocks are rounded up.
    %padded = plan.buffer rows T + 2 : memref<?x8xf32> {offset = 0 : i64}
    %own = plan.buffer rows T + 2 : memref<?x8xf32> {offset = 320 : i64}
    %rows = plan.view %padded at 0 rows T : memref<?x8xf32> to memref<?x8xf32>
    plan.copy %x to %rows : memref<?x8xf32>
    plan.collective "all_to_all" over "tensor" rows T ceildiv 3 %padded : memref<?x8xf32> to %own : memref<?x8xf32>
    // Enough for the values of T with which it is executed.
    %few = plan.buffer : memref<12x8xf32> {offset = 640 : i64}
    plan.collective "all_gather" over "tensor" rows T %x : memref<?x8xf32> to %few : memref<12x8xf32> if <"T" from 0 to 5>
    %all = plan.global_ref @slopes : memref<12xf32>
    %part = plan.view %all at 0 shift mesh.tensor * 4 : memref<12xf32> to memref<4xf32>
    %mine = plan.buffer : memref<4xf32> {offset = 1024 : i64}
    plan.copy %part to %mine : memref<4xf32>
    plan.return
  }
}

// -----

// expected-error@+1 {{expected the bound 2 for symbol "mesh.tensor", found 3 : i64}}
module attributes {plan.activation_bytes = 0 : i64, plan.constant_bytes = 0 : i64, plan.mesh = #plan.mesh<tensor = 3>, plan.symbols = {mesh.tensor = 3 : i64}, plan.weight_bytes = 0 : i64} {
}

// -----

module attributes {plan.activation_bytes = 4096 : i64, plan.constant_bytes = 0 : i64, plan.mesh = #plan.mesh<tensor = 3>, plan.symbols = {T = 8 : i64, mesh.tensor = 2 : i64}, plan.weight_bytes = 0 : i64} {
  plan.program @p(%x: memref<?x8xf32> {plan.name = "x", plan.rows = #plan.expr<T>}) {
    %all = plan.buffer rows T * 2 : memref<?x8xf32> {offset = 0 : i64}
    // expected-error@+1 {{expected memory for 3 blocks of #plan.expr<T> rows, found #plan.expr<T * 2> rows}}
    plan.collective "all_gather" over "tensor" rows T %x : memref<?x8xf32> to %all : memref<?x8xf32>
    plan.return
  }
}

// -----

module attributes {plan.activation_bytes = 4096 : i64, plan.constant_bytes = 0 : i64, plan.mesh = #plan.mesh<tensor = 3>, plan.symbols = {T = 8 : i64, mesh.tensor = 2 : i64}, plan.weight_bytes = 0 : i64} {
  plan.program @p(%x: memref<?x8xf32> {plan.name = "x", plan.rows = #plan.expr<T>}) {
    %own = plan.buffer rows T + 2 : memref<?x8xf32> {offset = 0 : i64}
    // expected-error@+1 {{expected memory for 3 blocks of #plan.expr<T ceildiv 3> rows, found #plan.expr<T> rows}}
    plan.collective "all_to_all" over "tensor" rows T ceildiv 3 %x : memref<?x8xf32> to %own : memref<?x8xf32>
    plan.return
  }
}

// -----

module attributes {plan.activation_bytes = 4096 : i64, plan.constant_bytes = 0 : i64, plan.mesh = #plan.mesh<tensor = 3>, plan.symbols = {T = 8 : i64, mesh.tensor = 2 : i64}, plan.weight_bytes = 0 : i64} {
  plan.program @p(%x: memref<?x8xf32> {plan.name = "x", plan.rows = #plan.expr<T>}) {
    %few = plan.buffer : memref<12x8xf32> {offset = 0 : i64}
    // expected-error@+1 {{expected memory for 3 blocks of #plan.expr<T> rows, found #plan.expr<12> rows}}
    plan.collective "all_gather" over "tensor" rows T %x : memref<?x8xf32> to %few : memref<12x8xf32> if <"T" from 0 to 6>
    plan.return
  }
}

// -----

module attributes {plan.activation_bytes = 4096 : i64, plan.constant_bytes = 0 : i64, plan.mesh = #plan.mesh<tensor = 3>, plan.symbols = {T = 8 : i64, mesh.tensor = 2 : i64}, plan.weight_bytes = 0 : i64} {
  plan.program @p(%x: memref<?x8xf32> {plan.name = "x", plan.rows = #plan.expr<T>}) {
    %to = plan.buffer rows T : memref<?x8xf32> {offset = 0 : i64}
    // expected-error@+1 {{expected a condition that is the same on all ranks}}
    plan.copy %x to %to : memref<?x8xf32> if <"mesh.tensor" from 0 to 1>
    plan.return
  }
}

// -----

module attributes {plan.activation_bytes = 4096 : i64, plan.constant_bytes = 0 : i64, plan.mesh = #plan.mesh<tensor = 3>, plan.symbols = {T = 8 : i64, mesh.tensor = 2 : i64}, plan.weight_bytes = 0 : i64} {
  // expected-error@+1 {{expected arguments of the same shape on all ranks, found argument 0 with #plan.expr<mesh.tensor> rows}}
  plan.program @p(%x: memref<?x8xf32> {plan.name = "x", plan.rows = #plan.expr<mesh.tensor>}) {
    plan.return
  }
}

// -----

module attributes {plan.activation_bytes = 4096 : i64, plan.constant_bytes = 64 : i64, plan.mesh = #plan.mesh<tensor = 3>, plan.symbols = {T = 8 : i64, mesh.tensor = 2 : i64}, plan.weight_bytes = 0 : i64} {
  plan.global "constant" @slopes : memref<12xf32> = dense<0.0> : tensor<12xf32> {offset = 0 : i64}
  plan.program @p() {
    %all = plan.global_ref @slopes : memref<12xf32>
    %part = plan.view %all at 0 shift mesh.tensor * 5 : memref<12xf32> to memref<4xf32>
    %mine = plan.buffer : memref<4xf32> {offset = 0 : i64}
    // expected-error@+1 {{has an operand that ends at byte 56 of memory of 48 bytes}}
    plan.copy %part to %mine : memref<4xf32>
    plan.return
  }
}

// -----

module attributes {plan.activation_bytes = 4096 : i64, plan.constant_bytes = 64 : i64, plan.mesh = #plan.mesh<tensor = 3>, plan.symbols = {T = 8 : i64, mesh.tensor = 2 : i64}, plan.weight_bytes = 0 : i64} {
  plan.global "constant" @slopes : memref<12xf32> = dense<0.0> : tensor<12xf32> {offset = 0 : i64}
  plan.program @p() {
    %all = plan.global_ref @slopes : memref<12xf32>
    %part = plan.view %all at 0 shift mesh.tensor * 4 - 1 : memref<12xf32> to memref<4xf32>
    %mine = plan.buffer : memref<4xf32> {offset = 0 : i64}
    // expected-error@+1 {{has an operand that begins before its memory, by the shift}}
    plan.copy %part to %mine : memref<4xf32>
    plan.return
  }
}
