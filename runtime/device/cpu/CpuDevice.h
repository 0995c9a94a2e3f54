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

/// How many threads to use where `Asked` is the user's wish; 0 stands for one
/// for each processor that this process may use.
absl::StatusOr<unsigned> chooseThreads(unsigned Asked);

/// `Threads` is at least 1.
std::unique_ptr<Device> createCpuDevice(unsigned Threads, bool Checked);

} // namespace m1

#endif // M1_RUNTIME_DEVICE_CPU_CPUDEVICE_H
