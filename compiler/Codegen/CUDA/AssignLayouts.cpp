//===- AssignLayouts.cpp - which blocks lie in registers ------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Codegen/CUDA/RegisterLayout.h"
#include "compiler/Codegen/Passes.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace m1 {
#define GEN_PASS_DEF_TILEASSIGNLAYOUTS
#include "compiler/Codegen/Passes.h.inc"
} // namespace m1

using namespace mlir;
using namespace m1;
using namespace m1::codegen;

/// Threads that compute a cell, unless the kernel says otherwise.
static constexpr int64_t kDefaultThreads = 128;

namespace {

class Layouts {
public:
  explicit Layouts(int64_t Warps) : Known(Warps) {}

  /// That of a result or of what a loop carries; null for shared memory.
  const RegisterLayout *choose(Value Block) {
    if (auto Carried = dyn_cast<BlockArgument>(Block))
      if (waitsForLoop(Carried))
        return nullptr;
    return spreadOf(Block);
  }

private:
  bool isRowValue(Value Block);
  const RegisterLayout *spreadOf(Value Block);
  /// True for what a loop carries around another loop whose own blocks would
  /// leave it too few registers.
  bool waitsForLoop(BlockArgument Carried);

  RegisterLayouts Known;
  DenseMap<Value, bool> RowValues;
};

struct TileAssignLayouts : m1::impl::TileAssignLayoutsBase<TileAssignLayouts> {
  using TileAssignLayoutsBase::TileAssignLayoutsBase;

  void runOnOperation() override {
    tile::KernelOp Kernel = getOperation();
    if (!Kernel.getThreads())
      Kernel->setAttr(tile::KernelOp::kThreadsAttr,
                      Builder(Kernel).getI32IntegerAttr(kDefaultThreads));
    Layouts Chosen(Kernel.getThreads() / kLanes);
    getOperation().getBody().walk([&](Operation *Op) {
      // Constants are evaluated wherever they are needed.
      if (Op->hasTrait<OpTrait::ConstantLike>())
        return;
      auto Loop = dyn_cast<scf::ForOp>(Op);
      Builder B(Op);
      SmallVector<Attribute> Of;
      for (OpResult Result : Op->getResults()) {
        Value Block = Result;
        if (Loop)
          Block = Loop.getRegionIterArg(Result.getResultNumber());
        const RegisterLayout *S =
            isa<VectorType>(Block.getType()) ? Chosen.choose(Block) : nullptr;
        Of.push_back(S ? Attribute(tile::LayoutAttr::get(
                             Op->getContext(), S->WarpsDown, S->WarpsAcross))
                       : B.getUnitAttr());
      }
      if (llvm::any_of(Of,
                       [](Attribute A) { return isa<tile::LayoutAttr>(A); }))
        Op->setAttr(kLayoutsAttr, B.getArrayAttr(Of));
    });
  }
};

} // namespace

/// A rank-1 block that only meets rows of spread blocks: every use repeats it
/// along rows, combines it with its like, carries it or stores it.
bool Layouts::isRowValue(Value Block) {
  auto [It, IsNew] = RowValues.try_emplace(Block, true); // true for cycles
  if (!IsNew)
    return It->second;
  auto OfUse = [&](OpOperand &Use) {
    Operation *Op = Use.getOwner();
    if (auto Broadcast = dyn_cast<tile::BroadcastOp>(Op))
      return Broadcast.getAxis() == 1 && spreadOf(Broadcast.getResult()) &&
             spreadOf(Broadcast.getResult())->OfRows;
    if (isa<tile::StoreOp>(Op))
      return true;
    if (auto Reduction = dyn_cast<vector::MultiDimReductionOp>(Op))
      return Use.get() == Reduction.getAcc() &&
             isRowValue(Reduction.getResult());
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
  };
  bool Result = true;
  if (auto Reduction = Block.getDefiningOp<vector::MultiDimReductionOp>()) {
    const RegisterLayout *Source = spreadOf(Reduction.getSource());
    Result = Source && Source->OfRows;
  }
  for (OpOperand &Use : Block.getUses())
    Result = Result && OfUse(Use);
  return RowValues[Block] = Result;
}

const RegisterLayout *Layouts::spreadOf(Value Block) {
  auto Type = cast<VectorType>(Block.getType());
  if (Type.getRank() == 1 && !isRowValue(Block))
    return nullptr;
  return Known.of(Type.getShape());
}

bool Layouts::waitsForLoop(BlockArgument Carried) {
  /// What leaves room for operands among a thread's 255 registers.
  constexpr int64_t kMostCarriedSlots = 192;
  auto Loop = cast<scf::ForOp>(Carried.getOwner()->getParentOp());
  int64_t Inner = 0;
  for (auto Nested : Loop.getBody()->getOps<scf::ForOp>())
    for (BlockArgument Argument : Nested.getRegionIterArgs())
      if (auto Type = dyn_cast<VectorType>(Argument.getType()))
        if (const RegisterLayout *S = Known.of(Type.getShape()))
          Inner += S->slots();
  const RegisterLayout *Own = spreadOf(Carried);
  return Inner && Own && Own->slots() + Inner > kMostCarriedSlots;
}
