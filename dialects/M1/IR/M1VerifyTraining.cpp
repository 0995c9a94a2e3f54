//===- M1VerifyTraining.cpp - constraints of the ops of training ----------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each check cites the constraint of M1TrainingOps.td that it verifies.
//
//===----------------------------------------------------------------------===//

#include "dialects/M1/IR/M1.h"
#include "dialects/M1/IR/VerifyShapes.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace m1;

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

/// The state is a tensor of f32 with exactly these extents.
static LogicalResult expectState(Operation *Op, StringRef Constraint,
                                 TensorStateType State,
                                 ArrayRef<int64_t> Shape) {
  if (State.getShape() == Shape && State.getElementType().isF32())
    return success();
  std::string Expected;
  llvm::raw_string_ostream Stream(Expected);
  llvm::interleave(Shape, Stream, "x");
  return Op->emitOpError() << Constraint << ": expected a state of " << Expected
                           << "xf32, found " << State;
}

/// `CuSeqlens`, where it is given, is [B+1].
static LogicalResult expectCuSeqlens(Operation *Op, StringRef Constraint,
                                     Value CuSeqlens) {
  if (!CuSeqlens)
    return success();
  return expectShape(Op, Constraint, "cu_seqlens", CuSeqlens, {ragged("B+1")});
}

/// `V` is [T, N].
static LogicalResult expectRows(Operation *Op, StringRef Constraint,
                                StringRef Name, Value V, int64_t Tokens,
                                int64_t Columns) {
  return expectShape(Op, Constraint, Name, V,
                     {ragged("T", Tokens), fixed("N", Columns)});
}

/// `V` is [T], with one element for each of `Tokens`.
static LogicalResult expectPerToken(Operation *Op, StringRef Constraint,
                                    StringRef Name, Value V, int64_t Tokens) {
  return expectShape(Op, Constraint, Name, V, {ragged("T", Tokens)});
}

/// `V` has the static shape [Extent].
static LogicalResult expectVector(Operation *Op, StringRef Constraint,
                                  StringRef Name, Value V, int64_t Extent) {
  return expectShape(Op, Constraint, Name, V, {fixed("", Extent)});
}

/// The operand `First`, which has rank 2, and others of its shape.
static LogicalResult
expectAllRows(Operation *Op, StringRef Constraint,
              ArrayRef<std::pair<StringRef, Value>> Named) {
  auto [FirstName, First] = Named.front();
  if (failed(expectShape(Op, Constraint, FirstName, First,
                         {ragged("T"), fixed("N")})))
    return failure();
  for (auto [Name, V] : Named.drop_front())
    if (failed(expectRows(Op, Constraint, Name, V, extent(First, 0),
                          extent(First, 1))))
      return failure();
  return success();
}

/// `First`, which is [T, heads, d], and others of its shape.
static LogicalResult
expectAllHeads(Operation *Op, StringRef Constraint,
               ArrayRef<std::pair<StringRef, Value>> Named) {
  auto [FirstName, First] = Named.front();
  if (failed(expectShape(Op, Constraint, FirstName, First,
                         {ragged("T"), fixed("H"), fixed("d")})))
    return failure();
  for (auto [Name, V] : Named.drop_front())
    if (failed(expectShape(Op, Constraint, Name, V,
                           {ragged("T", extent(First, 0)),
                            fixed("H", extent(First, 1)),
                            fixed("d", extent(First, 2))})))
      return failure();
  return success();
}

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

LogicalResult EmbeddingGradientOp::verify() {
  if (failed(
          expectShape(*this, "C1", "dy", getDy(), {ragged("T"), fixed("D")})) ||
      failed(expectPerToken(*this, "C1", "tokens", getTokens(),
                            extent(getDy(), 0))))
    return failure();
  TensorStateType State = getState().getType();
  const int64_t Rows = State.getShape().empty() ? 0 : State.getShape().front();
  return expectState(*this, "C2", State, {Rows, extent(getDy(), 1)});
}

LogicalResult LinearTransposedOp::verify() {
  if (failed(
          expectShape(*this, "C1", "dy", getDy(), {ragged("T"), fixed("N")})) ||
      failed(expectShape(*this, "C2", "weight", getWeight(),
                         {fixed("N", extent(getDy(), 1)), fixed("K")})))
    return failure();
  return expectRows(*this, "C3", "the result", getResult(), extent(getDy(), 0),
                    extent(getWeight(), 1));
}

