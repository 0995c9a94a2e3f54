//===- Sampling.cpp - drawing tokens --------------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// m1.sample wants tokens in descending order of their logits, ties to the lower
// index, and never needs more of that order than one place in it: where the
// number of tokens reaches top_k, where the sum of their weights reaches top_p,
// where it exceeds u. Nothing is sorted: such a place is searched for.
//
// Finite f32 numbers in ascending order have ascending keys, which are
// integers: their bits, with all but the sign flipped where it is set. With
// S(k) the number of tokens, or the sum of the weights of tokens, whose logit's
// key is k or more, the place lies at the greatest key k for which S(k) passes
// a limit. All cells of a row together compute S for a few keys between the two
// that are known to enclose it (`sample_count`), one cell chooses the next two
// (`sample_narrow`), and so on until they are neighbours. Tokens of one key
// have one weight, so that how many of them belong to the place is a division.
//
// A row does up to three searches, one after the other, at its own pace: the
// launches are the same for all rows, and what a launch does for a row follows
// from its phase.
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/Kernels/Kernels.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"
#include <cmath>

using namespace mlir;
using namespace m1;
using llvm::formatv;
using vector::CombiningKind;

static constexpr int64_t kDynamic = ShapedType::kDynamic;

/// The most columns of logits that are looked at as one block.
static constexpr int64_t kColumns = 1024;

namespace {

/// What a row is about to do.
enum Phase : int32_t {
  None,  // nothing: its token is known
  TopK,  // to search for the last of top_k tokens
  Kept,  // to sum the weights of those with greater keys
  TopP,  // to search for the last token of the smallest set
  Draw,  // to search for the token
  Chosen // to find the token: number Which of those with the key Low
};

/// A row's state: its words,
enum Word : int64_t {
  Stage, // a Phase
  Low,   // S of this key passes the limit
  High,  // S of this key does not
  Which, // how many of those with a key belong to a place, or come before it
  WordCount
};
/// and its numbers.
enum Number : int64_t {
  Limit,
  AtLow,   // S(Low)
  AtHigh,  // S(High)
  Total,   // of all weights
  Uniform, // u
  Largest, // of the logits
  NumberCount
};

/// How a row's logits are cut: a cell has a group of columns and goes through
/// it block by block.
struct Cut {
  int64_t Vocabulary, Columns, Blocks, Groups;

  Cut(const Blocking &By, int64_t Vocabulary) : Vocabulary(Vocabulary) {
    Columns = std::min<int64_t>(kColumns, llvm::alignTo(Vocabulary, 64));
    Blocks = llvm::divideCeil(std::min(By.SampleColumns, Vocabulary), Columns);
    Groups = llvm::divideCeil(Vocabulary, Blocks * Columns);
  }
};

/// Blocks and scalars of a kernel whose x is a row and whose y, where there is
/// one, a group of columns.
class SampleBody {
public:
  SampleBody(KernelBody &B, const Cut &C) : B(B), C(C) {}

  // Numbers of any type, like `Like` a scalar or a block.
  Value integer(int64_t N, Value Like) {
    Type T = Like.getType();
    if (isa<VectorType>(T))
      return B.splat(static_cast<double>(N), Like);
    return B.create<arith::ConstantOp>(B.getIntegerAttr(T, N));
  }
  Value i32(int64_t N) {
    return B.create<arith::ConstantOp>(B.getI32IntegerAttr(N));
  }
  Value f64(double N) {
    return B.create<arith::ConstantOp>(B.getF64FloatAttr(N));
  }
  Value f32(float N) {
    return B.create<arith::ConstantOp>(B.getF32FloatAttr(N));
  }
  Value toF64(Value Integer) {
    return B.create<arith::SIToFPOp>(B.getF64Type(), Integer);
  }
  /// Rounded towards 0; numbers outside [0, V] become the nearer end.
  Value toCount(Value Number) {
    Number = B.create<arith::MaxNumFOp>(Number, f64(0));
    Number = B.create<arith::MinNumFOp>(Number,
                                        f64(static_cast<double>(C.Vocabulary)));
    return B.create<arith::FPToSIOp>(B.getI32Type(), Number);
  }
  Value cmpF(arith::CmpFPredicate P, Value A, Value D) {
    return B.create<arith::CmpFOp>(P, A, D);
  }
  Value both(Value A, Value D) { return B.create<arith::AndIOp>(A, D); }

