//===- RunDirectory.h - the files of a training run -------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// DIRECTORY/
//   lock             the process that trains here
//   recipe.json      the recipe as it was understood
//   metrics.jsonl    a line for each step
//   samples.jsonl    a line for each response
//   digests.jsonl    digests of the model after steps
//   checkpoint-N/    the model and the run's state after step N
//
// docs/runs.md describes them. A directory checkpoint-N is complete: it is
// written as checkpoint-N.tmp-new and renamed, and renamed to
// checkpoint-N.tmp-removed before it is removed.
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_TRAINING_RUNDIRECTORY_H
#define M1C_RUNTIME_TRAINING_RUNDIRECTORY_H

#include "runtime/training/PolicyDigests.h"
#include "runtime/training/StepLog.h"
#include "runtime/training/WriteCheckpoint.h"

#include <functional>
#include <optional>

namespace m1 {

struct SaveSettings {
  /// How many checkpoints are kept; 0: all.
  int64_t TotalLimit = 0;
  uint64_t MaxShardBytes = DefaultShardBytes;
};

/// Where a run goes on.
struct ResumedRun {
  int64_t Step = 0; ///< of the checkpoint
  /// What was given to `save`; null if there was no checkpoint yet, so that the
  /// run begins again.
  nlohmann::json State;
};

struct Sample {
  std::span<const int64_t> Prompt, Response; ///< tokens
  double Reward = 0;
  /// More fields of the line; an object.
  nlohmann::json Other = nlohmann::json::object();
};

/// Whether a run began in the directory, which need not exist.
absl::StatusOr<bool> hasRun(const std::string &Directory);

/// A run's directory, which no other process uses while the object lives.
class RunDirectory {
public:
  /// Makes the directory if it does not exist. Removes what a killed process
  /// left of a checkpoint. An error if another process uses the directory.
  static absl::StatusOr<std::unique_ptr<RunDirectory>>
  create(const std::string &Path);
  /// The same, but an error if there is no run in the directory.
  static absl::StatusOr<std::unique_ptr<RunDirectory>>
  open(const std::string &Path);
  ~RunDirectory();
  RunDirectory(const RunDirectory &) = delete;
  RunDirectory &operator=(const RunDirectory &) = delete;

  const std::string &path() const { return Path; }
  /// The numbers of the complete checkpoints, ascending.
  absl::StatusOr<std::vector<int64_t>> checkpoints() const;
  std::string checkpointPath(int64_t Step) const;

  /// The lines of digests.jsonl, by step.
  absl::StatusOr<std::map<int64_t, PolicyDigests>> digests() const;

  /// Begins a run: writes recipe.json. An error if there is a run already.
  absl::Status begin(const nlohmann::json &Recipe);

  /// Goes on with the run from checkpoint number `Step`, or from the latest:
  /// loads it into `Model`, and cuts off the lines of later steps, so that the
  /// files are those of a run without interruption. Without any checkpoint,
  /// cuts off all lines and leaves `Model` as it is.
  ///
  /// An error if the recipe or the model is not the run's, if checkpoints later
  /// than `Step` exist, if the checkpoint is damaged, or if `Accept`, which may
  /// be empty, refuses its state. Then the directory is as before. The keys of
  /// the recipe in `MayChange` may have new values (RecipeDifference.h).
  absl::StatusOr<ResumedRun> resume(
      const nlohmann::json &Recipe, Policy &Model,
      std::span<const std::string> MayChange, std::optional<int64_t> Step = {},
      const std::function<absl::Status(const nlohmann::json &State)> &Accept =
          {});

  // After `begin` or `resume`:

  /// A step's lines come before its checkpoint.
  absl::Status addMetrics(int64_t Step, const nlohmann::json &Fields);
  absl::Status addSample(int64_t Step, const Sample &Response);
  absl::Status addDigests(int64_t Step, const PolicyDigests &Digests);

  /// Writes checkpoint-STEP. `State` is an object whose numbers are finite:
  /// `resume` returns it to the bit. Once the checkpoint is complete, the
  /// oldest ones beyond the limit are removed. After an error, the directory is
  /// as before. `Source` as for writeCheckpoint.
  absl::Status save(int64_t Step, Policy &Model, CheckpointSource *Source,
                    const nlohmann::json &State,
                    const SaveSettings &Settings = {});

private:
  RunDirectory() = default;
  std::string path(std::string_view Name) const {
    return concat(Path, "/", Name);
  }
  absl::Status lock();
  absl::Status removeLeftovers() const;
  absl::Status removeCheckpoint(int64_t Step) const;
  absl::Status writeRecipe(const nlohmann::json &New);
  absl::Status openLogs();
  absl::StatusOr<TrainerState>
  readState(int64_t Step, const nlohmann::json &New,
            std::span<const std::string> MayChange) const;

  std::string Path;
  int Lock = -1;
  nlohmann::json Recipe;
  std::unique_ptr<StepLog> Metrics, Samples, Digests;
};

} // namespace m1

#endif // M1C_RUNTIME_TRAINING_RUNDIRECTORY_H
