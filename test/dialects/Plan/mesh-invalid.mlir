// One violation of each constraint of programs for many ranks.
// RUN: m1-opt %s --split-input-file --verify-diagnostics

// expected-error@+1 {{C1: expected axes of different names with an extent of at least 2}}
module attributes {plan.mesh = #plan.mesh<tensor = 1>} {}

// -----

// expected-error@+1 {{C1: expected axes of different names with an extent of at least 2}}
module attributes {plan.mesh = #plan.mesh<a = 2, a = 2>} {}

// -----

// expected-error@+1 {{expected a symbol and a range of its values}}
module attributes {x = #plan.condition<"T" from 3 to 3>} {}

// -----

module attributes {plan.mesh = #plan.mesh<tensor = 3, expert = 2>} {
plan.program @p(%x: memref<?x8xf32> {plan.name = "x", plan.rows = #plan.expr<T>}) {
  // expected-error@+1 {{C1: expected slices of ascending dimensions}}
  %0 = plan.parameter "w" slices [#plan.slice<2 over "tensor" step 8 from 0 to 24 of 24 replicas 1>] : memref<4x8xf32>
  plan.return
}
}

// -----

module attributes {plan.mesh = #plan.mesh<tensor = 3, expert = 2>} {
plan.program @p(%x: memref<?x8xf32> {plan.name = "x", plan.rows = #plan.expr<T>}) {
  // expected-error@+1 {{C1: expected slices of ascending dimensions}}
  %0 = plan.parameter "w" slices [#plan.slice<0 over "data" step 4 from 0 to 8 of 8 replicas 1>] : memref<4x8xf32>
  plan.return
}
}

// -----

module attributes {plan.mesh = #plan.mesh<tensor = 3, expert = 2>} {
plan.program @p(%x: memref<?x8xf32> {plan.name = "x", plan.rows = #plan.expr<T>}) {
  // expected-error@+1 {{C1: expected slices of ascending dimensions}}
  %0 = plan.parameter "w" slices [#plan.slice<0 over "tensor" step 3 from 0 to 9 of 9 replicas 1>] : memref<4x8xf32>
  plan.return
}
}

// -----

module attributes {plan.mesh = #plan.mesh<tensor = 3, expert = 2>} {
plan.program @p(%x: memref<?x8xf32> {plan.name = "x", plan.rows = #plan.expr<T>}) {
  // expected-error@+1 {{C1: expected slices of ascending dimensions}}
  %0 = plan.parameter "w" slices [#plan.slice<0 over "tensor" step 4 from 0 to 12 of 12 replicas 1>, #plan.slice<1 over "tensor" step 8 from 0 to 24 of 24 replicas 1>] : memref<4x8xf32>
  plan.return
}
}

// -----

module attributes {plan.mesh = #plan.mesh<tensor = 3, expert = 2>} {
plan.program @p(%x: memref<?x8xf32> {plan.name = "x", plan.rows = #plan.expr<T>}) {
  // expected-error@+1 {{C2: expected slices on 3 ranks that cover}}
  %0 = plan.parameter "w" slices [#plan.slice<0 over "tensor" step 4 from 0 to 13 of 13 replicas 1>] : memref<4x8xf32>
  plan.return
}
}

// -----

module attributes {plan.mesh = #plan.mesh<tensor = 3, expert = 2>} {
plan.program @p(%x: memref<?x8xf32> {plan.name = "x", plan.rows = #plan.expr<T>}) {
  // expected-error@+1 {{C2: expected slices on 3 ranks that cover}}
  %0 = plan.parameter "w" slices [#plan.slice<0 over "tensor" step 4 from 0 to 4 of 4 replicas 2>] : memref<4x8xf32>
  plan.return
}
}

// -----

module attributes {plan.mesh = #plan.mesh<tensor = 3, expert = 2>} {
plan.program @p(%x: memref<?x8xf32> {plan.name = "x", plan.rows = #plan.expr<T>}) {
  // expected-error@+1 {{C2: expected slices on 3 ranks that cover}}
  %0 = plan.parameter "w" slices [#plan.slice<0 over "tensor" step 4 from 0 to 12 of 11 replicas 1>] : memref<4x8xf32>
  plan.return
}
}

// -----

module attributes {plan.mesh = #plan.mesh<tensor = 3, expert = 2>} {
plan.program @p(%x: memref<?x8xf32> {plan.name = "x", plan.rows = #plan.expr<T>}) {
  // expected-error@+1 {{C3: expected a name for each coordinate}}
  %0 = plan.parameter "w" names "expert" ["w", "v", "u"] : memref<4x8xf32>
  plan.return
}
}

// -----

module attributes {plan.mesh = #plan.mesh<tensor = 3, expert = 2>} {
plan.program @p(%x: memref<?x8xf32> {plan.name = "x", plan.rows = #plan.expr<T>}) {
  // expected-error@+1 {{C3: expected a name for each coordinate}}
  %0 = plan.parameter "w" names "expert" ["v", "w"] : memref<4x8xf32>
  plan.return
}
}

// -----

module attributes {plan.mesh = #plan.mesh<tensor = 3, expert = 2>} {
plan.program @p(%x: memref<?x8xf32> {plan.name = "x", plan.rows = #plan.expr<T>}) {
  // expected-error@+1 {{C3: expected a name for each coordinate}}
  %0 = plan.parameter "w" slices [#plan.slice<0 over "expert" step 4 from 0 to 8 of 8 replicas 1>] names "expert" ["w", "v"] : memref<4x8xf32>
  plan.return
}
}

// -----

module attributes {plan.mesh = #plan.mesh<tensor = 3, expert = 2>} {
plan.program @p(%x: memref<?x8xf32> {plan.name = "x", plan.rows = #plan.expr<T>}) {
  // expected-error@+1 {{C3: expected a multiple of a coordinate in the mesh as shift}}
  %0 = plan.view %x at 0 shift T * 8 rows 1 : memref<?x8xf32> to memref<?x8xf32>
  plan.return
}
}

// -----

module attributes {plan.mesh = #plan.mesh<tensor = 3, expert = 2>} {
plan.program @p(%x: memref<?x8xf32> {plan.name = "x", plan.rows = #plan.expr<T>}) {
  // expected-error@+1 {{C3: expected a multiple of a coordinate in the mesh as shift}}
  %0 = plan.view %x at 0 shift mesh.tensor ceildiv 2 rows 1 : memref<?x8xf32> to memref<?x8xf32>
  plan.return
}
}

// -----

module attributes {plan.mesh = #plan.mesh<tensor = 3, expert = 2>} {
plan.program @p(%x: memref<?x8xf32> {plan.name = "x", plan.rows = #plan.expr<T>}) {
  %0 = plan.buffer rows T * 3 : memref<?x8xf32>
  // expected-error@+1 {{C1: expected "all_gather" or "all_to_all"}}
  plan.collective "broadcast" over "tensor" rows T %x : memref<?x8xf32> to %0 : memref<?x8xf32>
  plan.return
}
}

// -----

module attributes {plan.mesh = #plan.mesh<tensor = 3, expert = 2>} {
plan.program @p(%x: memref<?x8xf32> {plan.name = "x", plan.rows = #plan.expr<T>}) {
  %0 = plan.buffer rows T * 3 : memref<?x4xf32>
  // expected-error@+1 {{C2: expected contiguous rows of the same shape and element type}}
  plan.collective "all_gather" over "tensor" rows T %x : memref<?x8xf32> to %0 : memref<?x4xf32>
  plan.return
}
}

// -----

module attributes {plan.mesh = #plan.mesh<tensor = 3, expert = 2>} {
plan.program @p(%x: memref<?x8xf32> {plan.name = "x", plan.rows = #plan.expr<T>}) {
  %0 = plan.buffer rows T * 3 : memref<?x8xbf16>
  // expected-error@+1 {{C2: expected contiguous rows of the same shape and element type}}
  plan.collective "all_gather" over "tensor" rows T %x : memref<?x8xf32> to %0 : memref<?x8xbf16>
  plan.return
}
}

// -----

module attributes {plan.mesh = #plan.mesh<tensor = 3, expert = 2>} {
plan.program @p(%x: memref<?x8xf32> {plan.name = "x", plan.rows = #plan.expr<T>}) {
  %0 = plan.buffer rows T * 3 : memref<?x8xf32>
  // expected-error@+1 {{C3: expected the module to have a mesh with the axis}}
  plan.collective "all_gather" over "data" rows T %x : memref<?x8xf32> to %0 : memref<?x8xf32>
  plan.return
}
}

// -----

module attributes {plan.mesh = #plan.mesh<tensor = 3, expert = 2>} {
plan.program @p(%x: memref<?x8xf32> {plan.name = "x", plan.rows = #plan.expr<T>}) {
  %0 = plan.buffer rows T * 3 : memref<?x8xf32>
  // expected-error@+1 {{C4: expected as many rows on all ranks}}
  plan.collective "all_gather" over "tensor" rows mesh.expert %x : memref<?x8xf32> to %0 : memref<?x8xf32>
  plan.return
}
}
