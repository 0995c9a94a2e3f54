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
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace m1;

//===----------------------------------------------------------------------===//
// Assembly
//===----------------------------------------------------------------------===//

/// `[5.0e-01, 0.12500125]`, with enough digits to read the same numbers back.
/// The default form of the attribute has seven.
static void printExactNumbers(OpAsmPrinter &Printer, Operation *,
                              DenseF64ArrayAttr Numbers) {
  Printer << '[';
  llvm::interleaveComma(Numbers.asArrayRef(), Printer, [&](double Number) {
    Printer.printFloat(APFloat(Number));
  });
  Printer << ']';
}

static ParseResult parseExactNumbers(OpAsmParser &Parser,
                                     DenseF64ArrayAttr &Numbers) {
  SmallVector<double> Values;
  auto parseNumber = [&] { return Parser.parseFloat(Values.emplace_back()); };
  if (Parser.parseCommaSeparatedList(OpAsmParser::Delimiter::Square,
                                     parseNumber))
    return failure();
  Numbers = Parser.getBuilder().getDenseF64ArrayAttr(Values);
  return success();
}

#define GET_OP_CLASSES
#include "dialects/M1/IR/M1Ops.cpp.inc"

//===----------------------------------------------------------------------===//
// Casts
//===----------------------------------------------------------------------===//

/// Returns true if every value of `From` is also a value of `To`.
static bool holdsAllValuesOf(FloatType To, FloatType From) {
  if (To == From || To.isF64())
    return true;
  return To.isF32() && !From.isF64();
}

OpFoldResult CastOp::fold(FoldAdaptor Adaptor) {
  if (getOperand().getType() == getType())
    return getOperand();
  // A widening cast changes no value, so the cast after it can take its
  // operand: bf16 -> f32 -> bf16 is the identity, bf16 -> f32 -> f16 is bf16 ->
  // f16.
  auto Inner = getOperand().getDefiningOp<CastOp>();
  if (!Inner)
    return {};
  auto elementType = [](Value V) {
    return cast<FloatType>(getElementTypeOrSelf(V));
  };
  if (!holdsAllValuesOf(elementType(Inner.getResult()),
                        elementType(Inner.getOperand())))
    return {};
  if (Inner.getOperand().getType() == getType())
    return Inner.getOperand();
  getOperandMutable().assign(Inner.getOperand());
  return getResult();
}

//===----------------------------------------------------------------------===//
// Fused ops
//===----------------------------------------------------------------------===//

LinearOp FusedOp::getLinear() { return cast<LinearOp>(getBody()->front()); }

SmallVector<ElementwiseOpInterface> FusedOp::getEpilogue() {
  SmallVector<ElementwiseOpInterface> Ops;
  for (Operation &Op : llvm::drop_begin(getBody()->without_terminator()))
    Ops.push_back(cast<ElementwiseOpInterface>(Op));
  return Ops;
}

OpOperand &FusedOp::getChainedOperand(Operation *Op) {
  return *Op->getPrevNode()->getResult(0).use_begin();
}

//===----------------------------------------------------------------------===//
// Heads
//===----------------------------------------------------------------------===//

OpFoldResult SplitHeadsOp::fold(FoldAdaptor Adaptor) {
  auto Merge = getOperand().getDefiningOp<MergeHeadsOp>();
  if (Merge && Merge.getOperand().getType() == getType())
    return Merge.getOperand();
  return {};
}

OpFoldResult MergeHeadsOp::fold(FoldAdaptor Adaptor) {
  auto Split = getOperand().getDefiningOp<SplitHeadsOp>();
  if (Split && Split.getOperand().getType() == getType())
    return Split.getOperand();
  return {};
}

//===----------------------------------------------------------------------===//
// States
//===----------------------------------------------------------------------===//

/// Writing back the value just read has no effect, unless the state was written
/// in between.
LogicalResult WriteStateOp::canonicalize(WriteStateOp Write,
                                         PatternRewriter &Rewriter) {
  auto Read = Write.getValue().getDefiningOp<ReadStateOp>();
  if (!Read || Read.getStateAttr() != Write.getStateAttr() ||
      Read->getBlock() != Write->getBlock())
    return Rewriter.notifyMatchFailure(Write,
                                       "does not write back the value it read");
  for (Operation *Op = Read->getNextNode(); Op != Write;
       Op = Op->getNextNode()) {
    if (auto Other = dyn_cast<WriteStateOp>(Op)) {
      if (Other.getStateAttr() != Write.getStateAttr())
        continue;
    } else if (isMemoryEffectFree(Op) || isa<ReadStateOp>(Op)) {
      continue;
    }
    return Rewriter.notifyMatchFailure(Op, "may have written the state");
  }
  Rewriter.eraseOp(Write);
  return success();
}
