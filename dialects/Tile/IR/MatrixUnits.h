//===- MatrixUnits.h - shapes of matrix instructions ------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_DIALECTS_TILE_IR_MATRIXUNITS_H
#define M1C_DIALECTS_TILE_IR_MATRIXUNITS_H

#include <cstdint>

namespace m1::tile {

/// The extent of k in one instruction of #tile.amx, #tile.avx512_bf16 and
/// #tile.mma.
inline constexpr int64_t kAmxDepth = 32;
inline constexpr int64_t kAvx512Bf16Depth = 2;
inline constexpr int64_t kMmaDepth = 16;

} // namespace m1::tile

#endif // M1C_DIALECTS_TILE_IR_MATRIXUNITS_H
