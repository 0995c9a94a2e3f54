//===- AssignLayouts.cpp - which blocks are in registers ------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Codegen/CUDA/RegisterLayouts.h"
#include "compiler/Codegen/Passes.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

namespace m1 {
#define GEN_PASS_DEF_TILEASSIGNLAYOUTS
#include "compiler/Codegen/Passes.h.inc"
} // namespace m1

using namespace mlir;
using namespace m1;
using namespace m1::codegen;

/// Threads that compute a grid cell, unless the kernel says otherwise.
static constexpr int64_t kDefaultThreads = 128;

namespace {

class LayoutChoice {
public:
  LayoutChoice(tile::KernelOp Kernel, tile::TargetAttr Target)
      : Known(Kernel),
        MaxCarriedSlots(llvm::divideCeil(3 * Target.getRegisters(), 4)) {}

  /// The layout of a result or of a block that a loop carries; null for shared
  /// memory.
  const RegisterLayout *choose(Value Block) {
    if (auto Carried = dyn_cast<BlockArgument>(Block))
      if (leavesTooFewRegisters(Carried))
        return nullptr;
    return layoutOf(Block);
  }

private:
  /// The layout of the block's shape, if its uses allow it.
  const RegisterLayout *layoutOf(Value Block);
  /// True for a block of rank 1 that is only used with rows of blocks in
  /// registers: every use broadcasts it along rows, combines it with other such
  /// blocks, carries it or stores it.
  bool isRowValue(Value Block);
  bool isRowValueUse(OpOperand &Use);
  /// True if a block has a layout in which a value for each row has one, too.
  bool hasRowLayout(Value Block);
  /// True for a block that a loop carries around another loop if it would leave
  /// too few registers for the inner loop's blocks.
  bool leavesTooFewRegisters(BlockArgument Carried);

  RegisterLayouts Known;
  /// The most slots of blocks that nested loops carry together; leaves
  /// registers for operands.
  int64_t MaxCarriedSlots;
  DenseMap<Value, bool> RowValues;
};

struct TileAssignLayouts : m1::impl::TileAssignLayoutsBase<TileAssignLayouts> {
  using TileAssignLayoutsBase::TileAssignLayoutsBase;

  void runOnOperation() override {
    tile::KernelOp Kernel = getOperation();
    auto Target = tile::requireTarget(Kernel, tile::TargetKind::Gpu);
    if (failed(Target))
      return signalPassFailure();
    Builder B(&getContext());
    if (!Kernel.getThreads())
      Kernel->setAttr(tile::KernelOp::kThreadsAttr,
                      B.getI32IntegerAttr(kDefaultThreads));
    LayoutChoice Choice(Kernel, *Target);
    Kernel.getBody().walk([&](Operation *Op) {
      // Constants are evaluated where they are needed.
      if (Op->hasTrait<OpTrait::ConstantLike>())
        return;
      auto Loop = dyn_cast<scf::ForOp>(Op);
      SmallVector<Attribute> Entries;
      bool HasLayout = false;
      for (OpResult Result : Op->getResults()) {
        Value Block = Result;
        if (Loop)
          Block = Loop.getRegionIterArg(Result.getResultNumber());
        const RegisterLayout *L =
            isa<VectorType>(Block.getType()) ? Choice.choose(Block) : nullptr;
        HasLayout |= L != nullptr;
        Entries.push_back(L ? Attribute(tile::LayoutAttr::get(
                                  &getContext(), L->WarpsDown, L->WarpsAcross))
                            : B.getUnitAttr());
      }
      if (HasLayout)
        Op->setAttr(kLayoutsAttr, B.getArrayAttr(Entries));
    });
  }
};

} // namespace

bool LayoutChoice::hasRowLayout(Value Block) {
  const RegisterLayout *L = layoutOf(Block);
  return L && L->OfRows;
}

bool LayoutChoice::isRowValueUse(OpOperand &Use) {
  Operation *Op = Use.getOwner();
  if (auto Broadcast = dyn_cast<tile::BroadcastOp>(Op))
    return Broadcast.getAxis() == 1 && hasRowLayout(Broadcast.getResult());
  if (isa<tile::StoreOp>(Op))
    return true;
  if (auto Reduction = dyn_cast<vector::MultiDimReductionOp>(Op))
    return Use.get() == Reduction.getAcc() && isRowValue(Reduction.getResult());
  if (auto Loop = dyn_cast<scf::ForOp>(Op))
    return isRowValue(Loop.getTiedLoopRegionIterArg(&Use)) &&
           isRowValue(Loop.getTiedLoopResult(&Use));
  if (auto Yield = dyn_cast<scf::YieldOp>(Op)) {
    Operation *Parent = Yield->getParentOp();
    if (!isRowValue(Parent->getResult(Use.getOperandNumber())))
      return false;
    auto Loop = dyn_cast<scf::ForOp>(Parent);
    return !Loop || isRowValue(Loop.getRegionIterArg(Use.getOperandNumber()));
  }
  return OpTrait::hasElementwiseMappableTraits(Op) &&
         isRowValue(Op->getResult(0));
}

bool LayoutChoice::isRowValue(Value Block) {
  auto [It, IsNew] = RowValues.try_emplace(Block, true); // assumed in cycles
  if (!IsNew)
    return It->second;
  auto Reduction = Block.getDefiningOp<vector::MultiDimReductionOp>();
  const bool Result = (!Reduction || hasRowLayout(Reduction.getSource())) &&
                      llvm::all_of(Block.getUses(), [&](OpOperand &Use) {
                        return isRowValueUse(Use);
                      });
  return RowValues[Block] = Result;
}

const RegisterLayout *LayoutChoice::layoutOf(Value Block) {
  auto Type = cast<VectorType>(Block.getType());
  if (Type.getRank() == 1 && !isRowValue(Block))
    return nullptr;
  return Known.of(Type.getShape());
}

bool LayoutChoice::leavesTooFewRegisters(BlockArgument Carried) {
  auto Loop = cast<scf::ForOp>(Carried.getOwner()->getParentOp());
  int64_t Inner = 0;
  for (auto Nested : Loop.getBody()->getOps<scf::ForOp>())
    for (BlockArgument Argument : Nested.getRegionIterArgs())
      if (auto Type = dyn_cast<VectorType>(Argument.getType()))
        if (const RegisterLayout *L = Known.of(Type.getShape()))
          Inner += L->slots();
  const RegisterLayout *Own = layoutOf(Carried);
  return Inner && Own && Own->slots() + Inner > MaxCarriedSlots;
}
