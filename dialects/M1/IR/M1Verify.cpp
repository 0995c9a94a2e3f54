//===- M1Verify.cpp - constraints of the ops ------------------------------===//
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
#include "dialects/M1/IR/VerifyShapes.h"
#include "mlir/IR/TypeUtilities.h"
#include <cmath>

using namespace mlir;
using namespace m1;

//===----------------------------------------------------------------------===//
// Parameters and states
//===----------------------------------------------------------------------===//

LogicalResult ParameterOp::verify() {
  auto Ty = cast<RankedTensorType>(getType());
  Type Element = Ty.getElementType();
  if (!Ty.hasStaticShape() || !(Element.isF32() || Element.isBF16() ||
                                Element.isF16() || Element.isF64()))
    return emitOpError()
           << "C1: expected a static tensor of f32, bf16, f16 or f64, found "
           << Ty;
  if (failed(verifySize([this] { return emitOpError("C1: "); }, Ty)))
    return failure();
  int64_t Count = getSources().size();
  if (Count == 0)
    return emitOpError() << "C2: expected at least one source, found none";
  if (failed(verifySharding(*this)))
    return failure();
  // The sources are of the whole parameter.
  Ty = getWholeType();
  if (failed(verifySize([this] { return emitOpError("C1: "); }, Ty)))
    return failure();
  bool Stacked = isStacked();
  if (Stacked && (Ty.getRank() == 0 || Ty.getDimSize(0) != Count))
    return emitOpError() << "C3: expected axis 0 to have extent " << Count
                         << ", the number of sources, found " << Ty;
  for (SourceAttr Source : getSources().getAsRange<SourceAttr>()) {
    if (mlir::Type Stored = Source.getStored();
        Stored &&
        Stored.getIntOrFloatBitWidth() >= Element.getIntOrFloatBitWidth())
      return emitOpError() << "C5: expected " << Source.getTensor()
                           << " stored in a narrower type than " << Element
                           << ", found " << Stored;
    if (Source.getAxis() < 0)
      continue;
    int64_t A = Source.getAxis() + (Stacked ? 1 : 0);
    if (A >= Ty.getRank())
      return emitOpError() << "C4: expected a slice along an axis of " << Ty
                           << ", found axis " << Source.getAxis() << " of "
                           << Source.getTensor();
    if (Source.getEnd() - Source.getBegin() != Ty.getDimSize(A))
      return emitOpError() << "C4: expected a slice of length "
                           << Ty.getDimSize(A) << ", found "
                           << Source.getEnd() - Source.getBegin() << " of "
                           << Source.getTensor();
  }
  return success();
}

/// Finds the `SymbolOp` that `Symbol` names and checks that it has type `Ty`.
template <typename SymbolOp>
static LogicalResult
verifySymbolUse(Operation *Op, SymbolTableCollection &Table,
                FlatSymbolRefAttr Symbol, Type Ty, StringRef What) {
  auto Declaration =
      Table.lookupNearestSymbolFrom<SymbolOp>(Op, Symbol.getAttr());
  if (!Declaration)
    return Op->emitOpError()
           << "C1: expected the name of an " << SymbolOp::getOperationName()
           << ", found " << Symbol;
  if (Declaration.getType() != Ty)
    return Op->emitOpError() << "C2: expected " << What << " of the declared "
                             << Declaration.getType() << ", found " << Ty;
  return success();
}

LogicalResult
LoadParameterOp::verifySymbolUses(SymbolTableCollection &SymbolTable) {
  return verifySymbolUse<ParameterOp>(*this, SymbolTable, getParameterAttr(),
                                      getType(), "a result");
}

