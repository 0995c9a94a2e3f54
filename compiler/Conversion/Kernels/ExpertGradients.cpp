//===- ExpertGradients.cpp - gradients of experts -------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/Kernels/ExpertGradients.h"

#include "compiler/Conversion/Kernels/ExpertBodies.h"
#include "compiler/Conversion/Kernels/PackedWeights.h"
#include "compiler/Conversion/Kernels/TokenSums.h"
#include "dialects/M1/IR/Elementwise.h"

using namespace mlir;
using namespace m1;

//===----------------------------------------------------------------------===//
// Routers
//===----------------------------------------------------------------------===//

static void buildRouterGradient(KernelBody &B) {
  const int64_t M = B.Blocks.FewRows, K = B.extent("K"), E = B.extent("E");
  Value Zero = B.index(0);
  auto [First, Rows] = B.rowBlock(M);
  Value G = B.load(B["dweights"], {First, Zero}, {0, 1}, {M, K}, Rows);
  Value W = B.load(B["weights"], {First, Zero}, {0, 1}, {M, K}, Rows);
  Value Mean = B.rowSum(B.mulF(W, G));
  Value Column = B.iota({M, E}, 1);
  Value Sum =
      B.loop(Zero, B.index(K), B.zeros({M, E}),
             [&, First = First,
              Rows = Rows](Value I, ValueRange Carried) -> SmallVector<Value> {
               auto Of = [&](StringRef Name) {
                 return B.load(B[Name], {First, I}, {0}, {M}, Rows);
               };
               Value Term = B.mulF(Of("weights"), B.subF(Of("dweights"), Mean));
               Value Mine = B.compare(arith::CmpIPredicate::eq, Column,
                                      B.along(Of("experts"), 1, E));
               return {B.addF(Carried[0], B.select(Mine, B.along(Term, 1, E),
                                                   B.zeros({M, E})))};
             })[0];
  B.store(Sum, B["result"], {First, Zero}, {0, 1}, Rows);
}

KernelDeclaration m1::routerGradientKernel() {
  return {"router_gradient",
          {{"dweights", "[T, K] f32"},
           {"experts", "[T, K] i32"},
           {"weights", "[T, K] f32"},
           {"result", "[T, E] f32"},
           {"rows", "index"}},
          {},
          buildRouterGradient};
}

static void buildRouterBalance(KernelBody &B) {
  const int64_t M = B.Blocks.FewRows;
  const RouterBlock Router = routerProbabilities(B);
  const int64_t Width = Router.Width;
  Value Zero = B.index(0), Count = B.index(B.integer("expert_count"));
  Value C =
      B.along(B.load(B["coefficients"], {Zero}, {0}, {Width}, Count), 0, M);
  Value Loss = B.rowSum(B.mulF(C, Router.P));
  B.store(Loss, B["loss"], {Router.First}, {0}, Router.Rows);
  Value Gradient = B.mulF(Router.P, B.subF(C, B.along(Loss, 1, Width)));
  B.store(Gradient, B["gradient"], {Router.First, Zero}, {0, 1}, Router.Rows,
          Count);
}

KernelDeclaration m1::routerBalanceKernel() {
  return {"router_balance",
          {{"x", "[T, D]"},
           {"weight", "packed [E, D]"},
           {"coefficients", "[E] f32"},
           {"loss", "[T] f32"},
           {"gradient", "[T, E] f32"},
           {"rows", "index"}},
          {"expert_count"},
          buildRouterBalance};
}

//===----------------------------------------------------------------------===//
// The gradients of a pair
//===----------------------------------------------------------------------===//

