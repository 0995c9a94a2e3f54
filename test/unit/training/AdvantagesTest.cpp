//===- AdvantagesTest.cpp - rewards of groups to advantages ---------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/training/Advantages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

using namespace m1;
using testing::DoubleEq;
using testing::DoubleNear;
using testing::Each;
using testing::ElementsAre;

namespace {
constexpr double NaN = std::numeric_limits<double>::quiet_NaN();

std::vector<double> valuesOf(std::vector<double> Rewards, size_t GroupSize,
                             RewardScaling Scaling = RewardScaling::Group) {
  return computeAdvantages(Rewards, GroupSize, Scaling).Values;
}

TEST(Advantages, DivideByTheSampleDeviation) {
  // Mean 2, squared differences 4 + 0 + 1 + 1 = 6, deviation sqrt(6 / 3).
  const double Deviation = std::sqrt(2.0) + 1e-6;
  EXPECT_THAT(valuesOf({4, 2, 1, 1}, 4),
              ElementsAre(DoubleEq(2 / Deviation), 0, DoubleEq(-1 / Deviation),
                          DoubleEq(-1 / Deviation)));
}

TEST(Advantages, AreExactlyZeroForEqualRewards) {
  // The mean of 16 times 0.7 is not 0.7 in f64.
  for (RewardScaling Scaling :
       {RewardScaling::Group, RewardScaling::Batch, RewardScaling::None})
    EXPECT_THAT(valuesOf(std::vector<double>(16, 0.7), 16, Scaling), Each(0.0));
  // Also beside a group with signal.
  EXPECT_THAT(
      valuesOf({0.7, 0.7, 0.7, 0, 0, 1}, 3, RewardScaling::Batch),
      ElementsAre(0, 0, 0, testing::Lt(0), testing::Lt(0), testing::Gt(0)));
}

TEST(Advantages, LeaveOutMissingRewards) {
  for (double Missing : {NaN, std::numeric_limits<double>::infinity(), 1e200}) {
    const std::vector<double> Rewards = {1, Missing, 0};
    Advantages Result = computeAdvantages(Rewards, 3, RewardScaling::Group);
    EXPECT_THAT(Result.Values, ElementsAre(DoubleNear(0.7071, 5e-5), 0,
                                           DoubleNear(-0.7071, 5e-5)));
    EXPECT_THAT(Result.Valid, ElementsAre(true, false, true));
    EXPECT_DOUBLE_EQ(Result.Mean, 0.5);
    EXPECT_DOUBLE_EQ(Result.Deviation, std::sqrt(0.5));
  }
  // What is left of a group can have no signal.
  const std::vector<double> Rewards = {1, NaN, NaN, NaN};
  Advantages Result = computeAdvantages(Rewards, 2, RewardScaling::None);
  EXPECT_THAT(Result.Values, Each(0.0));
  EXPECT_THAT(Result.GroupsWithoutSignal, ElementsAre(true, true));
  EXPECT_TRUE(std::isnan(Result.GroupMeans[1]));
}

TEST(Advantages, ScaleByTheBatchOrNotAtAll) {
  // The batch has mean 4, squared differences 16 + 4 + 4 + 16 = 40.
  const double Deviation = std::sqrt(40.0 / 3) + 1e-6;
  EXPECT_THAT(valuesOf({0, 2, 6, 8}, 2, RewardScaling::Batch),
              ElementsAre(DoubleEq(-1 / Deviation), DoubleEq(1 / Deviation),
                          DoubleEq(-1 / Deviation), DoubleEq(1 / Deviation)));
  EXPECT_THAT(valuesOf({0, 2, 6, 10}, 2, RewardScaling::None),
              ElementsAre(-1, 1, -2, 2));
}

TEST(Advantages, CountGroupsWithoutSignal) {
  const std::vector<double> Rewards = {1, 1, 0, 1, 0, 0, 0, 0};
  Advantages Result = computeAdvantages(Rewards, 2, RewardScaling::Group);
  EXPECT_THAT(Result.GroupsWithoutSignal, ElementsAre(true, false, true, true));
  EXPECT_EQ(Result.ShareWithoutSignal, 0.75);
  EXPECT_THAT(Result.GroupMeans, ElementsAre(1, 0.5, 0, 0));
  EXPECT_EQ(computeAdvantages({}, 2, RewardScaling::Group).Values.size(), 0U);
}

TEST(Advantages, PenaliseLongResponsesSoftly) {
  // DAPO's numbers: a limit of 20480 tokens, the last 4096 of them penalised.
  EXPECT_EQ(softOverlongPenalty(16384, 20480, 4096, 1), 0);
  EXPECT_EQ(softOverlongPenalty(17408, 20480, 4096, 1), -0.25);
  EXPECT_EQ(softOverlongPenalty(20480, 20480, 4096, 1), -1);
  EXPECT_EQ(softOverlongPenalty(30000, 20480, 4096, 0.5), -0.5);
  EXPECT_EQ(softOverlongPenalty(20480, 20480, 0, 1), 0);
}
} // namespace
