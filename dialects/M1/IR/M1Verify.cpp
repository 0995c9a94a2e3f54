//===- M1Verify.cpp - what each operation requires ------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each check cites the constraint of M1Ops.td that it verifies, as in
// "C2: expected weight to be [N, K = 32], found 'tensor<64x16xf32>'".
//
//===----------------------------------------------------------------------===//

#include "dialects/M1/IR/M1.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace m1;

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

namespace {
/// What one axis of a tensor must be.
struct Axis {
  StringRef name;
  int64_t size;      // kDynamic: any
  bool mayBeDynamic; // the axes of tokens and sequences
};
} // namespace

/// An axis whose extent the compiler knows.
static Axis fixed(StringRef name, int64_t size = ShapedType::kDynamic) {
  return {name, size, false};
}

/// An axis of tokens or sequences, whose extent may be known only at run time.
static Axis ragged(StringRef name, int64_t size = ShapedType::kDynamic) {
  return {name, size, true};
}

static RankedTensorType tensorType(Value value) {
  return cast<RankedTensorType>(value.getType());
}

static int64_t extent(Value value, unsigned axis) {
  return tensorType(value).getDimSize(axis);
}

static Type elementType(Value value) {
  return tensorType(value).getElementType();
}

/// Checks that `value`, called `name` in messages, has exactly these axes.
static LogicalResult expectShape(Operation *op, StringRef constraint,
                                 StringRef name, Value value,
                                 ArrayRef<Axis> axes) {
  RankedTensorType type = tensorType(value);
  bool matches = type.getRank() == static_cast<int64_t>(axes.size());
  for (size_t i = 0; matches && i < axes.size(); ++i) {
    const Axis &axis = axes[i];
    int64_t size = type.getDimSize(i);
    if (ShapedType::isDynamic(size))
      matches = axis.mayBeDynamic;
    else
      matches = ShapedType::isDynamic(axis.size) || size == axis.size;
  }
  if (matches)
    return success();

  std::string expected;
  llvm::raw_string_ostream os(expected);
  llvm::interleaveComma(axes, os, [&](const Axis &axis) {
    os << axis.name;
    if (!ShapedType::isDynamic(axis.size))
      os << " = " << axis.size;
  });
  return op->emitOpError() << constraint << ": expected " << name << " to be ["
                           << expected << "], found " << type;
}

static LogicalResult expectElementType(Operation *op, StringRef constraint,
                                       StringRef name, Value value,
                                       Type expected) {
  if (elementType(value) == expected)
    return success();
  return op->emitOpError() << constraint << ": expected " << name << " of "
                           << expected << ", found " << elementType(value);
}

static LogicalResult expectPositive(Operation *op, StringRef constraint,
                                    StringRef name, const APFloat &value) {
  if (value.isFinite() && !value.isNegative() && !value.isZero())
    return success();
  return op->emitOpError() << constraint << ": expected a positive " << name
                           << ", found " << value.convertToDouble();
}

/// (C1) of the elementwise operations: operands and result of one shape.
static LogicalResult expectSameShape(Operation *op) {
  Value result = op->getResult(0);
  for (Value operand : op->getOperands())
    if (failed(verifyCompatibleShape(operand.getType(), result.getType())))
      return op->emitOpError()
             << "C1: expected operands and result of one shape, found "
             << operand.getType() << " and " << result.getType();
  return success();
}

/// positions [T], cu_seqlens [B+1] and slots [B].
static LogicalResult expectBatch(Operation *op, StringRef constraint,
                                 int64_t tokens, Value positions,
                                 Value cuSeqlens, Value slots) {
  if (failed(expectShape(op, constraint, "positions", positions,
                         {ragged("T", tokens)})) ||
      failed(expectShape(op, constraint, "slots", slots, {ragged("B")})))
    return failure();
  int64_t sequences = extent(slots, 0);
  return expectShape(
      op, constraint, "cu_seqlens", cuSeqlens,
      {ragged("B+1",
              ShapedType::isDynamic(sequences) ? sequences : sequences + 1)});
}

//===----------------------------------------------------------------------===//
// Parameters and states
//===----------------------------------------------------------------------===//

