//===- Metrics.h - the figures of a training step ---------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_TRAINING_METRICS_H
#define M1C_RUNTIME_TRAINING_METRICS_H

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace m1 {

// Each figure with its name in the table of Metrics.cpp, in its order.
enum class Metric : uint8_t {
  Step,
  Rollout,
  LearningRate,
  Loss,
  GradNorm,
  AuxLoss,
  ExpertLoadMax,
  ExpertUnused,
  Reward,
  RewardStd,
  FracRewardZeroStd,
  RewardMissing,
  Redraws,
  CompletionMean,
  CompletionMin,
  CompletionMax,
  CompletionP99,
  CompletionClipped,
  CompletionLimit,
  Perplexity,
  Entropy,
  Kl,
  CispoClipRatio,
  ClipRatioLow,
  ClipRatioHigh,
  MaskRatio,
  RatioMin,
  RatioMean,
  RatioMax,
  LogProbDifferenceMean,
  LogProbDifferenceMax,
  NumTokens,
  NonfiniteSteps,
  SpeedRollout,
  SpeedTrain,
  TimeRollout,
  TimeReward,
  TimeTrain,
  TimeUpdate,
  TimeSave,
  TimeStep
};

enum class MetricScope : uint8_t {
  Update,  ///< of one update
  Rollout, ///< of a rollout batch; the same for all its updates
  Run      ///< since the run began
};

struct MetricInfo {
  Metric Key;
  std::string_view Name;
  MetricScope Scope;
  bool Integer;
  std::string_view Unit, Description;
};
/// All metrics, in the order in which they are written.
const std::vector<MetricInfo> &metricTable();
const MetricInfo &infoOf(Metric Key);

/// The figures of one update. Those that do not apply are not set.
class Metrics {
public:
  void set(Metric Key, double Value) { Values[Key] = Value; }
  void set(Metric Key, int64_t Value) {
    Values[Key] = static_cast<double>(Value);
  }
  /// The mean reward of one environment, "rewards/NAME/mean". Names differ.
  void setReward(const std::string &Environment, double Mean) {
    Rewards[Environment] = Mean;
  }
  std::optional<double> get(Metric Key) const;

  /// One JSON object without a line break. A figure that is not finite is null;
  /// one that is not set is left out. Numbers read back to the same f64.
  std::string jsonLine() const;

private:
  std::map<Metric, double> Values;
  std::map<std::string, double> Rewards;
};

/// docs/reference/metrics.md.
std::string metricsPage();

} // namespace m1

#endif // M1C_RUNTIME_TRAINING_METRICS_H
