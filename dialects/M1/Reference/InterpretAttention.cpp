//===- InterpretAttention.cpp - heads and attention -----------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/M1/Reference/Frame.h"
#include "dialects/M1/Reference/Operations.h"

using namespace mlir;
using namespace m1::reference;

static LogicalResult interpretSplitQKV(m1::SplitQKVOp Op, Frame &Values) {
  auto Ty = cast<RankedTensorType>(Op.getQ().getType());
  std::array<Tensor, 3> Parts =
      splitQKV(Values.get(Op.getOperand()), Ty.getDimSize(1), Ty.getDimSize(2));
  for (auto [V, Part] : llvm::zip(Op.getResults(), Parts))
    if (failed(Values.set(V, std::move(Part))))
      return failure();
  return success();
}

static LogicalResult interpretSplitHeads(m1::SplitHeadsOp Op, Frame &Values) {
  const Tensor &X = Values.get(Op.getOperand());
  auto Ty = cast<RankedTensorType>(Op.getType());
  return Values.set(Op.getResult(), reshape(X, {X.Shape[0], Ty.getDimSize(1),
                                                Ty.getDimSize(2)}));
}

static LogicalResult interpretMergeHeads(m1::MergeHeadsOp Op, Frame &Values) {
  const Tensor &X = Values.get(Op.getOperand());
  return Values.set(Op.getResult(),
                    reshape(X, {X.Shape[0], X.Shape[1] * X.Shape[2]}));
}

static LogicalResult interpretRotary(m1::RotaryOp Op, Frame &Values) {
  return Values.set(Op.getResult(),
                    rotary(Values.get(Op.getX()), Values.get(Op.getPositions()),
                           Op.getTheta().convertToDouble(), Op.getRotaryDim(),
                           Op.getInverse()));
}

/// The batch of an attention op.
template <typename AttentionOp>
static RaggedBatch batchOf(AttentionOp Op, Frame &Values) {
  return {Values.get(Op.getPositions()), Values.get(Op.getCuSeqlens()),
          Values.get(Op.getSlots())};
}

static LogicalResult interpretLightning(m1::LightningAttentionOp Op,
                                        Frame &Values) {
  const Tensor &Q = Values.get(Op.getQ());
  const State &Before = Values.getState(Op.getState());
  const RaggedBatch Batch = batchOf(Op, Values);
  if (failed(report(Op, checkBatch(Batch, Q.Shape[0], Before))))
    return failure();
  const ArrayRef<double> Slopes =
      Op.getSlopes().slice(Values.first(Op, Op.getShardAttr()), Q.Shape[1]);
  auto [Result, After] =
      lightningAttention(Q, Values.get(Op.getK()), Values.get(Op.getV()),
                         Before, Batch, std::vector<double>(Slopes));
  Values.setState(Op.getNewState(), std::move(After));
  return Values.set(Op.getResult(), std::move(Result));
}

static LogicalResult interpretSoftmax(m1::SoftmaxAttentionOp Op,
                                      Frame &Values) {
  const Tensor &Q = Values.get(Op.getQ());
  const State &Before = Values.getState(Op.getCache());
  const RaggedBatch Batch = batchOf(Op, Values);
  const Tensor &K = Values.get(Op.getK()), &V = Values.get(Op.getV());
  const double Scale = Op.getScale().convertToDouble();
  if (Op.getBlocks()) {
    const Tensor &Blocks = Values.get(Op.getBlocks());
    const int64_t Positions = Op.getCache().getType().getBlock();
    if (failed(report(Op, checkBatch(Batch, Q.Shape[0], Blocks, Positions))))
      return failure();
    auto [Result, After] =
        softmaxAttention(Q, K, V, Before, Batch, Blocks, Positions, Scale);
    Values.setState(Op.getNewCache(), std::move(After));
    return Values.set(Op.getResult(), std::move(Result));
  }
  if (failed(report(Op, checkBatch(Batch, Q.Shape[0], Before))))
    return failure();
  auto [Result, After] = softmaxAttention(Q, K, V, Before, Batch, Scale);
  Values.setState(Op.getNewCache(), std::move(After));
  return Values.set(Op.getResult(), std::move(Result));
}

void m1::reference::attachAttention(MLIRContext &Context) {
  attach<interpretSplitQKV, interpretSplitHeads, interpretMergeHeads,
         interpretRotary, interpretLightning, interpretSoftmax>(Context);
}
