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

static LogicalResult interpretStateValue(m1::StateValueOp Op, Frame &Values) {
  Values.setState(Op.getNewState(), Values.getState(Op.getState()));
  return Values.set(Op.getResult(), Values.getTensorState(Op.getState()));
}

/// The state that an op sets from a parameter, or the reverse; one slot.
static State stateOf(const Tensor &Value) {
  auto Held = std::make_shared<SlotState>();
  Held->Elements = Value.Reals;
  return {{0, std::move(Held)}};
}

static LogicalResult interpretInitializeState(m1::InitializeStateOp Op,
                                              Frame &Values) {
  auto Parameter = SymbolTable::lookupNearestSymbolFrom<m1::ParameterOp>(
      Op, Op.getParameterAttr());
  FailureOr<TensorPtr> Now = Values.Parameters.load(Parameter);
  if (failed(Now))
    return failure();
  Values.Store.States[Op.getState()] = stateOf(**Now);
  return success();
}

static LogicalResult interpretUpdateParameter(m1::UpdateParameterOp Op,
                                              Frame &Values) {
  auto Parameter = SymbolTable::lookupNearestSymbolFrom<m1::ParameterOp>(
      Op, Op.getParameterAttr());
  auto Type = cast<RankedTensorType>(Parameter.getType());
  auto Now = std::make_shared<Tensor>(
      Tensor::reals(std::vector<int64_t>(Type.getShape())));
  const State &Held = Values.Store.States.lookup(Op.getState());
  if (auto Found = Held.find(0); Found != Held.end())
    Now->Reals = Found->second->Elements;
  Values.Parameters.replace(Parameter, std::move(Now));
  return success();
}

void m1::reference::attachState(MLIRContext &Context) {
  attach<interpretLoadParameter, interpretReadState, interpretWriteState,
         interpretStateValue, interpretInitializeState,
         interpretUpdateParameter>(Context);
}
