//===- Device.h - the interface of devices ----------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_DEVICE_DEVICE_H
#define M1C_RUNTIME_DEVICE_DEVICE_H

#include "runtime/device/Recorder.h"
#include "runtime/plan/Plan.h"
#include "runtime/support/ArgumentExtent.h"

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace m1 {

/// A processor with memory, which executes the steps of a plan. The executor
/// above it is the same for all devices.
///
/// Work is executed in the order of the calls, and each step sees the results
/// of those before it. Calls may return before their work is complete;
/// `synchronize`, and `unmap` of an output, wait for it.
class Device {
public:
  /// An address in the device's address space.
  using Address = uint64_t;
  /// How a call uses host memory: an input is read, an output is written, and
  /// an output that the caller does not take has none.
  enum class HostAccess : uint8_t { Read, Write, None };

  virtual ~Device() = default;

  /// "cpu, 8 threads"; "cuda, NVIDIA A100 (sm_80)".
  virtual std::string description() const = 0;

  /// Checks that the plan was compiled for this device and loads its kernels.
  /// Call once, before anything else; the plan must outlive the device.
  virtual absl::Status loadKernels(const LoadedPlan &Plan) = 0;

  /// Allocates the memory of an arena other than constants, aligned to 64
  /// bytes, which lives as long as the device. Weights and states are
  /// zero-initialised, activations are not. Where possible, untouched pages of
  /// activations and of divided states cost nothing.
  virtual absl::StatusOr<Address> allocate(const plan::Arena &Arena) = 0;

  /// Makes a parameter or constants readable by kernels until `unload`. If the
  /// device uses host memory, the data must stay valid until then; otherwise it
  /// has been copied when this returns.
  virtual absl::StatusOr<Address> load(const void *Host, uint64_t Bytes) = 0;
  virtual absl::Status unload(Address Loaded) = 0;
  virtual bool usesHostMemory() const = 0;
  /// Threads of the host that its kernels use, including the caller.
  virtual unsigned threads() const { return 1; }

  /// Makes an input or output of a call accessible to kernels until `unmap`.
  /// Read: the contents are those at the time of the call. Write: the contents
  /// are complete when `unmap` returns; the memory must stay valid until then.
  /// None: `Host` is null, and kernels get memory of the device. All tensors of
  /// a call are unmapped before the next call maps any. If there is a
  /// `recorder`, mapping the same sizes in the same order gives the same
  /// addresses, whatever the access.
  virtual absl::StatusOr<Address> map(void *Host, uint64_t Bytes,
                                      HostAccess Access) = 0;
  virtual absl::Status unmap(Address Mapped) = 0;

  /// Launches kernel number `Kernel` of the plan on a grid. Arguments are
  /// addresses or integers, as the plan's `Arg` says. `Extents` has one entry
  /// per argument if the device `checksExtents`, and is empty otherwise.
  /// `Source` is the step's, for errors; it lives as long as the plan.
  virtual absl::Status launch(uint32_t Kernel, std::span<const uint64_t> Args,
                              std::span<const ArgumentExtent> Extents,
                              const std::array<int64_t, 3> &Grid,
                              std::string_view Source) = 0;
  /// Whether `launch` detects kernels that access memory outside their
  /// arguments' extents or write to a read-only argument.
  virtual bool checksExtents() const { return false; }
  /// The ranges may overlap.
  virtual absl::Status copy(Address To, Address From, uint64_t Bytes) = 0;
  /// Copy between memory of the device and of the host, once all earlier work
  /// is complete; complete themselves when they return.
  virtual absl::Status copyToHost(void *To, Address From, uint64_t Bytes) = 0;
  virtual absl::Status copyFromHost(Address To, const void *From,
                                    uint64_t Bytes) = 0;
  /// Waits for all work and reports its errors.
  virtual absl::Status synchronize() = 0;

  /// The recorder of this device; null if recording would not save time.
  virtual Recorder *recorder() { return nullptr; }
};

} // namespace m1

#endif // M1C_RUNTIME_DEVICE_DEVICE_H
