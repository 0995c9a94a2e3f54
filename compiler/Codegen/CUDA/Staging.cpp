//===- Staging.cpp - copying operand tiles through shared memory ----------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Codegen/CUDA/Staging.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;
using namespace m1;
using namespace m1::codegen;

unsigned StagingRing::add(const Access &From, const TileLayout &Layout,
                          bool IsLeft) {
  Operands.push_back({From, Layout, StageBytes, IsLeft});
  StageBytes += Layout.bytes();
  return Operands.size() - 1;
}

//===----------------------------------------------------------------------===//
// Copies
//===----------------------------------------------------------------------===//

void StagingRing::forEachChunk(
    const TileLayout &L,
    llvm::function_ref<void(int64_t Number, Value Row, Value Chunk)> Emit) {
  const int64_t Total = L.Rows * L.Chunks, Count = Threads.threads();
  for (int64_t Number = 0; Number * Count < Total; ++Number) {
    Value I = B.plus(Thread, Number * Count);
    const bool IsPartial = (Number + 1) * Count > Total;
    B.ifThen(IsPartial ? B.less(I, B.index(Total)) : Value(), [&] {
      Value Row = B.over(I, L.Chunks), Chunk = B.modulo(I, L.Chunks);
      Emit(Number, Row, Chunk);
    });
  }
}

void StagingRing::findSourceRows(StagedOperand &Operand) {
  if (!Operand.From.RowIndex)
    return;
  const TileLayout &L = Operand.Layout;
  const int64_t Total = L.Rows * L.Chunks, Count = Threads.threads();
  for (int64_t First = 0; First < Total; First += Count) {
    Value I = B.plus(Thread, First);
    // Threads without a chunk get row 0; its value is unused.
    if (First + Count > Total)
      I = B.select(B.less(I, B.index(Total)), I, B.index(0));
    Position P;
    P.Row = B.over(I, L.Chunks);
    Operand.SourceRows.push_back(Context.Eval.memoryRow(Operand.From, P));
  }
}

void StagingRing::copyTile(const StagedOperand &Operand, Value First,
                           Value To) {
  const Access &From = Operand.From;
  auto Word = [&](int64_t V) -> Value {
    return B.create<arith::ConstantOp>(B.getI32IntegerAttr(V));
  };
  forEachChunk(Operand.Layout, [&](int64_t Number, Value TileRow, Value Chunk) {
    Value Row = TileRow;
    Value Col = B.times(Chunk, TileLayout::kChunk);
    (Operand.IsLeft ? Col : Row) = B.plus(Operand.IsLeft ? Col : Row, First);
    Value Bytes;
    if (From.Cols) {
      // The rest of the row: at most a chunk, at least nothing.
      Value Rest = B.minus(From.Cols, Col);
      Rest = B.smaller(Rest, B.index(TileLayout::kChunk));
      Rest = B.larger(Rest, B.index(0));
      Bytes = B.create<arith::MulIOp>(B.toI32(Rest), Word(2));
    }
    if (From.Rows)
      Bytes = B.select(B.less(Row, From.Rows),
                       Bytes ? Bytes : Word(TileLayout::kChunkBytes), Word(0));
    Value Source =
        address(B, From, From.RowIndex ? Operand.SourceRows[Number] : Row, Col);
    Value Target =
        byteAddress(B, To, chunkOffset(B, Operand.Layout, TileRow, Chunk));
    SmallVector<Value> Arguments{Target, Source};
    if (Bytes)
      Arguments.push_back(Bytes);
    // nvvm.cp.async with a number of bytes is inline assembly in MLIR 19.
    B.create<LLVM::CallIntrinsicOp>(
        TypeRange(),
        Bytes ? "llvm.nvvm.cp.async.cg.shared.global.16.s"
              : "llvm.nvvm.cp.async.cg.shared.global.16",
        Arguments);
  });
}

//===----------------------------------------------------------------------===//
// The ring
//===----------------------------------------------------------------------===//

void StagingRing::issue(Value First, Value Offset) {
  Value Stage = byteAddress(B, Base, Offset);
  for (auto [Number, Operand] : llvm::enumerate(Operands))
    copyTile(Operand, First, tile(Number, Stage));
}

void StagingRing::commit() { B.create<NVVM::CpAsyncCommitGroupOp>(); }

void StagingRing::wait() {
  B.create<NVVM::CpAsyncWaitGroupOp>(std::max<int64_t>(Stages - 2, 0));
  B.create<gpu::BarrierOp>();
}

void StagingRing::run(int64_t Tiles, bool Unroll, const ThreadId &Id,
                      Value Used, Multiply Emit) {
  Base = Context.Scratch
             .allocate(VectorType::get({Stages * StageBytes}, B.getI8Type()))
             .Base;
  Thread = B.plus(B.times(Id.Warp, kLanes), Id.Lane);
  for (StagedOperand &Operand : Operands)
    findSourceRows(Operand);
  // Other threads may still read what the first tiles overwrite.
  Threads.barrier();
  for (int64_t T = 0; T < ahead(); ++T) {
    issue(B.index(T * Depth), B.index(T * StageBytes));
    commit();
  }
  if (Unroll || Tiles <= 2)
    runUnrolled(Tiles, Used, Emit);
  else
    runLoop(Tiles, Used, Emit);
}

void StagingRing::runUnrolled(int64_t Tiles, Value Used, Multiply Emit) {
  for (int64_t T = 0; T < Tiles; ++T) {
    wait();
    if (const int64_t Next = T + ahead(); Next < Tiles)
      issue(B.index(Next * Depth), B.index(Next % Stages * StageBytes));
    commit();
    B.ifThen(Used, [&] {
      Emit(B.index(T * Depth),
           byteAddress(B, Base, B.index(T % Stages * StageBytes)), T);
    });
  }
}

void StagingRing::runLoop(int64_t Tiles, Value Used, Multiply Emit) {
  // Carried: the offset of the stage that is multiplied and of the one that is
  // filled meanwhile.
  Value End = B.index(Tiles * Depth);
  B.loop(
      B.index(0), End, ValueRange{B.index(0), B.index(ahead() * StageBytes)},
      [&](Value First, ValueRange Offsets) {
        wait();
        Value Next = B.plus(First, ahead() * Depth);
        B.ifThen(B.less(Next, End), [&] { issue(Next, Offsets[1]); });
        commit();
        B.ifThen(Used, [&] {
          Emit(First, byteAddress(B, Base, Offsets[0]), std::nullopt);
        });
        SmallVector<Value> Following;
        for (Value Offset : Offsets) {
          Value Further = B.plus(Offset, StageBytes);
          Following.push_back(B.select(B.equal(Further, Stages * StageBytes),
                                       B.index(0), Further));
        }
        return Following;
      },
      Depth);
}
