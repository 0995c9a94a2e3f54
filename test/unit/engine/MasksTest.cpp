//===- MasksTest.cpp - masks that change from token to token --------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/engine/Scheduler.h"

#include "test/unit/engine/ServingPlan.h"

#include <gmock/gmock.h>

#include <map>

using namespace m1;
using namespace m1::test;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

namespace {
using Tokens = std::vector<int64_t>;

struct Outcome {
  Tokens Response;
  size_t PromptLogProbs = 0;
  std::optional<Finish> End;
  std::optional<int64_t> StopToken;
  std::string Error;
};
using Outcomes = std::map<int32_t, Outcome>;

class Masks : public testing::Test {
protected:
  Masks() {
    plan::PlanT Plan = servingPlan(4, 512, 400, 100);
    S = open(Plan);
    Steps = scheduler();
  }
  std::unique_ptr<Scheduler> scheduler() {
    return value(Scheduler::create(*S->Program, {}));
  }
  static Request request(MaskFunction NextMask, int64_t MaxTokens = 8) {
    Request R;
    for (int64_t I = 0; I < 20; ++I)
      R.Prompt.push_back((I * I + 3 * I) % ModelVocabulary);
    R.MaxTokens = MaxTokens;
    R.Seed = 1;
    R.NextMask = std::move(NextMask);
    return R;
  }
  static void take(Outcomes &Results, Update &&News) {
    Outcome &Result = Results[News.Choice];
    Result.Response.insert(Result.Response.end(), News.Tokens.begin(),
                           News.Tokens.end());
    Result.PromptLogProbs += News.PromptLogProbs.size();
    Result.End = News.FinishReason;
    Result.StopToken = News.StopToken;
    Result.Error = std::string(News.Error.message());
  }
  Outcomes run(Request R) {
    EXPECT_TRUE(checkRequest(R, Steps->abilities()).ok());
    Outcomes Results;
    Steps->add(++LastId, std::move(R),
               [&](Update &&News) { take(Results, std::move(News)); });
    while (!Steps->isIdle()) {
      Steps->askForMasks();
      EXPECT_TRUE(Steps->step().ok());
    }
    EXPECT_EQ(Steps->stats().BlocksUsed, 0);
    return Results;
  }

