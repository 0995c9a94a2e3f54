//===- MmaProducts.cpp - products on matrix units -------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// mma.sync.m16n8k16 multiplies bf16 and sums in f32. A lane l holds, two
// numbers per register,
//
//   left  [16, 16]   rows l / 4 and l / 4 + 8, at k = 2 (l % 4) and that + 8
//   right [16, 8]    column l / 4, at the same k
//
// so two adjacent tiles of accumulators of one product are the left operand of
// the next. A left operand of f32 is split into the nearest bf16 and the
// remainder, and both are multiplied: 16 or more significant bits are kept.
//
// The reduction order depends on k alone: steps of 16 ascend, the order inside
// a step is the unit's own, and rows do not influence each other.
//
//===----------------------------------------------------------------------===//

#include "compiler/Codegen/CUDA/MmaProducts.h"

#include "compiler/Codegen/CUDA/Exchange.h"
#include "compiler/Codegen/CUDA/LeafSums.h"
#include "compiler/Codegen/CUDA/ProductRules.h"
#include "compiler/Codegen/CUDA/Staging.h"

using namespace mlir;
using namespace m1;
using namespace m1::codegen;

/// Without staging, the steps of a k up to this one are unrolled.
static constexpr int64_t kMaxUnrolledDepth = 256;

namespace {

/// An operand in shared memory, whole or staged; otherwise the operand is
/// evaluated where it is needed.
struct MmaOperand {
  TileLayout Layout = {}; // of the whole, or of a tile
  Value Base = {};        // of the whole
  std::optional<unsigned> Staged = {};
  bool isShared() const { return Base || Staged; }
};

/// The k of one instruction: kMmaDepth numbers from `First` + kMmaDepth *
/// `Number` on. Staged tiles are in `Stage` and start at `First`.
/// `StepsBefore` is First / kMmaDepth where the left operand is in registers.
struct Step {
  Value First, Stage = {};
  int64_t Number = 0, StepsBefore = 0;
};

/// The four registers of a left operand: the nearest bf16 and, of f32, the
/// remainders.
struct LeftFragment {
  SmallVector<Value> Nearest, Remainder;
};

/// One product.
class MmaProduct {
public:
  MmaProduct(LoweringContext &Context, ThreadBlock &Threads, tile::DotOp Dot,
             const Access &C, const RegisterLayout *LeftLayout,
             StagingRing &Ring, LeafSums *Leaves, MmaOperand Left,
             MmaOperand Right)
      : B(Context.B), Eval(Context.Eval), Storage(Context.Storage),
        Threads(Threads), Dot(Dot), C(C), L(*C.Layout), LeftLayout(LeftLayout),
        Ring(Ring), Leaves(Leaves), Left(Left), Right(Right),
        Id(Threads.readId()), Row0(Threads.firstRow(L, Id)),
        TileCol0(Threads.firstTileCol(L, Id)) {}

  void multiply(tile::ProductAttr Product, Value Used);

private:
  /// Begins a leaf at k = `First`, and ends the one before.
  void beginLeaf(Value First);
  void multiplyStep(const Step &At);
  SmallVector<SmallVector<Value>> rightFragments(const Step &At);
  LeftFragment leftFragment(int64_t Down, const Step &At);
  LeftFragment loadLeft(int64_t Down, const Step &At);
  LeftFragment evaluateLeft(int64_t Down, const Step &At);
  /// A tile of sums, from slot `Slot` on.
  void multiplyTile(int64_t Slot, ArrayRef<Value> Left, ArrayRef<Value> Right);
  /// The base address of a shared operand at a step, and the step's k relative
  /// to it.
  std::pair<Value, Value> find(const MmaOperand &Operand, const Step &At);
  /// The element at `P` and the next one in its row.
  SmallVector<Value> pairAt(Value Block, Position P);
  /// Two bf16 in one register, the first in the low half.
  Value pack(Value Low, Value High);

  ScalarBuilder &B;
  Evaluator &Eval;
  const BlockStorage &Storage;
  ThreadBlock &Threads;
  tile::DotOp Dot;
  const Access &C;
  const RegisterLayout &L;          // of the sums
  const RegisterLayout *LeftLayout; // null: the left is not in registers
  StagingRing &Ring;
  LeafSums *Leaves; // null: there is one
  MmaOperand Left, Right;
  ThreadId Id;
  Value Row0;     // the thread's first row
  Value TileCol0; // the first column of its warp's tiles
};

} // namespace

//===----------------------------------------------------------------------===//
// Operands in registers
//===----------------------------------------------------------------------===//

SmallVector<Value> MmaProduct::pairAt(Value Block, Position P) {
  if (Storage.isVectorizable(Block)) {
    P.Width = 2;
    Value Both = Eval.evaluate(Block, P);
    return {B.create<vector::ExtractOp>(Both, 0),
            B.create<vector::ExtractOp>(Both, 1)};
  }
  Value First = Eval.evaluate(Block, P);
  P.Col = B.plus(P.Col, 1);
  P.Alignment = 1;
  ++P.Slot;
  return {First, Eval.evaluate(Block, P)};
}