LogicalResult ParameterOp::verify() {
  auto type = cast<RankedTensorType>(getType());
  Type element = type.getElementType();
  if (!type.hasStaticShape() || !(element.isF32() || element.isBF16() ||
                                  element.isF16() || element.isF64()))
    return emitOpError()
           << "C1: expected a static tensor of f32, bf16, f16 or f64, found "
           << type;
  int64_t count = getSources().size();
  if (count == 0)
    return emitOpError() << "C2: expected at least one source, found none";
  bool stacked = isStacked();
  if (stacked && (type.getRank() == 0 || type.getDimSize(0) != count))
    return emitOpError() << "C3: expected axis 0 to have extent " << count
                         << ", the number of sources, found " << type;
  for (SourceAttr source : getSources().getAsRange<SourceAttr>()) {
    if (source.getAxis() < 0)
      continue;
    int64_t axis = source.getAxis() + (stacked ? 1 : 0);
    if (axis >= type.getRank())
      return emitOpError() << "C4: expected a range along an axis of " << type
                           << ", found axis " << source.getAxis() << " of "
                           << source.getTensor();
    if (source.getEnd() - source.getBegin() != type.getDimSize(axis))
      return emitOpError() << "C4: expected a range of length "
                           << type.getDimSize(axis) << ", found "
                           << source.getEnd() - source.getBegin() << " of "
                           << source.getTensor();
  }
  return success();
}

/// Finds the `SymbolOp` that `symbol` names and checks that it has `type`.
template <typename SymbolOp>
static LogicalResult
verifySymbolUse(Operation *op, SymbolTableCollection &table,
                FlatSymbolRefAttr symbol, Type type, StringRef what) {
  auto declaration =
      table.lookupNearestSymbolFrom<SymbolOp>(op, symbol.getAttr());
  if (!declaration)
    return op->emitOpError()
           << "C1: expected the name of an " << SymbolOp::getOperationName()
           << ", found " << symbol;
  if (declaration.getType() != type)
    return op->emitOpError() << "C2: expected " << what << " of the declared "
                             << declaration.getType() << ", found " << type;
  return success();
}

LogicalResult
LoadParameterOp::verifySymbolUses(SymbolTableCollection &symbolTable) {
  return verifySymbolUse<ParameterOp>(*this, symbolTable, getParameterAttr(),
                                      getType(), "a result");
}

LogicalResult
ReadStateOp::verifySymbolUses(SymbolTableCollection &symbolTable) {
  return verifySymbolUse<StateOp>(*this, symbolTable, getStateAttr(), getType(),
                                  "a result");
}

LogicalResult ReadStateOp::verify() {
  if (getResult().use_empty() || getResult().hasOneUse())
    return success();
  return emitOpError() << "C3: expected at most one use of a state's value, "
                          "found "
                       << std::distance(getResult().use_begin(),
                                        getResult().use_end());
}

LogicalResult
WriteStateOp::verifySymbolUses(SymbolTableCollection &symbolTable) {
  return verifySymbolUse<StateOp>(*this, symbolTable, getStateAttr(),
                                  getValue().getType(), "an operand");
}

//===----------------------------------------------------------------------===//
// Rows: embedding, products, norms, elementwise
//===----------------------------------------------------------------------===//

LogicalResult EmbeddingOp::verify() {
  if (failed(expectShape(*this, "C1", "tokens", getTokens(), {ragged("T")})) ||
      failed(expectShape(*this, "C2", "table", getTable(),
                         {fixed("V"), fixed("D")})))
    return failure();
  return expectShape(
      *this, "C3", "the result", getResult(),
      {ragged("T", extent(getTokens(), 0)), fixed("D", extent(getTable(), 1))});
}

LogicalResult CastOp::verify() { return expectSameShape(*this); }

LogicalResult LinearOp::verify() {
  if (failed(
          expectShape(*this, "C1", "x", getX(), {ragged("T"), fixed("K")})) ||
      failed(expectShape(*this, "C1", "weight", getWeight(),
                         {fixed("N"), fixed("K")})) ||
      failed(expectShape(*this, "C2", "weight", getWeight(),
                         {fixed("N"), fixed("K", extent(getX(), 1))})))
    return failure();
  return expectShape(
      *this, "C3", "the result", getResult(),
      {ragged("T", extent(getX(), 0)), fixed("N", extent(getWeight(), 0))});
}

LogicalResult RMSNormOp::verify() {
  if (failed(
          expectShape(*this, "C1", "x", getX(), {ragged("T"), fixed("N")})) ||
      failed(expectShape(
          *this, "C1", "the result", getResult(),
          {ragged("T", extent(getX(), 0)), fixed("N", extent(getX(), 1))})) ||
      failed(expectShape(*this, "C2", "weight", getWeight(),
                         {fixed("N", extent(getX(), 1))})))
    return failure();
  return expectPositive(*this, "C3", "eps", getEps());
}

