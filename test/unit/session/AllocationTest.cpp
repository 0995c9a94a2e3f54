//===- AllocationTest.cpp - memory that calls allocate --------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/TestSupport.h"

#include "runtime/session/LanguageModel.h"

#include <atomic>
#include <cstdlib>
#include <new>

using namespace m1;
using namespace m1::test;

static std::atomic<int64_t> Allocations{0};

// The array and nothrow forms call this one. Not inlined: GCC would see free()
// of memory from operator new.
[[gnu::noinline]] void *operator new(size_t Bytes) {
  Allocations.fetch_add(1, std::memory_order_relaxed);
  if (void *At = std::malloc(Bytes ? Bytes : 1))
    return At;
  std::abort();
}
[[gnu::noinline]] void operator delete(void *At) noexcept { std::free(At); }
[[gnu::noinline]] void operator delete(void *At, size_t) noexcept {
  std::free(At);
}

namespace {
class Allocation : public testing::TestWithParam<unsigned> {};

TEST_P(Allocation, DecodingAllocatesNothing) {
  constexpr int64_t Sequences = 3;
  // The checks of a language model's plan.
  plan::PlanT Plan = modelPlan(4, 16, 64);
  plan::FunctionT &Next = *Plan.functions[0];
  auto check = [&](plan::CheckKind Kind, uint32_t Input) -> plan::CheckT & {
    Next.checks.push_back(std::make_unique<plan::CheckT>());
    Next.checks.back()->kind = Kind;
    Next.checks.back()->input = Input;
    return *Next.checks.back();
  };
  check(plan::CheckKind::Below, 0).limit = ModelVocabulary;
  check(plan::CheckKind::Offsets, 2).total =
      std::make_unique<plan::Expr>(symbol(0));
  check(plan::CheckKind::Consecutive, 1).offsets = 2;
  check(plan::CheckKind::Below, 3).limit = 4;
  check(plan::CheckKind::Unique, 3);
  SessionOptions Options;
  Options.Device.Threads = GetParam();
  std::unique_ptr<Session> S = open(Plan, Options);
  auto Model = value(LanguageModel::create(*S->Program));

  RaggedBatch Given;
  Sampling How;
  std::vector<int32_t> Sampled(Sequences);
  std::vector<float> LogProbs(Sequences);
  std::vector<int64_t> Last(Sequences, 1);
  auto decode = [&](int64_t Position) {
    Given.clear();
    How.clear();
    for (int64_t I = 0; I < Sequences; ++I) {
      Given.add(I, Position, std::span(&Last[I], 1));
      How.add(0, 1, 0, 0, Position + 1);
    }
    absl::Status Status = Model->next(Given, How, Sampled, LogProbs);
    if (Status.ok())
      std::copy(Sampled.begin(), Sampled.end(), Last.begin());
    return Status.ok();
  };
  // The first step allocates what later ones reuse.
  int64_t Before = Allocations;
  ASSERT_TRUE(decode(0));
  EXPECT_GT(Allocations, Before); // so it is counted
  Before = Allocations;
  bool Ok = true;
  for (int64_t Position = 1; Position < 20; ++Position)
    Ok &= decode(Position);
  EXPECT_EQ(Allocations, Before);
  EXPECT_TRUE(Ok);
}
INSTANTIATE_TEST_SUITE_P(Executor, Allocation, testing::Values(1u, 2u));
} // namespace
