//===- LowerAttentionGradients.cpp - launches of attention gradients ------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/Kernels/Lightning.h"
#include "compiler/Conversion/Kernels/LightningGradient.h"
#include "compiler/Conversion/Kernels/SoftmaxGradient.h"
#include "compiler/Conversion/ProgramLowering.h"

using namespace mlir;
using namespace m1;
using plan::ExprAttr;

namespace {
/// The batch of a gradient op: whole sequences.
struct WholeSequences {
  ExprAttr Tokens, Count;
  int64_t MostTokens, MostSequences; // that the plan allows

  /// The rows of a buffer with a row for each chunk, as chunkRow() numbers
  /// them.
  ExprAttr chunkRows(int64_t Chunk) const {
    return ExprAttr::constant(Tokens.getContext(),
                              MostTokens / Chunk + MostSequences);
  }
};
} // namespace

/// The batch of `Op`, whose rows must agree. Fails with a diagnostic.
template <typename GradientOp>
static FailureOr<WholeSequences> wholeSequences(GradientOp Op,
                                                ProgramLowering &Program) {
  const ExprAttr T = Program.rows(Op.getQ());
  for (auto [Number, Operand] : llvm::enumerate(Op->getOperands()))
    if (Operand != Op.getCuSeqlens() &&
        failed(Program.expectRows(Op, ("operand " + Twine(Number)).str(),
                                  Operand, T)))
      return failure();
  const auto Count = Program.expectSequences(Op, Op.getCuSeqlens(), T);
  if (failed(Count))
    return failure();
  return WholeSequences{T, *Count, Program.most(T), Program.most(*Count)};
}

static LogicalResult lowerLightningGradient(LightningAttentionGradientOp Op,
                                            ProgramLowering &Program) {
  auto Batch = wholeSequences(Op, Program);
  if (failed(Batch))
    return failure();
  Builder B(Op.getContext());
  auto Type = cast<RankedTensorType>(Op.getQ().getType());
  const int64_t H = Type.getDimSize(1), D = Type.getDimSize(2);
  // A longer chunk than a call's tokens would hold zeros only.
  const int64_t Chunk =
      std::clamp<int64_t>(Batch->MostTokens, 1, Op.getChunk());
  const Named<Attribute> ChunkRows{"chunk", B.getI64IntegerAttr(Chunk)};
  const int64_t Parts = lightningParts(Program.blocks(), D);
  auto States = memoryType({ShapedType::kDynamic, H, D, D}, B.getF32Type());
  SmallVector<Named<Value>> Operands{
      {"dy", Program.memory(Op.getDy())},
      {"q", Program.memory(Op.getQ())},
      {"k", Program.memory(Op.getK())},
      {"v", Program.memory(Op.getV())},
      {"slopes", Program.global(Program.Shared.constant(Op.getSlopes()))},
      {"cu_seqlens", Program.memory(Op.getCuSeqlens())},
      {"states", Program.buffer(States, Batch->chunkRows(Chunk))},
      {"state_gradients", Program.buffer(States, Batch->chunkRows(Chunk))}};
  Program.launch(lightningStatesKernel(),
                 {Batch->Count, Program.size(H), Program.size(2 * Parts)},
                 Operands, {ChunkRows, {"parts", B.getI64IntegerAttr(Parts)}});
  Operands.append({{"dq", Program.allocate(Op.getDq(), Batch->Tokens)},
                   {"dk", Program.allocate(Op.getDk(), Batch->Tokens)},
                   {"dv", Program.allocate(Op.getDv(), Batch->Tokens)}});
  Program.launch(lightningGradientKernel(),
                 {Batch->Count, Program.size(H), Batch->Tokens.ceilDiv(Chunk)},
                 Operands, {ChunkRows});
  return success();
}

static LogicalResult lowerSoftmaxGradient(SoftmaxAttentionGradientOp Op,
                                          ProgramLowering &Program) {
  auto Batch = wholeSequences(Op, Program);
  if (failed(Batch))
    return failure();
  const ExprAttr T = Batch->Tokens;
  auto Type = cast<RankedTensorType>(Op.getQ().getType());
  const int64_t H = Type.getDimSize(1), D = Type.getDimSize(2);
  const int64_t G = cast<RankedTensorType>(Op.getK().getType()).getDimSize(1);
  const int64_t KeyRows = Program.blocks().KeyRows;
  constexpr int64_t Dynamic = ShapedType::kDynamic;
  mlir::Type F32 = Float32Type::get(Op.getContext());
  auto Transposed = memoryType({Dynamic, G, D, KeyRows}, F32);
  auto Numbers = memoryType({Dynamic, H}, F32);
  const ExprAttr KeyBlocks = Batch->chunkRows(KeyRows);

  const Named<Value> Dy{"dy", Program.memory(Op.getDy())};
  const Named<Value> Q{"q", Program.memory(Op.getQ())};
  const Named<Value> K{"k", Program.memory(Op.getK())};
  const Named<Value> CuSeqlens{"cu_seqlens", Program.memory(Op.getCuSeqlens())};
  const Named<Value> Keys{"keys", Program.buffer(Transposed, KeyBlocks)};
  const Named<Value> Values{"values", Program.buffer(Transposed, KeyBlocks)};
  const Named<Value> LogSums{"log_sums", Program.buffer(Numbers, T)};
  const Named<Value> RowProducts{"row_products", Program.buffer(Numbers, T)};
  const Named<Attribute> Scale{"scale", Op.getScaleAttr()};
  Program.launch(
      transposedKeysKernel(),
      {Batch->Count, Program.size(G), T.ceilDiv(KeyRows)},
      {K, {"v", Program.memory(Op.getV())}, CuSeqlens, Keys, Values});
  Program.launch(
      softmaxStatisticsKernel(),
      {Batch->Count, Program.size(H), T.ceilDiv(Program.blocks().QueryRows)},
      {Dy,
       Q,
       {"result", Program.memory(Op.getResult())},
       CuSeqlens,
       Keys,
       LogSums,
       RowProducts},
      {Scale});
  Program.launch(softmaxGradientKernel(), {Batch->Count, Program.size(G)},
                 {Dy,
                  Q,
                  K,
                  CuSeqlens,
                  Keys,
                  Values,
                  LogSums,
                  RowProducts,
                  {"dq", Program.allocate(Op.getDq(), T)},
                  {"dk", Program.allocate(Op.getDk(), T)},
                  {"dv", Program.allocate(Op.getDv(), T)}},
                 {Scale});
  return success();
}

void m1::addAttentionGradientLowerings(MLIRContext *Context) {
  attachLowerings<lowerLightningGradient, lowerSoftmaxGradient>(Context);
}
