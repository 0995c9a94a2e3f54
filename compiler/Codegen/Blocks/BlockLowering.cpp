//===- BlockLowering.cpp - kernels over blocks to loops -------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Codegen/Blocks/BlockLowering.h"

#include "mlir/IR/BuiltinOps.h"

using namespace mlir;
using namespace m1;
using namespace m1::codegen;

static bool isBlock(Value V) { return isa<VectorType>(V.getType()); }

static SmallVector<Value> blocksOf(ValueRange Values) {
  return llvm::to_vector(llvm::make_filter_range(Values, isBlock));
}

/// True if a loop has added what `Store` stores in the memory itself.
static bool isStored(tile::StoreOp Store) {
  auto Result = dyn_cast<OpResult>(Store.getValue());
  auto Loop = Result ? dyn_cast<scf::ForOp>(Result.getOwner()) : scf::ForOp();
  return Loop && Materialization::storeOfSums(
                     Loop.getTiedLoopRegionIterArg(Result)) == Store;
}

LogicalResult BlockLowering::lower() {
  return lowerBlock(Context.Kernel.getBody().front());
}

LogicalResult BlockLowering::lowerBlock(Block &Source) {
  const Location Around = B.getLoc();
  for (Operation &Op : Source.without_terminator()) {
    B.setLoc(Op.getLoc());
    if (failed(lowerOp(&Op)))
      return failure();
  }
  B.setLoc(Around);
  return success();
}

