//===- HostLoops.cpp - loops over blocks on a CPU -------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Codegen/CPU/HostLoops.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace m1;
using namespace m1::codegen;

void HostLoops::forEachRow(const Extent &E,
                           llvm::function_ref<void(Value)> Emit) {
  if (!E.Rows && E.RowCount == 1)
    return Emit(B.index(0));
  B.loop(B.index(0), E.Rows ? E.Rows : B.index(E.RowCount), Emit);
}

void HostLoops::forEach(Value, const Access &, const Extent &E, bool Vectorize,
                        Body Emit) {
  const int64_t Most = Vectorize ? Lanes : 1;
  auto EmitAt = [&](Value Row, Value Col, int64_t Width) {
    Emit({Row, Col, Width, /*Alignment=*/1, &E});
  };
  forEachRow(E, [&](Value Row) {
    if (E.Cols) {
      // Whole vectors, then single elements.
      Value Main = B.index(0);
      if (Most > 1) {
        Main = B.times(B.over(E.Cols, Most), Most);
        B.loop(
            B.index(0), Main, [&](Value Col) { EmitAt(Row, Col, Most); }, Most);
      }
      B.loop(Main, E.Cols, [&](Value Col) { EmitAt(Row, Col, 1); });
      return;
    }
    // Whole vectors, then vectors of half the width, a quarter, ...
    const int64_t Main = E.ColCount / Most * Most;
    if (Main == Most)
      EmitAt(Row, B.index(0), Most);
    else if (Main > 0)
      B.loop(
          B.index(0), B.index(Main), [&](Value Col) { EmitAt(Row, Col, Most); },
          Most);
    for (int64_t Col = Main, Width = Most / 2; Col < E.ColCount; Width /= 2)
      if (Col + Width <= E.ColCount) {
        EmitAt(Row, B.index(Col), Width);
        Col += Width;
      }
  });
}

/// Replaces `Rows`, n vectors of n elements, by their columns. Each step moves
/// the element with index i of vector r, the number r n + i, to the place whose
/// number has the same bits, rotated by one.
static void transposeSquare(ScalarBuilder &B, SmallVectorImpl<Value> &Rows) {
  const int64_t N = Rows.size();
  SmallVector<int64_t> Low, High;
  for (int64_t I = 0; I < N / 2; ++I) {
    Low.append({I, N + I});
    High.append({N / 2 + I, N + N / 2 + I});
  }
  for (int64_t Step = 1; Step < N; Step *= 2) {
    SmallVector<Value> Next;
    for (int64_t I = 0; I < N / 2; ++I)
      for (ArrayRef<int64_t> Lanes : {ArrayRef(Low), ArrayRef(High)})
        Next.push_back(
            B.create<vector::ShuffleOp>(Rows[I], Rows[I + N / 2], Lanes));
    Rows.assign(Next);
  }
}

bool HostLoops::transpose(const Access &To, const Extent &E,
                          llvm::function_ref<Value(const Position &)> Row) {
  if (E.Rows || E.Cols || To.Pairs || To.RowIndex || To.Strides.back() != 1)
    return false;
  int64_t N = Lanes;
  while (N > 1 && (E.RowCount % N != 0 || E.ColCount % N != 0))
    N /= 2;
  if (N < 4)
    return false;
  const int64_t Alignment = To.Streamed ? N : 1;
  auto Square = [&](Value FirstRow, Value FirstCol) {
    SmallVector<Value> Rows;
    for (int64_t I = 0; I < N; ++I) {
      Value V = Row({B.plus(FirstCol, I), FirstRow, N});
      // LLVM has no instructions for vectors of bf16.
      Rows.push_back(B.createOrFold<arith::BitcastOp>(
          widened(storedType(To.Element), N), V));
    }
    transposeSquare(B, Rows);
    for (auto [I, V] : llvm::enumerate(Rows)) {
      Value Typed = B.createOrFold<arith::BitcastOp>(widened(To.Element, N), V);
      Value At = B.plus(FirstRow, static_cast<int64_t>(I));
      storeMemory(B, Typed, To, {At, FirstCol, N, Alignment}, At);
    }
  };
  forEachSquare(E.RowCount, E.ColCount, N, Square);
  return true;
}

