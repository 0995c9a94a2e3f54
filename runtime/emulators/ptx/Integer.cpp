//===- Integer.cpp - integer arithmetic and bits --------------------------===//
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
template <typename T> using Unsigned = std::make_unsigned_t<T>;
template <typename T> constexpr unsigned BitsOf = 8 * sizeof(T);
/// Twice as wide.
// clang-format off
template <typename T> struct WideType;
template <> struct WideType<uint16_t> { using type = uint32_t; };
template <> struct WideType<int16_t>  { using type = int32_t; };
template <> struct WideType<uint32_t> { using type = uint64_t; };
template <> struct WideType<int32_t>  { using type = int64_t; };
template <> struct WideType<uint64_t> { using type = unsigned __int128; };
template <> struct WideType<int64_t>  { using type = __int128; };
// clang-format on
template <typename T> using Wide = typename WideType<T>::type;

//===----------------------------------------------------------------------===//
// Operations of one lane
//===----------------------------------------------------------------------===//

// Sums and products wrap around: computed unsigned.
struct Add {
  template <typename T> T operator()(T A, T B) const {
    return T(Unsigned<T>(A) + Unsigned<T>(B));
  }
};
struct Sub {
  template <typename T> T operator()(T A, T B) const {
    return T(Unsigned<T>(A) - Unsigned<T>(B));
  }
};
struct MulLow {
  // In 64 bits: a product of 16-bit numbers could overflow int.
  template <typename T> T operator()(T A, T B) const {
    return T(uint64_t(Unsigned<T>(A)) * uint64_t(Unsigned<T>(B)));
  }
};
struct MulHigh {
  template <typename T> T operator()(T A, T B) const {
    return T(Wide<T>(Wide<T>(A) * Wide<T>(B)) >> BitsOf<T>);
  }
};
struct MulWide {
  template <typename T> Wide<T> operator()(T A, T B) const {
    return Wide<T>(A) * Wide<T>(B);
  }
};
template <typename Product> struct ThenAdd {
  template <typename T> auto operator()(T A, T B, auto C) const {
    return Add()(C, Product()(A, B));
  }
};
struct Sad { // |a - b| + c
  template <typename T> T operator()(T A, T B, T C) const {
    return Add()(C, A < B ? Sub()(B, A) : Sub()(A, B));
  }
};
struct Negate {
  template <typename T> T operator()(T A) const { return Sub()(T(0), A); }
};
struct Absolute {
  template <typename T> T operator()(T A) const {
    return A < 0 ? Negate()(A) : A;
  }
};
struct Minimum {
  template <typename T> T operator()(T A, T B) const { return A < B ? A : B; }
};
struct Maximum {
  template <typename T> T operator()(T A, T B) const { return A < B ? B : A; }
};
/// The quotient of the smallest number and -1 wraps around.
struct Quotient {
  template <typename T> T operator()(T A, T B) const {
    return std::is_signed_v<T> && B == T(-1) ? Negate()(A) : T(A / B);
  }
};
struct Remainder {
  template <typename T> T operator()(T A, T B) const {
    return std::is_signed_v<T> && B == T(-1) ? T(0) : T(A % B);
  }
};
// Shift amounts are clamped to the width.
struct ShiftLeft {
  template <typename T> T operator()(T A, uint32_t By) const {
    return By >= BitsOf<T> ? T(0) : T(A << By);
  }
};
struct ShiftRight {
  template <typename T> T operator()(T A, uint32_t By) const {
    return By >= BitsOf<T> ? T(A < 0 ? -1 : 0) : T(A >> By);
  }
};
/// shf: the upper (left) or lower (right) half of the shifted pair {b, a}.
template <bool Left, bool Wrap> struct FunnelShift {
  uint32_t operator()(uint32_t A, uint32_t B, uint32_t By) const {
    By = Wrap ? By % 32 : std::min(By, 32u);
    const uint64_t Both = uint64_t(B) << 32 | A;
    return Left ? uint32_t(Both << By >> 32) : uint32_t(Both >> By);
  }
};
struct PopCount {
  template <typename T> uint32_t operator()(T A) const {
    return std::popcount(A);
  }
};
struct LeadingZeros {
  template <typename T> uint32_t operator()(T A) const {
    return std::countl_zero(A);
  }
};
/// bfind: the position of the highest bit that differs from the sign; with
/// `Amount`, its distance from the top.
template <bool Amount> struct FindBit {
  template <typename T> uint32_t operator()(T A) const {
    const auto Bits = Unsigned<T>(A < 0 ? ~A : A);
    if (Bits == 0)
      return ~0u;
    const uint32_t Zeros = std::countl_zero(Bits);
    return Amount ? Zeros : BitsOf<T> - 1 - Zeros;
  }
};
struct ReverseBits {
  template <typename T> T operator()(T A) const {
    T Out = 0;
    for (unsigned B = 0; B < BitsOf<T>; ++B)
      Out |= T((A >> B) & 1) << (BitsOf<T> - 1 - B);
    return Out;
  }
};
/// bfe: `Length` bits from bit `Position` on; bits beyond the top repeat the
/// sign, or 0 if unsigned.
struct ExtractBits {
  template <typename T>
  T operator()(T A, uint32_t Position, uint32_t Length) const {
    Position &= 0xFF;
    Length &= 0xFF;
    if (Length == 0)
      return 0;
    const unsigned Top =
        std::min<unsigned>(Position + Length - 1, BitsOf<T> - 1);
    const bool Sign = std::is_signed_v<T> && (A >> Top & 1);
    Unsigned<T> Out = Sign ? ~Unsigned<T>(0) : 0;
    for (unsigned B = 0; B < Length && B < BitsOf<T>; ++B) {
      if (Position + B >= BitsOf<T>)
        break;
      const auto Bit = Unsigned<T>(1) << B;
      Out = Unsigned<T>(A) >> (Position + B) & 1 ? Out | Bit : Out & ~Bit;
    }
    return T(Out);
  }
};
/// bfi: inserts `Length` bits of A into B at bit `Position`.
struct InsertBits {
  template <typename T>
  T operator()(T A, T B, uint32_t Position, uint32_t Length) const {
    Position &= 0xFF;
    Length &= 0xFF;
    if (Position >= BitsOf<T> || Length == 0)
      return B;
    const T Ones = Length >= BitsOf<T> ? ~T(0) : (T(1) << Length) - 1;
    return (B & ~(Ones << Position)) | (A & Ones) << Position;
  }
};
/// prmt: each nibble of the selector names a byte of {b, a}; its top bit
/// selects the byte's sign, replicated.
struct PermuteBytes {
  uint32_t operator()(uint32_t A, uint32_t B, uint32_t Selector) const {
    const uint64_t Both = uint64_t(B) << 32 | A;
    uint32_t Out = 0;
    for (unsigned N = 0; N < 4; ++N) {
      const uint32_t Nibble = Selector >> (4 * N);
      uint32_t Byte = Both >> (8 * (Nibble & 7)) & 0xFF;
      if (Nibble & 8)
        Byte = Byte & 0x80 ? 0xFF : 0;
      Out |= Byte << (8 * N);
    }
    return Out;
  }
};

