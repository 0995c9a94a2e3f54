//===- FuseHead.cpp - log-probabilities without logits --------------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Transforms/Passes.h"
#include "dialects/M1/IR/M1.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace m1c {
#define GEN_PASS_DEF_FUSEHEAD
#include "compiler/Transforms/Passes.h.inc"
} // namespace m1c

namespace {

/// token_log_prob(linear(x, w) : f32, targets) -> head_log_prob(x, w, targets).
/// Logits that something else reads must be computed anyway, and then they cost
/// nothing more here.
struct FuseHeadPattern : OpRewritePattern<m1::TokenLogProbOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(m1::TokenLogProbOp op,
                                PatternRewriter &rewriter) const override {
    auto head = op.getLogits().getDefiningOp<m1::LinearOp>();
    if (!head)
      return rewriter.notifyMatchFailure(op, "logits are not a product");
    if (!head->hasOneUse())
      return rewriter.notifyMatchFailure(op, "the logits have another use");
    if (!getElementTypeOrSelf(head.getType()).isF32())
      return rewriter.notifyMatchFailure(op, "the logits are rounded");
    rewriter.replaceOpWithNewOp<m1::HeadLogProbOp>(
        op, op.getType(), head.getX(), head.getWeight(), op.getTargets());
    rewriter.eraseOp(head);
    return success();
  }
};

struct FuseHead : m1c::impl::FuseHeadBase<FuseHead> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<FuseHeadPattern>(&getContext());
    if (failed(
            applyPatternsAndFoldGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
