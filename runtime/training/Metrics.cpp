//===- Metrics.cpp - the figures of a training step -----------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/training/Metrics.h"

#include "runtime/support/Error.h"

#include <nlohmann/json.hpp>

#include <cassert>
#include <cmath>

using namespace m1;

namespace {
using enum MetricScope;
constexpr bool Whole = true, Real = false;

const std::vector<MetricInfo> Table = {
    {Metric::Step, "step", Update, Whole, "",
     "The number of the update, from 1. Updates that were left out count."},
    {Metric::Rollout, "rollout", Update, Whole, "",
     "The number of the rollout batch, from 1."},
    {Metric::LearningRate, "lr", Update, Real, "", "The learning rate."},
    {Metric::Loss, "loss", Update, Real, "",
     "The loss, without the auxiliary loss."},
    {Metric::GradNorm, "grad_norm", Update, Real, "",
     "The norm of all gradients, before clipping. null: the update was left "
     "out."},
    {Metric::AuxLoss, "aux_loss", Update, Real, "",
     "The auxiliary loss of the routers, times router_aux_loss_coef, unless "
     "this is 0."},
    {Metric::ExpertLoadMax, "expert_load/max", Update, Real, "",
     "The most choices of one expert, divided by the mean of its layer: 1 is "
     "balanced."},
    {Metric::ExpertUnused, "expert_load/unused", Update, Real, "share",
     "Experts of all layers that no token was sent to."},
    {Metric::Reward, "reward", Rollout, Real, "",
     "The mean reward, penalties included."},
    {Metric::RewardStd, "reward_std", Rollout, Real, "",
     "The mean of the groups' sample deviations."},
    {Metric::FracRewardZeroStd, "frac_reward_zero_std", Rollout, Real, "share",
     "Groups whose rewards are all equal, before they are drawn again."},
    {Metric::RewardMissing, "reward_missing", Rollout, Real, "share",
     "Responses without a reward. They are masked."},
    {Metric::Redraws, "dynamic_sampling/redraws", Rollout, Whole, "",
     "Times that groups were drawn again."},
    {Metric::CompletionMean, "completions/mean_length", Rollout, Real, "tokens",
     "The mean length of responses."},
    {Metric::CompletionMin, "completions/min_length", Rollout, Whole, "tokens",
     "The shortest response."},
    {Metric::CompletionMax, "completions/max_length", Rollout, Whole, "tokens",
     "The longest response."},
    {Metric::CompletionP99, "completions/p99_length", Rollout, Whole, "tokens",
     "The 99th percentile of the lengths."},
    {Metric::CompletionClipped, "completions/clipped_ratio", Rollout, Real,
     "share", "Responses that a limit ended."},
    {Metric::CompletionLimit, "completions/limit", Rollout, Whole, "tokens",
     "The limit of the current length stage."},
    {Metric::Perplexity, "perplexity", Update, Real, "",
     "exp of the mean of -log-prob, over the update's tokens that are not "
     "masked."},
    {Metric::Entropy, "entropy", Update, Real, "nats",
     "The mean entropy of the policy, over tokens that are not masked."},
    {Metric::Kl, "kl", Update, Real, "nats",
     "The mean of r - 1 - log r, which estimates the divergence of the policy "
     "from the one that sampled."},
    {Metric::CispoClipRatio, "cispo_clip_ratio", Update, Real, "share",
     "Tokens whose ratio is outside ratio_min and ratio_max. CISPO keeps their "
     "gradient."},
    {Metric::ClipRatioLow, "clip_ratio/low", Update, Real, "share",
     "Tokens of negative advantage whose ratio is below the lower bound."},
    {Metric::ClipRatioHigh, "clip_ratio/high", Update, Real, "share",
     "Tokens of positive advantage whose ratio is above the upper bound."},
    {Metric::MaskRatio, "mask_ratio", Update, Real, "share",
     "Tokens whose gradient mask_ratio_min and mask_ratio_max removed, if "
     "either is set."},
    {Metric::RatioMin, "ratio/min", Update, Real, "",
     "The smallest ratio r of the policy's probability of a token to that of "
     "the one that sampled."},
    {Metric::RatioMean, "ratio/mean", Update, Real, "", "The mean ratio."},
    {Metric::RatioMax, "ratio/max", Update, Real, "", "The largest ratio."},
    {Metric::LogProbDifferenceMean, "sampling_logp_difference/mean", Update,
     Real, "nats",
     "The mean of the absolute difference between log-prob and the rollout's, "
     "as long as the policy is the one that sampled: in the first update of a "
     "rollout batch."},
    {Metric::LogProbDifferenceMax, "sampling_logp_difference/max", Update, Real,
     "nats", "The largest. It is exactly 0, unless rollout_noise is set."},
    {Metric::NumTokens, "num_tokens", Run, Whole, "tokens",
     "Tokens trained on so far, prompts included."},
    {Metric::NonfiniteSteps, "nonfinite_steps", Run, Whole, "",
     "Updates that were left out because a loss or the norm was not finite."},
    {Metric::SpeedRollout, "tokens_per_second/rollout", Rollout, Real,
     "tokens/s", "Response tokens that were generated."},
    {Metric::SpeedTrain, "tokens_per_second/train", Update, Real, "tokens/s",
     "Tokens whose gradients were computed, prompts included."},
    {Metric::TimeRollout, "time/rollout", Rollout, Real, "s",
     "Generation of the responses."},
    {Metric::TimeReward, "time/reward", Rollout, Real, "s",
     "Judging the responses."},
    {Metric::TimeTrain, "time/train", Update, Real, "s",
     "Forward and backward passes."},
    {Metric::TimeUpdate, "time/update", Update, Real, "s", "The optimiser."},
    {Metric::TimeSave, "time/save", Update, Real, "s", "Writing a checkpoint."},
    {Metric::TimeStep, "time/step", Update, Real, "s",
     "The whole update, with the rollout before it if there was one."},
};

std::string_view nameOf(MetricScope Scope) {
  switch (Scope) {
  case Update:
    return "update";
  case Rollout:
    return "rollout";
  case Run:
    return "run";
  }
  return "";
}

nlohmann::ordered_json numberOf(double Value, bool Integer) {
  if (!std::isfinite(Value))
    return nullptr;
  if (Integer)
    return static_cast<int64_t>(Value);
  return Value;
}
} // namespace

