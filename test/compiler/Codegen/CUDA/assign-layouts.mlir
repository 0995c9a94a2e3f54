// RUN: m1-opt %s --tile-set-target="name=sm_80" --tile-assign-layouts --split-input-file | FileCheck %s

// Blocks of whole 16 by 8 tiles are in registers: four warps take a row of tiles
// each, or divide the columns where there are fewer rows. Other shapes are not.
// CHECK-LABEL: tile.kernel @shapes(
// CHECK-SAME: attributes {tile.threads = 128 : i32}
// CHECK: tile.load {{.*}} {tile.layouts = [#tile.layout<4, 1>]} : memref<64x32xf32>, vector<64x32xf32>
// CHECK: tile.load {{.*}} {tile.layouts = [#tile.layout<1, 4>]} : memref<64x32xf32>, vector<16x32xf32>
// CHECK-NOT: tile.layout
// CHECK: tile.return
tile.kernel @shapes(%x: index, %y: index, %z: index, %a: memref<64x32xf32>) {
  %zero = arith.constant 0 : index
  %1 = tile.load %a[%zero, %zero] dims [0, 1] : memref<64x32xf32>, vector<64x32xf32>
  %2 = tile.load %a[%zero, %zero] dims [0, 1] : memref<64x32xf32>, vector<16x32xf32>
  %3 = tile.load %a[%zero, %zero] dims [0, 1] : memref<64x32xf32>, vector<8x32xf32>
  %4 = tile.load %a[%zero, %zero] dims [0, 1] : memref<64x32xf32>, vector<64x4xf32>
  %5 = tile.load %a[%zero, %zero] dims [0, 1] : memref<64x32xf32>, vector<16x8xf32>
  tile.return
}

// -----

// A value for each row is in registers with the rows that it is used with, through
// reductions and loops; not if it is used with columns or rows that warps share.
// CHECK-LABEL: tile.kernel @rows(
// CHECK: %[[LOOP:.*]]:2 = scf.for
// CHECK: vector.multi_reduction <maxnumf>, {{.*}} {tile.layouts = [#tile.layout<4, 1>]} [1] : vector<64x32xf32> to vector<64xf32>
// CHECK: tile.broadcast {{.*}} along 1 {tile.layouts = [#tile.layout<4, 1>]}
// CHECK: } {tile.layouts = [#tile.layout<4, 1>, #tile.layout<4, 1>]}
// CHECK: vector.multi_reduction <add>, %{{.*}}, %{{.*}} [1] : vector<64x32xf32> to vector<64xf32>
// CHECK: tile.broadcast %{{.*}} along 0 {tile.layouts = [#tile.layout<4, 1>]} : vector<64xf32>
// CHECK: tile.return
tile.kernel @rows(%x: index, %y: index, %z: index, %a: memref<64x32xf32>, %c: memref<64x64xf32>, %n: index) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %least = arith.constant dense<-1.0e30> : vector<64xf32>
  %none = arith.constant dense<0.0> : vector<64xf32>
  %b = tile.load %a[%zero, %zero] dims [0, 1] : memref<64x32xf32>, vector<64x32xf32>
  %all:2 = scf.for %i = %zero to %n step %one iter_args(%sum = %b, %max = %least) -> (vector<64x32xf32>, vector<64xf32>) {
    %new = vector.multi_reduction <maxnumf>, %sum, %max [1] : vector<64x32xf32> to vector<64xf32>
    %wide = tile.broadcast %new along 1 : vector<64xf32> to vector<64x32xf32>
    %next = arith.subf %sum, %wide : vector<64x32xf32>
    scf.yield %next, %new : vector<64x32xf32>, vector<64xf32>
  }
  %turned = vector.multi_reduction <add>, %all#0, %none [1] : vector<64x32xf32> to vector<64xf32>
  %across = tile.broadcast %turned along 0 : vector<64xf32> to vector<64x64xf32>
  tile.store %across, %c[%zero, %zero] dims [0, 1] : vector<64x64xf32>, memref<64x64xf32>
  tile.return
}

// -----

// Around a loop that carries 128 registers per thread, a block of as many is in
// shared memory.
// CHECK-LABEL: tile.kernel @nested(
// CHECK: scf.for
// CHECK: scf.for
// CHECK: } {tile.layouts = [#tile.layout<4, 1>]}
// CHECK: arith.addf {{.*}} {tile.layouts = [#tile.layout<4, 1>]}
// CHECK: scf.yield
// CHECK-NEXT: }
// CHECK-NEXT: tile.store
tile.kernel @nested(%x: index, %y: index, %z: index, %a: memref<64x256xf32>, %n: index) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %none = arith.constant dense<0.0> : vector<64x256xf32>
  %total = scf.for %i = %zero to %n step %one iter_args(%outer = %none) -> (vector<64x256xf32>) {
    %part = scf.for %j = %zero to %n step %one iter_args(%inner = %none) -> (vector<64x256xf32>) {
      %b = tile.load %a[%zero, %zero] dims [0, 1] : memref<64x256xf32>, vector<64x256xf32>
      %sum = arith.addf %inner, %b : vector<64x256xf32>
      scf.yield %sum : vector<64x256xf32>
    }
    %next = arith.addf %outer, %part : vector<64x256xf32>
    scf.yield %next : vector<64x256xf32>
  }
  tile.store %total, %a[%zero, %zero] dims [0, 1] : vector<64x256xf32>, memref<64x256xf32>
  tile.return
}

// -----

// The kernel says how many threads there are: two warps take two rows of tiles
// each.
// CHECK-LABEL: tile.kernel @threads(
// CHECK-SAME: tile.threads = 64 : i32
// CHECK: tile.load {{.*}} {tile.layouts = [#tile.layout<2, 1>]}
tile.kernel @threads(%x: index, %y: index, %z: index, %a: memref<64x32xf32>) attributes {tile.threads = 64 : i32} {
  %zero = arith.constant 0 : index
  %1 = tile.load %a[%zero, %zero] dims [0, 1] : memref<64x32xf32>, vector<64x32xf32>
  tile.return
}
