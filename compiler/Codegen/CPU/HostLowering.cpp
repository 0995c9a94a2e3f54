//===- HostLowering.cpp - kernels to loops for a CPU ----------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Codegen/CPU/HostLowering.h"

#include "llvm/ADT/bit.h"

using namespace mlir;
using namespace m1;
using namespace m1::codegen;

//===----------------------------------------------------------------------===//
// Loops over a block
//===----------------------------------------------------------------------===//

void HostLowering::loop(Location Loc, Value From, Value To, int64_t Step,
                        llvm::function_ref<void(Value)> Emit) {
  auto Loop = B.create<scf::ForOp>(Loc, From, To, constantIndex(Step));
  OpBuilder::InsertionGuard Guard(B);
  B.setInsertionPoint(Loop.getBody()->getTerminator());
  Emit(Loop.getInductionVar());
}

void HostLowering::forEachRow(Location Loc, const Extent &E,
                              llvm::function_ref<void(Value)> Emit) {
  if (!E.Rows && E.RowCount == 1)
    return Emit(constantIndex(0));
  loop(Loc, constantIndex(0), E.Rows ? E.Rows : constantIndex(E.RowCount), 1,
       Emit);
}

void HostLowering::forEach(Value Block, const Access &, const Extent &E,
                           bool Vectorize, Body EmitAt) {
  Location Loc = Block.getLoc();
  const int64_t Lanes = Vectorize ? Shape.Lanes : 1;
  auto Emit = [&](Value Row, Value Col, int64_t Width) {
    Position P;
    P.Row = Row;
    P.Col = Col;
    P.Width = Width;
    P.Loop = &E;
    EmitAt(P);
  };
  forEachRow(Loc, E, [&](Value Row) {
    if (E.Cols) {
      Value Main = constantIndex(0);
      if (Lanes > 1) {
        Value Step = constantIndex(Lanes);
        Main = B.create<arith::DivUIOp>(Loc, E.Cols, Step);
        Main = B.create<arith::MulIOp>(Loc, Main, Step);
        loop(Loc, constantIndex(0), Main, Lanes,
             [&](Value Col) { Emit(Row, Col, Lanes); });
      }
      loop(Loc, Main, E.Cols, 1, [&](Value Col) { Emit(Row, Col, 1); });
      return;
    }
    int64_t Main = E.ColCount / Lanes * Lanes;
    if (Main == Lanes)
      Emit(Row, constantIndex(0), Lanes);
    else if (Main > 0)
      loop(Loc, constantIndex(0), constantIndex(Main), Lanes,
           [&](Value Col) { Emit(Row, Col, Lanes); });
    for (int64_t Col = Main, Width = Lanes / 2; Col < E.ColCount; Width /= 2)
      if (Col + Width <= E.ColCount) {
        Emit(Row, constantIndex(Col), Width);
        Col += Width;
      }
  });
}

