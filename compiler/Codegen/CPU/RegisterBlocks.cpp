//===- RegisterBlocks.cpp - products in blocks of registers ---------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Codegen/CPU/RegisterBlocks.h"

#include "dialects/Support/SumTree.h"
#include "llvm/ADT/bit.h"

using namespace mlir;
using namespace m1;
using namespace m1::codegen;

/// Rows of a register block: enough independent chains of multiply-adds to hide
/// their latency.
static constexpr int64_t kBlockRows = 6;

void RegisterBlocks::accumulateLeaves(const HostProduct &P, const Part &Sums,
                                      int64_t Steps, Step Body) {
  const int64_t Count = Sums.count(), Width = Sums.Width;
  const Type Element = P.Sums.Element;
  // Where a leaf of few rows has too few chains to hide their latency, several
  // leaves are summed at once.
  int64_t Together = 1;
  while (P.Leaves % (2 * Together) == 0 &&
         2 * Together * Sums.Rows <= kBlockRows &&
         (2 * Together * Sums.Rows + 1) * Sums.Vectors < Registers)
    Together *= 2;
  Access Leaves =
      Scratch.allocate(VectorType::get({P.Leaves, Count * Width}, Element));
  Value Zero = B.create<arith::ConstantOp>(
      widened(Element, Width), B.getZeroAttr(widened(Element, Width)));
  B.loop(
      B.index(0), B.index(P.Leaves),
      [&](Value Leaf) {
        Value First = B.times(Leaf, Steps);
        auto StepAll = [&](Value Number, ValueRange Carried) {
          SmallVector<Value> Next;
          for (int64_t I = 0; I < Together; ++I)
            Next.append(Body(B.plus(Number, I * Steps),
                             Carried.slice(I * Count, Count)));
          return Next;
        };
        const SmallVector<Value> Values =
            B.loop(First, B.plus(First, Steps),
                   SmallVector<Value>(Together * Count, Zero), StepAll);
        for (auto [I, V] : llvm::enumerate(Values))
          Eval.store(
              V, Leaves,
              {B.plus(Leaf, I / Count), B.index(I % Count * Width), Width});
      },
      Together);
  B.loop(B.index(0), B.index(Sums.Rows), [&](Value Row) {
    for (int64_t J = 0; J < Sums.Vectors; ++J) {
      Value Col = B.plus(B.times(Row, Sums.Vectors * Width), J * Width);
      Value Total = sumTree(
          P.Leaves,
          [&](int64_t L) {
            return Eval.load(Leaves, {B.index(L), Col, Width});
          },
          [&](Value A, Value C) -> Value {
            return B.create<arith::AddFOp>(A, C);
          });
      Eval.store(Total, P.Sums,
                 {B.plus(Sums.Row, Row), B.plus(Sums.Col, J * Width), Width});
    }
  });
}

void RegisterBlocks::accumulate(const HostProduct &P, const Part &Sums,
                                int64_t Terms, Step Body) {
  if (P.Leaves > 1)
    return accumulateLeaves(P, Sums, P.K / P.Leaves / Terms, Body);
  Value Steps =
      Terms == 1 ? P.Depth : B.over(B.plus(P.Depth, Terms - 1), Terms);
  auto At = [&](int64_t I, int64_t J) -> Position {
    return {B.plus(Sums.Row, I), B.plus(Sums.Col, J * Sums.Width), Sums.Width};
  };
  SmallVector<Value> Values;
  for (int64_t I = 0; I < Sums.Rows; ++I)
    for (int64_t J = 0; J < Sums.Vectors; ++J)
      Values.push_back(Eval.load(P.Sums, At(I, J)));
  Values = B.loop(B.index(0), Steps, Values, Body);
  for (int64_t I = 0; I < Sums.Rows; ++I)
    for (int64_t J = 0; J < Sums.Vectors; ++J)
      Eval.store(Values[I * Sums.Vectors + J], P.Sums, At(I, J));
}

void RegisterBlocks::multiplyRows(const HostProduct &P, Value Row,
                                  int64_t Rows) {
  // As many columns at once as leave registers for one row of the right operand
  // and a broadcast element of the left; a power of two, as most widths are.
  int64_t Vectors = llvm::bit_floor(static_cast<uint64_t>(
      std::clamp<int64_t>((Registers - 1) / (Rows + 1), 1, 8)));
  const int64_t Columns = P.E.ColCount;
  const int64_t Whole = Columns / Lanes; // in vectors
  int64_t Done = 0;
  for (; Vectors > 0; Vectors /= 2) {
    const int64_t Count = (Whole - Done) / Vectors * Vectors;
    if (Count == 0)
      continue;
    auto Emit = [&](Value Col) {
      multiplyPart(P, {Row, Col, Rows, Vectors, Lanes});
    };
    B.loop(B.index(Done * Lanes), B.index((Done + Count) * Lanes), Emit,
           Vectors * Lanes);
    Done += Count;
  }
  // The columns past the last whole vector.
  int64_t Col = Done * Lanes;
  for (int64_t Width = Lanes / 2; Width > 0; Width /= 2)
    if (Columns - Col >= Width) {
      multiplyPart(P, {Row, B.index(Col), Rows, 1, Width});
      Col += Width;
    }
}

void RegisterBlocks::multiply(const HostProduct &P) {
  const Extent &E = P.E;
  auto Blocks = [&](Value End) {
    B.loop(
        B.index(0), End, [&](Value Row) { multiplyRows(P, Row, kBlockRows); },
        kBlockRows);
  };
  if (!E.Rows) {
    const int64_t Main = E.RowCount / kBlockRows * kBlockRows;
    if (Main > 0)
      Blocks(B.index(Main));
    if (E.RowCount > Main)
      multiplyRows(P, B.index(Main), E.RowCount - Main);
    return;
  }
  Value Main = B.index(0);
  if (E.RowCount >= kBlockRows) {
    Main = B.times(B.over(E.Rows, kBlockRows), kBlockRows);
    Blocks(Main);
  }
  // A register block for each possible number of remaining rows, so that a
  // decode batch of any size reads the right operand once.
  Value Rest = B.minus(E.Rows, Main);
  for (int64_t Rows = 1; Rows < std::min(kBlockRows, E.RowCount + 1); ++Rows)
    B.ifThen(B.equal(Rest, Rows), [&] { multiplyRows(P, Main, Rows); });
}
