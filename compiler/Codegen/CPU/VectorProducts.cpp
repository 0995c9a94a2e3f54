//===- VectorProducts.cpp - products by vector multiply-adds --------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Codegen/CPU/VectorProducts.h"

using namespace mlir;
using namespace m1;
using namespace m1::codegen;

void VectorProducts::multiplyPart(const HostProduct &P, const Part &Sums) {
  const Type Element = P.Sums.Element;
  const int64_t Width = Sums.Width;
  // The enclosing loops already enforce the bounds.
  Access Left = P.Left, Right = P.Right;
  Left.Rows = Right.Rows = {};
  accumulate(P, Sums, 1, [&](Value K, ValueRange Carried) {
    SmallVector<Value> RightVectors;
    for (int64_t J = 0; J < Sums.Vectors; ++J)
      RightVectors.push_back(B.convertFloat(
          Eval.load(Right, {K, B.plus(Sums.Col, J * Width), Width}), Element));
    SmallVector<Value> Next;
    for (int64_t I = 0; I < Sums.Rows; ++I) {
      Value Factor =
          B.convertFloat(Eval.load(Left, {B.plus(Sums.Row, I), K}), Element);
      if (Width > 1)
        Factor = B.create<vector::SplatOp>(VectorType::get({Width}, Element),
                                           Factor);
      for (int64_t J = 0; J < Sums.Vectors; ++J)
        Next.push_back(B.create<LLVM::FMAOp>(Factor, RightVectors[J],
                                             Carried[I * Sums.Vectors + J]));
    }
    return Next;
  });
}
