//===- Ranks.h - the processes of one run -----------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_TOOLS_M1RUN_RANKS_H
#define M1C_TOOLS_M1RUN_RANKS_H

#include "runtime/comm/StartCheck.h"
#include "runtime/session/DataAxis.h"
#include "runtime/session/Placement.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace m1::run {

/// The processes that mpirun started together, its ranks; this process alone
/// without it. Rank 0, the root, reads what a user gives, writes files and
/// prints.
class Ranks {
public:
  static Ranks &get();

  /// Connects to the other ranks, if there are any. Afterwards all have the
  /// root's `Arguments`, and only the root's standard output goes anywhere.
  absl::Status start(std::vector<std::string> &Arguments);

  int count() const { return Connection ? Connection->size() : 1; }
  bool isRoot() const { return IsLaunchedRoot; }
  /// Null with one rank.
  Transport *transport() const { return Connection.get(); }
  /// What the ranks use by default; asks all of them.
  absl::StatusOr<std::vector<RankPlacement>> placements() const;
  RankPlacement own(std::span<const RankPlacement> All) const {
    return All[Connection ? Connection->rank() : 0];
  }

  /// This rank's place on a plan's mesh.
  DataPlace place(const plan::Plan &Plan) const {
    return dataPlace(Plan, Connection ? Connection->rank() : 0);
  }

  // All ranks call these together.

  /// What `Read` returns on the root, which alone calls it; its error is an
  /// error on all.
  absl::StatusOr<std::string>
  fromRoot(const std::function<absl::StatusOr<std::string>()> &Read);
  /// The first error of any rank, on all of them. An error that not all ranks
  /// have begins with the rank.
  absl::Status agree(const absl::Status &Own);
  /// An error, on all ranks, if their facts differ.
  absl::Status checkEqual(const std::vector<StartFact> &Facts);
  /// An error, the same on all ranks of the group, if one of them got a stop
  /// signal.
  absl::Status beforeStep(const DataPlace &Place);
  /// What each rank gave, at the root in the order of ranks; empty elsewhere.
  absl::StatusOr<std::vector<std::string>> gather(std::string_view Own);

  /// Takes the `Kept` results of each rank to the root, which passes them to
  /// `Receive`. `Own` is how this rank's part of the run ended; returns the
  /// first error of any rank, on all.
  absl::Status collect(std::span<const std::string> Kept,
                       const absl::Status &Own, ResultRounds::Receiver Receive);
  /// A status that all ranks have, unless it is an error of the transport.
  absl::Status agreed(absl::Status Status);

  /// Ends the run: prints how it ended, once. Returns the exit status. An error
  /// that is no agreed one, and not "cancelled", is taken to be this rank's
  /// only.
  int finish(const absl::Status &Own);

private:
  int fail(const absl::Status &Own);

  std::unique_ptr<Transport> Connection;
  bool IsLaunchedRoot = true; ///< as the launcher says, before `Connection`
  bool HasAgreedError = false;
  std::vector<int64_t> Signals;
};

} // namespace m1::run

#endif // M1C_TOOLS_M1RUN_RANKS_H
