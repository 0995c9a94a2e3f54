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

#include <functional>
#include <optional>

namespace m1 {

enum class FinishReason : uint8_t {
  MaxNewTokens, ///< as many as were asked for
  StopToken,
  MaxLength, ///< the plan's bound on a sequence
  EarlyStop  ///< see GenerateOptions::EarlyStopCount
};
std::string_view name(FinishReason Reason);

struct GenerateOptions {
  int64_t MaxNewTokens = 0;
  float Temperature = 1, TopP = 1; ///< temperature 0 is greedy
  int32_t TopK = 0;                ///< 0: no limit
  /// Sequence i draws with the seed Seed * 2^32 + i, so that sequences are
  /// independent and each is the same whatever runs beside it.
  uint64_t Seed = 0;
  std::optional<int64_t> StopToken; ///< kept at the end of the response
  /// A response ends after this many consecutive tokens each of probability
  /// above EarlyStopProbability (MiniMax-M1 report, section 5). 0: never.
  int64_t EarlyStopCount = 0;
  double EarlyStopProbability = 0.99;
  /// Also compute the log-probabilities of the prompt's tokens. Without them a
  /// prompt costs no products with the output head but the last token's.
  bool PromptLogProbs = true;
  /// Asked before each step; true stops with a "cancelled" error.
  std::function<bool()> Cancelled;
  /// Told how many new tokens each step drew.
  std::function<void(int64_t)> Progress;
};

struct Generated {
  std::vector<int64_t> Tokens; ///< prompt and response
  /// LogProbs[t] belongs to Tokens[t + 1], at temperature 1: [length - 1].
  /// Without GenerateOptions::PromptLogProbs, only those of the response.
  std::vector<float> LogProbs;
  int64_t PromptTokens = 0;
  FinishReason Reason = FinishReason::MaxNewTokens;
};

/// Generates a response to each prompt. Sequences wait until a slot is free,
/// start, and finish independently; each step feeds one ragged batch of pieces
/// of prompts and one of tokens to decode. All tokens of a prompt but the last
/// go through `score`, the last and all later ones through `next`; without
/// PromptLogProbs everything goes through `next`, in one batch a step.
///
/// `Finished` is called for each sequence when it ends, with its number; an
/// error from it stops everything.
absl::Status generate(
    LanguageModel &Model, std::span<const std::vector<int64_t>> Prompts,
    const GenerateOptions &Options,
    const std::function<absl::Status(size_t, const Generated &)> &Finished);

} // namespace m1

#endif // M1C_RUNTIME_SESSION_GENERATE_H
