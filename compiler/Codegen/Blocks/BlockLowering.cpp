//===- BlockLowering.cpp - kernels over blocks to loops -------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Codegen/Blocks/BlockLowering.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Matchers.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/SaveAndRestore.h"
#include <numeric>

using namespace mlir;
using namespace m1;
using namespace m1::codegen;

//===----------------------------------------------------------------------===//
// Buffers
//===----------------------------------------------------------------------===//

/// Of every buffer, in bytes, as `tile-place-scratch` and the plan place them.
static constexpr int64_t kAlignment = 64;

static int64_t alignedElements(Type Element) {
  return kAlignment / std::max<int64_t>(Element.getIntOrFloatBitWidth() / 8, 1);
}

Access BlockLowering::allocate(VectorType Type) {
  Access A;
  A.Element = Type.getElementType();
  A.Strides.assign(Type.getRank(), 1);
  A.Aligned = alignedElements(A.Element);
  if (Type.getRank() == 2) {
    A.Strides[0] = Type.getDimSize(1);
    A.Aligned = std::gcd(A.Aligned, A.Strides[0]);
  }
  int64_t Bytes = Type.getNumElements() *
                  llvm::divideCeil(Type.getElementTypeBitWidth(), uint64_t(8));
  A.Base = B.create<tile::ScratchOp>(Kernel.getLoc(), Scratch.getType(),
                                     Scratch, Bytes);
  return A;
}

Extent BlockLowering::extentOf(Value Block) {
  auto Type = cast<VectorType>(Block.getType());
  // A limit that is only computed later cannot bound a loop that runs now.
  auto Limit = [&](unsigned Axis) -> Value {
    Value Old = Demanded.limit(Block, Axis);
    return Old && Scalars.contains(Old) ? scalar(Old) : Value();
  };
  Extent E;
  unsigned Last = Type.getRank() - 1;
  E.ColCount = Type.getDimSize(Last);
  E.Cols = Limit(Last);
  if (Type.getRank() == 2) {
    E.RowCount = Type.getDimSize(0);
    E.Rows = Limit(0);
  }
  return E;
}

void BlockLowering::write(Value Block, const Access &To, const Extent &E) {
  bool Vectorize = isVectorizable(Block) && To.Strides.back() == 1;
  forEach(Block, To, E, Vectorize, [&](Position P) {
    DenseMap<Value, Value> Memo;
    P.Memo = &Memo;
    storeTo(Block.getLoc(), evaluate(Block, P), To, P);
  });
}

void BlockLowering::materializeInto(Value Block, const Access &To) {
  write(Block, To, extentOf(Block));
}

Access BlockLowering::materialize(Value Block, Type Element) {
  auto Type = cast<VectorType>(Block.getType());
  if (!Element)
    Element = Type.getElementType();
  if (auto It = Buffers.find(Block);
      It != Buffers.end() && It->second.Element == Element)
    return It->second;
  Access To = place(Block, Type.clone(Element));
  materializeInto(Block, To);
  return To;
}

/// A number that the index is surely a multiple of.
static int64_t multipleOf(Value Index) {
  APInt Constant;
  if (matchPattern(Index, m_ConstantInt(&Constant)))
    return Constant.isZero() ? kAlignment : Constant.getSExtValue();
  if (auto Times = Index.getDefiningOp<arith::MulIOp>())
    return multipleOf(Times.getLhs()) * multipleOf(Times.getRhs());
  return 1;
}

int64_t m1::codegen::rowAlignment(MemRefType Type, Value Col) {
  int64_t Offset;
  SmallVector<int64_t> Strides;
  [[maybe_unused]] LogicalResult Static =
      getStridesAndOffset(Type, Strides, Offset);
  assert(succeeded(Static) && "kernels take memrefs with static strides");
  // A range of a matrix's columns may start anywhere.
  int64_t Aligned = Type.getRank() == 2 && !Type.getLayout().isIdentity()
                        ? 1
                        : alignedElements(Type.getElementType());
  for (auto [Number, Stride] : llvm::enumerate(Strides))
    if (Number + 1 < Strides.size())
      Aligned = std::gcd(Aligned, Stride);
  return Col && Strides.back() == 1 ? std::gcd(Aligned, multipleOf(Col))
                                    : Aligned;
}

