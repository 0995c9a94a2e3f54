//===- HostCommunicator.cpp - exchanges through the host ------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/comm/HostCommunicator.h"

#include "runtime/comm/MeshCommunicator.h"

using namespace m1;

namespace {
class HostCommunicator : public MeshCommunicator {
public:
  HostCommunicator(const plan::Plan &Plan, Transport &Ranks, Device &TheDevice)
      : MeshCommunicator(Plan, Ranks), TheDevice(TheDevice) {}

  absl::Status exchange(const Exchange &What) override {
    absl::Status Status =
        TheDevice.usesHostMemory() ? directly(What) : throughCopies(What);
    if (!Status.ok())
      return explain(What, Status);
    setFinished(What.Function, What.Step);
    return absl::OkStatus();
  }

private:
  absl::Status transfer(const Exchange &What, const std::byte *Source,
                        std::byte *Destination) {
    std::span<const int> Group = group(What.Axis);
    return What.Kind == plan::CollectiveKind::AllGather
               ? Ranks.allGather(Group, Source, Destination, What.Bytes)
               : Ranks.allToAll(Group, Source, Destination, What.Bytes);
  }

  absl::Status directly(const Exchange &What) {
    M1_RETURN_IF_ERROR(TheDevice.synchronize());
    return transfer(What, reinterpret_cast<const std::byte *>(What.Source),
                    reinterpret_cast<std::byte *>(What.Destination));
  }

  absl::Status throughCopies(const Exchange &What) {
    const uint64_t Count = group(What.Axis).size();
    const uint64_t Given = What.Kind == plan::CollectiveKind::AllGather
                               ? What.Bytes
                               : Count * What.Bytes,
                   Gets = Count * What.Bytes;
    if (Copies.size() < Given + Gets)
      Copies.resize(Given + Gets);
    std::byte *Received = Copies.data() + Given;
    M1_RETURN_IF_ERROR(TheDevice.copyToHost(Copies.data(), What.Source, Given));
    M1_RETURN_IF_ERROR(transfer(What, Copies.data(), Received));
    return TheDevice.copyFromHost(What.Destination, Received, Gets);
  }

  Device &TheDevice;
  std::vector<std::byte> Copies; ///< source, then destination
};
} // namespace

std::unique_ptr<Communicator> m1::createHostCommunicator(const plan::Plan &Plan,
                                                         Transport &Ranks,
                                                         Device &TheDevice) {
  return std::make_unique<HostCommunicator>(Plan, Ranks, TheDevice);
}
