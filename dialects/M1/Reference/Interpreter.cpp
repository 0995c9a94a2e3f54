//===- Interpreter.cpp - runs functions of the m1 dialect -----------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/M1/Reference/Interpreter.h"
#include "dialects/M1/Reference/Operations.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/TypeSwitch.h"
#include <cmath>

using namespace mlir;
using namespace m1::reference;

namespace {

using TensorPtr = std::shared_ptr<const Tensor>;

/// Runs one call of one function.
class Frame {
public:
  Frame(ModuleOp Module, ParameterSource &Parameters, StateStore &Store)
      : Module(Module), Parameters(Parameters), Store(Store) {}

  FailureOr<SmallVector<TensorPtr>> run(func::FuncOp Function,
                                        ArrayRef<TensorPtr> Inputs);

private:
  LogicalResult checkInput(func::FuncOp Function, unsigned Index,
                           const Tensor &Input);
  LogicalResult evaluate(Operation &Op);
  void release(Operation &Op);

  const Tensor &get(Value V) { return *Values.at(V); }
  LogicalResult set(Value V, TensorPtr Result);
  LogicalResult set(Value V, Tensor Result) {
    return set(V, std::make_shared<const Tensor>(std::move(Result)));
  }
  template <typename AttentionOp> Batch batch(AttentionOp Op) {
    return {get(Op.getPositions()), get(Op.getCuSeqlens()), get(Op.getSlots())};
  }
  /// Turns what a check found wrong into a diagnostic.
  static LogicalResult check(Operation *Op, const std::string &Wrong) {
    return Wrong.empty() ? success() : Op->emitOpError(Wrong);
  }

  LogicalResult eval(arith::ConstantOp Op);
  LogicalResult eval(func::CallOp Op);
  LogicalResult eval(m1::LoadParameterOp Op);
  LogicalResult eval(m1::ReadStateOp Op);
  LogicalResult eval(m1::WriteStateOp Op);
  LogicalResult eval(m1::EmbeddingOp Op);
  LogicalResult eval(m1::CastOp Op);
  LogicalResult eval(m1::LinearOp Op);
  LogicalResult eval(m1::RMSNormOp Op);
  LogicalResult eval(m1::SiluOp Op);
  LogicalResult eval(m1::SigmoidGateOp Op);
  LogicalResult eval(m1::SiluMulOp Op);
  LogicalResult eval(m1::ResidualOp Op);
  LogicalResult eval(m1::SharedMixOp Op);
  LogicalResult eval(m1::SelectLastOp Op);
  LogicalResult eval(m1::SplitQKVOp Op);
  LogicalResult eval(m1::SplitHeadsOp Op);
  LogicalResult eval(m1::MergeHeadsOp Op);
  LogicalResult eval(m1::RotaryOp Op);
  LogicalResult eval(m1::LightningAttentionOp Op);
  LogicalResult eval(m1::SoftmaxAttentionOp Op);
  LogicalResult eval(m1::RouterOp Op);
  LogicalResult eval(m1::ExpertsOp Op);
  LogicalResult eval(m1::TokenLogProbOp Op);
  LogicalResult eval(m1::HeadLogProbOp Op);
  LogicalResult eval(m1::SampleOp Op);

  ModuleOp Module;
  ParameterSource &Parameters;
  StateStore &Store;
  llvm::DenseMap<Value, TensorPtr> Values;
  llvm::DenseMap<Value, State> States;
  llvm::DenseMap<Value, int64_t> Uses; ///< still to come
  llvm::StringMap<int64_t> Extents;    ///< of dynamic axes, by m1.dim
};

} // namespace

//===----------------------------------------------------------------------===//
// The walk
//===----------------------------------------------------------------------===//