Access BlockLowering::accessOf(Value MemRef, OperandRange Indices,
                               ArrayRef<int64_t> Dims, Value Rows, Value Cols,
                               Location Loc) {
  auto Type = cast<MemRefType>(MemRef.getType());
  int64_t Offset;
  SmallVector<int64_t> Strides;
  [[maybe_unused]] LogicalResult Static =
      getStridesAndOffset(Type, Strides, Offset);
  assert(succeeded(Static) && "kernels take memrefs with static strides");

  Value Start = constantIndex(0);
  for (auto [Index, Stride] : llvm::zip(Indices, Strides)) {
    Value Scaled =
        B.create<arith::MulIOp>(Loc, scalar(Index), constantIndex(Stride));
    Start = B.create<arith::AddIOp>(Loc, Start, Scaled);
  }
  Value Wide = B.create<arith::IndexCastOp>(Loc, B.getI64Type(), Start);
  Access A;
  Value Base = scalar(MemRef);
  A.Base = B.create<LLVM::GEPOp>(Loc, Base.getType(), Type.getElementType(),
                                 Base, ArrayRef<LLVM::GEPArg>{Wide});
  A.Element = Type.getElementType();
  A.Aligned = rowAlignment(Type, Indices.empty() ? Value() : Indices.back());
  for (int64_t Dim : Dims)
    A.Strides.push_back(Strides[Dim]);
  A.Rows = scalar(Rows);
  A.Cols = scalar(Cols);
  if (Dims.size() == 1) // the only axis is the one that varies along a row
    std::swap(A.Rows, A.Cols);
  return A;
}

//===----------------------------------------------------------------------===//
// The walk
//===----------------------------------------------------------------------===//

LogicalResult BlockLowering::lower() {
  return lowerBlock(Kernel.getBody().front());
}

LogicalResult BlockLowering::lowerBlock(Block &Source) {
  for (Operation &Op : Source.without_terminator())
    if (failed(lowerOp(&Op)))
      return failure();
  return success();
}

static bool hasBlocks(Operation *Op) {
  auto IsBlock = [](Type T) { return isa<VectorType>(T); };
  return llvm::any_of(Op->getResultTypes(), IsBlock) ||
         llvm::any_of(Op->getOperandTypes(), IsBlock);
}

