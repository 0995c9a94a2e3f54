// RUN: m1-opt %s --tile-set-target="name=sm_80" --tile-assign-layouts --tile-assign-products --split-input-file | FileCheck %s
// RUN: m1-opt %s '--pass-pipeline=builtin.module(tile-set-target{name=sm_80},tile.kernel(tile-assign-layouts,tile-assign-products{depth=32 stages=3}))' --split-input-file | FileCheck %s --check-prefix=LESS
// RUN: m1-opt %s '--pass-pipeline=builtin.module(tile-set-target{name=sm_80},tile.kernel(tile-assign-layouts,tile-assign-products{bytes=32768}))' --split-input-file | FileCheck %s --check-prefix=SMALL

// Both operands are loaded in whole chunks: they are staged. A row of 64 has eight
// chunks, swizzled by the row's number; a row of 8 is one chunk, without a swizzle.
// k has 8 tiles, of which 4 are in flight.
// CHECK-LABEL: tile.kernel @ring(
// CHECK: tile.dot {{.*}} {tile.layouts = [#tile.layout<4, 1>], tile.product = #tile.product<matrix, left = <staged, pitch = 128, mask = 7>, right = <staged, pitch = 16>, depth = 64, stages = 4>}
// LESS-LABEL: tile.kernel @ring(
// LESS: tile.product = #tile.product<matrix, left = <staged, pitch = 64, mask = 3, shift = 1>, right = <staged, pitch = 16>, depth = 32, stages = 3>
tile.kernel @ring(%x: index, %y: index, %z: index, %a: memref<64x512xbf16>, %b: memref<512x8xbf16>,
                  %c: memref<64x8xf32>) {
  %zero = arith.constant 0 : index
  %l = tile.load %a[%zero, %zero] dims [0, 1] : memref<64x512xbf16>, vector<64x512xbf16>
  %r = tile.load %b[%zero, %zero] dims [0, 1] : memref<512x8xbf16>, vector<512x8xbf16>
  %none = arith.constant dense<0.0> : vector<64x8xf32>
  %p = tile.dot %l, %r, %none : vector<64x512xbf16>, vector<512x8xbf16>, vector<64x8xf32>
  tile.store %p, %c[%zero, %zero] dims [0, 1] : vector<64x8xf32>, memref<64x8xf32>
  tile.return
}

// -----

// Rows of 24 are three chunks, which no exclusive or permutes; an odd number of
// chunks has no bank conflicts anyway. Rows of 48, six chunks, are padded to seven.
// k = 48 has tiles of 16. A ring has at most 32 KiB.
// CHECK-LABEL: tile.kernel @odd(
// CHECK: tile.dot {{.*}} #tile.product<matrix, left = <staged, pitch = 32, mask = 1, shift = 2>, right = <staged, pitch = 48>, depth = 16, stages = 3>
// CHECK: tile.dot {{.*}} #tile.product<matrix, left = <staged, pitch = 32, mask = 1, shift = 2>, right = <staged, pitch = 112>, depth = 16, stages = 3>
// CHECK: tile.dot {{.*}} #tile.product<matrix, left = <staged, pitch = 128, mask = 7>, right = <staged, pitch = 128, mask = 7>, depth = 64, stages = 4>
// SMALL-LABEL: tile.kernel @odd(
// SMALL: depth = 64, stages = 2>
tile.kernel @odd(%x: index, %y: index, %z: index, %a: memref<64x48xbf16>, %b: memref<48x24xbf16>,
                 %c: memref<64x24xf32>, %d: memref<48x48xbf16>, %e: memref<64x48xf32>, %f: memref<64x512xbf16>,
                 %g: memref<512x64xbf16>, %h: memref<64x64xf32>) {
  %zero = arith.constant 0 : index
  %l = tile.load %a[%zero, %zero] dims [0, 1] : memref<64x48xbf16>, vector<64x48xbf16>
  %r = tile.load %b[%zero, %zero] dims [0, 1] : memref<48x24xbf16>, vector<48x24xbf16>
  %none = arith.constant dense<0.0> : vector<64x24xf32>
  %p = tile.dot %l, %r, %none : vector<64x48xbf16>, vector<48x24xbf16>, vector<64x24xf32>
  tile.store %p, %c[%zero, %zero] dims [0, 1] : vector<64x24xf32>, memref<64x24xf32>
  %r2 = tile.load %d[%zero, %zero] dims [0, 1] : memref<48x48xbf16>, vector<48x48xbf16>
  %none2 = arith.constant dense<0.0> : vector<64x48xf32>
  %p2 = tile.dot %l, %r2, %none2 : vector<64x48xbf16>, vector<48x48xbf16>, vector<64x48xf32>
  tile.store %p2, %e[%zero, %zero] dims [0, 1] : vector<64x48xf32>, memref<64x48xf32>
  %l3 = tile.load %f[%zero, %zero] dims [0, 1] : memref<64x512xbf16>, vector<64x512xbf16>
  %r3 = tile.load %g[%zero, %zero] dims [0, 1] : memref<512x64xbf16>, vector<512x64xbf16>
  %none3 = arith.constant dense<0.0> : vector<64x64xf32>
  %p3 = tile.dot %l3, %r3, %none3 : vector<64x512xbf16>, vector<512x64xbf16>, vector<64x64xf32>
  tile.store %p3, %h[%zero, %zero] dims [0, 1] : vector<64x64xf32>, memref<64x64xf32>
  tile.return
}

