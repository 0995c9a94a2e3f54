//===- Reinforcement.cpp - training by reinforcement learning -------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/training/Reinforcement.h"

#include <bit>
#include <cmath>

using namespace m1;

absl::StatusOr<std::unique_ptr<ReinforcementTrainer>>
ReinforcementTrainer::create(const Recipe &Settings, const PolicyLimits &Limits,
                             const EnvironmentContext &Context) {
  M1_ASSIGN_OR_RETURN(std::unique_ptr<Rollouts> Drawn,
                      Rollouts::create(Settings, Limits, Context));
  return std::unique_ptr<ReinforcementTrainer>(
      new ReinforcementTrainer(Settings, std::move(Drawn)));
}

std::vector<std::pair<size_t, size_t>> ReinforcementTrainer::ranges() const {
  return miniBatchRanges(Batch->Responses.size(), Settings.MiniBatches);
}

int64_t ReinforcementTrainer::updates() const {
  return static_cast<int64_t>(ranges().size()) * Settings.NumIterations;
}

absl::StatusOr<std::vector<TrainingSequence>>
ReinforcementTrainer::prepare(int64_t, Policy &Model, const RunHooks &Hooks) {
  if (!Batch) {
    const nlohmann::json Before = Drawn->save();
    absl::StatusOr<RolloutBatch> Made =
        Drawn->draw(Model, Hooks.Cancelled, Hooks.Generated);
    if (!Made.ok()) {
      // A run that is stopped here draws the same batch again.
      M1_RETURN_IF_ERROR(Drawn->restore(Before));
      return Made.status();
    }
    Batch = std::move(*Made);
    Used = 0;
    IsChanged = false;
  }
  const auto Ranges = ranges();
  auto [Begin, End] = Ranges[Used % Ranges.size()];
  return Drawn->sequences(*Batch, Begin, End);
}

void ReinforcementTrainer::finish(const UpdateOutcome &Outcome, Metrics &To) {
  const LossTotals &Loss = Outcome.Loss;
  Drawn->addMetrics(*Batch, To);
  if (Loss.Tokens > 0) {
    const auto Tokens = static_cast<double>(Loss.Tokens);
    const LossSettings How = Settings.loss();
    To.set(Metric::Kl, Loss.KlSum / Tokens);
    if (How.Type == LossType::Cispo)
      To.set(Metric::CispoClipRatio,
             static_cast<double>(Loss.RatioClipped) / Tokens);
    if (How.MaskBelow || How.MaskAbove)
      To.set(Metric::MaskRatio, static_cast<double>(Loss.Masked) / Tokens);
    To.set(Metric::ClipRatioLow, static_cast<double>(Loss.ClippedLow) / Tokens);
    To.set(Metric::ClipRatioHigh,
           static_cast<double>(Loss.ClippedHigh) / Tokens);
    To.set(Metric::RatioMin, Loss.RatioMin);
    To.set(Metric::RatioMean, Loss.RatioSum / Tokens);
    To.set(Metric::RatioMax, Loss.RatioMax);
    // Later on, the policy differs because it was updated.
    if (!IsChanged) {
      To.set(Metric::LogProbDifferenceMean, Loss.DifferenceSum / Tokens);
      To.set(Metric::LogProbDifferenceMax, Loss.DifferenceMax);
    }
  }
  IsChanged = IsChanged || Outcome.Applied;
  Used += 1;
  if (Used < updates())
    return;
  Last = std::move(Batch);
  Batch.reset();
}

absl::Status ReinforcementTrainer::sample(int64_t Step, RunDirectory &To) {
  // Of a batch, after the first update that was made from it.
  if (Settings.SampleSteps == 0 || Used != 1 ||
      Drawn->batches() % Settings.SampleSteps != 0)
    return absl::OkStatus();
  const RolloutBatch &From = Batch ? *Batch : *Last;
  // One response of each group.
  for (size_t I = 0; I < From.Responses.size(); I += Settings.NumGenerations) {
    const Response &Each = From.Responses[I];
    const Environment &Judge = Drawn->environment(Each.Environment);
    Sample Line{Each.Prompt, Each.Tokens, Each.Reward};
    Line.Other = {{"environment", Drawn->label(Each.Environment)},
                  {"number", Each.PromptNumber},
                  {"truncated", Each.Truncated},
                  {"prompt_text", Judge.text(Each.Prompt)},
                  {"response_text", Judge.text(Each.Tokens)}};
    M1_RETURN_IF_ERROR(To.addSample(Step, Line));
  }
  return absl::OkStatus();
}

