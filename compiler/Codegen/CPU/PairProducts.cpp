//===- PairProducts.cpp - products of bf16 by vdpbf16ps -------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Lane j of the instruction adds to a sum of f32 the product of two bf16 and
// then that of the two before them: s = fma(a[1], b[1], s), then
// s = fma(a[0], b[0], s), each rounded to nearest even. Operands, and sums
// after either step, that are denormal become zero. The mode that a process has
// set for floating point has no influence.
//
//===----------------------------------------------------------------------===//

#include "compiler/Codegen/CPU/PairProducts.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace m1;
using namespace m1::codegen;

/// The least number of sums of an instruction.
static constexpr int64_t kLeastWidth = 4;

bool PairProducts::supports(tile::DotOp Dot,
                            tile::MatrixUnitAttrInterface Unit) {
  const auto Left = Dot.getA().getType(), Right = Dot.getB().getType();
  return Unit.multiplies(Left.getElementType(), Right.getElementType(),
                         Dot.getAcc().getType().getElementType(),
                         Right.getDimSize(0) / Dot.getLeaves()) &&
         Right.getDimSize(1) % kLeastWidth == 0;
}

/// The instruction: `Width` sums, and a pair for each in both operands.
static Value addProducts(ScalarBuilder &B, Value Sums, Value Left, Value Right,
                         int64_t Width) {
  auto Pairs = VectorType::get({2 * Width}, B.getBF16Type());
  auto AsPairs = [&](Value V) -> Value {
    return B.create<vector::BitCastOp>(Pairs, V);
  };
  return B
      .create<LLVM::CallIntrinsicOp>(
          Sums.getType(),
          B.getStringAttr("llvm.x86.avx512bf16.dpbf16ps." + Twine(32 * Width)),
          ValueRange{Sums, AsPairs(Left), AsPairs(Right)})
      .getResults();
}

void PairProducts::multiplyPart(const HostProduct &P, const Part &Sums) {
  const int64_t Width = Sums.Width;
  // A pair as a 32-bit integer: row p of the right operand has one for each
  // column.
  const Type Pair = B.getI32Type();
  Access Right = P.Right;
  Right.Element = Pair;
  Right.Strides = {P.Right.Strides[0] / 2, 1};
  Right.RowAlignment = 1;
  Right.Pairs = false;
  Access Left = P.Left;
  if (Left.Pairs) {
    Left.Element = Pair;
    for (int64_t &Stride : Left.Strides)
      Stride /= 2;
    Left.Pairs = false;
  }
  SmallVector<Value> LeftRows;
  for (int64_t I = 0; I < Sums.Rows; ++I)
    LeftRows.push_back(
        Eval.memoryRow(Left, {B.plus(Sums.Row, I), {}, 1, 1, &P.E}));
  // A pair of row `Row`. Rows start at any element, so pairs may be unaligned.
  auto LoadPair = [&](Value Row, Value Step) -> Value {
    Value From = address(B, Left, Row, P.Left.Pairs ? Step : B.times(Step, 2));
    return B.create<LLVM::LoadOp>(Pair, From, P.Left.Pairs ? 4 : 2);
  };
  accumulate(P, Sums, 2, [&](Value Step, ValueRange Carried) {
    SmallVector<Value> RightVectors;
    for (int64_t J = 0; J < Sums.Vectors; ++J)
      RightVectors.push_back(
          Eval.load(Right, {Step, B.plus(Sums.Col, J * Width), Width}));
    SmallVector<Value> Next;
    for (int64_t I = 0; I < Sums.Rows; ++I) {
      Value Factor = B.create<vector::SplatOp>(VectorType::get({Width}, Pair),
                                               LoadPair(LeftRows[I], Step));
      for (int64_t J = 0; J < Sums.Vectors; ++J)
        Next.push_back(addProducts(B, Carried[I * Sums.Vectors + J], Factor,
                                   RightVectors[J], Width));
    }
    return Next;
  });
}
