//===- Losses.cpp - bounds, weights and values of losses ------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/training/Losses.h"

#include <algorithm>
#include <cassert>
#include <cmath>

using namespace m1;

namespace {
bool isPpoLike(LossType Type) {
  return Type == LossType::Grpo || Type == LossType::Dapo ||
         Type == LossType::DrGrpo;
}

/// Whether the token at place `I` of a response counts.
bool countsAt(const ResponseInfo &Response, const LossSettings &Settings,
              int64_t I) {
  if (Response.Masked || (Settings.MaskTruncated && Response.Truncated))
    return false;
  return Response.Counts.empty() || Response.Counts[I];
}
} // namespace

LossBounds m1::boundsOf(const LossSettings &Settings) {
  LossBounds Bounds;
  if (Settings.Type == LossType::CrossEntropy) {
    Bounds.RatioMin = Bounds.RatioMax = 1;
  } else if (isPpoLike(Settings.Type)) {
    Bounds.RatioMin = 0;
    Bounds.RatioMax = std::numeric_limits<float>::max();
    Bounds.MaskBelow = static_cast<float>(Settings.RatioMin);
    Bounds.MaskAbove = static_cast<float>(Settings.RatioMax);
  } else {
    Bounds.RatioMin = static_cast<float>(Settings.RatioMin);
    Bounds.RatioMax = static_cast<float>(Settings.RatioMax);
    if (Settings.MaskBelow)
      Bounds.MaskBelow = static_cast<float>(*Settings.MaskBelow);
    if (Settings.MaskAbove)
      Bounds.MaskAbove = static_cast<float>(*Settings.MaskAbove);
  }
  return Bounds;
}

std::vector<std::vector<float>>
m1::tokenWeights(std::span<const ResponseInfo> Responses,
                 const LossSettings &Settings) {
  std::vector<int64_t> Counts;
  int64_t Tokens = 0, Counting = 0;
  for (const ResponseInfo &Response : Responses) {
    assert(Response.Counts.empty() ||
           static_cast<int64_t>(Response.Counts.size()) == Response.Tokens);
    int64_t Count = 0;
    for (int64_t I = 0; I < Response.Tokens; ++I)
      Count += countsAt(Response, Settings, I) ? 1 : 0;
    Counts.push_back(Count);
    Tokens += Count;
    Counting += Count > 0 ? 1 : 0;
  }

  std::vector<std::vector<float>> Weights;
  for (size_t R = 0; R < Responses.size(); ++R) {
    Weights.emplace_back(Responses[R].Tokens, 0.0F);
    if (Counts[R] == 0)
      continue;
    const double OfTokens = 1 / static_cast<double>(Tokens);
    const double OfSequence =
        1 / (static_cast<double>(Counting) * static_cast<double>(Counts[R]));
    double Weight = 0;
    switch (Settings.Normalization) {
    case LossNormalization::Token:
      Weight = OfTokens;
      break;
    case LossNormalization::Sequence:
      Weight = OfSequence;
      break;
    case LossNormalization::SampleThenToken:
      Weight = (OfTokens + OfSequence) / 2;
      break;
    case LossNormalization::Constant:
      Weight = 1 / (Settings.Constant * static_cast<double>(Responses.size()));
      break;
    }
    for (int64_t I = 0; I < Responses[R].Tokens; ++I)
      if (countsAt(Responses[R], Settings, I))
        Weights.back()[I] = static_cast<float>(Weight);
  }
  return Weights;
}

void LossTotals::add(const TrainingBatch &Batch, const TokenResults &Results,
                     const LossSettings &Settings) {
  const LossBounds Bounds = boundsOf(Settings);
  for (size_t T = 0; T < Batch.Tokens.size(); ++T) {
    const double Weight = Batch.Weights[T];
    if (Weight == 0)
      continue;
    const double LogProb = Results.LogProbs[T];
    const double Advantage = Batch.Advantages[T];
    ++Tokens;
    EntropySum += Results.Entropy[T];
    NegativeLogProbSum -= LogProb;
    if (Settings.Type == LossType::CrossEntropy) {
      Loss -= LogProb * Weight;
      continue;
    }

    const double Difference = LogProb - double(Batch.OldLogProbs[T]);
    const double Ratio = std::exp(Difference);
    KlSum += std::expm1(Difference) - Difference;
    RatioSum += Ratio;
    RatioMin = std::min(RatioMin, Ratio);
    RatioMax = std::max(RatioMax, Ratio);
    DifferenceSum += std::abs(Difference);
    DifferenceMax = std::max(DifferenceMax, std::abs(Difference));

    const double Clipped =
        std::clamp(Ratio, Settings.RatioMin, Settings.RatioMax);
    RatioClipped += Clipped == Ratio ? 0 : 1;
    ClippedHigh += Advantage > 0 && Ratio > Settings.RatioMax ? 1 : 0;
    ClippedLow += Advantage < 0 && Ratio < Settings.RatioMin ? 1 : 0;
    if (isPpoLike(Settings.Type)) {
      Loss -= std::min(Ratio * Advantage, Clipped * Advantage) * Weight;
      continue;
    }
    if ((Advantage > 0 && Ratio > Bounds.MaskAbove) ||
        (Advantage < 0 && Ratio < Bounds.MaskBelow)) {
      ++Masked;
      continue;
    }
    Loss -= Clipped * Advantage * LogProb * Weight;
  }
}
