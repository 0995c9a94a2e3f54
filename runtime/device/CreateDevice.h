//===- CreateDevice.h - devices by name -------------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_DEVICE_CREATEDEVICE_H
#define M1C_RUNTIME_DEVICE_CREATEDEVICE_H

#include "runtime/device/Device.h"

namespace m1 {

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

#endif // M1C_RUNTIME_DEVICE_CREATEDEVICE_H
