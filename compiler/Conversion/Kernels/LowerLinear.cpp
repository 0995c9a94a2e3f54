//===- LowerLinear.cpp - launches of products -----------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/Kernels/ElementwiseStep.h"
#include "compiler/Conversion/Kernels/Linear.h"
#include "compiler/Conversion/Kernels/PackedWeights.h"
#include "compiler/Conversion/Kernels/PartialSums.h"
#include "compiler/Conversion/ProgramLowering.h"

using namespace mlir;
using namespace m1;

/// A product and the elementwise ops that follow it in the same kernel.
static LogicalResult lowerProduct(LinearOp Linear,
                                  ArrayRef<ElementwiseOpInterface> Epilogue,
                                  Value Result, ProgramLowering &Program) {
  Value X = Program.memory(Linear.getX());
  Value Weight =
      Program.packed(Linear.getWeight(), X, Linear, Linear.getLeaves());
  if (!Weight)
    return failure();
  const plan::ExprAttr T = plan::rowsOf(X);
  SmallVector<Value> Inputs;
  SmallVector<Attribute> Steps;
  for (ElementwiseOpInterface Op : Epilogue) {
    OpOperand &Chained = FusedOp::getChainedOperand(Op);
    for (OpOperand &Operand : Op->getOpOperands()) {
      if (&Operand == &Chained)
        continue;
      const unsigned Number = Operand.getOperandNumber();
      if (failed(Program.expectRows(Op, ("operand " + Twine(Number)).str(),
                                    Operand.get(), T)))
        return failure();
      Inputs.push_back(Program.memory(Operand.get()));
    }
    Steps.push_back(ElementwiseStep::describe(Op, &Chained));
  }
  SmallVector<Named<Value>> Operands{{"x", X}, {"weight", Weight}};
  const SmallVector<std::string> Names = inputNames(Inputs.size());
  for (auto [Name, Input] : llvm::zip(Names, Inputs))
    Operands.push_back({Name, Input});
  Operands.append(
      {{"result", Program.allocate(Result, T)}, {"rows", Program.scalar(T)}});
  const PackedLayout Packed(cast<MemRefType>(Weight.getType()).getShape());
  Program.launch(linearKernel(),
                 {Program.productBlocks(T), Program.panelGroups(Packed.Panels)},
                 Operands,
                 {{"sums", PartialSums::constant(Linear.getLeavesAttr(),
                                                 Linear.getPartialsAttr())},
                  {"epilogue", ArrayAttr::get(Linear.getContext(), Steps)}});
  return success();
}

static LogicalResult lowerLinear(LinearOp Op, ProgramLowering &Program) {
  return lowerProduct(Op, {}, Op.getResult(), Program);
}

static LogicalResult lowerFused(FusedOp Op, ProgramLowering &Program) {
  return lowerProduct(Op.getLinear(), Op.getEpilogue(), Op.getResult(),
                      Program);
}

void m1::addLinearLowerings(MLIRContext *Context) {
  attachLowerings<lowerLinear, lowerFused>(Context);
}
