//===- Masks.cpp - masks that change from token to token ------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/engine/Scheduler.h"

#include "runtime/support/Stopwatch.h"

#include <algorithm>

using namespace m1;

std::vector<Scheduler::MaskWish> Scheduler::maskWishes() const {
  std::vector<MaskWish> Wishes;
  auto add = [&](const SequenceKey &Key, const Sequence &S) {
    const int64_t Known = S.promptTokens() + std::max<int64_t>(S.MaskedAt, 0);
    if (S.lacksMask())
      Wishes.push_back({Key, &S, std::span(S.Tokens).subspan(Known)});
  };
  for (const auto &[Key, S] : Running)
    add(Key, *S);
  int64_t Left = Options.MaxRunning;
  for (auto I = Waiting.begin(); I != Waiting.end() && Left > 0; ++I, --Left)
    add(I->first, *I->second);
  return Wishes;
}

void Scheduler::setMask(const SequenceKey &Key, Mask Given) {
  for (Sequences *In : {&Running, &Waiting})
    if (auto Found = In->find(Key); Found != In->end()) {
      Sequence &S = *Found->second;
      S.Next = std::move(Given);
      S.MaskedAt = S.newTokens();
      if (S.Row)
        S.Row->mask(S.Next.What, S.Next.Words);
      return;
    }
}

void Scheduler::askForMasks(
    std::vector<std::pair<SequenceKey, Mask>> *Answers) {
  const std::vector<MaskWish> Wishes = maskWishes();
  if (Wishes.empty())
    return;
  const Stopwatch Watch;
  for (const MaskWish &Wish : Wishes) {
    Mask Found;
    Found.Words.resize(maskWords(Plan.Vocabulary));
    absl::StatusOr<Permit> What =
        Wish.Of->request().NextMask(Wish.Of->Choice, Wish.New, Found.Words);
    Found.Error = What.status();
    if (What.ok())
      Found.What = *What;
    if (Found.What != Permit::Listed)
      Found.Words.clear();
    if (Answers)
      Answers->emplace_back(Wish.Key, Found);
    setMask(Wish.Key, std::move(Found));
  }
  Counts.SecondsInMasks += Watch.seconds();
}

/// Masks that leave nothing to draw are errors.
void Scheduler::checkMasks() {
  for (auto &[Key, S] : Running)
    if (S->Row && S->MaskedAt == S->newTokens() && !S->endsByMask() &&
        !S->Row->leavesAny() && !S->Closing.next())
      S->Next.Error = makeError("next_mask: no token is left to draw after ",
                                S->newTokens(), " of the response");
}
