//===- LinearGradients.cpp - gradients of linear layers -------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/Kernels/LinearGradients.h"

#include "compiler/Conversion/Kernels/PackedWeights.h"

using namespace mlir;
using namespace m1;

static void buildLinearWeightGradient(KernelBody &B) {
  const int64_t N = B.extent("N"), K = B.extent("K");
  const int64_t Height = std::min(N, B.Blocks.GradientRows);
  const int64_t Width = std::min(K, B.Blocks.GradientColumns);
  const int64_t Tokens = B.Blocks.GradientTokens;
  Value Row = B.times(B.X, Height), Column = B.times(B.Y, Width);
  Value Rows = columnsOf(B, Row, Height, N);
  Value Columns = columnsOf(B, Column, Width, K);
  Value Sums = B.loop(
      B.index(0), B.over(B.plus(B["rows"], Tokens - 1), Tokens),
      B.load(B["state"], {Row, Column}, {0, 1}, {Height, Width}, Rows, Columns),
      [&](Value I, ValueRange Carried) -> SmallVector<Value> {
        Value First = B.times(I, Tokens);
        Value Count = B.smaller(B.index(Tokens), B.minus(B["rows"], First));
        Value Dy = B.load(B["dy"], {First, Row}, {0, 1}, {Tokens, Height},
                          Count, Rows);
        Value X = B.load(B["x"], {First, Column}, {0, 1}, {Tokens, Width},
                         Count, Columns);
        return {B.dot(B.transposed(Dy), B.widened(X), Carried[0])};
      })[0];
  B.store(Sums, B["state"], {Row, Column}, {0, 1}, Rows, Columns);
}

KernelDeclaration m1::linearWeightGradientKernel() {
  return {"linear_weight_gradient",
          {{"dy", "[T, N]"},
           {"x", "[T, K]"},
           {"state", "[N, K] f32"},
           {"rows", "index"}},
          {},
          buildLinearWeightGradient};
}
