//===- Float.cpp - floating-point arithmetic ------------------------------===//
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
//===----------------------------------------------------------------------===//
// Operations of one lane
//===----------------------------------------------------------------------===//

// On 16-bit types (`Small`), small() computes in double; the result is rounded
// once.

struct Add {
  template <typename T> static T apply(T A, T B) { return A + B; }
  static double small(double A, double B) { return addToOdd(A, B); }
};
struct Sub {
  template <typename T> static T apply(T A, T B) { return A - B; }
  static double small(double A, double B) { return addToOdd(A, -B); }
};
struct Mul {
  template <typename T> static T apply(T A, T B) { return A * B; }
  static double small(double A, double B) { return A * B; }
};
struct Fma {
  template <typename T> static T apply(T A, T B, T C) {
    return std::fma(A, B, C);
  }
  static double small(double A, double B, double C) {
    return addToOdd(A * B, C);
  }
};
struct Div {
  template <typename T> static T apply(T A, T B) { return A / B; }
};
/// If one operand is NaN, the other one; -0 is less than +0.
template <bool Max, bool KeepNaN> struct Extreme {
  template <typename T> static T apply(T A, T B) {
    if (std::isnan(A) || std::isnan(B)) {
      if (KeepNaN || (std::isnan(A) && std::isnan(B)))
        return std::numeric_limits<T>::quiet_NaN();
      return std::isnan(A) ? B : A;
    }
    if (A == B)
      return std::signbit(A) != Max ? A : B;
    return (A < B) != Max ? A : B;
  }
  static double small(double A, double B) { return apply(A, B); }
};
struct Negate {
  template <typename T> static T apply(T A) { return -A; }
  static double small(double A) { return -A; }
};
struct Absolute {
  template <typename T> static T apply(T A) { return std::fabs(A); }
  static double small(double A) { return std::fabs(A); }
};
struct Reciprocal {
  template <typename T> static T apply(T A) { return 1 / A; }
};
struct SquareRoot {
  template <typename T> static T apply(T A) { return std::sqrt(A); }
};
// Approximate functions are computed in double and rounded: more accurate than
// on a device, and not bit-identical.
struct ReciprocalRoot {
  template <typename T> static T apply(T A) { return 1 / std::sqrt(double(A)); }
};
struct Exp2 {
  template <typename T> static T apply(T A) { return std::exp2(double(A)); }
  static double small(double A) { return std::exp2(A); }
};
struct Log2 {
  template <typename T> static T apply(T A) { return std::log2(double(A)); }
};
struct Sine {
  template <typename T> static T apply(T A) { return std::sin(double(A)); }
};
struct Cosine {
  template <typename T> static T apply(T A) { return std::cos(double(A)); }
};
struct Tanh {
  template <typename T> static T apply(T A) { return std::tanh(double(A)); }
  static double small(double A) { return std::tanh(A); }
};

/// Zero of the same sign for a subnormal number.
template <bool Flushes, typename T> T flush(T A) {
  if constexpr (Flushes)
    return std::fpclassify(A) == FP_SUBNORMAL ? std::copysign(T(0), A) : A;
  else
    return A;
}
template <bool Flushes> Half flush(Half A) {
  if (Flushes && (A.Bits & 0x7C00) == 0)
    A.Bits &= 0x8000;
  return A;
}

/// An operation with .ftz (subnormal operands and results become zero) and .sat
/// (results are put between 0 and 1, NaN becomes 0).
template <typename Op, bool Ftz, bool Sat> struct Modified {
  template <typename T, typename... Ts> T operator()(T A, Ts... Rest) const {
    if constexpr (IsPair<T>) {
      return {(*this)(A.Low, Rest.Low...), (*this)(A.High, Rest.High...)};
    } else if constexpr (std::is_same_v<T, BFloat>) {
      return BFloat::round(Op::small(double(A), double(Rest)...));
    } else if constexpr (std::is_same_v<T, Half>) {
      const double Exact =
          Op::small(double(flush<Ftz>(A)), double(flush<Ftz>(Rest))...);
      return flush<Ftz>(Half::round(saturate(Exact)));
    } else {
      const T Result =
          flush<Ftz>(Op::apply(flush<Ftz>(A), flush<Ftz>(Rest)...));
      return canonical(saturate(Result));
    }
  }
  template <typename T> static T saturate(T A) {
    if constexpr (Sat)
      return A > 0 ? std::min(A, T(1)) : T(0);
    else
      return A;
  }
};

