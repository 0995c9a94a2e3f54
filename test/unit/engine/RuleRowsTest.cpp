//===- RuleRowsTest.cpp - rules that change logits ------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/engine/RuleRows.h"

#include "runtime/engine/TopTokens.h"
#include "test/unit/TestSupport.h"

#include <cmath>

using namespace m1;
using namespace m1::test;

namespace {
constexpr int64_t V = 8;

std::vector<float> copyOf(std::span<const float> Row) {
  return {Row.begin(), Row.end()};
}

TEST(RuleRows, AreReusedFromTheLowest) {
  RuleRows Rows(V);
  EXPECT_EQ(Rows.count(), 1);
  EXPECT_EQ(Rows.biases().size(), static_cast<size_t>(V));
  EXPECT_EQ(Rows.take(), 0);
  EXPECT_EQ(Rows.take(), 1);
  EXPECT_EQ(Rows.take(), 2);
  EXPECT_EQ(Rows.repetitions().size(), static_cast<size_t>(3 * V));
  Rows.giveBack(1);
  EXPECT_EQ(Rows.count(), 3);
  EXPECT_EQ(Rows.take(), 1);
  Rows.giveBack(2);
  EXPECT_EQ(Rows.count(), 2);
}

TEST(RuleRow, IsMadeOnlyWhereItIsNeeded) {
  Request Given;
  Given.Sampling.Temperature = 0.5F;
  Given.Sampling.MinP = 0.1F;
  Given.StopTokens = {3};
  EXPECT_FALSE(RuleRow::isNeededBy(Given));
  Given.MinTokens = 2;
  EXPECT_TRUE(RuleRow::isNeededBy(Given));
  Given.IgnoreStop = true;
  EXPECT_FALSE(RuleRow::isNeededBy(Given));
  Given.Sampling.LogitBias = {{1, 1.0F}};
  EXPECT_TRUE(RuleRow::isNeededBy(Given));
}

TEST(RuleRow, PenaltiesCountThePromptOnce) {
  RuleRows Rows(V);
  Request Given;
  Given.Prompt = {1, 1, 2};
  Given.Sampling.RepetitionPenalty = 2;
  Given.Sampling.PresencePenalty = 0.5F;
  Given.Sampling.FrequencyPenalty = 0.25F;
  RuleRow Row(Rows, Given, {});
  // Repetition concerns prompt and response, the others only the response.
  EXPECT_EQ(copyOf(Rows.repetition(0)),
            (std::vector<float>{1, 2, 2, 1, 1, 1, 1, 1}));
  EXPECT_EQ(copyOf(Rows.bias(0)), std::vector<float>(V));
  Row.append(1);
  Row.append(5);
  Row.append(5);
  EXPECT_EQ(copyOf(Rows.repetition(0)),
            (std::vector<float>{1, 2, 2, 1, 1, 2, 1, 1}));
  EXPECT_EQ(copyOf(Rows.bias(0)),
            (std::vector<float>{0, -0.75F, 0, 0, 0, -1, 0, 0}));
  // A row that is made later is the same.
  const std::vector<int64_t> Response = {1, 5, 5};
  RuleRow Again(Rows, Given, Response);
  EXPECT_EQ(copyOf(Rows.bias(1)), copyOf(Rows.bias(0)));
  EXPECT_EQ(copyOf(Rows.repetition(1)), copyOf(Rows.repetition(0)));
}

TEST(RuleRow, MasksAndBiases) {
  const float Never = -INFINITY;
  RuleRows Rows(V);
  Request Given;
  Given.Prompt = {1};
  Given.StopTokens = {2, 6};
  Given.MinTokens = 2;
  Given.Sampling.AllowedTokens = {2, 3, 4};
  Given.Sampling.LogitBias = {{2, 1.5F}, {3, -1.0F}, {7, 9.0F}};
  RuleRow Row(Rows, Given, {});
  const std::vector<float> Begin = {Never, Never, Never, -1,
                                    0,     Never, Never, Never};
  EXPECT_EQ(copyOf(Rows.bias(0)), Begin);
  Row.append(4);
  EXPECT_EQ(copyOf(Rows.bias(0)), Begin);
  Row.append(4);
  const std::vector<float> Later = {Never, Never, 1.5F,  -1,
                                    0,     Never, Never, Never};
  EXPECT_EQ(copyOf(Rows.bias(0)), Later);
  // Forced, whatever the masks say.
  Row.force(0);
  EXPECT_GT(Rows.bias(0)[0], 1e20F);
  Row.append(0);
  EXPECT_EQ(copyOf(Rows.bias(0)), Later);
}

Permit anything(int32_t, std::span<const int64_t>, std::span<uint32_t>) {
  return Permit::Any;
}

TEST(RuleRow, ChangingMasks) {
  const float Never = -INFINITY;
  RuleRows Rows(V);
  Request Given;
  Given.Prompt = {1};
  Given.StopTokens = {2};
  Given.MinTokens = 2;
  Given.Sampling.LogitBias = {{3, 1.5F}, {4, Never}};
  Given.Sampling.PresencePenalty = 0.5F;
  EXPECT_TRUE(RuleRow::isNeededBy(Given));
  Given.NextMask = anything;
  RuleRow Row(Rows, Given, {});
  const std::vector<float> Begin = {0, 0, Never, 1.5F, Never, 0, 0, 0};
  EXPECT_EQ(copyOf(Rows.bias(0)), Begin);
  EXPECT_TRUE(Row.leavesAny());
  auto mask = [&](uint32_t Bits) {
    Row.mask(Permit::Listed, std::span(&Bits, 1));
    return copyOf(Rows.bias(0));
  };
  // Bits of tokens that there are not mean nothing.
  EXPECT_EQ(mask(0xffffff28), (std::vector<float>{Never, Never, Never, 1.5F,
                                                  Never, 0, Never, Never}));
  Row.append(3);
  EXPECT_EQ(copyOf(Rows.bias(0))[3], 1.0F);
  EXPECT_TRUE(Row.leavesAny());
  // What the other rules ban, no mask permits.
  EXPECT_EQ(mask(0xffffff14), std::vector<float>(V, Never));
  EXPECT_FALSE(Row.leavesAny());
  // The second token makes the stop token possible; what the mask bans changes
  // unseen.
  Row.append(5);
  EXPECT_TRUE(Row.leavesAny());
  EXPECT_EQ(mask(4), (std::vector<float>{Never, Never, 0, Never, Never, Never,
                                         Never, Never}));
  EXPECT_EQ(mask(0), std::vector<float>(V, Never));
  EXPECT_FALSE(Row.leavesAny());
  Row.force(6);
  EXPECT_GT(Rows.bias(0)[6], 1e20F);
  Row.append(6);
  EXPECT_EQ(Rows.bias(0)[6], Never);
  EXPECT_FALSE(Row.leavesAny());
  Row.mask(Permit::Any, {});
  const std::vector<float> End = {0, 0, 0, 1, Never, -0.5F, -0.5F, 0};
  EXPECT_EQ(copyOf(Rows.bias(0)), End);
  EXPECT_TRUE(Row.leavesAny());
  // A row that is made later is the same.
  const std::vector<int64_t> Response = {3, 5, 6};
  RuleRow Again(Rows, Given, Response);
  EXPECT_EQ(copyOf(Rows.bias(1)), End);
}

TEST(Forcing, AfterTheBudget) {
  Forced How;
  How.AfterTokens = 3;
  How.Tokens = {5, 5, 6};
  auto forcedAfter = [&](const std::vector<int64_t> &Response) {
    Forcing F(How);
    for (int64_t Token : Response)
      F.append(Token);
    return F.next();
  };
  EXPECT_EQ(forcedAfter({}), std::nullopt);
  EXPECT_EQ(forcedAfter({1, 2}), std::nullopt);
  EXPECT_EQ(forcedAfter({1, 2, 3}), 5);
  EXPECT_EQ(forcedAfter({1, 2, 3, 5}), 5);
  EXPECT_EQ(forcedAfter({1, 2, 3, 5, 5}), 6);
  EXPECT_EQ(forcedAfter({1, 2, 3, 5, 5, 6}), std::nullopt);
  // A beginning that is there already is not repeated.
  EXPECT_EQ(forcedAfter({1, 5, 5}), 6);
  EXPECT_EQ(forcedAfter({5, 5, 5}), 6);
  EXPECT_EQ(forcedAfter({5, 5, 6}), std::nullopt);
  EXPECT_EQ(forcedAfter({5, 5, 5, 6, 1}), std::nullopt);
  How.Tokens = {};
  EXPECT_EQ(forcedAfter({1, 2, 3}), std::nullopt);
  How = {0, {7}, {}};
  EXPECT_EQ(forcedAfter({}), 7);
}

TEST(Forcing, ClosedInAnotherWay) {
  Forced How;
  How.AfterTokens = 3;
  How.Tokens = {5, 6, 8};
  How.Closing = {5, 6};
  auto forcedAfter = [&](const std::vector<int64_t> &Response) {
    Forcing F(How);
    for (int64_t Token : Response)
      F.append(Token);
    return F.next();
  };
  EXPECT_EQ(forcedAfter({5, 6, 9}), std::nullopt);
  EXPECT_EQ(forcedAfter({1, 5, 6}), std::nullopt);
  // Forced to the end of Tokens, which contain Closing.
  EXPECT_EQ(forcedAfter({1, 2, 3}), 5);
  EXPECT_EQ(forcedAfter({1, 2, 3, 5}), 6);
  EXPECT_EQ(forcedAfter({1, 2, 3, 5, 6}), 8);
  EXPECT_EQ(forcedAfter({1, 2, 3, 5, 6, 8}), std::nullopt);
  EXPECT_EQ(forcedAfter({1, 2, 3, 5, 6, 8, 1, 2}), std::nullopt);
  // Half closed when the budget is reached.
  EXPECT_EQ(forcedAfter({1, 2, 5}), 6);
  EXPECT_EQ(forcedAfter({1, 2, 5, 6}), 8);
}

TEST(TopTokens, AreTheMostProbable) {
  const std::vector<float> Logits = {1, 3, 2, 3};
  const TopTokens Top = topTokens(Logits, 3);
  EXPECT_EQ(Top.Ids, (std::vector<int32_t>{1, 3, 2}));
  const double Sum = std::exp(-2.0) + 2 + std::exp(-1.0);
  EXPECT_FLOAT_EQ(Top.LogProbs[0], static_cast<float>(-std::log(Sum)));
  EXPECT_FLOAT_EQ(Top.LogProbs[2], static_cast<float>(-1 - std::log(Sum)));
  EXPECT_EQ(topTokens(Logits, 9).Ids.size(), 4u);
}

TEST(TopTokens, OfTheDistributionThatIsDrawnFrom) {
  const std::vector<float> Logits = {4, -1, 2}, Bias = {-INFINITY, 1, 0},
                           Repetition = {1, 2, 4};
  // Adjusted: never, -2 + 1, 0.5; at temperature 0.5: -2 and 1.
  const TopTokens Top = topTokens(Logits, 3, {Bias, Repetition, 0.5F});
  EXPECT_EQ(Top.Ids, (std::vector<int32_t>{2, 1}));
  const double LogSum = std::log(std::exp(1.0) + std::exp(-2.0));
  EXPECT_FLOAT_EQ(Top.LogProbs[0], static_cast<float>(1 - LogSum));
  EXPECT_FLOAT_EQ(Top.LogProbs[1], static_cast<float>(-2 - LogSum));
}
} // namespace
