//===- RegisterLayout.h - blocks in a thread block's registers --*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef M1C_COMPILER_CODEGEN_BLOCKS_REGISTERLAYOUT_H
#define M1C_COMPILER_CODEGEN_BLOCKS_REGISTERLAYOUT_H

#include <cstdint>

namespace m1::codegen {

/// How the elements of a block are distributed over the registers of a thread
/// block: like the accumulators of the matrix units (mma.m16n8k16). A block
/// [Rows, Cols] is cut into tiles of 16 by 8. Warp w owns every WarpsDown-th
/// row of tiles, starting with w % WarpsDown, and in these rows an equal share
/// of adjacent tiles. In each tile, lane l owns the elements
/// [l / 4 + 8 h, 2 (l % 4) + e] for h and e in {0, 1}. A thread numbers its
/// elements by tile, row by row, then by h and e: these numbers are its slots.
///
/// A block of rank 1 with a value for each row (Cols is 0) is laid out alike:
/// the four lanes that share a row all hold its value; slots are numbered by
/// tile and h.
struct RegisterLayout {
  static constexpr int64_t kTileRows = 16, kTileCols = 8;
  /// Lanes that share the rows of a tile.
  static constexpr int64_t kLanesPerRow = 4;

  int64_t Rows = 0, Cols = 0, WarpsDown = 1, WarpsAcross = 1;
  /// The layout of a value for each row; null where several warps share a row.
  const RegisterLayout *OfRows = nullptr;

  int64_t tilesDown() const { return Rows / kTileRows / WarpsDown; }
  int64_t tilesAcross() const { return Cols / kTileCols / WarpsAcross; }
  int64_t slots() const {
    return tilesDown() * 2 * (Cols ? tilesAcross() * 2 : 1);
  }
  int64_t slot(int64_t Down, int64_t Across, int64_t Half) const {
    return ((Down * tilesAcross() + Across) * 2 + Half) * 2;
  }
  /// The distance of one of a thread's rows from its first row.
  int64_t rowOffset(int64_t Down, int64_t Half) const {
    return Down * WarpsDown * kTileRows + Half * 8;
  }
  static int64_t rowSlot(int64_t Down, int64_t Half) { return Down * 2 + Half; }
  /// The slot in `OfRows` of the row that holds element slot `Slot`.
  int64_t rowSlotOf(int64_t Slot) const {
    return rowSlot(Slot / (tilesAcross() * 4), Slot / 2 % 2);
  }
};

} // namespace m1::codegen

#endif // M1C_COMPILER_CODEGEN_BLOCKS_REGISTERLAYOUT_H
