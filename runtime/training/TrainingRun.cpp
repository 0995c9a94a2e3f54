//===- TrainingRun.cpp - a run from its first step to its last ------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/training/TrainingRun.h"

#include "runtime/support/Stopwatch.h"

using namespace m1;

Trainer::~Trainer() = default;

namespace {
class Run {
public:
  Run(Policy &Model, Trainer &How, const Recipe &Settings,
      const RunSettings &Options)
      : Model(Model), How(How), Settings(Settings), Options(Options) {}

  absl::Status restore(const nlohmann::json &State) {
    if (State.is_null())
      return absl::OkStatus();
    M1_RETURN_IF_ERROR(restoreTrainer(State, How));
    M1_RETURN_IF_ERROR(m1::restore(State["counters"], Counters));
    Saved = Counters.Step;
    return absl::OkStatus();
  }

  absl::Status run() {
    while (Counters.Step < Options.LastStep) {
      absl::Status Status = step();
      if (absl::IsCancelled(Status) || (Status.ok() && isCancelled())) {
        M1_RETURN_IF_ERROR(save());
        return absl::CancelledError("interrupted");
      }
      M1_RETURN_IF_ERROR(std::move(Status));
    }
    return save();
  }

private:
  bool isCancelled() const {
    return Options.Hooks.Cancelled && Options.Hooks.Cancelled();
  }

  bool isDue(int64_t Every) const {
    return Every > 0 && Counters.Step % Every == 0;
  }

  absl::Status step() {
    const Stopwatch Whole;
    const int64_t Step = Counters.Step + 1;
    M1_ASSIGN_OR_RETURN(std::vector<TrainingSequence> Sequences,
                        How.prepare(Step, Model, Options.Hooks));
    M1_ASSIGN_OR_RETURN(UpdateOutcome Outcome,
                        runUpdate(Model, Sequences, Settings, How.steps(),
                                  Counters, Options.Hooks.Cancelled));
    Metrics Figures;
    addMetrics(Outcome, Counters, Figures);
    How.finish(Outcome, Figures);
    if (!Outcome.Applied && Options.Hooks.Note)
      Options.Hooks.Note(concat("step ", Step, ": ", describeNonfinite(Outcome),
                                "; the step was left out"));
    if (Options.Directory)
      M1_RETURN_IF_ERROR(write(Step, Whole, Figures));
    if (Options.Hooks.StepDone)
      Options.Hooks.StepDone(Figures);
    if (!Outcome.Applied &&
        Counters.ConsecutiveNonfinite >= Settings.MaxNonfiniteSteps)
      return makeError("step ", Step, ": ", describeNonfinite(Outcome), ", in ",
                       Counters.ConsecutiveNonfinite,
                       " steps in a row (max_nonfinite_steps)");
    return isDue(Settings.SaveSteps) ? save() : absl::OkStatus();
  }

  /// Writes the lines of the current step, which began with `Whole`.
  absl::Status write(int64_t Step, const Stopwatch &Whole, Metrics &Figures) {
    RunDirectory &To = *Options.Directory;
    M1_ASSIGN_OR_RETURN(PolicyDigests Digests, digestsOf(Model));
    M1_RETURN_IF_ERROR(To.addDigests(Step, Digests));
    M1_RETURN_IF_ERROR(How.sample(Step, To));
    // Metrics come last, so that they have the times of all else but of a
    // checkpoint: it is written after their line, and its time is in the next.
    Figures.set(Metric::TimeStep, Whole.seconds());
    if (LastSaveSeconds)
      Figures.set(Metric::TimeSave, *LastSaveSeconds);
    // Not the last step of this process: a resumed run has the same lines.
    if (!isDue(Settings.LoggingSteps) && Step != How.steps())
      return absl::OkStatus();
    LastSaveSeconds.reset();
    return To.addMetrics(Step, nlohmann::json::parse(Figures.jsonLine()));
  }

  /// Writes a checkpoint of the current step if there is none.
  absl::Status save() {
    if (!Options.Directory || Saved == Counters.Step || Counters.Step == 0)
      return absl::OkStatus();
    const Stopwatch Saving;
    M1_ASSIGN_OR_RETURN(nlohmann::json State, How.save());
    SaveSettings Limits;
    Limits.TotalLimit = Settings.SaveTotalLimit;
    M1_RETURN_IF_ERROR(Options.Directory->save(
        Counters.Step, Model, Options.Source,
        {{"counters", m1::save(Counters)}, {"trainer", std::move(State)}},
        Limits));
    Saved = Counters.Step;
    LastSaveSeconds = Saving.seconds();
    return absl::OkStatus();
  }

  Policy &Model;
  Trainer &How;
  const Recipe &Settings;
  const RunSettings &Options;
  UpdateCounters Counters;
  int64_t Saved = -1;                    ///< the step of the last checkpoint
  std::optional<double> LastSaveSeconds; ///< since the last line of metrics
};
} // namespace

absl::Status m1::restoreTrainer(const nlohmann::json &State, Trainer &How) {
  if (!State.is_object() || !State.contains("counters") ||
      !State.contains("trainer"))
    return makeError("the checkpoint's state is not that of a trainer");
  return How.restore(State["trainer"]);
}

absl::Status m1::runTraining(Policy &Model, Trainer &How,
                             const Recipe &Settings,
                             const nlohmann::json &State,
                             const RunSettings &Options) {
  Run Current(Model, How, Settings, Options);
  M1_RETURN_IF_ERROR(Current.restore(State));
  return Current.run();
}
