//===- ExpertBodies.cpp - what kernels of experts share -------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/Kernels/ExpertBodies.h"

#include "compiler/Conversion/Kernels/PackedWeights.h"
#include "compiler/Support/Masking.h"

using namespace mlir;
using namespace m1;

RouterBlock m1::routerProbabilities(KernelBody &B) {
  const int64_t M = B.Blocks.FewRows, D = B.extent("D");
  const int64_t Experts = B.integer("expert_count");
  const int64_t Width = PackedLayout(B.memory("weight").getShape()).Panel;
  Value Zero = B.index(0);
  auto [First, Rows] = B.rowBlock(M);
  Value Xs = B.load(B["x"], {First, Zero}, {0, 1}, {M, D}, Rows);
  Value Logits =
      B.dot(Xs, loadPanel(B, B["weight"], Zero), B.zeros({M, Width}));

  // Softmax; columns past the last expert only pad the panel.
  Value Column = B.iota({M, Width}, 1);
  Value Real =
      B.compare(arith::CmpIPredicate::slt, Column, B.splat(Experts, Column));
  Logits = B.select(Real, Logits, B.splat(kMasked, Logits));
  Value Max = B.rowMax(Logits);
  Value Power = B.expF(B.subF(Logits, B.along(Max, 1, Width)));
  Value Sum = B.rowSum(Power);
  Value P = B.divF(Power, B.along(Sum, 1, Width));
  return {First, Rows, Column, Real, P, Width};
}

Value m1::tokensOf(KernelBody &B, Value Pairs, int64_t Choices) {
  return B.create<arith::DivUIOp>(Pairs, B.splat(Choices, Pairs));
}

void m1::forChosen(
    KernelBody &B, int64_t Panels,
    llvm::function_ref<SmallVector<Value>(Value Pairs, Value Rows)> Load,
    llvm::function_ref<void(ValueRange Blocks, Value Pairs, Value Rows,
                            Value Panel)>
        Body) {
  const int64_t M = B.Blocks.Rows;
  Value First = B.times(B.X, M);
  Value Count = B.at(B["counts"], B.Z);
  B.ifThen(B.less(First, Count), [&] {
    Value Rows = B.smaller(B.minus(Count, First), B.index(M));
    Value Pairs = B.load(B["pairs"], {B.Z, First}, {1}, {M}, Rows);
    const SmallVector<Value> Blocks = Load(Pairs, Rows);
    forPanelsOfCell(B, Panels, [&](Value J) { Body(Blocks, Pairs, Rows, J); });
  });
}
