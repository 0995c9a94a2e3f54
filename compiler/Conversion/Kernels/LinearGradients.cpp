//===- LinearGradients.cpp - gradients of linear layers -------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/Kernels/LinearGradients.h"

#include "compiler/Conversion/Kernels/TokenSums.h"

using namespace mlir;
using namespace m1;

static void buildLinearWeightGradient(KernelBody &B) {
  if (B.has("list")) {
    auto Load = [&](const GradientBlock &At, Value First, Value Some) {
      const ListedRows Rows = listedRows(B, B["list"], At, First);
      Value Dy =
          B.gather(B["dy"], Rows.Row, At.Row, {At.Tokens, At.Height}, Some);
      Value X =
          B.gather(B["x"], Rows.Row, At.Column, {At.Tokens, At.Width}, Some);
      return std::pair(countedRows(B, Dy, Rows.Counts), X);
    };
    return addOverTokens(B, B.at(B["counts"], B.Z), /*Twos=*/true, Load);
  }
  auto Load = [&](const GradientBlock &At, Value First, Value Some) {
    auto Rows = [&](StringRef Name, Value Column, int64_t Columns) {
      return B.widened(
          B.load(B[Name], {First, Column}, {0, 1}, {At.Tokens, Columns}, Some));
    };
    return std::pair(Rows("dy", At.Row, At.Height),
                     Rows("x", At.Column, At.Width));
  };
  addOverTokens(B, B["rows"], /*Twos=*/false, Load);
}

KernelDeclaration m1::linearWeightGradientKernel() {
  return {"linear_weight_gradient",
          {{"dy", "[T, N]"},
           {"x", "[T, K]"},
           {"state", "[N, K] f32"},
           {"list?", "[E, bound] i32"},
           {"counts?", "[E] i32"},
           {"rows", "index"}},
          {},
          buildLinearWeightGradient};
}
