//===- NcclCommunicator.cpp - exchanges between GPUs ----------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/comm/nccl/NcclCommunicator.h"

#include "runtime/comm/MeshCommunicator.h"
#include "runtime/comm/MessageTransport.h"
#include "runtime/comm/Patience.h"
#include "runtime/comm/Watchdog.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <numeric>

using namespace m1;
using namespace m1::nccl;

namespace {
class NcclCommunicator : public MeshCommunicator {
public:
  NcclCommunicator(const Api &Nccl, const plan::Plan &Plan, Transport &Ranks,
                   gpu::Driver &Gpu)
      : MeshCommunicator(Plan, Ranks), Nccl(Nccl), Gpu(Gpu) {}
  ~NcclCommunicator() override;

  absl::Status open();
  absl::Status exchange(const Exchange &What) override;
  absl::Status wait(std::string_view Function) override;
  bool isRecordable() const override { return true; }

private:
  absl::Status prepareMarks();
  absl::Status openAxis(uint32_t Axis);
  absl::Status issue(const Exchange &What);
  absl::Status mark(const Exchange &What);
  void noteProgress();
  absl::Status settle(Comm C, std::string_view Name);
  absl::Status checkAll();
  absl::Status await(Patience &Idle);
  absl::Status check(Result Code, std::string_view Name) const;
  void abortAll();

  const Api Nccl;
  gpu::Driver &Gpu;
  std::vector<Comm> Comms; ///< by axis
  bool HasFailed = false;

  // After each exchange, the GPU copies its number from `Numbers`, on the GPU,
  // to `Finished`, in pinned memory. This can be recorded, too.
  static constexpr uint32_t MostPlaces = 1 << 16;
  struct Place {
    std::string_view Function;
    uint32_t Step;
  };
  std::vector<Place> Places; ///< of the exchanges, by number less 1
  gpu::Address Numbers = 0;
  uint32_t *Finished = nullptr;
  uint32_t LastSeen = 0;
};
} // namespace

absl::Status NcclCommunicator::check(Result Code, std::string_view Name) const {
  if (Code == kSuccess || Code == kInProgress)
    return absl::OkStatus();
  return makeError(Name, ": ", Nccl.GetErrorString(Code));
}

/// Waits until what the last calls began is complete on the host.
absl::Status NcclCommunicator::settle(Comm C, std::string_view Name) {
  Patience Idle;
  while (true) {
    Result Code = kSuccess;
    M1_RETURN_IF_ERROR(
        check(Nccl.CommGetAsyncError(C, &Code), "ncclCommGetAsyncError"));
    M1_RETURN_IF_ERROR(check(Code, Name));
    if (Code == kSuccess)
      return absl::OkStatus();
    M1_RETURN_IF_ERROR(Ranks.checkRanks());
    if (Idle.waited() >= Ranks.timeout())
      return absl::DeadlineExceededError(concat(Name, ": not finished within ",
                                                describeTime(Ranks.timeout())));
    Idle.wait();
  }
}

absl::Status NcclCommunicator::openAxis(uint32_t Axis) {
  std::span<const int> Group = group(Axis);
  const int Own =
      std::find(Group.begin(), Group.end(), Ranks.rank()) - Group.begin();
  // The first rank's identifier; all give one, so that they make the same call.
  UniqueId Id = {};
  if (Own == 0)
    M1_RETURN_IF_ERROR(check(Nccl.GetUniqueId(&Id), "ncclGetUniqueId"));
  std::vector<UniqueId> Ids(Group.size());
  M1_RETURN_IF_ERROR(Ranks.allGather(
      Group, reinterpret_cast<const std::byte *>(&Id),
      reinterpret_cast<std::byte *>(Ids.data()), sizeof(UniqueId)));
  Config How;
  Comm C = nullptr;
  M1_RETURN_IF_ERROR(
      check(Nccl.CommInitRankConfig(&C, Group.size(), Ids[0], Own, &How),
            "ncclCommInitRankConfig"));
  Comms.push_back(C);
  return settle(C, "ncclCommInitRankConfig");
}

absl::Status NcclCommunicator::prepareMarks() {
  constexpr uint64_t Bytes = MostPlaces * sizeof(uint32_t);
  M1_ASSIGN_OR_RETURN(void *Memory, Gpu.allocateHost(Bytes));
  Finished = static_cast<uint32_t *>(Memory);
  std::iota(Finished, Finished + MostPlaces, 1);
  M1_ASSIGN_OR_RETURN(Numbers,
                      Gpu.allocate(Bytes, gpu::Driver::Contents::Undefined));
  M1_RETURN_IF_ERROR(Gpu.copyIn(Numbers, Finished, Bytes));
  M1_RETURN_IF_ERROR(Gpu.synchronize());
  *Finished = 0;
  return absl::OkStatus();
}

absl::Status NcclCommunicator::open() {
  absl::Status Status = prepareMarks();
  for (uint32_t Axis = 0; Axis < axes() && Status.ok(); ++Axis)
    Status = openAxis(Axis);
  if (!Status.ok())
    abortAll();
  return Status;
}

/// Ends what NCCL does, here only: the other ranks end by themselves.
void NcclCommunicator::abortAll() {
  HasFailed = true;
  Watchdog Limit(Ranks.timeout(), "NCCL did not end (ncclCommAbort)");
  for (Comm C : Comms)
    (void)Nccl.CommAbort(C); // the first error is the one to report
  Comms.clear();
}

