//===- InterpretRowGradients.cpp - gradients of ops on rows ---------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/M1/Reference/Frame.h"
#include "dialects/M1/Reference/TrainingOperations.h"

using namespace mlir;
using namespace m1::reference;

static LogicalResult interpretEmbeddingGradient(m1::EmbeddingGradientOp Op,
                                                Frame &Values) {
  const Tensor &Tokens = Values.get(Op.getTokens());
  Tensor To = Values.getTensorState(Op.getState());
  if (failed(report(Op, checkIndices("tokens", Tokens, To.Shape[0]))))
    return failure();
  embeddingGradient(Values.get(Op.getDy()), Tokens, To);
  Values.setTensorState(Op.getNewState(), std::move(To));
  return success();
}

static LogicalResult interpretRMSNormGradient(m1::RMSNormGradientOp Op,
                                              Frame &Values) {
  return Values.set(Op.getResult(),
                    rmsNormGradient(Values.get(Op.getDy()),
                                    Values.get(Op.getX()),
                                    Values.get(Op.getWeight()),
                                    Op.getEps().convertToDouble()));
}

static LogicalResult
interpretRMSNormWeightGradient(m1::RMSNormWeightGradientOp Op, Frame &Values) {
  Tensor To = Values.getTensorState(Op.getState());
  rmsNormWeightGradient(Values.get(Op.getDy()), Values.get(Op.getX()),
                        Op.getEps().convertToDouble(), To);
  Values.setTensorState(Op.getNewState(), std::move(To));
  return success();
}

static LogicalResult interpretScale(m1::ScaleOp Op, Frame &Values) {
  return Values.set(Op.getResult(), scale(Values.get(Op.getOperand()),
                                          Op.getFactor().convertToDouble()));
}

static LogicalResult interpretSiluGradient(m1::SiluGradientOp Op,
                                           Frame &Values) {
  return Values.set(Op.getResult(), siluGradient(Values.get(Op.getDy()),
                                                 Values.get(Op.getX())));
}

static LogicalResult interpretSigmoidGateGradient(m1::SigmoidGateGradientOp Op,
                                                  Frame &Values) {
  return Values.set(Op.getResult(),
                    sigmoidGateGradient(Values.get(Op.getDy()),
                                        Values.get(Op.getX()),
                                        Values.get(Op.getGate())));
}

static LogicalResult interpretSiluMulGradient(m1::SiluMulGradientOp Op,
                                              Frame &Values) {
  return Values.set(Op.getResult(), siluMulGradient(Values.get(Op.getDy()),
                                                    Values.get(Op.getA()),
                                                    Values.get(Op.getB())));
}

static LogicalResult interpretSharedMixGradient(m1::SharedMixGradientOp Op,
                                                Frame &Values) {
  std::array<Tensor, 3> Results = sharedMixGradient(
      Values.get(Op.getDy()), Values.get(Op.getMoe()),
      Values.get(Op.getShared()), Values.get(Op.getCoefficient()));
  for (auto [Result, Computed] : llvm::zip(Op.getResults(), Results))
    if (failed(Values.set(Result, std::move(Computed))))
      return failure();
  return success();
}

static LogicalResult interpretMergeQKV(m1::MergeQKVOp Op, Frame &Values) {
  return Values.set(Op.getResult(),
                    mergeQKV(Values.get(Op.getQ()), Values.get(Op.getK()),
                             Values.get(Op.getV())));
}

void m1::reference::attachRowGradients(MLIRContext &Context) {
  attach<interpretEmbeddingGradient, interpretRMSNormGradient,
         interpretRMSNormWeightGradient, interpretScale, interpretSiluGradient,
         interpretSigmoidGateGradient, interpretSiluMulGradient,
         interpretSharedMixGradient, interpretMergeQKV>(Context);
}
