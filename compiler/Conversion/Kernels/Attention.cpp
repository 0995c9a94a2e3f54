//===- Attention.cpp - lightning and softmax attention --------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/Kernels/Kernels.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace m1;
using llvm::formatv;

static constexpr int64_t kDynamic = ShapedType::kDynamic;

/// What a masked score counts as: its exponential is 0, but no difference of
/// two is NaN.
static constexpr double kMasked = -1e30;

static MemRefType indices(MLIRContext *Context) {
  return memoryType({kDynamic}, IntegerType::get(Context, 32));
}

namespace {
/// The sequence that a cell works on.
struct Sequence {
  Value Begin;    // its first token in the batch
  Value Count;    // its tokens in the batch
  Value Position; // of its first token
  Value Slot;
};
} // namespace

/// Runs `Body` if sequence `B.X` has tokens.
static void withSequence(KernelBody &B, Value Positions, Value CuSeqlens,
                         Value Slots,
                         llvm::function_ref<void(const Sequence &)> Body) {
  Value Begin = B.at(CuSeqlens, B.X);
  Value End = B.at(CuSeqlens, B.plus(B.X, B.index(1)));
  B.ifThen(B.less(Begin, End), [&] {
    Body(
        {Begin, B.minus(End, Begin), B.at(Positions, Begin), B.at(Slots, B.X)});
  });
}

namespace {
/// The tokens of this call in a chunk of positions: its rows First <= i < Past.
/// Rows before First came with earlier calls; blocks of new tokens start there.
struct NewTokens {
  Value First, Past, Count;
  Value Token; // that of row First, in the batch
};
} // namespace

static NewTokens newTokens(KernelBody &B, const Sequence &Seq, Value Chunk,
                           int64_t C) {
  NewTokens New;
  Value Base = B.times(Chunk, C);
  Value Past = B.plus(Seq.Position, Seq.Count);
  New.First = B.larger(B.minus(Seq.Position, Base), B.index(0));
  New.Past = B.smaller(B.minus(Past, Base), B.index(C));
  New.Count = B.minus(New.Past, New.First);
  New.Token = B.plus(Seq.Begin, B.minus(B.plus(Base, New.First), Seq.Position));
  return New;
}

/// exp(-slope * distance), elementwise; `Distance` is a block of i32.
static Value decay(KernelBody &B, Value Slope, Value Distance) {
  auto Type = cast<VectorType>(Distance.getType());
  Value Steps = B.create<arith::SIToFPOp>(Type.clone(B.getF32Type()), Distance);
  Value Rate = B.create<arith::NegFOp>(Slope);
  return B.expF(B.mulF(Steps, B.fill(Rate, Type.getShape())));
}

/// A block of i32 plus an index.
static Value shifted(KernelBody &B, Value Block, Value By) {
  return B.create<arith::AddIOp>(
      Block, B.fill(B.toI32(By), cast<VectorType>(Block.getType()).getShape()));
}

//===----------------------------------------------------------------------===//
// Lightning attention
//===----------------------------------------------------------------------===//

