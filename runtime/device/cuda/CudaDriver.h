//===- CudaDriver.h - NVIDIA GPUs -------------------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_DEVICE_CUDA_CUDADRIVER_H
#define M1C_RUNTIME_DEVICE_CUDA_CUDADRIVER_H

#include "runtime/device/gpu/Driver.h"

#include <memory>

namespace m1::cuda {

/// Opens GPU number `Ordinal` through the driver library, which is loaded here.
/// Use from the creating thread only. Errors: no driver, a driver older than
/// CUDA 12.0, no such GPU.
absl::StatusOr<std::unique_ptr<gpu::Driver>>
createCudaDriver(unsigned Ordinal, const std::string &Library = "libcuda.so.1");

} // namespace m1::cuda

#endif // M1C_RUNTIME_DEVICE_CUDA_CUDADRIVER_H
