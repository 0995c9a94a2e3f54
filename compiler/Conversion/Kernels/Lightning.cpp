//===- Lightning.cpp - lightning attention --------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/Kernels/Lightning.h"

#include "compiler/Conversion/Kernels/Sequences.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace m1;

LightningMemory::LightningMemory(LightningStateType Type, int64_t Slots,
                                 int64_t Parts) {
  const int64_t H = Type.getHeads(), D = Type.getHeadDim();
  const int64_t C = Type.getChunk();
  mlir::Type Element = Type.getElementType();
  mlir::Type F32 = Float32Type::get(Type.getContext());
  Keys = memoryType({Slots, H, Parts, D, C}, Element);
  Values = memoryType({Slots, H, C, D}, Element);
  State = memoryType({Slots, H, D, D}, F32);
  if (Element != F32)
    Image = memoryType({Slots, H, D, D}, Element);
}

int64_t m1::lightningParts(const Blocking &Blocks, int64_t HeadDim) {
  if (Blocks.StateElements == 0)
    return 1;
  int64_t Parts = 1;
  while (HeadDim % (2 * Parts) == 0 &&
         HeadDim * (HeadDim / Parts) > Blocks.StateElements)
    Parts *= 2;
  return Parts;
}

/// exp(-slope * distance), elementwise; `Distance` is a block of i32.
static Value decay(KernelBody &B, Value Slope, Value Distance) {
  auto Type = cast<VectorType>(Distance.getType());
  Value Steps = B.create<arith::SIToFPOp>(Type.clone(B.getF32Type()), Distance);
  Value Rate = B.create<arith::NegFOp>(Slope);
  return B.expF(B.mulF(Steps, B.fill(Rate, Type.getShape())));
}

namespace {
/// The equations of one chunk (docs/model.md) for some of its rows and some
/// columns of v.
struct LightningChunk {
  KernelBody &B;
  Value Slope;
  int64_t D, C, Columns;

  /// O_inter[i] = λ^{i+1} q_i S_prev for rows from `First` on.
  Value before(Value Q, Value State, Value First) const {
    Value I = shifted(B, B.iota(C, 0), B.plus(First, B.index(1)));
    return B.mulF(B.dot(Q, State, B.zeros({C, Columns})),
                  B.along(decay(B, Slope, I), 1, Columns));
  }
  /// O[i] = O_inter[i] + Σ_{j<=i} λ^{i-j} (q_i·k_j) v_j.
  Value output(Value Q, Value Keys, Value Values, Value First,
               Value Inter) const {
    Value Scores = B.dot(Q, Keys, B.zeros({C, C}));
    Value I = shifted(B, B.iota({C, C}, 0), First);
    Value J = B.iota({C, C}, 1);
    Value Seen = B.compare(arith::CmpIPredicate::sge, I, J);
    Value Decayed =
        B.mulF(Scores, decay(B, Slope, B.create<arith::SubIOp>(I, J)));
    Value P = B.select(Seen, Decayed, B.zeros({C, C}));
    return B.dot(P, Values, Inter);
  }
  /// S = λ^C S_prev + Σ_j λ^{C-1-j} k_jᵀ v_j, of a full chunk.
  Value close(Value Keys, Value Values, Value State) const {
    Value Left =
        B.create<arith::SubIOp>(B.splat(C - 1, B.iota(C, 0)), B.iota(C, 0));
    Value Weighted =
        B.mulF(B.widened(Keys), B.along(decay(B, Slope, Left), 0, D));
    Value Whole =
        B.along(decay(B, Slope, B.splat(C, B.iota(D, 0))), 1, Columns);
    return B.dot(Weighted, Values, B.mulF(State, Whole));
  }
};
} // namespace

