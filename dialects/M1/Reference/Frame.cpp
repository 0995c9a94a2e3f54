//===- Frame.cpp - the values of one call ---------------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/M1/Reference/Frame.h"
#include "dialects/M1/Reference/Operations.h"

#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace m1::reference;

#include "dialects/M1/Reference/InterpretableOpInterface.cpp.inc"

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

/// Returns true if `Value` has the rank, the static extents and the kind of
/// element of `Ty`.
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
  llvm::raw_string_ostream Stream(Text);
  llvm::interleaveComma(Value.Shape, Stream);
  return Text + "]";
}

TensorPtr Frame::share(Value V) {
  TensorPtr Found = Values.lookup(V);
  assert(Found && "evaluated before its use");
  return Found;
}

LogicalResult Frame::set(Value V, TensorPtr Result) {
  if (!matches(*Result, V.getType()))
    return V.getDefiningOp()->emitOpError()
           << "expected a value of type " << V.getType() << ", found "
           << describe(*Result);
  Values[V] = std::move(Result);
  return success();
}

Tensor Frame::getTensorState(Value V) {
  auto Type = cast<m1::TensorStateType>(V.getType());
  Tensor Result = Tensor::reals(std::vector<int64_t>(Type.getShape()));
  const State &Slots = getState(V);
  if (auto Held = Slots.find(0); Held != Slots.end())
    Result.Reals = Held->second->Elements;
  return Result;
}

void Frame::setTensorState(Value V, Tensor Now) {
  SlotState Held;
  Held.Elements = std::move(Now.Reals);
  State Slots;
  Slots[0] = std::make_shared<const SlotState>(std::move(Held));
  setState(V, std::move(Slots));
}

/// Erases operands that have no further use: the activations and parameters of
/// a model would not all fit in memory.
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
// Extents
//===----------------------------------------------------------------------===//

LogicalResult Frame::checkInput(func::FuncOp Function, unsigned Index,
                                const Tensor &Input) {
  DictionaryAttr Attributes = Function.getArgAttrDict(Index);
  StringAttr Name = m1::getName(Attributes);
  std::string What = Name ? Name.str() : "argument " + std::to_string(Index);
  Type Ty = Function.getArgumentTypes()[Index];
  if (!matches(Input, Ty))
    return Function.emitOpError() << "expected " << What << " of type " << Ty
                                  << ", found " << describe(Input);
  std::optional<m1::Dim> Dim = m1::getDim(Attributes);
  if (!Dim)
    return success();
  const int64_t Extent = Input.Shape[0] - Dim->Added;
  if (Extent < 0)
    return Function.emitOpError()
           << "expected " << What << " to have " << Dim->str()
           << " rows, at least " << Dim->Added << ", found " << Input.Shape[0];
  const int64_t Known = Extents.try_emplace(Dim->Symbol, Extent).first->second;
  if (Known != Extent)
    return Function.emitOpError()
           << "expected " << What << " to have " << Dim->str() << " = "
           << Known + Dim->Added << " rows, found " << Input.Shape[0];
  return success();
}

/// Checks that the operands' extents agree as OperandAxesOpInterface states.
LogicalResult Frame::checkAxes(Operation *Op) {
  auto Stated = dyn_cast<m1::OperandAxesOpInterface>(Op);
  if (!Stated)
    return success();
  llvm::StringMap<int64_t> Known;
  SmallVector<StringRef> Operands;
  Stated.getOperandAxes().split(Operands, ", ");
  assert(Operands.size() >= Op->getNumOperands() && "axes of each operand");
  Operands.resize(Op->getNumOperands());
  for (auto [Number, Axes] : llvm::enumerate(Operands)) {
    if (Axes == "-")
      continue;
    ArrayRef<int64_t> Shape = get(Op->getOperand(Number)).Shape;
    SmallVector<StringRef> Names;
    if (Axes != "...")
      Axes.split(Names, ' ');
    for (auto [Axis, Found] : llvm::enumerate(Shape)) {
      if (!Names.empty() && Axis >= Names.size())
        break; // left out
      // An axis of "..." is known by its number.
      std::string Key = Names.empty() ? std::to_string(Axis) : "";
      m1::Dim Dim{Key};
      int64_t Fixed;
      if (!Names.empty() && !Names[Axis].getAsInteger(10, Fixed))
        continue; // the type states it
      if (!Names.empty())
        Dim = *m1::parseDim(Names[Axis]);
      const int64_t Extent = Found - Dim.Added;
      const int64_t Expected =
          Extent < 0 ? 0 : Known.try_emplace(Dim.Symbol, Extent).first->second;
      if (Expected == Extent)
        continue;
      InFlightDiagnostic Error = Op->emitOpError() << "expected operand "
                                                   << Number << " to have ";
      if (!Names.empty())
        Error << Dim.str() << " = ";
      return Error << Expected + Dim.Added
                   << (Axis ? " elements along axis " + std::to_string(Axis)
                            : std::string(" rows"))
                   << ", found " << Found;
    }
  }
  return success();
}

LogicalResult m1::reference::checkSequences(Operation *Op, Value CuSeqlens,
                                            int64_t Tokens, Frame &Values) {
  if (!CuSeqlens)
    return success();
  return report(Op, checkCuSeqlens(Values.get(CuSeqlens), Tokens));
}

