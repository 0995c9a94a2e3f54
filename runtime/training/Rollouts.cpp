//===- Rollouts.cpp - draws responses and judges them ---------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/training/Rollouts.h"

#include "runtime/support/Stopwatch.h"

#include <algorithm>
#include <cmath>
#include <numbers>

using namespace m1;

namespace {
/// A number that looks random: a function of its arguments (SplitMix64).
uint64_t mix(uint64_t A, uint64_t B) {
  uint64_t X = A + 0x9e3779b97f4a7c15 * (B + 1);
  X = (X ^ (X >> 30)) * 0xbf58476d1ce4e5b9;
  X = (X ^ (X >> 27)) * 0x94d049bb133111eb;
  return X ^ (X >> 31);
}

/// A draw from the standard normal distribution, by Box and Muller.
double normal(uint64_t Key) {
  const double Scale = 0x1p-53;
  const double U = (static_cast<double>(mix(Key, 0) >> 11) + 1) * Scale;
  const double V = static_cast<double>(mix(Key, 1) >> 11) * Scale;
  return std::sqrt(-2 * std::log(U)) * std::cos(2 * std::numbers::pi * V);
}
} // namespace

//===----------------------------------------------------------------------===//
// Batches
//===----------------------------------------------------------------------===//

double RolloutBatch::perplexity() const {
  double Sum = 0;
  int64_t Count = 0;
  for (const Response &Each : Responses) {
    for (float LogProb : Each.LogProbs)
      Sum -= LogProb;
    Count += static_cast<int64_t>(Each.LogProbs.size());
  }
  return Count ? std::exp(Sum / static_cast<double>(Count)) : 1;
}

std::vector<int64_t> RolloutBatch::lengths() const {
  std::vector<int64_t> Result;
  for (const Response &Each : Responses)
    Result.push_back(static_cast<int64_t>(Each.Tokens.size()));
  return Result;
}

//===----------------------------------------------------------------------===//
// Drawing
//===----------------------------------------------------------------------===//

Rollouts::Rollouts(const Recipe &Settings)
    : Settings(Settings), Stages(Settings.lengthStages()) {}

/// The most tokens of a sequence that can be generated and trained on.
static int64_t longestOf(const BatchLimits &Most) {
  return std::min(Most.Tokens, Most.MaxLength);
}

/// That number and where it comes from.
static std::string describeLongest(const BatchLimits &Most) {
  return concat(longestOf(Most),
                Most.MaxLength <= Most.Tokens
                    ? " (m1c --max-length)"
                    : " (m1c --train-tokens or micro_batch_tokens)");
}

absl::StatusOr<std::unique_ptr<Rollouts>>
Rollouts::create(const Recipe &Settings, const PolicyLimits &Limits,
                 const EnvironmentContext &Context) {
  std::unique_ptr<Rollouts> Result(new Rollouts(Settings));
  Result->Context = Context;
  Result->Most = batchLimitsOf(Limits, Settings.MicroBatchTokens);
  const int64_t Longest = Settings.MaxCompletionLength.back();
  if (Longest >= longestOf(Result->Most))
    return makeError("max_completion_length: found ", Longest,
                     "; expected less than ", describeLongest(Result->Most),
                     ", for a prompt belongs to the sequence");
  for (const nlohmann::json &Description : Settings.Environments) {
    M1_ASSIGN_OR_RETURN(std::unique_ptr<Environment> Made,
                        createEnvironment(Description, Context));
    if (Made->vocabulary() > Limits.Vocabulary)
      return makeError("environment '", Made->name(), "' has tokens up to ",
                       Made->vocabulary() - 1, ", the model's vocabulary is ",
                       Limits.Vocabulary);
    Result->Environments.push_back(std::move(Made));
  }
  Result->NextPrompt.resize(Result->Environments.size());
  return Result;
}

/// The environment whose share of the prompts so far is furthest below its
/// weight.
size_t Rollouts::nextEnvironment() const {
  auto WeightOf = [&](size_t I) {
    return Settings.EnvironmentWeights.empty() ? 1.0
                                               : Settings.EnvironmentWeights[I];
  };
  size_t Best = 0;
  for (size_t I = 1; I < Environments.size(); ++I)
    if (static_cast<double>(NextPrompt[I] + 1) / WeightOf(I) <
        static_cast<double>(NextPrompt[Best] + 1) / WeightOf(Best))
      Best = I;
  return Best;
}

