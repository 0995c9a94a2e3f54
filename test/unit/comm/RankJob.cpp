//===- RankJob.cpp - one rank of a job that fails -------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/comm/HostCommunicator.h"
#include "runtime/comm/Launcher.h"
#include "runtime/comm/StartCheck.h"
#include "runtime/plan/Mesh.h"
#include "runtime/support/Process.h"
#include "test/unit/comm/FaultyTransport.h"
#include "test/unit/comm/HostDevice.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <map>

using namespace m1;
using namespace m1::test;

namespace {
struct Settings {
  int64_t Data = 1, Tensor = 1; ///< the mesh
  int64_t Timeout = 60000;      ///< of an exchange, in ms
  int64_t Start = 60000;        ///< until all ranks have started, in ms
  int64_t Steps = 10;           ///< exchanges on each axis
  int64_t Bytes = 64;           ///< of a block
  int64_t Rank = -1;            ///< the one with a fault
  Fault Injected;
  int64_t Busy = 0; ///< ms before each step
  std::vector<StartFact> Facts;
};

/// The value of an option "NAME=VALUE".
bool option(std::string_view Argument, std::string_view Name, int64_t &Value) {
  if (!Argument.starts_with(Name) || Argument.size() <= Name.size() ||
      Argument[Name.size()] != '=')
    return false;
  Argument.remove_prefix(Name.size() + 1);
  std::from_chars(Argument.data(), Argument.data() + Argument.size(), Value);
  return true;
}

absl::StatusOr<Settings> read(int Argc, char **Argv) {
  Settings S;
  const std::map<std::string_view, Fault::Kind> Faults = {
      {"--delay", Fault::Delay}, {"--fail", Fault::Fail},
      {"--hang", Fault::Hang},   {"--kill", Fault::Kill},
      {"--stop", Fault::Stop},
  };
  for (int I = 1; I < Argc; ++I) {
    const std::string_view Argument = Argv[I];
    if (option(Argument, "--data", S.Data) ||
        option(Argument, "--tensor", S.Tensor) ||
        option(Argument, "--timeout", S.Timeout) ||
        option(Argument, "--start", S.Start) ||
        option(Argument, "--steps", S.Steps) ||
        option(Argument, "--bytes", S.Bytes) ||
        option(Argument, "--rank", S.Rank) ||
        option(Argument, "--busy", S.Busy))
      continue;
    int64_t Value = 0;
    if (option(Argument, "--for", Value)) {
      S.Injected.For = std::chrono::milliseconds(Value);
      continue;
    }
    bool IsFault = false;
    for (auto [Name, Kind] : Faults)
      if (option(Argument, Name, Value)) {
        S.Injected.What = Kind;
        S.Injected.Call = Value;
        IsFault = true;
      }
    const size_t Equals = Argument.find('=');
    if (!IsFault && (Argument.starts_with("--") || Equals == Argument.npos))
      return makeError("unknown option ", Argument);
    if (!IsFault)
      S.Facts.push_back({std::string(Argument.substr(0, Equals)),
                         std::string(Argument.substr(Equals + 1))});
  }
  return S;
}

std::vector<uint8_t> meshOf(const Settings &S) {
  plan::PlanT Plan;
  for (auto [Name, Extent] : {std::pair("data", S.Data), {"tensor", S.Tensor}})
    if (Extent > 1) {
      Plan.mesh.push_back(std::make_unique<plan::MeshAxisT>());
      Plan.mesh.back()->name = Name;
      Plan.mesh.back()->extent = Extent;
    }
  flatbuffers::FlatBufferBuilder Builder;
  Builder.Finish(plan::Plan::Pack(Builder, &Plan));
  return {Builder.GetBufferPointer(),
          Builder.GetBufferPointer() + Builder.GetSize()};
}

/// Exchanges on each axis; checks the bytes.
absl::Status exchange(const Settings &S, const plan::Plan &Mesh,
                      Communicator &Comm, int Rank) {
  std::vector<int64_t> Extents = meshExtents(Mesh);
  for (int64_t Step = 0; Step < S.Steps; ++Step) {
    // What a kernel would do.
    const auto End =
        std::chrono::steady_clock::now() + std::chrono::milliseconds(S.Busy);
    while (std::chrono::steady_clock::now() < End)
      ;
    for (uint32_t Axis = 0; Axis < Extents.size(); ++Axis) {
      const bool Gathers = Step % 2 == 0;
      const int64_t Extent = Extents[Axis];
      std::vector<uint8_t> Source((Gathers ? 1 : Extent) * S.Bytes),
          Destination(Extent * S.Bytes);
      for (int64_t I = 0; I < (Gathers ? 1 : Extent); ++I)
        std::fill_n(&Source[I * S.Bytes], S.Bytes,
                    static_cast<uint8_t>(31 * Rank + Step + I));
      Exchange What;
      What.Kind = Gathers ? plan::CollectiveKind::AllGather
                          : plan::CollectiveKind::AllToAll;
      What.Axis = Axis;
      What.Source = reinterpret_cast<Device::Address>(Source.data());
      What.Destination = reinterpret_cast<Device::Address>(Destination.data());
      What.Bytes = S.Bytes;
      What.Function = "score";
      What.Step = Step;
      What.Where = "model.layers.0";
      M1_RETURN_IF_ERROR(Comm.exchange(What));
      const std::vector<int> Group = groupOf(Mesh, Rank, Axis);
      const int64_t Own = Comm.coordinates()[Axis];
      for (size_t I = 0; I < Destination.size(); ++I)
        if (Destination[I] != static_cast<uint8_t>(31 * Group[I / S.Bytes] +
                                                   Step + (Gathers ? 0 : Own)))
          return makeError("step ", Step, ": byte ", I, " is wrong");
    }
  }
  return absl::OkStatus();
}

/// `Ranks` is destroyed, which may end the process, after the error is printed.
absl::Status run(int Argc, char **Argv, std::unique_ptr<Transport> &Ranks) {
  M1_ASSIGN_OR_RETURN(Settings S, read(Argc, Argv));
  M1_ASSIGN_OR_RETURN(std::optional<LaunchedRank> Own, launchedRank());
  if (!Own)
    return makeError("start this program with mpirun");
  M1_ASSIGN_OR_RETURN(Ranks,
                      joinRanks(*Own, {std::chrono::milliseconds(S.Start)}));
  Ranks->setTimeout(std::chrono::milliseconds(S.Timeout));
  if (Own->Rank == S.Rank)
    Ranks = std::make_unique<FaultyTransport>(std::move(Ranks), S.Injected);

  const std::vector<uint8_t> File = meshOf(S);
  const plan::Plan &Mesh = *plan::GetPlan(File.data());
  HostDevice TheDevice;
  absl::Status Status = checkFacts(*Ranks, S.Facts);
  if (Status.ok()) {
    auto Comm = createHostCommunicator(Mesh, *Ranks, TheDevice);
    Status = exchange(S, Mesh, *Comm, Own->Rank);
  }
  if (Status.ok())
    Status = Ranks->finish();
  if (!Status.ok())
    Ranks->abort(Status);
  return Status;
}
} // namespace

/// Takes part in a job of m1-rank-job: exchanges in steps on each axis of a
/// mesh. Arguments: --data=N --tensor=N (the mesh), --timeout=MS, --start=MS,
/// --steps=N, --bytes=N, --busy=MS; a fault at call N of rank R's transport,
/// where call 0 and 1 compare facts: --rank=R and --delay=N, --fail=N,
/// --hang=N, --kill=N or
/// --stop=N, with --for=MS; NAME=VALUE: a fact.
int main(int Argc, char **Argv) {
  prepareProcess();
  std::unique_ptr<Transport> Ranks;
  absl::Status Status = run(Argc, Argv, Ranks);
  const bool IsMine = !isOfAllRanks(Status) || Ranks->rank() == 0;
  if (!Status.ok() && IsMine)
    std::fprintf(stderr, "error: %s\n", std::string(Status.message()).c_str());
  if (Status.ok())
    std::printf("done\n");
  return Status.ok() ? 0 : 1;
}
