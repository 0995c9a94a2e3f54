//===- Softmax.cpp - softmax attention ------------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/Kernels/Softmax.h"

#include "compiler/Conversion/Kernels/Sequences.h"
#include "compiler/Support/Masking.h"

using namespace mlir;
using namespace m1;

CacheMemory::CacheMemory(KVCacheType Type, int64_t Parts, int64_t Length,
                         int64_t KeyRows) {
  const int64_t Inner = llvm::divideCeil(Length, KeyRows);
  const int64_t G = Type.getHeads(), D = Type.getHeadDim();
  Keys = memoryType({Parts, G, Inner, D, KeyRows}, Type.getElementType());
  Values = memoryType({Parts, G, Inner * KeyRows, D}, Type.getElementType());
}

namespace {
/// Where a key block of a sequence is: the indices of axes 0 and 2 of `keys`,
/// and of axis 2 of `values` for its first row.
struct KeyBlock {
  Value Outer, Inner, Row;
};
} // namespace

/// Key block `Number` of sequence number x, which has `Slot`.
static KeyBlock keyBlock(KernelBody &B, Value Slot, Value Number) {
  const int64_t C = B.extent("C");
  if (!B.has("blocks"))
    return {Slot, Number, B.times(Number, C)};
  // A block of the table holds several key blocks.
  const int64_t Per = B.extent("inner");
  Value Column = Per == 1 ? Number : B.over(Number, Per);
  Value Inner = Per == 1 ? B.index(0) : B.modulo(Number, Per);
  return {B.at(B["blocks"], {B.X, Column}), Inner, B.times(Inner, C)};
}

KernelDeclaration m1::appendKernel() {
  return {"append",
          {{"k", "[T, G, D]"},
           {"v", "[T, G, D]"},
           {"keys", "[outer, G, inner, D, C]"},
           {"values", "[outer, G, length, D]"},
           {"positions", "[T] i32"},
           {"cu_seqlens", "[B1] i32"},
           {"slots", "[B] i32"},
           {"blocks?", "[B, M] i32"}},
          {},
          [](KernelBody &B) {
            const int64_t C = B.extent("C"), D = B.extent("D");
            Value G = B.Y, Zero = B.index(0);
            withSequence(B, [&](const Sequence &Seq) {
              Value Past = B.plus(Seq.Position, Seq.Count);
              Value Block = B.plus(B.over(Seq.Position, C), B.Z);
              Value Base = B.times(Block, C);
              B.ifThen(B.less(Base, Past), [&] {
                NewTokens New = newTokens(B, Seq, Block, C);
                Value R0 = New.First, Rows = New.Count, Token = New.Token;
                auto NewRows = [&](Value From) {
                  return B.load(From, {Token, G, Zero}, {0, 2}, {C, D}, Rows);
                };
                const KeyBlock At = keyBlock(B, Seq.Slot, Block);
                B.store(B.transposed(NewRows(B["k"])), B["keys"],
                        {At.Outer, G, At.Inner, Zero, R0}, {3, 4}, Value(),
                        Rows);
                B.store(NewRows(B["v"]), B["values"],
                        {At.Outer, G, B.plus(At.Row, R0), Zero}, {2, 3}, Rows);
              });
            });
          }};
}

//===----------------------------------------------------------------------===//
// Sums over keys
//===----------------------------------------------------------------------===//

namespace {
/// The partial result of rows over some keys: the sum of e^(score - maximum) v,
/// the maximum, and the sum of e^(score - maximum).
struct Seen {
  Value O, Max, Sum; // [M, D], [M], [M]
  SmallVector<Value> values() const { return {O, Max, Sum}; }
  static Seen of(ValueRange Values) {
    return {Values[0], Values[1], Values[2]};
  }
};

/// Softmax attention of a block of queries. The rows are independent: each
/// depends only on its own query and position and on the keys.
struct SoftmaxRows {
  KernelBody &B;
  Value Slot = {}, Group = {};
  Value Queries = {};   // [M, D]
  Value Positions = {}; // of the rows, [M, C] of i32
  Value Past = {};      // the first position that no row sees

