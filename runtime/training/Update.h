//===- Update.h - one update of a policy ------------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_TRAINING_UPDATE_H
#define M1C_RUNTIME_TRAINING_UPDATE_H

#include "runtime/training/Balance.h"
#include "runtime/training/Batching.h"
#include "runtime/training/Losses.h"
#include "runtime/training/Metrics.h"
#include "runtime/training/Recipe.h"

namespace m1 {

/// What the updates of a run share. All of it is saved in checkpoints.
struct UpdateCounters {
  int64_t Step = 0;      ///< updates that were tried: the number of a step
  int64_t Applied = 0;   ///< updates that changed weights, for the schedule
  int64_t Tokens = 0;    ///< of all sequences so far, prompts included
  int64_t Nonfinite = 0; ///< steps that were left out
  int64_t ConsecutiveNonfinite = 0; ///< without an applied one in between
};

struct UpdateOutcome {
  LossTotals Loss;
  double AuxiliaryLoss = 0;
  std::optional<ExpertLoad> Load; ///< with an auxiliary loss
  double LearningRate = 0;
  float GradNorm = 0; ///< before clipping
  bool Applied = false;
  int64_t Tokens = 0; ///< of the update's sequences
  double TrainSeconds = 0, UpdateSeconds = 0;
};

/// How many tokens of all the batches each expert of each layer is chosen by,
/// [layers * experts]. Checks `Cancelled`, which may be empty, before each
/// batch.
absl::StatusOr<std::vector<int64_t>>
countExperts(Policy &Model, std::span<const MicroBatch> Batches,
             const std::function<bool()> &Cancelled = {});

/// Computes the gradients of the loss over the sequences, in micro-batches, and
/// updates the policy; counts the step. The weights afterwards are the same
/// bits for any size of micro-batches and any order of `Sequences`.
///
/// A step whose loss or gradients are not finite is not applied: it changes
/// nothing but `Counters`. `Steps` are the updates of the whole run, for the
/// learning rate. Checks `Cancelled`, which may be empty, before each
/// micro-batch; a "cancelled" error leaves weights and counters as they were
/// and the gradients cleared. After other errors, gradients may be left.
absl::StatusOr<UpdateOutcome>
runUpdate(Policy &Model, std::span<const TrainingSequence> Sequences,
          const Recipe &Settings, int64_t Steps, UpdateCounters &Counters,
          const std::function<bool()> &Cancelled);

/// Why the update was not applied: "the loss (nan), ... is not finite".
std::string describeNonfinite(const UpdateOutcome &Outcome);

/// The metrics of an update. `Counters` are those after it.
void addMetrics(const UpdateOutcome &Outcome, const UpdateCounters &Counters,
                Metrics &To);

/// Counters as an object of a checkpoint's state, and back. An error if a field
/// is missing or no number.
nlohmann::json save(const UpdateCounters &Counters);
absl::Status restore(const nlohmann::json &From, UpdateCounters &Counters);

} // namespace m1

#endif // M1C_RUNTIME_TRAINING_UPDATE_H
