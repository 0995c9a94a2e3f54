//===- Features.h - what this CPU can do ------------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_DEVICE_CPU_FEATURES_H
#define M1C_RUNTIME_DEVICE_CPU_FEATURES_H

#include "runtime/support/Error.h"

#include <string_view>

namespace m1::cpu {

/// Checks that this CPU, and the operating system, support an instruction set
/// extension, by LLVM's name for it ("avx2", "amx-bf16"). `Where` begins the
/// error. Asks the kernel for permission where an extension needs it (AMX).
absl::Status requireFeature(std::string_view Feature, std::string_view Where);

/// From now on requireFeature() accepts this extension without a look at the
/// CPU: for tests that emulate it. Call before any thread asks.
void assumeFeature(std::string_view Feature);

} // namespace m1::cpu

#endif // M1C_RUNTIME_DEVICE_CPU_FEATURES_H
