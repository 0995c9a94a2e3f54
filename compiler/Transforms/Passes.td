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
  let summary = "Joins linear layers and the elementwise ops after them to m1.fused";
  let description = [{
    An `m1.linear` with an f32 result takes along the elementwise op that is its only user, and then that op's only
    user, as long as it is elementwise. The chain becomes an `m1.fused` in the place of its last op.

    Not joined: a result with two uses or of rank 3; a result that is the per-token operand of its user; a linear layer
    whose result is rounded to a narrower type. Of several results that an op could be joined to, the first operand's is
    taken; the others are computed on their own.
  }];
}

def FuseHead : Pass<"m1-fuse-head", "::mlir::func::FuncOp"> {
  let summary = "Turns the head's product and its log-softmax into m1.head_log_prob";
  let description = [{
    `token_log_prob(linear(x, weight) : f32, targets)` becomes `head_log_prob(x, weight, targets)` where nothing else
    reads the logits, so that the [T, V] tensor is never made.
  }];
}

def VerifyStates : Pass<"m1-verify-states", "::mlir::func::FuncOp"> {
  let summary = "Verifies that every state is read once and written once, with a chain of single uses between";
  let description = [{
    What later stages rely on to update states in place: in each function a state that is mentioned is read once; its
    value goes through attention ops, each of which uses it once, to one `m1.write_state` of the same state.
  }];
}

#endif // M1_COMPILER_TRANSFORMS_PASSES
