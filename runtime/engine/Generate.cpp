//===- Generate.cpp - responses to a list of prompts ----------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/engine/Generate.h"

#include "runtime/engine/Scheduler.h"

#include <algorithm>

using namespace m1;

std::string_view m1::name(FinishReason Reason) {
  constexpr std::string_view Names[] = {"max_new_tokens", "stop_token",
                                        "max_length", "early_stop", "failed"};
  return Names[static_cast<int>(Reason)];
}

namespace {
class Generator {
public:
  using FinishedFunction =
      std::function<absl::Status(size_t, const Generated &)>;

  Generator(Scheduler &Steps, std::span<const std::vector<int64_t>> Prompts,
            const GenerateOptions &Options, const FinishedFunction &Finished)
      : Steps(Steps), Prompts(Prompts), Options(Options), Finished(Finished) {}

  absl::Status run() {
    for (;;) {
      M1_RETURN_IF_ERROR(admit());
      if (Steps.isIdle())
        return absl::OkStatus();
      if (Options.BeforeStep)
        M1_RETURN_IF_ERROR(Options.BeforeStep());
      Drawn = 0;
      M1_RETURN_IF_ERROR(Steps.step());
      M1_RETURN_IF_ERROR(Status);
      if (Options.Progress)
        Options.Progress(Drawn);
    }
  }

private:
  /// Adds as many prompts as can run, the others later: there may be far more.
  absl::Status admit() {
    for (; Open < Steps.options().MaxRunning && Next < Prompts.size();
         ++Next, ++Open) {
      const std::vector<int64_t> &Prompt = Prompts[Next];
      const auto Length = static_cast<int64_t>(Prompt.size());
      if (Length > Steps.abilities().MaxLength)
        return makeError("a prompt of ", Length,
                         " tokens, the plan has cache blocks for ",
                         Steps.abilities().MaxLength);
      auto Result = std::make_shared<Generated>();
      Result->Tokens = Prompt;
      Result->PromptTokens = Length;
      Steps.add(Next + 1, requestFor(Next),
                [this, Result](Update &&News) { take(*Result, News); });
    }
    return absl::OkStatus();
  }

  Request requestFor(size_t Index) const {
    Request R;
    R.Prompt = Prompts[Index];
    R.MaxTokens = Options.MaxNewTokens;
    R.StopTokens = Options.StopTokens;
    R.Sampling.Temperature = Options.Temperature;
    R.Sampling.TopP = Options.TopP;
    R.Sampling.TopK = Options.TopK;
    R.Sampling.MinP = Options.MinP;
    R.Seed = (Options.Seed << 32) + Options.Numbers.number(Index);
    R.TopLogProbs = 0;
    R.PromptLogProbs = Options.PromptLogProbs ? 0 : -1;
    R.PolicyLogProbs = Options.AtTemperature;
    R.UsePrefixCache = false;
    R.EarlyStopCount = Options.EarlyStopCount;
    R.EarlyStopProbability = Options.EarlyStopProbability;
    return R;
  }

  void take(Generated &Result, const Update &News) {
    auto append = [](auto &To, const auto &From) {
      To.insert(To.end(), From.begin(), From.end());
    };
    append(Result.Tokens, News.Tokens);
    append(Result.LogProbs, News.PromptLogProbs);
    append(Result.LogProbs, News.LogProbs);
    Drawn += static_cast<int64_t>(News.Tokens.size());
    if (!News.FinishReason)
      return;
    --Open;
    Result.Error = News.Error;
    Result.Reason = reasonOf(Result, News);
    // An earlier error ends the run after this step.
    if (Status.ok())
      Status = Finished(News.Id - 1, Result);
  }

  FinishReason reasonOf(const Generated &Result, const Update &News) const {
    if (*News.FinishReason == Finish::Error)
      return FinishReason::Failed;
    if (*News.FinishReason == Finish::Stop)
      return News.StopToken ? FinishReason::StopToken : FinishReason::EarlyStop;
    const int64_t New =
        static_cast<int64_t>(Result.Tokens.size()) - Result.PromptTokens;
    return New >= Options.MaxNewTokens ? FinishReason::MaxNewTokens
                                       : FinishReason::MaxLength;
  }

  Scheduler &Steps;
  std::span<const std::vector<int64_t>> Prompts;
  const GenerateOptions &Options;
  const FinishedFunction &Finished;

  size_t Next = 0;     ///< prompt to add
  int64_t Open = 0;    ///< prompts that have been added and have not ended
  int64_t Drawn = 0;   ///< tokens of the step
  absl::Status Status; ///< of `Finished`
};
} // namespace

absl::Status m1::generate(
    LanguageModel &Model, std::span<const std::vector<int64_t>> Prompts,
    const GenerateOptions &Options,
    const std::function<absl::Status(size_t, const Generated &)> &Finished) {
  EngineOptions Steps;
  Steps.MaxTokensPerStep = Model.maxTokens();
  // Slots and blocks may be far more than the prompts need.
  Steps.MaxRunning =
      std::min({Model.maxSequences(), Model.maxTokens(),
                std::max<int64_t>(1, static_cast<int64_t>(Prompts.size()))});
  Steps.MaxBlocks = std::min(Model.cacheBlocks(),
                             Steps.MaxRunning * Model.blocksPerSequence());
  Steps.PrefixCacheBytes = 0;
  M1_ASSIGN_OR_RETURN(std::unique_ptr<Scheduler> TheScheduler,
                      Scheduler::create(Model.program(), Steps));
  return Generator(*TheScheduler, Prompts, Options, Finished).run();
}
