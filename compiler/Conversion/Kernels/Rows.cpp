//===- Rows.cpp - embedding, norms, elementwise, rotary -------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/Kernels/Kernels.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/Support/FormatVariadic.h"
#include <cmath>

using namespace mlir;
using namespace m1;
using llvm::formatv;

static constexpr int64_t kDynamic = ShapedType::kDynamic;

/// The first token of the cell's block of few rows and how many there are.
static std::pair<Value, Value> fewRows(KernelBody &B, int64_t Rows) {
  Value First = B.times(B.X, Rows);
  return {First, B.smaller(B.index(Rows), B.minus(B.Args.back(), First))};
}

tile::KernelOp m1::elementwiseKernel(KernelCache &Cache, Operation *Op,
                                     int64_t N) {
  std::string Key = nameOf(Op) + "_" + std::to_string(N);
  SmallVector<Type> Arguments;
  for (auto [Number, T] : llvm::enumerate(Op->getOperandTypes()))
    Arguments.push_back(memoryType({kDynamic, isColumn(Op, Number) ? 1 : N},
                                   getElementTypeOrSelf(T)));
  Arguments.push_back(memoryType(
      {kDynamic, N}, getElementTypeOrSelf(Op->getResult(0).getType())));
  Arguments.push_back(IndexType::get(Cache.context()));
  return Cache.get(Key, Arguments, [&](KernelBody &B) {
    const int64_t M = Cache.Blocks.FewRows;
    auto [First, Rows] = fewRows(B, M);
    Value Zero = B.index(0);
    SmallVector<Value> Operands;
    for (unsigned I = 0; I < Op->getNumOperands(); ++I) {
      if (isColumn(Op, I)) {
        Value One = B.load(B.Args[I], {First, Zero}, {0}, {M}, Rows);
        Operands.push_back(B.along(B.widened(One), 1, N));
      } else {
        Operands.push_back(
            B.widened(B.load(B.Args[I], {First, Zero}, {0, 1}, {M, N}, Rows)));
      }
    }
    B.store(emitElementwise(B, Op, Operands), B.Args[Operands.size()],
            {First, Zero}, {0, 1}, Rows);
  });
}

tile::KernelOp m1::rmsNormKernel(KernelCache &Cache, RMSNormOp Op) {
  auto Element = [](Value V) { return getElementTypeOrSelf(V.getType()); };
  const int64_t N =
      cast<RankedTensorType>(Op.getWeight().getType()).getDimSize(0);
  const double Eps = Op.getEps().convertToDouble();
  Type XType = Element(Op.getX()), WType = Element(Op.getWeight());
  Type YType = Element(Op.getResult());
  std::string Key = formatv("rms_norm_{0}_{1}_{2}_{3}_eps{4}", N, nameOf(XType),
                            nameOf(WType), nameOf(YType), nameOf(Eps));
  return Cache.get(
      Key,
      {memoryType({kDynamic, N}, XType), memoryType({N}, WType),
       memoryType({kDynamic, N}, YType), IndexType::get(Cache.context())},
      [&](KernelBody &B) {
        const int64_t M = Cache.Blocks.FewRows;
        auto [First, Rows] = fewRows(B, M);
        Value Zero = B.index(0);
        Value X =
            B.widened(B.load(B.Args[0], {First, Zero}, {0, 1}, {M, N}, Rows));
        Value W = B.widened(B.load(B.Args[1], {Zero}, {0}, {N}));
        Value Squares = B.rowSum(B.mulF(X, X));
        Value Mean = B.divF(Squares, B.splat(N, Squares));
        Value Root = B.create<math::SqrtOp>(B.addF(Mean, B.splat(Eps, Mean)));
        Value Scale = B.divF(B.splat(1, Root), Root);
        Value Y = B.mulF(B.along(W, 0, M), B.mulF(X, B.along(Scale, 1, N)));
        B.store(Y, B.Args[2], {First, Zero}, {0, 1}, Rows);
      });
}

tile::KernelOp m1::embeddingKernel(KernelCache &Cache, MemRefType Table,
                                   Type Result) {
  const int64_t D = Table.getDimSize(1);
  std::string Key = formatv("embedding_{0}x{1}_{2}_{3}", Table.getDimSize(0), D,
                            nameOf(Table.getElementType()), nameOf(Result));
  Type I32 = IntegerType::get(Cache.context(), 32);
  return Cache.get(
      Key,
      {memoryType({kDynamic}, I32), Table, memoryType({kDynamic, D}, Result),
       IndexType::get(Cache.context())},
      [&](KernelBody &B) {
        const int64_t M = Cache.Blocks.FewRows;
        auto [First, Rows] = fewRows(B, M);
        Value Tokens = B.load(B.Args[0], {First}, {0}, {M}, Rows);
        // A draw that went wrong is negative, and the call will fail.
        Tokens = B.larger(Tokens, B.splat(0, Tokens));
        Value X = B.gather(B.Args[1], Tokens, B.index(0), {M, D}, Rows);
        B.store(X, B.Args[2], {First, B.index(0)}, {0, 1}, Rows);
      });
}