//===----------------------------------------------------------------------===//
// Instructions
//===----------------------------------------------------------------------===//

template <typename Op> Executor binary(Type T) {
  return select<Type::U16, Type::U32, Type::U64, Type::S16, Type::S32,
                Type::S64>(
      T, []<typename X>() -> Executor { return runMap<Op, X, X, X>; });
}
template <typename Op> bool decodeBinary(Decoder &D, Instruction &I) {
  Type T;
  if (!D.type(T))
    return false;
  I.Run = binary<Op>(T);
  return I.Run && decodeSame(D, I, T, 2);
}

/// add.cc, addc, sub.cc, subc: the carry (or borrow) of each lane is a
/// predicate of the warp.
template <bool Subtract, bool UsesCarry, typename T>
bool runCarry(Warp &W, const Instruction &I, Mask Active) {
  if (!W.ready(I, Active, I.Ops[1], I.Ops[2]))
    return false;
  if (UsesCarry && (Active & ~W.CarryWritten))
    return W.fail(I, Warp::first(Active & ~W.CarryWritten),
                  " reads the carry, which nothing has written");
  const T *A = W.in<T>(I.Ops[1]), *B = W.in<T>(I.Ops[2]);
  T *Out = W.out<T>(I.Ops[0]);
  Mask Carry = 0;
  forLanes(Active, [&](unsigned L) {
    const Wide<T> In = UsesCarry ? W.Carry >> L & 1 : 0;
    const Wide<T> Sum =
        Subtract ? Wide<T>(A[L]) - B[L] - In : Wide<T>(A[L]) + B[L] + In;
    Out[L] = T(Sum);
    Carry |= Mask(Sum >> BitsOf<T> & 1) << L;
  });
  W.define(I.Ops[0], Active);
  if (I.Mode) { // ".cc"
    W.Carry = (W.Carry & ~Active) | Carry;
    W.CarryWritten |= Active;
  }
  return true;
}
template <bool Subtract, bool UsesCarry>
bool decodeCarry(Decoder &D, Instruction &I) {
  Type T;
  if (!D.type(T))
    return false;
  if (T == Type::U32 || T == Type::S32 || T == Type::B32)
    I.Run = runCarry<Subtract, UsesCarry, uint32_t>;
  else if (T == Type::U64 || T == Type::S64 || T == Type::B64)
    I.Run = runCarry<Subtract, UsesCarry, uint64_t>;
  else
    return false;
  return decodeSame(D, I, T, 2);
}
template <bool Subtract> bool decodeExtended(Decoder &D, Instruction &I) {
  I.Mode = D.take("cc");
  return decodeCarry<Subtract, true>(D, I);
}

