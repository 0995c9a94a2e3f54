//===- RuleRows.cpp - rules that change logits ----------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/engine/RuleRows.h"

#include <algorithm>
#include <cmath>

using namespace m1;

void RuleRows::grow(int64_t Rows) {
  if (Rows <= static_cast<int64_t>(Taken.size()))
    return;
  Taken.resize(Rows);
  Biases.resize(Rows * Vocabulary);
  Repetitions.resize(Rows * Vocabulary, 1);
}

int32_t RuleRows::take() {
  const auto Free = std::find(Taken.begin(), Taken.end(), false);
  const auto Row = static_cast<int32_t>(Free - Taken.begin());
  grow(Row + 1);
  Taken[Row] = true;
  return Row;
}

int64_t RuleRows::count() const {
  for (size_t Count = Taken.size(); Count > 1; --Count)
    if (Taken[Count - 1])
      return static_cast<int64_t>(Count);
  return 1;
}

std::span<const float> RuleRows::biases() {
  grow(1);
  return std::span(Biases).first(count() * Vocabulary);
}

std::span<const float> RuleRows::repetitions() {
  grow(1);
  return std::span(Repetitions).first(count() * Vocabulary);
}

bool RuleRow::isNeededBy(const Request &Given) {
  const Rules &How = Given.Sampling;
  return How.RepetitionPenalty != 1 || How.PresencePenalty != 0 ||
         How.FrequencyPenalty != 0 || !How.LogitBias.empty() ||
         !How.AllowedTokens.empty() || !Given.Force.Tokens.empty() ||
         Given.NextMask ||
         (Given.MinTokens > 0 && !Given.IgnoreStop &&
          !Given.StopTokens.empty());
}

RuleRow::RuleRow(RuleRows &Rows, const Request &Given,
                 std::span<const int64_t> Response)
    : Rows(Rows), Given(Given), Row(Rows.take()),
      Added(Given.Sampling.LogitBias.begin(), Given.Sampling.LogitBias.end()),
      Allowed(Given.Sampling.AllowedTokens.begin(),
              Given.Sampling.AllowedTokens.end()) {
  if (Given.MinTokens > 0 && !Given.IgnoreStop)
    Stops.insert(Given.StopTokens.begin(), Given.StopTokens.end());
  const std::span<float> Bias = Rows.bias(Row);
  const std::span<float> Repetition = Rows.repetition(Row);
  std::fill(Bias.begin(), Bias.end(), Allowed.empty() ? 0.0F : -INFINITY);
  std::fill(Repetition.begin(), Repetition.end(), 1.0F);
  for (int64_t Token : Allowed)
    update(Token);
  for (auto [Token, Amount] : Added)
    update(Token);
  for (int64_t Token : Stops)
    update(Token);
  if (Given.Sampling.RepetitionPenalty != 1)
    for (int64_t Token : Given.Prompt)
      Repetition[Token] = Given.Sampling.RepetitionPenalty;
  for (int64_t Token : Response)
    append(Token);
  if (!Given.NextMask)
    return;
  Unmasked.assign(Bias.begin(), Bias.end());
  Words.assign(maskWords(static_cast<int64_t>(Bias.size())), ~uint32_t(0));
  Left = std::count_if(Bias.begin(), Bias.end(),
                       [](float Each) { return Each != -INFINITY; });
}

float RuleRow::biasOf(int64_t Token) const {
  const Rules &How = Given.Sampling;
  if ((!Allowed.empty() && Allowed.count(Token) == 0) ||
      (Length < Given.MinTokens && Stops.count(Token) != 0))
    return -INFINITY;
  double Bias = 0;
  if (auto Found = Added.find(Token); Found != Added.end())
    Bias = Found->second;
  if (auto Found = Counts.find(Token); Found != Counts.end())
    Bias -= How.PresencePenalty + static_cast<double>(How.FrequencyPenalty) *
                                      static_cast<double>(Found->second);
  return static_cast<float>(Bias);
}

void RuleRow::update(int64_t Token) {
  const float New = biasOf(Token);
  float &Bias = Rows.bias(Row)[Token];
  if (Unmasked.empty()) {
    Bias = New;
    return;
  }
  const bool IsListed = (Words[Token / 32] >> (Token % 32) & 1) != 0;
  if (IsListed)
    Left += (New != -INFINITY) - (Unmasked[Token] != -INFINITY);
  Unmasked[Token] = New;
  Bias = IsListed ? New : -INFINITY;
}

void RuleRow::mask(Permit What, std::span<const uint32_t> New) {
  for (int64_t I = 0; I < static_cast<int64_t>(Words.size()); ++I)
    if (const uint32_t Bits = What == Permit::Listed ? New[I] : ~uint32_t(0);
        Bits != Words[I])
      setWord(I, Bits);
}

/// Of the mask.
void RuleRow::setWord(int64_t Index, uint32_t Bits) {
  const std::span<float> Bias = Rows.bias(Row);
  const int64_t First = 32 * Index;
  const int64_t End = std::min<int64_t>(First + 32, std::ssize(Bias));
  int64_t Before = 0, After = 0;
  for (int64_t Token = First; Token < End; ++Token) {
    Before += Bias[Token] != -INFINITY;
    Bias[Token] = (Bits >> (Token - First) & 1) ? Unmasked[Token] : -INFINITY;
    After += Bias[Token] != -INFINITY;
  }
  Left += After - Before;
  Words[Index] = Bits;
}

void RuleRow::append(int64_t Token) {
  const Rules &How = Given.Sampling;
  ++Length;
  if (ForcedToken) {
    update(*ForcedToken);
    ForcedToken.reset();
  }
  if (How.RepetitionPenalty != 1)
    Rows.repetition(Row)[Token] = How.RepetitionPenalty;
  if (How.PresencePenalty != 0 || How.FrequencyPenalty != 0) {
    ++Counts[Token];
    update(Token);
  }
  if (Length == Given.MinTokens)
    for (int64_t Stop : Stops)
      update(Stop);
}

void RuleRow::force(int64_t Token) {
  // Above all other logits, whatever the model's is.
  constexpr float Above = 1e30F;
  Rows.bias(Row)[Token] = Above;
  ForcedToken = Token;
}

void Search::append(int64_t Token) {
  if (Pattern.empty() || hasOccurred())
    return;
  // The longest beginning of the pattern that the response ends with: what
  // matched so far, or a shorter beginning that is at the end of that.
  const auto endsWith = [&](size_t Count) {
    return Pattern[Count - 1] == Token &&
           std::equal(Pattern.begin(), Pattern.begin() + (Count - 1),
                      Pattern.begin() + (Matched - (Count - 1)));
  };
  size_t Count = Matched + 1;
  while (Count > 0 && !endsWith(Count))
    --Count;
  Matched = Count;
}

void Forcing::append(int64_t Token) {
  // What follows the budget with the block open is Tokens to their end, though
  // they contain Closing.
  IsForced = next().has_value();
  ++Length;
  Tokens.append(Token);
  Closing.append(Token);
}

std::optional<int64_t> Forcing::next() const {
  if (How.Tokens.empty() || Length < How.AfterTokens || Tokens.hasOccurred() ||
      (Closing.hasOccurred() && !IsForced))
    return std::nullopt;
  return How.Tokens[Tokens.matched()];
}
