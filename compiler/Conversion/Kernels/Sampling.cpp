//===- Sampling.cpp - drawing tokens --------------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// m1.sample is defined on tokens in descending order of their logits, ties to
// the lower index. It needs three positions in this order: where the number of
// tokens reaches top_k, where the sum of their weights reaches top_p, and where
// that sum exceeds u. The kernels do not sort; they search for each position.
//
// The key of an f32 logit is an integer that orders as the logit does: its
// bits, with all but the sign flipped if the sign is set. Let S(k) be the
// number of tokens, or the sum of their weights, whose key is at least k. A
// position is at the greatest key k for which S(k) reaches a limit, or exceeds
// it for u. In each round all cells of a row compute S for a few keys between a
// lower and an upper bound (`sample_count`), and one cell chooses the next
// bounds (`sample_narrow`), until these are adjacent. Tokens with the same key
// have the same weight, so a division yields how many of them come before the
// position.
//
// A row does up to three searches, one after the other. All rows have the same
// launches; the phase of a row decides what a launch does for it.
//
// Tokens that min_p drops have the weight 0. They are the last ones in the
// order, so they change no other sum, and none of them is a position where a
// sum of weights reaches a limit; top_k may count them, after all that are
// kept.
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/Kernels/Sampling.h"

#include "compiler/Conversion/Kernels/SampleBody.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include <cmath>

using namespace mlir;
using namespace m1;
using namespace m1::sampling;
using vector::CombiningKind;

SampleMemory::SampleMemory(const Blocking &Blocks, MLIRContext *Context,
                           int64_t Vocabulary) {
  constexpr int64_t kDynamic = ShapedType::kDynamic;
  const Cut C(Blocks, Vocabulary);
  Builder B(Context);
  Type I32 = B.getI32Type(), F32 = B.getF32Type(), F64 = B.getF64Type();
  const int64_t Steps = (int64_t(1) << Blocks.SampleBits) - 1;
  Groups = C.Groups;
  // Three searches for 32-bit keys, and one round for the phase Kept.
  Rounds = 3 * llvm::divideCeil(32, Blocks.SampleBits) + 1;
  Maxima = memoryType({kDynamic, C.Groups}, F32);
  Counts = memoryType({kDynamic, C.Groups}, I32);
  Masses = memoryType({kDynamic, C.Groups}, F64);
  Weights = memoryType({kDynamic, Vocabulary}, F32);
  Sums = memoryType({kDynamic, Steps, C.Groups}, F64);
  Words = memoryType({kDynamic, WordCount}, I32);
  Numbers = memoryType({kDynamic, NumberCount}, F64);
}

static void buildMaxima(KernelBody &B) {
  SampleBody S(B, B.extent("V"));
  const Cut &C = S.C;
  SmallVector<Value> Final = S.forPieces(
      {S.f32(-INFINITY), S.i32(INT32_MAX), S.i32(INT32_MAX)},
      [&](const SampleBody::Piece &P, ValueRange Carried) {
        Value L = S.inside(S.load(B["logits"], P), P, -INFINITY);
        Value Nowhere = B.splat(INT32_MAX, P.Column);
        Value Max = S.all(L, CombiningKind::MAXNUMF);
        Value IsMax =
            S.cmpF(arith::CmpFPredicate::OEQ, L, B.fill(Max, {C.Columns}));
        Value Where =
            S.all(B.select(IsMax, P.Column, Nowhere), CombiningKind::MINSI);
        // True for NaN too.
        Value IsBad =
            S.cmpF(arith::CmpFPredicate::UGE, L, B.splat(INFINITY, L));
        Value Bad =
            S.all(B.select(IsBad, P.Column, Nowhere), CombiningKind::MINSI);
        // -infinity is a maximum if there is nothing else.
        Value Better = S.cmpF(arith::CmpFPredicate::OGT, Max, Carried[0]);
        Value First = B.equal(Carried[1], S.i32(INT32_MAX));
        Better = B.create<arith::OrIOp>(Better, First);
        return SmallVector<Value>{B.select(Better, Max, Carried[0]),
                                  B.select(Better, Where, Carried[1]),
                                  B.smaller(Bad, Carried[2])};
      });
  const StringRef Results[] = {"maxima", "first_maxima", "first_damaged"};
  for (auto [Part, Name] : llvm::zip(Final, Results))
    B.create<memref::StoreOp>(Part, B[Name], ValueRange{B.X, B.Y});
}

