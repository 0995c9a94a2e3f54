//===- Blocking.h - block sizes of a target ---------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CONVERSION_BLOCKING_H
#define M1C_COMPILER_CONVERSION_BLOCKING_H

#include "dialects/Tile/IR/Tile.h"
#include "llvm/Support/MathExtras.h"
#include <algorithm>
#include <cstdint>

namespace m1 {

/// The block sizes that depend on the target. The initial values are those of
/// CPUs.
struct Blocking {
  int64_t Rows = 64;         // tokens per block of a product
  int64_t Panel = 32;        // columns per panel of a packed weight
  int64_t PanelsPerCell = 4; // panels that one cell of a product computes
  /// A weight's gradient: rows and columns of the block that a cell sums, and
  /// the tokens that are added at once.
  int64_t GradientRows = 192, GradientColumns = 64, GradientTokens = 64;
  /// Tokens per block of the output head in training, whose product is in f32,
  /// and whether a panel of bf16 weights is widened once for all of them,
  /// instead of where it is read.
  int64_t HeadRows = 128;
  bool WidensPanels = true;
  int64_t FewRows = 8; // tokens per block of a row kernel (norms and the like)
  /// Columns per cell of a kernel that visits all tokens in order.
  int64_t SumColumns = 256;
  /// Rows of a matrix per cell when its transpose is packed; 0: all.
  int64_t TransposedRows = 8;
  /// Elements that are updated, and then packed, while they are in a cache; 0:
  /// no limit.
  int64_t UpdateElements = int64_t(1) << 20;
  /// Elements per block of a flat tensor, and blocks per cell.
  int64_t FlatElements = 1024;
  int64_t FlatBlocks = 16;
  int64_t QueryRows = 64; // queries per block of softmax attention
  int64_t KeyRows = 64;   // keys per block; anchored at absolute positions
  /// Elements of lightning attention's state that a cell can carry; 0: no
  /// limit.
  int64_t StateElements = 0;
  /// Least number of keys per segment when several cells share the keys of a
  /// single query; 0: one cell visits all keys.
  int64_t SegmentKeys = 0;
  /// Columns of logits per cell when a token is drawn, and the number of key
  /// bits that one round of the search determines: more bits mean fewer, longer
  /// launches.
  int64_t SampleColumns = 65536;
  int64_t SampleBits = 2;
  /// The unit that products may run on; null if there is none.
  tile::MatrixUnitAttrInterface Unit;

  /// Keys per segment for sequences of up to `Length` positions: whole key
  /// blocks, at most 256 segments. 0 without segments.
  int64_t segmentKeys(int64_t Length) const {
    if (SegmentKeys == 0)
      return 0;
    const int64_t Least = llvm::divideCeil(Length, 256);
    return llvm::alignTo(std::max(SegmentKeys, Least), KeyRows);
  }

  /// The sizes for a target.
  static Blocking of(tile::TargetAttr Target);
};

} // namespace m1

#endif // M1C_COMPILER_CONVERSION_BLOCKING_H
