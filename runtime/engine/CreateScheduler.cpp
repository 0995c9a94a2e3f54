//===- CreateScheduler.cpp - options and what a plan can do ---------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/engine/Scheduler.h"
#include "runtime/estimate/CallCost.h"

#include <algorithm>

using namespace m1;

namespace {
absl::Status checkOption(const char *Name, int64_t Value, int64_t Least,
                         int64_t Most) {
  if (Value >= Least && Value <= Most)
    return absl::OkStatus();
  return makeError(Name, ": ", Value, ", expected ", Least, " to ", Most);
}

/// The options with their defaults, which depend on the plan.
absl::StatusOr<EngineOptions> resolve(EngineOptions Given,
                                      const LanguageModel &Model) {
  constexpr int64_t Unlimited = INT64_MAX;
  auto setDefault = [](int64_t &Option, int64_t Default) {
    if (Option == 0)
      Option = Default;
  };
  setDefault(Given.MaxTokensPerStep, std::min<int64_t>(512, Model.maxTokens()));
  M1_RETURN_IF_ERROR(checkOption("max_tokens_per_step", Given.MaxTokensPerStep,
                                 1, Model.maxTokens()));
  setDefault(Given.MaxRunning,
             std::min(Model.maxSequences(), Given.MaxTokensPerStep));
  M1_RETURN_IF_ERROR(
      checkOption("max_running", Given.MaxRunning, 1,
                  std::min(Model.maxSequences(), Given.MaxTokensPerStep)));
  setDefault(Given.MaxBlocks, Model.cacheBlocks());
  M1_RETURN_IF_ERROR(checkOption("max_blocks", Given.MaxBlocks,
                                 std::min<int64_t>(1, Model.cacheBlocks()),
                                 Model.cacheBlocks()));
  M1_RETURN_IF_ERROR(checkOption("max_queued", Given.MaxQueued, 1, Unlimited));
  M1_RETURN_IF_ERROR(
      checkOption("prefix_cache_bytes", Given.PrefixCacheBytes, 0, Unlimited));
  M1_RETURN_IF_ERROR(checkOption("swap_bytes", Given.SwapBytes, 0, Unlimited));
  return Given;
}

/// StepBounds::DoublingContext, from the operations of a chunk of tokens at the
/// beginning of a sequence and at its end.
absl::StatusOr<int64_t> doublingContext(const LoadedPlan &Plan,
                                        const LanguageModel &Model) {
  const plan::Function &Next = *Plan.function("next");
  CallShape First, Last;
  First.Tokens = Last.Tokens =
      std::min({int64_t{64}, Model.maxTokens(), Model.maxLength()});
  Last.Context = Model.maxLength() - Last.Tokens;
  M1_ASSIGN_OR_RETURN(const double AtFirst, operationsOf(*Plan, Next, First));
  M1_ASSIGN_OR_RETURN(const double AtLast, operationsOf(*Plan, Next, Last));
  if (AtLast <= AtFirst)
    return 0;
  const double Context = static_cast<double>(Last.Context);
  return std::max<int64_t>(
      1, static_cast<int64_t>(Context * AtFirst / (AtLast - AtFirst)));
}
} // namespace

Scheduler::Scheduler(Executor &Program, std::unique_ptr<LanguageModel> TheModel,
                     const EngineOptions &Options, const Abilities &Plan,
                     int64_t DoublingContext)
    : Options(Options), Plan(Plan), DoublingContext(DoublingContext),
      Model(std::move(TheModel)), Rows(Model->vocabulary()),
      Memory(Program, *Model, this->Options), Calls(Program, *Model, Rows) {
  this->Plan.Logits &= Memory.canCopy();
}

absl::StatusOr<std::unique_ptr<Scheduler>>
Scheduler::create(Executor &Program, const EngineOptions &Options) {
  M1_ASSIGN_OR_RETURN(std::unique_ptr<LanguageModel> Model,
                      LanguageModel::create(Program));
  if (!Model->hasNext())
    return makeError(Program.plan().name(), ": has no function 'next'");
  M1_ASSIGN_OR_RETURN(EngineOptions Resolved, resolve(Options, *Model));
  Abilities Plan;
  Plan.Vocabulary = Model->vocabulary();
  Plan.MaxLength = Model->maxLength();
  if (usesBlocks(Program, *Model))
    Plan.MaxLength =
        std::min(Plan.MaxLength, Resolved.MaxBlocks * Model->blockPositions());
  Plan.Serving = Model->adjustsLogits();
  Plan.Policy = Model->hasPolicyLogProbs();
  Plan.Score = Model->hasScore();
  Plan.Logits = Model->hasLogits();
  M1_ASSIGN_OR_RETURN(const int64_t DoublingContext,
                      doublingContext(Program.plan(), *Model));
  std::unique_ptr<Scheduler> Result(new Scheduler(
      Program, std::move(Model), Resolved, Plan, DoublingContext));
  if (Resolved.PoisonFreed)
    M1_RETURN_IF_ERROR(Result->Memory.poisonAll());
  return Result;
}
