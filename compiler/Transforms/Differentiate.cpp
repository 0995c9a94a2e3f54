//===- Differentiate.cpp - appends backward passes ------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Transforms/Passes.h"
#include "dialects/M1/IR/M1.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;

namespace m1 {
#define GEN_PASS_DEF_DIFFERENTIATE
#include "compiler/Transforms/Passes.h.inc"
} // namespace m1

namespace {

/// The gradients of one function. Those of parameters are chains of ops from
/// the state's value at the beginning of the function to its value at the end.
class FunctionGradients : public m1::GradientBuilder {
public:
  FunctionGradients(func::FuncOp Function, SymbolTable &Symbols,
                    llvm::StringMap<int64_t> &Trained);

  /// Appends the backward pass.
  LogicalResult run();

  void addToParameter(Value Weight,
                      llvm::function_ref<Value(Value)> Emit) override;

private:
  m1::TensorStateType declareGradient(m1::ParameterOp Parameter,
                                      StringRef Name);

  func::FuncOp Function;
  SymbolTable &Symbols;
  /// For each parameter with a gradient, how many it has: one for each use in
  /// a function.
  llvm::StringMap<int64_t> &Trained;
  llvm::StringMap<int64_t> Uses; ///< in this function, so far
  /// The last value of each gradient's state, by the state's name.
  llvm::MapVector<StringAttr, Value> Last;
};

bool isLoss(Operation &Op) {
  auto Differentiable = dyn_cast<m1::DifferentiableOpInterface>(Op);
  return Differentiable && Differentiable.isLoss();
}

/// The offsets of the batch's sequences, if `Op` has them.
Value sequencesOf(Operation &Op) {
  if (auto Attention = dyn_cast<m1::LightningAttentionOp>(Op))
    return Attention.getCuSeqlens();
  if (auto Attention = dyn_cast<m1::SoftmaxAttentionOp>(Op))
    return Attention.getCuSeqlens();
  return {};
}

/// The value of a state after the last op that updates `V`.
Value lastUpdate(Value V) {
  while (V.hasOneUse()) {
    OpOperand &Use = *V.use_begin();
    auto Update = dyn_cast<m1::StateUpdateOpInterface>(Use.getOwner());
    Value Next = Update ? Value(Update.getUpdatedState(Use)) : Value();
    if (!Next)
      break;
    V = Next;
  }
  return V;
}

FunctionGradients::FunctionGradients(func::FuncOp Function,
                                     SymbolTable &Symbols,
                                     llvm::StringMap<int64_t> &Trained)
    : GradientBuilder(Function.getLoc(), Function.getContext()),
      Function(Function), Symbols(Symbols), Trained(Trained) {
  setInsertionPoint(Function.getBody().front().getTerminator());
}

LogicalResult FunctionGradients::run() {
  Block &Body = Function.getBody().front();
  SmallVector<Operation *> Ops;
  for (Operation &Op : Body.without_terminator()) {
    Ops.push_back(&Op);
    if (!Sequences)
      Sequences = sequencesOf(Op);
  }
  // Losses add to gradients of their own weights.
  for (Operation *Op : Ops) {
    auto Read = dyn_cast<m1::ReadStateOp>(Op);
    if (!Read || !isa<m1::TensorStateType>(Read.getType()))
      continue;
    StringRef Name = Read.getState();
    if (Name.consume_back(m1::kGradientSuffix)) {
      Last[Read.getStateAttr().getAttr()] = lastUpdate(Read.getResult());
      Uses[Name] = 1;
      int64_t &Count = Trained[Name];
      Count = std::max<int64_t>(Count, 1);
    }
  }
  for (Operation *Op : llvm::reverse(Ops)) {
    const bool Reached =
        llvm::any_of(Op->getResults(), [&](Value V) { return bool(of(V)); });
    if (!Reached && !isLoss(*Op))
      continue;
    auto Differentiable = dyn_cast<m1::DifferentiableOpInterface>(Op);
    if (!Differentiable)
      return Op->emitOpError("has no derivative, but the loss of @")
             << Function.getSymName() << " depends on its result";
    setLoc(Op->getLoc());
    Differentiable.differentiate(*this);
  }
  for (auto [Name, V] : Last)
    create<m1::WriteStateOp>(V, FlatSymbolRefAttr::get(Name));
  return success();
}

/// The name of the gradient of use number `Use`, counted from 0.
std::string gradientName(StringRef Parameter, int64_t Use) {
  std::string Name = (Parameter + m1::kGradientSuffix).str();
  return Use ? Name + "." + std::to_string(Use) : Name;
}

m1::TensorStateType
FunctionGradients::declareGradient(m1::ParameterOp Parameter, StringRef Name) {
  auto Type = cast<RankedTensorType>(Parameter.getType());
  auto State =
      m1::TensorStateType::get(getContext(), Type.getShape(), getF32Type());
  if (Symbols.lookup(Name))
    return State;
  OpBuilder B(Parameter->getContext());
  Symbols.insert(B.create<m1::StateOp>(Parameter.getLoc(), Name, State,
                                       FlatSymbolRefAttr()),
                 Parameter->getIterator());
  return State;
}

void FunctionGradients::addToParameter(Value Weight,
                                       llvm::function_ref<Value(Value)> Emit) {
  auto Load = Weight.getDefiningOp<m1::LoadParameterOp>();
  // A weight that is computed is no parameter; no op of a model has one.
  assert(Load && "weights are parameters");
  auto Parameter = Symbols.lookup<m1::ParameterOp>(Load.getParameter());
  const int64_t Use = Uses[Parameter.getSymName()]++;
  int64_t &Count = Trained[Parameter.getSymName()];
  Count = std::max(Count, Use + 1);
  const std::string Name = gradientName(Parameter.getSymName(), Use);
  m1::TensorStateType Type = declareGradient(Parameter, Name);
  auto Symbol = FlatSymbolRefAttr::get(getContext(), Name);
  Last[Symbol.getAttr()] = Emit(create<m1::ReadStateOp>(Type, Symbol));
}

struct Differentiate : m1::impl::DifferentiateBase<Differentiate> {
  void runOnOperation() override {
    ModuleOp Module = getOperation();
    SymbolTable Symbols(Module);
    llvm::StringMap<int64_t> Trained;
    for (auto Function : llvm::to_vector(Module.getOps<func::FuncOp>())) {
      if (Function.isExternal() ||
          llvm::none_of(Function.getBody().front(), isLoss))
        continue;
      if (failed(FunctionGradients(Function, Symbols, Trained).run()))
        return signalPassFailure();
    }
    for (auto Parameter : llvm::to_vector(Module.getOps<m1::ParameterOp>()))
      if (int64_t Gradients = Trained.lookup(Parameter.getSymName()))
        declareTrained(Parameter, Gradients, Symbols);
  }

