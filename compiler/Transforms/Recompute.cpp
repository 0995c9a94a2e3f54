//===- Recompute.cpp - trades time for memory of activations --------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Transforms/Passes.h"
#include "dialects/M1/IR/M1.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;

namespace m1 {
#define GEN_PASS_DEF_RECOMPUTE
#include "compiler/Transforms/Passes.h.inc"
} // namespace m1

namespace {

/// The op whose result `Op` returns: the last of a fused op's body, else `Op`.
Operation *lastOf(Operation *Op) {
  auto Fused = dyn_cast<m1::FusedOp>(Op);
  return Fused ? Fused.getBody()->getTerminator()->getPrevNode() : Op;
}

bool hasCost(Operation *Op) {
  return isa<m1::FusedOp, m1::CostOpInterface>(Op);
}

class Recomputation {
public:
  Recomputation(Operation *LastLoss, int64_t Level)
      : LastLoss(LastLoss), Level(Level) {}

  /// Makes `User`, an op of the backward pass, use values that are computed
  /// anew.
  void rewrite(Operation *User) {
    User->walk([&](Operation *Op) {
      for (OpOperand &Operand : Op->getOpOperands())
        Operand.set(get(Operand.get(), User));
    });
  }

private:
  bool isRecomputed(Operation *Op) const {
    if (!Op || !Op->isBeforeInBlock(LastLoss) || !isMemoryEffectFree(Op) ||
        isa<m1::LoadParameterOp, m1::StateUpdateOpInterface>(Op) ||
        isa<m1::ResidualOp>(lastOf(Op)))
      return false;
    if (auto Differentiable = dyn_cast<m1::DifferentiableOpInterface>(Op);
        Differentiable && Differentiable.isLoss())
      return false;
    return Level >= (hasCost(Op) ? 2 : 1);
  }

  /// The value to use in place of `V` by ops from `User` on.
  Value get(Value V, Operation *User) {
    Operation *Op = V.getDefiningOp();
    // A value from inside of a fused op belongs to it.
    if (!Op || Op->getBlock() != LastLoss->getBlock() || !isRecomputed(Op))
      return V;
    if (!Mapping.contains(V)) {
      Operation *Copy = Op->clone();
      OpBuilder(User).insert(Copy);
      for (auto [Old, New] : llvm::zip(Op->getResults(), Copy->getResults()))
        Mapping.map(Old, New);
      Copy->walk([&](Operation *Inner) {
        for (OpOperand &Operand : Inner->getOpOperands())
          Operand.set(get(Operand.get(), Copy));
      });
    }
    return Mapping.lookup(V);
  }

  Operation *LastLoss;
  int64_t Level;
  IRMapping Mapping; ///< from values of the forward pass
};

struct Recompute : m1::impl::RecomputeBase<Recompute> {
  using RecomputeBase::RecomputeBase;

  void runOnOperation() override {
    if (level == 0 || getOperation().isExternal())
      return;
    Block &Body = getOperation().getBody().front();
    Operation *LastLoss = nullptr;
    for (Operation &Op : Body)
      if (auto Differentiable = dyn_cast<m1::DifferentiableOpInterface>(Op);
          Differentiable && Differentiable.isLoss())
        LastLoss = &Op;
    if (!LastLoss)
      return;
    SmallVector<Operation *> Backward;
    for (Operation *Op = LastLoss->getNextNode(); Op != Body.getTerminator();
         Op = Op->getNextNode())
      Backward.push_back(Op);
    Recomputation Values(LastLoss, level);
    for (Operation *Op : Backward)
      Values.rewrite(Op);
  }
};

} // namespace