//===----------------------------------------------------------------------===//
// Evaluation
//===----------------------------------------------------------------------===//

LogicalResult Frame::evaluate(Operation &Op) {
  auto Known = dyn_cast<InterpretableOpInterface>(Op);
  if (!Known)
    return Op.emitOpError("cannot be interpreted");
  if (failed(checkAxes(&Op)))
    return failure();
  return Known.interpret(*this);
}

FailureOr<SmallVector<TensorPtr>> Frame::finish(Operation &End) {
  SmallVector<TensorPtr> Results;
  for (Value V : End.getOperands()) {
    if (!Values.contains(V))
      return End.emitOpError("expected tensors, found a state");
    Results.push_back(share(V));
  }
  release(End);
  return Results;
}

FailureOr<SmallVector<TensorPtr>> Frame::run(Block &Body) {
  for (Operation &Op : Body.without_terminator()) {
    if (failed(evaluate(Op)))
      return failure();
    release(Op);
  }
  return finish(*Body.getTerminator());
}

//===----------------------------------------------------------------------===//
// All ranks
//===----------------------------------------------------------------------===//

/// The most calls inside one another. Functions have no control flow, so one
/// that calls itself never returns; models call a few functions.
static constexpr int kMaxCallDepth = 100;

SmallVector<TensorPtr> Frame::shareAlong(Operation *Op, StringRef Axis,
                                         Value V) {
  m1::MeshAttr Mesh = m1::meshOf(Op);
  SmallVector<TensorPtr> Shared;
  for (int64_t I = 0; I < Mesh.getExtent(Axis); ++I)
    Shared.push_back(Peers[Mesh.getNeighbour(Rank, Axis, I)].share(V));
  return Shared;
}

int64_t Frame::first(Operation *Op, m1::ShardAttr Shard) const {
  if (!Shard)
    return 0;
  return m1::meshOf(Op).getCoordinate(Rank, Shard.getAxis()) * Shard.getStep();
}

LogicalResult Frame::bind(func::FuncOp Function, ArrayRef<TensorPtr> Inputs) {
  if (Inputs.size() != Function.getNumArguments())
    return Function.emitOpError() << "expected " << Function.getNumArguments()
                                  << " inputs, found " << Inputs.size();
  for (auto [Index, Input] : llvm::enumerate(Inputs)) {
    if (failed(checkInput(Function, Index, *Input)))
      return failure();
    Values[Function.getArgument(Index)] = Input;
  }
  return success();
}

LogicalResult Frame::call(MutableArrayRef<Frame> Ranks, func::CallOp Op) {
  if (llvm::any_of(Op.getOperandTypes(),
                   [](Type T) { return !isa<RankedTensorType>(T); }))
    return Op.emitOpError("expected tensors, found a state");
  auto Callee = SymbolTable::lookupNearestSymbolFrom<func::FuncOp>(
      Op, Op.getCalleeAttr());
  if (Ranks[0].Depth >= kMaxCallDepth)
    return Op.emitOpError("expected at most ")
           << kMaxCallDepth << " calls inside one another, found a call of @"
           << Op.getCallee() << " in as many";
  std::vector<Frame> Inner;
  std::vector<SmallVector<TensorPtr>> Inputs;
  for (Frame &Outer : Ranks) {
    Inner.emplace_back(Outer.Parameters, Outer.Store, Outer.Rank,
                       Outer.Depth + 1);
    SmallVector<TensorPtr> &Own = Inputs.emplace_back();
    for (Value V : Op.getOperands())
      Own.push_back(Outer.share(V));
  }
  auto Results = run(Inner, Callee, Inputs);
  if (failed(Results))
    return failure();
  for (auto [Outer, Own] : llvm::zip_equal(Ranks, *Results))
    for (auto [V, Result] : llvm::zip(Op.getResults(), Own))
      if (failed(Outer.set(V, Result)))
        return failure();
  return success();
}

FailureOr<std::vector<SmallVector<TensorPtr>>>
Frame::run(MutableArrayRef<Frame> Ranks, func::FuncOp Function,
           ArrayRef<SmallVector<TensorPtr>> Inputs) {
  if (Function.isExternal() || !Function.getBody().hasOneBlock() ||
      !isa<func::ReturnOp>(Function.getBody().front().getTerminator()))
    return Function.emitOpError(
        "expected a body of one block that ends with func.return");
  for (auto [Each, Own] : llvm::zip_equal(Ranks, Inputs)) {
    Each.Peers = Ranks;
    if (failed(Each.bind(Function, Own)))
      return failure();
  }
  Block &Body = Function.getBody().front();
  for (Operation &Op : Body.without_terminator()) {
    if (auto Call = dyn_cast<func::CallOp>(Op)) {
      if (failed(call(Ranks, Call)))
        return failure();
    } else {
      for (Frame &Each : Ranks)
        if (failed(Each.evaluate(Op)))
          return failure();
    }
    // Not before all ranks have evaluated it: a collective uses the operands of
    // others.
    for (Frame &Each : Ranks)
      Each.release(Op);
  }
  std::vector<SmallVector<TensorPtr>> Results;
  for (Frame &Each : Ranks) {
    auto Own = Each.finish(*Body.getTerminator());
    if (failed(Own))
      return failure();
    Results.push_back(std::move(*Own));
  }
  return Results;
}
