//===- KernelBuilder.cpp - writing tile kernels ---------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/KernelBuilder.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/Support/Format.h"

using namespace mlir;
using namespace m1;

MemRefType m1::memoryType(ArrayRef<int64_t> Shape, Type Element) {
  return MemRefType::get(Shape, Element);
}

std::string m1::nameOf(Type Element) {
  std::string Name;
  llvm::raw_string_ostream(Name) << Element;
  return Name;
}

std::string m1::nameOf(double Number) {
  std::string Name;
  llvm::raw_string_ostream(Name) << llvm::format("%.17g", Number);
  for (char &C : Name)
    C = C == '.' ? 'p' : C == '-' ? 'm' : C == '+' ? '_' : C;
  return Name;
}

std::string m1::layoutName(ArrayRef<MemRefType> Types) {
  if (llvm::all_of(Types,
                   [](MemRefType T) { return T.getLayout().isIdentity(); }))
    return "";
  std::string Name;
  for (MemRefType Type : Types) {
    SmallVector<int64_t> Strides;
    int64_t Offset;
    Name += "_strides";
    if (succeeded(getStridesAndOffset(Type, Strides, Offset)))
      for (int64_t Stride : Strides)
        Name += "_" + std::to_string(Stride);
  }
  return Name;
}

//===----------------------------------------------------------------------===//
// Scalars
//===----------------------------------------------------------------------===//

Value KernelBody::index(int64_t Value) {
  return create<arith::ConstantIndexOp>(Value);
}
Value KernelBody::plus(Value A, Value C) { return create<arith::AddIOp>(A, C); }
Value KernelBody::minus(Value A, Value C) {
  return create<arith::SubIOp>(A, C);
}
Value KernelBody::times(Value A, int64_t C) {
  return create<arith::MulIOp>(A, index(C));
}
Value KernelBody::over(Value A, int64_t C) {
  return create<arith::DivUIOp>(A, index(C));
}
Value KernelBody::smaller(Value A, Value C) {
  return create<arith::MinSIOp>(A, C);
}
Value KernelBody::larger(Value A, Value C) {
  return create<arith::MaxSIOp>(A, C);
}
Value KernelBody::less(Value A, Value C) {
  return cmpI(arith::CmpIPredicate::slt, A, C);
}
Value KernelBody::equal(Value A, Value C) {
  return cmpI(arith::CmpIPredicate::eq, A, C);
}
Value KernelBody::at(Value Memory, ValueRange Indices) {
  Value Element = create<memref::LoadOp>(Memory, Indices);
  return create<arith::IndexCastOp>(getIndexType(), Element);
}
Value KernelBody::toI32(Value Index) {
  return create<arith::IndexCastOp>(getI32Type(), Index);
}

//===----------------------------------------------------------------------===//
// Blocks
//===----------------------------------------------------------------------===//

VectorType KernelBody::block(ArrayRef<int64_t> Shape, Type Element) {
  return VectorType::get(Shape, Element ? Element : Type(getF32Type()));
}

static Type elementOf(Value V) { return getElementTypeOrSelf(V.getType()); }

Value KernelBody::load(Value Memory, ValueRange Indices, ArrayRef<int64_t> Dims,
                       ArrayRef<int64_t> Shape, Value Rows, Value Cols) {
  return create<tile::LoadOp>(block(Shape, elementOf(Memory)), Memory, Indices,
                              Rows, Cols, Dims, /*pairs=*/false);
}
void KernelBody::store(Value Block, Value Memory, ValueRange Indices,
                       ArrayRef<int64_t> Dims, Value Rows, Value Cols) {
  create<tile::StoreOp>(rounded(Block, elementOf(Memory)), Memory, Indices,
                        Rows, Cols, Dims, /*pairs=*/false);
}
Value KernelBody::gather(Value Memory, Value RowIndex, Value Col,
                         ArrayRef<int64_t> Shape, Value Rows) {
  return create<tile::GatherOp>(block(Shape, elementOf(Memory)), Memory,
                                RowIndex, Col, Rows);
}
void KernelBody::scatter(Value Block, Value Memory, Value RowIndex, Value Col,
                         Value Rows, Value Cols) {
  create<tile::ScatterOp>(rounded(Block, elementOf(Memory)), Memory, RowIndex,
                          Col, Rows, Cols);
}
Value KernelBody::dot(Value A, Value C, Value Acc) {
  return create<tile::DotOp>(Acc.getType(), A, C, Acc);
}

