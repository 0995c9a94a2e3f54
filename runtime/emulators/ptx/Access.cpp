//===- Access.cpp - checked memory accesses of lanes ----------------------===//
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
bool failOutside(Warp &W, const Instruction &I, unsigned Lane, Space In,
                 uint64_t Address, unsigned Bytes, bool Writes) {
  std::string Where;
  switch (In) {
  case Space::Shared:
    Where = concat("beyond ", W.Owner.Shared.describeSize());
    break;
  case Space::Local:
    Where = concat("beyond the thread's local memory (", W.Owner.Local.bytes(),
                   " bytes at ", hex(LocalBase), ")");
    break;
  case Space::Param:
    Where = concat("beyond the kernel's parameters (",
                   W.Launch.Parameters.size(), " bytes)");
    break;
  case Space::Generic:
  case Space::Global:
  case Space::Const: {
    const uint64_t Tag = tagOf(Address);
    if (Tag && Tag <= W.Launch.Arguments.size()) {
      const Allocation::View &Argument = W.Launch.Arguments[Tag - 1];
      Where = concat("at offset ", int64_t(Address - Argument.Address),
                     " of argument ", Tag - 1, ", whose extent is ",
                     Argument.Bytes, " bytes");
      break;
    }
    // If the access begins inside an allocation, its last byte is out of
    // bounds.
    const GlobalMemory &Memory = W.Launch.Memory;
    Where =
        Memory.describe(Memory.find(Address) ? Address + Bytes - 1 : Address);
    break;
  }
  }
  return W.fail(I, Lane, " at ", shown(Address),
                Writes ? " writes " : " reads ", Bytes, " bytes ", Where);
}
} // namespace

bool ptx::findMemory(Warp &W, const Instruction &I, unsigned Lane, Space In,
                     uint64_t Address, unsigned Bytes, bool Writes,
                     Found &Out) {
  if (Address & (Bytes - 1)) [[unlikely]] // a power of two
    return W.fail(I, Lane, " at ", shown(Address), " is not aligned to ", Bytes,
                  " bytes");
  uint64_t Offset = Address;
  if (In == Space::Generic) {
    const uint64_t Window = Address & WindowMask;
    In = Window == SharedWindow  ? Space::Shared
         : Window == LocalWindow ? Space::Local
                                 : Space::Global;
    if (In != Space::Global)
      Offset &= ~WindowMask;
  }
  Out.In = In;
  bool Inside = true;
  switch (In) {
  case Space::Generic:
  case Space::Global:
  case Space::Const:
    if (!W.Recent.contains(Address, Bytes)) {
      W.Recent = W.Launch.viewOf(Address);
      Inside = W.Recent.contains(Address, Bytes);
    }
    if (Inside && Writes && !W.Recent.Writable)
      return W.fail(I, Lane, " at ", shown(Address), " writes ", Bytes,
                    " bytes to argument ", tagOf(Address) - 1,
                    ", which is only read");
    if (Inside)
      Out.Data = W.Recent.at(Address);
    break;
  case Space::Shared: {
    const uint32_t Index = W.Owner.Shared.indexOf(Offset, Bytes);
    Inside = Index != NoIndex;
    Out.Index = Index;
    if (Inside)
      Out.Data = W.Owner.Shared.data() + Index;
    break;
  }
  case Space::Local:
    Out.Index = W.Owner.Local.indexOf(W.Index * Lanes + Lane, Offset, Bytes);
    Inside = Out.Index != LocalMemory::OutOfBounds;
    if (Inside)
      Out.Data = W.Owner.Local.data() + Out.Index;
    break;
  case Space::Param:
    Inside = !Writes && Bytes <= W.Launch.Parameters.size() &&
             Address <= W.Launch.Parameters.size() - Bytes;
    if (Inside)
      Out.Data = const_cast<std::byte *>(W.Launch.Parameters.data()) + Address;
    break;
  }
  return Inside || failOutside(W, I, Lane, In, Address, Bytes, Writes);
}

bool ptx::noteAccess(Warp &W, const Instruction &I, unsigned Lane,
                     uint64_t Address, const Found &At, unsigned Bytes,
                     SharedMemory::Kind Kind) {
  using K = SharedMemory::Kind;
  switch (At.In) {
  case Space::Generic:
  case Space::Global:
  case Space::Const:
    if (Kind == K::Store) {
      W.Recent.noteWritten(Address, Bytes);
    } else if (!W.Recent.isWritten(Address, Bytes)) {
      const uint64_t Untagged = untagged(Address);
      const Allocation &A = *W.Launch.Memory.find(Untagged);
      return W.fail(I, Lane, " at ", hex(Untagged), " reads ", Bytes,
                    " bytes that nothing has written, at byte ",
                    Untagged - A.Address, " of ", A.Name, " (", A.Bytes,
                    " bytes)");
    }
    return true;
  case Space::Shared: {
    const Accessor Who = {uint8_t(W.Index), uint8_t(Lane), W.IsDiverged};
    if (std::string Error = W.Owner.Shared.access(Kind, At.Index, Bytes, Who);
        !Error.empty())
      return W.fail(I, Lane, " at ", shown(Address), " ", Error);
    return true;
  }
  case Space::Local: {
    uint8_t *Written = W.Owner.Local.written() + At.Index;
    if (Kind == K::Store) {
      std::memset(Written, 1, Bytes);
      return true;
    }
    for (unsigned B = 0; B < Bytes; ++B)
      if (!Written[B])
        return W.fail(I, Lane, " at ", shown(Address), " reads ", Bytes,
                      " bytes of local memory that nothing has written");
    return true;
  }
  case Space::Param:
    return true;
  }
  return true;
}

Space ptx::decodeSpace(Decoder &D) {
  if (D.take("global"))
    return Space::Global;
  if (D.takeAny({"shared", "shared::cta"}))
    return Space::Shared;
  if (D.take("local"))
    return Space::Local;
  if (D.takeAny({"param", "param::entry", "param::func"}))
    return Space::Param;
  if (D.take("const"))
    return Space::Const;
  return Space::Generic;
}
