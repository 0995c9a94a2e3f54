// RUN: m1-opt %s --m1-gpu-to-nvvm | FileCheck %s

// CHECK-LABEL: func.func @exchange(
// CHECK: nvvm.read.ptx.sreg.tid.x : i32
// CHECK: nvvm.read.ptx.sreg.ctaid.y : i32
// CHECK: nvvm.barrier0
// CHECK: nvvm.shfl.sync bfly %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} : f32 -> f32
// CHECK-NOT: gpu.
func.func @exchange(%value: f32, %to: !llvm.ptr<1>) {
  %by = arith.constant 4 : i32
  %lanes = arith.constant 32 : i32
  %thread = gpu.thread_id x
  %block = gpu.block_id y
  %sum = arith.addi %thread, %block : index
  %wide = arith.index_cast %sum : index to i64
  gpu.barrier
  %other, %valid = gpu.shuffle xor %value, %by, %lanes : f32
  llvm.store %other, %to : f32, !llvm.ptr<1>
  llvm.store %wide, %to : i64, !llvm.ptr<1>
  return
}