KernelDeclaration m1::sampleMaximaKernel() {
  return {"sample_maxima",
          {{"logits", "[B, V] f32"},
           {"maxima", "[B, groups] f32"},
           {"first_maxima", "[B, groups] i32"},
           {"first_damaged", "[B, groups] i32"}},
          {},
          buildMaxima};
}

static void buildWeights(KernelBody &B) {
  SampleBody S(B, B.extent("V"));
  const Cut &C = S.C;
  Value T = S.ofRow(B["temperature"]);
  B.ifThen(S.cmpF(arith::CmpFPredicate::OGT, T, S.f32(0)), [&] {
    Value Max = S.all(S.parts(B["maxima"]), CombiningKind::MAXNUMF);
    Value Floor = S.floor();
    SmallVector<Value> Mass = S.forPieces(
        {S.f64(0)}, [&](const SampleBody::Piece &P, ValueRange Carried) {
          Value L = S.load(B["logits"], P);
          Value W = S.weight(L, B.fill(Max, {C.Columns}),
                             B.fill(T, {C.Columns}), Floor);
          B.store(W, B["weights"], {B.X, P.First}, {1}, P.Bound);
          Value Some = B.rounded(S.inside(W, P, 0), B.getF64Type());
          return SmallVector<Value>{B.addF(Carried[0], S.sum(Some))};
        });
    B.create<memref::StoreOp>(Mass[0], B["masses"], ValueRange{B.X, B.Y});
  });
}

KernelDeclaration m1::sampleWeightsKernel() {
  return {"sample_weights",
          {{"logits", "[B, V] f32"},
           {"temperature", "[B] f32"},
           {"min_p?", "[B] f32"},
           {"maxima", "[B, groups] f32"},
           {"weights", "[B, V] f32"},
           {"masses", "[B, groups] f64"}},
          {},
          buildWeights};
}

static void buildBegin(KernelBody &B) {
  SampleBody S(B, B.integer("vocabulary"));
  const Cut &C = S.C;
  Value Words = B["words"], Numbers = B["numbers"];
  Value Maxima = S.parts(B["maxima"]), Where = S.parts(B["first_maxima"]);
  Value Max = S.all(Maxima, CombiningKind::MAXNUMF);
  Value IsMax =
      S.cmpF(arith::CmpFPredicate::OEQ, Maxima, B.fill(Max, {C.Groups}));
  Value Best = S.all(B.select(IsMax, Where, B.splat(INT32_MAX, Where)),
                     CombiningKind::MINSI);
  Value Bad = S.all(S.parts(B["first_damaged"]), CombiningKind::MINSI);
  Value IsGood = B.equal(Bad, S.i32(INT32_MAX));
  Value Error = B.create<arith::SubIOp>(S.i32(-1), Bad);
  B.create<memref::StoreOp>(B.select(IsGood, Best, Error), B["result"],
                            ValueRange{B.X});
  S.set(Words, Stage, S.i32(None));
  Value Draws = B.both(
      IsGood, B.both(S.cmpF(arith::CmpFPredicate::OGT,
                            S.ofRow(B["temperature"]), S.f32(0)),
                     S.cmpF(arith::CmpFPredicate::OGT, Max, S.f32(-INFINITY))));
  B.ifThen(Draws, [&] {
    Value Mass = S.sum(S.parts(B["masses"]));
    S.set(Numbers, Total, Mass);
    S.set(Numbers, Largest, B.create<arith::ExtFOp>(B.getF64Type(), Max));
    S.set(Numbers, Uniform,
          S.uniform(S.ofRow(B["seeds"]), S.ofRow(B["positions"])));
    Value K = S.ofRow(B["top_k"]);
    Value Cuts = B.both(B.less(S.i32(0), K), B.less(K, S.i32(C.Vocabulary)));
    B.ifThen(Cuts, [&] { S.begin(Words, Numbers, TopK, S.toF64(K)); });
    B.ifThen(B.create<arith::XOrIOp>(Cuts, S.integer(1, Cuts)),
             [&] { S.beginAmong(Words, Numbers, B["top_p"], Mass); });
  });
}

