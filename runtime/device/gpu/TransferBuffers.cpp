//===- TransferBuffers.cpp - copies between host and GPU ------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/device/gpu/TransferBuffers.h"

#include <algorithm>
#include <cstring>

using namespace m1;
using namespace m1::gpu;

absl::StatusOr<std::unique_ptr<TransferBuffers>>
TransferBuffers::create(Driver &Gpu, uint64_t Bytes) {
  std::unique_ptr<TransferBuffers> Result(new TransferBuffers(Gpu, Bytes));
  for (std::byte *&Buffer : Result->Buffers) {
    M1_ASSIGN_OR_RETURN(void *Memory, Gpu.allocateHost(Bytes));
    Buffer = static_cast<std::byte *>(Memory);
  }
  return Result;
}

TransferBuffers::~TransferBuffers() {
  for (std::byte *Buffer : Buffers)
    if (Buffer)
      Gpu.releaseHost(Buffer);
}

/// Switches to the other buffer, once its copies are complete.
absl::Status TransferBuffers::turn() {
  M1_RETURN_IF_ERROR(Gpu.mark(Current));
  Current ^= 1;
  Used = 0;
  return Gpu.waitFor(Current);
}

absl::Status TransferBuffers::copyIn(Address To, const void *From,
                                     uint64_t Bytes) {
  const auto *Source = static_cast<const std::byte *>(From);
  while (Bytes > 0) {
    if (Used == BufferBytes)
      M1_RETURN_IF_ERROR(turn());
    uint64_t Count = std::min(Bytes, BufferBytes - Used);
    std::byte *Through = Buffers[Current] + Used;
    std::memcpy(Through, Source, Count);
    M1_RETURN_IF_ERROR(Gpu.copyIn(To, Through, Count));
    Used += Count;
    Source += Count;
    To += Count;
    Bytes -= Count;
  }
  return absl::OkStatus();
}

absl::Status TransferBuffers::copyOut(void *To, Address From, uint64_t Bytes) {
  auto *Destination = static_cast<std::byte *>(To);
  uint64_t Ahead = 0; // bytes in the other buffer that belong at Destination
  while (Bytes > 0) {
    M1_RETURN_IF_ERROR(turn());
    Used = std::min(Bytes, BufferBytes);
    M1_RETURN_IF_ERROR(Gpu.copyOut(Buffers[Current], From, Used));
    if (Ahead > 0) {
      M1_RETURN_IF_ERROR(Gpu.waitFor(Current ^ 1));
      std::memcpy(Destination, Buffers[Current ^ 1], Ahead);
      Destination += Ahead;
    }
    Ahead = Used;
    From += Used;
    Bytes -= Used;
  }
  if (Ahead == 0)
    return absl::OkStatus();
  M1_RETURN_IF_ERROR(Gpu.mark(Current));
  M1_RETURN_IF_ERROR(Gpu.waitFor(Current));
  std::memcpy(Destination, Buffers[Current], Ahead);
  Used = 0; // everything has arrived
  return absl::OkStatus();
}
