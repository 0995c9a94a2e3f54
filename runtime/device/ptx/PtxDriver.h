//===- PtxDriver.h - the emulated GPU as a driver ---------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_DEVICE_PTX_PTXDRIVER_H
#define M1C_RUNTIME_DEVICE_PTX_PTXDRIVER_H

#include "runtime/device/gpu/Driver.h"

#include <memory>

namespace m1::ptx {

/// A GPU emulated on `Threads` host threads, at least 1. It accepts code for
/// any compute capability; calls are synchronous.
absl::StatusOr<std::unique_ptr<gpu::Driver>> createPtxDriver(unsigned Threads);

} // namespace m1::ptx

#endif // M1C_RUNTIME_DEVICE_PTX_PTXDRIVER_H
