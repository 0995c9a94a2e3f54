//===- SharedTile.h - tiles of operands in shared memory --------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CODEGEN_CUDA_SHAREDTILE_H
#define M1C_COMPILER_CODEGEN_CUDA_SHAREDTILE_H

#include "compiler/Codegen/Blocks/ScratchMemory.h"

namespace m1::codegen {

/// The layout of a tile of 16-bit numbers in shared memory: rows of chunks of
/// eight numbers, the unit of asynchronous copies and of `ldmatrix`. The chunks
/// of eight rows in one column are in different banks: the chunks of a row are
/// swizzled, that is, permuted by an exclusive or with the row's number, or
/// rows are an odd number of chunks apart where that is impossible.
struct TileLayout {
  static constexpr int64_t kChunk = 8, kChunkBytes = 16;

  TileLayout() = default;
  /// The best layout of a tile [Rows, Cols]; Cols is a multiple of kChunk.
  TileLayout(int64_t Rows, int64_t Cols);
  /// The layout that `tile-assign-products` chose.
  TileLayout(int64_t Rows, int64_t Cols, tile::OperandAttr Chosen)
      : Rows(Rows), Chunks(Cols / kChunk), Pitch(Chosen.getPitch()),
        Mask(Chosen.getMask()), Shift(Chosen.getShift()) {}
  /// The layout of a buffer whose rows are `Stride` numbers apart.
  TileLayout(int64_t Rows, int64_t Cols, int64_t Stride)
      : Rows(Rows), Chunks(Cols / kChunk),
        Pitch(Stride / kChunk * kChunkBytes) {}

  int64_t Rows = 0;
  int64_t Chunks = 0; // per row
  int64_t Pitch = 0;  // bytes from row to row
  /// Chunk c of row r has the offset r * Pitch + (c ^ (r >> Shift & Mask)) *
  /// kChunkBytes.
  int64_t Mask = 0, Shift = 0;

  int64_t bytes() const { return Rows * Pitch; }
};

/// `Base` plus `Bytes`, an index.
mlir::Value byteAddress(ScalarBuilder &B, mlir::Value Base, mlir::Value Bytes);

/// The offset in bytes of chunk `Chunk` of row `Row`.
mlir::Value chunkOffset(ScalarBuilder &B, const TileLayout &L, mlir::Value Row,
                        mlir::Value Chunk);

/// `ldmatrix` of two matrices of 8 by 8, one below the other, or of four, two
/// by two, from row `Row` and chunk `Chunk` of the tile at `Base` on. A 32-bit
/// register for each matrix.
llvm::SmallVector<mlir::Value> loadMatrices(ScalarBuilder &B,
                                            const TileLayout &L,
                                            mlir::Value Base, mlir::Value Row,
                                            mlir::Value Chunk, mlir::Value Lane,
                                            unsigned Count, bool Transposed);

/// A buffer in shared memory. Rows of whole chunks of bf16 are an odd number of
/// chunks apart, so that `ldmatrix` has no bank conflicts.
Access allocateShared(ScratchMemory &Shared, mlir::VectorType Type);

/// True for a buffer in shared memory that `ldmatrix` can read.
bool isMatrixReadable(const ScratchMemory &Shared, const Access &A);

} // namespace m1::codegen

#endif // M1C_COMPILER_CODEGEN_CUDA_SHAREDTILE_H