LogicalResult BlockLowering::lowerOp(Operation *Op) {
  Location Loc = Op->getLoc();
  if (auto Loop = dyn_cast<scf::ForOp>(Op))
    return lowerFor(Loop);
  if (auto If = dyn_cast<scf::IfOp>(Op))
    return lowerIf(If);
  if (auto Load = dyn_cast<tile::LoadOp>(Op)) {
    Access From = accessOf(Load.getMemref(), Load.getIndices(), Load.getDims(),
                           Load.getRows(), Load.getCols(), Loc);
    From.Pairs = Load.getPairs();
    lowerLoad(Load.getResult(), From);
    return success();
  }
  if (auto Gather = dyn_cast<tile::GatherOp>(Op)) {
    Value Zero = constantIndex(0);
    Access From = accessOf(Gather.getMemref(), Op->getOperands().slice(0, 0),
                           {0, 1}, Gather.getRows(), Value(), Loc);
    From.Base = address(Loc, From, Zero, scalar(Gather.getCol()));
    From.Aligned = rowAlignment(cast<MemRefType>(Gather.getMemref().getType()),
                                Gather.getCol());
    From.RowIndex = Gather.getRowIndex();
    lowerLoad(Gather.getResult(), From);
    return success();
  }
  if (auto Store = dyn_cast<tile::StoreOp>(Op)) {
    Access To = accessOf(Store.getMemref(), Store.getIndices(), Store.getDims(),
                         Store.getRows(), Store.getCols(), Loc);
    To.Pairs = Store.getPairs();
    lowerStore(Store.getValue(), To);
    return success();
  }
  if (auto Scatter = dyn_cast<tile::ScatterOp>(Op)) {
    Access To = accessOf(Scatter.getMemref(), Op->getOperands().slice(0, 0),
                         {0, 1}, Scatter.getRows(), Scatter.getCols(), Loc);
    To.Base = address(Loc, To, constantIndex(0), scalar(Scatter.getCol()));
    To.Aligned = rowAlignment(cast<MemRefType>(Scatter.getMemref().getType()),
                              Scatter.getCol());
    To.RowIndex = Scatter.getRowIndex();
    lowerStore(Scatter.getValue(), To);
    return success();
  }
  if (auto Dot = dyn_cast<tile::DotOp>(Op))
    return lowerDotOp(Dot);
  if (auto Reduction = dyn_cast<vector::MultiDimReductionOp>(Op))
    return lowerReduction(Reduction);
  if (auto Load = dyn_cast<memref::LoadOp>(Op)) {
    Access From = accessOf(Load.getMemRef(), Load.getIndices(), {0}, Value(),
                           Value(), Loc);
    Position P{Value(), constantIndex(0)};
    Scalars.map(Load.getResult(), loadFrom(Loc, From, P));
    return success();
  }
  if (auto Store = dyn_cast<memref::StoreOp>(Op)) {
    Access To = accessOf(Store.getMemRef(), Store.getIndices(), {0}, Value(),
                         Value(), Loc);
    once(Loc, [&] {
      Position P{Value(), constantIndex(0)};
      storeTo(Loc, scalar(Store.getValueToStore()), To, P);
    });
    return success();
  }
  if (!hasBlocks(Op)) {
    if (Op->getNumRegions() != 0)
      return Op->emitOpError("is not known to the code generator");
    B.clone(*Op, Scalars);
    return success();
  }
  if (auto Constant = dyn_cast<arith::ConstantOp>(Op)) {
    if (!cast<DenseElementsAttr>(Constant.getValue()).isSplat())
      Buffers[Constant] = tableOf(Constant);
    return success();
  }
  if (Keeping::isTransparent(Op) || isa<tile::IotaOp, vector::SplatOp>(Op)) {
    Value Block = Op->getResult(0);
    if (Keep.isKept(Block))
      Buffers[Block] = materialize(Block);
    return success();
  }
  return Op->emitOpError("is not known to the code generator");
}

Access BlockLowering::tableOf(arith::ConstantOp Constant) {
  auto Type = cast<VectorType>(Constant.getType());
  auto Module = Kernel->getParentOfType<ModuleOp>();
  std::string Name;
  for (unsigned Number = 0; Name.empty() || Module.lookupSymbol(Name); ++Number)
    Name = (Kernel.getSymName() + ".table" + Twine(Number)).str();
  LLVM::GlobalOp Global;
  {
    OpBuilder::InsertionGuard Guard(B);
    B.setInsertionPointToStart(Module.getBody());
    auto Values = cast<DenseElementsAttr>(Constant.getValue());
    Global = B.create<LLVM::GlobalOp>(
        Constant.getLoc(),
        LLVM::LLVMArrayType::get(Type.getElementType(), Type.getNumElements()),
        /*isConstant=*/true, LLVM::Linkage::Private, Name,
        Values.reshape(RankedTensorType::get({Type.getNumElements()},
                                             Type.getElementType())));
  }
  Access A;
  A.Base = B.create<LLVM::AddressOfOp>(Constant.getLoc(), Global);
  A.Element = Type.getElementType();
  A.Strides.assign(Type.getRank(), 1);
  if (Type.getRank() == 2)
    A.Strides[0] = Type.getDimSize(1);
  return A;
}

void BlockLowering::lowerLoad(Value Result, const Access &From) {
  LazyLoads[Result] = From;
  // The left side of a product that cannot be read where it lies is copied
  // here, once, and not in the loop that the product may be in.
  Access Kept;
  for (OpOperand &Use : Result.getUses())
    if (auto Dot = dyn_cast<tile::DotOp>(Use.getOwner());
        Dot && Use.getOperandNumber() == 0 && !Kept.Base)
      Kept = keepLeft(Dot, From);
  if (!Kept.Base) {
    if (Keep.isDelayed(Result))
      return;
    Kept = materialize(Result);
  }
  LazyLoads.erase(Result);
  Buffers[Result] = Kept;
}

