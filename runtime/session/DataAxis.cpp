//===- DataAxis.cpp - sequences over the mesh's axis `data` ---------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/session/DataAxis.h"

#include "runtime/plan/Mesh.h"
#include "runtime/support/Packed.h"

using namespace m1;

DataPlace m1::dataPlace(const plan::Plan &Plan, int Rank) {
  DataPlace Result;
  const std::vector<int64_t> Own = coordinatesOf(Plan, Rank);
  // The number of the axis, if the mesh has it.
  uint32_t Data = 0;
  while (Data < length(Plan.mesh()) &&
         view(Plan.mesh()->Get(Data)->name()) != "data")
    ++Data;
  const bool HasData = Data < length(Plan.mesh());
  if (HasData)
    Result.Sequences = {static_cast<size_t>(Own[Data]),
                        static_cast<size_t>(meshExtents(Plan)[Data])};
  Result.Group.clear();
  for (int64_t Other = 0; Other < rankCount(Plan); ++Other)
    if (!HasData || coordinatesOf(Plan, Other)[Data] == Own[Data])
      Result.Group.push_back(static_cast<int>(Other));
  Result.Leads = Result.Group.front() == Rank;
  return Result;
}

std::string m1::packStatus(const absl::Status &Status) {
  Packer P;
  P.add(static_cast<int32_t>(Status.code()));
  P.add(std::string(Status.message()));
  return std::move(P.Bytes);
}

absl::Status m1::unpackStatus(std::string_view Packed) {
  Unpacker U(Packed);
  const auto Code = static_cast<absl::StatusCode>(U.number<int32_t>());
  return absl::Status(Code, U.text());
}

namespace {
// What a rank says in a round.
constexpr char Gives = 'g', HasNone = 'n', IsDone = 'd';
} // namespace

absl::Status ResultRounds::give(std::string_view Result) {
  // The ranks' sequences may take very different times.
  UnlimitedWait Wait(Ranks);
  return meet(concat(std::string(1, Gives), Result)).status();
}

absl::Status ResultRounds::giveNothing() {
  UnlimitedWait Wait(Ranks);
  return meet(std::string(1, HasNone)).status();
}

absl::Status ResultRounds::finish(const absl::Status &Own) {
  UnlimitedWait Wait(Ranks);
  for (;;) {
    M1_ASSIGN_OR_RETURN(Verdict Found, meet(std::string(1, IsDone)));
    if (Found == Verdict::Done)
      break;
  }
  M1_ASSIGN_OR_RETURN(std::vector<std::string> Ends,
                      Ranks.gather(packStatus(Own)));
  absl::Status Result;
  for (const std::string &Each : Ends)
    Result.Update(unpackStatus(Each));
  std::string Shared = packStatus(Result);
  M1_RETURN_IF_ERROR(Ranks.broadcast(Shared));
  return unpackStatus(Shared);
}

/// One round with this rank's message.
absl::StatusOr<ResultRounds::Verdict> ResultRounds::meet(std::string Message) {
  M1_ASSIGN_OR_RETURN(std::vector<std::string> Given, Ranks.gather(Message));
  absl::Status Received;
  bool AllDone = true;
  for (std::string_view Each : Given) {
    AllDone &= Each.front() == IsDone;
    if (Each.front() == Gives && Received.ok())
      Received = Receive(Each.substr(1));
  }
  // What rank 0 decides holds on all.
  std::string Shared =
      std::string(1, AllDone ? IsDone : Gives) + packStatus(Received);
  M1_RETURN_IF_ERROR(Ranks.broadcast(Shared));
  M1_RETURN_IF_ERROR(unpackStatus(std::string_view(Shared).substr(1)));
  return Shared.front() == IsDone ? Verdict::Done : Verdict::GoOn;
}
