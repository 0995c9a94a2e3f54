//===- LeafSums.cpp - joining the leaves of a product ---------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The tree of dialects/Support/SumTree.h, whose left part has a power of two of
// the leaves: when the last leaf of 2^b has been added, the sum of the 2^b
// before them, if they have the same parent, is in level b. After all leaves,
// the levels hold the trees over the powers of two of which their number
// consists, the largest first; the tree joins them from the last one on.
//
//===----------------------------------------------------------------------===//

#include "compiler/Codegen/CUDA/LeafSums.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace m1;
using namespace m1::codegen;

LeafSums::LeafSums(LoweringContext &Context, ThreadLoops &Loops,
                   tile::DotOp Dot, const Access &C)
    : B(Context.B), C(C), Leaves(Dot.getLeaves()),
      Terms(Dot.getA().getType().getDimSize(1) / Leaves) {
  for (int64_t Level = 0; Level <= llvm::Log2_64(Leaves); ++Level)
    Levels.push_back(
        Loops.allocateFor(Dot.getResult(), Dot.getResult().getType()));
}

void LeafSums::copy(const Access &From, const Access &To) {
  for (int64_t Slot = 0; Slot < slots(); ++Slot)
    storeSlots(B, loadSlots(B, From, Slot), To, Slot);
}

void LeafSums::add(const Access &Other) {
  for (int64_t Slot = 0; Slot < slots(); ++Slot)
    storeSlots(B,
               B.create<arith::AddFOp>(loadSlots(B, Other, Slot),
                                       loadSlots(B, C, Slot)),
               C, Slot);
}

void LeafSums::begin() {
  Value Zero = B.create<arith::ConstantOp>(B.getZeroAttr(C.Element));
  for (int64_t Slot = 0; Slot < slots(); ++Slot)
    storeSlots(B, Zero, C, Slot);
}

void LeafSums::join(Value Leaf, int64_t Level) {
  if (Level == static_cast<int64_t>(Levels.size()) - 1)
    return copy(C, Levels[Level]);
  Value IsSecond = B.equal(B.modulo(B.over(Leaf, int64_t(1) << Level), 2), 1);
  auto If = B.create<scf::IfOp>(IsSecond, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard Guard(B);
  B.setInsertionPoint(If.thenBlock()->getTerminator());
  add(Levels[Level]);
  join(Leaf, Level + 1);
  B.setInsertionPoint(If.elseBlock()->getTerminator());
  copy(C, Levels[Level]);
}

void LeafSums::end(Value Leaf) { join(Leaf, 0); }

void LeafSums::finish() {
  bool IsFirst = true;
  for (auto [Level, Sums] : llvm::enumerate(Levels)) {
    if (!(Leaves >> Level & 1))
      continue;
    if (IsFirst)
      copy(Sums, C);
    else
      add(Sums);
    IsFirst = false;
  }
}
