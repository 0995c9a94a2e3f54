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
  FailureOr<TensorPtr> Result = Values.Parameters.load(Parameter, Values.Rank);
  return failed(Result) ? failure() : Values.set(Op.getResult(), *Result);
}

/// The contents of the state that `Name` declares. One that was never written
/// is empty, or a parameter's value in the checkpoint.
static FailureOr<State> contentsOf(Operation *Op, FlatSymbolRefAttr Name,
                                   Frame &Values) {
  auto Found = Values.Store.States.find(Name.getValue());
  if (Found != Values.Store.States.end())
    return Found->second;
  auto Declaration =
      SymbolTable::lookupNearestSymbolFrom<m1::StateOp>(Op, Name.getAttr());
  if (!Declaration.getParameter())
    return State();
  auto Parameter = SymbolTable::lookupNearestSymbolFrom<m1::ParameterOp>(
      Op, Declaration.getParameterAttr());
  FailureOr<TensorPtr> Initial = Values.Parameters.loadStored(Parameter);
  if (failed(Initial))
    return failure();
  auto Held = std::make_shared<SlotState>();
  Held->Elements = (*Initial)->Reals;
  State Result;
  Result[0] = std::move(Held);
  return Result;
}

static LogicalResult interpretReadState(m1::ReadStateOp Op, Frame &Values) {
  FailureOr<State> Contents = contentsOf(Op, Op.getStateAttr(), Values);
  if (failed(Contents))
    return failure();
  Values.setState(Op.getResult(), std::move(*Contents));
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

static LogicalResult interpretMoveState(m1::MoveStateOp Op, Frame &Values) {
  Tensor To = Values.getTensorState(Op.getTo());
  const Tensor From = Values.getTensorState(Op.getFrom());
  for (size_t I = 0; I < To.Reals.size(); ++I)
    To.Reals[I] += From.Reals[I];
  Values.setTensorState(Op.getNewTo(), std::move(To));
  Values.setTensorState(Op.getNewFrom(), Tensor::reals(From.Shape));
  return success();
}

static LogicalResult interpretUpdateParameter(m1::UpdateParameterOp Op,
                                              Frame &Values) {
  auto Parameter = SymbolTable::lookupNearestSymbolFrom<m1::ParameterOp>(
      Op, Op.getParameterAttr());
  auto Type = cast<RankedTensorType>(Parameter.getType());
  auto Now = std::make_shared<Tensor>(
      Tensor::reals(std::vector<int64_t>(Type.getShape())));
  FailureOr<State> Contents = contentsOf(Op, Op.getStateAttr(), Values);
  if (failed(Contents))
    return failure();
  if (auto Held = Contents->find(0); Held != Contents->end())
    Now->Reals = Held->second->Elements;
  Values.Parameters.replace(Parameter, std::move(Now));
  return success();
}

void m1::reference::attachState(MLIRContext &Context) {
  attach<interpretLoadParameter, interpretReadState, interpretWriteState,
         interpretStateValue, interpretMoveState, interpretUpdateParameter>(
      Context);
}