LogicalResult LinearWeightGradientOp::verify() {
  if (failed(
          expectShape(*this, "C1", "dy", getDy(), {ragged("T"), fixed("N")})) ||
      failed(expectShape(*this, "C1", "x", getX(),
                         {ragged("T", extent(getDy(), 0)), fixed("K")})) ||
      failed(expectState(*this, "C2", getState().getType(),
                         {extent(getDy(), 1), extent(getX(), 1)})))
    return failure();
  return expectCuSeqlens(*this, "C3", getCuSeqlens());
}

LogicalResult RMSNormGradientOp::verify() {
  if (failed(expectAllRows(
          *this, "C1",
          {{"dy", getDy()}, {"x", getX()}, {"the result", getResult()}})) ||
      failed(
          expectVector(*this, "C2", "weight", getWeight(), extent(getX(), 1))))
    return failure();
  return expectPositive(*this, "C3", "eps", getEps());
}

LogicalResult RMSNormWeightGradientOp::verify() {
  if (failed(expectAllRows(*this, "C1", {{"dy", getDy()}, {"x", getX()}})) ||
      failed(
          expectState(*this, "C2", getState().getType(), {extent(getX(), 1)})))
    return failure();
  return expectPositive(*this, "C3", "eps", getEps());
}

LogicalResult ScaleOp::verify() { return expectSameShape(*this); }
LogicalResult SiluGradientOp::verify() { return expectSameShape(*this); }
LogicalResult SigmoidGateGradientOp::verify() { return expectSameShape(*this); }
LogicalResult SiluMulGradientOp::verify() { return expectSameShape(*this); }

LogicalResult SharedMixGradientOp::verify() {
  if (failed(expectAllRows(*this, "C1",
                           {{"dy", getDy()},
                            {"moe", getMoe()},
                            {"shared", getShared()},
                            {"moe_gradient", getMoeGradient()},
                            {"shared_gradient", getSharedGradient()}})))
    return failure();
  const int64_t Tokens = extent(getDy(), 0);
  return success(succeeded(expectRows(*this, "C2", "coefficient",
                                      getCoefficient(), Tokens, 1)) &&
                 succeeded(expectRows(*this, "C2", "coefficient_gradient",
                                      getCoefficientGradient(), Tokens, 1)));
}

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

LogicalResult MergeQKVOp::verify() {
  if (failed(expectAllHeads(*this, "C1",
                            {{"q", getQ()}, {"k", getK()}, {"v", getV()}})))
    return failure();
  const Type Element = elementType(getQ());
  if (failed(expectElementType(*this, "C1", "k", getK(), Element)) ||
      failed(expectElementType(*this, "C1", "v", getV(), Element)) ||
      failed(expectRows(*this, "C2", "the result", getResult(),
                        extent(getQ(), 0),
                        3 * extent(getQ(), 1) * extent(getQ(), 2))))
    return failure();
  return expectElementType(*this, "C2", "the result", getResult(), Element);
}

LogicalResult LightningAttentionGradientOp::verify() {
  if (failed(expectAllHeads(*this, "C1",
                            {{"q", getQ()},
                             {"k", getK()},
                             {"v", getV()},
                             {"dy", getDy()},
                             {"dq", getDq()},
                             {"dk", getDk()},
                             {"dv", getDv()}})))
    return failure();
  const Type Element = elementType(getQ());
  if (failed(expectElementType(*this, "C1", "k", getK(), Element)) ||
      failed(expectElementType(*this, "C1", "v", getV(), Element)) ||
      failed(expectSlopes(*this, "C2", getSlopes(), extent(getQ(), 1))) ||
      failed(expectShape(*this, "C3", "cu_seqlens", getCuSeqlens(),
                         {ragged("B+1")})))
    return failure();
  if (static_cast<int64_t>(getChunk()) < 1)
    return emitOpError() << "C4: expected a positive chunk, found "
                         << static_cast<int64_t>(getChunk());
  return success();
}

