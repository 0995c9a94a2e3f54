//===- Lifetimes.h - memory for things that live by turns -------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_SUPPORT_LIFETIMES_H
#define M1C_COMPILER_SUPPORT_LIFETIMES_H

#include "llvm/ADT/ArrayRef.h"

#include <cstdint>

namespace m1 {

/// Something that takes `Bytes` from step `First` to step `Last`, both
/// included.
struct Lifetime {
  int64_t Bytes = 0;
  unsigned First = ~0u, Last = 0;
  int64_t Offset = 0; // of its place, in bytes

  void use(unsigned Step) {
    First = std::min(First, Step);
    Last = std::max(Last, Step);
  }
};

/// Gives each a place, a multiple of `Alignment`, that it shares with none that
/// lives at the same time. Returns how many bytes that takes, a multiple of
/// `Alignment` too.
int64_t placeByLifetime(llvm::MutableArrayRef<Lifetime> Lives,
                        int64_t Alignment);

} // namespace m1

#endif // M1C_COMPILER_SUPPORT_LIFETIMES_H
