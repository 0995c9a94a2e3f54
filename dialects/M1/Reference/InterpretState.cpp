//===- InterpretState.cpp - parameters and states -------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/M1/Reference/Frame.h"

using namespace mlir;
using namespace m1::reference;

static LogicalResult interpretLoadParameter(m1::LoadParameterOp Op,
                                            Frame &Values) {
  auto Parameter = SymbolTable::lookupNearestSymbolFrom<m1::ParameterOp>(
      Op, Op.getParameterAttr());
  FailureOr<TensorPtr> Result = Values.Parameters.load(Parameter);
  return failed(Result) ? failure() : Values.set(Op.getResult(), *Result);
}

static LogicalResult interpretReadState(m1::ReadStateOp Op, Frame &Values) {
  Values.setState(Op.getResult(), Values.Store.States.lookup(Op.getState()));
  return success();
}

static LogicalResult interpretWriteState(m1::WriteStateOp Op, Frame &Values) {
  Values.Store.States[Op.getState()] = Values.getState(Op.getValue());
  return success();
}

void m1::reference::attachState(MLIRContext &Context) {
  attach<interpretLoadParameter, interpretReadState, interpretWriteState>(
      Context);
}
