// A streamed store goes past the caches where it is of a whole cache line: vectors of AVX-512 that
// are known to be aligned, not those of AVX2, and not rows that start anywhere.
// RUN: m1-opt %s --tile-set-target="name=x86-64-v4+avx512bf16" --tile-to-host --tile-assign-scratch | FileCheck %s
// RUN: m1-opt %s --tile-set-target="name=x86-64-v3" --tile-to-host --tile-assign-scratch | FileCheck %s --check-prefix=AVX2

// AVX2-NOT: nontemporal

// CHECK-LABEL: func.func @transposed(
// CHECK-COUNT-16: llvm.store {{.*}} {alignment = 64 : i64, nontemporal} : vector<16xf32>
tile.kernel @transposed(%x: index, %y: index, %z: index, %a: memref<?x32xf32>, %c: memref<5x32x32xf32>) {
  %zero = arith.constant 0 : index
  %l = tile.load %a[%zero, %zero] dims [0, 1] : memref<?x32xf32>, vector<32x32xf32>
  %t = vector.transpose %l, [1, 0] : vector<32x32xf32> to vector<32x32xf32>
  tile.store %t, %c[%x, %zero, %zero] dims [1, 2] streamed : vector<32x32xf32>, memref<5x32x32xf32>
  tile.return
}

// CHECK-LABEL: func.func @pairs(
// CHECK-COUNT-16: llvm.store {{.*}} {alignment = 64 : i64, nontemporal} : vector<16xi32>
tile.kernel @pairs(%x: index, %y: index, %z: index, %a: memref<?x64xbf16>, %c: memref<5x32x32x2xbf16>) {
  %zero = arith.constant 0 : index
  %l = tile.load %a[%zero, %zero] dims [0, 1] : memref<?x64xbf16>, vector<32x64xbf16>
  %t = vector.transpose %l, [1, 0] : vector<32x64xbf16> to vector<64x32xbf16>
  tile.store %t, %c[%x, %zero, %zero, %zero] dims [1, 2] pairs streamed : vector<64x32xbf16>, memref<5x32x32x2xbf16>
  tile.return
}

// Half a line at a time, and rows of 36 elements.
// CHECK-LABEL: func.func @half(
// CHECK-NOT: nontemporal
// CHECK: llvm.store {{.*}} : vector<16xi16>
// CHECK-NOT: nontemporal
// CHECK-LABEL: func.func @anywhere(
// CHECK-NOT: nontemporal
// CHECK: llvm.store {{.*}} {alignment = 16 : i64} : vector<16xf32>
// CHECK-NOT: nontemporal
tile.kernel @half(%x: index, %y: index, %z: index, %a: memref<?x32xbf16>, %c: memref<5x32x32xbf16>) {
  %zero = arith.constant 0 : index
  %l = tile.load %a[%zero, %zero] dims [0, 1] : memref<?x32xbf16>, vector<32x32xbf16>
  %t = vector.transpose %l, [1, 0] : vector<32x32xbf16> to vector<32x32xbf16>
  tile.store %t, %c[%x, %zero, %zero] dims [1, 2] streamed : vector<32x32xbf16>, memref<5x32x32xbf16>
  tile.return
}
tile.kernel @anywhere(%x: index, %y: index, %z: index, %a: memref<?x32xf32>, %c: memref<?x36xf32>) {
  %zero = arith.constant 0 : index
  %l = tile.load %a[%zero, %zero] dims [0, 1] : memref<?x32xf32>, vector<32x32xf32>
  %t = vector.transpose %l, [1, 0] : vector<32x32xf32> to vector<32x32xf32>
  tile.store %t, %c[%zero, %zero] dims [0, 1] streamed : vector<32x32xf32>, memref<?x36xf32>
  tile.return
}
