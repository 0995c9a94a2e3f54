//===- SampleBody.cpp - what the kernels that draw tokens share -----------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/Kernels/SampleBody.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include <cmath>

using namespace mlir;
using namespace m1;
using namespace m1::sampling;
using vector::CombiningKind;

Value SampleBody::integer(int64_t N, Value Like) {
  Type T = Like.getType();
  if (isa<VectorType>(T))
    return B.splat(static_cast<double>(N), Like);
  return B.create<arith::ConstantOp>(B.getIntegerAttr(T, N));
}

Value SampleBody::i32(int64_t N) {
  return B.create<arith::ConstantOp>(B.getI32IntegerAttr(N));
}

Value SampleBody::f64(double N) {
  return B.create<arith::ConstantOp>(B.getF64FloatAttr(N));
}

Value SampleBody::f32(float N) {
  return B.create<arith::ConstantOp>(B.getF32FloatAttr(N));
}

Value SampleBody::toF64(Value Integer) {
  return B.create<arith::SIToFPOp>(B.getF64Type(), Integer);
}

Value SampleBody::toCount(Value Number) {
  Number = B.create<arith::MaxNumFOp>(Number, f64(0));
  Number = B.create<arith::MinNumFOp>(Number,
                                      f64(static_cast<double>(C.Vocabulary)));
  return B.create<arith::FPToSIOp>(B.getI32Type(), Number);
}

Value SampleBody::cmpF(arith::CmpFPredicate P, Value A, Value D) {
  return B.create<arith::CmpFOp>(P, A, D);
}

Value SampleBody::flipped(Value Bits) {
  Value Sign = B.create<arith::ShRSIOp>(Bits, integer(31, Bits));
  Value Flip = B.create<arith::AndIOp>(Sign, integer(INT32_MAX, Bits));
  return B.create<arith::XOrIOp>(Bits, Flip);
}

Value SampleBody::keyOf(Value Logit) {
  return flipped(B.create<arith::BitcastOp>(B.getI32Type(), Logit));
}

Value SampleBody::logitOf(Value Key) {
  Type F32 = B.getF32Type();
  if (auto Block = dyn_cast<VectorType>(Key.getType()))
    F32 = Block.clone(F32);
  return B.create<arith::BitcastOp>(F32, flipped(Key));
}

Value SampleBody::keyAt(Value LowKey, Value HighKey, Value Step, int64_t Bits) {
  auto Wide = [&](Value V) -> Value {
    Type I64 = B.getI64Type();
    if (auto Block = dyn_cast<VectorType>(V.getType()))
      I64 = Block.clone(I64);
    return B.create<arith::ExtSIOp>(I64, V);
  };
  auto Like = [&](Value V) {
    auto Block = dyn_cast<VectorType>(Step.getType());
    return Block ? B.fill(V, Block.getShape()) : V;
  };
  Value From = Like(Wide(LowKey));
  Value Way = B.create<arith::SubIOp>(Like(Wide(HighKey)), From);
  Value Part = B.create<arith::MulIOp>(Way, Wide(Step));
  Part = B.create<arith::ShRUIOp>(Part, integer(Bits, Part));
  return B.create<arith::TruncIOp>(
      Step.getType(), B.create<arith::AddIOp>(From, Part).getResult());
}

Value SampleBody::get(Value State, int64_t At) {
  return B.create<memref::LoadOp>(State, ValueRange{B.X, B.index(At)});
}

void SampleBody::set(Value State, int64_t At, Value New) {
  B.create<memref::StoreOp>(New, State, ValueRange{B.X, B.index(At)});
}

Value SampleBody::isIn(Value Words, Phase P) {
  return B.equal(get(Words, Stage), i32(P));
}

Value SampleBody::ofRow(Value Memory) {
  return B.create<memref::LoadOp>(Memory, ValueRange{B.X});
}

Value SampleBody::parts(Value Memory) {
  return B.load(Memory, {B.X, B.index(0)}, {1}, {C.Groups});
}

Value SampleBody::all(Value Block, CombiningKind Kind) {
  Type T = getElementTypeOrSelf(Block.getType());
  Value Init = Kind == CombiningKind::MINSI ? i32(INT32_MAX)
               : Kind == CombiningKind::MAXNUMF
                   ? f32(-INFINITY)
                   : B.create<arith::ConstantOp>(B.getZeroAttr(T)).getResult();
  return B.create<vector::MultiDimReductionOp>(Block, Init,
                                               ArrayRef<bool>{true}, Kind);
}

Value SampleBody::sum(Value Block) { return all(Block, CombiningKind::ADD); }

Value SampleBody::ones(Value Condition) {
  auto Shape = cast<VectorType>(Condition.getType()).getShape();
  return B.select(Condition, B.filled(Shape, 1, B.getI32Type()),
                  B.zeros(Shape, B.getI32Type()));
}

Value SampleBody::load(Value Memory, const Piece &P) {
  return B.load(Memory, {B.X, P.First}, {1}, {C.Columns}, P.Bound);
}

Value SampleBody::inside(Value Block, const Piece &P, double Other) {
  if (!P.Bound)
    return Block;
  Value End = B.splat(static_cast<double>(C.Vocabulary), P.Column);
  return B.select(B.compare(arith::CmpIPredicate::slt, P.Column, End), Block,
                  B.splat(Other, Block));
}

