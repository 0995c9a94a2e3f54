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
#include "compiler/Conversion/ProgramLowering.h"

using namespace mlir;
using namespace m1;

/// A product and what follows it in the same kernel.
static LogicalResult lowerProduct(LinearOp Linear,
                                  ArrayRef<Operation *> Epilogue, Value Result,
                                  ProgramLowering &Program) {
  Value X = Program.memory(Linear.getX());
  Value Weight = Program.packed(Linear.getWeight(), X, Linear);
  if (!Weight)
    return failure();
  const plan::ExprAttr T = plan::rowsOf(X);
  SmallVector<std::string> InputNames;
  SmallVector<Value> Inputs;
  SmallVector<Attribute> Steps;
  Value Chained = Linear.getResult();
  for (Operation *Op : Epilogue) {
    bool IsFirst = true; // use of the chained value
    for (auto [Number, Operand] : llvm::enumerate(Op->getOperands())) {
      if (Operand == Chained && std::exchange(IsFirst, false))
        continue;
      if (failed(Program.expectRows(Op, ("operand " + Twine(Number)).str(),
                                    Operand, T)))
        return failure();
      InputNames.push_back("input" + std::to_string(Inputs.size()));
      Inputs.push_back(Program.memory(Operand));
    }
    Steps.push_back(ElementwiseStep::describe(Op, Chained));
    Chained = Op->getResult(0);
  }
  SmallVector<Named<Value>> Operands{{"x", X}, {"weight", Weight}};
  for (auto [Name, Input] : llvm::zip(InputNames, Inputs))
    Operands.push_back({Name, Input});
  Operands.append(
      {{"result", Program.allocate(Result, T)}, {"rows", Program.scalar(T)}});
  const PackedLayout Packed(cast<MemRefType>(Weight.getType()).getShape());
  Program.launch(linearKernel(),
                 {Program.productBlocks(T), Program.panelGroups(Packed.Panels)},
                 Operands,
                 {{"epilogue", ArrayAttr::get(Linear.getContext(), Steps)}});
  return success();
}

static LogicalResult lowerLinear(LinearOp Op, ProgramLowering &Program) {
  return lowerProduct(Op, {}, Op.getResult(), Program);
}

void m1::addLinearLowerings(MLIRContext *Context) {
  addLowering<lowerLinear>(Context);
}
