//===- InterpretPolicyLoss.cpp - the output head with its loss ------------===//
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

static LogicalResult interpretPolicyHead(m1::PolicyHeadOp Op, Frame &Values) {
  const Tensor &Weight = Values.get(Op.getWeight());
  const PolicyTokens Tokens{
      Values.get(Op.getTargets()), Values.get(Op.getOldLogProbs()),
      Values.get(Op.getAdvantages()), Values.get(Op.getWeights())};
  if (failed(report(
          Op, checkIndices("targets", Tokens.Targets, Weight.Shape[0]))) ||
      failed(checkSequences(Op, Op.getCuSeqlens(), Tokens.Targets.Shape[0],
                            Values)))
    return failure();
  Tensor Sum = Values.getTensorState(Op.getState());
  PolicyHead Result =
      policyHead(Values.get(Op.getX()), Weight, Tokens,
                 positiveTemperature(Values.get(Op.getTemperature()).Reals[0]),
                 Values.get(Op.getBounds()).Reals.data(), Sum);
  Values.setTensorState(Op.getNewState(), std::move(Sum));
  if (failed(Values.set(Op.getLogProbs(), std::move(Result.LogProbs))) ||
      failed(Values.set(Op.getEntropy(), std::move(Result.Entropy))))
    return failure();
  return Values.set(Op.getXGradient(), std::move(Result.XGradient));
}

void m1::reference::attachPolicyLoss(MLIRContext &Context) {
  attach<interpretPolicyHead>(Context);
}
