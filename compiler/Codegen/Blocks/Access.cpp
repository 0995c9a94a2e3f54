//===- Access.cpp - addresses of a block's elements -----------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Codegen/Blocks/Access.h"

#include "compiler/Support/BufferAlignment.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"

#include <numeric>

using namespace mlir;
using namespace m1;
using namespace m1::codegen;

Extent Extent::of(VectorType Type) {
  Extent E;
  E.ColCount = Type.getShape().back();
  if (Type.getRank() == 2)
    E.RowCount = Type.getDimSize(0);
  return E;
}

//===----------------------------------------------------------------------===//
// Alignment
//===----------------------------------------------------------------------===//

static int64_t bytesOf(Type Element) {
  return std::max<int64_t>(1, Element.getIntOrFloatBitWidth() / 8);
}

int64_t m1::codegen::bufferAlignment(Type Element) {
  return kBufferAlignment / bytesOf(Element);
}

/// A known divisor of an index of the kernel.
static int64_t divisorOf(Value Index) {
  APInt Constant;
  if (matchPattern(Index, m_ConstantInt(&Constant)))
    return Constant.isZero() ? kBufferAlignment : Constant.getSExtValue();
  if (auto Product = Index.getDefiningOp<arith::MulIOp>())
    return divisorOf(Product.getLhs()) * divisorOf(Product.getRhs());
  return 1;
}

static SmallVector<int64_t> stridesOf(MemRefType Type) {
  int64_t Offset;
  SmallVector<int64_t> Strides;
  [[maybe_unused]] LogicalResult Static =
      getStridesAndOffset(Type, Strides, Offset);
  assert(succeeded(Static) && "kernels take memrefs with static strides");
  return Strides;
}

int64_t m1::codegen::pairAlignment(MemRefType Type, ValueRange Indices) {
  const SmallVector<int64_t> Strides = stridesOf(Type);
  const size_t Row = Strides.size() - 2; // and what follows: of a row
  int64_t Alignment = bufferAlignment(Type.getElementType());
  for (auto [Axis, Stride] : llvm::enumerate(Strides))
    if (Axis < Row)
      Alignment = std::gcd(Alignment, Stride);
    else if (Axis < Indices.size())
      Alignment = std::gcd(Alignment, divisorOf(Indices[Axis]) * Stride);
  return Alignment;
}

int64_t m1::codegen::rowAlignment(MemRefType Type, Value Col) {
  const SmallVector<int64_t> Strides = stridesOf(Type);
  // A matrix that is a range of another's columns may start at any of them.
  int64_t Alignment = Type.getRank() == 2 && !Type.getLayout().isIdentity()
                          ? 1
                          : bufferAlignment(Type.getElementType());
  for (int64_t Stride : ArrayRef(Strides).drop_back(Strides.empty() ? 0 : 1))
    Alignment = std::gcd(Alignment, Stride);
  return Col && Strides.back() == 1 ? std::gcd(Alignment, divisorOf(Col))
                                    : Alignment;
}

/// The alignment of the elements at `P`, in bytes.
static unsigned alignmentAt(const Access &A, const Position &P) {
  return bytesOf(A.Element) * std::gcd(A.RowAlignment, P.Alignment);
}

//===----------------------------------------------------------------------===//
// Addresses
//===----------------------------------------------------------------------===//

Type m1::codegen::widened(Type Element, int64_t Width) {
  return Width == 1 ? Element : VectorType::get({Width}, Element);
}

Type m1::codegen::storedType(Type Element) {
  return Element.isBF16() ? Type(IntegerType::get(Element.getContext(), 16))
                          : Element;
}

Access m1::codegen::accessMemRef(ScalarBuilder &B, Value Base, MemRefType Type,
                                 ValueRange Indices, ArrayRef<int64_t> Dims) {
  const SmallVector<int64_t> Strides = stridesOf(Type);
  Value Start = B.index(0);
  for (auto [Index, Stride] : llvm::zip(Indices, Strides))
    Start = B.plus(Start, B.times(Index, Stride));
  Access A;
  A.Base = B.create<LLVM::GEPOp>(Base.getType(), Type.getElementType(), Base,
                                 ArrayRef<LLVM::GEPArg>{B.toI64(Start)});
  A.Element = Type.getElementType();
  for (int64_t Dim : Dims)
    A.Strides.push_back(Strides[Dim]);
  return A;
}