LogicalResult SoftmaxAttentionGradientOp::verify() {
  if (failed(expectAllHeads(*this, "C1",
                            {{"q", getQ()},
                             {"result", getResult()},
                             {"dy", getDy()},
                             {"dq", getDq()}})) ||
      failed(expectShape(*this, "C2", "k", getK(),
                         {ragged("T", extent(getQ(), 0)), fixed("G"),
                          fixed("d", extent(getQ(), 2))})) ||
      failed(expectAllHeads(
          *this, "C2",
          {{"k", getK()}, {"v", getV()}, {"dk", getDk()}, {"dv", getDv()}})) ||
      failed(expectElementType(*this, "C2", "v", getV(), elementType(getK()))))
    return failure();
  const int64_t Heads = extent(getQ(), 1), Groups = extent(getK(), 1);
  if (Groups == 0 || Heads % Groups != 0)
    return emitOpError() << "C3: expected the key/value heads to divide the "
                         << Heads << " query heads, found " << Groups;
  if (failed(expectShape(*this, "C4", "cu_seqlens", getCuSeqlens(),
                         {ragged("B+1")})))
    return failure();
  return expectPositive(*this, "C5", "scale", getScale());
}

//===----------------------------------------------------------------------===//
// Mixture of experts
//===----------------------------------------------------------------------===//

LogicalResult RouterGradientOp::verify() {
  if (failed(expectAllRows(*this, "C1",
                           {{"dweights", getDweights()},
                            {"experts", getExperts()},
                            {"weights", getWeights()}})) ||
      failed(expectShape(*this, "C2", "the result", getResult(),
                         {ragged("T", extent(getWeights(), 0)), fixed("E")})))
    return failure();
  if (extent(getResult(), 1) < extent(getWeights(), 1))
    return emitOpError() << "C2: expected at least " << extent(getWeights(), 1)
                         << " experts, found " << extent(getResult(), 1);
  return success();
}

LogicalResult RouterBalanceOp::verify() {
  if (failed(
          expectShape(*this, "C1", "x", getX(), {ragged("T"), fixed("D")})) ||
      failed(expectShape(*this, "C1", "weight", getWeight(),
                         {fixed("E"), fixed("D", extent(getX(), 1))})))
    return failure();
  const int64_t Tokens = extent(getX(), 0), Experts = extent(getWeight(), 0);
  if (failed(expectVector(*this, "C2", "coefficients", getCoefficients(),
                          Experts)) ||
      failed(expectPerToken(*this, "C3", "loss", getLoss(), Tokens)))
    return failure();
  return expectRows(*this, "C3", "gradient", getGradient(), Tokens, Experts);
}

LogicalResult ExpertsGradientOp::verify() {
  if (failed(expectAllRows(*this, "C1",
                           {{"dy", getDy()}, {"x", getX()}, {"dx", getDx()}})))
    return failure();
  const int64_t Tokens = extent(getX(), 0), Width = extent(getX(), 1);
  if (failed(expectShape(*this, "C2", "experts", getExperts(),
                         {ragged("T", Tokens), fixed("K")})) ||
      failed(expectAllRows(*this, "C2",
                           {{"experts", getExperts()},
                            {"weights", getWeights()},
                            {"dweights", getDweights()}})) ||
      failed(expectShape(*this, "C3", "w1", getW1(),
                         {fixed("E"), fixed("F"), fixed("D", Width)})))
    return failure();
  const int64_t Experts = extent(getW1(), 0), Hidden = extent(getW1(), 1);
  const Type Element = elementType(getW1());
  if (failed(expectShape(
          *this, "C3", "w3", getW3(),
          {fixed("E", Experts), fixed("F", Hidden), fixed("D", Width)})) ||
      failed(expectShape(
          *this, "C3", "w2", getW2(),
          {fixed("E", Experts), fixed("D", Width), fixed("F", Hidden)})) ||
      failed(expectElementType(*this, "C3", "w3", getW3(), Element)) ||
      failed(expectElementType(*this, "C3", "w2", getW2(), Element)))
    return failure();
  std::pair<StringRef, Value> Rows[] = {{"hidden", getHidden()},
                                        {"gate_gradient", getGateGradient()},
                                        {"up_gradient", getUpGradient()}};
  for (auto [Name, V] : Rows)
    if (failed(expectShape(*this, "C4", Name, V,
                           {ragged("T", Tokens),
                            fixed("K", extent(getExperts(), 1)),
                            fixed("F", Hidden)})) ||
        failed(expectElementType(*this, "C4", Name, V, elementType(getDy()))))
      return failure();
  return expectProducts(*this, "C5", getProducts(), Tokens,
                        extent(getExperts(), 1), Hidden);
}

