//===- Demand.cpp - which part of a block is used -------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Codegen/Blocks/Demand.h"

#include "dialects/Tile/IR/Tile.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace m1;
using namespace m1::codegen;

Demand::Demand(tile::KernelOp Kernel) {
  SmallVector<std::pair<Value, unsigned>> Blocks;
  auto Add = [&](Value V) {
    if (auto Type = dyn_cast<VectorType>(V.getType()))
      for (int64_t Axis = 0; Axis < Type.getRank(); ++Axis)
        Blocks.push_back({V, static_cast<unsigned>(Axis)});
  };
  Kernel->walk([&](Operation *Op) {
    llvm::for_each(Op->getResults(), Add);
    for (Region &R : Op->getRegions())
      for (Block &B : R)
        llvm::for_each(B.getArguments(), Add);
  });
  // Demand flows from users to definitions, so without loops one backward pass
  // reaches the fixed point.
  for (bool Changed = true; Changed;) {
    Changed = false;
    for (auto [Block, Axis] : llvm::reverse(Blocks)) {
      Part New = compute(Block, Axis);
      Part &Old = Parts[{Block, Axis}];
      Changed |= !(New == Old);
      Old = New;
    }
  }
}

Demand::Part Demand::join(Part A, Part B) {
  if (!A.Known)
    return B;
  if (!B.Known || A.Limit == B.Limit)
    return A;
  return {true, Value()};
}

Demand::Part Demand::compute(Value Block, unsigned Axis) const {
  Part Result;
  for (OpOperand &Use : Block.getUses())
    Result = join(Result, ofUse(Use, Axis));
  // A carried block is also used through the loop's result.
  if (auto Argument = dyn_cast<BlockArgument>(Block))
    if (auto Loop = dyn_cast<scf::ForOp>(Argument.getOwner()->getParentOp()))
      Result = join(Result, get(Loop.getTiedLoopResult(Argument), Axis));
  return Result;
}

Demand::Part Demand::ofUse(OpOperand &Use, unsigned Axis) const {
  const Part All = {true, Value()};
  Operation *Op = Use.getOwner();
  auto LimitOr = [&](Value Rows, Value Cols) {
    Value Limit = Axis == 0 ? Rows : Cols;
    return Part{true, Limit};
  };
  if (auto Store = dyn_cast<tile::StoreOp>(Op))
    return LimitOr(Store.getRows(), Store.getCols());
  if (auto Scatter = dyn_cast<tile::ScatterOp>(Op)) {
    if (Use.get() == Scatter.getRowIndex())
      return {true, Scatter.getRows()};
    return LimitOr(Scatter.getRows(), Scatter.getCols());
  }
  if (auto Gather = dyn_cast<tile::GatherOp>(Op)) // the use as row indices
    return Gather.getRows() ? Part{true, Gather.getRows()}
                            : get(Gather.getResult(), 0);
  if (auto Dot = dyn_cast<tile::DotOp>(Op)) {
    // All of the accumulator, the rows of a and the columns of b.
    const bool InResult = &Use == &Dot.getAccMutable() ||
                          (&Use == &Dot.getAMutable() && Axis == 0) ||
                          (&Use == &Dot.getBMutable() && Axis == 1);
    return InResult ? get(Dot.getResult(), Axis) : All;
  }
  if (auto Broadcast = dyn_cast<tile::BroadcastOp>(Op))
    return get(Broadcast.getResult(), 1 - Broadcast.getAxis());
  if (auto Transpose = dyn_cast<vector::TransposeOp>(Op))
    return get(Transpose.getResult(), 1 - Axis);
  if (auto Reduction = dyn_cast<vector::MultiDimReductionOp>(Op)) {
    if (Use.get() != Reduction.getSource())
      return get(Reduction.getResult(), Axis); // the accumulator
    if (Reduction.isReducedDim(Axis) ||
        !isa<VectorType>(Reduction.getResult().getType()))
      return All;
    return get(Reduction.getResult(), 0);
  }
  if (auto Yield = dyn_cast<scf::YieldOp>(Op)) {
    Operation *Parent = Yield->getParentOp();
    Part Result = get(Parent->getResult(Use.getOperandNumber()), Axis);
    if (auto Loop = dyn_cast<scf::ForOp>(Parent))
      Result = join(Result,
                    get(Loop.getRegionIterArg(Use.getOperandNumber()), Axis));
    return Result;
  }
  if (auto Loop = dyn_cast<scf::ForOp>(Op))
    return get(Loop.getTiedLoopRegionIterArg(&Use), Axis);
  if (OpTrait::hasElementwiseMappableTraits(Op))
    return get(Op->getResult(0), Axis);
  return All;
}
