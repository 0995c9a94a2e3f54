//===- Spread.h - blocks in the registers of a thread block -----*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CODEGEN_CUDA_SPREAD_H
#define M1C_COMPILER_CODEGEN_CUDA_SPREAD_H

#include "compiler/Codegen/Blocks/BlockLowering.h"

#include <cstdint>
#include <map>
#include <utility>

namespace m1::codegen {

/// Of an op with blocks that are spread: an array with a tile.spread or a unit
/// for each result.
inline constexpr llvm::StringLiteral kLayoutsAttr = "tile.layouts";

/// How a block's elements are spread over the registers of a thread block: as
/// the matrix units' accumulators are (mma.m16n8k16). A block [Rows, Cols] is
/// cut into tiles of 16 by 8; warp w has every WarpsDown-th row of tiles from
/// w % WarpsDown on, and in these an equal share of neighbouring tiles. In a
/// tile a lane l has the elements [l / 4 + 8 h, 2 (l % 4) + e] for h and e in
/// {0, 1}. A thread's elements are numbered by its tiles, row by row, then by h
/// and e: those numbers are its slots.
///
/// A block of rank 1 with a value for each row (Cols is 0) is spread alike: the
/// four lanes that share a row all have its value; slots are numbered by tile
/// and h.
struct Spread {
  static constexpr int64_t kWarps = 4, kLanes = 32, kThreads = kWarps * kLanes;
  static constexpr int64_t kTileRows = 16, kTileCols = 8;
  /// More registers than this a thread, and a block goes to memory.
  static constexpr int64_t kMostSlots = 128;

  int64_t Rows = 0, Cols = 0, WarpsDown = kWarps, WarpsAcross = 1;
  /// The spread of a value for each row; null where several warps share a row.
  const Spread *OfRows = nullptr;

  int64_t tilesDown() const { return Rows / kTileRows / WarpsDown; }
  int64_t tilesAcross() const { return Cols / kTileCols / WarpsAcross; }
  int64_t slots() const {
    return tilesDown() * 2 * (Cols ? tilesAcross() * 2 : 1);
  }
  int64_t slot(int64_t Down, int64_t Across, int64_t Half) const {
    return ((Down * tilesAcross() + Across) * 2 + Half) * 2;
  }
  /// How far a thread's rows lie below its first.
  int64_t rowOffset(int64_t Down, int64_t Half) const {
    return Down * WarpsDown * kTileRows + Half * 8;
  }
  static int64_t rowSlot(int64_t Down, int64_t Half) { return Down * 2 + Half; }
  /// The row's slot of an element's.
  int64_t rowSlotOf(int64_t Slot) const {
    return rowSlot(Slot / (tilesAcross() * 4), Slot / 2 % 2);
  }
};

/// The spreads of one kernel, each made once.
class Spreads {
public:
  /// The spread of blocks of that shape; null for shapes that stay in memory.
  const Spread *of(llvm::ArrayRef<int64_t> Shape);
  /// What `tile-assign-layouts` chose for a block; null for shared memory.
  const Spread *assigned(mlir::Value Block);

private:
  std::map<std::pair<int64_t, int64_t>, Spread> Known;
};

} // namespace m1::codegen

#endif // M1C_COMPILER_CODEGEN_CUDA_SPREAD_H