/// Whether `Value` has the rank, static extents and kind of element of `Ty`.
static bool matches(const Tensor &Value, Type Ty) {
  auto Tensor = dyn_cast<RankedTensorType>(Ty);
  if (!Tensor || Tensor.getRank() != static_cast<int64_t>(Value.Shape.size()) ||
      isa<IntegerType>(Tensor.getElementType()) != Value.IsInteger)
    return false;
  for (auto [Expected, Found] : llvm::zip(Tensor.getShape(), Value.Shape))
    if (!ShapedType::isDynamic(Expected) && Expected != Found)
      return false;
  return true;
}

static std::string describe(const Tensor &Value) {
  std::string Text = Value.IsInteger ? "integers [" : "floats [";
  for (size_t I = 0; I < Value.Shape.size(); ++I)
    Text += (I ? ", " : "") + std::to_string(Value.Shape[I]);
  return Text + "]";
}

LogicalResult Frame::set(Value V, TensorPtr Result) {
  if (!matches(*Result, V.getType()))
    return V.getDefiningOp()->emitOpError()
           << "expected a value of type " << V.getType() << ", found "
           << describe(*Result);
  Values[V] = std::move(Result);
  return success();
}

LogicalResult Frame::checkInput(func::FuncOp Function, unsigned Index,
                                const Tensor &Input) {
  auto Name = Function.getArgAttrOfType<StringAttr>(Index, "m1.name");
  std::string What = Name ? Name.str() : "argument " + std::to_string(Index);
  Type Ty = Function.getArgumentTypes()[Index];
  if (!matches(Input, Ty))
    return Function.emitOpError() << "expected " << What << " of type " << Ty
                                  << ", found " << describe(Input);
  // "T" or "B+1": a symbol and what is added to it.
  auto Dim = Function.getArgAttrOfType<StringAttr>(Index, "m1.dim");
  if (!Dim || Input.Shape.empty())
    return success();
  auto [Symbol, Rest] = Dim.getValue().split('+');
  int64_t Added = 0;
  if (!Rest.empty() && Rest.getAsInteger(10, Added))
    return Function.emitOpError()
           << "expected m1.dim to be a symbol or symbol+n, found " << Dim;
  int64_t Extent = Input.Shape[0] - Added;
  auto [Entry, Inserted] = Extents.try_emplace(Symbol, Extent);
  if (Extent < 0 || Entry->second != Extent)
    return Function.emitOpError()
           << "expected " << What << " to have " << Dim.getValue() << " = "
           << Entry->second + Added << " rows, found " << Input.Shape[0];
  return success();
}

FailureOr<SmallVector<TensorPtr>> Frame::run(func::FuncOp Function,
                                             ArrayRef<TensorPtr> Inputs) {
  if (Function.isExternal() || !Function.getBody().hasOneBlock())
    return Function.emitOpError("expected a body of one block");
  if (Inputs.size() != Function.getNumArguments())
    return Function.emitOpError() << "expected " << Function.getNumArguments()
                                  << " inputs, found " << Inputs.size();
  for (auto [Index, Input] : llvm::enumerate(Inputs)) {
    if (failed(checkInput(Function, Index, *Input)))
      return failure();
    Values[Function.getArgument(Index)] = Input;
  }
  for (Operation &Op : Function.getBody().front()) {
    if (auto Return = dyn_cast<func::ReturnOp>(Op)) {
      SmallVector<TensorPtr> Results;
      for (Value V : Return.getOperands()) {
        if (!Values.contains(V))
          return Return.emitOpError("expected tensors, found a state");
        Results.push_back(Values.at(V));
      }
      return Results;
    }
    if (failed(evaluate(Op)))
      return failure();
    release(Op);
  }
  return Function.emitOpError("expected func.return");
}