void HostLowering::reduceRows(Value Source, const Extent &E,
                              vector::CombiningKind Kind, Value Init,
                              const Access &Result) {
  Location Loc = Source.getLoc();
  const int64_t Lanes = isVectorizable(Source) ? Shape.Lanes : 1;
  const bool Flat = cast<VectorType>(Source.getType()).getRank() == 1;
  const int64_t Main = E.ColCount / Lanes * Lanes;
  auto At = [&](Value Row, Value Col, int64_t Width) {
    DenseMap<Value, Value> Memo;
    Position P;
    P.Row = Flat ? Value() : Row;
    P.Col = Col;
    P.Width = Width;
    P.Loop = &E;
    P.Memo = &Memo;
    return evaluate(Source, P);
  };
  forEachRow(Loc, E, [&](Value Row) {
    // Lanes are combined last, in order, and then the columns past the last
    // whole vector: the order depends on the block's shape alone.
    Value Total;
    if (Main > 0) {
      Value Lanewise = At(Row, constantIndex(0), Lanes);
      if (Main > Lanes) {
        auto Loop =
            B.create<scf::ForOp>(Loc, constantIndex(Lanes), constantIndex(Main),
                                 constantIndex(Lanes), ValueRange{Lanewise});
        OpBuilder::InsertionGuard Guard(B);
        B.setInsertionPointToStart(Loop.getBody());
        Value Next = combine(Loc, Kind, Loop.getRegionIterArg(0),
                             At(Row, Loop.getInductionVar(), Lanes));
        B.create<scf::YieldOp>(Loc, Next);
        Lanewise = Loop.getResult(0);
      }
      Total = Lanewise;
      if (Lanes > 1)
        Total = B.create<vector::ReductionOp>(Loc, Kind, Lanewise);
    }
    for (int64_t Col = Main; Col < E.ColCount; ++Col) {
      Value One = At(Row, constantIndex(Col), 1);
      Total = Total ? combine(Loc, Kind, Total, One) : One;
    }
    Position Where{Value(), Row};
    Value First =
        isa<VectorType>(Init.getType()) ? evaluate(Init, Where) : scalar(Init);
    storeTo(Loc, combine(Loc, Kind, First, Total), Result, Where);
  });
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

Type HostLowering::operandType(tile::DotOp Dot, bool Left) const {
  Value Operand = Left ? Dot.getA() : Dot.getB();
  Type Element = getElementTypeOrSelf(Operand.getType());
  // The left side is read an element at a time and repeated, which is only
  // cheap for what needs no conversion.
  bool IsHalf = Element.isBF16() || Element.isF16();
  return Left && IsHalf && !usesTiles(Dot) ? B.getF32Type() : Element;
}

Access HostLowering::operand(tile::DotOp Dot, Value Block, const Extent &E,
                             bool Left) {
  Type Element = operandType(Dot, Left);
  auto InPlace = [&](const Access &Have) {
    if (Have.Element != Element || Have.RowIndex || Have.Cols)
      return false;
    if (Left)
      return (!Have.Rows || Have.Rows == E.Rows) &&
             (!usesTiles(Dot) || Have.Strides[1] == 1);
    return Have.Pairs == usesTiles(Dot) && (Have.Pairs || Have.Strides[1] == 1);
  };
  if (auto It = LazyLoads.find(Block);
      It != LazyLoads.end() && InPlace(It->second))
    return It->second;
  if (auto It = Buffers.find(Block); It != Buffers.end() && InPlace(It->second))
    return It->second;
  return materialize(Block, Element);
}

Access HostLowering::keepLeft(tile::DotOp Dot, const Access &Left) {
  Type Wanted = operandType(Dot, /*Left=*/true);
  if (!Left.RowIndex && Wanted == Left.Element)
    return {};
  return materialize(Dot.getA(), Wanted);
}

void HostLowering::dotBlock(Location Loc, const Access &A, const Access &Bm,
                            const Access &C, Value Row, Value Col, int64_t Rows,
                            int64_t Vectors, int64_t Lanes, Value Inner) {
  auto RowAt = [&](int64_t I) -> Value {
    return B.create<arith::AddIOp>(Loc, Row, constantIndex(I));
  };
  auto ColAt = [&](int64_t J) -> Value {
    return B.create<arith::AddIOp>(Loc, Col, constantIndex(J * Lanes));
  };
  SmallVector<Value> Sums;
  for (int64_t I = 0; I < Rows; ++I)
    for (int64_t J = 0; J < Vectors; ++J)
      Sums.push_back(loadFrom(Loc, C, {RowAt(I), ColAt(J), Lanes}));

  Access Unbounded = Bm;
  Unbounded.Rows = {};
  Access Left = A;
  Left.Rows = {};
  auto Loop = B.create<scf::ForOp>(Loc, constantIndex(0), Inner,
                                   constantIndex(1), Sums);
  {
    OpBuilder::InsertionGuard Guard(B);
    B.setInsertionPointToStart(Loop.getBody());
    Value K = Loop.getInductionVar();
    SmallVector<Value> Right;
    for (int64_t J = 0; J < Vectors; ++J)
      Right.push_back(convertFloat(
          Loc, loadFrom(Loc, Unbounded, {K, ColAt(J), Lanes}), C.Element));
    SmallVector<Value> Next;
    for (int64_t I = 0; I < Rows; ++I) {
      Value Element =
          convertFloat(Loc, loadFrom(Loc, Left, {RowAt(I), K, 1}), C.Element);
      if (Lanes > 1)
        Element = B.create<vector::SplatOp>(
            Loc, VectorType::get({Lanes}, C.Element), Element);
      for (int64_t J = 0; J < Vectors; ++J)
        Next.push_back(B.create<LLVM::FMAOp>(
            Loc, Element, Right[J], Loop.getRegionIterArg(I * Vectors + J)));
    }
    B.create<scf::YieldOp>(Loc, Next);
  }
  for (int64_t I = 0; I < Rows; ++I)
    for (int64_t J = 0; J < Vectors; ++J)
      storeTo(Loc, Loop.getResult(I * Vectors + J), C,
              {RowAt(I), ColAt(J), Lanes});
}

void HostLowering::dotRows(Location Loc, const Access &A, const Access &Bm,
                           const Access &C, Value Row, int64_t Rows,
                           int64_t Columns, Value Inner) {
  // As many columns at once as leave registers for one row of the right side
  // and a repeated element; a power of two, since blocks' widths mostly are.
  int64_t Vectors = llvm::bit_floor(static_cast<uint64_t>(
      std::clamp<int64_t>((Shape.Registers - 1) / (Rows + 1), 1, 8)));
  int64_t Whole = Columns / Shape.Lanes; // in vectors
  int64_t Done = 0;
  for (; Vectors > 0; Vectors /= 2) {
    int64_t Count = (Whole - Done) / Vectors * Vectors;
    if (Count == 0)
      continue;
    loop(Loc, constantIndex(Done * Shape.Lanes),
         constantIndex((Done + Count) * Shape.Lanes), Vectors * Shape.Lanes,
         [&](Value Col) {
           dotBlock(Loc, A, Bm, C, Row, Col, Rows, Vectors, Shape.Lanes, Inner);
         });
    Done += Count;
  }
  // The columns past the last whole vector.
  int64_t Col = Done * Shape.Lanes;
  for (int64_t Lanes = Shape.Lanes / 2; Lanes > 0; Lanes /= 2)
    if (Columns - Col >= Lanes) {
      dotBlock(Loc, A, Bm, C, Row, constantIndex(Col), Rows, 1, Lanes, Inner);
      Col += Lanes;
    }
}

void HostLowering::lowerDot(tile::DotOp Dot, const Access &C, const Extent &E) {
  Location Loc = Dot.getLoc();
  const int64_t K = Dot.getA().getType().getDimSize(1);
  Access A = operand(Dot, Dot.getA(), E, /*Left=*/true);
  Access Bm = operand(Dot, Dot.getB(), E, /*Left=*/false);
  if (usesTiles(Dot))
    return dotTiles(Loc, A, Bm, C, E, K);
  // Rows of the right side that are zero need not be multiplied.
  Value Inner = Bm.Rows ? Bm.Rows : constantIndex(K);
  constexpr int64_t Tall = 6; // rows that keep the multipliers busy
  if (!E.Rows) {
    int64_t Main = E.RowCount / Tall * Tall;
    if (Main > 0)
      loop(Loc, constantIndex(0), constantIndex(Main), Tall, [&](Value Row) {
        dotRows(Loc, A, Bm, C, Row, Tall, E.ColCount, Inner);
      });
    if (E.RowCount > Main)
      dotRows(Loc, A, Bm, C, constantIndex(Main), E.RowCount - Main, E.ColCount,
              Inner);
    return;
  }
  Value Main = constantIndex(0);
  if (E.RowCount >= Tall) {
    Value Step = constantIndex(Tall);
    Main = B.create<arith::MulIOp>(
        Loc, B.create<arith::DivUIOp>(Loc, E.Rows, Step), Step);
    loop(Loc, constantIndex(0), Main, Tall, [&](Value Row) {
      dotRows(Loc, A, Bm, C, Row, Tall, E.ColCount, Inner);
    });
  }
  // One to five rows are left: a register block for each count, so that a
  // decoding batch of any size reads the right side once.
  Value Left = B.create<arith::SubIOp>(Loc, E.Rows, Main);
  for (int64_t Rows = 1; Rows < std::min(Tall, E.RowCount + 1); ++Rows) {
    Value Is = B.create<arith::CmpIOp>(Loc, arith::CmpIPredicate::eq, Left,
                                       constantIndex(Rows));
    auto If = B.create<scf::IfOp>(Loc, Is, /*withElseRegion=*/false);
    OpBuilder::InsertionGuard Guard(B);
    B.setInsertionPoint(If.thenBlock()->getTerminator());
    dotRows(Loc, A, Bm, C, Main, Rows, E.ColCount, Inner);
  }
}
