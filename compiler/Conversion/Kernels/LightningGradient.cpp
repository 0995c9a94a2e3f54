//===- LightningGradient.cpp - gradients of lightning attention -----------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The equations are those of m1.lightning_attention_gradient;
// docs/derivations.md derives them. One kernel walks the chunks of a sequence
// forwards for S and backwards for dS, the other computes the gradients of all
// chunks at once.
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/Kernels/LightningGradient.h"

#include "compiler/Conversion/Kernels/Sequences.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace m1;

/// exp(-slope * distance), elementwise; `Distance` is a block of i32 whose
/// elements are at least 0.
static Value decay(KernelBody &B, Value Slope, Value Distance) {
  auto Type = cast<VectorType>(Distance.getType());
  Value Steps = B.create<arith::SIToFPOp>(Type.clone(B.getF32Type()), Distance);
  Value Rate = B.create<arith::NegFOp>(Slope);
  return B.expF(B.mulF(Steps, B.fill(Rate, Type.getShape())));
}

namespace {
/// The rows of a chunk and their decays.
struct GradientChunk {
  KernelBody &B;
  const Sequence &Seq;
  Value Slope, Number;
  int64_t D, C;

  NewTokens tokens() const { return newTokens(B, Seq, Number, C); }
  /// Columns `Col` to `Col` + `Columns` of the chunk's rows; other rows are 0.
  Value rows(StringRef Argument, Value Col, int64_t Columns) const {
    const NewTokens In = tokens();
    return B.load(B[Argument], {In.Token, B.Y, Col}, {0, 2}, {C, Columns},
                  In.Count);
  }
  Value rows(StringRef Argument) const { return rows(Argument, B.index(0), D); }
  /// λ^{i+1}.
  Value sinceBefore() const {
    return decay(B, Slope, shifted(B, B.iota(C, 0), B.index(1)));
  }
  /// λ^{C-1-j}. A chunk of fewer rows has no gradient of a state after it.
  Value untilAfter() const {
    return decay(
        B, Slope,
        B.create<arith::SubIOp>(B.splat(C - 1, B.iota(C, 0)), B.iota(C, 0)));
  }
  /// λ^{i-j} for j <= i, otherwise 0.
  Value between() const {
    Value I = B.iota({C, C}, 0), J = B.iota({C, C}, 1);
    Value Distance = B.create<arith::SubIOp>(I, J);
    Value Known =
        B.create<arith::MaxSIOp>(Distance, B.splat(0, Distance)); // no overflow
    Value Seen = B.compare(arith::CmpIPredicate::sge, I, J);
    return B.select(Seen, decay(B, Slope, Known), B.zeros({C, C}));
  }
  /// λ^C X + Σ_i left_iᵀ weight_i right_i, for `Columns` columns of `Left`.
  Value next(Value X, StringRef Left, Value Col, StringRef Right,
             Value Weight) const {
    const int64_t Columns = cast<VectorType>(X.getType()).getDimSize(0);
    Value Whole = decay(B, Slope, B.splat(C, B.iota(Columns, 0)));
    Value Weighted = B.mulF(B.widened(rows(Right)), B.along(Weight, 1, D));
    return B.dot(B.transposed(B.widened(rows(Left, Col, Columns))), Weighted,
                 B.mulF(X, B.along(Whole, 1, D)));
  }
};
} // namespace

/// The number of the last chunk of a sequence that is not empty.
static Value lastChunk(KernelBody &B, const Sequence &Seq, int64_t C) {
  return B.over(B.minus(Seq.Count, B.index(1)), C);
}

static void buildLightningStates(KernelBody &B) {
  const int64_t D = B.extent("D"), C = B.integer("chunk");
  const int64_t Parts = B.integer("parts"), Rows = D / Parts;
  Value Zero = B.index(0), One = B.index(1);
  withWholeSequence(B, [&](const Sequence &Seq) {
    Value Slope = B.create<memref::LoadOp>(B["slopes"], B.Y);
    Value Last = lastChunk(B, Seq, C);
    auto Store = [&](Value X, StringRef To, Value Number, Value Row) {
      B.store(X, B[To], {chunkRow(B, Seq, Number, C), B.Y, Row, Zero}, {2, 3});
    };
    Value IsState = B.less(B.Z, B.index(Parts));
    B.ifThen(IsState, [&] {
      Value Row = B.times(B.Z, Rows);
      B.loop(Zero, Last, B.zeros({Rows, D}),
             [&](Value Number, ValueRange S) -> SmallVector<Value> {
               const GradientChunk Chunk{B, Seq, Slope, Number, D, C};
               Value Next = Chunk.next(S[0], "v", Row, "k", Chunk.untilAfter());
               Store(Next, "states", B.plus(Number, One), Row);
               return {Next};
             });
    });
    B.ifThen(B.less(B.index(Parts - 1), B.Z), [&] {
      Value Row = B.times(B.minus(B.Z, B.index(Parts)), Rows);
      B.loop(Zero, Last, B.zeros({Rows, D}),
             [&](Value Done, ValueRange DS) -> SmallVector<Value> {
               Value Number = B.minus(Last, Done);
               const GradientChunk Chunk{B, Seq, Slope, Number, D, C};
               Value Next =
                   Chunk.next(DS[0], "q", Row, "dy", Chunk.sinceBefore());
               Store(Next, "state_gradients", B.minus(Number, One), Row);
               return {Next};
             });
    });
  });
}