template <typename Op, typename T>
bool runDivision(Warp &W, const Instruction &I, Mask Active) {
  if (!W.ready(I, Active, I.Ops[1], I.Ops[2]))
    return false;
  const T *B = W.in<T>(I.Ops[2]);
  for (Mask Rest = Active; Rest; Rest &= Rest - 1)
    if (B[Warp::first(Rest)] == 0)
      return W.fail(I, Warp::first(Rest), " divides by zero");
  return runMap<Op, T, T, T>(W, I, Active);
}
template <typename Op> Executor division(Type T) {
  return select<Type::U16, Type::U32, Type::U64, Type::S16, Type::S32,
                Type::S64>(
      T, []<typename X>() -> Executor { return runDivision<Op, X>; });
}

/// The integer forms of mul and mad: .lo, .hi and .wide.
bool decodeProduct(Decoder &D, Instruction &I, bool ThenAdds) {
  const std::optional<unsigned> Half = D.takeAny({"lo", "hi", "wide"});
  Type T;
  if (!Half || !D.type(T))
    return false;
  const unsigned Sources = ThenAdds ? 3 : 2;
  if (*Half < 2) {
    I.Run = select<Type::U16, Type::U32, Type::U64, Type::S16, Type::S32,
                   Type::S64>(T, [&]<typename X>() -> Executor {
      if (ThenAdds)
        return *Half ? runMap<ThenAdd<MulHigh>, X, X, X, X>
                     : runMap<ThenAdd<MulLow>, X, X, X, X>;
      return *Half ? runMap<MulHigh, X, X, X> : runMap<MulLow, X, X, X>;
    });
    return I.Run && decodeSame(D, I, T, Sources);
  }
  I.Run = select<Type::U16, Type::U32, Type::S16, Type::S32>(
      T, [&]<typename X>() -> Executor {
        if (ThenAdds)
          return runMap<ThenAdd<MulWide>, Wide<X>, X, X, Wide<X>>;
        return runMap<MulWide, Wide<X>, X, X>;
      });
  const Type Result = sizeOf(T) == 2 ? Type::B32 : Type::B64;
  return I.Run && D.out(I.Ops[0], sizeOf(Result)) && D.in(I.Ops[1], T) &&
         D.in(I.Ops[2], T) && (!ThenAdds || D.in(I.Ops[3], Result));
}

