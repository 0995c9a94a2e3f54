//===- ParametersTest.cpp - values of parameters --------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/TestSupport.h"

#include <cmath>

using namespace m1;
using namespace m1::test;
using plan::DType;

namespace {
TEST(Parameters, RandomValuesAreNormal) {
  plan::PlanT PlanT;
  addParameter(PlanT, "a", DType::F32, {100, 101});
  addParameter(PlanT, "b", DType::BF16, {100, 101});
  std::unique_ptr<LoadedPlan> Plan =
      value(LoadedPlan::fromBytes(serialize(PlanT), "p"));
  auto Source = value(randomParameters(*Plan, 42));
  std::span<const std::byte> A = value(Source->get(0));
  std::span<const std::byte> B = value(Source->get(1));
  ASSERT_EQ(A.size(), 4u * 10100);
  ASSERT_EQ(B.size(), 2u * 10100);
  const auto *F32 = reinterpret_cast<const float *>(A.data());
  const auto *BF16 = reinterpret_cast<const uint16_t *>(B.data());
  double Sum = 0, Squares = 0, Product = 0;
  for (int I = 0; I < 10100; ++I) {
    Sum += F32[I];
    Squares += F32[I] * F32[I];
    Product += F32[I] * floatFromBF16(BF16[I]);
  }
  EXPECT_NEAR(Sum / 10100, 0, 5 * 0.02 / 100);
  EXPECT_NEAR(std::sqrt(Squares / 10100), 0.02, 0.02 * 0.05);
  EXPECT_NEAR(Product / Squares, 0, 0.05); // parameters are independent
}

TEST(Parameters, RandomValuesDoNotDependOnThreads) {
  // The second tensor is large enough for several threads; with the same seed
  // and name it must begin with the same values.
  auto first = [](int64_t Rows) {
    plan::PlanT PlanT;
    addParameter(PlanT, "a", DType::F32, {Rows, 1001});
    std::unique_ptr<LoadedPlan> Plan =
        value(LoadedPlan::fromBytes(serialize(PlanT), "p"));
    auto Source = value(randomParameters(*Plan, 9));
    std::span<const std::byte> Bytes = value(Source->get(0));
    const auto *Values = reinterpret_cast<const float *>(Bytes.data());
    return std::vector<float>(Values, Values + Rows * 1001);
  };
  std::vector<float> Small = first(900), Large = first(5000);
  EXPECT_TRUE(std::equal(Small.begin(), Small.end(), Large.begin()));
  double Squares = 0;
  for (size_t I = Large.size() - 100000; I < Large.size(); ++I)
    Squares += Large[I] * Large[I];
  EXPECT_NEAR(std::sqrt(Squares / 100000), 0.02, 0.0005);
}
} // namespace
