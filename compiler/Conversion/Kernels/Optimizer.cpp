//===- Optimizer.cpp - the optimiser --------------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// States are visited as flat tensors of any number of elements, so that all
// parameters of a model share one kernel.
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/Kernels/Optimizer.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include <cmath>

using namespace mlir;
using namespace m1;

//===----------------------------------------------------------------------===//
// Flat tensors
//===----------------------------------------------------------------------===//

int64_t m1::flatCells(int64_t Elements, const Blocking &Blocks) {
  return llvm::divideCeil(Elements, Blocks.FlatElements * Blocks.FlatBlocks);
}

namespace {
/// A block of a flat tensor: `Blocks.FlatElements` elements from `First` on, of
/// which `Bound` exist (null: all).
struct FlatBlock {
  Value First, Bound;

  Value load(KernelBody &B, StringRef Name) const {
    return B.load(B[Name], {First}, {0}, {B.Blocks.FlatElements}, Bound);
  }
  void store(KernelBody &B, Value Block, StringRef Name) const {
    B.store(Block, B[Name], {First}, {0}, Bound);
  }
};
} // namespace

/// Visits the blocks of `Count` elements from `From` on, the last of which may
/// be partial. `Visit` returns the next value of `Carried`, or null if that is
/// null.
static Value
forFlatBlocks(KernelBody &B, Value From, Value Count, Value Carried,
              llvm::function_ref<Value(const FlatBlock &, Value)> Visit) {
  const int64_t Size = B.Blocks.FlatElements;
  Value Whole = B.over(Count, Size);
  Value All = B.over(B.plus(Count, Size - 1), Size);
  auto Blocks = [&](Value Begin, Value End, bool IsPartial, Value Before) {
    auto At = [&](Value Number) -> FlatBlock {
      Value Passed = B.times(Number, Size);
      Value First = B.plus(From, Passed);
      return {First, IsPartial ? B.minus(Count, Passed) : Value()};
    };
    if (!Before) {
      B.loop(Begin, End, [&](Value Number) { Visit(At(Number), {}); });
      return Value();
    }
    return B.loop(Begin, End, Before,
                  [&](Value Number, ValueRange Now) -> SmallVector<Value> {
                    return {Visit(At(Number), Now[0])};
                  })[0];
  };
  Value Passed = Blocks(B.index(0), Whole, /*IsPartial=*/false, Carried);
  return Blocks(Whole, All, /*IsPartial=*/true, Passed);
}

/// The elements of the cell: its first, and their number.
static std::pair<Value, Value> cellRange(KernelBody &B) {
  const int64_t Size = B.Blocks.FlatElements * B.Blocks.FlatBlocks;
  Value From = B.times(B.X, Size);
  return {From, B.smaller(B.index(Size), B.minus(B["count"], From))};
}

/// The only element, or that with an index, of a vector in memory.
static Value numberAt(KernelBody &B, StringRef Name, int64_t Index = 0) {
  return B.create<memref::LoadOp>(B[Name], B.index(Index));
}

static void setNumber(KernelBody &B, Value Number, StringRef Name) {
  B.create<memref::StoreOp>(Number, B[Name], B.index(0));
}

static Value f64(KernelBody &B, double Number) {
  return B.create<arith::ConstantOp>(B.getF64FloatAttr(Number));
}

static Value f32(KernelBody &B, float Number) {
  return B.create<arith::ConstantOp>(B.getF32FloatAttr(Number));
}

static Value greater(KernelBody &B, Value A, Value C) {
  return B.create<arith::CmpFOp>(arith::CmpFPredicate::OGT, A, C);
}

//===----------------------------------------------------------------------===//
// The norm
//===----------------------------------------------------------------------===//

/// The sum of a block of rank 1.
static Value sumOf(KernelBody &B, Value Block) {
  return B.create<vector::MultiDimReductionOp>(
      Block, f64(B, 0), ArrayRef<bool>{true}, vector::CombiningKind::ADD);
}