  // Keys.
  Value flipped(Value Bits) {
    Value Sign = B.create<arith::ShRSIOp>(Bits, integer(31, Bits));
    Value Flip = B.create<arith::AndIOp>(Sign, integer(INT32_MAX, Bits));
    return B.create<arith::XOrIOp>(Bits, Flip);
  }
  Value keyOf(Value Logit) {
    return flipped(B.create<arith::BitcastOp>(B.getI32Type(), Logit));
  }
  Value logitOf(Value Key) {
    Type F32 = B.getF32Type();
    if (auto Block = dyn_cast<VectorType>(Key.getType()))
      F32 = Block.clone(F32);
    return B.create<arith::BitcastOp>(F32, flipped(Key));
  }
  /// Key number `Step` of the 2^Bits that cut the way from Low to High.
  Value keyAt(Value LowKey, Value HighKey, Value Step, int64_t Bits) {
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

  // A row's state, which lies in the memory given.
  Value get(Value State, int64_t At) {
    return B.create<memref::LoadOp>(State, ValueRange{B.X, B.index(At)});
  }
  void set(Value State, int64_t At, Value New) {
    B.create<memref::StoreOp>(New, State, ValueRange{B.X, B.index(At)});
  }
  Value isIn(Value Words, Phase P) {
    return B.equal(get(Words, Stage), i32(P));
  }
  Value ofRow(Value Memory) {
    return B.create<memref::LoadOp>(Memory, ValueRange{B.X});
  }
  /// A part for each group, of the row.
  Value parts(Value Memory) {
    return B.load(Memory, {B.X, B.index(0)}, {1}, {C.Groups});
  }

  /// Of a block of rank 1, a scalar.
  Value all(Value Block, CombiningKind Kind) {
    Type T = getElementTypeOrSelf(Block.getType());
    Value Init =
        Kind == CombiningKind::MINSI ? i32(INT32_MAX)
        : Kind == CombiningKind::MAXNUMF
            ? f32(-INFINITY)
            : B.create<arith::ConstantOp>(B.getZeroAttr(T)).getResult();
    return B.create<vector::MultiDimReductionOp>(Block, Init,
                                                 ArrayRef<bool>{true}, Kind);
  }
  Value sum(Value Block) { return all(Block, CombiningKind::ADD); }
  Value ones(Value Condition) {
    auto Shape = cast<VectorType>(Condition.getType()).getShape();
    return B.select(Condition, B.zeros(Shape, B.getI32Type(), 1),
                    B.zeros(Shape, B.getI32Type()));
  }

  /// A block of the cell's columns.
  struct Piece {
    Value First;  // its first column
    Value Bound;  // how many columns there are; null: all
    Value Column; // each column's number in the row, i32
  };
  Value load(Value Memory, const Piece &P) {
    return B.load(Memory, {B.X, P.First}, {1}, {C.Columns}, P.Bound);
  }
  /// `Block`, with `Other` past the end of the row.
  Value inside(Value Block, const Piece &P, double Other) {
    if (!P.Bound)
      return Block;
    Value End = B.splat(static_cast<double>(C.Vocabulary), P.Column);
    return B.select(B.cmpI(arith::CmpIPredicate::slt, P.Column, End), Block,
                    B.splat(Other, Block));
  }
  using Body =
      llvm::function_ref<SmallVector<Value>(const Piece &, ValueRange)>;
  /// Goes through the cell's columns. The last block of a row is apart, so that
  /// the others know no bounds.
  SmallVector<Value> forPieces(ValueRange Carried, Body Do) {
    const int64_t Whole = C.Vocabulary / C.Columns;
    const int64_t Rest = C.Vocabulary % C.Columns;
    Value From = B.times(B.Y, C.Blocks);
    Value To = B.plus(From, B.index(C.Blocks));
    auto At = [&](Value Number, Value Bound) {
      Value First = B.times(Number, C.Columns);
      Value Column = B.create<arith::AddIOp>(
          B.iota({C.Columns}, 0), B.fill(B.toI32(First), {C.Columns}));
      return Piece{First, Bound, Column};
    };
    SmallVector<Value> Done(Carried);
    if (Whole > 0)
      Done = B.loop(From, B.smaller(To, B.index(Whole)), Done,
                    [&](Value Number, ValueRange Now) {
                      return Do(At(Number, {}), Now);
                    });
    if (Rest > 0)
      Done = B.loop(B.index(Whole), B.smaller(To, B.index(Whole + 1)), Done,
                    [&](Value Number, ValueRange Now) {
                      return Do(At(Number, B.index(Rest)), Now);
                    });
    return Done;
  }

  /// Philox4x32-10 (Salmon et al., SC 2011): the first word, times 2^-32.
  Value uniform(Value Seed, Value Position) {
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
    return B.mulF(toF64(B.create<arith::ExtUIOp>(I64, Counter[0])),
                  f64(0x1p-32));
  }

  /// Begins a search over all keys.
  void begin(Value Words, Value Numbers, Phase P, Value NewLimit) {
    Value Max = get(Numbers, Largest);
    Max = B.create<arith::TruncFOp>(B.getF32Type(), Max);
    set(Words, Stage, i32(P));
    set(Words, Low, keyOf(f32(-INFINITY)));
    set(Words, High, B.create<arith::AddIOp>(keyOf(Max), i32(1)));
    set(Numbers, AtLow, get(Numbers, Total));
    set(Numbers, AtHigh, f64(0));
    set(Numbers, Limit, NewLimit);
  }
  /// Goes on to top_p, or past it to the draw, among tokens of weight `Mass`.
  void beginAmong(Value Words, Value Numbers, Value TopPs, Value Mass) {
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

private:
  KernelBody &B;
  const Cut &C;
};

} // namespace

SampleMemory m1::sampleMemory(const Blocking &Blocks, MLIRContext *Context,
                              int64_t Vocabulary) {
  const Cut C(Blocks, Vocabulary);
  Builder B(Context);
  Type I32 = B.getI32Type(), F32 = B.getF32Type(), F64 = B.getF64Type();
  const int64_t Steps = (int64_t(1) << Blocks.SampleBits) - 1;
  SampleMemory M;
  M.Groups = C.Groups;
  M.Rounds = 3 * llvm::divideCeil(32, Blocks.SampleBits) + 1;
  M.Maxima = memoryType({kDynamic, C.Groups}, F32);
  M.Counts = memoryType({kDynamic, C.Groups}, I32);
  M.Masses = memoryType({kDynamic, C.Groups}, F64);
  M.Weights = memoryType({kDynamic, Vocabulary}, F32);
  M.Sums = memoryType({kDynamic, Steps, C.Groups}, F64);
  M.Words = memoryType({kDynamic, WordCount}, I32);
  M.Numbers = memoryType({kDynamic, NumberCount}, F64);
  return M;
}

static std::string keyFor(StringRef Name, int64_t Vocabulary) {
  return formatv("sample_{0}_{1}", Name, Vocabulary).str();
}

static MemRefType rowsOf(KernelCache &Cache, Type Element) {
  return memoryType({kDynamic}, Element);
}

tile::KernelOp m1::sampleMaximaKernel(KernelCache &Cache, int64_t Vocabulary) {
  const SampleMemory M =
      sampleMemory(Cache.Blocks, Cache.context(), Vocabulary);
  return Cache.get(
      keyFor("maxima", Vocabulary), {M.Weights, M.Maxima, M.Counts, M.Counts},
      [&](KernelBody &B) {
        const Cut C(Cache.Blocks, Vocabulary);
        SampleBody S(B, C);
        SmallVector<Value> Final = S.forPieces(
            {S.f32(-INFINITY), S.i32(INT32_MAX), S.i32(INT32_MAX)},
            [&](const SampleBody::Piece &P, ValueRange Carried) {
              Value L = S.inside(S.load(B.Args[0], P), P, -INFINITY);
              Value Nowhere = B.splat(INT32_MAX, P.Column);
              Value Max = S.all(L, CombiningKind::MAXNUMF);
              Value IsMax = S.cmpF(arith::CmpFPredicate::OEQ, L,
                                   B.fill(Max, {C.Columns}));
              Value Where = S.all(B.select(IsMax, P.Column, Nowhere),
                                  CombiningKind::MINSI);
              // True for NaN too.
              Value IsBad =
                  S.cmpF(arith::CmpFPredicate::UGE, L, B.splat(INFINITY, L));
              Value Bad = S.all(B.select(IsBad, P.Column, Nowhere),
                                CombiningKind::MINSI);
              // -infinity is a maximum if there is nothing else.
              Value Better = S.cmpF(arith::CmpFPredicate::OGT, Max, Carried[0]);
              Value First = B.equal(Carried[1], S.i32(INT32_MAX));
              Better = B.create<arith::OrIOp>(Better, First);
              return SmallVector<Value>{B.select(Better, Max, Carried[0]),
                                        B.select(Better, Where, Carried[1]),
                                        B.smaller(Bad, Carried[2])};
            });
        for (int I = 0; I < 3; ++I)
          B.create<memref::StoreOp>(Final[I], B.Args[1 + I],
                                    ValueRange{B.X, B.Y});
      });
}

tile::KernelOp m1::sampleWeightsKernel(KernelCache &Cache, int64_t Vocabulary) {
  const SampleMemory M =
      sampleMemory(Cache.Blocks, Cache.context(), Vocabulary);
  Type F32 = Float32Type::get(Cache.context());
  return Cache.get(
      keyFor("weights", Vocabulary),
      {M.Weights, rowsOf(Cache, F32), M.Maxima, M.Weights, M.Masses},
      [&](KernelBody &B) {
        const Cut C(Cache.Blocks, Vocabulary);
        SampleBody S(B, C);
        Value T = S.ofRow(B.Args[1]);
        B.ifThen(S.cmpF(arith::CmpFPredicate::OGT, T, S.f32(0)), [&] {
          Value Max = S.all(S.parts(B.Args[2]), CombiningKind::MAXNUMF);
          SmallVector<Value> Mass = S.forPieces(
              {S.f64(0)}, [&](const SampleBody::Piece &P, ValueRange Carried) {
                Value L = S.load(B.Args[0], P);
                Value W = B.expF(B.divF(B.subF(L, B.fill(Max, {C.Columns})),
                                        B.fill(T, {C.Columns})));
                B.store(W, B.Args[3], {B.X, P.First}, {1}, P.Bound);
                Value Some = B.rounded(S.inside(W, P, 0), B.getF64Type());
                return SmallVector<Value>{B.addF(Carried[0], S.sum(Some))};
              });
          B.create<memref::StoreOp>(Mass[0], B.Args[4], ValueRange{B.X, B.Y});
        });
      });
}

tile::KernelOp m1::sampleBeginKernel(KernelCache &Cache, int64_t Vocabulary) {
  const SampleMemory M =
      sampleMemory(Cache.Blocks, Cache.context(), Vocabulary);
  Builder Types(Cache.context());
  MemRefType Reals = rowsOf(Cache, Types.getF32Type());
  MemRefType Integers = rowsOf(Cache, Types.getI32Type());
  return Cache.get(
      keyFor("begin", Vocabulary),
      {Reals, Reals, Integers, rowsOf(Cache, Types.getI64Type()), Integers,
       M.Maxima, M.Counts, M.Counts, M.Masses, M.Words, M.Numbers, Integers},
      [&](KernelBody &B) {
        const Cut C(Cache.Blocks, Vocabulary);
        SampleBody S(B, C);
        Value Words = B.Args[9], Numbers = B.Args[10];
        Value Maxima = S.parts(B.Args[5]), Where = S.parts(B.Args[6]);
        Value Max = S.all(Maxima, CombiningKind::MAXNUMF);
        Value IsMax =
            S.cmpF(arith::CmpFPredicate::OEQ, Maxima, B.fill(Max, {C.Groups}));
        Value Best = S.all(B.select(IsMax, Where, B.splat(INT32_MAX, Where)),
                           CombiningKind::MINSI);
        Value Bad = S.all(S.parts(B.Args[7]), CombiningKind::MINSI);
        Value IsGood = B.equal(Bad, S.i32(INT32_MAX));
        Value Error = B.create<arith::SubIOp>(S.i32(-1), Bad);
        B.create<memref::StoreOp>(B.select(IsGood, Best, Error), B.Args[11],
                                  ValueRange{B.X});
        S.set(Words, Stage, S.i32(None));
        Value Draws = S.both(
            IsGood,
            S.both(
                S.cmpF(arith::CmpFPredicate::OGT, S.ofRow(B.Args[0]), S.f32(0)),
                S.cmpF(arith::CmpFPredicate::OGT, Max, S.f32(-INFINITY))));
        B.ifThen(Draws, [&] {
          Value Mass = S.sum(S.parts(B.Args[8]));
          S.set(Numbers, Total, Mass);
          S.set(Numbers, Largest, B.create<arith::ExtFOp>(B.getF64Type(), Max));
          S.set(Numbers, Uniform,
                S.uniform(S.ofRow(B.Args[3]), S.ofRow(B.Args[4])));
          Value K = S.ofRow(B.Args[2]);
          Value Cuts =
              S.both(B.less(S.i32(0), K), B.less(K, S.i32(Vocabulary)));
          B.ifThen(Cuts, [&] { S.begin(Words, Numbers, TopK, S.toF64(K)); });
          B.ifThen(B.create<arith::XOrIOp>(Cuts, S.integer(1, Cuts)),
                   [&] { S.beginAmong(Words, Numbers, B.Args[1], Mass); });
        });
      });
}

tile::KernelOp m1::sampleCountKernel(KernelCache &Cache, int64_t Vocabulary) {
  const SampleMemory M =
      sampleMemory(Cache.Blocks, Cache.context(), Vocabulary);
  const int64_t Bits = Cache.Blocks.SampleBits, Steps = M.Sums.getDimSize(1);
  return Cache.get(
      keyFor("count", Vocabulary), {M.Weights, M.Weights, M.Words, M.Sums},
      [&](KernelBody &B) {
        const Cut C(Cache.Blocks, Vocabulary);
        SampleBody S(B, C);
        Value Words = B.Args[2];
        Value Now = S.get(Words, Stage);
        Value Searches =
            S.both(B.less(S.i32(None), Now), B.less(Now, S.i32(Chosen)));
        B.ifThen(Searches, [&] {
          Value Step = B.iota({Steps}, 0);
          Step = B.create<arith::AddIOp>(Step, B.splat(1, Step));
          Value Bounds = S.logitOf(
              S.keyAt(S.get(Words, Low), S.get(Words, High), Step, Bits));
          Value Counts = B.equal(Now, S.i32(TopK));
          SmallVector<Value> Sums = S.forPieces(
              {B.zeros(Steps, B.getF64Type())},
              [&](const SampleBody::Piece &P, ValueRange Carried) {
                Value L = S.load(B.Args[0], P), W = S.load(B.Args[1], P);
                Value One = S.inside(B.splat(1, W), P, 0);
                Value Measure = B.select(Counts, One, W);
                Value Passes =
                    S.cmpF(arith::CmpFPredicate::OGE, B.along(L, 0, Steps),
                           B.along(Bounds, 1, C.Columns));
                Value Some = B.select(Passes, B.along(Measure, 0, Steps),
                                      B.zeros({Steps, C.Columns}));
                return SmallVector<Value>{B.addF(
                    Carried[0], B.rowSum(B.rounded(Some, B.getF64Type())))};
              });
          B.store(Sums[0], B.Args[3], {B.X, B.index(0), B.Y}, {1});
        });
      });
}

tile::KernelOp m1::sampleNarrowKernel(KernelCache &Cache, int64_t Vocabulary) {
  const SampleMemory M =
      sampleMemory(Cache.Blocks, Cache.context(), Vocabulary);
  const int64_t Bits = Cache.Blocks.SampleBits, Steps = M.Sums.getDimSize(1);
  MemRefType Reals = rowsOf(Cache, Float32Type::get(Cache.context()));
  return Cache.get(
      keyFor("narrow", Vocabulary), {Reals, Reals, M.Sums, M.Words, M.Numbers},
      [&](KernelBody &B) {
        const Cut C(Cache.Blocks, Vocabulary);
        SampleBody S(B, C);
        Value Words = B.Args[3], Numbers = B.Args[4];
        Value Now = S.get(Words, Stage);
        auto Is = [&](Phase P) { return B.equal(Now, S.i32(P)); };
        Value Searches =
            S.both(B.less(S.i32(None), Now), B.less(Now, S.i32(Chosen)));
        B.ifThen(Searches, [&] {
          // How many of the keys pass: those up to some number.
          Value Zero = B.index(0);
          Value Sums = B.rowSum(
              B.load(B.Args[2], {B.X, Zero, Zero}, {1, 2}, {Steps, C.Groups}));
          Value Bound = B.fill(S.get(Numbers, Limit), {Steps});
          Value Passes =
              B.select(Is(Draw), S.cmpF(arith::CmpFPredicate::OGT, Sums, Bound),
                       S.cmpF(arith::CmpFPredicate::OGE, Sums, Bound));
          Value Passed = S.sum(S.ones(Passes));
          auto SumAt = [&](Value Number) {
            Value Is = B.cmpI(arith::CmpIPredicate::eq, B.iota({Steps}, 0),
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
            // Of the tokens of one key, some: `Wanted` of weight.
            Value Key = B.select(Is(Kept), B.create<arith::SubIOp>(NewLow, One),
                                 NewLow);
            Value Max = B.create<arith::TruncFOp>(B.getF32Type(),
                                                  S.get(Numbers, Largest));
            Value Weight =
                B.expF(B.divF(B.subF(S.logitOf(Key), Max), S.ofRow(B.Args[0])));
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
              S.beginAmong(Words, Numbers, B.Args[1],
                           MassOf(S.get(Words, Which)));
            });
            B.ifThen(Is(TopP), [&] {
              // Rounded up, and no more than there are.
              Value Short = S.cmpF(arith::CmpFPredicate::OLT,
                                   B.mulF(S.toF64(Tokens), Weight), Wanted);
              Value More = B.create<arith::AddIOp>(Tokens, One);
              Value Mass = B.create<arith::MinNumFOp>(
                  MassOf(B.select(Short, More, Tokens)), Below);
              S.begin(Words, Numbers, Draw,
                      B.mulF(S.get(Numbers, Uniform), Mass));
            });
            B.ifThen(Is(Draw), [&] {
              S.set(Words, Which, Tokens);
              S.set(Words, Stage, S.i32(Chosen));
            });
          });
        });
      });
}