KernelDeclaration m1::sampleBeginKernel() {
  return {"sample_begin",
          {{"temperature", "[B] f32"},
           {"top_p", "[B] f32"},
           {"top_k", "[B] i32"},
           {"seeds", "[B] i64"},
           {"positions", "[B] i32"},
           {"maxima", "[B, groups] f32"},
           {"first_maxima", "[B, groups] i32"},
           {"first_damaged", "[B, groups] i32"},
           {"masses", "[B, groups] f64"},
           {"words", "[B, words] i32"},
           {"numbers", "[B, numbers] f64"},
           {"result", "[B] i32"}},
          {"vocabulary"},
          buildBegin};
}

static void buildCount(KernelBody &B) {
  const int64_t Bits = B.Blocks.SampleBits, Steps = B.extent("steps");
  SampleBody S(B, B.extent("V"));
  const Cut &C = S.C;
  Value Words = B["words"];
  Value Now = S.get(Words, Stage);
  Value Searches = B.both(B.less(S.i32(None), Now), B.less(Now, S.i32(Chosen)));
  B.ifThen(Searches, [&] {
    Value Step = B.iota({Steps}, 0);
    Step = B.create<arith::AddIOp>(Step, B.splat(1, Step));
    Value Bounds =
        S.logitOf(S.keyAt(S.get(Words, Low), S.get(Words, High), Step, Bits));
    Value Counts = B.equal(Now, S.i32(TopK));
    SmallVector<Value> Sums = S.forPieces(
        {B.zeros(Steps, B.getF64Type())},
        [&](const SampleBody::Piece &P, ValueRange Carried) {
          Value L = S.load(B["logits"], P), W = S.load(B["weights"], P);
          Value One = S.inside(B.splat(1, W), P, 0);
          Value Measure = B.select(Counts, One, W);
          Value Passes = S.cmpF(arith::CmpFPredicate::OGE, B.along(L, 0, Steps),
                                B.along(Bounds, 1, C.Columns));
          Value Some = B.select(Passes, B.along(Measure, 0, Steps),
                                B.zeros({Steps, C.Columns}));
          return SmallVector<Value>{
              B.addF(Carried[0], B.rowSum(B.rounded(Some, B.getF64Type())))};
        });
    B.store(Sums[0], B["sums"], {B.X, B.index(0), B.Y}, {1});
  });
}

KernelDeclaration m1::sampleCountKernel() {
  return {"sample_count",
          {{"logits", "[B, V] f32"},
           {"weights", "[B, V] f32"},
           {"words", "[B, words] i32"},
           {"sums", "[B, steps, groups] f64"}},
          {},
          buildCount};
}

