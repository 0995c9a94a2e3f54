// A loop that only adds products to a block from memory, which is stored where it came from, adds in the memory: the
// block has no buffer, and the rows below are prefetched.
// RUN: m1-opt %s --tile-set-target="name=x86-64-v4" --tile-to-host --tile-assign-scratch | FileCheck %s

// The only buffer is that of the left operand.
// CHECK-LABEL: func.func @sums(
// CHECK-SAME: tile.scratch_bytes = 1536
// CHECK-COUNT-12: "llvm.intr.prefetch"
// CHECK: llvm.intr.fma
// CHECK-NOT: llvm.intr.prefetch
tile.kernel @sums(%x: index, %y: index, %z: index, %a: memref<?x48xf32>, %b: memref<?x32xf32>, %c: memref<48x32xf32>,
                  %count: index) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %before = tile.load %c[%zero, %zero] dims [0, 1] : memref<48x32xf32>, vector<48x32xf32>
  %sums = scf.for %i = %zero to %count step %one iter_args(%s = %before) -> vector<48x32xf32> {
    %l = tile.load %a[%i, %zero] dims [0, 1] : memref<?x48xf32>, vector<8x48xf32>
    %t = vector.transpose %l, [1, 0] : vector<8x48xf32> to vector<48x8xf32>
    %r = tile.load %b[%i, %zero] dims [0, 1] : memref<?x32xf32>, vector<8x32xf32>
    %n = tile.dot %t, %r, %s : vector<48x8xf32>, vector<8x32xf32>, vector<48x32xf32>
    scf.yield %n : vector<48x32xf32>
  }
  tile.store %sums, %c[%zero, %zero] dims [0, 1] : vector<48x32xf32>, memref<48x32xf32>
  tile.return
}

// Something reads the memory meanwhile: the sums are in a buffer until all are added.
// CHECK-LABEL: func.func @read(
// CHECK-SAME: tile.scratch_bytes = 7680
// CHECK-NOT: llvm.intr.prefetch
tile.kernel @read(%x: index, %y: index, %z: index, %a: memref<?x48xf32>, %b: memref<?x32xf32>, %c: memref<48x32xf32>,
                  %d: memref<48x32xf32>, %count: index) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %before = tile.load %c[%zero, %zero] dims [0, 1] : memref<48x32xf32>, vector<48x32xf32>
  %sums = scf.for %i = %zero to %count step %one iter_args(%s = %before) -> vector<48x32xf32> {
    %l = tile.load %a[%i, %zero] dims [0, 1] : memref<?x48xf32>, vector<8x48xf32>
    %t = vector.transpose %l, [1, 0] : vector<8x48xf32> to vector<48x8xf32>
    %r = tile.load %b[%i, %zero] dims [0, 1] : memref<?x32xf32>, vector<8x32xf32>
    %early = tile.load %c[%zero, %zero] dims [0, 1] : memref<48x32xf32>, vector<48x32xf32>
    tile.store %early, %d[%zero, %zero] dims [0, 1] : vector<48x32xf32>, memref<48x32xf32>
    %n = tile.dot %t, %r, %s : vector<48x8xf32>, vector<8x32xf32>, vector<48x32xf32>
    scf.yield %n : vector<48x32xf32>
  }
  tile.store %sums, %c[%zero, %zero] dims [0, 1] : vector<48x32xf32>, memref<48x32xf32>
  tile.return
}

// The sums are stored elsewhere.
// CHECK-LABEL: func.func @elsewhere(
// CHECK-SAME: tile.scratch_bytes = 7680
// CHECK-NOT: llvm.intr.prefetch
tile.kernel @elsewhere(%x: index, %y: index, %z: index, %a: memref<?x48xf32>, %b: memref<?x32xf32>, %c: memref<48x32xf32>,
                  %d: memref<48x32xf32>, %count: index) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %before = tile.load %c[%zero, %zero] dims [0, 1] : memref<48x32xf32>, vector<48x32xf32>
  %sums = scf.for %i = %zero to %count step %one iter_args(%s = %before) -> vector<48x32xf32> {
    %l = tile.load %a[%i, %zero] dims [0, 1] : memref<?x48xf32>, vector<8x48xf32>
    %t = vector.transpose %l, [1, 0] : vector<8x48xf32> to vector<48x8xf32>
    %r = tile.load %b[%i, %zero] dims [0, 1] : memref<?x32xf32>, vector<8x32xf32>
    %n = tile.dot %t, %r, %s : vector<48x8xf32>, vector<8x32xf32>, vector<48x32xf32>
    scf.yield %n : vector<48x32xf32>
  }
  tile.store %sums, %d[%zero, %zero] dims [0, 1] : vector<48x32xf32>, memref<48x32xf32>
  tile.return
}

// A part of the block is stored.
// CHECK-LABEL: func.func @part(
// CHECK-SAME: tile.scratch_bytes = 7680
// CHECK-NOT: llvm.intr.prefetch
tile.kernel @part(%x: index, %y: index, %z: index, %a: memref<?x48xf32>, %b: memref<?x32xf32>, %c: memref<48x32xf32>,
                  %count: index) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %before = tile.load %c[%zero, %zero] dims [0, 1] : memref<48x32xf32>, vector<48x32xf32>
  %sums = scf.for %i = %zero to %count step %one iter_args(%s = %before) -> vector<48x32xf32> {
    %l = tile.load %a[%i, %zero] dims [0, 1] : memref<?x48xf32>, vector<8x48xf32>
    %t = vector.transpose %l, [1, 0] : vector<8x48xf32> to vector<48x8xf32>
    %r = tile.load %b[%i, %zero] dims [0, 1] : memref<?x32xf32>, vector<8x32xf32>
    %n = tile.dot %t, %r, %s : vector<48x8xf32>, vector<8x32xf32>, vector<48x32xf32>
    scf.yield %n : vector<48x32xf32>
  }
  tile.store %sums, %c[%zero, %zero] dims [0, 1] rows %count : vector<48x32xf32>, memref<48x32xf32>
  tile.return
}
