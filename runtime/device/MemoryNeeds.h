//===- MemoryNeeds.h - the device memory that a plan takes ------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_DEVICE_MEMORYNEEDS_H
#define M1C_RUNTIME_DEVICE_MEMORYNEEDS_H

#include "runtime/plan/Plan.h"

namespace m1 {

/// Bytes of a plan's memory by kind, with all symbols at their bounds.
struct MemoryNeeds {
  uint64_t Activations = 0, States = 0;
  uint64_t Weights = 0; ///< packed weights
  uint64_t Constants = 0;
  uint64_t Parameters = 0;  ///< at their peak
  uint64_t CallTensors = 0; ///< inputs and outputs of one function
  uint64_t Outputs = 0;     ///< outputs of one function

  /// Inputs and outputs are padded to a positive multiple of `Alignment`, so
  /// that no two have the same address.
  MemoryNeeds(const plan::Plan &Plan, uint64_t Alignment);

  /// The sum, for a device with its own memory.
  uint64_t total() const {
    return Activations + Weights + Constants + States + Parameters +
           CallTensors;
  }
};

/// `Bytes` as a positive multiple of `Alignment`.
inline uint64_t paddedBytes(uint64_t Bytes, uint64_t Alignment) {
  uint64_t Count = (Bytes + Alignment - 1) / Alignment;
  return (Count ? Count : 1) * Alignment;
}

} // namespace m1

#endif // M1C_RUNTIME_DEVICE_MEMORYNEEDS_H
