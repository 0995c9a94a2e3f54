//===- ExpertRouting.h - the pairs of each expert ---------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CONVERSION_KERNELS_EXPERTROUTING_H
#define M1C_COMPILER_CONVERSION_KERNELS_EXPERTROUTING_H

#include "compiler/Conversion/ProgramLowering.h"

namespace m1 {

/// Operands of the kernels that work on each expert's pairs of a token and a
/// choice.
struct ExpertRouting {
  Named<mlir::Value> Pairs, Counts;
};

/// Launches the kernel that finds the pairs of the `Count` experts of `Op`,
/// whose operand `Experts` is [T, K]. With `Shard`, they are those of a rank.
/// Fails with a diagnostic.
mlir::FailureOr<ExpertRouting> routePairs(mlir::Operation *Op,
                                          mlir::Value Experts, int64_t Count,
                                          ProgramLowering &Program,
                                          ShardAttr Shard = {});

/// The same, as lists in twos of the pairs of each sequence (TokenSums.h).
mlir::FailureOr<ExpertRouting> routeTwos(mlir::Operation *Op,
                                         mlir::Value Experts,
                                         mlir::Value CuSeqlens, int64_t Count,
                                         ProgramLowering &Program);

/// The grid of a kernel on each expert's pairs of T tokens and a packed weight
/// with an axis of experts.
llvm::SmallVector<plan::ExprAttr>
expertGrid(ProgramLowering &Program, plan::ExprAttr T, mlir::Value Packed);

/// The operands `gate` and `up` of kernels, with a row for each pair.
/// `Products` is the memory of both, [T, K, F], or none: then there are no
/// operands.
llvm::SmallVector<Named<mlir::Value>, 2>
productOperands(ProgramLowering &Program, llvm::ArrayRef<mlir::Value> Products);

/// The packed weight of a router, one panel for all experts; null after a
/// diagnostic.
mlir::Value packedRouter(mlir::Value Weight, mlir::Value X,
                         mlir::Operation *User, ProgramLowering &Program);

} // namespace m1

#endif // M1C_COMPILER_CONVERSION_KERNELS_EXPERTROUTING_H