// -----

// Unaligned rows, and rows that are columns in memory, cannot be copied in chunks:
// the left operand is evaluated where it is needed, the right one is copied once by
// ordinary stores.
// CHECK-LABEL: tile.kernel @crooked(
// CHECK: tile.dot {{.*}} #tile.product<matrix, left = <evaluated>, right = <shared>>
// CHECK: tile.dot {{.*}} #tile.product<matrix, left = <evaluated>, right = <shared>>
tile.kernel @crooked(%x: index, %y: index, %z: index, %a: memref<64x33xbf16>, %b: memref<16x9xbf16>,
                     %c: memref<64x8xf32>, %at: memref<16x64xbf16>, %bt: memref<8x16xbf16>) {
  %zero = arith.constant 0 : index
  %l = tile.load %a[%zero, %zero] dims [0, 1] : memref<64x33xbf16>, vector<64x16xbf16>
  %r = tile.load %b[%zero, %zero] dims [0, 1] : memref<16x9xbf16>, vector<16x8xbf16>
  %none = arith.constant dense<0.0> : vector<64x8xf32>
  %p = tile.dot %l, %r, %none : vector<64x16xbf16>, vector<16x8xbf16>, vector<64x8xf32>
  %lt = tile.load %at[%zero, %zero] dims [0, 1] : memref<16x64xbf16>, vector<16x64xbf16>
  %lu = vector.transpose %lt, [1, 0] : vector<16x64xbf16> to vector<64x16xbf16>
  %rt = tile.load %bt[%zero, %zero] dims [0, 1] : memref<8x16xbf16>, vector<8x16xbf16>
  %ru = vector.transpose %rt, [1, 0] : vector<8x16xbf16> to vector<16x8xbf16>
  %q = tile.dot %lu, %ru, %p : vector<64x16xbf16>, vector<16x8xbf16>, vector<64x8xf32>
  tile.store %q, %c[%zero, %zero] dims [0, 1] : vector<64x8xf32>, memref<64x8xf32>
  tile.return
}

// -----

