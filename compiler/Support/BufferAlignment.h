//===- BufferAlignment.h - the alignment of all buffers ---------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_COMPILER_SUPPORT_BUFFERALIGNMENT_H
#define M1C_COMPILER_SUPPORT_BUFFERALIGNMENT_H

#include <cstdint>

namespace m1 {

/// The alignment, in bytes, of every buffer: the plan's weights and activations
/// and the scratch buffers of a grid cell. Code generation relies on it.
inline constexpr int64_t kBufferAlignment = 64;

} // namespace m1

#endif // M1C_COMPILER_SUPPORT_BUFFERALIGNMENT_H