Value MmaProduct::pack(Value Low, Value High) {
  auto Bits = [&](Value V) -> Value {
    V = B.create<arith::BitcastOp>(B.getI16Type(), V);
    return B.create<arith::ExtUIOp>(B.getI32Type(), V);
  };
  Value Sixteen = B.create<arith::ConstantOp>(B.getI32IntegerAttr(16));
  Value LowBits = Bits(Low);
  return B.create<arith::OrIOp>(LowBits,
                                B.create<arith::ShLIOp>(Bits(High), Sixteen));
}

LeftFragment MmaProduct::evaluateLeft(int64_t Down, const Step &At) {
  Value InTile = Threads.colInTile(Id);
  // Registers in the unit's order: both rows at the first k, then at the
  // second.
  LeftFragment Result;
  for (int64_t Part = 0; Part < 2; ++Part)
    for (int64_t Half = 0; Half < 2; ++Half) {
      Position P;
      P.Row = B.plus(Row0, L.rowOffset(Down, Half));
      P.Col = B.plus(B.plus(At.First, At.Number * tile::kMmaDepth + 8 * Part),
                     InTile);
      P.Alignment = 2;
      if (LeftLayout) {
        P.Layout = LeftLayout;
        P.Slot = LeftLayout->slot(Down, 2 * (At.StepsBefore + At.Number) + Part,
                                  Half);
      }
      SmallVector<Value> Pair = pairAt(Dot.getA(), P);
      if (Dot.getA().getType().getElementType().isBF16()) {
        Result.Nearest.push_back(pack(Pair[0], Pair[1]));
        continue;
      }
      SmallVector<Value> Nearest, Remainder;
      for (Value V : Pair) {
        Nearest.push_back(B.convertFloat(V, B.getBF16Type()));
        Value Rest = B.create<arith::SubFOp>(
            V, B.convertFloat(Nearest.back(), B.getF32Type()));
        Remainder.push_back(B.convertFloat(Rest, B.getBF16Type()));
      }
      Result.Nearest.push_back(pack(Nearest[0], Nearest[1]));
      Result.Remainder.push_back(pack(Remainder[0], Remainder[1]));
    }
  return Result;
}

//===----------------------------------------------------------------------===//
// Operands in shared memory
//===----------------------------------------------------------------------===//

std::pair<Value, Value> MmaProduct::find(const MmaOperand &Operand,
                                         const Step &At) {
  if (Operand.Staged)
    return {Ring.tile(*Operand.Staged, At.Stage),
            B.index(At.Number * tile::kMmaDepth)};
  return {Operand.Base, B.plus(At.First, At.Number * tile::kMmaDepth)};
}

SmallVector<SmallVector<Value>> MmaProduct::rightFragments(const Step &At) {
  auto [Base, Row] = find(Right, At);
  SmallVector<SmallVector<Value>> Fragments;
  for (int64_t Across = 0; Across < L.tilesAcross();) {
    // Two adjacent tiles at once, where there are two.
    const int64_t Tiles = std::min<int64_t>(L.tilesAcross() - Across, 2);
    Value Chunk = B.plus(B.over(TileCol0, TileLayout::kChunk), Across);
    SmallVector<Value> Words =
        loadMatrices(B, Right.Layout, Base, Row, Chunk, Id.Lane, 2 * Tiles,
                     /*Transposed=*/true);
    for (int64_t I = 0; I < Tiles; ++I, ++Across)
      Fragments.push_back({Words[2 * I], Words[2 * I + 1]});
  }
  return Fragments;
}

