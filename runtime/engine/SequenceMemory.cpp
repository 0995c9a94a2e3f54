//===- SequenceMemory.cpp - where the states of sequences are -------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/engine/SequenceMemory.h"

#include <algorithm>
#include <numeric>

using namespace m1;

SequenceMemory::SequenceMemory(Executor &Program, const LanguageModel &Model,
                               const EngineOptions &Options)
    : Program(Program), Options(Options),
      BlockPositions(usesBlocks(Program, Model) ? Model.blockPositions() : 0),
      ChunkPositions(Model.chunkPositions()), SlotCount(Options.MaxRunning),
      Pool(BlockPositions ? Options.MaxBlocks : 0, [this](int32_t Block) {
        if (this->Options.PoisonFreed)
          Poisoned.Update(this->Program.writeBlock(
              Block, std::span(Poison).first(this->Program.blockBytes())));
      }) {
  CanCopy = BlockPositions > 0 || Program.slotBytes() > 0;
  for (int64_t Slot = SlotCount; Slot-- > 0;)
    FreeSlots.push_back(static_cast<int32_t>(Slot));
  const int64_t Chunk = BlockPositions
                            ? std::lcm(ChunkPositions, BlockPositions)
                            : ChunkPositions;
  auto Wanted = std::make_unique<PrefixCache>(
      Chunk, BlockPositions ? Chunk / BlockPositions : 0,
      Options.PrefixCacheBytes, Pool);
  if (CanCopy && Wanted->fits(static_cast<int64_t>(Program.slotBytes())))
    Cache = std::move(Wanted);
  if (Options.PoisonFreed)
    // NaN in every element type of a state.
    Poison.assign(std::max(Program.slotBytes(), Program.blockBytes()),
                  std::byte(0xFF));
}

int64_t SequenceMemory::chunkTokens() const {
  return Cache ? Cache->chunkTokens() : ChunkPositions;
}

absl::Status SequenceMemory::poisonAll() {
  for (int64_t Block = 0; Block < Pool.count(); ++Block)
    M1_RETURN_IF_ERROR(Program.writeBlock(
        Block, std::span(Poison).first(Program.blockBytes())));
  for (int64_t Slot = 0; Slot < SlotCount; ++Slot)
    M1_RETURN_IF_ERROR(writeSlot(static_cast<int32_t>(Slot),
                                 std::span(Poison).first(Program.slotBytes())));
  return absl::OkStatus();
}

absl::Status SequenceMemory::readSlot(int32_t Slot, SlotBytes &To) {
  To.resize(Program.slotBytes());
  return To.empty() ? absl::OkStatus() : Program.readSlot(Slot, To);
}

absl::Status SequenceMemory::writeSlot(int32_t Slot,
                                       std::span<const std::byte> From) {
  return From.empty() ? absl::OkStatus() : Program.writeSlot(Slot, From);
}

absl::Status SequenceMemory::copySlot(int32_t From, int32_t To) {
  return Program.slotBytes() == 0 ? absl::OkStatus()
                                  : Program.copySlot(From, To);
}

int64_t SequenceMemory::blocksFor(int64_t Positions) const {
  return BlockPositions ? (Positions + BlockPositions - 1) / BlockPositions : 0;
}

/// Whether so many blocks are free, or would be without the cache.
bool SequenceMemory::canHave(int64_t Count) const {
  return BlockPositions == 0 || Count <= Pool.free() + Pool.onlyKept();
}

void SequenceMemory::takeBlocks(Sequence &S, int64_t Count) {
  for (; Count > 0; --Count) {
    while (Pool.free() == 0 && Cache && Cache->dropOldest())
      ;
    S.Blocks.push_back(Pool.take());
  }
}

void SequenceMemory::takeSlot(Sequence &S) {
  S.Slot = FreeSlots.back();
  FreeSlots.pop_back();
}

/// Writes what `From` has in host memory to the slot and to the blocks from
/// `FirstBlock` on.
absl::Status SequenceMemory::restore(Sequence &S, const HostState &From,
                                     size_t FirstBlock) {
  M1_RETURN_IF_ERROR(writeSlot(S.Slot, From.Slot));
  const size_t BlockBytes = Program.blockBytes();
  for (size_t Offset = 0; Offset < From.Blocks.size(); Offset += BlockBytes)
    M1_RETURN_IF_ERROR(
        Program.writeBlock(S.Blocks[FirstBlock++],
                           std::span(From.Blocks).subspan(Offset, BlockBytes)));
  S.Fed = From.Fed;
  return absl::OkStatus();
}

