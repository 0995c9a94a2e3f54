//===- ExceptionsTest.cpp - exceptions that nothing handles ---------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/support/Exceptions.h"

#include <gtest/gtest.h>

#include <new>
#include <stdexcept>
#include <system_error>
#include <thread>

using namespace m1;

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
}
} // namespace