static TypedAttr splatAttr(Builder &B, VectorType Type, double Number) {
  if (isa<FloatType>(Type.getElementType()))
    return DenseElementsAttr::get(
        Type, B.getFloatAttr(Type.getElementType(), Number));
  return DenseElementsAttr::get(
      Type,
      B.getIntegerAttr(Type.getElementType(), static_cast<int64_t>(Number)));
}

Value KernelBody::splat(double Number, Value Like) {
  auto Type = cast<VectorType>(Like.getType());
  return create<arith::ConstantOp>(splatAttr(*this, Type, Number));
}
Value KernelBody::zeros(ArrayRef<int64_t> Shape, Type Element, double Number) {
  return create<arith::ConstantOp>(
      splatAttr(*this, block(Shape, Element), Number));
}
Value KernelBody::fill(Value Scalar, ArrayRef<int64_t> Shape) {
  return create<vector::SplatOp>(block(Shape, Scalar.getType()), Scalar);
}
Value KernelBody::iota(ArrayRef<int64_t> Shape, int64_t Axis) {
  return create<tile::IotaOp>(block(Shape, getI32Type()), Axis);
}
Value KernelBody::along(Value Block, int64_t Axis, int64_t Extent) {
  auto Type = cast<VectorType>(Block.getType());
  SmallVector<int64_t> Shape{Type.getDimSize(0)};
  Shape.insert(Shape.begin() + Axis, Extent);
  return create<tile::BroadcastOp>(block(Shape, Type.getElementType()), Block,
                                   Axis);
}
Value KernelBody::transposed(Value Block) {
  return create<vector::TransposeOp>(Block, ArrayRef<int64_t>{1, 0});
}
Value KernelBody::widened(Value Block) { return rounded(Block, getF32Type()); }
Value KernelBody::rounded(Value Block, Type Element) {
  Type From = elementOf(Block);
  if (From == Element || !isa<FloatType>(From))
    return Block;
  Type To = Element;
  if (auto Vector = dyn_cast<VectorType>(Block.getType()))
    To = Vector.clone(Element);
  unsigned Have = From.getIntOrFloatBitWidth();
  unsigned Want = Element.getIntOrFloatBitWidth();
  if (Have < Want)
    return create<arith::ExtFOp>(To, Block);
  if (Have > Want)
    return create<arith::TruncFOp>(To, Block);
  return rounded(rounded(Block, getF32Type()), Element);
}
Value KernelBody::reduce(Value Block, vector::CombiningKind Kind, Value Init) {
  return create<vector::MultiDimReductionOp>(Block, Init,
                                             ArrayRef<bool>{false, true}, Kind);
}
Value KernelBody::rowSum(Value Block) {
  auto Type = cast<VectorType>(Block.getType());
  return reduce(Block, vector::CombiningKind::ADD,
                zeros(Type.getDimSize(0), Type.getElementType()));
}
Value KernelBody::rowMax(Value Block) {
  auto Type = cast<VectorType>(Block.getType());
  return reduce(Block, vector::CombiningKind::MAXNUMF,
                zeros(Type.getDimSize(0), Type.getElementType(), -3e38));
}
Value KernelBody::rowMinIndex(Value Block) {
  auto Type = cast<VectorType>(Block.getType());
  return reduce(Block, vector::CombiningKind::MINSI,
                zeros(Type.getDimSize(0), Type.getElementType(), INT32_MAX));
}
Value KernelBody::sigmoid(Value Block) {
  Value One = splat(1, Block);
  return divF(One, addF(One, expF(subF(splat(0, Block), Block))));
}
Value KernelBody::silu(Value Block) { return mulF(Block, sigmoid(Block)); }

