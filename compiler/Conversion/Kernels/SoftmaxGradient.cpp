//===- SoftmaxGradient.cpp - gradients of softmax attention ---------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The equations are those of m1.softmax_attention_gradient; docs/derivations.md
// derives them. Blocks of keys and of queries begin at multiples of their size
// in a sequence's own positions, and every sum runs in the order of positions.
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/Kernels/SoftmaxGradient.h"

#include "compiler/Conversion/Kernels/Sequences.h"
#include "compiler/Support/Masking.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace m1;

//===----------------------------------------------------------------------===//
// Blocks of a sequence
//===----------------------------------------------------------------------===//

namespace {
/// A block of `M` positions of a sequence.
struct Positions {
  KernelBody &B;
  const Sequence &Seq;
  Value Number;
  int64_t M;

  Value first() const { return B.times(Number, M); }
  Value token() const { return B.plus(Seq.Begin, first()); }
  Value count() const {
    return B.smaller(B.minus(Seq.Count, first()), B.index(M));
  }
  /// The rows of one head, of an argument [T, heads, D]; others are 0.
  Value load(StringRef Argument, Value Head) const {
    return B.load(B[Argument], {token(), Head, B.index(0)}, {0, 2},
                  {M, B.extent("D")}, count());
  }
  void store(Value Block, StringRef Argument, Value Head) const {
    B.store(Block, B[Argument], {token(), Head, B.index(0)}, {0, 2}, count());
  }
  /// A number for each row, of an argument [T, heads].
  Value loadNumbers(StringRef Argument, Value Head) const {
    return B.load(B[Argument], {token(), Head}, {0}, {M}, count());
  }
  void storeNumbers(Value Numbers, StringRef Argument, Value Head) const {
    B.store(Numbers, B[Argument], {token(), Head}, {0}, count());
  }
};
} // namespace

static Value ceilDiv(KernelBody &B, Value V, int64_t By) {
  return B.over(B.plus(V, B.index(By - 1)), By);
}

/// Keys or values of a block, transposed: [D, C].
static Value transposedRows(const Positions &Keys, StringRef Argument,
                            Value Group) {
  KernelBody &B = Keys.B;
  return B.load(B[Argument],
                {chunkRow(B, Keys.Seq, Keys.Number, Keys.M), Group, B.index(0),
                 B.index(0)},
                {2, 3}, {B.extent("D"), Keys.M});
}

/// Scores of queries against keys, kMasked for keys after a query.
static Value scores(const Positions &Queries, const Positions &Keys, Value Q,
                    Value Group) {
  KernelBody &B = Queries.B;
  const int64_t M = Queries.M, C = Keys.M;
  Value Products =
      B.dot(Q, transposedRows(Keys, "keys", Group), B.zeros({M, C}));
  Value Scores = B.mulF(Products, B.splat(B.number("scale"), Products));
  Value I = shifted(B, B.iota({M, C}, 0), Queries.first());
  Value J = shifted(B, B.iota({M, C}, 1), Keys.first());
  Value IsSeen = B.compare(arith::CmpIPredicate::sge, I, J);
  return B.select(IsSeen, Scores, B.splat(kMasked, Scores));
}

//===----------------------------------------------------------------------===//
// Transposed keys
//===----------------------------------------------------------------------===//

static void buildTransposedKeys(KernelBody &B) {
  withWholeSequence(B, [&](const Sequence &Seq) {
    const Positions Keys{B, Seq, B.Z, B.extent("C")};
    B.ifThen(B.less(Keys.first(), Seq.Count), [&] {
      Value Row = chunkRow(B, Seq, Keys.Number, Keys.M), Zero = B.index(0);
      auto Copy = [&](StringRef From, StringRef To) {
        B.store(B.transposed(Keys.load(From, B.Y)), B[To],
                {Row, B.Y, Zero, Zero}, {2, 3});
      };
      Copy("k", "keys");
      Copy("v", "values");
    });
  });
}

KernelDeclaration m1::transposedKeysKernel() {
  return {"transposed_keys",
          {{"k", "[T, G, D]"},
           {"v", "[T, G, D]"},
           {"cu_seqlens", "[B1] i32"},
           {"keys", "[rows, G, D, C] f32"},
           {"values", "[rows, G, D, C] f32"}},
          {},
          buildTransposedKeys};
}

//===----------------------------------------------------------------------===//
// Numbers of rows
//===----------------------------------------------------------------------===//

