//===- Materializer.h - writing blocks to buffers ---------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CODEGEN_BLOCKS_MATERIALIZER_H
#define M1C_COMPILER_CODEGEN_BLOCKS_MATERIALIZER_H

#include "compiler/Codegen/Blocks/LoweringContext.h"

namespace m1::codegen {

/// A target's buffers, and its loops over the elements of a block.
class BlockLoops {
public:
  using Body = llvm::function_ref<void(const Position &)>;

  virtual ~BlockLoops() = default;
  /// A buffer for `Block`, with elements as `Type` has them.
  virtual Access allocateFor(mlir::Value Block, mlir::VectorType Type) = 0;
  /// Calls `Emit` inside loops that cover `E` once, so that it can evaluate
  /// `Block` there and store it to `To`. With `Vectorize`, positions may have
  /// several elements of a row.
  virtual void forEach(mlir::Value Block, const Access &To, const Extent &E,
                       bool Vectorize, Body Emit) = 0;
  /// Writes to the part `E` of `To` the transpose of a block, which `Row`
  /// evaluates some elements of a row at a time. Returns false and emits
  /// nothing where the elements must be written one by one.
  virtual bool
  transpose(const Access &To, const Extent &E,
            llvm::function_ref<mlir::Value(const Position &)> Row) {
    return false;
  }
  /// Writes to the part `E` of `To`, whose rows are interleaved in pairs, a
  /// block, or with `Transposed` the transpose of a block, which `Row`
  /// evaluates some elements of a row at a time. Returns false as transpose().
  virtual bool
  interleave(const Access &To, const Extent &E, bool Transposed,
             llvm::function_ref<mlir::Value(const Position &)> Row) {
    return false;
  }
};

/// Writes blocks to buffers.
class Materializer {
public:
  Materializer(LoweringContext &Context, BlockLoops &Loops)
      : Context(Context), Loops(Loops) {}

  /// Writes the part `E` of `Block` to `To`, converted to its element type.
  void write(mlir::Value Block, const Access &To, const Extent &E);
  /// Writes the demanded part.
  void write(mlir::Value Block, const Access &To) {
    write(Block, To, Context.demandedExtent(Block));
  }
  Access allocateFor(mlir::Value Block, mlir::VectorType Type) {
    return Loops.allocateFor(Block, Type);
  }
  /// The buffer of `Block` if it has one with elements of type `Element` (null:
  /// the block's own); otherwise a new buffer with the demanded part.
  Access materialize(mlir::Value Block, mlir::Type Element = {});
  /// A new buffer with `Block`, whose rows are interleaved in pairs: all of
  /// them, or the pairs of the first `Rows` rows.
  Access materializePairs(mlir::Value Block, mlir::Value Rows = {});
  /// Writes `Values` to `Targets` in parallel: each value reads what the
  /// targets hold before the first write. `Current` are the blocks that the
  /// targets hold until then, which the values may read; empty if the targets
  /// hold nothing.
  void assign(mlir::ValueRange Values, mlir::ValueRange Current,
              llvm::ArrayRef<Access> Targets);

private:
  LoweringContext &Context;
  BlockLoops &Loops;
};

} // namespace m1::codegen

#endif // M1C_COMPILER_CODEGEN_BLOCKS_MATERIALIZER_H