static void buildExpertsHiddenGradient(KernelBody &B) {
  const int64_t M = B.Blocks.Rows, D = B.extent("D"), F = B.extent("F");
  const int64_t K = B.integer("choices");
  const bool IsKept = B.has("gate");
  // The transpose of w2 has the panels of w1 and w3.
  const PackedLayout Packed(B.memory("w2").getShape().drop_front());
  const int64_t Panel = Packed.Panel;
  Value Zero = B.index(0);
  forChosen(
      B, Packed.Panels,
      [&](Value Pairs, Value Rows) -> SmallVector<Value> {
        Value Token = tokensOf(B, Pairs, K);
        auto Gather = [&](StringRef Name) {
          return B.gather(B[Name], Token, Zero, {M, D}, Rows);
        };
        if (IsKept)
          return {Gather("dy")};
        Value X = Gather("x");
        return {Gather("dy"), X};
      },
      [&](ValueRange Blocks, Value Pairs, Value Rows, Value J) {
        Value Column = B.times(J, Panel);
        Value Columns = columnsOf(B, Column, Panel, F);
        auto Product = [&](Value Left, StringRef W) {
          return B.dot(Left, loadPanel(B, B[W], {B.Z, J}), B.zeros({M, Panel}));
        };
        auto KeptOr = [&](StringRef Kept, StringRef W) {
          return IsKept ? B.gather(B[Kept], Pairs, Column, {M, Panel}, Rows,
                                   Columns)
                        : Product(Blocks[1], W);
        };
        Value A = KeptOr("gate", "w1");
        Value Up = KeptOr("up", "w3");
        Value U = Product(Blocks[0], "w2");
        // A sum of one element each: the pairs' weights as a block of rank 1.
        Value Weight =
            B.along(B.rowSum(B.gather(B["weights"], Pairs, Zero, {M, 1}, Rows)),
                    1, Panel);
        Value S = sigmoid(B, A);
        Value Silu = B.mulF(A, S);
        Value Hidden = B.mulF(Silu, Up);
        Value One = B.splat(1, A);
        Value Slope =
            B.mulF(S, B.addF(One, B.mulF(A, B.subF(One, S)))); // silu'(a)
        Value WeightedU = B.mulF(Weight, U);
        auto Scatter = [&](Value Block, StringRef To) {
          B.scatter(Block, B[To], Pairs, Column, Rows, Columns);
        };
        Scatter(B.mulF(Hidden, U), "terms");
        Scatter(B.mulF(Weight, Hidden), "hidden");
        Scatter(B.mulF(B.mulF(WeightedU, Up), Slope), "gate_gradient");
        Scatter(B.mulF(WeightedU, Silu), "up_gradient");
      });
}

KernelDeclaration m1::expertsHiddenGradientKernel() {
  return {"experts_hidden_gradient",
          {{"dy", "[T, D]"},
           {"x?", "[T, D]"},
           {"weights", "[TK, 1] f32"},
           {"w1?", "packed [E, F, D]"},
           {"w3?", "packed [E, F, D]"},
           {"w2", "packed, transposed [E, D, F]"},
           {"pairs", "[E, bound] i32"},
           {"counts", "[E] i32"},
           {"gate?", "[TK, F] f32"},
           {"up?", "[TK, F] f32"},
           {"terms", "[TK, F] f32"},
           {"hidden", "[TK, F]"},
           {"gate_gradient", "[TK, F]"},
           {"up_gradient", "[TK, F]"}},
          {"choices"},
          buildExpertsHiddenGradient};
}

static void buildExpertsInputGradient(KernelBody &B) {
  const int64_t M = B.Blocks.Rows, D = B.extent("D"), F = B.extent("F");
  const PackedLayout Packed(B.memory("w1").getShape().drop_front());
  const int64_t Panel = Packed.Panel;
  Value Zero = B.index(0);
  forChosen(
      B, Packed.Panels,
      [&](Value Pairs, Value Rows) -> SmallVector<Value> {
        return {B.gather(B["gate_gradient"], Pairs, Zero, {M, F}, Rows),
                B.gather(B["up_gradient"], Pairs, Zero, {M, F}, Rows)};
      },
      [&](ValueRange Blocks, Value Pairs, Value Rows, Value J) {
        auto Plus = [&](Value Sum, Value Left, StringRef W) {
          return B.dot(Left, loadPanel(B, B[W], {B.Z, J}), Sum);
        };
        Value Gate = Plus(B.zeros({M, Panel}), Blocks[0], "w1");
        Value Sum = Plus(Gate, Blocks[1], "w3");
        Value Column = B.times(J, Panel);
        B.scatter(Sum, B["outputs"], Pairs, Column, Rows,
                  columnsOf(B, Column, Panel, D));
      });
}

