//===- TokenLists.h - launches of sums over tokens --------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CONVERSION_KERNELS_TOKENLISTS_H
#define M1C_COMPILER_CONVERSION_KERNELS_TOKENLISTS_H

#include "compiler/Conversion/Kernels/TokenSums.h"
#include "compiler/Conversion/ProgramLowering.h"

namespace m1 {

/// The grid of addOverTokens() for a matrix of that shape.
llvm::SmallVector<plan::ExprAttr> gradientGrid(ProgramLowering &Program,
                                               int64_t Rows, int64_t Columns,
                                               bool Twos);

/// Launches listTokensKernel() for `Sequences` sequences of `T` tokens. Returns
/// its operands `list` and `counts`, and with `Block` (tokens, a block of
/// `Blocks`) `ranges` as well.
llvm::SmallVector<Named<mlir::Value>>
listTokens(mlir::Value CuSeqlens, plan::ExprAttr T, plan::ExprAttr Sequences,
           ProgramLowering &Program, int64_t Block = 0, int64_t Blocks = 0);

} // namespace m1

#endif // M1C_COMPILER_CONVERSION_KERNELS_TOKENLISTS_H