LogicalResult Frame::evaluate(Operation &Op) {
  return llvm::TypeSwitch<Operation *, LogicalResult>(&Op)
      .Case<arith::ConstantOp, func::CallOp, m1::LoadParameterOp,
            m1::ReadStateOp, m1::WriteStateOp, m1::EmbeddingOp, m1::CastOp,
            m1::LinearOp, m1::RMSNormOp, m1::SiluOp, m1::SigmoidGateOp,
            m1::SiluMulOp, m1::ResidualOp, m1::SharedMixOp, m1::SelectLastOp,
            m1::SplitQKVOp, m1::SplitHeadsOp, m1::MergeHeadsOp, m1::RotaryOp,
            m1::LightningAttentionOp, m1::SoftmaxAttentionOp, m1::RouterOp,
            m1::ExpertsOp, m1::TokenLogProbOp, m1::HeadLogProbOp, m1::SampleOp>(
          [&](auto Known) { return eval(Known); })
      .Default([](Operation *Other) {
        return Other->emitOpError("has no meaning to the interpreter");
      });
}

/// Forgets operands that nothing uses any more: a model's activations and
/// parameters would not all fit.
void Frame::release(Operation &Op) {
  for (Value V : Op.getOperands()) {
    auto [Entry, First] = Uses.try_emplace(V, 0);
    if (First)
      Entry->second = std::distance(V.use_begin(), V.use_end());
    if (--Entry->second == 0) {
      Values.erase(V);
      States.erase(V);
    }
  }
}

//===----------------------------------------------------------------------===//
// Constants, calls, parameters and states
//===----------------------------------------------------------------------===//

LogicalResult Frame::eval(arith::ConstantOp Op) {
  auto Elements = dyn_cast<DenseElementsAttr>(Op.getValue());
  if (!Elements)
    return Op.emitOpError("expected a dense tensor");
  std::vector<int64_t> Shape(Elements.getType().getShape());
  if (isa<IntegerType>(Elements.getElementType())) {
    Tensor Result = Tensor::integers(Shape);
    llvm::transform(Elements.getValues<APInt>(), Result.Integers.begin(),
                    [](const APInt &V) { return V.getSExtValue(); });
    return set(Op.getResult(), std::move(Result));
  }
  if (!isa<FloatType>(Elements.getElementType()))
    return Op.emitOpError("expected integers or floats");
  Tensor Result = Tensor::reals(Shape);
  llvm::transform(Elements.getValues<APFloat>(), Result.Reals.begin(),
                  [](const APFloat &V) { return V.convertToDouble(); });
  return set(Op.getResult(), std::move(Result));
}

LogicalResult Frame::eval(func::CallOp Op) {
  auto Callee = Module.lookupSymbol<func::FuncOp>(Op.getCallee());
  SmallVector<TensorPtr> Inputs;
  for (Value V : Op.getOperands()) {
    if (!Values.contains(V))
      return Op.emitOpError("expected tensors, found a state");
    Inputs.push_back(Values.at(V));
  }
  Frame Inner(Module, Parameters, Store);
  FailureOr<SmallVector<TensorPtr>> Results = Inner.run(Callee, Inputs);
  if (failed(Results))
    return failure();
  for (auto [V, Result] : llvm::zip(Op.getResults(), *Results))
    if (failed(set(V, Result)))
      return failure();
  return success();
}

LogicalResult Frame::eval(m1::LoadParameterOp Op) {
  auto Parameter = Module.lookupSymbol<m1::ParameterOp>(Op.getParameter());
  FailureOr<TensorPtr> Result = Parameters.load(Parameter);
  return failed(Result) ? failure() : set(Op.getResult(), *Result);
}

LogicalResult Frame::eval(m1::ReadStateOp Op) {
  States[Op.getResult()] = Store.States.lookup(Op.getState());
  return success();
}

LogicalResult Frame::eval(m1::WriteStateOp Op) {
  Store.States[Op.getState()] = States.at(Op.getValue());
  return success();
}

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

LogicalResult Frame::eval(m1::EmbeddingOp Op) {
  const Tensor &Tokens = get(Op.getTokens()), &Table = get(Op.getTable());
  if (failed(check(Op, checkIndices("tokens", Tokens, Table.Shape[0]))))
    return failure();
  return set(Op.getResult(), embedding(Tokens, Table));
}

