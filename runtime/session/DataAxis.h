//===- DataAxis.h - sequences over the mesh's axis `data` -------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_SESSION_DATAAXIS_H
#define M1C_RUNTIME_SESSION_DATAAXIS_H

#include "runtime/comm/Transport.h"
#include "runtime/plan/Plan.h"
#include "runtime/session/Share.h"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace m1 {

/// What a rank's place on a plan's mesh means for the sequences of a run.
struct DataPlace {
  /// The sequences that its coordinate on the axis `data` computes.
  Share Sequences;
  /// The ranks with the same coordinate, in ascending order: they make the same
  /// calls and get the same results.
  std::vector<int> Group{0};
  /// Whether it is the first of them, which reports the results.
  bool Leads = true;
};
DataPlace dataPlace(const plan::Plan &Plan, int Rank);

/// Takes results from the leaders to rank 0, in rounds. All ranks take part in
/// each round until all are done. An error on rank 0 ends the rounds on all.
class ResultRounds {
public:
  /// `Receive` is called on rank 0 with what each rank gives, in the order of
  /// ranks; what rank 0 gives included.
  using Receiver = std::function<absl::Status(std::string_view)>;
  ResultRounds(Transport &Ranks, Receiver Receive)
      : Ranks(Ranks), Receive(std::move(Receive)) {}

  /// One round in which this rank has something to give, or nothing yet.
  absl::Status give(std::string_view Result);
  absl::Status giveNothing();
  /// Takes part in rounds until no rank has anything to give. Then the first
  /// error in the order of ranks that any gave here as `Own`, on all ranks.
  absl::Status finish(const absl::Status &Own);

private:
  enum class Verdict : char { GoOn, Done };
  absl::StatusOr<Verdict> meet(std::string Message);

  Transport &Ranks;
  Receiver Receive;
};

/// Longer than any run.
inline constexpr std::chrono::hours kUnlimitedWait(24 * 365);

/// While it lives, calls of the transport wait for other ranks as long as it
/// takes: ranks are loading weights, or have sequences of different lengths.
/// That a rank has failed still ends a call.
class UnlimitedWait {
public:
  explicit UnlimitedWait(Transport &Ranks)
      : Ranks(Ranks), Before(Ranks.timeout()) {
    Ranks.setTimeout(kUnlimitedWait);
  }
  ~UnlimitedWait() { Ranks.setTimeout(Before); }
  UnlimitedWait(const UnlimitedWait &) = delete;
  UnlimitedWait &operator=(const UnlimitedWait &) = delete;

private:
  Transport &Ranks;
  const std::chrono::milliseconds Before;
};

/// A status as bytes, and back.
std::string packStatus(const absl::Status &Status);
absl::Status unpackStatus(std::string_view Packed);

} // namespace m1

#endif // M1C_RUNTIME_SESSION_DATAAXIS_H
