//===- InterpretOutput.cpp - log-probabilities and sampling ---------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/M1/Reference/Frame.h"
#include "dialects/M1/Reference/Operations.h"
#include <cmath>

using namespace mlir;
using namespace m1::reference;

static LogicalResult interpretTokenLogProb(m1::TokenLogProbOp Op,
                                           Frame &Values) {
  const Tensor &Logits = Values.get(Op.getLogits());
  const Tensor &Targets = Values.get(Op.getTargets());
  if (failed(report(Op, checkIndices("targets", Targets, Logits.Shape[1]))))
    return failure();
  Value Temperature = Op.getTemperature();
  return Values.set(
      Op.getResult(),
      tokenLogProb(Logits, Targets,
                   Temperature ? &Values.get(Temperature) : nullptr));
}

static LogicalResult interpretHeadLogProb(m1::HeadLogProbOp Op, Frame &Values) {
  const Tensor &Weight = Values.get(Op.getWeight());
  const Tensor &Targets = Values.get(Op.getTargets());
  if (failed(report(Op, checkIndices("targets", Targets, Weight.Shape[0]))))
    return failure();
  return Values.set(
      Op.getResult(),
      tokenLogProb(linear(Values.get(Op.getX()), Weight), Targets));
}

static LogicalResult interpretAdjustLogits(m1::AdjustLogitsOp Op,
                                           Frame &Values) {
  const Tensor &Rows = Values.get(Op.getRows());
  const Tensor &Bias = Values.get(Op.getBias());
  if (failed(report(Op, checkIndices("rows", Rows, Bias.Shape[0], -1))))
    return failure();
  return Values.set(Op.getResult(),
                    adjustLogits(Values.get(Op.getLogits()), Rows, Bias,
                                 Values.get(Op.getRepetition())));
}

static LogicalResult interpretSample(m1::SampleOp Op, Frame &Values) {
  const Tensor &Logits = Values.get(Op.getLogits());
  if (Logits.Shape[1] == 0)
    return Op.emitOpError("expected a vocabulary to draw from, found none");
  for (auto [Index, Logit] : llvm::enumerate(Logits.Reals))
    if (std::isnan(Logit) || Logit == INFINITY)
      return Op.emitOpError("expected logits below infinity, found ")
             << (std::isnan(Logit) ? "NaN" : "infinity") << " at "
             << Index / Logits.Shape[1] << ", " << Index % Logits.Shape[1];
  Value MinP = Op.getMinP();
  return Values.set(Op.getResult(),
                    sample(Logits, Values.get(Op.getTemperature()),
                           Values.get(Op.getTopP()), Values.get(Op.getTopK()),
                           Values.get(Op.getSeeds()),
                           Values.get(Op.getPositions()),
                           MinP ? &Values.get(MinP) : nullptr));
}

void m1::reference::attachOutput(MLIRContext &Context) {
  attach<interpretTokenLogProb, interpretHeadLogProb, interpretAdjustLogits,
         interpretSample>(Context);
}
