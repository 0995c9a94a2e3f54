//===- Advantages.h - rewards of groups to advantages -----------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_TRAINING_ADVANTAGES_H
#define M1C_RUNTIME_TRAINING_ADVANTAGES_H

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace m1 {

/// What the difference between a reward and its group's mean is divided by.
enum class RewardScaling : uint8_t {
  Group, ///< the sample deviation (n - 1) of the group
  Batch, ///< the sample deviation of all rewards of the batch
  None   ///< nothing
};

/// Added to the deviation.
inline constexpr double AdvantageEpsilon = 1e-6;

/// Rewards of larger magnitude, whose squares could overflow, count as missing.
inline constexpr double MaxReward = 1e100;

struct Advantages {
  /// One for each reward; 0 where the reward is missing.
  std::vector<double> Values;
  /// Whether the reward was a number; if not, the response must be masked.
  std::vector<bool> Valid;
  /// Means and deviations over the valid rewards of each group. The deviation
  /// of fewer than two rewards is 0, the mean of none NaN.
  std::vector<double> GroupMeans, GroupDeviations;
  /// Groups whose valid rewards are all equal, or of which fewer than two are
  /// valid: they carry no gradient.
  std::vector<bool> GroupsWithoutSignal;
  /// Over all valid rewards; NaN if there are none.
  double Mean = 0;
  /// Over all valid rewards; 0 for fewer than two.
  double Deviation = 0;
  /// The share of groups without signal.
  double ShareWithoutSignal = 0;
};

/// The advantages of responses in groups of `GroupSize` consecutive ones that
/// answer the same prompt: (reward - mean of the group) / (deviation + 1e-6).
///
/// A reward that is NaN, infinite or larger than MaxReward is missing: the
/// others of its group are treated as a group of their own. Equal rewards give
/// exactly 0. `Rewards` has a multiple of `GroupSize` elements.
Advantages computeAdvantages(std::span<const double> Rewards, size_t GroupSize,
                             RewardScaling Scaling);

/// DAPO's soft penalty for long responses, to be added to the reward: 0 up to
/// Limit - Buffer tokens, then falling linearly to -Factor at Limit tokens. A
/// `Buffer` of 0 means no penalty.
double softOverlongPenalty(int64_t Length, int64_t Limit, int64_t Buffer,
                           double Factor);

} // namespace m1

#endif // M1C_RUNTIME_TRAINING_ADVANTAGES_H