LogicalResult Frame::eval(m1::CastOp Op) {
  return set(Op.getResult(), Values.at(Op.getOperand()));
}

LogicalResult Frame::eval(m1::LinearOp Op) {
  return set(Op.getResult(), linear(get(Op.getX()), get(Op.getWeight())));
}

LogicalResult Frame::eval(m1::RMSNormOp Op) {
  return set(Op.getResult(), rmsNorm(get(Op.getX()), get(Op.getWeight()),
                                     Op.getEps().convertToDouble()));
}

LogicalResult Frame::eval(m1::SiluOp Op) {
  return set(Op.getResult(), silu(get(Op.getOperand())));
}

LogicalResult Frame::eval(m1::SigmoidGateOp Op) {
  return set(Op.getResult(), sigmoidGate(get(Op.getX()), get(Op.getGate())));
}

LogicalResult Frame::eval(m1::SiluMulOp Op) {
  return set(Op.getResult(), siluMul(get(Op.getA()), get(Op.getB())));
}

LogicalResult Frame::eval(m1::ResidualOp Op) {
  return set(Op.getResult(),
             residual(get(Op.getResidual()), get(Op.getBranch()),
                      Op.getAlpha().convertToDouble(),
                      Op.getBeta().convertToDouble()));
}

LogicalResult Frame::eval(m1::SharedMixOp Op) {
  return set(Op.getResult(), sharedMix(get(Op.getMoe()), get(Op.getShared()),
                                       get(Op.getCoefficient())));
}

LogicalResult Frame::eval(m1::SelectLastOp Op) {
  const Tensor &X = get(Op.getX()), &CuSeqlens = get(Op.getCuSeqlens());
  if (failed(check(Op, checkCuSeqlens(CuSeqlens, X.Shape[0]))))
    return failure();
  return set(Op.getResult(), selectLast(X, CuSeqlens));
}

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

LogicalResult Frame::eval(m1::SplitQKVOp Op) {
  auto Ty = cast<RankedTensorType>(Op.getQ().getType());
  std::array<Tensor, 3> Parts =
      splitQKV(get(Op.getOperand()), Ty.getDimSize(1), Ty.getDimSize(2));
  for (auto [V, Part] : llvm::zip(Op.getResults(), Parts))
    if (failed(set(V, std::move(Part))))
      return failure();
  return success();
}

LogicalResult Frame::eval(m1::SplitHeadsOp Op) {
  const Tensor &X = get(Op.getOperand());
  auto Ty = cast<RankedTensorType>(Op.getType());
  return set(Op.getResult(),
             reshape(X, {X.Shape[0], Ty.getDimSize(1), Ty.getDimSize(2)}));
}

LogicalResult Frame::eval(m1::MergeHeadsOp Op) {
  const Tensor &X = get(Op.getOperand());
  return set(Op.getResult(), reshape(X, {X.Shape[0], X.Shape[1] * X.Shape[2]}));
}

LogicalResult Frame::eval(m1::RotaryOp Op) {
  return set(Op.getResult(),
             rotary(get(Op.getX()), get(Op.getPositions()),
                    Op.getTheta().convertToDouble(), Op.getRotaryDim()));
}

LogicalResult Frame::eval(m1::LightningAttentionOp Op) {
  const Tensor &Q = get(Op.getQ());
  const State &Before = States.at(Op.getState());
  if (failed(check(Op, checkBatch(batch(Op), Q.Shape[0], Before))))
    return failure();
  auto [Result, After] =
      lightningAttention(Q, get(Op.getK()), get(Op.getV()), Before, batch(Op),
                         std::vector<double>(Op.getSlopes()));
  States[Op.getNewState()] = std::move(After);
  return set(Op.getResult(), std::move(Result));
}

