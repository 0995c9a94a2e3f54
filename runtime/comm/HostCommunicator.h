//===- HostCommunicator.h - exchanges through the host ----------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_COMM_HOSTCOMMUNICATOR_H
#define M1C_RUNTIME_COMM_HOSTCOMMUNICATOR_H

#include "runtime/comm/Communicator.h"
#include "runtime/comm/Transport.h"

#include <memory>

namespace m1 {

/// A communicator over a transport: for the CPU, whose memory is the host's,
/// and for other devices by copies to and from the host. The plan, the
/// transport and the device must outlive it. The transport has as many ranks as
/// the plan's mesh.
std::unique_ptr<Communicator> createHostCommunicator(const plan::Plan &Plan,
                                                     Transport &Ranks,
                                                     Device &TheDevice);

} // namespace m1

#endif // M1C_RUNTIME_COMM_HOSTCOMMUNICATOR_H