static void buildNarrow(KernelBody &B) {
  const int64_t Bits = B.Blocks.SampleBits, Steps = B.extent("steps");
  SampleBody S(B, B.integer("vocabulary"));
  const Cut &C = S.C;
  Value Words = B["words"], Numbers = B["numbers"];
  Value Now = S.get(Words, Stage);
  auto Is = [&](Phase P) { return B.equal(Now, S.i32(P)); };
  Value Searches = B.both(B.less(S.i32(None), Now), B.less(Now, S.i32(Chosen)));
  B.ifThen(Searches, [&] {
    // The keys ascend, so the first `Passed` of them pass the limit.
    Value Zero = B.index(0);
    Value Sums = B.rowSum(
        B.load(B["sums"], {B.X, Zero, Zero}, {1, 2}, {Steps, C.Groups}));
    Value Bound = B.fill(S.get(Numbers, Limit), {Steps});
    Value Passes =
        B.select(Is(Draw), S.cmpF(arith::CmpFPredicate::OGT, Sums, Bound),
                 S.cmpF(arith::CmpFPredicate::OGE, Sums, Bound));
    Value Passed = S.sum(S.ones(Passes));
    auto SumAt = [&](Value Number) {
      Value Is = B.compare(arith::CmpIPredicate::eq, B.iota({Steps}, 0),
                           B.fill(Number, {Steps}));
      return S.sum(B.select(Is, Sums, B.splat(0, Sums)));
    };
    Value One = S.i32(1), LowKey = S.get(Words, Low);
    Value HighKey = S.get(Words, High);
    Value Next = B.create<arith::AddIOp>(Passed, One);
    Value NewLow = S.keyAt(LowKey, HighKey, Passed, Bits);
    Value NewHigh = S.keyAt(LowKey, HighKey, Next, Bits);
    Value Below = B.select(B.less(S.i32(0), Passed),
                           SumAt(B.create<arith::SubIOp>(Passed, One)),
                           S.get(Numbers, AtLow));
    Value Above = B.select(B.less(Passed, S.i32(Steps)), SumAt(Passed),
                           S.get(Numbers, AtHigh));
    S.set(Words, Low, NewLow);
    S.set(Words, High, NewHigh);
    S.set(Numbers, AtLow, Below);
    S.set(Numbers, AtHigh, Above);

    Value Left = B.create<arith::SubIOp>(NewHigh, NewLow);
    B.ifThen(B.less(Left, S.i32(2)), [&] {
      // The tokens of this key contribute `Wanted` in weight or number.
      Value Key =
          B.select(Is(Kept), B.create<arith::SubIOp>(NewLow, One), NewLow);
      Value Max =
          B.create<arith::TruncFOp>(B.getF32Type(), S.get(Numbers, Largest));
      Value Weight =
          S.weight(S.logitOf(Key), Max, S.ofRow(B["temperature"]), S.floor());
      Weight = B.create<arith::ExtFOp>(B.getF64Type(), Weight);
      Value Wanted = B.subF(S.get(Numbers, Limit), Above);
      Value Tokens = S.toCount(B.divF(Wanted, Weight));
      auto MassOf = [&](Value Count) {
        return B.addF(Above, B.mulF(S.toF64(Count), Weight));
      };
      B.ifThen(Is(TopK), [&] {
        S.set(Words, Which, S.toCount(Wanted));
        S.set(Words, Stage, S.i32(Kept));
        S.set(Words, Low, B.create<arith::AddIOp>(Key, One));
        S.set(Words, High, B.create<arith::AddIOp>(Key, One));
        S.set(Numbers, Limit, S.f64(INFINITY));
      });
      B.ifThen(Is(Kept), [&] {
        S.beginAmong(Words, Numbers, B["top_p"], MassOf(S.get(Words, Which)));
      });
      B.ifThen(Is(TopP), [&] {
        // Rounded up, and at most the weight of all tokens of the key.
        Value Short = S.cmpF(arith::CmpFPredicate::OLT,
                             B.mulF(S.toF64(Tokens), Weight), Wanted);
        Value More = B.create<arith::AddIOp>(Tokens, One);
        Value Mass = B.create<arith::MinNumFOp>(
            MassOf(B.select(Short, More, Tokens)), Below);
        S.begin(Words, Numbers, Draw, B.mulF(S.get(Numbers, Uniform), Mass));
      });
      B.ifThen(Is(Draw), [&] {
        S.set(Words, Which, Tokens);
        S.set(Words, Stage, S.i32(Chosen));
      });
    });
  });
}

KernelDeclaration m1::sampleNarrowKernel() {
  return {"sample_narrow",
          {{"temperature", "[B] f32"},
           {"top_p", "[B] f32"},
           {"min_p?", "[B] f32"},
           {"sums", "[B, steps, groups] f64"},
           {"words", "[B, words] i32"},
           {"numbers", "[B, numbers] f64"}},
          {"vocabulary"},
          buildNarrow};
}

