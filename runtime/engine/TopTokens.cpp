//===- TopTokens.cpp - the most probable tokens of logits -----------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/engine/TopTokens.h"

#include <algorithm>
#include <cmath>

using namespace m1;

TopTokens m1::topTokens(std::span<const float> Logits, int32_t Count,
                        const Adjustment &How) {
  const auto Vocabulary = static_cast<int64_t>(Logits.size());
  std::vector<double> Adjusted(Logits.begin(), Logits.end());
  for (int64_t I = 0; I < Vocabulary; ++I) {
    double &Logit = Adjusted[I];
    if (!How.Repetition.empty())
      Logit = Logit > 0 ? Logit / How.Repetition[I] : Logit * How.Repetition[I];
    if (!How.Bias.empty())
      Logit += How.Bias[I];
    Logit /= How.Temperature;
  }
  const double Largest = *std::max_element(Adjusted.begin(), Adjusted.end());
  double Sum = 0;
  for (double Logit : Adjusted)
    Sum += std::exp(Logit - Largest);
  const double LogSum = Largest + std::log(Sum);

  std::vector<int32_t> Order(Vocabulary);
  for (int64_t I = 0; I < Vocabulary; ++I)
    Order[I] = static_cast<int32_t>(I);
  const auto End = Order.begin() + std::min<int64_t>(Count, Vocabulary);
  std::partial_sort(Order.begin(), End, Order.end(), [&](int32_t A, int32_t B) {
    return Adjusted[A] != Adjusted[B] ? Adjusted[A] > Adjusted[B] : A < B;
  });
  TopTokens Result;
  for (auto I = Order.begin(); I != End && Adjusted[*I] != -INFINITY; ++I) {
    Result.Ids.push_back(*I);
    Result.LogProbs.push_back(static_cast<float>(Adjusted[*I] - LogSum));
  }
  return Result;
}