KernelDeclaration m1::lightningStatesKernel() {
  return {"lightning_states",
          {{"dy", "[T, H, D] f32"},
           {"q", "[T, H, D]"},
           {"k", "[T, H, D]"},
           {"v", "[T, H, D]"},
           {"slopes", "[H] f32"},
           {"cu_seqlens", "[B1] i32"},
           {"states", "[rows, H, D, D] f32"},
           {"state_gradients", "[rows, H, D, D] f32"}},
          {"chunk", "parts"},
          buildLightningStates};
}

static void buildLightningGradient(KernelBody &B) {
  const int64_t D = B.extent("D"), C = B.integer("chunk");
  Value Zero = B.index(0), Number = B.Z;
  withWholeSequence(B, [&](const Sequence &Seq) {
    B.ifThen(B.less(B.times(Number, C), Seq.Count), [&] {
      Value Slope = B.create<memref::LoadOp>(B["slopes"], B.Y);
      const GradientChunk Chunk{B, Seq, Slope, Number, D, C};
      const NewTokens In = Chunk.tokens();
      Value IsFirst = B.equal(Number, Zero);
      Value IsLast = B.equal(Number, lastChunk(B, Seq, C));
      // A state that is 0 was not written.
      auto State = [&](StringRef Argument, Value IsZero) {
        Value Known = B.create<arith::SelectOp>(IsZero, Zero, B.index(D));
        return B.load(B[Argument],
                      {chunkRow(B, Seq, Number, C), B.Y, Zero, Zero}, {2, 3},
                      {D, D}, Known);
      };
      auto Scaled = [&](Value A, Value State, Value Decay) {
        return B.mulF(B.dot(A, State, B.zeros({C, D})), B.along(Decay, 1, D));
      };
      auto Store = [&](Value X, StringRef To) {
        B.store(X, B[To], {In.Token, B.Y, Zero}, {0, 2}, In.Count);
      };
      Value Y = Chunk.rows("dy"), Q = Chunk.rows("q"), K = Chunk.rows("k"),
            V = Chunk.rows("v");
      Value Between = Chunk.between(), UntilAfter = Chunk.untilAfter();

      // dq_i = Σ_{j<=i} λ^{i-j} (dy_i·v_j) k_j + λ^{i+1} S dy_i
      Value Ds = B.mulF(B.dot(Y, B.transposed(B.widened(V)), B.zeros({C, C})),
                        Between);
      Store(B.dot(Ds, B.widened(K),
                  Scaled(Y, State("states", IsFirst), Chunk.sinceBefore())),
            "dq");
      // dk_j = Σ_{i>=j} λ^{i-j} (dy_i·v_j) q_i + λ^{m-1-j} dS v_j
      Store(B.dot(B.transposed(Ds), B.widened(Q),
                  Scaled(B.widened(V),
                         B.transposed(State("state_gradients", IsLast)),
                         UntilAfter)),
            "dk");
      // dv_j = Σ_{i>=j} λ^{i-j} (q_i·k_j) dy_i + λ^{m-1-j} k_jᵀ dS
      Value P = B.mulF(B.dot(Q, B.transposed(K), B.zeros({C, C})), Between);
      Store(B.dot(B.transposed(P), Y,
                  Scaled(B.widened(K), State("state_gradients", IsLast),
                         UntilAfter)),
            "dv");
    });
  });
}

KernelDeclaration m1::lightningGradientKernel() {
  return {"lightning_gradient",
          {{"dy", "[T, H, D] f32"},
           {"q", "[T, H, D]"},
           {"k", "[T, H, D]"},
           {"v", "[T, H, D]"},
           {"slopes", "[H] f32"},
           {"cu_seqlens", "[B1] i32"},
           {"states", "[rows, H, D, D] f32"},
           {"state_gradients", "[rows, H, D, D] f32"},
           {"dq", "[T, H, D] f32"},
           {"dk", "[T, H, D] f32"},
           {"dv", "[T, H, D] f32"}},
          {"chunk"},
          buildLightningGradient};
}
