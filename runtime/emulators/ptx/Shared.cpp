//===- Shared.cpp - shared and local memory -------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/emulators/ptx/Shared.h"

#include <algorithm>

using namespace m1;
using namespace m1::ptx;

void SharedMemory::reset(uint32_t StaticBytes, uint32_t DynamicBytes) {
  // Both parts begin at a multiple of the largest access.
  constexpr uint32_t Largest = 16;
  Static = (StaticBytes + Largest - 1) / Largest * Largest;
  Dynamic = DynamicBytes;
  const uint32_t Bytes = Static + Dynamic;
  Data.resize(Bytes);
  for (std::vector<uint8_t> *Notes : {&State, &Writer, &Reader})
    Notes->assign(Bytes, 0);
  Dirty.assign(Bytes / Chunk + 1, 0);
  for (std::vector<uint32_t> &Indices : Unsynchronised)
    Indices.clear();
}

void SharedMemory::barrier() {
  for (size_t C = 0; C < Dirty.size(); ++C) {
    if (!Dirty[C])
      continue;
    Dirty[C] = 0;
    const size_t Begin = C * Chunk,
                 End = std::min<size_t>(Begin + Chunk, Writer.size());
    std::fill(Writer.begin() + Begin, Writer.begin() + End, Nobody);
    std::fill(Reader.begin() + Begin, Reader.begin() + End, Nobody);
  }
  for (size_t W = 0; W < Unsynchronised.size(); ++W)
    warpBarrier(static_cast<uint8_t>(W), AllLanes);
}

void SharedMemory::warpBarrier(uint8_t Warp, Mask Members) {
  std::erase_if(Unsynchronised[Warp], [&](uint32_t Index) {
    unsigned Lane = State[Index] & LaneBits;
    if (Lane && !(Members >> (Lane - 1) & 1))
      return false;
    State[Index] &= ~LaneBits;
    return true;
  });
}

void SharedMemory::noteAlone(uint8_t Warp, uint32_t Index) {
  std::vector<uint32_t> &Indices = Unsynchronised[Warp];
  // A loop without barriers may write the same bytes again and again.
  if (Indices.size() > 2 * State.size()) {
    std::sort(Indices.begin(), Indices.end());
    Indices.erase(std::unique(Indices.begin(), Indices.end()), Indices.end());
  }
  Indices.push_back(Index);
}

std::string SharedMemory::describeSize() const {
  return concat("the block's shared memory (", Static, " bytes static at ",
                hex(StaticSharedBase), ", ", Dynamic, " dynamic at ",
                hex(DynamicSharedBase), ")");
}

std::string SharedMemory::access(Kind K, uint32_t Index, unsigned Bytes,
                                 Accessor Who) {
  for (unsigned I = 0; I < Bytes; ++I)
    if (std::string Error = accessByte(K, Index + I, Who); !Error.empty())
      return Error;
  return {};
}

std::string SharedMemory::accessByte(Kind K, uint32_t Index, Accessor Who) {
  uint8_t &S = State[Index], &W = Writer[Index], &R = Reader[Index];
  const uint8_t Mine = Who.Warp + 1, MyLane = Who.Lane + 1;
  const std::string_view Does =
      K == Kind::Load ? "reads a byte" : "writes a byte";
  if (S & OnItsWay)
    return concat(Does, " before the asynchronous copy to it is waited for");
  if (K != Kind::Store && !(S & Written))
    return concat(Does, " that nothing has written");
  if (W == ByAtomics && K != Kind::Atomic)
    return concat(Does, " that atomics accessed since the last barrier");
  if (W != Nobody && W != ByAtomics && W != Mine)
    return concat(Does, " that warp ", W - 1,
                  " wrote since the last barrier: a race");
  if (K != Kind::Load && R != Nobody && R != Mine)
    return concat(Does, " that ",
                  R == ByMany ? "other warps" : concat("warp ", R - 1),
                  " read since the last barrier: a race");
  if (unsigned Lane = S & LaneBits; Lane && Lane != MyLane)
    return concat(Does, " that lane ", Lane - 1,
                  " of the same warp wrote alone, with no bar.warp.sync in "
                  "between: a race");
  Dirty[Index / Chunk] = 1;
  if (K == Kind::Load) {
    R = R == Nobody || R == Mine ? Mine : uint8_t(ByMany);
    return {};
  }
  W = K == Kind::Atomic ? uint8_t(ByAtomics) : Mine;
  S = Written;
  if (K == Kind::Store && Who.Diverged) {
    S |= MyLane;
    noteAlone(Who.Warp, Index);
  }
  return {};
}

std::string SharedMemory::beginCopy(uint32_t Index, unsigned Bytes,
                                    Accessor Who) {
  if (std::string Error = access(Kind::Store, Index, Bytes, Who);
      !Error.empty())
    return Error;
  for (unsigned I = 0; I < Bytes; ++I)
    State[Index + I] = OnItsWay;
  return {};
}

void SharedMemory::endCopy(uint32_t Index, unsigned Bytes, Accessor Who,
                           const std::byte *From) {
  std::memcpy(Data.data() + Index, From, Bytes);
  for (unsigned I = 0; I < Bytes; ++I) {
    State[Index + I] = Written | (Who.Lane + 1);
    Writer[Index + I] = Who.Warp + 1;
    noteAlone(Who.Warp, Index + I);
  }
  Dirty[Index / Chunk] = 1;
}

void LocalMemory::reset(uint32_t Threads, uint32_t BytesEach) {
  Each = (BytesEach + 15) / 16 * 16;
  Data.resize(uint64_t(Threads) * Each);
  Written.assign(uint64_t(Threads) * Each, 0);
}
