//===- Logic.cpp - bits, comparisons, choices and moves -------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/emulators/ptx/Instructions.h"

#include <chrono>

using namespace m1;
using namespace m1::ptx;

namespace {
//===----------------------------------------------------------------------===//
// Bits
//===----------------------------------------------------------------------===//

struct And {
  template <typename T> T operator()(T A, T B) const { return A & B; }
};
struct Or {
  template <typename T> T operator()(T A, T B) const { return A | B; }
};
struct Xor {
  template <typename T> T operator()(T A, T B) const { return A ^ B; }
};
struct Not {
  template <typename T> T operator()(T A) const { return ~A; }
};

/// Decodes predicate sources; bit N of Mode2 is set if source N is negated.
bool inPredicates(Decoder &D, Instruction &I, unsigned First, unsigned Count) {
  for (unsigned N = 0; N < Count; ++N) {
    bool Negated;
    if (!D.inPredicate(I.Preds[First + N], Negated))
      return false;
    I.Mode2 |= uint8_t(Negated) << N;
  }
  return true;
}
Mask predicateIn(const Warp &W, const Instruction &I, unsigned First,
                 unsigned N) {
  const Mask Value = W.predicate(I.Preds[First + N]);
  return I.Mode2 >> N & 1 ? ~Value : Value;
}

template <typename Op, bool Binary>
bool runPredicates(Warp &W, const Instruction &I, Mask Active) {
  if (!W.ready(I, Active, I.Preds[1]) || !W.ready(I, Active, I.Preds[2]))
    return false;
  Mask Result;
  if constexpr (Binary)
    Result = Op()(predicateIn(W, I, 1, 0), predicateIn(W, I, 1, 1));
  else
    Result = Op()(predicateIn(W, I, 1, 0));
  W.definePredicate(I.Preds[0], Active, Result);
  return true;
}

template <typename Op, bool Binary>
bool decodeBits(Decoder &D, Instruction &I) {
  Type T;
  if (!D.type(T))
    return false;
  if (T == Type::Pred) {
    I.Run = runPredicates<Op, Binary>;
    return D.outPredicate(I.Preds[0]) && inPredicates(D, I, 1, Binary ? 2 : 1);
  }
  I.Run =
      select<Type::B16, Type::B32, Type::B64>(T, []<typename X>() -> Executor {
        if constexpr (Binary)
          return runMap<Op, X, X, X>;
        else
          return runMap<Op, X, X>;
      });
  return I.Run && decodeSame(D, I, T, Binary ? 2 : 1);
}

/// lop3: bit 4a + 2b + c of the table for bits a, b and c.
bool runLogic3(Warp &W, const Instruction &I, Mask Active) {
  if (!W.ready(I, Active, I.Ops[1], I.Ops[2], I.Ops[3]))
    return false;
  const uint32_t *A = W.in<uint32_t>(I.Ops[1]), *B = W.in<uint32_t>(I.Ops[2]),
                 *C = W.in<uint32_t>(I.Ops[3]);
  uint32_t *Out = W.out<uint32_t>(I.Ops[0]);
  forLanes(Active, [&](unsigned L) {
    uint32_t Result = 0;
    for (unsigned Entry = 0; Entry < 8; ++Entry)
      if (I.Immediate >> Entry & 1)
        Result |= (Entry & 4 ? A[L] : ~A[L]) & (Entry & 2 ? B[L] : ~B[L]) &
                  (Entry & 1 ? C[L] : ~C[L]);
    Out[L] = Result;
  });
  W.define(I.Ops[0], Active);
  return true;
}
bool decodeLogic3(Decoder &D, Instruction &I) {
  I.Run = runLogic3;
  return D.take("b32") && decodeSame(D, I, Type::B32, 3) &&
         D.immediate(I.Immediate, 0xFF);
}

//===----------------------------------------------------------------------===//
// Comparisons
//===----------------------------------------------------------------------===//

enum Comparison : uint8_t {
  // clang-format off
  Eq, Ne, Lt, Le, Gt, Ge, Equ, Neu, Ltu, Leu, Gtu, Geu, Num, Nan,
  // clang-format on
};
constexpr std::string_view ComparisonNames[] = {
    "eq",  "ne",  "lt",  "le",  "gt",  "ge",  "equ",
    "neu", "ltu", "leu", "gtu", "geu", "num", "nan"};
/// Unsigned comparison names and the comparisons they stand for.
constexpr std::string_view UnsignedNames[] = {"lo", "ls", "hi", "hs"};
constexpr Comparison UnsignedMeaning[] = {Lt, Le, Gt, Ge};

/// Lanes in which the comparison holds.
template <bool Ftz, typename T>
Mask compare(uint8_t How, const T *A, const T *B, Mask Active) {
  auto Lift = [](T X) {
    if constexpr (IsSmall<T>) {
      return double(X);
    } else if constexpr (Ftz && std::is_same_v<T, float>) {
      return std::fpclassify(X) == FP_SUBNORMAL ? 0.0f : X;
    } else {
      return X;
    }
  };
  auto Holds = [&](auto Test) {
    Mask Result = 0;
    forLanes(Active, [&](unsigned L) {
      Result |= Mask(Test(Lift(A[L]), Lift(B[L]))) << L;
    });
    return Result;
  };
  auto IsUnordered = [](auto X, auto Y) {
    if constexpr (std::is_floating_point_v<decltype(X)>)
      return std::isunordered(X, Y);
    else
      return false;
  };
  // The operators give the specified result for unordered pairs.
  switch (How) {
    // clang-format off
  case Eq:  return Holds([](auto X, auto Y) { return X == Y; });
  case Ne:  return Holds([](auto X, auto Y) { return X < Y || X > Y; });
  case Lt:  return Holds([](auto X, auto Y) { return X < Y; });
  case Le:  return Holds([](auto X, auto Y) { return X <= Y; });
  case Gt:  return Holds([](auto X, auto Y) { return X > Y; });
  case Ge:  return Holds([](auto X, auto Y) { return X >= Y; });
  case Equ: return Holds([](auto X, auto Y) { return !(X < Y || X > Y); });
  case Neu: return Holds([](auto X, auto Y) { return !(X == Y); });
  case Ltu: return Holds([](auto X, auto Y) { return !(X >= Y); });
  case Leu: return Holds([](auto X, auto Y) { return !(X > Y); });
  case Gtu: return Holds([](auto X, auto Y) { return !(X <= Y); });
  case Geu: return Holds([](auto X, auto Y) { return !(X < Y); });
  case Num: return Holds([&](auto X, auto Y) { return !IsUnordered(X, Y); });
  default:  return Holds(IsUnordered);
    // clang-format on
  }
}

/// How the result is combined with a third predicate.
enum Combination : uint8_t { NoThird, WithAnd, WithOr, WithXor };

Mask combine(uint8_t How, Mask Result, Mask Third) {
  switch (How) {
  case WithAnd:
    return Result & Third;
  case WithOr:
    return Result | Third;
  case WithXor:
    return Result ^ Third;
  default:
    return Result;
  }
}

/// setp.cmp{.boolop} p{|q}, a, b{, c}: p = (a cmp b) boolop c and q = !(a cmp
/// b) boolop c. Mode is the comparison, Immediate the combination.
template <typename T, bool Ftz>
bool runSetPredicate(Warp &W, const Instruction &I, Mask Active) {
  if (!W.ready(I, Active, I.Ops[0], I.Ops[1]) ||
      !W.ready(I, Active, I.Preds[2]))
    return false;
  const Mask Third = predicateIn(W, I, 2, 0);
  const Mask Result =
      compare<Ftz>(I.Mode, W.in<T>(I.Ops[0]), W.in<T>(I.Ops[1]), Active);
  W.definePredicate(I.Preds[0], Active, combine(I.Immediate, Result, Third));
  W.definePredicate(I.Preds[1], Active, combine(I.Immediate, ~Result, Third));
  return true;
}

/// set.cmp.dtype.stype: all ones, or 1.0, where the comparison holds.
template <typename T, bool Ftz>
bool runSet(Warp &W, const Instruction &I, Mask Active) {
  if (!W.ready(I, Active, I.Ops[1], I.Ops[2]) ||
      !W.ready(I, Active, I.Preds[2]))
    return false;
  const Mask Holds = combine(
      I.Immediate,
      compare<Ftz>(I.Mode, W.in<T>(I.Ops[1]), W.in<T>(I.Ops[2]), Active),
      predicateIn(W, I, 2, 0));
  const uint32_t *Yes = W.in<uint32_t>(I.Ops[3]);
  uint32_t *Out = W.out<uint32_t>(I.Ops[0]);
  forLanes(Active, [&](unsigned L) { Out[L] = Holds >> L & 1 ? Yes[L] : 0; });
  W.define(I.Ops[0], Active);
  return true;
}

bool isInteger(Type T) { return T < Type::F16; }
bool isUnsigned(Type T) { return T >= Type::U8 && T <= Type::U64; }
bool isBits(Type T) { return T <= Type::B64; }

/// Decodes the comparison and combination modifiers; the type follows.
bool decodeComparison(Decoder &D, Instruction &I, bool &OfUnsigned, bool &Ftz) {
  OfUnsigned = false;
  if (auto Which = D.takeAny(ComparisonNames)) {
    I.Mode = *Which;
  } else if (auto Low = D.takeAny(UnsignedNames)) {
    I.Mode = UnsignedMeaning[*Low];
    OfUnsigned = true;
  } else {
    return false;
  }
  if (auto How = D.takeAny({"and", "or", "xor"}))
    I.Immediate = WithAnd + *How;
  Ftz = D.take("ftz");
  return true;
}
/// Whether the type supports the comparison.
bool fits(const Instruction &I, Type T, bool OfUnsigned, bool Ftz) {
  if (OfUnsigned && !isUnsigned(T))
    return false;
  if (isInteger(T) && (I.Mode >= Equ || Ftz))
    return false;
  return !isBits(T) || I.Mode == Eq || I.Mode == Ne;
}
bool takeThird(Decoder &D, Instruction &I) {
  I.Preds[2] = AlwaysTrue;
  return I.Immediate == NoThird || inPredicates(D, I, 2, 1);
}
template <template <typename, bool> class Run>
Executor selectComparison(Type T, bool Ftz) {
  return select<Type::B16, Type::B32, Type::B64, Type::U16, Type::U32,
                Type::U64, Type::S16, Type::S32, Type::S64, Type::F16,
                Type::BF16, Type::F32, Type::F64>(
      T, [&]<typename X>() -> Executor {
        return Ftz ? Run<X, true>::run : Run<X, false>::run;
      });
}
template <typename T, bool Ftz> struct SetPredicate {
  static constexpr Executor run = runSetPredicate<T, Ftz>;
};
template <typename T, bool Ftz> struct Set {
  static constexpr Executor run = runSet<T, Ftz>;
};

bool decodeSetPredicate(Decoder &D, Instruction &I) {
  bool OfUnsigned, Ftz;
  Type T;
  if (!decodeComparison(D, I, OfUnsigned, Ftz) || !D.type(T) ||
      !fits(I, T, OfUnsigned, Ftz))
    return false;
  I.Run = selectComparison<SetPredicate>(T, Ftz);
  return I.Run && D.outPredicates(I.Preds[0], I.Preds[1]) &&
         D.in(I.Ops[0], T) && D.in(I.Ops[1], T) && takeThird(D, I);
}

bool decodeSet(Decoder &D, Instruction &I) {
  bool OfUnsigned, Ftz;
  Type Result, T;
  if (!decodeComparison(D, I, OfUnsigned, Ftz) || !D.type(Result) ||
      !D.type(T) || !fits(I, T, OfUnsigned, Ftz) ||
      (Result != Type::U32 && Result != Type::S32 && Result != Type::F32))
    return false;
  I.Ops[3] = D.context().constant(
      Result == Type::F32 ? std::bit_cast<uint32_t>(1.0f) : ~0u, 4);
  I.Run = selectComparison<Set>(T, Ftz);
  return I.Run && D.out(I.Ops[0], 4) && D.in(I.Ops[1], T) &&
         D.in(I.Ops[2], T) && takeThird(D, I);
}

//===----------------------------------------------------------------------===//
// Selects and moves: undefined values propagate and are an error only when used
//===----------------------------------------------------------------------===//

template <typename T>
void choose(Warp &W, const Instruction &I, Mask Active, Mask First) {
  const T *A = W.in<T>(I.Ops[1]), *B = W.in<T>(I.Ops[2]);
  T *Out = W.out<T>(I.Ops[0]);
  const Mask Defined =
      (W.written(I.Ops[1]) & First) | (W.written(I.Ops[2]) & ~First);
  forLanes(Active, [&](unsigned L) { Out[L] = First >> L & 1 ? A[L] : B[L]; });
  W.define(I.Ops[0], Active, Defined);
}

template <typename T>
bool runSelect(Warp &W, const Instruction &I, Mask Active) {
  if (!W.ready(I, Active, I.Preds[0]))
    return false;
  choose<T>(W, I, Active, predicateIn(W, I, 0, 0));
  return true;
}
bool decodeSelect(Decoder &D, Instruction &I) {
  Type T;
  if (!D.type(T))
    return false;
  I.Run =
      select<Type::B16, Type::B32, Type::B64, Type::U16, Type::U32, Type::U64,
             Type::S16, Type::S32, Type::S64, Type::F32, Type::F64>(
          T, []<typename X>() -> Executor { return runSelect<X>; });
  return I.Run && decodeSame(D, I, T, 2) && inPredicates(D, I, 0, 1);
}

/// slct: selects by the sign of the third operand; NaN selects the second.
template <typename T, typename Sign>
bool runSelectBySign(Warp &W, const Instruction &I, Mask Active) {
  if (!W.ready(I, Active, I.Ops[3]))
    return false;
  const Sign *C = W.in<Sign>(I.Ops[3]);
  Mask First = 0;
  forLanes(Active, [&](unsigned L) { First |= Mask(C[L] >= 0) << L; });
  choose<T>(W, I, Active, First);
  return true;
}
bool decodeSelectBySign(Decoder &D, Instruction &I) {
  Type T, Sign;
  if (!D.type(T) || !D.type(Sign) || (Sign != Type::S32 && Sign != Type::F32))
    return false;
  I.Run =
      select<Type::B16, Type::B32, Type::B64, Type::U16, Type::U32, Type::U64,
             Type::S16, Type::S32, Type::S64, Type::F32, Type::F64>(
          T, [&]<typename X>() -> Executor {
            return Sign == Type::S32 ? runSelectBySign<X, int32_t>
                                     : runSelectBySign<X, float>;
          });
  return I.Run && decodeSame(D, I, T, 2) && D.in(I.Ops[3], Sign);
}

template <typename T> bool runMove(Warp &W, const Instruction &I, Mask Active) {
  const T *A = W.in<T>(I.Ops[1]);
  T *Out = W.out<T>(I.Ops[0]);
  forLanes(Active, [&](unsigned L) { Out[L] = A[L]; });
  W.define(I.Ops[0], Active, W.written(I.Ops[1]));
  return true;
}

bool runMovePredicate(Warp &W, const Instruction &I, Mask Active) {
  W.definePredicate(I.Preds[0], Active, predicateIn(W, I, 1, 0),
                    W.predicateWritten(I.Preds[1]));
  return true;
}

/// Packs {a, b} into one register; undefined if a part is.
template <typename Whole, typename Part>
bool runPack(Warp &W, const Instruction &I, Mask Active) {
  Whole *Out = W.out<Whole>(I.Ops[0]);
  Mask Defined = AllLanes;
  forLanes(Active, [&](unsigned L) {
    Whole Result = 0;
    for (size_t N = 0; N < I.More.size(); ++N)
      Result |= Whole(W.in<Part>(I.More[N])[L]) << (8 * sizeof(Part) * N);
    Out[L] = Result;
  });
  for (const Operand &O : I.More)
    Defined &= W.written(O);
  W.define(I.Ops[0], Active, Defined);
  return true;
}
template <typename Whole, typename Part>
bool runUnpack(Warp &W, const Instruction &I, Mask Active) {
  // The source may be one of the results.
  std::array<Whole, Lanes> Source;
  std::copy_n(W.in<Whole>(I.Ops[0]), Lanes, Source.begin());
  const Mask Defined = W.written(I.Ops[0]);
  for (size_t N = 0; N < I.More.size(); ++N) {
    if (I.More[N].Bytes == 0)
      continue; // "_"
    Part *Out = W.out<Part>(I.More[N]);
    forLanes(Active, [&](unsigned L) {
      Out[L] = Part(Source[L] >> (8 * sizeof(Part) * N));
    });
    W.define(I.More[N], Active, Defined);
  }
  return true;
}

/// %clock, %clock64, %globaltimer: nanoseconds of the host.
template <typename T>
bool runClock(Warp &W, const Instruction &I, Mask Active) {
  const T Now = std::chrono::steady_clock::now().time_since_epoch().count();
  T *Out = W.out<T>(I.Ops[0]);
  forLanes(Active, [&](unsigned L) { Out[L] = Now; });
  W.define(I.Ops[0], Active);
  return true;
}

bool decodeVectorMove(Decoder &D, Instruction &I, Type T) {
  const bool Unpacks = D.peek().K == TextOperand::Kind::Vector;
  size_t Parts;
  if (Unpacks) {
    Parts = D.peek().Parts.size();
    if (Parts != 2 && Parts != 4)
      return false;
    if (!D.outVector(I.More, Parts, sizeOf(T) / Parts, /*Skips=*/true) ||
        !D.in(I.Ops[0], T))
      return false;
  } else {
    if (!D.out(I.Ops[0], sizeOf(T)))
      return false;
    Parts = D.peek().Parts.size();
    if (Parts != 2 && Parts != 4)
      return false;
    const Type Part = sizeOf(T) / Parts == 2 ? Type::B16 : Type::B32;
    if (!D.inVector(I.More, Parts, Part))
      return false;
  }
  const unsigned PartBytes = sizeOf(T) / Parts;
  if (T == Type::B32 && PartBytes == 2)
    I.Run =
        Unpacks ? runUnpack<uint32_t, uint16_t> : runPack<uint32_t, uint16_t>;
  else if (T == Type::B64 && PartBytes == 4)
    I.Run =
        Unpacks ? runUnpack<uint64_t, uint32_t> : runPack<uint64_t, uint32_t>;
  else if (T == Type::B64 && PartBytes == 2)
    I.Run =
        Unpacks ? runUnpack<uint64_t, uint16_t> : runPack<uint64_t, uint16_t>;
  return true;
}

bool decodeMove(Decoder &D, Instruction &I) {
  Type T;
  if (!D.type(T) || D.remaining() < 2)
    return false;
  if (T == Type::Pred) {
    I.Run = runMovePredicate;
    return D.outPredicate(I.Preds[0]) && inPredicates(D, I, 1, 1);
  }
  if (D.peek().K == TextOperand::Kind::Vector ||
      D.peek(1).K == TextOperand::Kind::Vector)
    return decodeVectorMove(D, I, T);
  if (const std::string_view Source = D.peek(1).Word;
      Source == "%clock" || Source == "%clock64" || Source == "%globaltimer") {
    const bool Long = Source != "%clock";
    I.Run = Long ? runClock<uint64_t> : runClock<uint32_t>;
    return D.out(I.Ops[0], Long ? 8 : 4) && D.next();
  }
  I.Run = select<Type::B16, Type::B32, Type::B64, Type::U16, Type::U32,
                 Type::U64, Type::S16, Type::S32, Type::S64, Type::F16,
                 Type::BF16, Type::F16x2, Type::BF16x2, Type::F32, Type::F64>(
      T, []<typename X>() -> Executor { return runMove<X>; });
  return I.Run && decodeSame(D, I, T, 1);
}

constexpr Family Families[] = {
    {"and", decodeBits<And, true>},
    {"or", decodeBits<Or, true>},
    {"xor", decodeBits<Xor, true>},
    {"not", decodeBits<Not, false>},
    {"lop3", decodeLogic3},
    {"setp", decodeSetPredicate},
    {"set", decodeSet},
    {"selp", decodeSelect},
    {"slct", decodeSelectBySign},
    {"mov", decodeMove},
};
} // namespace

std::span<const Family> ptx::logicFamilies() { return Families; }
