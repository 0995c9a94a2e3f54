//===- SumTree.h - sums whose parts may be on different ranks ---*- C++ -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A product whose inner axis can be sharded sums it in leaves, chains over
// equal parts of the axis, and joins the leaves by a tree. Ranks have whole
// leaves, so the sum has the same bits on any number of them.
//
//===----------------------------------------------------------------------===//

#ifndef M1C_DIALECTS_SUPPORT_SUMTREE_H
#define M1C_DIALECTS_SUPPORT_SUMTREE_H

#include <cstdint>

namespace m1 {

/// The most leaves of a product, and the number of terms that divides each.
inline constexpr int64_t kMostLeaves = 16;
inline constexpr int64_t kLeafUnit = 32;

/// The number of leaves of a product whose inner axis has `K` terms and can be
/// sharded: the largest power of two up to kMostLeaves with whole units of
/// terms in each leaf, or, if that is below 8, the largest such number.
inline int64_t leavesFor(int64_t K) {
  if (K % kLeafUnit != 0)
    return 1;
  const int64_t Units = K / kLeafUnit;
  for (int64_t Leaves = kMostLeaves; Leaves >= 8; Leaves /= 2)
    if (Units % Leaves == 0)
      return Leaves;
  int64_t Leaves = kMostLeaves;
  while (Units % Leaves != 0)
    --Leaves;
  return Leaves;
}

/// The numbers that the left half of the tree over `Count` numbers has: the
/// largest power of two below `Count`, which is at least 2.
inline int64_t leftOfTree(int64_t Count) {
  int64_t Left = 1;
  while (2 * Left < Count)
    Left *= 2;
  return Left;
}

/// The tree over the numbers At(First), ..., At(First + Count - 1): neighbours
/// 2i and 2i + 1 are added, level by level, and an odd last one moves up
/// unchanged. In other words, the sum of the tree over the first leftOfTree()
/// numbers and that over the others. `At` is called in ascending order.
template <typename Leaf, typename Add>
auto sumTree(int64_t Count, Leaf &&At, Add &&Plus, int64_t First = 0)
    -> decltype(At(First)) {
  if (Count == 1)
    return At(First);
  const int64_t Left = leftOfTree(Count);
  auto A = sumTree(Left, At, Plus, First);
  auto B = sumTree(Count - Left, At, Plus, First + Left);
  return Plus(A, B);
}

} // namespace m1

#endif // M1C_DIALECTS_SUPPORT_SUMTREE_H