SmallVector<Value> SampleBody::forPieces(ValueRange Carried, Body Do) {
  const int64_t Whole = C.Vocabulary / C.Columns;
  const int64_t Rest = C.Vocabulary % C.Columns;
  Value From = B.times(B.Y, C.Blocks);
  Value To = B.plus(From, B.index(C.Blocks));
  auto At = [&](Value Number, Value Bound) {
    Value First = B.times(Number, C.Columns);
    Value Column = B.create<arith::AddIOp>(B.iota({C.Columns}, 0),
                                           B.fill(B.toI32(First), {C.Columns}));
    return Piece{First, Bound, Column};
  };
  SmallVector<Value> Done(Carried);
  if (Whole > 0)
    Done = B.loop(
        From, B.smaller(To, B.index(Whole)), Done,
        [&](Value Number, ValueRange Now) { return Do(At(Number, {}), Now); });
  if (Rest > 0)
    Done = B.loop(B.index(Whole), B.smaller(To, B.index(Whole + 1)), Done,
                  [&](Value Number, ValueRange Now) {
                    return Do(At(Number, B.index(Rest)), Now);
                  });
  return Done;
}

Value SampleBody::floor() {
  if (!B.has("min_p"))
    return {};
  // log(0) is -infinity, and log of a negative number NaN, which nothing is
  // below: all tokens are kept.
  Value Share = ofRow(B["min_p"]);
  Value Log = B.create<math::LogOp>(Share);
  Value One = cmpF(arith::CmpFPredicate::OGE, Share, f32(1));
  return B.select(One, f32(0), Log);
}

Value SampleBody::weight(Value Logit, Value Max, Value Temperature,
                         Value Floor) {
  Value Above = B.divF(B.subF(Logit, Max), Temperature);
  Value Weight = B.expF(Above);
  if (!Floor)
    return Weight;
  Value Zero = B.create<arith::ConstantOp>(B.getZeroAttr(Weight.getType()));
  if (auto Block = dyn_cast<VectorType>(Above.getType()))
    Floor = B.fill(Floor, Block.getShape());
  return B.select(cmpF(arith::CmpFPredicate::OLT, Above, Floor), Zero, Weight);
}

Value SampleBody::uniform(Value Seed, Value Position) {
  Type I32 = B.getI32Type(), I64 = B.getI64Type();
  auto Constant = [&](uint32_t N) { return i32(static_cast<int32_t>(N)); };
  auto HighOf = [&](Value Wide) -> Value {
    return B.create<arith::TruncIOp>(
        I32, B.create<arith::ShRUIOp>(Wide, integer(32, Wide)).getResult());
  };
  auto LowOf = [&](Value Wide) -> Value {
    return B.create<arith::TruncIOp>(I32, Wide);
  };
  auto Product = [&](uint32_t Factor, Value V) -> Value {
    Value Wide = B.create<arith::ExtUIOp>(I64, V);
    return B.create<arith::MulIOp>(Wide, integer(Factor, Wide));
  };
  auto Mixed = [&](Value U, Value V, Value W) -> Value {
    return B.create<arith::XOrIOp>(B.create<arith::XOrIOp>(U, V).getResult(),
                                   W);
  };
  Value Counter[4] = {Position, B.create<arith::ShRSIOp>(Position, i32(31)),
                      i32(0), i32(0)};
  Value Key[2] = {LowOf(Seed), HighOf(Seed)};
  for (int Round = 0; Round < 10; ++Round) {
    Value First = Product(0xD2511F53, Counter[0]);
    Value Second = Product(0xCD9E8D57, Counter[2]);
    Value Next[4] = {Mixed(HighOf(Second), Counter[1], Key[0]), LowOf(Second),
                     Mixed(HighOf(First), Counter[3], Key[1]), LowOf(First)};
    std::copy(Next, Next + 4, Counter);
    Key[0] = B.create<arith::AddIOp>(Key[0], Constant(0x9E3779B9));
    Key[1] = B.create<arith::AddIOp>(Key[1], Constant(0xBB67AE85));
  }
  return B.mulF(toF64(B.create<arith::ExtUIOp>(I64, Counter[0])), f64(0x1p-32));
}

void SampleBody::begin(Value Words, Value Numbers, Phase P, Value NewLimit) {
  Value Max = get(Numbers, Largest);
  Max = B.create<arith::TruncFOp>(B.getF32Type(), Max);
  set(Words, Stage, i32(P));
  set(Words, Low, keyOf(f32(-INFINITY)));
  set(Words, High, B.create<arith::AddIOp>(keyOf(Max), i32(1)));
  set(Numbers, AtLow, get(Numbers, Total));
  set(Numbers, AtHigh, f64(0));
  set(Numbers, Limit, NewLimit);
}

void SampleBody::beginAmong(Value Words, Value Numbers, Value TopPs,
                            Value Mass) {
  Value Share = B.create<arith::ExtFOp>(B.getF64Type(), ofRow(TopPs));
  Value Cuts = cmpF(arith::CmpFPredicate::OLT, Share, f64(1));
  B.ifThen(Cuts, [&] {
    // At least one token: the limit is above 0.
    Value Some = B.create<arith::MaxNumFOp>(B.mulF(Share, Mass), f64(1e-300));
    begin(Words, Numbers, TopP, Some);
  });
  B.ifThen(B.create<arith::XOrIOp>(Cuts, integer(1, Cuts)), [&] {
    begin(Words, Numbers, Draw, B.mulF(get(Numbers, Uniform), Mass));
  });
}