// As in attention: the queries, which the loop multiplies in each iteration, stay
// in shared memory; the scores are a left operand in registers.
// CHECK-LABEL: tile.kernel @attention(
// CHECK: scf.for
// CHECK: tile.dot {{.*}} #tile.product<matrix, left = <shared>, right = <shared>>
// CHECK: tile.dot {{.*}} #tile.product<matrix, left = <registers>, right = <staged, pitch = 64, mask = 3, shift = 1>, depth = 64, stages = 1>
tile.kernel @attention(%x: index, %y: index, %z: index, %q: memref<64x32xbf16>, %k: memref<?x32xbf16>,
                       %v: memref<?x32xbf16>, %o: memref<64x32xf32>, %n: index) {
  %zero = arith.constant 0 : index
  %step = arith.constant 64 : index
  %none = arith.constant dense<0.0> : vector<64x32xf32>
  %no = arith.constant dense<0.0> : vector<64x64xf32>
  %queries = tile.load %q[%zero, %zero] dims [0, 1] : memref<64x32xbf16>, vector<64x32xbf16>
  %all = scf.for %i = %zero to %n step %step iter_args(%sum = %none) -> (vector<64x32xf32>) {
    %keys = tile.load %k[%i, %zero] dims [0, 1] : memref<?x32xbf16>, vector<64x32xbf16>
    %turned = vector.transpose %keys, [1, 0] : vector<64x32xbf16> to vector<32x64xbf16>
    %scores = tile.dot %queries, %turned, %no : vector<64x32xbf16>, vector<32x64xbf16>, vector<64x64xf32>
    %weights = arith.mulf %scores, %scores : vector<64x64xf32>
    %values = tile.load %v[%i, %zero] dims [0, 1] : memref<?x32xbf16>, vector<64x32xbf16>
    %next = tile.dot %weights, %values, %sum : vector<64x64xf32>, vector<64x32xbf16>, vector<64x32xf32>
    scf.yield %next : vector<64x32xf32>
  }
  tile.store %all, %o[%zero, %zero] dims [0, 1] : vector<64x32xf32>, memref<64x32xf32>
  tile.return
}

// -----

// Multiply-adds: f32 in registers; sums without a register layout in shared memory,
// with a long k split over all threads.
// CHECK-LABEL: tile.kernel @others(
// CHECK: tile.dot {{.*}} tile.product = #tile.product<registers>
// CHECK: tile.dot {{.*}} {tile.product = #tile.product<shared>}
// CHECK: tile.dot {{.*}} {tile.product = #tile.product<split>}
tile.kernel @others(%x: index, %y: index, %z: index, %a: memref<64x16xf32>, %b: memref<16x8xf32>,
                    %c: memref<64x8xf32>, %d: memref<8x1024xf32>, %e: memref<1024x8xf32>) {
  %zero = arith.constant 0 : index
  %none = arith.constant dense<0.0> : vector<64x8xf32>
  %few = arith.constant dense<0.0> : vector<8x8xf32>
  %l = tile.load %a[%zero, %zero] dims [0, 1] : memref<64x16xf32>, vector<64x16xf32>
  %r = tile.load %b[%zero, %zero] dims [0, 1] : memref<16x8xf32>, vector<16x8xf32>
  %p = tile.dot %l, %r, %none : vector<64x16xf32>, vector<16x8xf32>, vector<64x8xf32>
  tile.store %p, %c[%zero, %zero] dims [0, 1] : vector<64x8xf32>, memref<64x8xf32>
  %s = tile.load %a[%zero, %zero] dims [0, 1] : memref<64x16xf32>, vector<8x16xf32>
  %t = tile.dot %s, %r, %few : vector<8x16xf32>, vector<16x8xf32>, vector<8x8xf32>
  tile.store %t, %c[%zero, %zero] dims [0, 1] : vector<8x8xf32>, memref<64x8xf32>
  %u = tile.load %d[%zero, %zero] dims [0, 1] : memref<8x1024xf32>, vector<8x1024xf32>
  %v = tile.load %e[%zero, %zero] dims [0, 1] : memref<1024x8xf32>, vector<1024x8xf32>
  %w = tile.dot %u, %v, %few : vector<8x1024xf32>, vector<1024x8xf32>, vector<8x8xf32>
  tile.store %w, %c[%zero, %zero] dims [0, 1] : vector<8x8xf32>, memref<64x8xf32>
  tile.return
}
