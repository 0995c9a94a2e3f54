//===- Experts.cpp - routing and expert products --------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/Kernels/Experts.h"

#include "compiler/Conversion/Kernels/ExpertBodies.h"
#include "compiler/Conversion/Kernels/PackedWeights.h"
#include "compiler/Conversion/Kernels/PartialSums.h"
#include "compiler/Conversion/Kernels/TokenSums.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace m1;

//===----------------------------------------------------------------------===//
// Routing
//===----------------------------------------------------------------------===//

/// The most choices that the router's code has one after the other; more are
/// made in a loop. An element of what is left after i choices is computed from
/// i comparisons wherever it is needed, so the code's length grows with the
/// square of their number. In a loop, what is left is kept in memory.
static constexpr int64_t kMaxUnrolledChoices = 8;

namespace {
/// The largest element of each row, its column (the lowest of equal ones), and
/// the block with -1 in its place.
struct Choice {
  Value Best, Where, Left;
};
} // namespace

/// `Column` has each element's column.
static Choice chooseLargest(KernelBody &B, Value Left, Value Column) {
  const int64_t Width = cast<VectorType>(Left.getType()).getDimSize(1);
  Value Best = B.rowMax(Left);
  Value IsBest = B.create<arith::CmpFOp>(arith::CmpFPredicate::OEQ, Left,
                                         B.along(Best, 1, Width));
  Value Where =
      B.rowMinIndex(B.select(IsBest, Column, B.splat(INT32_MAX, Column)));
  Value Taken =
      B.compare(arith::CmpIPredicate::eq, Column, B.along(Where, 1, Width));
  return {Best, Where, B.select(Taken, B.splat(-1, Left), Left)};
}

static void buildRouter(KernelBody &B) {
  const int64_t M = B.Blocks.FewRows, K = B.extent("K");
  const RouterBlock Router = routerProbabilities(B);
  Value First = Router.First, Rows = Router.Rows, Column = Router.Column;
  Value P = Router.P, Zero = B.index(0);

  // Select the largest, K times; ties go to the lowest index.
  Value Left = B.select(Router.Real, P, B.splat(-1, P));
  auto Store = [&](const Choice &C, Value Total, Value I) {
    B.store(C.Where, B["experts"], {First, I}, {0}, Rows);
    B.store(B.divF(C.Best, Total), B["weights"], {First, I}, {0}, Rows);
  };
  if (K <= kMaxUnrolledChoices) {
    SmallVector<Choice> Choices;
    for (int64_t I = 0; I < K; ++I)
      Choices.push_back(
          chooseLargest(B, I ? Choices.back().Left : Left, Column));
    Value Total = Choices[0].Best;
    for (int64_t I = 1; I < K; ++I)
      Total = B.addF(Total, Choices[I].Best);
    for (int64_t I = 0; I < K; ++I)
      Store(Choices[I], Total, B.index(I));
    return;
  }
  // Once for the sum, and once more for what is divided by it.
  Value Total = B.loop(
      Zero, B.index(K), {Left, B.zeros({M})}, [&](Value, ValueRange Carried) {
        Choice C = chooseLargest(B, Carried[0], Column);
        return SmallVector<Value>{C.Left, B.addF(Carried[1], C.Best)};
      })[1];
  B.loop(Zero, B.index(K), {Left}, [&](Value I, ValueRange Carried) {
    Choice C = chooseLargest(B, Carried[0], Column);
    Store(C, Total, I);
    return SmallVector<Value>{C.Left};
  });
}

KernelDeclaration m1::routerKernel() {
  return {"router",
          {{"x", "[T, D]"},
           {"weight", "packed [E, D]"},
           {"experts", "[T, K] i32"},
           {"weights", "[T, K] f32"},
           {"rows", "index"}},
          {"expert_count"},
          buildRouter};
}

