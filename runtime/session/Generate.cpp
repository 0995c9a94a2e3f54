//===- Generate.cpp - continuous batching ---------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/session/Generate.h"

#include "runtime/session/Checks.h"

#include <algorithm>
#include <cmath>

using namespace m1;

std::string_view m1::name(FinishReason Reason) {
  constexpr std::string_view Names[] = {"max_new_tokens", "stop_token",
                                        "max_length", "early_stop", "failed"};
  return Names[static_cast<int>(Reason)];
}

namespace {
bool isFinite(float Value) { return std::isfinite(Value); }

/// A sequence in a slot.
struct Running {
  size_t Index;
  int32_t Slot;
  Generated Result;
  int64_t Fed = 0; ///< tokens that the model has seen
  int64_t ConfidentRun = 0;

  int64_t pending() const { return Result.Tokens.size() - Fed; }
  int64_t newTokens() const {
    return Result.Tokens.size() - Result.PromptTokens;
  }
};

class Scheduler {
public:
  using FinishedFunction =
      std::function<absl::Status(size_t, const Generated &)>;

  Scheduler(LanguageModel &Model, std::span<const std::vector<int64_t>> Prompts,
            const GenerateOptions &Options, const FinishedFunction &Finished)
      : Model(Model), Prompts(Prompts), Options(Options), Finished(Finished) {
    // The lowest free slot is used first. There may be far more than prompts.
    for (int64_t Slot = std::min<int64_t>(Model.maxSequences(), Prompts.size());
         Slot-- > 0;)
      FreeSlots.push_back(Slot);
  }

  absl::Status run() {
    for (;;) {
      admit();
      if (Active.empty())
        return absl::OkStatus();
      if (Options.BeforeStep)
        M1_RETURN_IF_ERROR(Options.BeforeStep());
      if (Options.PromptLogProbs)
        M1_RETURN_IF_ERROR(scorePrompts());
      M1_RETURN_IF_ERROR(retire());
      M1_RETURN_IF_ERROR(drawTokens());
      M1_RETURN_IF_ERROR(retire());
    }
  }

private:
  void admit() {
    for (; !FreeSlots.empty() && NextPrompt < Prompts.size(); ++NextPrompt) {
      Running R;
      R.Index = NextPrompt;
      R.Slot = FreeSlots.back();
      FreeSlots.pop_back();
      R.Result.Tokens = Prompts[NextPrompt];
      R.Result.PromptTokens = Prompts[NextPrompt].size();
      Active.push_back(std::move(R));
    }
  }

  /// Feeds as much of the prompts as fits, except their last tokens, to
  /// `score`.
  absl::Status scorePrompts() {
    Given.clear();
    Members.clear();
    Targets.clear();
    for (Running &R : Active) {
      int64_t Count = std::min(R.Result.PromptTokens - 1 - R.Fed,
                               Model.maxTokens() - Given.tokens());
      if (Count <= 0)
        continue;
      const std::vector<int64_t> &Tokens = R.Result.Tokens;
      Given.add(R.Slot, R.Fed, std::span(Tokens).subspan(R.Fed, Count));
      Targets.insert(Targets.end(), Tokens.begin() + R.Fed + 1,
                     Tokens.begin() + R.Fed + 1 + Count);
      Members.push_back({&R, Count});
    }
    if (Members.empty())
      return absl::OkStatus();
    LogProbs.resize(Given.tokens());
    absl::Status Status = Model.score(Given, Targets, LogProbs);
    if (!Status.ok() && !absl::IsDataLoss(Status))
      return Status;
    const float *From = LogProbs.data();
    for (auto [R, Count] : Members) {
      const int64_t Finite =
          Status.ok() ? Count
                      : std::find_if_not(From, From + Count, isFinite) - From;
      if (Finite < Count) {
        const int64_t Index = R->Fed + Finite + 1;
        R->Result.Error =
            notFinite("score: the log-probability", R->Result.Tokens[Index],
                      concat(" at index ", Index));
      }
      R->Result.LogProbs.insert(R->Result.LogProbs.end(), From, From + Count);
      R->Fed += Count;
      From += Count;
    }
    return absl::OkStatus();
  }

