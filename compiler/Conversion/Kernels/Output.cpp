//===- Output.cpp - token log-probabilities -------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/Kernels/Kernels.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace m1;
using llvm::formatv;

static constexpr int64_t kDynamic = ShapedType::kDynamic;

/// Panels of one group of the vocabulary.
static constexpr int64_t kPanelsPerGroup = 16;

int64_t m1::vocabularyGroups(const Blocking &Blocks, int64_t Vocabulary) {
  return llvm::divideCeil(Vocabulary, Blocks.Panel * kPanelsPerGroup);
}

/// What both ways of reading logits share: `Logits` gives a panel's block [M,
/// Panel]. The last five arguments are targets, maxima, sums, chosen and T.
static void emitParts(KernelBody &B, const Blocking &Blocks, int64_t M,
                      int64_t Vocabulary, Value First, Value Rows,
                      llvm::function_ref<Value(Value Panel)> Logits) {
  const int64_t Panel = Blocks.Panel;
  ArrayRef<Value> Args = ArrayRef<Value>(B.Args).take_back(5);
  Value Target = B.load(Args[0], {First}, {0}, {M}, Rows);
  Value From = B.times(B.Y, kPanelsPerGroup);
  Value To = B.smaller(B.plus(From, B.index(kPanelsPerGroup)),
                       B.index(llvm::divideCeil(Vocabulary, Panel)));
  SmallVector<Value> Final = B.loop(
      From, To, {B.zeros(M, {}, -1e30), B.zeros(M), B.zeros(M)},
      [&](Value J, ValueRange Carried) {
        Value L = Logits(J);
        Value Column = B.create<arith::AddIOp>(
            B.iota({M, Panel}, 1),
            B.fill(B.toI32(B.times(J, Panel)), {M, Panel}));
        if (Vocabulary % Panel != 0)
          L = B.select(B.cmpI(arith::CmpIPredicate::slt, Column,
                              B.splat(Vocabulary, Column)),
                       L, B.splat(-1e30, L));
        Value Max = B.create<arith::MaxNumFOp>(Carried[0], B.rowMax(L));
        Value Sum = B.addF(B.mulF(Carried[1], B.expF(B.subF(Carried[0], Max))),
                           B.rowSum(B.expF(B.subF(L, B.along(Max, 1, Panel)))));
        Value IsTarget =
            B.cmpI(arith::CmpIPredicate::eq, Column, B.along(Target, 1, Panel));
        Value Chosen =
            B.addF(Carried[2], B.rowSum(B.select(IsTarget, L, B.splat(0, L))));
        return SmallVector<Value>{Max, Sum, Chosen};
      });
  for (int I = 0; I < 3; ++I)
    B.store(Final[I], Args[1 + I], {First, B.Y}, {0}, Rows);
}

static SmallVector<Type> partsArguments(KernelCache &Cache, int64_t Groups) {
  Type I32 = IntegerType::get(Cache.context(), 32);
  Type Part = memoryType({kDynamic, Groups}, Float32Type::get(Cache.context()));
  return {memoryType({kDynamic}, I32), Part, Part, Part,
          IndexType::get(Cache.context())};
}

tile::KernelOp m1::headPartsKernel(KernelCache &Cache, MemRefType X,
                                   MemRefType W, int64_t Vocabulary) {
  const int64_t K = X.getDimSize(1);
  const int64_t Panel = PackedLayout(W.getShape()).Panel;
  SmallVector<Type> Arguments{X, W};
  Arguments.append(
      partsArguments(Cache, vocabularyGroups(Cache.Blocks, Vocabulary)));
  std::string Key =
      formatv("head_parts_{0}x{1}_{2}_{3}", K, Vocabulary,
              nameOf(X.getElementType()), nameOf(W.getElementType()));
  return Cache.get(Key, Arguments, [&](KernelBody &B) {
    const int64_t M = Cache.Blocks.Rows;
    Value Zero = B.index(0);
    Value First = B.times(B.X, M);
    Value Rows = B.smaller(B.index(M), B.minus(B.Args.back(), First));
    Value Xs = B.load(B.Args[0], {First, Zero}, {0, 1}, {M, K}, Rows);
    emitParts(B, Cache.Blocks, M, Vocabulary, First, Rows, [&](Value J) {
      return B.dot(Xs, loadPanel(B, B.Args[1], J), B.zeros({M, Panel}));
    });
  });
}

tile::KernelOp m1::logitsPartsKernel(KernelCache &Cache, int64_t Vocabulary) {
  const int64_t Panel = Cache.Blocks.Panel;
  SmallVector<Type> Arguments{
      memoryType({kDynamic, Vocabulary}, Float32Type::get(Cache.context()))};
  Arguments.append(
      partsArguments(Cache, vocabularyGroups(Cache.Blocks, Vocabulary)));
  return Cache.get(
      formatv("logits_parts_{0}", Vocabulary).str(), Arguments,
      [&](KernelBody &B) {
        const int64_t M = Cache.Blocks.Rows;
        Value First = B.times(B.X, M);
        Value Rows = B.smaller(B.index(M), B.minus(B.Args.back(), First));
        emitParts(B, Cache.Blocks, M, Vocabulary, First, Rows, [&](Value J) {
          Value Column = B.times(J, Panel);
          Value Columns;
          if (Vocabulary % Panel != 0)
            Columns =
                B.smaller(B.index(Panel), B.minus(B.index(Vocabulary), Column));
          return B.load(B.Args[0], {First, Column}, {0, 1}, {M, Panel}, Rows,
                        Columns);
        });
      });
}

tile::KernelOp m1::logProbKernel(KernelCache &Cache, int64_t Groups) {
  Type F32 = Float32Type::get(Cache.context());
  Type Part = memoryType({kDynamic, Groups}, F32);
  return Cache.get(
      formatv("log_prob_{0}", Groups).str(),
      {Part, Part, Part, memoryType({kDynamic}, F32),
       IndexType::get(Cache.context())},
      [&](KernelBody &B) {
        const int64_t M = Cache.Blocks.FewRows;
        Value Zero = B.index(0);
        Value First = B.times(B.X, M);
        Value Rows = B.smaller(B.index(M), B.minus(B.Args[4], First));
        auto Part = [&](int I) {
          return B.load(B.Args[I], {First, Zero}, {0, 1}, {M, Groups}, Rows);
        };
        Value Maxima = Part(0);
        Value Max = B.rowMax(Maxima);
        Value Scale = B.expF(B.subF(Maxima, B.along(Max, 1, Groups)));
        Value Sum = B.rowSum(B.mulF(Part(1), Scale));
        Value Chosen = B.rowSum(Part(2)); // one group's, and zeros
        Value LogSum = B.addF(Max, B.create<math::LogOp>(Sum));
        B.store(B.subF(Chosen, LogSum), B.Args[3], {First}, {0}, Rows);
      });
}
