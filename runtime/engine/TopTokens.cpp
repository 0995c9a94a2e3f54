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

namespace {
struct Candidate {
  double Logit;
  int32_t Id;
  /// Whether it comes before another one.
  bool operator<(const Candidate &Other) const {
    return Logit != Other.Logit ? Logit > Other.Logit : Id < Other.Id;
  }
};
} // namespace

TopTokens m1::topTokens(std::span<const float> Logits, int32_t Count,
                        const Adjustment &How) {
  auto adjusted = [&](size_t I) {
    double Logit = Logits[I];
    if (!How.Repetition.empty())
      Logit = Logit > 0 ? Logit / How.Repetition[I] : Logit * How.Repetition[I];
    if (!How.Bias.empty())
      Logit += How.Bias[I];
    return Logit / How.Temperature;
  };
  // A heap whose first element is the last of the best ones so far.
  std::vector<Candidate> Best;
  Best.reserve(Count + 1);
  for (size_t I = 0; I < Logits.size(); ++I) {
    const Candidate Next{adjusted(I), static_cast<int32_t>(I)};
    if (Next.Logit == -INFINITY ||
        (static_cast<int32_t>(Best.size()) == Count && !(Next < Best.front())))
      continue;
    Best.push_back(Next);
    std::push_heap(Best.begin(), Best.end());
    if (static_cast<int32_t>(Best.size()) > Count) {
      std::pop_heap(Best.begin(), Best.end());
      Best.pop_back();
    }
  }
  std::sort_heap(Best.begin(), Best.end());
  TopTokens Result;
  if (Best.empty())
    return Result;
  double Sum = 0;
  for (size_t I = 0; I < Logits.size(); ++I)
    Sum += std::exp(adjusted(I) - Best.front().Logit);
  const double LogSum = Best.front().Logit + std::log(Sum);
  for (const Candidate &Each : Best) {
    Result.Ids.push_back(Each.Id);
    Result.LogProbs.push_back(static_cast<float>(Each.Logit - LogSum));
  }
  return Result;
}
