//===- Evaluate.cpp - block expressions at one position -------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Codegen/Blocks/BlockLowering.h"

#include <numeric>

using namespace mlir;
using namespace m1;
using namespace m1::codegen;

static Type widen(Type Element, int64_t Width) {
  return Width == 1 ? Element : VectorType::get({Width}, Element);
}

Value BlockLowering::constantIndex(int64_t Value) {
  return B.create<arith::ConstantIndexOp>(Kernel.getLoc(), Value);
}

Value BlockLowering::address(Location Loc, const Access &A, Value Row,
                             Value Col) {
  auto Scale = [&](Value Index, int64_t Stride) -> Value {
    return Stride == 1
               ? Index
               : B.create<arith::MulIOp>(Loc, Index, constantIndex(Stride));
  };
  Value Offset = Scale(Col, A.Strides.back());
  if (A.Pairs) {
    Value Two = constantIndex(2);
    Value Second = B.create<arith::RemUIOp>(Loc, Row, Two);
    Offset = B.create<arith::AddIOp>(Loc, Offset, Second);
    Row = B.create<arith::DivUIOp>(Loc, Row, Two);
  }
  if (A.Strides.size() == 2)
    Offset = B.create<arith::AddIOp>(Loc, Scale(Row, A.Strides[0]), Offset);
  Value Wide = B.create<arith::IndexCastOp>(Loc, B.getI64Type(), Offset);
  return B.create<LLVM::GEPOp>(Loc, A.Base.getType(), A.Element, A.Base,
                               ArrayRef<LLVM::GEPArg>{Wide});
}

/// What the address of an access surely is a multiple of; blocks may start
/// anywhere.
static unsigned alignmentOf(const Access &A, const Position &P) {
  unsigned Element = std::max(1u, A.Element.getIntOrFloatBitWidth() / 8);
  return Element * std::gcd(A.Aligned, P.Aligned);
}

Value BlockLowering::rowOf(Location Loc, const Access &A, const Position &P) {
  if (!A.RowIndex)
    return P.Row;
  // A gather or scatter: the row's own index.
  Position Where;
  Where.Col = P.Row;
  Extent Turned;
  if (P.Loop) {
    Turned.Cols = P.Loop->Rows;
    Where.Loop = &Turned;
  }
  return B.create<arith::IndexCastOp>(Loc, B.getIndexType(),
                                      evaluate(A.RowIndex, Where));
}

/// bf16 is kept as bits wherever it is not being computed with: LLVM would
/// widen and round it again through a library call.
Type BlockLowering::bitsOf(Type Element) {
  return Element.isBF16() ? Type(IntegerType::get(Element.getContext(), 16))
                          : Element;
}

/// The address of a held block's element.
static Value heldAddress(OpBuilder &B, Location Loc, const Access &A, Type Bits,
                         int64_t Slot) {
  return B.create<LLVM::GEPOp>(
      Loc, A.Base.getType(), Bits, A.Base,
      ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(Slot)});
}

Value BlockLowering::loadHeld(Location Loc, const Access &A, int64_t Slot,
                              int64_t Width) {
  Type Bits = bitsOf(A.Element);
  auto One = [&](int64_t I) -> Value {
    Value V = B.create<LLVM::LoadOp>(Loc, Bits,
                                     heldAddress(B, Loc, A, Bits, Slot + I));
    return Bits == A.Element
               ? V
               : B.create<arith::BitcastOp>(Loc, A.Element, V).getResult();
  };
  if (Width == 1)
    return One(0);
  // Element by element, here and below: each becomes a register of its own.
  SmallVector<Value> Elements;
  for (int64_t I = 0; I < Width; ++I)
    Elements.push_back(One(I));
  return B.create<vector::FromElementsOp>(
      Loc, VectorType::get({Width}, A.Element), Elements);
}

void BlockLowering::storeHeld(Location Loc, Value V, const Access &A,
                              int64_t Slot) {
  Type Bits = bitsOf(A.Element);
  auto One = [&](Value Element, int64_t I) {
    if (Bits != A.Element)
      Element = B.create<arith::BitcastOp>(Loc, Bits, Element);
    B.create<LLVM::StoreOp>(Loc, Element,
                            heldAddress(B, Loc, A, Bits, Slot + I));
  };
  auto Type = dyn_cast<VectorType>(V.getType());
  if (!Type)
    return One(V, 0);
  for (int64_t I = 0; I < Type.getDimSize(0); ++I)
    One(B.create<vector::ExtractOp>(Loc, V, I), I);
}

