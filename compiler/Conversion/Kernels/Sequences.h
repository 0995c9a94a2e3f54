//===- Sequences.h - ragged batches inside kernels --------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CONVERSION_KERNELS_SEQUENCES_H
#define M1C_COMPILER_CONVERSION_KERNELS_SEQUENCES_H

#include "compiler/Conversion/KernelBody.h"

namespace m1 {

/// The sequence that a cell works on.
struct Sequence {
  mlir::Value Begin;    // its first token in the batch
  mlir::Value Count;    // its tokens in the batch
  mlir::Value Position; // of its first token
  mlir::Value Slot;
};

/// Runs `Body` on sequence number x if it has tokens. Reads the kernel's
/// arguments positions [T], cu_seqlens [B+1] and slots [B].
void withSequence(KernelBody &B,
                  llvm::function_ref<void(const Sequence &)> Body);

/// Runs `Body` on sequence number x, which begins at position 0 and has no
/// slot, if it has tokens. Reads the kernel's argument cu_seqlens [B+1].
void withWholeSequence(KernelBody &B,
                       llvm::function_ref<void(const Sequence &)> Body);

/// A row of its own for chunk number `Chunk` of `C` positions of the sequence
/// that withWholeSequence() found: below T/C + B for T tokens, rounded down.
mlir::Value chunkRow(KernelBody &B, const Sequence &Seq, mlir::Value Chunk,
                     int64_t C);

/// The tokens of this call in a chunk of positions: its rows First <= i < Past.
/// Rows before First came with earlier calls; blocks of new tokens start there.
struct NewTokens {
  mlir::Value First, Past, Count;
  mlir::Value Token; // that of row First, in the batch
};

/// Those in chunk number `Chunk` of `C` positions.
NewTokens newTokens(KernelBody &B, const Sequence &Seq, mlir::Value Chunk,
                    int64_t C);

/// A block of i32 plus an index.
mlir::Value shifted(KernelBody &B, mlir::Value Block, mlir::Value By);

} // namespace m1

#endif // M1C_COMPILER_CONVERSION_KERNELS_SEQUENCES_H