LightningMemory m1::lightningMemory(LightningStateType Type, int64_t Slots,
                                    int64_t Parts) {
  int64_t H = Type.getHeads(), D = Type.getHeadDim(), C = Type.getChunk();
  mlir::Type Element = Type.getElementType();
  mlir::Type F32 = Float32Type::get(Type.getContext());
  LightningMemory Memory;
  Memory.Keys = memoryType({Slots, H, Parts, D, C}, Element);
  Memory.Values = memoryType({Slots, H, C, D}, Element);
  Memory.State = memoryType({Slots, H, D, D}, F32);
  if (Element != F32)
    Memory.Image = memoryType({Slots, H, D, D}, Element);
  return Memory;
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
    Value Seen = B.cmpI(arith::CmpIPredicate::sge, I, J);
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

tile::KernelOp m1::lightningKernel(KernelCache &Cache, LightningStateType State,
                                   ArrayRef<MemRefType> QKV,
                                   const LightningMemory &Memory, Type Result) {
  const int64_t H = State.getHeads(), D = State.getHeadDim();
  const int64_t C = State.getChunk();
  const int64_t Columns = D / Memory.Keys.getDimSize(2);
  MLIRContext *Context = Cache.context();
  Type F32 = Float32Type::get(Context);
  Type Element = State.getElementType();
  std::string Key = formatv("lightning_{0}x{1}_chunk{2}_{3}_{4}_slots{5}{6}", H,
                            D, C, nameOf(Element), nameOf(Result),
                            Memory.State.getDimSize(0), layoutName(QKV));
  SmallVector<Type> Arguments(QKV.begin(), QKV.end());
  Arguments.append({Memory.Keys, Memory.Values, Memory.State});
  if (Memory.Image)
    Arguments.push_back(Memory.Image);
  Arguments.append({memoryType({H}, F32), indices(Context), indices(Context),
                    indices(Context), memoryType({kDynamic, H, D}, Result)});

  return Cache.get(Key, Arguments, [&](KernelBody &B) {
    Value Q = B.Args[0], K = B.Args[1], V = B.Args[2];
    Value Keys = B.Args[3], Values = B.Args[4], S = B.Args[5];
    unsigned Next = 6;
    Value Image = Memory.Image ? B.Args[Next++] : S;
    Value Slopes = B.Args[Next], Positions = B.Args[Next + 1];
    Value CuSeqlens = B.Args[Next + 2], Slots = B.Args[Next + 3];
    Value Out = B.Args[Next + 4];
    Value Head = B.Y, Part = B.Z, Zero = B.index(0);
    Value Column = B.times(Part, Columns);

    withSequence(B, Positions, CuSeqlens, Slots, [&](const Sequence &Seq) {
      const LightningChunk Chunk{B, B.create<memref::LoadOp>(Slopes, Head), D,
                                 C, Columns};
      // What is kept for the slot, from a row of the chunk on.
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

      // The first chunk may have begun in earlier calls: its new rows join
      // those that were kept.
      Value Past = B.plus(Seq.Position, Seq.Count);
      Value First = B.over(Seq.Position, C);
      Value Last = B.over(B.minus(Past, B.index(1)), C);
      Value IsFirst = B.equal(First, Zero);
      NewTokens New = newTokens(B, Seq, First, C);
      Keep(New);
      auto OpenKeys = [&] {
        return B.load(Keys, KeysAt(Zero), {3, 4}, {D, C});
      };
      auto OpenValues = [&] {
        return B.load(Values, ValuesAt(Zero), {2, 3}, {C, Columns}, New.Past);
      };
      Value Qs = NewRows(New, Q, Zero, D);
      // Nothing precedes the sequence's first chunk.
      auto Inter = B.create<scf::IfOp>(TypeRange{B.block({C, Columns})},
                                       IsFirst, /*withElseRegion=*/true);
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

      // When it is full it closes, and the state walks on through the chunks
      // that lie in this call as a whole.
      B.ifThen(B.equal(New.Past, B.index(C)), [&] {
        // The first chunk's S_prev is 0, whatever the slot held before.
        Value Old =
            B.load(S, StateAt, {2, 3}, {D, Columns},
                   B.create<arith::SelectOp>(IsFirst, Zero, B.index(D)));
        Value Closed = Chunk.close(OpenKeys(), OpenValues(), Old);
        Value Walked =
            B.loop(B.plus(First, B.index(1)), B.plus(Last, B.index(1)), Closed,
                   [&](Value Number, ValueRange Carried) {
                     NewTokens New = newTokens(B, Seq, Number, C);
                     Value Qs = NewRows(New, Q, Zero, D);
                     Value Ks = B.transposed(NewRows(New, K, Zero, D));
                     Value Vs = NewRows(New, V, Column, Columns);
                     Value Prev = B.rounded(Carried[0], Element);
                     Write(New, Chunk.output(Qs, Ks, Vs, Zero,
                                             Chunk.before(Qs, Prev, Zero)));
                     Value IsFull = B.equal(New.Past, B.index(C));
                     auto After = B.create<scf::IfOp>(
                         TypeRange{Carried[0].getType()}, IsFull,
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
        if (Memory.Image)
          B.store(Walked, Image, StateAt, {2, 3});
      });
    });
  });
}

//===----------------------------------------------------------------------===//
// Softmax attention
//===----------------------------------------------------------------------===//

CacheMemory m1::cacheMemory(KVCacheType Type, int64_t Slots, int64_t Length,
                            int64_t KeyRows) {
  int64_t Blocks = llvm::divideCeil(Length, KeyRows);
  int64_t G = Type.getHeads(), D = Type.getHeadDim();
  return {memoryType({Slots, G, Blocks, D, KeyRows}, Type.getElementType()),
          memoryType({Slots, G, Blocks * KeyRows, D}, Type.getElementType())};
}

tile::KernelOp m1::appendKernel(KernelCache &Cache, MemRefType K, MemRefType V,
                                const CacheMemory &Memory) {
  const int64_t C = Memory.Keys.getDimSize(4), D = Memory.Keys.getDimSize(3);
  MLIRContext *Context = Cache.context();
  std::string Key = formatv(
      "append_{0}x{1}_{2}_slots{3}_length{4}{5}", Memory.Keys.getDimSize(1), D,
      nameOf(K.getElementType()), Memory.Keys.getDimSize(0),
      Memory.Values.getDimSize(2), layoutName({K, V}));
  return Cache.get(
      Key,
      {K, V, Memory.Keys, Memory.Values, indices(Context), indices(Context),
       indices(Context)},
      [&](KernelBody &B) {
        Value G = B.Y, Zero = B.index(0);
        withSequence(
            B, B.Args[4], B.Args[5], B.Args[6], [&](const Sequence &Seq) {
              Value Past = B.plus(Seq.Position, Seq.Count);
              Value Block = B.plus(B.over(Seq.Position, C), B.Z);
              Value Base = B.times(Block, C);
              B.ifThen(B.less(Base, Past), [&] {
                NewTokens New = newTokens(B, Seq, Block, C);
                Value R0 = New.First, Rows = New.Count, Token = New.Token;
                auto NewRows = [&](Value From) {
                  return B.load(From, {Token, G, Zero}, {0, 2}, {C, D}, Rows);
                };
                B.store(B.transposed(NewRows(B.Args[0])), B.Args[2],
                        {Seq.Slot, G, Block, Zero, R0}, {3, 4}, Value(), Rows);
                B.store(NewRows(B.Args[1]), B.Args[3],
                        {Seq.Slot, G, B.plus(Base, R0), Zero}, {2, 3}, Rows);
              });
            });
      });
}

namespace {
/// What rows have seen of some keys: the sum of e^(score - maximum) v, the
/// maximum, and the sum of e^(score - maximum).
struct Seen {
  Value O, Max, Sum; // [M, D], [M], [M]
  SmallVector<Value> values() const { return {O, Max, Sum}; }
  static Seen of(ValueRange Values) {
    return {Values[0], Values[1], Values[2]};
  }
};

/// Softmax attention of a block of queries, whatever its rows are: each row's
/// numbers depend on its own query, its own position and the keys alone.
struct SoftmaxRows {
  KernelBody &B;
  const CacheMemory &Memory;
  double Scale;
  Value Keys, Values;
  Value Slot = {}, Group = {};
  Value Queries = {};   // [M, D]
  Value Positions = {}; // of the rows, [M, C] of i32
  Value Past = {};      // the first position that no row sees

  int64_t rows() const {
    return cast<VectorType>(Queries.getType()).getDimSize(0);
  }
  int64_t keyRows() const { return Memory.Keys.getDimSize(4); }
  int64_t width() const { return Memory.Keys.getDimSize(3); }

  Seen nothing() const {
    const int64_t M = rows();
    return {B.zeros({M, width()}), B.zeros(M, {}, kMasked), B.zeros(M)};
  }

  /// Key blocks `From` <= i < `To` in order. A block that a row does not see
  /// changes nothing once it has seen one; a row that has seen none keeps
  /// numbers that count for nothing in join().
  Seen walk(Value From, Value To) const {
    const int64_t M = rows(), C = keyRows(), D = width();
    Value Zero = B.index(0);
    return Seen::of(B.loop(
        From, To, nothing().values(), [&](Value Block, ValueRange Carried) {
          const Seen Before = Seen::of(Carried);
          Value Base = B.times(Block, C);
          Value Kt =
              B.load(Keys, {Slot, Group, Block, Zero, Zero}, {3, 4}, {D, C});
          Value Known = B.smaller(B.minus(Past, Base), B.index(C));
          Value Vs =
              B.load(Values, {Slot, Group, Base, Zero}, {2, 3}, {C, D}, Known);
          Value Scores = B.dot(Queries, Kt, B.zeros({M, C}));
          Scores = B.mulF(Scores, B.splat(Scale, Scores));
          Value J = shifted(B, B.iota({M, C}, 1), Base);
          Value IsSeen = B.cmpI(arith::CmpIPredicate::sge, Positions, J);
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

/// `A`, then `C`. One that saw nothing counts for nothing, exactly.
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

static Value dividedUp(KernelBody &B, Value V, int64_t By) {
  return B.over(B.plus(V, B.index(By - 1)), By);
}

tile::KernelOp m1::softmaxKernel(KernelCache &Cache, MemRefType Q,
                                 const CacheMemory &Memory, double Scale,
                                 int64_t SegmentKeys, Type Result) {
  const int64_t M = Cache.Blocks.QueryRows;
  const int64_t C = Memory.Keys.getDimSize(4), D = Memory.Keys.getDimSize(3);
  const int64_t H = Q.getDimSize(1), G = Memory.Keys.getDimSize(1);
  MLIRContext *Context = Cache.context();
  std::string Key = formatv(
      "softmax_{0}of{1}x{2}_{3}_{4}_{5}_slots{6}_length{7}_scale{8}{9}", H, G,
      D, nameOf(Q.getElementType()), nameOf(Memory.Keys.getElementType()),
      nameOf(Result), Memory.Keys.getDimSize(0), Memory.Values.getDimSize(2),
      nameOf(Scale), layoutName(Q));
  return Cache.get(
      Key,
      {Q, Memory.Keys, Memory.Values, indices(Context), indices(Context),
       indices(Context), memoryType({kDynamic, H, D}, Result)},
      [&](KernelBody &B) {
        Value Head = B.Y, Zero = B.index(0);
        withSequence(
            B, B.Args[3], B.Args[4], B.Args[5], [&](const Sequence &Seq) {
              Value Skipped = B.times(B.Z, M);
              Value IsMine = B.less(Skipped, Seq.Count);
              if (SegmentKeys) // single tokens are softmaxSplitKernel's
                IsMine = B.create<arith::AndIOp>(IsMine,
                                                 B.less(B.index(1), Seq.Count));
              B.ifThen(IsMine, [&] {
                Value Rows = B.smaller(B.minus(Seq.Count, Skipped), B.index(M));
                Value Token = B.plus(Seq.Begin, Skipped);
                Value Position = B.plus(Seq.Position, Skipped);
                SoftmaxRows Block{B, Memory, Scale, B.Args[1], B.Args[2]};
                Block.Slot = Seq.Slot;
                Block.Group = B.over(Head, H / G);
                Block.Queries = B.load(B.Args[0], {Token, Head, Zero}, {0, 2},
                                       {M, D}, Rows);
                Block.Positions = shifted(B, B.iota({M, C}, 0), Position);
                Block.Past = B.plus(Position, Rows);

                Value Blocks = dividedUp(B, Block.Past, C);
                Seen Final;
                if (SegmentKeys) {
                  const int64_t PerSegment = SegmentKeys / C;
                  Final = Seen::of(B.loop(
                      Zero, dividedUp(B, Block.Past, SegmentKeys),
                      Block.nothing().values(),
                      [&](Value Segment, ValueRange Carried) {
                        Value From = B.times(Segment, PerSegment);
                        Value To = B.smaller(B.plus(From, B.index(PerSegment)),
                                             Blocks);
                        return join(B, Seen::of(Carried), Block.walk(From, To))
                            .values();
                      }));
                } else {
                  Final = Block.walk(Zero, Blocks);
                }
                B.store(quotient(B, Final), B.Args[6], {Token, Head, Zero},
                        {0, 2}, Rows);
              });
            });
      });
}

int64_t m1::softmaxHeadBlocks(const Blocking &Blocks, int64_t Heads,
                              int64_t Groups) {
  return llvm::divideCeil(Heads / Groups, Blocks.QueryRows);
}

tile::KernelOp m1::softmaxSplitKernel(KernelCache &Cache, MemRefType Q,
                                      const CacheMemory &Memory, double Scale,
                                      const SegmentMemory &Parts) {
  const int64_t M = Cache.Blocks.QueryRows;
  const int64_t C = Memory.Keys.getDimSize(4), D = Memory.Keys.getDimSize(3);
  const int64_t H = Q.getDimSize(1), G = Memory.Keys.getDimSize(1), R = H / G;
  const int64_t HeadBlocks = softmaxHeadBlocks(Cache.Blocks, H, G);
  MLIRContext *Context = Cache.context();
  std::string Key = formatv(
      "softmax_split{0}_{1}of{2}x{3}_{4}_{5}_slots{6}_length{7}_scale{8}{9}",
      Parts.Keys, H, G, D, nameOf(Q.getElementType()),
      nameOf(Memory.Keys.getElementType()), Memory.Keys.getDimSize(0),
      Memory.Values.getDimSize(2), nameOf(Scale), layoutName(Q));
  return Cache.get(
      Key,
      {Q, Memory.Keys, Memory.Values, indices(Context), indices(Context),
       indices(Context), Parts.O, Parts.Max, Parts.Max},
      [&](KernelBody &B) {
        Value Zero = B.index(0), One = B.index(1);
        withSequence(
            B, B.Args[3], B.Args[4], B.Args[5], [&](const Sequence &Seq) {
              B.ifThen(B.equal(Seq.Count, One), [&] {
                SoftmaxRows Block{B, Memory, Scale, B.Args[1], B.Args[2]};
                Block.Slot = Seq.Slot;
                Block.Group = B.over(B.Y, HeadBlocks);
                // Rows are the heads that share keys.
                Value InGroup =
                    B.times(B.minus(B.Y, B.times(Block.Group, HeadBlocks)), M);
                Value Head = B.plus(B.times(Block.Group, R), InGroup);
                Value Rows =
                    B.smaller(B.minus(B.index(R), InGroup), B.index(M));
                Block.Queries = B.load(B.Args[0], {Seq.Begin, Head, Zero},
                                       {1, 2}, {M, D}, Rows);
                Block.Positions = B.fill(B.toI32(Seq.Position), {M, C});
                Block.Past = B.plus(Seq.Position, One);

                Value Blocks = dividedUp(B, Block.Past, C);
                Value Segments = dividedUp(B, Block.Past, Parts.Keys);
                auto Sum = [&](Value Segment) {
                  Value From = B.times(Segment, Parts.Keys / C);
                  Value To =
                      B.smaller(B.plus(From, B.index(Parts.Keys / C)), Blocks);
                  Seen Part = Block.walk(From, To);
                  B.store(Part.O, B.Args[6], {B.X, Head, Segment, Zero}, {1, 3},
                          Rows);
                  B.store(Part.Max, B.Args[7], {B.X, Head, Segment}, {1}, Rows);
                  B.store(Part.Sum, B.Args[8], {B.X, Head, Segment}, {1}, Rows);
                };
                B.loop(B.Z, Segments, Sum, Parts.Cells);
              });
            });
      });
}

tile::KernelOp m1::softmaxJoinKernel(KernelCache &Cache,
                                     const SegmentMemory &Parts, Type Result) {
  const int64_t H = Parts.O.getDimSize(1), D = Parts.O.getDimSize(3);
  MLIRContext *Context = Cache.context();
  return Cache.get(
      formatv("softmax_join{0}_{1}x{2}of{3}_{4}", Parts.Keys, H, D,
              Parts.O.getDimSize(2), nameOf(Result))
          .str(),
      {Parts.O, Parts.Max, Parts.Max, indices(Context), indices(Context),
       indices(Context), memoryType({kDynamic, H, D}, Result)},
      [&](KernelBody &B) {
        Value Head = B.Y, Zero = B.index(0), One = B.index(1);
        withSequence(
            B, B.Args[3], B.Args[4], B.Args[5], [&](const Sequence &Seq) {
              B.ifThen(B.equal(Seq.Count, One), [&] {
                Value Past = B.plus(Seq.Position, One);
                const Seen None{B.zeros({1, D}), B.zeros(1, {}, kMasked),
                                B.zeros(1)};
                Seen Final = Seen::of(
                    B.loop(Zero, dividedUp(B, Past, Parts.Keys), None.values(),
                           [&](Value Segment, ValueRange Carried) {
                             auto Load = [&](unsigned Argument) {
                               return B.load(B.Args[Argument],
                                             {B.X, Head, Segment}, {1}, {1});
                             };
                             const Seen Part{B.load(B.Args[0],
                                                    {B.X, Head, Segment, Zero},
                                                    {1, 3}, {1, D}),
                                             Load(1), Load(2)};
                             return join(B, Seen::of(Carried), Part).values();
                           }));
                B.store(quotient(B, Final), B.Args[6], {Seq.Begin, Head, Zero},
                        {1, 2});
              });
            });
      });
}

SegmentMemory m1::segmentMemory(int64_t SegmentKeys, int64_t Length,
                                int64_t Heads, int64_t Width,
                                MLIRContext *Context) {
  // Cells beyond so many take further segments in turn: most sequences are
  // shorter than the longest.
  constexpr int64_t kMostCells = 64;
  Type F32 = Float32Type::get(Context);
  const int64_t Segments = llvm::divideCeil(Length, SegmentKeys);
  return {SegmentKeys, std::min(Segments, kMostCells),
          memoryType({kDynamic, Heads, Segments, Width}, F32),
          memoryType({kDynamic, Heads, Segments}, F32)};
}
