//===- Pieces.h - cuts sequences into ragged batches ------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_SESSION_PIECES_H
#define M1C_RUNTIME_SESSION_PIECES_H

#include "runtime/support/Error.h"

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace m1 {

/// Consecutive tokens of one sequence.
struct Piece {
  size_t Sequence;
  int32_t Slot;
  int64_t Begin, Count;
};

/// Cuts sequences of the given lengths into batches and calls `Feed` on each,
/// with at most `MaxTokens` tokens and `MaxSequences` sequences. The pieces of
/// a sequence come in order and in one slot.
absl::Status
feedSequences(std::span<const int64_t> Lengths, int64_t MaxTokens,
              int64_t MaxSequences,
              const std::function<absl::Status(std::span<const Piece>)> &Feed);

} // namespace m1

#endif // M1C_RUNTIME_SESSION_PIECES_H
