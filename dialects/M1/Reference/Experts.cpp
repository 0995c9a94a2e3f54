//===- Experts.cpp - mixture of experts -----------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/M1/Reference/Operations.h"
#include <algorithm>
#include <cmath>
#include <numeric>

using namespace m1::reference;

std::pair<Tensor, Tensor>
m1::reference::router(const Tensor &X, const Tensor &Weight, int64_t Chosen) {
  Tensor Logits = linear(X, Weight);
  int64_t Tokens = X.Shape[0], Count = Weight.Shape[0];
  Tensor Experts = Tensor::integers({Tokens, Chosen});
  Tensor Weights = Tensor::reals({Tokens, Chosen});
  for (int64_t T = 0; T < Tokens; ++T) {
    const double *Row = Logits.row(T);
    std::vector<int64_t> Order = descending(Row, Count);
    // The softmax's denominator cancels: the chosen weights are renormalised.
    double Sum = 0.0;
    for (int64_t K = 0; K < Chosen; ++K)
      Sum += Weights.row(T)[K] = std::exp(Row[Order[K]] - Row[Order[0]]);
    for (int64_t K = 0; K < Chosen; ++K) {
      Experts.Integers[T * Chosen + K] = Order[K];
      Weights.row(T)[K] /= Sum;
    }
  }
  return {std::move(Experts), std::move(Weights)};
}

/// Expert `Expert` of stacked weights [E, N, K] as one weight [N, K].
static Tensor weightOf(const Tensor &Stacked, int64_t Expert) {
  Tensor Result = Tensor::reals({Stacked.Shape[1], Stacked.Shape[2]});
  std::copy_n(Stacked.row(Expert), Result.size(), Result.Reals.data());
  return Result;
}

Tensor m1::reference::expertProducts(const Tensor &X, const Tensor &Experts,
                                     const ExpertWeights &Of, int64_t Leaves,
                                     int64_t Partials) {
  int64_t Tokens = X.Shape[0], Width = X.Shape[1], Chosen = Experts.Shape[1];
  // One row for each pair of token and choice, so that an expert's weights are
  // extracted once. Rows without an expert stay -0.
  Tensor Result = Tensor::reals({Tokens, Chosen * Partials * Width});
  std::fill(Result.Reals.begin(), Result.Reals.end(), -0.0);
  for (int64_t Expert = 0; Expert < Of.W1.Shape[0]; ++Expert) {
    std::vector<int64_t> Pairs;
    for (int64_t P = 0; P < Tokens * Chosen; ++P)
      if (Experts.Integers[P] == Of.First + Expert)
        Pairs.push_back(P);
    if (Pairs.empty())
      continue;
    int64_t Rows = static_cast<int64_t>(Pairs.size());
    Tensor In = Tensor::reals({Rows, Width});
    for (int64_t I = 0; I < Rows; ++I)
      std::copy_n(X.row(Pairs[I] / Chosen), Width, In.row(I));
    Tensor Hidden = siluMul(linear(In, weightOf(Of.W1, Expert)),
                            linear(In, weightOf(Of.W3, Expert)));
    Tensor Out = linear(Hidden, weightOf(Of.W2, Expert), Leaves, Partials);
    for (int64_t I = 0; I < Rows; ++I)
      std::copy_n(Out.row(I), Partials * Width,
                  Result.Reals.data() + Pairs[I] * Partials * Width);
  }
  return Result;
}

Tensor m1::reference::combineExperts(const Tensor &Outputs,
                                     const Tensor &Weights) {
  const int64_t Chosen = Weights.Shape[1], Width = Outputs.Shape[1] / Chosen;
  Tensor Result = Tensor::reals({Weights.Shape[0], Width});
  for (int64_t T = 0; T < Weights.Shape[0]; ++T)
    for (int64_t K = 0; K < Chosen; ++K)
      for (int64_t N = 0; N < Width; ++N)
        Result.row(T)[N] += Weights.row(T)[K] * Outputs.row(T)[K * Width + N];
  return Result;
}

/// Row t of x times wᵀ of each expert that token t chose: [T, K, F].
static Tensor chosenProducts(const Tensor &X, const Tensor &Experts,
                             const Tensor &W) {
  const int64_t Tokens = X.Shape[0], D = X.Shape[1];
  const int64_t Chosen = Experts.Shape[1], F = W.Shape[1];
  Tensor Result = Tensor::reals({Tokens, Chosen, F});
  for (int64_t Pair = 0; Pair < Tokens * Chosen; ++Pair)
    for (int64_t I = 0; I < F; ++I) {
      const double *Row = X.row(Pair / Chosen);
      const double *Other = W.row(Experts.Integers[Pair]) + I * D;
      Result.Reals[Pair * F + I] = std::inner_product(Row, Row + D, Other, 0.0);
    }
  return Result;
}

std::pair<Tensor, Tensor> m1::reference::gateAndUp(const Tensor &X,
                                                   const Tensor &Experts,
                                                   const Tensor &W1,
                                                   const Tensor &W3) {
  return {chosenProducts(X, Experts, W1), chosenProducts(X, Experts, W3)};
}

Tensor m1::reference::experts(const Tensor &X, const Tensor &Experts,
                              const Tensor &Weights, const Tensor &W1,
                              const Tensor &W3, const Tensor &W2,
                              int64_t Leaves) {
  return combineExperts(
      expertProducts(X, Experts, {W1, W3, W2}, Leaves, /*Partials=*/1),
      Weights);
}
