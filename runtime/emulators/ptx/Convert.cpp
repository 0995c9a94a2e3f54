//===- Convert.cpp - conversions between types ----------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/emulators/ptx/Instructions.h"

using namespace m1;
using namespace m1::ptx;

namespace {
/// Modifiers of cvt, in Instruction::Mode2.
enum Flag : uint8_t { Saturates = 1, Flushes = 2, ToInteger = 4 };

/// Adjusts `Nearest`, rounded to nearest, to another rounding mode. `Above`: it
/// exceeds the exact value; `Below`: it is less.
template <typename T>
T direct(T Nearest, bool Above, bool Below, Rounding Mode) {
  const T Infinity = std::numeric_limits<T>::infinity();
  if (Mode == Rounding::Zero)
    Mode =
        Nearest > 0 || (Nearest == 0 && Below) ? Rounding::Down : Rounding::Up;
  if (Above && Mode == Rounding::Down)
    return std::nextafter(Nearest, -Infinity);
  if (Below && Mode == Rounding::Up)
    return std::nextafter(Nearest, Infinity);
  return Nearest;
}

/// An integer as a double, rounded to odd: rounding it again to a narrower type
/// equals rounding the integer directly.
double toOdd(__int128 X) {
  const double Nearest = double(X);
  const __int128 Error = X - __int128(Nearest);
  uint64_t Bits = std::bit_cast<uint64_t>(Nearest);
  if (Error != 0 && !(Bits & 1))
    Bits += (Error > 0) == (X > 0) ? 1 : -1;
  return std::bit_cast<double>(Bits);
}

double roundToInteger(double X, Rounding Mode) {
  switch (Mode) {
  case Rounding::Nearest:
    return std::nearbyint(X); // ties to even, as the host's mode is
  case Rounding::Zero:
    return std::trunc(X);
  case Rounding::Down:
    return std::floor(X);
  case Rounding::Up:
    return std::ceil(X);
  }
  return X;
}

template <typename To, typename From>
To integerToInteger(From X, bool Saturate) {
  if (Saturate) {
    using Limits = std::numeric_limits<To>;
    if (__int128(X) < __int128(Limits::min()))
      return Limits::min();
    if (__int128(X) > __int128(Limits::max()))
      return Limits::max();
  }
  return To(X);
}

template <typename To, typename From> To integerToFloat(From X, Rounding Mode) {
  if constexpr (IsSmall<To>) {
    return To::round(toOdd(X), Mode);
  } else {
    const To Nearest = To(X);
    const __int128 Back = __int128(Nearest);
    return direct(Nearest, Back > X, Back < X, Mode);
  }
}

/// Values out of range saturate. NaN becomes 0, or with f64 sources and 64-bit
/// results the value with only the top bit set.
template <typename To, typename From> To floatToInteger(From X, Rounding Mode) {
  using Limits = std::numeric_limits<To>;
  const double Value = double(X);
  if (std::isnan(Value)) {
    constexpr bool IsLong = std::is_same_v<From, double> || sizeof(To) == 8;
    return IsLong ? To(uint64_t(1) << (8 * sizeof(To) - 1)) : To(0);
  }
  const double Whole = roundToInteger(Value, Mode);
  const double End = std::ldexp(1.0, Limits::digits); // of the range
  if (Whole >= End)
    return Limits::max();
  if (Whole < double(Limits::min()))
    return Limits::min();
  return To(Whole);
}

template <typename T> T flush(T X) {
  if constexpr (std::is_same_v<T, float>)
    return std::fpclassify(X) == FP_SUBNORMAL ? std::copysign(0.0f, X) : X;
  else
    return X;
}

template <typename To, typename From>
To floatToFloat(From X, Rounding Mode, uint8_t Flags) {
  double Value = double(Flags & Flushes ? flush(X) : X);
  if (Flags & ToInteger) {
    Value = roundToInteger(Value, Mode);
    Mode = Rounding::Nearest;
  }
  if (Flags & Saturates)
    Value = Value > 0 ? std::min(Value, 1.0) : 0.0;
  if constexpr (IsSmall<To>) {
    return To::round(Value, Mode);
  } else {
    const To Nearest = To(Value);
    const To Result =
        canonical(direct(Nearest, Nearest > Value, Nearest < Value, Mode));
    return Flags & Flushes ? flush(Result) : Result;
  }
}

template <typename To, typename From>
To convert(From X, Rounding Mode, uint8_t Flags) {
  if constexpr (IsFloat<From> && IsFloat<To>)
    return floatToFloat<To>(X, Mode, Flags);
  else if constexpr (IsFloat<From>)
    return floatToInteger<To>(Flags & Flushes ? flush(X) : X, Mode);
  else if constexpr (IsFloat<To>)
    return integerToFloat<To>(X, Mode);
  else
    return integerToInteger<To>(X, Flags & Saturates);
}

/// Registers may be wider than the types: sources are truncated, results are
/// sign- or zero-extended.
template <typename To, typename From>
bool runConvert(Warp &W, const Instruction &I, Mask Active) {
  if (!W.ready(I, Active, I.Ops[1]))
    return false;
  const size_t InBytes = I.Ops[1].Bytes, OutBytes = I.Ops[0].Bytes;
  const std::byte *In = W.in<std::byte>(I.Ops[1]);
  std::byte *Out = W.out<std::byte>(I.Ops[0]);
  // A narrowing conversion may be in place: read all lanes first.
  std::array<From, Lanes> Source;
  forLanes(Active, [&](unsigned L) {
    std::memcpy(&Source[L], In + L * InBytes, sizeof(From));
  });
  forLanes(Active, [&](unsigned L) {
    const To Result = convert<To>(Source[L], Rounding(I.Mode), I.Mode2);
    if constexpr (IsFloat<To>) {
      std::memcpy(Out + L * OutBytes, &Result, sizeof(To));
    } else {
      const uint64_t Extended =
          std::is_signed_v<To> ? uint64_t(int64_t(Result)) : uint64_t(Result);
      std::memcpy(Out + L * OutBytes, &Extended, OutBytes);
    }
  });
  W.define(I.Ops[0], Active);
  return true;
}

/// cvt.rna.tf32.f32: ten bits of mantissa, ties away from zero.
struct ToTF32 {
  uint32_t operator()(float A) const {
    constexpr uint32_t Lost = (1 << 13) - 1;
    if (std::isnan(A))
      return 0x7FFFFFFF;
    const uint32_t Bits = std::bit_cast<uint32_t>(A);
    return std::isinf(A) ? Bits : (Bits + Lost / 2 + 1) & ~Lost;
  }
};

/// Two f32 to a pair, the first to the high half.
template <typename T, Rounding Mode> struct ToPair {
  Pair<T> operator()(float A, float B) const {
    return {T::round(B, Mode), T::round(A, Mode)};
  }
};

bool decodePairConversion(Decoder &D, Instruction &I, Type To) {
  Type From;
  if (!D.type(From) || From != Type::F32 || I.Mode2)
    return false;
  const bool Zero = Rounding(I.Mode) == Rounding::Zero;
  if (!Zero && Rounding(I.Mode) != Rounding::Nearest)
    return false;
  I.Run = select<Type::F16, Type::BF16>(
      To == Type::F16x2 ? Type::F16 : Type::BF16,
      [&]<typename X>() -> Executor {
        return Zero ? runMap<ToPair<X, Rounding::Zero>, Pair<X>, float, float>
                    : runMap<ToPair<X, Rounding::Nearest>, Pair<X>, float,
                             float>;
      });
  return D.out(I.Ops[0], 4) && D.in(I.Ops[1], From) && D.in(I.Ops[2], From);
}

template <typename To> Executor convertTo(Type From) {
  return select<Type::U8, Type::U16, Type::U32, Type::U64, Type::S8, Type::S16,
                Type::S32, Type::S64, Type::F16, Type::BF16, Type::F32,
                Type::F64>(
      From, []<typename X>() -> Executor { return runConvert<To, X>; });
}

bool decodeConvert(Decoder &D, Instruction &I) {
  if (D.take("rna")) {
    I.Run = runMap<ToTF32, uint32_t, float>;
    return D.take("tf32") && D.take("f32") && D.out(I.Ops[0], 4) &&
           D.in(I.Ops[1], Type::F32);
  }
  bool ToWhole = false, Rounds = true;
  if (auto Whole = D.takeAny({"rni", "rzi", "rmi", "rpi"})) {
    I.Mode = *Whole;
    ToWhole = true;
  } else if (auto Mode = D.takeAny({"rn", "rz", "rm", "rp"})) {
    I.Mode = *Mode;
  } else {
    Rounds = false;
  }
  I.Mode2 = (D.take("ftz") ? Flushes : 0) | (D.take("sat") ? Saturates : 0) |
            (ToWhole ? ToInteger : 0);
  Type To, From;
  if (!D.type(To))
    return false;
  if (To == Type::F16x2 || To == Type::BF16x2)
    return decodePairConversion(D, I, To);
  if (!D.type(From))
    return false;
  const bool ToFloat = To >= Type::F16, FromFloat = From >= Type::F16;
  // Integer rounding modes apply to floating-point sources; conversions to
  // integers or to narrower floats need a rounding mode.
  if (ToWhole ? !FromFloat : FromFloat && !ToFloat)
    return D.error("integer rounding mode missing or not applicable");
  if (!Rounds && ToFloat && (!FromFloat || sizeOf(To) < sizeOf(From)))
    return D.error("rounding mode missing");
  I.Run =
      select<Type::U8, Type::U16, Type::U32, Type::U64, Type::S8, Type::S16,
             Type::S32, Type::S64, Type::F16, Type::BF16, Type::F32, Type::F64>(
          To, [&]<typename X>() -> Executor { return convertTo<X>(From); });
  if (!I.Run || !D.outAny(I.Ops[0]) || !D.inAny(I.Ops[1], From))
    return false;
  return (I.Ops[0].Bytes >= sizeOf(To) && I.Ops[1].Bytes >= sizeOf(From)) ||
         D.error("a register is narrower than its type");
}

constexpr Family Families[] = {{"cvt", decodeConvert}};
} // namespace

std::span<const Family> ptx::convertFamilies() { return Families; }
