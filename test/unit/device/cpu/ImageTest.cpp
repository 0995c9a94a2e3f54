//===- ImageTest.cpp - machine code from a plan ---------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/device/cpu/Image.h"

#include "test/unit/TestSupport.h"

#include <gtest/gtest.h>

using namespace m1;
using namespace m1::test;

namespace {
std::unique_ptr<cpu::Image> loadKernels() {
  const std::string Elf = readFile(M1_TEST_KERNELS);
  absl::StatusOr<std::unique_ptr<cpu::Image>> Loaded = cpu::Image::load(
      {reinterpret_cast<const uint8_t *>(Elf.data()), Elf.size()}, "p.m1plan");
  EXPECT_TRUE(Loaded.ok()) << Loaded.status();
  return std::move(*Loaded);
}

/// Plans that a process has at the same time have their own code each.
TEST(ImageTest, TwoImagesAreNotTheSame) {
  const std::unique_ptr<cpu::Image> First = loadKernels();
  const std::unique_ptr<cpu::Image> Second = loadKernels();
  const auto InFirst = First->find("accumulate");
  const auto InSecond = Second->find("accumulate");
  ASSERT_TRUE(InFirst.ok() && InSecond.ok());
  EXPECT_NE(*InFirst, *InSecond);
  int64_t Counter = 1;
  const uint64_t Args[] = {reinterpret_cast<uint64_t>(&Counter), 2};
  const int64_t Cell[3] = {};
  (*InFirst)(Args, Cell, nullptr);
  (*InSecond)(Args, Cell, nullptr);
  EXPECT_EQ(Counter, 5);
}

TEST(ImageTest, NamesAMissingKernel) {
  EXPECT_EQ(loadKernels()->find("absent").status().message(),
            "p.m1plan: the image has no kernel 'absent'");
}
} // namespace
