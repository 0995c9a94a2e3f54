//===- LowerRows.cpp - launches of row kernels ----------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/Kernels/ElementwiseStep.h"
#include "compiler/Conversion/Kernels/Rows.h"
#include "compiler/Conversion/ProgramLowering.h"

using namespace mlir;
using namespace m1;
using plan::ExprAttr;

static constexpr int64_t kDynamic = ShapedType::kDynamic;

static LogicalResult lowerEmbedding(EmbeddingOp Op, ProgramLowering &Program) {
  Value Tokens = Program.memory(Op.getTokens());
  Value Table = Program.raw(Op.getTable(), Op);
  if (!Table || failed(Program.Checks.expectBelow(Op, "tokens", Op.getTokens(),
                                                  Op.getVocabulary())))
    return failure();
  const ExprAttr T = plan::rowsOf(Tokens);
  SmallVector<Named<Value>> Operands{
      {"tokens", Tokens},
      {"table", Table},
      {"result", Program.allocate(Op.getResult(), T)},
      {"rows", Program.scalar(T)}};
  ShardAttr Shard = Op.getShardAttr();
  if (Shard)
    Operands.push_back({"first", Program.scalar(Program.firstOf(Shard))});
  Program.launch(Shard ? embeddingShardKernel() : embeddingKernel(),
                 {Program.fewRowBlocks(T)}, Operands);
  return success();
}

/// Launches the sums of squares of the groups of `X`, `Result` [T, groups].
static LogicalResult launchSquares(Operation *Op, Value X, Value Result,
                                   ProgramLowering &Program) {
  auto Rows = cast<MemRefType>(X.getType());
  if (!Rows.getLayout().isIdentity())
    return Op->emitOpError(
        "expected a contiguous operand, found a strided view");
  const int64_t Groups = cast<MemRefType>(Result.getType()).getDimSize(1);
  const ExprAttr All = plan::rowsOf(X).times(Groups);
  Program.launch(squaresKernel(), {Program.fewRowBlocks(All)},
                 {{"x", Program.view(X, {kDynamic, Rows.getDimSize(1) / Groups},
                                     {}, 0, All)},
                  {"result", Program.view(Result, {kDynamic}, {}, 0, All)},
                  {"rows", Program.scalar(All)}});
  return success();
}

/// Launches the second half of the norm `Op` of rows that have `Columns`
/// columns in all groups.
template <typename NormOp>
static void launchNormalize(NormOp Op, Value Weight, Value Squares,
                            int64_t Columns, ProgramLowering &Program) {
  const ExprAttr T = Program.rows(Op.getX());
  Program.launch(
      normalizeKernel(), {Program.fewRowBlocks(T)},
      {{"x", Program.memory(Op.getX())},
       {"weight", Weight},
       {"squares", Squares},
       {"result", Program.allocate(Op.getResult(), T)},
       {"rows", Program.scalar(T)}},
      {{"columns", Builder(Op.getContext()).getI64IntegerAttr(Columns)},
       {"eps", Op.getEpsAttr()}});
}

static int64_t columnsOf(Value Rows) {
  return cast<RankedTensorType>(Rows.getType()).getDimSize(1);
}

static LogicalResult lowerSquares(SquaresOp Op, ProgramLowering &Program) {
  Value X = Program.memory(Op.getX());
  return launchSquares(Op, X, Program.allocate(Op.getResult(), plan::rowsOf(X)),
                       Program);
}

static LogicalResult lowerNormalize(NormalizeOp Op, ProgramLowering &Program) {
  Value Weight = Program.raw(Op.getWeight(), Op);
  if (!Weight || failed(Program.expectRows(Op, "squares", Op.getSquares(),
                                           Program.rows(Op.getX()))))
    return failure();
  launchNormalize(Op, Weight, Program.memory(Op.getSquares()),
                  columnsOf(Op.getX()) / Op.getGroups() *
                      columnsOf(Op.getSquares()),
                  Program);
  return success();
}

static LogicalResult lowerRMSNorm(RMSNormOp Op, ProgramLowering &Program) {
  Value Weight = Program.raw(Op.getWeight(), Op);
  if (!Weight)
    return failure();
  const ExprAttr T = Program.rows(Op.getX());
  if (const int64_t Groups = Op.getGroups(); Groups > 1) {
    Value Squares = Program.buffer(
        memoryType({kDynamic, Groups}, Float32Type::get(Op.getContext())), T);
    if (failed(launchSquares(Op, Program.memory(Op.getX()), Squares, Program)))
      return failure();
    launchNormalize(Op, Weight, Squares, columnsOf(Op.getX()), Program);
    return success();
  }
  Program.launch(rmsNormKernel(), {Program.fewRowBlocks(T)},
                 {{"x", Program.memory(Op.getX())},
                  {"weight", Weight},
                  {"result", Program.allocate(Op.getResult(), T)},
                  {"rows", Program.scalar(T)}},
                 {{"eps", Op.getEpsAttr()}});
  return success();
}