void BlockLowering::lowerStore(Value V, const Access &To) {
  // The store's own limits are the loop's: there is nothing else to write.
  Extent E;
  auto Type = cast<VectorType>(V.getType());
  E.ColCount = Type.getShape().back();
  E.RowCount = Type.getRank() == 2 ? Type.getDimSize(0) : 1;
  E.Rows = To.Rows;
  E.Cols = To.Cols;
  write(V, To, E);
}

LogicalResult BlockLowering::lowerDotOp(tile::DotOp Dot) {
  Extent E = extentOf(Dot.getResult());
  Access C = place(Dot.getResult(), Dot.getResult().getType());
  write(Dot.getAcc(), C, E); // exactly what the product will cover
  lowerDot(Dot, C, E);
  Buffers[Dot.getResult()] = C;
  return success();
}

LogicalResult
BlockLowering::lowerReduction(vector::MultiDimReductionOp Reduction) {
  Location Loc = Reduction.getLoc();
  auto Source = cast<VectorType>(Reduction.getSource().getType());
  if (!Reduction.isReducedDim(Source.getRank() - 1) ||
      (Source.getRank() == 2 && Reduction.isReducedDim(0)))
    return Reduction.emitOpError("is only known along the last axis");
  Extent E = extentOf(Reduction.getSource());
  E.Cols = {};
  if (Source.getRank() == 2) {
    Access To = place(Reduction.getResult(),
                      cast<VectorType>(Reduction.getResult().getType()));
    reduceRows(Reduction.getSource(), E, Reduction.getKind(),
               Reduction.getAcc(), To);
    Buffers[Reduction.getResult()] = To;
    return success();
  }
  // A scalar: through a buffer of one element.
  Access To = allocate(VectorType::get({1}, Source.getElementType()));
  reduceRows(Reduction.getSource(), E, Reduction.getKind(), Reduction.getAcc(),
             To);
  Position P{Value(), constantIndex(0)};
  Scalars.map(Reduction.getResult(), loadFrom(Loc, To, P));
  disturb();
  return success();
}

//===----------------------------------------------------------------------===//
// Loops and branches
//===----------------------------------------------------------------------===//

bool BlockLowering::isTurned(Value Block) {
  Operation *Op = Block.getDefiningOp();
  if (!Op || Buffers.contains(Block) || LazyLoads.contains(Block))
    return false;
  return isa<vector::TransposeOp>(Op) ||
         llvm::any_of(Op->getOperands(), [&](Value V) {
           return isa<VectorType>(V.getType()) && isTurned(V);
         });
}

bool BlockLowering::reads(Value Block, Value Target) {
  if (Block == Target)
    return true;
  if (Buffers.contains(Block))
    return false;
  if (auto It = LazyLoads.find(Block); It != LazyLoads.end())
    return It->second.RowIndex && reads(It->second.RowIndex, Target);
  Operation *Op = Block.getDefiningOp();
  return Op && llvm::any_of(Op->getOperands(), [&](Value V) {
           return isa<VectorType>(V.getType()) && reads(V, Target);
         });
}

void BlockLowering::yieldInto(ValueRange Values, ValueRange Before,
                              ArrayRef<Access> Targets) {
  // What another value, or another place of its own, is made from must not
  // change yet: such values are computed aside.
  SmallVector<std::optional<Access>> Aside(Values.size());
  for (auto [I, V] : llvm::enumerate(Values)) {
    if (Before.empty() || V == Before[I])
      continue;
    bool IsRead = isTurned(V) && reads(V, Before[I]);
    for (auto [J, Other] : llvm::enumerate(Values))
      IsRead |= I != J && reads(Other, Before[I]);
    if (!IsRead)
      continue;
    if (!isa<BlockArgument>(V)) {
      Aside[I] = materialize(V);
      continue;
    }
    // Another target, which is about to change.
    Aside[I] = place(V, cast<VectorType>(V.getType()));
    materializeInto(V, *Aside[I]);
  }
  for (auto [I, V] : llvm::enumerate(Values))
    if (!Aside[I] && (Before.empty() || V != Before[I]))
      materializeInto(V, Targets[I]);
  for (auto [V, To, Kept] : llvm::zip(Values, Targets, Aside))
    if (Kept) {
      llvm::SaveAndRestore<Access> Meanwhile(Buffers[V], *Kept);
      materializeInto(V, To);
    }
}