  /// Declares the states of the optimiser, after the parameter.
  static void declareTrained(m1::ParameterOp Parameter, int64_t Gradients,
                             SymbolTable &Symbols) {
    StringRef Name = Parameter.getSymName();
    auto Gradient =
        Symbols.lookup<m1::StateOp>((Name + m1::kGradientSuffix).str());
    ImplicitLocOpBuilder B(Parameter.getLoc(), Parameter->getContext());
    B.setInsertionPointAfter(Parameter);
    auto Declare = [&](StringRef Suffix, FlatSymbolRefAttr From) {
      auto State = B.create<m1::StateOp>((Name + Suffix).str(),
                                         Gradient.getType(), From);
      return FlatSymbolRefAttr::get(State);
    };
    FlatSymbolRefAttr Master =
        Declare(".master", FlatSymbolRefAttr::get(Parameter));
    FlatSymbolRefAttr First = Declare(".first", {});
    FlatSymbolRefAttr Second = Declare(".second", {});
    SmallVector<Attribute> Further;
    for (int64_t Use = 1; Use < Gradients; ++Use)
      Further.push_back(FlatSymbolRefAttr::get(Parameter->getContext(),
                                               gradientName(Name, Use)));
    B.create<m1::TrainedOp>(FlatSymbolRefAttr::get(Parameter), Master, First,
                            Second, FlatSymbolRefAttr::get(Gradient),
                            Further.empty() ? ArrayAttr()
                                            : B.getArrayAttr(Further));
  }
};

} // namespace
