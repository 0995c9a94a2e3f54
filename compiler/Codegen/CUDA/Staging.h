//===- Staging.h - copying operand tiles through shared memory --*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CODEGEN_CUDA_STAGING_H
#define M1C_COMPILER_CODEGEN_CUDA_STAGING_H

#include "compiler/Codegen/Blocks/LoweringContext.h"
#include "compiler/Codegen/CUDA/SharedTile.h"
#include "compiler/Codegen/CUDA/ThreadBlock.h"

namespace m1::codegen {

/// An operand of a product that is copied from global to shared memory tile by
/// tile, in the order of k.
struct StagedOperand {
  Access From;         // in global memory
  TileLayout Layout;   // of a tile
  int64_t Offset = 0;  // of its tile in a stage, in bytes
  bool IsLeft = false; // k numbers its columns, not its rows
  /// For gathers: the source rows of the chunks that this thread copies.
  llvm::SmallVector<mlir::Value> SourceRows = {};
};

/// A ring of stages in shared memory. A stage holds the tiles of a product's
/// staged operands for one range of k; while it is multiplied, later stages are
/// filled by asynchronous copies.
///
/// Adjacent threads copy adjacent chunks of eight numbers (`cp.async`,
/// bypassing L1). Bounds need no branches: a copy of fewer bytes than a chunk
/// has fills it with zeros, and a copy of no bytes reads nothing.
class StagingRing {
public:
  /// Multiplies the tiles at `Stage`, from k = `First` on, which is tile number
  /// `Number` where that is known at compile time.
  using Multiply = llvm::function_ref<void(mlir::Value First, mlir::Value Stage,
                                           std::optional<int64_t> Number)>;

  /// `Depth` is the k of a tile.
  StagingRing(LoweringContext &Context, ThreadBlock &Threads, int64_t Depth,
              int64_t Stages)
      : Context(Context), B(Context.B), Threads(Threads), Depth(Depth),
        Stages(Stages) {}

  /// Adds an operand, whose tiles are [Rows, Cols]; returns its index.
  unsigned add(const Access &From, const TileLayout &Layout, bool IsLeft);
  bool empty() const { return Operands.empty(); }
  /// The tile of an operand at `Stage`.
  mlir::Value tile(unsigned Operand, mlir::Value Stage) {
    return byteAddress(B, Stage, B.index(Operands[Operand].Offset));
  }

  /// Copies `Tiles` tiles in order and calls `Emit` for each, for warps where
  /// `Used` (null: all) is true; the others only help to copy. With `Unroll`,
  /// the loop over tiles is unrolled.
  void run(int64_t Tiles, bool Unroll, const ThreadId &Id, mlir::Value Used,
           Multiply Emit);

private:
  void forEachChunk(const TileLayout &L,
                    llvm::function_ref<void(int64_t Number, mlir::Value Row,
                                            mlir::Value Chunk)>
                        Emit);
  void findSourceRows(StagedOperand &Operand);
  /// Starts to copy the tile from k = `First` on to `To`.
  void copyTile(const StagedOperand &Operand, mlir::Value First,
                mlir::Value To);
  /// The same for all operands, to the stage at `Offset`.
  void issue(mlir::Value First, mlir::Value Offset);
  void commit();
  /// Waits until all threads' copies to the oldest stage have arrived and no
  /// thread reads the stage before it, which is filled next.
  void wait();
  void runUnrolled(int64_t Tiles, mlir::Value Used, Multiply Emit);
  void runLoop(int64_t Tiles, mlir::Value Used, Multiply Emit);
  /// How many tiles' copies are started before the first tile is multiplied.
  int64_t ahead() const { return std::max<int64_t>(Stages - 1, 1); }

  LoweringContext &Context;
  ScalarBuilder &B;
  ThreadBlock &Threads;
  int64_t Depth, Stages;
  llvm::SmallVector<StagedOperand, 2> Operands;
  int64_t StageBytes = 0;
  mlir::Value Base;   // of the ring
  mlir::Value Thread; // the number of the thread that copies
};

} // namespace m1::codegen

#endif // M1C_COMPILER_CODEGEN_CUDA_STAGING_H
