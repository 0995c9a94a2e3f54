// RUN: m1-opt %s --tile-to-nvvm=threads=64 | FileCheck %s

// CHECK: llvm.mlir.global external @m1_shared() {addr_space = 3 : i32

// A product of two blocks: operands are read where they lie, the sum is kept in
// shared memory, and every loop is shared out and ends with a barrier.
// CHECK-LABEL: func.func @product(
// CHECK-SAME: %[[A:.*]]: !llvm.ptr<1>, %[[B:.*]]: !llvm.ptr<1>, %[[C:.*]]: !llvm.ptr<1>, %[[ROWS:.*]]: i64)
// CHECK-SAME: m1.scratch_bytes = 256 : i64
// CHECK-SAME: m1.threads = 64 : i32
// CHECK: %[[TID:.*]] = nvvm.read.ptx.sreg.tid.x : i32
// CHECK: %[[THREAD:.*]] = arith.index_cast %[[TID]] : i32 to index
// CHECK: %[[SHARED:.*]] = llvm.mlir.addressof @m1_shared : !llvm.ptr<3>
// CHECK: nvvm.read.ptx.sreg.ctaid.x
// CHECK: %[[R:.*]] = arith.index_cast %[[ROWS]] : i64 to index
// The accumulator.
// CHECK: scf.for %{{.*}} = %[[THREAD]] to
// CHECK: llvm.store %{{.*}} : f32, !llvm.ptr<3>
// CHECK: nvvm.barrier0
// The product: K in ascending order, one fused multiply-add each.
// CHECK: scf.for %{{.*}} = %[[THREAD]] to
// CHECK: %[[SUM:.*]] = scf.for {{.*}} iter_args
// CHECK: llvm.intr.fma
// CHECK: llvm.store %[[SUM]], %{{.*}} : f32, !llvm.ptr<3>
// CHECK: nvvm.barrier0
// The result goes to global memory.
// CHECK: scf.for %{{.*}} = %[[THREAD]] to
// CHECK: llvm.load %{{.*}} : !llvm.ptr<3> -> f32
// CHECK: llvm.store %{{.*}} : f32, !llvm.ptr<1>
// CHECK: nvvm.barrier0
// CHECK: return
tile.kernel @product(%x: index, %y: index, %z: index, %a: memref<?x16xf32>, %b: memref<16x8xf32>,
                     %c: memref<?x8xf32>, %rows: index) {
  %zero = arith.constant 0 : index
  %l = tile.load %a[%zero, %zero] dims [0, 1] rows %rows : memref<?x16xf32>, vector<8x16xf32>
  %r = tile.load %b[%zero, %zero] dims [0, 1] : memref<16x8xf32>, vector<16x8xf32>
  %none = arith.constant dense<0.0> : vector<8x8xf32>
  %p = tile.dot %l, %r, %none : vector<8x16xf32>, vector<16x8xf32>, vector<8x8xf32>
  tile.store %p, %c[%zero, %zero] dims [0, 1] rows %rows : vector<8x8xf32>, memref<?x8xf32>
  tile.return
}
