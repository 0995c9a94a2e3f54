//===- PrefixCache.cpp - states at the ends of prefixes -------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/engine/PrefixCache.h"

#include <algorithm>
#include <cassert>

using namespace m1;

PrefixCache::PrefixCache(int64_t ChunkTokens, int64_t BlocksPerChunk,
                         int64_t Budget, BlockPool &Pool)
    : ChunkTokens(ChunkTokens), BlocksPerChunk(BlocksPerChunk), Budget(Budget),
      Pool(Pool) {}

PrefixCache::~PrefixCache() {
  while (dropOldest())
    ;
}

/// The child for the first C of these tokens, or null.
PrefixCache::Node *PrefixCache::child(Node &Parent,
                                      std::span<const int64_t> Tokens) {
  Key.assign(Tokens.begin(), Tokens.begin() + ChunkTokens);
  auto Found = Parent.Next.find(Key);
  return Found == Parent.Next.end() ? nullptr : Found->second.get();
}

void PrefixCache::touch(Node &Used) {
  Order.splice(Order.end(), Order, Used.Place);
}

PrefixCache::Hit PrefixCache::find(std::span<const int64_t> Tokens,
                                   int64_t Most) {
  Hit Result;
  Node *Last = &Root, *Best = nullptr;
  std::vector<int32_t> Blocks;
  int64_t Position = 0;
  Most = std::min<int64_t>(Most, Tokens.size());
  while (Position + ChunkTokens <= Most) {
    Node *Next = child(*Last, Tokens.subspan(Position));
    if (!Next)
      break;
    Last = Next;
    Position += ChunkTokens;
    Blocks.insert(Blocks.end(), Last->Blocks.begin(), Last->Blocks.end());
    if (Last->Slot) {
      Best = Last;
      Result.Position = Position;
    }
  }
  if (Best) {
    touch(*Best);
    Result.Slot = Best->Slot;
    Blocks.resize(Result.Position / ChunkTokens * BlocksPerChunk);
    Result.Blocks = std::move(Blocks);
  }
  if (Position > Result.Position)
    Result.Wanted = Position;
  return Result;
}

bool PrefixCache::contains(std::span<const int64_t> Tokens) {
  Node *Last = &Root;
  for (; !Tokens.empty(); Tokens = Tokens.subspan(ChunkTokens)) {
    Last = child(*Last, Tokens);
    if (!Last)
      return false;
  }
  if (!Last->Slot)
    return false;
  touch(*Last);
  return true;
}

void PrefixCache::insert(std::span<const int64_t> Tokens,
                         std::span<const int32_t> Blocks, SlotBytes Slot) {
  assert(!Tokens.empty() && Tokens.size() % ChunkTokens == 0);
  const int64_t Added = cost(static_cast<int64_t>(Slot.size()));
  while (Bytes + Added > Budget && dropOldest())
    ;
  Node *Last = &Root;
  for (; !Tokens.empty(); Tokens = Tokens.subspan(ChunkTokens)) {
    Node *Next = child(*Last, Tokens);
    if (!Next) {
      auto [Place, IsNew] = Last->Next.emplace(Key, std::make_unique<Node>());
      Next = Place->second.get();
      Next->Parent = Last;
      Next->Tokens = &Place->first;
      // The same positions of another node may be in another block, with the
      // same bits.
      Next->Blocks.assign(Blocks.begin(), Blocks.begin() + BlocksPerChunk);
      for (int32_t Block : Next->Blocks)
        Pool.keep(Block);
    }
    Last = Next;
    Blocks = Blocks.subspan(BlocksPerChunk);
  }
  assert(!Last->Slot && "a second snapshot");
  Last->Slot = std::make_shared<const SlotBytes>(std::move(Slot));
  Last->Place = Order.insert(Order.end(), Last);
  Bytes += Added;
}

bool PrefixCache::dropOldest() {
  if (Order.empty())
    return false;
  Node *Oldest = Order.front();
  Order.pop_front();
  Bytes -= cost(static_cast<int64_t>(Oldest->Slot->size()));
  Oldest->Slot = nullptr;
  prune(Oldest);
  return true;
}

/// Removes a node and its ancestors as far as nothing needs them.
void PrefixCache::prune(Node *Last) {
  while (Last != &Root && !Last->Slot && Last->Next.empty()) {
    Node *Parent = Last->Parent;
    for (int32_t Block : Last->Blocks)
      Pool.unkeep(Block);
    // By iterator: the key belongs to what is removed.
    Parent->Next.erase(Parent->Next.find(*Last->Tokens));
    Last = Parent;
  }
}
