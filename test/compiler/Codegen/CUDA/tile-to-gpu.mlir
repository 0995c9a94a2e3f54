// RUN: m1-opt %s --tile-set-target="name=sm_80" --tile-assign-layouts --tile-assign-products --tile-to-gpu --tile-assign-scratch --split-input-file | FileCheck %s

// CHECK: llvm.mlir.global external @m1_shared() {addr_space = 3 : i32

// A block of 8 rows is in shared memory: operands are read from global memory, and
// the threads share every loop between barriers, four elements at a time where
// possible.
// CHECK-LABEL: func.func @small(
// CHECK-SAME: %[[A:.*]]: !llvm.ptr<1>, %[[B:.*]]: !llvm.ptr<1>, %[[C:.*]]: !llvm.ptr<1>, %[[ROWS:.*]]: i64)
// CHECK-SAME: tile.scratch_bytes = 256 : i64
// CHECK-SAME: tile.threads = 128 : i32
// CHECK: %[[THREAD:.*]] = gpu.thread_id x
// CHECK: %[[SHARED:.*]] = llvm.mlir.addressof @m1_shared : !llvm.ptr<3>
// The accumulator.
// CHECK: gpu.barrier
// CHECK: scf.for %{{.*}} = %[[THREAD]] to
// CHECK: llvm.store %{{.*}} {alignment = 16 : i64} : vector<4xf32>, !llvm.ptr<3>
// CHECK: gpu.barrier
// The product: K in ascending order, one fused multiply-add each.
// CHECK: scf.for %{{.*}} = %[[THREAD]] to
// CHECK: %[[SUM:.*]] = scf.for {{.*}} iter_args
// CHECK: llvm.intr.fma
// CHECK: llvm.store %[[SUM]], %{{.*}} : f32, !llvm.ptr<3>
// CHECK: gpu.barrier
// The result goes to global memory.
// CHECK: scf.for %{{.*}} = %[[THREAD]] to
// CHECK: llvm.load %{{.*}} {alignment = 16 : i64} : !llvm.ptr<3> -> vector<4xf32>
// CHECK: llvm.store %{{.*}} {alignment = 16 : i64} : vector<4xf32>, !llvm.ptr<1>
// CHECK: gpu.barrier
// CHECK: return
tile.kernel @small(%x: index, %y: index, %z: index, %a: memref<?x16xf32>, %b: memref<16x8xf32>,
                   %c: memref<?x8xf32>, %rows: index) {
  %zero = arith.constant 0 : index
  %l = tile.load %a[%zero, %zero] dims [0, 1] rows %rows : memref<?x16xf32>, vector<8x16xf32>
  %r = tile.load %b[%zero, %zero] dims [0, 1] : memref<16x8xf32>, vector<16x8xf32>
  %none = arith.constant dense<0.0> : vector<8x8xf32>
  %p = tile.dot %l, %r, %none : vector<8x16xf32>, vector<16x8xf32>, vector<8x8xf32>
  tile.store %p, %c[%zero, %zero] dims [0, 1] rows %rows : vector<8x8xf32>, memref<?x8xf32>
  tile.return
}

// -----

