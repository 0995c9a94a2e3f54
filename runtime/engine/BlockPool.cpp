//===- BlockPool.cpp - blocks of keys and values --------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/engine/BlockPool.h"

#include <cassert>

using namespace m1;

BlockPool::BlockPool(int64_t Count, std::function<void(int32_t)> Freed)
    : Uses(Count), Kept(Count), Freed(std::move(Freed)) {
  // The lowest is taken first.
  for (int64_t Block = Count; Block-- > 0;)
    FreeBlocks.push_back(static_cast<int32_t>(Block));
}

int32_t BlockPool::take() {
  const int32_t Block = FreeBlocks.back();
  FreeBlocks.pop_back();
  Uses[Block] = 1;
  return Block;
}

void BlockPool::use(int32_t Block) {
  assert((Uses[Block] > 0 || Kept[Block] > 0) && "a free block");
  if (Uses[Block]++ == 0)
    --OnlyKept;
}

void BlockPool::unuse(int32_t Block) {
  assert(Uses[Block] > 0 && "a block without uses");
  if (--Uses[Block] == 0 && Kept[Block] > 0)
    ++OnlyKept;
  freeIfUnheld(Block);
}

void BlockPool::keep(int32_t Block) {
  assert(Uses[Block] > 0 && "a block that no sequence uses");
  ++Kept[Block];
}

void BlockPool::unkeep(int32_t Block) {
  assert(Kept[Block] > 0 && "a block that is not kept");
  if (--Kept[Block] > 0)
    return;
  if (Uses[Block] == 0)
    --OnlyKept;
  freeIfUnheld(Block);
}

void BlockPool::freeIfUnheld(int32_t Block) {
  if (Uses[Block] > 0 || Kept[Block] > 0)
    return;
  FreeBlocks.push_back(Block);
  if (Freed)
    Freed(Block);
}
