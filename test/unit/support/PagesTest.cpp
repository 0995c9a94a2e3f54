//===- PagesTest.cpp - anonymous memory mappings --------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/support/Pages.h"

#include <gtest/gtest.h>

#include <cstring>
#include <sys/mman.h>
#include <unistd.h>
#include <vector>

using namespace m1;

namespace {
constexpr uint64_t LargePage = uint64_t(1) << 21;

/// Whether the page at an address is mapped.
bool isMapped(const char *At) {
  unsigned char Resident;
  return ::mincore(const_cast<char *>(At), 1, &Resident) == 0;
}

/// Bytes of a mapping that are committed.
uint64_t committed(const Pages &Of) {
  const uint64_t Page = ::sysconf(_SC_PAGESIZE);
  const uint64_t Bytes = Of.end() - Of.data();
  std::vector<unsigned char> Resident((Bytes + Page - 1) / Page);
  EXPECT_EQ(::mincore(Of.data(), Bytes, Resident.data()), 0);
  uint64_t Count = 0;
  for (unsigned char R : Resident)
    Count += R & 1;
  return Count * Page;
}

TEST(Pages, LargeOnesAreAlignedAndNoMoreThanAsked) {
  for (uint64_t Bytes : {LargePage, 3 * LargePage, LargePage + 5,
                         2 * LargePage - 1, 4 * LargePage + 8192}) {
    SCOPED_TRACE(Bytes);
    absl::StatusOr<Pages> P = Pages::allocateLarge(Bytes);
    ASSERT_TRUE(P.ok()) << P.status();
    EXPECT_EQ(reinterpret_cast<uint64_t>(P->data()) % LargePage, 0u);
    EXPECT_EQ(uint64_t(P->end() - P->data()), Bytes);
    EXPECT_EQ(committed(*P), 0u);
    for (uint64_t I = 0; I < Bytes; I += 1000)
      ASSERT_EQ(P->data()[I], 0) << I;
    std::memset(P->data(), 1, Bytes);
    EXPECT_GE(committed(*P), Bytes);
    EXPECT_LT(committed(*P), Bytes + ::sysconf(_SC_PAGESIZE));
  }
}

TEST(Pages, SmallOnesAreCommittedPageByPage) {
  const uint64_t Page = ::sysconf(_SC_PAGESIZE);
  absl::StatusOr<Pages> P = Pages::allocateLarge(LargePage - 1);
  ASSERT_TRUE(P.ok()) << P.status();
  P->data()[0] = 1;
  EXPECT_EQ(committed(*P), Page);
  P = Pages::allocateLarge(0);
  ASSERT_TRUE(P.ok()) << P.status();
  EXPECT_EQ(P->data(), nullptr);
}

TEST(Pages, LargeOnesAreUnmappedWhole) {
  char *At;
  {
    absl::StatusOr<Pages> P = Pages::allocateLarge(2 * LargePage);
    ASSERT_TRUE(P.ok()) << P.status();
    At = P->data();
    Pages Moved = std::move(*P);
    EXPECT_TRUE(isMapped(At));
    EXPECT_EQ(Moved.data(), At);
  }
  EXPECT_FALSE(isMapped(At));
  EXPECT_FALSE(isMapped(At + LargePage));
}

TEST(Pages, ReportsWhatCannotBeAllocated) {
  absl::StatusOr<Pages> P = Pages::allocateLarge(uint64_t(1) << 60);
  ASSERT_FALSE(P.ok());
  EXPECT_EQ(P.status().message().find("cannot allocate 115292"), 0u)
      << P.status();
}
} // namespace