struct CopySign { // the sign of the first, the magnitude of the second
  template <typename T> T operator()(T A, T B) const {
    return std::copysign(B, A);
  }
};

//===----------------------------------------------------------------------===//
// Instructions
//===----------------------------------------------------------------------===//

template <typename Op, typename X, unsigned Sources, bool Ftz, bool Sat>
constexpr Executor runFloat() {
  using M = Modified<Op, Ftz, Sat>;
  if constexpr (Sources == 1)
    return runMap<M, X, X>;
  else if constexpr (Sources == 2)
    return runMap<M, X, X, X>;
  else
    return runMap<M, X, X, X, X>;
}

/// The types of an instruction besides f32.
enum Types : uint8_t { OnlyF32 = 0, WithF64 = 1, WithSmall = 2, All = 3 };

/// Selects the executor by type and decodes the operands.
template <typename Op, unsigned Sources, Types Has>
bool finish(Decoder &D, Instruction &I, bool Ftz, bool Sat) {
  Type T;
  if (!D.type(T))
    return false;
  auto ByFlags = [&]<typename X>() -> Executor {
    if (Sat)
      return Ftz ? runFloat<Op, X, Sources, true, true>()
                 : runFloat<Op, X, Sources, false, true>();
    return Ftz ? runFloat<Op, X, Sources, true, false>()
               : runFloat<Op, X, Sources, false, false>();
  };
  auto Plain = [&]<typename X>() -> Executor {
    return runFloat<Op, X, Sources, false, false>();
  };
  I.Run = select<Type::F32>(T, ByFlags);
  if constexpr (Has & WithF64)
    if (!Ftz && !Sat && !I.Run)
      I.Run = select<Type::F64>(T, Plain);
  if constexpr (Has & WithSmall) {
    if (!I.Run)
      I.Run = select<Type::F16, Type::F16x2>(T, ByFlags);
    if (!I.Run && !Ftz && !Sat)
      I.Run = select<Type::BF16, Type::BF16x2>(T, Plain);
  }
  return I.Run && decodeSame(D, I, T, Sources);
}

/// add, sub, mul, fma: {.rn}{.ftz}{.sat}, .rn is the only rounding supported.
template <typename Op, unsigned Sources>
bool decodeArithmetic(Decoder &D, Instruction &I) {
  D.take("rn");
  const bool Ftz = D.take("ftz"), Sat = D.take("sat");
  return finish<Op, Sources, All>(D, I, Ftz, Sat);
}

template <typename Op, bool (*Integer)(Decoder &, Instruction &),
          unsigned Sources>
bool decodeEither(Decoder &D, Instruction &I) {
  return D.isFloat() ? decodeArithmetic<Op, Sources>(D, I) : Integer(D, I);
}

bool decodeDiv(Decoder &D, Instruction &I) {
  if (!D.isFloat())
    return decodeIntegerDiv(D, I);
  if (!D.takeAny({"rn", "approx", "full"}))
    return false;
  return finish<Div, 2, WithF64>(D, I, D.take("ftz"), false);
}

template <bool Max> bool decodeExtreme(Decoder &D, Instruction &I) {
  if (!D.isFloat())
    return (Max ? decodeIntegerMax : decodeIntegerMin)(D, I);
  const bool Ftz = D.take("ftz");
  return D.take("NaN") ? finish<Extreme<Max, true>, 2, All>(D, I, Ftz, false)
                       : finish<Extreme<Max, false>, 2, All>(D, I, Ftz, false);
}

