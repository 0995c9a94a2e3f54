//===- ExceptionsTest.cpp - exceptions that nothing handles ---------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/support/Exceptions.h"

#include "test/unit/Sanitizers.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <exception>
#include <new>
#include <stdexcept>
#include <sys/resource.h>
#include <system_error>
#include <thread>

using namespace m1;
using namespace m1::test;

namespace {
template <typename E> std::string describe(E Thrown) {
  try {
    throw Thrown;
  } catch (...) {
    return describeException();
  }
}

TEST(Exceptions, Described) {
  EXPECT_EQ(describe(std::bad_alloc()), "out of memory");
  EXPECT_EQ(describe(std::length_error("vector::reserve")),
            "out of memory: vector::reserve");
  EXPECT_EQ(describe(std::runtime_error("a\nb")), "a\\nb");
  std::error_code Refused =
      std::make_error_code(std::errc::resource_unavailable_try_again);
  EXPECT_EQ(describe(std::system_error(Refused)),
            "cannot start a thread: Resource temporarily unavailable");
  EXPECT_EQ(describe(1), "internal error: an exception of an unknown type");
}

TEST(Exceptions, EndTheProcessInOneLine) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  auto fail = [] {
    reportUncaughtExceptions("tool");
    std::thread([] { throw std::bad_alloc(); }).join();
  };
  EXPECT_EXIT(fail(), testing::ExitedWithCode(1),
              "^tool: error: out of memory\n$");
  EXPECT_EXIT((reportUncaughtExceptions("tool"), std::terminate()),
              testing::ExitedWithCode(1),
              "^tool: error: internal error: std::terminate without an "
              "exception\n$");
}

TEST(Exceptions, NeedNoMemory) {
  if (Sanitized)
    GTEST_SKIP() << "a sanitizer's allocator ends the process itself";
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  auto exhaust = [] {
    const rlimit Nothing{1, 1};
    ::setrlimit(RLIMIT_AS, &Nothing);
    for (size_t Bytes = 1 << 20; Bytes > 0; Bytes /= 2)
      for (void *volatile Last = &Bytes; Last;) // not optimised away
        Last = std::malloc(Bytes);
  };
  auto terminate = [&] {
    reportUncaughtExceptions("tool");
    exhaust();
    std::terminate();
  };
  EXPECT_EXIT(terminate(), testing::ExitedWithCode(1),
              "^tool: error: out of memory\n$");
  auto allocate = [&] {
    reportEarlyLackOfMemory();
    exhaust();
    std::get_new_handler()(); // these tests have an operator new of their own
  };
  EXPECT_EXIT(allocate(), testing::ExitedWithCode(1),
              "^m1-runtime-tests: error: out of memory\n$");
}
} // namespace