LogicalResult Frame::eval(m1::SoftmaxAttentionOp Op) {
  const Tensor &Q = get(Op.getQ());
  const State &Before = States.at(Op.getCache());
  if (failed(check(Op, checkBatch(batch(Op), Q.Shape[0], Before))))
    return failure();
  auto [Result, After] =
      softmaxAttention(Q, get(Op.getK()), get(Op.getV()), Before, batch(Op),
                       Op.getScale().convertToDouble());
  States[Op.getNewCache()] = std::move(After);
  return set(Op.getResult(), std::move(Result));
}

//===----------------------------------------------------------------------===//
// Mixture of experts
//===----------------------------------------------------------------------===//

LogicalResult Frame::eval(m1::RouterOp Op) {
  int64_t Chosen =
      cast<RankedTensorType>(Op.getExperts().getType()).getDimSize(1);
  auto [Experts, Weights] = router(get(Op.getX()), get(Op.getWeight()), Chosen);
  if (failed(set(Op.getExperts(), std::move(Experts))))
    return failure();
  return set(Op.getWeights(), std::move(Weights));
}

LogicalResult Frame::eval(m1::ExpertsOp Op) {
  const Tensor &Chosen = get(Op.getExperts()), &W1 = get(Op.getW1());
  if (failed(check(Op, checkIndices("experts", Chosen, W1.Shape[0]))))
    return failure();
  return set(Op.getResult(),
             experts(get(Op.getX()), Chosen, get(Op.getWeights()), W1,
                     get(Op.getW3()), get(Op.getW2())));
}

//===----------------------------------------------------------------------===//
// Output
//===----------------------------------------------------------------------===//

LogicalResult Frame::eval(m1::TokenLogProbOp Op) {
  const Tensor &Logits = get(Op.getLogits()), &Targets = get(Op.getTargets());
  if (failed(check(Op, checkIndices("targets", Targets, Logits.Shape[1]))))
    return failure();
  return set(Op.getResult(), tokenLogProb(Logits, Targets));
}

LogicalResult Frame::eval(m1::HeadLogProbOp Op) {
  const Tensor &Weight = get(Op.getWeight()), &Targets = get(Op.getTargets());
  if (failed(check(Op, checkIndices("targets", Targets, Weight.Shape[0]))))
    return failure();
  return set(Op.getResult(),
             tokenLogProb(linear(get(Op.getX()), Weight), Targets));
}

LogicalResult Frame::eval(m1::SampleOp Op) {
  const Tensor &Logits = get(Op.getLogits());
  if (Logits.Shape[1] == 0)
    return Op.emitOpError("expected a vocabulary to draw from, found none");
  for (auto [Index, Logit] : llvm::enumerate(Logits.Reals))
    if (std::isnan(Logit) || Logit == INFINITY)
      return Op.emitOpError("expected logits below infinity, found ")
             << (std::isnan(Logit) ? "NaN" : "infinity") << " at "
             << Index / Logits.Shape[1] << ", " << Index % Logits.Shape[1];
  return set(Op.getResult(),
             sample(Logits, get(Op.getTemperature()), get(Op.getTopP()),
                    get(Op.getTopK()), get(Op.getSeeds()),
                    get(Op.getPositions())));
}

FailureOr<SmallVector<Tensor>>
m1::reference::interpret(ModuleOp Module, StringRef Entry,
                         ArrayRef<Tensor> Inputs, ParameterSource &Parameters,
                         StateStore &States) {
  auto Function = Module.lookupSymbol<func::FuncOp>(Entry);
  if (!Function)
    return Module.emitError()
           << "expected a function @" << Entry << ", found none";
  SmallVector<TensorPtr> Pointers;
  for (const Tensor &Input : Inputs)
    Pointers.push_back(std::make_shared<const Tensor>(Input));
  Frame Outer(Module, Parameters, States);
  FailureOr<SmallVector<TensorPtr>> Results = Outer.run(Function, Pointers);
  if (failed(Results))
    return failure();
  SmallVector<Tensor> Copies;
  for (const TensorPtr &Result : *Results)
    Copies.push_back(*Result);
  return Copies;
}