Value m1::codegen::address(ScalarBuilder &B, const Access &A, Value Row,
                           Value Col) {
  Value Offset = B.times(Col, A.Strides.back());
  if (A.Pairs) {
    Offset = B.plus(Offset, B.modulo(Row, 2));
    Row = B.over(Row, 2);
  }
  if (A.Strides.size() == 2)
    Offset = B.plus(B.times(Row, A.Strides[0]), Offset);
  return B.create<LLVM::GEPOp>(A.Base.getType(), A.Element, A.Base,
                               ArrayRef<LLVM::GEPArg>{B.toI64(Offset)});
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

/// `Read()` of type `T` where `Condition` holds, otherwise zeros.
static Value orZeros(ScalarBuilder &B, Value Condition, Type T,
                     llvm::function_ref<Value()> Read) {
  auto If = B.create<scf::IfOp>(TypeRange{T}, Condition,
                                /*withElseRegion=*/true);
  OpBuilder::InsertionGuard Guard(B);
  B.setInsertionPointToStart(If.thenBlock());
  B.create<scf::YieldOp>(Read());
  B.setInsertionPointToStart(If.elseBlock());
  Value Zero = B.create<arith::ConstantOp>(B.getZeroAttr(T));
  B.create<scf::YieldOp>(Zero);
  return If.getResult(0);
}

Value m1::codegen::loadMemory(ScalarBuilder &B, const Access &A,
                              const Position &P, Value Row) {
  assert((P.Width == 1 || A.Strides.back() == 1) &&
         "a strided row is evaluated element by element");
  const Type Stored = storedType(A.Element);
  const Type Wide = widened(Stored, P.Width);
  auto Load = [&](Value Col, Type T) -> Value {
    return B.create<LLVM::LoadOp>(T, address(B, A, Row, Col),
                                  alignmentAt(A, P));
  };
  auto LoadColumns = [&]() -> Value {
    // The enclosing loop may already enforce the bound.
    if (!A.Cols || (P.Loop && P.Loop->Cols == A.Cols))
      return Load(P.Col, Wide);
    if (P.Width == 1)
      return orZeros(B, B.less(P.Col, A.Cols), Wide,
                     [&] { return Load(P.Col, Wide); });
    // The bound may fall inside this vector: load element by element.
    Value Vector = B.create<arith::ConstantOp>(B.getZeroAttr(Wide));
    for (int64_t I = 0; I < P.Width; ++I) {
      Value Col = B.plus(P.Col, I);
      Value Element = orZeros(B, B.less(Col, A.Cols), Stored,
                              [&] { return Load(Col, Stored); });
      Vector =
          B.create<vector::InsertOp>(Element, Vector, ArrayRef<int64_t>{I});
    }
    return Vector;
  };
  const bool CheckRows = A.Rows && !(P.Loop && P.Loop->Rows == A.Rows);
  Value V = CheckRows ? orZeros(B, B.less(P.Row, A.Rows), Wide, LoadColumns)
                      : LoadColumns();
  return Stored == A.Element
             ? V
             : B.create<arith::BitcastOp>(widened(A.Element, P.Width), V)
                   .getResult();
}

void m1::codegen::storeMemory(ScalarBuilder &B, Value V, const Access &A,
                              const Position &P, Value Row) {
  const Type Stored = storedType(A.Element);
  if (Stored != A.Element)
    V = B.create<arith::BitcastOp>(widened(Stored, P.Width), V);
  // Parts of a cache line would each be written to memory.
  const unsigned Alignment = alignmentAt(A, P);
  const bool IsWholeLine = P.Width * bytesOf(A.Element) == kBufferAlignment &&
                           Alignment == kBufferAlignment;
  B.create<LLVM::StoreOp>(V, address(B, A, Row, P.Col), Alignment,
                          /*isVolatile=*/false,
                          /*isNonTemporal=*/A.Streamed && IsWholeLine);
}

//===----------------------------------------------------------------------===//
// Registers
//===----------------------------------------------------------------------===//

static Value slotAddress(ScalarBuilder &B, const Access &A, int64_t Slot) {
  return B.create<LLVM::GEPOp>(
      A.Base.getType(), storedType(A.Element), A.Base,
      ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(Slot)});
}

Value m1::codegen::loadSlots(ScalarBuilder &B, const Access &A, int64_t Slot,
                             int64_t Width) {
  const Type Stored = storedType(A.Element);
  auto LoadOne = [&](int64_t I) -> Value {
    Value V = B.create<LLVM::LoadOp>(Stored, slotAddress(B, A, Slot + I));
    return Stored == A.Element
               ? V
               : B.create<arith::BitcastOp>(A.Element, V).getResult();
  };
  if (Width == 1)
    return LoadOne(0);
  // Element by element, here and below, so that each gets its own register.
  SmallVector<Value> Elements;
  for (int64_t I = 0; I < Width; ++I)
    Elements.push_back(LoadOne(I));
  return B.create<vector::FromElementsOp>(VectorType::get({Width}, A.Element),
                                          Elements);
}

void m1::codegen::storeSlots(ScalarBuilder &B, Value V, const Access &A,
                             int64_t Slot) {
  const Type Stored = storedType(A.Element);
  auto StoreOne = [&](Value Element, int64_t I) {
    if (Stored != A.Element)
      Element = B.create<arith::BitcastOp>(Stored, Element);
    B.create<LLVM::StoreOp>(Element, slotAddress(B, A, Slot + I));
  };
  auto Type = dyn_cast<VectorType>(V.getType());
  if (!Type)
    return StoreOne(V, 0);
  for (int64_t I = 0; I < Type.getDimSize(0); ++I)
    StoreOne(B.create<vector::ExtractOp>(V, I), I);
}