template <typename Op> bool decodeShift(Decoder &D, Instruction &I) {
  Type T;
  if (!D.type(T))
    return false;
  I.Run = select<Type::B16, Type::B32, Type::B64, Type::U16, Type::U32,
                 Type::U64, Type::S16, Type::S32, Type::S64>(
      T, []<typename X>() -> Executor { return runMap<Op, X, X, uint32_t>; });
  return I.Run && D.out(I.Ops[0], sizeOf(T)) && D.in(I.Ops[1], T) &&
         D.in(I.Ops[2], Type::U32);
}

bool decodeFunnelShift(Decoder &D, Instruction &I) {
  const std::optional<unsigned> Right = D.takeAny({"l", "r"});
  const std::optional<unsigned> Wrap = D.takeAny({"clamp", "wrap"});
  if (!Right || !Wrap || !D.take("b32"))
    return false;
  using U = uint32_t;
  static constexpr Executor Runs[2][2] = {
      {runMap<FunnelShift<true, false>, U, U, U, U>,
       runMap<FunnelShift<true, true>, U, U, U, U>},
      {runMap<FunnelShift<false, false>, U, U, U, U>,
       runMap<FunnelShift<false, true>, U, U, U, U>}};
  I.Run = Runs[*Right][*Wrap];
  return decodeSame(D, I, Type::B32, 3);
}

/// popc and clz: a number of bits.
template <typename Op> bool decodeCount(Decoder &D, Instruction &I) {
  Type T;
  if (!D.type(T))
    return false;
  I.Run = select<Type::B32, Type::B64>(
      T, []<typename X>() -> Executor { return runMap<Op, uint32_t, X>; });
  return I.Run && D.out(I.Ops[0], 4) && D.in(I.Ops[1], T);
}

bool decodeFindBit(Decoder &D, Instruction &I) {
  const bool Amount = D.take("shiftamt");
  Type T;
  if (!D.type(T))
    return false;
  I.Run = select<Type::U32, Type::U64, Type::S32, Type::S64>(
      T, [&]<typename X>() -> Executor {
        return Amount ? runMap<FindBit<true>, uint32_t, X>
                      : runMap<FindBit<false>, uint32_t, X>;
      });
  return I.Run && D.out(I.Ops[0], 4) && D.in(I.Ops[1], T);
}

bool decodeReverse(Decoder &D, Instruction &I) {
  Type T;
  if (!D.type(T))
    return false;
  I.Run = select<Type::B32, Type::B64>(
      T, []<typename X>() -> Executor { return runMap<ReverseBits, X, X>; });
  return I.Run && decodeSame(D, I, T, 1);
}

bool decodeExtract(Decoder &D, Instruction &I) {
  Type T;
  if (!D.type(T))
    return false;
  I.Run = select<Type::U32, Type::U64, Type::S32, Type::S64>(
      T, []<typename X>() -> Executor {
        return runMap<ExtractBits, X, X, uint32_t, uint32_t>;
      });
  return I.Run && D.out(I.Ops[0], sizeOf(T)) && D.in(I.Ops[1], T) &&
         D.in(I.Ops[2], Type::U32) && D.in(I.Ops[3], Type::U32);
}

