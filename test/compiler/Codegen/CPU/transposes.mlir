// Transposed operands of products on CPUs.
// RUN: m1-opt %s --tile-set-target="name=x86-64-v4" --tile-to-host --tile-assign-scratch | FileCheck %s

// The left operand is copied row by row, and the copy is read along its columns.
// CHECK-LABEL: func.func @left(
// CHECK-NOT: vector.shuffle
// CHECK-COUNT-6: vector.splat {{.*}} : vector<16xf32>
// CHECK: llvm.intr.fma
tile.kernel @left(%x: index, %y: index, %z: index, %a: memref<?x32xf32>, %b: memref<?x32xf32>, %c: memref<?x32xf32>) {
  %zero = arith.constant 0 : index
  %l = tile.load %a[%zero, %zero] dims [0, 1] : memref<?x32xf32>, vector<64x32xf32>
  %r = tile.load %b[%zero, %zero] dims [0, 1] : memref<?x32xf32>, vector<64x32xf32>
  %t = vector.transpose %l, [1, 0] : vector<64x32xf32> to vector<32x64xf32>
  %none = arith.constant dense<0.0> : vector<32x32xf32>
  %p = tile.dot %t, %r, %none : vector<32x64xf32>, vector<64x32xf32>, vector<32x32xf32>
  tile.store %p, %c[%zero, %zero] dims [0, 1] : vector<32x32xf32>, memref<?x32xf32>
  tile.return
}

// A stored block is transposed in squares of 16: 4 steps of 16 shuffles between 16 loads and 16 stores.
// CHECK-LABEL: func.func @squares(
// CHECK-COUNT-16: llvm.load {{.*}} -> vector<16xf32>
// CHECK-COUNT-64: vector.shuffle
// CHECK-NOT: vector.shuffle
// CHECK-COUNT-16: llvm.store {{.*}} : vector<16xf32>
tile.kernel @squares(%x: index, %y: index, %z: index, %a: memref<?x32xf32>, %c: memref<?x64xf32>) {
  %zero = arith.constant 0 : index
  %l = tile.load %a[%zero, %zero] dims [0, 1] : memref<?x32xf32>, vector<64x32xf32>
  %t = vector.transpose %l, [1, 0] : vector<64x32xf32> to vector<32x64xf32>
  tile.store %t, %c[%zero, %zero] dims [0, 1] : vector<32x64xf32>, memref<?x64xf32>
  tile.return
}

// Extents of 6 and 5 are not whole squares of any width: element by element.
// CHECK-LABEL: func.func @elements(
// CHECK-NOT: vector.shuffle
// CHECK: return
tile.kernel @elements(%x: index, %y: index, %z: index, %a: memref<?x5xf32>, %c: memref<?x6xf32>) {
  %zero = arith.constant 0 : index
  %l = tile.load %a[%zero, %zero] dims [0, 1] : memref<?x5xf32>, vector<6x5xf32>
  %t = vector.transpose %l, [1, 0] : vector<6x5xf32> to vector<5x6xf32>
  tile.store %t, %c[%zero, %zero] dims [0, 1] : vector<5x6xf32>, memref<?x6xf32>
  tile.return
}