LogicalResult ExpertsWeightGradientOp::verify() {
  if (failed(expectShape(*this, "C1", "experts", getExperts(),
                         {ragged("T"), fixed("J")})))
    return failure();
  const int64_t Tokens = extent(getExperts(), 0);
  std::pair<StringRef, Value> Sides[] = {{"left", getLeft()},
                                         {"right", getRight()}};
  for (auto [Name, Side] : Sides) {
    SmallVector<Axis> Axes{ragged("T", Tokens), fixed("N")};
    if (tensorType(Side).getRank() == 3)
      Axes.insert(Axes.begin() + 1, fixed("J", extent(getExperts(), 1)));
    if (failed(expectShape(*this, "C2", Name, Side, Axes)))
      return failure();
  }
  TensorStateType State = getState().getType();
  const int64_t Experts = State.getShape().empty() ? 0 : State.getShape()[0];
  if (failed(expectState(*this, "C3", State,
                         {Experts, tensorType(getLeft()).getShape().back(),
                          tensorType(getRight()).getShape().back()})))
    return failure();
  return expectCuSeqlens(*this, "C4", getCuSeqlens());
}

//===----------------------------------------------------------------------===//
// The loss
//===----------------------------------------------------------------------===//

LogicalResult PolicyHeadOp::verify() {
  if (failed(
          expectShape(*this, "C1", "x", getX(), {ragged("T"), fixed("D")})) ||
      failed(expectShape(*this, "C1", "weight", getWeight(),
                         {fixed("V"), fixed("D", extent(getX(), 1))})))
    return failure();
  const int64_t Tokens = extent(getX(), 0);
  std::pair<StringRef, Value> PerToken[] = {
      {"targets", getTargets()},       {"old_log_probs", getOldLogProbs()},
      {"advantages", getAdvantages()}, {"weights", getWeights()},
      {"log_probs", getLogProbs()},    {"entropy", getEntropy()}};
  for (auto [Name, V] : PerToken)
    if (failed(expectPerToken(*this, "C2", Name, V, Tokens)))
      return failure();
  if (failed(expectVector(*this, "C3", "temperature", getTemperature(), 1)) ||
      failed(expectVector(*this, "C3", "bounds", getBounds(), 4)) ||
      failed(expectRows(*this, "C4", "x_gradient", getXGradient(), Tokens,
                        extent(getX(), 1))))
    return failure();
  if (failed(expectState(*this, "C4", getState().getType(),
                         {extent(getWeight(), 0), extent(getWeight(), 1)})))
    return failure();
  return expectCuSeqlens(*this, "C5", getCuSeqlens());
}

//===----------------------------------------------------------------------===//
// The optimiser
//===----------------------------------------------------------------------===//

/// (C2) `StateType` is a tensor of the parameter's shape.
static LogicalResult expectTensorOf(Operation *Op, Type StateType,
                                    ParameterOp Parameter) {
  auto Tensor = dyn_cast<TensorStateType>(StateType);
  if (Tensor && Tensor.getShape() ==
                    cast<RankedTensorType>(Parameter.getType()).getShape())
    return success();
  return Op->emitOpError() << "C2: expected a tensor state of the shape of "
                           << Parameter.getType() << ", found " << StateType;
}

/// (C1) `ParameterName` names a parameter; (C2) `StateNames` name tensor states
/// of its shape.
static LogicalResult expectStatesOf(Operation *Op, SymbolTableCollection &Table,
                                    FlatSymbolRefAttr ParameterName,
                                    ArrayRef<FlatSymbolRefAttr> StateNames) {
  auto Parameter =
      Table.lookupNearestSymbolFrom<ParameterOp>(Op, ParameterName.getAttr());
  if (!Parameter)
    return Op->emitOpError()
           << "C1: expected the name of an m1.parameter, found "
           << ParameterName;
  for (FlatSymbolRefAttr Name : StateNames) {
    auto State = Table.lookupNearestSymbolFrom<StateOp>(Op, Name.getAttr());
    if (!State)
      return Op->emitOpError()
             << "C2: expected the name of an m1.state, found " << Name;
    if (failed(expectTensorOf(Op, State.getType(), Parameter)))
      return failure();
  }
  return success();
}

