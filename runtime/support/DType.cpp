//===- DType.cpp - element types of tensors -------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/support/DType.h"

#include <cmath>

using namespace m1;

namespace {
struct TypeEntry {
  ElementType Type;
  std::string_view Name;
  int64_t Bytes;
};
constexpr TypeEntry Types[] = {
    {ElementType::F32, "F32", 4},        {ElementType::BF16, "BF16", 2},
    {ElementType::F16, "F16", 2},        {ElementType::F64, "F64", 8},
    {ElementType::I32, "I32", 4},        {ElementType::I64, "I64", 8},
    {ElementType::U8, "U8", 1},          {ElementType::I8, "I8", 1},
    {ElementType::I16, "I16", 2},        {ElementType::U16, "U16", 2},
    {ElementType::U32, "U32", 4},        {ElementType::U64, "U64", 8},
    {ElementType::Bool, "BOOL", 1},      {ElementType::F8E4M3, "F8_E4M3", 1},
    {ElementType::F8E5M2, "F8_E5M2", 1},
};
} // namespace

int64_t m1::byteSize(ElementType Type) {
  return Types[static_cast<int>(Type)].Bytes;
}

std::string_view m1::name(ElementType Type) {
  return Types[static_cast<int>(Type)].Name;
}

std::optional<ElementType> m1::elementTypeFromName(std::string_view Name) {
  for (const TypeEntry &Entry : Types)
    if (Entry.Name == Name)
      return Entry.Type;
  return std::nullopt;
}

std::optional<int64_t> m1::elementCount(std::span<const int64_t> Shape) {
  int64_t Count = 1;
  bool Overflow = false, Zero = false;
  for (int64_t Extent : Shape) {
    if (Extent < 0)
      return std::nullopt;
    if (Extent == 0)
      Zero = true;
    else
      Overflow |= __builtin_mul_overflow(Count, Extent, &Count);
  }
  if (Overflow)
    return std::nullopt;
  return Zero ? 0 : Count;
}

std::string m1::formatShape(std::span<const int64_t> Shape) {
  std::string Result = "[";
  for (size_t I = 0; I < Shape.size(); ++I)
    Result += (I ? ", " : "") + std::to_string(Shape[I]);
  return Result + "]";
}

uint16_t m1::bf16FromFloat(float Value) {
  uint32_t Bits = std::bit_cast<uint32_t>(Value);
  if (std::isnan(Value))
    return static_cast<uint16_t>((Bits >> 16) | 0x40); // keeps it a quiet NaN
  Bits += 0x7FFF + ((Bits >> 16) & 1);
  return static_cast<uint16_t>(Bits >> 16);
}

float m1::floatFromF16(uint16_t Bits) {
  uint32_t Sign = static_cast<uint32_t>(Bits & 0x8000) << 16;
  uint32_t Exponent = (Bits >> 10) & 31, Mantissa = Bits & 1023;
  if (Exponent == 31)
    return std::bit_cast<float>(Sign | 0x7F800000 | (Mantissa << 13));
  if (Exponent == 0) {
    float Magnitude = std::ldexp(static_cast<float>(Mantissa), -24);
    return Sign ? -Magnitude : Magnitude;
  }
  return std::bit_cast<float>(Sign | ((Exponent + 112) << 23) |
                              (Mantissa << 13));
}

uint16_t m1::f16FromFloat(float Value) {
  uint16_t Sign = std::signbit(Value) ? 0x8000 : 0;
  float Magnitude = std::fabs(Value);
  if (std::isnan(Value))
    return Sign | 0x7E00;
  if (Magnitude >= 65520.0f) // halfway between the largest and the next power
    return Sign | 0x7C00;
  if (Magnitude < 0x1p-14f) {
    // Subnormal: a multiple of 2^-24; rounding to even is the default mode.
    return Sign |
           static_cast<uint16_t>(std::nearbyint(std::ldexp(Magnitude, 24)));
  }
  uint32_t Bits = std::bit_cast<uint32_t>(Magnitude);
  Bits += 0xFFF + ((Bits >> 13) & 1);
  return Sign | static_cast<uint16_t>((Bits - (112u << 23)) >> 13);
}