// 64 by 8 of bf16 products: four accumulators per thread. Both operands are copied
// to shared memory; copies of out-of-bounds rows read no bytes. Warps without rows
// in bounds only help to copy; the store is bounded.
// CHECK-LABEL: func.func @registers(
// CHECK-SAME: tile.scratch_bytes = 4608 : i64
// CHECK: %[[SUMS:.*]] = llvm.alloca %{{.*}} x f32
// CHECK: llvm.store %{{.*}}, %{{.*}} : f32, !llvm.ptr
// CHECK: %[[USED:.*]] = arith.cmpi slt
// CHECK: gpu.barrier
// CHECK: %[[BYTES:.*]] = arith.select %{{.*}}, %{{.*}}, %{{.*}} : i32
// CHECK: llvm.call_intrinsic "llvm.nvvm.cp.async.cg.shared.global.16.s"(%{{.*}}, %{{.*}}, %[[BYTES]]) :
// CHECK: llvm.call_intrinsic "llvm.nvvm.cp.async.cg.shared.global.16.s"
// CHECK: scf.if
// CHECK: llvm.call_intrinsic "llvm.nvvm.cp.async.cg.shared.global.16"(%{{.*}}, %{{.*}}) :
// CHECK: nvvm.cp.async.commit.group
// CHECK-NEXT: nvvm.cp.async.wait.group 0
// CHECK-NEXT: gpu.barrier
// CHECK-NOT: cp.async.cg
// CHECK: scf.if %[[USED]] {
// CHECK: nvvm.ldmatrix %{{.*}} {layout = #nvvm.mma_layout<col>, num = 2 : i32}
// CHECK: nvvm.ldmatrix %{{.*}} {layout = #nvvm.mma_layout<row>, num = 4 : i32}
// CHECK: llvm.call_intrinsic "llvm.nvvm.mma.m16n8k16.row.col.bf16"(%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}) : (i32, i32, i32, i32, i32, i32, f32, f32, f32, f32)
// CHECK: llvm.call_intrinsic "llvm.nvvm.mma.m16n8k16.row.col.bf16"
// CHECK-NOT: llvm.call_intrinsic
// CHECK: scf.if
// CHECK: llvm.store %{{.*}} : {{.*}}, !llvm.ptr<1>
// CHECK: return
tile.kernel @registers(%x: index, %y: index, %z: index, %a: memref<?x32xbf16>, %b: memref<32x8xbf16>,
                    %c: memref<?x8xf32>, %rows: index) {
  %zero = arith.constant 0 : index
  %l = tile.load %a[%zero, %zero] dims [0, 1] rows %rows : memref<?x32xbf16>, vector<64x32xbf16>
  %r = tile.load %b[%zero, %zero] dims [0, 1] : memref<32x8xbf16>, vector<32x8xbf16>
  %none = arith.constant dense<0.0> : vector<64x8xf32>
  %p = tile.dot %l, %r, %none : vector<64x32xbf16>, vector<32x8xbf16>, vector<64x8xf32>
  tile.store %p, %c[%zero, %zero] dims [0, 1] rows %rows : vector<64x8xf32>, memref<?x8xf32>
  tile.return
}

// -----

// A large k goes through a ring of four tiles of 64 in k: three are in flight while
// one is multiplied.
// CHECK-LABEL: func.func @ring(
// CHECK-SAME: tile.scratch_bytes = 36864 : i64
// CHECK-COUNT-3: nvvm.cp.async.commit.group
// CHECK: %[[FIRST:.*]] = arith.constant 0 : index
// CHECK: %[[STEP:.*]] = arith.constant 64 : index
// CHECK: scf.for %[[K:.*]] = %{{.*}} to %{{.*}} step %[[STEP]] iter_args(%[[READ:.*]] = %{{.*}}, %[[WRITE:.*]] = %{{.*}}) -> (index, index)
// CHECK-NEXT: nvvm.cp.async.wait.group 2
// CHECK-NEXT: gpu.barrier
// CHECK: %[[NEXT:.*]] = arith.addi %[[K]], %{{.*}} : index
// CHECK: %[[MORE:.*]] = arith.cmpi slt, %[[NEXT]]
// CHECK: scf.if %[[MORE]] {
// CHECK: arith.index_cast %[[WRITE]] : index to i64
// CHECK: cp.async.cg
// CHECK: nvvm.cp.async.commit.group
// CHECK: arith.index_cast %[[READ]] : index to i64
// CHECK-COUNT-4: llvm.call_intrinsic "llvm.nvvm.mma
// CHECK-NOT: llvm.nvvm.mma
// CHECK: scf.yield
// CHECK: return
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

// Rows that do not start at whole chunks cannot be staged. The left operand is read
// from global memory; the right one, which all warps read, is written to shared
// memory.
// CHECK-LABEL: func.func @unaligned(
// CHECK-SAME: tile.scratch_bytes = 256 : i64
// CHECK-NOT: cp.async
// CHECK: llvm.store %{{.*}}, %{{.*}} {alignment = {{[0-9]+}} : i64} : vector<4xi16>, !llvm.ptr<3>
// CHECK: gpu.barrier
// CHECK: nvvm.ldmatrix %{{.*}} {layout = #nvvm.mma_layout<col>, num = 2 : i32}
// CHECK: llvm.load %{{.*}} : !llvm.ptr<1> -> vector<2xi16>
// CHECK: llvm.call_intrinsic "llvm.nvvm.mma
// CHECK: return
tile.kernel @unaligned(%x: index, %y: index, %z: index, %a: memref<64x33xbf16>, %b: memref<16x9xbf16>,
                     %c: memref<64x8xf32>) {
  %zero = arith.constant 0 : index
  %l = tile.load %a[%zero, %zero] dims [0, 1] : memref<64x33xbf16>, vector<64x16xbf16>
  %r = tile.load %b[%zero, %zero] dims [0, 1] : memref<16x9xbf16>, vector<16x8xbf16>
  %none = arith.constant dense<0.0> : vector<64x8xf32>
  %p = tile.dot %l, %r, %none : vector<64x16xbf16>, vector<16x8xbf16>, vector<64x8xf32>
  tile.store %p, %c[%zero, %zero] dims [0, 1] : vector<64x8xf32>, memref<64x8xf32>
  tile.return
}