absl::Status Rollouts::addGroups(int64_t Groups, RolloutBatch &Batch,
                                 std::vector<Prompt> &Prompts) {
  for (int64_t Group = 0; Group < Groups; ++Group) {
    Response Each;
    Each.Environment = nextEnvironment();
    Each.PromptNumber = NextPrompt[Each.Environment]++;
    M1_ASSIGN_OR_RETURN(Prompt Made, Environments[Each.Environment]->makePrompt(
                                         Each.PromptNumber));
    Each.Prompt = Made.Tokens;
    // Were responses cut to what is left, results would depend on these bounds.
    const auto Length = static_cast<int64_t>(Each.Prompt.size());
    if (Length + Batch.Limit > longestOf(Most))
      return makeError("environment '", label(Each.Environment), "': prompt ",
                       Each.PromptNumber, ": ", Length, " tokens and ",
                       Batch.Limit,
                       " of a response (max_completion_length); a sequence has "
                       "at most ",
                       describeLongest(Most));
    Prompts.push_back(std::move(Made));
    Batch.Responses.insert(Batch.Responses.end(), Settings.NumGenerations,
                           Each);
  }
  return absl::OkStatus();
}

absl::Status Rollouts::drawGroups(Policy &Model, int64_t Groups, uint32_t Round,
                                  const std::function<bool()> &Cancelled,
                                  const std::function<void(int64_t)> &Progress,
                                  RolloutBatch &Batch) {
  const Stopwatch Drawing;
  const size_t First = Batch.Responses.size();
  std::vector<Prompt> Made;
  M1_RETURN_IF_ERROR(addGroups(Groups, Batch, Made));
  // Environments differ in the token that ends a response.
  for (size_t Number = 0; Number < Environments.size(); ++Number) {
    std::vector<size_t> Members;
    std::vector<std::vector<int64_t>> Prompts;
    for (size_t I = First; I < Batch.Responses.size(); ++I) {
      if (Batch.Responses[I].Environment != Number)
        continue;
      Members.push_back(I);
      Prompts.push_back(Batch.Responses[I].Prompt);
    }
    GenerateOptions Options = Settings.generation(Batch.Limit);
    // One seed for each call; 32 bits are left for the sequences.
    Options.Seed = mix(mix(mix(Settings.Seed, Batches), Round), Number) >> 32;
    Options.BeforeStep = [&Cancelled] {
      return Cancelled && Cancelled() ? absl::CancelledError("interrupted")
                                      : absl::OkStatus();
    };
    Options.Progress = [&](int64_t Tokens) {
      Batch.Drawn += Tokens;
      if (Progress)
        Progress(Tokens);
    };
    if (std::optional<int64_t> Stop = Environments[Number]->stopToken())
      Options.StopTokens = {*Stop};
    M1_RETURN_IF_ERROR(Model.generate(
        Prompts, Options, [&](size_t I, const Generated &Done) -> absl::Status {
          M1_RETURN_IF_ERROR(Done.Error);
          Response &Each = Batch.Responses[Members[I]];
          Each.Tokens.assign(Done.Tokens.begin() + Done.PromptTokens,
                             Done.Tokens.end());
          Each.LogProbs = Done.LogProbs;
          Each.Truncated = Done.Reason != FinishReason::StopToken;
          return absl::OkStatus();
        }));
  }
  Batch.RolloutSeconds += Drawing.seconds();
  return judge(First, Made, Batch);
}

absl::Status Rollouts::judge(size_t First, std::span<const Prompt> Prompts,
                             RolloutBatch &Batch) {
  const Stopwatch Judging;
  for (size_t Number = 0; Number < Environments.size(); ++Number) {
    std::vector<size_t> Members;
    std::vector<Answer> Answers;
    for (size_t I = First; I < Batch.Responses.size(); ++I) {
      const Response &Each = Batch.Responses[I];
      if (Each.Environment != Number)
        continue;
      const Prompt &Asked = Prompts[(I - First) / Settings.NumGenerations];
      Members.push_back(I);
      Answers.push_back({Each.PromptNumber, Each.Prompt, Each.Tokens,
                         Each.Truncated, &Asked.Metadata});
    }
    if (Members.empty())
      continue;
    std::vector<double> Rewards(Answers.size());
    M1_RETURN_IF_ERROR(Environments[Number]->rewards(Answers, Rewards));
    for (size_t J = 0; J < Members.size(); ++J) {
      Response &Each = Batch.Responses[Members[J]];
      Each.Reward = Rewards[J] + softOverlongPenalty(
                                     static_cast<int64_t>(Each.Tokens.size()),
                                     Batch.Limit, Settings.OverlongBufferLength,
                                     Settings.OverlongPenaltyFactor);
    }
  }
  Batch.RewardSeconds += Judging.seconds();
  return absl::OkStatus();
}

