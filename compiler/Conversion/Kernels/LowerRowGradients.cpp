//===- LowerRowGradients.cpp - launches of gradients on rows --------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/Kernels/RowGradients.h"
#include "compiler/Conversion/ProgramLowering.h"

using namespace mlir;
using namespace m1;
using plan::ExprAttr;

static constexpr int64_t kDynamic = ShapedType::kDynamic;

/// Cells that cover `Columns` columns of sums over tokens.
static ExprAttr columnBlocks(ProgramLowering &Program, int64_t Columns) {
  const int64_t Count = std::min(Columns, Program.blocks().SumColumns);
  return Program.size(llvm::divideCeil(Columns, Count));
}

static LogicalResult lowerEmbeddingGradient(EmbeddingGradientOp Op,
                                            ProgramLowering &Program) {
  const ArrayRef<int64_t> Shape = Op.getState().getType().getShape();
  const ExprAttr T = Program.rows(Op.getDy());
  if (failed(Program.expectRows(Op, "tokens", Op.getTokens(), T)) ||
      failed(Program.Checks.expectBelow(Op, "tokens", Op.getTokens(),
                                        Shape.front())))
    return failure();
  Program.launch(embeddingGradientKernel(), {columnBlocks(Program, Shape[1])},
                 {{"dy", Program.memory(Op.getDy())},
                  {"tokens", Program.memory(Op.getTokens())},
                  {"state", Program.updateTensorState(Op.getStateMutable())},
                  {"rows", Program.scalar(T)}});
  return success();
}

static LogicalResult lowerRMSNormGradient(RMSNormGradientOp Op,
                                          ProgramLowering &Program) {
  Value Weight = Program.raw(Op.getWeight(), Op);
  const ExprAttr T = Program.rows(Op.getDy());
  if (!Weight || failed(Program.expectRows(Op, "x", Op.getX(), T)))
    return failure();
  Program.launch(rmsNormGradientKernel(), {Program.fewRowBlocks(T)},
                 {{"dy", Program.memory(Op.getDy())},
                  {"x", Program.memory(Op.getX())},
                  {"weight", Weight},
                  {"result", Program.allocate(Op.getResult(), T)},
                  {"rows", Program.scalar(T)}},
                 {{"eps", Op.getEpsAttr()}});
  return success();
}

static LogicalResult lowerRMSNormWeightGradient(RMSNormWeightGradientOp Op,
                                                ProgramLowering &Program) {
  const ExprAttr T = Program.rows(Op.getDy());
  if (failed(Program.expectRows(Op, "x", Op.getX(), T)))
    return failure();
  Value X = Program.memory(Op.getX()), Rows = Program.scalar(T);
  const auto F32 = Float32Type::get(Op.getContext());
  Value Roots = Program.buffer(memoryType({kDynamic}, F32), T);
  Program.launch(inverseRootsKernel(), {Program.fewRowBlocks(T)},
                 {{"x", X}, {"result", Roots}, {"rows", Rows}},
                 {{"eps", Op.getEpsAttr()}});
  Program.launch(rmsNormWeightGradientKernel(),
                 {columnBlocks(Program, Op.getState().getType().getShape()[0])},
                 {{"dy", Program.memory(Op.getDy())},
                  {"x", X},
                  {"roots", Roots},
                  {"state", Program.updateTensorState(Op.getStateMutable())},
                  {"rows", Rows}});
  return success();
}

static LogicalResult lowerSharedMixGradient(SharedMixGradientOp Op,
                                            ProgramLowering &Program) {
  const ExprAttr T = Program.rows(Op.getDy());
  if (failed(Program.expectOperandRows(Op, T)))
    return failure();
  Program.launch(
      sharedMixGradientKernel(), {Program.fewRowBlocks(T)},
      {{"dy", Program.memory(Op.getDy())},
       {"moe", Program.memory(Op.getMoe())},
       {"shared", Program.memory(Op.getShared())},
       {"coefficient", Program.memory(Op.getCoefficient())},
       {"moe_gradient", Program.allocate(Op.getMoeGradient(), T)},
       {"shared_gradient", Program.allocate(Op.getSharedGradient(), T)},
       {"coefficient_gradient",
        Program.allocate(Op.getCoefficientGradient(), T)},
       {"rows", Program.scalar(T)}});
  return success();
}

static LogicalResult lowerMergeQKV(MergeQKVOp Op, ProgramLowering &Program) {
  const ExprAttr T = Program.rows(Op.getQ());
  if (failed(Program.expectOperandRows(Op, T)))
    return failure();
  auto Type = cast<RankedTensorType>(Op.getQ().getType());
  const int64_t H = Type.getDimSize(1), D = Type.getDimSize(2);
  Value Result = Program.allocate(Op.getResult(), T);
  Program.launch(mergeQKVKernel(), {Program.fewRowBlocks(T), Program.size(H)},
                 {{"q", Program.memory(Op.getQ())},
                  {"k", Program.memory(Op.getK())},
                  {"v", Program.memory(Op.getV())},
                  {"result", Program.view(Result, {kDynamic, H, 3 * D})},
                  {"rows", Program.scalar(T)}});
  return success();
}

void m1::addRowGradientLowerings(MLIRContext *Context) {
  attachLowerings<lowerEmbeddingGradient, lowerRMSNormGradient,
                  lowerRMSNormWeightGradient, lowerSharedMixGradient,
                  lowerMergeQKV>(Context);
}
