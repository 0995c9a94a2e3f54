//===- M1VerifySharding.cpp - constraints of sharding ---------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Constraints of M1ShardingOps.td, and of `sharding` and `slices` in M1Ops.td.
//
//===----------------------------------------------------------------------===//

#include "dialects/M1/IR/M1.h"
#include "dialects/M1/IR/Sharding.h"
#include "dialects/M1/IR/VerifyShapes.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace m1;

//===----------------------------------------------------------------------===//
// Parameters
//===----------------------------------------------------------------------===//

/// Each dimension that exists and each axis once.
template <typename EntryAttr>
static LogicalResult verifyEntries(ParameterOp Op, StringRef Constraint,
                                   ArrayAttr Entries) {
  const int64_t Rank = cast<RankedTensorType>(Op.getType()).getRank();
  SmallVector<EntryAttr> Earlier;
  for (auto Entry : Entries.getAsRange<EntryAttr>()) {
    if (Entry.getDimension() >= Rank)
      return Op.emitOpError() << Constraint << ": expected a dimension of "
                              << Op.getType() << ", found " << Entry;
    for (EntryAttr Other : Earlier)
      if (Other.getDimension() == Entry.getDimension() ||
          Other.getAxis() == Entry.getAxis())
        return Op.emitOpError()
               << Constraint << ": expected each dimension and each axis once, "
               << "found " << Other << " and " << Entry;
    Earlier.push_back(Entry);
  }
  return success();
}

