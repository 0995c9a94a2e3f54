//===- Pages.h - anonymous memory mappings ----------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_SUPPORT_PAGES_H
#define M1C_RUNTIME_SUPPORT_PAGES_H

#include "absl/status/statusor.h"

#include <cstdint>

namespace m1 {

/// Zero-initialised pages, committed on first touch.
class Pages {
public:
  static absl::StatusOr<Pages> allocate(uint64_t Bytes);
  /// The same for memory that will be used completely: in large pages, as far
  /// as the system has them. Never commits more than `Bytes`.
  static absl::StatusOr<Pages> allocateLarge(uint64_t Bytes);
  /// The same with 16 MiB of inaccessible address space before and after.
  static absl::StatusOr<Pages> allocateGuarded(uint64_t Bytes);

  Pages() = default;
  Pages(Pages &&Other) noexcept;
  Pages &operator=(Pages &&Other) noexcept;
  ~Pages();

  char *data() const { return Data; }
  char *end() const { return Data + Bytes; }
  /// Write-protects the pages.
  void protect() const;
  /// Whether the address is in the pages or in the inaccessible space around
  /// them.
  bool guards(uint64_t Address) const;

private:
  char *Data = nullptr;
  uint64_t Bytes = 0, GuardBytes = 0;
};

} // namespace m1

#endif // M1C_RUNTIME_SUPPORT_PAGES_H
