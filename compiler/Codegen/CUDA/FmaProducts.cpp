//===- FmaProducts.cpp - products by multiply-adds ------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Codegen/CUDA/FmaProducts.h"

#include "compiler/Codegen/CUDA/Exchange.h"
#include "compiler/Codegen/CUDA/LeafSums.h"
#include "compiler/Codegen/CUDA/ProductRules.h"
#include "dialects/Support/SumTree.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"

using namespace mlir;
using namespace m1;
using namespace m1::codegen;

void FmaProducts::multiplyInRegisters(tile::DotOp Dot, const Access &C,
                                      Value Used) {
  Exchange Copies(Context, Threads);
  Copies.prepare(Dot.getB(), nullptr);
  Copies.prepare(Dot.getA(), nullptr);
  const RegisterLayout &L = *C.Layout;
  auto MultiplyAt = [&](Value K, Value Row0, Value Col0) {
    SmallVector<Value> Right;
    for (int64_t Across = 0; Across < L.tilesAcross(); ++Across)
      for (int64_t Second = 0; Second < 2; ++Second)
        Right.push_back(Eval.element(
            Dot.getB(), K,
            B.plus(Col0, Across * RegisterLayout::kTileCols + Second),
            C.Element));
    for (int64_t Down = 0; Down < L.tilesDown(); ++Down)
      for (int64_t Half = 0; Half < 2; ++Half) {
        Value Left = Eval.element(
            Dot.getA(), B.plus(Row0, L.rowOffset(Down, Half)), K, C.Element);
        for (auto [I, Factor] : llvm::enumerate(Right)) {
          const int64_t Slot = L.slot(Down, I / 2, Half) + I % 2;
          storeSlots(B,
                     B.create<LLVM::FMAOp>(Left, Factor, loadSlots(B, C, Slot)),
                     C, Slot);
        }
      }
  };
  B.ifThen(Used, [&] {
    const ThreadId Id = Threads.readId();
    Value Row0 = Threads.firstRow(L, Id), Col0 = Threads.firstCol(L, Id);
    auto AddTerms = [&](Value From, Value To) {
      B.loop(From, To, [&](Value K) { MultiplyAt(K, Row0, Col0); });
    };
    if (Dot.getLeaves() == 1)
      return AddTerms(B.index(0), B.index(depthOf(Dot)));
    LeafSums Leaves(Context, Threads, Loops, Dot, C);
    B.loop(B.index(0), B.index(Dot.getLeaves()), [&](Value Leaf) {
      Value First = B.times(Leaf, Leaves.terms());
      Leaves.begin();
      AddTerms(First, B.plus(First, Leaves.terms()));
      Leaves.end(Leaf);
    });
    Leaves.finish();
  });
}

void FmaProducts::multiplyInShared(tile::DotOp Dot, const Access &C,
                                   const Extent &E) {
  Exchange Copies(Context, Threads);
  Copies.prepare(Dot.getA(), nullptr);
  Copies.prepare(Dot.getB(), nullptr);
  Threads.barrier();
  const int64_t Leaves = Dot.getLeaves(), Terms = depthOf(Dot) / Leaves;
  Loops.forEachShared(E, /*Vectorize=*/false, [&](const Position &P) {
    auto Leaf = [&](int64_t L) {
      Value Start = Leaves == 1
                        ? Eval.load(C, P)
                        : B.create<arith::ConstantOp>(B.getZeroAttr(C.Element))
                              .getResult();
      return B.loop(B.index(L * Terms), B.index((L + 1) * Terms), Start,
                    [&](Value K, ValueRange Sum) -> SmallVector<Value> {
                      Value X = Eval.element(Dot.getA(), P.Row, K, C.Element);
                      Value Y = Eval.element(Dot.getB(), K, P.Col, C.Element);
                      return {B.create<LLVM::FMAOp>(X, Y, Sum[0])};
                    })[0];
    };
    auto Plus = [&](Value A, Value Other) -> Value {
      return B.create<arith::AddFOp>(A, Other);
    };
    Eval.store(sumTree(Leaves, Leaf, Plus), C, P);
  });
  Threads.barrier();
}