LogicalResult SiluOp::verify() { return expectSameShape(*this); }
LogicalResult SigmoidGateOp::verify() { return expectSameShape(*this); }
LogicalResult SiluMulOp::verify() { return expectSameShape(*this); }
LogicalResult ResidualOp::verify() { return expectSameShape(*this); }

LogicalResult SharedMixOp::verify() {
  if (failed(
          expectShape(*this, "C1", "moe", getMoe(), {ragged("T"), fixed("D")})))
    return failure();
  int64_t tokens = extent(getMoe(), 0), width = extent(getMoe(), 1);
  if (failed(expectShape(*this, "C1", "shared", getShared(),
                         {ragged("T", tokens), fixed("D", width)})) ||
      failed(expectShape(*this, "C1", "the result", getResult(),
                         {ragged("T", tokens), fixed("D", width)})))
    return failure();
  return expectShape(*this, "C2", "coefficient", getCoefficient(),
                     {ragged("T", tokens), fixed("1", 1)});
}

LogicalResult SelectLastOp::verify() {
  if (failed(
          expectShape(*this, "C1", "x", getX(), {ragged("T"), fixed("N")})) ||
      failed(expectShape(*this, "C2", "cu_seqlens", getCuSeqlens(),
                         {ragged("B+1")})) ||
      failed(expectShape(*this, "C3", "the result", getResult(),
                         {ragged("B"), fixed("N", extent(getX(), 1))})))
    return failure();
  if (!tensorType(getResult()).isDynamicDim(0))
    return emitOpError() << "C3: expected the result to have a dynamic axis 0, "
                            "found "
                         << getType();
  return expectElementType(*this, "C3", "a result", getResult(),
                           elementType(getX()));
}

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

LogicalResult SplitQKVOp::verify() {
  if (failed(expectShape(*this, "C1", "the operand", getOperand(),
                         {ragged("T"), fixed("3Hd")})))
    return failure();
  int64_t tokens = extent(getOperand(), 0), width = extent(getOperand(), 1);
  if (failed(expectShape(*this, "C2", "q", getQ(),
                         {ragged("T", tokens), fixed("H"), fixed("d")})))
    return failure();
  int64_t heads = extent(getQ(), 1), headDim = extent(getQ(), 2);
  if (3 * heads * headDim != width)
    return emitOpError() << "C1: expected the operand to have 3·" << heads
                         << "·" << headDim << " columns, found " << width;
  if (failed(expectShape(
          *this, "C2", "k", getK(),
          {ragged("T", tokens), fixed("H", heads), fixed("d", headDim)})) ||
      failed(expectShape(
          *this, "C2", "v", getV(),
          {ragged("T", tokens), fixed("H", heads), fixed("d", headDim)})))
    return failure();
  Type element = elementType(getOperand());
  return success(
      succeeded(expectElementType(*this, "C2", "q", getQ(), element)) &&
      succeeded(expectElementType(*this, "C2", "k", getK(), element)) &&
      succeeded(expectElementType(*this, "C2", "v", getV(), element)));
}

/// (C1) of split_heads and merge_heads: rows [T, Hd], heads [T, H, d].
static LogicalResult verifyHeads(Operation *op, StringRef rowsName, Value rows,
                                 StringRef headsName, Value heads) {
  if (failed(
          expectShape(op, "C1", rowsName, rows, {ragged("T"), fixed("Hd")})) ||
      failed(
          expectShape(op, "C1", headsName, heads,
                      {ragged("T", extent(rows, 0)), fixed("H"), fixed("d")})))
    return failure();
  if (extent(heads, 1) * extent(heads, 2) != extent(rows, 1))
    return op->emitOpError()
           << "C1: expected H·d = " << extent(rows, 1) << ", found "
           << extent(heads, 1) << "·" << extent(heads, 2);
  return expectElementType(op, "C1", "a result", op->getResult(0),
                           elementType(op->getOperand(0)));
}

LogicalResult SplitHeadsOp::verify() {
  return verifyHeads(*this, "the operand", getOperand(), "the result",
                     getResult());
}

LogicalResult MergeHeadsOp::verify() {
  return verifyHeads(*this, "the result", getResult(), "the operand",
                     getOperand());
}

