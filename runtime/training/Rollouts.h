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

/// The responses that updates are made from.
struct RolloutBatch {
  std::vector<Response> Responses; ///< NumGenerations for each prompt
  Advantages Judged;               ///< of the responses
  /// The share of groups without signal before dynamic sampling.
  double ShareWithoutSignal = 0;
  int64_t Redraws = 0; ///< rounds of dynamic sampling
  int64_t Drawn = 0;   ///< tokens, of discarded responses too
  int64_t Limit = 0;   ///< tokens of a response
  double RolloutSeconds = 0, RewardSeconds = 0;

  /// exp of the mean of -log-prob of the responses' tokens.
  double perplexity() const;
  /// The number of tokens of each response.
  std::vector<int64_t> lengths() const;
};

/// Draws batch after batch of responses. Its state is small and saved in
/// checkpoints: the responses follow from it and from the policy's weights.
class Rollouts {
public:
  /// Makes the recipe's environments. An error if one does not fit the policy,
  /// or if responses can be longer than what the policy is trained on at once.
  /// `Settings` must outlive the result.
  static absl::StatusOr<std::unique_ptr<Rollouts>>
  create(const Recipe &Settings, const PolicyLimits &Limits,
         const EnvironmentContext &Context);

  /// Draws a batch. An error if a prompt leaves too little room for responses.
  /// After an error, the state is no longer that of `save`.
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
  /// The environment's name; with its number in the recipe, from 0, if several
  /// have this name: "program.1".
  std::string label(size_t Number) const;
  int64_t batches() const { return Batches; } ///< drawn so far

  /// The state, and back. An error if it is not that of this recipe.
  nlohmann::json save() const;
  absl::Status restore(const nlohmann::json &From);

private:
  explicit Rollouts(const Recipe &Settings);
  size_t nextEnvironment() const;
  absl::Status drawGroups(Policy &Model, int64_t Groups, uint32_t Round,
                          const std::function<bool()> &Cancelled,
                          const std::function<void(int64_t)> &Progress,
                          RolloutBatch &Batch);
  /// Adds groups of responses, without rewards, to new prompts, and to
  /// `Prompts` the prompt of each group.
  absl::Status addGroups(int64_t Groups, RolloutBatch &Batch,
                         std::vector<Prompt> &Prompts);
  /// Rewards the responses from `First` on to these prompts.
  absl::Status judge(size_t First, std::span<const Prompt> Prompts,
                     RolloutBatch &Batch);
  void addNoise(RolloutBatch &Batch) const;

  const Recipe &Settings;
  BatchLimits Most; ///< of one call that computes gradients
  EnvironmentContext Context;
  std::vector<std::unique_ptr<Environment>> Environments;
  LengthStages Stages;
  std::vector<uint64_t> NextPrompt; ///< of each environment
  int64_t Batches = 0;
};

} // namespace m1

#endif // M1C_RUNTIME_TRAINING_ROLLOUTS_H