NcclCommunicator::~NcclCommunicator() {
  // The other ranks may still be reading this one's memory. They do not end
  // together after a failure.
  for (Comm &C : Comms) {
    Patience Idle;
    Result Code = Nccl.CommFinalize(C);
    while (Code == kInProgress && Ranks.checkRanks().ok() &&
           Idle.waited() < std::chrono::seconds(2)) {
      Idle.wait();
      if (Nccl.CommGetAsyncError(C, &Code) != kSuccess)
        break;
    }
    if (Code == kSuccess && Nccl.CommDestroy(C) == kSuccess)
      C = nullptr;
  }
  Comms.erase(std::remove(Comms.begin(), Comms.end(), nullptr), Comms.end());
  if (!Comms.empty())
    abortAll();
  if (Numbers)
    (void)Gpu.release(Numbers); // a destructor cannot report errors
  if (Finished)
    Gpu.releaseHost(Finished);
}

absl::Status NcclCommunicator::issue(const Exchange &What) {
  const Comm C = Comms[What.Axis];
  const Stream S = Gpu.stream();
  const int Count = group(What.Axis).size();
  auto at = [](Device::Address Address, uint64_t Offset) {
    return reinterpret_cast<std::byte *>(Address + Offset);
  };
  M1_RETURN_IF_ERROR(check(Nccl.GroupStart(), "ncclGroupStart"));
  absl::Status Status;
  if (What.Kind == plan::CollectiveKind::AllGather)
    Status = check(Nccl.AllGather(at(What.Source, 0), at(What.Destination, 0),
                                  What.Bytes, kBytes, C, S),
                   "ncclAllGather");
  else
    for (int Peer = 0; Peer < Count && Status.ok(); ++Peer) {
      const uint64_t Offset = Peer * What.Bytes;
      Status = check(
          Nccl.Send(at(What.Source, Offset), What.Bytes, kBytes, Peer, C, S),
          "ncclSend");
      if (Status.ok())
        Status = check(Nccl.Recv(at(What.Destination, Offset), What.Bytes,
                                 kBytes, Peer, C, S),
                       "ncclRecv");
    }
  // A group that was started is ended in any case.
  Status.Update(check(Nccl.GroupEnd(), "ncclGroupEnd"));
  M1_RETURN_IF_ERROR(Status);
  // Nothing may follow in the stream before the group has been issued.
  return settle(C, What.Kind == plan::CollectiveKind::AllGather
                       ? "ncclAllGather"
                       : "ncclSend");
}

/// Lets the GPU say that it has finished the exchange.
absl::Status NcclCommunicator::mark(const Exchange &What) {
  auto isThis = [&](const Place &P) {
    return P.Step == What.Step && P.Function == What.Function;
  };
  // As a rule the exchange after the last one that was issued.
  size_t Number =
      std::find_if(Places.begin(), Places.end(), isThis) - Places.begin();
  if (Number == Places.size()) {
    if (Number == MostPlaces)
      return absl::OkStatus();
    Places.push_back({What.Function, What.Step});
  }
  return Gpu.copyOut(Finished, Numbers + Number * sizeof(uint32_t),
                     sizeof(uint32_t));
}

absl::Status NcclCommunicator::exchange(const Exchange &What) {
  if (HasFailed)
    return explain(What, makeError("NCCL has failed before"));
  if (What.Bytes == 0)
    return absl::OkStatus();
  absl::Status Status = issue(What);
  if (Status.ok())
    Status = mark(What);
  if (Status.ok())
    return absl::OkStatus();
  noteProgress();
  Status = explain(What, Status);
  abortAll();
  return Status;
}

void NcclCommunicator::noteProgress() {
  // The GPU writes it.
  const uint32_t Now =
      std::atomic_ref<uint32_t>(*Finished).load(std::memory_order_relaxed);
  if (Now == LastSeen)
    return;
  LastSeen = Now;
  setFinished(Places[Now - 1].Function, Places[Now - 1].Step);
}

absl::Status NcclCommunicator::checkAll() {
  for (Comm C : Comms) {
    Result Code = kSuccess;
    M1_RETURN_IF_ERROR(
        check(Nccl.CommGetAsyncError(C, &Code), "ncclCommGetAsyncError"));
    M1_RETURN_IF_ERROR(check(Code, "NCCL"));
  }
  return Ranks.checkRanks();
}

absl::Status NcclCommunicator::await(Patience &Idle) {
  while (true) {
    M1_ASSIGN_OR_RETURN(bool IsIdle, Gpu.isIdle());
    const uint32_t Before = LastSeen;
    noteProgress();
    if (IsIdle)
      return absl::OkStatus();
    if (LastSeen != Before)
      Idle.reset();
    M1_RETURN_IF_ERROR(checkAll());
    if (Idle.waited() >= Ranks.timeout())
      return absl::DeadlineExceededError(
          concat("the GPU finished no exchange within ",
                 describeTime(Ranks.timeout())));
    Idle.wait();
  }
}

absl::Status NcclCommunicator::wait(std::string_view Function) {
  if (HasFailed)
    return explain(Function, makeError("NCCL has failed before"));
  // Results are wanted at once: the processor is not given up for a while.
  Patience Idle(std::chrono::milliseconds(20));
  absl::Status Status = await(Idle);
  if (Status.ok())
    return absl::OkStatus();
  Status = explain(Function, Status);
  abortAll();
  return Status;
}

absl::StatusOr<std::unique_ptr<Communicator>>
nccl::createNcclCommunicator(const Api &Nccl, const plan::Plan &Plan,
                             Transport &Ranks, gpu::Driver &Gpu) {
  if (!Gpu.stream())
    return makeError(Gpu.description(), ": has no stream for NCCL");
  auto Result = std::make_unique<NcclCommunicator>(Nccl, Plan, Ranks, Gpu);
  M1_RETURN_IF_ERROR(Result->open());
  return Result;
}
