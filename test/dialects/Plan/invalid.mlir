// What a schedule must hold to; each constraint broken once.
// RUN: m1-opt %s -verify-diagnostics -split-input-file

// expected-error@+1 {{C1: expected a memref with at most axis 0 dynamic, and plan.rows where it is, as argument 0, found 'memref<?x8xf32>'}}
plan.program @p(%a: memref<?x8xf32> {plan.name = "a"}) {
  plan.return
}

// -----

// expected-error@+1 {{C1: expected a memref with at most axis 0 dynamic, and plan.rows where it is, as argument 1, found 'memref<4x?xf32>'}}
plan.program @p(%a: memref<4xf32> {plan.name = "a"}, %b: memref<4x?xf32> {plan.name = "b", plan.rows = #plan.expr<T>}) {
  plan.return
}

// -----

// expected-error@+1 {{C1: expected a memref with at most axis 0 dynamic, and plan.rows where it is, as argument 0, found 'index'}}
plan.program @p(%a: index {plan.name = "a"}) {
  plan.return
}

// -----

// expected-error@+1 {{C2: expected plan.name on argument 1}}
plan.program @p(%a: memref<4xf32> {plan.name = "a"}, %b: memref<4xf32>) {
  plan.return
}

// -----

// expected-error@+1 {{C3: expected no results, found 1}}
plan.program @p() -> index {
  plan.return
}

// -----

// expected-error@+1 {{C4: expected outputs after all inputs, found input 1 after an output}}
plan.program @p(%a: memref<4xf32> {plan.name = "a", plan.output}, %b: memref<4xf32> {plan.name = "b"}) {
  plan.return
}

// -----

// expected-error@+1 {{C5: expected plan.checks to be a list, on an input of i32, found [#plan.below<4>] on argument 0 of type 'memref<4xi64>'}}
plan.program @p(%a: memref<4xi64> {plan.name = "a", plan.checks = [#plan.below<4>]}) {
  plan.return
}

// -----

// expected-error@+1 {{C5: expected plan.checks to be a list, on an input of i32, found [#plan.unique] on argument 0 of type 'memref<4xi32>'}}
plan.program @p(%a: memref<4xi32> {plan.name = "a", plan.output, plan.checks = [#plan.unique]}) {
  plan.return
}

// -----

// expected-error@+1 {{C5: expected plan.checks to be a list, on an input of i32, found #plan.unique on argument 0 of type 'memref<4xi32>'}}
plan.program @p(%a: memref<4xi32> {plan.name = "a", plan.checks = #plan.unique}) {
  plan.return
}

// -----

// expected-error@+1 {{C5: expected checks of elements in plan.checks, found 4 : i64 on argument 0}}
plan.program @p(%a: memref<4xi32> {plan.name = "a", plan.checks = [4]}) {
  plan.return
}

// -----

// expected-error@+1 {{C5: expected rank 1 with #plan.offsets<T>, found 'memref<4x2xi32>' as argument 0}}
plan.program @p(%a: memref<4x2xi32> {plan.name = "a", plan.checks = [#plan.offsets<T>]}) {
  plan.return
}

// -----

// expected-error@+1 {{C6: expected argument 1 to have #plan.offsets<4>, which #plan.consecutive<1> of argument 0 asks for}}
plan.program @p(%a: memref<4xi32> {plan.name = "a", plan.checks = [#plan.consecutive<1>]},
                %b: memref<3xi32> {plan.name = "b", plan.checks = [#plan.offsets<5>]}) {
  plan.return
}

// -----

// expected-error@+1 {{C6: expected argument 2 to have}}
plan.program @p(%a: memref<4xi32> {plan.name = "a", plan.checks = [#plan.consecutive<2>]}) {
  plan.return
}

// -----

// expected-error@+1 {{C7: expected plan.drawn on an output of i32, found it on argument 0 of type 'memref<4xi32>'}}
plan.program @p(%a: memref<4xi32> {plan.name = "a", plan.drawn}) {
  plan.return
}

// -----

// expected-error@+1 {{C7: expected plan.drawn on an output of i32, found it on argument 0 of type 'memref<4xf32>'}}
plan.program @p(%a: memref<4xf32> {plan.name = "a", plan.output, plan.drawn}) {
  plan.return
}

// -----

// expected-error@+1 {{C1: expected a static memref, found 'memref<?x8xf32>'}}
plan.global "weights" @g : memref<?x8xf32>

// -----

// expected-error@+1 {{C2: expected kind "weights", "state" or "constant", found "scratch"}}
plan.global "scratch" @g : memref<8xf32>

// -----

// expected-error@+1 {{C4: expected a state with an axis and an identity layout, divided by "slot" or "block", found "weights" of type 'memref<2xf32>' divided by "slot"}}
plan.global "weights" @g : memref<2xf32> {division = "slot"}

// -----

// expected-error@+1 {{C4: expected a state with an axis and an identity layout, divided by "slot" or "block", found "state" of type 'memref<f32>' divided by "block"}}
plan.global "state" @g : memref<f32> {division = "block"}

// -----

// expected-error@+1 {{C4: expected a state with an axis and an identity layout, divided by "slot" or "block", found "state" of type 'memref<2xf32>' divided by "page"}}
plan.global "state" @g : memref<2xf32> {division = "page"}

// -----

// expected-error@+1 {{C3: expected a value on constants only, found one on kind "weights"}}
plan.global "weights" @g : memref<2xf32> = dense<[1.0, 2.0]> : tensor<2xf32>

// -----

// expected-error@+1 {{C3: expected a constant of type 'memref<2xf32>' to have an identity layout and a value of whole bytes, 'tensor<2xf32>'}}
plan.global "constant" @g : memref<2xf32>

// -----

// expected-error@+1 {{C3: expected a constant of type 'memref<2xf32>'}}
plan.global "constant" @g : memref<2xf32> = dense<[1.0, 2.0]> : tensor<2xf64>

// -----

// expected-error@+1 {{C3: expected a constant of type 'memref<2x1xf32>'}}
plan.global "constant" @g : memref<2x1xf32> = dense<[1.0, 2.0]> : tensor<2xf32>

// -----

// expected-error@+1 {{C3: expected a constant of type 'memref<2xf32, strided<[2]>>'}}
plan.global "constant" @g : memref<2xf32, strided<[2]>> = dense<[1.0, 2.0]> : tensor<2xf32>

// -----

// expected-error@+1 {{C3: expected a constant of type 'memref<2xi1>'}}
plan.global "constant" @g : memref<2xi1> = dense<true> : tensor<2xi1>

// -----

plan.program @p() {
  // expected-error@+1 {{C1: expected @absent to be a plan.global of type 'memref<8xf32>'}}
  %0 = plan.global_ref @absent : memref<8xf32>
  plan.return
}

// -----

plan.global "state" @g : memref<8xf32>
plan.program @p() {
  // expected-error@+1 {{C1: expected @g to be a plan.global of type 'memref<4x2xf32>'}}
  %0 = plan.global_ref @g : memref<4x2xf32>
  plan.return
}

// -----

plan.program @p() {
  // expected-error@+1 {{C1: expected rows for a dynamic axis 0 and no other dynamic axis, found 'memref<?x8xf32>'}}
  %0 = plan.buffer : memref<?x8xf32>
  plan.return
}

// -----

plan.program @p() {
  // expected-error@+1 {{C1: expected rows for a dynamic axis 0 and no other dynamic axis, found 'memref<4x8xf32>'}}
  %0 = plan.buffer rows T : memref<4x8xf32>
  plan.return
}

// -----

plan.program @p() {
  // expected-error@+1 {{C1: expected rows for a dynamic axis 0 and no other dynamic axis, found 'memref<?x?xf32>'}}
  %0 = plan.buffer rows T : memref<?x?xf32>
  plan.return
}

// -----

plan.program @p(%a: memref<8xf32> {plan.name = "a"}) {
  // expected-error@+1 {{C1: expected an offset of at least 0}}
  %0 = plan.view %a at -1 : memref<8xf32> to memref<4xf32>
  plan.return
}

// -----

plan.program @p(%a: memref<8xf32> {plan.name = "a"}) {
  // expected-error@+1 {{C2: expected one element type, found 'memref<8xf32>' and 'memref<8xi32>'}}
  %0 = plan.view %a at 0 : memref<8xf32> to memref<8xi32>
  plan.return
}

// -----

plan.program @p(%a: memref<8xf32, strided<[2]>> {plan.name = "a"}) {
  // expected-error@+1 {{C1: expected an identity layout, found 'memref<8xf32, strided<[2]>>'}}
  plan.copy %a to %a : memref<8xf32, strided<[2]>>
  plan.return
}

// -----

plan.program @p(%a: memref<?xf32> {plan.name = "a", plan.rows = #plan.expr<T>},
                %b: memref<?xf32> {plan.name = "b", plan.output, plan.rows = #plan.expr<B>}) {
  // expected-error@+1 {{C2: expected as many rows on both sides, found}}
  plan.copy %a to %b : memref<?xf32>
  plan.return
}

// -----

plan.global "state" @g : memref<8xf32>
plan.program @p(%a: memref<8xf32> {plan.name = "a"}) {
  // expected-error@+1 {{C1: expected @g to be a tile.kernel}}
  plan.launch @g grid [] (a = %a : memref<8xf32>)
  plan.return
}

// -----

tile.kernel @k(%x: index, %y: index, %z: index, %a: memref<8xf32>) {
  tile.return
}
plan.program @p(%a: memref<4xf32> {plan.name = "a"}) {
  // expected-error@+1 {{C2: expected operands of types ('memref<8xf32>'), found ('memref<4xf32>')}}
  plan.launch @k grid [1, 1, 1] (a = %a : memref<4xf32>)
  plan.return
}

// -----

tile.kernel @k(%x: index, %y: index, %z: index, %a: memref<8xf32>) {
  tile.return
}
plan.program @p(%a: memref<8xf32> {plan.name = "a"}) {
  // expected-error@+1 {{C2: expected operands called ["a"], found ["b"]}}
  plan.launch @k grid [1, 1, 1] (b = %a : memref<8xf32>)
  plan.return
}

// -----

tile.kernel @k(%x: index, %y: index, %z: index, %a: memref<8xf32>) {
  tile.return
}
plan.program @p(%a: memref<8xf32> {plan.name = "a"}) {
  // expected-error@+1 {{C3: expected three grid sizes, found 2}}
  plan.launch @k grid [1, 1] (a = %a : memref<8xf32>)
  plan.return
}

// -----

// expected-error@+1 {{expected a factor of at least 0 and a divisor of at least 1, found -1 and 1}}
#expr = #plan.expr<T * -1>

// -----

// expected-error@+1 {{expected a factor of at least 0 and a divisor of at least 1, found 1 and 0}}
#expr = #plan.expr<T ceildiv 0>

// -----

// expected-error@+1 {{expected a symbol to multiply by 2}}
#expr = #plan.expr<"" * 2>

// -----

// expected-error@+1 {{expected a number or a symbol}}
#expr = #plan.expr<(+ 2)>

// -----

// expected-error@+1 {{expected '+' or '-' before a number}}
#expr = #plan.expr<T 2>

// -----

// expected-error@+1 {{expected parentheses around what is divided}}
#expr = #plan.expr<T + 2 ceildiv 64>
