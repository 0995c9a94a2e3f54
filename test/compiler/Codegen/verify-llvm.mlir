// RUN: m1-opt %s --m1-verify-llvm -verify-diagnostics -split-input-file

llvm.func @good(%a: !llvm.ptr) {
  %0 = nvvm.read.ptx.sreg.tid.x : i32
  llvm.store %0, %a : i32, !llvm.ptr
  llvm.return
}

// -----

llvm.func @bad(%a: !llvm.ptr, %x: f32) {
  // expected-error@+1 {{'math.tan' op has no lowering to LLVM}}
  %0 = math.tan %x : f32
  llvm.store %0, %a : f32, !llvm.ptr
  llvm.return
}
