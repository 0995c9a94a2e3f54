//===- Shard.cpp - rewrites a module to that of one rank ------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Transforms/Passes.h"
#include "compiler/Transforms/PropagateShards.h"

using namespace mlir;
using namespace m1;

namespace m1 {
#define GEN_PASS_DEF_SHARD
#include "compiler/Transforms/Passes.h.inc"
} // namespace m1

namespace {

/// Rewrites a module as the propagation decided: types become those of one
/// rank, and collectives are inserted where ops need what other ranks have.
class ShardRewriter {
public:
  ShardRewriter(ModuleOp Module, ShardPropagation &Decided)
      : Module(Module), Decided(Decided) {}

  LogicalResult run();

private:
  void declare();
  LogicalResult rewrite(Operation *Op);
  Value gathered(Value Local);
  void setLocal(Value V, ArrayRef<m1::SliceAttr> Slices);

  ModuleOp Module;
  ShardPropagation &Decided;
  /// A value of one rank, what it is a part of, and which.
  struct Part {
    Type Whole;
    ValueSharding Slices;
  };
  DenseMap<Value, Part> Parts;
  DenseMap<Value, Value> Gathers; ///< the whole of a value
};

} // namespace

/// The types of declarations.
void ShardRewriter::declare() {
  Builder B(Module.getContext());
  for (auto Parameter : Module.getOps<m1::ParameterOp>()) {
    Parameter.removeShardingAttr();
    auto Found = Decided.Parameters.find(Parameter.getSymName());
    if (Found == Decided.Parameters.end())
      continue;
    Parameter.setType(
        cast<RankedTensorType>(localType(Parameter.getType(), Found->second)));
    SmallVector<Attribute> Slices(Found->second.begin(), Found->second.end());
    Parameter.setSlicesAttr(B.getArrayAttr(Slices));
  }
  for (auto State : Module.getOps<m1::StateOp>())
    if (auto Found = Decided.States.find(State.getSymName());
        Found != Decided.States.end())
      State.setType(localType(State.getType(), Found->second));
}

void ShardRewriter::setLocal(Value V, ArrayRef<m1::SliceAttr> Slices) {
  if (Slices.empty())
    return;
  Parts[V] = {V.getType(), ValueSharding(Slices)};
  V.setType(localType(V.getType(), Slices));
}

/// The whole of a value of one rank, gathered once for all its uses.
Value ShardRewriter::gathered(Value Local) {
  Value &Whole = Gathers[Local];
  if (Whole)
    return Whole;
  const Part &Of = Parts.at(Local);
  OpBuilder B(Local.getContext());
  B.setInsertionPointAfterValue(Local);
  Location Loc = Local.getLoc();
  auto Type = cast<RankedTensorType>(Of.Whole);
  // Heads are columns.
  const bool Heads = Type.getRank() == 3;
  auto Columns = [](RankedTensorType T) {
    return RankedTensorType::get(
        {T.getDimSize(0), T.getDimSize(1) * T.getDimSize(2)},
        T.getElementType());
  };
  Whole = Local;
  if (Heads)
    Whole = B.create<m1::MergeHeadsOp>(
        Loc, Columns(cast<RankedTensorType>(Local.getType())), Whole);
  Whole = B.create<m1::AllGatherOp>(Loc, Heads ? Columns(Type) : Type, Whole,
                                    Of.Slices[0].getAxis());
  if (Heads)
    Whole = B.create<m1::SplitHeadsOp>(Loc, Type, Whole);
  return Whole;
}

LogicalResult ShardRewriter::rewrite(Operation *Op) {
  Op->walk([&](Operation *Each) {
    for (OpOperand &Operand : Each->getOpOperands())
      if (Decided.Gathered.contains(&Operand))
        Operand.set(gathered(Operand.get()));
  });
  if (auto Load = dyn_cast<m1::LoadParameterOp>(Op)) {
    setLocal(Load.getResult(), Decided.Parameters.lookup(Load.getParameter()));
    return success();
  }
  if (auto Read = dyn_cast<m1::ReadStateOp>(Op)) {
    setLocal(Read.getResult(), Decided.States.lookup(Read.getState()));
    return success();
  }
  auto Found = Decided.Ops.find(Op);
  if (Found == Decided.Ops.end())
    return success();
  m1::ShardBuilder B(Op, Found->second);
  SmallVector<Value> Results;
  if (failed(cast<m1::ShardableOpInterface>(Op).emitSharded(B, Results)))
    return failure();
  for (auto [Whole, Local] : llvm::zip_equal(Op->getResults(), Results)) {
    if (auto Slices = Decided.Values.find(Whole);
        Slices != Decided.Values.end())
      Parts[Local] = {Whole.getType(), Slices->second};
    Whole.replaceAllUsesWith(Local);
  }
  Op->erase();
  return success();
}

LogicalResult ShardRewriter::run() {
  declare();
  for (auto Function : Module.getOps<func::FuncOp>())
    for (Block &Body : Function.getBody())
      for (Operation &Op : llvm::make_early_inc_range(Body))
        if (failed(rewrite(&Op)))
          return failure();
  return success();
}

namespace {

struct Shard : m1::impl::ShardBase<Shard> {
  void runOnOperation() override {
    ModuleOp Module = getOperation();
    m1::MeshAttr Mesh = meshOf(Module);
    if (!Mesh || Mesh.getRanks() == 1)
      return;
    for (auto State : Module.getOps<m1::StateOp>())
      if (isa<m1::TensorStateType>(State.getType())) {
        State.emitOpError("expected no mesh of several ranks in a module that "
                          "trains, found ")
            << Mesh;
        return signalPassFailure();
      }
    ShardPropagation Decided(Module, Mesh);
    if (failed(Decided.run()) || failed(ShardRewriter(Module, Decided).run()))
      signalPassFailure();
  }
};

} // namespace
