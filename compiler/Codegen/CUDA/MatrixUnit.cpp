//===- MatrixUnit.cpp - products in registers -----------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// mma.sync.m16n8k16 multiplies bf16 and sums in f32. Of its operands a lane l
// holds, two numbers to a register,
//
//   left  [16, 16]   rows l / 4 and l / 4 + 8, at k = 2 (l % 4) and that + 8
//   right [16, 8]    column l / 4, at the same k
//
// so that accumulators of one product are, two tiles side by side, the left
// side of the next. A left side of f32 is split into the nearest bf16 and what
// is left of it, which is multiplied too: its products keep 16 bits and more.
//
// The order of a sum depends on k alone: steps of 16 ascend, what happens
// inside one is the unit's own, and rows do not see each other.
//
//===----------------------------------------------------------------------===//

#include "compiler/Codegen/CUDA/WarpLowering.h"

using namespace mlir;
using namespace m1;
using namespace m1::codegen;

static constexpr int64_t kDepth = 16; // k of one multiplication

static Type elementOf(Value Block) {
  return getElementTypeOrSelf(Block.getType());
}

void WarpLowering::lowerDot(tile::DotOp Dot, const Access &C, const Extent &E) {
  if (!C.Held)
    return dotShared(Dot, C, E);
  // Warps whose rows nobody looks at have nothing to multiply.
  Location Loc = Dot.getLoc();
  Value Used;
  if (E.Rows) {
    Value Tile =
        B.create<arith::RemUIOp>(Loc, Warp, constantIndex(C.Held->WarpsDown));
    Used = below(
        Loc,
        B.create<arith::MulIOp>(Loc, Tile, constantIndex(Spread::kTileRows)),
        E.Rows);
  }
  const bool Units = usesMatrixUnits(Dot);
  const Spread *Left = Known.of(Dot.getA().getType().getShape());
  // The left side stays in registers where it has the accumulators' rows.
  if (!Units || !Left || !Left->OfRows || !C.Held->OfRows)
    Left = nullptr;
  Exchange Copies(*this);
  Copies.prepare(Dot.getA(), Left);
  Copies.prepare(Dot.getB(), nullptr);
  ifThen(Loc, Used, [&] {
    if (Units)
      dotUnits(Dot, C, Left && reachesHeld(Dot.getA()) ? Left : nullptr);
    else
      dotFused(Dot, C);
  });
  Synchronized = false;
}

