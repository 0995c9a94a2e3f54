//===- InterpretRows.cpp - ops on rows ------------------------------------===//
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

static LogicalResult interpretEmbedding(m1::EmbeddingOp Op, Frame &Values) {
  const Tensor &Tokens = Values.get(Op.getTokens());
  const Tensor &Table = Values.get(Op.getTable());
  if (failed(report(Op, checkIndices("tokens", Tokens, Op.getVocabulary()))))
    return failure();
  return Values.set(
      Op.getResult(),
      embedding(Tokens, Table, Values.first(Op, Op.getShardAttr())));
}

/// The identity: values are doubles, whatever their element type.
static LogicalResult interpretCast(m1::CastOp Op, Frame &Values) {
  return Values.set(Op.getResult(), Values.share(Op.getOperand()));
}

static LogicalResult interpretLinear(m1::LinearOp Op, Frame &Values) {
  return Values.set(Op.getResult(),
                    linear(Values.get(Op.getX()), Values.get(Op.getWeight()),
                           Op.getLeaves(), Op.getPartials()));
}

static LogicalResult interpretRMSNorm(m1::RMSNormOp Op, Frame &Values) {
  return Values.set(Op.getResult(),
                    rmsNorm(Values.get(Op.getX()), Values.get(Op.getWeight()),
                            Op.getEps().convertToDouble(), Op.getGroups()));
}

static LogicalResult interpretSquares(m1::SquaresOp Op, Frame &Values) {
  return Values.set(
      Op.getResult(),
      squares(Values.get(Op.getX()), Op.getResult().getType().getDimSize(1)));
}

static LogicalResult interpretNormalize(m1::NormalizeOp Op, Frame &Values) {
  return Values.set(Op.getResult(),
                    normalize(Values.get(Op.getX()), Values.get(Op.getWeight()),
                              Values.get(Op.getSquares()), Op.getGroups(),
                              Op.getEps().convertToDouble()));
}

static LogicalResult interpretSilu(m1::SiluOp Op, Frame &Values) {
  return Values.set(Op.getResult(), silu(Values.get(Op.getOperand())));
}

static LogicalResult interpretSigmoidGate(m1::SigmoidGateOp Op, Frame &Values) {
  return Values.set(Op.getResult(), sigmoidGate(Values.get(Op.getX()),
                                                Values.get(Op.getGate())));
}

static LogicalResult interpretSiluMul(m1::SiluMulOp Op, Frame &Values) {
  return Values.set(Op.getResult(),
                    siluMul(Values.get(Op.getA()), Values.get(Op.getB())));
}

static LogicalResult interpretResidual(m1::ResidualOp Op, Frame &Values) {
  return Values.set(Op.getResult(), residual(Values.get(Op.getResidual()),
                                             Values.get(Op.getBranch()),
                                             Op.getAlpha().convertToDouble(),
                                             Op.getBeta().convertToDouble()));
}

static LogicalResult interpretSharedMix(m1::SharedMixOp Op, Frame &Values) {
  return Values.set(Op.getResult(), sharedMix(Values.get(Op.getMoe()),
                                              Values.get(Op.getShared()),
                                              Values.get(Op.getCoefficient())));
}

static LogicalResult interpretSelectLast(m1::SelectLastOp Op, Frame &Values) {
  const Tensor &X = Values.get(Op.getX());
  const Tensor &CuSeqlens = Values.get(Op.getCuSeqlens());
  if (failed(report(Op, checkCuSeqlens(CuSeqlens, X.Shape[0]))))
    return failure();
  return Values.set(Op.getResult(), selectLast(X, CuSeqlens));
}

static LogicalResult interpretFused(m1::FusedOp Op, Frame &Values) {
  FailureOr<SmallVector<TensorPtr>> Results = Values.run(*Op.getBody());
  return failed(Results) ? failure()
                         : Values.set(Op.getResult(), Results->front());
}

void m1::reference::attachRows(MLIRContext &Context) {
  attach<interpretEmbedding, interpretCast, interpretLinear, interpretRMSNorm,
         interpretSquares, interpretNormalize, interpretSilu,
         interpretSigmoidGate, interpretSiluMul, interpretResidual,
         interpretSharedMix, interpretSelectLast, interpretFused>(Context);
}
