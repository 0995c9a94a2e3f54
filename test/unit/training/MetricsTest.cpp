//===- MetricsTest.cpp - the figures of a training step -------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/training/Metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <limits>
#include <set>

using namespace m1;

namespace {
TEST(Metrics, LinesHaveTheTablesOrderAndExactNumbers) {
  Metrics M;
  M.set(Metric::Loss, 0.1);
  M.set(Metric::Step, int64_t(3));
  M.set(Metric::NumTokens, int64_t(1) << 40);
  M.set(Metric::GradNorm, 1e-300);
  EXPECT_EQ(M.jsonLine(), "{\"step\":3,\"loss\":0.1,\"grad_norm\":1e-300,"
                          "\"num_tokens\":1099511627776}");
  EXPECT_EQ(M.get(Metric::Loss), 0.1);
  EXPECT_EQ(M.get(Metric::Reward), std::nullopt);
}

TEST(Metrics, NumbersThatJsonLacksAreNull) {
  Metrics M;
  M.set(Metric::Step, std::nan(""));
  M.set(Metric::Loss, std::nan(""));
  M.set(Metric::GradNorm, std::numeric_limits<double>::infinity());
  EXPECT_EQ(M.jsonLine(), "{\"step\":null,\"loss\":null,\"grad_norm\":null}");
}

TEST(Metrics, RewardsOfEnvironmentsFollowTheReward) {
  Metrics M;
  M.setReward("sort\"\n\xff", 0.25);
  M.set(Metric::Kl, 0.5);
  M.set(Metric::Reward, 0.5);
  const std::string Line = M.jsonLine();
  EXPECT_EQ(Line, "{\"reward\":0.5,\"rewards/sort\\\"\\n\\ufffd/mean\":0.25,"
                  "\"kl\":0.5}");
  EXPECT_TRUE(nlohmann::json::accept(Line));
}

TEST(Metrics, TableHasEachMetricOnce) {
  std::set<std::string_view> Names;
  size_t Index = 0;
  for (const MetricInfo &Info : metricTable()) {
    EXPECT_EQ(static_cast<size_t>(Info.Key), Index++) << Info.Name;
    EXPECT_TRUE(Names.insert(Info.Name).second) << Info.Name;
  }
  EXPECT_EQ(static_cast<size_t>(Metric::TimeStep) + 1, metricTable().size());
  for (const char *Name : {"reward",
                           "reward_std",
                           "frac_reward_zero_std",
                           "completions/mean_length",
                           "completions/clipped_ratio",
                           "entropy",
                           "kl",
                           "cispo_clip_ratio",
                           "clip_ratio/low",
                           "clip_ratio/high",
                           "ratio/min",
                           "ratio/mean",
                           "ratio/max",
                           "sampling_logp_difference/max",
                           "grad_norm",
                           "lr",
                           "aux_loss",
                           "expert_load/max",
                           "num_tokens",
                           "tokens_per_second/rollout",
                           "tokens_per_second/train",
                           "loss",
                           "step"})
    EXPECT_TRUE(Names.contains(Name)) << Name;
}
} // namespace
