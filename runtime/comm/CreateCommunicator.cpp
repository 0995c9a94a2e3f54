//===- CreateCommunicator.cpp - a communicator for a device ---------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/comm/CreateCommunicator.h"

#include "runtime/comm/HostCommunicator.h"
#include "runtime/comm/StartCheck.h"
#include "runtime/comm/nccl/LoadNccl.h"
#include "runtime/comm/nccl/NcclCommunicator.h"
#include "runtime/device/gpu/GpuDevice.h"

using namespace m1;

absl::StatusOr<std::unique_ptr<Communicator>>
m1::createCommunicator(const plan::Plan &Plan, Transport &Ranks,
                       Device &TheDevice, const std::string &NcclLibrary) {
  gpu::Driver *Gpu = driverOf(TheDevice);
  const bool UsesNccl = Gpu && Gpu->stream();
  M1_RETURN_IF_ERROR(checkFacts(
      Ranks, {{"how they exchange", UsesNccl ? "NCCL" : "host memory"}}));
  if (!UsesNccl)
    return createHostCommunicator(Plan, Ranks, TheDevice);
  absl::StatusOr<nccl::Api> Nccl = nccl::loadNccl(NcclLibrary);
  M1_RETURN_IF_ERROR(allSucceeded(Ranks, Nccl.status()));
  return nccl::createNcclCommunicator(*Nccl, Plan, Ranks, *Gpu);
}
