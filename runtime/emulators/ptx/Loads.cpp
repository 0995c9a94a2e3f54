//===- Loads.cpp - loads, stores, atomics and addresses -------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/emulators/ptx/Access.h"

using namespace m1;
using namespace m1::ptx;

namespace {
template <typename U> void relaxedStore(std::byte *At, U Value) {
  __atomic_store_n(reinterpret_cast<U *>(At), Value, __ATOMIC_RELAXED);
}
template <typename U> U relaxedLoad(const std::byte *At) {
  return __atomic_load_n(reinterpret_cast<const U *>(At), __ATOMIC_RELAXED);
}

//===----------------------------------------------------------------------===//
// Loads and stores
//===----------------------------------------------------------------------===//

/// Loads elements of type U into registers of type R, sign- or zero-extended.
template <typename U, typename R>
bool runLoad(Warp &W, const Instruction &I, Mask Active) {
  if (!W.ready(I, Active, I.Ops[0]))
    return false;
  const unsigned Count = I.More.size(), Bytes = Count * sizeof(U);
  Allocation::View Recent = W.Recent;
  for (Mask Rest = Active; Rest; Rest &= Rest - 1) {
    const unsigned L = Warp::first(Rest);
    const uint64_t Address = addressOf(W, I.Ops[0], I.Immediate, L);
    std::byte *Data = nullptr;
    if (Count == 1)
      Data = quickAccess<sizeof(U), SharedMemory::Kind::Load>(W, L, I.In,
                                                              Address, Recent);
    if (!Data) {
      Found At;
      if (!findMemory(W, I, L, I.In, Address, Bytes, false, At) ||
          !noteAccess(W, I, L, Address, At, Bytes, SharedMemory::Kind::Load))
        return false;
      Data = At.Data;
      Recent = W.Recent;
    }
    // The address register may be a result: only this lane's value is
    // overwritten.
    for (unsigned N = 0; N < Count; ++N)
      if (I.More[N].Bytes)
        W.out<R>(I.More[N])[L] =
            static_cast<R>(relaxedLoad<U>(Data + N * sizeof(U)));
  }
  for (const Operand &O : I.More)
    if (O.Bytes)
      W.define(O, Active);
  return true;
}

template <typename U, typename R>
bool runStore(Warp &W, const Instruction &I, Mask Active) {
  if (!W.ready(I, Active, I.Ops[0]))
    return false;
  for (const Operand &O : I.More)
    if (!W.ready(I, Active, O))
      return false;
  const unsigned Count = I.More.size(), Bytes = Count * sizeof(U);
  std::array<const std::byte *, Lanes> Shared; // where each lane stored
  Mask ToShared = 0;
  Allocation::View Recent = W.Recent;
  for (Mask Rest = Active; Rest; Rest &= Rest - 1) {
    const unsigned L = Warp::first(Rest);
    const uint64_t Address = addressOf(W, I.Ops[0], I.Immediate, L);
    Space In = I.In;
    std::byte *Data = nullptr;
    if (Count == 1)
      Data = quickAccess<sizeof(U), SharedMemory::Kind::Store>(W, L, In,
                                                               Address, Recent);
    if (!Data) {
      Found At;
      if (!findMemory(W, I, L, In, Address, Bytes, true, At) ||
          !noteAccess(W, I, L, Address, At, Bytes, SharedMemory::Kind::Store))
        return false;
      Data = At.Data;
      Recent = W.Recent;
      In = At.In;
    }
    for (unsigned N = 0; N < Count; ++N)
      relaxedStore(Data + N * sizeof(U), U(W.in<R>(I.More[N])[L]));
    if (In == Space::Shared) {
      Shared[L] = Data;
      ToShared |= Mask(1) << L;
    }
  }
  // If several lanes wrote to one address, memory holds the last value: a lane
  // that stored another value has raced.
  for (Mask Rest = ToShared; Rest; Rest &= Rest - 1) {
    const unsigned L = Warp::first(Rest);
    for (unsigned N = 0; N < Count; ++N)
      if (relaxedLoad<U>(Shared[L] + N * sizeof(U)) != U(W.in<R>(I.More[N])[L]))
        return W.fail(I, L, " at ", hex(addressOf(W, I.Ops[0], I.Immediate, L)),
                      " writes a byte to which another lane writes another "
                      "value in the same instruction: a race");
  }
  return true;
}

template <template <typename, typename> class Run>
Executor selectAccess(Type T, unsigned RegisterBytes) {
  return select<Type::U8, Type::S8, Type::U16, Type::S16, Type::U32, Type::S32,
                Type::U64>(T, [&]<typename U>() -> Executor {
    if (RegisterBytes < sizeof(U))
      return nullptr;
    if constexpr (sizeof(U) <= 2)
      if (RegisterBytes == 2)
        return Run<U, uint16_t>::run;
    if constexpr (sizeof(U) <= 4)
      if (RegisterBytes == 4)
        return Run<U, uint32_t>::run;
    return Run<U, uint64_t>::run;
  });
}
template <typename U, typename R> struct Load {
  static constexpr Executor run = runLoad<U, R>;
};
template <typename U, typename R> struct Store {
  static constexpr Executor run = runStore<U, R>;
};

/// The integer type of the same size; signed if T is and it matters.
Type bitsOf(Type T) {
  switch (T) {
  case Type::S8:
  case Type::S16:
  case Type::S32:
    return T;
  default:
    break;
  }
  switch (sizeOf(T)) {
  case 1:
    return Type::U8;
  case 2:
    return Type::U16;
  case 4:
    return Type::U32;
  default:
    return Type::U64;
  }
}

/// {.weak, .volatile, .relaxed.scope, .acquire.scope, ...}
void takeOrder(Decoder &D) {
  D.takeAny({"weak", "volatile", "relaxed", "acquire", "release", "acq_rel"});
  D.takeAny({"cta", "gpu", "sys", "cluster"});
}

template <bool Writes> bool decodeAccess(Decoder &D, Instruction &I) {
  takeOrder(D);
  I.In = decodeSpace(D);
  D.takeHints();
  const std::optional<unsigned> Vector = D.takeAny({"v2", "v4"});
  const unsigned Count = Vector ? 2 << *Vector : 1;
  Type T;
  if (!D.type(T) || sizeOf(T) == 0 || T == Type::TF32)
    return false;
  if (Count * sizeOf(T) > 16)
    return D.error("an access of more than 16 bytes");
  const bool Taken = Writes
                         ? D.address(I.Ops[0], I.Immediate, &I.In) &&
                               D.inVector(I.More, Count, T, /*AnyWidth=*/true)
                         : D.outVector(I.More, Count, 0, /*Skips=*/true) &&
                               D.address(I.Ops[0], I.Immediate, &I.In);
  if (!Taken)
    return false;
  unsigned Bytes = 0;
  for (const Operand &O : I.More) {
    if (Bytes && O.Bytes && O.Bytes != Bytes)
      return D.error("registers of different widths");
    Bytes = std::max<unsigned>(Bytes, O.Bytes);
  }
  I.Run = Writes ? selectAccess<Store>(bitsOf(T), Bytes)
                 : selectAccess<Load>(bitsOf(T), Bytes);
  return I.Run || D.error("a register is narrower than its type");
}

//===----------------------------------------------------------------------===//
// Atomics
//===----------------------------------------------------------------------===//

// The new value from the old one and one operand (cas: two).
// clang-format off
struct AtomicAnd { template <typename T> T operator()(T A, T B, T) const { return A & B; } };
struct AtomicOr { template <typename T> T operator()(T A, T B, T) const { return A | B; } };
struct AtomicXor { template <typename T> T operator()(T A, T B, T) const { return A ^ B; } };
struct AtomicExchange { template <typename T> T operator()(T, T B, T) const { return B; } };
struct AtomicMin { template <typename T> T operator()(T A, T B, T) const { return B < A ? B : A; } };
struct AtomicMax { template <typename T> T operator()(T A, T B, T) const { return A < B ? B : A; } };
struct AtomicInc { template <typename T> T operator()(T A, T B, T) const { return A >= B ? 0 : A + 1; } };
struct AtomicDec { template <typename T> T operator()(T A, T B, T) const { return A == 0 || A > B ? B : A - 1; } };
struct AtomicSwapIf { template <typename T> T operator()(T A, T B, T C) const { return A == B ? C : A; } };
// clang-format on
struct AtomicAdd {
  template <typename T> T operator()(T A, T B, T) const {
    if constexpr (IsPair<T>)
      return {(*this)(A.Low, B.Low, {}), (*this)(A.High, B.High, {})};
    else if constexpr (IsSmall<T>)
      return T::round(addToOdd(double(A), double(B)));
    else if constexpr (std::is_floating_point_v<T>)
      return canonical(A + B);
    else
      return A + B;
  }
};

template <size_t Bytes>
using Bits =
    std::conditional_t<Bytes == 2, uint16_t,
                       std::conditional_t<Bytes == 4, uint32_t, uint64_t>>;

/// Lanes are processed in order. Ops: the old value (no bytes for red),
/// address, operands.
template <typename Op, typename T>
bool runAtomic(Warp &W, const Instruction &I, Mask Active) {
  using U = Bits<sizeof(T)>;
  if (!W.ready(I, Active, I.Ops[1], I.Ops[2], I.Ops[3]))
    return false;
  for (Mask Rest = Active; Rest; Rest &= Rest - 1) {
    const unsigned L = Warp::first(Rest);
    const uint64_t Address = addressOf(W, I.Ops[1], I.Immediate, L);
    Found At;
    if (!findMemory(W, I, L, I.In, Address, sizeof(T), true, At) ||
        !noteAccess(W, I, L, Address, At, sizeof(T),
                    SharedMemory::Kind::Atomic))
      return false;
    const T B = W.in<T>(I.Ops[2])[L];
    const T C = I.Ops[3].Bytes ? W.in<T>(I.Ops[3])[L] : T();
    U Old = relaxedLoad<U>(At.Data), New;
    do
      New = std::bit_cast<U>(Op()(std::bit_cast<T>(Old), B, C));
    while (!__atomic_compare_exchange_n(reinterpret_cast<U *>(At.Data), &Old,
                                        New, /*weak=*/true, __ATOMIC_SEQ_CST,
                                        __ATOMIC_RELAXED));
    if (I.Ops[0].Bytes)
      W.out<U>(I.Ops[0])[L] = Old;
  }
  if (I.Ops[0].Bytes)
    W.define(I.Ops[0], Active);
  return true;
}

template <typename Op, Type... Allowed> Executor atomic(Type T) {
  return select<Allowed...>(
      T, []<typename X>() -> Executor { return runAtomic<Op, X>; });
}

Executor selectAtomic(std::string_view Op, Type T) {
  if (Op == "and")
    return atomic<AtomicAnd, Type::B32, Type::B64>(T);
  if (Op == "or")
    return atomic<AtomicOr, Type::B32, Type::B64>(T);
  if (Op == "xor")
    return atomic<AtomicXor, Type::B32, Type::B64>(T);
  if (Op == "exch")
    return atomic<AtomicExchange, Type::B32, Type::B64>(T);
  if (Op == "cas")
    return atomic<AtomicSwapIf, Type::B16, Type::B32, Type::B64>(T);
  if (Op == "inc")
    return atomic<AtomicInc, Type::U32>(T);
  if (Op == "dec")
    return atomic<AtomicDec, Type::U32>(T);
  if (Op == "min")
    return atomic<AtomicMin, Type::U32, Type::S32, Type::U64, Type::S64>(T);
  if (Op == "max")
    return atomic<AtomicMax, Type::U32, Type::S32, Type::U64, Type::S64>(T);
  return atomic<AtomicAdd, Type::U32, Type::S32, Type::U64, Type::F32,
                Type::F64, Type::F16, Type::F16x2, Type::BF16, Type::BF16x2>(T);
}

template <bool HasResult> bool decodeAtomic(Decoder &D, Instruction &I) {
  static constexpr std::string_view Names[] = {
      "and", "or", "xor", "exch", "cas", "inc", "dec", "min", "max", "add"};
  takeOrder(D);
  I.In = decodeSpace(D);
  if (I.In != Space::Generic && I.In != Space::Global && I.In != Space::Shared)
    return false;
  const std::optional<unsigned> Op = D.takeAny(Names);
  Type T;
  if (!Op)
    return false;
  const std::string_view Name = Names[*Op];
  const bool NoFlush = D.take("noftz");
  if (!D.type(T) || (NoFlush && (T < Type::F16 || T > Type::BF16x2)))
    return false;
  I.Run = selectAtomic(Name, T);
  return I.Run && (!HasResult || D.out(I.Ops[0], sizeOf(T))) &&
         D.address(I.Ops[1], I.Immediate) && D.in(I.Ops[2], T) &&
         (Name != "cas" || D.in(I.Ops[3], T));
}

//===----------------------------------------------------------------------===//
// Addresses
//===----------------------------------------------------------------------===//

/// cvta: Immediate is added, modulo 2^64.
bool runConvertAddress(Warp &W, const Instruction &I, Mask Active) {
  const uint64_t *A = W.in<uint64_t>(I.Ops[1]);
  uint64_t *Out = W.out<uint64_t>(I.Ops[0]);
  forLanes(Active, [&](unsigned L) { Out[L] = A[L] + uint64_t(I.Immediate); });
  W.define(I.Ops[0], Active, W.written(I.Ops[1]));
  return true;
}
uint64_t windowOf(Space In) {
  return In == Space::Shared  ? SharedWindow
         : In == Space::Local ? LocalWindow
                              : 0;
}
bool decodeConvertAddress(Decoder &D, Instruction &I) {
  const bool FromGeneric = D.take("to");
  const Space In = decodeSpace(D);
  if (In == Space::Generic || In == Space::Param || !D.take("u64"))
    return false;
  const uint64_t Window = windowOf(In);
  I.Immediate = int64_t(FromGeneric ? -Window : Window);
  I.Run = runConvertAddress;
  return decodeSame(D, I, Type::U64, 1);
}

bool runIsSpace(Warp &W, const Instruction &I, Mask Active) {
  if (!W.ready(I, Active, I.Ops[0]))
    return false;
  const uint64_t *A = W.in<uint64_t>(I.Ops[0]);
  const uint64_t Window = windowOf(I.In);
  Mask Result = 0;
  forLanes(Active, [&](unsigned L) {
    Result |= Mask((A[L] & WindowMask) == Window) << L;
  });
  W.definePredicate(I.Preds[0], Active, Result);
  return true;
}
bool decodeIsSpace(Decoder &D, Instruction &I) {
  I.In = decodeSpace(D);
  I.Run = runIsSpace;
  return (I.In == Space::Global || I.In == Space::Shared ||
          I.In == Space::Local) &&
         D.outPredicate(I.Preds[0]) && D.in(I.Ops[0], Type::U64);
}

constexpr Family Families[] = {
    {"ld", decodeAccess<false>},    {"st", decodeAccess<true>},
    {"atom", decodeAtomic<true>},   {"red", decodeAtomic<false>},
    {"cvta", decodeConvertAddress}, {"isspacep", decodeIsSpace},
};
} // namespace

std::span<const Family> ptx::memoryFamilies() { return Families; }
