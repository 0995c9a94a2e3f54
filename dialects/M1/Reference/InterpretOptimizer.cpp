//===- InterpretOptimizer.cpp - the optimiser -----------------------------===//
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

/// A tensor with one element.
static Tensor one(double Value) {
  Tensor Result = Tensor::reals({1});
  Result.Reals[0] = Value;
  return Result;
}

static LogicalResult interpretSquaredSum(m1::SquaredSumOp Op, Frame &Values) {
  Values.setState(Op.getNewState(), Values.getState(Op.getState()));
  return Values.set(Op.getResult(),
                    one(squaredSum(Values.getTensorState(Op.getState()))));
}

static LogicalResult interpretClipNorm(m1::ClipNormOp Op, Frame &Values) {
  std::vector<double> Sums;
  for (Value Sum : Op.getSums())
    Sums.push_back(Values.get(Sum).Reals[0]);
  const ClippedNorm Result =
      clipNorm(Sums, Values.get(Op.getMaxNorm()).Reals[0],
               Values.get(Op.getEnabled()).Integers[0] != 0);
  Tensor Applied = Tensor::integers({1});
  Applied.Integers[0] = Result.Applied;
  return success(succeeded(Values.set(Op.getNorm(), one(Result.Norm))) &&
                 succeeded(Values.set(Op.getScale(), one(Result.Scale))) &&
                 succeeded(Values.set(Op.getApplied(), std::move(Applied))));
}

static LogicalResult interpretAdamW(m1::AdamWOp Op, Frame &Values) {
  Tensor Master = Values.getTensorState(Op.getMaster());
  Tensor First = Values.getTensorState(Op.getFirst());
  Tensor Second = Values.getTensorState(Op.getSecond());
  Tensor Gradient = Values.getTensorState(Op.getGradient());
  const std::vector<double> &Numbers =
      Values.get(Op.getHyperparameters()).Reals;
  adamW({Master, First, Second, Gradient}, Values.get(Op.getScale()).Reals[0],
        Values.get(Op.getApplied()).Integers[0] != 0,
        Values.get(Op.getLearningRates()).Reals[Op.getIndex()],
        Values.get(Op.getWeightDecays()).Reals[Op.getIndex()],
        {Numbers[0], Numbers[1], Numbers[2], Numbers[3], Numbers[4]});
  Values.setTensorState(Op.getNewMaster(), std::move(Master));
  Values.setTensorState(Op.getNewFirst(), std::move(First));
  Values.setTensorState(Op.getNewSecond(), std::move(Second));
  Values.setTensorState(Op.getNewGradient(), std::move(Gradient));
  return success();
}

void m1::reference::attachOptimizer(MLIRContext &Context) {
  attach<interpretSquaredSum, interpretClipNorm, interpretAdamW>(Context);
}
