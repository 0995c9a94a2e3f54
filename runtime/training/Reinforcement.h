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
  std::pair<size_t, size_t> range() const;

  const Recipe &Settings;
  std::unique_ptr<Rollouts> Drawn;
  /// The batch that updates are made from, and how many were made of it.
  std::optional<RolloutBatch> Batch;
  int64_t Used = 0;
  std::optional<RolloutBatch> Last; ///< the one before, for samples
  /// Whether weights have changed since the batch was drawn.
  bool IsChanged = false;
};

} // namespace m1

#endif // M1C_RUNTIME_TRAINING_REINFORCEMENT_H