LogicalResult RotaryOp::verify() {
  if (failed(expectShape(*this, "C1", "x", getX(),
                         {ragged("T"), fixed("H"), fixed("d")})))
    return failure();
  int64_t tokens = extent(getX(), 0), headDim = extent(getX(), 2);
  if (failed(expectShape(*this, "C1", "the result", getResult(),
                         {ragged("T", tokens), fixed("H", extent(getX(), 1)),
                          fixed("d", headDim)})) ||
      failed(expectShape(*this, "C2", "positions", getPositions(),
                         {ragged("T", tokens)})))
    return failure();
  int64_t dims = getRotaryDim();
  if (dims <= 0 || dims % 2 != 0 || dims > headDim)
    return emitOpError() << "C3: expected an even rotary_dim of 2 to "
                         << headDim << ", found " << dims;
  return expectPositive(*this, "C4", "theta", getTheta());
}

LogicalResult LightningAttentionOp::verify() {
  if (failed(expectShape(*this, "C1", "q", getQ(),
                         {ragged("T"), fixed("H"), fixed("d")})))
    return failure();
  int64_t tokens = extent(getQ(), 0), heads = extent(getQ(), 1),
          headDim = extent(getQ(), 2);
  SmallVector<Axis> shape = {ragged("T", tokens), fixed("H", heads),
                             fixed("d", headDim)};
  Type element = elementType(getQ());
  if (failed(expectShape(*this, "C1", "k", getK(), shape)) ||
      failed(expectShape(*this, "C1", "v", getV(), shape)) ||
      failed(expectElementType(*this, "C1", "k", getK(), element)) ||
      failed(expectElementType(*this, "C1", "v", getV(), element)) ||
      failed(expectShape(*this, "C2", "the result", getResult(), shape)))
    return failure();
  LightningStateType state = getState().getType();
  if (state.getHeads() != heads || state.getHeadDim() != headDim ||
      state.getElementType() != element)
    return emitOpError() << "C3: expected a state of " << heads << " x "
                         << headDim << " and " << element << ", found "
                         << state;
  if (static_cast<int64_t>(getSlopes().size()) != heads)
    return emitOpError() << "C4: expected " << heads << " slopes, found "
                         << getSlopes().size();
  for (double slope : getSlopes())
    if (!(slope >= 0.0))
      return emitOpError() << "C4: expected no negative slope, found " << slope;
  if (failed(expectBatch(*this, "C5", tokens, getPositions(), getCuSeqlens(),
                         getSlots())))
    return failure();
  if (getNewState().getType() != state)
    return emitOpError() << "C6: expected a successor of type " << state
                         << ", found " << getNewState().getType();
  return success();
}

LogicalResult SoftmaxAttentionOp::verify() {
  if (failed(expectShape(*this, "C1", "q", getQ(),
                         {ragged("T"), fixed("H"), fixed("d")})))
    return failure();
  int64_t tokens = extent(getQ(), 0), heads = extent(getQ(), 1),
          headDim = extent(getQ(), 2);
  Type element = elementType(getQ());
  if (failed(expectShape(
          *this, "C1", "the result", getResult(),
          {ragged("T", tokens), fixed("H", heads), fixed("d", headDim)})) ||
      failed(
          expectShape(*this, "C2", "k", getK(),
                      {ragged("T", tokens), fixed("G"), fixed("d", headDim)})))
    return failure();
  int64_t groups = extent(getK(), 1);
  if (failed(expectShape(
          *this, "C2", "v", getV(),
          {ragged("T", tokens), fixed("G", groups), fixed("d", headDim)})) ||
      failed(expectElementType(*this, "C2", "k", getK(), element)) ||
      failed(expectElementType(*this, "C2", "v", getV(), element)))
    return failure();
  if (groups == 0 || heads % groups != 0)
    return emitOpError() << "C3: expected the key/value heads to divide the "
                         << heads << " query heads, found " << groups;
  KVCacheType cache = getCache().getType();
  if (cache.getHeads() != groups || cache.getHeadDim() != headDim ||
      cache.getElementType() != element)
    return emitOpError() << "C4: expected a cache of " << groups << " x "
                         << headDim << " and " << element << ", found "
                         << cache;
  if (failed(expectBatch(*this, "C5", tokens, getPositions(), getCuSeqlens(),
                         getSlots())))
    return failure();
  if (getNewCache().getType() != cache)
    return emitOpError() << "C6: expected a successor of type " << cache
                         << ", found " << getNewCache().getType();
  return expectPositive(*this, "C7", "scale", getScale());
}

//===----------------------------------------------------------------------===//
// Mixture of experts
//===----------------------------------------------------------------------===//