const std::vector<MetricInfo> &m1::metricTable() { return Table; }

const MetricInfo &m1::infoOf(Metric Key) {
  const MetricInfo &Info = Table[static_cast<size_t>(Key)];
  assert(Info.Key == Key && "the table has the order of the enumeration");
  return Info;
}

std::optional<double> Metrics::get(Metric Key) const {
  auto It = Values.find(Key);
  return It == Values.end() ? std::nullopt : std::optional(It->second);
}

std::string Metrics::jsonLine() const {
  nlohmann::ordered_json Line = nlohmann::ordered_json::object();
  for (const auto &[Key, Value] : Values) {
    const MetricInfo &Info = infoOf(Key);
    Line[std::string(Info.Name)] = numberOf(Value, Info.Integer);
    if (Key == Metric::Reward)
      for (const auto &[Environment, Mean] : Rewards)
        Line[concat("rewards/", Environment, "/mean")] = numberOf(Mean, false);
  }
  // Names of environments are a user's and need not be UTF-8.
  return Line.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

std::string m1::metricsPage() {
  std::string Page =
      "<!-- Written from the table in runtime/training/Metrics.cpp: run "
      "M1_WRITE_PAGES=1 build/bin/m1-training-tests. Do not edit. -->\n\n"
      "# Metrics of training\n\n"
      "`m1run train` and `m1run sft` write one line with a JSON object for "
      "each update. A figure that does not apply is\n"
      "left out; one that is not finite is `null`. Figures of the scope "
      "`update` are those of one update, `rollout` those of\n"
      "the rollout batch that it was made from, the same in each of its "
      "updates, and `run` counts since the run began.\n"
      "Means over tokens leave out masked ones. Names are those of TRL and "
      "verl where these have the same figure.\n\n"
      "| name | scope | unit | meaning |\n"
      "| --- | --- | --- | --- |\n";
  for (const MetricInfo &Info : Table) {
    Page +=
        concat("| `", Info.Name, "` | ", nameOf(Info.Scope), " | ", Info.Unit,
               Info.Unit.empty() ? "| " : " | ", Info.Description, " |\n");
    if (Info.Key == Metric::Reward)
      Page += "| `rewards/NAME/mean` | rollout | | The mean reward of the "
              "environment NAME, if there are several. Environments of the "
              "same name have their number in the recipe after it, from 0: "
              "`rewards/program.1/mean`. |\n";
  }
  return Page;
}
