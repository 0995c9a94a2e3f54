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
// before them, if they have the same parent, is in level b. If the number of
// leaves is no power of two, the levels hold the trees over the powers of two
// of which it consists, after all leaves; the tree joins them from the smallest
// on.
//
//===----------------------------------------------------------------------===//

#include "compiler/Codegen/CUDA/LeafSums.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace m1;
using namespace m1::codegen;

/// Levels that are kept in registers. The others are used so seldom that shared
/// memory costs no time, and would leave too few registers.
static constexpr int64_t kLevelsInRegisters = 2;

LeafSums::LeafSums(LoweringContext &Context, ThreadBlock &Threads,
                   ThreadLoops &Loops, tile::DotOp Dot, const Access &C)
    : B(Context.B), Eval(Context.Eval), Thread(Threads.thread()), C(C),
      Leaves(Dot.getLeaves()),
      Terms(Dot.getA().getType().getDimSize(1) / Leaves) {
  for (int64_t Level = 0; int64_t(1) << Level < Leaves; ++Level)
    Levels.push_back(
        Level < kLevelsInRegisters
            ? Loops.allocateFor(Dot.getResult(), Dot.getResult().getType())
            : Context.Scratch.allocate(VectorType::get(
                  {slots(), Context.Kernel.getThreads()}, C.Element)));
}

Value LeafSums::load(const Access &From, int64_t Slot) {
  return From.Layout ? loadSlots(B, From, Slot)
                     : Eval.load(From, {B.index(Slot), Thread});
}

void LeafSums::store(Value V, const Access &To, int64_t Slot) {
  if (To.Layout)
    storeSlots(B, V, To, Slot);
  else
    Eval.store(V, To, {B.index(Slot), Thread});
}

void LeafSums::copy(const Access &From, const Access &To) {
  for (int64_t Slot = 0; Slot < slots(); ++Slot)
    store(load(From, Slot), To, Slot);
}

void LeafSums::add(const Access &Other) {
  for (int64_t Slot = 0; Slot < slots(); ++Slot)
    store(B.create<arith::AddFOp>(load(Other, Slot), load(C, Slot)), C, Slot);
}

void LeafSums::begin() {
  Value Zero = B.create<arith::ConstantOp>(B.getZeroAttr(C.Element));
  for (int64_t Slot = 0; Slot < slots(); ++Slot)
    storeSlots(B, Zero, C, Slot);
}

void LeafSums::join(Value Leaf, int64_t Level) {
  if (Level == static_cast<int64_t>(Levels.size()))
    return; // the total of a power of two of leaves
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
  if (llvm::isPowerOf2_64(Leaves))
    return;
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
