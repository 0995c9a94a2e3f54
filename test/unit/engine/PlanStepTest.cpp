//===- PlanStepTest.cpp - which tokens a step computes --------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/engine/PlanStep.h"

#include "test/unit/TestSupport.h"

using namespace m1;
using namespace m1::test;

namespace {
class Steps : public testing::Test {
protected:
  /// A running sequence with `Length` tokens, `Fed` of them seen.
  Sequence &add(int64_t Length, int64_t Fed, int32_t Priority = 0) {
    auto Of = std::make_shared<Group>();
    Of->Id = ++LastId;
    Of->Given.Prompt.resize(Length);
    Of->Given.Priority = Priority;
    Of->IsForked = true;
    auto S = std::make_unique<Sequence>(Of);
    S->Tokens.resize(Length);
    S->Fed = Fed;
    S->Limit = Length + 10;
    Sequence &Result = *S;
    Running.emplace(keyOf(Result), std::move(S));
    return Result;
  }
  /// Tokens of each sequence, by its number; and what is left of the bound.
  std::vector<int64_t> counts(int64_t Tokens, int64_t DoublingContext = 0) {
    std::vector<int64_t> Counts(LastId);
    int64_t Sum = 0;
    Planned = planStep(Running, {Tokens, 16, 64, DoublingContext});
    for (const Piece &P : Planned) {
      Counts[P.S->Of->Id - 1] = P.Count;
      Sum += P.Count;
      EXPECT_EQ(P.Draws, P.Count == P.S->pending());
    }
    EXPECT_LE(Sum, Tokens);
    return Counts;
  }
  using Counts = std::vector<int64_t>;

  Sequences Running;
  uint64_t LastId = 0;
  std::vector<Piece> Planned;
};

TEST_F(Steps, DecodingComesFirst) {
  add(1000, 0);
  add(10, 9);
  add(20, 19);
  EXPECT_EQ(counts(2), (Counts{0, 1, 1}));
  EXPECT_EQ(counts(12), (Counts{10, 1, 1}));
  EXPECT_EQ(Planned[0].Count, 1);
}

TEST_F(Steps, PromptsShareEvenly) {
  add(65536, 0);
  add(30, 0);
  add(2000, 0);
  // The short one in whole; the others the same, up to ends of chunks.
  EXPECT_EQ(counts(430), (Counts{192, 30, 192}));
  EXPECT_EQ(counts(60), (Counts{20, 20, 20}));
  EXPECT_EQ(counts(2), (Counts{0, 1, 1}));
  // All of it for the last one.
  Running.erase(Running.begin(), std::prev(Running.end()));
  EXPECT_EQ(counts(5000), (Counts{0, 0, 2000}));
}

TEST_F(Steps, PiecesEndAtChunks) {
  add(300, 50);
  EXPECT_EQ(counts(88), (Counts{78}));   // to 128
  EXPECT_EQ(counts(100), (Counts{100})); // 22 fewer are too few
  EXPECT_EQ(counts(10), (Counts{10}));
  EXPECT_EQ(counts(14), (Counts{14})); // to 64
  EXPECT_EQ(counts(250), (Counts{250}));
}

TEST_F(Steps, TokensAfterALongContextCountForMore) {
  Sequence &S = add(65536, 0);
  // Nobody waits for the next token.
  S.Fed = 32768;
  EXPECT_EQ(counts(256, 16384), (Counts{256}));
  add(10, 9);
  S.Fed = 0;
  EXPECT_EQ(counts(257, 16384), (Counts{256, 1}));
  S.Fed = 16384;
  EXPECT_EQ(counts(257, 16384), (Counts{128, 1}));
  S.Fed = 49152;
  EXPECT_EQ(counts(257, 16384), (Counts{64, 1}));
  // What it does not use is left to others, and each has at least a token.
  add(65536, 0);
  S.Fed = 65408;
  EXPECT_EQ(counts(257, 1), (Counts{1, 1, 128}));
  EXPECT_EQ(counts(257, 16384), (Counts{25, 1, 128}));
}

TEST_F(Steps, PriorityFirst) {
  add(500, 0, 1);
  add(200, 0, -1);
  add(80, 0, 0);
  EXPECT_EQ(counts(100), (Counts{0, 100, 0}));
  EXPECT_EQ(counts(70), (Counts{0, 64, 6}));
  EXPECT_EQ(counts(300), (Counts{20, 200, 80}));
}

TEST_F(Steps, StopsWhereAStateIsWanted) {
  Sequence &S = add(1000, 10);
  S.Wanted = {128};
  EXPECT_EQ(counts(512), (Counts{118}));
  EXPECT_EQ(counts(150), (Counts{118}));
  EXPECT_EQ(counts(60), (Counts{54}));
  S.Fed = 128;
  EXPECT_EQ(counts(512), (Counts{512}));
}

TEST_F(Steps, AStateForOtherChoices) {
  Sequence &S = add(100, 0);
  S.Of->Given.N = 2;
  S.Of->IsForked = false;
  EXPECT_EQ(counts(512), (Counts{99}));
  EXPECT_FALSE(Planned[0].Draws);
}

TEST_F(Steps, LogProbabilitiesOfPrompts) {
  Sequence &S = add(100, 0);
  S.Of->Given.PromptLogProbs = 0;
  EXPECT_EQ(counts(512), (Counts{100}));
  EXPECT_EQ(Planned[0].Scored, 99);
  EXPECT_EQ(counts(70), (Counts{64}));
  EXPECT_EQ(Planned[0].Scored, 64);
  // Rows of logits are bounded.
  S.Of->Given.PromptLogProbs = 3;
  EXPECT_EQ(counts(512), (Counts{16}));
  EXPECT_EQ(Planned[0].Scored, 16);
  EXPECT_FALSE(Planned[0].Draws);
  // What is known is computed without scores.
  S.Of->Scored = 40;
  EXPECT_EQ(counts(512), (Counts{40}));
  EXPECT_EQ(Planned[0].Scored, 0);
  S.Fed = 99;
  S.Of->Scored = 99;
  EXPECT_EQ(counts(512), (Counts{1}));
  EXPECT_EQ(Planned[0].Scored, 0);
  EXPECT_TRUE(Planned[0].Draws);
  // Without a response, the last token is not computed.
  S.Fed = 0;
  S.Of->Scored = 0;
  S.Of->Given.PromptLogProbs = 0;
  S.Limit = 100;
  EXPECT_EQ(counts(512), (Counts{99}));
  EXPECT_EQ(Planned[0].Scored, 99);
}
} // namespace