static void buildSquaredSums(KernelBody &B) {
  auto [From, Count] = cellRange(B);
  Value Sum = forFlatBlocks(
      B, From, Count, f64(B, 0), [&](const FlatBlock &Block, Value Before) {
        Value X = B.rounded(Block.load(B, "state"), B.getF64Type());
        return B.addF(Before, sumOf(B, B.mulF(X, X)));
      });
  B.create<memref::StoreOp>(Sum, B["sums"], B.X);
}

KernelDeclaration m1::squaredSumsKernel() {
  return {"squared_sums",
          {{"state", "[N] f32"}, {"sums", "[S] f64"}, {"count", "index"}},
          {},
          buildSquaredSums};
}

static void buildJoinSums(KernelBody &B) {
  Value Sum =
      forFlatBlocks(B, B.index(0), B["count"], f64(B, 0),
                    [&](const FlatBlock &Block, Value Before) {
                      return B.addF(Before, sumOf(B, Block.load(B, "sums")));
                    });
  setNumber(B, Sum, "result");
}

KernelDeclaration m1::joinSumsKernel() {
  return {"join_sums",
          {{"sums", "[S] f64"}, {"result", "[one] f64"}, {"count", "index"}},
          {},
          buildJoinSums};
}

static void buildClipNorm(KernelBody &B) {
  Value Sum = B.loop(B.index(0), B["count"], f64(B, 0),
                     [&](Value Number, ValueRange Sum) -> SmallVector<Value> {
                       Value Next = B.create<memref::LoadOp>(B["sums"], Number);
                       return {B.addF(Sum[0], Next)};
                     })[0];
  Value Root = B.create<math::SqrtOp>(Sum);
  Value Norm = B.convertFloat(Root, B.getF32Type());
  Value Max = numberAt(B, "max_norm");
  Value Enabled = numberAt(B, "enabled");
  Value Zero = B.create<arith::ConstantOp>(B.getI32IntegerAttr(0));
  Value IsEnabled = B.compare(arith::CmpIPredicate::ne, Enabled, Zero);
  // False for NaN.
  Value IsFinite = greater(B, f32(B, INFINITY), Norm);
  Value Applies = B.both(IsEnabled, IsFinite);
  Value HasMax = greater(B, Max, f32(B, 0));
  Value Clips = B.both(HasMax, greater(B, Norm, Max));
  Value Factor = B.select(Clips, B.divF(Max, Norm), f32(B, 1));
  Value Scale = B.select(Applies, Factor, f32(B, 0));
  Value Applied = B.create<arith::ExtUIOp>(B.getI32Type(), Applies);
  setNumber(B, Norm, "norm");
  setNumber(B, Scale, "scale");
  setNumber(B, Applied, "applied");
}

KernelDeclaration m1::clipNormKernel() {
  return {"clip_norm",
          {{"sums", "[S] f64"},
           {"max_norm", "[one] f32"},
           {"enabled", "[one] i32"},
           {"norm", "[one] f32"},
           {"scale", "[one] f32"},
           {"applied", "[one] i32"},
           {"count", "index"}},
          {},
          buildClipNorm};
}

KernelDeclaration m1::moveKernel() {
  return {
      "move",
      {{"to", "[N] f32"}, {"from", "[N] f32"}, {"count", "index"}},
      {},
      [](KernelBody &B) {
        auto [From, Count] = cellRange(B);
        forFlatBlocks(
            B, From, Count, {}, [&](const FlatBlock &Block, Value) -> Value {
              Value Sum = B.addF(Block.load(B, "to"), Block.load(B, "from"));
              Block.store(B, Sum, "to");
              Block.store(B, B.zeros({B.Blocks.FlatElements}), "from");
              return {};
            });
      }};
}

//===----------------------------------------------------------------------===//
// AdamW
//===----------------------------------------------------------------------===//

