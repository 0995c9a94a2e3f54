//===- LowerExpertGradients.cpp - launches of gradients of experts --------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/Kernels/ExpertGradients.h"
#include "compiler/Conversion/Kernels/ExpertRouting.h"
#include "compiler/Conversion/Kernels/TokenLists.h"

using namespace mlir;
using namespace m1;
using plan::ExprAttr;

static constexpr int64_t kDynamic = ShapedType::kDynamic;

static ArrayRef<int64_t> shapeOf(Value Tensor) {
  return cast<RankedTensorType>(Tensor.getType()).getShape();
}

static LogicalResult lowerRouterGradient(RouterGradientOp Op,
                                         ProgramLowering &Program) {
  const ExprAttr T = Program.rows(Op.getDweights());
  if (failed(Program.expectOperandRows(Op, T)))
    return failure();
  Program.launch(routerGradientKernel(), {Program.fewRowBlocks(T)},
                 {{"dweights", Program.memory(Op.getDweights())},
                  {"experts", Program.memory(Op.getExperts())},
                  {"weights", Program.memory(Op.getWeights())},
                  {"result", Program.allocate(Op.getResult(), T)},
                  {"rows", Program.scalar(T)}});
  return success();
}

static LogicalResult lowerRouterBalance(RouterBalanceOp Op,
                                        ProgramLowering &Program) {
  Value X = Program.memory(Op.getX());
  Value Weight = packedRouter(Op.getWeight(), X, Op, Program);
  if (!Weight)
    return failure();
  const ExprAttr T = plan::rowsOf(X);
  const int64_t E = shapeOf(Op.getWeight())[0];
  // Its axis 0 is dynamic in memory, as that of every argument.
  Value Coefficients = Program.view(Program.memory(Op.getCoefficients()), {E});
  Program.launch(
      routerBalanceKernel(), {Program.fewRowBlocks(T)},
      {{"x", X},
       {"weight", Weight},
       {"coefficients", Coefficients},
       {"loss", Program.allocate(Op.getLoss(), T)},
       {"gradient", Program.allocate(Op.getGradient(), T)},
       {"rows", Program.scalar(T)}},
      {{"expert_count", Builder(Op.getContext()).getI64IntegerAttr(E)}});
  return success();
}

static LogicalResult lowerExpertsGradient(ExpertsGradientOp Op,
                                          ProgramLowering &Program) {
  Value X = Program.memory(Op.getX());
  const ExprAttr T = plan::rowsOf(X);
  std::pair<StringRef, Value> Rows[] = {{"dy", Op.getDy()},
                                        {"experts", Op.getExperts()},
                                        {"weights", Op.getWeights()}};
  for (auto [Name, V] : Rows)
    if (failed(Program.expectRows(Op, Name, V, T)))
      return failure();
  // What a and b are computed from, or they themselves.
  SmallVector<Named<Value>> Operands;
  if (Op.getProducts().empty()) {
    Value W1 = Program.packed(Op.getW1(), X, Op);
    Value W3 = Program.packed(Op.getW3(), X, Op);
    if (!W1 || !W3)
      return failure();
    Operands = {{"x", X}, {"w1", W1}, {"w3", W3}};
  } else {
    const StringRef Names[] = {"gate", "up"};
    SmallVector<Value> Products;
    for (auto [Name, V] : llvm::zip(Names, Op.getProducts())) {
      if (failed(Program.expectRows(Op, Name, V, T)))
        return failure();
      Products.push_back(Program.memory(V));
    }
    llvm::append_range(Operands, productOperands(Program, Products));
  }
  const int64_t E = shapeOf(Op.getW1())[0], F = shapeOf(Op.getW1())[1];
  const int64_t D = shapeOf(Op.getW1())[2], K = shapeOf(Op.getExperts())[1];
  const FailureOr<ExpertRouting> Routing =
      routePairs(Op, Op.getExperts(), E, Program);
  if (failed(Routing))
    return failure();
  const auto &[Pairs, Counts] = *Routing;

  Builder B(Op.getContext());
  const ExprAttr PairRows = T.times(K);
  auto ByPair = [&](Value Memory, int64_t Width) {
    return Program.view(Memory, {kDynamic, Width}, {}, 0, PairRows);
  };
  auto Result = [&](StringRef Name, Value V) -> Named<Value> {
    return {Name, ByPair(Program.allocate(V, T), F)};
  };
  auto Buffer = [&](int64_t Width) {
    return Program.buffer(memoryType({kDynamic, Width}, B.getF32Type()),
                          PairRows);
  };
  Value Terms = Buffer(F);
  Value Dy = Program.memory(Op.getDy());
  Value Transposed2 = Program.packedTransposed(Op.getW2(), Dy, Op);
  if (!Transposed2)
    return failure();
  const Named<Value> Gate = Result("gate_gradient", Op.getGateGradient());
  const Named<Value> Up = Result("up_gradient", Op.getUpGradient());
  Operands.append({{"dy", Dy},
                   {"weights", ByPair(Program.memory(Op.getWeights()), 1)},
                   {"w2", Transposed2},
                   Pairs,
                   Counts,
                   {"terms", Terms},
                   Result("hidden", Op.getHidden()),
                   Gate,
                   Up});
  Program.launch(expertsHiddenGradientKernel(),
                 expertGrid(Program, T, Transposed2), Operands,
                 {{"choices", B.getI64IntegerAttr(K)}});
  Value Dweights = Program.view(Program.allocate(Op.getDweights(), T),
                                {kDynamic}, {}, 0, PairRows);
  Program.launch(
      rowSumKernel(), {Program.fewRowBlocks(PairRows)},
      {{"x", Terms}, {"result", Dweights}, {"rows", Program.scalar(PairRows)}});

  Value Outputs = Buffer(D);
  Value Transposed1 = Program.packedTransposed(Op.getW1(), Gate.Value, Op);
  Value Transposed3 = Program.packedTransposed(Op.getW3(), Up.Value, Op);
  if (!Transposed1 || !Transposed3)
    return failure();
  Program.launch(expertsInputGradientKernel(),
                 expertGrid(Program, T, Transposed1),
                 {Gate,
                  Up,
                  {"w1", Transposed1},
                  {"w3", Transposed3},
                  Pairs,
                  Counts,
                  {"outputs", Outputs}});
  Program.launch(
      sumChoicesKernel(), {Program.fewRowBlocks(T)},
      {{"outputs", Program.view(Outputs, {kDynamic, K, D}, {}, 0, T)},
       {"result", Program.allocate(Op.getDx(), T)},
       {"rows", Program.scalar(T)}});
  return success();
}

