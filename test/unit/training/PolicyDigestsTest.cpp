//===- PolicyDigestsTest.cpp - the bits of a model in training ------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/training/PolicyDigests.h"

#include "test/unit/TestSupport.h"
#include "test/unit/training/MemoryPolicy.h"

#include <gtest/gtest.h>

#include <atomic>

using namespace m1;
using namespace m1::test;

namespace {
/// Shows its tensors in place, to threads.
class OpenPolicy : public MemoryPolicy {
public:
  using MemoryPolicy::MemoryPolicy;
  absl::StatusOr<std::span<const float>>
  inPlace(size_t Tensor, OptimizerTensor Kind) override {
    ++Views;
    return std::span<const float>(values(Kind, Tensor));
  }
  absl::Status read(size_t, OptimizerTensor, std::span<float>) override {
    return makeError("nothing has to be read");
  }
  unsigned threads() const override { return 2; }
  std::atomic<int> Views{0};
};

std::vector<TrainedTensor> twoTensors() {
  return {{"norm", ElementType::F32, {3}}, {"head", ElementType::BF16, {2, 2}}};
}

template <typename PolicyT> void fill(PolicyT &Model) {
  Model.values(OptimizerTensor::Master, 0) = {1, 2, -0.0F};
  Model.values(OptimizerTensor::First, 0) = {0.5F, 0, 3};
  Model.values(OptimizerTensor::Second, 0) = {4, 0.25F, 8};
  Model.values(OptimizerTensor::Master, 1) = {1.5F, -2, 3, 1e-3F};
  Model.values(OptimizerTensor::First, 1) = {0, 0, 0, 1};
  Model.values(OptimizerTensor::Second, 1) = {2, 2, 2, 2};
}

// Digests of existing runs must stay what they are: XXH3 of the names, types,
// shapes and values of all tensors, by Python's xxhash.
TEST(PolicyDigests, AreThoseOfEarlierRuns) {
  MemoryPolicy Model(twoTensors());
  fill(Model);
  const PolicyDigests Found = value(digestsOf(Model));
  EXPECT_EQ(format(Found.Weights), "7ad5aeb034e50dcb45aa0d93e374f0c5");
  EXPECT_EQ(format(Found.Optimizer), "900a4a303806c27677ffe8e2a3b9c87f");
}

TEST(PolicyDigests, AreTheSameInPlaceOnThreads) {
  OpenPolicy Open(twoTensors());
  MemoryPolicy Model(twoTensors());
  fill(Open);
  fill(Model);
  EXPECT_EQ(value(digestsOf(Open)), value(digestsOf(Model)));
  EXPECT_GT(Open.Views, 0);
  Open.values(OptimizerTensor::Second, 1)[3] = 1;
  const PolicyDigests Before = value(digestsOf(Model));
  const PolicyDigests Changed = value(digestsOf(Open));
  EXPECT_EQ(Changed.Weights, Before.Weights);
  EXPECT_NE(Changed.Optimizer, Before.Optimizer);
}
} // namespace
