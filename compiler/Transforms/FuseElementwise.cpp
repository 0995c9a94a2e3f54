//===- FuseElementwise.cpp - fuses linear and elementwise ops -------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Transforms/Passes.h"
#include "dialects/M1/IR/M1.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;

namespace m1 {
#define GEN_PASS_DEF_FUSEELEMENTWISE
#include "compiler/Transforms/Passes.h.inc"
} // namespace m1

namespace {

/// A linear op and the elementwise ops joined to it so far.
using Chain = SmallVector<Operation *>;

/// Returns true if the only use of `V` is an elementwise op of the same block
/// that can be joined to the op that computes `V`.
bool canGrow(Value V) {
  if (!V.hasOneUse() || cast<RankedTensorType>(V.getType()).getRank() != 2)
    return false;
  OpOperand &Use = *V.use_begin();
  auto Elementwise = dyn_cast<m1::ElementwiseOpInterface>(Use.getOwner());
  return Elementwise && Elementwise->getBlock() == V.getParentBlock() &&
         !Elementwise.isPerToken(Use.getOperandNumber());
}

/// Moves a chain with at least one elementwise op into an m1.fused, which
/// replaces its last op.
void fuse(const Chain &Ops) {
  Operation *Last = Ops.back();
  Value Result = Last->getResult(0);
  OpBuilder B(Last);
  auto Fused = B.create<m1::FusedOp>(Last->getLoc(), Result.getType());
  Block &Body = Fused.getBodyRegion().emplaceBlock();
  Result.replaceAllUsesWith(Fused.getResult());
  for (Operation *Op : Ops)
    Op->moveBefore(&Body, Body.end());
  B.setInsertionPointToEnd(&Body);
  B.create<m1::YieldOp>(Last->getLoc(), Result);
}

void fuseBlock(Block &Ops) {
  DenseMap<Value, Chain> Growing; // by the last result of each
  for (Operation &Op : llvm::make_early_inc_range(Ops)) {
    Chain Joined;
    if (auto Linear = dyn_cast<m1::LinearOp>(Op)) {
      if (getElementTypeOrSelf(Linear.getType()).isF32() &&
          Linear.getPartials() == 1)
        Joined = {Linear};
    } else if (isa<m1::ElementwiseOpInterface>(Op)) {
      // The op joins the chain of its first operand that has one; the chains of
      // other operands end here.
      for (Value Operand : Op.getOperands()) {
        auto It = Growing.find(Operand);
        if (It == Growing.end())
          continue;
        Chain Found = std::move(It->second);
        Growing.erase(It);
        if (Joined.empty()) {
          Joined = std::move(Found);
          Joined.push_back(&Op);
        } else if (Found.size() > 1) {
          fuse(Found);
        }
      }
    }
    if (Joined.empty())
      continue;
    if (Value Result = Op.getResult(0); canGrow(Result))
      Growing[Result] = std::move(Joined);
    else if (Joined.size() > 1)
      fuse(Joined);
  }
}

struct FuseElementwise : m1::impl::FuseElementwiseBase<FuseElementwise> {
  void runOnOperation() override {
    getOperation().walk([](Block *Ops) {
      if (!isa<m1::FusedOp>(Ops->getParentOp()))
        fuseBlock(*Ops);
    });
  }
};

} // namespace