static std::vector<double> rewardsOf(const RolloutBatch &Batch) {
  std::vector<double> Rewards;
  for (const Response &Each : Batch.Responses)
    Rewards.push_back(Each.Reward);
  return Rewards;
}

absl::StatusOr<RolloutBatch>
Rollouts::draw(Policy &Model, const std::function<bool()> &Cancelled,
               const std::function<void(int64_t)> &Progress) {
  const int64_t Size = Settings.NumGenerations;
  RolloutBatch Batch;
  Batch.Limit = Stages.limit();
  uint32_t Round = 0;
  M1_RETURN_IF_ERROR(drawGroups(Model, Settings.NumPrompts, Round, Cancelled,
                                Progress, Batch));
  for (;;) {
    Batch.Judged =
        computeAdvantages(rewardsOf(Batch), Size, Settings.rewardScaling());
    if (Round == 0)
      Batch.ShareWithoutSignal = Batch.Judged.ShareWithoutSignal;
    const int64_t Useless =
        std::count(Batch.Judged.GroupsWithoutSignal.begin(),
                   Batch.Judged.GroupsWithoutSignal.end(), true);
    if (!Settings.DynamicSampling || Useless == 0)
      break;
    if (Batch.Redraws >= Settings.DynamicSamplingMaxRedraws) {
      if (Context.Note)
        Context.Note(
            concat("dynamic sampling: ", Useless, " of ", Settings.NumPrompts,
                   " groups still have equal rewards after ", Batch.Redraws,
                   " redraws (dynamic_sampling_max_redraws); they "
                   "carry no gradient"));
      break;
    }
    // Others take the place of groups of equal rewards.
    std::vector<Response> Kept;
    for (size_t I = 0; I < Batch.Responses.size(); ++I)
      if (!Batch.Judged.GroupsWithoutSignal[I / Size])
        Kept.push_back(std::move(Batch.Responses[I]));
    Batch.Responses = std::move(Kept);
    Batch.Redraws += 1;
    Round += 1;
    M1_RETURN_IF_ERROR(
        drawGroups(Model, Useless, Round, Cancelled, Progress, Batch));
  }
  const int64_t Before = Stages.limit();
  if (Stages.observe(Batch.lengths(), Batch.perplexity()) && Context.Note)
    Context.Note(concat("responses may have ", Stages.limit(),
                        " tokens from here on, instead of ", Before));
  addNoise(Batch);
  Batches += 1;
  return Batch;
}

void Rollouts::addNoise(RolloutBatch &Batch) const {
  if (Settings.RolloutNoise == 0)
    return;
  for (size_t I = 0; I < Batch.Responses.size(); ++I) {
    std::vector<float> &LogProbs = Batch.Responses[I].LogProbs;
    for (size_t T = 0; T < LogProbs.size(); ++T)
      LogProbs[T] += static_cast<float>(
          Settings.RolloutNoise *
          normal(mix(mix(mix(Settings.Seed, Batches), I), T)));
  }
}

std::vector<TrainingSequence>
Rollouts::sequences(const RolloutBatch &Batch, size_t Begin, size_t End) const {
  std::vector<ResponseInfo> Infos;
  for (size_t I = Begin; I < End; ++I) {
    const Response &Each = Batch.Responses[I];
    ResponseInfo Info;
    Info.Tokens = static_cast<int64_t>(Each.Tokens.size());
    Info.Truncated = Each.Truncated;
    Info.Masked = !Batch.Judged.Valid[I];
    Infos.push_back(std::move(Info));
  }
  std::vector<std::vector<float>> Weights =
      tokenWeights(Infos, Settings.loss());
  std::vector<TrainingSequence> Result;
  for (size_t I = Begin; I < End; ++I) {
    const Response &Each = Batch.Responses[I];
    TrainingSequence Sequence;
    Sequence.Number = static_cast<int64_t>(I);
    Sequence.Tokens = Each.Prompt;
    Sequence.Tokens.insert(Sequence.Tokens.end(), Each.Tokens.begin(),
                           Each.Tokens.end());
    Sequence.PromptTokens = static_cast<int64_t>(Each.Prompt.size());
    Sequence.Advantage = Batch.Judged.Values[I];
    Sequence.OldLogProbs = Each.LogProbs;
    Sequence.Weights = std::move(Weights[I - Begin]);
    Result.push_back(std::move(Sequence));
  }
  return Result;
}

