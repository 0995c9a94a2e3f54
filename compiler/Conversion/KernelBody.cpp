//===- KernelBody.cpp - writing the bodies of tile kernels ----------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/KernelBody.h"

#include "compiler/Support/Masking.h"
#include "dialects/M1/IR/Elementwise.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/Support/ErrorHandling.h"

using namespace mlir;
using namespace m1;

MemRefType m1::memoryType(ArrayRef<int64_t> Shape, Type Element) {
  return MemRefType::get(Shape, Element);
}

//===----------------------------------------------------------------------===//
// What the launch provides
//===----------------------------------------------------------------------===//

KernelBody::KernelBody(tile::KernelOp Kernel, const Blocking &Blocks,
                       const llvm::StringMap<int64_t> &Extents,
                       DictionaryAttr Constants)
    : ScalarBuilder(Kernel.getLoc(), Kernel.getContext()), Blocks(Blocks),
      Kernel(Kernel), Extents(Extents), Constants(Constants) {
  Block &Entry = Kernel.getBody().front();
  setInsertionPointToStart(&Entry);
  X = Entry.getArgument(0);
  Y = Entry.getArgument(1);
  Z = Entry.getArgument(2);
}

/// Aborts: kernel `Kernel` has no `What` called `Name`.
[[noreturn]] static void unknownName(tile::KernelOp Kernel, StringRef What,
                                     StringRef Name) {
  llvm::report_fatal_error("kernel '" + Twine(Kernel.getSymName()) +
                           "' declares no " + What + " '" + Name + "'");
}

bool KernelBody::has(StringRef Argument) const {
  return llvm::is_contained(Kernel.getArgNames().getAsValueRange<StringAttr>(),
                            Argument);
}

Value KernelBody::operator[](StringRef Argument) const {
  for (auto [Name, Value] :
       llvm::zip(Kernel.getArgNames().getAsValueRange<StringAttr>(),
                 Kernel.getParameters()))
    if (Name == Argument)
      return Value;
  unknownName(Kernel, "argument", Argument);
}

MemRefType KernelBody::memory(StringRef Argument) const {
  return cast<MemRefType>((*this)[Argument].getType());
}

int64_t KernelBody::extent(StringRef Axis) const {
  auto It = Extents.find(Axis);
  if (It == Extents.end() || ShapedType::isDynamic(It->second))
    unknownName(Kernel, "static axis", Axis);
  return It->second;
}

Attribute KernelBody::constant(StringRef Name) const {
  if (Attribute Found = Constants.get(Name))
    return Found;
  unknownName(Kernel, "constant", Name);
}

int64_t KernelBody::integer(StringRef Name) const {
  return cast<IntegerAttr>(constant(Name)).getInt();
}

double KernelBody::number(StringRef Name) const {
  return cast<FloatAttr>(constant(Name)).getValueAsDouble();
}

KernelBody::RowBlock KernelBody::rowBlock(int64_t M) {
  Value First = times(X, M);
  return {First, smaller(index(M), minus((*this)["rows"], First))};
}

Value KernelBody::at(Value Memory, ValueRange Indices) {
  return toIndex(create<memref::LoadOp>(Memory, Indices));
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
                         ArrayRef<int64_t> Shape, Value Rows, Value Cols) {
  return create<tile::GatherOp>(block(Shape, elementOf(Memory)), Memory,
                                RowIndex, Col, Rows, Cols);
}
void KernelBody::scatter(Value Block, Value Memory, Value RowIndex, Value Col,
                         Value Rows, Value Cols) {
  create<tile::ScatterOp>(rounded(Block, elementOf(Memory)), Memory, RowIndex,
                          Col, Rows, Cols);
}
Value KernelBody::dot(Value A, Value C, Value Acc, int64_t Leaves) {
  return create<tile::DotOp>(Acc.getType(), A, C, Acc, Leaves);
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
Value KernelBody::filled(ArrayRef<int64_t> Shape, double Number, Type Element) {
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
  return isa<FloatType>(elementOf(Block)) ? convertFloat(Block, Element)
                                          : Block;
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
                filled(Type.getDimSize(0), kLowest, Type.getElementType()));
}
Value KernelBody::rowMinIndex(Value Block) {
  auto Type = cast<VectorType>(Block.getType());
  return reduce(Block, vector::CombiningKind::MINSI,
                filled(Type.getDimSize(0), INT32_MAX, Type.getElementType()));
}
Value KernelBody::silu(Value Block) { return m1::silu(*this, Block); }

Value KernelBody::addF(Value A, Value C) { return create<arith::AddFOp>(A, C); }
Value KernelBody::subF(Value A, Value C) { return create<arith::SubFOp>(A, C); }
Value KernelBody::mulF(Value A, Value C) { return create<arith::MulFOp>(A, C); }
Value KernelBody::divF(Value A, Value C) { return create<arith::DivFOp>(A, C); }
Value KernelBody::expF(Value A) { return create<math::ExpOp>(A); }
