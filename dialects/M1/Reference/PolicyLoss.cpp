//===- PolicyLoss.cpp - the output head with its loss ---------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/M1/IR/PolicyRatio.h"
#include "dialects/M1/Reference/TrainingOperations.h"
#include <algorithm>
#include <cmath>

using namespace m1::reference;

double m1::reference::policyDerivative(double LogProb, double OldLogProb,
                                       double Advantage, double Weight,
                                       const double *Bounds) {
  if (Weight == 0.0)
    return 0.0;
  // NaN passes through here and through the bounds below.
  const double Ratio = std::min(std::exp(LogProb - OldLogProb),
                                static_cast<double>(m1::kLargestRatio));
  const bool IsMasked = (Advantage > 0.0 && Ratio > Bounds[3]) ||
                        (Advantage < 0.0 && Ratio < Bounds[2]);
  if (IsMasked)
    return 0.0;
  const double Clipped = std::min(std::max(Ratio, Bounds[0]), Bounds[1]);
  return -Weight * Advantage * Clipped;
}

PolicyHead m1::reference::policyHead(const Tensor &X, const Tensor &Weight,
                                     const PolicyTokens &Tokens,
                                     double Temperature, const double *Bounds,
                                     Tensor &To) {
  const int64_t Count = X.Shape[0], D = X.Shape[1], V = Weight.Shape[0];
  PolicyHead Result{Tensor::reals({Count}), Tensor::reals({Count}),
                    Tensor::reals({Count, D})};
  const Tensor Logits = linear(X, Weight);
  for (int64_t T = 0; T < Count; ++T) {
    const double *Row = Logits.row(T);
    const int64_t Target = Tokens.Targets.Integers[T];
    const TokenProbability Token =
        tokenProbability(Row, V, Target, Temperature);
    const double S = policyDerivative(
        Token.LogProb, Tokens.OldLogProbs.Reals[T], Tokens.Advantages.Reals[T],
        Tokens.Weights.Reals[T], Bounds);
    Result.LogProbs.Reals[T] = Token.LogProb;
    for (int64_t I = 0; I < V; ++I) {
      const double Above = (Row[I] - Token.Max) / Temperature;
      const double P = std::exp(Above) / Token.Sum;
      if (P != 0.0) // 0 log 0 = 0
        Result.Entropy.Reals[T] -= P * (Above - Token.LogSum);
      if (S == 0.0)
        continue;
      const double Share = I == Target ? Token.Others / Token.Sum : -P;
      const double Gradient = S * Share / Temperature;
      for (int64_t K = 0; K < D; ++K) {
        Result.XGradient.row(T)[K] += Gradient * Weight.row(I)[K];
        To.row(I)[K] += Gradient * X.row(T)[K];
      }
    }
  }
  return Result;
}
