//===- SharedTile.cpp - tiles of operands in shared memory ----------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Codegen/CUDA/SharedTile.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace m1;
using namespace m1::codegen;

TileLayout::TileLayout(int64_t Rows, int64_t Cols)
    : Rows(Rows), Chunks(Cols / kChunk), Pitch(Chunks * kChunkBytes) {
  assert(Cols % kChunk == 0);
  constexpr int64_t kLine = 8; // chunks in different banks
  if (Chunks % kLine == 0) {
    Mask = kLine - 1;
  } else if (llvm::isPowerOf2_64(Chunks)) {
    Mask = Chunks - 1;
    Shift = Mask ? llvm::Log2_64(kLine / Chunks) : 0;
  } else {
    Pitch = (Chunks | 1) * kChunkBytes;
  }
}

Value m1::codegen::byteAddress(ScalarBuilder &B, Value Base, Value Bytes) {
  return B.create<LLVM::GEPOp>(Base.getType(), B.getI8Type(), Base,
                               ArrayRef<LLVM::GEPArg>{B.toI64(Bytes)});
}

Value m1::codegen::chunkOffset(ScalarBuilder &B, const TileLayout &L, Value Row,
                               Value Chunk) {
  if (L.Mask) {
    Value Turn = Row;
    if (L.Shift)
      Turn = B.create<arith::ShRUIOp>(Row, B.index(L.Shift));
    Turn = B.create<arith::AndIOp>(Turn, B.index(L.Mask));
    Chunk = B.create<arith::XOrIOp>(Chunk, Turn);
  }
  return B.plus(B.times(Row, L.Pitch), B.times(Chunk, TileLayout::kChunkBytes));
}

SmallVector<Value> m1::codegen::loadMatrices(ScalarBuilder &B,
                                             const TileLayout &L, Value Base,
                                             Value Row, Value Chunk, Value Lane,
                                             unsigned Count, bool Transposed) {
  // Lanes 0 to 15 point to the 16 rows of two matrices, the others to those of
  // the two on their right.
  Row = B.plus(Row, B.modulo(Lane, 16));
  if (Count == 4)
    Chunk = B.plus(Chunk, B.over(Lane, 16));
  auto Result = LLVM::LLVMStructType::getLiteral(
      B.getContext(), SmallVector<Type>(Count, B.getI32Type()));
  Value All = B.create<NVVM::LdMatrixOp>(
      Result, byteAddress(B, Base, chunkOffset(B, L, Row, Chunk)),
      B.getI32IntegerAttr(Count),
      NVVM::MMALayoutAttr::get(B.getContext(), Transposed
                                                   ? NVVM::MMALayout::col
                                                   : NVVM::MMALayout::row));
  SmallVector<Value> Words;
  for (unsigned I = 0; I < Count; ++I)
    Words.push_back(B.create<LLVM::ExtractValueOp>(All, I));
  return Words;
}

Access m1::codegen::allocateShared(ScratchMemory &Shared, VectorType Type) {
  if (Type.getRank() != 2 || !Type.getElementType().isBF16() ||
      Type.getDimSize(1) % TileLayout::kChunk != 0)
    return Shared.allocate(Type);
  const int64_t Stride =
      (Type.getDimSize(1) / TileLayout::kChunk | 1) * TileLayout::kChunk;
  return Shared.allocate(
      VectorType::get({Type.getDimSize(0), Stride}, Type.getElementType()));
}

bool m1::codegen::isMatrixReadable(const ScratchMemory &Shared,
                                   const Access &A) {
  return A.Element.isBF16() && !A.Layout && !A.Rows && !A.Cols &&
         A.Strides[1] == 1 && A.Strides[0] % TileLayout::kChunk == 0 &&
         Shared.contains(A);
}