  int64_t rows() const {
    return cast<VectorType>(Queries.getType()).getDimSize(0);
  }
  int64_t keyRows() const { return B.extent("C"); }
  int64_t width() const { return B.extent("D"); }

  Seen nothing() const {
    const int64_t M = rows();
    return {B.zeros({M, width()}), B.filled(M, kMasked), B.zeros(M)};
  }

  /// The partial result over key blocks `From` <= i < `To`, in order. For a row
  /// that has seen a key, a block that is masked for it has no effect. A row
  /// that has seen none has a partial result that has no effect in join().
  Seen walk(Value From, Value To) const {
    const int64_t M = rows(), C = keyRows(), D = width();
    Value Zero = B.index(0);
    return Seen::of(B.loop(
        From, To, nothing().values(), [&](Value Block, ValueRange Carried) {
          const Seen Before = Seen::of(Carried);
          Value Base = B.times(Block, C);
          const KeyBlock At = keyBlock(B, Slot, Block);
          Value Kt = B.load(B["keys"], {At.Outer, Group, At.Inner, Zero, Zero},
                            {3, 4}, {D, C});
          Value Known = B.smaller(B.minus(Past, Base), B.index(C));
          Value Vs = B.load(B["values"], {At.Outer, Group, At.Row, Zero},
                            {2, 3}, {C, D}, Known);
          Value Scores = B.dot(Queries, Kt, B.zeros({M, C}));
          Scores = B.mulF(Scores, B.splat(B.number("scale"), Scores));
          Value J = shifted(B, B.iota({M, C}, 1), Base);
          Value IsSeen = B.compare(arith::CmpIPredicate::sge, Positions, J);
          Scores = B.select(IsSeen, Scores, B.splat(kMasked, Scores));
          Value Max = B.create<arith::MaxNumFOp>(Before.Max, B.rowMax(Scores));
          Value P = B.expF(B.subF(Scores, B.along(Max, 1, C)));
          Value Shrink = B.expF(B.subF(Before.Max, Max));
          Value Sum = B.addF(B.mulF(Before.Sum, Shrink), B.rowSum(P));
          Value O = B.dot(P, Vs, B.mulF(Before.O, B.along(Shrink, 1, D)));
          return Seen{O, Max, Sum}.values();
        }));
  }
};
} // namespace

/// Combines `A` and then `C`. One that has seen no key has no effect on the
/// bits of the other.
static Seen join(KernelBody &B, const Seen &A, const Seen &C) {
  const int64_t D = cast<VectorType>(A.O.getType()).getDimSize(1);
  Value Max = B.create<arith::MaxNumFOp>(A.Max, C.Max);
  Value OfA = B.expF(B.subF(A.Max, Max)), OfC = B.expF(B.subF(C.Max, Max));
  auto Both = [&](Value FromA, Value FromC, Value ByA, Value ByC) {
    return B.addF(B.mulF(FromA, ByA), B.mulF(FromC, ByC));
  };
  return {Both(A.O, C.O, B.along(OfA, 1, D), B.along(OfC, 1, D)), Max,
          Both(A.Sum, C.Sum, OfA, OfC)};
}

static Value quotient(KernelBody &B, const Seen &Final) {
  const int64_t D = cast<VectorType>(Final.O.getType()).getDimSize(1);
  Value Inverse = B.divF(B.splat(1, Final.Sum), Final.Sum);
  return B.mulF(Final.O, B.along(Inverse, 1, D));
}

static Value ceilDiv(KernelBody &B, Value V, int64_t By) {
  return B.over(B.plus(V, B.index(By - 1)), By);
}

//===----------------------------------------------------------------------===//
// Blocks of queries
//===----------------------------------------------------------------------===//

