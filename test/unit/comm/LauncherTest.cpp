//===- LauncherTest.cpp - how a process was started -----------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/comm/Launcher.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>

using namespace m1;

namespace {
/// "rank 1 of 4, 1 of 2 here", "none", or the error.
std::string launched(const std::map<std::string, std::string> &Variables) {
  for (const auto &[Name, Value] : Variables)
    ::setenv(Name.c_str(), Value.c_str(), 1);
  auto Found = launchedRank();
  for (const auto &[Name, Value] : Variables)
    ::unsetenv(Name.c_str());
  if (!Found.ok())
    return std::string(Found.status().message());
  if (!*Found)
    return "none";
  const LaunchedRank &Own = **Found;
  return concat("rank ", Own.Rank, " of ", Own.Size, ", ", Own.LocalRank,
                " of ", Own.LocalSize, " here");
}

TEST(Launcher, ReadsTheEnvironment) {
  EXPECT_EQ(launched({}), "none");
  EXPECT_EQ(launched({{"OMPI_COMM_WORLD_SIZE", "4"},
                      {"OMPI_COMM_WORLD_RANK", "3"},
                      {"OMPI_COMM_WORLD_LOCAL_SIZE", "2"},
                      {"OMPI_COMM_WORLD_LOCAL_RANK", "1"},
                      {"PMIX_RANK", "3"}}),
            "rank 3 of 4, 1 of 2 here");
  EXPECT_EQ(launched({{"PMI_SIZE", "2"}, {"PMI_RANK", "1"}}),
            "rank 1 of 2, 1 of 2 here");
  EXPECT_EQ(launched({{"SLURM_STEP_NUM_TASKS", "8"},
                      {"PMIX_RANK", "5"},
                      {"SLURM_STEP_TASKS_PER_NODE", "4(x2)"},
                      {"SLURM_LOCALID", "1"}}),
            "rank 5 of 8, 1 of 4 here");
  // A batch script's shell.
  EXPECT_EQ(launched({{"SLURM_STEP_NUM_TASKS", "8"}}), "none");
  EXPECT_EQ(
      launched({{"OMPI_COMM_WORLD_SIZE", "1"}, {"OMPI_COMM_WORLD_RANK", "0"}}),
      "none");
  EXPECT_EQ(
      launched({{"OMPI_COMM_WORLD_SIZE", "x"}, {"OMPI_COMM_WORLD_RANK", "0"}}),
      "none");
  EXPECT_EQ(launched({{"PMI_SIZE", "2"}, {"PMI_RANK", "2"}}),
            "the environment says that this is rank 2 (PMI_RANK) of 2 "
            "(PMI_SIZE)");
}
} // namespace
