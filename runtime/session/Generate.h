//===- Generate.h - continuous batching -------------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_SESSION_GENERATE_H
#define M1C_RUNTIME_SESSION_GENERATE_H

#include "runtime/session/LanguageModel.h"
#include "runtime/session/Share.h"

#include <functional>
#include <vector>

namespace m1 {

enum class FinishReason : uint8_t {
  MaxNewTokens, ///< GenerateOptions::MaxNewTokens reached
  StopToken,
  MaxLength, ///< the plan's bound on a sequence reached
  EarlyStop, ///< see GenerateOptions::EarlyStopCount
  Failed     ///< see Generated::Error
};
std::string_view name(FinishReason Reason);

struct GenerateOptions {
  int64_t MaxNewTokens = 0;
  float Temperature = 1, TopP = 1; ///< temperature 0 is greedy
  int32_t TopK = 0;                ///< 0: no limit
  float MinP = 0; ///< 0: off; plans that were compiled with --serve have it
  /// Sequence i uses the seed Seed * 2^32 + i: sequences are independent, and
  /// each is the same whatever else is in the batch.
  uint64_t Seed = 0;
  /// Which sequences of a larger run these are; their numbers there determine
  /// their seeds.
  Share Numbers;
  /// A response ends after any of these; it is kept at its end.
  std::vector<int64_t> StopTokens;
  /// A response ends after this many consecutive tokens each of probability
  /// above EarlyStopProbability (MiniMax-M1 report, section 5). 0: never.
  int64_t EarlyStopCount = 0;
  double EarlyStopProbability = 0.99;
  /// Also compute the log-probabilities of the prompt. Without them, the output
  /// head is applied to the last token of a prompt only.
  bool PromptLogProbs = true;
  /// Log-probabilities of responses are those at `Temperature`: of the policy
  /// that the tokens are drawn from.
  bool AtTemperature = false;
  /// Called before each step; an error from it ends the run.
  std::function<absl::Status()> BeforeStep;
  /// Called after each step with the number of new tokens.
  std::function<void(int64_t)> Progress;
};

struct Generated {
  std::vector<int64_t> Tokens; ///< prompt and response
  /// LogProbs[t] belongs to Tokens[t + 1], at temperature 1 unless
  /// GenerateOptions::AtTemperature: [length - 1].
  /// Without GenerateOptions::PromptLogProbs, only those of the response.
  std::vector<float> LogProbs;
  int64_t PromptTokens = 0;
  FinishReason Reason = FinishReason::MaxNewTokens;
  /// Why the sequence could not go on: a logit or log-probability that is not
  /// finite. Tokens and LogProbs are then incomplete.
  absl::Status Error;
};

/// Generates a response to each prompt with continuous batching: a sequence
/// starts when a slot is free and finishes independently of the others. Each
/// step feeds one ragged batch of prompt pieces to `score` and one batch, of
/// the prompts' last tokens and tokens to decode, to `next`. Without
/// PromptLogProbs, everything goes to `next`, in one batch per step.
///
/// `Finished` is called for each sequence when it ends, with its number; an
/// error from it ends the run. A sequence that fails does not affect the
/// others.
absl::Status generate(
    LanguageModel &Model, std::span<const std::vector<int64_t>> Prompts,
    const GenerateOptions &Options,
    const std::function<absl::Status(size_t, const Generated &)> &Finished);

} // namespace m1

#endif // M1C_RUNTIME_SESSION_GENERATE_H
