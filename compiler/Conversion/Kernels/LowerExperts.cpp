//===- LowerExperts.cpp - launches of routing and experts -----------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/Kernels/ExpertRouting.h"
#include "compiler/Conversion/Kernels/Experts.h"
#include "compiler/Conversion/Kernels/PackedWeights.h"

using namespace mlir;
using namespace m1;
using plan::ExprAttr;

static constexpr int64_t kDynamic = ShapedType::kDynamic;

/// Verifies the number of experts that `Experts`, [T, K], has for a token.
static LogicalResult verifyChoices(Operation *Op, Value Experts) {
  auto Type = cast<RankedTensorType>(Experts.getType());
  if (Type.getDimSize(1) <= kMaxChoices)
    return success();
  return Op->emitOpError("expected at most ")
         << kMaxChoices << " experts per token, found " << Type;
}

FailureOr<ExpertRouting> m1::routePairs(Operation *Op, Value Experts,
                                        int64_t Count,
                                        ProgramLowering &Program) {
  // A router's choices are distinct.
  if (failed(verifyChoices(Op, Experts)) ||
      failed(Program.Checks.expectBelow(Op, "experts", Experts, Count)) ||
      (isa<BlockArgument>(Experts) &&
       failed(Program.Checks.expectUnique(Op, "experts", Experts))))
    return failure();
  Type I32 = Builder(Op->getContext()).getI32Type();
  const ExprAttr T = Program.rows(Experts);
  const int64_t Bound = T.evaluate(Program.Shared.Limits.of(T.getSymbol()));
  const ExpertRouting Routing{
      {"pairs", Program.buffer(memoryType({Count, Bound}, I32))},
      {"counts", Program.buffer(memoryType({Count}, I32))}};
  Program.launch(routeKernel(), {Program.size(Count)},
                 {{"experts", Program.memory(Experts)},
                  Routing.Pairs,
                  Routing.Counts,
                  {"rows", Program.scalar(T)}});
  return Routing;
}

SmallVector<ExprAttr> m1::expertGrid(ProgramLowering &Program, ExprAttr T,
                                     Value Packed) {
  ArrayRef<int64_t> Shape = cast<MemRefType>(Packed.getType()).getShape();
  const PackedLayout Layout(Shape.drop_front());
  return {Program.productBlocks(T), Program.panelGroups(Layout.Panels),
          Program.size(Shape[0])};
}

Value m1::packedRouter(Value Weight, Value X, Operation *User,
                       ProgramLowering &Program) {
  // Padded to whole vectors.
  const int64_t E = cast<RankedTensorType>(Weight.getType()).getDimSize(0);
  return Program.packed(Weight, X, User, llvm::alignTo(E, 16));
}

static LogicalResult lowerRouter(RouterOp Op, ProgramLowering &Program) {
  if (failed(verifyChoices(Op, Op.getExperts())))
    return failure();
  const int64_t E =
      cast<RankedTensorType>(Op.getWeight().getType()).getDimSize(0);
  Value X = Program.memory(Op.getX());
  Value Weight = packedRouter(Op.getWeight(), X, Op, Program);
  if (!Weight)
    return failure();
  const ExprAttr T = plan::rowsOf(X);
  Value Experts = Program.allocate(Op.getExperts(), T);
  Value Weights = Program.allocate(Op.getWeights(), T);
  Program.launch(
      routerKernel(), {Program.fewRowBlocks(T)},
      {{"x", X},
       {"weight", Weight},
       {"experts", Experts},
       {"weights", Weights},
       {"rows", Program.scalar(T)}},
      {{"expert_count", Builder(Op.getContext()).getI64IntegerAttr(E)}});
  return success();
}

static LogicalResult lowerExperts(ExpertsOp Op, ProgramLowering &Program) {
  Value X = Program.memory(Op.getX());
  Value W1 = Program.packed(Op.getW1(), X, Op);
  Value W3 = Program.packed(Op.getW3(), X, Op);
  Value W2 = Program.packed(Op.getW2(), X, Op);
  if (!W1 || !W3 || !W2)
    return failure();
  const ExprAttr T = plan::rowsOf(X);
  auto Shape = cast<RankedTensorType>(Op.getW1().getType()).getShape();
  const int64_t E = Shape[0], F = Shape[1], D = Shape[2];
  if (failed(Program.expectRows(Op, "experts", Op.getExperts(), T)) ||
      failed(Program.expectRows(Op, "weights", Op.getWeights(), T)))
    return failure();
  const FailureOr<ExpertRouting> Routing =
      routePairs(Op, Op.getExperts(), E, Program);
  if (failed(Routing))
    return failure();
  const auto &[Pairs, Counts] = *Routing;
  Builder B(Op.getContext());
  const int64_t K =
      cast<RankedTensorType>(Op.getExperts().getType()).getDimSize(1);

  // Hidden rows and outputs, one for each pair.
  const ExprAttr PairRows = T.times(K);
  const Named<Value> Hidden{
      "hidden",
      Program.buffer(
          memoryType({kDynamic, F}, getElementTypeOrSelf(Op.getX().getType())),
          PairRows)};
  Program.launch(expertsUpKernel(), expertGrid(Program, T, W1),
                 {{"x", X}, {"w1", W1}, {"w3", W3}, Pairs, Counts, Hidden},
                 {{"choices", B.getI64IntegerAttr(K)}});
  Value Outputs =
      Program.buffer(memoryType({kDynamic, D}, B.getF32Type()), PairRows);
  Program.launch(expertsDownKernel(), expertGrid(Program, T, W2),
                 {Hidden, {"w2", W2}, Pairs, Counts, {"outputs", Outputs}});

  Value ByToken = Program.view(Outputs, {kDynamic, K, D}, {}, 0, T);
  Program.launch(combineKernel(), {Program.fewRowBlocks(T)},
                 {{"outputs", ByToken},
                  {"weights", Program.memory(Op.getWeights())},
                  {"result", Program.allocate(Op.getResult(), T)},
                  {"rows", Program.scalar(T)}});
  return success();
}

void m1::addExpertLowerings(MLIRContext *Context) {
  attachLowerings<lowerRouter, lowerExperts>(Context);
}
