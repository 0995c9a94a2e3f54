// RUN: m1-opt %s --tile-assign-scratch --split-input-file --verify-diagnostics | FileCheck %s

// The second buffer is written while the first is live: it has its own offset.
// The third reuses the offset of the first, which is dead by then.
// CHECK-LABEL: func.func @turns(
// CHECK-SAME: %[[BASE:.*]]: !llvm.ptr
// CHECK-SAME: tile.scratch_bytes = 192 : i64
// CHECK: llvm.getelementptr %[[BASE]][0]
// CHECK: llvm.getelementptr %[[BASE]][128]
// CHECK: llvm.getelementptr %[[BASE]][0]
// CHECK-NOT: tile.scratch
func.func @turns(%base: !llvm.ptr, %v: f32) {
  %a = tile.scratch %base, 100 : !llvm.ptr
  llvm.store %v, %a : f32, !llvm.ptr
  %b = tile.scratch %base, 4 : !llvm.ptr
  %x = llvm.load %a : !llvm.ptr -> f32
  llvm.store %x, %b : f32, !llvm.ptr
  %c = tile.scratch %base, 100 : !llvm.ptr
  %y = llvm.load %b : !llvm.ptr -> f32
  llvm.store %y, %c : f32, !llvm.ptr
  return
}

// -----

// A buffer that a loop reads, here through a derived address, is live until the
// loop's end, so the loop's own buffer has another offset. The buffers of two
// branches share one.
// CHECK-LABEL: func.func @regions(
// CHECK-SAME: %[[BASE:.*]]: !llvm.ptr<3>
// CHECK-SAME: tile.scratch_bytes = 128 : i64
// CHECK: llvm.getelementptr %[[BASE]][0]
// CHECK: scf.for
// CHECK: llvm.getelementptr %[[BASE]][64]
// CHECK: scf.if
// CHECK: llvm.getelementptr %[[BASE]][0]
// CHECK: } else {
// CHECK: llvm.getelementptr %[[BASE]][0]
func.func @regions(%base: !llvm.ptr<3>, %v: f32, %n: index, %i: i64, %which: i1) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %a = tile.scratch %base, 64 : !llvm.ptr<3>
  %address = llvm.getelementptr %a[%i] : (!llvm.ptr<3>, i64) -> !llvm.ptr<3>, f32
  scf.for %k = %zero to %n step %one {
    %x = llvm.load %address : !llvm.ptr<3> -> f32
    %b = tile.scratch %base, 64 : !llvm.ptr<3>
    llvm.store %x, %b : f32, !llvm.ptr<3>
  }
  scf.if %which {
    %c = tile.scratch %base, 64 : !llvm.ptr<3>
    llvm.store %v, %c : f32, !llvm.ptr<3>
  } else {
    %d = tile.scratch %base, 64 : !llvm.ptr<3>
    llvm.store %v, %d : f32, !llvm.ptr<3>
  }
  return
}

// -----

// CHECK-LABEL: func.func @none()
// CHECK-SAME: tile.scratch_bytes = 0 : i64
func.func @none() {
  return
}

// -----

func.func @carried(%base: !llvm.ptr, %n: index) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %a = tile.scratch %base, 64 : !llvm.ptr
  // expected-error@+1 {{passes scratch memory to where its live range cannot be tracked}}
  %b = scf.for %k = %zero to %n step %one iter_args(%p = %a) -> (!llvm.ptr) {
    scf.yield %p : !llvm.ptr
  }
  return
}

// -----

// expected-error@+1 {{kernel 'large' needs 268435520 bytes of scratch memory, which grow with the extents after axis 0; at most 268435456 are supported}}
func.func @large(%base: !llvm.ptr, %v: f32) {
  %a = tile.scratch %base, 268435456 : !llvm.ptr
  %b = tile.scratch %base, 64 : !llvm.ptr
  llvm.store %v, %a : f32, !llvm.ptr
  llvm.store %v, %b : f32, !llvm.ptr
  return
}