void WarpLowering::dotShared(tile::DotOp Dot, const Access &C,
                             const Extent &E) {
  Location Loc = Dot.getLoc();
  Exchange Copies(*this);
  Copies.prepare(Dot.getA(), nullptr);
  Copies.prepare(Dot.getB(), nullptr);
  barrier(Loc);
  const int64_t K = Dot.getA().getType().getDimSize(1);
  forEachShared(Loc, E, [&](const Position &P) {
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
  const Spread &S = *C.Held;
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
          plus(Loc, Col0, Across * Spread::kTileCols + Second), C.Element));
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

SmallVector<Value> WarpLowering::pairAt(Value Block, Position P) {
  Location Loc = Block.getLoc();
  DenseMap<Value, Value> Memo;
  P.Memo = &Memo;
  if (isVectorizable(Block)) {
    P.Width = 2;
    Value Both = evaluate(Block, P);
    return {B.create<vector::ExtractOp>(Loc, Both, 0),
            B.create<vector::ExtractOp>(Loc, Both, 1)};
  }
  Value First = evaluate(Block, P);
  DenseMap<Value, Value> Other;
  P.Memo = &Other;
  P.Col = plus(Loc, P.Col, 1);
  P.Aligned = 1;
  ++P.Slot;
  return {First, evaluate(Block, P)};
}

bool WarpLowering::reachesHeld(Value Block) {
  if (auto It = Buffers.find(Block); It != Buffers.end())
    return It->second.Held;
  if (LazyLoads.contains(Block))
    return false;
  return llvm::any_of(Block.getDefiningOp()->getOperands(), [&](Value V) {
    return isa<VectorType>(V.getType()) && reachesHeld(V);
  });
}

//===----------------------------------------------------------------------===//
// Matrix units
//===----------------------------------------------------------------------===//

bool WarpLowering::usesMatrixUnits(tile::DotOp Dot) const {
  Type Left = elementOf(Dot.getA());
  return elementOf(Dot.getB()).isBF16() && (Left.isBF16() || Left.isF32()) &&
         elementOf(Dot.getAcc()).isF32() &&
         Dot.getA().getType().getDimSize(1) % kDepth == 0;
}

Value WarpLowering::pack(Location Loc, Value Low, Value High) {
  // Two bf16 in one register, the first in the low half.
  auto Bits = [&](Value V) -> Value {
    V = B.create<arith::BitcastOp>(Loc, B.getI16Type(), V);
    return B.create<arith::ExtUIOp>(Loc, B.getI32Type(), V);
  };
  Value Sixteen = B.create<arith::ConstantOp>(Loc, B.getI32IntegerAttr(16));
  return B.create<arith::OrIOp>(
      Loc, Bits(Low), B.create<arith::ShLIOp>(Loc, Bits(High), Sixteen));
}

void WarpLowering::multiply(Location Loc, const Access &C, int64_t Slot,
                            ArrayRef<Value> Left, ArrayRef<Value> Right) {
  SmallVector<Value> Operands(Left);
  Operands.append(Right.begin(), Right.end());
  for (int64_t I = 0; I < 4; ++I)
    Operands.push_back(loadHeld(Loc, C, Slot + I));
  auto Result = LLVM::LLVMStructType::getLiteral(
      B.getContext(), SmallVector<Type>(4, B.getF32Type()));
  // nvvm.mma.sync does not take bf16 in MLIR 19.
  Value New = B.create<LLVM::CallIntrinsicOp>(
                   Loc, TypeRange(Result),
                   "llvm.nvvm.mma.m16n8k16.row.col.bf16", Operands)
                  .getResult(0);
  for (int64_t I = 0; I < 4; ++I)
    storeHeld(Loc, B.create<LLVM::ExtractValueOp>(Loc, New, I), C, Slot + I);
}

void WarpLowering::dotUnits(tile::DotOp Dot, const Access &C,
                            const Spread *Held) {
  Location Loc = Dot.getLoc();
  const Spread &S = *C.Held;
  const int64_t K = Dot.getA().getType().getDimSize(1);
  const bool Split = elementOf(Dot.getA()).isF32();
  const Place At = here(Loc);
  Value Row0 = firstRow(Loc, S, At), InQuad = inQuad(Loc, At);
  Value Col0 = B.create<arith::AddIOp>(
      Loc, firstTileCol(Loc, S, At),
      B.create<arith::DivUIOp>(Loc, At.Lane, constantIndex(4)));

  /// One step of k from `First`; `Step` is its number where that is known.
  auto Multiply = [&](Value First, int64_t Step) {
    Value Depth = B.create<arith::AddIOp>(Loc, First, InQuad);
    SmallVector<SmallVector<Value>> Right;
    for (int64_t Across = 0; Across < S.tilesAcross(); ++Across) {
      Value Col = plus(Loc, Col0, Across * Spread::kTileCols);
      SmallVector<Value> &Pairs = Right.emplace_back();
      for (int64_t Part = 0; Part < 2; ++Part) {
        auto At = [&](int64_t Second) {
          return elementAt(Dot.getB(), plus(Loc, Depth, 8 * Part + Second), Col,
                           B.getBF16Type());
        };
        Pairs.push_back(pack(Loc, At(0), At(1)));
      }
    }
    for (int64_t Down = 0; Down < S.tilesDown(); ++Down) {
      // Registers in the unit's order: both rows at the first k, then at the
      // second.
      SmallVector<Value> Left, Rest;
      for (int64_t Part = 0; Part < 2; ++Part)
        for (int64_t Half = 0; Half < 2; ++Half) {
          Position P;
          P.Row = plus(Loc, Row0, S.rowOffset(Down, Half));
          P.Col = plus(Loc, Depth, 8 * Part);
          P.Aligned = 2;
          if (Held) {
            P.Held = Held;
            P.Slot = Held->slot(Down, 2 * Step + Part, Half);
          }
          SmallVector<Value> Two = pairAt(Dot.getA(), P);
          if (!Split) {
            Left.push_back(pack(Loc, Two[0], Two[1]));
            continue;
          }
          SmallVector<Value> Near, Far;
          for (Value V : Two) {
            Near.push_back(convertFloat(Loc, V, B.getBF16Type()));
            Value Lost = B.create<arith::SubFOp>(
                Loc, V, convertFloat(Loc, Near.back(), B.getF32Type()));
            Far.push_back(convertFloat(Loc, Lost, B.getBF16Type()));
          }
          Left.push_back(pack(Loc, Near[0], Near[1]));
          Rest.push_back(pack(Loc, Far[0], Far[1]));
        }
      for (int64_t Across = 0; Across < S.tilesAcross(); ++Across) {
        int64_t Slot = S.slot(Down, Across, 0);
        if (Split)
          multiply(Loc, C, Slot, Rest, Right[Across]);
        multiply(Loc, C, Slot, Left, Right[Across]);
      }
    }
  };
  if (Held) {
    for (int64_t Step = 0; Step < K / kDepth; ++Step)
      Multiply(constantIndex(Step * kDepth), Step);
    return;
  }
  auto Loop = B.create<scf::ForOp>(Loc, constantIndex(0), constantIndex(K),
                                   constantIndex(kDepth));
  OpBuilder::InsertionGuard Guard(B);
  B.setInsertionPoint(Loop.getBody()->getTerminator());
  Multiply(Loop.getInductionVar(), -1);
}