static LogicalResult lowerSelectLast(SelectLastOp Op,
                                     ProgramLowering &Program) {
  Value X = Program.memory(Op.getX());
  if (failed(
          Program.Checks.expectOffsets(Op, Op.getCuSeqlens(), plan::rowsOf(X))))
    return failure();
  const ExprAttr Sequences = Program.rows(Op.getCuSeqlens()).plus(-1);
  Program.launch(selectLastKernel(), {Sequences},
                 {{"x", X},
                  {"cu_seqlens", Program.memory(Op.getCuSeqlens())},
                  {"result", Program.allocate(Op.getResult(), Sequences)}});
  return success();
}

static LogicalResult lowerRotary(RotaryOp Op, ProgramLowering &Program) {
  Value X = Program.memory(Op.getX());
  const ExprAttr T = plan::rowsOf(X);
  if (failed(Program.expectRows(Op, "positions", Op.getPositions(), T)))
    return failure();
  const int64_t Heads = cast<MemRefType>(X.getType()).getDimSize(1);
  Program.launch(
      rotaryKernel(Op.getInverse()),
      {Program.fewRowBlocks(T), Program.size(Heads)},
      {{"x", X},
       {"positions", Program.memory(Op.getPositions())},
       {"result", Program.allocate(Op.getResult(), T)},
       {"rows", Program.scalar(T)}},
      {{"theta", Op.getThetaAttr()}, {"dims", Op.getRotaryDimAttr()}});
  return success();
}

/// An elementwise op that is not part of a product's epilogue.
static LogicalResult lowerElementwise(Operation *Op, ProgramLowering &Program) {
  Value Result = Op->getResult(0);
  const ExprAttr T = Program.rows(Op->getOperand(0));
  if (failed(Program.expectOperandRows(Op, T)))
    return failure();
  // All axes but axis 0 form a row.
  int64_t Width = 1;
  for (int64_t Extent :
       cast<RankedTensorType>(Result.getType()).getShape().drop_front())
    Width *= Extent;
  const Attribute Description = ElementwiseStep::describe(Op);
  const ElementwiseStep Step(Description);
  SmallVector<Value> Inputs;
  for (auto [Number, Operand] : llvm::enumerate(Op->getOperands())) {
    Value Memory = Program.memory(Operand);
    if (!cast<MemRefType>(Memory.getType()).getLayout().isIdentity())
      return Op->emitOpError(
          "expected contiguous operands, found a strided view");
    Inputs.push_back(
        Program.view(Memory, {kDynamic, Step.isPerToken(Number) ? 1 : Width}));
  }
  SmallVector<Named<Value>> Operands;
  const SmallVector<std::string> Names = inputNames(Inputs.size());
  for (auto [Name, Input] : llvm::zip(Names, Inputs))
    Operands.push_back({Name, Input});
  Operands.append(
      {{"result", Program.view(Program.allocate(Result, T), {kDynamic, Width})},
       {"rows", Program.scalar(T)}});
  Program.launch(elementwiseKernel(), {Program.fewRowBlocks(T)}, Operands,
                 {{"step", Description}});
  return success();
}

//===----------------------------------------------------------------------===//
// Views
//===----------------------------------------------------------------------===//

/// Splits or merges axes of contiguous memory.
template <typename HeadsOp>
static LogicalResult lowerHeads(HeadsOp Op, ProgramLowering &Program) {
  Value From = Program.memory(Op.getOperand());
  if (!cast<MemRefType>(From.getType()).getLayout().isIdentity())
    return Op.emitOpError(
        "expected a contiguous operand, found a strided view");
  SmallVector<int64_t> Shape(
      cast<RankedTensorType>(Op.getResult().getType()).getShape());
  Shape[0] = kDynamic;
  Program.setMemory(Op.getResult(), Program.view(From, Shape));
  return success();
}

static LogicalResult lowerSplitQKV(SplitQKVOp Op, ProgramLowering &Program) {
  auto Type = cast<RankedTensorType>(Op.getQ().getType());
  const int64_t H = Type.getDimSize(1), D = Type.getDimSize(2);
  for (auto [Number, Part] : llvm::enumerate(Op.getResults()))
    Program.setMemory(Part, Program.view(Program.memory(Op.getOperand()),
                                         {kDynamic, H, D},
                                         {3 * H * D, 3 * D, 1}, Number * D));
  return success();
}

namespace {
struct ElementwiseLowering
    : PlanLoweringOpInterface::FallbackModel<ElementwiseLowering> {
  LogicalResult lowerToPlan(Operation *Op, ProgramLowering &Program) const {
    return lowerElementwise(Op, Program);
  }
};
} // namespace

void m1::addRowLowerings(MLIRContext *Context) {
  attachLowerings<lowerEmbedding, lowerSquares, lowerNormalize, lowerRMSNorm,
                  lowerSelectLast, lowerRotary, lowerHeads<SplitHeadsOp>,
                  lowerHeads<MergeHeadsOp>, lowerSplitQKV>(Context);
  for (RegisteredOperationName Op : Context->getRegisteredOperations())
    if (Op.hasInterface<ElementwiseOpInterface>())
      Op.attachInterface<ElementwiseLowering>();
}
