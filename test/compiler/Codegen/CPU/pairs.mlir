// Products of bf16 by vdpbf16ps, two terms at a time.
// RUN: m1-opt %s --tile-set-target="name=x86-64-v4+avx512bf16" --tile-to-host --tile-assign-scratch | FileCheck %s
// RUN: m1-opt %s --tile-set-target="name=x86-64-v4" --tile-to-host --tile-assign-scratch | FileCheck %s --check-prefix=VECTORS

// Blocks of 6 rows by two vectors: a pair of the left operand for each row.
// CHECK-LABEL: func.func @product(
// CHECK: scf.for
// CHECK: scf.for
// CHECK: scf.for
// CHECK-COUNT-2: llvm.load {{.*}} {alignment = 4 : i64} : !llvm.ptr -> vector<16xi32>
// CHECK: llvm.load {{.*}} {alignment = 2 : i64} : !llvm.ptr -> i32
// CHECK: vector.splat {{.*}} : vector<16xi32>
// CHECK-COUNT-12: llvm.call_intrinsic "llvm.x86.avx512bf16.dpbf16ps.512"({{.*}}) : (vector<16xf32>, vector<32xbf16>, vector<32xbf16>) -> vector<16xf32>
// CHECK: scf.yield
// Then a block for each number of remaining rows.
// CHECK: scf.if
// CHECK-COUNT-2: llvm.call_intrinsic "llvm.x86.avx512bf16.dpbf16ps.512"
// CHECK-NOT: llvm.intr.fma

// VECTORS-NOT: llvm.x86
// VECTORS: llvm.intr.fma
tile.kernel @product(%x: index, %y: index, %z: index, %a: memref<?x64xbf16>, %w: memref<3x32x32x2xbf16>,
                     %c: memref<?x32xf32>, %rows: index) {
  %zero = arith.constant 0 : index
  %l = tile.load %a[%zero, %zero] dims [0, 1] rows %rows : memref<?x64xbf16>, vector<64x64xbf16>
  %r = tile.load %w[%x, %zero, %zero, %zero] dims [1, 2] pairs : memref<3x32x32x2xbf16>, vector<64x32xbf16>
  %none = arith.constant dense<0.0> : vector<64x32xf32>
  %p = tile.dot %l, %r, %none : vector<64x64xbf16>, vector<64x32xbf16>, vector<64x32xf32>
  tile.store %p, %c[%zero, %zero] dims [0, 1] rows %rows : vector<64x32xf32>, memref<?x32xf32>
  tile.return
}

// Rows of the right operand that follow each other are interleaved in the cell's memory: two rows are one vector.
// Columns past whole vectors are multiplied by narrower ones.
// CHECK-LABEL: func.func @rows(
// CHECK: scf.for
// CHECK: %[[E:.*]] = arith.bitcast {{.*}} : vector<4xbf16> to vector<4xi16>
// CHECK: %[[O:.*]] = arith.bitcast {{.*}} : vector<4xbf16> to vector<4xi16>
// CHECK: vector.shuffle %[[E]], %[[O]] [0, 4, 1, 5, 2, 6, 3, 7] : vector<4xi16>, vector<4xi16>
// CHECK: llvm.call_intrinsic "llvm.x86.avx512bf16.dpbf16ps.512"
// CHECK: llvm.call_intrinsic "llvm.x86.avx512bf16.dpbf16ps.128"
// CHECK-NOT: llvm.intr.fma
tile.kernel @rows(%x: index, %y: index, %z: index, %a: memref<4x6xbf16>, %b: memref<6x20xbf16>, %c: memref<4x20xf32>) {
  %zero = arith.constant 0 : index
  %l = tile.load %a[%zero, %zero] dims [0, 1] : memref<4x6xbf16>, vector<4x6xbf16>
  %r = tile.load %b[%zero, %zero] dims [0, 1] : memref<6x20xbf16>, vector<6x20xbf16>
  %none = arith.constant dense<0.0> : vector<4x20xf32>
  %p = tile.dot %l, %r, %none : vector<4x6xbf16>, vector<6x20xbf16>, vector<4x20xf32>
  tile.store %p, %c[%zero, %zero] dims [0, 1] : vector<4x20xf32>, memref<4x20xf32>
  tile.return
}

// The transpose of rows: a pair is two elements of a row.
// CHECK-LABEL: func.func @transpose(
// CHECK-COUNT-16: vector.bitcast {{.*}} : vector<32xi16> to vector<16xi32>
// CHECK: vector.shuffle
// CHECK: llvm.call_intrinsic "llvm.x86.avx512bf16.dpbf16ps.512"
tile.kernel @transpose(%x: index, %y: index, %z: index, %a: memref<4x32xbf16>, %b: memref<16x32xbf16>, %c: memref<4x16xf32>) {
  %zero = arith.constant 0 : index
  %l = tile.load %a[%zero, %zero] dims [0, 1] : memref<4x32xbf16>, vector<4x32xbf16>
  %k = tile.load %b[%zero, %zero] dims [0, 1] : memref<16x32xbf16>, vector<16x32xbf16>
  %r = vector.transpose %k, [1, 0] : vector<16x32xbf16> to vector<32x16xbf16>
  %none = arith.constant dense<0.0> : vector<4x16xf32>
  %p = tile.dot %l, %r, %none : vector<4x32xbf16>, vector<32x16xbf16>, vector<4x16xf32>
  tile.store %p, %c[%zero, %zero] dims [0, 1] : vector<4x16xf32>, memref<4x16xf32>
  tile.return
}

