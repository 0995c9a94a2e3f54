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
#include "compiler/Conversion/Kernels/TokenLists.h"
#include "compiler/Conversion/ProgramLowering.h"

using namespace mlir;
using namespace m1;

/// A product with the transposed weight.
static LogicalResult lowerLinearTransposed(LinearTransposedOp Op,
                                           ProgramLowering &Program) {
  Value Dy = Program.memory(Op.getDy());
  Value Weight = Program.packedTransposed(Op.getWeight(), Dy, Op);
  if (!Weight)
    return failure();
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

SmallVector<plan::ExprAttr> m1::gradientGrid(ProgramLowering &Program,
                                             int64_t Rows, int64_t Columns,
                                             bool Twos) {
  const GradientBlocks Blocks(Program.blocks(), Rows, Columns, Twos);
  return {Program.size(Blocks.Columns.cells()),
          Program.size(Blocks.Rows.cells())};
}

SmallVector<Named<Value>> m1::listTokens(Value CuSeqlens, plan::ExprAttr T,
                                         plan::ExprAttr Sequences,
                                         ProgramLowering &Program,
                                         int64_t Block, int64_t Blocks) {
  Type I32 = IntegerType::get(CuSeqlens.getContext(), 32);
  const int64_t Extent =
      listExtent(Program.blocks(), Program.most(T), Program.most(Sequences));
  SmallVector<Named<Value>> List{
      {"list", Program.buffer(memoryType({1, Extent}, I32))},
      {"counts", Program.buffer(memoryType({1}, I32))}};
  SmallVector<Named<Value>> Operands{{"cu_seqlens", Program.memory(CuSeqlens)},
                                     {"sequences", Program.scalar(Sequences)},
                                     {"rows", Program.scalar(T)}};
  if (Block) {
    List.push_back({"ranges", Program.buffer(memoryType({Blocks + 1}, I32))});
    Operands.push_back({"block", Program.scalar(Program.size(Block))});
  }
  llvm::append_range(Operands, List);
  Program.launch(listTokensKernel(), {Program.size(1)}, Operands);
  return List;
}

static LogicalResult lowerLinearWeightGradient(LinearWeightGradientOp Op,
                                               ProgramLowering &Program) {
  Value Dy = Program.memory(Op.getDy());
  const plan::ExprAttr T = plan::rowsOf(Dy);
  if (failed(Program.expectRows(Op, "x", Op.getX(), T)))
    return failure();
  SmallVector<Named<Value>> Operands{
      {"dy", Dy},
      {"x", Program.memory(Op.getX())},
      {"state", Program.updateTensorState(Op.getStateMutable())},
      {"rows", Program.scalar(T)}};
  bool Twos = false;
  if (Value CuSeqlens = Op.getCuSeqlens()) {
    const auto Sequences = Program.expectSequences(Op, CuSeqlens, T);
    if (failed(Sequences))
      return failure();
    Twos = takesTwos(Program.blocks(), getElementTypeOrSelf(Op.getDy()),
                     getElementTypeOrSelf(Op.getX()));
    if (Twos)
      llvm::append_range(Operands,
                         listTokens(CuSeqlens, T, *Sequences, Program));
  }
  ArrayRef<int64_t> Shape = Op.getState().getType().getShape();
  Program.launch(linearWeightGradientKernel(),
                 gradientGrid(Program, Shape[0], Shape[1], Twos), Operands);
  return success();
}

void m1::addLinearGradientLowerings(MLIRContext *Context) {
  attachLowerings<lowerLinearTransposed, lowerLinearWeightGradient>(Context);
}
