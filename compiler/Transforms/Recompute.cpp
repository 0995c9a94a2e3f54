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

/// The levels from which on something is computed anew; see the pass.
enum : int64_t { kCheapValues = 1, kExpertProducts = 2, kProducts = 3 };

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
    return Level >= (hasCost(Op) ? kProducts : kCheapValues);
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

/// The op of the forward pass whose gradients `Gradient` computes; null if
/// there is none with these operands.
m1::ExpertsOp forwardOf(m1::ExpertsGradientOp Gradient, Operation *LastLoss) {
  for (Operation *User : Gradient.getX().getUsers()) {
    auto Forward = dyn_cast<m1::ExpertsOp>(User);
    if (Forward && Forward->getBlock() == LastLoss->getBlock() &&
        Forward->isBeforeInBlock(LastLoss) &&
        Forward.getX() == Gradient.getX() &&
        Forward.getExperts() == Gradient.getExperts() &&
        Forward.getW1() == Gradient.getW1() &&
        Forward.getW3() == Gradient.getW3())
      return Forward;
  }
  return {};
}

/// Makes `Gradient` read gate and up, which `Forward` then returns.
void keepProducts(m1::ExpertsOp Forward, m1::ExpertsGradientOp Gradient) {
  if (Forward.getProducts().empty()) {
    ArrayRef<int64_t> Choices =
        cast<RankedTensorType>(Forward.getExperts().getType()).getShape();
    auto W1 = cast<RankedTensorType>(Forward.getW1().getType());
    OpBuilder B(Forward);
    Type Product = RankedTensorType::get(
        {Choices[0], Choices[1], W1.getDimSize(1)}, B.getF32Type());
    auto Keeping = B.create<m1::ExpertsOp>(
        Forward.getLoc(),
        TypeRange{Forward.getResult().getType(), Product, Product},
        Forward->getOperands(), Forward->getAttrs());
    Forward.getResult().replaceAllUsesWith(Keeping.getResult());
    Forward->erase();
    Forward = Keeping;
  }
  Gradient.getProductsMutable().assign(Forward.getProducts());
}

struct Recompute : m1::impl::RecomputeBase<Recompute> {
  using RecomputeBase::RecomputeBase;

  void runOnOperation() override {
    if (getOperation().isExternal())
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
    if (level < kExpertProducts)
      for (Operation *Op : Backward)
        if (auto Gradient = dyn_cast<m1::ExpertsGradientOp>(Op))
          if (m1::ExpertsOp Forward = forwardOf(Gradient, LastLoss))
            keepProducts(Forward, Gradient);
    if (level < kCheapValues)
      return;
    Recomputation Values(LastLoss, level);
    for (Operation *Op : Backward)
      Values.rewrite(Op);
  }
};

} // namespace
