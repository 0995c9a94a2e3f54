//===- BatchingTest.cpp - sequences to micro-batches ----------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/training/Batching.h"
#include "runtime/training/Losses.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

using namespace m1;
using testing::ElementsAre;
using testing::HasSubstr;

namespace {
BatchLimits limitsOf(int64_t Tokens, int64_t Sequences) {
  BatchLimits Limits;
  Limits.Tokens = Tokens;
  Limits.Sequences = Sequences;
  Limits.Vocabulary = 100;
  Limits.MaxLength = 16;
  return Limits;
}

TrainingSequence sequenceOf(int64_t Number, std::vector<int64_t> Tokens,
                            int64_t Prompt) {
  TrainingSequence Sequence;
  Sequence.Number = Number;
  Sequence.Tokens = std::move(Tokens);
  Sequence.PromptTokens = Prompt;
  Sequence.Advantage = 0.5;
  const size_t Response = Sequence.Tokens.size() - Prompt;
  for (size_t I = 0; I < Response; ++I)
    Sequence.OldLogProbs.push_back(-static_cast<float>(I + 1));
  Sequence.Weights.assign(Response, 0.25F);
  return Sequence;
}

std::string errorOf(const std::vector<TrainingSequence> &Sequences,
                    const BatchLimits &Limits) {
  return std::string(makeMicroBatches(Sequences, Limits).status().message());
}

TEST(Batching, EntriesBelongToThePredictionOfTheNextToken) {
  std::vector<TrainingSequence> Sequences = {sequenceOf(0, {10, 11, 12, 13}, 2),
                                             sequenceOf(1, {20, 21}, 1)};
  auto Batches = makeMicroBatches(Sequences, limitsOf(16, 8));
  ASSERT_TRUE(Batches.ok()) << Batches.status();
  ASSERT_EQ(Batches->size(), 1U);
  const TrainingBatch &Batch = (*Batches)[0].Batch;
  EXPECT_THAT(Batch.Tokens, ElementsAre(10, 11, 12, 13, 20, 21));
  EXPECT_THAT(Batch.CuSeqlens, ElementsAre(0, 4, 6));
  EXPECT_THAT(Batch.Targets, ElementsAre(11, 12, 13, 0, 21, 0));
  EXPECT_THAT(Batch.OldLogProbs, ElementsAre(0, -1, -2, 0, -1, 0));
  EXPECT_THAT(Batch.Advantages, ElementsAre(0, 0.5, 0.5, 0, 0.5, 0));
  EXPECT_THAT(Batch.Weights, ElementsAre(0, 0.25, 0.25, 0, 0.25, 0));
}

TEST(Batching, FillsMicroBatchesInTheOrderOfNumbers) {
  std::vector<TrainingSequence> Sequences = {
      sequenceOf(7, {1, 2, 3}, 1), sequenceOf(2, {1, 2, 3, 4}, 1),
      sequenceOf(3, {1, 2}, 1), sequenceOf(9, {1, 2, 3, 4, 5}, 1),
      sequenceOf(8, {1, 2}, 1)};
  auto NumbersOf = [&](int64_t Tokens, int64_t Count) {
    std::vector<std::vector<int64_t>> Numbers;
    auto Batches = makeMicroBatches(Sequences, limitsOf(Tokens, Count));
    EXPECT_TRUE(Batches.ok()) << Batches.status();
    for (const MicroBatch &Batch : *Batches)
      Numbers.push_back(Batch.Numbers);
    return Numbers;
  };
  // Lengths in order: 4, 2, 3, 2, 5.
  EXPECT_THAT(NumbersOf(6, 8), ElementsAre(ElementsAre(2, 3), ElementsAre(7, 8),
                                           ElementsAre(9)));
  EXPECT_THAT(NumbersOf(16, 8), ElementsAre(ElementsAre(2, 3, 7, 8, 9)));
  EXPECT_THAT(NumbersOf(16, 2), ElementsAre(ElementsAre(2, 3),
                                            ElementsAre(7, 8), ElementsAre(9)));
  EXPECT_TRUE(makeMicroBatches({}, limitsOf(6, 8))->empty());
}

TEST(Batching, ResponsesThatEndInAPaddingTokenKeepIt) {
  // Token 0 is padding and end of sequence for many tokenizers.
  std::vector<TrainingSequence> Sequences = {sequenceOf(0, {5, 6, 0, 0}, 1)};
  ResponseInfo Response;
  Response.Tokens = 3;
  Sequences[0].Weights = tokenWeights(std::vector{Response}, {})[0];
  auto Batches = makeMicroBatches(Sequences, limitsOf(16, 8));
  ASSERT_TRUE(Batches.ok()) << Batches.status();
  const float Third = static_cast<float>(1.0 / 3);
  EXPECT_THAT((*Batches)[0].Batch.Targets, ElementsAre(6, 0, 0, 0));
  EXPECT_THAT((*Batches)[0].Batch.Weights, ElementsAre(Third, Third, Third, 0));
}

TEST(Batching, MaskedTokensHaveZeros) {
  std::vector<TrainingSequence> Sequences = {sequenceOf(0, {5, 6, 7, 8}, 2)};
  Sequences[0].Weights = {0, 0.5F};
  Sequences[0].OldLogProbs = {std::nanf(""), -2};
  auto Batches = makeMicroBatches(Sequences, limitsOf(16, 8));
  ASSERT_TRUE(Batches.ok()) << Batches.status();
  EXPECT_THAT((*Batches)[0].Batch.OldLogProbs, ElementsAre(0, 0, -2, 0));
  EXPECT_THAT((*Batches)[0].Batch.Advantages, ElementsAre(0, 0, 0.5, 0));
  // Supervised sequences have no old log-probabilities.
  Sequences[0].OldLogProbs.clear();
  Batches = makeMicroBatches(Sequences, limitsOf(16, 8));
  ASSERT_TRUE(Batches.ok()) << Batches.status();
  EXPECT_THAT((*Batches)[0].Batch.OldLogProbs, ElementsAre(0, 0, 0, 0));
}

TEST(Batching, ErrorsNameTheSequence) {
  const TrainingSequence Good = sequenceOf(1, {1, 2, 3}, 1);
  EXPECT_EQ(errorOf({Good, sequenceOf(41, {1, 2, 3, 4, 5}, 2)}, limitsOf(4, 8)),
            "training: sequence 41: 5 tokens; a micro-batch has at most 4");
  EXPECT_EQ(
      errorOf({sequenceOf(6, std::vector<int64_t>(17, 1), 2)}, limitsOf(32, 8)),
      "training: sequence 6: 17 tokens; the plan's sequences have at "
      "most 16");
  EXPECT_EQ(errorOf({Good, sequenceOf(1, {4, 5}, 1)}, limitsOf(8, 8)),
            "training: sequence 1: two sequences have this number");
  EXPECT_EQ(errorOf({sequenceOf(3, {1, 100}, 1)}, limitsOf(8, 8)),
            "training: sequence 3: token 1 is 100; expected 0 to 99");
  EXPECT_THAT(errorOf({sequenceOf(3, {1, 2}, 2)}, limitsOf(8, 8)),
              HasSubstr("sequence 3: 2 tokens with a prompt of 2"));
  EXPECT_THAT(errorOf({sequenceOf(3, {1, 2}, 0)}, limitsOf(8, 8)),
              HasSubstr("sequence 3: 2 tokens with a prompt of 0"));
  TrainingSequence Short = Good;
  Short.Weights.pop_back();
  EXPECT_EQ(errorOf({Short}, limitsOf(8, 8)),
            "training: sequence 1: 1 weights for a response of 2 tokens");
  Short = Good;
  Short.OldLogProbs.pop_back();
  EXPECT_EQ(errorOf({Short}, limitsOf(8, 8)),
            "training: sequence 1: 1 log-probabilities for a response of 2 "
            "tokens");
}

TEST(Batching, LimitsAreThePolicysAndTheRecipes) {
  PolicyLimits Policy;
  Policy.TrainTokens = 512;
  Policy.TrainSequences = 4;
  EXPECT_EQ(batchLimitsOf(Policy, 0).Tokens, 512);
  EXPECT_EQ(batchLimitsOf(Policy, 100).Tokens, 100);
  EXPECT_EQ(batchLimitsOf(Policy, 1000).Tokens, 512);
  EXPECT_EQ(batchLimitsOf(Policy, 0).Sequences, 4);
}

TEST(Batching, MiniBatchesAreAsEqualAsPossible) {
  using Range = std::pair<size_t, size_t>;
  EXPECT_THAT(miniBatchRanges(8, 3),
              ElementsAre(Range(0, 3), Range(3, 6), Range(6, 8)));
  EXPECT_THAT(miniBatchRanges(2, 3), ElementsAre(Range(0, 1), Range(1, 2)));
  EXPECT_TRUE(miniBatchRanges(0, 3).empty());
}
} // namespace
