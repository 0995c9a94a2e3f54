//===- Request.cpp - checks of requests -----------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/engine/Request.h"

#include "runtime/support/Error.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <span>

using namespace m1;

const char *m1::name(Finish Reason) {
  constexpr const char *Names[] = {"stop", "length", "abort", "error"};
  return Names[static_cast<int>(Reason)];
}

namespace {
/// Token ids other than the prompt's.
absl::Status checkIds(const char *Field, std::span<const int64_t> Tokens,
                      int64_t Vocabulary) {
  for (int64_t Token : Tokens)
    if (Token < 0 || Token >= Vocabulary)
      return makeError(Field, ": token ", Token,
                       " is outside the vocabulary of ", Vocabulary);
  return absl::OkStatus();
}

absl::Status checkPrompt(const Request &Given, const Abilities &Plan) {
  if (Given.Prompt.empty())
    return makeError("prompt: no tokens");
  const auto Length = static_cast<int64_t>(Given.Prompt.size());
  if (Length > Plan.MaxLength)
    return makeError("prompt: ", Length, " tokens, expected at most ",
                     Plan.MaxLength, ", prompt and response together");
  for (int64_t I = 0; I < Length; ++I)
    if (Given.Prompt[I] < 0 || Given.Prompt[I] >= Plan.Vocabulary)
      return makeError("prompt: token ", Given.Prompt[I], " at index ", I,
                       " is outside the vocabulary of ", Plan.Vocabulary);
  return absl::OkStatus();
}

template <typename T>
absl::Status checkAtLeast(const char *Field, T Value, T Least) {
  return Value >= Least
             ? absl::OkStatus()
             : makeError(Field, ": ", Value, ", expected at least ", Least);
}

absl::Status checkCounts(const Request &Given, const Abilities &Plan) {
  M1_RETURN_IF_ERROR(checkAtLeast("n", Given.N, 1));
  M1_RETURN_IF_ERROR(checkAtLeast("max_tokens", Given.MaxTokens, int64_t(0)));
  M1_RETURN_IF_ERROR(checkAtLeast("min_tokens", Given.MinTokens, int64_t(0)));
  if (Given.MinTokens > Given.MaxTokens)
    return makeError("min_tokens: ", Given.MinTokens,
                     ", expected at most max_tokens, ", Given.MaxTokens);
  for (auto [Field, Count] : {std::pair("logprobs", Given.TopLogProbs),
                              {"prompt_logprobs", Given.PromptLogProbs}})
    if (Count < -1 || Count > kMaxTopLogProbs)
      return makeError(Field, ": ", Count, ", expected at most ",
                       kMaxTopLogProbs);
  if (Given.PromptLogProbs >= 0 && !Plan.Score)
    return makeError("prompt_logprobs: the plan has no function 'score'");
  if (Given.PromptLogProbs > 0 && !Plan.Logits)
    return makeError("prompt_logprobs: ", Given.PromptLogProbs,
                     ", expected 0: the plan has no function 'logits'");
  if (Given.PolicyLogProbs && !Plan.Policy)
    return makeError("processed log-probabilities need a plan that was "
                     "compiled with --serve");
  M1_RETURN_IF_ERROR(
      checkAtLeast("early_stop_count", Given.EarlyStopCount, int64_t(0)));
  return absl::OkStatus();
}

absl::Status checkRanges(const Rules &How) {
  if (!(How.Temperature >= 0) || std::isinf(How.Temperature))
    return makeError("temperature: ", How.Temperature,
                     ", expected a finite number, 0 or more");
  if (!(How.TopP > 0 && How.TopP <= 1))
    return makeError("top_p: ", How.TopP, ", expected 0 < top_p <= 1");
  M1_RETURN_IF_ERROR(checkAtLeast("top_k", How.TopK, 0));
  if (!(How.MinP >= 0 && How.MinP <= 1))
    return makeError("min_p: ", How.MinP, ", expected 0 <= min_p <= 1");
  if (!(How.RepetitionPenalty > 0) || std::isinf(How.RepetitionPenalty))
    return makeError("repetition_penalty: ", How.RepetitionPenalty,
                     ", expected a finite number above 0");
  for (auto [Field, Penalty] :
       {std::pair("presence_penalty", How.PresencePenalty),
        {"frequency_penalty", How.FrequencyPenalty}})
    if (!(std::abs(Penalty) <= kMaxLogitBias))
      return makeError(Field, ": ", Penalty, ", expected a number from ",
                       -kMaxLogitBias, " to ", kMaxLogitBias);
  for (auto [Token, Bias] : How.LogitBias)
    if (!(std::abs(Bias) <= kMaxLogitBias) && Bias != -INFINITY)
      return makeError("logit_bias: ", Bias, " for token ", Token,
                       ", expected a number from ", -kMaxLogitBias, " to ",
                       kMaxLogitBias, ", or minus infinity");
  return absl::OkStatus();
}

/// Whether masks leave a token to draw, with and without stop tokens.
absl::Status checkMasks(const Request &Given, int64_t Vocabulary) {
  const Rules &How = Given.Sampling;
  std::set<int64_t> Never, Stops;
  for (auto [Token, Bias] : How.LogitBias)
    if (Bias == -INFINITY)
      Never.insert(Token);
  if (Given.MinTokens > 0 && !Given.IgnoreStop)
    Stops.insert(Given.StopTokens.begin(), Given.StopTokens.end());
  auto countLeft = [&](const std::set<int64_t> &Masked) -> int64_t {
    if (How.AllowedTokens.empty())
      return Vocabulary - static_cast<int64_t>(Masked.size());
    return std::count_if(
        How.AllowedTokens.begin(), How.AllowedTokens.end(),
        [&](int64_t Token) { return Masked.count(Token) == 0; });
  };
  if (countLeft(Never) == 0)
    return makeError("logit_bias and allowed_token_ids leave no token to draw");
  Never.insert(Stops.begin(), Stops.end());
  if (countLeft(Never) == 0)
    return makeError("min_tokens: ", Given.MinTokens,
                     ", but only stop tokens may be drawn");
  return absl::OkStatus();
}

absl::Status checkTokenLists(const Request &Given, int64_t Vocabulary) {
  const Rules &How = Given.Sampling;
  M1_RETURN_IF_ERROR(checkIds("stop_token_ids", Given.StopTokens, Vocabulary));
  M1_RETURN_IF_ERROR(
      checkIds("allowed_token_ids", How.AllowedTokens, Vocabulary));
  M1_RETURN_IF_ERROR(
      checkIds("thinking_budget", Given.Force.Tokens, Vocabulary));
  M1_RETURN_IF_ERROR(
      checkIds("thinking_budget", Given.Force.Closing, Vocabulary));
  M1_RETURN_IF_ERROR(
      checkAtLeast("thinking_budget", Given.Force.AfterTokens, int64_t(0)));
  std::set<int64_t> Biased;
  for (auto [Token, Bias] : How.LogitBias) {
    M1_RETURN_IF_ERROR(
        checkIds("logit_bias", std::span(&Token, 1), Vocabulary));
    if (!Biased.insert(Token).second)
      return makeError("logit_bias: token ", Token, " occurs twice");
  }
  return checkMasks(Given, Vocabulary);
}

/// Rules that only plans for serving know.
absl::Status checkServing(const Request &Given) {
  const Rules &How = Given.Sampling;
  const char *Needed = nullptr;
  auto needs = [&](const char *Field, bool IsUsed) {
    if (IsUsed && !Needed)
      Needed = Field;
  };
  needs("min_p", How.MinP != 0);
  needs("repetition_penalty", How.RepetitionPenalty != 1);
  needs("presence_penalty", How.PresencePenalty != 0);
  needs("frequency_penalty", How.FrequencyPenalty != 0);
  needs("logit_bias", !How.LogitBias.empty());
  needs("allowed_token_ids", !How.AllowedTokens.empty());
  needs("min_tokens",
        Given.MinTokens > 0 && !Given.IgnoreStop && !Given.StopTokens.empty());
  needs("thinking_budget", !Given.Force.Tokens.empty());
  needs("next_mask", Given.NextMask != nullptr);
  return Needed ? makeError(Needed,
                            ": the plan was compiled without --serve and only "
                            "knows temperature, top_p and top_k")
                : absl::OkStatus();
}
} // namespace

absl::Status m1::checkRequest(const Request &Given, const Abilities &Plan) {
  M1_RETURN_IF_ERROR(checkPrompt(Given, Plan));
  M1_RETURN_IF_ERROR(checkCounts(Given, Plan));
  M1_RETURN_IF_ERROR(checkRanges(Given.Sampling));
  M1_RETURN_IF_ERROR(checkTokenLists(Given, Plan.Vocabulary));
  return Plan.Serving ? absl::OkStatus() : checkServing(Given);
}