static void buildRoute(KernelBody &B) {
  const int64_t K = B.extent("K");
  Value Zero = B.index(0);
  Value Mine =
      B.toI32(B.has("first_expert") ? B.plus(B.X, B["first_expert"]) : B.X);
  // Appends the pairs of tokens; carries their number and the last of them.
  auto AddTokens = [&](Value From, Value To, ValueRange Before) {
    return B.loop(From, To, Before, [&](Value T, ValueRange Carried) {
      Value Found = Carried[0], Last = Carried[1];
      for (int64_t I = 0; I < K; ++I) {
        Value Expert =
            B.create<memref::LoadOp>(B["experts"], ValueRange{T, B.index(I)});
        Value Pair = B.plus(B.times(T, K), B.index(I));
        Value IsMine = B.equal(Expert, Mine);
        B.ifThen(IsMine, [&] {
          B.create<memref::StoreOp>(B.toI32(Pair), B["pairs"],
                                    ValueRange{B.X, Found});
        });
        Found =
            B.create<arith::SelectOp>(IsMine, B.plus(Found, B.index(1)), Found);
        Last = B.create<arith::SelectOp>(IsMine, Pair, Last);
      }
      return SmallVector<Value>{Found, Last};
    });
  };
  SmallVector<Value> End{Zero, Zero};
  if (B.has("cu_seqlens"))
    End = B.loop(Zero, B["sequences"], End, [&](Value S, ValueRange Carried) {
      Value From = B.at(B["cu_seqlens"], S);
      Value To = B.at(B["cu_seqlens"], B.plus(S, 1));
      SmallVector<Value> Now = AddTokens(From, To, Carried);
      Now[0] = completeTwos(B, B["pairs"], B.X, Now[0], Now[1]);
      return Now;
    });
  else
    End = AddTokens(Zero, B["rows"], End);
  B.create<memref::StoreOp>(B.toI32(End[0]), B["counts"], ValueRange{B.X});
}

KernelDeclaration m1::routeKernel() {
  return {"route",
          {{"experts", "[T, K] i32"},
           {"pairs", "[E, bound] i32"},
           {"counts", "[E] i32"},
           {"first_expert?", "index"},
           {"cu_seqlens?", "[B1] i32"},
           {"sequences?", "index"},
           {"rows", "index"}},
          {},
          buildRoute};
}

static void buildFillAbsent(KernelBody &B) {
  const int64_t K = B.extent("K");
  Value Expert = B.at(B["experts"], {B.over(B.X, K), B.modulo(B.X, K)});
  Value IsAbsent =
      B.compare(arith::CmpIPredicate::uge, B.minus(Expert, B["first_expert"]),
                B.index(B.integer("expert_count")));
  B.ifThen(IsAbsent, [&] {
    B.store(B.filled({1, B.extent("MD")}, -0.0), B["outputs"],
            {B.X, B.index(0)}, {0, 1});
  });
}

