//===- ThreadBlock.h - the threads of a grid cell ---------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CODEGEN_CUDA_THREADBLOCK_H
#define M1C_COMPILER_CODEGEN_CUDA_THREADBLOCK_H

#include "compiler/Codegen/Blocks/Access.h"
#include "compiler/Codegen/CUDA/RegisterLayouts.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace m1::codegen {

/// The number of a thread's warp in the thread block and of its lane in the
/// warp, as indices.
struct ThreadId {
  mlir::Value Warp, Lane;
};

/// The thread block that computes a grid cell: which part of a block each
/// thread owns, loops that threads share, and how threads communicate.
class ThreadBlock {
public:
  using Body = llvm::function_ref<void(const Position &)>;

  /// `Thread` is the thread's number in its block, as an index.
  ThreadBlock(ScalarBuilder &B, int64_t Threads, mlir::Value Thread);

  int64_t threads() const { return Threads; }
  int64_t warps() const { return Threads / kLanes; }
  mlir::Value thread() const { return Thread; }
  const ThreadId &id() const { return Id; }
  /// The thread's id, read anew from its special register. Values derived from
  /// `id()` are loop-invariant: LLVM would hoist them, even exponentials of
  /// masks, and keep them in registers across all enclosing loops.
  ThreadId readId();

  // The elements of a block in registers that a thread owns.
  mlir::Value firstRow(const RegisterLayout &L, const ThreadId &Id);
  mlir::Value firstCol(const RegisterLayout &L, const ThreadId &Id);
  /// The first row and column of the tiles of the thread's warp.
  mlir::Value firstTileRow(const RegisterLayout &L, const ThreadId &Id);
  mlir::Value firstTileCol(const RegisterLayout &L, const ThreadId &Id);
  /// The thread's first column in a tile.
  mlir::Value colInTile(const ThreadId &Id);
  /// Calls `Emit` for each slot of the thread, or each pair of slots with
  /// `Vectorize`. With `Guard`, only for positions inside it, and only on one
  /// of the threads that share a value for each row.
  void forEachSlot(const RegisterLayout &L, const Extent *Guard, bool Vectorize,
                   Body Emit);

  /// A loop from 0 to `Count` whose iterations are distributed cyclically over
  /// the threads.
  void share(mlir::Value Count, llvm::function_ref<void(mlir::Value)> Emit);
  /// Runs `Emit` on one thread, between barriers.
  void once(llvm::function_ref<void()> Emit);

  /// Emits a barrier, unless no code that reads or writes shared memory was
  /// emitted since the last one.
  void barrier();
  /// To be called after emitting code that reads or writes shared memory.
  void invalidateBarrier() { Synchronized = false; }

  /// Combines `V` of lanes whose numbers differ in one bit, for each of the
  /// distances in turn. Shuffles move 32 bits at a time.
  mlir::Value combineLanes(mlir::vector::CombiningKind Kind, mlir::Value V,
                           llvm::ArrayRef<int64_t> Distances);
  /// Combines `V` of all lanes of a warp.
  mlir::Value combineWarp(mlir::vector::CombiningKind Kind, mlir::Value V) {
    return combineLanes(Kind, V, {16, 8, 4, 2, 1});
  }

private:
  /// The value of `V`, 32 or 64 bits, on the lane at that distance.
  mlir::Value shuffle(mlir::Value V, int64_t Distance);
  void forEachRowSlot(const RegisterLayout &L, const Extent *Guard,
                      const ThreadId &Id, Body Emit);
  void forEachElementSlot(const RegisterLayout &L, const Extent *Guard,
                          const ThreadId &Id, int64_t Width, Body Emit);

  ScalarBuilder &B;
  int64_t Threads;
  mlir::Value Thread;
  ThreadId Id;
  bool Synchronized = false; // no barrier is needed now
};

} // namespace m1::codegen

#endif // M1C_COMPILER_CODEGEN_CUDA_THREADBLOCK_H
