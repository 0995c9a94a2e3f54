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

/// Additions to vectors of sums in an iteration over the steps of a leaf.
static constexpr int64_t kStepSums = 32;

SmallVector<Value> RegisterBlocks::constants(const HostProduct &P,
                                             const Part &Sums, double Number) {
  const Type Vector = widened(P.Sums.Element, Sums.Width);
  Attribute Element = B.getFloatAttr(P.Sums.Element, Number);
  if (auto Shaped = dyn_cast<VectorType>(Vector))
    Element = DenseElementsAttr::get(Shaped, Element);
  Value Constant = B.create<arith::ConstantOp>(cast<TypedAttr>(Element));
  return SmallVector<Value>(Sums.count(), Constant);
}

SmallVector<Value> RegisterBlocks::sumLeaf(const HostProduct &P,
                                           const Part &Sums, Value First,
                                           int64_t Steps, Step Body) {
  // The end of a loop that runs few times is mispredicted, which would cost
  // each leaf the loads that are under way. So there are a few steps in an
  // iteration, or one if it has many sums.
  int64_t Together = std::max<int64_t>(kStepSums / Sums.count(), 1);
  while (Steps % Together != 0)
    --Together;
  return B.loop(
      First, B.plus(First, Steps), constants(P, Sums, 0),
      [&](Value Number, ValueRange Carried) {
        SmallVector<Value> Next(Carried);
        for (int64_t I = 0; I < Together; ++I)
          Next = Body(B.plus(Number, I), Next);
        return Next;
      },
      Together);
}

SmallVector<Value> RegisterBlocks::sumLeaves(const HostProduct &P,
                                             const Part &Sums, Value First,
                                             int64_t Leaves, int64_t Steps,
                                             Step Body) {
  if (Leaves == 1)
    return sumLeaf(P, Sums, First, Steps, Body);
  auto Plus = [&](ValueRange X, ValueRange Y) {
    SmallVector<Value> Result;
    for (auto [A, C] : llvm::zip(X, Y))
      Result.push_back(B.create<arith::AddFOp>(A, C));
    return Result;
  };
  const int64_t Left = leftOfTree(Leaves), Right = Leaves - Left;
  if (Left != Right) {
    auto A = sumLeaves(P, Sums, First, Left, Steps, Body);
    auto C =
        sumLeaves(P, Sums, B.plus(First, Left * Steps), Right, Steps, Body);
    return Plus(A, C);
  }
  // Both halves by the same code. What is added to -0 does not change.
  return B.loop(B.index(0), B.index(2), constants(P, Sums, -0.0),
                [&](Value Half, ValueRange Carried) {
                  Value From = B.plus(First, B.times(Half, Left * Steps));
                  return Plus(Carried,
                              sumLeaves(P, Sums, From, Left, Steps, Body));
                });
}

void RegisterBlocks::prefetchBelow(const HostProduct &P, const Part &Sums) {
  // The sums of the same columns, which come several parts later. Past the last
  // row there may be no memory: a prefetch does not mind.
  for (int64_t I = 0; I < Sums.Rows; ++I)
    for (int64_t J = 0; J < Sums.Vectors; ++J)
      B.create<LLVM::Prefetch>(address(B, P.Sums,
                                       B.plus(Sums.Row, kBlockRows + I),
                                       B.plus(Sums.Col, J * Sums.Width)),
                               /*rw=*/0, /*hint=*/3, /*cache=*/1);
}

void RegisterBlocks::accumulate(const HostProduct &P, const Part &Sums,
                                int64_t Terms, Step Body) {
  auto At = [&](int64_t I, int64_t J) -> Position {
    return {B.plus(Sums.Row, I), B.plus(Sums.Col, J * Sums.Width), Sums.Width};
  };
  SmallVector<Value> Values;
  if (P.Leaves > 1) {
    Values =
        sumLeaves(P, Sums, B.index(0), P.Leaves, P.K / P.Leaves / Terms, Body);
  } else {
    Value Steps =
        Terms == 1 ? P.Depth : B.over(B.plus(P.Depth, Terms - 1), Terms);
    for (int64_t I = 0; I < Sums.Rows; ++I)
      for (int64_t J = 0; J < Sums.Vectors; ++J)
        Values.push_back(Eval.load(P.Sums, At(I, J)));
    if (P.IsFarSums)
      prefetchBelow(P, Sums);
    Values = B.loop(B.index(0), Steps, Values, Body);
  }
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