LogicalResult m1::verifySharding(ParameterOp Op) {
  auto Type = cast<RankedTensorType>(Op.getType());
  if (ArrayAttr Entries = Op.getShardingAttr()) {
    if (failed(verifyEntries<ShardingAttr>(Op, "C6", Entries)))
      return failure();
    for (auto Entry : Entries.getAsRange<ShardingAttr>())
      if (int64_t Extent = Type.getDimSize(Entry.getDimension());
          !Entry.getIsShort() && Extent % Entry.getUnit() != 0)
        return Op.emitOpError() << "C6: expected a unit that divides " << Extent
                                << ", found " << Entry;
  }
  if (ArrayAttr Entries = Op.getSlicesAttr()) {
    if (failed(verifyEntries<SliceAttr>(Op, "C7", Entries)))
      return failure();
    for (auto Entry : Entries.getAsRange<SliceAttr>()) {
      if (failed(expectMeshAxis(Op, "C7", Entry.getAxis())))
        return failure();
      if (int64_t Extent = Type.getDimSize(Entry.getDimension());
          Extent != Entry.getStep())
        return Op.emitOpError()
               << "C7: expected a step of " << Extent << ", found " << Entry;
    }
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Collectives
//===----------------------------------------------------------------------===//

LogicalResult AllGatherOp::verify() {
  if (failed(
          expectShape(*this, "C1", "x", getX(), {ragged("T"), fixed("n")})) ||
      failed(expectShape(*this, "C1", "the result", getResult(),
                         {ragged("T", extent(getX(), 0)), fixed("N")})) ||
      failed(expectElementType(*this, "C1", "the result", getResult(),
                               elementType(getX()))) ||
      failed(expectMeshAxis(*this, "C2", getAxis())))
    return failure();
  const int64_t Most = meshOf(*this).getExtent(getAxis()) * extent(getX(), 1);
  if (int64_t Columns = extent(getResult(), 1); Columns < 1 || Columns > Most)
    return emitOpError() << "C3: expected a result of 1 to P·n = " << Most
                         << " columns, found " << Columns;
  return success();
}

LogicalResult TreeSumOp::verify() {
  Type F32 = Float32Type::get(getContext());
  const int64_t Partials = getPartials(), Groups = getGroups();
  if (Groups < 1 || Groups > kMaxExtent)
    return emitOpError() << "C3: expected 1 to " << kMaxExtent
                         << " groups, found " << Groups;
  if (Partials < 1 || Partials > kMaxExtent)
    return emitOpError() << "C3: expected 1 to " << kMaxExtent
                         << " partial sums, found " << Partials;
  if (failed(expectShape(*this, "C1", "x", getX(),
                         {ragged("T"), fixed("G·M·N")})) ||
      failed(expectShape(*this, "C1", "the result", getResult(),
                         {ragged("T", extent(getX(), 0)), fixed("G·N")})) ||
      failed(expectElementType(*this, "C1", "x", getX(), F32)) ||
      failed(expectElementType(*this, "C1", "the result", getResult(), F32)))
    return failure();
  if (extent(getResult(), 1) % Groups != 0)
    return emitOpError() << "C1: expected a result of " << Groups
                         << " groups of columns, found "
                         << extent(getResult(), 1) << " columns";
  if (Partials * extent(getResult(), 1) != extent(getX(), 1))
    return emitOpError() << "C1: expected x to have M = " << Partials
                         << " times the result's " << extent(getResult(), 1)
                         << " columns, found " << extent(getX(), 1);
  return expectMeshAxis(*this, "C2", getAxis());
}

//===----------------------------------------------------------------------===//
// Parts of log-probabilities
//===----------------------------------------------------------------------===//

LogicalResult LogProbPartsOp::verify() {
  if (failed(
          expectShape(*this, "C1", "x", getX(), {ragged("T"), fixed("D")})) ||
      failed(expectShape(*this, "C1", "weight", getWeight(),
                         {fixed("v"), fixed("D", extent(getX(), 1))})))
    return failure();
  const int64_t Tokens = extent(getX(), 0), Rows = extent(getWeight(), 0);
  if (failed(expectShape(*this, "C2", "targets", getTargets(),
                         {ragged("T", Tokens)})))
    return failure();
  const int64_t Groups = llvm::divideCeil(Rows, kVocabularyGroup);
  Type F32 = Float32Type::get(getContext());
  for (auto [Name, Part] : {std::pair<StringRef, Value>{"maxima", getMaxima()},
                            {"others", getOthers()},
                            {"chosen", getChosen()}})
    if (failed(expectShape(*this, "C3", Name, Part,
                           {ragged("T", Tokens), fixed("G", Groups)})) ||
        failed(expectElementType(*this, "C3", Name, Part, F32)))
      return failure();
  if (getShard() && Rows % kVocabularyGroup != 0)
    return emitOpError() << "C4: expected a step that is a multiple of "
                         << kVocabularyGroup << ", found " << *getShard();
  return expectShard(*this, "C4", getShardAttr(), Rows);
}

LogicalResult JoinLogProbOp::verify() {
  if (failed(expectShape(*this, "C1", "maxima", getMaxima(),
                         {ragged("T"), fixed("G")})))
    return failure();
  const int64_t Tokens = extent(getMaxima(), 0);
  Type F32 = Float32Type::get(getContext());
  for (auto [Name, Part] : {std::pair<StringRef, Value>{"maxima", getMaxima()},
                            {"others", getOthers()},
                            {"chosen", getChosen()}})
    if (failed(expectShape(
            *this, "C1", Name, Part,
            {ragged("T", Tokens), fixed("G", extent(getMaxima(), 1))})) ||
        failed(expectElementType(*this, "C1", Name, Part, F32)))
      return failure();
  return expectShape(*this, "C2", "the result", getResult(),
                     {ragged("T", Tokens)});
}

//===----------------------------------------------------------------------===//
// Halves of norms and experts
//===----------------------------------------------------------------------===//

LogicalResult SquaresOp::verify() {
  if (failed(
          expectShape(*this, "C1", "x", getX(), {ragged("T"), fixed("n")})) ||
      failed(expectShape(*this, "C1", "the result", getResult(),
                         {ragged("T", extent(getX(), 0)), fixed("g")})) ||
      failed(expectElementType(*this, "C1", "the result", getResult(),
                               Float32Type::get(getContext()))))
    return failure();
  return expectGroups(*this, "C2", extent(getResult(), 1), "n",
                      extent(getX(), 1));
}

LogicalResult NormalizeOp::verify() {
  if (failed(expectShape(*this, "C1", "x", getX(), {ragged("T"), fixed("n")})))
    return failure();
  const int64_t Tokens = extent(getX(), 0), Columns = extent(getX(), 1);
  if (failed(expectShape(*this, "C1", "the result", getResult(),
                         {ragged("T", Tokens), fixed("n", Columns)})) ||
      failed(expectShape(*this, "C1", "weight", getWeight(),
                         {fixed("n", Columns)})) ||
      failed(expectShape(*this, "C2", "squares", getSquares(),
                         {ragged("T", Tokens), fixed("G")})) ||
      failed(expectElementType(*this, "C2", "squares", getSquares(),
                               Float32Type::get(getContext()))))
    return failure();
  const int64_t Groups = getGroups(), All = extent(getSquares(), 1);
  if (Groups > All)
    return emitOpError() << "C3: expected at most the " << All
                         << " groups of squares, found " << Groups;
  if (failed(expectGroups(*this, "C3", Groups, "n", Columns)))
    return failure();
  return expectPositive(*this, "C4", "eps", getEps());
}

int64_t ExpertProductsOp::getExpertCount() {
  return getShard() ? getShard()->getExtent() : extent(getW1(), 0);
}

LogicalResult ExpertProductsOp::verify() {
  if (failed(expectShape(*this, "C1", "x", getX(), {ragged("T"), fixed("D")})))
    return failure();
  const int64_t Tokens = extent(getX(), 0), Width = extent(getX(), 1);
  if (failed(expectShape(*this, "C1", "experts", getExperts(),
                         {ragged("T", Tokens), fixed("K")})) ||
      failed(
          expectExpertWeights(*this, "C2", Width, getW1(), getW3(), getW2())))
    return failure();
  const int64_t Partials = getPartials();
  if (failed(expectLeaves(*this, "C4", getLeaves(), "F", extent(getW1(), 1))) ||
      failed(expectPartials(*this, "C5", getLeaves(), Partials)))
    return failure();
  if (failed(expectShape(
          *this, "C3", "the result", getResult(),
          {ragged("T", Tokens),
           fixed("K·M·D", Partials * extent(getExperts(), 1) * Width)})) ||
      failed(expectElementType(*this, "C3", "the result", getResult(),
                               Float32Type::get(getContext()))))
    return failure();
  return expectShard(*this, "C6", getShardAttr(), extent(getW1(), 0));
}

LogicalResult CombineExpertsOp::verify() {
  if (failed(expectShape(*this, "C1", "weights", getWeights(),
                         {ragged("T"), fixed("K")})))
    return failure();
  const int64_t Tokens = extent(getWeights(), 0);
  if (failed(expectShape(*this, "C1", "the result", getResult(),
                         {ragged("T", Tokens), fixed("D")})))
    return failure();
  const int64_t Columns = extent(getWeights(), 1) * extent(getResult(), 1);
  if (failed(expectShape(*this, "C2", "outputs", getOutputs(),
                         {ragged("T", Tokens), fixed("K·D", Columns)})))
    return failure();
  return expectElementType(*this, "C2", "outputs", getOutputs(),
                           Float32Type::get(getContext()));
}