tile::KernelOp m1::sampleTiesKernel(KernelCache &Cache, int64_t Vocabulary) {
  const SampleMemory M =
      sampleMemory(Cache.Blocks, Cache.context(), Vocabulary);
  return Cache.get(
      keyFor("ties", Vocabulary), {M.Weights, M.Words, M.Counts},
      [&](KernelBody &B) {
        const Cut C(Cache.Blocks, Vocabulary);
        SampleBody S(B, C);
        B.ifThen(S.isIn(B.Args[1], Chosen), [&] {
          Value Logit = S.logitOf(S.get(B.Args[1], Low));
          SmallVector<Value> Count = S.forPieces(
              {S.i32(0)}, [&](const SampleBody::Piece &P, ValueRange Carried) {
                Value Is =
                    S.cmpF(arith::CmpFPredicate::OEQ, S.load(B.Args[0], P),
                           B.fill(Logit, {C.Columns}));
                Value More = S.sum(S.inside(S.ones(Is), P, 0));
                return SmallVector<Value>{
                    B.create<arith::AddIOp>(Carried[0], More)};
              });
          B.create<memref::StoreOp>(Count[0], B.Args[2], ValueRange{B.X, B.Y});
        });
      });
}

tile::KernelOp m1::samplePickKernel(KernelCache &Cache, int64_t Vocabulary) {
  const SampleMemory M =
      sampleMemory(Cache.Blocks, Cache.context(), Vocabulary);
  return Cache.get(
      keyFor("pick", Vocabulary),
      {M.Weights, M.Words, M.Counts,
       rowsOf(Cache, IntegerType::get(Cache.context(), 32))},
      [&](KernelBody &B) {
        const Cut C(Cache.Blocks, Vocabulary);
        SampleBody S(B, C);
        Value Words = B.Args[1];
        B.ifThen(S.isIn(Words, Chosen), [&] {
          // Its number among this group's; rounding can make it one too many.
          Value Counts = S.parts(B.Args[2]), Group = B.iota({C.Groups}, 0);
          Value Earlier = B.cmpI(arith::CmpIPredicate::slt, Group,
                                 B.fill(B.toI32(B.Y), {C.Groups}));
          Value Before = S.sum(B.select(Earlier, Counts, B.splat(0, Counts)));
          Value Last = B.create<arith::SubIOp>(S.sum(Counts), S.i32(1));
          Value Mine = B.create<arith::SubIOp>(
              B.smaller(S.get(Words, Which), Last), Before);
          Value Logit = S.logitOf(S.get(Words, Low));
          S.forPieces({Mine}, [&](const SampleBody::Piece &P,
                                  ValueRange Carried) {
            Value Is = S.cmpF(arith::CmpFPredicate::OEQ, S.load(B.Args[0], P),
                              B.fill(Logit, {C.Columns}));
            Value Tie = S.inside(S.ones(Is), P, 0);
            Value Count = S.sum(Tie), Left = Carried[0];
            Value Here = S.both(B.less(S.i32(-1), Left), B.less(Left, Count));
            B.ifThen(Here, [&] {
              // How many starts of `Size` columns lie at or before it: first
              // for large ones, then for single columns in that one.
              constexpr int64_t Starts = 32;
              Value Column = B.iota({C.Columns}, 0);
              auto Whole = [&](Value From, int64_t Size) {
                Value End = B.iota({Starts}, 0);
                End = B.create<arith::MulIOp>(
                    B.create<arith::AddIOp>(End, B.splat(1, End)).getResult(),
                    B.splat(static_cast<double>(Size), End));
                End = B.create<arith::AddIOp>(End, B.fill(From, {Starts}));
                Value Inside = B.cmpI(arith::CmpIPredicate::slt,
                                      B.along(Column, 0, Starts),
                                      B.along(End, 1, C.Columns));
                Value Ties = B.along(Tie, 0, Starts);
                Value Sums = B.rowSum(B.select(Inside, Ties, B.splat(0, Ties)));
                return S.sum(S.ones(B.cmpI(arith::CmpIPredicate::sle, Sums,
                                           B.fill(Left, {Starts}))));
              };
              const int64_t Size = C.Columns / Starts;
              Value From =
                  B.create<arith::MulIOp>(Whole(S.i32(0), Size), S.i32(Size));
              Value Token = B.create<arith::AddIOp>(From, Whole(From, 1));
              Token = B.create<arith::AddIOp>(Token, B.toI32(P.First));
              B.create<memref::StoreOp>(Token, B.Args[3], ValueRange{B.X});
            });
            return SmallVector<Value>{B.create<arith::SubIOp>(Left, Count)};
          });
        });
      });
}
