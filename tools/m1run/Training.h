//===- Training.h - what training commands share ----------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_TOOLS_M1RUN_TRAINING_H
#define M1C_TOOLS_M1RUN_TRAINING_H

#include "runtime/training/PlanPolicy.h"
#include "runtime/training/Supervised.h"
#include "tools/m1run/Commands.h"

#include <optional>

namespace m1::run {

/// How a run was started, as far as repeating its steps needs it: the file
/// invocation.json of its directory. Paths are absolute.
struct Invocation {
  TrainingMode Mode = TrainingMode::Reinforcement;
  std::string Plan, Weights;
  /// Of the recipe; empty in runs of versions that did not write it.
  std::string RecipeDirectory;
  uint64_t InitSeed = 0;
  // Supervised training: its data.
  std::string Data;
  std::vector<std::string> Tokens, Masks;

  /// Writes the file, and reads it.
  absl::Status write(const std::string &Directory) const;
  static absl::StatusOr<Invocation> read(const std::string &Directory);
};

/// The data of supervised training. Errors name the file.
absl::StatusOr<std::vector<Example>> readExamples(const Invocation &From);

/// The trainer that an invocation asks for. `Settings` must outlive it. An
/// error if the data or the recipe do not fit the policy.
absl::StatusOr<std::unique_ptr<Trainer>>
makeTrainer(const Invocation &From, const Recipe &Settings,
            const PolicyLimits &Limits);

/// A plan that is ready to be trained.
struct OpenedPolicy {
  std::unique_ptr<m1::Session> Session;
  std::unique_ptr<PlanPolicy> Policy;
};
/// Loads a plan. An error if it is one for several ranks.
absl::StatusOr<std::unique_ptr<LoadedPlan>>
loadForTraining(const std::string &Path);
/// Loads the weights of a plan. An error if it was not compiled for training.
absl::StatusOr<OpenedPolicy> openPolicy(std::unique_ptr<LoadedPlan> Plan,
                                        const SessionOptions &Options);
/// An error if the recipe's weight decays do not fit the policy's parameters.
/// Otherwise the first update would find out.
absl::Status checkWeightDecays(const Recipe &Settings, const PlanPolicy &Model);

} // namespace m1::run

#endif // M1C_TOOLS_M1RUN_TRAINING_H
