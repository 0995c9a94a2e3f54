//===- ThreadPoolTest.cpp - parallel loops --------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/support/ThreadPool.h"
#include "test/unit/Sanitizers.h"
#include "test/unit/TestSupport.h"

#include <pthread.h>

#include <chrono>

using namespace m1;
using namespace m1::test;

namespace {
std::unique_ptr<ThreadPool> makePool(unsigned Threads) {
  return value(ThreadPool::create(Threads));
}

class Pool : public testing::TestWithParam<unsigned> {};

TEST_P(Pool, CoversEachIndexOnce) {
  auto Threads = makePool(GetParam());
  EXPECT_EQ(Threads->threads(), GetParam());
  for (int64_t Count : {0, 1, 2, 7, 64, 1000})
    for (int64_t Chunk : {1, 3, 2000}) {
      std::vector<std::atomic<int>> Visits(Count);
      std::vector<std::atomic<int>> Inside(GetParam());
      std::atomic<bool> Shared = false, TooLong = false;
      Threads->parallelFor(
          Count, Chunk, [&](int64_t Begin, int64_t End, unsigned Thread) {
            // No two ranges with the same thread number run at the same time.
            Shared = Shared || Inside[Thread].fetch_add(1) != 0;
            TooLong = TooLong || (GetParam() > 1 && End - Begin > Chunk);
            for (int64_t I = Begin; I < End; ++I)
              ++Visits[I];
            Inside[Thread].fetch_sub(1);
          });
      EXPECT_FALSE(Shared);
      EXPECT_FALSE(TooLong);
      for (int64_t I = 0; I < Count; ++I)
        ASSERT_EQ(Visits[I], 1) << I << " of " << Count;
    }
}

TEST_P(Pool, LoopsSeeEachOthersWrites) {
  auto Threads = makePool(GetParam());
  std::vector<int64_t> Values(33, 0);
  for (int Round = 0; Round < 3000; ++Round)
    Threads->parallelFor(33, 1, [&](int64_t Begin, int64_t End, unsigned) {
      for (int64_t I = Begin; I < End; ++I)
        Values[I] += I;
    });
  for (int64_t I = 0; I < 33; ++I)
    EXPECT_EQ(Values[I], 3000 * I);
}

TEST_P(Pool, WakesAfterSleeping) {
  auto Threads = makePool(GetParam());
  for (int Round = 0; Round < 20; ++Round) {
    // Much longer than the threads spin.
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    std::atomic<int64_t> Sum = 0;
    Threads->parallelFor(100, 1, [&](int64_t Begin, int64_t End, unsigned) {
      for (int64_t I = Begin; I < End; ++I)
        Sum += I;
    });
    ASSERT_EQ(Sum, 4950);
  }
}

TEST(ThreadPool, LateThreadsTakeNothingOfTheNextLoop) {
  // Loops in quick succession, a short one before each long one: a thread that
  // sees the short one late must not take an index that only the long one has.
  // More threads than processors make threads late.
  auto Threads = makePool(6);
  std::vector<std::atomic<int>> Visits(48);
  for (int Round = 0; Round < 60000; ++Round) {
    int64_t Count = Round % 2 ? 48 : 2;
    Threads->parallelFor(Count, 1, [&](int64_t Begin, int64_t End, unsigned) {
      for (int64_t I = Begin; I < End; ++I)
        Visits[I].fetch_add(1, std::memory_order_relaxed);
    });
    for (int64_t I = 0; I < 48; ++I)
      ASSERT_EQ(Visits[I].exchange(0, std::memory_order_relaxed), I < Count)
          << "index " << I << ", round " << Round;
  }
}

TEST(ThreadPool, OthersTakePart) {
  auto Threads = makePool(2);
  // Each of the two indices waits for the other: only two threads can end this.
  std::atomic<int> Arrived = 0;
  std::atomic<unsigned> ThreadsSeen = 0;
  Threads->parallelFor(2, 1, [&](int64_t, int64_t, unsigned Thread) {
    ThreadsSeen |= 1u << Thread;
    ++Arrived;
    while (Arrived < 2)
      std::this_thread::yield();
  });
  EXPECT_EQ(ThreadsSeen, 3u);
}

TEST(ThreadPool, ReportsThreadsThatAreRefused) {
  if (Sanitized)
    GTEST_SKIP() << "sanitizers fill the shadow of whole stacks";
  // Stacks of 64 GiB: 4096 do not fit the 128 TiB that a process can address.
  pthread_attr_t Attributes, Before;
  ASSERT_EQ(::pthread_getattr_default_np(&Before), 0);
  ASSERT_EQ(::pthread_attr_init(&Attributes), 0);
  ASSERT_EQ(::pthread_attr_setstacksize(&Attributes, size_t(1) << 36), 0);
  ASSERT_EQ(::pthread_setattr_default_np(&Attributes), 0);
  std::string Error = message(ThreadPool::create(4096).status());
  ASSERT_EQ(::pthread_setattr_default_np(&Before), 0);
  EXPECT_TRUE(Error.starts_with(
      "cannot start 4096 threads: Resource temporarily unavailable after "))
      << Error;
  // What was started has ended; another pool works.
  EXPECT_EQ(makePool(3)->threads(), 3u);
}

INSTANTIATE_TEST_SUITE_P(ThreadPool, Pool, testing::Values(1u, 2u, 5u));
} // namespace
