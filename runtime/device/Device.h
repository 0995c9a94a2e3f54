//===- Device.h - what executes kernels -------------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1_RUNTIME_DEVICE_DEVICE_H
#define M1_RUNTIME_DEVICE_DEVICE_H

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

/// A processor with memory. Everything that a plan's steps do is done by one of
/// these; the executor above it is the same for all.
///
/// Work is started in order and each step sees the results of those before it.
/// A device may return before the work is done: only `synchronize` waits.
class Device {
public:
  /// An address that the device's kernels understand.
  using Address = uint64_t;
  /// How a call uses the memory of an input (Read) or output (Write); None: an
  /// output that nobody wants.
  enum class HostAccess : uint8_t { Read, Write, None };

  virtual ~Device();

  /// "cpu, 8 threads"; "cuda, NVIDIA A100 (sm_80)".
  virtual std::string description() const = 0;

  /// Checks that the plan was compiled for this device and makes its kernels
  /// ready to launch. Once, before all else; the plan must outlive the device.
  virtual absl::Status loadKernels(const LoadedPlan &Plan) = 0;

  /// Memory of the device, aligned to 64 bytes; it lives as long as the device.
  /// Weights and states are zero, activations anything. Pages that are never
  /// touched cost nothing where that is possible.
  virtual absl::StatusOr<Address> allocate(uint64_t Bytes,
                                           plan::ArenaKind Kind) = 0;

  /// Makes a parameter or constants readable by kernels until `unload`. Where
  /// kernels use the process's own memory it must stay where it is until then;
  /// elsewhere it has been copied when this returns.
  virtual absl::StatusOr<Address> load(const void *Host, uint64_t Bytes) = 0;
  virtual absl::Status unload(Address Loaded) = 0;
  virtual bool usesHostMemory() const = 0;

  /// Makes an input or output of a call readable or writable by kernels. With
  /// Read the contents are those at the time of the call; with Write they are
  /// complete when `unmap` has returned, and the memory must stay where it is
  /// until then. With None, `Host` is null and kernels get the device's own
  /// memory. Everything is unmapped before the next call maps; mapping the same
  /// sizes in the same order gives the same addresses where there is a
  /// `recorder`, whatever the access.
  virtual absl::StatusOr<Address> map(void *Host, uint64_t Bytes,
                                      HostAccess Access) = 0;
  virtual absl::Status unmap(Address Mapped) = 0;

  /// Runs kernel number `Kernel` of the plan for each cell of the grid. The
  /// arguments are addresses or integers, as the plan's `Arg` says. `Extents`
  /// has an entry for each argument where the device `checksExtents`, and is
  /// empty elsewhere. `Source` is the step's, for errors; it lives as long as
  /// the plan.
  virtual absl::Status launch(uint32_t Kernel, std::span<const uint64_t> Args,
                              std::span<const ArgumentExtent> Extents,
                              const std::array<int64_t, 3> &Grid,
                              std::string_view Source) = 0;
  /// Whether a kernel that touches memory outside of its arguments' extents, or
  /// writes to one that is only read, is an error of `launch`.
  virtual bool checksExtents() const { return false; }
  /// The ranges may overlap.
  virtual absl::Status copy(Address To, Address From, uint64_t Bytes) = 0;
  /// Waits for all work; reports what failed in it.
  virtual absl::Status synchronize() = 0;

  /// The recorder of this device's work; null where repeating it one by one
  /// costs no more.
  virtual Recorder *recorder() { return nullptr; }
};

/// How to make a device.
struct DeviceOptions {
  /// "cpu", "cuda", "cuda:N" (the N-th GPU) or "ptx" (a GPU emulated on the
  /// CPU); empty for what the plan was compiled for.
  std::string Name;
  /// Threads of the CPU to use; 0: as many as the process may.
  unsigned Threads = 0;
  /// Waits for each launch, so that an error names the one that caused it.
  bool Blocking = false;
  /// On the CPU: checks that kernels stay inside their arguments, at the cost
  /// of a copy of these for each launch. The emulated GPU always checks.
  bool Checked = false;
};

/// The device that the options name; its kernels are not loaded yet.
absl::StatusOr<std::unique_ptr<Device>>
createDevice(const LoadedPlan &Plan, const DeviceOptions &Options);

} // namespace m1

#endif // M1_RUNTIME_DEVICE_DEVICE_H
