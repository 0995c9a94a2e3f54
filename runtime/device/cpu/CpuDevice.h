//===- CpuDevice.h - the host CPU as a device -------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_DEVICE_CPU_CPUDEVICE_H
#define M1C_RUNTIME_DEVICE_CPU_CPUDEVICE_H

#include "runtime/device/Device.h"

#include <memory>

namespace m1 {

/// `Threads` is at least 1. `Checked`: see DeviceOptions.
absl::StatusOr<std::unique_ptr<Device>> createCpuDevice(unsigned Threads,
                                                        bool Checked);

} // namespace m1

#endif // M1C_RUNTIME_DEVICE_CPU_CPUDEVICE_H
