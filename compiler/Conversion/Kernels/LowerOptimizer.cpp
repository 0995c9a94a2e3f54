//===- LowerOptimizer.cpp - launches of the optimiser ---------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/Kernels/Optimizer.h"
#include "compiler/Conversion/ProgramLowering.h"

using namespace mlir;
using namespace m1;
using plan::ExprAttr;

static constexpr int64_t kDynamic = ShapedType::kDynamic;

/// The number of elements of a state.
static int64_t elements(TensorStateType Type) {
  int64_t Product = 1;
  for (int64_t Extent : Type.getShape())
    Product *= Extent;
  return Product;
}

/// A part of the memory of a state, as a flat tensor.
static Value flat(Value State, int64_t First, int64_t Count,
                  ProgramLowering &Program) {
  return Program.view(State, {kDynamic}, {}, First, Program.size(Count));
}

/// The memory of a state that the owner of the operand updates.
static Value flat(OpOperand &State, ProgramLowering &Program) {
  auto Type = cast<TensorStateType>(State.get().getType());
  return flat(Program.updateTensorState(State), 0, elements(Type), Program);
}

static LogicalResult lowerSquaredSum(SquaredSumOp Op,
                                     ProgramLowering &Program) {
  const int64_t Count = elements(Op.getState().getType());
  const ExprAttr Cells = Program.size(flatCells(Count, Program.blocks()));
  const auto F64 = Float64Type::get(Op.getContext());
  Value Sums = Program.buffer(memoryType({kDynamic}, F64), Cells);
  Program.launch(squaredSumsKernel(), {Cells},
                 {{"state", flat(Op.getStateMutable(), Program)},
                  {"sums", Sums},
                  {"count", Program.scalar(Program.size(Count))}});
  Program.launch(joinSumsKernel(), {Program.size(1)},
                 {{"sums", Sums},
                  {"result", Program.allocate(Op.getResult(), Program.size(1))},
                  {"count", Program.scalar(Cells)}});
  return success();
}

static LogicalResult lowerClipNorm(ClipNormOp Op, ProgramLowering &Program) {
  const auto Number = static_cast<int64_t>(Op.getSums().size());
  const ExprAttr One = Program.size(1), Count = Program.size(Number);
  const auto F64 = Float64Type::get(Op.getContext());
  Value Sums = Program.buffer(memoryType({kDynamic}, F64), Count);
  for (auto [Index, Sum] : llvm::enumerate(Op.getSums()))
    Program.copy(
        Program.memory(Sum),
        Program.view(Sums, {kDynamic}, {}, static_cast<int64_t>(Index), One));
  Program.launch(clipNormKernel(), {One},
                 {{"sums", Sums},
                  {"max_norm", Program.memory(Op.getMaxNorm())},
                  {"enabled", Program.memory(Op.getEnabled())},
                  {"norm", Program.allocate(Op.getNorm(), One)},
                  {"scale", Program.allocate(Op.getScale(), One)},
                  {"applied", Program.allocate(Op.getApplied(), One)},
                  {"count", Program.scalar(Count)}});
  return success();
}

/// The most elements that one launch updates: of whole matrices, or of rows of
/// one that are whole panels.
static int64_t partSize(TensorStateType Type, const Blocking &Blocks) {
  ArrayRef<int64_t> Shape = Type.getShape();
  const int64_t Limit = Blocks.UpdateElements;
  if (Limit == 0 || Shape.size() < 2)
    return elements(Type);
  const int64_t N = Shape[Shape.size() - 2], K = Shape.back();
  if (N * K <= Limit)
    return Limit / (N * K) * (N * K);
  int64_t Rows = N;
  for (int64_t Parts = 2; Rows * K > Limit && N / Parts >= Blocks.Panel;
       ++Parts)
    if (N % Parts == 0 && N / Parts % Blocks.Panel == 0)
      Rows = N / Parts;
  return Rows * K;
}

static LogicalResult lowerAdamW(AdamWOp Op, ProgramLowering &Program) {
  auto Type = cast<TensorStateType>(Op.getMaster().getType());
  const auto Index = static_cast<int64_t>(Op.getIndex());
  Value Master = Program.updateTensorState(Op.getMasterMutable());
  Value First = Program.updateTensorState(Op.getFirstMutable());
  Value Second = Program.updateTensorState(Op.getSecondMutable());
  Value Gradient = Program.updateTensorState(Op.getGradientMutable());
  SmallVector<UpdatedPart> Parts;
  const int64_t All = elements(Type), Size = partSize(Type, Program.blocks());
  for (int64_t From = 0; From < All; From += Size) {
    const int64_t Count = std::min(Size, All - From);
    auto PartOf = [&](Value State) {
      return flat(State, From, Count, Program);
    };
    plan::LaunchOp Launch = Program.launch(
        adamWKernel(), {Program.size(flatCells(Count, Program.blocks()))},
        {{"master", PartOf(Master)},
         {"first", PartOf(First)},
         {"second", PartOf(Second)},
         {"gradient", PartOf(Gradient)},
         {"scale", Program.memory(Op.getScale())},
         {"applied", Program.memory(Op.getApplied())},
         {"learning_rates", Program.memory(Op.getLearningRates())},
         {"weight_decays", Program.memory(Op.getWeightDecays())},
         {"hyperparameters", Program.memory(Op.getHyperparameters())},
         {"index", Program.scalar(Program.size(Index))},
         {"count", Program.scalar(Program.size(Count))}});
    Parts.push_back({Launch, From, Count});
  }
  Program.updatedInParts(Program.stateOf(Op.getMaster()), Parts);
  return success();
}

static LogicalResult lowerMoveState(MoveStateOp Op, ProgramLowering &Program) {
  const int64_t Count = elements(Op.getTo().getType());
  Program.launch(moveKernel(),
                 {Program.size(flatCells(Count, Program.blocks()))},
                 {{"to", flat(Op.getToMutable(), Program)},
                  {"from", flat(Op.getFromMutable(), Program)},
                  {"count", Program.scalar(Program.size(Count))}});
  return success();
}

void m1::addOptimizerLowerings(MLIRContext *Context) {
  attachLowerings<lowerSquaredSum, lowerClipNorm, lowerAdamW, lowerMoveState>(
      Context);
}
