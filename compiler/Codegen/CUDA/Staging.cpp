//===- Staging.cpp - tiles of operands in shared memory -------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Neighbouring threads copy neighbouring chunks of eight numbers (`cp.async`,
// past L1). Bounds do not branch: a copy of fewer bytes than a chunk has leaves
// zeros, and reads nothing where that is all of them.
//
//===----------------------------------------------------------------------===//

#include "compiler/Codegen/CUDA/WarpLowering.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace m1;
using namespace m1::codegen;

TileLayout::TileLayout(int64_t Rows, int64_t Cols)
    : Rows(Rows), Chunks(Cols / kChunk), Pitch(Chunks * kChunkBytes) {
  assert(Cols % kChunk == 0);
  constexpr int64_t kLine = 8; // chunks that lie in different banks
  if (Chunks % kLine == 0) {
    Mask = kLine - 1;
  } else if (llvm::isPowerOf2_64(Chunks)) {
    Mask = Chunks - 1;
    Shift = Mask ? llvm::Log2_64(kLine / Chunks) : 0;
  } else {
    Pitch = (Chunks | 1) * kChunkBytes;
  }
}

Access WarpLowering::allocateRows(VectorType Type) {
  if (Type.getRank() != 2 || !Type.getElementType().isBF16() ||
      Type.getDimSize(1) % TileLayout::kChunk != 0)
    return allocate(Type);
  // An odd number of chunks from row to row: no two of eight share banks.
  const int64_t Stride =
      (Type.getDimSize(1) / TileLayout::kChunk | 1) * TileLayout::kChunk;
  return allocate(
      VectorType::get({Type.getDimSize(0), Stride}, Type.getElementType()));
}

bool WarpLowering::liesInShared(Value Block) const {
  auto It = Buffers.find(Block);
  if (It == Buffers.end())
    return false;
  const Access &A = It->second;
  return A.Element.isBF16() && !A.Held && !A.Rows && !A.Cols &&
         A.Strides[1] == 1 && A.Strides[0] % TileLayout::kChunk == 0 &&
         cast<LLVM::LLVMPointerType>(A.Base.getType()).getAddressSpace() ==
             cast<LLVM::LLVMPointerType>(Scratch.getType()).getAddressSpace();
}

Access WarpLowering::inShared(Value Block) {
  if (liesInShared(Block))
    return Buffers.lookup(Block);
  auto Type = cast<VectorType>(Block.getType());
  Access To = allocateRows(Type);
  Extent Whole;
  Whole.RowCount = Type.getDimSize(0);
  Whole.ColCount = Type.getDimSize(1);
  write(Block, To, Whole);
  return To;
}

Value WarpLowering::inTile(Location Loc, const TileLayout &L, Value Row,
                           Value Chunk) {
  if (L.Mask) {
    Value Turn = Row;
    if (L.Shift)
      Turn = B.create<arith::ShRUIOp>(Loc, Row, constantIndex(L.Shift));
    Turn = B.create<arith::AndIOp>(Loc, Turn, constantIndex(L.Mask));
    Chunk = B.create<arith::XOrIOp>(Loc, Chunk, Turn);
  }
  return B.create<arith::AddIOp>(
      Loc, B.create<arith::MulIOp>(Loc, Row, constantIndex(L.Pitch)),
      B.create<arith::MulIOp>(Loc, Chunk,
                              constantIndex(TileLayout::kChunkBytes)));
}

Value WarpLowering::sharedAt(Location Loc, Value Base, Value Bytes) {
  Value Offset = B.create<arith::IndexCastOp>(Loc, B.getI64Type(), Bytes);
  return B.create<LLVM::GEPOp>(Loc, Base.getType(), B.getI8Type(), Base,
                               ArrayRef<LLVM::GEPArg>{Offset});
}

void WarpLowering::forEachChunk(
    Location Loc, const TileLayout &L, Value Thread,
    llvm::function_ref<void(int64_t Number, Value Row, Value Chunk)> Emit) {
  const int64_t Total = L.Rows * L.Chunks;
  Value Across = constantIndex(L.Chunks);
  for (int64_t Number = 0; Number * kThreads < Total; ++Number) {
    Value I = plus(Loc, Thread, Number * kThreads);
    ifThen(Loc,
           (Number + 1) * kThreads > Total ? below(Loc, I, constantIndex(Total))
                                           : Value(),
           [&] {
             Emit(Number, B.create<arith::DivUIOp>(Loc, I, Across),
                  B.create<arith::RemUIOp>(Loc, I, Across));
           });
  }
}