LogicalResult StateOp::verifySymbolUses(SymbolTableCollection &Table) {
  FlatSymbolRefAttr Name = getParameterAttr();
  if (!Name)
    return success();
  auto Parameter =
      Table.lookupNearestSymbolFrom<ParameterOp>(*this, Name.getAttr());
  if (!Parameter)
    return emitOpError() << "C1: expected the name of an m1.parameter, found "
                         << Name;
  return expectTensorOf(*this, getType(), Parameter);
}

LogicalResult TrainedOp::verifySymbolUses(SymbolTableCollection &Table) {
  SmallVector<FlatSymbolRefAttr> States{getMasterAttr(), getFirstAttr(),
                                        getSecondAttr(), getGradientAttr()};
  if (ArrayAttr Further = getFurtherAttr())
    llvm::append_range(States, Further.getAsRange<FlatSymbolRefAttr>());
  return expectStatesOf(*this, Table, getParameterAttr(), States);
}

LogicalResult
UpdateParameterOp::verifySymbolUses(SymbolTableCollection &Table) {
  return expectStatesOf(*this, Table, getParameterAttr(), {getStateAttr()});
}

LogicalResult MoveStateOp::verify() {
  for (Value State : {Value(getFrom()), Value(getNewTo()), Value(getNewFrom())})
    if (State.getType() != getTo().getType())
      return emitOpError() << "C1: expected states of one type, found "
                           << getTo().getType() << " and " << State.getType();
  return success();
}

LogicalResult StateValueOp::verify() {
  TensorStateType State = getState().getType();
  auto Expected =
      RankedTensorType::get(State.getShape(), State.getElementType());
  if (getResult().getType() == Expected)
    return success();
  return emitOpError() << "C1: expected a result of type " << Expected
                       << ", found " << getResult().getType();
}

LogicalResult SquaredSumOp::verify() {
  return expectVector(*this, "C1", "the result", getResult(), 1);
}

LogicalResult ClipNormOp::verify() {
  if (getSums().empty())
    return emitOpError("C1: expected at least one sum, found none");
  for (Value Sum : getSums())
    if (failed(expectVector(*this, "C1", "a sum", Sum, 1)))
      return failure();
  return success(
      succeeded(expectVector(*this, "C2", "max_norm", getMaxNorm(), 1)) &&
      succeeded(expectVector(*this, "C2", "enabled", getEnabled(), 1)) &&
      succeeded(expectVector(*this, "C3", "norm", getNorm(), 1)) &&
      succeeded(expectVector(*this, "C3", "scale", getScale(), 1)) &&
      succeeded(expectVector(*this, "C3", "applied", getApplied(), 1)));
}

LogicalResult AdamWOp::verify() {
  TensorStateType Type = getMaster().getType();
  for (Value State :
       {Value(getFirst()), Value(getSecond()), Value(getGradient()),
        Value(getNewMaster()), Value(getNewFirst()), Value(getNewSecond()),
        Value(getNewGradient())})
    if (State.getType() != Type || !Type.getElementType().isF32())
      return emitOpError() << "C1: expected states of one type, of f32, found "
                           << Type << " and " << State.getType();
  if (failed(expectVector(*this, "C2", "scale", getScale(), 1)) ||
      failed(expectVector(*this, "C2", "applied", getApplied(), 1)) ||
      failed(expectVector(*this, "C2", "hyperparameters", getHyperparameters(),
                          5)) ||
      failed(expectShape(*this, "C3", "learning_rates", getLearningRates(),
                         {fixed("P")})) ||
      failed(expectVector(*this, "C3", "weight_decays", getWeightDecays(),
                          extent(getLearningRates(), 0))))
    return failure();
  const auto Index = static_cast<int64_t>(getIndex());
  if (Index < 0 || Index >= extent(getLearningRates(), 0))
    return emitOpError() << "C3: expected an index below "
                         << extent(getLearningRates(), 0) << ", found "
                         << Index;
  return success();
}
