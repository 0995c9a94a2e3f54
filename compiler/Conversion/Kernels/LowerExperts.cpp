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
#include "compiler/Conversion/Kernels/PartialSums.h"
#include "compiler/Conversion/Kernels/TokenLists.h"

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

/// Launches the kernel of routePairs(), with room for `Bound` entries of each
/// expert, and with further operands.
static FailureOr<ExpertRouting> route(Operation *Op, Value Experts,
                                      int64_t Count, int64_t Bound, int64_t All,
                                      ArrayRef<Named<Value>> More,
                                      ProgramLowering &Program) {
  // A router's choices are distinct.
  if (failed(verifyChoices(Op, Experts)) ||
      failed(Program.Checks.expectBelow(Op, "experts", Experts, All)) ||
      (isa<BlockArgument>(Experts) &&
       failed(Program.Checks.expectUnique(Op, "experts", Experts))))
    return failure();
  Type I32 = Builder(Op->getContext()).getI32Type();
  const ExpertRouting Routing{
      {"pairs", Program.buffer(memoryType({Count, Bound}, I32))},
      {"counts", Program.buffer(memoryType({Count}, I32))}};
  SmallVector<Named<Value>> Operands{
      {"experts", Program.memory(Experts)},
      Routing.Pairs,
      Routing.Counts,
      {"rows", Program.scalar(Program.rows(Experts))}};
  llvm::append_range(Operands, More);
  Program.launch(routeKernel(), {Program.size(Count)}, Operands);
  return Routing;
}

FailureOr<ExpertRouting> m1::routePairs(Operation *Op, Value Experts,
                                        int64_t Count, ProgramLowering &Program,
                                        ShardAttr Shard) {
  SmallVector<Named<Value>> More;
  if (Shard)
    More.push_back({"first_expert", Program.firstElement(Shard)});
  return route(Op, Experts, Count, Program.most(Program.rows(Experts)),
               Shard ? Shard.getExtent() : Count, More, Program);
}

FailureOr<ExpertRouting> m1::routeTwos(Operation *Op, Value Experts,
                                       Value CuSeqlens, int64_t Count,
                                       ProgramLowering &Program) {
  const ExprAttr T = Program.rows(Experts);
  const auto Sequences = Program.expectSequences(Op, CuSeqlens, T);
  if (failed(Sequences))
    return failure();
  const int64_t Bound =
      listExtent(Program.blocks(), Program.most(T), Program.most(*Sequences));
  return route(Op, Experts, Count, Bound, Count,
               {{"cu_seqlens", Program.memory(CuSeqlens)},
                {"sequences", Program.scalar(*Sequences)}},
               Program);
}

SmallVector<ExprAttr> m1::expertGrid(ProgramLowering &Program, ExprAttr T,
                                     Value Packed) {
  ArrayRef<int64_t> Shape = cast<MemRefType>(Packed.getType()).getShape();
  const PackedLayout Layout(Shape.drop_front());
  return {Program.productBlocks(T), Program.panelGroups(Layout.Panels),
          Program.size(Shape[0])};
}

SmallVector<Named<Value>, 2> m1::productOperands(ProgramLowering &Program,
                                                 ArrayRef<Value> Products) {
  static constexpr StringRef Names[] = {"gate", "up"};
  SmallVector<Named<Value>, 2> Operands;
  for (auto [Number, Memory] : llvm::enumerate(Products)) {
    ArrayRef<int64_t> Shape = cast<MemRefType>(Memory.getType()).getShape();
    const ExprAttr Pairs = plan::rowsOf(Memory).times(Shape[1]);
    Operands.push_back(
        {Names[Number],
         Program.view(Memory, {kDynamic, Shape[2]}, {}, 0, Pairs)});
  }
  return Operands;
}

