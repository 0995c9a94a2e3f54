//===- ThreadLowering.cpp - kernels to loops for a thread block -----------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Codegen/CUDA/ThreadLowering.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;
using namespace m1;
using namespace m1::codegen;

Value ThreadLowering::scratchPointer(int64_t Offset) {
  return B.create<LLVM::GEPOp>(
      Kernel.getLoc(), Shared.getType(), B.getI8Type(), Shared,
      ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(Offset)});
}

void ThreadLowering::share(Location Loc, Value Count,
                           llvm::function_ref<void(Value)> Emit) {
  auto Loop = B.create<scf::ForOp>(Loc, Thread, Count, constantIndex(Threads));
  {
    OpBuilder::InsertionGuard Guard(B);
    B.setInsertionPoint(Loop.getBody()->getTerminator());
    Emit(Loop.getInductionVar());
  }
  B.create<NVVM::Barrier0Op>(Loc);
}

void ThreadLowering::once(Location Loc, llvm::function_ref<void()> Emit) {
  Value First = B.create<arith::CmpIOp>(Loc, arith::CmpIPredicate::eq, Thread,
                                        constantIndex(0));
  auto If = B.create<scf::IfOp>(Loc, First, /*withElseRegion=*/false);
  {
    OpBuilder::InsertionGuard Guard(B);
    B.setInsertionPoint(If.thenBlock()->getTerminator());
    Emit();
  }
  B.create<NVVM::Barrier0Op>(Loc);
}

void ThreadLowering::forEach(Location Loc, const Extent &E, bool, Body Emit) {
  // Neighbouring threads take neighbouring columns: their accesses coalesce.
  Value Cols = E.Cols ? E.Cols : constantIndex(E.ColCount);
  Value Count = B.create<arith::MulIOp>(Loc, rowsOf(E), Cols);
  share(Loc, Count, [&](Value I) {
    Value Row = B.create<arith::DivUIOp>(Loc, I, Cols);
    Value Col = B.create<arith::RemUIOp>(Loc, I, Cols);
    Emit(Row, Col, 1);
  });
}

void ThreadLowering::reduceRows(Location Loc, Value Source, const Extent &E,
                                vector::CombiningKind Kind, Value Init,
                                const Access &Result) {
  const bool Flat = cast<VectorType>(Source.getType()).getRank() == 1;
  share(Loc, rowsOf(E), [&](Value Row) {
    auto At = [&](Value Col) {
      DenseMap<Value, Value> Memo;
      return evaluate(Source, {Flat ? Value() : Row, Col, 1, &E, &Memo});
    };
    Position Where{Value(), Row};
    Value First =
        isa<VectorType>(Init.getType()) ? evaluate(Init, Where) : scalar(Init);
    auto Loop =
        B.create<scf::ForOp>(Loc, constantIndex(0), constantIndex(E.ColCount),
                             constantIndex(1), ValueRange{First});
    {
      OpBuilder::InsertionGuard Guard(B);
      B.setInsertionPointToStart(Loop.getBody());
      Value Next = combine(Loc, Kind, Loop.getRegionIterArg(0),
                           At(Loop.getInductionVar()));
      B.create<scf::YieldOp>(Loc, Next);
    }
    storeTo(Loc, Loop.getResult(0), Result, Where);
  });
}

Type ThreadLowering::operandType(tile::DotOp Dot, bool Left) const {
  Value Operand = Left ? Dot.getA() : Dot.getB();
  return getElementTypeOrSelf(Operand.getType());
}

bool ThreadLowering::readsInPlace(tile::DotOp, const Access &, bool) const {
  return true;
}

void ThreadLowering::lowerDot(tile::DotOp Dot, const Access &A,
                              const Access &Bm, const Access &C,
                              const Extent &E, int64_t K, Value Inner) {
  Location Loc = Dot.getLoc();
  if (!Inner)
    Inner = constantIndex(K);
  Access Left = A, Right = Bm;
  Left.Rows = {};  // the extent and
  Right.Rows = {}; // the inner limit keep these bounds
  forEach(Loc, E, false, [&](Value Row, Value Col, int64_t) {
    Value First = loadFrom(Loc, C, {Row, Col});
    auto Loop = B.create<scf::ForOp>(Loc, constantIndex(0), Inner,
                                     constantIndex(1), ValueRange{First});
    {
      OpBuilder::InsertionGuard Guard(B);
      B.setInsertionPointToStart(Loop.getBody());
      Value I = Loop.getInductionVar();
      Value X = convertFloat(Loc, loadFrom(Loc, Left, {Row, I}), C.Element);
      Value Y = convertFloat(Loc, loadFrom(Loc, Right, {I, Col}), C.Element);
      Value Next = B.create<LLVM::FMAOp>(Loc, X, Y, Loop.getRegionIterArg(0));
      B.create<scf::YieldOp>(Loc, Next);
    }
    storeTo(Loc, Loop.getResult(0), C, {Row, Col});
  });
}
