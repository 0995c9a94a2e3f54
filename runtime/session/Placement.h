//===- Placement.h - which processors a rank uses ---------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_SESSION_PLACEMENT_H
#define M1C_RUNTIME_SESSION_PLACEMENT_H

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace m1 {

/// Where a rank runs.
struct RankLocation {
  std::string Machine;          ///< ranks with equal texts share processors
  std::string Gpus;             ///< ranks with equal texts see the same GPUs
  std::vector<bool> Processors; ///< those of the machine that it may use

  /// That of this process.
  static RankLocation current();
  std::string pack() const;
  static RankLocation unpack(std::string_view Packed);
};

/// What a rank uses by default.
struct RankPlacement {
  /// The processors that it may use, divided by the ranks that may use some of
  /// them too; at least one.
  unsigned Threads = 1;
  /// Its number among the ranks that see the same GPUs.
  unsigned Gpu = 0;
};
std::vector<RankPlacement> placeRanks(std::span<const RankLocation> Ranks);

} // namespace m1

#endif // M1C_RUNTIME_SESSION_PLACEMENT_H
