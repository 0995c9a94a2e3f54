//===- InterpretAttentionGradients.cpp - gradients of attention -----------===//
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

/// Sets the results of a gradient op, unless its sequences are not well formed.
template <typename GradientOp>
static LogicalResult
interpretGradients(GradientOp Op, Frame &Values,
                   llvm::function_ref<AttentionGradients()> Compute) {
  if (failed(report(Op, checkCuSeqlens(Values.get(Op.getCuSeqlens()),
                                       Values.get(Op.getQ()).Shape[0]))))
    return failure();
  AttentionGradients Gradients = Compute();
  if (failed(Values.set(Op.getDq(), std::move(Gradients.Dq))) ||
      failed(Values.set(Op.getDk(), std::move(Gradients.Dk))))
    return failure();
  return Values.set(Op.getDv(), std::move(Gradients.Dv));
}

static LogicalResult
interpretLightningGradient(m1::LightningAttentionGradientOp Op, Frame &Values) {
  return interpretGradients(Op, Values, [&] {
    return lightningAttentionGradient(
        Values.get(Op.getDy()), Values.get(Op.getQ()), Values.get(Op.getK()),
        Values.get(Op.getV()), Values.get(Op.getCuSeqlens()),
        std::vector<double>(Op.getSlopes()));
  });
}

static LogicalResult interpretSoftmaxGradient(m1::SoftmaxAttentionGradientOp Op,
                                              Frame &Values) {
  return interpretGradients(Op, Values, [&] {
    return softmaxAttentionGradient(
        Values.get(Op.getDy()), Values.get(Op.getQ()), Values.get(Op.getK()),
        Values.get(Op.getV()), Values.get(Op.getResult()),
        Values.get(Op.getCuSeqlens()), Op.getScale().convertToDouble());
  });
}

void m1::reference::attachAttentionGradients(MLIRContext &Context) {
  attach<interpretLightningGradient, interpretSoftmaxGradient>(Context);
}