LeftFragment MmaProduct::loadLeft(int64_t Down, const Step &At) {
  auto [Base, Col] = find(Left, At);
  Value Row = B.minus(B.plus(Row0, L.rowOffset(Down, 0)),
                      B.over(Id.Lane, RegisterLayout::kLanesPerRow));
  Value Chunk = B.over(Col, TileLayout::kChunk);
  return {loadMatrices(B, Left.Layout, Base, Row, Chunk, Id.Lane, 4,
                       /*Transposed=*/false),
          {}};
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

void MmaProduct::multiplyTile(int64_t Slot, ArrayRef<Value> Left,
                              ArrayRef<Value> Right) {
  SmallVector<Value> Arguments(Left);
  Arguments.append(Right.begin(), Right.end());
  for (int64_t I = 0; I < 4; ++I)
    Arguments.push_back(loadSlots(B, C, Slot + I));
  auto Result = LLVM::LLVMStructType::getLiteral(
      B.getContext(), SmallVector<Type>(4, B.getF32Type()));
  // nvvm.mma.sync does not take bf16 in MLIR 19.
  Value Sums =
      B.create<LLVM::CallIntrinsicOp>(
           TypeRange(Result), "llvm.nvvm.mma.m16n8k16.row.col.bf16", Arguments)
          .getResult(0);
  for (int64_t I = 0; I < 4; ++I)
    storeSlots(B, B.create<LLVM::ExtractValueOp>(Sums, I), C, Slot + I);
}

LeftFragment MmaProduct::leftFragment(int64_t Down, const Step &At) {
  return Left.isShared() ? loadLeft(Down, At) : evaluateLeft(Down, At);
}

void MmaProduct::multiplyStep(const Step &At) {
  const SmallVector<SmallVector<Value>> Rights = rightFragments(At);
  for (int64_t Down = 0; Down < L.tilesDown(); ++Down) {
    const LeftFragment Left = leftFragment(Down, At);
    for (int64_t Across = 0; Across < L.tilesAcross(); ++Across) {
      const int64_t Slot = L.slot(Down, Across, 0);
      if (!Left.Remainder.empty())
        multiplyTile(Slot, Left.Remainder, Rights[Across]);
      multiplyTile(Slot, Left.Nearest, Rights[Across]);
    }
  }
}

void MmaProduct::multiply(tile::ProductAttr Product, Value Used) {
  const int64_t K = depthOf(Dot);
  // Registers cannot be indexed at run time, so a left operand in registers
  // needs every step unrolled.
  const bool Unroll = LeftLayout;
  if (!Ring.empty()) {
    const int64_t Depth = Product.getDepth(), Steps = Depth / tile::kMmaDepth;
    Ring.run(K / Depth, Unroll, Id, Used,
             [&](Value First, Value Stage, std::optional<int64_t> Tile) {
               beginLeaf(First);
               for (int64_t Number = 0; Number < Steps; ++Number)
                 multiplyStep({First, Stage, Number, Tile.value_or(0) * Steps});
             });
    return;
  }
  B.ifThen(Used, [&] {
    if (Unroll || K <= kMaxUnrolledDepth) {
      for (int64_t Number = 0; Number < K / tile::kMmaDepth; ++Number) {
        beginLeaf(B.index(Number * tile::kMmaDepth));
        multiplyStep({B.index(0), Value(), Number});
      }
      return;
    }
    B.loop(
        B.index(0), B.index(K),
        [&](Value First) {
          beginLeaf(First);
          multiplyStep({First});
        },
        tile::kMmaDepth);
  });
}

void MmaProduct::beginLeaf(Value First) {
  if (!Leaves)
    return;
  B.ifThen(B.equal(B.modulo(First, Leaves->terms()), 0), [&] {
    Value Leaf = B.over(First, Leaves->terms());
    B.ifThen(B.less(B.index(0), Leaf),
             [&] { Leaves->end(B.minus(Leaf, B.index(1))); });
    Leaves->begin();
  });
}

Access MmaProducts::inShared(Value Block) {
  if (const Access *Buffer = Context.Storage.buffer(Block);
      Buffer && isMatrixReadable(Context.Scratch, *Buffer))
    return *Buffer;
  auto Type = cast<VectorType>(Block.getType());
  const Access To = allocateShared(Context.Scratch, Type);
  Writer.write(Block, To, Extent::of(Type));
  return To;
}

void MmaProducts::multiply(tile::DotOp Dot, tile::ProductAttr Product,
                           const Access &C, Value Used) {
  using tile::OperandSource;
  const OperandSource LeftSource = Product.getLeft().getSource();
  const RegisterLayout *LeftLayout =
      LeftSource == OperandSource::Registers
          ? Layouts.of(Dot.getA().getType().getShape())
          : nullptr;
  const int64_t K = depthOf(Dot);
  const int64_t Depth = Product.getDepth() ? Product.getDepth() : K;
  StagingRing Ring(Context, Threads, Product.getDepth(), Product.getStages());
  Exchange Copies(Context, Threads);
  auto Find = [&](tile::OperandAttr Chosen, Value Block, int64_t Rows,
                  int64_t Cols, bool IsLeft) {
    MmaOperand Operand;
    if (Chosen.getSource() == OperandSource::Staged) {
      Copies.prepare(Block, nullptr); // the row indices of a gather
      Operand.Layout = TileLayout(Rows, Cols, Chosen);
      Operand.Staged =
          Ring.add(*Context.Storage.lazyLoad(Block), Operand.Layout, IsLeft);
    } else if (Chosen.getSource() == OperandSource::Shared) {
      const Access In = inShared(Block);
      Operand.Layout = TileLayout(Rows, Cols, In.Strides[0]);
      Operand.Base = In.Base;
    }
    return Operand;
  };
  const RegisterLayout &L = *C.Layout;
  const MmaOperand Left =
      Find(Product.getLeft(), Dot.getA(), L.Rows, Depth, /*IsLeft=*/true);
  const MmaOperand Right =
      Find(Product.getRight(), Dot.getB(), Depth, L.Cols, /*IsLeft=*/false);
  if (!Left.isShared())
    Copies.prepare(Dot.getA(), LeftLayout);
  std::optional<LeafSums> Leaves;
  if (Dot.getLeaves() > 1)
    Leaves.emplace(Context, Threads, Loops, Dot, C);
  MmaProduct(Context, Threads, Dot, C, LeftLayout, Ring,
             Leaves ? &*Leaves : nullptr, Left, Right)
      .multiply(Product, Used);
  if (Leaves)
    Context.B.ifThen(Used, [&] {
      Leaves->end(Context.B.index(Dot.getLeaves() - 1));
      Leaves->finish();
    });
}
