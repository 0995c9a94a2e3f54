//===- ExpandMath.cpp - mathematical functions as polynomials -------------===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Codegen/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace m1 {
#define GEN_PASS_DEF_EXPANDMATH
#include "compiler/Codegen/Passes.h.inc"
} // namespace m1

using namespace mlir;

namespace {

struct ExpandMath : m1::impl::ExpandMathBase<ExpandMath> {
  using ExpandMathBase::ExpandMathBase;

  void runOnOperation() override {
    RewritePatternSet Patterns(&getContext());
    populateMathPolynomialApproximationPatterns(Patterns);
    if (failed(
            applyPatternsAndFoldGreedily(getOperation(), std::move(Patterns))))
      signalPassFailure();
  }
};

} // namespace
