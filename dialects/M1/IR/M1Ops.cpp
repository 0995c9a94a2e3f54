//===- M1Ops.cpp - folds and canonical forms ------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/M1/IR/M1.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace m1;

#define GET_OP_CLASSES
#include "dialects/M1/IR/M1Ops.cpp.inc"

//===----------------------------------------------------------------------===//
// Casts
//===----------------------------------------------------------------------===//

/// Whether every value of `from` is also a value of `to`.
static bool holdsAllValuesOf(FloatType to, FloatType from) {
  if (to == from || to.isF64())
    return true;
  return to.isF32() && !from.isF64();
}

OpFoldResult CastOp::fold(FoldAdaptor adaptor) {
  if (getOperand().getType() == getType())
    return getOperand();
  // Widening changes no value, so what follows may start from the narrow type:
  // bf16 -> f32 -> bf16 is nothing, bf16 -> f32 -> f16 is bf16 -> f16.
  auto inner = getOperand().getDefiningOp<CastOp>();
  if (!inner)
    return {};
  auto elementType = [](Value value) {
    return cast<FloatType>(getElementTypeOrSelf(value));
  };
  if (!holdsAllValuesOf(elementType(inner.getResult()),
                        elementType(inner.getOperand())))
    return {};
  if (inner.getOperand().getType() == getType())
    return inner.getOperand();
  getOperandMutable().assign(inner.getOperand());
  return getResult();
}

//===----------------------------------------------------------------------===//
// Heads
//===----------------------------------------------------------------------===//

OpFoldResult SplitHeadsOp::fold(FoldAdaptor adaptor) {
  auto merge = getOperand().getDefiningOp<MergeHeadsOp>();
  if (merge && merge.getOperand().getType() == getType())
    return merge.getOperand();
  return {};
}

OpFoldResult MergeHeadsOp::fold(FoldAdaptor adaptor) {
  auto split = getOperand().getDefiningOp<SplitHeadsOp>();
  if (split && split.getOperand().getType() == getType())
    return split.getOperand();
  return {};
}

//===----------------------------------------------------------------------===//
// States
//===----------------------------------------------------------------------===//

/// Writing back what was read changes nothing, unless the state was written in
/// between. The read, then unused, is dead.
LogicalResult WriteStateOp::canonicalize(WriteStateOp write,
                                         PatternRewriter &rewriter) {
  auto read = write.getValue().getDefiningOp<ReadStateOp>();
  if (!read || read.getStateAttr() != write.getStateAttr() ||
      read->getBlock() != write->getBlock())
    return rewriter.notifyMatchFailure(write, "not the value read from it");
  for (Operation *op = read->getNextNode(); op != write;
       op = op->getNextNode()) {
    if (auto other = dyn_cast<WriteStateOp>(op)) {
      if (other.getStateAttr() != write.getStateAttr())
        continue;
    } else if (isMemoryEffectFree(op) || isa<ReadStateOp>(op)) {
      continue;
    }
    return rewriter.notifyMatchFailure(op, "may have written the state");
  }
  rewriter.eraseOp(write);
  return success();
}
