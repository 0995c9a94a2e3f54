//===- SampleTest.cpp - drawing tokens --------------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/runtime/TestSupport.h"

#include "runtime/device/cpu/Sample.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <random>

using namespace m1;
using namespace m1::test;

namespace {
/// Philox4x32-10 written out from the paper (Salmon et al., SC 2011), apart
/// from the library that the sampler uses.
uint32_t philox(uint64_t Position, uint64_t Seed) {
  uint32_t C[4] = {uint32_t(Position), uint32_t(Position >> 32), 0, 0};
  uint32_t K[2] = {uint32_t(Seed), uint32_t(Seed >> 32)};
  for (int Round = 0; Round < 10; ++Round) {
    uint64_t P0 = uint64_t(0xD2511F53) * C[0], P1 = uint64_t(0xCD9E8D57) * C[2];
    uint32_t Next[4] = {uint32_t(P1 >> 32) ^ C[1] ^ K[0], uint32_t(P1),
                        uint32_t(P0 >> 32) ^ C[3] ^ K[1], uint32_t(P0)};
    std::copy(Next, Next + 4, C);
    K[0] += 0x9E3779B9;
    K[1] += 0xBB67AE85;
  }
  return C[0];
}

/// The definition, with a full sort.
int32_t reference(const std::vector<float> &Logits, float Temperature,
                  float TopP, int32_t TopK, int64_t Seed, int32_t Position) {
  std::vector<int32_t> Order(Logits.size());
  std::iota(Order.begin(), Order.end(), 0);
  std::sort(Order.begin(), Order.end(), [&](int32_t A, int32_t B) {
    return Logits[A] != Logits[B] ? Logits[A] > Logits[B] : A < B;
  });
  if (Temperature == 0)
    return Order[0];
  std::vector<long double> P;
  long double Sum = 0;
  for (int32_t Token : Order) {
    P.push_back(std::exp(((long double)Logits[Token] - Logits[Order[0]]) /
                         Temperature));
    Sum += P.back();
  }
  for (long double &Value : P)
    Value /= Sum;
  size_t Kept = TopK ? std::min<size_t>(TopK, P.size()) : P.size();
  long double Left = 0, KeptSum = 0; // top_p is a share of what top_k leaves
  for (size_t I = 0; I < Kept; ++I)
    Left += P[I];
  for (size_t I = 0; I < Kept; ++I) {
    KeptSum += P[I];
    if (TopP < 1 && KeptSum >= TopP * Left)
      Kept = I + 1;
  }
  long double U = philox(Position, Seed) * 0x1p-32L, Running = 0;
  for (size_t I = 0; I < Kept; ++I)
    if ((Running += P[I] / KeptSum) > U)
      return Order[I];
  return Order[Kept - 1];
}

TEST(Sample, PhiloxKnownAnswer) {
  // From the known-answer file of Random123: all zeros.
  EXPECT_EQ(philox(0, 0), 0x6627e8d5u);
}

TEST(Sample, AgreesWithTheDefinition) {
  std::mt19937 Random(1);
  std::normal_distribution<float> Normal(0, 3);
  std::vector<float> Logits(200);
  int Different = 0;
  for (int Round = 0; Round < 2000; ++Round) {
    for (float &Logit : Logits)
      Logit = Normal(Random);
    if (Round % 3 == 0) // ties
      for (float &Logit : Logits)
        Logit = std::round(Logit);
    float Temperature = std::vector<float>{0, 0.5f, 1, 2}[Round % 4];
    float TopP = std::vector<float>{1, 0.9f, 0.3f, 0.01f, 1}[Round % 5];
    int32_t TopK = std::vector<int32_t>{0, 1, 7, 300, 0, 40, 0}[Round % 7];
    int64_t Seed = Round * 0x123456789ll - 5;
    int32_t Drawn =
        value(cpu::sampleToken(Logits, Temperature, TopP, TopK, Seed, Round));
    ASSERT_EQ(Drawn, reference(Logits, Temperature, TopP, TopK, Seed, Round))
        << "round " << Round;
    Different += Drawn != std::max_element(Logits.begin(), Logits.end()) -
                              Logits.begin();
  }
  EXPECT_GT(Different, 500); // the test is not about greedy draws only
}

TEST(Sample, TopPIsAShareOfWhatTopKLeaves) {
  // Of 0.4, 0.3, 0.2, 0.1 top_k leaves 4/7 and 3/7. A top_p of 0.5 is reached
  // by the first of these, though not by 0.4 alone.
  std::vector<float> Logits = {std::log(0.4f), std::log(0.3f), std::log(0.2f),
                               std::log(0.1f)};
  std::map<int32_t, int> WithTopK, Without;
  for (int I = 0; I < 300; ++I) {
    ++WithTopK[value(cpu::sampleToken(Logits, 1, 0.5f, 2, 7, I))];
    ++Without[value(cpu::sampleToken(Logits, 1, 0.5f, 0, 7, I))];
  }
  EXPECT_EQ(WithTopK.size(), 1u);
  EXPECT_EQ(Without.size(), 2u);
}

TEST(Sample, FrequenciesFollowTheProbabilities) {
  std::vector<float> Logits = {std::log(0.5f), std::log(0.3f), std::log(0.2f)};
  std::map<int32_t, int> Counts;
  constexpr int Draws = 20000;
  for (int I = 0; I < Draws; ++I)
    ++Counts[value(cpu::sampleToken(Logits, 1, 1, 0, 7, I))];
  // Five standard deviations of a binomial count are at most 5 * 71.
  EXPECT_NEAR(Counts[0], 0.5 * Draws, 360);
  EXPECT_NEAR(Counts[1], 0.3 * Draws, 330);
  EXPECT_NEAR(Counts[2], 0.2 * Draws, 290);
}

TEST(Sample, GreedyTakesTheFirstOfEqual) {
  EXPECT_EQ(
      value(cpu::sampleToken(std::vector<float>{1, 5, 5, 2}, 0, 1, 0, 0, 0)),
      1);
}

TEST(Sample, MaskedTokensAreNeverDrawn) {
  std::vector<float> Logits(50, -INFINITY);
  Logits[17] = 0;
  for (int I = 0; I < 100; ++I)
    EXPECT_EQ(value(cpu::sampleToken(Logits, 1, 1, 0, 3, I)), 17);
}

TEST(Sample, NotANumberIsAnError) {
  std::vector<float> Logits = {0, NAN, 1};
  EXPECT_NE(message(cpu::sampleToken(Logits, 0, 1, 0, 0, 0).status())
                .find("the logit of token 1 is not a number"),
            std::string::npos);
}
} // namespace
