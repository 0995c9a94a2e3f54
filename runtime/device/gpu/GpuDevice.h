//===- GpuDevice.h - a device behind a GPU's driver -------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_DEVICE_GPU_GPUDEVICE_H
#define M1C_RUNTIME_DEVICE_GPU_GPUDEVICE_H

#include "runtime/device/Device.h"
#include "runtime/device/gpu/Driver.h"

#include <memory>

namespace m1 {

struct GpuOptions {
  /// Waits for each launch, so that an error names the one that caused it.
  bool Blocking = false;
  /// Size of each of the two transfer buffers.
  uint64_t TransferBytes = uint64_t(16) << 20;
};

/// A device for real and emulated GPUs. Device memory is allocated when the
/// plan is loaded, after a check that enough is free; only parameters are
/// allocated and released while `init` runs.
std::unique_ptr<Device> createGpuDevice(std::unique_ptr<gpu::Driver> Driver,
                                        const GpuOptions &Options);

/// The driver of a device that createGpuDevice made; null for other devices.
gpu::Driver *driverOf(Device &TheDevice);

} // namespace m1

#endif // M1C_RUNTIME_DEVICE_GPU_GPUDEVICE_H