void WarpLowering::findSourceRows(Location Loc, Side &S, Value Thread) {
  const Access &From = S.Ring->From;
  if (!From.RowIndex)
    return;
  // Rows past the last chunk are the first's: nobody copies them.
  const int64_t Total = S.Layout.Rows * S.Layout.Chunks;
  for (int64_t First = 0; First < Total; First += kThreads) {
    Value I = plus(Loc, Thread, First);
    if (First + kThreads > Total)
      I = B.create<arith::SelectOp>(Loc, below(Loc, I, constantIndex(Total)), I,
                                    constantIndex(0));
    Position P;
    P.Row = B.create<arith::DivUIOp>(Loc, I, constantIndex(S.Layout.Chunks));
    S.Ring->SourceRows.push_back(rowOf(Loc, From, P));
  }
}

void WarpLowering::copyTile(Location Loc, const Side &S, Value Thread,
                            Value First, Value To) {
  const Access &From = S.Ring->From;
  Type I32 = B.getI32Type();
  auto Word = [&](int64_t V) -> Value {
    return B.create<arith::ConstantOp>(Loc, B.getI32IntegerAttr(V));
  };
  forEachChunk(
      Loc, S.Layout, Thread, [&](int64_t Number, Value TileRow, Value Chunk) {
        Value Row = TileRow;
        Value Col = B.create<arith::MulIOp>(Loc, Chunk,
                                            constantIndex(TileLayout::kChunk));
        Value &Deep = S.Ring->IsLeft ? Col : Row;
        Deep = B.create<arith::AddIOp>(Loc, Deep, First);
        Value Bytes;
        if (From.Cols) {
          // What is left of the row, at most a chunk and at least nothing.
          Value Left = B.create<arith::SubIOp>(Loc, From.Cols, Col);
          Left = B.create<arith::MinSIOp>(Loc, Left,
                                          constantIndex(TileLayout::kChunk));
          Left = B.create<arith::MaxSIOp>(Loc, Left, constantIndex(0));
          Bytes = B.create<arith::MulIOp>(
              Loc, B.create<arith::IndexCastOp>(Loc, I32, Left), Word(2));
        }
        if (From.Rows)
          Bytes = B.create<arith::SelectOp>(
              Loc, below(Loc, Row, From.Rows),
              Bytes ? Bytes : Word(TileLayout::kChunkBytes), Word(0));
        Value Source = address(
            Loc, From, From.RowIndex ? S.Ring->SourceRows[Number] : Row, Col);
        Value Target = sharedAt(Loc, To, inTile(Loc, S.Layout, TileRow, Chunk));
        SmallVector<Value> Operands{Target, Source};
        if (Bytes)
          Operands.push_back(Bytes);
        // nvvm.cp.async with a number of bytes is inline assembly in MLIR 19.
        B.create<LLVM::CallIntrinsicOp>(
            Loc, TypeRange(),
            Bytes ? "llvm.nvvm.cp.async.cg.shared.global.16.s"
                  : "llvm.nvvm.cp.async.cg.shared.global.16",
            Operands);
      });
}

SmallVector<Value> WarpLowering::loadMatrices(Location Loc, const TileLayout &L,
                                              Value Base, Value Row,
                                              Value Chunk, const Place &At,
                                              unsigned Count, bool Transposed) {
  // Lanes 0-15 point to the 16 rows of two matrices, the others to those of the
  // two on their right.
  Value Sixteen = constantIndex(16);
  Row = B.create<arith::AddIOp>(
      Loc, Row, B.create<arith::RemUIOp>(Loc, At.Lane, Sixteen));
  if (Count == 4)
    Chunk = B.create<arith::AddIOp>(
        Loc, Chunk, B.create<arith::DivUIOp>(Loc, At.Lane, Sixteen));
  Type I32 = B.getI32Type();
  auto Result = LLVM::LLVMStructType::getLiteral(B.getContext(),
                                                 SmallVector<Type>(Count, I32));
  Value All = B.create<NVVM::LdMatrixOp>(
      Loc, Result, sharedAt(Loc, Base, inTile(Loc, L, Row, Chunk)),
      B.getI32IntegerAttr(Count),
      NVVM::MMALayoutAttr::get(B.getContext(), Transposed
                                                   ? NVVM::MMALayout::col
                                                   : NVVM::MMALayout::row));
  SmallVector<Value> Words;
  for (unsigned I = 0; I < Count; ++I)
    Words.push_back(B.create<LLVM::ExtractValueOp>(Loc, All, I));
  return Words;
}
