//===- ExpertBodies.h - what kernels of experts share -----------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CONVERSION_KERNELS_EXPERTBODIES_H
#define M1C_COMPILER_CONVERSION_KERNELS_EXPERTBODIES_H

#include "compiler/Conversion/KernelBody.h"

namespace m1 {

/// A router's probabilities for a block of rows, in a block that is as wide as
/// the panel of its packed weight.
struct RouterBlock {
  mlir::Value First, Rows; // of the kernel's arguments
  mlir::Value Column;      // each element's column
  mlir::Value Real;        // whether there is an expert of that number
  mlir::Value P;           // 0 in other columns
  int64_t Width;
};

/// softmax(x weightᵀ) of the cell's block of few rows, from the arguments `x`
/// and `weight`; the constant `expert_count` tells the experts.
RouterBlock routerProbabilities(KernelBody &B);

/// Runs `Body` on the cell's block of the pairs that chose expert z, for each
/// panel of the cell's group; a weight has `Panels` panels. `Pairs` are the
/// block's numbers t * K + k, `Rows` is their count, and `Load` returns the
/// left operands of their products.
void forChosen(
    KernelBody &B, int64_t Panels,
    llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value Pairs,
                                                      mlir::Value Rows)>
        Load,
    llvm::function_ref<void(mlir::ValueRange Blocks, mlir::Value Pairs,
                            mlir::Value Rows, mlir::Value Panel)>
        Body);

/// The tokens of pairs, for `Choices` of each.
mlir::Value tokensOf(KernelBody &B, mlir::Value Pairs, int64_t Choices);

} // namespace m1

#endif // M1C_COMPILER_CONVERSION_KERNELS_EXPERTBODIES_H
