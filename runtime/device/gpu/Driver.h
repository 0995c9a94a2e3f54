//===- Driver.h - the interface of GPU drivers ------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_DEVICE_GPU_DRIVER_H
#define M1C_RUNTIME_DEVICE_GPU_DRIVER_H

#include "runtime/device/Recorder.h"
#include "runtime/support/ArgumentExtent.h"

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace m1::gpu {

/// An address in the GPU's memory.
using Address = uint64_t;

struct Limits {
  /// 10 times the major plus the minor number, as in sm_80; 0: any code runs.
  unsigned ComputeCapability = 0;
  /// Maximum dynamic shared memory per thread block.
  uint64_t SharedBytes = 0;
};

struct LaunchShape {
  std::array<uint32_t, 3> Grid; ///< thread blocks in x, y, z; none is 0
  uint32_t Threads;             ///< per thread block, in x
  uint32_t SharedBytes;         ///< dynamic shared memory per thread block
};

/// The interface of a real or emulated GPU for GpuDevice. Copies and launches
/// run in the order of the calls and asynchronously: a failure is reported by
/// that or a later call, at the latest by `synchronize`. Errors are one line
/// without the name of the plan or kernel.
class Driver {
public:
  enum class Contents : uint8_t { Zero, Undefined };

  virtual ~Driver() = default;

  /// "cuda, NVIDIA A100 (sm_80)".
  virtual std::string description() const = 0;
  virtual Limits limits() const = 0;
  /// Bytes that can still be allocated.
  virtual absl::StatusOr<uint64_t> freeBytes() = 0;

  /// Memory of the GPU, aligned to 256 bytes. `Bytes` is not 0.
  virtual absl::StatusOr<Address> allocate(uint64_t Bytes, Contents What) = 0;
  /// Waits for work that may use the memory.
  virtual absl::Status release(Address At) = 0;
  /// Pinned host memory for copyIn and copyOut.
  virtual absl::StatusOr<void *> allocateHost(uint64_t Bytes) = 0;
  virtual void releaseHost(void *At) = 0;

  /// `From` and `To` are in memory of `allocateHost` and must not be touched
  /// before the copy completes.
  virtual absl::Status copyIn(Address To, const void *From, uint64_t Bytes) = 0;
  virtual absl::Status copyOut(void *To, Address From, uint64_t Bytes) = 0;
  /// The ranges do not overlap.
  virtual absl::Status copy(Address To, Address From, uint64_t Bytes) = 0;

  /// Two events, 0 and 1: `mark` records one after the work so far, `waitFor`
  /// waits until that work is complete; it returns at once if the event was not
  /// recorded.
  virtual absl::Status mark(unsigned Mark) = 0;
  virtual absl::Status waitFor(unsigned Mark) = 0;

  /// Loads a PTX module; returns its number for `findKernel`. Errors include
  /// the driver's message.
  virtual absl::StatusOr<uint32_t> loadModule(std::string_view Ptx) = 0;
  /// Finds a kernel, which will be launched with `SharedBytes`; returns its
  /// number for `launch`.
  virtual absl::StatusOr<uint32_t> findKernel(uint32_t Module,
                                              const std::string &Name,
                                              uint32_t SharedBytes) = 0;
  /// `Args`: the 8 bytes of each argument. `Extents` as in m1::Device.
  virtual absl::Status launch(uint32_t Kernel, const LaunchShape &Shape,
                              std::span<const uint64_t> Args,
                              std::span<const ArgumentExtent> Extents) = 0;
  virtual bool checksExtents() const { return false; }
  virtual absl::Status synchronize() = 0;

  /// What work is issued to, as other libraries of the GPU know it (CUstream);
  /// null if there is none.
  virtual void *stream() { return nullptr; }
  /// Whether all work is complete; does not wait.
  virtual absl::StatusOr<bool> isIdle() {
    M1_RETURN_IF_ERROR(synchronize());
    return true;
  }

  /// As in m1::Device.
  virtual Recorder *recorder() { return nullptr; }
};

} // namespace m1::gpu

#endif // M1C_RUNTIME_DEVICE_GPU_DRIVER_H
