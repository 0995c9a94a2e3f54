//===- FusedProducts.cpp - products by multiply-adds ----------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What matrix units do not multiply: numbers other than bf16, blocks that no
// register layout holds. Every sum is a chain of fused multiply-adds in the
// order of k, or 128 such chains that are added in a fixed order.
//
//===----------------------------------------------------------------------===//

#include "compiler/Codegen/CUDA/Products.h"
#include "compiler/Codegen/CUDA/WarpLowering.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"

using namespace mlir;
using namespace m1;
using namespace m1::codegen;

void WarpLowering::dotShared(tile::DotOp Dot, const Access &C,
                             const Extent &E) {
  Location Loc = Dot.getLoc();
  Exchange Copies(*this);
  Copies.prepare(Dot.getA(), nullptr);
  Copies.prepare(Dot.getB(), nullptr);
  barrier(Loc);
  const int64_t K = Dot.getA().getType().getDimSize(1);
  forEachShared(Loc, E, /*Vectorize=*/false, [&](const Position &P) {
    auto Loop =
        B.create<scf::ForOp>(Loc, constantIndex(0), constantIndex(K),
                             constantIndex(1), ValueRange{loadFrom(Loc, C, P)});
    {
      OpBuilder::InsertionGuard Guard(B);
      B.setInsertionPointToStart(Loop.getBody());
      Value X = elementAt(Dot.getA(), P.Row, Loop.getInductionVar(), C.Element);
      Value Y = elementAt(Dot.getB(), Loop.getInductionVar(), P.Col, C.Element);
      Value Next = B.create<LLVM::FMAOp>(Loc, X, Y, Loop.getRegionIterArg(0));
      B.create<scf::YieldOp>(Loc, Next);
    }
    storeTo(Loc, Loop.getResult(0), C, P);
  });
  barrier(Loc);
}

void WarpLowering::dotSplit(tile::DotOp Dot, const Access &C, const Extent &E) {
  Location Loc = Dot.getLoc();
  auto Type = Dot.getResult().getType();
  const int64_t K = Dot.getA().getType().getDimSize(1);
  const int64_t Cols = Type.getDimSize(1);
  // So many rows share what is read of the right side.
  int64_t Rows = kMostSplitSums / Cols;
  while (Type.getDimSize(0) % Rows != 0)
    --Rows;
  const int64_t Sums = Rows * Cols;
  const int64_t Width =
      isVectorizable(Dot.getB()) && Cols % 4 == 0 ? 4 : 1; // of 16 bytes
  Exchange Copies(*this);
  Copies.prepare(Dot.getA(), nullptr);
  Copies.prepare(Dot.getB(), nullptr);
  const Access OfWarps = allocate(VectorType::get({kWarps, Sums}, C.Element));
  barrier(Loc);
  auto RowLoop = B.create<scf::ForOp>(Loc, constantIndex(0), rowsOf(E),
                                      constantIndex(Rows));
  OpBuilder::InsertionGuard Guard(B);
  B.setInsertionPoint(RowLoop.getBody()->getTerminator());
  Value Row0 = RowLoop.getInductionVar();

  Value Zero = B.create<arith::ConstantOp>(Loc, B.getF32FloatAttr(0));
  auto Loop =
      B.create<scf::ForOp>(Loc, Thread, constantIndex(K),
                           constantIndex(kThreads), SmallVector(Sums, Zero));
  {
    OpBuilder::InsertionGuard Guard(B);
    B.setInsertionPointToStart(Loop.getBody());
    Value Depth = Loop.getInductionVar();
    SmallVector<Value> Right;
    for (int64_t Col = 0; Col < Cols; Col += Width) {
      Position P;
      P.Row = Depth;
      P.Col = constantIndex(Col);
      P.Width = P.Aligned = Width;
      DenseMap<Value, Value> Memo;
      P.Memo = &Memo;
      Value Some = convertFloat(Loc, evaluate(Dot.getB(), P), B.getF32Type());
      for (int64_t I = 0; I < Width; ++I)
        Right.push_back(
            Width == 1 ? Some
                       : B.create<vector::ExtractOp>(Loc, Some, I).getResult());
    }
    SmallVector<Value> Next;
    for (int64_t Row = 0; Row < Rows; ++Row) {
      Value Left =
          elementAt(Dot.getA(), plus(Loc, Row0, Row), Depth, B.getF32Type());
      for (int64_t Col = 0; Col < Cols; ++Col)
        Next.push_back(B.create<LLVM::FMAOp>(
            Loc, Left, Right[Col], Loop.getRegionIterArg(Row * Cols + Col)));
    }
    B.create<scf::YieldOp>(Loc, Next);
  }

  // Lanes, then warps in order.
  SmallVector<Value> OfLanes;
  for (Value Sum : Loop.getResults())
    OfLanes.push_back(
        combineLanes(Loc, vector::CombiningKind::ADD, Sum, {16, 8, 4, 2, 1}));
  Position P;
  P.Row = Warp;
  ifThen(Loc,
         B.create<arith::CmpIOp>(Loc, arith::CmpIPredicate::eq, Lane,
                                 constantIndex(0)),
         [&] {
           for (auto [I, Sum] : llvm::enumerate(OfLanes)) {
             P.Col = constantIndex(I);
             storeTo(Loc, Sum, OfWarps, P);
           }
         });
  B.create<gpu::BarrierOp>(Loc);
  share(Loc, constantIndex(Sums), [&](Value I) {
    Position To;
    To.Row = B.create<arith::AddIOp>(
        Loc, Row0, B.create<arith::DivUIOp>(Loc, I, constantIndex(Cols)));
    To.Col = B.create<arith::RemUIOp>(Loc, I, constantIndex(Cols));
    auto Inside = E.Rows ? below(Loc, To.Row, E.Rows) : Value();
    ifThen(Loc, Inside, [&] {
      Value Total = loadFrom(Loc, C, To);
      for (int64_t Number = 0; Number < kWarps; ++Number) {
        Position From;
        From.Row = constantIndex(Number);
        From.Col = I;
        Total =
            B.create<arith::AddFOp>(Loc, Total, loadFrom(Loc, OfWarps, From));
      }
      storeTo(Loc, Total, C, To);
    });
  });
  B.create<gpu::BarrierOp>(Loc);
  Synchronized = false;
}