static void buildLightning(KernelBody &B) {
  const int64_t D = B.extent("D"), C = B.extent("C");
  const int64_t Columns = D / B.extent("parts");
  const Type Element = B.memory("keys").getElementType();
  Value Q = B["q"], K = B["k"], V = B["v"];
  Value Keys = B["keys"], Values = B["values"], S = B["state"];
  Value Image = B.has("image") ? B["image"] : S;
  Value Out = B["result"];
  Value Head = B.Y, Part = B.Z, Zero = B.index(0);
  Value Column = B.times(Part, Columns);

  withSequence(B, [&](const Sequence &Seq) {
    const LightningChunk Chunk{B, B.create<memref::LoadOp>(B["slopes"], Head),
                               D, C, Columns};
    // The open chunk of the slot, from one of its rows on.
    auto KeysAt = [&](Value Row) {
      return SmallVector<Value>{Seq.Slot, Head, Part, Zero, Row};
    };
    auto ValuesAt = [&](Value Row) {
      return SmallVector<Value>{Seq.Slot, Head, Row, Column};
    };
    const SmallVector<Value> StateAt{Seq.Slot, Head, Zero, Column};
    // The rows that this call adds to a chunk.
    auto NewRows = [&](const NewTokens &New, Value From, Value First,
                       int64_t Count) {
      return B.load(From, {New.Token, Head, First}, {0, 2}, {C, Count},
                    New.Count);
    };
    auto Keep = [&](const NewTokens &New) {
      B.store(B.transposed(NewRows(New, K, Zero, D)), Keys, KeysAt(New.First),
              {3, 4}, Value(), New.Count);
      B.store(NewRows(New, V, Column, Columns), Values, ValuesAt(New.First),
              {2, 3}, New.Count);
    };
    auto Write = [&](const NewTokens &New, Value O) {
      B.store(O, Out, {New.Token, Head, Column}, {0, 2}, New.Count);
    };

    // The first chunk may have begun in earlier calls: its new rows are added
    // to the open chunk.
    Value Past = B.plus(Seq.Position, Seq.Count);
    Value First = B.over(Seq.Position, C);
    Value Last = B.over(B.minus(Past, B.index(1)), C);
    Value IsFirst = B.equal(First, Zero);
    NewTokens New = newTokens(B, Seq, First, C);
    Keep(New);
    auto OpenKeys = [&] { return B.load(Keys, KeysAt(Zero), {3, 4}, {D, C}); };
    auto OpenValues = [&] {
      return B.load(Values, ValuesAt(Zero), {2, 3}, {C, Columns}, New.Past);
    };
    Value Qs = NewRows(New, Q, Zero, D);
    // Nothing precedes the sequence's first chunk.
    auto Inter = B.create<scf::IfOp>(TypeRange{B.block({C, Columns})}, IsFirst,
                                     /*withElseRegion=*/true);
    {
      OpBuilder::InsertionGuard Guard(B);
      B.setInsertionPointToStart(Inter.thenBlock());
      B.create<scf::YieldOp>(B.zeros({C, Columns}));
      B.setInsertionPointToStart(Inter.elseBlock());
      Value Prev = B.load(Image, StateAt, {2, 3}, {D, Columns});
      B.create<scf::YieldOp>(Chunk.before(Qs, Prev, New.First));
    }
    Write(New, Chunk.output(Qs, OpenKeys(), OpenValues(), New.First,
                            Inter.getResult(0)));

    // If the first chunk is full, it updates the state, which is then carried
    // through the chunks that begin in this call.
    B.ifThen(B.equal(New.Past, B.index(C)), [&] {
      // The first chunk's S_prev is 0, whatever the slot held before.
      Value Old = B.load(S, StateAt, {2, 3}, {D, Columns},
                         B.create<arith::SelectOp>(IsFirst, Zero, B.index(D)));
      Value Closed = Chunk.close(OpenKeys(), OpenValues(), Old);
      Value Walked = B.loop(
          B.plus(First, B.index(1)), B.plus(Last, B.index(1)), Closed,
          [&](Value Number, ValueRange Carried) {
            NewTokens New = newTokens(B, Seq, Number, C);
            Value Qs = NewRows(New, Q, Zero, D);
            Value Ks = B.transposed(NewRows(New, K, Zero, D));
            Value Vs = NewRows(New, V, Column, Columns);
            Value Prev = B.rounded(Carried[0], Element);
            Write(New,
                  Chunk.output(Qs, Ks, Vs, Zero, Chunk.before(Qs, Prev, Zero)));
            Value IsFull = B.equal(New.Past, B.index(C));
            auto After =
                B.create<scf::IfOp>(TypeRange{Carried[0].getType()}, IsFull,
                                    /*withElseRegion=*/true);
            OpBuilder::InsertionGuard Guard(B);
            B.setInsertionPointToStart(After.thenBlock());
            B.create<scf::YieldOp>(Chunk.close(Ks, Vs, Carried[0]));
            B.setInsertionPointToStart(After.elseBlock());
            Keep(New); // open, for later calls
            B.create<scf::YieldOp>(Carried[0]);
            return SmallVector<Value>{After.getResult(0)};
          })[0];
      B.store(Walked, S, StateAt, {2, 3});
      if (B.has("image"))
        B.store(Walked, Image, StateAt, {2, 3});
    });
  });
}

KernelDeclaration m1::lightningKernel() {
  return {"lightning",
          {{"q", "[T, H, D]"},
           {"k", "[T, H, D]"},
           {"v", "[T, H, D]"},
           {"keys", "[slots, H, parts, D, C]"},
           {"values", "[slots, H, C, D]"},
           {"state", "[slots, H, D, D] f32"},
           {"image?", "[slots, H, D, D]"},
           {"slopes", "[H] f32"},
           {"positions", "[T] i32"},
           {"cu_seqlens", "[B1] i32"},
           {"slots", "[B] i32"},
           {"result", "[T, H, D]"}},
          {},
          buildLightning};
}