KernelDeclaration m1::fillAbsentKernel() {
  return {"fill_absent",
          {{"experts", "[T, K] i32"},
           {"first_expert", "index"},
           {"outputs", "[TK, MD] f32"}},
          {"expert_count"},
          buildFillAbsent};
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

static void buildExpertsUp(KernelBody &B) {
  const int64_t M = B.Blocks.Rows, D = B.extent("D"), F = B.extent("F");
  const int64_t K = B.integer("choices");
  const PackedLayout Packed(B.memory("w1").getShape().drop_front());
  const int64_t Panel = Packed.Panel;
  Value Zero = B.index(0);
  forChosen(
      B, Packed.Panels,
      [&](Value Pairs, Value Rows) -> SmallVector<Value> {
        return {B.gather(B["x"], tokensOf(B, Pairs, K), Zero, {M, D}, Rows)};
      },
      [&](ValueRange Xs, Value Pairs, Value Rows, Value J) {
        auto Product = [&](Value W) {
          return B.dot(Xs[0], loadPanel(B, W, {B.Z, J}), B.zeros({M, Panel}));
        };
        Value Gate = Product(B["w1"]);
        Value Up = Product(B["w3"]);
        Value Column = B.times(J, Panel);
        Value Columns = columnsOf(B, Column, Panel, F);
        auto Scatter = [&](Value Block, StringRef To) {
          B.scatter(Block, B[To], Pairs, Column, Rows, Columns);
        };
        if (B.has("gate")) {
          Scatter(Gate, "gate");
          Scatter(Up, "up");
        }
        Scatter(B.mulF(B.silu(Gate), Up), "hidden");
      });
}

KernelDeclaration m1::expertsUpKernel() {
  return {"experts_up",
          {{"x", "[T, D]"},
           {"w1", "packed [E, F, D]"},
           {"w3", "packed [E, F, D]"},
           {"pairs", "[E, bound] i32"},
           {"counts", "[E] i32"},
           {"gate?", "[TK, F] f32"},
           {"up?", "[TK, F] f32"},
           {"hidden", "[TK, F]"}},
          {"choices"},
          buildExpertsUp};
}

static void buildExpertsDown(KernelBody &B) {
  const int64_t M = B.Blocks.Rows;
  const PartialSums Parts(B, B.extent("F"));
  const int64_t F = Parts.Terms, D = B.extent("MD") / Parts.Count;
  const PackedLayout Packed(B.memory("w2").getShape().drop_front());
  const int64_t Panel = Packed.Panel;
  forChosen(
      B, Packed.Panels,
      [&](Value Pairs, Value Rows) -> SmallVector<Value> {
        SmallVector<Value> Hs; // of each partial sum
        for (int64_t Part = 0; Part < Parts.Count; ++Part)
          Hs.push_back(
              B.gather(B["hidden"], Pairs, B.index(Part * F), {M, F}, Rows));
        return Hs;
      },
      [&](ValueRange Hs, Value Pairs, Value Rows, Value J) {
        Value Column = B.times(J, Panel);
        for (int64_t Part = 0; Part < Parts.Count; ++Part) {
          Value Y =
              B.dot(Hs[Part], loadPanelRows(B, B["w2"], {B.Z, J}, Part * F, F),
                    B.zeros({M, Panel}), Parts.Leaves);
          B.scatter(Y, B["outputs"], Pairs, B.plus(Column, Part * D), Rows,
                    columnsOf(B, Column, Panel, D));
        }
      });
}

KernelDeclaration m1::expertsDownKernel() {
  return {"experts_down",
          {{"hidden", "[TK, F]"},
           {"w2", "packed [E, D, F]"},
           {"pairs", "[E, bound] i32"},
           {"counts", "[E] i32"},
           {"outputs", "[TK, MD] f32"}},
          {"sums"},
          buildExpertsDown};
}

static void buildCombine(KernelBody &B) {
  const int64_t M = B.Blocks.FewRows, K = B.extent("K"), D = B.extent("D");
  Value Zero = B.index(0);
  auto [First, Rows] = B.rowBlock(M);
  Value Sum;
  for (int64_t I = 0; I < K; ++I) {
    Value Y =
        B.load(B["outputs"], {First, B.index(I), Zero}, {0, 2}, {M, D}, Rows);
    Value Weight = B.load(B["weights"], {First, B.index(I)}, {0}, {M}, Rows);
    Value Term = B.mulF(Y, B.along(Weight, 1, D));
    Sum = Sum ? B.addF(Sum, Term) : Term;
  }
  B.store(Sum, B["result"], {First, Zero}, {0, 1}, Rows);
}

KernelDeclaration m1::combineKernel() {
  return {"combine",
          {{"outputs", "[T, K, D] f32"},
           {"weights", "[T, K] f32"},
           {"result", "[T, D]"},
           {"rows", "index"}},
          {},
          buildCombine};
}
