// A load is evaluated where it is used, unless its memory may be written in
// between; then it is materialised first.
// RUN: m1-opt %s --tile-set-target="name=x86-64-v3" --tile-to-host --tile-assign-scratch --canonicalize --cse | FileCheck %s

// CHECK-LABEL: func.func @delayed(
// CHECK-SAME: attributes {tile.scratch_bytes = 0 : i64}
// CHECK-COUNT-1: scf.for
// CHECK-NOT: scf.for
tile.kernel @delayed(%x: index, %y: index, %z: index, %a: memref<4x8xf32>, %b: memref<4x8xf32>) {
  %c0 = arith.constant 0 : index
  %0 = tile.load %a[%c0, %c0] dims [0, 1] : memref<4x8xf32>, vector<4x8xf32>
  tile.store %0, %b[%c0, %c0] dims [0, 1] : vector<4x8xf32>, memref<4x8xf32>
  tile.return
}

// CHECK-LABEL: func.func @copied(
// CHECK-SAME: %{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr, %[[SCRATCH:.*]]: !llvm.ptr) attributes {tile.scratch_bytes = 128 : i64}
// CHECK: %[[ONE:.*]] = arith.constant dense<1.000000e+00>
// CHECK: scf.for
// CHECK: %[[OLD:.*]] = llvm.load %{{.*}} -> vector<8xf32>
// CHECK: %[[COPY:.*]] = llvm.getelementptr %[[SCRATCH]]
// CHECK: llvm.store %[[OLD]], %[[COPY]]
// CHECK: scf.for
// CHECK: llvm.store %[[ONE]]
// CHECK: scf.for
// CHECK: %[[FROM:.*]] = llvm.getelementptr %[[SCRATCH]]
// CHECK: llvm.load %[[FROM]]
tile.kernel @copied(%x: index, %y: index, %z: index, %a: memref<4x8xf32>, %b: memref<4x8xf32>) {
  %c0 = arith.constant 0 : index
  %cst = arith.constant dense<1.0> : vector<4x8xf32>
  %0 = tile.load %a[%c0, %c0] dims [0, 1] : memref<4x8xf32>, vector<4x8xf32>
  tile.store %cst, %a[%c0, %c0] dims [0, 1] : vector<4x8xf32>, memref<4x8xf32>
  tile.store %0, %b[%c0, %c0] dims [0, 1] : vector<4x8xf32>, memref<4x8xf32>
  tile.return
}

// The write is in a branch, and the use is behind an elementwise op.
// CHECK-LABEL: func.func @written_in_branch(
// CHECK-SAME: attributes {tile.scratch_bytes = 128 : i64}
tile.kernel @written_in_branch(%x: index, %y: index, %z: index, %a: memref<4x8xf32>, %b: memref<4x8xf32>) {
  %c0 = arith.constant 0 : index
  %cst = arith.constant dense<1.0> : vector<4x8xf32>
  %0 = tile.load %a[%c0, %c0] dims [0, 1] : memref<4x8xf32>, vector<4x8xf32>
  %1 = arith.addf %0, %cst : vector<4x8xf32>
  %first = arith.cmpi eq, %x, %c0 : index
  scf.if %first {
    tile.store %cst, %a[%c0, %c0] dims [0, 1] : vector<4x8xf32>, memref<4x8xf32>
  }
  tile.store %1, %b[%c0, %c0] dims [0, 1] : vector<4x8xf32>, memref<4x8xf32>
  tile.return
}

// The write is before the load or after its last use: nothing is materialised.
// CHECK-LABEL: func.func @written_around(
// CHECK-SAME: attributes {tile.scratch_bytes = 0 : i64}
tile.kernel @written_around(%x: index, %y: index, %z: index, %a: memref<4x8xf32>, %b: memref<4x8xf32>) {
  %c0 = arith.constant 0 : index
  %cst = arith.constant dense<1.0> : vector<4x8xf32>
  tile.store %cst, %a[%c0, %c0] dims [0, 1] : vector<4x8xf32>, memref<4x8xf32>
  %0 = tile.load %a[%c0, %c0] dims [0, 1] : memref<4x8xf32>, vector<4x8xf32>
  tile.store %0, %b[%c0, %c0] dims [0, 1] : vector<4x8xf32>, memref<4x8xf32>
  tile.store %cst, %a[%c0, %c0] dims [0, 1] : vector<4x8xf32>, memref<4x8xf32>
  tile.return
}

// A left operand whose elements must be converted is converted once, before the
// loop that the product is in.
// CHECK-LABEL: func.func @converted(
// CHECK: llvm.load %{{.*}} -> vector<8xi16>
// CHECK: arith.extf %{{.*}} : vector<8xbf16> to vector<8xf32>
// CHECK: scf.for %{{.*}} = %c0 to %[[N:.*]] step %c1 {
// CHECK-NOT: arith.extf
// CHECK: llvm.intr.fma
tile.kernel @converted(%x: index, %y: index, %z: index, %a: memref<2x8xbf16>, %w: memref<?x8x8xf32>, %b: memref<?x2x8xf32>, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : vector<2x8xf32>
  %0 = tile.load %a[%c0, %c0] dims [0, 1] : memref<2x8xbf16>, vector<2x8xbf16>
  scf.for %i = %c0 to %n step %c1 {
    %1 = tile.load %w[%i, %c0, %c0] dims [1, 2] : memref<?x8x8xf32>, vector<8x8xf32>
    %2 = tile.dot %0, %1, %zero : vector<2x8xbf16>, vector<8x8xf32>, vector<2x8xf32>
    tile.store %2, %b[%i, %c0, %c0] dims [1, 2] : vector<2x8xf32>, memref<?x2x8xf32>
  }
  tile.return
}