  /// Feeds one batch to `next`: sequences that decode first, then prompt pieces
  /// as far as there is room.
  absl::Status drawTokens() {
    Given.clear();
    How.clear();
    Members.clear();
    for (bool Decoding : {true, false}) {
      for (Running &R : Active) {
        if ((R.pending() == 1) != Decoding)
          continue;
        // With PromptLogProbs, the rest of the prompt goes to `score` first.
        if (!Decoding && Options.PromptLogProbs)
          continue;
        int64_t Count =
            std::min(R.pending(), Model.maxTokens() - Given.tokens());
        if (Count <= 0)
          continue;
        Given.add(R.Slot, R.Fed,
                  std::span(R.Result.Tokens).subspan(R.Fed, Count));
        // The random generator is keyed by the position of the token to be
        // sampled.
        How.add(Options.Temperature, Options.TopP, Options.TopK,
                static_cast<int64_t>((Options.Seed << 32) +
                                     Options.Numbers.number(R.Index)),
                static_cast<int32_t>(R.Result.Tokens.size()), Options.MinP);
        Members.push_back({&R, Count});
      }
    }
    if (Members.empty())
      return absl::OkStatus();
    Sampled.resize(Members.size());
    LogProbs.resize(Members.size());
    absl::Status Status =
        Model.next(Given, How, Sampled, LogProbs, Options.AtTemperature);
    if (!Status.ok() && !absl::IsDataLoss(Status))
      return Status;
    int64_t Drawn = 0;
    for (size_t I = 0; I < Members.size(); ++I) {
      auto [R, Count] = Members[I];
      R->Fed += Count;
      if (Sampled[I] < 0) {
        R->Result.Error = notFinite("sample: the logit", -1 - Sampled[I],
                                    concat(" for index ", R->Fed));
        continue;
      }
      if (R->pending() > 0)
        continue; // the prompt is not complete: ignore the sample
      append(*R, Sampled[I], LogProbs[I]);
      ++Drawn;
    }
    if (Options.Progress)
      Options.Progress(Drawn);
    return absl::OkStatus();
  }

  void append(Running &R, int32_t Token, float LogProb) {
    R.Result.Tokens.push_back(Token);
    R.Result.LogProbs.push_back(LogProb);
    bool Confident =
        std::exp(static_cast<double>(LogProb)) > Options.EarlyStopProbability;
    R.ConfidentRun = Confident ? R.ConfidentRun + 1 : 0;
  }

  bool isFinished(Running &R) {
    int64_t Length = R.Result.Tokens.size();
    FinishReason &Reason = R.Result.Reason;
    if (!R.Result.Error.ok()) {
      Reason = FinishReason::Failed;
      return true;
    }
    if (R.newTokens() == 0) {
      // Finished only if no token is to be sampled, once the prompt is scored.
      if (Options.MaxNewTokens > 0 && Length < Model.maxLength())
        return false;
      Reason = Options.MaxNewTokens > 0 ? FinishReason::MaxLength
                                        : FinishReason::MaxNewTokens;
      return !Options.PromptLogProbs || R.pending() == 1;
    }
    if (std::find(Options.StopTokens.begin(), Options.StopTokens.end(),
                  R.Result.Tokens.back()) != Options.StopTokens.end())
      Reason = FinishReason::StopToken;
    else if (R.newTokens() >= Options.MaxNewTokens)
      Reason = FinishReason::MaxNewTokens;
    else if (Length >= Model.maxLength())
      Reason = FinishReason::MaxLength;
    else if (Options.EarlyStopCount > 0 &&
             R.ConfidentRun >= Options.EarlyStopCount)
      Reason = FinishReason::EarlyStop;
    else
      return false;
    return true;
  }

  absl::Status retire() {
    for (size_t I = 0; I < Active.size();) {
      if (!isFinished(Active[I])) {
        ++I;
        continue;
      }
      M1_RETURN_IF_ERROR(Finished(Active[I].Index, Active[I].Result));
      FreeSlots.push_back(Active[I].Slot);
      Active.erase(Active.begin() + I);
    }
    return absl::OkStatus();
  }

  LanguageModel &Model;
  std::span<const std::vector<int64_t>> Prompts;
  const GenerateOptions &Options;
  const FinishedFunction &Finished;

  size_t NextPrompt = 0;
  std::vector<int32_t> FreeSlots;
  std::vector<Running> Active; ///< in the order in which they started

  // The current batch; members so that they are allocated once.
  RaggedBatch Given;
  Sampling How;
  std::vector<std::pair<Running *, int64_t>> Members;
  std::vector<int32_t> Targets, Sampled;
  std::vector<float> LogProbs;
};
} // namespace

absl::Status m1::generate(
    LanguageModel &Model, std::span<const std::vector<int64_t>> Prompts,
    const GenerateOptions &Options,
    const std::function<absl::Status(size_t, const Generated &)> &Finished) {
  return Scheduler(Model, Prompts, Options, Finished).run();
}
