//===- VerifyShapes.h - checks of verifiers ---------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_DIALECTS_M1_IR_VERIFYSHAPES_H
#define M1C_DIALECTS_M1_IR_VERIFYSHAPES_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Operation.h"

namespace m1 {

/// The expected extent of one axis of a tensor.
struct Axis {
  llvm::StringRef Name;
  int64_t Size;      // kDynamic: any
  bool MayBeDynamic; // the axes of tokens and sequences
};

/// An axis with a static extent.
inline Axis fixed(llvm::StringRef Name,
                  int64_t Size = mlir::ShapedType::kDynamic) {
  return {Name, Size, false};
}

/// An axis of tokens or sequences, which may be dynamic.
inline Axis ragged(llvm::StringRef Name,
                   int64_t Size = mlir::ShapedType::kDynamic) {
  return {Name, Size, true};
}

inline mlir::RankedTensorType tensorType(mlir::Value V) {
  return llvm::cast<mlir::RankedTensorType>(V.getType());
}
inline int64_t extent(mlir::Value V, unsigned A) {
  return tensorType(V).getDimSize(A);
}
inline mlir::Type elementType(mlir::Value V) {
  return tensorType(V).getElementType();
}

// Each emits a diagnostic that cites `Constraint` if it fails.

/// `V`, called `Name` in messages, has exactly these axes.
llvm::LogicalResult expectShape(mlir::Operation *Op, llvm::StringRef Constraint,
                                llvm::StringRef Name, mlir::Value V,
                                llvm::ArrayRef<Axis> Axes);
llvm::LogicalResult expectElementType(mlir::Operation *Op,
                                      llvm::StringRef Constraint,
                                      llvm::StringRef Name, mlir::Value V,
                                      mlir::Type Expected);
llvm::LogicalResult expectPositive(mlir::Operation *Op,
                                   llvm::StringRef Constraint,
                                   llvm::StringRef Name,
                                   const llvm::APFloat &V);
/// (C1) of the elementwise operations: operands and result of one shape.
llvm::LogicalResult expectSameShape(mlir::Operation *Op);
/// `Groups` is positive and divides `Columns`, the extent of the axis `Name`.
llvm::LogicalResult expectGroups(mlir::Operation *Op,
                                 llvm::StringRef Constraint, int64_t Groups,
                                 llvm::StringRef Name, int64_t Columns);
/// `Leaves` is positive and divides `Terms`, the extent of the axis `Name`.
llvm::LogicalResult expectLeaves(mlir::Operation *Op,
                                 llvm::StringRef Constraint, int64_t Leaves,
                                 llvm::StringRef Name, int64_t Terms);
/// `Partials` is positive, and each of more than one partial sum has the same
/// number of `Leaves`, a power of two.
llvm::LogicalResult expectPartials(mlir::Operation *Op,
                                   llvm::StringRef Constraint, int64_t Leaves,
                                   int64_t Partials);
/// Weights of experts on rows of `Width` columns: W1 and W3 are [E, F, Width],
/// W2 is [E, Width, F], all of one element type.
llvm::LogicalResult expectExpertWeights(mlir::Operation *Op,
                                        llvm::StringRef Constraint,
                                        int64_t Width, mlir::Value W1,
                                        mlir::Value W3, mlir::Value W2);
/// `Products` of experts are none, or gate and up: [Tokens, Choices, Width].
llvm::LogicalResult expectProducts(mlir::Operation *Op,
                                   llvm::StringRef Constraint,
                                   mlir::ValueRange Products, int64_t Tokens,
                                   int64_t Choices, int64_t Width);
/// Slopes of lightning attention: one for each head, finite, none negative.
llvm::LogicalResult expectSlopes(mlir::Operation *Op,
                                 llvm::StringRef Constraint,
                                 llvm::ArrayRef<double> Slopes, int64_t Heads);

} // namespace m1

#endif // M1C_DIALECTS_M1_IR_VERIFYSHAPES_H