LogicalResult BlockLowering::lowerOp(Operation *Op) {
  if (auto Loop = dyn_cast<scf::ForOp>(Op))
    return lowerFor(Loop);
  if (auto If = dyn_cast<scf::IfOp>(Op))
    return lowerIf(If);
  if (auto Reduction = dyn_cast<vector::MultiDimReductionOp>(Op))
    return lowerReduction(Reduction);

  const bool HasBlocks = llvm::any_of(Op->getResults(), isBlock) ||
                         llvm::any_of(Op->getOperands(), isBlock);
  if (auto Load = dyn_cast<tile::LoadOp>(Op))
    lowerLoad(Load.getResult(), accessOf(Load));
  else if (auto Gather = dyn_cast<tile::GatherOp>(Op))
    lowerLoad(Gather.getResult(), rowAccessOf(Gather));
  else if (auto Store = dyn_cast<tile::StoreOp>(Op); Store && isStored(Store))
    return success();
  else if (Store)
    lowerStore(Store.getValue(), accessOf(Store));
  else if (auto Scatter = dyn_cast<tile::ScatterOp>(Op))
    lowerStore(Scatter.getValue(), rowAccessOf(Scatter));
  else if (auto Dot = dyn_cast<tile::DotOp>(Op))
    lowerDot(Dot);
  else if (auto Load = dyn_cast<memref::LoadOp>(Op))
    lowerScalarLoad(Load);
  else if (auto Store = dyn_cast<memref::StoreOp>(Op))
    lowerScalarStore(Store);
  else if (!HasBlocks && Op->getNumRegions() == 0)
    B.clone(*Op, Storage.Scalars);
  else if (auto Constant = dyn_cast<arith::ConstantOp>(Op))
    lowerConstant(Constant);
  else if (HasBlocks && (Materialization::isTransparent(Op) ||
                         isa<tile::IotaOp, vector::SplatOp>(Op)))
    lowerExpression(Op->getResult(0));
  else
    return Op->emitOpError("is not known to the code generator");
  return success();
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

SmallVector<Value> BlockLowering::scalars(ValueRange Values) const {
  return llvm::map_to_vector(Values,
                             [&](Value V) { return Storage.scalar(V); });
}

template <typename Op> Access BlockLowering::accessOf(Op LoadOrStore) {
  auto Type = cast<MemRefType>(LoadOrStore.getMemref().getType());
  auto Indices = LoadOrStore.getIndices();
  Access A = accessMemRef(B, Storage.scalar(LoadOrStore.getMemref()), Type,
                          scalars(Indices), LoadOrStore.getDims());
  A.RowAlignment =
      rowAlignment(Type, Indices.empty() ? Value() : Indices.back());
  A.Rows = Storage.scalar(LoadOrStore.getRows());
  A.Cols = Storage.scalar(LoadOrStore.getCols());
  if (A.Strides.size() == 1) // the only axis is the one along a row
    std::swap(A.Rows, A.Cols);
  A.Pairs = LoadOrStore.getPairs();
  if constexpr (std::is_same_v<Op, tile::StoreOp>) {
    A.Streamed = LoadOrStore.getStreamed();
    if (A.Streamed && A.Pairs)
      A.RowAlignment = pairAlignment(Type, Indices);
  }
  return A;
}

template <typename Op> Access BlockLowering::rowAccessOf(Op GatherOrScatter) {
  auto Type = cast<MemRefType>(GatherOrScatter.getMemref().getType());
  Access A = accessMemRef(B, Storage.scalar(GatherOrScatter.getMemref()), Type,
                          {}, {0, 1});
  A.Base = address(B, A, B.index(0), Storage.scalar(GatherOrScatter.getCol()));
  A.RowAlignment = rowAlignment(Type, GatherOrScatter.getCol());
  A.RowIndex = GatherOrScatter.getRowIndex();
  A.Rows = Storage.scalar(GatherOrScatter.getRows());
  A.Cols = Storage.scalar(GatherOrScatter.getCols());
  return A;
}

Access BlockLowering::elementAccess(Value MemRef, ValueRange Indices) {
  auto Type = cast<MemRefType>(MemRef.getType());
  Access A =
      accessMemRef(B, Storage.scalar(MemRef), Type, scalars(Indices), {0});
  A.RowAlignment =
      rowAlignment(Type, Indices.empty() ? Value() : Indices.back());
  return A;
}

void BlockLowering::lowerScalarLoad(memref::LoadOp Load) {
  const Access From = elementAccess(Load.getMemRef(), Load.getIndices());
  Storage.Scalars.map(Load.getResult(), Eval.load(From, {{}, B.index(0)}));
}

void BlockLowering::lowerScalarStore(memref::StoreOp Store) {
  const Access To = elementAccess(Store.getMemRef(), Store.getIndices());
  Target.once([&] {
    Eval.store(Storage.scalar(Store.getValueToStore()), To, {{}, B.index(0)});
  });
}

void BlockLowering::lowerLoad(Value Result, const Access &From) {
  Storage.setLazyLoad(Result, From);
  // The left operand of a product that cannot be read from memory directly is
  // copied here, not in the loop that the product may be in.
  std::optional<Access> Buffer;
  for (OpOperand &Use : Result.getUses())
    if (auto Dot = dyn_cast<tile::DotOp>(Use.getOwner());
        Dot && &Use == &Dot.getAMutable() && !Buffer)
      Buffer = Target.materializeLeft(Dot, From);
  if (!Buffer && !Context.Materialized.isLazyLoad(Result))
    Buffer = Writer.materialize(Result);
  if (Buffer)
    Storage.setBuffer(Result, *Buffer);
}

void BlockLowering::lowerStore(Value V, const Access &To) {
  // The loop covers exactly the elements in bounds.
  Extent E = Extent::of(cast<VectorType>(V.getType()));
  E.Rows = To.Rows;
  E.Cols = To.Cols;
  Writer.write(V, To, E);
}

//===----------------------------------------------------------------------===//
// Blocks
//===----------------------------------------------------------------------===//

void BlockLowering::lowerExpression(Value Block) {
  if (Context.Materialized.isMaterialized(Block))
    Storage.setBuffer(Block, Writer.materialize(Block));
}

void BlockLowering::lowerConstant(arith::ConstantOp Constant) {
  auto Values = cast<DenseElementsAttr>(Constant.getValue());
  if (Values.isSplat())
    return;
  // A constant of the module, next to the code.
  auto Type = cast<VectorType>(Constant.getType());
  auto Module = Context.Kernel->getParentOfType<ModuleOp>();
  std::string Name;
  for (unsigned Number = 0; Name.empty() || Module.lookupSymbol(Name); ++Number)
    Name = (Context.Kernel.getSymName() + ".table" + Twine(Number)).str();
  LLVM::GlobalOp Global;
  {
    OpBuilder::InsertionGuard Guard(B);
    B.setInsertionPointToStart(Module.getBody());
    Global = B.create<LLVM::GlobalOp>(
        LLVM::LLVMArrayType::get(Type.getElementType(), Type.getNumElements()),
        /*isConstant=*/true, LLVM::Linkage::Private, Name,
        Values.reshape(RankedTensorType::get({Type.getNumElements()},
                                             Type.getElementType())));
  }
  Access A;
  A.Base = B.create<LLVM::AddressOfOp>(Global);
  A.Element = Type.getElementType();
  A.Strides.assign(Type.getRank(), 1);
  if (Type.getRank() == 2)
    A.Strides[0] = Type.getDimSize(1);
  Storage.setBuffer(Constant, A);
}

void BlockLowering::lowerDot(tile::DotOp Dot) {
  const Extent E = Context.demandedExtent(Dot.getResult());
  // In memory, such a product is added in place.
  if (const Access *Sums = Context.Storage.buffer(Dot.getAcc());
      Sums && !Sums->Layout && Materialization::addsToCarried(Dot)) {
    const Access C = *Sums;
    Target.lowerDot(Dot, C, E);
    Storage.setBuffer(Dot.getResult(), C);
    return;
  }
  const Access C =
      Writer.allocateFor(Dot.getResult(), Dot.getResult().getType());
  Writer.write(Dot.getAcc(), C, E); // the part that the product covers
  Target.lowerDot(Dot, C, E);
  Storage.setBuffer(Dot.getResult(), C);
}

LogicalResult
BlockLowering::lowerReduction(vector::MultiDimReductionOp Reduction) {
  auto Source = cast<VectorType>(Reduction.getSource().getType());
  if (!Reduction.isReducedDim(Source.getRank() - 1) ||
      (Source.getRank() == 2 && Reduction.isReducedDim(0)))
    return Reduction.emitOpError(
        "expected a reduction along the last axis only");
  Extent E = Context.demandedExtent(Reduction.getSource());
  E.Cols = {};
  Value Result = Reduction.getResult();
  auto Type = dyn_cast<VectorType>(Result.getType());
  // A scalar result passes through a buffer of one element.
  const Access To = Type ? Writer.allocateFor(Result, Type)
                         : Context.Scratch.allocate(
                               VectorType::get({1}, Source.getElementType()));
  Target.reduceRows(Reduction.getSource(), E, Reduction.getKind(),
                    Reduction.getAcc(), To);
  if (Type) {
    Storage.setBuffer(Result, To);
    return success();
  }
  Storage.Scalars.map(Result, Eval.load(To, {{}, B.index(0)}));
  Target.invalidateBarrier();
  return success();
}

//===----------------------------------------------------------------------===//
// Loops and branches
//===----------------------------------------------------------------------===//

void BlockLowering::yieldScalars(scf::YieldOp Yield) {
  SmallVector<Value> Yielded;
  for (Value V : Yield.getOperands())
    if (!isBlock(V))
      Yielded.push_back(Storage.scalar(V));
  if (!Yielded.empty())
    B.create<scf::YieldOp>(Yielded);
}

/// Moves the builder into a new region, before its implicit terminator if it
/// has one.
static void enterRegion(OpBuilder &B, Block *Region) {
  if (Region->mightHaveTerminator())
    B.setInsertionPoint(Region->getTerminator());
  else
    B.setInsertionPointToStart(Region);
}

LogicalResult BlockLowering::lowerFor(scf::ForOp Loop) {
  // Carried blocks stay in buffers, carried scalars become the new loop's.
  SmallVector<Access> Carried;
  SmallVector<Value> ScalarInits;
  for (auto [Init, Argument, Result] : llvm::zip(
           Loop.getInitArgs(), Loop.getRegionIterArgs(), Loop.getResults())) {
    auto Type = dyn_cast<VectorType>(Init.getType());
    if (!Type) {
      ScalarInits.push_back(Storage.scalar(Init));
      continue;
    }
    if (Materialization::storeOfSums(Argument)) {
      Carried.push_back(*Storage.lazyLoad(Init));
    } else {
      Carried.push_back(Writer.allocateFor(Argument, Type));
      Writer.write(Init, Carried.back());
    }
    Storage.setBuffer(Argument, Carried.back());
    Storage.setBuffer(Result, Carried.back());
  }
  auto New = B.create<scf::ForOp>(Storage.scalar(Loop.getLowerBound()),
                                  Storage.scalar(Loop.getUpperBound()),
                                  Storage.scalar(Loop.getStep()), ScalarInits);
  OpBuilder::InsertionGuard Guard(B);
  enterRegion(B, New.getBody());
  Storage.Scalars.map(Loop.getInductionVar(), New.getInductionVar());
  unsigned Next = 0;
  for (auto [Argument, Result] :
       llvm::zip(Loop.getRegionIterArgs(), Loop.getResults()))
    if (!isBlock(Argument)) {
      Storage.Scalars.map(Argument, New.getRegionIterArg(Next));
      Storage.Scalars.map(Result, New.getResult(Next++));
    }
  Target.invalidateBarrier();
  if (failed(lowerBlock(*Loop.getBody())))
    return failure();
  auto Yield = cast<scf::YieldOp>(Loop.getBody()->getTerminator());
  Writer.assign(blocksOf(Yield.getOperands()),
                blocksOf(Loop.getRegionIterArgs()), Carried);
  Target.invalidateBarrier();
  yieldScalars(Yield);
  return success();
}

LogicalResult BlockLowering::lowerIf(scf::IfOp If) {
  SmallVector<Access> Chosen;
  SmallVector<Type> ScalarTypes;
  for (Value Result : If.getResults()) {
    auto Type = dyn_cast<VectorType>(Result.getType());
    if (!Type) {
      ScalarTypes.push_back(Result.getType());
      continue;
    }
    Chosen.push_back(Writer.allocateFor(Result, Type));
    Storage.setBuffer(Result, Chosen.back());
  }
  const bool HasElse = !If.getElseRegion().empty();
  auto New = B.create<scf::IfOp>(ScalarTypes, Storage.scalar(If.getCondition()),
                                 HasElse);
  unsigned Next = 0;
  for (Value Result : If.getResults())
    if (!isBlock(Result))
      Storage.Scalars.map(Result, New.getResult(Next++));
  auto LowerBranch = [&](Block *From, Block *To) -> LogicalResult {
    OpBuilder::InsertionGuard Guard(B);
    enterRegion(B, To);
    Target.invalidateBarrier();
    if (failed(lowerBlock(*From)))
      return failure();
    auto Yield = cast<scf::YieldOp>(From->getTerminator());
    Writer.assign(blocksOf(Yield.getOperands()), {}, Chosen);
    Target.invalidateBarrier();
    yieldScalars(Yield);
    return success();
  };
  if (failed(LowerBranch(If.thenBlock(), New.thenBlock())))
    return failure();
  return HasElse ? LowerBranch(If.elseBlock(), New.elseBlock()) : success();
}
