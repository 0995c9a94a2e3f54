//===- PlanStep.cpp - which tokens a step computes ------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/engine/PlanStep.h"

#include <algorithm>

using namespace m1;

namespace {
class StepPlanner {
public:
  explicit StepPlanner(const StepBounds &Bounds)
      : Bounds(Bounds), Left(Bounds.Tokens), LogitsLeft(Bounds.PromptLogits) {}

  void addDecoding(const Sequences &Running) {
    for (const auto &[Key, S] : Running)
      if (S->pending() == 1)
        add(*S, 1, 1, 1);
    OthersDecode = !Pieces.empty();
  }

  /// Sequences of one priority, in the order of arrival.
  void addPrompts(std::vector<Sequence *> Prompts) {
    std::sort(Prompts.begin(), Prompts.end(),
              [](const Sequence *A, const Sequence *B) {
                return A->pending() != B->pending()
                           ? A->pending() < B->pending()
                           : keyOf(*A) < keyOf(*B);
              });
    auto Others = static_cast<int64_t>(Prompts.size());
    for (Sequence *S : Prompts) {
      const int64_t Share = (Left + Others - 1) / Others;
      --Others;
      const double Price = priceOf(*S);
      add(*S, align(*S, affordable(Share, Price)), Share, Price);
    }
  }

  std::vector<Piece> Pieces;

private:
  /// What each of the next tokens of a prompt counts as; >= 1.
  double priceOf(const Sequence &S) const {
    if (!OthersDecode || Bounds.DoublingContext == 0)
      return 1;
    return 1 + static_cast<double>(S.Fed) /
                   static_cast<double>(Bounds.DoublingContext);
  }

  /// How many tokens count as `Share` of them; at least one of a share.
  static int64_t affordable(int64_t Share, double Price) {
    return std::max(std::min<int64_t>(Share, 1),
                    static_cast<int64_t>(static_cast<double>(Share) / Price));
  }

  /// A piece that does not end the prompt ends at the end of a chunk, if that
  /// leaves out at most an eighth of it.
  int64_t align(const Sequence &S, int64_t Share) const {
    if (Share >= S.pending())
      return S.pending();
    const int64_t End = (S.Fed + Share) / Bounds.Chunk * Bounds.Chunk;
    return End - S.Fed >= Share - Share / 8 ? End - S.Fed : Share;
  }

  /// Adds a piece of at most `Count` tokens, which takes at most `Share` of
  /// what is left.
  void add(Sequence &S, int64_t Count, int64_t Share, double Price) {
    Piece P;
    P.S = &S;
    P.Count = std::min({Count, Left, S.pending(), limit(S)});
    if (S.scores() && S.Fed >= S.scored())
      P.Scored = std::min(P.Count, S.promptTokens() - 1 - S.Fed);
    if (P.Scored > 0 && S.request().PromptLogProbs > 0) {
      P.Scored = std::min(P.Scored, LogitsLeft);
      // What is not scored now may not be computed either.
      if (S.Fed + P.Scored < S.promptTokens() - 1)
        P.Count = P.Scored;
      LogitsLeft -= P.Scored;
    }
    P.Scored = std::max<int64_t>(P.Scored, 0);
    if (P.Count <= 0)
      return;
    P.Draws = P.Count == S.pending();
    Left -= std::min(
        Share, static_cast<int64_t>(static_cast<double>(P.Count) * Price));
    Pieces.push_back(std::move(P));
  }

  /// Tokens up to the next position at which something has to be done.
  int64_t limit(const Sequence &S) const {
    int64_t Limit = S.pending();
    // Others copy the state before the last token; without draws, nothing
    // follows it.
    if (S.leads() || !S.draws())
      Limit = std::min(Limit, S.promptTokens() - 1 - S.Fed);
    if (S.lacksMask() || S.endsByMask())
      Limit = std::min(Limit, S.pending() - 1);
    // Log-probabilities that are known are not computed again.
    if (S.scores() && S.Fed < S.scored())
      Limit = std::min(Limit, S.scored() - S.Fed);
    for (int64_t Position : S.Wanted)
      if (Position > S.Fed) {
        // A state at the end of a chunk can be kept until the chunk after it is
        // complete.
        if (S.Fed + Limit >= Position + Bounds.Chunk)
          Limit = Position - S.Fed;
        break;
      }
    return Limit;
  }

  const StepBounds &Bounds;
  int64_t Left, LogitsLeft;
  bool OthersDecode = false;
};
} // namespace

std::vector<Piece> m1::planStep(const Sequences &Running,
                                const StepBounds &Bounds) {
  StepPlanner Planner(Bounds);
  Planner.addDecoding(Running);
  std::vector<Sequence *> Prompts;
  int32_t Priority = 0;
  for (const auto &[Key, S] : Running) {
    if (S->pending() <= 1)
      continue;
    if (!Prompts.empty() && S->request().Priority != Priority) {
      Planner.addPrompts(std::move(Prompts));
      Prompts.clear();
    }
    Priority = S->request().Priority;
    Prompts.push_back(S.get());
  }
  if (!Prompts.empty())
    Planner.addPrompts(std::move(Prompts));
  return std::move(Planner.Pieces);
}
