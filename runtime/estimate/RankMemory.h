//===- RankMemory.h - the memory of each rank of a plan ---------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_ESTIMATE_RANKMEMORY_H
#define M1C_RUNTIME_ESTIMATE_RANKMEMORY_H

#include "runtime/device/MemoryNeeds.h"

#include <map>
#include <string>

namespace m1 {

using BytesByKind = std::map<std::string, uint64_t, std::less<>>;

/// The memory that a plan takes on each rank, all symbols at their bounds.
struct RankMemory {
  /// Of the packed weights, and of parameters that functions read in place, by
  /// kind of parameter: "block_sparse_moe.experts.w1". What is between packed
  /// weights, to align them, is of kind "padding".
  BytesByKind Weights;
  /// By kind of attention and part: "softmax attention: keys"; of other states,
  /// by kind as of weights.
  BytesByKind States;
  uint64_t Caches = 0; ///< the states that grow with the context
  MemoryNeeds Needs;
  int64_t Slots = 1, MaxLength = 1; ///< of the plan
  int64_t CachePositions = 0;       ///< that `Caches` have room for

  explicit RankMemory(const plan::Plan &Plan);

  /// The sum for states of `Sequences` sequences with `Length` tokens each, all
  /// else at the plan's bounds.
  double total(int64_t Sequences, int64_t Length) const;
};

/// The kind of a parameter or a state: its name without numbers of layers and
/// experts, without "model.layers" and without "weight".
std::string kindOf(std::string_view Name);

} // namespace m1

#endif // M1C_RUNTIME_ESTIMATE_RANKMEMORY_H
