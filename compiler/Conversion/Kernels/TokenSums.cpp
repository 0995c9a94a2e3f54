//===- TokenSums.cpp - sums over tokens, added to tensors -----------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/Kernels/TokenSums.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace m1;

bool m1::takesTwos(const Blocking &Blocks, Type Left, Type Right) {
  constexpr int64_t Two = 2;
  return Blocks.Unit && Blocks.Unit.getDepth() == Two &&
         Blocks.Unit.getRightRowsTogether() == Two &&
         Blocks.Unit.multiplies(Left, Right,
                                Float32Type::get(Left.getContext()), Two);
}

/// Blocks of an axis of `Extent`, where `Most` is the target's: a single block,
/// or equal ones of whole vectors, or whole blocks and a smaller one. Their
/// sizes are static: a part of a block is loaded element by element.
static AxisBlocks divide(int64_t Extent, int64_t Most) {
  constexpr int64_t Vector = 16;
  if (2 * Extent <= 3 * Most)
    return {Extent, 1, 0};
  for (int64_t Size = Most; 2 * Size >= Most; Size -= Vector)
    if (Extent % Size == 0)
      return {Size, Extent / Size, 0};
  return {Most, Extent / Most, Extent % Most};
}

/// In twos, elements have half the size, so there is room for twice as many
/// columns of the right operand.
GradientBlocks::GradientBlocks(const Blocking &Blocks, int64_t Rows,
                               int64_t Columns, bool Twos)
    : Rows(divide(Rows, Blocks.GradientRows)),
      Columns(divide(Columns, Twos ? 4 * Blocks.GradientColumns
                                   : Blocks.GradientColumns)),
      Tokens(Twos ? 2 * Blocks.GradientTokens : Blocks.GradientTokens) {}

void m1::addOverTokens(KernelBody &B, Value Count, bool Twos,
                       llvm::function_ref<std::pair<Value, Value>(
                           const GradientBlock &At, Value First, Value Some)>
                           Load) {
  ArrayRef<int64_t> Shape = B.memory("state").getShape();
  const bool Stacked = Shape.size() == 3;
  ArrayRef<int64_t> Matrix = Shape.take_back(2);
  const GradientBlocks All(B.Blocks, Matrix[0], Matrix[1], Twos);
  const int64_t Tokens = All.Tokens;

  auto AddTo = [&](const GradientBlock &At) {
    SmallVector<Value> Where{At.Row, At.Column};
    if (Stacked)
      Where.insert(Where.begin(), B.Z);
    const int64_t Axis = Stacked ? 1 : 0;
    Value Before =
        B.load(B["state"], Where, {Axis, Axis + 1}, {At.Height, At.Width});
    auto AddBlock = [&](Value I, ValueRange Sums) -> SmallVector<Value> {
      Value First = B.times(I, Tokens);
      Value Some = B.smaller(B.index(Tokens), B.minus(Count, First));
      auto [Left, Right] = Load(At, First, Some);
      return {B.dot(B.transposed(Left), Right, Sums[0])};
    };
    Value Sums = B.loop(B.index(0), B.over(B.plus(Count, Tokens - 1), Tokens),
                        Before, AddBlock)[0];
    B.store(Sums, B["state"], Where, {Axis, Axis + 1});
  };
  // Calls `Body` for each size that the block of coordinate `Cell` may have.
  auto ForSize = [&](const AxisBlocks &Blocks, Value Cell,
                     llvm::function_ref<void(int64_t Size)> Body) {
    if (Blocks.Rest == 0)
      return Body(Blocks.Size);
    B.ifThen(B.less(Cell, B.index(Blocks.Count)), [&] { Body(Blocks.Size); });
    B.ifThen(B.equal(Cell, Blocks.Count), [&] { Body(Blocks.Rest); });
  };
  Value Row = B.times(B.Y, All.Rows.Size);
  Value Column = B.times(B.X, All.Columns.Size);
  ForSize(All.Rows, B.Y, [&](int64_t Height) {
    ForSize(All.Columns, B.X, [&](int64_t Width) {
      AddTo({Row, Column, Height, Width, Tokens});
    });
  });
}

//===----------------------------------------------------------------------===//
// Lists in twos
//===----------------------------------------------------------------------===//

ListedRows m1::listedRows(KernelBody &B, Value List, const GradientBlock &At,
                          Value First) {
  Value Entry = B.load(List, {B.Z, First}, {1}, {At.Tokens});
  // All bits of a negative entry are inverted.
  Value Sign = B.create<arith::ShRSIOp>(Entry, B.splat(31, Entry));
  return {B.create<arith::XOrIOp>(Entry, Sign),
          B.compare(arith::CmpIPredicate::sge, Entry, B.splat(0, Entry))};
}

Value m1::countedRows(KernelBody &B, Value Block, Value Counts) {
  const int64_t Width = cast<VectorType>(Block.getType()).getDimSize(1);
  return B.select(B.along(Counts, 1, Width), Block, B.splat(0, Block));
}

Value m1::completeTwos(KernelBody &B, Value List, Value Row, Value Count,
                       Value Last) {
  Value Odd = B.modulo(Count, 2);
  B.ifThen(B.equal(Odd, 1), [&] {
    Value Entry = B.toI32(B.minus(B.index(-1), Last));
    B.create<memref::StoreOp>(Entry, List, ValueRange{Row, Count});
  });
  return B.plus(Count, Odd);
}

int64_t m1::listExtent(const Blocking &Blocks, int64_t Rows,
                       int64_t Sequences) {
  return Rows + Sequences + 2 * Blocks.GradientTokens;
}

static void buildListTokens(KernelBody &B) {
  Value Zero = B.index(0);
  auto StoreRange = [&](Value Number, Value First) {
    B.create<memref::StoreOp>(B.toI32(First), B["ranges"], ValueRange{Number});
  };
  auto AddSequence = [&](Value Number,
                         ValueRange Carried) -> SmallVector<Value> {
    Value Begin = B.at(B["cu_seqlens"], Number);
    Value End = B.at(B["cu_seqlens"], B.plus(Number, 1));
    Value Length = B.minus(End, Begin);
    B.loop(Zero, Length, [&](Value I) {
      Value Token = B.plus(Begin, I), At = B.plus(Carried[0], I);
      B.create<memref::StoreOp>(B.toI32(Token), B["list"],
                                ValueRange{Zero, At});
      if (B.has("ranges"))
        B.ifThen(B.equal(B.modulo(Token, B["block"]), 0), [&] {
          StoreRange(B.over(Token, B["block"]), B.minus(At, B.modulo(At, 2)));
        });
    });
    return {completeTwos(B, B["list"], Zero, B.plus(Carried[0], Length),
                         B.minus(End, B.index(1)))};
  };
  Value Count = B.loop(Zero, B["sequences"], {Zero}, AddSequence)[0];
  B.create<memref::StoreOp>(B.toI32(Count), B["counts"], ValueRange{Zero});
  if (!B.has("ranges"))
    return;
  // Blocks past the last token are empty.
  Value Blocks =
      B.over(B.plus(B["rows"], B.minus(B["block"], B.index(1))), B["block"]);
  B.loop(Blocks, B.index(B.extent("R")),
         [&](Value Number) { StoreRange(Number, Count); });
}

KernelDeclaration m1::listTokensKernel() {
  return {"list_tokens",
          {{"cu_seqlens", "[B1] i32"},
           {"list", "[E, bound] i32"},
           {"counts", "[E] i32"},
           {"ranges?", "[R] i32"},
           {"block?", "index"},
           {"sequences", "index"},
           {"rows", "index"}},
          {},
          buildListTokens};
}