LogicalResult
ReadStateOp::verifySymbolUses(SymbolTableCollection &SymbolTable) {
  return verifySymbolUse<StateOp>(*this, SymbolTable, getStateAttr(), getType(),
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
WriteStateOp::verifySymbolUses(SymbolTableCollection &SymbolTable) {
  return verifySymbolUse<StateOp>(*this, SymbolTable, getStateAttr(),
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
  if (failed(expectShape(*this, "C3", "the result", getResult(),
                         {ragged("T", extent(getTokens(), 0)),
                          fixed("D", extent(getTable(), 1))})))
    return failure();
  return expectShard(*this, "C4", getShardAttr(), extent(getTable(), 0));
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
  const int64_t Leaves = getLeaves(), Partials = getPartials();
  if (failed(expectLeaves(*this, "C4", Leaves, "K", extent(getX(), 1))) ||
      failed(expectPartials(*this, "C5", Leaves, Partials)))
    return failure();
  return expectShape(
      *this, "C3", "the result", getResult(),
      {ragged("T", extent(getX(), 0)),
       fixed(Partials == 1 ? "N" : "M·N", Partials * extent(getWeight(), 0))});
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
  if (failed(expectPositive(*this, "C3", "eps", getEps())))
    return failure();
  return expectGroups(*this, "C4", getGroups(), "N", extent(getX(), 1));
}

LogicalResult SiluOp::verify() { return expectSameShape(*this); }
LogicalResult SigmoidGateOp::verify() { return expectSameShape(*this); }
LogicalResult SiluMulOp::verify() { return expectSameShape(*this); }
LogicalResult ResidualOp::verify() { return expectSameShape(*this); }

LogicalResult SharedMixOp::verify() {
  if (failed(
          expectShape(*this, "C1", "moe", getMoe(), {ragged("T"), fixed("D")})))
    return failure();
  int64_t Tokens = extent(getMoe(), 0), Width = extent(getMoe(), 1);
  if (failed(expectShape(*this, "C1", "shared", getShared(),
                         {ragged("T", Tokens), fixed("D", Width)})) ||
      failed(expectShape(*this, "C1", "the result", getResult(),
                         {ragged("T", Tokens), fixed("D", Width)})))
    return failure();
  return expectShape(*this, "C2", "coefficient", getCoefficient(),
                     {ragged("T", Tokens), fixed("", 1)});
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

LogicalResult FusedOp::verifyRegions() {
  Block &Body = *getBody();
  auto Linear = dyn_cast<LinearOp>(&Body.front());
  if (!Linear || !elementType(Linear.getResult()).isF32() ||
      Linear.getPartials() != 1)
    return Body.front().emitOpError() << "C1: expected m1.fused to begin with "
                                         "an m1.linear of f32 and one partial "
                                         "sum";
  Value Last = Linear.getResult();
  for (Operation &Op : llvm::drop_begin(Body.without_terminator())) {
    auto Elementwise = dyn_cast<ElementwiseOpInterface>(Op);
    if (!Elementwise)
      return Op.emitOpError()
             << "C2: expected an elementwise op in the body of m1.fused";
    auto Uses = llvm::make_filter_range(
        Op.getOpOperands(), [&](OpOperand &Use) { return Use.get() == Last; });
    if (!llvm::hasSingleElement(Uses))
      return Op.emitOpError()
             << "C2: expected one operand to be the preceding op's result, "
                "found "
             << llvm::range_size(Uses);
    if (Elementwise.isPerToken((*Uses.begin()).getOperandNumber()))
      return Op.emitOpError() << "C2: expected the preceding op's result as an "
                                 "operand that is not per token";
    if (!Last.hasOneUse())
      return Last.getDefiningOp()->emitOpError()
             << "C3: expected one use of a result in the body of m1.fused, "
                "found "
             << std::distance(Last.use_begin(), Last.use_end());
    Last = Op.getResult(0);
  }
  auto Yield = dyn_cast<YieldOp>(Body.back());
  if (!Yield || Yield.getValue() != Last)
    return Body.back().emitOpError()
           << "C4: expected m1.yield of the preceding op's result";
  if (Last.getType() != getType())
    return emitOpError() << "C5: expected a body that yields " << getType()
                         << ", found " << Last.getType();
  return success();
}

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

/// positions [T], cu_seqlens [B+1] and slots [B].
static LogicalResult expectBatch(Operation *Op, StringRef Constraint,
                                 int64_t Tokens, Value Positions,
                                 Value CuSeqlens, Value Slots) {
  if (failed(expectShape(Op, Constraint, "positions", Positions,
                         {ragged("T", Tokens)})) ||
      failed(expectShape(Op, Constraint, "slots", Slots, {ragged("B")})))
    return failure();
  int64_t Sequences = extent(Slots, 0);
  return expectShape(
      Op, Constraint, "cu_seqlens", CuSeqlens,
      {ragged("B+1",
              ShapedType::isDynamic(Sequences) ? Sequences : Sequences + 1)});
}

LogicalResult SplitQKVOp::verify() {
  if (failed(expectShape(*this, "C1", "the operand", getOperand(),
                         {ragged("T"), fixed("3Hd")})))
    return failure();
  int64_t Tokens = extent(getOperand(), 0), Width = extent(getOperand(), 1);
  if (failed(expectShape(*this, "C2", "q", getQ(),
                         {ragged("T", Tokens), fixed("H"), fixed("d")})))
    return failure();
  int64_t Heads = extent(getQ(), 1), HeadDim = extent(getQ(), 2);
  if (3 * Heads * HeadDim != Width)
    return emitOpError() << "C1: expected the operand to have 3·" << Heads
                         << "·" << HeadDim << " columns, found " << Width;
  if (failed(expectShape(
          *this, "C2", "k", getK(),
          {ragged("T", Tokens), fixed("H", Heads), fixed("d", HeadDim)})) ||
      failed(expectShape(
          *this, "C2", "v", getV(),
          {ragged("T", Tokens), fixed("H", Heads), fixed("d", HeadDim)})))
    return failure();
  Type Element = elementType(getOperand());
  return success(
      succeeded(expectElementType(*this, "C2", "q", getQ(), Element)) &&
      succeeded(expectElementType(*this, "C2", "k", getK(), Element)) &&
      succeeded(expectElementType(*this, "C2", "v", getV(), Element)));
}

/// (C1) of split_heads and merge_heads: rows [T, Hd], heads [T, H, d].
static LogicalResult verifyHeads(Operation *Op, StringRef RowsName, Value Rows,
                                 StringRef HeadsName, Value Heads) {
  if (failed(
          expectShape(Op, "C1", RowsName, Rows, {ragged("T"), fixed("Hd")})) ||
      failed(
          expectShape(Op, "C1", HeadsName, Heads,
                      {ragged("T", extent(Rows, 0)), fixed("H"), fixed("d")})))
    return failure();
  if (extent(Heads, 1) * extent(Heads, 2) != extent(Rows, 1))
    return Op->emitOpError()
           << "C1: expected H·d = " << extent(Rows, 1) << ", found "
           << extent(Heads, 1) << "·" << extent(Heads, 2);
  return expectElementType(Op, "C1", "a result", Op->getResult(0),
                           elementType(Op->getOperand(0)));
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
  int64_t Tokens = extent(getX(), 0), HeadDim = extent(getX(), 2);
  if (failed(expectShape(*this, "C1", "the result", getResult(),
                         {ragged("T", Tokens), fixed("H", extent(getX(), 1)),
                          fixed("d", HeadDim)})) ||
      failed(expectShape(*this, "C2", "positions", getPositions(),
                         {ragged("T", Tokens)})))
    return failure();
  int64_t Dims = getRotaryDim();
  if (Dims <= 0 || Dims % 2 != 0 || Dims > HeadDim)
    return emitOpError() << "C3: expected an even rotary_dim of 2 to "
                         << HeadDim << ", found " << Dims;
  return expectPositive(*this, "C4", "theta", getTheta());
}

/// (C4) and (C7).
static LogicalResult verifyLightningShard(LightningAttentionOp Op,
                                          int64_t Heads) {
  ShardAttr Shard = Op.getShardAttr();
  if (failed(expectShard(Op, "C7", Shard, Heads)))
    return failure();
  if (Shard) {
    const int64_t Ranks = meshOf(Op).getExtent(Shard.getAxis());
    if (Heads * Ranks != Shard.getExtent())
      return Op.emitOpError()
             << "C7: expected a shard of " << Heads * Ranks << " heads, "
             << Heads << " for each rank, found " << Shard;
  }
  return expectSlopes(Op, Shard ? "C7" : "C4", Op.getSlopes(),
                      Shard ? Shard.getExtent() : Heads);
}

LogicalResult LightningAttentionOp::verify() {
  if (failed(expectShape(*this, "C1", "q", getQ(),
                         {ragged("T"), fixed("H"), fixed("d")})))
    return failure();
  int64_t Tokens = extent(getQ(), 0), Heads = extent(getQ(), 1),
          HeadDim = extent(getQ(), 2);
  SmallVector<Axis> Shape = {ragged("T", Tokens), fixed("H", Heads),
                             fixed("d", HeadDim)};
  Type Element = elementType(getQ());
  if (failed(expectShape(*this, "C1", "k", getK(), Shape)) ||
      failed(expectShape(*this, "C1", "v", getV(), Shape)) ||
      failed(expectElementType(*this, "C1", "k", getK(), Element)) ||
      failed(expectElementType(*this, "C1", "v", getV(), Element)) ||
      failed(expectShape(*this, "C2", "the result", getResult(), Shape)))
    return failure();
  LightningStateType State = getState().getType();
  if (State.getHeads() != Heads || State.getHeadDim() != HeadDim ||
      State.getElementType() != Element)
    return emitOpError() << "C3: expected a state of " << Heads << " x "
                         << HeadDim << " and " << Element << ", found "
                         << State;
  if (failed(verifyLightningShard(*this, Heads)))
    return failure();
  if (failed(expectBatch(*this, "C5", Tokens, getPositions(), getCuSeqlens(),
                         getSlots())))
    return failure();
  if (getNewState().getType() != State)
    return emitOpError() << "C6: expected an updated state of type " << State
                         << ", found " << getNewState().getType();
  return success();
}

LogicalResult SoftmaxAttentionOp::verify() {
  if (failed(expectShape(*this, "C1", "q", getQ(),
                         {ragged("T"), fixed("H"), fixed("d")})))
    return failure();
  int64_t Tokens = extent(getQ(), 0), Heads = extent(getQ(), 1),
          HeadDim = extent(getQ(), 2);
  Type Element = elementType(getQ());
  if (failed(expectShape(
          *this, "C1", "the result", getResult(),
          {ragged("T", Tokens), fixed("H", Heads), fixed("d", HeadDim)})) ||
      failed(
          expectShape(*this, "C2", "k", getK(),
                      {ragged("T", Tokens), fixed("G"), fixed("d", HeadDim)})))
    return failure();
  int64_t Groups = extent(getK(), 1);
  if (failed(expectShape(
          *this, "C2", "v", getV(),
          {ragged("T", Tokens), fixed("G", Groups), fixed("d", HeadDim)})) ||
      failed(expectElementType(*this, "C2", "k", getK(), Element)) ||
      failed(expectElementType(*this, "C2", "v", getV(), Element)))
    return failure();
  if (Groups == 0 || Heads % Groups != 0)
    return emitOpError() << "C3: expected the key/value heads to divide the "
                         << Heads << " query heads, found " << Groups;
  KVCacheType Cache = getCache().getType();
  if (Cache.getHeads() != Groups || Cache.getHeadDim() != HeadDim ||
      Cache.getElementType() != Element)
    return emitOpError() << "C4: expected a cache of " << Groups << " x "
                         << HeadDim << " and " << Element << ", found "
                         << Cache;
  if (failed(expectBatch(*this, "C5", Tokens, getPositions(), getCuSeqlens(),
                         getSlots())))
    return failure();
  if (getNewCache().getType() != Cache)
    return emitOpError() << "C6: expected an updated state of type " << Cache
                         << ", found " << getNewCache().getType();
  if (failed(expectPositive(*this, "C7", "scale", getScale())))
    return failure();
  if (!getBlocks() != (Cache.getBlock() == 0))
    return emitOpError() << "C8: expected blocks if and only if the cache is "
                            "in blocks, found "
                         << (getBlocks() ? "blocks" : "none") << " for "
                         << Cache;
  if (!getBlocks())
    return success();
  return expectShape(*this, "C8", "blocks", getBlocks(),
                     {ragged("B", extent(getSlots(), 0)), fixed("M")});
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
  int64_t Tokens = extent(getX(), 0);
  if (failed(expectShape(*this, "C2", "experts", getExperts(),
                         {ragged("T", Tokens), fixed("K")})) ||
      failed(expectShape(
          *this, "C2", "weights", getWeights(),
          {ragged("T", Tokens), fixed("K", extent(getExperts(), 1))})) ||
      failed(expectElementType(*this, "C2", "weights", getWeights(),
                               Float32Type::get(getContext()))))
    return failure();
  int64_t Chosen = extent(getExperts(), 1), Experts = extent(getWeight(), 0);
  if (Chosen < 1 || Chosen > Experts)
    return emitOpError() << "C3: expected 1 to " << Experts
                         << " experts per token, found " << Chosen;
  return success();
}

LogicalResult ExpertsOp::verify() {
  if (failed(expectShape(*this, "C1", "x", getX(), {ragged("T"), fixed("D")})))
    return failure();
  int64_t Tokens = extent(getX(), 0), Width = extent(getX(), 1);
  if (failed(expectShape(*this, "C1", "experts", getExperts(),
                         {ragged("T", Tokens), fixed("K")})) ||
      failed(expectShape(
          *this, "C1", "weights", getWeights(),
          {ragged("T", Tokens), fixed("K", extent(getExperts(), 1))})) ||
      failed(
          expectExpertWeights(*this, "C2", Width, getW1(), getW3(), getW2())) ||
      failed(expectShape(*this, "C3", "the result", getResult(),
                         {ragged("T", Tokens), fixed("D", Width)})) ||
      failed(expectLeaves(*this, "C4", getLeaves(), "F", extent(getW1(), 1))))
    return failure();
  return expectProducts(*this, "C5", getProducts(), Tokens,
                        extent(getExperts(), 1), extent(getW1(), 1));
}

//===----------------------------------------------------------------------===//
// Output
//===----------------------------------------------------------------------===//

LogicalResult TokenLogProbOp::verify() {
  if (failed(expectShape(*this, "C1", "logits", getLogits(),
                         {ragged("T"), fixed("V")})))
    return failure();
  int64_t Tokens = extent(getLogits(), 0);
  if (failed(expectShape(*this, "C2", "targets", getTargets(),
                         {ragged("T", Tokens)})))
    return failure();
  if (getTemperature() &&
      failed(expectShape(*this, "C2", "temperature", getTemperature(),
                         {ragged("T", Tokens)})))
    return failure();
  return expectShape(*this, "C3", "the result", getResult(),
                     {ragged("T", Tokens)});
}

LogicalResult HeadLogProbOp::verify() {
  if (failed(
          expectShape(*this, "C1", "x", getX(), {ragged("T"), fixed("D")})) ||
      failed(expectShape(*this, "C1", "weight", getWeight(),
                         {fixed("V"), fixed("D", extent(getX(), 1))})))
    return failure();
  int64_t Tokens = extent(getX(), 0);
  if (failed(expectShape(*this, "C2", "targets", getTargets(),
                         {ragged("T", Tokens)})))
    return failure();
  return expectShape(*this, "C3", "the result", getResult(),
                     {ragged("T", Tokens)});
}

LogicalResult AdjustLogitsOp::verify() {
  if (failed(expectShape(*this, "C1", "logits", getLogits(),
                         {ragged("B"), fixed("V")})))
    return failure();
  int64_t Sequences = extent(getLogits(), 0);
  int64_t Vocabulary = extent(getLogits(), 1);
  if (failed(expectShape(*this, "C2", "rows", getRows(),
                         {ragged("B", Sequences)})) ||
      failed(expectShape(*this, "C3", "bias", getBias(),
                         {ragged("R"), fixed("V", Vocabulary)})) ||
      failed(expectShape(
          *this, "C3", "repetition", getRepetition(),
          {ragged("R", extent(getBias(), 0)), fixed("V", Vocabulary)})) ||
      failed(expectShape(*this, "C4", "the result", getResult(),
                         {ragged("B", Sequences), fixed("V", Vocabulary)})))
    return failure();
  std::tuple<StringRef, StringRef, Value> Tensors[] = {
      {"C1", "logits", getLogits()},
      {"C3", "bias", getBias()},
      {"C3", "repetition", getRepetition()},
      {"C4", "the result", getResult()}};
  for (auto [Constraint, Name, V] : Tensors)
    if (failed(expectElementType(*this, Constraint, Name, V,
                                 Float32Type::get(getContext()))))
      return failure();
  return success();
}

LogicalResult SampleOp::verify() {
  if (failed(expectShape(*this, "C1", "logits", getLogits(),
                         {ragged("B"), fixed("V")})) ||
      failed(expectElementType(*this, "C1", "logits", getLogits(),
                               Float32Type::get(getContext()))))
    return failure();
  int64_t Sequences = extent(getLogits(), 0);
  std::pair<StringRef, Value> Settings[] = {{"temperature", getTemperature()},
                                            {"top_p", getTopP()},
                                            {"top_k", getTopK()},
                                            {"seeds", getSeeds()},
                                            {"positions", getPositions()},
                                            {"min_p", getMinP()}};
  for (auto [Name, V] : Settings)
    if (V &&
        failed(expectShape(*this, "C2", Name, V, {ragged("B", Sequences)})))
      return failure();
  return expectShape(*this, "C3", "the result", getResult(),
                     {ragged("B", Sequences)});
}
