//===- RequestTest.cpp - which requests are refused -----------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/engine/Request.h"

#include "test/unit/TestSupport.h"

#include <cmath>

using namespace m1;
using namespace m1::test;

namespace {
class Requests : public testing::Test {
protected:
  Requests() {
    Plan.Vocabulary = 16;
    Plan.MaxLength = 8;
    Plan.Serving = Plan.Policy = Plan.Score = Plan.Logits = true;
    Given.Prompt = {1, 2, 3};
  }
  std::string error() const { return message(checkRequest(Given, Plan)); }

  Abilities Plan;
  Request Given;
};

TEST_F(Requests, PromptsOfAnyLengthThatFits) {
  EXPECT_EQ(error(), "");
  Given.Prompt.assign(8, 1);
  EXPECT_EQ(error(), "");
  Given.Prompt.assign(9, 1);
  EXPECT_EQ(error(), "prompt: 9 tokens, expected at most 8, prompt and "
                     "response together");
  Given.Prompt = {};
  EXPECT_EQ(error(), "prompt: no tokens");
  Given.Prompt = {1, 16};
  EXPECT_EQ(error(),
            "prompt: token 16 at index 1 is outside the vocabulary of 16");
}

TEST_F(Requests, NumbersOutOfRange) {
  const float NaN = std::nanf(""), Infinity = INFINITY;
  for (float Bad : {NaN, Infinity, -1.0F}) {
    Given.Sampling = {};
    Given.Sampling.Temperature = Bad;
    EXPECT_NE(error().find("temperature: "), std::string::npos) << Bad;
  }
  for (float Bad : {NaN, 0.0F, 1.1F}) {
    Given.Sampling = {};
    Given.Sampling.TopP = Bad;
    EXPECT_NE(error().find("top_p: "), std::string::npos) << Bad;
  }
  for (float Bad : {NaN, -0.1F, 1.1F}) {
    Given.Sampling = {};
    Given.Sampling.MinP = Bad;
    EXPECT_NE(error().find("min_p: "), std::string::npos) << Bad;
  }
  for (float Bad : {NaN, 0.0F, Infinity}) {
    Given.Sampling = {};
    Given.Sampling.RepetitionPenalty = Bad;
    EXPECT_NE(error().find("repetition_penalty: "), std::string::npos) << Bad;
  }
  for (float Bad : {NaN, Infinity, -2e4F}) {
    Given.Sampling = {};
    Given.Sampling.PresencePenalty = Bad;
    EXPECT_NE(error().find("presence_penalty: "), std::string::npos) << Bad;
    Given.Sampling = {};
    Given.Sampling.FrequencyPenalty = Bad;
    EXPECT_NE(error().find("frequency_penalty: "), std::string::npos) << Bad;
    Given.Sampling = {};
    Given.Sampling.LogitBias = {{3, Bad}};
    EXPECT_NE(error().find("logit_bias: "), std::string::npos) << Bad;
  }
  Given.Sampling = {};
  Given.Sampling.TopK = -1;
  EXPECT_EQ(error(), "top_k: -1, expected at least 0");
  Given.Sampling = {};
  Given.N = 0;
  EXPECT_EQ(error(), "n: 0, expected at least 1");
  Given.N = 1;
  Given.MaxTokens = 4;
  Given.MinTokens = 5;
  EXPECT_EQ(error(), "min_tokens: 5, expected at most max_tokens, 4");
  Given.MinTokens = 0;
  Given.TopLogProbs = 1025;
  EXPECT_EQ(error(), "logprobs: 1025, expected at most 1024");
}

TEST_F(Requests, TokensOutsideTheVocabulary) {
  const std::string Outside = ": token 16 is outside the vocabulary of 16";
  Given.StopTokens = {1, 16};
  EXPECT_EQ(error(), "stop_token_ids" + Outside);
  Given.StopTokens = {};
  Given.Sampling.AllowedTokens = {16};
  EXPECT_EQ(error(), "allowed_token_ids" + Outside);
  Given.Sampling.AllowedTokens = {};
  Given.Sampling.LogitBias = {{16, 0.0F}};
  EXPECT_EQ(error(), "logit_bias" + Outside);
  Given.Sampling.LogitBias = {{1, 0.0F}, {1, 1.0F}};
  EXPECT_EQ(error(), "logit_bias: token 1 occurs twice");
  Given.Sampling.LogitBias = {};
  Given.Force.Tokens = {16};
  EXPECT_EQ(error(), "thinking_budget" + Outside);
}

TEST_F(Requests, MasksThatLeaveNothing) {
  Given.Sampling.AllowedTokens = {2, 3};
  Given.Sampling.LogitBias = {{2, -INFINITY}};
  EXPECT_EQ(error(), "");
  Given.StopTokens = {3};
  EXPECT_EQ(error(), "");
  Given.MinTokens = 1;
  EXPECT_EQ(error(), "min_tokens: 1, but only stop tokens may be drawn");
  Given.IgnoreStop = true;
  EXPECT_EQ(error(), "");
  Given.Sampling.LogitBias = {{2, -INFINITY}, {3, -INFINITY}};
  EXPECT_EQ(error(), "logit_bias and allowed_token_ids leave no token to draw");
}

TEST_F(Requests, RulesThatThePlanDoesNotKnow) {
  Plan.Serving = Plan.Policy = false;
  Given.Sampling.Temperature = 0.5F;
  Given.Sampling.TopP = 0.9F;
  Given.Sampling.TopK = 4;
  Given.StopTokens = {1};
  EXPECT_EQ(error(), "");
  const std::string Plain =
      ": the plan was compiled without --serve and only knows temperature, "
      "top_p and top_k";
  const Request Before = Given;
  auto with = [&](auto &&Change) {
    Given = Before;
    Change(Given);
    return error();
  };
  EXPECT_EQ(with([](Request &R) { R.Sampling.MinP = 0.1F; }), "min_p" + Plain);
  EXPECT_EQ(with([](Request &R) { R.Sampling.RepetitionPenalty = 2; }),
            "repetition_penalty" + Plain);
  EXPECT_EQ(with([](Request &R) { R.Sampling.PresencePenalty = 1; }),
            "presence_penalty" + Plain);
  EXPECT_EQ(with([](Request &R) { R.Sampling.FrequencyPenalty = 1; }),
            "frequency_penalty" + Plain);
  EXPECT_EQ(with([](Request &R) { R.Sampling.LogitBias.resize(1); }),
            "logit_bias" + Plain);
  EXPECT_EQ(with([](Request &R) { R.Sampling.AllowedTokens = {1}; }),
            "allowed_token_ids" + Plain);
  EXPECT_EQ(with([](Request &R) { R.MinTokens = 1; }), "min_tokens" + Plain);
  EXPECT_EQ(with([](Request &R) { R.Force.Tokens = {1}; }),
            "thinking_budget" + Plain);
  EXPECT_EQ(with([](Request &R) {
              R.NextMask = [](int32_t, std::span<const int64_t>,
                              std::span<uint32_t>) { return Permit::Any; };
            }),
            "next_mask" + Plain);
  EXPECT_EQ(with([](Request &R) { R.PolicyLogProbs = true; }),
            "processed log-probabilities need a plan that was compiled with "
            "--serve");
  Plan.Score = false;
  EXPECT_EQ(with([](Request &R) { R.PromptLogProbs = 0; }),
            "prompt_logprobs: the plan has no function 'score'");
  Plan.Score = true;
  Plan.Logits = false;
  EXPECT_EQ(with([](Request &R) { R.PromptLogProbs = 2; }),
            "prompt_logprobs: 2, expected 0: the plan has no function "
            "'logits'");
}
} // namespace