  std::unique_ptr<Session> S;
  std::unique_ptr<Scheduler> Steps;
  uint64_t LastId = 0;
};

/// Permits the tokens of the list, from the first call on; nothing is said
/// where the list is empty.
MaskFunction listing(std::vector<Tokens> Lists) {
  auto Calls = std::make_shared<std::map<int32_t, size_t>>();
  return [=](int32_t Choice, std::span<const int64_t>,
             std::span<uint32_t> Words) -> absl::StatusOr<Permit> {
    const size_t Call = (*Calls)[Choice]++;
    if (Call >= Lists.size())
      return Permit::End;
    if (Lists[Call].empty())
      return Permit::Any;
    std::fill(Words.begin(), Words.end(), 0);
    for (int64_t Token : Lists[Call])
      Words[Token / 32] |= uint32_t(1) << (Token % 32);
    return Permit::Listed;
  };
}

TEST_F(Masks, ChooseTokens) {
  const Outcome Found = run(request(listing({{3}, {7, 9}, {}, {0}})))[0];
  ASSERT_THAT(Found.Response, SizeIs(4));
  EXPECT_EQ(Found.Response[0], 3);
  EXPECT_TRUE(Found.Response[1] == 7 || Found.Response[1] == 9);
  EXPECT_EQ(Found.Response[3], 0);
  EXPECT_EQ(Found.End, Finish::Stop);
  EXPECT_EQ(Found.StopToken, std::nullopt);
  EXPECT_EQ(run(request(listing({{3}, {4}, {5}}), 2))[0].End, Finish::Length);
}

TEST_F(Masks, AreAskedForOnceForEachTokenOfAChoice) {
  std::map<int32_t, std::vector<Tokens>> Asked;
  Request R = request([&](int32_t Choice, std::span<const int64_t> New,
                          std::span<uint32_t>) -> absl::StatusOr<Permit> {
    Asked[Choice].emplace_back(New.begin(), New.end());
    return Permit::Any;
  });
  R.N = 6; // more than slots
  R.Force = {2, {5, 6}, {}};
  Outcomes Found = run(R);
  ASSERT_THAT(Found, SizeIs(6));
  R.NextMask = nullptr;
  Outcomes Unmasked = run(R);
  for (auto &[Choice, Result] : Found) {
    EXPECT_EQ(Result.Response, Unmasked[Choice].Response);
    ASSERT_THAT(Asked[Choice], SizeIs(8)) << Choice;
    EXPECT_THAT(Asked[Choice][0], IsEmpty());
    for (size_t I = 1; I < 8; ++I)
      EXPECT_THAT(Asked[Choice][I], ElementsAre(Result.Response[I - 1]));
  }
}

TEST_F(Masks, EndBeforeTheFirstToken) {
  Request R = request(listing({}));
  R.PromptLogProbs = 0;
  R.N = 2;
  Outcomes Found = run(R);
  for (int32_t Choice : {0, 1}) {
    EXPECT_THAT(Found[Choice].Response, IsEmpty());
    EXPECT_EQ(Found[Choice].End, Finish::Stop);
  }
  EXPECT_EQ(Found[0].PromptLogProbs, 19u);
}

TEST_F(Masks, AnErrorEndsItsChoiceAlone) {
  auto failing = [](int32_t Which, size_t Call) -> MaskFunction {
    auto Calls = std::make_shared<size_t>(0);
    return [=](int32_t Choice, std::span<const int64_t>,
               std::span<uint32_t>) -> absl::StatusOr<Permit> {
      if (Choice == Which && (*Calls)++ == Call)
        return makeError("no more");
      return Permit::Any;
    };
  };
  Request R = request(nullptr);
  R.N = 3;
  Outcomes Unmasked = run(R);
  for (int32_t Which : {0, 2}) // 0 computes the prompt for the others
    for (size_t Call : {0, 3}) {
      R.NextMask = failing(Which, Call);
      Outcomes Found = run(R);
      for (int32_t Choice = 0; Choice < 3; ++Choice) {
        const bool Fails = Choice == Which;
        EXPECT_EQ(Found[Choice].End, Fails ? Finish::Error : Finish::Length);
        EXPECT_EQ(Found[Choice].Error, Fails ? "no more" : "");
        Tokens Expected = Unmasked[Choice].Response;
        if (Fails)
          Expected.resize(Call);
        EXPECT_EQ(Found[Choice].Response, Expected);
      }
    }
}

TEST_F(Masks, AndOtherRules) {
  // A stop token that the mask permits, but min_tokens does not.
  Request R = request(listing({{1}, {2}, {2}}));
  R.StopTokens = {2};
  EXPECT_EQ(run(R)[0].StopToken, 2);
  R = request(listing({{1}, {2}, {2}}));
  R.StopTokens = {2};
  R.MinTokens = 2;
  Outcome Found = run(R)[0];
  EXPECT_EQ(Found.End, Finish::Error);
  EXPECT_EQ(Found.Error, "next_mask: no token is left to draw after 1 of the "
                         "response");
  EXPECT_THAT(Found.Response, ElementsAre(1));
  // Forced tokens come whatever the mask says.
  R = request(listing({{1}, {2}, {2}, {4}}));
  R.Force = {1, {9, 8}, {}};
  EXPECT_THAT(run(R)[0].Response, ElementsAre(1, 9, 8, 4));
  R = request(listing({{1}, {2}}));
  R.Sampling.AllowedTokens = {1, 3};
  EXPECT_THAT(run(R)[0].Response, ElementsAre(1));
}

TEST_F(Masks, FromElsewhere) {
  // What one scheduler is told is all that another one needs.
  const std::unique_ptr<Scheduler> Others = scheduler();
  auto never = [](int32_t, std::span<const int64_t>,
                  std::span<uint32_t>) -> absl::StatusOr<Permit> {
    ADD_FAILURE() << "asked";
    return Permit::Any;
  };
  Request R = request(never);
  R.N = 2;
  Outcomes First, Second;
  Others->add(1, R, [&](Update &&News) { take(Second, std::move(News)); });
  R.NextMask = listing({{1, 2, 3}, {}, {4, 5, 6, 7}, {8}, {}});
  Steps->add(1, R, [&](Update &&News) { take(First, std::move(News)); });
  // Without masks, a choice waits.
  for (int I = 0; I < 3; ++I)
    EXPECT_TRUE(Others->step().ok());
  EXPECT_THAT(Second, IsEmpty());
  while (!Steps->isIdle()) {
    for (const Scheduler::MaskWish &Wish : Steps->maskWishes()) {
      Mask Known;
      Known.Words.resize(maskWords(ModelVocabulary));
      Known.What = value(
          Wish.Of->request().NextMask(Wish.Of->Choice, Wish.New, Known.Words));
      Others->setMask(Wish.Key, Known);
      Steps->setMask(Wish.Key, std::move(Known));
    }
    EXPECT_TRUE(Steps->step().ok());
    EXPECT_TRUE(Others->step().ok());
  }
  EXPECT_TRUE(Others->isIdle());
  ASSERT_THAT(Second, SizeIs(2));
  for (int32_t Choice : {0, 1}) {
    EXPECT_EQ(First[Choice].Response, Second[Choice].Response);
    EXPECT_THAT(First[Choice].Response, SizeIs(5));
  }
  // Of a request that has ended.
  Steps->setMask({0, 1, 0}, {});
}
} // namespace
