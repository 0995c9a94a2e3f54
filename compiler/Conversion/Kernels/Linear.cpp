//===- Linear.cpp - linear layers -----------------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/Kernels/Linear.h"

#include "compiler/Conversion/Kernels/ElementwiseStep.h"
#include "compiler/Conversion/Kernels/PackedWeights.h"
#include "compiler/Conversion/Kernels/PartialSums.h"

using namespace mlir;
using namespace m1;

static void buildLinear(KernelBody &B) {
  const int64_t M = B.Blocks.Rows;
  const PartialSums Parts(B, B.extent("K"));
  const int64_t K = Parts.Terms, N = B.extent("MN") / Parts.Count;
  const PackedLayout Packed(B.memory("weight").getShape());
  const int64_t Panel = Packed.Panel;
  auto Steps = llvm::map_to_vector(
      cast<ArrayAttr>(B.constant("epilogue")),
      [](Attribute Description) { return ElementwiseStep(Description); });
  const bool Double = B.memory("x").getElementType().isF64() &&
                      B.memory("weight").getElementType().isF64();
  Type Sum = Double ? B.getF64Type() : B.getF32Type();
  auto [First, Rows] = B.rowBlock(M);
  SmallVector<Value> Xs; // of each partial sum
  for (int64_t Part = 0; Part < Parts.Count; ++Part)
    Xs.push_back(
        B.load(B["x"], {First, B.index(Part * K)}, {0, 1}, {M, K}, Rows));

  forPanelsOfCell(B, Packed.Panels, [&, First = First, Rows = Rows](Value J) {
    Value Column = B.times(J, Panel);
    Value Columns = columnsOf(B, Column, Panel, N);
    auto Product = [&](int64_t Part) {
      return B.dot(Xs[Part], loadPanelRows(B, B["weight"], {J}, Part * K, K),
                   B.zeros({M, Panel}, Sum), Parts.Leaves);
    };
    for (int64_t Part = 1; Part < Parts.Count; ++Part)
      B.store(Product(Part), B["result"], {First, B.plus(Column, Part * N)},
              {0, 1}, Rows, Columns);
    Value Y = Product(0);
    if (!Steps.empty())
      Y = B.widened(Y);

    const ElementwiseBlock At{First, Column, Rows, Columns, {M, Panel}};
    unsigned Input = 0;
    for (const ElementwiseStep &Step : Steps) {
      SmallVector<Value> Operands;
      for (unsigned I = 0; I < Step.operands(); ++I)
        Operands.push_back(Step.isChained(I)
                               ? Y
                               : loadOperand(B, B[inputName(Input++)],
                                             Step.isPerToken(I), At));
      Y = Step.emit(B, Operands);
    }
    B.store(Y, B["result"], {First, Column}, {0, 1}, Rows, Columns);
  });
}

KernelDeclaration m1::linearKernel() {
  return {"linear",
          {{"x", "[T, K]"},
           {"weight", "packed [N, K]"},
           {"input*", "memory [T, N], or [T, 1] if per token"},
           {"result", "[T, MN]"},
           {"rows", "index"}},
          {"sums", "epilogue"},
          buildLinear};
}
