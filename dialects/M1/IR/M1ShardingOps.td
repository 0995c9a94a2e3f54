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

def M1_AllGatherOp : M1_Op<"all_gather", [Pure, M1_F64OpInterface, DeclareOpInterfaceMethods<M1_OperandAxesOpInterface>]> {
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
    contribute nothing; the parts of a group of them only are unspecified, and `m1.all_gather` cuts them off.

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

def M1_SquaresOp : M1_Op<"squares", [Pure, DeclareOpInterfaceMethods<M1_OperandAxesOpInterface>]> {
  let summary = "The sum of squares of each group of columns: [T, n] to [T, g]";
  let description = [{
    result[t, i] = Σ_j x[t, j]², over i · n/g <= j < (i + 1) · n/g. The first half of `m1.rms_norm` with g groups.

    Constraints: (C1) x is [T, n] and the result [T, g] of f32; (C2) g divides n.

    ```mlir
    %s = m1.squares %x : (tensor<?x128xf32>) -> tensor<?x2xf32>
    ```
  }];
  let arguments = (ins M1_Rows:$x);
  let results = (outs M1_Rows:$result);
  let assemblyFormat = "$x attr-dict `:` functional-type(operands, results)";
}

def M1_NormalizeOp : M1_Op<"normalize", [Pure, DeclareOpInterfaceMethods<M1_OperandAxesOpInterface>]> {
  let summary = "weight * x / sqrt(mean + eps), with the mean of the squares of all groups";
  let description = [{
    x are columns of a row of G groups, g `groups` of them; squares are the sums of squares of all G. mean is the tree
    over the squares, as in `m1.linear`, divided by the number of columns of a row, G · n/g. The second half of
    `m1.rms_norm`.

    Constraints: (C1) x and the result are [T, n], weight is a static [n]; (C2) squares is [T, G] of f32; (C3) groups is
    from 1 to G and divides n; (C4) eps is positive.

    ```mlir
    %y = m1.normalize %x, %weight, %all groups 2 eps 1.0e-6
      : (tensor<?x128xf32>, tensor<128xf32>, tensor<?x8xf32>) -> tensor<?x128xf32>
    ```
  }];
  let arguments = (ins M1_Rows:$x, M1_Weight:$weight, M1_Rows:$squares, I64Attr:$groups, F64Attr:$eps);
  let results = (outs M1_Rows:$result);
  let assemblyFormat = [{
    $x `,` $weight `,` $squares `groups` $groups `eps` $eps attr-dict `:` functional-type(operands, results)
  }];
}

def M1_ExpertProductsOp : M1_Op<"expert_products", [Pure, DeclareOpInterfaceMethods<M1_OperandAxesOpInterface>,
    DeclareOpInterfaceMethods<M1_CostOpInterface, ["getShareRead"]>]> {
  let summary = "The output of each of a token's experts: [T, K·M·D]";
  let description = [{
    result[t, (k · M + m) · D + d] = Σ_f h[f] w2[e, d, f] with h = silu(x[t] w1ᵀ) * (x[t] w3ᵀ) of expert
    e = experts[t, k], over m · F/M <= f < (m + 1) · F/M: the first half of `m1.experts`, with `leaves` and M `partials`
    as in `m1.linear`. `m1.combine_experts`, after `m1.tree_sum` with K groups where sums are partial, is the second.

    With `shard`, expert 0 of the weights is expert coordinate · step of all. The columns of a choice whose expert another
    rank has are -0, which changes no number that it is added to.

    Constraints: (C1) x is [T, D], experts [T, K]; (C2) w1 and w3 are static [E, F, D], w2 [E, D, F], of one element type;
    (C3) the result is [T, K·M·D] of f32; (C4) leaves is positive and divides F; (C5) partials is positive and divides
    leaves, and if it is not 1, leaves / partials is a power of two; (C6) with `shard`, its step is E, and the module has
    a mesh with its axis.
  }];
  let arguments = (ins M1_Rows:$x, RankedTensorOf<[I32]>:$experts, M1_Weight:$w1, M1_Weight:$w3, M1_Weight:$w2,
                       DefaultValuedAttr<I64Attr, "1">:$leaves, DefaultValuedAttr<I64Attr, "1">:$partials,
                       OptionalAttr<M1_ShardAttr>:$shard);
  let results = (outs M1_Rows:$result);
  let assemblyFormat = [{
    $x `,` $experts `,` $w1 `,` $w3 `,` $w2 (`leaves` $leaves^)? (`partials` $partials^)? (`shard` $shard^)? attr-dict
    `:` functional-type(operands, results)
  }];
  let extraClassDeclaration = [{
    /// The number of experts of all ranks.
    int64_t getExpertCount();
  }];
}

def M1_CombineExpertsOp : M1_Op<"combine_experts", [Pure, DeclareOpInterfaceMethods<M1_OperandAxesOpInterface>]> {
  let summary = "The weighted sum of the outputs of a token's experts: [T, K·D] to [T, D]";
  let description = [{
    result[t, d] = Σ_k weights[t, k] · outputs[t, k · D + d], in the order of k: the second half of `m1.experts`.

    Constraints: (C1) weights is [T, K] and the result [T, D]; (C2) outputs is [T, K·D] of f32.
  }];
  let arguments = (ins M1_Rows:$outputs, M1_Rows:$weights);
  let results = (outs M1_Rows:$result);
  let assemblyFormat = "$outputs `,` $weights attr-dict `:` functional-type(operands, results)";
}

#endif // M1_SHARDING_OPS
