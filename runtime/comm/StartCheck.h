//===- StartCheck.h - whether ranks belong together -------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_COMM_STARTCHECK_H
#define M1C_RUNTIME_COMM_STARTCHECK_H

#include "runtime/comm/Transport.h"
#include "runtime/plan/Plan.h"

#include <string>
#include <vector>

namespace m1 {

class Checkpoint;

/// Something that must be the same on all ranks.
struct StartFact {
  std::string Name;  ///< "the seed"
  std::string Value; ///< "7"
};

/// The bounds, the mesh and the digest of a plan.
std::vector<StartFact> planFacts(const LoadedPlan &Plan);

/// For each file of a checkpoint its size and digests of its header and of
/// samples of its data: 4 KiB at each of 16 places.
absl::StatusOr<std::vector<StartFact>>
checkpointFacts(const Checkpoint &Weights);

/// The following are called by all ranks together. Their errors are the same on
/// all ranks, see isOfAllRanks.

/// Whether all ranks got so far: an error if `Own` is one on any of them. The
/// text says on which.
absl::Status allSucceeded(Transport &Ranks, const absl::Status &Own);

/// Whether all ranks have the same facts. The first difference is the error,
/// with the ranks and their two values.
absl::Status checkFacts(Transport &Ranks, const std::vector<StartFact> &Own);

/// Whether no two ranks have the same resource, such as a GPU of a machine.
/// `Own` is its name, or empty.
absl::Status checkDistinct(Transport &Ranks, const std::string &Own);

/// Whether an error is one that all ranks have. Rank 0 is to report it; the
/// others are to end with exit code 1 and without a message.
bool isOfAllRanks(const absl::Status &Error);

/// An error unless the plan is for `Count` ranks. Exchanges nothing.
absl::Status checkRankCount(const LoadedPlan &Plan, int Count);

} // namespace m1

#endif // M1C_RUNTIME_COMM_STARTCHECK_H
