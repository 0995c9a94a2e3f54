//===- NcclCommunicator.h - exchanges between GPUs --------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_COMM_NCCL_NCCLCOMMUNICATOR_H
#define M1C_RUNTIME_COMM_NCCL_NCCLCOMMUNICATOR_H

#include "runtime/comm/Communicator.h"
#include "runtime/comm/Transport.h"
#include "runtime/comm/nccl/NcclApi.h"
#include "runtime/device/gpu/Driver.h"

#include <memory>

namespace m1::nccl {

/// A communicator between the GPUs of all ranks, which call this together. The
/// plan, the transport and the GPU must outlive it. The transport has as many
/// ranks as the plan's mesh; the GPU has a stream.
///
/// Exchanges are issued to the GPU's stream and can be recorded. NCCL has no
/// time limits: `wait` has the transport's, for a GPU that works without
/// finishing an exchange. It ends what NCCL does on this rank if the limit is
/// past, NCCL fails, or another rank has failed.
absl::StatusOr<std::unique_ptr<Communicator>>
createNcclCommunicator(const Api &Nccl, const plan::Plan &Plan,
                       Transport &Ranks, gpu::Driver &Gpu);

} // namespace m1::nccl

#endif // M1C_RUNTIME_COMM_NCCL_NCCLCOMMUNICATOR_H
