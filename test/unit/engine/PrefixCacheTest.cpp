//===- PrefixCacheTest.cpp - states at the ends of prefixes ---------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/engine/PrefixCache.h"

#include "test/unit/TestSupport.h"

using namespace m1;
using namespace m1::test;

namespace {
constexpr int64_t C = 4, BlocksPerChunk = 2;

class Cache : public testing::Test {
protected:
  Cache() : Pool(20), Prefixes(C, BlocksPerChunk, 3 * (2048 + 8), Pool) {}

  static std::vector<int64_t> tokens(int64_t Count, int64_t Last = 0) {
    std::vector<int64_t> Result(Count);
    for (int64_t I = 0; I < Count; ++I)
      Result[I] = I;
    if (Count > 0)
      Result.back() += Last;
    return Result;
  }
  static SlotBytes slot(int Content) {
    return SlotBytes(8, std::byte(Content));
  }

  /// Inserts a snapshot as a sequence would that then ends; its blocks.
  std::vector<int32_t> insert(const std::vector<int64_t> &Tokens, int Content) {
    std::vector<int32_t> Blocks;
    for (size_t I = 0; I < Tokens.size() / C * BlocksPerChunk; ++I)
      Blocks.push_back(Pool.take());
    Prefixes.insert(Tokens, Blocks, slot(Content));
    for (int32_t Block : Blocks)
      Pool.unuse(Block);
    return Blocks;
  }

  BlockPool Pool;
  PrefixCache Prefixes;
};

TEST_F(Cache, FindsTheLongestPrefixWithASnapshot) {
  EXPECT_EQ(Prefixes.find(tokens(12), 12).Position, 0);
  const std::vector<int32_t> Blocks = insert(tokens(8), 1);
  PrefixCache::Hit Hit = Prefixes.find(tokens(12), 12);
  EXPECT_EQ(Hit.Position, 8);
  EXPECT_EQ(Hit.Blocks, Blocks);
  EXPECT_EQ(*Hit.Slot, slot(1));
  EXPECT_EQ(Hit.Wanted, 0);
  // At most so many tokens: the snapshot after the first chunk is wanted.
  Hit = Prefixes.find(tokens(12), 7);
  EXPECT_EQ(Hit.Position, 0);
  EXPECT_EQ(Hit.Slot, nullptr);
  EXPECT_EQ(Hit.Wanted, 4);
  // Another token in the second chunk, and in the first.
  EXPECT_EQ(Prefixes.find(tokens(8, 1), 8).Wanted, 4);
  EXPECT_EQ(Prefixes.find(tokens(4, 1), 4).Wanted, 0);
  EXPECT_TRUE(Prefixes.contains(tokens(8)));
  EXPECT_FALSE(Prefixes.contains(tokens(4)));
  EXPECT_FALSE(Prefixes.contains(tokens(8, 1)));
}

TEST_F(Cache, SharesNodesAndBlocks) {
  insert(tokens(4), 1);
  insert(tokens(8), 2); // the first chunk keeps its blocks
  insert(tokens(8, 3), 3);
  EXPECT_EQ(Pool.onlyKept(), 3 * BlocksPerChunk);
  EXPECT_EQ(Pool.free(), 20 - 3 * BlocksPerChunk);
  EXPECT_EQ(*Prefixes.find(tokens(8), 8).Slot, slot(2));
  EXPECT_EQ(*Prefixes.find(tokens(8, 3), 8).Slot, slot(3));
  EXPECT_EQ(*Prefixes.find(tokens(8, 5), 8).Slot, slot(1));
}

TEST_F(Cache, DropsTheLeastRecentlyUsed) {
  insert(tokens(4), 1);
  insert(tokens(8), 2);
  insert(tokens(4, 7), 3);
  EXPECT_EQ(Prefixes.snapshots(), 3);
  EXPECT_EQ(Prefixes.find(tokens(5), 5).Position, 4); // used
  insert(tokens(4, 9), 4);
  EXPECT_EQ(Prefixes.snapshots(), 3);
  EXPECT_LE(Prefixes.bytes(), 3 * (2048 + 8));
  EXPECT_FALSE(Prefixes.contains(tokens(8)));
  EXPECT_TRUE(Prefixes.contains(tokens(4)));
  EXPECT_EQ(Pool.onlyKept(), 3 * BlocksPerChunk);
  while (Prefixes.dropOldest())
    ;
  EXPECT_EQ(Pool.free(), 20);
  EXPECT_EQ(Prefixes.bytes(), 0);
}

TEST_F(Cache, ANodeLivesAsLongAsItsDescendants) {
  insert(tokens(4), 1);
  insert(tokens(12), 2);
  EXPECT_TRUE(Prefixes.dropOldest());
  EXPECT_EQ(Pool.onlyKept(), 3 * BlocksPerChunk);
  EXPECT_EQ(Prefixes.find(tokens(12), 12).Position, 12);
  EXPECT_TRUE(Prefixes.dropOldest());
  EXPECT_EQ(Pool.free(), 20);
}

TEST_F(Cache, BlocksInUseOutliveTheirNode) {
  insert(tokens(4), 1);
  const std::vector<int32_t> Blocks = Prefixes.find(tokens(4), 4).Blocks;
  for (int32_t Block : Blocks)
    Pool.use(Block);
  EXPECT_EQ(Pool.onlyKept(), 0);
  Prefixes.dropOldest();
  EXPECT_EQ(Pool.free(), 18);
  for (int32_t Block : Blocks)
    Pool.unuse(Block);
  EXPECT_EQ(Pool.free(), 20);
}

TEST(BlockPool, ReportsBlocksThatBecomeFree) {
  std::vector<int32_t> Freed;
  BlockPool Pool(3, [&](int32_t Block) { Freed.push_back(Block); });
  EXPECT_EQ(Pool.take(), 0);
  EXPECT_EQ(Pool.take(), 1);
  Pool.use(0);
  Pool.unuse(0);
  EXPECT_TRUE(Freed.empty());
  Pool.keep(0);
  Pool.keep(0);
  Pool.unuse(0);
  Pool.unkeep(0);
  EXPECT_EQ(Pool.onlyKept(), 1);
  Pool.unkeep(0);
  Pool.unuse(1);
  EXPECT_EQ(Freed, (std::vector<int32_t>{0, 1}));
  EXPECT_EQ(Pool.free(), 3);
}
} // namespace
