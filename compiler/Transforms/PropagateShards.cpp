//===- PropagateShards.cpp - which part of each value a rank has ----------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Transforms/PropagateShards.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace m1;

//===----------------------------------------------------------------------===//
// Parameters
//===----------------------------------------------------------------------===//

/// If ranks have different sources of a parameter, these are alike: one program
/// reads them on all ranks.
static LogicalResult verifySources(ParameterOp Parameter) {
  auto Sources = Parameter.getSources().getAsRange<SourceAttr>();
  auto Alike = [](SourceAttr A, SourceAttr B) {
    return SourceAttr::get(A.getContext(), B.getTensor(), A.getAxis(),
                           A.getBegin(), A.getEnd(), A.getExtent(),
                           A.getStored()) == B;
  };
  SourceAttr First = *Sources.begin();
  for (SourceAttr Each : Sources)
    if (!Alike(First, Each))
      return Parameter.emitOpError(
                 "cannot be shared by ranks: expected sources "
                 "of one shape and element type, found ")
             << First << " and " << Each;
  return success();
}

/// Determines the part of a parameter that a rank has.
LogicalResult ShardPropagation::seed(ParameterOp Parameter) {
  ArrayAttr Entries = Parameter.getShardingAttr();
  if (!Entries)
    return success();
  auto Type = cast<RankedTensorType>(Parameter.getType());
  ValueSharding Slices;
  for (auto Entry : Entries.getAsRange<ShardingAttr>()) {
    const int64_t Ranks = Mesh.getExtent(Entry.getAxis());
    if (Ranks == 1)
      continue;
    const int64_t Extent = Type.getDimSize(Entry.getDimension());
    const int64_t Units = llvm::divideCeil(Extent, Entry.getUnit());
    int64_t Step = llvm::divideCeil(Units, Ranks) * Entry.getUnit();
    int64_t Replicas = 1;
    if (Entry.getReplicable() && Units < Ranks && Ranks % Units == 0) {
      Replicas = Ranks / Units;
    } else if (!Entry.getIsShort() && Units % Ranks != 0) {
      InFlightDiagnostic Error =
          Parameter.emitOpError("cannot be shared evenly by ")
          << Ranks << " ranks: expected a number of units of "
          << Entry.getUnit() << " elements along dimension "
          << Entry.getDimension() << " that is a multiple of "
          << Entry.getAxis().getValue() << " = " << Ranks;
      if (Entry.getReplicable())
        Error << " or divides it";
      return Error << ", found " << Units;
    }
    if (Parameter.isStacked() && Entry.getDimension() == 0 &&
        failed(verifySources(Parameter)))
      return failure();
    Slices.push_back(SliceAttr::get(Entry.getContext(), Entry.getDimension(),
                                    Entry.getAxis(), Step, Extent, Replicas));
  }
  if (!Slices.empty())
    Parameters[Parameter.getSymName()] = std::move(Slices);
  return success();
}

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

ArrayRef<SliceAttr> ShardPropagation::shardingOf(OpOperand &Operand) {
  if (Gathered.contains(&Operand))
    return {};
  auto Found = Values.find(Operand.get());
  return Found == Values.end() ? ArrayRef<SliceAttr>() : Found->second;
}

/// Notes that an operand is needed whole. Only columns can be gathered.
LogicalResult ShardPropagation::gather(OpOperand &Operand) {
  ArrayRef<SliceAttr> Slices = shardingOf(Operand);
  Operation *User = Operand.getOwner();
  if (auto Load = Operand.get().getDefiningOp<LoadParameterOp>())
    return User->emitOpError("cannot be computed in parts: it would need "
                             "parameter ")
           << Load.getParameterAttr() << " whole, of which ranks have "
           << Slices[0];
  if (Slices.size() != 1 || Slices[0].getDimension() != 1 ||
      Slices[0].getReplicas() != 1 ||
      isa<IntegerType>(
          cast<RankedTensorType>(Operand.get().getType()).getElementType()))
    return User->emitOpError("cannot be computed in parts: it would need "
                             "operand ")
           << Operand.getOperandNumber() << " whole, of which ranks have "
           << Slices[0] << "; only columns without replicas can be gathered";
  Gathered.insert(&Operand);
  return success();
}

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