Value WarpLowering::elementAt(Value Block, Value Row, Value Col, Type Element) {
  Position P;
  P.Row = Row;
  P.Col = Col;
  DenseMap<Value, Value> Memo;
  P.Memo = &Memo;
  return convertFloat(Block.getLoc(), evaluate(Block, P), Element);
}

void WarpLowering::dotFused(tile::DotOp Dot, const Access &C) {
  Location Loc = Dot.getLoc();
  const RegisterLayout &S = *C.Held;
  const int64_t K = Dot.getA().getType().getDimSize(1);
  const Place At = here(Loc);
  Value Row0 = firstRow(Loc, S, At), Col0 = firstCol(Loc, S, At);
  auto Loop = B.create<scf::ForOp>(Loc, constantIndex(0), constantIndex(K),
                                   constantIndex(1));
  OpBuilder::InsertionGuard Guard(B);
  B.setInsertionPoint(Loop.getBody()->getTerminator());
  Value Depth = Loop.getInductionVar();
  SmallVector<Value> Right;
  for (int64_t Across = 0; Across < S.tilesAcross(); ++Across)
    for (int64_t Second = 0; Second < 2; ++Second)
      Right.push_back(elementAt(
          Dot.getB(), Depth,
          plus(Loc, Col0, Across * RegisterLayout::kTileCols + Second),
          C.Element));
  for (int64_t Down = 0; Down < S.tilesDown(); ++Down)
    for (int64_t Half = 0; Half < 2; ++Half) {
      Value Row = plus(Loc, Row0, S.rowOffset(Down, Half));
      Value Left = elementAt(Dot.getA(), Row, Depth, C.Element);
      for (int64_t Across = 0; Across < S.tilesAcross(); ++Across)
        for (int64_t Second = 0; Second < 2; ++Second) {
          int64_t Slot = S.slot(Down, Across, Half) + Second;
          storeHeld(Loc,
                    B.create<LLVM::FMAOp>(Loc, Left, Right[2 * Across + Second],
                                          loadHeld(Loc, C, Slot)),
                    C, Slot);
        }
    }
}
