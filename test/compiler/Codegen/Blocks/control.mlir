// Reductions, and blocks that loops carry and branches choose.
// RUN: m1-opt %s --tile-set-target="name=x86-64-v3" --tile-to-host --tile-assign-scratch --canonicalize --cse | FileCheck %s

// The reduction order depends on the block's shape alone: whole vectors lane by
// lane, then the lanes in order, the remaining columns, and last the initial value.
// CHECK-LABEL: func.func @sum(
// CHECK: scf.for %{{.*}} = %c0 to %[[ROWS:.*]] step %c1
// CHECK: %[[A:.*]] = llvm.load %{{.*}} -> vector<8xf32>
// CHECK: %[[B:.*]] = llvm.load %{{.*}} -> vector<8xf32>
// CHECK: %[[LANES:.*]] = arith.addf %[[A]], %[[B]] : vector<8xf32>
// CHECK: %[[T0:.*]] = vector.reduction <add>, %[[LANES]] : vector<8xf32> into f32
// CHECK: %[[C16:.*]] = llvm.load %{{.*}} -> f32
// CHECK: %[[T1:.*]] = arith.addf %[[T0]], %[[C16]]
// CHECK: %[[C17:.*]] = llvm.load %{{.*}} -> f32
// CHECK: %[[T2:.*]] = arith.addf %[[T1]], %[[C17]]
// CHECK: %[[C18:.*]] = llvm.load %{{.*}} -> f32
// CHECK: %[[T3:.*]] = arith.addf %[[T2]], %[[C18]]
// CHECK: %[[TOTAL:.*]] = arith.addf %[[T3]], %cst
// CHECK: llvm.store %[[TOTAL]]
tile.kernel @sum(%x: index, %y: index, %z: index, %a: memref<?x19xf32>, %b: memref<?xf32>, %rows: index) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant dense<0.0> : vector<4xf32>
  %0 = tile.load %a[%c0, %c0] dims [0, 1] rows %rows : memref<?x19xf32>, vector<4x19xf32>
  %1 = vector.multi_reduction <add>, %0, %zero [1] : vector<4x19xf32> to vector<4xf32>
  tile.store %1, %b[%c0] dims [0] rows %rows : vector<4xf32>, memref<?xf32>
  tile.return
}

// Both carried blocks are computed before either is written: they are swapped.
// CHECK-LABEL: func.func @carried(
// CHECK-SAME: %{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr, %[[S:.*]]: !llvm.ptr) attributes {tile.scratch_bytes = 256 : i64}
// CHECK: llvm.store %{{.*}}, %[[S]]
// CHECK: %[[P:.*]] = llvm.getelementptr %[[S]][64]
// CHECK: llvm.store %{{.*}}, %[[P]]
// CHECK: scf.for
// CHECK: %[[OLD:.*]] = llvm.load %[[P]]
// CHECK: llvm.store %[[OLD]], %[[COPY:.*]] {
// CHECK: %[[SUM:.*]] = arith.addf
// CHECK: llvm.store %[[SUM]], %[[NEW:.*]] {
// CHECK: %[[V0:.*]] = llvm.load %[[COPY]]
// CHECK: llvm.store %[[V0]], %[[S]]
// CHECK: %[[V1:.*]] = llvm.load %[[NEW]]
// CHECK: llvm.store %[[V1]], %[[P]]
tile.kernel @carried(%x: index, %y: index, %z: index, %a: memref<?x8xf32>, %n: index, %b: memref<8xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : vector<8xf32>
  %one = arith.constant dense<1.0> : vector<8xf32>
  %r:2 = scf.for %i = %c0 to %n step %c1 iter_args(%s = %zero, %p = %one) -> (vector<8xf32>, vector<8xf32>) {
    %0 = tile.load %a[%i, %c0] dims [1] : memref<?x8xf32>, vector<8xf32>
    %1 = arith.addf %s, %0 : vector<8xf32>
    scf.yield %p, %1 : vector<8xf32>, vector<8xf32>
  }
  tile.store %r#0, %b[%c0] dims [0] : vector<8xf32>, memref<8xf32>
  tile.return
}