Value m1::packedRouter(Value Weight, Value X, Operation *User,
                       ProgramLowering &Program) {
  // Padded to whole vectors.
  const int64_t E = cast<RankedTensorType>(Weight.getType()).getDimSize(0);
  return Program.packed(Weight, X, User, /*Leaves=*/1, llvm::alignTo(E, 16));
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

/// Launches the products of m1.experts or of its first half, whose outputs are
/// rows of `Outputs`, one for each pair. `Kept` is none, or memory for the gate
/// and up of each pair.
template <typename ProductsOp>
static LogicalResult launchProducts(ProductsOp Op, IntegerAttr Partials,
                                    ShardAttr Shard,
                                    ArrayRef<Named<Value>> Kept, Value Outputs,
                                    ProgramLowering &Program) {
  Value X = Program.memory(Op.getX());
  Value W1 = Program.packed(Op.getW1(), X, Op);
  Value W3 = Program.packed(Op.getW3(), X, Op);
  Value W2 = Program.packed(Op.getW2(), X, Op, Op.getLeaves());
  if (!W1 || !W3 || !W2)
    return failure();
  const ExprAttr T = plan::rowsOf(X);
  auto Shape = cast<RankedTensorType>(Op.getW1().getType()).getShape();
  const int64_t E = Shape[0], F = Shape[1];
  if (failed(Program.expectRows(Op, "experts", Op.getExperts(), T)))
    return failure();
  const FailureOr<ExpertRouting> Routing =
      routePairs(Op, Op.getExperts(), E, Program, Shard);
  if (failed(Routing))
    return failure();
  const auto &[Pairs, Counts] = *Routing;
  Builder B(Op.getContext());
  const int64_t K =
      cast<RankedTensorType>(Op.getExperts().getType()).getDimSize(1);
  const ExprAttr PairRows = T.times(K);
  const Named<Value> Hidden{
      "hidden",
      Program.buffer(
          memoryType({kDynamic, F}, getElementTypeOrSelf(Op.getX().getType())),
          PairRows)};
  SmallVector<Named<Value>> Operands{{"x", X}, {"w1", W1}, {"w3", W3},
                                     Pairs,    Counts,     Hidden};
  llvm::append_range(Operands, Kept);
  Program.launch(expertsUpKernel(), expertGrid(Program, T, W1), Operands,
                 {{"choices", B.getI64IntegerAttr(K)}});
  Program.launch(
      expertsDownKernel(), expertGrid(Program, T, W2),
      {Hidden, {"w2", W2}, Pairs, Counts, {"outputs", Outputs}},
      {{"sums", PartialSums::constant(Op.getLeavesAttr(), Partials)}});
  if (Shard)
    Program.launch(fillAbsentKernel(), {PairRows},
                   {{"experts", Program.memory(Op.getExperts())},
                    {"first_expert", Program.firstElement(Shard)},
                    {"outputs", Outputs}},
                   {{"expert_count", B.getI64IntegerAttr(E)}});
  return success();
}

/// Launches the weighted sum of the choices, of `Outputs` [T * K, D].
template <typename WeightedOp>
static void launchCombine(WeightedOp Op, Value Outputs,
                          ProgramLowering &Program) {
  Value Weights = Program.memory(Op.getWeights());
  const ExprAttr T = plan::rowsOf(Weights);
  const int64_t K = cast<MemRefType>(Weights.getType()).getDimSize(1);
  const int64_t D = Op.getResult().getType().getDimSize(1);
  Program.launch(
      combineKernel(), {Program.fewRowBlocks(T)},
      {{"outputs", Program.view(Outputs, {kDynamic, K, D}, {}, 0, T)},
       {"weights", Weights},
       {"result", Program.allocate(Op.getResult(), T)},
       {"rows", Program.scalar(T)}});
}

static LogicalResult lowerExperts(ExpertsOp Op, ProgramLowering &Program) {
  Builder B(Op.getContext());
  const ExprAttr T = Program.rows(Op.getX());
  if (failed(Program.expectRows(Op, "weights", Op.getWeights(), T)))
    return failure();
  const int64_t K =
      cast<RankedTensorType>(Op.getExperts().getType()).getDimSize(1);
  const int64_t D = Op.getResult().getType().getDimSize(1);
  Value Outputs =
      Program.buffer(memoryType({kDynamic, D}, B.getF32Type()), T.times(K));
  const auto Products =
      llvm::map_to_vector(Op.getProducts(), [&](Value Product) {
        return Program.allocate(Product, T);
      });
  if (failed(launchProducts(Op, B.getI64IntegerAttr(1), {},
                            productOperands(Program, Products), Outputs,
                            Program)))
    return failure();
  launchCombine(Op, Outputs, Program);
  return success();
}

static LogicalResult lowerExpertProducts(ExpertProductsOp Op,
                                         ProgramLowering &Program) {
  const ExprAttr T = Program.rows(Op.getX());
  const int64_t K =
      cast<RankedTensorType>(Op.getExperts().getType()).getDimSize(1);
  Value Outputs =
      Program.view(Program.allocate(Op.getResult(), T),
                   {kDynamic, Op.getResult().getType().getDimSize(1) / K}, {},
                   0, T.times(K));
  return launchProducts(Op, Op.getPartialsAttr(), Op.getShardAttr(),
                        /*Kept=*/{}, Outputs, Program);
}

static LogicalResult lowerCombineExperts(CombineExpertsOp Op,
                                         ProgramLowering &Program) {
  Value Outputs = Program.memory(Op.getOutputs());
  if (!cast<MemRefType>(Outputs.getType()).getLayout().isIdentity())
    return Op.emitOpError(
        "expected a contiguous operand, found a strided view");
  if (failed(Program.expectRows(Op, "weights", Op.getWeights(),
                                plan::rowsOf(Outputs))))
    return failure();
  launchCombine(Op, Outputs, Program);
  return success();
}

void m1::addExpertLowerings(MLIRContext *Context) {
  attachLowerings<lowerRouter, lowerExperts, lowerExpertProducts,
                  lowerCombineExperts>(Context);
}