Value BlockLowering::loadFrom(Location Loc, const Access &A,
                              const Position &P) {
  if (A.Held)
    return loadHeld(Loc, A, P.Slot, P.Width);
  assert((P.Width == 1 || A.Strides.back() == 1) &&
         "a strided row is evaluated element by element");
  Value Row = rowOf(Loc, A, P);
  Type Bits = widen(bitsOf(A.Element), P.Width);
  auto Load = [&](Value Col, Type As) -> Value {
    return B.create<LLVM::LoadOp>(Loc, As, address(Loc, A, Row, Col),
                                  alignmentOf(A, P));
  };
  auto AsElement = [&](Value V) -> Value {
    if (!A.Element.isBF16())
      return V;
    return B.create<arith::BitcastOp>(Loc, widen(A.Element, P.Width), V);
  };
  // Which bounds does the loop around not already keep?
  bool CheckRows = A.Rows && !(P.Loop && P.Loop->Rows == A.Rows);
  bool CheckCols = A.Cols && !(P.Loop && P.Loop->Cols == A.Cols);
  if (!CheckRows && !CheckCols)
    return AsElement(Load(P.Col, Bits));

  auto Below = [&](Value I, Value Bound) -> Value {
    return B.create<arith::CmpIOp>(Loc, arith::CmpIPredicate::slt, I, Bound);
  };
  /// `Read` where `Inside`, else zeros.
  auto Guarded = [&](Value Inside, Type T, auto Read) -> Value {
    auto Guard = B.create<scf::IfOp>(Loc, TypeRange{T}, Inside, true);
    OpBuilder::InsertionGuard Saved(B);
    B.setInsertionPointToStart(Guard.thenBlock());
    B.create<scf::YieldOp>(Loc, Read());
    B.setInsertionPointToStart(Guard.elseBlock());
    Value Zero = B.create<arith::ConstantOp>(Loc, B.getZeroAttr(T));
    B.create<scf::YieldOp>(Loc, Zero);
    return Guard.getResult(0);
  };
  auto ReadColumns = [&]() -> Value {
    if (!CheckCols)
      return Load(P.Col, Bits);
    if (P.Width == 1)
      return Guarded(Below(P.Col, A.Cols), Bits,
                     [&] { return Load(P.Col, Bits); });
    // The bound may cut through this vector: take its elements one by one.
    Value Vector = B.create<arith::ConstantOp>(Loc, B.getZeroAttr(Bits));
    for (int64_t I = 0; I < P.Width; ++I) {
      Value Col = B.create<arith::AddIOp>(Loc, P.Col, constantIndex(I));
      Type One = bitsOf(A.Element);
      Value Element =
          Guarded(Below(Col, A.Cols), One, [&] { return Load(Col, One); });
      Vector = B.create<vector::InsertOp>(Loc, Element, Vector,
                                          ArrayRef<int64_t>{I});
    }
    return Vector;
  };
  if (!CheckRows)
    return AsElement(ReadColumns());
  return AsElement(Guarded(Below(P.Row, A.Rows), Bits, ReadColumns));
}

void BlockLowering::storeTo(Location Loc, Value V, const Access &A,
                            const Position &P) {
  Value Converted = convertFloat(Loc, V, A.Element);
  if (A.Held)
    return storeHeld(Loc, Converted, A, P.Slot);
  Value Row = rowOf(Loc, A, P);
  if (A.Element.isBF16())
    Converted = B.create<arith::BitcastOp>(
        Loc, widen(bitsOf(A.Element), P.Width), Converted);
  B.create<LLVM::StoreOp>(Loc, Converted, address(Loc, A, Row, P.Col),
                          alignmentOf(A, P));
}

Value BlockLowering::convertFloat(Location Loc, Value V, Type Element) {
  Type From = getElementTypeOrSelf(V.getType());
  if (From == Element)
    return V;
  Type To = isa<VectorType>(V.getType())
                ? Type(cast<VectorType>(V.getType()).clone(Element))
                : Element;
  unsigned Have = From.getIntOrFloatBitWidth();
  unsigned Want = Element.getIntOrFloatBitWidth();
  if (Have < Want)
    return B.create<arith::ExtFOp>(Loc, To, V);
  if (Have > Want)
    return B.create<arith::TruncFOp>(Loc, To, V);
  // bf16 and f16 meet in f32.
  return convertFloat(Loc, convertFloat(Loc, V, B.getF32Type()), Element);
}

Value BlockLowering::combine(Location Loc, vector::CombiningKind Kind, Value A,
                             Value C) {
  switch (Kind) {
  case vector::CombiningKind::ADD:
    if (isa<FloatType>(getElementTypeOrSelf(A.getType())))
      return B.create<arith::AddFOp>(Loc, A, C);
    return B.create<arith::AddIOp>(Loc, A, C);
  case vector::CombiningKind::MAXNUMF:
  case vector::CombiningKind::MAXIMUMF:
    return B.create<arith::MaxNumFOp>(Loc, A, C);
  case vector::CombiningKind::MINSI:
    return B.create<arith::MinSIOp>(Loc, A, C);
  case vector::CombiningKind::MAXSI:
    return B.create<arith::MaxSIOp>(Loc, A, C);
  default:
    return {};
  }
}

/// The scalar behind a broadcast of one, or null.
static Value splatSource(Operation *Op) {
  if (auto Splat = dyn_cast<vector::SplatOp>(Op))
    return Splat.getInput();
  if (auto Broadcast = dyn_cast<vector::BroadcastOp>(Op))
    if (!isa<VectorType>(Broadcast.getSource().getType()))
      return Broadcast.getSource();
  return {};
}

