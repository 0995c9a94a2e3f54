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
#include "compiler/Conversion/Kernels/TokenLists.h"
#include "compiler/Conversion/ProgramLowering.h"

using namespace mlir;
using namespace m1;
using plan::ExprAttr;

/// Row `Row` of memory with a dynamic axis 0.
static Value rowOf(Value Memory, int64_t Row, ProgramLowering &Program) {
  const int64_t Columns = cast<MemRefType>(Memory.getType()).getDimSize(1);
  return Program.view(Memory, {ShapedType::kDynamic, Columns}, {},
                      Row * Columns, Program.size(1));
}

/// The operands `list` and `ranges` of policyWeightGradientKernel() for
/// `Blocks` blocks of `Block` tokens; none if tokens are added one by one.
static FailureOr<SmallVector<Named<Value>>>
listBlocks(PolicyHeadOp Op, ExprAttr T, int64_t Block, int64_t Blocks,
           ProgramLowering &Program) {
  Value CuSeqlens = Op.getCuSeqlens();
  if (!CuSeqlens)
    return SmallVector<Named<Value>>();
  const auto Sequences = Program.expectSequences(Op, CuSeqlens, T);
  if (failed(Sequences))
    return failure();
  const Type Weight = getElementTypeOrSelf(Op.getWeight());
  if (!takesTwos(Program.blocks(), Weight, Weight))
    return SmallVector<Named<Value>>();
  SmallVector<Named<Value>> List =
      listTokens(CuSeqlens, T, *Sequences, Program, Block, Blocks);
  llvm::erase_if(List,
                 [](const auto &Operand) { return Operand.Name == "counts"; });
  return List;
}

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
  if (!Packed)
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
  // Gradients replace the logits. Those that a unit multiplies two at a time
  // are bf16 in memory of their own, with a row for the last token before the
  // block.
  const Type Element = WeightType.getElementType();
  const bool InTwos = takesTwos(Blocks, Element, Element);
  Named<Value> Gradients{"gradients", Logits.Value};
  if (InTwos)
    Gradients.Value =
        Program.buffer(memoryType({ShapedType::kDynamic, V}, Element),
                       Program.size(Block + 1));
  const Named<Value> Before{"before", Program.scalar(Program.size(InTwos))};
  const Named<Attribute> Rounded{
      "rounded", Builder(Op.getContext()).getI64IntegerAttr(Element.isBF16())};
  Value Transposed =
      Program.packedTransposed(Op.getWeight(), Gradients.Value, Op);
  if (!Transposed)
    return failure();
  Named<Value> RoundedXs{"x", X};
  if (getElementTypeOrSelf(X) != Element && Element.isBF16()) {
    RoundedXs.Value =
        Program.buffer(memoryType({ShapedType::kDynamic, D}, Element), T);
    Program.launch(policyRoundKernel(), {Program.fewRowBlocks(T)},
                   {Xs, {"rounded", RoundedXs.Value}, Rows});
  }
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
  const ExprAttr HeadBlocks =
      Program.size(llvm::divideCeil(Block, Blocks.HeadRows));
  const ExprAttr RowBlocks = Program.productBlocks(Program.size(Block));
  const ExprAttr FewRowBlocks = Program.fewRowBlocks(Program.size(Block));
  const PackedLayout Panels(cast<MemRefType>(Transposed.getType()).getShape());
  const FailureOr<SmallVector<Named<Value>>> List =
      listBlocks(Op, T, Block, llvm::divideCeil(Bound, Block), Program);
  if (failed(List))
    return failure();
  for (int64_t From = 0; From < Bound; From += Block) {
    const Named<Value> First{"first", Program.scalar(Program.size(From))};
    const Named<Value> End{"end", Program.scalar(Program.size(From + Block))};
    Program.launch(policyPartsKernel(), {HeadBlocks, Groups},
                   {Xs, Weight, Targets, Temperature, Logits, Maxima, Others,
                    Chosen, First, Rows});
    Program.launch(policyLossKernel(), {FewRowBlocks},
                   {Maxima, Others, Chosen, Temperature,
                    Given("old_log_probs", Op.getOldLogProbs()),
                    Given("advantages", Op.getAdvantages()),
                    Given("weights", Op.getWeights()),
                    Given("bounds", Op.getBounds()), Largest, LogSums, Inverses,
                    Rests, Slopes, LogProbs, First, Rows});
    if (!List->empty() && From > 0)
      Program.copy(rowOf(Gradients.Value, Block, Program),
                   rowOf(Gradients.Value, 0, Program));
    SmallVector<Named<Value>> OfGradient{
        Logits, Targets, Temperature, Largest, LogSums, Inverses,
        Rests,  Slopes,  Entropies,   Before,  First,   Rows};
    if (InTwos)
      OfGradient.push_back(Gradients);
    Program.launch(policyGradientKernel(), {RowBlocks, Groups}, OfGradient,
                   {Rounded});
    Program.launch(policyEntropyKernel(), {FewRowBlocks},
                   {Entropies, Entropy, First, Rows});
    Program.launch(policyXGradientKernel(),
                   {RowBlocks, Program.panelGroups(Panels.Panels)},
                   {Gradients,
                    {"transposed", Transposed},
                    XGradient,
                    Before,
                    First,
                    Rows});
    SmallVector<Named<Value>> OfWeight{Gradients, RoundedXs, State, Before,
                                       First,     End,       Rows};
    if (!List->empty()) {
      llvm::append_range(OfWeight, *List);
      OfWeight.push_back(
          {"number", Program.scalar(Program.size(From / Block))});
    }
    Program.launch(policyWeightGradientKernel(),
                   gradientGrid(Program, V, D, !List->empty()), OfWeight);
  }
  return success();
}

void m1::addPolicyHeadLowerings(MLIRContext *Context) {
  attachLowerings<lowerPolicyHead>(Context);
}
