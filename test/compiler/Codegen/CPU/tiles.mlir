// Products of bf16 on AMX tiles: up to 64 rows.
// RUN: m1-opt %s --tile-set-target="name=x86-64-v4+amx" --tile-to-host --tile-assign-scratch | FileCheck %s
// RUN: m1-opt %s --tile-set-target="name=x86-64-v4" --tile-to-host --tile-assign-scratch | FileCheck %s --check-prefix=VECTORS

// A configuration for each number of rows of a tile.
// CHECK: llvm.mlir.global private constant @m1.tile_configurations({{.*}}) {{.*}}alignment = 64 : i64} : !llvm.array<1024 x i8>
// CHECK-LABEL: func.func @product(
// CHECK: %[[TABLE:.*]] = llvm.mlir.addressof @m1.tile_configurations
// Pairs of row tiles, then one more, then one with the remaining rows.
// CHECK: scf.if
// CHECK: llvm.call_intrinsic "llvm.x86.ldtilecfg"
// CHECK: scf.for
// CHECK-COUNT-4: llvm.call_intrinsic "llvm.x86.tileloadd64"
// CHECK: scf.for
// CHECK-COUNT-4: llvm.call_intrinsic "llvm.x86.tdpbf16ps"
// CHECK-COUNT-4: llvm.call_intrinsic "llvm.x86.tilestored64"
// CHECK: scf.if
// CHECK: scf.for
// CHECK-COUNT-2: llvm.call_intrinsic "llvm.x86.tdpbf16ps"
// CHECK: scf.if
// CHECK: llvm.call_intrinsic "llvm.x86.ldtilecfg"
// CHECK: scf.for
// CHECK-COUNT-2: llvm.call_intrinsic "llvm.x86.tdpbf16ps"
// CHECK-NOT: tdpbf16ps
// CHECK: llvm.call_intrinsic "llvm.x86.tilerelease"

// Without tiles, vectors multiply the unpacked pairs.
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
