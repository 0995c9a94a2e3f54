//===- Materialization.cpp - which blocks get memory ----------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Codegen/Blocks/Materialization.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace m1;
using namespace m1::codegen;

bool Materialization::isTransparent(Operation *Op) {
  return isa<tile::BroadcastOp, vector::BroadcastOp, vector::TransposeOp>(Op) ||
         OpTrait::hasElementwiseMappableTraits(Op);
}

/// The last op of `Scope` that reads elements of `V`, directly or through
/// transparent ops; null if an op outside `Scope` may read them.
static Operation *lastReader(Value V, Block *Scope) {
  Operation *Last = V.getDefiningOp();
  for (Operation *User : V.getUsers()) {
    Operation *Here = Scope->findAncestorOpInBlock(*User);
    if (!Here)
      return nullptr;
    if (Materialization::isTransparent(User) && User->getNumResults() == 1) {
      Here = lastReader(User->getResult(0), Scope);
      if (!Here)
        return nullptr;
    }
    if (Last->getBlock() != Scope || Last->isBeforeInBlock(Here))
      Last = Here;
  }
  return Last;
}

static bool writes(Operation *Op, Value MemRef) {
  if (auto Store = dyn_cast<tile::StoreOp>(Op))
    return Store.getMemref() == MemRef;
  if (auto Scatter = dyn_cast<tile::ScatterOp>(Op))
    return Scatter.getMemref() == MemRef;
  if (auto Store = dyn_cast<memref::StoreOp>(Op))
    return Store.getMemRef() == MemRef;
  return false;
}

/// True if an element of `V` is computed from other elements of `Loaded` than
/// that at its place.
static bool readsElsewhere(Value V, Value Loaded, bool IsAtPlace,
                           DenseSet<Value> &Known) {
  if (V == Loaded)
    return !IsAtPlace;
  Operation *Op = V.getDefiningOp();
  if (!Op || !Materialization::isTransparent(Op))
    return false; // not evaluated here
  IsAtPlace = IsAtPlace && OpTrait::hasElementwiseMappableTraits(Op);
  if (IsAtPlace && !Known.insert(V).second)
    return false;
  return llvm::any_of(Op->getOperands(), [&](Value Operand) {
    return isa<VectorType>(Operand.getType()) &&
           readsElsewhere(Operand, Loaded, IsAtPlace, Known);
  });
}

/// True if `To` stores a block at the place that `From` loads one from.
static bool areAtOnePlace(tile::StoreOp To, tile::LoadOp From) {
  return To->getBlock() == From->getBlock() &&
         To.getMemref() == From.getMemref() &&
         To.getIndices() == From.getIndices() &&
         To.getDims() == From.getDims() && To.getPairs() == From.getPairs() &&
         To.getValue().getType() == From.getResult().getType();
}

static bool isForCpu(Operation *Op) {
  const tile::TargetAttr Target = tile::targetOf(Op);
  return Target && Target.getKind() == tile::TargetKind::Cpu;
}

/// True if `Writer` replaces the elements that `Load` reads, each by a value
/// that is computed from it and not from others of them. Then they can be read
/// when the values are computed: a CPU does so, vector by vector, once.
static bool replaces(Operation *Writer, Operation *Load) {
  auto To = dyn_cast<tile::StoreOp>(Writer);
  auto From = dyn_cast<tile::LoadOp>(Load);
  if (!To || !From || !areAtOnePlace(To, From) || !isForCpu(Load))
    return false;
  DenseSet<Value> Known;
  return !readsElsewhere(To.getValue(), From.getResult(), /*IsAtPlace=*/true,
                         Known);
}

/// True if nothing writes `MemRef` between `Load` and the last op that reads
/// its elements, or that op replaces them.
static bool canDefer(Operation *Load, Value MemRef) {
  SmallVector<Operation *> Writers;
  for (Operation *User : MemRef.getUsers())
    if (writes(User, MemRef))
      Writers.push_back(User);
  if (Writers.empty())
    return true;
  Block *Scope = Load->getBlock();
  Operation *Last = lastReader(Load->getResult(0), Scope);
  if (!Last)
    return false;
  return llvm::none_of(Writers, [&](Operation *Writer) {
    Operation *Here = Scope->findAncestorOpInBlock(*Writer);
    if (Here == Last && replaces(Writer, Load))
      return false;
    return Here && Load->isBeforeInBlock(Here) &&
           (Here == Last || Here->isBeforeInBlock(Last));
  });
}

