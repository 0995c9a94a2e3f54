//===- ThreadLoops.cpp - loops over blocks in a thread block --------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Codegen/CUDA/ThreadLoops.h"

#include "compiler/Codegen/CUDA/Exchange.h"
#include "compiler/Codegen/CUDA/SharedTile.h"

using namespace mlir;
using namespace m1;
using namespace m1::codegen;

Access ThreadLoops::allocateFor(Value Block, VectorType Type) {
  const RegisterLayout *L = Layouts.assigned(Block);
  if (!L) {
    // Only the demanded part is written. Blocks in registers are computed as a
    // whole and may read past it, so reads are bounded.
    Access A = allocateShared(Context.Scratch, Type);
    const Extent E = Context.demandedExtent(Block);
    A.Rows = E.Rows;
    A.Cols = E.Cols;
    return A;
  }
  OpBuilder::InsertionGuard Guard(B);
  B.setInsertionPointToStart(Entry);
  Access A;
  A.Element = Type.getElementType();
  A.Strides.assign(Type.getRank(), 1);
  A.Layout = L;
  Value Count = B.create<LLVM::ConstantOp>(B.getI32IntegerAttr(L->slots()));
  A.Base = B.create<LLVM::AllocaOp>(LLVM::LLVMPointerType::get(B.getContext()),
                                    storedType(A.Element), Count,
                                    /*alignment=*/16);
  return A;
}

void ThreadLoops::forEachShared(const Extent &E, bool Vectorize, Body Emit) {
  // Adjacent threads take adjacent columns, so their accesses coalesce.
  constexpr int64_t kWidth = 4; // f32 in the widest access
  const int64_t Width =
      Vectorize && !E.Cols && E.ColCount % kWidth == 0 ? kWidth : 1;
  Value Cols = E.Cols ? E.Cols : B.index(E.ColCount / Width);
  Value Count = B.times(E.Rows ? E.Rows : B.index(E.RowCount), Cols);
  Threads.share(Count, [&](Value I) {
    Value Row = B.over(I, Cols);
    Value Col = B.times(B.modulo(I, Cols), Width);
    Emit({Row, Col, Width, /*Alignment=*/Width, &E});
  });
}

void ThreadLoops::forEach(Value Block, const Access &To, const Extent &E,
                          bool Vectorize, Body Emit) {
  Exchange Copies(Context, Threads);
  if (To.Layout) {
    // The whole block, whatever its demand: no register remains unwritten.
    Copies.prepare(Block, To.Layout);
    Threads.forEachSlot(*To.Layout, nullptr, Vectorize, Emit);
    return;
  }
  // Values that come from memory alone are read in memory order.
  const RegisterLayout *L = readsRegisters(Block, Context.Materialized, Layouts)
                                ? Layouts.assigned(Block)
                                : nullptr;
  Copies.prepare(Block, L);
  // Other threads may still read what is overwritten here, or read it next.
  Threads.barrier();
  if (L)
    Threads.forEachSlot(*L, &E, Vectorize, Emit);
  else
    forEachShared(E, Vectorize, Emit);
  Threads.barrier();
}
