//===- Collectives.cpp - kernels around exchanges of ranks -----------------
//===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/Kernels/Collectives.h"

#include "dialects/Support/SumTree.h"

using namespace mlir;
using namespace m1;

int64_t m1::columnBlock(int64_t N) {
  constexpr int64_t Most = 1024; // few registers of each thread of a block
  return std::min(N, Most);
}

/// The columns of a block of `Block` that are below `N`; null: always all.
static Value columnsIn(KernelBody &B, Value First, int64_t Block, int64_t N) {
  if (N % Block == 0)
    return {};
  return B.smaller(B.index(Block), B.minus(B.index(N), First));
}

KernelDeclaration m1::placeColumnsKernel() {
  return {"place_columns",
          {{"gathered", "[R, n]"}, {"result", "[T, N]"}, {"rows", "index"}},
          {},
          [](KernelBody &B) {
            const int64_t M = B.Blocks.FewRows, N = B.extent("N");
            const int64_t Part = B.extent("n"), Width = columnBlock(Part);
            auto [First, Rows] = B.rowBlock(M);
            Value Column = B.times(B.Y, Width); // of the rank's part
            Value To = B.plus(B.times(B.Z, Part), Column);
            Value Columns = columnsIn(B, Column, Width, Part);
            // The last ranks may have columns that do not exist.
            if (N % Part != 0) {
              Value Left = B.larger(B.minus(B.index(N), To), B.index(0));
              Columns = B.smaller(Columns ? Columns : B.index(Width), Left);
            }
            Value Row = B.plus(B.times(B.Z, B["rows"]), First);
            Value X = B.load(B["gathered"], {Row, Column}, {0, 1}, {M, Width},
                             Rows, Columns);
            B.store(X, B["result"], {First, To}, {0, 1}, Rows, Columns);
          }};
}

KernelDeclaration m1::clearRowsKernel() {
  return {"clear_rows",
          {{"result", "[R, N] f32"}, {"rows", "index"}},
          {},
          [](KernelBody &B) {
            const int64_t N = B.extent("N"), Width = columnBlock(N);
            Value Column = B.times(B.Y, Width);
            B.store(B.zeros({1, Width}), B["result"],
                    {B.plus(B["rows"], B.X), Column}, {0, 1}, Value(),
                    columnsIn(B, Column, Width, N));
          }};
}

static void buildSumPartials(KernelBody &B) {
  const int64_t M = B.Blocks.FewRows;
  const int64_t N = B.extent("N") / B.integer("groups");
  const int64_t Width = columnBlock(N);
  const int64_t Partials = B.extent("K") / B.extent("N");
  Value First = B.times(B.X, M), Column = B.times(B.Y, Width);
  Value Left = B.minus(B["rows"], B.times(B["place"], B["block"]));
  // Rows of the block that do not exist are zeros.
  Value InBlock = B.smaller(B.index(M), B.minus(B["block"], First));
  Value Rows = B.smaller(InBlock, B.minus(Left, First));
  Rows = B.larger(Rows, B.index(0));
  Value Columns = columnsIn(B, Column, Width, N);
  auto Load = [&](int64_t I) {
    Value FirstOfRank = B.times(B["block"], B.index(I / Partials));
    Value From = B.plus(Column, I % Partials * N);
    From = B.plus(From, B.times(B.Z, Partials * N));
    return B.load(B["gathered"], {B.plus(FirstOfRank, First), From}, {0, 1},
                  {M, Width}, Rows, Columns);
  };
  Value Sum = sumTree(B.integer("ranks") * Partials, Load,
                      [&](Value A, Value C) { return B.addF(A, C); });
  Value To = B.plus(Column, B.times(B.Z, N));
  B.store(Sum, B["result"], {First, To}, {0, 1}, InBlock, Columns);
}

KernelDeclaration m1::sumPartialsKernel() {
  return {"sum_partials",
          {{"gathered", "[R, K] f32"},
           {"result", "[T, N] f32"},
           {"block", "index"},
           {"rows", "index"},
           {"place", "index"}},
          {"ranks", "groups"},
          buildSumPartials};
}