// A transposed left operand: its rows are interleaved as those of the right operand, as many as there are terms, and a
// pair is one element of 32 bits.
// CHECK-LABEL: func.func @sum(
// CHECK: vector.shuffle {{.*}} : vector<16xi16>, vector<16xi16>
// CHECK: vector.shuffle {{.*}} : vector<16xi16>, vector<16xi16>
// CHECK: scf.for
// CHECK: llvm.load {{.*}} {alignment = 4 : i64} : !llvm.ptr -> vector<16xi32>
// CHECK: llvm.load {{.*}} {alignment = 4 : i64} : !llvm.ptr -> i32
// CHECK: llvm.call_intrinsic "llvm.x86.avx512bf16.dpbf16ps.512"
// CHECK-NOT: llvm.intr.fma
tile.kernel @sum(%x: index, %y: index, %z: index, %a: memref<?x16xbf16>, %b: memref<?x16xbf16>, %c: memref<16x16xf32>, %rows: index) {
  %zero = arith.constant 0 : index
  %l = tile.load %a[%zero, %zero] dims [0, 1] rows %rows : memref<?x16xbf16>, vector<8x16xbf16>
  %t = vector.transpose %l, [1, 0] : vector<8x16xbf16> to vector<16x8xbf16>
  %r = tile.load %b[%zero, %zero] dims [0, 1] rows %rows : memref<?x16xbf16>, vector<8x16xbf16>
  %none = arith.constant dense<0.0> : vector<16x16xf32>
  %p = tile.dot %t, %r, %none : vector<16x8xbf16>, vector<8x16xbf16>, vector<16x16xf32>
  tile.store %p, %c[%zero, %zero] dims [0, 1] : vector<16x16xf32>, memref<16x16xf32>
  tile.return
}

// An odd number of terms and few columns are left to multiply-adds.
// CHECK-LABEL: func.func @odd(
// CHECK-NOT: llvm.x86
// CHECK: llvm.intr.fma
tile.kernel @odd(%x: index, %y: index, %z: index, %a: memref<4x5xbf16>, %b: memref<5x16xbf16>, %c: memref<4x16xf32>) {
  %zero = arith.constant 0 : index
  %l = tile.load %a[%zero, %zero] dims [0, 1] : memref<4x5xbf16>, vector<4x5xbf16>
  %r = tile.load %b[%zero, %zero] dims [0, 1] : memref<5x16xbf16>, vector<5x16xbf16>
  %none = arith.constant dense<0.0> : vector<4x16xf32>
  %p = tile.dot %l, %r, %none : vector<4x5xbf16>, vector<5x16xbf16>, vector<4x16xf32>
  tile.store %p, %c[%zero, %zero] dims [0, 1] : vector<4x16xf32>, memref<4x16xf32>
  tile.return
}

// Rows that are gathered are read where they are: the loop over pairs starts from the rows that the list names. The
// only buffer is that of the result.
// CHECK-LABEL: func.func @gathered(
// CHECK-SAME: tile.scratch_bytes = 8192
// CHECK: scf.for
// CHECK-COUNT-6: llvm.load {{.*}} : !llvm.ptr -> i32
// CHECK: scf.for
// CHECK: llvm.load {{.*}} {alignment = 2 : i64} : !llvm.ptr -> i32
// CHECK-COUNT-12: llvm.call_intrinsic "llvm.x86.avx512bf16.dpbf16ps.512"
tile.kernel @gathered(%x: index, %y: index, %z: index, %a: memref<?x64xbf16>, %list: memref<?xi32>,
                      %w: memref<3x32x32x2xbf16>, %c: memref<?x32xf32>, %rows: index) {
  %zero = arith.constant 0 : index
  %i = tile.load %list[%zero] dims [0] rows %rows : memref<?xi32>, vector<64xi32>
  %l = tile.gather %a[%i, %zero] rows %rows : memref<?x64xbf16>, vector<64xi32>, vector<64x64xbf16>
  %r = tile.load %w[%x, %zero, %zero, %zero] dims [1, 2] pairs : memref<3x32x32x2xbf16>, vector<64x32xbf16>
  %none = arith.constant dense<0.0> : vector<64x32xf32>
  %p = tile.dot %l, %r, %none : vector<64x64xbf16>, vector<64x32xbf16>, vector<64x32xf32>
  tile.store %p, %c[%zero, %zero] dims [0, 1] rows %rows : vector<64x32xf32>, memref<?x32xf32>
  tile.return
}
