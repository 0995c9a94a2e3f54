//===- M1ShardingOps.td - collectives and halves of ops ----*- tablegen -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Ops that `m1-shard` inserts. A sharded module is the program of every rank: types are those of one rank.
//
//===----------------------------------------------------------------------===//

#ifndef M1_SHARDING_OPS
#define M1_SHARDING_OPS

def M1_AllGatherOp : M1_Op<"all_gather", [Pure, DeclareOpInterfaceMethods<M1_OperandAxesOpInterface>]> {
  let summary = "Columns of all ranks: [T, n] to [T, N]";
  let description = [{
    The columns of the ranks that differ on `axis` only, in the order of their coordinates, cut off after N. All of them
    have the result.

    Constraints: (C1) x is [T, n] and the result [T, N] of x's element type; (C2) the module has a mesh with this axis;
    (C3) with P ranks, 1 <= N <= P·n.

    ```mlir
    %y = m1.all_gather %x over "tensor" : (tensor<?x64xf32>) -> tensor<?x250xf32>
    ```
  }];
  let arguments = (ins M1_Rows:$x, StrAttr:$axis);
  let results = (outs M1_Rows:$result);
  let assemblyFormat = "$x `over` $axis attr-dict `:` functional-type(operands, results)";
}

def M1_TreeSumOp : M1_Op<"tree_sum", [Pure, DeclareOpInterfaceMethods<M1_OperandAxesOpInterface>]> {
  let summary = "The sum over all ranks' partial sums: [T, G·M·N] to [T, G·N]";
  let description = [{
    A row of x consists of G `groups` of columns (one unless stated, or one for each choice of `m1.expert_products`), each of
    M `partials`: columns m·N <= j < (m+1)·N of a group are partial sum m of a rank. Each group of a token is summed by
    itself, as if it were a row: x is [T·G, M·N] in memory. The partial sums of all ranks that differ on `axis` only,
    in the order of their coordinates, are added by the tree: neighbours 2i and 2i+1 are added, level by level; an odd last
    one moves up unchanged. All of them have the result.

    Constraints: (C1) x is [T, G·M·N] and the result [T, G·N], both of f32; (C2) the module has a mesh with this axis;
    (C3) there are M >= 1 partial sums and G >= 1 groups.

    ```mlir
    %y = m1.tree_sum %x over "tensor" partials 1 : (tensor<?x32xf32>) -> tensor<?x32xf32>
    ```
  }];
  let arguments = (ins M1_Rows:$x, StrAttr:$axis, I64Attr:$partials, DefaultValuedAttr<I64Attr, "1">:$groups);
  let results = (outs M1_Rows:$result);
  let assemblyFormat = [{
    $x `over` $axis (`groups` $groups^)? `partials` $partials attr-dict `:` functional-type(operands, results)
  }];
}

def M1_LogProbPartsOp : M1_Op<"log_prob_parts", [Pure, DeclareOpInterfaceMethods<M1_OperandAxesOpInterface>,
    DeclareOpInterfaceMethods<M1_CostOpInterface>]> {
  let summary = "What a part of the vocabulary contributes to head_log_prob(x, weight, targets)";
  let description = [{
    The vocabulary is cut into groups of 1,024 tokens, G in all for the v rows of weight. For each group, of the logits
    x weightᵀ: `maxima`, the largest; `others`, Σ exp(logit - largest) without the target; `chosen`, the target's logit,
    or 0 if the target is in another group. `m1.join_log_prob` makes the log-probability of them.

    With `shard`, row 0 of weight is token coordinate · step of the vocabulary. Rows of tokens that do not exist
    contribute nothing: a group of them only has maximum -infinity and others 0.

    Constraints: (C1) x is [T, D] and weight a static [v, D]; (C2) targets is [T]; (C3) the results are [T, G] of f32;
    (C4) with `shard`, its step is v and a multiple of 1,024, and the module has a mesh with its axis.
  }];
  let arguments = (ins M1_Rows:$x, M1_Weight:$weight, M1_Index:$targets, OptionalAttr<M1_ShardAttr>:$shard);
  let results = (outs M1_Rows:$maxima, M1_Rows:$others, M1_Rows:$chosen);
  let assemblyFormat = [{
    $x `,` $weight `,` $targets (`shard` $shard^)? attr-dict `:` functional-type(operands, results)
  }];
  let extraClassDeclaration = [{
    /// The number of tokens in the whole vocabulary.
    int64_t getVocabulary();
  }];
}

def M1_JoinLogProbOp : M1_Op<"join_log_prob", [Pure, DeclareOpInterfaceMethods<M1_OperandAxesOpInterface>]> {
  let summary = "The log-probability of tokens from the parts of all groups of the vocabulary";
  let description = [{
    With M the largest of a token's maxima and c the sum of `chosen`:
    result = c - M - log(Σ_g others_g exp(maxima_g - M) + exp(c - M)).

    Constraints: (C1) maxima, others and chosen are [T, G] of f32; (C2) the result is [T] of f32.
  }];
  let arguments = (ins M1_Rows:$maxima, M1_Rows:$others, M1_Rows:$chosen);
  let results = (outs RankedTensorOf<[F32]>:$result);
  let assemblyFormat = "$maxima `,` $others `,` $chosen attr-dict `:` functional-type(operands, results)";
}

#endif // M1_SHARDING_OPS