/// Vectors of a row that are interleaved in one iteration.
static constexpr int64_t kInterleavedVectors = 4;

bool HostLoops::interleave(const Access &To, const Extent &E, bool Transposed,
                           llvm::function_ref<Value(const Position &)> Row) {
  // A buffer has room for the second row of the last pair.
  const bool InWholePairs = !E.Rows || (!Transposed && !To.Rows);
  if (!InWholePairs || E.Cols || To.RowIndex || To.Strides.back() != 2 ||
      !To.Element.isBF16() || E.RowCount % 2 != 0)
    return false;
  const int64_t Pairs = E.RowCount / 2;
  int64_t N = Lanes;
  while (N > 1 && (E.ColCount % N != 0 || (Transposed && Pairs % N != 0)))
    N /= 2;
  if (N < 4)
    return false;
  const Type Word = B.getI32Type(), Half = B.getI16Type();
  // A pair as one element of 32 bits.
  Access Words = To;
  Words.Element = Word;
  Words.Strides = {To.Strides[0] / 2, 1};
  Words.Pairs = false;
  Words.RowAlignment = std::max<int64_t>(1, To.RowAlignment / 2);
  const int64_t Alignment = To.Streamed ? N : 1;
  auto Store = [&](Value V, Value Pair, Value Col) {
    V = B.create<vector::BitCastOp>(VectorType::get({N}, Word), V);
    storeMemory(B, V, Words, {Pair, Col, N, Alignment}, Pair);
  };
  if (!Transposed) {
    SmallVector<int64_t> Alternating;
    for (int64_t I = 0; I < N; ++I)
      Alternating.append({I, N + I});
    auto RowAt = [&](Value At, Value Col, const Extent *Loop) {
      Position P{At, Col, N};
      P.Loop = Loop;
      return B.create<arith::BitcastOp>(widened(Half, N), Row(P));
    };
    // Some vectors before any is stored: what they share is loaded once.
    int64_t Together = kInterleavedVectors;
    while (E.ColCount / N % Together != 0)
      --Together;
    Value End = E.Rows ? B.over(B.plus(E.Rows, 1), 2) : B.index(Pairs);
    B.loop(B.index(0), End, [&](Value Pair) {
      Value First = B.times(Pair, 2), Second = B.plus(First, 1);
      auto ColAt = [&](Value Col, int64_t I) { return B.plus(Col, I * N); };
      B.loop(
          B.index(0), B.index(E.ColCount),
          [&](Value Col) {
            SmallVector<Value> Evens, Odds;
            for (int64_t I = 0; I < Together; ++I)
              Evens.push_back(RowAt(First, ColAt(Col, I), &E));
            for (int64_t I = 0; I < Together; ++I)
              Odds.push_back(RowAt(Second, ColAt(Col, I), nullptr));
            for (int64_t I = 0; I < Together; ++I)
              Store(B.create<vector::ShuffleOp>(Evens[I], Odds[I], Alternating),
                    Pair, ColAt(Col, I));
          },
          N * Together);
    });
    return true;
  }
  forEachSquare(Pairs, E.ColCount, N, [&](Value FirstPair, Value FirstCol) {
    // Two elements that follow each other in a row of the source are a pair.
    SmallVector<Value> Rows;
    for (int64_t I = 0; I < N; ++I) {
      Value V = Row({B.plus(FirstCol, I), B.times(FirstPair, 2), 2 * N});
      V = B.create<arith::BitcastOp>(widened(Half, 2 * N), V);
      Rows.push_back(
          B.create<vector::BitCastOp>(VectorType::get({N}, Word), V));
    }
    transposeSquare(B, Rows);
    for (auto [I, V] : llvm::enumerate(Rows))
      Store(V, B.plus(FirstPair, static_cast<int64_t>(I)), FirstCol);
  });
  return true;
}

void HostLoops::forEachSquare(int64_t Rows, int64_t Columns, int64_t Size,
                              llvm::function_ref<void(Value, Value)> Emit) {
  B.loop(
      B.index(0), B.index(Rows),
      [&](Value Row) {
        B.loop(
            B.index(0), B.index(Columns), [&](Value Col) { Emit(Row, Col); },
            Size);
      },
      Size);
}
