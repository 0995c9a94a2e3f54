// Loops run to the rows that a store uses, back to the loads; bounds that the loop
// keeps are not checked again inside.
// RUN: m1-opt %s --tile-set-target="name=x86-64-v3" --tile-to-host --tile-assign-scratch --canonicalize --cse | FileCheck %s

// CHECK-LABEL: func.func @elementwise(
// CHECK-SAME: %[[ARGS:.*]]: !llvm.ptr, %{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr) attributes {tile.scratch_bytes = 0 : i64}
// CHECK: %[[A:.*]] = llvm.load %[[ARGS]] : !llvm.ptr -> !llvm.ptr
// CHECK: %[[B:.*]] = llvm.load %{{.*}} : !llvm.ptr -> !llvm.ptr
// CHECK: %[[WORD:.*]] = llvm.load %{{.*}} : !llvm.ptr -> i64
// CHECK: %[[ROWS:.*]] = arith.index_cast %[[WORD]] : i64 to index
// CHECK: scf.for %{{.*}} = %c0 to %[[ROWS]] step %c1
// CHECK-NEXT: scf.for %{{.*}} = %c0 to %c16 step %c8
// CHECK-NOT: scf.if
// CHECK: %[[X:.*]] = llvm.load %{{.*}} {alignment = 4 : i64} : !llvm.ptr -> vector<8xf32>
// CHECK: %[[Y:.*]] = arith.mulf %[[X]], %[[X]]
// CHECK: llvm.store %[[Y]]
tile.kernel @elementwise(%x: index, %y: index, %z: index, %a: memref<?x16xf32>, %b: memref<?x16xf32>, %rows: index) {
  %c0 = arith.constant 0 : index
  %0 = tile.load %a[%c0, %c0] dims [0, 1] rows %rows : memref<?x16xf32>, vector<64x16xf32>
  %1 = arith.mulf %0, %0 : vector<64x16xf32>
  tile.store %1, %b[%c0, %c0] dims [0, 1] rows %rows : vector<64x16xf32>, memref<?x16xf32>
  tile.return
}

// The exponential of a load is materialised because two ops use it, for the rows
// that their stores use. The load's own bound means zeros and is no demand.
// CHECK-LABEL: func.func @kept(
// CHECK-SAME: attributes {tile.scratch_bytes = 4096 : i64}
// CHECK: scf.for %{{.*}} = %c0 to %[[ROWS:.*]] step %c1
// CHECK: math.exp %{{.*}} : vector<8xf32>
// CHECK: scf.for %{{.*}} = %c0 to %[[ROWS]] step %c1
// CHECK-NOT: math.exp
// CHECK: arith.mulf
tile.kernel @kept(%x: index, %y: index, %z: index, %a: memref<?x16xf32>, %b: memref<?x16xf32>, %rows: index) {
  %c0 = arith.constant 0 : index
  %0 = tile.load %a[%c0, %c0] dims [0, 1] rows %rows : memref<?x16xf32>, vector<64x16xf32>
  %1 = math.exp %0 : vector<64x16xf32>
  %2 = arith.mulf %1, %1 : vector<64x16xf32>
  tile.store %2, %b[%c0, %c0] dims [0, 1] rows %rows : vector<64x16xf32>, memref<?x16xf32>
  tile.return
}

// Two stores use different numbers of rows: all rows are computed, and the load's
// own bound is checked at each.
// CHECK-LABEL: func.func @joined(
// CHECK: scf.for %[[I:.*]] = %c0 to %c64 step %c1
// CHECK: %[[IN:.*]] = arith.cmpi slt, %[[I]], %{{.*}}
// CHECK: scf.if %[[IN]] -> (vector<8xf32>)
// CHECK: math.exp
tile.kernel @joined(%x: index, %y: index, %z: index, %a: memref<?x8xf32>, %b: memref<?x8xf32>, %c: memref<?x8xf32>, %rows: index, %more: index) {
  %c0 = arith.constant 0 : index
  %0 = tile.load %a[%c0, %c0] dims [0, 1] rows %rows : memref<?x8xf32>, vector<64x8xf32>
  %1 = math.exp %0 : vector<64x8xf32>
  tile.store %1, %b[%c0, %c0] dims [0, 1] rows %rows : vector<64x8xf32>, memref<?x8xf32>
  tile.store %1, %c[%c0, %c0] dims [0, 1] rows %more : vector<64x8xf32>, memref<?x8xf32>
  tile.return
}