static void buildSoftmaxStatistics(KernelBody &B) {
  const int64_t M = B.Blocks.QueryRows, C = B.extent("C");
  Value Head = B.Y, Zero = B.index(0);
  Value Group = B.over(Head, B.extent("H") / B.extent("G"));
  withWholeSequence(B, [&](const Sequence &Seq) {
    const Positions Queries{B, Seq, B.Z, M};
    B.ifThen(B.less(Queries.first(), Seq.Count), [&] {
      Value Q = Queries.load("q", Head);
      Value Blocks = ceilDiv(B, B.plus(Queries.first(), Queries.count()), C);
      // The maximum of the scores and the sum of e^(score - maximum).
      SmallVector<Value> Final =
          B.loop(Zero, Blocks, {B.filled(M, kMasked), B.zeros(M)},
                 [&](Value Number, ValueRange Before) -> SmallVector<Value> {
                   const Positions Keys{B, Seq, Number, C};
                   Value Scores = scores(Queries, Keys, Q, Group);
                   Value Max =
                       B.create<arith::MaxNumFOp>(Before[0], B.rowMax(Scores));
                   Value P = B.expF(B.subF(Scores, B.along(Max, 1, C)));
                   Value Shrink = B.expF(B.subF(Before[0], Max));
                   return {Max, B.addF(B.mulF(Before[1], Shrink), B.rowSum(P))};
                 });
      Value Log = B.create<math::LogOp>(Final[1]);
      Queries.storeNumbers(B.addF(Final[0], Log), "log_sums", Head);
      Value Products = B.mulF(Queries.load("dy", Head),
                              B.widened(Queries.load("result", Head)));
      Queries.storeNumbers(B.rowSum(Products), "row_products", Head);
    });
  });
}

KernelDeclaration m1::softmaxStatisticsKernel() {
  return {"softmax_statistics",
          {{"dy", "[T, H, D] f32"},
           {"q", "[T, H, D]"},
           {"result", "[T, H, D]"},
           {"cu_seqlens", "[B1] i32"},
           {"keys", "[rows, G, D, C] f32"},
           {"log_sums", "[T, H] f32"},
           {"row_products", "[T, H] f32"}},
          {"scale"},
          buildSoftmaxStatistics};
}

//===----------------------------------------------------------------------===//
// Gradients
//===----------------------------------------------------------------------===//

static void buildSoftmaxGradient(KernelBody &B) {
  const int64_t M = B.Blocks.QueryRows;
  const int64_t C = B.extent("C"), D = B.extent("D");
  const int64_t QueriesPerKey = B.extent("H") / B.extent("G");
  Value Group = B.Y, Zero = B.index(0);
  withWholeSequence(B, [&](const Sequence &Seq) {
    Value QueryBlocks = ceilDiv(B, Seq.Count, M);
    B.loop(Zero, ceilDiv(B, Seq.Count, C), [&](Value Number) {
      const Positions Keys{B, Seq, Number, C};
      Value K = Keys.load("k", Group);
      // The query blocks that see a key of the block, head by head.
      Value First = B.over(Keys.first(), M);
      Value PerHead = B.minus(QueryBlocks, First);
      auto Visit = [&](Value Step, ValueRange Before) -> SmallVector<Value> {
        Value Head =
            B.plus(B.times(Group, QueriesPerKey), B.over(Step, PerHead));
        const Positions Queries{B, Seq, B.plus(First, B.modulo(Step, PerHead)),
                                M};
        Value Q = Queries.load("q", Head), Y = Queries.load("dy", Head);
        Value LogSums = Queries.loadNumbers("log_sums", Head);
        Value RowProducts = Queries.loadNumbers("row_products", Head);
        // p_ij, and ds_ij = scale p_ij (dy_i·v_j - D_i)
        Value P = B.expF(
            B.subF(scores(Queries, Keys, Q, Group), B.along(LogSums, 1, C)));
        Value DP =
            B.dot(Y, transposedRows(Keys, "values", Group), B.zeros({M, C}));
        Value Scaled = B.mulF(P, B.splat(B.number("scale"), P));
        Value DS = B.mulF(Scaled, B.subF(DP, B.along(RowProducts, 1, C)));
        // The first key block finds no gradient of the queries.
        Value Known = B.create<arith::SelectOp>(B.equal(Number, Zero), Zero,
                                                Queries.count());
        Value DQ = B.load(B["dq"], {Queries.token(), Head, Zero}, {0, 2},
                          {M, D}, Known);
        Queries.store(B.dot(DS, B.widened(K), DQ), "dq", Head);
        return {B.dot(B.transposed(DS), B.widened(Q), Before[0]),
                B.dot(B.transposed(P), Y, Before[1])};
      };
      SmallVector<Value> Final =
          B.loop(Zero, B.times(PerHead, QueriesPerKey),
                 {B.zeros({C, D}), B.zeros({C, D})}, Visit);
      Keys.store(Final[0], "dk", Group);
      Keys.store(Final[1], "dv", Group);
    });
  });
}

KernelDeclaration m1::softmaxGradientKernel() {
  return {"softmax_gradient",
          {{"dy", "[T, H, D] f32"},
           {"q", "[T, H, D]"},
           {"k", "[T, G, D]"},
           {"cu_seqlens", "[B1] i32"},
           {"keys", "[rows, G, D, C] f32"},
           {"values", "[rows, G, D, C] f32"},
           {"log_sums", "[T, H] f32"},
           {"row_products", "[T, H] f32"},
           {"dq", "[T, H, D] f32"},
           {"dk", "[T, G, D] f32"},
           {"dv", "[T, G, D] f32"}},
          {"scale"},
          buildSoftmaxGradient};
}