LogicalResult RouterOp::verify() {
  if (failed(
          expectShape(*this, "C1", "x", getX(), {ragged("T"), fixed("D")})) ||
      failed(expectShape(*this, "C1", "weight", getWeight(),
                         {fixed("E"), fixed("D", extent(getX(), 1))})))
    return failure();
  int64_t tokens = extent(getX(), 0);
  if (failed(expectShape(*this, "C2", "experts", getExperts(),
                         {ragged("T", tokens), fixed("K")})) ||
      failed(expectShape(
          *this, "C2", "weights", getWeights(),
          {ragged("T", tokens), fixed("K", extent(getExperts(), 1))})) ||
      failed(expectElementType(*this, "C2", "weights", getWeights(),
                               Float32Type::get(getContext()))))
    return failure();
  int64_t chosen = extent(getExperts(), 1), experts = extent(getWeight(), 0);
  if (chosen < 1 || chosen > experts)
    return emitOpError() << "C3: expected 1 to " << experts
                         << " experts a token, found " << chosen;
  return success();
}

LogicalResult ExpertsOp::verify() {
  if (failed(expectShape(*this, "C1", "x", getX(), {ragged("T"), fixed("D")})))
    return failure();
  int64_t tokens = extent(getX(), 0), width = extent(getX(), 1);
  if (failed(expectShape(*this, "C1", "experts", getExperts(),
                         {ragged("T", tokens), fixed("K")})) ||
      failed(expectShape(
          *this, "C1", "weights", getWeights(),
          {ragged("T", tokens), fixed("K", extent(getExperts(), 1))})) ||
      failed(expectShape(*this, "C2", "w1", getW1(),
                         {fixed("E"), fixed("F"), fixed("D", width)})))
    return failure();
  int64_t experts = extent(getW1(), 0), hidden = extent(getW1(), 1);
  Type element = elementType(getW1());
  if (failed(expectShape(
          *this, "C2", "w3", getW3(),
          {fixed("E", experts), fixed("F", hidden), fixed("D", width)})) ||
      failed(expectShape(
          *this, "C2", "w2", getW2(),
          {fixed("E", experts), fixed("D", width), fixed("F", hidden)})) ||
      failed(expectElementType(*this, "C2", "w3", getW3(), element)) ||
      failed(expectElementType(*this, "C2", "w2", getW2(), element)))
    return failure();
  return expectShape(*this, "C3", "the result", getResult(),
                     {ragged("T", tokens), fixed("D", width)});
}

//===----------------------------------------------------------------------===//
// Output
//===----------------------------------------------------------------------===//

LogicalResult TokenLogProbOp::verify() {
  if (failed(expectShape(*this, "C1", "logits", getLogits(),
                         {ragged("T"), fixed("V")})))
    return failure();
  int64_t tokens = extent(getLogits(), 0);
  if (failed(expectShape(*this, "C2", "targets", getTargets(),
                         {ragged("T", tokens)})))
    return failure();
  return expectShape(*this, "C3", "the result", getResult(),
                     {ragged("T", tokens)});
}

LogicalResult HeadLogProbOp::verify() {
  if (failed(
          expectShape(*this, "C1", "x", getX(), {ragged("T"), fixed("D")})) ||
      failed(expectShape(*this, "C1", "weight", getWeight(),
                         {fixed("V"), fixed("D", extent(getX(), 1))})))
    return failure();
  int64_t tokens = extent(getX(), 0);
  if (failed(expectShape(*this, "C2", "targets", getTargets(),
                         {ragged("T", tokens)})))
    return failure();
  return expectShape(*this, "C3", "the result", getResult(),
                     {ragged("T", tokens)});
}

LogicalResult SampleOp::verify() {
  if (failed(expectShape(*this, "C1", "logits", getLogits(),
                         {ragged("B"), fixed("V")})) ||
      failed(expectElementType(*this, "C1", "logits", getLogits(),
                               Float32Type::get(getContext()))))
    return failure();
  int64_t sequences = extent(getLogits(), 0);
  std::pair<StringRef, Value> settings[] = {{"temperature", getTemperature()},
                                            {"top_p", getTopP()},
                                            {"top_k", getTopK()},
                                            {"seeds", getSeeds()},
                                            {"positions", getPositions()}};
  for (auto [name, value] : settings)
    if (failed(expectShape(*this, "C2", name, value, {ragged("B", sequences)})))
      return failure();
  return expectShape(*this, "C3", "the result", getResult(),
                     {ragged("B", sequences)});
}
