//===- RowGradients.cpp - gradients on rows -------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/Kernels/RowGradients.h"

#include "compiler/Conversion/Kernels/Rows.h"
#include "dialects/M1/IR/Elementwise.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace m1;

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

KernelDeclaration m1::inverseRootsKernel() {
  return {"inverse_roots",
          {{"x", "[T, N]"}, {"result", "[T] f32"}, {"rows", "index"}},
          {"eps"},
          [](KernelBody &B) {
            const int64_t M = B.Blocks.FewRows, N = B.extent("N");
            auto [First, Rows] = B.rowBlock(M);
            Value X = B.widened(
                B.load(B["x"], {First, B.index(0)}, {0, 1}, {M, N}, Rows));
            B.store(inverseRoots(B, X), B["result"], {First}, {0}, Rows);
          }};
}

// s (g - x s² mean(g x)), g = dy * weight
KernelDeclaration m1::rmsNormGradientKernel() {
  return {"rms_norm_gradient",
          {{"dy", "[T, N] f32"},
           {"x", "[T, N]"},
           {"weight", "[N]"},
           {"result", "[T, N] f32"},
           {"rows", "index"}},
          {"eps"},
          [](KernelBody &B) {
            const int64_t M = B.Blocks.FewRows, N = B.extent("N");
            auto [First, Rows] = B.rowBlock(M);
            Value Zero = B.index(0);
            Value Dy = B.load(B["dy"], {First, Zero}, {0, 1}, {M, N}, Rows);
            Value X =
                B.widened(B.load(B["x"], {First, Zero}, {0, 1}, {M, N}, Rows));
            Value W = B.widened(B.load(B["weight"], {Zero}, {0}, {N}));
            Value S = inverseRoots(B, X);
            Value G = B.mulF(Dy, B.along(W, 0, M));
            Value Sum = B.rowSum(B.mulF(G, X));
            Value Mean = B.divF(Sum, B.splat(static_cast<double>(N), Sum));
            Value Share = B.mulF(B.mulF(S, S), Mean);
            Value Inner = B.subF(G, B.mulF(X, B.along(Share, 1, N)));
            B.store(B.mulF(B.along(S, 1, N), Inner), B["result"], {First, Zero},
                    {0, 1}, Rows);
          }};
}

KernelDeclaration m1::sharedMixGradientKernel() {
  return {"shared_mix_gradient",
          {{"dy", "[T, D] f32"},
           {"moe", "[T, D]"},
           {"shared", "[T, D]"},
           {"coefficient", "[T, 1]"},
           {"moe_gradient", "[T, D] f32"},
           {"shared_gradient", "[T, D] f32"},
           {"coefficient_gradient", "[T, 1] f32"},
           {"rows", "index"}},
          {},
          [](KernelBody &B) {
            const int64_t M = B.Blocks.FewRows, D = B.extent("D");
            auto [First, Rows] = B.rowBlock(M);
            Value Zero = B.index(0);
            auto Load = [&, First = First, Rows = Rows](StringRef Name) {
              return B.widened(
                  B.load(B[Name], {First, Zero}, {0, 1}, {M, D}, Rows));
            };
            Value Dy = Load("dy"), Moe = Load("moe"), Shared = Load("shared");
            Value Coefficient = B.widened(
                B.load(B["coefficient"], {First, Zero}, {0}, {M}, Rows));
            Value C = sigmoid(B, Coefficient);
            Value Rest = B.subF(B.splat(1, C), C);
            Value Sum = B.rowSum(B.mulF(Dy, B.subF(Shared, Moe)));
            B.store(B.mulF(Dy, B.along(Rest, 1, D)), B["moe_gradient"],
                    {First, Zero}, {0, 1}, Rows);
            B.store(B.mulF(Dy, B.along(C, 1, D)), B["shared_gradient"],
                    {First, Zero}, {0, 1}, Rows);
            B.store(B.mulF(B.mulF(C, Rest), Sum), B["coefficient_gradient"],
                    {First, Zero}, {0}, Rows);
          }};
}

