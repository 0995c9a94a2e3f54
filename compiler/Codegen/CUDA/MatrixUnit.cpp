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
// Operands that lie in global memory pass through shared memory in tiles along
// k (Staging.h): while one is multiplied, the next ones are on their way.
//
// The order of a sum depends on k alone: steps of 16 ascend, what happens
// inside one is the unit's own, and rows do not see each other.
//
//===----------------------------------------------------------------------===//

#include "compiler/Codegen/CUDA/Products.h"
#include "compiler/Codegen/CUDA/WarpLowering.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;
using namespace m1;
using namespace m1::codegen;

static constexpr int64_t kMostUnrolledDepth = 256;

void WarpLowering::lowerDot(tile::DotOp Dot, const Access &C, const Extent &E) {
  auto Product = Dot->getAttrOfType<tile::ProductAttr>(kProductAttr);
  if (Product.getMethod() == tile::ProductMethod::Split)
    return dotSplit(Dot, C, E);
  if (Product.getMethod() == tile::ProductMethod::Shared)
    return dotShared(Dot, C, E);
  // Warps whose rows nobody looks at have nothing to multiply.
  Location Loc = Dot.getLoc();
  Value Used;
  if (E.Rows) {
    Value Tile =
        B.create<arith::RemUIOp>(Loc, Warp, constantIndex(C.Held->WarpsDown));
    Used = below(Loc,
                 B.create<arith::MulIOp>(
                     Loc, Tile, constantIndex(RegisterLayout::kTileRows)),
                 E.Rows);
  }
  if (Product.getMethod() == tile::ProductMethod::Matrix) {
    dotUnits(Dot, Product, C, Used);
  } else {
    Exchange Copies(*this);
    Copies.prepare(Dot.getB(), nullptr);
    Copies.prepare(Dot.getA(), nullptr);
    ifThen(Loc, Used, [&] { dotFused(Dot, C); });
  }
  Synchronized = false;
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

Access WarpLowering::keepLeft(tile::DotOp Dot, const Access &Left) {
  auto Product = Dot->getAttrOfType<tile::ProductAttr>(kProductAttr);
  if (!Product.getLeft() ||
      Product.getLeft().getSource() != tile::OperandSource::Shared)
    return {};
  return inShared(Dot.getA());
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

WarpLowering::LeftSide WarpLowering::leftOf(MatrixProduct &D, int64_t Down,
                                            const Step &At) {
  Location Loc = D.Dot.getLoc();
  Value InQuad = inQuad(Loc, D.At);
  // Registers in the unit's order: both rows at the first k, then at the
  // second.
  LeftSide Result;
  for (int64_t Part = 0; Part < 2; ++Part)
    for (int64_t Half = 0; Half < 2; ++Half) {
      Position P;
      P.Row = plus(Loc, D.Row0, D.C.Held->rowOffset(Down, Half));
      P.Col = B.create<arith::AddIOp>(
          Loc, plus(Loc, At.First, At.Number * kUnitDepth + 8 * Part), InQuad);
      P.Aligned = 2;
      if (D.Held) {
        P.Held = D.Held;
        P.Slot =
            D.Held->slot(Down, 2 * (At.StepsBefore + At.Number) + Part, Half);
      }
      SmallVector<Value> Two = pairAt(D.Dot.getA(), P);
      if (D.Dot.getA().getType().getElementType().isBF16()) {
        Result.Near.push_back(pack(Loc, Two[0], Two[1]));
        continue;
      }
      SmallVector<Value> Near, Far;
      for (Value V : Two) {
        Near.push_back(convertFloat(Loc, V, B.getBF16Type()));
        Value Lost = B.create<arith::SubFOp>(
            Loc, V, convertFloat(Loc, Near.back(), B.getF32Type()));
        Far.push_back(convertFloat(Loc, Lost, B.getBF16Type()));
      }
      Result.Near.push_back(pack(Loc, Near[0], Near[1]));
      Result.Far.push_back(pack(Loc, Far[0], Far[1]));
    }
  return Result;
}

void WarpLowering::multiplyStep(MatrixProduct &D, const Step &At) {
  Location Loc = D.Dot.getLoc();
  const RegisterLayout &S = *D.C.Held;
  /// Where a side in shared memory has this step's first k, and which that is.
  auto Find = [&](const Side &From) -> std::pair<Value, Value> {
    if (From.Ring)
      return {sharedAt(Loc, At.Stage, constantIndex(From.Ring->Offset)),
              constantIndex(At.Number * kUnitDepth)};
    return {From.Base, plus(Loc, At.First, At.Number * kUnitDepth)};
  };
  auto [RightBase, RightRow] = Find(D.Right);
  SmallVector<SmallVector<Value>> Right;
  for (int64_t Across = 0; Across < S.tilesAcross();) {
    // Two tiles side by side at once, where there are two.
    const int64_t Tiles = std::min<int64_t>(S.tilesAcross() - Across, 2);
    Value Chunk = B.create<arith::DivUIOp>(Loc, D.TileCol0,
                                           constantIndex(TileLayout::kChunk));
    SmallVector<Value> Words = loadMatrices(
        Loc, D.Right.Layout, RightBase, RightRow, plus(Loc, Chunk, Across),
        D.At, 2 * Tiles, /*Transposed=*/true);
    for (int64_t I = 0; I < Tiles; ++I, ++Across)
      Right.push_back({Words[2 * I], Words[2 * I + 1]});
  }
  for (int64_t Down = 0; Down < S.tilesDown(); ++Down) {
    LeftSide Left;
    if (D.Left.isShared()) {
      auto [Base, Col] = Find(D.Left);
      Value Row = B.create<arith::SubIOp>(
          Loc, plus(Loc, D.Row0, S.rowOffset(Down, 0)),
          B.create<arith::DivUIOp>(Loc, D.At.Lane, constantIndex(4)));
      Value Chunk =
          B.create<arith::DivUIOp>(Loc, Col, constantIndex(TileLayout::kChunk));
      Left.Near = loadMatrices(Loc, D.Left.Layout, Base, Row, Chunk, D.At, 4,
                               /*Transposed=*/false);
    } else {
      Left = leftOf(D, Down, At);
    }
    for (int64_t Across = 0; Across < S.tilesAcross(); ++Across) {
      int64_t Slot = S.slot(Down, Across, 0);
      if (!Left.Far.empty())
        multiply(Loc, D.C, Slot, Left.Far, Right[Across]);
      multiply(Loc, D.C, Slot, Left.Near, Right[Across]);
    }
  }
}

void WarpLowering::dotUnits(tile::DotOp Dot, tile::ProductAttr Product,
                            const Access &C, Value Used) {
  Location Loc = Dot.getLoc();
  const int64_t K = Dot.getA().getType().getDimSize(1);
  const RegisterLayout *Held =
      Product.getLeft().getSource() == tile::OperandSource::Registers
          ? Known.of(Dot.getA().getType().getShape())
          : nullptr;
  MatrixProduct D{Dot, C, Held};
  Exchange Copies(*this);
  // What passes through shared memory, and what lies there.
  int64_t StageBytes = 0;
  Staged LeftRing, RightRing;
  auto Find = [&](Side &Of, Staged &Ring, tile::OperandAttr Chosen, Value Block,
                  int64_t Rows, int64_t Cols) {
    if (Chosen.getSource() == tile::OperandSource::Staged) {
      Copies.prepare(Block, nullptr); // a gather's rows
      Ring.From = LazyLoads.lookup(Block);
      Ring.Offset = StageBytes;
      Of.Layout = TileLayout(Rows, Cols, Chosen);
      Of.Ring = &Ring;
      StageBytes += Of.Layout.bytes();
    } else if (Chosen.getSource() == tile::OperandSource::Shared) {
      const Access In = inShared(Block);
      Of.Layout = TileLayout(Rows, Cols, In.Strides[0]);
      Of.Base = In.Base;
    }
  };
  const int64_t Depth = Product.getDepth();
  LeftRing.IsLeft = true;
  Find(D.Left, LeftRing, Product.getLeft(), Dot.getA(), C.Held->Rows,
       Depth ? Depth : K);
  Find(D.Right, RightRing, Product.getRight(), Dot.getB(), Depth ? Depth : K,
       C.Held->Cols);
  if (!D.Left.isShared())
    Copies.prepare(Dot.getA(), Held);
  D.At = here(Loc);
  D.Row0 = firstRow(Loc, *C.Held, D.At);
  D.TileCol0 = firstTileCol(Loc, *C.Held, D.At);

  if (D.Left.Ring || D.Right.Ring)
    return pipeline(D, Product, StageBytes, Used);
  ifThen(Loc, Used, [&] {
    if (Held || K <= kMostUnrolledDepth) {
      for (int64_t Number = 0; Number < K / kUnitDepth; ++Number)
        multiplyStep(D, {constantIndex(0), Value(), Number});
      return;
    }
    auto Loop = B.create<scf::ForOp>(Loc, constantIndex(0), constantIndex(K),
                                     constantIndex(kUnitDepth));
    OpBuilder::InsertionGuard Guard(B);
    B.setInsertionPoint(Loop.getBody()->getTerminator());
    multiplyStep(D, {Loop.getInductionVar()});
  });
}

void WarpLowering::pipeline(MatrixProduct &D, tile::ProductAttr Product,
                            int64_t StageBytes, Value Used) {
  Location Loc = D.Dot.getLoc();
  const int64_t Tile = Product.getDepth(), Stages = Product.getStages();
  const int64_t Tiles = D.Dot.getA().getType().getDimSize(1) / Tile;
  Value Base =
      allocate(VectorType::get({Stages * StageBytes}, B.getI8Type())).Base;
  Value Thread = B.create<arith::AddIOp>(
      Loc, B.create<arith::MulIOp>(Loc, D.At.Warp, constantIndex(kLanes)),
      D.At.Lane);
  for (Side *From : {&D.Left, &D.Right})
    if (From->Ring)
      findSourceRows(Loc, *From, Thread);

  /// Starts to copy the tiles from k = `First` on to the stage at `Offset`.
  auto Issue = [&](Value First, Value Offset) {
    Value Stage = sharedAt(Loc, Base, Offset);
    for (const Side *From : {&D.Left, &D.Right})
      if (From->Ring)
        copyTile(Loc, *From, Thread, First,
                 sharedAt(Loc, Stage, constantIndex(From->Ring->Offset)));
  };
  auto Commit = [&] { B.create<NVVM::CpAsyncCommitGroupOp>(Loc); };
  /// Waits for the oldest tile: all threads' parts of it, and until none reads
  /// the one before, whose place is taken next.
  auto Wait = [&] {
    B.create<NVVM::CpAsyncWaitGroupOp>(Loc, std::max<int64_t>(Stages - 2, 0));
    B.create<gpu::BarrierOp>(Loc);
  };
  auto Multiply = [&](Value First, int64_t StepsBefore, Value Offset) {
    ifThen(Loc, Used, [&] {
      Value Stage = sharedAt(Loc, Base, Offset);
      for (int64_t Number = 0; Number < Tile / kUnitDepth; ++Number)
        multiplyStep(D, {First, Stage, Number, StepsBefore});
    });
  };

  // Others may still read what lies where the first tiles will.
  barrier(Loc);
  const int64_t Ahead = std::max<int64_t>(Stages - 1, 1);
  for (int64_t T = 0; T < Ahead; ++T) {
    Issue(constantIndex(T * Tile), constantIndex(T * StageBytes));
    Commit();
  }
  if (D.Held || Tiles <= 2) {
    // Registers have names: every step is written out.
    for (int64_t T = 0; T < Tiles; ++T) {
      Wait();
      if (int64_t Next = T + Ahead; Next < Tiles) {
        Issue(constantIndex(Next * Tile),
              constantIndex(Next % Stages * StageBytes));
      }
      Commit();
      Multiply(constantIndex(T * Tile), T * (Tile / kUnitDepth),
               constantIndex(T % Stages * StageBytes));
    }
    return;
  }
  // The stage that is multiplied, and the one that is filled meanwhile.
  auto Loop = B.create<scf::ForOp>(
      Loc, constantIndex(0), constantIndex(Tiles * Tile), constantIndex(Tile),
      ValueRange{constantIndex(0), constantIndex(Ahead * StageBytes)});
  OpBuilder::InsertionGuard Guard(B);
  B.setInsertionPointToStart(Loop.getBody());
  Value First = Loop.getInductionVar();
  Wait();
  Value Next = plus(Loc, First, Ahead * Tile);
  ifThen(Loc, below(Loc, Next, constantIndex(Tiles * Tile)),
         [&] { Issue(Next, Loop.getRegionIterArg(1)); });
  Commit();
  Multiply(First, -1, Loop.getRegionIterArg(0));
  SmallVector<Value> After;
  for (Value Offset : Loop.getRegionIterArgs()) {
    Value Further = plus(Loc, Offset, StageBytes);
    Value IsLast =
        B.create<arith::CmpIOp>(Loc, arith::CmpIPredicate::eq, Further,
                                constantIndex(Stages * StageBytes));
    After.push_back(
        B.create<arith::SelectOp>(Loc, IsLast, constantIndex(0), Further));
  }
  B.create<scf::YieldOp>(Loc, After);
}
