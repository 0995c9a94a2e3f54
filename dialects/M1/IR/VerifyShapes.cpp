//===- VerifyShapes.cpp - checks of verifiers -----------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/M1/IR/VerifyShapes.h"

#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>

using namespace mlir;
using namespace m1;

LogicalResult m1::expectShape(Operation *Op, StringRef Constraint,
                              StringRef Name, Value V, ArrayRef<Axis> Axes) {
  RankedTensorType Ty = tensorType(V);
  bool Matches = Ty.getRank() == static_cast<int64_t>(Axes.size());
  for (size_t I = 0; Matches && I < Axes.size(); ++I) {
    const Axis &A = Axes[I];
    int64_t Size = Ty.getDimSize(I);
    if (ShapedType::isDynamic(Size))
      Matches = A.MayBeDynamic;
    else
      Matches = ShapedType::isDynamic(A.Size) || Size == A.Size;
  }
  if (Matches)
    return success();

  std::string Expected;
  llvm::raw_string_ostream OS(Expected);
  llvm::interleaveComma(Axes, OS, [&](const Axis &A) {
    OS << A.Name;
    if (!ShapedType::isDynamic(A.Size))
      OS << (A.Name.empty() ? "" : " = ") << A.Size;
  });
  return Op->emitOpError() << Constraint << ": expected " << Name << " to be ["
                           << Expected << "], found " << Ty;
}

LogicalResult m1::expectElementType(Operation *Op, StringRef Constraint,
                                    StringRef Name, Value V, Type Expected) {
  if (elementType(V) == Expected)
    return success();
  return Op->emitOpError() << Constraint << ": expected " << Name << " of "
                           << Expected << ", found " << elementType(V);
}

LogicalResult m1::expectPositive(Operation *Op, StringRef Constraint,
                                 StringRef Name, const APFloat &V) {
  if (V.isFinite() && !V.isNegative() && !V.isZero())
    return success();
  return Op->emitOpError() << Constraint << ": expected a positive " << Name
                           << ", found " << V.convertToDouble();
}

LogicalResult m1::expectSameShape(Operation *Op) {
  Value Result = Op->getResult(0);
  for (Value Operand : Op->getOperands())
    if (failed(verifyCompatibleShape(Operand.getType(), Result.getType())))
      return Op->emitOpError()
             << "C1: expected operands and result of one shape, found "
             << Operand.getType() << " and " << Result.getType();
  return success();
}

/// `Count`, called `What` in messages, divides `Extent`, called `Name`.
static LogicalResult expectDivisor(Operation *Op, StringRef Constraint,
                                   StringRef What, int64_t Count,
                                   StringRef Name, int64_t Extent) {
  if (Count > 0 && Extent % Count == 0)
    return success();
  return Op->emitOpError() << Constraint << ": expected a positive number of "
                           << What << " that divides " << Name << " = "
                           << Extent << ", found " << Count;
}

LogicalResult m1::expectGroups(Operation *Op, StringRef Constraint,
                               int64_t Groups, StringRef Name,
                               int64_t Columns) {
  return expectDivisor(Op, Constraint, "groups", Groups, Name, Columns);
}

LogicalResult m1::expectLeaves(Operation *Op, StringRef Constraint,
                               int64_t Leaves, StringRef Name, int64_t Terms) {
  return expectDivisor(Op, Constraint, "leaves", Leaves, Name, Terms);
}

LogicalResult m1::expectPartials(Operation *Op, StringRef Constraint,
                                 int64_t Leaves, int64_t Partials) {
  if (Partials > 0 && Leaves % Partials == 0 &&
      (Partials == 1 || llvm::isPowerOf2_64(Leaves / Partials)))
    return success();
  return Op->emitOpError() << Constraint << ": expected partial sums of the "
                           << Leaves
                           << " leaves with a power of two of them "
                              "each, found "
                           << Partials;
}

LogicalResult m1::expectExpertWeights(Operation *Op, StringRef Constraint,
                                      int64_t Width, Value W1, Value W3,
                                      Value W2) {
  if (failed(expectShape(Op, Constraint, "w1", W1,
                         {fixed("E"), fixed("F"), fixed("D", Width)})))
    return failure();
  const Axis Experts = fixed("E", extent(W1, 0));
  const Axis Hidden = fixed("F", extent(W1, 1));
  const Type Element = elementType(W1);
  if (failed(expectShape(Op, Constraint, "w3", W3,
                         {Experts, Hidden, fixed("D", Width)})) ||
      failed(expectShape(Op, Constraint, "w2", W2,
                         {Experts, fixed("D", Width), Hidden})) ||
      failed(expectElementType(Op, Constraint, "w3", W3, Element)))
    return failure();
  return expectElementType(Op, Constraint, "w2", W2, Element);
}

LogicalResult m1::expectProducts(Operation *Op, StringRef Constraint,
                                 ValueRange Products, int64_t Tokens,
                                 int64_t Choices, int64_t Width) {
  if (Products.empty())
    return success();
  if (Products.size() != 2)
    return Op->emitOpError() << Constraint
                             << ": expected gate and up as products, or none, "
                                "found "
                             << Products.size();
  const Axis Axes[] = {ragged("T", Tokens), fixed("K", Choices),
                       fixed("F", Width)};
  if (failed(expectShape(Op, Constraint, "gate", Products[0], Axes)))
    return failure();
  return expectShape(Op, Constraint, "up", Products[1], Axes);
}

LogicalResult m1::expectSlopes(Operation *Op, StringRef Constraint,
                               ArrayRef<double> Slopes, int64_t Heads) {
  if (static_cast<int64_t>(Slopes.size()) != Heads)
    return Op->emitOpError() << Constraint << ": expected " << Heads
                             << " slopes, found " << Slopes.size();
  for (double Slope : Slopes)
    if (!(Slope >= 0.0 && std::isfinite(Slope)))
      return Op->emitOpError()
             << Constraint << ": expected finite slopes of at least 0, found "
             << Slope;
  return success();
}
