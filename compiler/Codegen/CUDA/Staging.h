//===- Staging.h - tiles of operands in shared memory -----------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CODEGEN_CUDA_STAGING_H
#define M1C_COMPILER_CODEGEN_CUDA_STAGING_H

#include "compiler/Codegen/Blocks/BlockLowering.h"

#include <cstdint>

namespace m1::codegen {

/// How a tile of 16-bit numbers lies in shared memory: rows of chunks of eight,
/// which is what an asynchronous copy writes and `ldmatrix` reads at once.
/// Eight rows' chunks of one column lie in different banks: a row's chunks are
/// permuted by an exclusive or with its number, or rows are an odd number of
/// chunks apart where that cannot be done.
struct TileLayout {
  static constexpr int64_t kChunk = 8, kChunkBytes = 16;

  TileLayout() = default;
  /// The best for a tile [Rows, Cols]; Cols is a multiple of kChunk.
  TileLayout(int64_t Rows, int64_t Cols);
  /// As `tile-assign-products` chose.
  TileLayout(int64_t Rows, int64_t Cols, tile::OperandAttr Chosen)
      : Rows(Rows), Chunks(Cols / kChunk), Pitch(Chosen.getPitch()),
        Mask(Chosen.getMask()), Shift(Chosen.getShift()) {}
  /// As it lies in memory whose rows are `Stride` numbers apart.
  TileLayout(int64_t Rows, int64_t Cols, int64_t Stride)
      : Rows(Rows), Chunks(Cols / kChunk),
        Pitch(Stride / kChunk * kChunkBytes) {}

  int64_t Rows = 0;
  int64_t Chunks = 0; // of a row
  int64_t Pitch = 0;  // bytes from row to row
  /// Chunk c of row r lies at r * Pitch + (c ^ (r >> Shift & Mask)) *
  /// kChunkBytes.
  int64_t Mask = 0, Shift = 0;

  int64_t bytes() const { return Rows * Pitch; }
};

/// An operand of a product that is copied to shared memory tile by tile, in
/// the order of k.
struct Staged {
  Access From;         // in global memory
  int64_t Offset = 0;  // of its tile in a stage, in bytes
  bool IsLeft = false; // k runs along its rows' columns, not from row to row
  /// For gathers: the source rows of the chunks that this thread copies.
  llvm::SmallVector<mlir::Value> SourceRows;
};

} // namespace m1::codegen

#endif // M1C_COMPILER_CODEGEN_CUDA_STAGING_H
