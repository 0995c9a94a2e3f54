//===- Roofline.h - the least time that work can take -----------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_ESTIMATE_ROOFLINE_H
#define M1C_RUNTIME_ESTIMATE_ROOFLINE_H

#include "runtime/estimate/Machine.h"

#include <span>

namespace m1 {

/// What one launch, or one copy, does.
struct LaunchWork {
  double Cells = 1; ///< of the grid
  double Operations = 0;
  ElementType Type = ElementType::F32; ///< of the operations' operands
  double Bytes = 0;                    ///< read and written, each once
};

/// The least time of a launch, in seconds. Computing and moving data overlap;
/// launches do not.
struct LaunchTime {
  double Launch = 0, Compute = 0, Memory = 0;
  double work() const { return Compute < Memory ? Memory : Compute; }
  double total() const { return Launch + work(); }
};

/// Of a launch of no cells: nothing. An error if the machine has no rate for
/// the operations' element type.
absl::StatusOr<LaunchTime> timeOf(const Machine &M, const LaunchWork &Work);

/// The ranks that one rank exchanges blocks with.
struct Peers {
  int64_t Inside = 0;  ///< of its node
  int64_t Between = 0; ///< of other nodes
  int64_t count() const { return Inside + Between; }
};

/// The peers on an axis of a mesh with these extents, of the rank that has the
/// most on other nodes. Rank r is on node r / RanksPerNode, and the last axis
/// varies fastest in a rank's number.
Peers peersOf(std::span<const int64_t> Mesh, size_t Axis, int64_t RanksPerNode);

/// The time of an exchange in which a rank sends a block of `Bytes` to each
/// peer, one message after the other; it receives as many at the same time.
double exchangeTime(const Machine &M, const Peers &To, double Bytes);

} // namespace m1

#endif // M1C_RUNTIME_ESTIMATE_ROOFLINE_H
