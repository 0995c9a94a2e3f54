//===- WarpLowering.cpp - kernels to code for a thread block --------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Codegen/CUDA/WarpLowering.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"

using namespace mlir;
using namespace m1;
using namespace m1::codegen;

/// Rows from this length on are shared out to all warps.
static constexpr int64_t kLongRow = 8; // in threads

WarpLowering::WarpLowering(tile::KernelOp Kernel, OpBuilder &B, Value Thread,
                           Value Shared)
    : BlockLowering(Kernel, B, Shared), kThreads(Kernel.getThreads()),
      kWarps(kThreads / kLanes), Thread(Thread), Entry(B.getInsertionBlock()),
      Known(kWarps) {
  Location Loc = Kernel.getLoc();
  Value Lanes = constantIndex(kLanes);
  Warp = B.create<arith::DivUIOp>(Loc, Thread, Lanes);
  Lane = B.create<arith::RemUIOp>(Loc, Thread, Lanes);
}

//===----------------------------------------------------------------------===//
// Where blocks lie
//===----------------------------------------------------------------------===//

Access WarpLowering::place(Value Block, VectorType Type) {
  const RegisterLayout *S = Known.assigned(Block);
  if (!S) {
    // Only what is looked at is written, but spread blocks, whose registers are
    // all computed, may read past it.
    Access A = allocateRows(Type);
    Extent E = extentOf(Block);
    A.Rows = E.Rows;
    A.Cols = E.Cols;
    return A;
  }
  OpBuilder::InsertionGuard Guard(B);
  B.setInsertionPointToStart(Entry);
  Access A;
  A.Element = Type.getElementType();
  A.Strides.assign(Type.getRank(), 1);
  A.Held = S;
  Value Count = B.create<LLVM::ConstantOp>(Kernel.getLoc(),
                                           B.getI32IntegerAttr(S->slots()));
  A.Base = B.create<LLVM::AllocaOp>(Kernel.getLoc(),
                                    LLVM::LLVMPointerType::get(B.getContext()),
                                    bitsOf(A.Element), Count, /*alignment=*/16);
  return A;
}

//===----------------------------------------------------------------------===//
// Small things
//===----------------------------------------------------------------------===//

Value WarpLowering::plus(Location Loc, Value V, int64_t By) {
  return By ? B.create<arith::AddIOp>(Loc, V, constantIndex(By)).getResult()
            : V;
}

Value WarpLowering::below(Location Loc, Value V, Value Bound) {
  return B.create<arith::CmpIOp>(Loc, arith::CmpIPredicate::slt, V, Bound);
}