KernelDeclaration m1::mergeQKVKernel() {
  return {"merge_qkv",
          {{"q", "[T, H, D]"},
           {"k", "[T, H, D]"},
           {"v", "[T, H, D]"},
           {"result", "[T, H, 3D]"},
           {"rows", "index"}},
          {},
          [](KernelBody &B) {
            const int64_t M = B.Blocks.FewRows, D = B.extent("D");
            auto [First, Rows] = B.rowBlock(M);
            const StringRef Parts[] = {"q", "k", "v"};
            for (auto [Number, Name] : llvm::enumerate(Parts)) {
              Value Part = B.load(B[Name], {First, B.Y, B.index(0)}, {0, 2},
                                  {M, D}, Rows);
              B.store(Part, B["result"],
                      {First, B.Y, B.index(static_cast<int64_t>(Number) * D)},
                      {0, 2}, Rows);
            }
          }};
}

//===----------------------------------------------------------------------===//
// Sums over tokens
//===----------------------------------------------------------------------===//

namespace {
/// The columns of one cell: `Count` from `First` on, of which `Bound` exist
/// (null: all).
struct ColumnBlock {
  ColumnBlock(KernelBody &B, int64_t Columns)
      : Count(std::min(Columns, B.Blocks.SumColumns)) {
    First = B.times(B.X, Count);
    if (Columns % Count != 0)
      Bound = B.smaller(B.index(Count), B.minus(B.index(Columns), First));
  }
  int64_t Count;
  Value First, Bound;
};
} // namespace

static void buildEmbeddingGradient(KernelBody &B) {
  const ColumnBlock Columns(B, B.extent("D"));
  auto Load = [&](StringRef Name, Value Row) {
    return B.load(B[Name], {Row, Columns.First}, {1}, {Columns.Count},
                  Columns.Bound);
  };
  B.loop(B.index(0), B["rows"], [&](Value T) {
    Value Token = B.at(B["tokens"], T);
    Value Before = Load("state", Token), Dy = Load("dy", T);
    B.store(B.addF(Before, Dy), B["state"], {Token, Columns.First}, {1},
            Columns.Bound);
  });
}

KernelDeclaration m1::embeddingGradientKernel() {
  return {"embedding_gradient",
          {{"dy", "[T, D] f32"},
           {"tokens", "[T] i32"},
           {"state", "[V, D] f32"},
           {"rows", "index"}},
          {},
          buildEmbeddingGradient};
}

static void buildRMSNormWeightGradient(KernelBody &B) {
  const ColumnBlock Columns(B, B.extent("N"));
  auto Load = [&](StringRef Name, Value Row) {
    return B.widened(B.load(B[Name], {Row, Columns.First}, {1}, {Columns.Count},
                            Columns.Bound));
  };
  Value Before =
      B.load(B["state"], {Columns.First}, {0}, {Columns.Count}, Columns.Bound);
  Value After = B.loop(B.index(0), B["rows"], Before,
                       [&](Value T, ValueRange Sum) -> SmallVector<Value> {
                         Value Root = B.create<memref::LoadOp>(B["roots"], T);
                         Value X = Load("x", T), Dy = Load("dy", T);
                         Value Y = B.mulF(X, B.fill(Root, {Columns.Count}));
                         return {B.create<math::FmaOp>(Dy, Y, Sum[0])};
                       })[0];
  B.store(After, B["state"], {Columns.First}, {0}, Columns.Bound);
}

KernelDeclaration m1::rmsNormWeightGradientKernel() {
  return {"rms_norm_weight_gradient",
          {{"dy", "[T, N] f32"},
           {"x", "[T, N]"},
           {"roots", "[T] f32"},
           {"state", "[N] f32"},
           {"rows", "index"}},
          {},
          buildRMSNormWeightGradient};
}
