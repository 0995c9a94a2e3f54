//===- WireTest.cpp - requests and updates as bytes -----------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/engine/Wire.h"
#include "runtime/engine/Commands.h"

#include <cmath>
#include <gtest/gtest.h>

using namespace m1;

namespace {
/// No field has its default.
Request fullRequest() {
  Request R;
  R.Prompt = {3, 1, 4};
  R.N = 2;
  R.Priority = -7;
  R.MaxTokens = 100;
  R.MinTokens = 5;
  R.StopTokens = {9, 8};
  R.IgnoreStop = true;
  R.Sampling.Temperature = 0.5F;
  R.Sampling.TopP = 0.25F;
  R.Sampling.TopK = 11;
  R.Sampling.MinP = 0.125F;
  R.Sampling.RepetitionPenalty = 1.5F;
  R.Sampling.PresencePenalty = -1;
  R.Sampling.FrequencyPenalty = 2;
  R.Sampling.LogitBias = {{4, -INFINITY}, {5, 3.0F}};
  R.Sampling.AllowedTokens = {5, 6};
  R.Seed = ~uint64_t(0);
  R.TopLogProbs = 3;
  R.PromptLogProbs = 2;
  R.PolicyLogProbs = true;
  R.Force = {12, {1, 2}, {3}};
  R.UsePrefixCache = false;
  R.EarlyStopCount = 6;
  R.EarlyStopProbability = 0.75;
  return R;
}

StepCommands fullCommands() {
  StepCommands C;
  C.New.push_back({17, fullRequest(), {}, Times::Point::clock::now()});
  C.New.push_back({18, {}, {}, {}});
  C.Aborted = {5, 17};
  C.Stops = true;
  C.New[0].Given.NextMask = [](auto, auto, auto) { return Permit::Any; };
  return C;
}

TEST(Wire, CommandsArriveWhole) {
  const StepCommands Given = fullCommands();
  StepMasks Masks(2);
  Masks[0] = {{-1, 17, 1}, {absl::OkStatus(), Permit::Listed, {1, 2}}};
  Masks[1] = {{0, 18, 0}, {absl::InternalError("why"), Permit::End, {}}};
  const std::string Bytes = pack(Given) + pack(Masks);
  absl::StatusOr<Round> Whole = unpackRound(Bytes);
  ASSERT_TRUE(Whole.ok()) << Whole.status();
  StepCommands *Found = &Whole->Given;
  // Every field is in the bytes: those of what was found are the same.
  EXPECT_EQ(pack(*Found) + pack(Whole->Masks), Bytes);
  EXPECT_EQ(Whole->Masks[0].first, Masks[0].first);
  EXPECT_EQ(Whole->Masks[0].second.Words, Masks[0].second.Words);
  EXPECT_EQ(Whole->Masks[1].second.Error, Masks[1].second.Error);
  EXPECT_TRUE(Found->New[0].Given.NextMask);
  EXPECT_FALSE(Found->New[1].Given.NextMask);
  ASSERT_EQ(Found->New.size(), 2u);
  const Request &R = Found->New[0].Given;
  EXPECT_EQ(Found->New[0].Id, 17u);
  EXPECT_EQ(Found->New[0].Arrival, Given.New[0].Arrival);
  EXPECT_EQ(R.Prompt, fullRequest().Prompt);
  EXPECT_EQ(R.Sampling.LogitBias, fullRequest().Sampling.LogitBias);
  EXPECT_EQ(R.Seed, ~uint64_t(0));
  EXPECT_EQ(R.Force.Closing, std::vector<int64_t>{3});
  EXPECT_EQ(R.EarlyStopProbability, 0.75);
  EXPECT_EQ(Found->New[1].Given.Seed, std::nullopt);
  EXPECT_EQ(Found->Aborted, Given.Aborted);
  EXPECT_TRUE(Found->Stops);
}

TEST(Wire, UpdatesArriveWhole) {
  Update U;
  U.Id = 3;
  U.Choice = 1;
  U.Tokens = {7, 8};
  U.LogProbs = {-0.5F, -1};
  U.Top = {{{7, 9}, {-0.5F, -2}}, {{8}, {-1}}};
  U.PromptLogProbs = {-3};
  U.PromptTop = {{{1}, {-4}}};
  U.CachedTokens = 64;
  U.FinishReason = Finish::Error;
  U.StopToken = 8;
  U.Error = absl::DataLossError("not finite");
  U.When.FirstToken = Times::Point::clock::now();
  absl::StatusOr<Update> Found = fromBytes<Update>(toBytes(U));
  ASSERT_TRUE(Found.ok()) << Found.status();
  EXPECT_EQ(toBytes(*Found), toBytes(U));
  EXPECT_EQ(Found->Top[0].LogProbs, U.Top[0].LogProbs);
  EXPECT_EQ(Found->Error, U.Error);
  EXPECT_EQ(Found->When.FirstToken, U.When.FirstToken);
  EXPECT_EQ(Found->When.LastToken, std::nullopt);
}

TEST(Wire, DamageIsAnError) {
  const std::string Bytes = pack(fullCommands()) + pack(StepMasks(1));
  for (size_t Size = 0; Size < Bytes.size(); ++Size)
    EXPECT_FALSE(unpackRound(Bytes.substr(0, Size)).ok()) << Size;
  EXPECT_EQ(unpackRound(Bytes + "x").status().message(),
            "a message has 1 bytes more than expected");
  // Every byte, changed to what makes sizes large: an error or other commands,
  // but no access out of bounds and no memory that the bytes do not need.
  for (size_t At = 0; At < Bytes.size(); ++At) {
    std::string Damaged = Bytes;
    Damaged[At] = '\xff';
    if (absl::StatusOr<Round> Found = unpackRound(Damaged); Found.ok())
      EXPECT_EQ(pack(Found->Given).size() + pack(Found->Masks).size(),
                Bytes.size())
          << At;
  }
}
} // namespace