static void buildTies(KernelBody &B) {
  SampleBody S(B, B.extent("V"));
  const Cut &C = S.C;
  B.ifThen(S.isIn(B["words"], Chosen), [&] {
    Value Logit = S.logitOf(S.get(B["words"], Low));
    SmallVector<Value> Count = S.forPieces(
        {S.i32(0)}, [&](const SampleBody::Piece &P, ValueRange Carried) {
          Value Is = S.cmpF(arith::CmpFPredicate::OEQ, S.load(B["logits"], P),
                            B.fill(Logit, {C.Columns}));
          Value More = S.sum(S.inside(S.ones(Is), P, 0));
          return SmallVector<Value>{B.create<arith::AddIOp>(Carried[0], More)};
        });
    B.create<memref::StoreOp>(Count[0], B["ties"], ValueRange{B.X, B.Y});
  });
}

KernelDeclaration m1::sampleTiesKernel() {
  return {"sample_ties",
          {{"logits", "[B, V] f32"},
           {"words", "[B, words] i32"},
           {"ties", "[B, groups] i32"}},
          {},
          buildTies};
}

static void buildPick(KernelBody &B) {
  SampleBody S(B, B.extent("V"));
  const Cut &C = S.C;
  Value Words = B["words"];
  B.ifThen(S.isIn(Words, Chosen), [&] {
    // The token's number among those of this group; rounding can yield one
    // past the last.
    Value Counts = S.parts(B["ties"]), Group = B.iota({C.Groups}, 0);
    Value Earlier = B.compare(arith::CmpIPredicate::slt, Group,
                              B.fill(B.toI32(B.Y), {C.Groups}));
    Value Before = S.sum(B.select(Earlier, Counts, B.splat(0, Counts)));
    Value Last = B.create<arith::SubIOp>(S.sum(Counts), S.i32(1));
    Value Mine =
        B.create<arith::SubIOp>(B.smaller(S.get(Words, Which), Last), Before);
    Value Logit = S.logitOf(S.get(Words, Low));
    S.forPieces({Mine}, [&](const SampleBody::Piece &P, ValueRange Carried) {
      Value Is = S.cmpF(arith::CmpFPredicate::OEQ, S.load(B["logits"], P),
                        B.fill(Logit, {C.Columns}));
      Value Tie = S.inside(S.ones(Is), P, 0);
      Value Count = S.sum(Tie), Left = Carried[0];
      Value Here = B.both(B.less(S.i32(-1), Left), B.less(Left, Count));
      B.ifThen(Here, [&] {
        // The number of runs of `Size` columns before the token: first of
        // long runs, then of single columns in the next one.
        constexpr int64_t Starts = 32;
        Value Column = B.iota({C.Columns}, 0);
        auto Whole = [&](Value From, int64_t Size) {
          Value End = B.iota({Starts}, 0);
          End = B.create<arith::MulIOp>(
              B.create<arith::AddIOp>(End, B.splat(1, End)).getResult(),
              B.splat(static_cast<double>(Size), End));
          End = B.create<arith::AddIOp>(End, B.fill(From, {Starts}));
          Value Inside =
              B.compare(arith::CmpIPredicate::slt, B.along(Column, 0, Starts),
                        B.along(End, 1, C.Columns));
          Value Ties = B.along(Tie, 0, Starts);
          Value Sums = B.rowSum(B.select(Inside, Ties, B.splat(0, Ties)));
          return S.sum(S.ones(B.compare(arith::CmpIPredicate::sle, Sums,
                                        B.fill(Left, {Starts}))));
        };
        const int64_t Size = C.Columns / Starts;
        Value From =
            B.create<arith::MulIOp>(Whole(S.i32(0), Size), S.i32(Size));
        Value Token = B.create<arith::AddIOp>(From, Whole(From, 1));
        Token = B.create<arith::AddIOp>(Token, B.toI32(P.First));
        B.create<memref::StoreOp>(Token, B["result"], ValueRange{B.X});
      });
      return SmallVector<Value>{B.create<arith::SubIOp>(Left, Count)};
    });
  });
}

KernelDeclaration m1::samplePickKernel() {
  return {"sample_pick",
          {{"logits", "[B, V] f32"},
           {"words", "[B, words] i32"},
           {"ties", "[B, groups] i32"},
           {"result", "[B] i32"}},
          {},
          buildPick};
}
