//===- Pieces.cpp - cuts sequences into ragged batches --------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/session/Pieces.h"

#include <algorithm>

using namespace m1;

absl::Status m1::feedSequences(
    std::span<const int64_t> Lengths, int64_t MaxTokens, int64_t MaxSequences,
    const std::function<absl::Status(std::span<const Piece>)> &Feed) {
  // Sequences fill a batch in order: only its last piece can be cut, so at most
  // one sequence continues in the next batch.
  std::vector<Piece> Pieces;
  int64_t Done = 0; // tokens of Lengths[I] that are fed
  // Slot of the current sequence, kept until it ends. A batch has at most
  // MaxSequences consecutive sequences, so their slots differ.
  int64_t Slot = 0;
  for (size_t I = 0; I < Lengths.size();) {
    Pieces.clear();
    int64_t Room = MaxTokens;
    while (I < Lengths.size() && Room > 0 &&
           static_cast<int64_t>(Pieces.size()) < MaxSequences) {
      int64_t Count = std::min(Room, Lengths[I] - Done);
      if (Count > 0)
        Pieces.push_back({I, static_cast<int32_t>(Slot), Done, Count});
      Room -= Count;
      Done += Count;
      if (Done == Lengths[I]) {
        if (Done > 0)
          Slot = (Slot + 1) % MaxSequences;
        ++I;
        Done = 0;
      }
    }
    if (!Pieces.empty())
      M1_RETURN_IF_ERROR(Feed(Pieces));
  }
  return absl::OkStatus();
}
