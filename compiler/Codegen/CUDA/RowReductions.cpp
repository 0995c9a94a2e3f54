//===- RowReductions.cpp - reductions of rows -----------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Codegen/CUDA/RowReductions.h"

#include "compiler/Codegen/CUDA/Exchange.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"

using namespace mlir;
using namespace m1;
using namespace m1::codegen;

/// All threads of a thread block reduce a row together if it has at least this
/// many elements per thread.
static constexpr int64_t kLongRow = 8;

void RowReductions::reduce(const RowReduction &R) {
  const bool IsRow = cast<VectorType>(R.Source.getType()).getRank() == 1;
  if (!IsRow)
    if (const RegisterLayout *L = Layouts.assigned(R.Source); L && L->OfRows)
      return reduceRegisters(R, *L);

  Exchange Copies(Context, Threads);
  Copies.prepare(R.Source, nullptr);
  if (isa<VectorType>(R.Init.getType()))
    Copies.prepare(R.Init, nullptr);
  Threads.barrier();
  const bool Shuffles =
      getElementTypeOrSelf(R.Source.getType()).getIntOrFloatBitWidth() >= 32;
  const int64_t Count = Threads.threads(), Cols = R.E.ColCount;
  if (Shuffles && Cols >= kLongRow * Count && Cols % Count == 0)
    reduceByBlock(R);
  else
    reduceByWarp(R, Shuffles);
  Threads.invalidateBarrier();
  Threads.barrier();
}

void RowReductions::reduceRegisters(const RowReduction &R,
                                    const RegisterLayout &L) {
  Exchange Copies(Context, Threads);
  Copies.prepare(R.Source, &L);
  if (isa<VectorType>(R.Init.getType()))
    Copies.prepare(R.Init, L.OfRows);
  const bool ToMemory = !R.Result.Layout;
  if (ToMemory)
    Threads.barrier();
  SmallVector<Value> Partial(L.OfRows->slots());
  Threads.forEachSlot(L, nullptr, /*Vectorize=*/false, [&](const Position &P) {
    Value &Sum = Partial[L.rowSlotOf(P.Slot)];
    Value One = Eval.evaluate(R.Source, P);
    Sum = Sum ? Eval.combine(R.Kind, Sum, One) : One;
  });
  // The columns of a row are on four adjacent lanes.
  for (Value &Sum : Partial)
    Sum = Threads.combineLanes(R.Kind, Sum, {1, 2});
  Extent Rows;
  Rows.ColCount = L.Rows;
  Threads.forEachSlot(*L.OfRows, ToMemory ? &Rows : nullptr,
                      /*Vectorize=*/false, [&](const Position &P) {
                        Value First = Eval.initial(R.Init, P);
                        Eval.store(Eval.combine(R.Kind, First, Partial[P.Slot]),
                                   R.Result, P);
                      });
  if (ToMemory)
    Threads.barrier();
}

Value RowReductions::alongRow(const RowReduction &R, Value Row, Value From,
                              int64_t To, int64_t Step) {
  const bool IsRow = cast<VectorType>(R.Source.getType()).getRank() == 1;
  auto At = [&](Value Col) {
    return Eval.evaluate(R.Source, {IsRow ? Value() : Row, Col, 1, 1, &R.E});
  };
  Value First = At(From);
  return B.loop(
      B.plus(From, Step), B.index(To), First,
      [&](Value Col, ValueRange Sum) -> SmallVector<Value> {
        return {Eval.combine(R.Kind, Sum[0], At(Col))};
      },
      Step)[0];
}

void RowReductions::reduceByWarp(const RowReduction &R, bool Shuffles) {
  const int64_t Cols = R.E.ColCount;
  const int64_t Whole = Shuffles ? Cols / kLanes * kLanes : 0;
  B.loop(
      Threads.id().Warp, rowsOf(R.E),
      [&](Value Row) {
        const Position Where{{}, Row};
        Value Total = Eval.initial(R.Init, Where);
        if (Whole > 0) {
          Value Sum = alongRow(R, Row, Threads.id().Lane, Whole, kLanes);
          Total = Eval.combine(R.Kind, Total, Threads.combineWarp(R.Kind, Sum));
        }
        // The remaining columns: every lane combines all of them.
        if (Whole < Cols)
          Total = Eval.combine(R.Kind, Total,
                               alongRow(R, Row, B.index(Whole), Cols, 1));
        B.ifThen(B.equal(Threads.id().Lane, 0),
                 [&] { Eval.store(Total, R.Result, Where); });
      },
      Threads.warps());
}

void RowReductions::reduceByBlock(const RowReduction &R) {
  const Access OfWarps = Context.Scratch.allocate(VectorType::get(
      {Threads.warps()}, getElementTypeOrSelf(R.Source.getType())));
  auto OnFirst = [&](Value Number, llvm::function_ref<void()> Then) {
    B.ifThen(B.equal(Number, 0), Then);
    B.create<gpu::BarrierOp>();
  };
  B.loop(B.index(0), rowsOf(R.E), [&](Value Row) {
    Value Sum =
        alongRow(R, Row, Threads.thread(), R.E.ColCount, Threads.threads());
    Sum = Threads.combineWarp(R.Kind, Sum);
    const Position OfWarp{{}, Threads.id().Warp};
    OnFirst(Threads.id().Lane, [&] { Eval.store(Sum, OfWarps, OfWarp); });
    OnFirst(Threads.thread(), [&] {
      const Position Where{{}, Row};
      Value Total = Eval.initial(R.Init, Where);
      for (int64_t Warp = 0; Warp < Threads.warps(); ++Warp)
        Total = Eval.combine(R.Kind, Total,
                             Eval.load(OfWarps, {{}, B.index(Warp)}));
      Eval.store(Total, R.Result, Where);
    });
  });
}
