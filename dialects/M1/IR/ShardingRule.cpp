//===- ShardingRule.cpp - rules of shardable ops --------------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/M1/IR/M1.h"
#include "dialects/M1/IR/Shardable.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace m1;

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

SmallVector<int64_t> m1::shardableShape(Type T) {
  if (auto Tensor = dyn_cast<RankedTensorType>(T))
    return SmallVector<int64_t>(Tensor.getShape());
  if (auto State = dyn_cast<LightningStateType>(T))
    return {State.getHeads()};
  if (auto Cache = dyn_cast<KVCacheType>(T))
    return {Cache.getHeads()};
  return {};
}

Type m1::localType(Type Whole, ArrayRef<SliceAttr> Slices) {
  SmallVector<int64_t> Shape = shardableShape(Whole);
  for (SliceAttr Slice : Slices)
    Shape[Slice.getDimension()] = Slice.getStep();
  if (auto Tensor = dyn_cast<RankedTensorType>(Whole))
    return RankedTensorType::get(Shape, Tensor.getElementType());
  if (auto State = dyn_cast<LightningStateType>(Whole))
    return LightningStateType::get(Whole.getContext(), Shape[0],
                                   State.getHeadDim(), State.getChunk(),
                                   State.getElementType());
  if (auto Cache = dyn_cast<KVCacheType>(Whole))
    return KVCacheType::get(Whole.getContext(), Shape[0], Cache.getHeadDim(),
                            Cache.getElementType(), Cache.getBlock());
  return Whole;
}

SliceAttr m1::sliceOf(ArrayRef<SliceAttr> Slices, int64_t Dimension) {
  for (SliceAttr Slice : Slices)
    if (Slice.getDimension() == Dimension)
      return Slice;
  return {};
}

//===----------------------------------------------------------------------===//
// ShardingRule
//===----------------------------------------------------------------------===//

std::optional<unsigned> ShardingRule::find(StringRef Name) const {
  for (auto [Number, Each] : llvm::enumerate(Factors))
    if (Each.Name == Name)
      return Number;
  return std::nullopt;
}

/// The number of a factor, which is added if the rule does not have it yet:
/// `H`, or `G=8` with its extent.
unsigned ShardingRule::factor(StringRef Text) {
  auto [Name, Extent] = Text.split('=');
  std::optional<unsigned> Number = find(Name);
  if (!Number) {
    Number = Factors.size();
    Factors.push_back({Name.str()});
  }
  if (!Extent.empty()) {
    [[maybe_unused]] bool Wrong =
        Extent.getAsInteger(10, Factors[*Number].Extent);
    assert(!Wrong && "an extent is a number");
  }
  return *Number;
}

/// Parses `T (H d)`.
ShardingRule::Shape ShardingRule::parseShape(StringRef Text, Type Of) {
  Shape Dimensions;
  if (Text == "...") {
    // Dimensions of this name are the same in all operands and results.
    static constexpr StringRef Names[] = {"0", "1", "2", "3"};
    const size_t Rank = cast<RankedTensorType>(Of).getRank();
    assert(Rank <= std::size(Names) && "m1 has tensors of rank 3 at most");
    for (StringRef Name : ArrayRef(Names).take_front(Rank))
      Dimensions.push_back({factor(Name)});
    return Dimensions;
  }
  while (!(Text = Text.ltrim()).empty()) {
    Dimension &Next = Dimensions.emplace_back();
    StringRef Product;
    if (Text.consume_front("("))
      std::tie(Product, Text) = Text.split(')');
    else
      std::tie(Product, Text) = Text.split(' ');
    SmallVector<StringRef> Names;
    Product.split(Names, ' ');
    for (StringRef Name : Names)
      if (Name != "1")
        Next.push_back(factor(Name));
  }
  return Dimensions;
}

/// Finds the extents of factors that are the only unknown one of a dimension.
void ShardingRule::solve(const Shape &Dimensions, Type Of) {
  for (auto [Product, Extent] : llvm::zip(Dimensions, shardableShape(Of))) {
    int64_t Known = 1;
    SmallVector<unsigned> Unknown;
    for (unsigned Number : Product)
      if (ShapedType::isDynamic(Factors[Number].Extent))
        Unknown.push_back(Number);
      else
        Known *= Factors[Number].Extent;
    if (Unknown.size() == 1 && !ShapedType::isDynamic(Extent))
      Factors[Unknown[0]].Extent = Extent / Known;
  }
}

ShardingRule::ShardingRule(StringRef Text, Operation *Op) {
  auto [Shapes, Kinds] = Text.split(';');
  auto [Before, After] = Shapes.split("->");
  auto Parse = [&](StringRef List, TypeRange Types,
                   SmallVectorImpl<Shape> &To) {
    SmallVector<StringRef> Each;
    List.split(Each, ',');
    assert(Each.size() >= Types.size() && "a rule has all operands");
    for (auto [One, Of] : llvm::zip(Each, Types))
      To.push_back(parseShape(One.trim(), Of));
  };
  Parse(Before, Op->getOperandTypes(), Operands);
  Parse(After, Op->getResultTypes(), Results);

  SmallVector<StringRef> Words;
  Kinds.split(Words, ' ', -1, /*KeepEmpty=*/false);
  Kind Now = Kind::Free;
  for (StringRef Word : Words)
    if (Word == "sum")
      Now = Kind::Sum;
    else if (Word == "whole")
      Now = Kind::Whole;
    else
      Factors[factor(Word)].Is = Now;

  // Each round finds at least one extent, or there is none to be found.
  for (size_t Round = 0; Round < Factors.size(); ++Round) {
    for (auto [Dimensions, Of] : llvm::zip(Operands, Op->getOperandTypes()))
      solve(Dimensions, Of);
    for (auto [Dimensions, Of] : llvm::zip(Results, Op->getResultTypes()))
      solve(Dimensions, Of);
  }
}