void BlockLowering::yieldScalars(scf::YieldOp Yield) {
  SmallVector<Value> Yielded;
  for (Value V : Yield.getOperands())
    if (!isa<VectorType>(V.getType()))
      Yielded.push_back(scalar(V));
  B.create<scf::YieldOp>(Yield.getLoc(), Yielded);
}

static SmallVector<Value> blocksOf(ValueRange Values) {
  return llvm::to_vector(llvm::make_filter_range(
      Values, [](Value V) { return isa<VectorType>(V.getType()); }));
}

LogicalResult BlockLowering::lowerFor(scf::ForOp Loop) {
  Location Loc = Loop.getLoc();
  SmallVector<Access> Carried;
  SmallVector<Value> ScalarInits;
  for (auto [Init, Argument, Result] : llvm::zip(
           Loop.getInitArgs(), Loop.getRegionIterArgs(), Loop.getResults())) {
    auto Type = dyn_cast<VectorType>(Init.getType());
    if (!Type) {
      ScalarInits.push_back(scalar(Init));
      continue;
    }
    Access To = place(Argument, Type);
    materializeInto(Init, To);
    Carried.push_back(To);
    Buffers[Argument] = To;
    Buffers[Result] = To;
  }
  auto New = B.create<scf::ForOp>(Loc, scalar(Loop.getLowerBound()),
                                  scalar(Loop.getUpperBound()),
                                  scalar(Loop.getStep()), ScalarInits);
  OpBuilder::InsertionGuard Guard(B);
  if (ScalarInits.empty())
    B.setInsertionPoint(New.getBody()->getTerminator());
  else
    B.setInsertionPointToStart(New.getBody());
  Scalars.map(Loop.getInductionVar(), New.getInductionVar());
  unsigned Next = 0;
  for (auto [Argument, Result] :
       llvm::zip(Loop.getRegionIterArgs(), Loop.getResults()))
    if (!isa<VectorType>(Argument.getType())) {
      Scalars.map(Argument, New.getRegionIterArg(Next));
      Scalars.map(Result, New.getResult(Next++));
    }
  disturb();
  if (failed(lowerBlock(*Loop.getBody())))
    return failure();
  auto Yield = cast<scf::YieldOp>(Loop.getBody()->getTerminator());
  yieldInto(blocksOf(Yield.getOperands()), blocksOf(Loop.getRegionIterArgs()),
            Carried);
  disturb();
  if (!ScalarInits.empty())
    yieldScalars(Yield);
  return success();
}

LogicalResult BlockLowering::lowerIf(scf::IfOp If) {
  Location Loc = If.getLoc();
  SmallVector<Access> Chosen;
  SmallVector<Type> ScalarTypes;
  for (Value Result : If.getResults()) {
    auto Type = dyn_cast<VectorType>(Result.getType());
    if (!Type) {
      ScalarTypes.push_back(Result.getType());
      continue;
    }
    Chosen.push_back(place(Result, Type));
    Buffers[Result] = Chosen.back();
  }
  bool HasElse = !If.getElseRegion().empty();
  auto New =
      B.create<scf::IfOp>(Loc, ScalarTypes, scalar(If.getCondition()), HasElse);
  unsigned Next = 0;
  for (Value Result : If.getResults())
    if (!isa<VectorType>(Result.getType()))
      Scalars.map(Result, New.getResult(Next++));
  auto Branch = [&](Block *From, Block *To) -> LogicalResult {
    OpBuilder::InsertionGuard Guard(B);
    if (ScalarTypes.empty())
      B.setInsertionPoint(To->getTerminator());
    else
      B.setInsertionPointToStart(To);
    disturb();
    if (failed(lowerBlock(*From)))
      return failure();
    auto Yield = cast<scf::YieldOp>(From->getTerminator());
    yieldInto(blocksOf(Yield.getOperands()), {}, Chosen);
    disturb();
    if (!ScalarTypes.empty())
      yieldScalars(Yield);
    return success();
  };
  if (failed(Branch(If.thenBlock(), New.thenBlock())))
    return failure();
  return HasElse ? Branch(If.elseBlock(), New.elseBlock()) : success();
}