//===----------------------------------------------------------------------===//
// State
//===----------------------------------------------------------------------===//

// A checkpoint in the middle of a batch holds the batch: its responses were
// drawn from weights that no longer exist. Floats are stored as their bits.

static nlohmann::json saveResponse(const Response &Each) {
  std::vector<uint32_t> Bits;
  for (float LogProb : Each.LogProbs)
    Bits.push_back(std::bit_cast<uint32_t>(LogProb));
  return {{"environment", Each.Environment},
          {"number", Each.PromptNumber},
          {"prompt", Each.Prompt},
          {"tokens", Each.Tokens},
          {"log_prob_bits", Bits},
          {"truncated", Each.Truncated},
          {"reward_bits", std::bit_cast<uint64_t>(Each.Reward)}};
}

static Response readResponse(const nlohmann::json &From) {
  Response Each;
  Each.Environment = From.at("environment").get<size_t>();
  Each.PromptNumber = From.at("number").get<uint64_t>();
  Each.Prompt = From.at("prompt").get<std::vector<int64_t>>();
  Each.Tokens = From.at("tokens").get<std::vector<int64_t>>();
  for (uint32_t Bits : From.at("log_prob_bits").get<std::vector<uint32_t>>())
    Each.LogProbs.push_back(std::bit_cast<float>(Bits));
  Each.Truncated = From.at("truncated").get<bool>();
  Each.Reward = std::bit_cast<double>(From.at("reward_bits").get<uint64_t>());
  return Each;
}

absl::StatusOr<nlohmann::json> ReinforcementTrainer::save() {
  nlohmann::json State{{"rollouts", Drawn->save()}};
  if (!Batch)
    return State;
  nlohmann::json Responses = nlohmann::json::array();
  for (const Response &Each : Batch->Responses)
    Responses.push_back(saveResponse(Each));
  State["batch"] = {{"responses", std::move(Responses)},
                    {"used", Used},
                    {"changed", IsChanged},
                    {"without_signal_bits",
                     std::bit_cast<uint64_t>(Batch->ShareWithoutSignal)},
                    {"redraws", Batch->Redraws},
                    {"drawn", Batch->Drawn},
                    {"limit", Batch->Limit},
                    {"rollout_seconds", Batch->RolloutSeconds},
                    {"reward_seconds", Batch->RewardSeconds}};
  return State;
}

absl::Status ReinforcementTrainer::restore(const nlohmann::json &From) {
  if (!From.is_object() || !From.contains("rollouts"))
    return makeError("the checkpoint's state has no rollouts: it is not that "
                     "of reinforcement learning");
  M1_RETURN_IF_ERROR(Drawn->restore(From["rollouts"]));
  if (!From.contains("batch"))
    return absl::OkStatus();
  const nlohmann::json &Stored = From["batch"];
  const absl::Status Unreadable =
      makeError("the checkpoint's state has a batch of responses that cannot "
                "be read");
  try {
    RolloutBatch Read;
    for (const nlohmann::json &Each : Stored.at("responses"))
      Read.Responses.push_back(readResponse(Each));
    if (Read.Responses.empty() ||
        Read.Responses.size() % Settings.NumGenerations != 0)
      return Unreadable;
    Used = Stored.at("used").get<int64_t>();
    IsChanged = Stored.at("changed").get<bool>();
    Read.ShareWithoutSignal =
        std::bit_cast<double>(Stored.at("without_signal_bits").get<uint64_t>());
    Read.Redraws = Stored.at("redraws").get<int64_t>();
    Read.Drawn = Stored.at("drawn").get<int64_t>();
    Read.Limit = Stored.at("limit").get<int64_t>();
    Read.RolloutSeconds = Stored.at("rollout_seconds").get<double>();
    Read.RewardSeconds = Stored.at("reward_seconds").get<double>();
    std::vector<double> Rewards;
    for (const Response &Each : Read.Responses)
      Rewards.push_back(Each.Reward);
    Read.Judged = computeAdvantages(Rewards, Settings.NumGenerations,
                                    Settings.rewardScaling());
    Batch = std::move(Read);
  } catch (const nlohmann::json::exception &) {
    return Unreadable;
  }
  return Used >= 0 && Used < updates() ? absl::OkStatus() : Unreadable;
}
