//===- LiveRanges.h - offsets by live range ---------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_SUPPORT_LIVERANGES_H
#define M1C_COMPILER_SUPPORT_LIVERANGES_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/LogicalResult.h"

#include <cstdint>

namespace m1 {

/// A buffer of `Bytes` that is in use from step `First` to step `Last`, both
/// included.
struct LiveRange {
  int64_t Bytes = 0;
  unsigned First = ~0u, Last = 0;
  int64_t Offset = 0; // in bytes, set by assignOffsets()

  /// Extends the range to `Step`.
  void use(unsigned Step) {
    First = std::min(First, Step);
    Last = std::max(Last, Step);
  }
};

/// The end of `Bytes` bytes at `Offset`, rounded up to `Alignment`. Fails,
/// without a diagnostic, if it does not fit 64 bits.
llvm::FailureOr<int64_t> alignedEnd(int64_t Offset, int64_t Bytes,
                                    int64_t Alignment);

/// Assigns offsets, multiples of `Alignment`, such that buffers whose live
/// ranges overlap share no bytes. Returns the total size in bytes, a multiple
/// of `Alignment`; fails, without a diagnostic, if it does not fit 64 bits.
llvm::FailureOr<int64_t> assignOffsets(llvm::MutableArrayRef<LiveRange> Ranges,
                                       int64_t Alignment);

} // namespace m1

#endif // M1C_COMPILER_SUPPORT_LIVERANGES_H
