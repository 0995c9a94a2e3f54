//===- LowerLogProb.cpp - launches of token log-probabilities -------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/Kernels/LogProb.h"
#include "compiler/Conversion/ProgramLowering.h"

using namespace mlir;
using namespace m1;
using plan::ExprAttr;

/// Launches `Parts` with its own operands and those that both kernels share,
/// then the kernel that combines the parts. `Temperature` may be null.
static LogicalResult launchLogProb(Operation *Op, Value Targets,
                                   Value Temperature, int64_t Vocabulary,
                                   ExprAttr T, const KernelDeclaration &Parts,
                                   ArrayRef<Named<Value>> Own,
                                   ArrayRef<Named<Attribute>> Constants,
                                   ProgramLowering &Program) {
  if (failed(Program.expectRows(Op, "targets", Targets, T)) ||
      failed(Program.Checks.expectBelow(Op, "targets", Targets, Vocabulary)))
    return failure();
  const int64_t Groups = vocabularyGroups(Program.blocks(), Vocabulary);
  const MemRefType PartType = memoryType({ShapedType::kDynamic, Groups},
                                         Float32Type::get(Op->getContext()));
  const Named<Value> Maxima{"maxima", Program.buffer(PartType, T)};
  const Named<Value> Others{"others", Program.buffer(PartType, T)};
  const Named<Value> Chosen{"chosen", Program.buffer(PartType, T)};
  const Named<Value> Rows{"rows", Program.scalar(T)};
  SmallVector<Named<Value>> Shared{Maxima, Others, Chosen, Rows};
  if (Temperature) {
    if (failed(Program.expectRows(Op, "temperature", Temperature, T)))
      return failure();
    Shared.push_back({"temperature", Program.memory(Temperature)});
  }
  SmallVector<Named<Value>> Operands(Own);
  Operands.push_back({"targets", Program.memory(Targets)});
  llvm::append_range(Operands, Shared);
  Program.launch(Parts, {Program.productBlocks(T), Program.size(Groups)},
                 Operands, Constants);
  Shared.push_back({"result", Program.allocate(Op->getResult(0), T)});
  Program.launch(logProbKernel(), {Program.fewRowBlocks(T)}, Shared);
  return success();
}

static LogicalResult lowerTokenLogProb(TokenLogProbOp Op,
                                       ProgramLowering &Program) {
  auto Type = cast<RankedTensorType>(Op.getLogits().getType());
  if (!Type.getElementType().isF32())
    return Op.emitOpError("expected f32 logits, found ") << Type;
  Value Logits = Program.memory(Op.getLogits());
  return launchLogProb(Op, Op.getTargets(), Op.getTemperature(),
                       Type.getDimSize(1), plan::rowsOf(Logits),
                       logitsPartsKernel(), {{"logits", Logits}}, {}, Program);
}

static LogicalResult lowerHeadLogProb(HeadLogProbOp Op,
                                      ProgramLowering &Program) {
  Value X = Program.memory(Op.getX());
  Value Weight = Program.packed(Op.getWeight(), X, Op);
  if (!Weight)
    return failure();
  const int64_t V =
      cast<RankedTensorType>(Op.getWeight().getType()).getDimSize(0);
  return launchLogProb(
      Op, Op.getTargets(), {}, V, plan::rowsOf(X), headPartsKernel(),
      {{"x", X}, {"weight", Weight}},
      {{"vocabulary", Builder(Op.getContext()).getI64IntegerAttr(V)}}, Program);
}

void m1::addLogProbLowerings(MLIRContext *Context) {
  attachLowerings<lowerTokenLogProb, lowerHeadLogProb>(Context);
}
