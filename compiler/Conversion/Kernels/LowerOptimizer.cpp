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

/// The memory of a state that the owner of the operand updates, as a flat
/// tensor.
static Value flat(OpOperand &State, ProgramLowering &Program) {
  auto Type = cast<TensorStateType>(State.get().getType());
  return Program.view(Program.updateTensorState(State), {kDynamic}, {},
                      /*Offset=*/0, Program.size(elements(Type)));
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

static LogicalResult lowerAdamW(AdamWOp Op, ProgramLowering &Program) {
  const int64_t Count = elements(Op.getMaster().getType());
  const auto Index = static_cast<int64_t>(Op.getIndex());
  Program.launch(adamWKernel(),
                 {Program.size(flatCells(Count, Program.blocks()))},
                 {{"master", flat(Op.getMasterMutable(), Program)},
                  {"first", flat(Op.getFirstMutable(), Program)},
                  {"second", flat(Op.getSecondMutable(), Program)},
                  {"gradient", flat(Op.getGradientMutable(), Program)},
                  {"scale", Program.memory(Op.getScale())},
                  {"applied", Program.memory(Op.getApplied())},
                  {"learning_rates", Program.memory(Op.getLearningRates())},
                  {"weight_decays", Program.memory(Op.getWeightDecays())},
                  {"hyperparameters", Program.memory(Op.getHyperparameters())},
                  {"index", Program.scalar(Program.size(Index))},
                  {"count", Program.scalar(Program.size(Count))}});
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
