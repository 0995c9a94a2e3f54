//===- Ranks.cpp - the processes of one run -------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/m1run/Ranks.h"

#include "runtime/comm/Launcher.h"
#include "runtime/support/Packed.h"
#include "runtime/support/StopSignals.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fcntl.h>
#include <thread>
#include <unistd.h>

using namespace m1;
using namespace m1::run;

/// Whether an error is that of another rank, or of waiting for it.
static bool isTransportError(const absl::Status &Status) {
  return absl::IsAborted(Status) || absl::IsDeadlineExceeded(Status);
}

Ranks &Ranks::get() {
  static Ranks TheRanks;
  return TheRanks;
}

absl::Status Ranks::start(std::vector<std::string> &Arguments) {
  M1_ASSIGN_OR_RETURN(std::optional<LaunchedRank> Own, launchedRank());
  if (!Own)
    return absl::OkStatus();
  IsLaunchedRoot = Own->Rank == 0;
  M1_ASSIGN_OR_RETURN(Connection, joinRanks(*Own, {}));
  if (!isRoot()) {
    // Whatever is printed, is printed by the root.
    const int Nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
    ::dup2(Nowhere, STDOUT_FILENO);
    ::close(Nowhere);
  }
  Packer P;
  for (const std::string &Argument : Arguments)
    P.add(Argument);
  M1_RETURN_IF_ERROR(Connection->broadcast(P.Bytes));
  Arguments.clear();
  for (Unpacker U(P.Bytes); !U.isDone();)
    Arguments.push_back(U.text());
  return absl::OkStatus();
}

absl::StatusOr<std::vector<RankPlacement>> Ranks::placements() const {
  std::vector<RankLocation> Locations{RankLocation::current()};
  if (Connection) {
    M1_ASSIGN_OR_RETURN(std::vector<std::string> Given,
                        Connection->gather(Locations[0].pack()));
    Packer P;
    for (const std::string &Each : Given)
      P.add(Each);
    M1_RETURN_IF_ERROR(Connection->broadcast(P.Bytes));
    Locations.clear();
    for (Unpacker U(P.Bytes); !U.isDone();)
      Locations.push_back(RankLocation::unpack(U.text()));
  }
  return placeRanks(Locations);
}

absl::StatusOr<std::string>
Ranks::fromRoot(const std::function<absl::StatusOr<std::string>()> &Read) {
  if (!Connection)
    return Read();
  absl::StatusOr<std::string> Result = std::string();
  if (isRoot())
    Result = Read();
  // Reading may take its time.
  UnlimitedWait Wait(*Connection);
  Packer P;
  P.add(packStatus(Result.status()));
  P.add(Result.ok() ? *Result : "");
  M1_RETURN_IF_ERROR(Connection->broadcast(P.Bytes));
  Unpacker U(P.Bytes);
  absl::Status Status = unpackStatus(U.text());
  HasAgreedError |= !Status.ok();
  M1_RETURN_IF_ERROR(std::move(Status));
  return U.text();
}

/// One error for those of all ranks.
static absl::Status firstError(std::span<const std::string> Packed) {
  absl::Status First;
  size_t Rank = 0, Failed = 0, Same = 0;
  for (size_t I = 0; I < Packed.size(); ++I) {
    const absl::Status Each = unpackStatus(Packed[I]);
    if (Each.ok())
      continue;
    if (absl::IsAborted(Each)) { // another rank has the text
      if (First.ok())
        First = Each;
      ++Same;
      continue;
    }
    if (Failed++ == 0) {
      First = Each;
      Rank = I;
    }
    Same += Each == First;
  }
  if (Failed == 0 || Same == Packed.size())
    return First;
  std::string Text = concat("rank ", Rank, ": ", std::string(First.message()));
  if (Failed > 1)
    Text +=
        concat(" (", Failed - 1, Failed == 2 ? " other rank" : " other ranks",
               " failed, too)");
  return absl::Status(First.code(), Text);
}

absl::Status Ranks::agree(const absl::Status &Own) {
  if (!Connection)
    return Own;
  // Some ranks may still be loading weights.
  UnlimitedWait Wait(*Connection);
  M1_ASSIGN_OR_RETURN(std::vector<std::string> Given,
                      Connection->gather(packStatus(Own)));
  std::string Shared = packStatus(firstError(Given));
  M1_RETURN_IF_ERROR(Connection->broadcast(Shared));
  absl::Status Result = unpackStatus(Shared);
  HasAgreedError |= !Result.ok();
  return Result;
}

absl::Status Ranks::checkEqual(const std::vector<StartFact> &Facts) {
  if (!Connection)
    return absl::OkStatus();
  absl::Status Equal = checkFacts(*Connection, Facts);
  HasAgreedError |= !Equal.ok();
  return Equal;
}

