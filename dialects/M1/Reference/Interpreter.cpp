//===- Interpreter.cpp - runs functions of the m1 dialect -----------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/M1/Reference/Interpreter.h"

#include "dialects/M1/Reference/Frame.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace m1::reference;

//===----------------------------------------------------------------------===//
// Constants and calls
//===----------------------------------------------------------------------===//

/// The most calls inside one another. Functions have no control flow, so one
/// that calls itself never returns; models call a few functions.
static constexpr int kMaxCallDepth = 100;

static LogicalResult interpretConstant(arith::ConstantOp Op, Frame &Values) {
  auto Elements = dyn_cast<DenseElementsAttr>(Op.getValue());
  if (!Elements)
    return Op.emitOpError("expected a dense tensor");
  if (failed(m1::verifySize([&] { return Op.emitOpError(); }, Op.getType())))
    return failure();
  std::vector<int64_t> Shape(Elements.getType().getShape());
  Type Element = Elements.getElementType();
  if (Element.isSignlessInteger(32) || Element.isSignlessInteger(64)) {
    Tensor Result = Tensor::integers(Shape);
    llvm::transform(Elements.getValues<APInt>(), Result.Integers.begin(),
                    [](const APInt &V) { return V.getSExtValue(); });
    return Values.set(Op.getResult(), std::move(Result));
  }
  if (!Element.isF32() && !Element.isBF16() && !Element.isF16() &&
      !Element.isF64())
    return Op.emitOpError(
               "expected i32, i64, f32, bf16, f16 or f64 elements, found ")
           << Element;
  Tensor Result = Tensor::reals(Shape);
  llvm::transform(Elements.getValues<APFloat>(), Result.Reals.begin(),
                  [](const APFloat &V) { return V.convertToDouble(); });
  return Values.set(Op.getResult(), std::move(Result));
}

static LogicalResult interpretCall(func::CallOp Op, Frame &Values) {
  if (llvm::any_of(Op.getOperandTypes(),
                   [](Type T) { return !isa<RankedTensorType>(T); }))
    return Op.emitOpError("expected tensors, found a state");
  auto Callee = SymbolTable::lookupNearestSymbolFrom<func::FuncOp>(
      Op, Op.getCalleeAttr());
  SmallVector<TensorPtr> Inputs;
  for (Value V : Op.getOperands())
    Inputs.push_back(Values.share(V));
  if (Values.Depth >= kMaxCallDepth)
    return Op.emitOpError("expected at most ")
           << kMaxCallDepth << " calls inside one another, found a call of @"
           << Op.getCallee() << " in as many";
  Frame Inner(Values.Parameters, Values.Store, Values.Depth + 1);
  FailureOr<SmallVector<TensorPtr>> Results = Inner.run(Callee, Inputs);
  if (failed(Results))
    return failure();
  for (auto [V, Result] : llvm::zip(Op.getResults(), *Results))
    if (failed(Values.set(V, Result)))
      return failure();
  return success();
}

//===----------------------------------------------------------------------===//
// The interpreter
//===----------------------------------------------------------------------===//

void m1::reference::registerInterpreter(DialectRegistry &Registry) {
  Registry.addExtension(+[](MLIRContext *Context, m1::M1Dialect *) {
    attachState(*Context);
    attachRows(*Context);
    attachAttention(*Context);
    attachExperts(*Context);
    attachOutput(*Context);
    attachAttentionGradients(*Context);
    attachExpertGradients(*Context);
    attachRowGradients(*Context);
    attachPolicyLoss(*Context);
    attachOptimizer(*Context);
  });
  Registry.addExtension(+[](MLIRContext *Context, arith::ArithDialect *) {
    attach<interpretConstant>(*Context);
  });
  Registry.addExtension(+[](MLIRContext *Context, func::FuncDialect *) {
    attach<interpretCall>(*Context);
  });
}

FailureOr<SmallVector<Tensor>>
m1::reference::interpret(ModuleOp Module, StringRef Entry,
                         ArrayRef<Tensor> Inputs, ParameterReader &Parameters,
                         StateStore &States) {
  auto Function = Module.lookupSymbol<func::FuncOp>(Entry);
  if (!Function)
    return Module.emitError()
           << "expected a function @" << Entry << ", found none";
  SmallVector<TensorPtr> Pointers;
  for (const Tensor &Input : Inputs)
    Pointers.push_back(std::make_shared<const Tensor>(Input));
  Frame Outer(Parameters, States);
  FailureOr<SmallVector<TensorPtr>> Results = Outer.run(Function, Pointers);
  if (failed(Results))
    return failure();
  SmallVector<Tensor> Copies;
  for (const TensorPtr &Result : *Results)
    Copies.push_back(*Result);
  return Copies;
}
