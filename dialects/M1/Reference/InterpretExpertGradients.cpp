//===- InterpretExpertGradients.cpp - gradients of products and experts ---===//
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

static LogicalResult interpretLinearTransposed(m1::LinearTransposedOp Op,
                                               Frame &Values) {
  return Values.set(
      Op.getResult(),
      linearTransposed(Values.get(Op.getDy()), Values.get(Op.getWeight())));
}

static LogicalResult
interpretLinearWeightGradient(m1::LinearWeightGradientOp Op, Frame &Values) {
  if (failed(checkSequences(Op, Op.getCuSeqlens(),
                            Values.get(Op.getDy()).Shape[0], Values)))
    return failure();
  Tensor State = Values.getTensorState(Op.getState());
  linearWeightGradient(Values.get(Op.getDy()), Values.get(Op.getX()), State);
  Values.setTensorState(Op.getNewState(), std::move(State));
  return success();
}

static LogicalResult interpretRouterGradient(m1::RouterGradientOp Op,
                                             Frame &Values) {
  const Tensor &Chosen = Values.get(Op.getExperts());
  const int64_t Count =
      cast<RankedTensorType>(Op.getResult().getType()).getDimSize(1);
  if (failed(report(Op, checkIndices("experts", Chosen, Count))))
    return failure();
  return Values.set(Op.getResult(),
                    routerGradient(Values.get(Op.getDweights()), Chosen,
                                   Values.get(Op.getWeights()), Count));
}

static LogicalResult interpretRouterBalance(m1::RouterBalanceOp Op,
                                            Frame &Values) {
  auto [Loss, Gradient] =
      routerBalance(Values.get(Op.getX()), Values.get(Op.getWeight()),
                    Values.get(Op.getCoefficients()));
  if (failed(Values.set(Op.getLoss(), std::move(Loss))))
    return failure();
  return Values.set(Op.getGradient(), std::move(Gradient));
}

static LogicalResult interpretExpertsGradient(m1::ExpertsGradientOp Op,
                                              Frame &Values) {
  const Tensor &Chosen = Values.get(Op.getExperts());
  const Tensor &W1 = Values.get(Op.getW1());
  if (failed(report(Op, checkIndices("experts", Chosen, W1.Shape[0]))))
    return failure();
  const Tensor &W3 = Values.get(Op.getW3());
  auto [Gate, Up] = Op.getProducts().empty()
                        ? gateAndUp(Values.get(Op.getX()), Chosen, W1, W3)
                        : std::pair(Values.get(Op.getProducts()[0]),
                                    Values.get(Op.getProducts()[1]));
  ExpertsGradient G = expertsGradient(Values.get(Op.getDy()), Chosen,
                                      Values.get(Op.getWeights()), Gate, Up,
                                      {W1, W3, Values.get(Op.getW2())});
  std::pair<Value, Tensor *> Results[] = {{Op.getDx(), &G.Dx},
                                          {Op.getDweights(), &G.Dweights},
                                          {Op.getHidden(), &G.Hidden},
                                          {Op.getGateGradient(), &G.Dgate},
                                          {Op.getUpGradient(), &G.Dup}};
  for (auto [Result, Found] : Results)
    if (failed(Values.set(Result, std::move(*Found))))
      return failure();
  return success();
}

static LogicalResult
interpretExpertsWeightGradient(m1::ExpertsWeightGradientOp Op, Frame &Values) {
  const Tensor &Chosen = Values.get(Op.getExperts());
  Tensor State = Values.getTensorState(Op.getState());
  if (failed(report(Op, checkIndices("experts", Chosen, State.Shape[0]))) ||
      failed(checkSequences(Op, Op.getCuSeqlens(), Chosen.Shape[0], Values)))
    return failure();
  expertsWeightGradient(Values.get(Op.getLeft()), Values.get(Op.getRight()),
                        Chosen, State);
  Values.setTensorState(Op.getNewState(), std::move(State));
  return success();
}

void m1::reference::attachExpertGradients(MLIRContext &Context) {
  attach<interpretLinearTransposed, interpretLinearWeightGradient,
         interpretRouterGradient, interpretRouterBalance,
         interpretExpertsGradient, interpretExpertsWeightGradient>(Context);
}
