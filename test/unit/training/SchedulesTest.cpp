//===- SchedulesTest.cpp - what changes during training -------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/training/Schedules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

using namespace m1;
using testing::DoubleEq;
using testing::DoubleNear;
using testing::ElementsAre;

namespace {
std::vector<double> ratesOf(LearningRateSchedule Schedule, int64_t Warmup,
                            int64_t Steps) {
  const LearningRateSettings Settings = {Schedule, 8, Warmup, Steps};
  std::vector<double> Rates;
  for (int64_t Step = 1; Step <= Steps; ++Step)
    Rates.push_back(learningRateAt(Settings, Step));
  return Rates;
}

TEST(Schedules, WarmUpReachesThePeakInItsLastUpdate) {
  EXPECT_THAT(ratesOf(LearningRateSchedule::Constant, 4, 6),
              ElementsAre(2, 4, 6, 8, 8, 8));
  EXPECT_THAT(ratesOf(LearningRateSchedule::Constant, 0, 2), ElementsAre(8, 8));
}

TEST(Schedules, LinearAndCosineFallTowardsZero) {
  EXPECT_THAT(ratesOf(LearningRateSchedule::Linear, 2, 6),
              ElementsAre(4, 8, 8, 6, 4, 2));
  EXPECT_THAT(ratesOf(LearningRateSchedule::Cosine, 0, 4),
              ElementsAre(8, DoubleEq(4 + 4 * std::sqrt(0.5)), DoubleEq(4),
                          DoubleNear(4 - 4 * std::sqrt(0.5), 1e-12)));
  // A run that is continued for longer than its recipe said.
  const LearningRateSettings Settings = {LearningRateSchedule::Cosine, 8, 2, 6};
  EXPECT_EQ(learningRateAt(Settings, 7), 0);
  EXPECT_EQ(learningRateAt(Settings, 100), 0);
}

TEST(Schedules, WeightDecayLeavesOutTensorsByName) {
  const std::vector<TrainedTensor> Tensors = {
      {"model.embed_tokens.weight", ElementType::BF16, {4, 2}},
      {"model.layers.0.self_attn.qkv_proj.weight", ElementType::BF16, {2, 2}},
      {"model.layers.0.input_layernorm.weight", ElementType::F32, {2}}};
  const std::vector<std::string> Excluded = {"norm", "embed_tokens"};
  EXPECT_THAT(weightDecaysOf(Tensors, 0.1, Excluded), ElementsAre(0, 0.1F, 0));
  EXPECT_THAT(weightDecaysOf(Tensors, 0.1, {}), ElementsAre(0.1F, 0.1F, 0.1F));
}

TEST(Schedules, PercentilesAreRanks) {
  std::vector<int64_t> Values(200);
  std::iota(Values.rbegin(), Values.rend(), 1);
  EXPECT_EQ(percentileOf(Values, 0.99), 198);
  EXPECT_EQ(percentileOf(Values, 1), 200);
  EXPECT_EQ(percentileOf(Values, 0), 1);
  EXPECT_EQ(percentileOf(std::vector<int64_t>{7}, 0.99), 7);
  EXPECT_EQ(percentileOf({}, 0.99), 0);
}

LengthStageSettings stageSettings() {
  LengthStageSettings Settings;
  Settings.Limits = {100, 200, 300};
  Settings.NearLimit = 0.9;
  Settings.Window = 4;
  Settings.Tolerance = 0.1;
  return Settings;
}
const std::vector<int64_t> Long = {10, 90}, Short = {10, 89};

TEST(LengthStages, RiseWhenLongAndSettled) {
  LengthStages Stages(stageSettings());
  for (double Perplexity : {4.0, 4.0, 4.3})
    EXPECT_FALSE(Stages.observe(Long, Perplexity));
  EXPECT_EQ(Stages.limit(), 100);
  EXPECT_TRUE(Stages.observe(Long, 4.3));
  EXPECT_EQ(Stages.limit(), 200);
  EXPECT_EQ(Stages.stage(), 1U);
  // The window starts anew, and the lengths are compared with the new limit.
  const std::vector<int64_t> Longer = {180};
  for (int I = 0; I < 3; ++I)
    EXPECT_FALSE(Stages.observe(Longer, 4));
  EXPECT_FALSE(Stages.observe(Long, 4));
  EXPECT_TRUE(Stages.observe(Longer, 4));
  // The last stage never ends.
  for (int I = 0; I < 8; ++I)
    EXPECT_FALSE(Stages.observe(std::vector<int64_t>{300}, 4));
  EXPECT_EQ(Stages.limit(), 300);
}

TEST(LengthStages, WaitForLengthAndPerplexity) {
  LengthStages Stages(stageSettings());
  for (int I = 0; I < 8; ++I)
    EXPECT_FALSE(Stages.observe(Short, 4));
  LengthStages Falling(stageSettings());
  for (double Perplexity = 64; Perplexity > 1; Perplexity /= 1.5)
    EXPECT_FALSE(Falling.observe(Long, Perplexity));
  // One that is not finite must not stay in the window.
  EXPECT_FALSE(Stages.observe(Long, std::nan("")));
  EXPECT_TRUE(Stages.observe(Long, 4));
}

TEST(LengthStages, ContinueFromTheirState) {
  LengthStages Stages(stageSettings());
  for (int I = 0; I < 3; ++I)
    Stages.observe(Long, 4);
  LengthStages Continued(stageSettings());
  ASSERT_TRUE(Continued.restore(Stages.stage(), Stages.perplexities()));
  EXPECT_TRUE(Continued.observe(Long, 4));
  EXPECT_FALSE(Continued.restore(3, {}));
  EXPECT_FALSE(Continued.restore(0, std::vector<double>(5, 4.0)));
}
} // namespace