tile::KernelOp m1::selectLastKernel(KernelCache &Cache, MemRefType X) {
  const int64_t N = X.getDimSize(1);
  Type Element = X.getElementType();
  std::string Key = formatv("select_last_{0}_{1}", N, nameOf(Element));
  Type I32 = IntegerType::get(Cache.context(), 32);
  return Cache.get(
      Key, {X, memoryType({kDynamic}, I32), memoryType({kDynamic, N}, Element)},
      [&](KernelBody &B) {
        Value Begin = B.at(B.Args[1], B.X);
        Value End = B.at(B.Args[1], B.plus(B.X, B.index(1)));
        Value Zero = B.index(0);
        // An empty sequence has no row to copy: zero rows are in use.
        Value Used = B.smaller(B.minus(End, Begin), B.index(1));
        Value Last = B.larger(B.minus(End, B.index(1)), Zero);
        Value Row = B.load(B.Args[0], {Last, Zero}, {0, 1}, {1, N}, Used);
        B.store(Row, B.Args[2], {B.X, Zero}, {0, 1});
      });
}

tile::KernelOp m1::rotaryKernel(KernelCache &Cache, RotaryOp Op, MemRefType X) {
  const int64_t H = X.getDimSize(1), D = X.getDimSize(2);
  const int64_t Dims = Op.getRotaryDim(), Half = Dims / 2;
  const double Theta = Op.getTheta().convertToDouble();
  Type Result = getElementTypeOrSelf(Op.getResult().getType());
  std::string Key = formatv("rotary_{0}x{1}_{2}_{3}_dims{4}_theta{5}{6}", H, D,
                            nameOf(X.getElementType()), nameOf(Result), Dims,
                            nameOf(Theta), layoutName(X));
  Type I32 = IntegerType::get(Cache.context(), 32);
  return Cache.get(
      Key,
      {X, memoryType({kDynamic}, I32), memoryType({kDynamic, H, D}, Result),
       IndexType::get(Cache.context())},
      [&](KernelBody &B) {
        const int64_t M = Cache.Blocks.FewRows;
        auto [First, Rows] = fewRows(B, M);
        auto Part = [&](int64_t From, int64_t Count) {
          return B.widened(B.load(B.Args[0], {First, B.Y, B.index(From)},
                                  {0, 2}, {M, Count}, Rows));
        };
        auto Write = [&](Value Block, int64_t From) {
          B.store(Block, B.Args[2], {First, B.Y, B.index(From)}, {0, 2}, Rows);
        };
        // Angles reach thousands of turns: they are made and reduced to one
        // turn in f64.
        SmallVector<double> Frequencies;
        for (int64_t I = 0; I < Half; ++I)
          Frequencies.push_back(std::pow(Theta, -2.0 * I / Dims));
        Type F64 = B.getF64Type();
        Value Frequency = B.create<arith::ConstantOp>(DenseElementsAttr::get(
            B.block({Half}, F64), ArrayRef<double>(Frequencies)));
        Value Position = B.load(B.Args[1], {First}, {0}, {M}, Rows);
        Position = B.create<arith::SIToFPOp>(B.block({M}, F64), Position);
        Value Angle =
            B.mulF(B.along(Position, 1, Half), B.along(Frequency, 0, M));
        Value Turns = B.create<math::RoundEvenOp>(
            B.mulF(Angle, B.splat(1 / (2 * M_PI), Angle)));
        Value Reduced =
            B.rounded(B.subF(Angle, B.mulF(Turns, B.splat(2 * M_PI, Turns))),
                      B.getF32Type());
        Value Cos = B.create<math::CosOp>(Reduced);
        Value Sin = B.create<math::SinOp>(Reduced);

        Value X1 = Part(0, Half), X2 = Part(Half, Half);
        Write(B.subF(B.mulF(X1, Cos), B.mulF(X2, Sin)), 0);
        Write(B.addF(B.mulF(X2, Cos), B.mulF(X1, Sin)), Half);
        if (Dims < D)
          Write(Part(Dims, D - Dims), Dims);
      });
}
