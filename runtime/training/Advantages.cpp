//===- Advantages.cpp - rewards of groups to advantages -------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/training/Advantages.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>

using namespace m1;

namespace {
struct Statistics {
  double Mean = std::numeric_limits<double>::quiet_NaN();
  double Deviation = 0;
  bool Equal = true; ///< all values, or there are fewer than two
};

Statistics statisticsOf(std::span<const double> Values) {
  Statistics Result;
  if (Values.empty())
    return Result;
  Result.Equal = std::ranges::all_of(
      Values, [&](double Value) { return Value == Values[0]; });
  if (Result.Equal) {
    // The rounded mean of equal values can differ from them.
    Result.Mean = Values[0];
    return Result;
  }
  double Sum = 0, Squares = 0;
  const auto Count = static_cast<double>(Values.size());
  for (double Value : Values)
    Sum += Value;
  Result.Mean = Sum / Count;
  for (double Value : Values)
    Squares += (Value - Result.Mean) * (Value - Result.Mean);
  Result.Deviation = std::sqrt(Squares / (Count - 1));
  return Result;
}

std::vector<double> validOf(std::span<const double> Rewards) {
  std::vector<double> Result;
  for (double Reward : Rewards)
    if (std::abs(Reward) <= MaxReward) // false for NaN
      Result.push_back(Reward);
  return Result;
}
} // namespace

Advantages m1::computeAdvantages(std::span<const double> Rewards,
                                 size_t GroupSize, RewardScaling Scaling) {
  assert(GroupSize > 0 && Rewards.size() % GroupSize == 0);
  Advantages Result;
  const Statistics Batch = statisticsOf(validOf(Rewards));
  Result.Mean = Batch.Mean;
  Result.Deviation = Batch.Deviation;
  size_t WithoutSignal = 0;
  for (size_t Begin = 0; Begin < Rewards.size(); Begin += GroupSize) {
    std::span<const double> Group = Rewards.subspan(Begin, GroupSize);
    const Statistics Own = statisticsOf(validOf(Group));
    double Divisor = 1;
    if (Scaling == RewardScaling::Group)
      Divisor = Own.Deviation + AdvantageEpsilon;
    else if (Scaling == RewardScaling::Batch)
      Divisor = Batch.Deviation + AdvantageEpsilon;
    for (double Reward : Group) {
      const bool Valid = std::abs(Reward) <= MaxReward;
      Result.Valid.push_back(Valid);
      Result.Values.push_back(
          Valid && !Own.Equal ? (Reward - Own.Mean) / Divisor : 0);
    }
    Result.GroupMeans.push_back(Own.Mean);
    Result.GroupDeviations.push_back(Own.Deviation);
    Result.GroupsWithoutSignal.push_back(Own.Equal);
    WithoutSignal += Own.Equal ? 1 : 0;
  }
  if (!Result.GroupMeans.empty())
    Result.ShareWithoutSignal = static_cast<double>(WithoutSignal) /
                                static_cast<double>(Result.GroupMeans.size());
  return Result;
}

double m1::softOverlongPenalty(int64_t Length, int64_t Limit, int64_t Buffer,
                               double Factor) {
  if (Buffer <= 0 || Length <= Limit - Buffer)
    return 0;
  const int64_t Excess = std::min(Length - (Limit - Buffer), Buffer);
  return -Factor * static_cast<double>(Excess) / static_cast<double>(Buffer);
}
