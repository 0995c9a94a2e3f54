//===- RegisterLayouts.cpp - register layouts of a kernel's blocks --------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Codegen/CUDA/RegisterLayouts.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/BuiltinAttributes.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace m1;
using namespace m1::codegen;

RegisterLayouts::RegisterLayouts(tile::KernelOp Kernel)
    : Warps(Kernel.getThreads() / kLanes),
      // The other half is for operands and addresses.
      MaxSlots(llvm::divideCeil(tile::targetOf(Kernel).getRegisters(), 2)) {}

const RegisterLayout *RegisterLayouts::made(ArrayRef<int64_t> Shape,
                                            int64_t WarpsDown,
                                            int64_t WarpsAcross) {
  const int64_t Rows = Shape[0], Cols = Shape.size() == 2 ? Shape[1] : 0;
  auto [It, IsNew] = Known.try_emplace({Rows, Cols, WarpsDown, WarpsAcross});
  RegisterLayout &Result = It->second;
  if (IsNew) {
    Result.WarpsDown = WarpsDown;
    Result.WarpsAcross = WarpsAcross;
    Result.Rows = Rows;
    Result.Cols = Cols;
    if (Cols && WarpsAcross == 1)
      Result.OfRows = made({Rows}, WarpsDown, WarpsAcross);
  }
  return &Result;
}

const RegisterLayout *RegisterLayouts::of(ArrayRef<int64_t> Shape) {
  const int64_t Rows = Shape[0], Cols = Shape.size() == 2 ? Shape[1] : 0;
  if (Rows % RegisterLayout::kTileRows != 0 ||
      Cols % RegisterLayout::kTileCols != 0)
    return nullptr;
  const int64_t Down = Rows / RegisterLayout::kTileRows;
  const int64_t Across = Cols / RegisterLayout::kTileCols;
  // Prefer warps below each other, as many as there are rows of tiles: such
  // warps have only right operands of products in common.
  int64_t WarpsDown = Warps;
  while (Down % WarpsDown != 0)
    WarpsDown /= 2;
  const int64_t WarpsAcross = Warps / WarpsDown;
  if (Cols ? Across % WarpsAcross != 0 : WarpsAcross != 1)
    return nullptr;
  const RegisterLayout *Result = made(Shape, WarpsDown, WarpsAcross);
  return Result->slots() <= MaxSlots ? Result : nullptr;
}

const RegisterLayout *RegisterLayouts::assigned(Value Block) {
  // A block that a loop carries has the layout of the loop's result.
  auto Result = dyn_cast<OpResult>(Block);
  if (auto Carried = dyn_cast<BlockArgument>(Block))
    Result = cast<scf::ForOp>(Carried.getOwner()->getParentOp())
                 .getTiedLoopResult(Carried);
  auto Layouts = Result.getOwner()->getAttrOfType<ArrayAttr>(kLayoutsAttr);
  auto Layout =
      Layouts ? dyn_cast<tile::LayoutAttr>(Layouts[Result.getResultNumber()])
              : tile::LayoutAttr();
  if (!Layout)
    return nullptr;
  return made(cast<VectorType>(Block.getType()).getShape(), Layout.getDown(),
              Layout.getAcross());
}

bool m1::codegen::readsRegisters(Value Block, Materialization &Materialized,
                                 RegisterLayouts &Layouts) {
  if (Materialized.isMaterialized(Block))
    return Layouts.assigned(Block);
  if (Materialized.isLazyLoad(Block)) // global memory, or a copy in shared
    return false;
  return llvm::any_of(Block.getDefiningOp()->getOperands(), [&](Value V) {
    return isa<VectorType>(V.getType()) &&
           readsRegisters(V, Materialized, Layouts);
  });
}

LogicalResult m1::codegen::verifyLayouts(tile::KernelOp Kernel) {
  if (!Kernel.getThreads())
    return Kernel.emitOpError("has no ")
           << tile::KernelOp::kThreadsAttr << "; run tile-assign-layouts first";
  RegisterLayouts Known(Kernel);
  auto Verify = [&](Operation *Op) -> LogicalResult {
    auto Layouts = Op->getAttrOfType<ArrayAttr>(kLayoutsAttr);
    if (!Layouts)
      return success();
    if (Layouts.size() != Op->getNumResults())
      return Op->emitOpError("expected one entry of ")
             << kLayoutsAttr << " for each of " << Op->getNumResults()
             << " results, found " << Layouts.size();
    for (auto [Entry, T] : llvm::zip(Layouts, Op->getResultTypes())) {
      auto Layout = dyn_cast<tile::LayoutAttr>(Entry);
      if (!Layout)
        continue;
      auto Block = dyn_cast<VectorType>(T);
      const auto *Expected = Block ? Known.of(Block.getShape()) : nullptr;
      if (!Expected || Expected->WarpsDown != Layout.getDown() ||
          Expected->WarpsAcross != Layout.getAcross())
        return Op->emitOpError("has the register layout ")
               << Layout << ", which does not fit " << T << " in "
               << Kernel.getThreads() << " threads";
    }
    return success();
  };
  return failure(
      Kernel.getBody()
          .walk([&](Operation *Op) { return WalkResult(Verify(Op)); })
          .wasInterrupted());
}
