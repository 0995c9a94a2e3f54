//===- BlockPool.h - blocks of keys and values ------------------*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1C_RUNTIME_ENGINE_BLOCKPOOL_H
#define M1C_RUNTIME_ENGINE_BLOCKPOOL_H

#include <cstdint>
#include <functional>
#include <vector>

namespace m1 {

/// Who holds the plan's cache blocks. A block is used by any number of
/// sequences that share it, and kept by any number of nodes of the prefix
/// cache; it is free if it is neither. Only counts: the contents are the
/// executor's.
class BlockPool {
public:
  /// `Freed` is called with each block that becomes free.
  explicit BlockPool(int64_t Count,
                     std::function<void(int32_t)> Freed = nullptr);

  int64_t count() const { return static_cast<int64_t>(Uses.size()); }
  int64_t free() const { return static_cast<int64_t>(FreeBlocks.size()); }
  /// Blocks that only the cache keeps, and that would be free without it.
  int64_t onlyKept() const { return OnlyKept; }

  /// A free block, with one use. There must be one.
  int32_t take();
  void use(int32_t Block);   ///< one more use of a block that is not free
  void unuse(int32_t Block); ///< one use less
  void keep(int32_t Block);  ///< by the cache, once more; it is used
  void unkeep(int32_t Block);

private:
  void freeIfUnheld(int32_t Block);

  std::vector<int32_t> Uses, Kept;
  std::vector<int32_t> FreeBlocks;
  int64_t OnlyKept = 0;
  std::function<void(int32_t)> Freed;
};

} // namespace m1

#endif // M1C_RUNTIME_ENGINE_BLOCKPOOL_H