static void buildSoftmax(KernelBody &B) {
  const int64_t M = B.Blocks.QueryRows;
  const int64_t C = B.extent("C"), D = B.extent("D");
  const int64_t QueriesPerKey = B.extent("H") / B.extent("G");
  const int64_t SegmentKeys = B.integer("segment_keys");
  Value Head = B.Y, Zero = B.index(0);
  withSequence(B, [&](const Sequence &Seq) {
    Value Skipped = B.times(B.Z, M);
    Value IsMine = B.less(Skipped, Seq.Count);
    if (SegmentKeys) // single tokens are softmaxSplitKernel's
      IsMine = B.both(IsMine, B.less(B.index(1), Seq.Count));
    B.ifThen(IsMine, [&] {
      Value Rows = B.smaller(B.minus(Seq.Count, Skipped), B.index(M));
      Value Token = B.plus(Seq.Begin, Skipped);
      Value Position = B.plus(Seq.Position, Skipped);
      SoftmaxRows Block{B};
      Block.Slot = Seq.Slot;
      Block.Group = B.over(Head, QueriesPerKey);
      Block.Queries = B.load(B["q"], {Token, Head, Zero}, {0, 2}, {M, D}, Rows);
      Block.Positions = shifted(B, B.iota({M, C}, 0), Position);
      Block.Past = B.plus(Position, Rows);

      Value Blocks = ceilDiv(B, Block.Past, C);
      Seen Final;
      if (SegmentKeys) {
        const int64_t PerSegment = SegmentKeys / C;
        Final = Seen::of(B.loop(
            Zero, ceilDiv(B, Block.Past, SegmentKeys), Block.nothing().values(),
            [&](Value Segment, ValueRange Carried) {
              Value From = B.times(Segment, PerSegment);
              Value To = B.smaller(B.plus(From, B.index(PerSegment)), Blocks);
              return join(B, Seen::of(Carried), Block.walk(From, To)).values();
            }));
      } else {
        Final = Block.walk(Zero, Blocks);
      }
      B.store(quotient(B, Final), B["result"], {Token, Head, Zero}, {0, 2},
              Rows);
    });
  });
}

KernelDeclaration m1::softmaxKernel() {
  return {"softmax",
          {{"q", "[T, H, D]"},
           {"keys", "[outer, G, inner, D, C]"},
           {"values", "[outer, G, length, D]"},
           {"positions", "[T] i32"},
           {"cu_seqlens", "[B1] i32"},
           {"slots", "[B] i32"},
           {"blocks?", "[B, M] i32"},
           {"result", "[T, H, D]"}},
          {"scale", "segment_keys"},
          buildSoftmax};
}

//===----------------------------------------------------------------------===//
// Single queries
//===----------------------------------------------------------------------===//

SegmentMemory::SegmentMemory(int64_t SegmentKeys, int64_t Length, int64_t Heads,
                             int64_t Width, MLIRContext *Context) {
  // Cells beyond this take further segments in turn: most sequences are shorter
  // than the longest.
  constexpr int64_t kMostCells = 64;
  Type F32 = Float32Type::get(Context);
  const int64_t Segments = llvm::divideCeil(Length, SegmentKeys);
  Cells = std::min(Segments, kMostCells);
  Sums = memoryType({ShapedType::kDynamic, Heads, Segments, Width}, F32);
  Numbers = memoryType({ShapedType::kDynamic, Heads, Segments}, F32);
}

int64_t m1::softmaxHeadBlocks(const Blocking &Blocks, int64_t Heads,
                              int64_t Groups) {
  return llvm::divideCeil(Heads / Groups, Blocks.QueryRows);
}