//===----------------------------------------------------------------------===//
// OpSharding
//===----------------------------------------------------------------------===//

bool OpSharding::any() const {
  return llvm::any_of(Shards, [](const auto &Shard) { return bool(Shard); });
}

bool OpSharding::decode(
    const ShardingRule::Dimension &Dimension, SliceAttr Slice,
    SmallVectorImpl<std::pair<unsigned, FactorShard>> &Found) const {
  if (Dimension.empty())
    return false;
  auto ExtentOf = [&](unsigned Number) { return Rule.Factors[Number].Extent; };
  int64_t Inner = 1;
  for (unsigned Number : ArrayRef(Dimension).drop_front())
    Inner *= ExtentOf(Number);
  const int64_t Step = Slice.getStep(), Outer = ExtentOf(Dimension[0]);
  if (Slice.getExtent() != Outer * Inner)
    return false;
  if (Step % Inner == 0) {
    Found.push_back(
        {Dimension[0],
         {Slice.getAxis(), Step / Inner, Outer, Slice.getReplicas()}});
    return true;
  }
  // Several ranks have one index of the outermost factor, and each a part of
  // the next.
  if (Dimension.size() < 2 || Slice.getReplicas() != 1 || Inner % Step != 0)
    return false;
  const int64_t Next = ExtentOf(Dimension[1]);
  if (Step % (Inner / Next) != 0)
    return false;
  Found.push_back({Dimension[0], {Slice.getAxis(), 1, Outer, Inner / Step}});
  Found.push_back(
      {Dimension[1], {Slice.getAxis(), Step / (Inner / Next), Next, 1}});
  return true;
}

ValueSharding OpSharding::encode(MLIRContext *Context,
                                 const ShardingRule::Shape &Dimensions) const {
  ValueSharding Slices;
  for (auto [Number, Dimension] : llvm::enumerate(Dimensions)) {
    if (Dimension.empty() || !Shards[Dimension[0]])
      continue;
    const FactorShard &Outer = *Shards[Dimension[0]];
    int64_t Inner = 1;
    for (unsigned Factor : ArrayRef(Dimension).drop_front())
      Inner *= Rule.Factors[Factor].Extent;
    int64_t Step = Outer.Step * Inner, Replicas = Outer.Replicas;
    if (Dimension.size() > 1 && Shards[Dimension[1]]) {
      const FactorShard &Next = *Shards[Dimension[1]];
      Step = Inner / Next.Extent * Next.Step;
      Replicas = 1;
    }
    Slices.push_back(SliceAttr::get(Context, Number, Outer.Axis, Step,
                                    Outer.Extent * Inner, Replicas));
  }
  return Slices;
}

//===----------------------------------------------------------------------===//
// ShardBuilder
//===----------------------------------------------------------------------===//

const FactorShard *ShardBuilder::find(StringRef Factor) const {
  std::optional<unsigned> Number = Sharding.Rule.find(Factor);
  if (!Number || !Sharding.Shards[*Number])
    return nullptr;
  return &*Sharding.Shards[*Number];
}

ShardAttr ShardBuilder::attribute(const FactorShard *Shard) {
  if (!Shard)
    return {};
  return ShardAttr::get(getContext(), Shard->Axis, Shard->Step, Shard->Extent);
}

Type ShardBuilder::resultType(unsigned Number) const {
  return localType(
      Op->getResult(Number).getType(),
      Sharding.encode(Op->getContext(), Sharding.Rule.Results[Number]));
}

RankedTensorType ShardBuilder::sumType(unsigned Number) {
  return cast<RankedTensorType>(resultType(Number)).clone(getF32Type());
}

SmallVector<Value> ShardBuilder::emitLocal() {
  Operation *Local = clone(*Op);
  for (unsigned Number = 0; Number < Op->getNumResults(); ++Number)
    Local->getResult(Number).setType(resultType(Number));
  return Local->getResults();
}

Value ShardBuilder::allGather(Value X, const FactorShard &Shard,
                              int64_t Columns) {
  auto Type = cast<RankedTensorType>(X.getType());
  return create<AllGatherOp>(
      RankedTensorType::get({Type.getDimSize(0), Columns},
                            Type.getElementType()),
      X, Shard.Axis);
}

Value ShardBuilder::treeSum(Value X, const FactorShard &Shard, int64_t Partials,
                            int64_t Groups) {
  auto Type = cast<RankedTensorType>(X.getType());
  return create<TreeSumOp>(
      RankedTensorType::get({Type.getDimSize(0), Type.getDimSize(1) / Partials},
                            Type.getElementType()),
      X, Shard.Axis, getI64IntegerAttr(Partials), getI64IntegerAttr(Groups));
}

int64_t ShardBuilder::partialsOf(int64_t Leaves) {
  return Leaves >> llvm::countr_zero(uint64_t(Leaves));
}

Value ShardBuilder::castTo(Value X, unsigned Number) {
  Type Wanted = resultType(Number);
  return X.getType() == Wanted ? X : create<CastOp>(Wanted, X).getResult();
}
