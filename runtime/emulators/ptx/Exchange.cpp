//===- Exchange.cpp - exchanges among the lanes of a warp -----------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/emulators/ptx/Instructions.h"

#include <algorithm>

using namespace m1;
using namespace m1::ptx;

bool ptx::needWholeWarp(Warp &W, const Instruction &I, Mask Active) {
  if (Active == AllLanes)
    return true;
  return W.fail(I, Warp::first(Active), " needs all 32 lanes of the warp, but ",
                "lane ", Warp::first(~Active), " does not execute it");
}

namespace {
enum ShuffleMode : uint8_t { Up, Down, Butterfly, Indexed };

/// shfl.sync.mode.b32 d{|p}, a, b, c, membermask. The low five bits of c clamp
/// the lane, the five from bit 8 on split the warp into segments. The value of
/// an inactive source lane is undefined.
bool runShuffle(Warp &W, const Instruction &I, Mask Active) {
  Mask Members;
  if (!W.ready(I, Active, I.Ops[1], I.Ops[2], I.Ops[3]) ||
      !W.members(I, Active, I.More[0], Members))
    return false;
  std::array<uint32_t, Lanes> Source; // the result may be the source
  std::copy_n(W.in<uint32_t>(I.Ops[1]), Lanes, Source.begin());
  const uint32_t *B = W.in<uint32_t>(I.Ops[2]), *C = W.in<uint32_t>(I.Ops[3]);
  uint32_t *Out = W.out<uint32_t>(I.Ops[0]);
  Mask InRange = 0, Defined = 0;
  forLanes(Active, [&](unsigned L) {
    const uint32_t By = B[L] & 31, Bound = C[L] & 31, Part = C[L] >> 8 & 31;
    const uint32_t Least = L & Part, Most = Least | (Bound & ~Part);
    int From = 0;
    bool Valid = false;
    switch (I.Mode) {
    case Up:
      From = int(L) - int(By);
      Valid = From >= int(Most);
      break;
    case Down:
      From = L + By;
      Valid = From <= int(Most);
      break;
    case Butterfly:
      From = L ^ By;
      Valid = From <= int(Most);
      break;
    default:
      From = Least | (By & ~Part);
      Valid = From <= int(Most);
      break;
    }
    if (!Valid)
      From = L;
    Out[L] = Source[From];
    InRange |= Mask(Valid) << L;
    Defined |= (Active >> From & 1) << L;
  });
  W.define(I.Ops[0], Active, Defined);
  W.definePredicate(I.Preds[0], Active, InRange);
  return true;
}
bool decodeShuffle(Decoder &D, Instruction &I) {
  if (!D.take("sync"))
    return false;
  const std::optional<unsigned> Mode = D.takeAny({"up", "down", "bfly", "idx"});
  if (!Mode || !D.take("b32"))
    return false;
  I.Mode = *Mode;
  I.Run = runShuffle;
  return D.outWithPredicate(I.Ops[0], 4, I.Preds[0]) &&
         D.in(I.Ops[1], Type::B32) && D.in(I.Ops[2], Type::B32) &&
         D.in(I.Ops[3], Type::B32) && D.in(I.More.emplace_back(), Type::B32);
}

enum VoteMode : uint8_t { AllHold, AnyHolds, SameInAll, Ballot };

/// vote.sync.mode d, {!}a, membermask.
bool runVote(Warp &W, const Instruction &I, Mask Active) {
  Mask Members;
  if (!W.ready(I, Active, I.Preds[1]) ||
      !W.members(I, Active, I.Ops[1], Members))
    return false;
  Mask Votes = W.predicate(I.Preds[1]);
  Votes = (I.Mode2 ? ~Votes : Votes) & Active;
  if (I.Mode == Ballot) {
    uint32_t *Out = W.out<uint32_t>(I.Ops[0]);
    forLanes(Active, [&](unsigned L) { Out[L] = Votes; });
    W.define(I.Ops[0], Active);
    return true;
  }
  const bool Result = I.Mode == AllHold    ? Votes == Active
                      : I.Mode == AnyHolds ? Votes != 0
                                           : Votes == Active || Votes == 0;
  W.definePredicate(I.Preds[0], Active, Result ? AllLanes : 0);
  return true;
}
bool decodeVote(Decoder &D, Instruction &I) {
  if (!D.take("sync"))
    return false;
  const std::optional<unsigned> Mode =
      D.takeAny({"all", "any", "uni", "ballot"});
  if (!Mode || !D.take(*Mode == Ballot ? "b32" : "pred"))
    return false;
  I.Mode = *Mode;
  I.Run = runVote;
  bool Negated;
  if (!(*Mode == Ballot ? D.out(I.Ops[0], 4) : D.outPredicate(I.Preds[0])) ||
      !D.inPredicate(I.Preds[1], Negated))
    return false;
  I.Mode2 = Negated;
  return D.in(I.Ops[1], Type::B32);
}

bool runActiveMask(Warp &W, const Instruction &I, Mask Active) {
  uint32_t *Out = W.out<uint32_t>(I.Ops[0]);
  forLanes(Active, [&](unsigned L) { Out[L] = Active; });
  W.define(I.Ops[0], Active);
  return true;
}
bool decodeActiveMask(Decoder &D, Instruction &I) {
  I.Run = runActiveMask;
  return D.take("b32") && D.out(I.Ops[0], 4);
}

enum ReduceMode : uint8_t { Sum, Least, Most, AndAll, OrAll, XorAll };

/// redux.sync.op.type d, a, membermask.
template <typename T>
bool runReduce(Warp &W, const Instruction &I, Mask Active) {
  Mask Members;
  if (!W.ready(I, Active, I.Ops[1]) || !W.members(I, Active, I.Ops[2], Members))
    return false;
  const T *A = W.in<T>(I.Ops[1]);
  T Result = A[Warp::first(Active)];
  for (Mask Rest = Active & (Active - 1); Rest; Rest &= Rest - 1) {
    const T Next = A[Warp::first(Rest)];
    switch (I.Mode) {
      // clang-format off
    case Sum:    Result = T(uint32_t(Result) + uint32_t(Next)); break;
    case Least:  Result = std::min(Result, Next); break;
    case Most:   Result = std::max(Result, Next); break;
    case AndAll: Result &= Next; break;
    case OrAll:  Result |= Next; break;
    default:     Result ^= Next; break;
      // clang-format on
    }
  }
  T *Out = W.out<T>(I.Ops[0]);
  forLanes(Active, [&](unsigned L) { Out[L] = Result; });
  W.define(I.Ops[0], Active);
  return true;
}
bool decodeReduce(Decoder &D, Instruction &I) {
  if (!D.take("sync"))
    return false;
  const std::optional<unsigned> Mode =
      D.takeAny({"add", "min", "max", "and", "or", "xor"});
  Type T;
  if (!Mode || !D.type(T))
    return false;
  I.Mode = *Mode;
  I.Run = *Mode >= AndAll
              ? select<Type::B32>(
                    T, []<typename X>() -> Executor { return runReduce<X>; })
              : select<Type::U32, Type::S32>(
                    T, []<typename X>() -> Executor { return runReduce<X>; });
  return I.Run && decodeSame(D, I, T, 1) && D.in(I.Ops[2], Type::B32);
}

constexpr Family Families[] = {
    {"shfl", decodeShuffle},
    {"vote", decodeVote},
    {"activemask", decodeActiveMask},
    {"redux", decodeReduce},
};
} // namespace

std::span<const Family> ptx::warpFamilies() { return Families; }
