//===- CreateCommunicator.h - a communicator for a device -------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_COMM_CREATECOMMUNICATOR_H
#define M1C_RUNTIME_COMM_CREATECOMMUNICATOR_H

#include "runtime/comm/Communicator.h"
#include "runtime/comm/Transport.h"

#include <memory>
#include <string>

namespace m1 {

/// A communicator for the device of each rank, which all ranks call together:
/// NCCL between GPUs, otherwise through the host. The plan, the transport and
/// the device must outlive it. The transport has as many ranks as the plan's
/// mesh. That ranks differ, or that one has no NCCL, is an error of all ranks
/// (StartCheck.h).
absl::StatusOr<std::unique_ptr<Communicator>>
createCommunicator(const plan::Plan &Plan, Transport &Ranks, Device &TheDevice,
                   const std::string &NcclLibrary = "libnccl.so.2");

} // namespace m1

#endif // M1C_RUNTIME_COMM_CREATECOMMUNICATOR_H