KernelDeclaration m1::expertsInputGradientKernel() {
  return {"experts_input_gradient",
          {{"gate_gradient", "[TK, F]"},
           {"up_gradient", "[TK, F]"},
           {"w1", "packed, transposed [E, F, D]"},
           {"w3", "packed, transposed [E, F, D]"},
           {"pairs", "[E, bound] i32"},
           {"counts", "[E] i32"},
           {"outputs", "[TK, D] f32"}},
          {},
          buildExpertsInputGradient};
}

static void buildRowSum(KernelBody &B) {
  const int64_t M = B.Blocks.FewRows, F = B.extent("F");
  auto [First, Rows] = B.rowBlock(M);
  Value X = B.load(B["x"], {First, B.index(0)}, {0, 1}, {M, F}, Rows);
  B.store(B.rowSum(X), B["result"], {First}, {0}, Rows);
}

KernelDeclaration m1::rowSumKernel() {
  return {"row_sum",
          {{"x", "[R, F] f32"}, {"result", "[R] f32"}, {"rows", "index"}},
          {},
          buildRowSum};
}

static void buildSumChoices(KernelBody &B) {
  const int64_t M = B.Blocks.FewRows, K = B.extent("K"), D = B.extent("D");
  Value Zero = B.index(0);
  auto [First, Rows] = B.rowBlock(M);
  Value Sum;
  for (int64_t I = 0; I < K; ++I) {
    Value Y =
        B.load(B["outputs"], {First, B.index(I), Zero}, {0, 2}, {M, D}, Rows);
    Sum = Sum ? B.addF(Sum, Y) : Y;
  }
  B.store(Sum, B["result"], {First, Zero}, {0, 1}, Rows);
}

KernelDeclaration m1::sumChoicesKernel() {
  return {"sum_choices",
          {{"outputs", "[T, K, D] f32"},
           {"result", "[T, D] f32"},
           {"rows", "index"}},
          {},
          buildSumChoices};
}

//===----------------------------------------------------------------------===//
// The gradients of weights
//===----------------------------------------------------------------------===//

static void buildExpertsWeightGradient(KernelBody &B) {
  const int64_t Choices = B.integer("choices");
  const bool Twos = B.integer("twos");
  Value Count = B.at(B["counts"], B.Z);
  auto Load = [&](const GradientBlock &At, Value First, Value Some) {
    ListedRows Pairs{};
    if (Twos)
      Pairs = listedRows(B, B["pairs"], At, First);
    else
      Pairs.Row = B.load(B["pairs"], {B.Z, First}, {1}, {At.Tokens}, Some);
    auto Gather = [&](StringRef Name, StringRef ByPair, Value Column,
                      int64_t Columns) {
      Value Rows =
          B.integer(ByPair) ? Pairs.Row : tokensOf(B, Pairs.Row, Choices);
      Value Block = B.gather(B[Name], Rows, Column, {At.Tokens, Columns}, Some);
      return Twos ? Block : B.widened(Block);
    };
    Value Left = Gather("left", "left_by_pair", At.Row, At.Height);
    Value Right = Gather("right", "right_by_pair", At.Column, At.Width);
    return std::pair(Twos ? countedRows(B, Left, Pairs.Counts) : Left, Right);
  };
  // An expert without tokens keeps what it has.
  B.ifThen(B.less(B.index(0), Count),
           [&] { addOverTokens(B, Count, Twos, Load); });
}

KernelDeclaration m1::expertsWeightGradientKernel() {
  return {"experts_weight_gradient",
          {{"left", "memory [T or TJ, N]"},
           {"right", "memory [T or TJ, K]"},
           {"pairs", "[E, bound] i32"},
           {"counts", "[E] i32"},
           {"state", "[E, N, K] f32"}},
          {"choices", "left_by_pair", "right_by_pair", "twos"},
          buildExpertsWeightGradient};
}