// -----

// Accumulators of f32 are the next product's left operand in registers, split into
// two bf16: two multiplications for each step of k, none of them in a loop. The
// four lanes that share a row find its maximum.
// CHECK-LABEL: func.func @chained(
// CHECK-SAME: tile.scratch_bytes = 2560 : i64
// CHECK: llvm.call_intrinsic "llvm.nvvm.mma.m16n8k16.row.col.bf16"
// CHECK: llvm.call_intrinsic "llvm.nvvm.mma.m16n8k16.row.col.bf16"
// CHECK: gpu.shuffle xor
// CHECK: gpu.shuffle xor
// CHECK-NOT: nvvm.ldmatrix {{.*}}mma_layout<row>
// CHECK: llvm.call_intrinsic "llvm.nvvm.mma.m16n8k16.row.col.bf16"
// CHECK: llvm.call_intrinsic "llvm.nvvm.mma.m16n8k16.row.col.bf16"
// CHECK-NOT: llvm.call_intrinsic
// CHECK: return
tile.kernel @chained(%x: index, %y: index, %z: index, %a: memref<64x16xbf16>, %b: memref<16x16xbf16>,
                     %v: memref<16x8xbf16>, %c: memref<64x8xf32>) {
  %zero = arith.constant 0 : index
  %l = tile.load %a[%zero, %zero] dims [0, 1] : memref<64x16xbf16>, vector<64x16xbf16>
  %r = tile.load %b[%zero, %zero] dims [0, 1] : memref<16x16xbf16>, vector<16x16xbf16>
  %w = tile.load %v[%zero, %zero] dims [0, 1] : memref<16x8xbf16>, vector<16x8xbf16>
  %none = arith.constant dense<0.0> : vector<64x16xf32>
  %start = arith.constant dense<0.0> : vector<64x8xf32>
  %least = arith.constant dense<-1.0e30> : vector<64xf32>
  %s = tile.dot %l, %r, %none : vector<64x16xbf16>, vector<16x16xbf16>, vector<64x16xf32>
  %max = vector.multi_reduction <maxnumf>, %s, %least [1] : vector<64x16xf32> to vector<64xf32>
  %wide = tile.broadcast %max along 1 : vector<64xf32> to vector<64x16xf32>
  %p = arith.subf %s, %wide : vector<64x16xf32>
  %o = tile.dot %p, %w, %start : vector<64x16xf32>, vector<16x8xbf16>, vector<64x8xf32>
  tile.store %o, %c[%zero, %zero] dims [0, 1] : vector<64x8xf32>, memref<64x8xf32>
  tile.return
}

// -----

// Few rows with long sums: every thread sums each 128th of k for all of them, then
// lanes and warps add their sums.
// CHECK-LABEL: func.func @long(
// CHECK-SAME: tile.scratch_bytes = 320 : i64
// CHECK: scf.for %{{.*}} = %{{.*}} to %{{.*}} step
// CHECK: %[[SUMS:.*]]:16 = scf.for {{.*}} iter_args
// CHECK-COUNT-16: llvm.intr.fma
// CHECK-NOT: llvm.intr.fma
// CHECK: scf.yield
// CHECK-COUNT-80: gpu.shuffle xor
// CHECK: gpu.barrier
// CHECK-COUNT-4: arith.addf
// CHECK: gpu.barrier
// CHECK: return
tile.kernel @long(%x: index, %y: index, %z: index, %a: memref<4x2048xf32>, %b: memref<2048x4xf32>, %c: memref<4x4xf32>) {
  %zero = arith.constant 0 : index
  %l = tile.load %a[%zero, %zero] dims [0, 1] : memref<4x2048xf32>, vector<4x2048xf32>
  %r = tile.load %b[%zero, %zero] dims [0, 1] : memref<2048x4xf32>, vector<2048x4xf32>
  %none = arith.constant dense<0.0> : vector<4x4xf32>
  %p = tile.dot %l, %r, %none : vector<4x2048xf32>, vector<2048x4xf32>, vector<4x4xf32>
  tile.store %p, %c[%zero, %zero] dims [0, 1] : vector<4x4xf32>, memref<4x4xf32>
  tile.return
}

