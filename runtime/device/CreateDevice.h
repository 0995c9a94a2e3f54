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

/// Options of createDevice.
struct DeviceOptions {
  /// "cpu", "cuda", "cuda:N" (the N-th GPU) or "ptx" (a GPU emulated on the
  /// CPU); empty: the device that the plan was compiled for.
  std::string Name;
  /// The GPU that "cuda" without a number means.
  unsigned Gpu = 0;
  /// CPU threads to use; 0: all processors available to the process.
  unsigned Threads = 0;
  /// Wait for each launch, so that an error names the one that caused it.
  bool Blocking = false;
  /// On the CPU: check that kernels stay inside their arguments, at the cost of
  /// a copy of the arguments per launch. The emulated GPU always checks.
  bool Checked = false;
};

/// Creates the device that the options name; its kernels are not loaded yet.
absl::StatusOr<std::unique_ptr<Device>>
createDevice(const LoadedPlan &Plan, const DeviceOptions &Options);

} // namespace m1

#endif // M1C_RUNTIME_DEVICE_CREATEDEVICE_H
