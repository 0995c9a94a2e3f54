//===- Passes.td - passes from m1 to m1 --------------------*- tablegen -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef M1_COMPILER_TRANSFORMS_PASSES
#define M1_COMPILER_TRANSFORMS_PASSES

include "mlir/Pass/PassBase.td"

def FuseElementwise : Pass<"m1-fuse-elementwise", "::mlir::func::FuncOp"> {
  let summary = "Fuses linear layers and the elementwise ops after them to m1.fused";
  let description = [{
    A chain starts at an `m1.linear` with an f32 result and grows as long as the only use of its last result is an
    operand of an elementwise op (`ElementwiseOpInterface`). The chain becomes an `m1.fused`, which replaces its last
    op.

    A chain does not grow if its result has several uses or rank 3, or is the per-token operand of its user. If several
    operands of an op end a chain, the op joins that of the first; the others end before it.
  }];
}

def FuseHead : Pass<"m1-fuse-head", "::mlir::func::FuncOp"> {
  let summary = "Fuses the output head and its log-softmax to m1.head_log_prob";
  let description = [{
    `token_log_prob(linear(x, weight) : f32, targets)` becomes `head_log_prob(x, weight, targets)` if the logits have no
    other use. The [T, V] tensor is then never materialised.
  }];
}

def VerifyStates : Pass<"m1-verify-states", "::mlir::func::FuncOp"> {
  let summary = "Verifies that each state is read once and written once, with a chain of single uses in between";
  let description = [{
    Later stages rely on this to update states in place. In each function that uses a state, the state is read once, and
    its value passes through ops that update it (`StateUpdateOpInterface`), each the only use of the value before, to
    one `m1.write_state` of the same state.
  }];
}

def ReturnValues : Pass<"m1-return-values", "::mlir::func::FuncOp"> {
  let summary = "Makes a function return its intermediate values, for debugging";
  let description = [{
    Appends the values that the ops of a function compute to its results, in order, so that compiled code and the
    interpreter can be compared value by value. Parameters, states, views of other values, and values that are returned
    already are left out. Result I of those appended is called `v<I>.<op>.<location>`; characters that `m1.name` does
    not allow become `_`.

    A value that is returned cannot be fused with its user. Run after `m1-fuse-elementwise`, the pass returns the values
    that the compiled functions compute.
  }];
}

#endif // M1_COMPILER_TRANSFORMS_PASSES
