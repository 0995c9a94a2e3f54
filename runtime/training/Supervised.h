//===- Supervised.h - training on given sequences ---------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_TRAINING_SUPERVISED_H
#define M1C_RUNTIME_TRAINING_SUPERVISED_H

#include "runtime/training/TrainingRun.h"

namespace m1 {

/// A sequence to be trained on.
struct Example {
  std::string Name;            ///< for messages
  std::vector<int64_t> Tokens; ///< at least 2
  /// For each token, whether the model is trained to predict it. The first one
  /// is never predicted. Empty: all are.
  std::vector<bool> Counts;
};

/// Minimises the cross-entropy of given sequences.
class SupervisedTrainer : public Trainer {
public:
  /// An error, which names it, if an example does not fit the policy or what
  /// the recipe allows of it, or if there is none. `Settings` must outlive the
  /// trainer.
  static absl::StatusOr<std::unique_ptr<SupervisedTrainer>>
  create(const Recipe &Settings, const PolicyLimits &Limits,
         std::vector<Example> Examples);

  int64_t steps() const override;
  absl::StatusOr<std::vector<TrainingSequence>>
  prepare(int64_t Step, Policy &Model, const RunHooks &Hooks) override;
  void finish(const UpdateOutcome &, Metrics &) override {}
  absl::Status sample(int64_t, RunDirectory &) override {
    return absl::OkStatus();
  }
  absl::StatusOr<nlohmann::json> save() override;
  absl::Status restore(const nlohmann::json &From) override;

private:
  SupervisedTrainer(const Recipe &Settings, std::vector<Example> Examples);
  /// The examples in the order of an epoch, counted from 0.
  std::vector<size_t> orderOf(int64_t Epoch) const;
  int64_t stepsPerEpoch() const;

  const Recipe &Settings;
  std::vector<Example> Examples;
  std::string Digest; ///< of the examples' tokens and masks
};

} // namespace m1

#endif // M1C_RUNTIME_TRAINING_SUPERVISED_H
