//===- SequenceMemory.h - where the states of sequences are -----*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_ENGINE_SEQUENCEMEMORY_H
#define M1C_RUNTIME_ENGINE_SEQUENCEMEMORY_H

#include "runtime/engine/Engine.h"
#include "runtime/engine/Sequence.h"
#include "runtime/session/LanguageModel.h"

namespace m1 {

/// Whether sequences need cache blocks.
inline bool usesBlocks(const Executor &Program, const LanguageModel &Model) {
  return Program.blockBytes() > 0 && Model.blocksPerSequence() > 0;
}

/// The slots and cache blocks of a plan, and what sequences keep in host
/// memory. A sequence that runs has a slot, and blocks for all its tokens
/// (plans without cache blocks: the slot has memory for them). States are
/// copied between the device and the host here and nowhere else.
///
/// Errors are those of the device; a lack of memory is none.
class SequenceMemory {
public:
  SequenceMemory(Executor &Program, const LanguageModel &Model,
                 const EngineOptions &Options);

  /// Whether the states of slots can be copied. Not so if the plan does not say
  /// how its states are divided; there are then no cached prefixes, and
  /// sequences that gave way or share a prompt compute their tokens again.
  bool canCopy() const { return CanCopy; }
  bool hasPrefixCache() const { return Cache != nullptr; }
  bool hasFreeSlot() const { return !FreeSlots.empty(); }
  int64_t chunkTokens() const;

  /// Overwrites everything, for EngineOptions::PoisonFreed.
  absl::Status poisonAll();

  /// Gives a sequence a slot, of which there must be a free one, and blocks for
  /// all its tokens, and restores its state: that which was saved; that at the
  /// end of a cached prefix; otherwise Fed is 0. False, and no change, unless
  /// `Spare` more blocks than it needs could be had.
  absl::StatusOr<bool> start(Sequence &S, int64_t Spare);
  /// The same with the state of `From`, which has the same tokens, or with
  /// that of a group's Origin. Full blocks are shared.
  absl::StatusOr<bool> startAs(const Sequence &From, Sequence &S,
                               int64_t Spare);
  absl::StatusOr<bool> startFromOrigin(Sequence &S, int64_t Spare);
  /// Makes the state of `From` its group's Origin, if there is room for it.
  absl::Status keepOrigin(const Sequence &From);
  void dropOrigin(Group &Of);

  /// Gives a running sequence the blocks for all its tokens; false, and no
  /// change, if there are not enough.
  bool grow(Sequence &S);
  /// Moves the state of a running sequence to host memory, if there is room,
  /// and takes its slot and blocks. Otherwise it will start anew.
  absl::Status save(Sequence &S);
  /// Takes the slot and the blocks of a running sequence.
  absl::Status release(Sequence &S);
  /// Forgets what a sequence has in host memory.
  void forget(Sequence &S);

  /// Keeps the state of a sequence at the last end of a chunk, `S.Fed` rounded
  /// down, for others to go on there, if it is not kept already.
  absl::Status keepPrefix(Sequence &S);
  /// How far apart the states of a prompt are kept while it is computed.
  int64_t prefixSpacing(const Sequence &S) const;

  void addStats(EngineStats &Stats) const;

private:
  // None of these does anything if slots hold no state.
  absl::Status readSlot(int32_t Slot, SlotBytes &To);
  absl::Status writeSlot(int32_t Slot, std::span<const std::byte> From);
  absl::Status copySlot(int32_t From, int32_t To);

  int64_t blocksFor(int64_t Positions) const;
  bool canHave(int64_t Count) const;
  void takeBlocks(Sequence &S, int64_t Count);
  void takeSlot(Sequence &S);
  absl::Status restore(Sequence &S, const HostState &From, size_t FirstBlock);
  absl::Status readBlocks(std::span<const int32_t> Blocks,
                          std::vector<std::byte> &To);
  bool hasRoomFor(int64_t Bytes) const;
  void wish(Sequence &S, int64_t Position) const;

  Executor &Program;
  const EngineOptions &Options;
  const int64_t BlockPositions; ///< 0 without blocks
  /// The bytes of a slot with p tokens serve a sequence that goes on anywhere
  /// from the last multiple of this to p: what lies behind its position is not
  /// read.
  const int64_t ChunkPositions;
  const int64_t SlotCount;
  bool CanCopy = false;
  std::vector<int32_t> FreeSlots;
  // For EngineOptions::PoisonFreed; before the pool, which uses them to its
  // end.
  std::vector<std::byte> Poison;
  absl::Status Poisoned; ///< of the last blocks that became free
  BlockPool Pool;
  std::unique_ptr<PrefixCache> Cache; ///< null if there is none
  int64_t SwappedBytes = 0;
  int64_t LookupTokens = 0, HitTokens = 0;
};

} // namespace m1

#endif // M1C_RUNTIME_ENGINE_SEQUENCEMEMORY_H
