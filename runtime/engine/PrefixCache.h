//===- PrefixCache.h - states at the ends of prefixes -----------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_ENGINE_PREFIXCACHE_H
#define M1C_RUNTIME_ENGINE_PREFIXCACHE_H

#include "runtime/engine/BlockPool.h"

#include <cstddef>
#include <list>
#include <memory>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace m1 {

/// The bytes of a slot.
using SlotBytes = std::vector<std::byte>;

/// Prefixes of earlier sequences, from which others can go on.
///
/// Prefixes are cut into chunks of C tokens, the unit of lightning attention's
/// state, and form a tree: a node is a chunk after those of its ancestors. It
/// keeps the blocks with the chunk's keys and values, and may have a snapshot:
/// the bytes of a slot whose state is that at the chunk's end. A sequence can
/// go on after a node with a snapshot. Children are found by the hash of their
/// tokens, which are then compared.
///
/// The least recently used snapshots are dropped beyond the budget. A node
/// without a snapshot lives as long as one of its descendants.
class PrefixCache {
public:
  /// A chunk has `ChunkTokens` positions, in `BlocksPerChunk` blocks of `Pool`
  /// (0: the snapshots contain keys and values). Snapshots take at most
  /// `Budget` bytes.
  PrefixCache(int64_t ChunkTokens, int64_t BlocksPerChunk, int64_t Budget,
              BlockPool &Pool);
  ~PrefixCache();
  PrefixCache(const PrefixCache &) = delete;
  PrefixCache &operator=(const PrefixCache &) = delete;

  struct Hit {
    int64_t Position = 0;        ///< 0: none
    std::vector<int32_t> Blocks; ///< of the positions before
    std::shared_ptr<const SlotBytes> Slot;
    /// The end of the longest prefix that another sequence had in common,
    /// if it has no snapshot: one there would have been of use. 0: none.
    int64_t Wanted = 0;
  };
  /// The longest prefix with a snapshot, of at most `Most` tokens. The blocks
  /// are valid until the cache is next changed, unless they are used.
  Hit find(std::span<const int64_t> Tokens, int64_t Most);

  /// Whether there is a snapshot at the end of these tokens, whose number is a
  /// multiple of C. It then counts as used.
  bool contains(std::span<const int64_t> Tokens);
  /// Whether a snapshot of so many bytes fits the budget.
  bool fits(int64_t Bytes) const { return cost(Bytes) <= Budget; }
  /// Adds a snapshot at the end of these tokens, where there is none and which
  /// fits. `Blocks` are those of the sequence, which uses them.
  void insert(std::span<const int64_t> Tokens, std::span<const int32_t> Blocks,
              SlotBytes Slot);
  /// Drops the least recently used snapshot, with the blocks that no other
  /// needs; false if there is none.
  bool dropOldest();

  int64_t snapshots() const { return static_cast<int64_t>(Order.size()); }
  int64_t bytes() const { return Bytes; }
  int64_t chunkTokens() const { return ChunkTokens; }

private:
  struct Node;
  struct ChunkHash {
    size_t operator()(const std::vector<int64_t> &Tokens) const {
      return std::hash<std::string_view>()(
          {reinterpret_cast<const char *>(Tokens.data()),
           Tokens.size() * sizeof(int64_t)});
    }
  };
  using Children = std::unordered_map<std::vector<int64_t>,
                                      std::unique_ptr<Node>, ChunkHash>;
  struct Node {
    Node *Parent = nullptr;
    const std::vector<int64_t> *Tokens = nullptr; ///< its key in the parent
    Children Next;
    std::vector<int32_t> Blocks;
    std::shared_ptr<const SlotBytes> Slot; ///< null without a snapshot
    std::list<Node *>::iterator Place;     ///< in `Order`, with a snapshot
  };

  /// What a snapshot counts for, its node and tokens included.
  static int64_t cost(int64_t SlotBytes) { return SlotBytes + 2048; }
  Node *child(Node &Parent, std::span<const int64_t> Tokens);
  void touch(Node &Used);
  void prune(Node *Last);

  const int64_t ChunkTokens, BlocksPerChunk, Budget;
  BlockPool &Pool;
  Node Root;
  std::list<Node *> Order; ///< nodes with snapshots, least recently used first
  int64_t Bytes = 0;
  std::vector<int64_t> Key; ///< scratch memory
};

} // namespace m1

#endif // M1C_RUNTIME_ENGINE_PREFIXCACHE_H
