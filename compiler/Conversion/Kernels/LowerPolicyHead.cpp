//===- LowerPolicyHead.cpp - launches of the head with its loss -----------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/Kernels/LogProb.h"
#include "compiler/Conversion/Kernels/PackedWeights.h"
#include "compiler/Conversion/Kernels/PolicyHead.h"
#include "compiler/Conversion/ProgramLowering.h"

using namespace mlir;
using namespace m1;
using plan::ExprAttr;

/// A plan has no loops: the launches of a block are repeated for as many blocks
/// as a call may have. Those past its tokens do nothing.
static LogicalResult lowerPolicyHead(PolicyHeadOp Op,
                                     ProgramLowering &Program) {
  Value X = Program.memory(Op.getX());
  const ExprAttr T = plan::rowsOf(X);
  auto WeightType = cast<RankedTensorType>(Op.getWeight().getType());
  const int64_t V = WeightType.getDimSize(0), D = WeightType.getDimSize(1);
  const std::pair<StringRef, Value> PerToken[] = {
      {"targets", Op.getTargets()},
      {"old_log_probs", Op.getOldLogProbs()},
      {"advantages", Op.getAdvantages()},
      {"weights", Op.getWeights()}};
  for (auto [Name, V] : PerToken)
    if (failed(Program.expectRows(Op, Name, V, T)))
      return failure();
  if (failed(Program.Checks.expectBelow(Op, "targets", Op.getTargets(), V)))
    return failure();
  Value Packed = Program.packed(Op.getWeight(), X, Op);
  Value Transposed = Program.packedTransposed(Op.getWeight(), Op);
  if (!Packed || !Transposed)
    return failure();

  const Blocking &Blocks = Program.blocks();
  const int64_t Bound = T.evaluate(Program.Shared.Limits.of(T.getSymbol()));
  const int64_t Block = std::min<int64_t>(policyBlock(Blocks, V),
                                          llvm::alignTo(Bound, Blocks.Rows));
  const int64_t GroupCount = vocabularyGroups(V);
  auto Buffer = [&](StringRef Name, int64_t Columns) {
    SmallVector<int64_t> Shape{ShapedType::kDynamic};
    if (Columns > 0)
      Shape.push_back(Columns);
    const MemRefType Type =
        memoryType(Shape, Float32Type::get(Op.getContext()));
    return Named<Value>{Name, Program.buffer(Type, Program.size(Block))};
  };
  auto Given = [&](StringRef Name, Value V) {
    return Named<Value>{Name, Program.memory(V)};
  };
  auto Result = [&](StringRef Name, Value V) {
    return Named<Value>{Name, Program.allocate(V, T)};
  };
  const Named<Value> Rows{"rows", Program.scalar(T)};
  const Named<Value> Xs{"x", X}, Weight{"weight", Packed};
  const Named<Value> Targets = Given("targets", Op.getTargets());
  const Named<Value> Temperature = Given("temperature", Op.getTemperature());
  const Named<Value> Logits = Buffer("logits", V);
  const Named<Value> Maxima = Buffer("maxima", GroupCount);
  const Named<Value> Others = Buffer("others", GroupCount);
  const Named<Value> Chosen = Buffer("chosen", GroupCount);
  const Named<Value> Entropies = Buffer("entropies", GroupCount);
  const Named<Value> Largest = Buffer("largest", 0);
  const Named<Value> LogSums = Buffer("log_sums", 0);
  const Named<Value> Inverses = Buffer("inverses", 0);
  const Named<Value> Rests = Buffer("rests", 0);
  const Named<Value> Slopes = Buffer("slopes", 0);
  const Named<Value> State{"state",
                           Program.updateTensorState(Op.getStateMutable())};
  const Named<Value> XGradient = Result("x_gradient", Op.getXGradient());
  const Named<Value> Entropy = Result("entropy", Op.getEntropy());
  const Named<Value> LogProbs = Result("log_probs", Op.getLogProbs());

  const ExprAttr Groups = Program.size(GroupCount);
  const ExprAttr RowBlocks = Program.productBlocks(Program.size(Block));
  const ExprAttr FewRowBlocks = Program.fewRowBlocks(Program.size(Block));
  const PackedLayout Panels(cast<MemRefType>(Transposed.getType()).getShape());
  for (int64_t From = 0; From < Bound; From += Block) {
    const Named<Value> First{"first", Program.scalar(Program.size(From))};
    const Named<Value> End{"end", Program.scalar(Program.size(From + Block))};
    Program.launch(policyPartsKernel(), {RowBlocks, Groups},
                   {Xs, Weight, Targets, Temperature, Logits, Maxima, Others,
                    Chosen, First, Rows});
    Program.launch(policyLossKernel(), {FewRowBlocks},
                   {Maxima, Others, Chosen, Temperature,
                    Given("old_log_probs", Op.getOldLogProbs()),
                    Given("advantages", Op.getAdvantages()),
                    Given("weights", Op.getWeights()),
                    Given("bounds", Op.getBounds()), Largest, LogSums, Inverses,
                    Rests, Slopes, LogProbs, First, Rows});
    Program.launch(policyGradientKernel(), {RowBlocks, Groups},
                   {Logits, Targets, Temperature, Largest, LogSums, Inverses,
                    Rests, Slopes, Entropies, First, Rows});
    Program.launch(policyEntropyKernel(), {FewRowBlocks},
                   {Entropies, Entropy, First, Rows});
    Program.launch(
        policyXGradientKernel(),
        {RowBlocks, Program.panelGroups(Panels.Panels)},
        {Logits, {"transposed", Transposed}, XGradient, First, Rows});
    Program.launch(policyWeightGradientKernel(),
                   {Program.blocksOf(V, Blocks.GradientRows),
                    Program.blocksOf(D, Blocks.GradientColumns)},
                   {Logits, Xs, State, First, End, Rows});
  }
  return success();
}

void m1::addPolicyHeadLowerings(MLIRContext *Context) {
  attachLowerings<lowerPolicyHead>(Context);
}
