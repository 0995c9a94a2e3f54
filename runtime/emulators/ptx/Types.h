//===- Types.h - PTX types on the host --------------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_EMULATORS_PTX_TYPES_H
#define M1C_RUNTIME_EMULATORS_PTX_TYPES_H

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <string_view>
#include <type_traits>

namespace m1::ptx {

enum class Type : uint8_t {
  // clang-format off
  Pred, B8, B16, B32, B64, U8, U16, U32, U64, S8, S16, S32, S64,
  F16, BF16, F16x2, BF16x2, F32, F64, TF32,
  // clang-format on
};

/// The type of a suffix such as "u32".
std::optional<Type> parseType(std::string_view Spelling);
/// Bytes of a value; 0 for predicates.
unsigned sizeOf(Type T);

enum class Rounding : uint8_t { Nearest, Zero, Down, Up };

/// A 16-bit float with a 5-bit (f16) or 8-bit (bf16) exponent. Arithmetic is in
/// double and rounded once to the format; products are exact in double, and
/// sums exact or rounded to odd.
template <unsigned ExponentBits> struct Small {
  static constexpr unsigned MantissaBits = 15 - ExponentBits;
  static constexpr int Bias = (1 << (ExponentBits - 1)) - 1;
  static constexpr uint16_t CanonicalNaN = 0x7FFF;

  uint16_t Bits;

  static Small round(double Value, Rounding Mode = Rounding::Nearest) {
    if (std::isnan(Value))
      return {CanonicalNaN};
    const uint64_t All = std::bit_cast<uint64_t>(Value);
    const uint16_t Sign = All >> 48 & 0x8000;
    const uint64_t Magnitude = All & ~(1ull << 63);
    constexpr uint64_t Infinity = ((1ull << ExponentBits) - 1) << MantissaBits;
    if (Magnitude == 0)
      return {Sign};
    if (std::isinf(Value))
      return {uint16_t(Sign | Infinity)};
    const bool Away =
        (Mode == Rounding::Up && !Sign) || (Mode == Rounding::Down && Sign);
    // Subnormals have the smallest normal exponent and fewer mantissa bits.
    // (Subnormal doubles round to 0.)
    const int Exponent = int(Magnitude >> 52) - 1023;
    const int Kept = std::max(Exponent, 1 - Bias);
    const uint64_t Mantissa = (Magnitude & ((1ull << 52) - 1)) | 1ull << 52;
    const int Lost = std::min(52 - int(MantissaBits) + Kept - Exponent, 62);
    uint64_t Steps = Mantissa >> Lost;
    const uint64_t Rest = Mantissa & ((1ull << Lost) - 1);
    const uint64_t Middle = 1ull << (Lost - 1);
    if (Mode == Rounding::Nearest
            ? Rest > Middle || (Rest == Middle && (Steps & 1))
            : Away && Rest != 0)
      ++Steps;
    // The encodings of consecutive magnitudes are consecutive, also from one
    // exponent to the next.
    uint64_t Bits = (uint64_t(Kept + Bias - 1) << MantissaBits) + Steps;
    if (Bits >= Infinity)
      Bits = Mode == Rounding::Nearest || Away ? Infinity : Infinity - 1;
    return {uint16_t(Sign | Bits)};
  }

  explicit operator double() const {
    if constexpr (ExponentBits == 8)
      return std::bit_cast<float>(uint32_t(Bits) << 16);
    unsigned Exponent = (Bits >> MantissaBits) & ((1 << ExponentBits) - 1);
    unsigned Mantissa = Bits & ((1 << MantissaBits) - 1);
    double Magnitude;
    if (Exponent == (1 << ExponentBits) - 1)
      Magnitude = Mantissa ? std::numeric_limits<double>::quiet_NaN()
                           : std::numeric_limits<double>::infinity();
    else if (Exponent == 0)
      Magnitude = std::ldexp(double(Mantissa), 1 - Bias - int(MantissaBits));
    else // rebuild as a double: exponent with double's bias, shifted mantissa
      Magnitude =
          std::bit_cast<double>(uint64_t(Exponent + 1023 - Bias) << 52 |
                                uint64_t(Mantissa) << (52 - MantissaBits));
    return Bits & 0x8000 ? -Magnitude : Magnitude;
  }
};
using Half = Small<5>;
using BFloat = Small<8>;

/// Two 16-bit floats in a 32-bit register, the first in the low half.
template <typename T> struct Pair {
  T Low;
  T High;
};

template <typename T> constexpr bool IsSmall = false;
template <unsigned E> constexpr bool IsSmall<Small<E>> = true;
template <typename T> constexpr bool IsPair = false;
template <typename T> constexpr bool IsPair<Pair<T>> = true;
template <typename T>
constexpr bool IsFloat = std::is_floating_point_v<T> || IsSmall<T>;

/// NaN results of f32, f16 and bf16 instructions are one fixed pattern (PTX
/// ISA, "Floating-Point Instructions"); f64 keeps what the host gives.
template <typename T> inline T canonical(T Value) {
  if constexpr (std::is_same_v<T, float>)
    return std::isnan(Value) ? std::bit_cast<float>(0x7FFFFFFFu) : Value;
  else
    return Value;
}

/// A + B rounded to odd: rounding again to at most 51 bits equals rounding the
/// exact sum.
inline double addToOdd(double A, double B) {
  double Sum = A + B;
  if (!std::isfinite(Sum))
    return Sum;
  double Shadow = Sum - A;
  double Error = (A - (Sum - Shadow)) + (B - Shadow); // exact
  uint64_t Bits = std::bit_cast<uint64_t>(Sum);
  if (Error != 0 && !(Bits & 1))
    Bits += (Error > 0) == (Sum > 0) ? 1 : -1;
  return std::bit_cast<double>(Bits);
}

} // namespace m1::ptx

#endif // M1C_RUNTIME_EMULATORS_PTX_TYPES_H
