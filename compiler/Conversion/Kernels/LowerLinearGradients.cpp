//===- LowerLinearGradients.cpp - launches of gradients of products -------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/Kernels/Linear.h"
#include "compiler/Conversion/Kernels/LinearGradients.h"
#include "compiler/Conversion/Kernels/PartialSums.h"
#include "compiler/Conversion/ProgramLowering.h"

using namespace mlir;
using namespace m1;

/// A product with the transposed weight.
static LogicalResult lowerLinearTransposed(LinearTransposedOp Op,
                                           ProgramLowering &Program) {
  Value Weight = Program.packedTransposed(Op.getWeight(), Op);
  if (!Weight)
    return failure();
  Value Dy = Program.memory(Op.getDy());
  const plan::ExprAttr T = plan::rowsOf(Dy);
  const PackedLayout Packed(cast<MemRefType>(Weight.getType()).getShape());
  Program.launch(linearKernel(),
                 {Program.productBlocks(T), Program.panelGroups(Packed.Panels)},
                 {{"x", Dy},
                  {"weight", Weight},
                  {"result", Program.allocate(Op.getResult(), T)},
                  {"rows", Program.scalar(T)}},
                 {{"sums", PartialSums::chain(Op.getContext())},
                  {"epilogue", ArrayAttr::get(Op.getContext(), {})}});
  return success();
}

static LogicalResult lowerLinearWeightGradient(LinearWeightGradientOp Op,
                                               ProgramLowering &Program) {
  Value Dy = Program.memory(Op.getDy());
  const plan::ExprAttr T = plan::rowsOf(Dy);
  if (failed(Program.expectRows(Op, "x", Op.getX(), T)))
    return failure();
  const Blocking &Blocks = Program.blocks();
  ArrayRef<int64_t> Shape = Op.getState().getType().getShape();
  Program.launch(linearWeightGradientKernel(),
                 {Program.blocksOf(Shape[0], Blocks.GradientRows),
                  Program.blocksOf(Shape[1], Blocks.GradientColumns)},
                 {{"dy", Dy},
                  {"x", Program.memory(Op.getX())},
                  {"state", Program.updateTensorState(Op.getStateMutable())},
                  {"rows", Program.scalar(T)}});
  return success();
}

void m1::addLinearGradientLowerings(MLIRContext *Context) {
  attachLowerings<lowerLinearTransposed, lowerLinearWeightGradient>(Context);
}
