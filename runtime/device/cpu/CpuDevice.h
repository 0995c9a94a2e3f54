//===- CpuDevice.h - the processor that this process runs on ----*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1_RUNTIME_DEVICE_CPU_CPUDEVICE_H
#define M1_RUNTIME_DEVICE_CPU_CPUDEVICE_H

#include "runtime/device/Device.h"

#include <memory>

namespace m1 {

/// `Threads` 0: one for each processor that this process may use.
absl::StatusOr<std::unique_ptr<Device>> createCpuDevice(unsigned Threads);

} // namespace m1

#endif // M1_RUNTIME_DEVICE_CPU_CPUDEVICE_H