// A bound on columns: whole vectors, then single elements. Odd widths end in ever
// smaller vectors.
// CHECK-LABEL: func.func @columns(
// CHECK: scf.for %{{.*}} = %c0 to %c5 step %c1
// CHECK-NEXT: %[[WHOLE:.*]] = arith.divui %[[COLS:.*]], %c8
// CHECK-NEXT: %[[MAIN:.*]] = arith.muli %[[WHOLE]], %c8
// CHECK-NEXT: scf.for %{{.*}} = %c0 to %[[MAIN]] step %c8
// CHECK: llvm.store {{.*}} : vector<8xf32>
// CHECK: scf.for %{{.*}} = %[[MAIN]] to %[[COLS]] step %c1
// CHECK: llvm.store {{.*}} : f32
// CHECK: scf.for %{{.*}} = %c0 to %c5 step %c1
// CHECK-NOT: scf.for
// CHECK: llvm.store {{.*}} : vector<8xf32>
// CHECK: llvm.store {{.*}} : vector<4xf32>
// CHECK: llvm.store {{.*}} : vector<2xf32>
// CHECK: llvm.store {{.*}} : f32
tile.kernel @columns(%x: index, %y: index, %z: index, %a: memref<5x15xf32>, %b: memref<5x15xf32>, %cols: index) {
  %c0 = arith.constant 0 : index
  %0 = tile.load %a[%c0, %c0] dims [0, 1] cols %cols : memref<5x15xf32>, vector<5x15xf32>
  tile.store %0, %b[%c0, %c0] dims [0, 1] cols %cols : vector<5x15xf32>, memref<5x15xf32>
  %1 = tile.load %b[%c0, %c0] dims [0, 1] : memref<5x15xf32>, vector<5x15xf32>
  tile.store %1, %a[%c0, %c0] dims [0, 1] : vector<5x15xf32>, memref<5x15xf32>
  tile.return
}

// A transpose swaps the demand of rows and columns. bf16 is moved as integers.
// CHECK-LABEL: func.func @transpose(
// CHECK: %[[COLS:.*]] = arith.index_cast %{{.*}} : i64 to index
// CHECK: scf.for %[[I:.*]] = %c0 to %c6 step %c1
// CHECK-NEXT: scf.for %[[J:.*]] = %c0 to %[[COLS]] step %c1
// CHECK-NOT: scf.if
// CHECK: %[[ROW:.*]] = arith.muli %[[J]], %c6
// CHECK-NEXT: arith.addi %[[ROW]], %[[I]]
// CHECK: %[[BITS:.*]] = llvm.load %{{.*}} {alignment = 2 : i64} : !llvm.ptr -> i16
// CHECK: %[[TO:.*]] = arith.muli %[[I]], %c16
// CHECK-NEXT: arith.addi %[[TO]], %[[J]]
// CHECK: llvm.store %[[BITS]], %{{.*}} {alignment = 2 : i64} : i16
tile.kernel @transpose(%x: index, %y: index, %z: index, %a: memref<?x6xbf16>, %b: memref<6x16xbf16>, %rows: index) {
  %c0 = arith.constant 0 : index
  %0 = tile.load %a[%c0, %c0] dims [0, 1] rows %rows : memref<?x6xbf16>, vector<16x6xbf16>
  %1 = vector.transpose %0, [1, 0] : vector<16x6xbf16> to vector<6x16xbf16>
  tile.store %1, %b[%c0, %c0] dims [0, 1] cols %rows : vector<6x16xbf16>, memref<6x16xbf16>
  tile.return
}

// If all of the transpose is used, rows past the load's bound are zero.
// CHECK-LABEL: func.func @padded_transpose(
// CHECK: scf.for %{{.*}} = %c0 to %c6 step %c1
// CHECK-NEXT: scf.for %[[J:.*]] = %c0 to %c16 step %c1
// CHECK-NEXT: %[[IN:.*]] = arith.cmpi slt, %[[J]], %{{.*}} : index
// CHECK-NEXT: scf.if %[[IN]] -> (i16)
// CHECK: } else {
// CHECK-NEXT: scf.yield %c0_i16
tile.kernel @padded_transpose(%x: index, %y: index, %z: index, %a: memref<?x6xbf16>, %b: memref<6x16xbf16>, %rows: index) {
  %c0 = arith.constant 0 : index
  %0 = tile.load %a[%c0, %c0] dims [0, 1] rows %rows : memref<?x6xbf16>, vector<16x6xbf16>
  %1 = vector.transpose %0, [1, 0] : vector<16x6xbf16> to vector<6x16xbf16>
  tile.store %1, %b[%c0, %c0] dims [0, 1] : vector<6x16xbf16>, memref<6x16xbf16>
  tile.return
}

// A gather reads a row index for each demanded row, where the row is used.
// CHECK-LABEL: func.func @gather(
// CHECK: scf.for %[[I:.*]] = %c0 to %[[ROWS:.*]] step %c1
// CHECK: %[[AT:.*]] = llvm.load %{{.*}} {alignment = 4 : i64} : !llvm.ptr -> i32
// CHECK: %[[ROW:.*]] = arith.index_cast %[[AT]] : i32 to index
// CHECK: arith.muli %[[ROW]], %c8
tile.kernel @gather(%x: index, %y: index, %z: index, %i: memref<?xi32>, %a: memref<97x8xf32>, %b: memref<?x8xf32>, %rows: index) {
  %c0 = arith.constant 0 : index
  %0 = tile.load %i[%c0] dims [0] rows %rows : memref<?xi32>, vector<64xi32>
  %1 = tile.gather %a[%0, %c0] rows %rows : memref<97x8xf32>, vector<64xi32>, vector<64x8xf32>
  tile.store %1, %b[%c0, %c0] dims [0, 1] rows %rows : vector<64x8xf32>, memref<?x8xf32>
  tile.return
}