namespace {
/// The numbers of a step, as blocks of one number.
class StepNumbers {
public:
  explicit StepNumbers(KernelBody &B) : B(B) {
    Beta1 = filled(numberAt(B, "hyperparameters", 0));
    Beta2 = filled(numberAt(B, "hyperparameters", 1));
    Epsilon = filled(numberAt(B, "hyperparameters", 2));
    Rest1 = filled(B.subF(f32(B, 1), numberAt(B, "hyperparameters", 0)));
    Rest2 = filled(B.subF(f32(B, 1), numberAt(B, "hyperparameters", 1)));
    Factor1 = filled(B.divF(f32(B, 1), numberAt(B, "hyperparameters", 3)));
    Value Root = B.create<math::SqrtOp>(numberAt(B, "hyperparameters", 4));
    Factor2 = filled(B.divF(f32(B, 1), Root));
    Scale = filled(numberAt(B, "scale"));
    LearningRate = filled(ofParameter("learning_rates"));
    WeightDecay = filled(ofParameter("weight_decays"));
  }

  Value Beta1, Beta2, Epsilon;
  Value Rest1, Rest2;     // 1 - beta
  Value Factor1, Factor2; // 1 / correction1, 1 / sqrt(correction2)
  Value Scale, LearningRate, WeightDecay;

private:
  Value filled(Value Number) { return B.fill(Number, {B.Blocks.FlatElements}); }
  Value ofParameter(StringRef Name) {
    return B.create<memref::LoadOp>(B[Name], B["index"]);
  }

  KernelBody &B;
};
} // namespace

static void buildAdamW(KernelBody &B) {
  auto [From, Count] = cellRange(B);
  Value Zero = B.create<arith::ConstantOp>(B.getI32IntegerAttr(0));
  Value IsApplied =
      B.compare(arith::CmpIPredicate::ne, numberAt(B, "applied"), Zero);
  B.ifThen(IsApplied, [&, From = From, Count = Count] {
    const StepNumbers Step(B);
    forFlatBlocks(
        B, From, Count, {}, [&](const FlatBlock &Block, Value) -> Value {
          Value Master = Block.load(B, "master");
          Value First = Block.load(B, "first");
          Value Second = Block.load(B, "second");
          Value Gradient = Block.load(B, "gradient");
          Value G = B.mulF(Gradient, Step.Scale);
          Value Old = B.mulF(Step.Beta1, First);
          First = B.addF(Old, B.mulF(Step.Rest1, G));
          Old = B.mulF(Step.Beta2, Second);
          Second = B.addF(Old, B.mulF(Step.Rest2, B.mulF(G, G)));
          Value Root = B.create<math::SqrtOp>(Second);
          Value Divisor = B.addF(B.mulF(Root, Step.Factor2), Step.Epsilon);
          Value Update = B.divF(B.mulF(First, Step.Factor1), Divisor);
          Update = B.addF(Update, B.mulF(Step.WeightDecay, Master));
          Master = B.subF(Master, B.mulF(Step.LearningRate, Update));
          Block.store(B, Master, "master");
          Block.store(B, First, "first");
          Block.store(B, Second, "second");
          return {};
        });
  });
  forFlatBlocks(B, From, Count, {},
                [&](const FlatBlock &Block, Value) -> Value {
                  Value Nothing = B.zeros({B.Blocks.FlatElements});
                  Block.store(B, Nothing, "gradient");
                  return {};
                });
}

KernelDeclaration m1::adamWKernel() {
  return {"adamw",
          {{"master", "[N] f32"},
           {"first", "[N] f32"},
           {"second", "[N] f32"},
           {"gradient", "[N] f32"},
           {"scale", "[one] f32"},
           {"applied", "[one] i32"},
           {"learning_rates", "[P] f32"},
           {"weight_decays", "[P] f32"},
           {"hyperparameters", "[five] f32"},
           {"index", "index"},
           {"count", "index"}},
          {},
          buildAdamW};
}
