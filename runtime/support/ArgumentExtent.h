//===- ArgumentExtent.h - memory that a kernel may access -------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_SUPPORT_ARGUMENTEXTENT_H
#define M1C_RUNTIME_SUPPORT_ARGUMENTEXTENT_H

#include <cstdint>

namespace m1 {

/// The memory that a kernel may access through an argument.
struct ArgumentExtent {
  enum class Access : uint8_t {
    Scalar, ///< the argument is a number, not an address
    Read,
    ReadWrite
  };
  Access Allowed = Access::Scalar;
  /// Accessible bytes from the argument's address on.
  uint64_t Bytes = 0;
};

} // namespace m1

#endif // M1C_RUNTIME_SUPPORT_ARGUMENTEXTENT_H
