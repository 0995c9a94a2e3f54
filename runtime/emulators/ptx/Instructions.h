//===- Instructions.h - shared by instruction families ----------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_EMULATORS_PTX_INSTRUCTIONS_H
#define M1C_RUNTIME_EMULATORS_PTX_INSTRUCTIONS_H

#include "runtime/emulators/ptx/Decoder.h"
#include "runtime/emulators/ptx/Warp.h"

#include <tuple>
#include <type_traits>
#include <utility>

namespace m1::ptx {

// Control flow, for the parser and the flow analysis.
bool isBranch(const Instruction &I);         // to Immediate
bool isIndirectBranch(const Instruction &I); // to one of List
bool isEnd(const Instruction &I);            // ends the lanes' execution
bool isCall(const Instruction &I);           // of function Callee
Instruction makeReturn(bool FromKernel, uint32_t Line);

// Integer forms of instructions that also have a floating-point form.
bool decodeIntegerAdd(Decoder &D, Instruction &I);
bool decodeIntegerSub(Decoder &D, Instruction &I);
bool decodeIntegerMul(Decoder &D, Instruction &I);
bool decodeIntegerMad(Decoder &D, Instruction &I);
bool decodeIntegerDiv(Decoder &D, Instruction &I);
bool decodeIntegerMin(Decoder &D, Instruction &I);
bool decodeIntegerMax(Decoder &D, Instruction &I);
/// neg and abs.
bool decodeIntegerSign(Decoder &D, Instruction &I, bool Absolute);

/// Checks that all 32 lanes are active.
bool needWholeWarp(Warp &W, const Instruction &I, Mask Active);

/// The host's type for lanes of a PTX type.
template <Type T> struct HostType;
// clang-format off
template <> struct HostType<Type::B8>  { using type = uint8_t; };
template <> struct HostType<Type::B16> { using type = uint16_t; };
template <> struct HostType<Type::B32> { using type = uint32_t; };
template <> struct HostType<Type::B64> { using type = uint64_t; };
template <> struct HostType<Type::U8>  { using type = uint8_t; };
template <> struct HostType<Type::U16> { using type = uint16_t; };
template <> struct HostType<Type::U32> { using type = uint32_t; };
template <> struct HostType<Type::U64> { using type = uint64_t; };
template <> struct HostType<Type::S8>  { using type = int8_t; };
template <> struct HostType<Type::S16> { using type = int16_t; };
template <> struct HostType<Type::S32> { using type = int32_t; };
template <> struct HostType<Type::S64> { using type = int64_t; };
template <> struct HostType<Type::F16> { using type = Half; };
template <> struct HostType<Type::BF16> { using type = BFloat; };
template <> struct HostType<Type::F16x2> { using type = Pair<Half>; };
template <> struct HostType<Type::BF16x2> { using type = Pair<BFloat>; };
template <> struct HostType<Type::F32> { using type = float; };
template <> struct HostType<Type::F64> { using type = double; };
// clang-format on

/// The executor that Make<HostType>() returns for T; null if T is not allowed.
template <Type... Allowed, typename Make>
Executor select(Type T, Make MakeExecutor) {
  Executor E = nullptr;
  ((T == Allowed ? void(E = MakeExecutor.template
                            operator()<typename HostType<Allowed>::type>())
                 : void()),
   ...);
  return E;
}

/// Calls Body(lane) for each active lane. A full warp takes a loop that the
/// host compiler can vectorise.
template <typename BodyT> inline void forLanes(Mask Active, BodyT &&Body) {
  if (Active == AllLanes) {
    for (unsigned L = 0; L < Lanes; ++L)
      Body(L);
    return;
  }
  for (Mask Rest = Active; Rest; Rest &= Rest - 1)
    Body(unsigned(std::countr_zero(Rest)));
}

/// Executes Op() for each lane: from sources Ops[1], ... of types Ss to result
/// Ops[0] of type R.
template <typename Op, typename R, typename... Ss>
bool runMap(Warp &W, const Instruction &I, Mask Active) {
  auto Body = [&]<size_t... N>(std::index_sequence<N...>) {
    if (!W.ready(I, Active, I.Ops[N + 1]...))
      return false;
    R *Out = W.out<R>(I.Ops[0]);
    std::tuple<const Ss *...> In = {W.in<Ss>(I.Ops[N + 1])...};
    forLanes(Active, [&](unsigned L) { Out[L] = Op()(std::get<N>(In)[L]...); });
    W.define(I.Ops[0], Active);
    return true;
  };
  return Body(std::index_sequence_for<Ss...>());
}

/// Takes a result of type T and `Sources` sources of the same type.
inline bool decodeSame(Decoder &D, Instruction &I, Type T, unsigned Sources) {
  if (!D.out(I.Ops[0], std::max(sizeOf(T), 2u)))
    return false;
  for (unsigned N = 1; N <= Sources; ++N)
    if (!D.in(I.Ops[N], T))
      return false;
  return true;
}

} // namespace m1::ptx

#endif // M1C_RUNTIME_EMULATORS_PTX_INSTRUCTIONS_H