static void buildSoftmaxSplit(KernelBody &B) {
  const int64_t M = B.Blocks.QueryRows;
  const int64_t C = B.extent("C"), D = B.extent("D");
  const int64_t H = B.extent("H"), G = B.extent("G"), R = H / G;
  const int64_t HeadBlocks = softmaxHeadBlocks(B.Blocks, H, G);
  const int64_t SegmentKeys = B.integer("segment_keys");
  Value Zero = B.index(0), One = B.index(1);
  withSequence(B, [&](const Sequence &Seq) {
    B.ifThen(B.equal(Seq.Count, One), [&] {
      SoftmaxRows Block{B};
      Block.Slot = Seq.Slot;
      Block.Group = B.over(B.Y, HeadBlocks);
      // Rows are the heads that share keys.
      Value InGroup =
          B.times(B.minus(B.Y, B.times(Block.Group, HeadBlocks)), M);
      Value Head = B.plus(B.times(Block.Group, R), InGroup);
      Value Rows = B.smaller(B.minus(B.index(R), InGroup), B.index(M));
      Block.Queries =
          B.load(B["q"], {Seq.Begin, Head, Zero}, {1, 2}, {M, D}, Rows);
      Block.Positions = B.fill(B.toI32(Seq.Position), {M, C});
      Block.Past = B.plus(Seq.Position, One);

      Value Blocks = ceilDiv(B, Block.Past, C);
      Value Segments = ceilDiv(B, Block.Past, SegmentKeys);
      auto Sum = [&](Value Segment) {
        Value From = B.times(Segment, SegmentKeys / C);
        Value To = B.smaller(B.plus(From, B.index(SegmentKeys / C)), Blocks);
        Seen Part = Block.walk(From, To);
        B.store(Part.O, B["sums"], {B.X, Head, Segment, Zero}, {1, 3}, Rows);
        B.store(Part.Max, B["maxima"], {B.X, Head, Segment}, {1}, Rows);
        B.store(Part.Sum, B["powers"], {B.X, Head, Segment}, {1}, Rows);
      };
      B.loop(B.Z, Segments, Sum, B.integer("cells"));
    });
  });
}

KernelDeclaration m1::softmaxSplitKernel() {
  return {"softmax_split",
          {{"q", "[T, H, D]"},
           {"keys", "[outer, G, inner, D, C]"},
           {"values", "[outer, G, length, D]"},
           {"positions", "[T] i32"},
           {"cu_seqlens", "[B1] i32"},
           {"slots", "[B] i32"},
           {"blocks?", "[B, M] i32"},
           {"sums", "[B, H, segments, D] f32"},
           {"maxima", "[B, H, segments] f32"},
           {"powers", "[B, H, segments] f32"}},
          {"scale", "segment_keys", "cells"},
          buildSoftmaxSplit};
}

static void buildSoftmaxJoin(KernelBody &B) {
  const int64_t D = B.extent("D");
  Value Head = B.Y, Zero = B.index(0), One = B.index(1);
  withSequence(B, [&](const Sequence &Seq) {
    B.ifThen(B.equal(Seq.Count, One), [&] {
      Value Past = B.plus(Seq.Position, One);
      const Seen None{B.zeros({1, D}), B.filled(1, kMasked), B.zeros(1)};
      Seen Final = Seen::of(
          B.loop(Zero, ceilDiv(B, Past, B.integer("segment_keys")),
                 None.values(), [&](Value Segment, ValueRange Carried) {
                   auto Load = [&](StringRef Argument) {
                     return B.load(B[Argument], {B.X, Head, Segment}, {1}, {1});
                   };
                   const Seen Part{B.load(B["sums"], {B.X, Head, Segment, Zero},
                                          {1, 3}, {1, D}),
                                   Load("maxima"), Load("powers")};
                   return join(B, Seen::of(Carried), Part).values();
                 }));
      B.store(quotient(B, Final), B["result"], {Seq.Begin, Head, Zero}, {1, 2});
    });
  });
}

KernelDeclaration m1::softmaxJoinKernel() {
  return {"softmax_join",
          {{"sums", "[B, H, segments, D] f32"},
           {"maxima", "[B, H, segments] f32"},
           {"powers", "[B, H, segments] f32"},
           {"positions", "[T] i32"},
           {"cu_seqlens", "[B1] i32"},
           {"slots", "[B] i32"},
           {"result", "[T, H, D]"}},
          {"segment_keys"},
          buildSoftmaxJoin};
}
