//===- LowerStates.cpp - parameters and states ----------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/ProgramLowering.h"

using namespace mlir;
using namespace m1;

/// Emits nothing: ops that use a parameter look it up in the module.
static LogicalResult lowerLoadParameter(LoadParameterOp, ProgramLowering &) {
  return success();
}

static LogicalResult lowerReadState(ReadStateOp Op, ProgramLowering &Program) {
  Program.setState(Op.getResult(), Op.getStateAttr().getAttr());
  return success();
}

/// Emits nothing: states are updated in place. The value must be that of the
/// same state.
static LogicalResult lowerWriteState(WriteStateOp Op,
                                     ProgramLowering &Program) {
  if (Program.stateOf(Op.getValue()) == Op.getStateAttr().getAttr())
    return success();
  return Op.emitOpError("expected an updated value of ")
         << Op.getStateAttr() << ", found one of another state";
}

static LogicalResult lowerStateValue(StateValueOp Op,
                                     ProgramLowering &Program) {
  Value State = Program.updateTensorState(Op.getStateMutable());
  const plan::ExprAttr Rows = plan::rowsOf(State);
  Value To = Program.allocate(Op.getResult(), Rows);
  // Axis 0 of a value is dynamic.
  Program.copy(Program.view(State, cast<MemRefType>(To.getType()).getShape(),
                            {}, /*Offset=*/0, Rows),
               To);
  return success();
}

static LogicalResult lowerUpdateParameter(UpdateParameterOp Op,
                                          ProgramLowering &Program) {
  Program.updateParameter(Op.getParameterAttr().getAttr(),
                          Op.getStateAttr().getAttr());
  return success();
}

void m1::addStateLowerings(MLIRContext *Context) {
  attachLowerings<lowerLoadParameter, lowerReadState, lowerWriteState,
                  lowerStateValue, lowerUpdateParameter>(Context);
}
