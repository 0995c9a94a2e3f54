//===- Reinforcement.h - training by reinforcement learning -----*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_TRAINING_REINFORCEMENT_H
#define M1C_RUNTIME_TRAINING_REINFORCEMENT_H

#include "runtime/training/Rollouts.h"
#include "runtime/training/TrainingRun.h"

namespace m1 {

/// Draws a batch of responses, makes NumIterations times MiniBatches updates
/// from it, and draws the next with the policy that results.
class ReinforcementTrainer : public Trainer {
public:
  /// Makes the recipe's environments; errors as for Rollouts::create.
  /// `Settings` must outlive the trainer.
  static absl::StatusOr<std::unique_ptr<ReinforcementTrainer>>
  create(const Recipe &Settings, const PolicyLimits &Limits,
         const EnvironmentContext &Context);

  int64_t steps() const override { return Settings.MaxSteps; }
  absl::StatusOr<std::vector<TrainingSequence>>
  prepare(int64_t Step, Policy &Model, const RunHooks &Hooks) override;
  void finish(const UpdateOutcome &Outcome, Metrics &To) override;
  absl::Status sample(int64_t Step, RunDirectory &To) override;
  absl::StatusOr<nlohmann::json> save() override;
  absl::Status restore(const nlohmann::json &From) override;

private:
  ReinforcementTrainer(const Recipe &Settings, std::unique_ptr<Rollouts> Drawn)
      : Settings(Settings), Drawn(std::move(Drawn)) {}
  /// The responses of each update of a pass over the batch.
  std::vector<std::pair<size_t, size_t>> ranges() const;
  /// Updates that are made from the batch.
  int64_t updates() const;

  const Recipe &Settings;
  std::unique_ptr<Rollouts> Drawn;
  /// The batch that updates are made from, and how many were made of it.
  std::optional<RolloutBatch> Batch;
  int64_t Used = 0;
  std::optional<RolloutBatch> Last; ///< the one before
  /// Whether weights have changed since the batch was drawn.
  bool IsChanged = false;
};

} // namespace m1

#endif // M1C_RUNTIME_TRAINING_REINFORCEMENT_H
