//===- TokenSums.h - sums over tokens, added to tensors ---------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A weight's gradient is leftᵀ right, a sum over tokens. Its kernels add the
// terms to a tensor state, one after the other in the order of tokens.
//
// A unit that adds two terms at once gets the tokens of a sequence in twos: (0,
// 1), (2, 3) and so on, an odd last one with zeros. So which terms are added
// together depends on the sequence alone. A list says so: an entry is the
// number of a row, or -1 minus that of the row before it for a row of zeros.
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CONVERSION_KERNELS_TOKENSUMS_H
#define M1C_COMPILER_CONVERSION_KERNELS_TOKENSUMS_H

#include "compiler/Conversion/Kernel.h"
#include "compiler/Conversion/KernelBody.h"

namespace m1 {

/// Whether sums over tokens of these elements take tokens in twos: the target's
/// unit adds two terms at once.
bool takesTwos(const Blocking &Blocks, mlir::Type Left, mlir::Type Right);

/// How blocks divide an axis of a gradient: `Count` blocks of `Size`, and one
/// of `Rest` unless that is 0.
struct AxisBlocks {
  int64_t Size, Count, Rest;
  int64_t cells() const { return Count + (Rest > 0); }
};
/// How addOverTokens() divides a gradient, and how many tokens it adds at once.
struct GradientBlocks {
  AxisBlocks Rows, Columns;
  int64_t Tokens;

  GradientBlocks(const Blocking &Blocks, int64_t Rows, int64_t Columns,
                 bool Twos);
};

/// A block of a gradient, and the number of tokens that are added to it at
/// once.
struct GradientBlock {
  mlir::Value Row, Column;
  int64_t Height, Width, Tokens;
};

/// Adds `Count` terms to the cell's block of "state", [N, K] or [E, N, K] with
/// the cell's z. `Load` returns the rows of the left and of the right operand
/// of terms `First` and on, of which `Some` count. With `Twos`, these are rows
/// of a list in twos. Grid: (blocks of columns, blocks of rows), so that cells
/// which follow each other have the same part of the left operand, the larger.
void addOverTokens(
    KernelBody &B, mlir::Value Count, bool Twos,
    llvm::function_ref<std::pair<mlir::Value, mlir::Value>(
        const GradientBlock &At, mlir::Value First, mlir::Value Some)>
        Load);

/// Entries of a list in twos: the row, and whether it counts.
struct ListedRows {
  mlir::Value Row, Counts;
};
/// The entries of row z of `List` from `First` on.
ListedRows listedRows(KernelBody &B, mlir::Value List, const GradientBlock &At,
                      mlir::Value First);
/// A block, with zeros in the rows that do not count.
mlir::Value countedRows(KernelBody &B, mlir::Value Block, mlir::Value Counts);

/// Completes the last two of the `Count` entries of row `Row` of `List`, whose
/// last is `Last`; returns their number.
mlir::Value completeTwos(KernelBody &B, mlir::Value List, mlir::Value Row,
                         mlir::Value Count, mlir::Value Last);

/// Writes the list in twos of the tokens of all sequences. Of blocks of `block`
/// tokens, it also writes to `ranges` the first of the entries of block i and
/// on: each of the twos belongs to the block of its last token. Grid: one cell.
KernelDeclaration listTokensKernel();

/// The least extent of such a list that has room for `Rows` rows of as many as
/// `Sequences` sequences: blocks of tokens are read as a whole.
int64_t listExtent(const Blocking &Blocks, int64_t Rows, int64_t Sequences);

} // namespace m1

#endif // M1C_COMPILER_CONVERSION_KERNELS_TOKENSUMS_H
