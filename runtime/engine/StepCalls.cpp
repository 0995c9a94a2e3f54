//===- StepCalls.cpp - the calls of a step --------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/engine/StepCalls.h"

#include "runtime/engine/TopTokens.h"
#include "runtime/session/Checks.h"
#include "runtime/support/Stopwatch.h"

#include <algorithm>
#include <cmath>

using namespace m1;

namespace {
bool isFinite(float Value) { return std::isfinite(Value); }

/// Runs a call. An error that concerns some of its sequences only is none.
template <typename CallT>
absl::Status timed(double &Seconds, bool &AllFinite, CallT &&Call) {
  const Stopwatch Watch;
  absl::Status Status = Call();
  Seconds += Watch.seconds();
  AllFinite = Status.ok();
  return absl::IsDataLoss(Status) ? absl::OkStatus() : Status;
}
} // namespace

/// Tokens of a piece, from position `Begin` on.
void StepCalls::addPiece(const Piece &P, int64_t Begin, int64_t Count) {
  const Sequence &S = *P.S;
  Table.assign(Model.blocksPerSequence(), 0);
  std::copy(S.Blocks.begin(), S.Blocks.end(), Table.begin());
  Given.add(S.Slot, Begin, std::span(S.Tokens).subspan(Begin, Count), Table);
}

absl::Status StepCalls::score(std::span<Piece> Pieces) {
  M1_RETURN_IF_ERROR(findTopOfPrompts(Pieces));
  Given.clear();
  Targets.clear();
  for (const Piece &P : Pieces) {
    if (P.Scored == 0)
      continue;
    const Sequence &S = *P.S;
    addPiece(P, S.Fed, P.Scored);
    Targets.insert(Targets.end(), S.Tokens.begin() + S.Fed + 1,
                   S.Tokens.begin() + S.Fed + 1 + P.Scored);
  }
  if (Targets.empty())
    return absl::OkStatus();
  LogProbs.resize(Targets.size());
  bool AllFinite = true;
  M1_RETURN_IF_ERROR(timed(Seconds, AllFinite, [&] {
    return Model.score(Given, Targets, LogProbs);
  }));
  Tokens += Given.tokens();
  takeScores(Pieces, AllFinite);
  return absl::OkStatus();
}

void StepCalls::takeScores(std::span<Piece> Pieces, bool AllFinite) {
  const float *From = LogProbs.data();
  for (Piece &P : Pieces) {
    Sequence &S = *P.S;
    const float *Bad = AllFinite
                           ? From + P.Scored
                           : std::find_if_not(From, From + P.Scored, isFinite);
    if (Bad != From + P.Scored) {
      const int64_t Index = S.Fed + (Bad - From) + 1;
      S.News.Error = notFinite("score: the log-probability", S.Tokens[Index],
                               concat(" at index ", Index));
      P.Count = P.Scored; // no draw
    }
    S.Of->PromptLogProbs.insert(S.Of->PromptLogProbs.end(), From,
                                From + P.Scored);
    S.Of->Scored += P.Scored;
    S.Fed += P.Scored;
    P.Count -= P.Scored;
    From += P.Scored;
  }
}

/// The most probable tokens of prompts, from `logits`. The tokens are then fed
/// once more, to `score`, so that the states of slots are put back.
absl::Status StepCalls::findTopOfPrompts(std::span<Piece> Pieces) {
  Given.clear();
  std::vector<Piece *> Members;
  for (Piece &P : Pieces) {
    if (P.Scored == 0 || P.S->request().PromptLogProbs <= 0)
      continue;
    addPiece(P, P.S->Fed, P.Scored);
    Members.push_back(&P);
  }
  if (Members.empty())
    return absl::OkStatus();
  std::vector<SlotBytes> Before(Members.size(), SlotBytes(Program.slotBytes()));
  if (Program.slotBytes() > 0)
    for (size_t I = 0; I < Members.size(); ++I)
      M1_RETURN_IF_ERROR(Program.readSlot(Members[I]->S->Slot, Before[I]));
  const int64_t V = Model.vocabulary();
  Logits.resize(Given.tokens() * V);
  bool AllFinite = true; // if they are not, `score` says so
  M1_RETURN_IF_ERROR(
      timed(Seconds, AllFinite, [&] { return Model.logits(Given, Logits); }));
  Tokens += Given.tokens();
  if (Program.slotBytes() > 0)
    for (size_t I = 0; I < Members.size(); ++I)
      M1_RETURN_IF_ERROR(Program.writeSlot(Members[I]->S->Slot, Before[I]));
  std::span<const float> Row = Logits;
  for (const Piece *P : Members)
    for (int64_t I = 0; I < P->Scored; ++I, Row = Row.subspan(V))
      if (P->S->Of->OnUpdate)
        P->S->Of->PromptTop.push_back(
            topTokens(Row.first(V), P->S->request().PromptLogProbs));
  return absl::OkStatus();
}

