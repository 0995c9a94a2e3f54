//===- Schedules.h - what changes during training ---------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_TRAINING_SCHEDULES_H
#define M1C_RUNTIME_TRAINING_SCHEDULES_H

#include "runtime/training/Policy.h"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace m1 {

enum class LearningRateSchedule : uint8_t { Constant, Linear, Cosine };

struct LearningRateSettings {
  LearningRateSchedule Schedule = LearningRateSchedule::Constant;
  double Peak = 0;
  int64_t WarmupSteps = 0;
  int64_t Steps = 0; ///< in all; not needed for Constant
};

/// The learning rate of update `Step`, counted from 1. It rises linearly to the
/// peak in update WarmupSteps, so that no update has the rate 0, and the first
/// one after the warm-up has the peak, too. From there on Linear and Cosine
/// fall so that they would reach 0 one update after the last.
double learningRateAt(const LearningRateSettings &Settings, int64_t Step);

/// The weight decay of each tensor: 0 for those whose name contains one of
/// `Excluded`.
std::vector<float> weightDecaysOf(std::span<const TrainedTensor> Tensors,
                                  double WeightDecay,
                                  std::span<const std::string> Excluded);

struct LengthStageSettings {
  /// Most tokens of a response in each stage, ascending.
  std::vector<int64_t> Limits;
  /// A stage can end when the 99th percentile of the lengths of a rollout batch
  /// is at least this share of the limit,
  double NearLimit = 0.95;
  /// and perplexity has settled: over this many batches of the stage, the mean
  /// of the later half differs from that of the earlier half by at most
  /// `Tolerance` times the latter.
  int64_t Window = 8;
  double Tolerance = 0.02;
};

/// The limits of responses, raised in stages as in section 5 of the MiniMax-M1
/// report.
class LengthStages {
public:
  explicit LengthStages(LengthStageSettings Settings);

  size_t stage() const { return Stage; }
  int64_t limit() const { return Settings.Limits[Stage]; }
  /// What, with the stage, makes up its state: the perplexities of the last
  /// batches of the stage, at most `Window`.
  const std::vector<double> &perplexities() const { return Perplexities; }

  /// Takes the lengths of a rollout batch's responses and its perplexity, the
  /// exponential of the mean of -log-prob under the policy that sampled. True
  /// if the next stage begins. A perplexity that is not finite is left out.
  bool observe(std::span<const int64_t> Lengths, double Perplexity);

  /// Continues where a run ended. False if the recipe has no such stage or the
  /// state cannot be that of its window.
  bool restore(size_t NewStage, std::vector<double> NewPerplexities);

private:
  bool hasSettled() const;

  LengthStageSettings Settings;
  size_t Stage = 0;
  std::vector<double> Perplexities;
};

/// The smallest of the values that at least `Share` of them do not exceed
/// (nearest rank); 0 for none.
int64_t percentileOf(std::span<const int64_t> Values, double Share);

} // namespace m1

#endif // M1C_RUNTIME_TRAINING_SCHEDULES_H
