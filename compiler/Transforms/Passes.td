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

def ReturnValues : Pass<"m1-return-values", "::mlir::func::FuncOp"> {
  let summary = "Makes a function return its intermediate values, for debugging";
  let description = [{
    Appends the values that the ops of a function compute to its results, in their order, so that compiled code and the
    interpreter can be compared value by value. Parameters, states, and the results of ops that only rearrange memory are
    left out, as is what is returned already. Result I, counted among those appended, is called `v<I>.<op>.<location>`;
    characters that a tensor's name cannot have become `_`.

    Returning a value keeps it out of fused kernels: `--first=N` appends only the first N, and so finds the value that
    must not be fused.
  }];
  let options = [
    Option<"first", "first", "int64_t", /*default=*/"std::numeric_limits<int64_t>::max()",
           "Append at most this many values">
  ];
}

#endif // M1_COMPILER_TRANSFORMS_PASSES
