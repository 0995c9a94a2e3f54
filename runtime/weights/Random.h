//===- Random.h - random tensors by name ------------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_WEIGHTS_RANDOM_H
#define M1C_RUNTIME_WEIGHTS_RANDOM_H

#include "runtime/support/DType.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace m1 {

/// Fills `Out` with a random tensor: normal values with standard deviation
/// 0.02, and mean 1 for tensors of rank 1 (norms), 0 for others. The values
/// depend on the seed, the name and the index of the element, not on the
/// element type (up to rounding) or on the number of threads. `Type` is a float
/// type, `Out` has room for the whole tensor.
void fillRandom(uint64_t Seed, std::string_view Name, ElementType Type,
                std::span<const int64_t> Shape, std::byte *Out);

/// Fills `Out` with elements `Begin` <= i < `End`, in row-major order, of the
/// tensor that fillRandom makes.
void fillRandomRange(uint64_t Seed, std::string_view Name, ElementType Type,
                     std::span<const int64_t> Shape, int64_t Begin, int64_t End,
                     std::byte *Out);

} // namespace m1

#endif // M1C_RUNTIME_WEIGHTS_RANDOM_H