void WarpLowering::ifThen(Location Loc, Value Condition,
                          llvm::function_ref<void()> Then) {
  if (!Condition)
    return Then();
  auto If = B.create<scf::IfOp>(Loc, Condition, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard Guard(B);
  B.setInsertionPoint(If.thenBlock()->getTerminator());
  Then();
}

void WarpLowering::barrier(Location Loc) {
  if (!Synchronized)
    B.create<gpu::BarrierOp>(Loc);
  Synchronized = true;
}

WarpLowering::Place WarpLowering::here(Location Loc) {
  // Read anew for each loop nest: LLVM would otherwise keep whatever follows
  // from it, addresses and the exponentials of masks, in registers across all
  // loops around.
  Type I32 = B.getI32Type();
  Value Number = B.create<LLVM::InlineAsmOp>(
                      Loc, I32, ValueRange(), "mov.u32 $0, %tid.x;", "=r",
                      /*has_side_effects=*/true, /*is_align_stack=*/false,
                      LLVM::AsmDialectAttr(), ArrayAttr())
                     .getRes();
  Number = B.create<arith::IndexCastUIOp>(Loc, B.getIndexType(), Number);
  Value Lanes = constantIndex(kLanes);
  return {B.create<arith::DivUIOp>(Loc, Number, Lanes),
          B.create<arith::RemUIOp>(Loc, Number, Lanes)};
}

Value WarpLowering::firstRow(Location Loc, const RegisterLayout &S,
                             const Place &At) {
  Value Tile =
      B.create<arith::RemUIOp>(Loc, At.Warp, constantIndex(S.WarpsDown));
  Value Row = B.create<arith::MulIOp>(Loc, Tile,
                                      constantIndex(RegisterLayout::kTileRows));
  return B.create<arith::AddIOp>(
      Loc, Row, B.create<arith::DivUIOp>(Loc, At.Lane, constantIndex(4)));
}

Value WarpLowering::firstTileCol(Location Loc, const RegisterLayout &S,
                                 const Place &At) {
  Value Share =
      B.create<arith::DivUIOp>(Loc, At.Warp, constantIndex(S.WarpsDown));
  return B.create<arith::MulIOp>(
      Loc, Share, constantIndex(S.tilesAcross() * RegisterLayout::kTileCols));
}

Value WarpLowering::inQuad(Location Loc, const Place &At) {
  return B.create<arith::MulIOp>(
      Loc, B.create<arith::RemUIOp>(Loc, At.Lane, constantIndex(4)),
      constantIndex(2));
}

Value WarpLowering::firstCol(Location Loc, const RegisterLayout &S,
                             const Place &At) {
  return B.create<arith::AddIOp>(Loc, firstTileCol(Loc, S, At),
                                 inQuad(Loc, At));
}

Position WarpLowering::ofRow(const Position &P) const {
  Position Where;
  Where.Col = P.Row;
  if (P.Held && P.Held->OfRows) {
    Where.Held = P.Held->OfRows;
    Where.Slot = P.Held->rowSlotOf(P.Slot);
  }
  return Where;
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

void WarpLowering::share(Location Loc, Value Count,
                         llvm::function_ref<void(Value)> Emit) {
  auto Loop = B.create<scf::ForOp>(Loc, Thread, Count, constantIndex(kThreads));
  OpBuilder::InsertionGuard Guard(B);
  B.setInsertionPoint(Loop.getBody()->getTerminator());
  Emit(Loop.getInductionVar());
  Synchronized = false;
}

void WarpLowering::once(Location Loc, llvm::function_ref<void()> Emit) {
  barrier(Loc);
  ifThen(Loc,
         B.create<arith::CmpIOp>(Loc, arith::CmpIPredicate::eq, Thread,
                                 constantIndex(0)),
         Emit);
  Synchronized = false;
  barrier(Loc);
}

void WarpLowering::forEachShared(Location Loc, const Extent &E, bool Vectorize,
                                 Body Emit) {
  // Neighbouring threads take neighbouring columns: their accesses coalesce.
  constexpr int64_t kWidth = 4; // f32 in the widest access
  const int64_t Width =
      Vectorize && !E.Cols && E.ColCount % kWidth == 0 ? kWidth : 1;
  Value Cols = E.Cols ? E.Cols : constantIndex(E.ColCount / Width);
  Value Count = B.create<arith::MulIOp>(Loc, rowsOf(E), Cols);
  share(Loc, Count, [&](Value I) {
    Position P;
    P.Row = B.create<arith::DivUIOp>(Loc, I, Cols);
    P.Col = B.create<arith::RemUIOp>(Loc, I, Cols);
    if (Width > 1)
      P.Col = B.create<arith::MulIOp>(Loc, P.Col, constantIndex(Width));
    P.Width = P.Aligned = Width;
    P.Loop = &E;
    Emit(P);
  });
}

void WarpLowering::forEachSpread(Location Loc, const RegisterLayout &S,
                                 const Extent *Guard, bool Vectorize,
                                 Body Emit) {
  const Place At = here(Loc);
  Value Row0 = firstRow(Loc, S, At);
  Value Col0 = S.Cols ? firstCol(Loc, S, At) : Value();
  const int64_t Width = Vectorize && !(Guard && Guard->Cols) ? 2 : 1;
  for (int64_t Down = 0; Down < S.tilesDown(); ++Down)
    for (int64_t Half = 0; Half < 2; ++Half) {
      Value Row = plus(Loc, Row0, S.rowOffset(Down, Half));
      Position P;
      P.Held = &S;
      P.Loop = Guard;
      if (!S.Cols) {
        // A value for each row: of the four lanes that have it, one writes.
        Value Bound = Guard ? Guard->Cols : Value();
        Value Inside = Bound ? below(Loc, Row, Bound) : Value();
        if (Guard) {
          Value First = B.create<arith::CmpIOp>(
              Loc, arith::CmpIPredicate::eq,
              B.create<arith::RemUIOp>(Loc, At.Lane, constantIndex(4)),
              constantIndex(0));
          Inside = Inside
                       ? B.create<arith::AndIOp>(Loc, Inside, First).getResult()
                       : First;
        }
        P.Col = Row;
        P.Slot = RegisterLayout::rowSlot(Down, Half);
        ifThen(Loc, Inside, [&] { Emit(P); });
        continue;
      }
      P.Row = Row;
      Value Inside =
          Guard && Guard->Rows ? below(Loc, Row, Guard->Rows) : Value();
      ifThen(Loc, Inside, [&] {
        for (int64_t Across = 0; Across < S.tilesAcross(); ++Across)
          for (int64_t Second = 0; Second < 2; Second += Width) {
            P.Col =
                plus(Loc, Col0, Across * RegisterLayout::kTileCols + Second);
            P.Slot = S.slot(Down, Across, Half) + Second;
            P.Width = Width;
            P.Aligned = Width;
            Value InCols =
                Guard && Guard->Cols ? below(Loc, P.Col, Guard->Cols) : Value();
            ifThen(Loc, InCols, [&] { Emit(P); });
          }
      });
    }
  Synchronized = false;
}

void WarpLowering::forEach(Value Block, const Access &To, const Extent &E,
                           bool Vectorize, Body Emit) {
  Location Loc = Block.getLoc();
  if (To.Held) {
    // All of it, whatever is looked at: registers are never left unwritten.
    Exchange Copies(*this);
    Copies.prepare(Block, To.Held);
    forEachSpread(Loc, *To.Held, nullptr, Vectorize, Emit);
    return;
  }
  // What comes from memory is read as it lies there, by neighbouring threads.
  const RegisterLayout *S =
      reachesHeld(Block) ? Known.assigned(Block) : nullptr;
  Exchange Copies(*this);
  Copies.prepare(Block, S);
  // Other threads may still read what is overwritten here, or read it next.
  barrier(Loc);
  if (S)
    forEachSpread(Loc, *S, &E, Vectorize, Emit);
  else
    forEachShared(Loc, E, Vectorize, Emit);
  barrier(Loc);
}

//===----------------------------------------------------------------------===//
// Exchange
//===----------------------------------------------------------------------===//

void WarpLowering::Exchange::copy(Value Block) {
  if (Parent.Copies.contains(Block))
    return;
  Location Loc = Block.getLoc();
  auto Type = cast<VectorType>(Block.getType());
  const Access From = Parent.Buffers.lookup(Block);
  Access To = Parent.allocate(Type.clone(From.Element));
  Parent.barrier(Loc);
  Extent Whole; // for a rank-1 block: one lane writes
  Whole.ColCount = Type.getShape().back();
  Parent.forEachSpread(Loc, *From.Held, Type.getRank() == 1 ? &Whole : nullptr,
                       /*Vectorize=*/true, [&](const Position &P) {
                         Parent.storeTo(Loc, Parent.loadFrom(Loc, From, P), To,
                                        P);
                       });
  Parent.barrier(Loc);
  Parent.Copies[Block] = To;
}

void WarpLowering::Exchange::prepare(Value Block, const RegisterLayout *Where) {
  if (auto It = Parent.Buffers.find(Block); It != Parent.Buffers.end()) {
    if (It->second.Held && It->second.Held != Where)
      copy(Block);
    return;
  }
  if (auto It = Parent.LazyLoads.find(Block); It != Parent.LazyLoads.end()) {
    if (It->second.RowIndex)
      prepare(It->second.RowIndex, nullptr);
    return;
  }
  Operation *Op = Block.getDefiningOp();
  const RegisterLayout *Inner = Where;
  if (auto Broadcast = dyn_cast<tile::BroadcastOp>(Op))
    Inner = Broadcast.getAxis() == 1 && Where ? Where->OfRows : nullptr;
  else if (!OpTrait::hasElementwiseMappableTraits(Op))
    Inner = nullptr;
  for (Value Operand : Op->getOperands())
    if (isa<VectorType>(Operand.getType()))
      prepare(Operand, Inner);
}

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

Value WarpLowering::combineLanes(Location Loc, vector::CombiningKind Kind,
                                 Value V, ArrayRef<int64_t> Distances) {
  Type I32 = B.getI32Type(), I64 = B.getI64Type();
  auto Word = [&](int64_t Of) -> Value {
    return B.create<arith::ConstantOp>(Loc, B.getI32IntegerAttr(Of));
  };
  Value Lanes = Word(kLanes);
  auto As = [&](Type T, Value From) -> Value {
    return From.getType() == T ? From
                               : B.create<arith::BitcastOp>(Loc, T, From);
  };
  for (int64_t Distance : Distances) {
    Value By = Word(Distance);
    auto Exchanged = [&](Value Bits) -> Value {
      return B
          .create<gpu::ShuffleOp>(Loc, Bits, By, Lanes, gpu::ShuffleMode::XOR)
          .getShuffleResult();
    };
    Value Other;
    if (V.getType().getIntOrFloatBitWidth() == 64) {
      // A half at a time.
      Value Bits = As(I64, V);
      Value Half = B.create<arith::ConstantOp>(Loc, B.getI64IntegerAttr(32));
      Value Upper = B.create<arith::ShRUIOp>(Loc, Bits, Half);
      Value Low = Exchanged(B.create<arith::TruncIOp>(Loc, I32, Bits));
      Value High = Exchanged(B.create<arith::TruncIOp>(Loc, I32, Upper));
      Low = B.create<arith::ExtUIOp>(Loc, I64, Low);
      High = B.create<arith::ExtUIOp>(Loc, I64, High);
      High = B.create<arith::ShLIOp>(Loc, High, Half);
      Other = B.create<arith::OrIOp>(Loc, Low, High);
    } else {
      Other = Exchanged(As(I32, V));
    }
    V = combine(Loc, Kind, V, As(V.getType(), Other));
  }
  return V;
}

void WarpLowering::reduceRows(Value Source, const Extent &E,
                              vector::CombiningKind Kind, Value Init,
                              const Access &Result) {
  Location Loc = Source.getLoc();
  const bool Flat = cast<VectorType>(Source.getType()).getRank() == 1;
  const RegisterLayout *S = Flat ? nullptr : Known.assigned(Source);
  if (S && S->OfRows) {
    Exchange Copies(*this);
    Copies.prepare(Source, S);
    if (isa<VectorType>(Init.getType()))
      Copies.prepare(Init, S->OfRows);
    if (!Result.Held)
      barrier(Loc);
    SmallVector<Value> Partial(S->OfRows->slots());
    forEachSpread(Loc, *S, nullptr, /*Vectorize=*/false, [&](Position P) {
      DenseMap<Value, Value> Memo;
      P.Memo = &Memo;
      Value &Sum = Partial[S->rowSlotOf(P.Slot)];
      Value One = evaluate(Source, P);
      Sum = Sum ? combine(Loc, Kind, Sum, One) : One;
    });
    // Columns lie with four neighbouring lanes.
    for (Value &Sum : Partial)
      Sum = combineLanes(Loc, Kind, Sum, {1, 2});
    Extent Rows;
    Rows.ColCount = S->Rows;
    forEachSpread(
        Loc, *S->OfRows, Result.Held ? nullptr : &Rows,
        /*Vectorize=*/false, [&](const Position &P) {
          Value First = isa<VectorType>(Init.getType()) ? evaluate(Init, P)
                                                        : scalar(Init);
          storeTo(Loc, combine(Loc, Kind, First, Partial[P.Slot]), Result, P);
        });
    if (!Result.Held)
      barrier(Loc);
    return;
  }

  Exchange Copies(*this);
  Copies.prepare(Source, nullptr);
  if (isa<VectorType>(Init.getType()))
    Copies.prepare(Init, nullptr);
  barrier(Loc);
  const bool Shuffles =
      getElementTypeOrSelf(Source.getType()).getIntOrFloatBitWidth() >= 32;
  if (Shuffles && E.ColCount >= kLongRow * kThreads &&
      E.ColCount % kThreads == 0)
    reduceLongRows(Source, E, Kind, Init, Result);
  else
    reduceShortRows(Source, E, Kind, Init, Result, Shuffles);
  Synchronized = false;
  barrier(Loc);
}

Value WarpLowering::alongRow(Value Source, const Extent &E,
                             vector::CombiningKind Kind, Value Row, Value From,
                             int64_t To, int64_t Step) {
  Location Loc = Source.getLoc();
  const bool Flat = cast<VectorType>(Source.getType()).getRank() == 1;
  auto At = [&](Value Col) {
    DenseMap<Value, Value> Memo;
    Position P;
    P.Row = Flat ? Value() : Row;
    P.Col = Col;
    P.Loop = &E;
    P.Memo = &Memo;
    return evaluate(Source, P);
  };
  Value First = At(From);
  auto Loop =
      B.create<scf::ForOp>(Loc, plus(Loc, From, Step), constantIndex(To),
                           constantIndex(Step), ValueRange{First});
  OpBuilder::InsertionGuard Guard(B);
  B.setInsertionPointToStart(Loop.getBody());
  Value Next =
      combine(Loc, Kind, Loop.getRegionIterArg(0), At(Loop.getInductionVar()));
  B.create<scf::YieldOp>(Loc, Next);
  return Loop.getResult(0);
}

void WarpLowering::reduceShortRows(Value Source, const Extent &E,
                                   vector::CombiningKind Kind, Value Init,
                                   const Access &Result, bool Shuffles) {
  Location Loc = Source.getLoc();
  const int64_t Whole = Shuffles ? E.ColCount / kLanes * kLanes : 0;
  auto RowLoop =
      B.create<scf::ForOp>(Loc, Warp, rowsOf(E), constantIndex(kWarps));
  OpBuilder::InsertionGuard Guard(B);
  B.setInsertionPoint(RowLoop.getBody()->getTerminator());
  Position Where;
  Where.Col = RowLoop.getInductionVar();
  Value Total =
      isa<VectorType>(Init.getType()) ? evaluate(Init, Where) : scalar(Init);
  if (Whole > 0) {
    Value Sum = alongRow(Source, E, Kind, Where.Col, Lane, Whole, kLanes);
    Total = combine(Loc, Kind, Total,
                    combineLanes(Loc, Kind, Sum, {16, 8, 4, 2, 1}));
  }
  // The columns past the last whole warp: every lane for itself.
  if (Whole < E.ColCount)
    Total = combine(Loc, Kind, Total,
                    alongRow(Source, E, Kind, Where.Col, constantIndex(Whole),
                             E.ColCount, 1));
  ifThen(Loc,
         B.create<arith::CmpIOp>(Loc, arith::CmpIPredicate::eq, Lane,
                                 constantIndex(0)),
         [&] { storeTo(Loc, Total, Result, Where); });
}

void WarpLowering::reduceLongRows(Value Source, const Extent &E,
                                  vector::CombiningKind Kind, Value Init,
                                  const Access &Result) {
  Location Loc = Source.getLoc();
  const Access OfWarps = allocate(
      VectorType::get({kWarps}, getElementTypeOrSelf(Source.getType())));
  auto RowLoop =
      B.create<scf::ForOp>(Loc, constantIndex(0), rowsOf(E), constantIndex(1));
  OpBuilder::InsertionGuard Guard(B);
  B.setInsertionPoint(RowLoop.getBody()->getTerminator());
  Position Where;
  Where.Col = RowLoop.getInductionVar();
  Value Sum =
      alongRow(Source, E, Kind, Where.Col, Thread, E.ColCount, kThreads);
  Sum = combineLanes(Loc, Kind, Sum, {16, 8, 4, 2, 1});
  auto If = [&](Value Number, llvm::function_ref<void()> Then) {
    ifThen(Loc,
           B.create<arith::CmpIOp>(Loc, arith::CmpIPredicate::eq, Number,
                                   constantIndex(0)),
           Then);
    B.create<gpu::BarrierOp>(Loc);
  };
  If(Lane, [&] {
    Position P;
    P.Col = Warp;
    storeTo(Loc, Sum, OfWarps, P);
  });
  If(Thread, [&] {
    Value Total =
        isa<VectorType>(Init.getType()) ? evaluate(Init, Where) : scalar(Init);
    for (int64_t Number = 0; Number < kWarps; ++Number) {
      Position P;
      P.Col = constantIndex(Number);
      Total = combine(Loc, Kind, Total, loadFrom(Loc, OfWarps, P));
    }
    storeTo(Loc, Total, Result, Where);
  });
}
