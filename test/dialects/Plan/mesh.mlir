// What programs for many ranks consist of reads back what it prints.
// RUN: m1-opt %s | m1-opt | FileCheck %s
// RUN: m1-opt %s --mlir-print-op-generic | m1-opt | FileCheck %s

// CHECK: module attributes {plan.mesh = #plan.mesh<tensor = 3, expert = 2>, plan.symbols = {T = 100 : i64, mesh.expert = 1 : i64, mesh.tensor = 2 : i64}}
module attributes {plan.mesh = #plan.mesh<tensor = 3, expert = 2>,
                   plan.symbols = {T = 100, mesh.tensor = 2, mesh.expert = 1}} {
  // CHECK: plan.program @init() {
  plan.program @init() {
    // CHECK: plan.parameter "w" slices [#plan.slice<0 over "tensor" step 16 from 2 to 40 of 44 replicas 1>] : memref<16x8xf32>
    %w = plan.parameter "w" slices [#plan.slice<0 over "tensor" step 16 from 2 to 40 of 44 replicas 1>] : memref<16x8xf32>
    // CHECK: plan.parameter "k" slices [#plan.slice<1 over "tensor" step 8 from 0 to 8 of 8 replicas 3>] : memref<16x8xf32>
    %k = plan.parameter "k" slices [#plan.slice<1 over "tensor" step 8 from 0 to 8 of 8 replicas 3>] : memref<16x8xf32>
    // CHECK: plan.parameter "e.0" names "expert" ["e.0", "e.1"] : memref<2x8xf32>
    %e = plan.parameter "e.0" names "expert" ["e.0", "e.1"] : memref<2x8xf32>
    // CHECK: plan.parameter "v.0" slices [{{.*}}] names "expert" ["v.0", "v.1"] : memref<2x8xf32>
    %v = plan.parameter "v.0" slices [#plan.slice<0 over "tensor" step 2 from 0 to 6 of 6 replicas 1>] names "expert" ["v.0", "v.1"] : memref<2x8xf32>
    plan.return
  }

  // CHECK-LABEL: plan.program @main(
  plan.program @main(%in: memref<?x8xf32> {plan.name = "x", plan.rows = #plan.expr<T>}) {
    // CHECK: %[[ALL:.*]] = plan.buffer rows T * 3 : memref<?x8xf32>
    %all = plan.buffer rows T * 3 : memref<?x8xf32>
    // CHECK: plan.collective "all_gather" over "tensor" rows T %{{.*}} : memref<?x8xf32> to %[[ALL]] : memref<?x8xf32> if <"T" from 0 to 33>
    plan.collective "all_gather" over "tensor" rows T %in : memref<?x8xf32> to %all : memref<?x8xf32> if <"T" from 0 to 33>
    // CHECK: plan.collective "all_to_all" over "expert" rows T ceildiv 2 %{{.*}} : memref<?x8xf32> to %[[ALL]] : memref<?x8xf32> {note}
    plan.collective "all_to_all" over "expert" rows T ceildiv 2 %in : memref<?x8xf32> to %all : memref<?x8xf32> {note}
    // CHECK: plan.view %[[ALL]] at 8 shift mesh.tensor * 16 rows 2 : memref<?x8xf32> to memref<?x8xf32>
    %own = plan.view %all at 8 shift mesh.tensor * 16 rows 2 : memref<?x8xf32> to memref<?x8xf32>
    %rows = plan.buffer rows T : memref<?x8xf32>
    // CHECK: plan.copy %{{.*}} to %{{.*}} : memref<?x8xf32> if <"T" from 33 to 101>
    plan.copy %in to %rows : memref<?x8xf32> if <"T" from 33 to 101>
    // CHECK: plan.scalar mesh.tensor * 16
    %first = plan.scalar mesh.tensor * 16
    // CHECK: plan.launch @nothing grid [1, 1, 1] (first = %{{.*}} : index) if <"T" from 33 to 101>
    plan.launch @nothing grid [1, 1, 1] (first = %first : index) if <"T" from 33 to 101>
    plan.return
  }

  tile.kernel @nothing(%x: index, %y: index, %z: index, %first: index) {
    tile.return
  }
}