//===----------------------------------------------------------------------===//
// Metrics and state
//===----------------------------------------------------------------------===//

void Rollouts::addMetrics(const RolloutBatch &Batch, Metrics &To) const {
  const std::vector<int64_t> Lengths = Batch.lengths();
  const auto Count = static_cast<double>(Lengths.size());
  double Sum = 0, Clipped = 0, Missing = 0;
  for (size_t I = 0; I < Lengths.size(); ++I) {
    Sum += static_cast<double>(Lengths[I]);
    Clipped += Batch.Responses[I].Truncated;
    Missing += !Batch.Judged.Valid[I];
  }
  To.set(Metric::Rollout, Batches);
  To.set(Metric::Reward, Batch.Judged.Mean);
  // As other trainers report it: the mean of the groups' deviations.
  double Deviation = 0;
  for (double Each : Batch.Judged.GroupDeviations)
    Deviation +=
        Each / static_cast<double>(Batch.Judged.GroupDeviations.size());
  To.set(Metric::RewardStd, Deviation);
  To.set(Metric::FracRewardZeroStd, Batch.ShareWithoutSignal);
  To.set(Metric::RewardMissing, Missing / Count);
  To.set(Metric::Redraws, Batch.Redraws);
  To.set(Metric::CompletionMean, Sum / Count);
  To.set(Metric::CompletionMin,
         *std::min_element(Lengths.begin(), Lengths.end()));
  To.set(Metric::CompletionMax,
         *std::max_element(Lengths.begin(), Lengths.end()));
  To.set(Metric::CompletionP99, percentileOf(Lengths, 0.99));
  To.set(Metric::CompletionClipped, Clipped / Count);
  To.set(Metric::CompletionLimit, Batch.Limit);
  To.set(Metric::SpeedRollout,
         static_cast<double>(Batch.Drawn) / Batch.RolloutSeconds);
  To.set(Metric::TimeRollout, Batch.RolloutSeconds);
  To.set(Metric::TimeReward, Batch.RewardSeconds);
  if (Environments.size() < 2)
    return;
  for (size_t Number = 0; Number < Environments.size(); ++Number) {
    double Total = 0, Judged = 0;
    for (size_t I = 0; I < Batch.Responses.size(); ++I)
      if (Batch.Responses[I].Environment == Number && Batch.Judged.Valid[I]) {
        Total += Batch.Responses[I].Reward;
        Judged += 1;
      }
    if (Judged > 0)
      To.setReward(label(Number), Total / Judged);
  }
}

std::string Rollouts::label(size_t Number) const {
  const std::string &Name = Environments[Number]->name();
  const auto Namesakes =
      std::count_if(Environments.begin(), Environments.end(),
                    [&](const auto &Other) { return Other->name() == Name; });
  return Namesakes == 1 ? Name : concat(Name, ".", Number);
}

nlohmann::json Rollouts::save() const {
  return {{"batches", Batches},
          {"next_prompt", NextPrompt},
          {"stage", Stages.stage()},
          {"perplexities", Stages.perplexities()}};
}

absl::Status Rollouts::restore(const nlohmann::json &From) {
  auto Holds = [&](const char *Name, auto Is) {
    return From.is_object() && From.contains(Name) && Is(From[Name]);
  };
  auto IsCount = [](const nlohmann::json &Value) {
    return Value.is_number_integer() && Value >= 0;
  };
  auto IsListOf = [](auto IsElement) {
    return [=](const nlohmann::json &Value) {
      return Value.is_array() &&
             std::all_of(Value.begin(), Value.end(), IsElement);
    };
  };
  auto IsNumber = [](const nlohmann::json &Value) { return Value.is_number(); };
  if (!Holds("batches", IsCount) || !Holds("next_prompt", IsListOf(IsCount)) ||
      !Holds("stage", IsCount) || !Holds("perplexities", IsListOf(IsNumber)) ||
      From["next_prompt"].size() != Environments.size() ||
      !Stages.restore(From["stage"].get<size_t>(),
                      From["perplexities"].get<std::vector<double>>()))
    return makeError("the trainer's state is not that of this recipe's "
                     "rollouts");
  Batches = From["batches"].get<int64_t>();
  NextPrompt = From["next_prompt"].get<std::vector<uint64_t>>();
  return absl::OkStatus();
}
