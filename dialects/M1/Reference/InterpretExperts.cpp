//===- InterpretExperts.cpp - mixture of experts --------------------------===//
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

static LogicalResult interpretRouter(m1::RouterOp Op, Frame &Values) {
  const int64_t Chosen =
      cast<RankedTensorType>(Op.getExperts().getType()).getDimSize(1);
  auto [Experts, Weights] =
      router(Values.get(Op.getX()), Values.get(Op.getWeight()), Chosen);
  if (failed(Values.set(Op.getExperts(), std::move(Experts))))
    return failure();
  return Values.set(Op.getWeights(), std::move(Weights));
}

static LogicalResult interpretExperts(m1::ExpertsOp Op, Frame &Values) {
  const Tensor &Chosen = Values.get(Op.getExperts());
  const Tensor &W1 = Values.get(Op.getW1());
  if (failed(report(Op, checkIndices("experts", Chosen, W1.Shape[0]))))
    return failure();
  const Tensor &X = Values.get(Op.getX()), &W3 = Values.get(Op.getW3());
  if (!Op.getProducts().empty()) {
    auto [Gate, Up] = gateAndUp(X, Chosen, W1, W3);
    if (failed(Values.set(Op.getProducts()[0], std::move(Gate))) ||
        failed(Values.set(Op.getProducts()[1], std::move(Up))))
      return failure();
  }
  return Values.set(Op.getResult(),
                    experts(X, Chosen, Values.get(Op.getWeights()), W1, W3,
                            Values.get(Op.getW2()), Op.getLeaves()));
}

static LogicalResult interpretExpertProducts(m1::ExpertProductsOp Op,
                                             Frame &Values) {
  const Tensor &Chosen = Values.get(Op.getExperts());
  if (failed(report(Op, checkIndices("experts", Chosen, Op.getExpertCount()))))
    return failure();
  return Values.set(
      Op.getResult(),
      expertProducts(Values.get(Op.getX()), Chosen,
                     {Values.get(Op.getW1()), Values.get(Op.getW3()),
                      Values.get(Op.getW2()),
                      Values.first(Op, Op.getShardAttr())},
                     Op.getLeaves(), Op.getPartials()));
}

static LogicalResult interpretCombineExperts(m1::CombineExpertsOp Op,
                                             Frame &Values) {
  return Values.set(
      Op.getResult(),
      combineExperts(Values.get(Op.getOutputs()), Values.get(Op.getWeights())));
}

void m1::reference::attachExperts(MLIRContext &Context) {
  attach<interpretRouter, interpretExperts, interpretExpertProducts,
         interpretCombineExperts>(Context);
}
