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

/// The way between the process's memory and the GPU's: two buffers that the GPU
/// can copy from and to, of which the process fills or reads one while the
/// other is under way.
class TransferBuffers {
public:
  /// The driver must outlive the staging; `Bytes` is the size of each buffer.
  static absl::StatusOr<std::unique_ptr<TransferBuffers>>
  create(Driver &Gpu, uint64_t Bytes);
  ~TransferBuffers();
  TransferBuffers(const TransferBuffers &) = delete;
  TransferBuffers &operator=(const TransferBuffers &) = delete;

  /// `From` has been read when this returns; the copy may still be under way.
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
  uint64_t Used = 0; ///< bytes of the current buffer that may be under way
};

} // namespace m1::gpu

#endif // M1C_RUNTIME_DEVICE_GPU_TRANSFERBUFFERS_H
