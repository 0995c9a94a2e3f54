//===- CallerChecks.cpp - checks of a program's inputs --------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/CallerChecks.h"

using namespace mlir;
using namespace m1;

CallerChecks::Checks *CallerChecks::find(Operation *Op, StringRef Name,
                                         Value V) {
  if (auto Argument = dyn_cast<BlockArgument>(V))
    return &Given[Argument.getArgNumber()];
  Op->emitOpError("expected ")
      << Name << " to be an argument of the function, found a result of "
      << V.getDefiningOp()->getName();
  return nullptr;
}

LogicalResult CallerChecks::expectBelow(Operation *Op, StringRef Name, Value V,
                                        int64_t Limit) {
  if (auto Ranged = V.getDefiningOp<ResultRangeOpInterface>())
    if (auto Known = Ranged.getResultLimit(cast<OpResult>(V))) {
      if (*Known <= Limit)
        return success();
      return Op->emitOpError("expected ")
             << Name << " below " << Limit << ", found a result of "
             << Ranged->getName() << " that is below " << *Known;
    }
  Checks *Found = find(Op, Name, V);
  if (!Found)
    return failure();
  Found->Limit = std::min(Found->Limit.value_or(Limit), Limit);
  return success();
}

LogicalResult CallerChecks::expectRowOrNone(Operation *Op, StringRef Name,
                                            Value V, plan::ExprAttr Rows) {
  Checks *Found = find(Op, Name, V);
  if (!Found)
    return failure();
  Found->Rows.insert(plan::RowOrNoneAttr::get(Op->getContext(), Rows));
  return success();
}

LogicalResult CallerChecks::expectOffsets(Operation *Op, Value CuSeqlens,
                                          plan::ExprAttr Total) {
  Checks *Found = find(Op, "cu_seqlens", CuSeqlens);
  if (!Found)
    return failure();
  Found->Offsets.insert(plan::OffsetsAttr::get(Op->getContext(), Total));
  return success();
}

LogicalResult CallerChecks::expectUnique(Operation *Op, StringRef Name,
                                         Value V) {
  Checks *Found = find(Op, Name, V);
  if (!Found)
    return failure();
  Found->Unique = true;
  return success();
}

LogicalResult CallerChecks::expectConsecutive(Operation *Op, Value Positions,
                                              Value CuSeqlens) {
  Checks *Found = find(Op, "positions", Positions);
  if (!Found)
    return failure();
  Found->Consecutive.insert(plan::ConsecutiveAttr::get(
      Op->getContext(), cast<BlockArgument>(CuSeqlens).getArgNumber()));
  return success();
}

ArrayAttr CallerChecks::get(unsigned Argument, MLIRContext *Context) const {
  const Checks &Of = Given[Argument];
  SmallVector<Attribute> List;
  if (Of.Limit)
    List.push_back(plan::BelowAttr::get(Context, *Of.Limit));
  llvm::append_range(List, Of.Rows);
  if (Of.Unique)
    List.push_back(plan::UniqueAttr::get(Context));
  llvm::append_range(List, Of.Offsets);
  llvm::append_range(List, Of.Consecutive);
  return List.empty() ? ArrayAttr() : ArrayAttr::get(Context, List);
}
