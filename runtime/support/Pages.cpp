//===- Pages.cpp - anonymous memory mappings ------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/support/Pages.h"

#include "runtime/support/Error.h"

#include <cerrno>
#include <cstring>
#include <sys/mman.h>
#include <unistd.h>
#include <utility>

using namespace m1;

/// The size of large pages where pages have 4 KiB.
static constexpr uint64_t LargePage = uint64_t(1) << 21;

static absl::StatusOr<char *> reserve(uint64_t Bytes, int Protection) {
  void *Address = ::mmap(nullptr, Bytes, Protection,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (Address == MAP_FAILED)
    return makeError("cannot allocate ", Bytes,
                     " bytes: ", std::strerror(errno));
  return static_cast<char *>(Address);
}

absl::StatusOr<Pages> Pages::allocate(uint64_t Bytes) {
  Pages Result;
  if (Bytes == 0)
    return Result;
  M1_ASSIGN_OR_RETURN(Result.Data, reserve(Bytes, PROT_READ | PROT_WRITE));
  Result.Bytes = Bytes;
  return Result;
}

absl::StatusOr<Pages> Pages::allocateLarge(uint64_t Bytes) {
  if (Bytes < LargePage)
    return allocate(Bytes);
  const uint64_t Page = ::sysconf(_SC_PAGESIZE);
  const uint64_t Whole = (Bytes + Page - 1) / Page * Page;
  M1_ASSIGN_OR_RETURN(char *Start,
                      reserve(Whole + LargePage, PROT_READ | PROT_WRITE));
  // Large pages are aligned: what is before the first and after the last byte
  // is given back.
  const uint64_t Before = -reinterpret_cast<uint64_t>(Start) % LargePage;
  Pages Result;
  Result.Data = Start + Before;
  Result.Bytes = Bytes;
  if (Before)
    ::munmap(Start, Before);
  ::munmap(Result.Data + Whole, LargePage - Before);
  ::madvise(Result.Data, Whole, MADV_HUGEPAGE);
  return Result;
}

absl::StatusOr<Pages> Pages::allocateGuarded(uint64_t Bytes) {
  constexpr uint64_t Guard = uint64_t(1) << 24;
  const uint64_t Page = ::sysconf(_SC_PAGESIZE);
  const uint64_t Whole = (Bytes + Page - 1) / Page * Page;
  Pages Result;
  M1_ASSIGN_OR_RETURN(char *Start, reserve(Guard + Whole + Guard, PROT_NONE));
  Result.Data = Start + Guard;
  Result.Bytes = Whole;
  Result.GuardBytes = Guard;
  if (Whole && ::mprotect(Result.Data, Whole, PROT_READ | PROT_WRITE) != 0)
    return makeError("cannot allocate ", Whole,
                     " bytes: ", std::strerror(errno));
  return Result;
}

Pages::Pages(Pages &&Other) noexcept
    : Data(std::exchange(Other.Data, nullptr)),
      Bytes(std::exchange(Other.Bytes, 0)),
      GuardBytes(std::exchange(Other.GuardBytes, 0)) {}

Pages &Pages::operator=(Pages &&Other) noexcept {
  std::swap(Data, Other.Data);
  std::swap(Bytes, Other.Bytes);
  std::swap(GuardBytes, Other.GuardBytes);
  return *this;
}

Pages::~Pages() {
  if (Data)
    ::munmap(Data - GuardBytes, Bytes + 2 * GuardBytes);
}

void Pages::protect() const {
  if (Bytes)
    ::mprotect(Data, Bytes, PROT_READ);
}

bool Pages::guards(uint64_t Address) const {
  return Address - (reinterpret_cast<uint64_t>(Data) - GuardBytes) <
         Bytes + 2 * GuardBytes;
}