absl::Status Ranks::beforeStep(const DataPlace &Place) {
  int64_t Own = stopSignal();
  bool Stops = Own != 0;
  if (Connection && Place.Group.size() > 1) {
    Signals.resize(Place.Group.size());
    M1_RETURN_IF_ERROR(Connection->allGather(
        Place.Group, reinterpret_cast<const std::byte *>(&Own),
        reinterpret_cast<std::byte *>(Signals.data()), sizeof Own));
    Stops = std::any_of(Signals.begin(), Signals.end(),
                        [](int64_t Signal) { return Signal != 0; });
  }
  return Stops ? absl::CancelledError("interrupted") : absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> Ranks::gather(std::string_view Own) {
  if (!Connection)
    return std::vector<std::string>{std::string(Own)};
  UnlimitedWait Wait(*Connection);
  return Connection->gather(Own);
}

static void printError(const absl::Status &Error) {
  std::fprintf(stderr, "m1run: error: %s\n",
               printable(std::string(Error.message())).c_str());
}

/// Whether a rank before this one reports a failure: several ranks often fail
/// for the same reason, or wait for the same rank. Waits for it, longer on
/// later ranks.
static bool isReportedElsewhere(Transport &Connection) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point End =
      Clock::now() +
      std::chrono::milliseconds(200) * std::min(Connection.rank(), 10);
  while (!absl::IsAborted(Connection.checkRanks())) {
    if (Clock::now() >= End)
      return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

/// Ends a run that the other ranks do not know to have failed.
int Ranks::fail(const absl::Status &Own) {
  // Another rank's failure is reported by that rank.
  if (!absl::IsAborted(Own) && !isReportedElsewhere(*Connection)) {
    const std::string Message = printable(std::string(Own.message()));
    // Errors of exchanges begin with the rank.
    const std::string Rank = concat("rank ", Connection->rank());
    std::fprintf(stderr, "m1run: error: %s%s\n",
                 Message.starts_with(Rank) ? "" : (Rank + ": ").c_str(),
                 Message.c_str());
  }
  Connection->abort(Own);
  Connection.reset(); // ends all ranks
  return 1;
}

int Ranks::finish(const absl::Status &Own) {
  if (!Connection) {
    if (Own.ok())
      return 0;
    // The ranks could not connect, usually for the same reason: when the root
    // has said so, the launcher ends the others.
    if (!isRoot())
      std::this_thread::sleep_for(std::chrono::seconds(1));
    printError(Own);
    return absl::IsCancelled(Own) ? 128 + stopSignal() : 1;
  }
  if (!Own.ok() && !HasAgreedError && !absl::IsCancelled(Own))
    return fail(Own);
  const std::chrono::milliseconds Before = Connection->timeout();
  Connection->setTimeout(kUnlimitedWait);
  Packer P;
  P.add(static_cast<int32_t>(stopSignal()));
  P.add(packStatus(Own));
  absl::StatusOr<std::vector<std::string>> Given = Connection->gather(P.Bytes);
  if (!Given.ok() && absl::IsCancelled(Own)) {
    // A rank may have died, and is why the others are to end.
    if (isRoot())
      printError(Own);
    Connection->abort(Own);
    (void)Connection.release(); // the launcher ends all ranks
    return 128 + stopSignal();
  }
  if (!Given.ok())
    return fail(Given.status());
  int32_t Code = 0, Signal = 0;
  if (isRoot()) {
    std::vector<std::string> Ends;
    for (const std::string &Each : *Given) {
      Unpacker U(Each);
      const auto Got = U.number<int32_t>();
      Signal = Signal ? Signal : Got;
      Ends.push_back(U.text());
    }
    // The root knows the whole of it.
    const absl::Status End = Own.ok() ? firstError(Ends) : Own;
    Code = End.ok() ? 0 : absl::IsCancelled(End) ? 128 + Signal : 1;
    if (!End.ok())
      printError(End);
  }
  std::string Shared = std::to_string(Code);
  if (absl::Status Told = Connection->broadcast(Shared); !Told.ok())
    return fail(Told);
  Connection->setTimeout(Before);
  if (absl::Status Ended = Connection->finish(); !Ended.ok())
    return fail(Ended);
  Connection.reset();
  return std::stoi(Shared);
}

absl::Status Ranks::collect(std::span<const std::string> Kept,
                            const absl::Status &Own,
                            ResultRounds::Receiver Receive) {
  if (!Connection)
    return Own;
  ResultRounds Rounds(*Connection, std::move(Receive));
  for (const std::string &Each : Kept)
    if (absl::Status Given = Rounds.give(Each); !Given.ok())
      return agreed(std::move(Given));
  return agreed(Rounds.finish(Own));
}

absl::Status Ranks::agreed(absl::Status Status) {
  HasAgreedError |= !Status.ok() && !isTransportError(Status);
  return Status;
}
