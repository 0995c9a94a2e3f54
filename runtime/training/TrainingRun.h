//===- TrainingRun.h - a run from its first step to its last ----*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_TRAINING_TRAININGRUN_H
#define M1C_RUNTIME_TRAINING_TRAININGRUN_H

#include "runtime/training/CheckpointSource.h"
#include "runtime/training/RunDirectory.h"
#include "runtime/training/Update.h"

namespace m1 {

/// What a run tells its caller.
struct RunHooks {
  /// True ends the run after the current step, or before it if the step has
  /// changed nothing yet.
  std::function<bool()> Cancelled;
  std::function<void(const std::string &)> Note;
  /// Called after each step.
  std::function<void(const Metrics &)> StepDone;
  /// Called with tokens that were generated, for progress within a step.
  std::function<void(int64_t)> Generated;
};

struct RunSettings {
  /// Where to write; null: nothing is written.
  RunDirectory *Directory = nullptr;
  CheckpointSource *Source = nullptr; ///< of checkpoints; may be null
  int64_t LastStep = 0;               ///< the run ends after this step
  RunHooks Hooks;
};

/// One kind of training: makes the sequences of each update.
class Trainer {
public:
  virtual ~Trainer();

  /// The updates of the whole run, for the schedule of the learning rate.
  virtual int64_t steps() const = 0;
  /// Makes the sequences of update number `Step`, counted from 1. The errors of
  /// a run that is stopped are "cancelled".
  virtual absl::StatusOr<std::vector<TrainingSequence>>
  prepare(int64_t Step, Policy &Model, const RunHooks &Hooks) = 0;
  /// Takes the outcome of the update that `prepare` made the sequences of; adds
  /// to its metrics.
  virtual void finish(const UpdateOutcome &Outcome, Metrics &To) = 0;
  /// Called after `finish`: writes samples of what was trained on, if they are
  /// due.
  virtual absl::Status sample(int64_t Step, RunDirectory &To) = 0;

  /// What a checkpoint needs so that the run continues to the same bits.
  virtual absl::StatusOr<nlohmann::json> save() = 0;
  /// Takes what `save` gave. An error if it is not that of the same training.
  virtual absl::Status restore(const nlohmann::json &From) = 0;
};

/// Restores the trainer from the state of a run's checkpoint, without the run.
absl::Status restoreTrainer(const nlohmann::json &State, Trainer &How);

/// Runs updates after `State` (null: from the beginning) until the last step:
/// after each, writes metrics and digests of the weights, and every so often,
/// and at the end, a checkpoint.
///
/// An error leaves what is complete in the directory; MaxNonfiniteSteps updates
/// in a row that were not applied are one. A run that is cancelled writes a
/// checkpoint and returns "cancelled".
absl::Status runTraining(Policy &Model, Trainer &How, const Recipe &Settings,
                         const nlohmann::json &State,
                         const RunSettings &Options);

} // namespace m1

#endif // M1C_RUNTIME_TRAINING_TRAININGRUN_H
