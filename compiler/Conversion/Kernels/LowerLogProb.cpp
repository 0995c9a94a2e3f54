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
  const int64_t Groups = vocabularyGroups(Vocabulary);
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

//===----------------------------------------------------------------------===//
// The halves of m1.head_log_prob
//===----------------------------------------------------------------------===//

static LogicalResult lowerLogProbParts(LogProbPartsOp Op,
                                       ProgramLowering &Program) {
  Value X = Program.memory(Op.getX());
  Value Weight = Program.packed(Op.getWeight(), X, Op);
  const ExprAttr T = plan::rowsOf(X);
  if (!Weight ||
      failed(Program.expectRows(Op, "targets", Op.getTargets(), T)) ||
      failed(Program.Checks.expectBelow(Op, "targets", Op.getTargets(),
                                        Op.getVocabulary())))
    return failure();
  const int64_t V =
      cast<RankedTensorType>(Op.getWeight().getType()).getDimSize(0);
  SmallVector<Named<Value>> Operands{
      {"x", X},
      {"weight", Weight},
      {"targets", Program.memory(Op.getTargets())},
      {"maxima", Program.allocate(Op.getMaxima(), T)},
      {"others", Program.allocate(Op.getOthers(), T)},
      {"chosen", Program.allocate(Op.getChosen(), T)},
      {"rows", Program.scalar(T)}};
  const SmallVector<ExprAttr> Grid{Program.productBlocks(T),
                                   Program.size(vocabularyGroups(V))};
  Builder B(Op.getContext());
  const Attribute Columns = B.getI64IntegerAttr(V);
  if (ShardAttr Shard = Op.getShardAttr()) {
    Operands.push_back({"first", Program.scalar(Program.firstOf(Shard))});
    Program.launch(shardPartsKernel(), Grid, Operands,
                   {{"columns", Columns},
                    {"vocabulary", B.getI64IntegerAttr(Op.getVocabulary())}});
  } else {
    Program.launch(headPartsKernel(), Grid, Operands,
                   {{"vocabulary", Columns}});
  }
  return success();
}

static LogicalResult lowerJoinLogProb(JoinLogProbOp Op,
                                      ProgramLowering &Program) {
  const ExprAttr T = Program.rows(Op.getMaxima());
  if (failed(Program.expectOperandRows(Op, T)))
    return failure();
  Program.launch(logProbKernel(), {Program.fewRowBlocks(T)},
                 {{"maxima", Program.memory(Op.getMaxima())},
                  {"others", Program.memory(Op.getOthers())},
                  {"chosen", Program.memory(Op.getChosen())},
                  {"result", Program.allocate(Op.getResult(), T)},
                  {"rows", Program.scalar(T)}});
  return success();
}

void m1::addLogProbLowerings(MLIRContext *Context) {
  attachLowerings<lowerTokenLogProb, lowerHeadLogProb, lowerLogProbParts,
                  lowerJoinLogProb>(Context);
}