template <typename Op, bool IsAbsolute>
bool decodeSign(Decoder &D, Instruction &I) {
  if (!D.isFloat())
    return decodeIntegerSign(D, I, IsAbsolute);
  return finish<Op, 1, All>(D, I, D.take("ftz"), false);
}

/// rcp, sqrt: correctly rounded even with .approx.
template <typename Op> bool decodeRoot(Decoder &D, Instruction &I) {
  if (!D.takeAny({"rn", "approx"}))
    return false;
  return finish<Op, 1, WithF64>(D, I, D.take("ftz"), false);
}

template <typename Op, Types Has>
bool decodeApproximate(Decoder &D, Instruction &I) {
  if (!D.take("approx"))
    return false;
  return finish<Op, 1, Has>(D, I, D.take("ftz"), false);
}

bool decodeCopySign(Decoder &D, Instruction &I) {
  Type T;
  if (!D.type(T))
    return false;
  I.Run = select<Type::F32, Type::F64>(
      T, []<typename X>() -> Executor { return runMap<CopySign, X, X, X>; });
  return I.Run && decodeSame(D, I, T, 2);
}

template <typename T> bool runTest(Warp &W, const Instruction &I, Mask Active) {
  if (!W.ready(I, Active, I.Ops[1]))
    return false;
  const T *A = W.in<T>(I.Ops[1]);
  Mask Result = 0;
  forLanes(Active, [&](unsigned L) {
    const int Class = std::fpclassify(A[L]);
    bool Holds = false;
    switch (I.Mode) {
      // clang-format off
    case 0: Holds = Class != FP_NAN && Class != FP_INFINITE; break;
    case 1: Holds = Class == FP_INFINITE; break;
    case 2: Holds = Class != FP_NAN; break;
    case 3: Holds = Class == FP_NAN; break;
    case 4: Holds = Class == FP_NORMAL; break;
    default: Holds = Class == FP_SUBNORMAL; break;
      // clang-format on
    }
    Result |= Mask(Holds) << L;
  });
  W.definePredicate(I.Preds[0], Active, Result);
  return true;
}

bool decodeTest(Decoder &D, Instruction &I) {
  const std::optional<unsigned> Which = D.takeAny(
      {"finite", "infinite", "number", "notanumber", "normal", "subnormal"});
  Type T;
  if (!Which || !D.type(T))
    return false;
  I.Mode = *Which;
  I.Run = select<Type::F32, Type::F64>(
      T, []<typename X>() -> Executor { return runTest<X>; });
  return I.Run && D.outPredicate(I.Preds[0]) && D.in(I.Ops[1], T);
}

constexpr Family Families[] = {
    {"add", decodeEither<Add, decodeIntegerAdd, 2>},
    {"sub", decodeEither<Sub, decodeIntegerSub, 2>},
    {"mul", decodeEither<Mul, decodeIntegerMul, 2>},
    {"mad", decodeEither<Fma, decodeIntegerMad, 3>},
    {"fma", decodeArithmetic<Fma, 3>},
    {"div", decodeDiv},
    {"min", decodeExtreme<false>},
    {"max", decodeExtreme<true>},
    {"neg", decodeSign<Negate, false>},
    {"abs", decodeSign<Absolute, true>},
    {"rcp", decodeRoot<Reciprocal>},
    {"sqrt", decodeRoot<SquareRoot>},
    {"rsqrt", decodeApproximate<ReciprocalRoot, WithF64>},
    {"ex2", decodeApproximate<Exp2, WithSmall>},
    {"lg2", decodeApproximate<Log2, OnlyF32>},
    {"sin", decodeApproximate<Sine, OnlyF32>},
    {"cos", decodeApproximate<Cosine, OnlyF32>},
    {"tanh", decodeApproximate<Tanh, WithSmall>},
    {"copysign", decodeCopySign},
    {"testp", decodeTest},
};
} // namespace

std::span<const Family> ptx::floatFamilies() { return Families; }
