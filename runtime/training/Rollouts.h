//===- Rollouts.h - draws responses and judges them -------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_TRAINING_ROLLOUTS_H
#define M1C_RUNTIME_TRAINING_ROLLOUTS_H

#include "runtime/training/Advantages.h"
#include "runtime/training/Batching.h"
#include "runtime/training/Metrics.h"
#include "runtime/training/Recipe.h"
#include "runtime/training/environments/Environment.h"

#include <memory>

namespace m1 {

/// A response with its reward. Those to one prompt are next to each other.
struct Response {
  size_t Environment = 0;
  uint64_t PromptNumber = 0; ///< in its environment
  std::vector<int64_t> Prompt, Tokens;
  std::vector<float> LogProbs; ///< of Tokens, under the policy that drew them
  bool Truncated = false;      ///< ended by a limit
  double Reward = 0;           ///< NaN: none
};

/// The responses that one pass of updates is made from.
struct RolloutBatch {
  std::vector<Response> Responses; ///< NumGenerations for each prompt
  Advantages Judged;               ///< of the responses
  int64_t Redraws = 0;             ///< rounds of dynamic sampling
  int64_t Drawn = 0;               ///< tokens, of discarded responses too
  int64_t Limit = 0;               ///< tokens of a response
  double RolloutSeconds = 0, RewardSeconds = 0;

  /// exp of the mean of -log-prob of the responses' tokens.
  double perplexity() const;
  std::vector<int64_t> lengths() const;
};

/// Draws batch after batch of responses. Its state is small and saved in
/// checkpoints: the responses follow from it and from the policy's weights.
class Rollouts {
public:
  /// Makes the recipe's environments. An error if one does not fit the policy.
  static absl::StatusOr<std::unique_ptr<Rollouts>>
  create(const Recipe &Settings, const PolicyLimits &Limits,
         const EnvironmentContext &Context);

  /// Draws a batch. `Note` takes one-line notes.
  absl::StatusOr<RolloutBatch>
  draw(Policy &Model, const std::function<bool()> &Cancelled,
       const std::function<void(int64_t Tokens)> &Progress);

  /// The sequences of responses `Begin` to `End` for an update; numbered from
  /// `Begin` on.
  std::vector<TrainingSequence> sequences(const RolloutBatch &Batch,
                                          size_t Begin, size_t End) const;

  /// The metrics of a batch.
  void addMetrics(const RolloutBatch &Batch, Metrics &To) const;
  const Environment &environment(size_t Number) const {
    return *Environments[Number];
  }
  int64_t batches() const { return Batches; }

  nlohmann::json save() const;
  absl::Status restore(const nlohmann::json &From);

private:
  explicit Rollouts(const Recipe &Settings);
  size_t nextEnvironment();
  absl::Status drawGroups(Policy &Model, int64_t Groups, uint32_t Round,
                          const std::function<bool()> &Cancelled,
                          const std::function<void(int64_t)> &Progress,
                          RolloutBatch &Batch);
  absl::Status judge(size_t First, RolloutBatch &Batch);
  void addNoise(RolloutBatch &Batch) const;

  const Recipe &Settings;
  EnvironmentContext Context;
  std::vector<std::unique_ptr<Environment>> Environments;
  LengthStages Stages;
  std::vector<uint64_t> NextPrompt; ///< of each environment
  int64_t Batches = 0;              ///< drawn so far
};

} // namespace m1

#endif // M1C_RUNTIME_TRAINING_ROLLOUTS_H
