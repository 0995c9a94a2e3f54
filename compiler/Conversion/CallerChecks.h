//===- CallerChecks.h - checks of a program's inputs ------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_CONVERSION_CALLERCHECKS_H
#define M1C_COMPILER_CONVERSION_CALLERCHECKS_H

#include "dialects/M1/IR/M1.h"
#include "dialects/Plan/IR/Plan.h"
#include "llvm/ADT/SetVector.h"

namespace m1 {

/// Collects, while a function is lowered, what its kernels rely on about the
/// elements of index tensors. A property of an op's result must follow from
/// that op; a property of an argument of the function becomes an entry of
/// `plan.checks`, which the runtime verifies before each call.
class CallerChecks {
public:
  explicit CallerChecks(unsigned Arguments) : Given(Arguments) {}

  /// Elements of `V`, called `Name` in messages, are at least 0 and below
  /// `Limit`. Fails with a diagnostic of `Op` if that cannot be known.
  llvm::LogicalResult expectBelow(mlir::Operation *Op, llvm::StringRef Name,
                                  mlir::Value V, int64_t Limit);
  /// Elements of `V`, an argument, are -1 or at least 0 and below `Rows`.
  llvm::LogicalResult expectRowOrNone(mlir::Operation *Op, llvm::StringRef Name,
                                      mlir::Value V, plan::ExprAttr Rows);
  /// `CuSeqlens` begins with 0, does not decrease and ends with `Total`.
  llvm::LogicalResult expectOffsets(mlir::Operation *Op, mlir::Value CuSeqlens,
                                    plan::ExprAttr Total);
  /// No number occurs twice in a row of `V`, an argument (a vector is one row).
  llvm::LogicalResult expectUnique(mlir::Operation *Op, llvm::StringRef Name,
                                   mlir::Value V);
  /// Within each sequence of `CuSeqlens`, for which expectOffsets() has
  /// succeeded, `Positions` increase by one per token.
  llvm::LogicalResult expectConsecutive(mlir::Operation *Op,
                                        mlir::Value Positions,
                                        mlir::Value CuSeqlens);

  /// The `plan.checks` of an argument; null if there are none.
  mlir::ArrayAttr get(unsigned Argument, mlir::MLIRContext *Context) const;

private:
  struct Checks {
    std::optional<int64_t> Limit;
    bool Unique = false;
    llvm::SmallSetVector<mlir::Attribute, 2> Rows, Offsets, Consecutive;
  };
  /// The checks of `V`; null after a diagnostic if `V` is no argument of the
  /// function.
  Checks *find(mlir::Operation *Op, llvm::StringRef Name, mlir::Value V);

  llvm::SmallVector<Checks> Given; // by argument number
};

} // namespace m1

#endif // M1C_COMPILER_CONVERSION_CALLERCHECKS_H