Value KernelBody::addF(Value A, Value C) { return create<arith::AddFOp>(A, C); }
Value KernelBody::subF(Value A, Value C) { return create<arith::SubFOp>(A, C); }
Value KernelBody::mulF(Value A, Value C) { return create<arith::MulFOp>(A, C); }
Value KernelBody::divF(Value A, Value C) { return create<arith::DivFOp>(A, C); }
Value KernelBody::expF(Value A) { return create<math::ExpOp>(A); }
Value KernelBody::select(Value Condition, Value A, Value C) {
  return create<arith::SelectOp>(Condition, A, C);
}
Value KernelBody::cmpI(arith::CmpIPredicate P, Value A, Value C) {
  return create<arith::CmpIOp>(P, A, C);
}

//===----------------------------------------------------------------------===//
// Control
//===----------------------------------------------------------------------===//

void KernelBody::ifThen(Value Condition, llvm::function_ref<void()> Then) {
  auto If = create<scf::IfOp>(Condition, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard Guard(*this);
  setInsertionPoint(If.thenBlock()->getTerminator());
  Then();
}

SmallVector<Value> KernelBody::loop(
    Value From, Value To, ValueRange Carried,
    llvm::function_ref<SmallVector<Value>(Value, ValueRange)> Body) {
  auto Loop = create<scf::ForOp>(From, To, index(1), Carried);
  OpBuilder::InsertionGuard Guard(*this);
  setInsertionPointToStart(Loop.getBody());
  SmallVector<Value> Next =
      Body(Loop.getInductionVar(), Loop.getRegionIterArgs());
  create<scf::YieldOp>(Next);
  return Loop.getResults();
}

void KernelBody::loop(Value From, Value To,
                      llvm::function_ref<void(Value)> Body, int64_t Step) {
  auto Loop = create<scf::ForOp>(From, To, index(Step));
  OpBuilder::InsertionGuard Guard(*this);
  setInsertionPoint(Loop.getBody()->getTerminator());
  Body(Loop.getInductionVar());
}

//===----------------------------------------------------------------------===//
// KernelCache
//===----------------------------------------------------------------------===//

KernelCache::KernelCache(ModuleOp Module, Blocking Blocks)
    : Blocks(Blocks), Module(Module) {
  for (auto Symbol : Module.getOps<SymbolOpInterface>())
    Taken.insert(Symbol.getName());
}

std::string KernelCache::freeName(StringRef Name) const {
  std::string Free = Name.str();
  while (Taken.contains(Free))
    Free += '_';
  return Free;
}

tile::KernelOp KernelCache::get(StringRef Key, ArrayRef<Type> Arguments,
                                llvm::function_ref<void(KernelBody &)> Build) {
  tile::KernelOp &Kernel = Kernels[Key];
  if (Kernel)
    return Kernel;
  Location Loc = NameLoc::get(StringAttr::get(context(), Key));
  KernelBody B(Loc, context());
  B.setInsertionPointToEnd(Module.getBody());
  SmallVector<Type> Types(tile::KernelOp::kGridRank, B.getIndexType());
  Types.append(Arguments.begin(), Arguments.end());
  Kernel = B.create<tile::KernelOp>(B.getStringAttr(freeName(Key)),
                                    TypeAttr::get(B.getFunctionType(Types, {})),
                                    ArrayAttr(), ArrayAttr());
  Block *Entry = new Block();
  Kernel.getBody().push_back(Entry);
  for (Type T : Types)
    Entry->addArgument(T, Loc);
  B.setInsertionPointToStart(Entry);
  B.X = Entry->getArgument(0);
  B.Y = Entry->getArgument(1);
  B.Z = Entry->getArgument(2);
  B.Args.assign(Entry->args_begin() + tile::KernelOp::kGridRank,
                Entry->args_end());
  Build(B);
  B.create<tile::ReturnOp>();
  return Kernel;
}