bool Materialization::addsToCarried(tile::DotOp Dot) {
  auto Carried = dyn_cast<BlockArgument>(Dot.getAcc());
  if (!Carried || !Carried.hasOneUse() || !Dot.getResult().hasOneUse())
    return false;
  auto Loop = dyn_cast<scf::ForOp>(Carried.getOwner()->getParentOp());
  OpOperand &Use = *Dot.getResult().use_begin();
  return Loop && Use.getOwner() == Loop.getBody()->getTerminator() &&
         Loop.getRegionIterArg(Use.getOperandNumber()) == Carried;
}

tile::StoreOp Materialization::storeOfSums(BlockArgument Carried) {
  auto Loop = dyn_cast<scf::ForOp>(Carried.getOwner()->getParentOp());
  if (!Loop || !isForCpu(Loop) || !Carried.hasOneUse())
    return {};
  auto Dot = dyn_cast<tile::DotOp>(*Carried.user_begin());
  Value Result = Loop.getTiedLoopResult(Carried);
  if (!Dot || Dot.getAcc() != Carried || !addsToCarried(Dot) ||
      !Result.hasOneUse())
    return {};
  auto From =
      Loop.getTiedLoopInit(Carried)->get().getDefiningOp<tile::LoadOp>();
  auto To = dyn_cast<tile::StoreOp>(*Result.user_begin());
  if (!From || !To || !From.getResult().hasOneUse() ||
      !areAtOnePlace(To, From) || Loop->getBlock() != From->getBlock() ||
      From.getPairs() || From.getRows() || From.getCols() || To.getRows() ||
      To.getCols())
    return {};
  for (Operation *User : From.getMemref().getUsers()) {
    Operation *Here = From->getBlock()->findAncestorOpInBlock(*User);
    if (Here && From->isBeforeInBlock(Here) && Here->isBeforeInBlock(To))
      return {};
  }
  return To;
}

bool Materialization::isLazyLoad(Value Block) {
  return isa_and_nonnull<tile::LoadOp, tile::GatherOp>(Block.getDefiningOp()) &&
         !isMaterialized(Block);
}

bool Materialization::isMaterialized(Value Block) {
  if (auto It = Known.find(Block); It != Known.end())
    return It->second;
  const bool Result = compute(Block);
  Known[Block] = Result;
  return Result;
}

bool Materialization::compute(Value Block) {
  Operation *Op = Block.getDefiningOp();
  if (!Op) // carried by a loop
    return true;
  if (auto Load = dyn_cast<tile::LoadOp>(Op))
    return !canDefer(Load, Load.getMemref());
  if (auto Gather = dyn_cast<tile::GatherOp>(Op))
    return !canDefer(Gather, Gather.getMemref());
  if (auto Constant = dyn_cast<arith::ConstantOp>(Op)) // a table
    return !cast<DenseElementsAttr>(Constant.getValue()).isSplat();
  if (isTransparent(Op) || isa<tile::IotaOp, vector::SplatOp>(Op))
    return isExpensive(Block);
  return true;
}

bool Materialization::isExpensive(Value Block) {
  bool Costly = false;
  SmallVector<Value> Work{Block};
  while (!Work.empty() && !Costly) {
    Value V = Work.pop_back_val();
    if (V != Block && (isMaterialized(V) || isLazyLoad(V)))
      continue;
    Operation *Op = V.getDefiningOp();
    Costly = isa<math::MathDialect>(Op->getDialect()) ||
             isa<arith::DivFOp, vector::TransposeOp>(Op);
    for (Value Operand : Op->getOperands())
      if (isa<VectorType>(Operand.getType()))
        Work.push_back(Operand);
  }
  if (!Costly)
    return false;
  if (!Block.hasOneUse())
    return true;
  // A block of rank 1 may be broadcast along rows or columns.
  Operation *User = *Block.getUsers().begin();
  return cast<VectorType>(Block.getType()).getRank() == 1 &&
         (User->getBlock() != Block.getParentBlock() ||
          !(isa<tile::StoreOp>(User) ||
            OpTrait::hasElementwiseMappableTraits(User)));
}