/// Combines the shards of the operands' factors in `Sharding`. If an operand
/// does not agree with the op or with other operands, returns one that is to be
/// gathered.
std::optional<OpOperand *> ShardPropagation::findRejected(OpSharding &Sharding,
                                                          Operation *Op) {
  const ShardingRule &Rule = Sharding.Rule;
  std::fill(Sharding.Shards.begin(), Sharding.Shards.end(), std::nullopt);
  SmallVector<OpOperand *> Givers(Rule.Factors.size());
  for (OpOperand &Operand : Op->getOpOperands()) {
    const ShardingRule::Shape &Shape =
        Rule.Operands[Operand.getOperandNumber()];
    for (SliceAttr Slice : shardingOf(Operand)) {
      SmallVector<std::pair<unsigned, FactorShard>, 2> Found;
      if (!Sharding.decode(Shape[Slice.getDimension()], Slice, Found))
        return &Operand;
      for (auto [Number, Shard] : Found) {
        const ShardingRule::Kind Kind = Rule.Factors[Number].Is;
        if (Kind == ShardingRule::Kind::Whole ||
            (Kind == ShardingRule::Kind::Sum && Shard.Replicas != 1))
          return &Operand;
        std::optional<FactorShard> &Known = Sharding.Shards[Number];
        if (Known && *Known != Shard)
          return &Operand;
        Known = Shard;
        Givers[Number] = &Operand;
      }
    }
  }
  // An operand that is whole cannot be cut.
  for (OpOperand &Operand : Op->getOpOperands()) {
    if (!isa<RankedTensorType>(Operand.get().getType()))
      continue;
    const ShardingRule::Shape &Shape =
        Rule.Operands[Operand.getOperandNumber()];
    for (auto [Number, Dimension] : llvm::enumerate(Shape)) {
      if (sliceOf(shardingOf(Operand), Number))
        continue;
      for (unsigned Factor : Dimension)
        if (Sharding.Shards[Factor])
          return Givers[Factor];
    }
  }
  return std::nullopt;
}

/// The states of an op are sharded as it needs them, and everywhere alike.
LogicalResult ShardPropagation::shardStates(OpSharding &Sharding,
                                            Operation *Op) {
  auto Update = dyn_cast<StateUpdateOpInterface>(Op);
  for (OpOperand &Operand : Op->getOpOperands()) {
    StringAttr Name = StateNames.lookup(Operand.get());
    if (!Name)
      continue;
    ValueSharding Slices = Sharding.encode(
        Op->getContext(), Sharding.Rule.Operands[Operand.getOperandNumber()]);
    auto [Entry, First] = States.try_emplace(Name.getValue(), Slices);
    if (!First && Entry->second != Slices)
      return Op->emitOpError("expected the same part of state ")
             << Name << " as in the ops before";
    if (Value Updated =
            Update ? Value(Update.getUpdatedState(Operand)) : Value())
      StateNames[Updated] = Name;
  }
  return success();
}

LogicalResult ShardPropagation::visit(ShardableOpInterface Op) {
  const std::string Text = Op.getShardingRule();
  OpSharding Sharding(ShardingRule(Text, Op));
  // Each round gathers one more operand.
  while (std::optional<OpOperand *> Rejected = findRejected(Sharding, Op))
    if (failed(gather(**Rejected)))
      return failure();
  if (failed(shardStates(Sharding, Op)))
    return failure();
  if (!Sharding.any())
    return success();
  for (auto [Number, Result] : llvm::enumerate(Op->getResults()))
    if (ValueSharding Slices =
            Sharding.encode(Op.getContext(), Sharding.Rule.Results[Number]);
        !Slices.empty())
      Values[Result] = std::move(Slices);
  Ops.try_emplace(Op, std::move(Sharding));
  return success();
}

LogicalResult ShardPropagation::visit(Operation *Op) {
  if (auto Load = dyn_cast<LoadParameterOp>(Op)) {
    if (auto Found = Parameters.find(Load.getParameter());
        Found != Parameters.end())
      Values[Load.getResult()] = Found->second;
    return success();
  }
  if (auto Read = dyn_cast<ReadStateOp>(Op)) {
    StateNames[Read.getResult()] = Read.getStateAttr().getAttr();
    return success();
  }
  if (isa<WriteStateOp>(Op))
    return success();
  if (auto Shardable = dyn_cast<ShardableOpInterface>(Op))
    return visit(Shardable);
  // Any other op, and those inside it, need everything whole.
  WalkResult Result = Op->walk([&](Operation *Each) {
    for (OpOperand &Operand : Each->getOpOperands())
      if (!shardingOf(Operand).empty() && failed(gather(Operand)))
        return WalkResult::interrupt();
    return WalkResult::advance();
  });
  return failure(Result.wasInterrupted());
}

LogicalResult ShardPropagation::run() {
  for (auto Parameter : Module.getOps<ParameterOp>())
    if (failed(seed(Parameter)))
      return failure();
  for (auto Function : Module.getOps<func::FuncOp>())
    for (Block &Body : Function.getBody())
      for (Operation &Op : Body)
        if (failed(visit(&Op)))
          return failure();
  return success();
}
