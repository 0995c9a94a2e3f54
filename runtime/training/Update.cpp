//===- Update.cpp - one update of a policy --------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/training/Update.h"

#include "runtime/support/Stopwatch.h"

#include <cmath>
#include <cstdio>

using namespace m1;

absl::StatusOr<std::vector<int64_t>>
m1::countExperts(Policy &Model, std::span<const MicroBatch> Batches,
                 const std::function<bool()> &Cancelled) {
  std::vector<int64_t> Counts(Model.limits().Layers * Model.limits().Experts);
  for (const MicroBatch &Each : Batches) {
    if (Cancelled && Cancelled())
      return absl::CancelledError("interrupted");
    M1_ASSIGN_OR_RETURN(std::vector<int64_t> Part,
                        Model.expertCounts(Each.Batch));
    for (size_t I = 0; I < Counts.size(); ++I)
      Counts[I] += Part[I];
  }
  return Counts;
}

absl::StatusOr<UpdateOutcome>
m1::runUpdate(Policy &Model, std::span<const TrainingSequence> Sequences,
              const Recipe &Settings, int64_t Steps, UpdateCounters &Counters,
              const std::function<bool()> &Cancelled) {
  const Stopwatch Computing;
  const LossSettings Loss = Settings.loss();
  M1_ASSIGN_OR_RETURN(
      std::vector<MicroBatch> Batches,
      makeMicroBatches(
          Sequences, batchLimitsOf(Model.limits(), Settings.MicroBatchTokens)));
  UpdateOutcome Outcome;
  for (const MicroBatch &Each : Batches)
    Outcome.Tokens += static_cast<int64_t>(Each.Batch.Tokens.size());

  const int64_t Experts = Model.limits().Experts;
  std::vector<float> Balance(Experts);
  if (Settings.RouterAuxLossCoef != 0) {
    // The coefficients of the first gradient depend on the whole update.
    M1_ASSIGN_OR_RETURN(std::vector<int64_t> Counts,
                        countExperts(Model, Batches, Cancelled));
    Balance = balanceCoefficients(Counts, Experts, Outcome.Tokens,
                                  Settings.RouterAuxLossCoef);
    Outcome.Load = expertLoadOf(Counts, Experts);
  }
  UpdateSettings How =
      Settings.update(Counters.Applied + 1, Steps, Model.tensors());
  Outcome.LearningRate = How.LearningRate;
  bool IsCancelled = false;
  for (const MicroBatch &Each : Batches) {
    IsCancelled = IsCancelled || (Cancelled && Cancelled());
    if (IsCancelled)
      break;
    M1_ASSIGN_OR_RETURN(
        TokenResults Results,
        Model.addGradients(
            Each.Batch,
            static_cast<float>(Settings.Mode == TrainingMode::Supervised
                                   ? 1
                                   : Settings.Temperature),
            boundsOf(Loss), Balance));
    Outcome.Loss.add(Each.Batch, Results, Loss);
    Outcome.AuxiliaryLoss += balanceLoss(Results.Balance);
  }
  Outcome.TrainSeconds = Computing.seconds();
  const Stopwatch Updating;
  How.Apply = !IsCancelled && std::isfinite(Outcome.Loss.Loss) &&
              std::isfinite(Outcome.AuxiliaryLoss);
  M1_ASSIGN_OR_RETURN(UpdateResults Results, Model.update(How));
  if (IsCancelled)
    return absl::CancelledError("interrupted");
  Outcome.UpdateSeconds = Updating.seconds();
  Outcome.GradNorm = Results.GradNorm;
  Outcome.Applied = Results.Applied;

  Counters.Step += 1;
  Counters.Tokens += Outcome.Tokens;
  if (Outcome.Applied) {
    Counters.Applied += 1;
    Counters.ConsecutiveNonfinite = 0;
  } else {
    Counters.Nonfinite += 1;
    Counters.ConsecutiveNonfinite += 1;
  }
  return Outcome;
}

std::string m1::describeNonfinite(const UpdateOutcome &Outcome) {
  // Without the sign that a stream gives some NaNs.
  auto Text = [](double Value) {
    char Digits[32];
    std::snprintf(Digits, sizeof Digits, "%.6g", Value);
    return std::string(std::isnan(Value) ? "nan" : Digits);
  };
  return concat("the loss (", Text(Outcome.Loss.Loss),
                "), the auxiliary loss (", Text(Outcome.AuxiliaryLoss),
                ") or the norm of the gradients (", Text(Outcome.GradNorm),
                ") is not finite");
}

void m1::addMetrics(const UpdateOutcome &Outcome,
                    const UpdateCounters &Counters, Metrics &To) {
  const LossTotals &Loss = Outcome.Loss;
  const auto Tokens = static_cast<double>(Loss.Tokens);
  To.set(Metric::Step, Counters.Step);
  To.set(Metric::LearningRate, Outcome.LearningRate);
  To.set(Metric::Loss, Loss.Loss);
  To.set(Metric::GradNorm, static_cast<double>(Outcome.GradNorm));
  if (Outcome.Load) {
    To.set(Metric::AuxLoss, Outcome.AuxiliaryLoss);
    To.set(Metric::ExpertLoadMax, Outcome.Load->Max);
    To.set(Metric::ExpertUnused, Outcome.Load->Unused);
  }
  if (Loss.Tokens > 0) {
    To.set(Metric::Entropy, Loss.EntropySum / Tokens);
    To.set(Metric::Perplexity, std::exp(Loss.NegativeLogProbSum / Tokens));
  }
  To.set(Metric::NumTokens, Counters.Tokens);
  To.set(Metric::NonfiniteSteps, Counters.Nonfinite);
  To.set(Metric::SpeedTrain,
         static_cast<double>(Outcome.Tokens) /
             (Outcome.TrainSeconds + Outcome.UpdateSeconds));
  To.set(Metric::TimeTrain, Outcome.TrainSeconds);
  To.set(Metric::TimeUpdate, Outcome.UpdateSeconds);
}

/// The fields of the counters, by name.
template <typename Counter, typename Visit>
static void forFields(Counter &Counters, Visit Field) {
  Field("step", Counters.Step);
  Field("applied", Counters.Applied);
  Field("tokens", Counters.Tokens);
  Field("nonfinite", Counters.Nonfinite);
  Field("consecutive_nonfinite", Counters.ConsecutiveNonfinite);
}

nlohmann::json m1::save(const UpdateCounters &Counters) {
  nlohmann::json Result;
  forFields(Counters,
            [&](const char *Name, int64_t Value) { Result[Name] = Value; });
  return Result;
}

absl::Status m1::restore(const nlohmann::json &From, UpdateCounters &Counters) {
  absl::Status Status;
  forFields(Counters, [&](const char *Name, int64_t &Value) {
    if (From.is_object() && From.contains(Name) &&
        From[Name].is_number_integer() && From[Name] >= 0)
      Value = From[Name].get<int64_t>();
    else
      Status.Update(
          makeError("the trainer's state has no number '", Name, "'"));
  });
  return Status;
}