static LogicalResult lowerExpertsWeightGradient(ExpertsWeightGradientOp Op,
                                                ProgramLowering &Program) {
  const ExprAttr T = Program.rows(Op.getExperts());
  if (failed(Program.expectRows(Op, "left", Op.getLeft(), T)) ||
      failed(Program.expectRows(Op, "right", Op.getRight(), T)))
    return failure();
  ArrayRef<int64_t> Shape = Op.getState().getType().getShape();
  const bool Twos =
      Op.getCuSeqlens() &&
      takesTwos(Program.blocks(), getElementTypeOrSelf(Op.getLeft()),
                getElementTypeOrSelf(Op.getRight()));
  const FailureOr<ExpertRouting> Routing =
      Twos
          ? routeTwos(Op, Op.getExperts(), Op.getCuSeqlens(), Shape[0], Program)
          : routePairs(Op, Op.getExperts(), Shape[0], Program);
  if (failed(Routing))
    return failure();
  const int64_t Choices = shapeOf(Op.getExperts())[1];
  Builder B(Op.getContext());
  auto IsByPair = [&](Value Side) {
    return B.getI64IntegerAttr(shapeOf(Side).size() == 3);
  };
  /// The rows of tokens or of pairs.
  auto RowsOf = [&](Value Side) {
    Value Memory = Program.memory(Side);
    if (shapeOf(Side).size() == 2)
      return Memory;
    return Program.view(Memory, {kDynamic, shapeOf(Side)[2]}, {}, 0,
                        T.times(Choices));
  };
  SmallVector<ExprAttr> Grid = gradientGrid(Program, Shape[1], Shape[2], Twos);
  Grid.push_back(Program.size(Shape[0]));
  Program.launch(expertsWeightGradientKernel(), Grid,
                 {{"left", RowsOf(Op.getLeft())},
                  {"right", RowsOf(Op.getRight())},
                  Routing->Pairs,
                  Routing->Counts,
                  {"state", Program.updateTensorState(Op.getStateMutable())}},
                 {{"choices", B.getI64IntegerAttr(Choices)},
                  {"left_by_pair", IsByPair(Op.getLeft())},
                  {"right_by_pair", IsByPair(Op.getRight())},
                  {"twos", B.getI64IntegerAttr(Twos)}});
  return success();
}

void m1::addExpertGradientLowerings(MLIRContext *Context) {
  attachLowerings<lowerRouterGradient, lowerRouterBalance, lowerExpertsGradient,
                  lowerExpertsWeightGradient>(Context);
}
