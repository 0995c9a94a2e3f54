//===- Version.h - the version of the plan format ---------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_SCHEMA_VERSION_H
#define M1C_RUNTIME_SCHEMA_VERSION_H

#include <cstdint>

namespace m1::plan {
/// `format_version` of the plans that this compiler writes and this runtime
/// reads. Raise it with any change that an older runtime would misread.
inline constexpr uint32_t kFormatVersion = 7;
} // namespace m1::plan

#endif // M1C_RUNTIME_SCHEMA_VERSION_H