// -----

// A warp sums a row: f64 goes from lane to lane as two halves.
// CHECK-LABEL: func.func @doubles(
// CHECK: scf.for
// CHECK: arith.addf %{{.*}} : f64
// CHECK: %[[BITS:.*]] = arith.bitcast %[[SUM:.*]] : f64 to i64
// CHECK: %[[UPPER:.*]] = arith.shrui %[[BITS]], %{{.*}} : i64
// CHECK: %[[LOW:.*]] = arith.trunci %[[BITS]] : i64 to i32
// CHECK: gpu.shuffle xor %[[LOW]], %{{.*}}, %{{.*}} : i32
// CHECK: %[[HIGH:.*]] = arith.trunci %[[UPPER]] : i64 to i32
// CHECK: gpu.shuffle xor %[[HIGH]], %{{.*}}, %{{.*}} : i32
// CHECK: %[[OTHER:.*]] = arith.bitcast %{{.*}} : i64 to f64
// CHECK: arith.addf %[[SUM]], %[[OTHER]] : f64
tile.kernel @doubles(%x: index, %y: index, %z: index, %a: memref<?x64xf64>, %c: memref<?xf64>) {
  %zero = arith.constant 0 : index
  %b = tile.load %a[%zero, %zero] dims [0, 1] : memref<?x64xf64>, vector<4x64xf64>
  %none = arith.constant dense<0.0> : vector<4xf64>
  %s = vector.multi_reduction <add>, %b, %none [1] : vector<4x64xf64> to vector<4xf64>
  tile.store %s, %c[%zero] dims [0] : vector<4xf64>, memref<?xf64>
  tile.return
}

// -----

// A long row is all threads': each sums every 128th element, lanes and then
// warps add up.
// CHECK-LABEL: func.func @long_row(
// CHECK: %[[THREAD:.*]] = gpu.thread_id x
// CHECK: scf.for %[[ROW:.*]] = %{{.*}} to
// CHECK: %[[NEXT:.*]] = arith.addi %[[THREAD]], %{{.*}} : index
// CHECK: scf.for %{{.*}} = %[[NEXT]] to %{{.*}} step %{{.*}} iter_args
// CHECK-COUNT-5: gpu.shuffle xor
// CHECK: llvm.store %{{.*}} : f32, !llvm.ptr<3>
// CHECK: gpu.barrier
// CHECK: scf.if
// CHECK-COUNT-4: arith.addf
// CHECK: llvm.store %{{.*}} : f32, !llvm.ptr<3>
// CHECK: gpu.barrier
// CHECK: return
tile.kernel @long_row(%x: index, %y: index, %z: index, %a: memref<?x2048xf32>, %c: memref<?xf32>) {
  %zero = arith.constant 0 : index
  %b = tile.load %a[%zero, %zero] dims [0, 1] : memref<?x2048xf32>, vector<4x2048xf32>
  %none = arith.constant dense<0.0> : vector<4xf32>
  %s = vector.multi_reduction <add>, %b, %none [1] : vector<4x2048xf32> to vector<4xf32>
  tile.store %s, %c[%zero] dims [0] : vector<4xf32>, memref<?xf32>
  tile.return
}

// -----

// The kernel says how many threads share a loop.
// CHECK-LABEL: func.func @threads(
// CHECK-SAME: tile.threads = 64 : i32
// CHECK: %[[THREAD:.*]] = gpu.thread_id x
// CHECK: %[[STEP:.*]] = arith.constant 64 : index
// CHECK-NEXT: scf.for %{{.*}} = %[[THREAD]] to %{{.*}} step %[[STEP]]
// CHECK: return
tile.kernel @threads(%x: index, %y: index, %z: index, %a: memref<8x8xf32>, %c: memref<8x8xf32>) attributes {tile.threads = 64 : i32} {
  %zero = arith.constant 0 : index
  %b = tile.load %a[%zero, %zero] dims [0, 1] : memref<8x8xf32>, vector<8x8xf32>
  tile.store %b, %c[%zero, %zero] dims [0, 1] : vector<8x8xf32>, memref<8x8xf32>
  tile.return
}
