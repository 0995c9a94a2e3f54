//===- TransferBuffers.h - copies between host and GPU ----------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_DEVICE_GPU_TRANSFERBUFFERS_H
#define M1C_RUNTIME_DEVICE_GPU_TRANSFERBUFFERS_H

#include "runtime/device/gpu/Driver.h"

#include <array>
#include <cstddef>
#include <memory>

namespace m1::gpu {

/// Copies between pageable host memory and the GPU through two pinned buffers:
/// the host fills or reads one while the GPU copies the other.
class TransferBuffers {
public:
  /// The driver must outlive the buffers. `Bytes`: the size of each.
  static absl::StatusOr<std::unique_ptr<TransferBuffers>>
  create(Driver &Gpu, uint64_t Bytes);
  ~TransferBuffers();
  TransferBuffers(const TransferBuffers &) = delete;
  TransferBuffers &operator=(const TransferBuffers &) = delete;

  /// `From` has been read when this returns; the copy may still be pending.
  absl::Status copyIn(Address To, const void *From, uint64_t Bytes);
  /// Waits for all earlier work; `To` is complete when this returns.
  absl::Status copyOut(void *To, Address From, uint64_t Bytes);

private:
  TransferBuffers(Driver &Gpu, uint64_t Bytes) : Gpu(Gpu), BufferBytes(Bytes) {}
  absl::Status turn();

  Driver &Gpu;
  uint64_t BufferBytes;
  std::array<std::byte *, 2> Buffers{};
  unsigned Current = 0;
  uint64_t Used = 0; ///< bytes of the current buffer with copies pending
};

} // namespace m1::gpu

#endif // M1C_RUNTIME_DEVICE_GPU_TRANSFERBUFFERS_H
