//===- DType.h - element types of tensors -----------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_SUPPORT_DTYPE_H
#define M1C_RUNTIME_SUPPORT_DTYPE_H

#include <bit>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace m1 {

/// The element types of checkpoints and of .npy files. The first seven have the
/// numbers of `DType` in plan.fbs; plans use no others.
enum class ElementType : int8_t {
  F32 = 0,
  BF16 = 1,
  F16 = 2,
  F64 = 3,
  I32 = 4,
  I64 = 5,
  U8 = 6,
  I8,
  I16,
  U16,
  U32,
  U64,
  Bool,
  F8E4M3,
  F8E5M2
};

/// Bytes of one element.
int64_t byteSize(ElementType Type);
/// "F32", "BF16", ...: the names that safetensors files use.
std::string_view name(ElementType Type);
std::optional<ElementType> elementTypeFromName(std::string_view Name);

/// Product of the extents; none if one is negative or the product overflows.
std::optional<int64_t> elementCount(std::span<const int64_t> Shape);
/// "[2, 3]".
std::string formatShape(std::span<const int64_t> Shape);

inline float floatFromBF16(uint16_t Bits) {
  return std::bit_cast<float>(static_cast<uint32_t>(Bits) << 16);
}
/// Round to nearest, ties to even; NaN stays NaN.
uint16_t bf16FromFloat(float Value);
float floatFromF16(uint16_t Bits);
/// Round to nearest, ties to even; overflow becomes infinity.
uint16_t f16FromFloat(float Value);

} // namespace m1

#endif // M1C_RUNTIME_SUPPORT_DTYPE_H