// A carried scalar stays in a register, next to a carried block in memory.
// CHECK-LABEL: func.func @both(
// CHECK: %[[R:.*]] = scf.for %{{.*}} iter_args(%[[COUNT:.*]] = %c0) -> (index)
// CHECK: %[[NEXT:.*]] = arith.addi %[[COUNT]], %c1
// CHECK: arith.addf
// CHECK: scf.yield %[[NEXT]] : index
// CHECK: arith.index_cast %[[R]] : index to i32
tile.kernel @both(%x: index, %y: index, %z: index, %n: index, %b: memref<8xf32>, %c: memref<1xi32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %one = arith.constant dense<1.0> : vector<8xf32>
  %r:2 = scf.for %i = %c0 to %n step %c1 iter_args(%s = %one, %count = %c0) -> (vector<8xf32>, index) {
    %0 = arith.addf %s, %one : vector<8xf32>
    %1 = arith.addi %count, %c1 : index
    scf.yield %0, %1 : vector<8xf32>, index
  }
  tile.store %r#0, %b[%c0] dims [0] : vector<8xf32>, memref<8xf32>
  %2 = arith.index_cast %r#1 : index to i32
  memref.store %2, %c[%c0] : memref<1xi32>
  tile.return
}

// CHECK-LABEL: func.func @chosen(
// CHECK-SAME: attributes {tile.scratch_bytes = 64 : i64}
// CHECK: scf.if
// CHECK: llvm.store %cst
// CHECK: } else {
// CHECK: %[[X:.*]] = llvm.load {{.*}} -> vector<8xf32>
// CHECK: llvm.store %[[X]]
tile.kernel @chosen(%x: index, %y: index, %z: index, %a: memref<2x8xf32>, %b: memref<2x8xf32>) {
  %c0 = arith.constant 0 : index
  %first = arith.cmpi eq, %x, %c0 : index
  %0 = scf.if %first -> (vector<2x8xf32>) {
    %zero = arith.constant dense<0.0> : vector<2x8xf32>
    scf.yield %zero : vector<2x8xf32>
  } else {
    %1 = tile.load %a[%c0, %c0] dims [0, 1] : memref<2x8xf32>, vector<2x8xf32>
    scf.yield %1 : vector<2x8xf32>
  }
  tile.store %0, %b[%c0, %c0] dims [0, 1] : vector<2x8xf32>, memref<2x8xf32>
  tile.return
}

// A block that is transposed in each iteration cannot be overwritten element by
// element: it is computed to a temporary buffer.
// CHECK-LABEL: func.func @turned(
// CHECK-SAME: %{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr, %[[S:.*]]: !llvm.ptr) attributes {tile.scratch_bytes = 128 : i64}
// CHECK: %[[T:.*]] = llvm.getelementptr %[[S]][64]
// CHECK: llvm.load %[[S]] {{.*}} -> vector<4xf32>
// CHECK: vector.shuffle
// CHECK: llvm.store %{{.*}}, %[[T]]
// CHECK: %[[FROM:.*]] = llvm.getelementptr %[[T]][%
// CHECK: llvm.load %[[FROM]] {{.*}} -> vector<4xf32>
tile.kernel @turned(%x: index, %y: index, %z: index, %n: index, %b: memref<4x4xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %start = tile.load %b[%c0, %c0] dims [0, 1] : memref<4x4xf32>, vector<4x4xf32>
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%s = %start) -> (vector<4x4xf32>) {
    %0 = vector.transpose %s, [1, 0] : vector<4x4xf32> to vector<4x4xf32>
    scf.yield %0 : vector<4x4xf32>
  }
  tile.store %r, %b[%c0, %c0] dims [0, 1] : vector<4x4xf32>, memref<4x4xf32>
  tile.return
}