void StepCalls::addRules(const Piece &P) {
  Sequence &S = *P.S;
  if (!P.Draws) {
    How.add(0, 1, 0, 0, 0);
    return;
  }
  const Rules &R = S.request().Sampling;
  const std::optional<int64_t> Next = S.Closing.next();
  if (Next)
    S.Row->force(*Next);
  // Draws are keyed by the position of the token that is drawn.
  How.add(Next ? 0 : R.Temperature, R.TopP, R.TopK,
          static_cast<int64_t>(S.Of->Seed + S.Choice),
          static_cast<int32_t>(S.size()), R.MinP, S.Row ? S.Row->number() : -1);
}

absl::Status StepCalls::draw(std::span<Piece> Pieces) {
  Given.clear();
  How.clear();
  size_t Members = 0;
  bool NeedsPolicy = false, NeedsLogits = false;
  for (const Piece &P : Pieces) {
    if (P.Count == 0)
      continue;
    ++Members;
    addPiece(P, P.S->Fed, P.Count);
    addRules(P);
    const Request &R = P.S->request();
    NeedsPolicy |= P.Draws && R.PolicyLogProbs;
    NeedsLogits |= P.Draws && R.TopLogProbs > 0;
  }
  if (Members == 0)
    return absl::OkStatus();
  How.Bias = Rows.biases();
  How.Repetition = Rows.repetitions();
  Sampled.resize(Members);
  LogProbs.resize(Members);
  NextResults Results{Sampled, LogProbs, {}, {}};
  if (NeedsPolicy) {
    PolicyLogProbs.resize(Members);
    Results.PolicyLogProbs = PolicyLogProbs;
  }
  if (NeedsLogits) {
    Logits.resize(Members * Model.vocabulary());
    Results.Logits = Logits;
  }
  bool AllFinite = true;
  M1_RETURN_IF_ERROR(timed(Seconds, AllFinite,
                           [&] { return Model.next(Given, How, Results); }));
  Tokens += Given.tokens();
  size_t Row = 0;
  for (Piece &P : Pieces)
    if (P.Count > 0)
      takeDraw(P, Row++);
  return absl::OkStatus();
}

void StepCalls::takeDraw(Piece &P, size_t Row) {
  Sequence &S = *P.S;
  S.Fed += P.Count;
  if (Sampled[Row] < 0) {
    S.News.Error = notFinite("sample: the logit", -1 - Sampled[Row],
                             concat(" for index ", S.Fed));
    return;
  }
  if (!P.Draws)
    return;
  const Request &R = S.request();
  P.Token = Sampled[Row];
  P.LogProb = LogProbs[Row];
  if (R.PolicyLogProbs)
    P.LogProb = PolicyLogProbs[Row];
  if (R.TopLogProbs <= 0 || !S.Of->OnUpdate)
    return; // on other ranks than 0, nobody wants to know
  const int64_t V = Model.vocabulary();
  const std::span<const float> Own = std::span(Logits).subspan(Row * V, V);
  // As the kernel, which divides by 1 where tokens are chosen greedily.
  const float Temperature =
      R.Sampling.Temperature > 0 ? R.Sampling.Temperature : 1;
  if (!R.PolicyLogProbs)
    P.Top = topTokens(Own, R.TopLogProbs);
  else if (S.Closing.next())
    P.Top = {{P.Token}, {0}};
  else if (S.Row)
    P.Top = topTokens(Own, R.TopLogProbs,
                      {Rows.bias(S.Row->number()),
                       Rows.repetition(S.Row->number()), Temperature});
  else
    P.Top = topTokens(Own, R.TopLogProbs, {{}, {}, Temperature});
}
