//===- LossesTest.cpp - bounds, weights and values of losses --------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/training/Losses.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

using namespace m1;
using testing::Each;
using testing::ElementsAre;

namespace {
/// One token, whose old log-probability gives it the ratio.
struct Token {
  double Ratio, Advantage, LogProb;
  float Weight = 1;
};

void addTo(LossTotals &Totals, const std::vector<Token> &Tokens,
           const LossSettings &Settings) {
  TrainingBatch Batch;
  TokenResults Results;
  for (const Token &T : Tokens) {
    Batch.Tokens.push_back(0);
    Batch.OldLogProbs.push_back(
        static_cast<float>(T.LogProb - std::log(T.Ratio)));
    Batch.Advantages.push_back(static_cast<float>(T.Advantage));
    Batch.Weights.push_back(T.Weight);
    Results.LogProbs.push_back(static_cast<float>(T.LogProb));
    Results.Entropy.push_back(0.5F);
  }
  Totals.add(Batch, Results, Settings);
}

LossTotals totalsOf(const std::vector<Token> &Tokens,
                    const LossSettings &Settings) {
  LossTotals Totals;
  addTo(Totals, Tokens, Settings);
  return Totals;
}

/// The derivative of the loss in the log-probability, as Policy.h defines it.
float derivative(float Difference, float Advantage, float Weight,
                 const LossBounds &Bounds) {
  const float Ratio = std::exp(Difference);
  if ((Advantage > 0 && Ratio > Bounds.MaskAbove) ||
      (Advantage < 0 && Ratio < Bounds.MaskBelow))
    return 0;
  return -Weight * Advantage *
         std::clamp(Ratio, Bounds.RatioMin, Bounds.RatioMax);
}

LossSettings ppoSettings() {
  LossSettings Settings;
  Settings.Type = LossType::Grpo;
  Settings.RatioMin = 0.8;
  Settings.RatioMax = 1.2;
  return Settings;
}

LossSettings normalizedBy(LossNormalization Normalization) {
  LossSettings Settings;
  Settings.Normalization = Normalization;
  return Settings;
}

ResponseInfo responseOf(int64_t Tokens, bool Truncated = false) {
  ResponseInfo Response;
  Response.Tokens = Tokens;
  Response.Truncated = Truncated;
  return Response;
}

TEST(Losses, CispoClipsTheRatioAndKeepsTheGradient) {
  const LossSettings Settings;
  const LossBounds Bounds = boundsOf(Settings);
  EXPECT_FLOAT_EQ(derivative(std::log(9.0F), 0.5F, 1, Bounds), -2.5F);
  EXPECT_FLOAT_EQ(derivative(std::log(9.0F), -0.5F, 1, Bounds), 2.5F);
  EXPECT_FLOAT_EQ(derivative(std::log(0.01F), -0.5F, 1, Bounds), 0.005F);
  // Ratios that overflow, and that vanish.
  EXPECT_EQ(derivative(200, 1, 1, Bounds), -5);
  EXPECT_EQ(derivative(-200, 1, 1, Bounds), 0);
  EXPECT_NEAR(totalsOf({{1.5, 1, -2}}, Settings).Loss, 3, 1e-6);
  EXPECT_NEAR(totalsOf({{9, 1, -2}}, Settings).Loss, 10, 1e-6);
}

TEST(Losses, PpoTakesTheSmallerProduct) {
  const LossSettings Settings = ppoSettings();
  EXPECT_NEAR(totalsOf({{1.5, 1, -2}}, Settings).Loss, -1.2, 1e-6);
  EXPECT_NEAR(totalsOf({{1.5, -1, -2}}, Settings).Loss, 1.5, 1e-6);
  EXPECT_NEAR(totalsOf({{0.5, 1, -2}}, Settings).Loss, -0.5, 1e-6);
  EXPECT_NEAR(totalsOf({{0.5, -1, -2}}, Settings).Loss, 0.8, 1e-6);
}

TEST(Losses, BoundsGiveTheDerivativeOfTheValue) {
  // The central difference of the value in the log-probability, where it has a
  // derivative. CISPO's clipped ratio is a constant of it.
  const LossSettings Settings = ppoSettings();
  const LossBounds Bounds = boundsOf(Settings);
  for (double Advantage : {1.0, -1.0})
    for (double Ratio : {0.3, 0.79, 0.81, 1.0, 1.19, 1.21, 4.0, 80.0}) {
      const double Step = 1e-4;
      auto ValueAt = [&](double Difference) {
        const double R = std::exp(Difference);
        return -std::min(R * Advantage, std::clamp(R, 0.8, 1.2) * Advantage);
      };
      const double Difference = std::log(Ratio);
      EXPECT_NEAR(derivative(static_cast<float>(Difference),
                             static_cast<float>(Advantage), 1, Bounds),
                  (ValueAt(Difference + Step) - ValueAt(Difference - Step)) /
                      (2 * Step),
                  Ratio * 1e-5)
          << Ratio << ' ' << Advantage;
      // And this is the value that is reported.
      EXPECT_NEAR(totalsOf({{Ratio, Advantage, -2}}, Settings).Loss,
                  ValueAt(Difference), Ratio * 1e-5);
    }
}

TEST(Losses, UnifiedFormMasks) {
  LossSettings Settings;
  Settings.MaskBelow = 0.8;
  Settings.MaskAbove = 1.2;
  const LossBounds Bounds = boundsOf(Settings);
  EXPECT_EQ(derivative(std::log(1.3F), 1, 1, Bounds), 0);
  EXPECT_FLOAT_EQ(derivative(std::log(1.3F), -1, 1, Bounds), 1.3F);
  EXPECT_EQ(derivative(std::log(0.7F), -1, 1, Bounds), 0);
  EXPECT_FLOAT_EQ(derivative(std::log(0.7F), 1, 1, Bounds), -0.7F);
  LossTotals Totals = totalsOf(
      {{1.3, 1, -2}, {1.3, -1, -2}, {0.7, -1, -2}, {0.7, 1, -2}}, Settings);
  EXPECT_EQ(Totals.Masked, 2);
  EXPECT_NEAR(Totals.Loss, -1.3 * 2 + 0.7 * 2, 1e-6);
  // One side alone.
  Settings.MaskBelow.reset();
  EXPECT_FLOAT_EQ(derivative(std::log(0.7F), -1, 1, boundsOf(Settings)), 0.7F);
}

TEST(Losses, CrossEntropyIgnoresTheRatio) {
  LossSettings Settings;
  Settings.Type = LossType::CrossEntropy;
  const LossBounds Bounds = boundsOf(Settings);
  for (float Difference : {-300.0F, -2.0F, 0.0F, 300.0F})
    EXPECT_EQ(derivative(Difference, 1, 0.25F, Bounds), -0.25F);
  LossTotals Totals =
      totalsOf({{1, 1, -2, 0.25F}, {7, 1, -4, 0.25F}}, Settings);
  EXPECT_DOUBLE_EQ(Totals.Loss, 1.5);
  EXPECT_DOUBLE_EQ(Totals.NegativeLogProbSum, 6);
}

TEST(Losses, TokenWeightsAreShares) {
  // Responses of one and three tokens, all in one update.
  std::vector<ResponseInfo> Responses = {responseOf(1), responseOf(3)};
  EXPECT_THAT(tokenWeights(Responses, normalizedBy(LossNormalization::Token)),
              ElementsAre(ElementsAre(0.25F), Each(0.25F)));
  EXPECT_THAT(
      tokenWeights(Responses, normalizedBy(LossNormalization::Sequence)),
      ElementsAre(ElementsAre(0.5F), Each(static_cast<float>(1.0 / 6))));
  EXPECT_THAT(
      tokenWeights(Responses, normalizedBy(LossNormalization::SampleThenToken)),
      ElementsAre(ElementsAre(0.375F), Each(static_cast<float>(5.0 / 24))));
  LossSettings Constant = normalizedBy(LossNormalization::Constant);
  Constant.Constant = 8;
  EXPECT_THAT(tokenWeights(Responses, Constant),
              ElementsAre(ElementsAre(0.0625F), Each(0.0625F)));
}

TEST(Losses, MaskedTokensTakeNoShare) {
  // 10 + 10 tokens of which 10 are masked, in two ways.
  ResponseInfo Half = responseOf(20);
  Half.Counts.assign(20, true);
  std::fill(Half.Counts.begin(), Half.Counts.begin() + 10, false);
  const LossSettings ByToken = normalizedBy(LossNormalization::Token);
  std::vector<float> Weights = tokenWeights(std::vector{Half}, ByToken)[0];
  EXPECT_THAT(std::span(Weights).first(10), Each(0.0F));
  EXPECT_THAT(std::span(Weights).last(10), Each(0.1F));

  std::vector<ResponseInfo> Responses = {responseOf(10), responseOf(10, true)};
  EXPECT_THAT(tokenWeights(Responses, ByToken),
              ElementsAre(Each(0.05F), Each(0.05F)));
  for (LossNormalization Normalization :
       {LossNormalization::Token, LossNormalization::Sequence,
        LossNormalization::SampleThenToken}) {
    LossSettings Settings = normalizedBy(Normalization);
    Settings.MaskTruncated = true;
    EXPECT_THAT(tokenWeights(Responses, Settings),
                ElementsAre(Each(0.1F), Each(0.0F)));
  }
  Responses[1].Truncated = false;
  Responses[1].Masked = true;
  EXPECT_THAT(tokenWeights(Responses, ByToken),
              ElementsAre(Each(0.1F), Each(0.0F)));
}

TEST(Losses, NothingButMaskedTokensGivesZeros) {
  ResponseInfo Masked = responseOf(3);
  Masked.Masked = true;
  for (LossNormalization Normalization :
       {LossNormalization::Token, LossNormalization::Sequence,
        LossNormalization::SampleThenToken, LossNormalization::Constant}) {
    std::vector<ResponseInfo> Responses = {Masked, responseOf(0)};
    EXPECT_THAT(tokenWeights(Responses, normalizedBy(Normalization)),
                ElementsAre(ElementsAre(0, 0, 0), ElementsAre()));
  }
  const double NaN = std::nan("");
  LossTotals Totals = totalsOf({{NaN, NaN, NaN, 0}}, LossSettings());
  EXPECT_EQ(Totals.Loss, 0);
  EXPECT_EQ(Totals.Tokens, 0);
  EXPECT_EQ(Totals.KlSum, 0);
}

TEST(Losses, WeightsOfEachNormalizationSumToOne) {
  std::vector<ResponseInfo> Responses = {responseOf(7), responseOf(0),
                                         responseOf(130, true), responseOf(1)};
  for (LossNormalization Normalization :
       {LossNormalization::Token, LossNormalization::Sequence,
        LossNormalization::SampleThenToken}) {
    double Sum = 0;
    for (const std::vector<float> &Weights :
         tokenWeights(Responses, normalizedBy(Normalization)))
      Sum = std::accumulate(Weights.begin(), Weights.end(), Sum);
    EXPECT_NEAR(Sum, 1, 1e-6);
  }
}

TEST(Losses, TotalsAreTheSameForAnyMicroBatches) {
  const LossSettings Settings;
  const std::vector<Token> Tokens = {
      {1.5, 1, -2, 0.25F}, {0.1, -1, -0.5, 0.25F}, {7, 1, -3, 0.5F}};
  const LossTotals Whole = totalsOf(Tokens, Settings);
  LossTotals Parts;
  for (const Token &T : Tokens)
    addTo(Parts, {T}, Settings);
  EXPECT_EQ(Whole.Loss, Parts.Loss);
  EXPECT_EQ(Whole.KlSum, Parts.KlSum);
  EXPECT_EQ(Whole.RatioSum, Parts.RatioSum);
}

TEST(Losses, FiguresOfTheRatios) {
  const LossSettings Settings = ppoSettings();
  LossTotals Totals = totalsOf(
      {{1, 1, -1}, {1.5, 1, -1}, {1.5, -1, -1}, {0.5, -1, -1}}, Settings);
  EXPECT_EQ(Totals.Tokens, 4);
  EXPECT_NEAR(Totals.RatioSum, 4.5, 1e-6);
  EXPECT_NEAR(Totals.RatioMin, 0.5, 1e-6);
  EXPECT_NEAR(Totals.RatioMax, 1.5, 1e-6);
  EXPECT_EQ(Totals.RatioClipped, 3);
  EXPECT_EQ(Totals.ClippedHigh, 1);
  EXPECT_EQ(Totals.ClippedLow, 1);
  EXPECT_NEAR(Totals.DifferenceMax, std::log(2.0), 1e-6);
  EXPECT_NEAR(Totals.KlSum, 2 * (0.5 - std::log(1.5)) + (-0.5 + std::log(2.0)),
              1e-6);
  EXPECT_DOUBLE_EQ(Totals.EntropySum, 2);
}
} // namespace
