//===- HostTensor.h - a tensor in the caller's memory -----------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_SESSION_HOSTTENSOR_H
#define M1C_RUNTIME_SESSION_HOSTTENSOR_H

#include "runtime/support/DType.h"

#include <cstdint>
#include <vector>

namespace m1 {

/// A row-major tensor in the caller's memory. An output without `Data` is
/// computed but not returned; its type and shape are ignored.
struct HostTensor {
  void *Data = nullptr;
  ElementType Type = ElementType::F32;
  std::vector<int64_t> Shape;

  uint64_t bytes() const {
    return elementCount(Shape).value_or(0) * byteSize(Type);
  }
};

} // namespace m1

#endif // M1C_RUNTIME_SESSION_HOSTTENSOR_H
