//===- Recipe.h - the settings of a training run ----------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_TRAINING_RECIPE_H
#define M1C_RUNTIME_TRAINING_RECIPE_H

#include "runtime/support/Json.h"
#include "runtime/training/Advantages.h"
#include "runtime/training/Losses.h"
#include "runtime/training/Schedules.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace m1 {

/// What a recipe is for. Some keys belong to one of the two only.
enum class TrainingMode : uint8_t {
  Reinforcement, ///< m1run train
  Supervised     ///< m1run sft
};

/// A recipe as it was understood: every key has a value. The page that
/// recipesPage() writes describes the keys;
/// the members have their names and order.
struct Recipe {
  TrainingMode Mode = TrainingMode::Reinforcement;

  // Rollouts.
  nlohmann::json Environments; ///< objects for createEnvironment
  std::vector<double> EnvironmentWeights;
  int64_t NumPrompts = 0, NumGenerations = 0;
  std::vector<int64_t> MaxCompletionLength; ///< of each stage, ascending
  double LengthStageNear = 0;
  int64_t LengthStageWindow = 0;
  double LengthStageTolerance = 0;
  double Temperature = 0, TopP = 0;
  int64_t TopK = 0;
  int64_t RepetitionStopTokens = 0;
  double RepetitionStopProbability = 0;
  bool DynamicSampling = false;
  int64_t DynamicSamplingMaxRedraws = 0;
  double RolloutNoise = 0;

  // Rewards and the loss.
  std::string ScaleRewards;
  int64_t OverlongBufferLength = 0;
  double OverlongPenaltyFactor = 0;
  std::string LossType;
  std::optional<double> RatioMin, RatioMax;
  std::optional<double> Epsilon, EpsilonHigh;
  std::string EpsilonConvention; ///< empty afterwards: it has been applied
  std::optional<double> MaskRatioMin, MaskRatioMax;
  std::string LossNormalization;
  std::optional<double> LossConstant;
  bool MaskTruncatedCompletions = false;
  bool CompletionOnlyLoss = false;
  double RouterAuxLossCoef = 0;

  // Updates.
  int64_t NumTrainEpochs = 0, BatchSize = 0;
  bool Shuffle = false;
  int64_t NumIterations = 0, MiniBatches = 0;
  int64_t MicroBatchTokens = 0; ///< 0: as many as the plan allows
  int64_t MaxSteps = 0;         ///< 0: no limit (supervised only)
  double LearningRate = 0;
  std::string LrSchedulerType;
  int64_t WarmupSteps = 0;
  double AdamBeta1 = 0, AdamBeta2 = 0, AdamEpsilon = 0;
  double WeightDecay = 0;
  std::vector<std::string> WeightDecayExclude;
  double MaxGradNorm = 0;
  int64_t MaxNonfiniteSteps = 0;
  int64_t Seed = 0;

  // What is written.
  int64_t LoggingSteps = 0, SampleSteps = 0, SaveSteps = 0, SaveTotalLimit = 0;

  /// One line for each value that was translated or has no effect.
  std::vector<std::string> Notes;

  /// The settings of other parts that the keys make up.
  LossSettings loss() const;
  RewardScaling rewardScaling() const;
  LengthStageSettings lengthStages() const;
  /// `Steps` are the updates of the whole run: MaxSteps, or what supervised
  /// training found its epochs to be.
  LearningRateSettings learningRate(int64_t Steps) const;
  /// Of update `Step`, counted from 1.
  UpdateSettings update(int64_t Step, int64_t Steps,
                        std::span<const TrainedTensor> Tensors) const;
  /// Of rollouts with the response limit of the current stage; Seed, stop
  /// tokens and callbacks are the caller's.
  GenerateOptions generation(int64_t Limit) const;
};

/// Reads a recipe. Errors are one line with the file, the key, what was found
/// and what was expected; for an unknown key, the nearest known one.
absl::StatusOr<Recipe> readRecipe(const std::string &Path, TrainingMode Mode);
/// The same for a value; `Path` is for messages.
absl::StatusOr<Recipe> parseRecipe(const nlohmann::json &Value,
                                   const std::string &Path, TrainingMode Mode);

/// The recipe with the values of all keys, those that were left out included,
/// in the order of the table. Parsing it gives the same recipe.
nlohmann::ordered_json describe(const Recipe &R);

/// docs/reference/recipes.md.
std::string recipesPage();

} // namespace m1

#endif // M1C_RUNTIME_TRAINING_RECIPE_H
