//===- SchedulesTest.cpp - requests in random schedules -------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/engine/RandomSchedules.h"
#include "test/unit/engine/ServingPlan.h"

using namespace m1;
using namespace m1::test;

namespace {
ScheduleReport run(plan::PlanT Plan, const ScheduleSettings &Settings) {
  std::unique_ptr<Session> S = open(Plan);
  Executor *Program = S->Program.get();
  ScheduleReport Report = value(runSchedules({&Program, 1}, Settings));
  EXPECT_EQ(Report.Schedules, Settings.Count);
  for (size_t I = 0; I < std::min<size_t>(Report.Failures.size(), 10); ++I)
    ADD_FAILURE() << Report.Failures[I];
  return Report;
}

TEST(Schedules, EqualRequestsAlone) {
  ScheduleSettings Settings;
  Settings.Count = 600;
  const ScheduleReport Report = run(servingPlan(5, 512, 256, 40), Settings);
  EXPECT_GT(Report.Preemptions, 100);
  EXPECT_GT(Report.CacheHits, 100);
  EXPECT_GT(Report.Aborted, 50);
  EXPECT_GT(Report.Threaded, 20);
  EXPECT_GT(Report.Masked, 50);
  EXPECT_GT(Report.EndedByMask, 5);
}

TEST(Schedules, WithoutBlocksAndCopies) {
  // States that the plan does not say how to copy; plain rules.
  ScheduleSettings Settings;
  Settings.Count = 200;
  Settings.LongestPrompt = 60;
  const ScheduleReport Report = run(modelPlan(4, 512, 128), Settings);
  EXPECT_EQ(Report.CacheHits, 0);
}
} // namespace
