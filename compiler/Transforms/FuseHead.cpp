//===- FuseHead.cpp - fuses the output head with its log-softmax ----------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Transforms/Passes.h"
#include "dialects/M1/IR/M1.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace m1 {
#define GEN_PASS_DEF_FUSEHEAD
#include "compiler/Transforms/Passes.h.inc"
} // namespace m1

namespace {

/// token_log_prob(linear(x, w) : f32, targets) -> head_log_prob(x, w, targets).
/// Logits with another use are computed in any case; fusing would compute them
/// twice.
struct FuseHeadPattern : OpRewritePattern<m1::TokenLogProbOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(m1::TokenLogProbOp Op,
                                PatternRewriter &Rewriter) const override {
    if (Op.getTemperature())
      return Rewriter.notifyMatchFailure(Op, "has a temperature");
    auto Head = Op.getLogits().getDefiningOp<m1::LinearOp>();
    if (!Head)
      return Rewriter.notifyMatchFailure(Op, "logits are not a product");
    if (!Head->hasOneUse())
      return Rewriter.notifyMatchFailure(Op, "the logits have another use");
    if (!getElementTypeOrSelf(Head.getType()).isF32())
      return Rewriter.notifyMatchFailure(Op, "the logits are rounded");
    if (Head.getLeaves() != 1)
      return Rewriter.notifyMatchFailure(Op, "the logits' sums have leaves");
    if (llvm::any_of(Head->getOperandTypes(),
                     [](Type T) { return getElementTypeOrSelf(T).isF64(); }))
      return Rewriter.notifyMatchFailure(Op, "head_log_prob rejects f64");
    Rewriter.replaceOpWithNewOp<m1::HeadLogProbOp>(
        Op, Op.getType(), Head.getX(), Head.getWeight(), Op.getTargets());
    Rewriter.eraseOp(Head);
    return success();
  }
};

struct FuseHead : m1::impl::FuseHeadBase<FuseHead> {
  void runOnOperation() override {
    RewritePatternSet Patterns(&getContext());
    Patterns.add<FuseHeadPattern>(&getContext());
    if (failed(
            applyPatternsAndFoldGreedily(getOperation(), std::move(Patterns))))
      signalPassFailure();
  }
};

} // namespace
