//===- BalanceTest.cpp - the auxiliary loss of routers --------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/training/Balance.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

using namespace m1;
using testing::Each;
using testing::ElementsAre;

namespace {
std::vector<double> softmax(const std::vector<double> &Logits) {
  std::vector<double> Result;
  double Sum = 0;
  for (double Logit : Logits)
    Sum += std::exp(Logit);
  for (double Logit : Logits)
    Result.push_back(std::exp(Logit) / Sum);
  return Result;
}

/// What the routers of a policy add up: for each token, the coefficients times
/// the probabilities, summed over layers. `Logits` is [layers][tokens][E].
std::vector<float>
tokenPartsOf(const std::vector<std::vector<std::vector<double>>> &Logits,
             std::span<const float> Coefficients) {
  std::vector<float> Parts(Logits[0].size());
  for (const auto &Layer : Logits)
    for (size_t T = 0; T < Layer.size(); ++T) {
      std::vector<double> P = softmax(Layer[T]);
      Parts[T] += static_cast<float>(
          std::inner_product(P.begin(), P.end(), Coefficients.begin(), 0.0));
    }
  return Parts;
}

TEST(Balance, PoolsLayersBeforeItMultiplies) {
  // Two experts, K = 1: the first layer sends all 3 tokens to one, the second
  // to the other. Each layer alone would give 2.
  const std::vector<int64_t> Counts = {3, 0, 0, 3};
  std::vector<float> Coefficients = balanceCoefficients(Counts, 2, 3, 1);
  const std::vector<double> First = {50, -50}, Second = {-50, 50};
  EXPECT_NEAR(
      balanceLoss(tokenPartsOf({std::vector(3, First), std::vector(3, Second)},
                               Coefficients)),
      1.0, 1e-6);
  EXPECT_NEAR(balanceLoss(tokenPartsOf(
                  {std::vector(3, First)},
                  balanceCoefficients(std::span(Counts).first(2), 2, 3, 1))),
              2.0, 1e-6);
}

TEST(Balance, SumsSharesOverTheChoices) {
  // One token that chooses experts 0 and 1 of 4: as load_balancing_loss_func of
  // transformers, whose shares are summed over the choices.
  const std::vector<int64_t> Counts = {1, 1, 0, 0};
  std::vector<float> Coefficients = balanceCoefficients(Counts, 4, 1, 1);
  EXPECT_THAT(Coefficients, ElementsAre(4, 4, 0, 0));
  EXPECT_NEAR(balanceLoss(tokenPartsOf({{{2, 1, 0, -1}}}, Coefficients)),
              3.5232, 5e-5);
}

TEST(Balance, CoefficientsHaveTheFactorAlpha) {
  // f = [4, 2, 0] / 4 over 2 tokens and 2 layers: 0.01 * 3 * f / 4.
  const std::vector<int64_t> Counts = {2, 1, 0, 2, 1, 0};
  std::vector<float> Coefficients = balanceCoefficients(Counts, 3, 2, 0.01);
  EXPECT_THAT(Coefficients, ElementsAre(0.0075F, 0.00375F, 0));
  EXPECT_THAT(balanceCoefficients(Counts, 3, 2, 0), Each(0.0F));
  EXPECT_THAT(balanceCoefficients(std::vector<int64_t>(6), 3, 0, 0.01),
              Each(0.0F));
  EXPECT_THAT(balanceCoefficients({}, 3, 2, 0.01), Each(0.0F));
}

TEST(Balance, LoadIsRelativeToTheLayersMean) {
  const std::vector<int64_t> Counts = {4, 0, 0, 0, 1, 1, 2, 0};
  ExpertLoad Load = expertLoadOf(Counts, 4);
  EXPECT_DOUBLE_EQ(Load.Max, 4);
  EXPECT_DOUBLE_EQ(Load.Unused, 0.5);
  EXPECT_DOUBLE_EQ(expertLoadOf(std::span(Counts).last(4), 4).Max, 2);
  EXPECT_EQ(expertLoadOf(std::vector<int64_t>(4), 4).Max, 0);
  EXPECT_EQ(expertLoadOf({}, 4).Max, 0);
}
} // namespace