/// An end of a chunk that `S` should leave a state at, while it computes its
/// prompt.
void SequenceMemory::wish(Sequence &S, int64_t Position) const {
  if (Position > S.Fed &&
      std::find(S.Wanted.begin(), S.Wanted.end(), Position) == S.Wanted.end())
    S.Wanted.push_back(Position);
  std::sort(S.Wanted.begin(), S.Wanted.end());
}

absl::StatusOr<bool> SequenceMemory::start(Sequence &S, int64_t Spare) {
  const bool MayUseCache = Cache && S.request().UsePrefixCache;
  // The last token is computed in any case: a draw follows it.
  PrefixCache::Hit Hit;
  if (MayUseCache && !S.Saved && !S.scores())
    Hit = Cache->find(S.Tokens, S.size() - 1);
  for (int32_t Block : Hit.Blocks)
    Pool.use(Block);
  const int64_t New =
      blocksFor(S.size()) - static_cast<int64_t>(Hit.Blocks.size());
  if (!canHave(New + Spare)) {
    for (int32_t Block : Hit.Blocks)
      Pool.unuse(Block);
    return false;
  }
  takeSlot(S);
  S.Blocks = std::move(Hit.Blocks);
  takeBlocks(S, New);
  S.Fed = 0;
  S.LastKept = 0;
  S.Wanted.clear();
  if (S.Saved) {
    M1_RETURN_IF_ERROR(restore(S, *S.Saved, 0));
    forget(S);
  } else if (Hit.Slot) {
    M1_RETURN_IF_ERROR(writeSlot(S.Slot, *Hit.Slot));
    S.Fed = Hit.Position;
  }
  S.LastKept = S.Fed / chunkTokens() * chunkTokens();
  if (!S.HasStarted && MayUseCache && !S.scores()) {
    S.CachedTokens = S.Of->CachedTokens = S.Fed;
    LookupTokens += S.promptTokens();
    HitTokens += S.Fed;
  }
  if (MayUseCache && S.Fed < S.promptTokens()) {
    wish(S, Hit.Wanted);
    // The same prompt again can use a state before its last token only.
    if (S.promptTokens() % chunkTokens() == 0)
      wish(S, S.promptTokens() - chunkTokens());
  }
  return true;
}

absl::StatusOr<bool> SequenceMemory::startAs(const Sequence &From, Sequence &S,
                                             int64_t Spare) {
  const int64_t Full = BlockPositions ? From.Fed / BlockPositions : 0;
  if (!canHave(blocksFor(S.size()) - Full + Spare))
    return false;
  takeSlot(S);
  S.Blocks.assign(From.Blocks.begin(), From.Blocks.begin() + Full);
  for (int32_t Block : S.Blocks)
    Pool.use(Block);
  takeBlocks(S, blocksFor(S.size()) - Full);
  M1_RETURN_IF_ERROR(copySlot(From.Slot, S.Slot));
  if (BlockPositions && From.Fed % BlockPositions != 0)
    M1_RETURN_IF_ERROR(Program.copyBlock(From.Blocks[Full], S.Blocks[Full]));
  S.Fed = From.Fed;
  S.LastKept = S.promptTokens() / chunkTokens() * chunkTokens();
  return true;
}

absl::StatusOr<bool> SequenceMemory::startFromOrigin(Sequence &S,
                                                     int64_t Spare) {
  const HostState &Origin = *S.Of->Origin;
  const auto Full = static_cast<int64_t>(Origin.Shared.size());
  if (!canHave(blocksFor(S.size()) - Full + Spare))
    return false;
  takeSlot(S);
  S.Blocks = Origin.Shared;
  for (int32_t Block : S.Blocks)
    Pool.use(Block);
  takeBlocks(S, blocksFor(S.size()) - Full);
  M1_RETURN_IF_ERROR(restore(S, Origin, Full));
  S.LastKept = S.promptTokens() / chunkTokens() * chunkTokens();
  return true;
}

bool SequenceMemory::hasRoomFor(int64_t Bytes) const {
  return SwappedBytes + Bytes <= Options.SwapBytes;
}

absl::Status SequenceMemory::readBlocks(std::span<const int32_t> Blocks,
                                        std::vector<std::byte> &To) {
  const size_t BlockBytes = Program.blockBytes();
  To.resize(Blocks.size() * BlockBytes);
  for (size_t I = 0; I < Blocks.size(); ++I)
    M1_RETURN_IF_ERROR(Program.readBlock(
        Blocks[I], std::span(To).subspan(I * BlockBytes, BlockBytes)));
  return absl::OkStatus();
}

