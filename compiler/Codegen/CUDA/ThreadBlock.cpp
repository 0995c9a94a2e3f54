//===- ThreadBlock.cpp - the threads of a grid cell -----------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Codegen/CUDA/ThreadBlock.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"

using namespace mlir;
using namespace m1;
using namespace m1::codegen;

ThreadBlock::ThreadBlock(ScalarBuilder &B, int64_t Threads, Value Thread)
    : B(B), Threads(Threads), Thread(Thread),
      Id({B.over(Thread, kLanes), B.modulo(Thread, kLanes)}) {}

ThreadId ThreadBlock::readId() {
  Value Number = B.create<LLVM::InlineAsmOp>(
                      B.getI32Type(), ValueRange(), "mov.u32 $0, %tid.x;", "=r",
                      /*has_side_effects=*/true, /*is_align_stack=*/false,
                      LLVM::AsmDialectAttr(), ArrayAttr())
                     .getRes();
  Number = B.create<arith::IndexCastUIOp>(B.getIndexType(), Number);
  return {B.over(Number, kLanes), B.modulo(Number, kLanes)};
}

//===----------------------------------------------------------------------===//
// Blocks in registers
//===----------------------------------------------------------------------===//

Value ThreadBlock::firstTileRow(const RegisterLayout &L, const ThreadId &Id) {
  return B.times(B.modulo(Id.Warp, L.WarpsDown), RegisterLayout::kTileRows);
}

Value ThreadBlock::firstRow(const RegisterLayout &L, const ThreadId &Id) {
  return B.plus(firstTileRow(L, Id),
                B.over(Id.Lane, RegisterLayout::kLanesPerRow));
}

Value ThreadBlock::firstTileCol(const RegisterLayout &L, const ThreadId &Id) {
  return B.times(B.over(Id.Warp, L.WarpsDown),
                 L.tilesAcross() * RegisterLayout::kTileCols);
}

Value ThreadBlock::colInTile(const ThreadId &Id) {
  return B.times(B.modulo(Id.Lane, RegisterLayout::kLanesPerRow), 2);
}

Value ThreadBlock::firstCol(const RegisterLayout &L, const ThreadId &Id) {
  return B.plus(firstTileCol(L, Id), colInTile(Id));
}

void ThreadBlock::forEachRowSlot(const RegisterLayout &L, const Extent *Guard,
                                 const ThreadId &Id, Body Emit) {
  Value Row0 = firstRow(L, Id);
  for (int64_t Down = 0; Down < L.tilesDown(); ++Down)
    for (int64_t Half = 0; Half < 2; ++Half) {
      Value Row = B.plus(Row0, L.rowOffset(Down, Half));
      Value Inside;
      if (Guard) {
        // Of the lanes that share the row, one emits.
        if (Guard->Cols)
          Inside = B.less(Row, Guard->Cols);
        Inside =
            B.both(Inside,
                   B.equal(B.modulo(Id.Lane, RegisterLayout::kLanesPerRow), 0));
      }
      const Position P{
          {}, Row, 1, 1, Guard, &L, RegisterLayout::rowSlot(Down, Half)};
      B.ifThen(Inside, [&] { Emit(P); });
    }
}

void ThreadBlock::forEachElementSlot(const RegisterLayout &L,
                                     const Extent *Guard, const ThreadId &Id,
                                     int64_t Width, Body Emit) {
  Value Row0 = firstRow(L, Id), Col0 = firstCol(L, Id);
  auto EmitRow = [&](Value Row, int64_t Down, int64_t Half) {
    for (int64_t Across = 0; Across < L.tilesAcross(); ++Across)
      for (int64_t Second = 0; Second < 2; Second += Width) {
        Value Col = B.plus(Col0, Across * RegisterLayout::kTileCols + Second);
        const Position P{Row,
                         Col,
                         Width,
                         /*Alignment=*/Width,
                         Guard,
                         &L,
                         L.slot(Down, Across, Half) + Second};
        B.ifThen(Guard && Guard->Cols ? B.less(Col, Guard->Cols) : Value(),
                 [&] { Emit(P); });
      }
  };
  for (int64_t Down = 0; Down < L.tilesDown(); ++Down)
    for (int64_t Half = 0; Half < 2; ++Half) {
      Value Row = B.plus(Row0, L.rowOffset(Down, Half));
      B.ifThen(Guard && Guard->Rows ? B.less(Row, Guard->Rows) : Value(),
               [&] { EmitRow(Row, Down, Half); });
    }
}

void ThreadBlock::forEachSlot(const RegisterLayout &L, const Extent *Guard,
                              bool Vectorize, Body Emit) {
  const ThreadId Id = readId();
  if (L.Cols)
    forEachElementSlot(L, Guard, Id,
                       Vectorize && !(Guard && Guard->Cols) ? 2 : 1, Emit);
  else
    forEachRowSlot(L, Guard, Id, Emit);
  invalidateBarrier();
}

//===----------------------------------------------------------------------===//
// Sharing and communication
//===----------------------------------------------------------------------===//

void ThreadBlock::share(Value Count, llvm::function_ref<void(Value)> Emit) {
  B.loop(Thread, Count, Emit, Threads);
  invalidateBarrier();
}

void ThreadBlock::barrier() {
  if (!Synchronized)
    B.create<gpu::BarrierOp>();
  Synchronized = true;
}

void ThreadBlock::once(llvm::function_ref<void()> Emit) {
  barrier();
  B.ifThen(B.equal(Thread, 0), Emit);
  invalidateBarrier();
  barrier();
}

Value ThreadBlock::shuffle(Value V, int64_t Distance) {
  Type I32 = B.getI32Type(), I64 = B.getI64Type();
  auto Word = [&](int64_t Of) -> Value {
    return B.create<arith::ConstantOp>(B.getI32IntegerAttr(Of));
  };
  auto As = [&](Type T, Value From) -> Value {
    return From.getType() == T ? From : B.create<arith::BitcastOp>(T, From);
  };
  auto ShuffleWord = [&](Value Bits) -> Value {
    return B
        .create<gpu::ShuffleOp>(Bits, Word(Distance), Word(kLanes),
                                gpu::ShuffleMode::XOR)
        .getShuffleResult();
  };
  if (V.getType().getIntOrFloatBitWidth() != 64)
    return As(V.getType(), ShuffleWord(As(I32, V)));
  Value Bits = As(I64, V);
  Value Half = B.create<arith::ConstantOp>(B.getI64IntegerAttr(32));
  Value Upper = B.create<arith::ShRUIOp>(Bits, Half);
  Value Low = ShuffleWord(B.create<arith::TruncIOp>(I32, Bits));
  Value High = ShuffleWord(B.create<arith::TruncIOp>(I32, Upper));
  Low = B.create<arith::ExtUIOp>(I64, Low);
  High = B.create<arith::ExtUIOp>(I64, High);
  High = B.create<arith::ShLIOp>(High, Half);
  return As(V.getType(), B.create<arith::OrIOp>(Low, High));
}

Value ThreadBlock::combineLanes(vector::CombiningKind Kind, Value V,
                                ArrayRef<int64_t> Distances) {
  for (int64_t Distance : Distances)
    V = vector::makeArithReduction(B, B.getLoc(), Kind, V,
                                   shuffle(V, Distance));
  return V;
}
