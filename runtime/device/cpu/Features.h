//===- Features.h - CPU feature detection -----------------------*- C++ -*-===//
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

/// Checks that the CPU and the operating system support an instruction set
/// extension, given by its LLVM name ("avx2", "amx-bf16"). Requests permission
/// from the kernel if needed (AMX). Errors begin with `Where`.
absl::Status requireFeature(std::string_view Feature, std::string_view Where);

/// Makes requireFeature() accept this extension unconditionally, for emulators.
/// Not thread-safe.
void assumeFeature(std::string_view Feature);

} // namespace m1::cpu

#endif // M1C_RUNTIME_DEVICE_CPU_FEATURES_H