bool BlockLowering::isVectorizable(Value Block) {
  if (auto It = Buffers.find(Block); It != Buffers.end())
    return It->second.Strides.back() == 1;
  if (auto It = LazyLoads.find(Block); It != LazyLoads.end())
    return It->second.Strides.back() == 1;
  Operation *Op = Block.getDefiningOp();
  if (isa<vector::TransposeOp>(Op))
    return false;
  // A column repeated along rows is read one element a row, whatever it is.
  if (auto Broadcast = dyn_cast<tile::BroadcastOp>(Op))
    if (Broadcast.getAxis() == 1)
      return true;
  return llvm::all_of(Op->getOperands(), [&](Value V) {
    return !isa<VectorType>(V.getType()) || isVectorizable(V);
  });
}

Value BlockLowering::evaluate(Value Block, const Position &P) {
  if (P.Memo)
    if (auto It = P.Memo->find(Block); It != P.Memo->end())
      return It->second;
  auto Remember = [&](Value V) {
    if (P.Memo)
      P.Memo->try_emplace(Block, V);
    return V;
  };
  Location Loc = Block.getLoc();
  auto Type = cast<VectorType>(Block.getType());
  mlir::Type Wide = widen(Type.getElementType(), P.Width);
  auto Splat = [&](Value Scalar) -> Value {
    return P.Width == 1
               ? Scalar
               : B.create<vector::SplatOp>(Loc, Wide, Scalar).getResult();
  };

  if (auto It = Buffers.find(Block); It != Buffers.end()) {
    const Access &From = It->second.Held && It->second.Held != P.Held
                             ? Copies.find(Block)->second
                             : It->second;
    return Remember(
        convertFloat(Loc, loadFrom(Loc, From, P), Type.getElementType()));
  }
  if (auto It = LazyLoads.find(Block); It != LazyLoads.end())
    return Remember(loadFrom(Loc, It->second, P));

  Operation *Op = Block.getDefiningOp();
  if (auto Constant = dyn_cast<arith::ConstantOp>(Op)) {
    auto Dense = cast<DenseElementsAttr>(Constant.getValue());
    Value Scalar = B.create<arith::ConstantOp>(
        Loc, cast<TypedAttr>(Dense.getSplatValue<Attribute>()));
    return Remember(Splat(Scalar));
  }
  if (Value Scalar = splatSource(Op))
    return Remember(Splat(scalar(Scalar)));
  if (auto Broadcast = dyn_cast<vector::BroadcastOp>(Op)) {
    Position Where = P;
    Where.Row = {};
    Where.Memo = nullptr;
    Where.Held = nullptr;
    return Remember(evaluate(Broadcast.getSource(), Where));
  }
  if (auto Broadcast = dyn_cast<tile::BroadcastOp>(Op)) {
    if (Broadcast.getAxis() == 0) {
      Position Where = P;
      Where.Row = {};
      Where.Memo = nullptr;
      Where.Held = nullptr;
      return Remember(evaluate(Broadcast.getOperand(), Where));
    }
    Position Where = ofRow(P);
    Extent Turned;
    if (P.Loop) {
      Turned.Cols = P.Loop->Rows;
      Where.Loop = &Turned;
    }
    return Remember(Splat(evaluate(Broadcast.getOperand(), Where)));
  }
  if (auto Iota = dyn_cast<tile::IotaOp>(Op)) {
    bool Varies = Type.getRank() == 1 || Iota.getAxis() == 1;
    Value First = B.create<arith::IndexCastOp>(Loc, B.getI32Type(),
                                               Varies ? P.Col : P.Row);
    Value Result = Splat(First);
    if (Varies && P.Width > 1) {
      SmallVector<int32_t> Steps(P.Width);
      for (int64_t I = 0; I < P.Width; ++I)
        Steps[I] = static_cast<int32_t>(I);
      Value Step = B.create<arith::ConstantOp>(
          Loc, DenseIntElementsAttr::get(cast<VectorType>(Wide), Steps));
      Result = B.create<arith::AddIOp>(Loc, Result, Step);
    }
    return Remember(Result);
  }
  if (auto Transpose = dyn_cast<vector::TransposeOp>(Op)) {
    Position Where;
    Where.Row = P.Col;
    Where.Col = P.Row;
    Extent Turned;
    if (P.Loop) {
      Turned.Rows = P.Loop->Cols;
      Turned.Cols = P.Loop->Rows;
      Where.Loop = &Turned;
    }
    assert(P.Width == 1 && "transposes are evaluated element by element");
    return Remember(evaluate(Transpose.getVector(), Where));
  }

  // Everything else is elementwise: the same op on elements or vectors of them.
  SmallVector<Value> Operands;
  for (Value Operand : Op->getOperands())
    Operands.push_back(isa<VectorType>(Operand.getType()) ? evaluate(Operand, P)
                                                          : scalar(Operand));
  Operation *New = B.create(Loc, Op->getName().getIdentifier(), Operands,
                            TypeRange{Wide}, Op->getAttrs());
  return Remember(New->getResult(0));
}