//===----------------------------------------------------------------------===//
// Split sums
//===----------------------------------------------------------------------===//

SmallVector<Value> FmaProducts::rightRow(tile::DotOp Dot, Value K) {
  const int64_t Cols = Dot.getResult().getType().getDimSize(1);
  const int64_t Width =
      Context.Storage.isVectorizable(Dot.getB()) && Cols % 4 == 0
          ? 4 // of at most 16 bytes
          : 1;
  SmallVector<Value> Row;
  for (int64_t Col = 0; Col < Cols; Col += Width) {
    Value Some =
        B.convertFloat(Eval.evaluate(Dot.getB(), {K, B.index(Col), Width,
                                                  /*Alignment=*/Width}),
                       B.getF32Type());
    for (int64_t I = 0; I < Width; ++I)
      Row.push_back(
          Width == 1 ? Some : B.create<vector::ExtractOp>(Some, I).getResult());
  }
  return Row;
}

SmallVector<Value> FmaProducts::partialSums(tile::DotOp Dot, Value Row0,
                                            int64_t Rows) {
  const int64_t Cols = Dot.getResult().getType().getDimSize(1);
  Value Zero = B.create<arith::ConstantOp>(B.getF32FloatAttr(0));
  return B.loop(
      Threads.thread(), B.index(depthOf(Dot)),
      SmallVector<Value>(Rows * Cols, Zero),
      [&](Value K, ValueRange Sums) {
        const SmallVector<Value> Right = rightRow(Dot, K);
        SmallVector<Value> Next;
        for (int64_t Row = 0; Row < Rows; ++Row) {
          Value Left =
              Eval.element(Dot.getA(), B.plus(Row0, Row), K, B.getF32Type());
          for (int64_t Col = 0; Col < Cols; ++Col)
            Next.push_back(B.create<LLVM::FMAOp>(Left, Right[Col],
                                                 Sums[Row * Cols + Col]));
        }
        return Next;
      },
      Threads.threads());
}

void FmaProducts::multiplySplit(tile::DotOp Dot, const Access &C,
                                const Extent &E) {
  auto Type = Dot.getResult().getType();
  const int64_t Cols = Type.getDimSize(1);
  // Rows that are multiplied by each value read of the right operand.
  int64_t Rows = kMaxSplitSums / Cols;
  while (Type.getDimSize(0) % Rows != 0)
    --Rows;
  const int64_t Sums = Rows * Cols;
  Exchange Copies(Context, Threads);
  Copies.prepare(Dot.getA(), nullptr);
  Copies.prepare(Dot.getB(), nullptr);
  const Access OfWarps = Context.Scratch.allocate(
      VectorType::get({Threads.warps(), Sums}, C.Element));
  Threads.barrier();
  auto MultiplyRows = [&](Value Row0) {
    // Reduction order: each thread's part of k, then lanes, then warps.
    SmallVector<Value> OfLanes = partialSums(Dot, Row0, Rows);
    for (Value &Sum : OfLanes)
      Sum = Threads.combineWarp(vector::CombiningKind::ADD, Sum);
    B.ifThen(B.equal(Threads.id().Lane, 0), [&] {
      for (auto [I, Sum] : llvm::enumerate(OfLanes))
        Eval.store(Sum, OfWarps, {Threads.id().Warp, B.index(I)});
    });
    B.create<gpu::BarrierOp>();
    Threads.share(B.index(Sums), [&](Value I) {
      const Position To{B.plus(Row0, B.over(I, Cols)), B.modulo(I, Cols)};
      B.ifThen(E.Rows ? B.less(To.Row, E.Rows) : Value(), [&] {
        Value Total = Eval.load(C, To);
        for (int64_t Warp = 0; Warp < Threads.warps(); ++Warp)
          Total = B.create<arith::AddFOp>(
              Total, Eval.load(OfWarps, {B.index(Warp), I}));
        Eval.store(Total, C, To);
      });
    });
    B.create<gpu::BarrierOp>();
  };
  B.loop(B.index(0), E.Rows ? E.Rows : B.index(E.RowCount), MultiplyRows, Rows);
  Threads.invalidateBarrier();
}
