//===- Balance.cpp - the auxiliary loss of routers ------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/training/Balance.h"

#include <algorithm>
#include <cassert>
#include <numeric>

using namespace m1;

std::vector<float> m1::balanceCoefficients(std::span<const int64_t> Counts,
                                           int64_t Experts, int64_t Tokens,
                                           double Alpha) {
  assert(Experts > 0 && Counts.size() % Experts == 0);
  std::vector<float> Coefficients(Experts, 0.0F);
  const int64_t Layers = static_cast<int64_t>(Counts.size()) / Experts;
  if (Tokens == 0 || Layers == 0)
    return Coefficients;
  const double Pooled =
      static_cast<double>(Tokens) * static_cast<double>(Layers);
  for (int64_t E = 0; E < Experts; ++E) {
    int64_t Choices = 0;
    for (int64_t L = 0; L < Layers; ++L)
      Choices += Counts[L * Experts + E];
    const double Share = static_cast<double>(Choices) / Pooled;
    Coefficients[E] = static_cast<float>(Alpha * static_cast<double>(Experts) *
                                         Share / Pooled);
  }
  return Coefficients;
}

double m1::balanceLoss(std::span<const float> TokenParts) {
  return std::accumulate(TokenParts.begin(), TokenParts.end(), 0.0);
}

ExpertLoad m1::expertLoadOf(std::span<const int64_t> Counts, int64_t Experts) {
  assert(Experts > 0 && Counts.size() % Experts == 0);
  ExpertLoad Load;
  if (Counts.empty())
    return Load;
  for (size_t Begin = 0; Begin < Counts.size(); Begin += Experts) {
    std::span<const int64_t> Layer = Counts.subspan(Begin, Experts);
    const int64_t Sum = std::accumulate(Layer.begin(), Layer.end(), int64_t(0));
    if (Sum > 0)
      Load.Max =
          std::max(Load.Max,
                   static_cast<double>(*std::ranges::max_element(Layer)) *
                       static_cast<double>(Experts) / static_cast<double>(Sum));
  }
  Load.Unused = static_cast<double>(std::ranges::count(Counts, 0)) /
                static_cast<double>(Counts.size());
  return Load;
}