absl::Status SequenceMemory::keepOrigin(const Sequence &From) {
  const int64_t Full = BlockPositions ? From.Fed / BlockPositions : 0;
  const int64_t Open = blocksFor(From.Fed) - Full;
  const auto SlotBytes = static_cast<int64_t>(Program.slotBytes());
  const auto BlockBytes = static_cast<int64_t>(Program.blockBytes());
  if (!hasRoomFor(SlotBytes + Open * BlockBytes))
    return absl::OkStatus();
  auto Kept = std::make_unique<HostState>();
  Kept->Fed = From.Fed;
  M1_RETURN_IF_ERROR(readSlot(From.Slot, Kept->Slot));
  const std::span<const int32_t> Blocks = From.Blocks;
  M1_RETURN_IF_ERROR(readBlocks(Blocks.subspan(Full, Open), Kept->Blocks));
  Kept->Shared.assign(Blocks.begin(), Blocks.begin() + Full);
  for (int32_t Block : Kept->Shared)
    Pool.use(Block);
  SwappedBytes += Kept->bytes();
  From.Of->Origin = std::move(Kept);
  return absl::OkStatus();
}

void SequenceMemory::dropOrigin(Group &Of) {
  if (!Of.Origin)
    return;
  SwappedBytes -= Of.Origin->bytes();
  for (int32_t Block : Of.Origin->Shared)
    Pool.unuse(Block);
  Of.Origin.reset();
}

bool SequenceMemory::grow(Sequence &S) {
  const int64_t New =
      blocksFor(S.size()) - static_cast<int64_t>(S.Blocks.size());
  if (!canHave(New))
    return false;
  takeBlocks(S, New);
  return true;
}

absl::Status SequenceMemory::save(Sequence &S) {
  const int64_t Filled = blocksFor(S.Fed);
  const auto SlotBytes = static_cast<int64_t>(Program.slotBytes());
  const auto BlockBytes = static_cast<int64_t>(Program.blockBytes());
  if (CanCopy && S.Fed > 0 && hasRoomFor(SlotBytes + Filled * BlockBytes)) {
    S.Saved = std::make_unique<HostState>();
    S.Saved->Fed = S.Fed;
    M1_RETURN_IF_ERROR(readSlot(S.Slot, S.Saved->Slot));
    M1_RETURN_IF_ERROR(
        readBlocks(std::span(S.Blocks).first(Filled), S.Saved->Blocks));
    SwappedBytes += S.Saved->bytes();
  }
  return release(S);
}

absl::Status SequenceMemory::release(Sequence &S) {
  if (Options.PoisonFreed)
    M1_RETURN_IF_ERROR(
        writeSlot(S.Slot, std::span(Poison).first(Program.slotBytes())));
  FreeSlots.push_back(S.Slot);
  S.Slot = -1;
  for (int32_t Block : S.Blocks)
    Pool.unuse(Block);
  S.Blocks.clear();
  return Poisoned;
}

void SequenceMemory::forget(Sequence &S) {
  if (S.Saved)
    SwappedBytes -= S.Saved->bytes();
  S.Saved.reset();
}

absl::Status SequenceMemory::keepPrefix(Sequence &S) {
  const int64_t End = S.Fed / chunkTokens() * chunkTokens();
  if (!Cache || !S.request().UsePrefixCache || End == 0)
    return absl::OkStatus();
  S.LastKept = End;
  const std::span<const int64_t> Tokens = std::span(S.Tokens).first(End);
  if (Cache->contains(Tokens))
    return absl::OkStatus();
  SlotBytes Slot;
  M1_RETURN_IF_ERROR(readSlot(S.Slot, Slot));
  Cache->insert(Tokens, std::span(S.Blocks).first(blocksFor(End)),
                std::move(Slot));
  return absl::OkStatus();
}

int64_t SequenceMemory::prefixSpacing(const Sequence &S) const {
  // Those of one prompt take an eighth of the budget at most.
  const int64_t Count = std::max<int64_t>(
      1, Options.PrefixCacheBytes / 8 /
             std::max<int64_t>(1, static_cast<int64_t>(Program.slotBytes())));
  return std::max(4 * chunkTokens(), S.promptTokens() / Count);
}

void SequenceMemory::addStats(EngineStats &Stats) const {
  Stats.Blocks = Pool.count();
  Stats.BlocksCached = Pool.onlyKept();
  Stats.BlocksUsed = Pool.count() - Pool.free() - Pool.onlyKept();
  Stats.PrefixCache = Cache != nullptr;
  if (Cache) {
    Stats.Snapshots = Cache->snapshots();
    Stats.SnapshotBytes = Cache->bytes();
  }
  Stats.SwapBytes = SwappedBytes;
  Stats.CacheLookupTokens = LookupTokens;
  Stats.CacheHitTokens = HitTokens;
}
