//===- Launcher.h - how a process was started -------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_COMM_LAUNCHER_H
#define M1C_RUNTIME_COMM_LAUNCHER_H

#include "runtime/comm/Transport.h"

#include <memory>
#include <optional>
#include <string>

namespace m1 {

/// What a launcher (mpirun, srun) tells a process by its environment.
struct LaunchedRank {
  std::string Variable; ///< that says how many ranks there are
  int Rank, Size;
  int LocalRank, LocalSize; ///< among the ranks of this machine
};

/// Nothing if this process was started by itself, or as the only rank. An error
/// if the environment contradicts itself.
absl::StatusOr<std::optional<LaunchedRank>> launchedRank();

/// Joins the other ranks, through MPI. Call it on the main thread, and make all
/// calls of the transport there.
absl::StatusOr<std::unique_ptr<Transport>>
joinRanks(const LaunchedRank &Own, const TransportOptions &Options);

} // namespace m1

#endif // M1C_RUNTIME_COMM_LAUNCHER_H
