// Products: register blocks of six rows, then one for each number of remaining
// rows; every sum starts from the accumulator, and k ascends.
// RUN: m1-opt %s --tile-set-target="name=x86-64-v3" --tile-to-host --tile-assign-scratch --canonicalize --cse | FileCheck %s

// 15 registers hold sums, a row of the right operand and an element: two vectors
// for two to six rows, and all vectors (here two) for one row.
// CHECK-LABEL: func.func @rows(
// CHECK: scf.for %{{.*}} = %c0 to %[[ROWS:.*]] step %c1
// CHECK: llvm.store %cst
// CHECK: %[[SIXES:.*]] = arith.divui %[[ROWS]], %c6
// CHECK: %[[MAIN:.*]] = arith.muli %[[SIXES]], %c6
// CHECK: scf.for %{{.*}} = %c0 to %[[MAIN]] step %c6
// CHECK: scf.for %{{.*}} = %c0 to %c20 step %c1 iter_args
// CHECK: arith.extf %{{.*}} : vector<8xbf16> to vector<8xf32>
// CHECK-COUNT-12: llvm.intr.fma
// CHECK-NOT: llvm.intr.fma
// CHECK: %[[LEFT:.*]] = arith.subi %[[ROWS]], %[[MAIN]]
// CHECK: %[[ONE:.*]] = arith.cmpi eq, %[[LEFT]], %c1
// CHECK: scf.if %[[ONE]]
// CHECK-COUNT-2: llvm.intr.fma
// CHECK-NOT: llvm.intr.fma
// CHECK: arith.cmpi eq, %[[LEFT]], %c2
// CHECK-COUNT-4: llvm.intr.fma
// CHECK-NOT: llvm.intr.fma
// CHECK: arith.cmpi eq, %[[LEFT]], %c3
// CHECK-COUNT-6: llvm.intr.fma
// CHECK-NOT: llvm.intr.fma
// CHECK: arith.cmpi eq, %[[LEFT]], %c4
// CHECK-COUNT-8: llvm.intr.fma
// CHECK-NOT: llvm.intr.fma
// CHECK: arith.cmpi eq, %[[LEFT]], %c5
// CHECK-COUNT-10: llvm.intr.fma
// CHECK-NOT: llvm.intr.fma
// CHECK: return
tile.kernel @rows(%x: index, %y: index, %z: index, %a: memref<?x20xf32>, %b: memref<20x16xbf16>, %c: memref<?x16xf32>, %rows: index) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant dense<0.0> : vector<64x16xf32>
  %0 = tile.load %a[%c0, %c0] dims [0, 1] rows %rows : memref<?x20xf32>, vector<64x20xf32>
  %1 = tile.load %b[%c0, %c0] dims [0, 1] : memref<20x16xbf16>, vector<20x16xbf16>
  %2 = tile.dot %0, %1, %zero : vector<64x20xf32>, vector<20x16xbf16>, vector<64x16xf32>
  tile.store %2, %c[%c0, %c0] dims [0, 1] rows %rows : vector<64x16xf32>, memref<?x16xf32>
  tile.return
}

// A static number of rows needs no loop over remainders. Columns past the last
// whole vector use smaller vectors, with the same chain of multiply-adds.
// CHECK-LABEL: func.func @columns(
// CHECK-NOT: scf.if
// CHECK: scf.for %{{.*}} = %c0 to %c4 step %c1 iter_args(%[[S:.*]] = %{{.*}}, %{{.*}} = %{{.*}}) -> (vector<8xf32>, vector<8xf32>)
// CHECK: llvm.intr.fma(%{{.*}}, %{{.*}}, %[[S]])
// CHECK: -> (vector<4xf32>, vector<4xf32>)
// CHECK: -> (vector<2xf32>, vector<2xf32>)
// CHECK: -> (f32, f32)
// CHECK: llvm.intr.fma{{.*}} : (f32, f32, f32) -> f32
tile.kernel @columns(%x: index, %y: index, %z: index, %a: memref<2x4xf32>, %b: memref<4x15xf32>, %c: memref<2x15xf32>) {
  %c0 = arith.constant 0 : index
  %acc = tile.load %c[%c0, %c0] dims [0, 1] : memref<2x15xf32>, vector<2x15xf32>
  %0 = tile.load %a[%c0, %c0] dims [0, 1] : memref<2x4xf32>, vector<2x4xf32>
  %1 = tile.load %b[%c0, %c0] dims [0, 1] : memref<4x15xf32>, vector<4x15xf32>
  %2 = tile.dot %0, %1, %acc : vector<2x4xf32>, vector<4x15xf32>, vector<2x15xf32>
  tile.store %2, %c[%c0, %c0] dims [0, 1] : vector<2x15xf32>, memref<2x15xf32>
  tile.return
}

// Rows of the right operand that are out of bounds are left out of the sum.
// CHECK-LABEL: func.func @short(
// CHECK: %[[K:.*]] = arith.index_cast %{{.*}} : i64 to index
// CHECK: scf.for %{{.*}} = %c0 to %[[K]] step %c1 iter_args
tile.kernel @short(%x: index, %y: index, %z: index, %a: memref<1x64xf32>, %b: memref<64x8xf32>, %c: memref<1x8xf32>, %k: index) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant dense<0.0> : vector<1x8xf32>
  %0 = tile.load %a[%c0, %c0] dims [0, 1] : memref<1x64xf32>, vector<1x64xf32>
  %1 = tile.load %b[%c0, %c0] dims [0, 1] rows %k : memref<64x8xf32>, vector<64x8xf32>
  %2 = tile.dot %0, %1, %zero : vector<1x64xf32>, vector<64x8xf32>, vector<1x8xf32>
  tile.store %2, %c[%c0, %c0] dims [0, 1] : vector<1x8xf32>, memref<1x8xf32>
  tile.return
}
