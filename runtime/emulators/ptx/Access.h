//===- Access.h - checked memory accesses of lanes --------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_EMULATORS_PTX_ACCESS_H
#define M1C_RUNTIME_EMULATORS_PTX_ACCESS_H

#include "runtime/emulators/ptx/Instructions.h"

namespace m1::ptx {

/// The memory that a lane accesses, after checks of bounds and alignment.
struct Found {
  Space In = Space::Global; // never Generic
  std::byte *Data = nullptr;
  /// Index into the data of shared or local memory.
  uint64_t Index = 0;
};

/// Address of a lane: the operand's value, of 32 or 64 bits, plus the offset.
inline uint64_t addressOf(const Warp &W, const Operand &Base, int64_t Offset,
                          unsigned Lane) {
  const uint64_t Value =
      Base.Bytes == 4 ? W.in<uint32_t>(Base)[Lane] : W.in<uint64_t>(Base)[Lane];
  return Value + uint64_t(Offset);
}

/// An address as errors show it.
inline std::string shown(uint64_t Address) {
  return hex(Address & WindowMask ? Address : untagged(Address));
}

/// Finds `Bytes` bytes for a lane; false after an error.
bool findMemory(Warp &W, const Instruction &I, unsigned Lane, Space In,
                uint64_t Address, unsigned Bytes, bool Writes, Found &Out);

/// Checks that the memory found may be read or written, and records the access.
bool noteAccess(Warp &W, const Instruction &I, unsigned Lane, uint64_t Address,
                const Found &At, unsigned Bytes, SharedMemory::Kind Kind);

/// Fast path of findMemory and noteAccess, for accesses of at most 8 bytes to
/// shared memory or to `Recent`, the global memory of the last access. Null if
/// the access needs the full checks.
template <unsigned Bytes, SharedMemory::Kind Kind>
std::byte *quickAccess(Warp &W, unsigned Lane, Space In, uint64_t Address,
                       const Allocation::View &Recent) {
  using T = std::conditional_t<
      Bytes == 1, uint8_t,
      std::conditional_t<Bytes == 2, uint16_t,
                         std::conditional_t<Bytes == 4, uint32_t, uint64_t>>>;
  if (Address % Bytes)
    return nullptr;
  if (In == Space::Global) {
    if (!Recent.contains(Address, Bytes))
      return nullptr;
    if constexpr (Kind == SharedMemory::Kind::Load) {
      if (!Recent.isWritten(Address, Bytes))
        return nullptr;
    } else {
      if (!Recent.Writable)
        return nullptr;
      Recent.noteWritten(Address, Bytes);
    }
    return Recent.at(Address);
  }
  if (In != Space::Shared)
    return nullptr;
  SharedMemory &Shared = W.Owner.Shared;
  const uint32_t Index = Shared.indexOf(Address, Bytes);
  const Accessor Who = {uint8_t(W.Index), uint8_t(Lane), W.IsDiverged};
  if (Index == NoIndex || !Shared.quickAccess<T>(Kind, Index, Who))
    return nullptr;
  return Shared.data() + Index;
}

/// Consumes a state space modifier; Generic if there is none.
Space decodeSpace(Decoder &D);

} // namespace m1::ptx

#endif // M1C_RUNTIME_EMULATORS_PTX_ACCESS_H
