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

def Differentiate : Pass<"m1-differentiate", "::mlir::ModuleOp"> {
  let summary = "Appends the backward pass to functions that compute a loss";
  let description = [{
    In each function with terms of a loss (ops whose `DifferentiableOpInterface::isLoss` is true), the ops are visited
    from the last to the first. Each emits, at the end of the function, the gradients of its operands from those of its
    results. A value with several uses gets the sum of their gradients.

    The gradient of a parameter is added to the state `@PARAMETER.gradient`, which is declared if it is missing; that of
    its second use in the function to `@PARAMETER.gradient.1`, and so on. For each parameter with a gradient, the pass declares `m1.trained`, the parameter in full precision and the moments of
    the optimiser.
  }];
}

def BuildOptimizer : Pass<"m1-build-optimizer", "::mlir::ModuleOp"> {
  let summary = "Adds the functions that update trained parameters";
  let description = [{
    For the P parameters with an `m1.trained`, in order:

    - `update(max_norm[1], enabled[1], learning_rates[P], weight_decays[P], hyperparameters[5]) -> grad_norm[1],
      applied[1]`: a step of AdamW (`m1.adamw`) with gradients clipped by their global norm (`m1.clip_norm`), after
      which parameters have the new values and gradients are zero;
    - `collect()`: adds the gradients of all uses of each parameter to that of the first, for callers that read it;
      `update` does the same;
    - `publish()`: gives parameters the values of their masters, after callers have changed those.

    A module without trained parameters is unchanged.
  }];
  let dependentDialects = ["::mlir::func::FuncDialect"];
}

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

def Shard : Pass<"m1-shard", "::mlir::ModuleOp"> {
  let summary = "Rewrites a module with a mesh to the program of one rank";
  let description = [{
    First, the shards of the parameters (`sharding`) are propagated through the ops of each function, by the rules of
    `ShardableOpInterface`. Then parameters, states and values get the shapes of one rank, and `m1.all_gather` and
    `m1.tree_sum` are inserted where an op needs, or sums, what several ranks have (docs/sharding.md). Arguments and
    results of functions stay whole.

    A module without a mesh (`m1.mesh`), or with a mesh of one rank, is unchanged. Run after `m1-fuse-head`, so that
    log-probabilities do not need the logits whole, and before `m1-fuse-elementwise`.
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

def Recompute : Pass<"m1-recompute", "::mlir::func::FuncOp"> {
  let summary = "Decides what the backward pass keeps of the forward pass, and what it computes anew";
  let description = [{
    In a function with a loss, the ops after its last loss op are the backward pass. A value that they use is computed
    anew, once, before its first use there, if the level allows:

    - 0: nothing is; every value is kept. So are the products with w1 and w3 inside of experts, which `m1.experts` then
      returns for `m1.experts_gradient`;
    - 1: values that cost little: ops without `CostOpInterface` (norms, elementwise ops, rotary embeddings);
    - 2: the products inside of experts as well, by `m1.experts_gradient`, which does not store them;
    - 3: products, routers and experts as well.

    Always kept are the residual stream (computing it anew would take all layers before it), the results of ops that
    update states, such as attention, and parameters. Equal ops on equal values give equal bits, so no gradient
    changes. Run after CSE, which would undo it.
  }];
  let options = [Option<"level", "level", "int64_t", "0", "What may be computed anew: 0 to 3">];
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
