//===- Schedules.cpp - what changes during training -----------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/training/Schedules.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numbers>
#include <numeric>

using namespace m1;

double m1::learningRateAt(const LearningRateSettings &Settings, int64_t Step) {
  assert(Step >= 1);
  if (Step <= Settings.WarmupSteps)
    return Settings.Peak * static_cast<double>(Step) /
           static_cast<double>(Settings.WarmupSteps);
  if (Settings.Schedule == LearningRateSchedule::Constant)
    return Settings.Peak;
  const int64_t Falling = Settings.Steps - Settings.WarmupSteps;
  const int64_t Done = Step - Settings.WarmupSteps - 1;
  if (Done >= Falling)
    return 0;
  const double Progress =
      static_cast<double>(Done) / static_cast<double>(Falling);
  if (Settings.Schedule == LearningRateSchedule::Linear)
    return Settings.Peak * (1 - Progress);
  return Settings.Peak * (1 + std::cos(std::numbers::pi * Progress)) / 2;
}

std::vector<float> m1::weightDecaysOf(std::span<const TrainedTensor> Tensors,
                                      double WeightDecay,
                                      std::span<const std::string> Excluded) {
  std::vector<float> Decays;
  for (const TrainedTensor &Tensor : Tensors) {
    const bool IsExcluded =
        std::ranges::any_of(Excluded, [&](const std::string &Part) {
          return Tensor.Name.find(Part) != std::string::npos;
        });
    Decays.push_back(IsExcluded ? 0 : static_cast<float>(WeightDecay));
  }
  return Decays;
}

LengthStages::LengthStages(LengthStageSettings S) : Settings(std::move(S)) {
  assert(!Settings.Limits.empty() && Settings.Window >= 2);
}

bool LengthStages::observe(std::span<const int64_t> Lengths,
                           double Perplexity) {
  if (!std::isfinite(Perplexity))
    return false;
  Perplexities.push_back(Perplexity);
  if (static_cast<int64_t>(Perplexities.size()) > Settings.Window)
    Perplexities.erase(Perplexities.begin());
  if (Stage + 1 == Settings.Limits.size() || !hasSettled())
    return false;
  const auto Longest = static_cast<double>(percentileOf(Lengths, 0.99));
  if (Longest < Settings.NearLimit * static_cast<double>(limit()))
    return false;
  ++Stage;
  Perplexities.clear();
  return true;
}

bool LengthStages::hasSettled() const {
  if (static_cast<int64_t>(Perplexities.size()) < Settings.Window)
    return false;
  const auto Half = static_cast<std::ptrdiff_t>(Settings.Window / 2);
  const auto Middle = Perplexities.begin() + Half;
  const double Earlier =
      std::accumulate(Perplexities.begin(), Middle, 0.0) / double(Half);
  const double Later = std::accumulate(Middle, Perplexities.end(), 0.0) /
                       double(Perplexities.end() - Middle);
  return std::abs(Later - Earlier) <= Settings.Tolerance * Earlier;
}

bool LengthStages::restore(size_t NewStage,
                           std::vector<double> NewPerplexities) {
  if (NewStage >= Settings.Limits.size() ||
      static_cast<int64_t>(NewPerplexities.size()) > Settings.Window)
    return false;
  Stage = NewStage;
  Perplexities = std::move(NewPerplexities);
  return true;
}

int64_t m1::percentileOf(std::span<const int64_t> Values, double Share) {
  if (Values.empty())
    return 0;
  std::vector<int64_t> Sorted(Values.begin(), Values.end());
  std::ranges::sort(Sorted);
  const double Rank = std::ceil(Share * static_cast<double>(Sorted.size()));
  return Sorted[static_cast<size_t>(std::max(Rank, 1.0)) - 1];
}