/// bfi has four sources: the last is in More[0].
template <typename T>
bool runInsert(Warp &W, const Instruction &I, Mask Active) {
  const Operand &Length = I.More[0];
  if (!W.ready(I, Active, I.Ops[1], I.Ops[2], I.Ops[3], Length))
    return false;
  const T *A = W.in<T>(I.Ops[1]), *B = W.in<T>(I.Ops[2]);
  const uint32_t *P = W.in<uint32_t>(I.Ops[3]), *N = W.in<uint32_t>(Length);
  T *Out = W.out<T>(I.Ops[0]);
  forLanes(Active,
           [&](unsigned L) { Out[L] = InsertBits()(A[L], B[L], P[L], N[L]); });
  W.define(I.Ops[0], Active);
  return true;
}
bool decodeInsert(Decoder &D, Instruction &I) {
  Type T;
  if (!D.type(T))
    return false;
  I.Run = select<Type::B32, Type::B64>(
      T, []<typename X>() -> Executor { return runInsert<X>; });
  return I.Run && decodeSame(D, I, T, 2) && D.in(I.Ops[3], Type::U32) &&
         D.in(I.More.emplace_back(), Type::U32);
}

bool decodePermute(Decoder &D, Instruction &I) {
  using U = uint32_t;
  I.Run = runMap<PermuteBytes, U, U, U, U>;
  return D.take("b32") && decodeSame(D, I, Type::B32, 3);
}

bool decodeSad(Decoder &D, Instruction &I) {
  Type T;
  if (!D.type(T))
    return false;
  I.Run =
      select<Type::U16, Type::U32, Type::U64, Type::S16, Type::S32, Type::S64>(
          T, []<typename X>() -> Executor { return runMap<Sad, X, X, X, X>; });
  return I.Run && decodeSame(D, I, T, 3);
}

constexpr Family Families[] = {
    {"sad", decodeSad},
    {"addc", decodeExtended<false>},
    {"subc", decodeExtended<true>},
    {"rem",
     [](Decoder &D, Instruction &I) {
       Type T;
       return D.type(T) && (I.Run = division<Remainder>(T)) &&
              decodeSame(D, I, T, 2);
     }},
    {"shl", decodeShift<ShiftLeft>},
    {"shr", decodeShift<ShiftRight>},
    {"shf", decodeFunnelShift},
    {"popc", decodeCount<PopCount>},
    {"clz", decodeCount<LeadingZeros>},
    {"bfind", decodeFindBit},
    {"brev", decodeReverse},
    {"bfe", decodeExtract},
    {"bfi", decodeInsert},
    {"prmt", decodePermute},
};
} // namespace

std::span<const Family> ptx::integerFamilies() { return Families; }

// Integer forms of opcodes that are in Float.cpp's table.

bool ptx::decodeIntegerAdd(Decoder &D, Instruction &I) {
  if (D.take("cc")) {
    I.Mode = true;
    return decodeCarry<false, false>(D, I);
  }
  return decodeBinary<Add>(D, I);
}

bool ptx::decodeIntegerSub(Decoder &D, Instruction &I) {
  if (D.take("cc")) {
    I.Mode = true;
    return decodeCarry<true, false>(D, I);
  }
  return decodeBinary<Sub>(D, I);
}

bool ptx::decodeIntegerMul(Decoder &D, Instruction &I) {
  return decodeProduct(D, I, false);
}

bool ptx::decodeIntegerMad(Decoder &D, Instruction &I) {
  return decodeProduct(D, I, true);
}

bool ptx::decodeIntegerDiv(Decoder &D, Instruction &I) {
  Type T;
  return D.type(T) && (I.Run = division<Quotient>(T)) && decodeSame(D, I, T, 2);
}

bool ptx::decodeIntegerMin(Decoder &D, Instruction &I) {
  return decodeBinary<Minimum>(D, I);
}

bool ptx::decodeIntegerMax(Decoder &D, Instruction &I) {
  return decodeBinary<Maximum>(D, I);
}

bool ptx::decodeIntegerSign(Decoder &D, Instruction &I, bool IsAbsolute) {
  Type T;
  if (!D.type(T))
    return false;
  I.Run =
      select<Type::S16, Type::S32, Type::S64>(T, [&]<typename X>() -> Executor {
        return IsAbsolute ? runMap<Absolute, X, X> : runMap<Negate, X, X>;
      });
  return I.Run && decodeSame(D, I, T, 1);
}
