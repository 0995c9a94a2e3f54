//===- RandomSchedules.h - requests in any order, compared ------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_TEST_UNIT_ENGINE_RANDOMSCHEDULES_H
#define M1C_TEST_UNIT_ENGINE_RANDOMSCHEDULES_H

#include "runtime/comm/Transport.h"
#include "runtime/engine/Engine.h"

#include <span>
#include <string>
#include <vector>

namespace m1::test {

/// A rank of this process.
struct ScheduleRank {
  Executor *Program;
  Transport *Others;
};

struct ScheduleSettings {
  uint64_t Seed = 1;
  int64_t Count = 100;         ///< of schedules
  int64_t LongestPrompt = 150; ///< but for second turns of conversations
  int64_t LongestResponse = 24;
  int64_t RequestsPerPool = 16;  ///< that are computed alone
  int64_t SchedulesPerPool = 20; ///< that they are used in
  /// If there are any, one of so many schedules runs on these together. Their
  /// plan differs from the others' in its mesh only.
  std::vector<ScheduleRank> Ranks;
  int64_t OneOnRanksOf = 8;
};

struct ScheduleReport {
  int64_t Schedules = 0, Choices = 0, Tokens = 0, Aborted = 0;
  int64_t Preemptions = 0, CacheHits = 0, SecondTurns = 0, Threaded = 0;
  int64_t OnRanks = 0; ///< schedules
  int64_t Masked = 0;  ///< choices computed alone with a mask
  int64_t EndedByMask = 0;
  std::vector<std::string> Failures; ///< one line each
};

/// Computes random requests alone, and then in random schedules: arrivals,
/// bounds on a step's tokens and on running sequences, priorities, aborts,
/// prefix caches of all sizes, pools of blocks that are nearly too small, host
/// memory that is too small, several choices, masks that change from token to
/// token, and, in some schedules, requests from several threads. Slots and
/// blocks are overwritten with NaN when they become free. Compares tokens,
/// log-probabilities to the bit, and ends. Requests alone run on the first
/// program, schedules on any; the programs have the same plan.
absl::StatusOr<ScheduleReport> runSchedules(std::span<Executor *const> Programs,
                                            const ScheduleSettings &Settings);

} // namespace m1::test

#endif // M1C_TEST_UNIT_ENGINE_RANDOMSCHEDULES_H
