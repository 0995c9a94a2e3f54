//===- M1TrainingOps.td - derivatives, loss, optimiser -----*- tablegen -*-===//
//
// Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a training step needs besides the model: the gradient of each op of M1Ops.td, the loss, and the optimiser.
//
// `dy` is the gradient of the loss in an op's result; gradients of activations are results in f32. Gradients of
// parameters are added to tensors that persist between calls (`!m1.tensor_state`): each element starts from its
// contents and adds one term for each token, in the order of tokens. So the sum has the same bits however a batch of
// sequences is divided into calls, as long as their order is kept.
//
// The gradients of a product of bf16 by bf16 are themselves products of bf16 by bf16: `m1.cast` rounds a gradient before
// them, as it rounds a row before the product of the forward pass. All other gradients are f32.
//
// Sequences of a training step are complete: each begins at position 0. Where an op that sums over tokens knows them, by
// its operand `cu_seqlens`, a target may take the tokens of a sequence in pairs, (0, 1), (2, 3), ..., an odd last token
// alone, and add both terms of a pair at once. Sequences that follow each other in other calls or in other company have
// the same pairs, so the sum still does not depend on how a batch is divided.
//
//===----------------------------------------------------------------------===//

#ifndef M1_TRAINING_OPS
#define M1_TRAINING_OPS

def M1_One : RankedTensorOf<[F32]>;          // [1]
def M1_PerToken : RankedTensorOf<[F32]>;     // [T]
def M1_Gradient : RankedTensorOf<[F32]>;     // of an activation
def M1_RoundedGradient : RankedTensorOf<[F32, BF16]>; // as a product reads it

/// An op that adds to, or replaces, the tensor in the operand `state`; its result `newState` is the tensor afterwards.
class M1_AccumulateOp<string mnemonic, list<Trait> traits = []> : M1_Op<mnemonic, !listconcat([Pure,
    DeclareOpInterfaceMethods<M1_OperandAxesOpInterface>, DeclareOpInterfaceMethods<M1_StateUpdateOpInterface>,
    AllTypesMatch<["state", "newState"]>], traits)>;

/// An op that is a term of the loss.
defvar M1_LossOpInterface = DeclareOpInterfaceMethods<M1_DifferentiableOpInterface, ["isLoss"]>;

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

def M1_EmbeddingGradientOp : M1_AccumulateOp<"embedding_gradient"> {
  let summary = "Gradient of m1.embedding in its table: state[tokens[t]] += dy[t]";
  let description = [{
    Constraints: (C1) dy is [T, D] and tokens [T]; (C2) the state is [V, D] of f32.
  }];
  let arguments = (ins M1_Gradient:$dy, M1_Index:$tokens, M1_TensorStateType:$state);
  let results = (outs M1_TensorStateType:$newState);
  let assemblyFormat = "$dy `,` $tokens `,` $state attr-dict `:` functional-type(operands, results)";
}

def M1_LinearTransposedOp : M1_Op<"linear_transposed", [Pure, DeclareOpInterfaceMethods<M1_OperandAxesOpInterface>,
    DeclareOpInterfaceMethods<M1_CostOpInterface, ["getOperationsPerToken", "getCostKind"]>]> {
  let summary = "Gradient of m1.linear in x: result = dy weight";
  let description = [{
    result[t, k] = Σ_n dy[t, n] weight[n, k], summed in f32, in one reduction order over N for every T.

    Constraints: (C1) dy is [T, N], of f32 or bf16; (C2) weight is a static [N, K]; (C3) the result is [T, K] of f32.
  }];
  let arguments = (ins M1_RoundedGradient:$dy, M1_Weight:$weight);
  let results = (outs M1_Gradient:$result);
  let assemblyFormat = "$dy `,` $weight attr-dict `:` functional-type(operands, results)";
}

def M1_LinearWeightGradientOp : M1_AccumulateOp<"linear_weight_gradient"> {
  let summary = "Gradient of m1.linear in its weight: state += dyᵀ x";
  let description = [{
    state[n, k] += Σ_t dy[t, n] x[t, k]. With `cu_seqlens` the tokens of a sequence may be added in pairs.

    Constraints: (C1) dy is [T, N], of f32 or bf16, and x [T, K]; (C2) the state is [N, K] of f32; (C3) cu_seqlens is
    [B+1].
  }];
  let arguments = (ins M1_RoundedGradient:$dy, M1_Rows:$x, M1_TensorStateType:$state, Optional<M1_Index>:$cuSeqlens);
  let results = (outs M1_TensorStateType:$newState);
  let assemblyFormat = "$dy `,` $x `,` $state (`at` $cuSeqlens^)? attr-dict `:` functional-type(operands, results)";
}

def M1_RMSNormGradientOp : M1_Op<"rms_norm_gradient", [Pure, DeclareOpInterfaceMethods<M1_OperandAxesOpInterface>]> {
  let summary = "Gradient of m1.rms_norm in x";
  let description = [{
    With s = 1 / sqrt(mean(x²) + eps) and g = dy * weight, row by row: result = s (g - x s² mean(g x)).

    Constraints: (C1) dy, x and the result are [T, N]; (C2) weight is a static [N]; (C3) eps is positive.
  }];
  let arguments = (ins M1_Gradient:$dy, M1_Rows:$x, M1_Weight:$weight, F64Attr:$eps);
  let results = (outs M1_Gradient:$result);
  let assemblyFormat = "$dy `,` $x `,` $weight `eps` $eps attr-dict `:` functional-type(operands, results)";
}

def M1_RMSNormWeightGradientOp : M1_AccumulateOp<"rms_norm_weight_gradient"> {
  let summary = "Gradient of m1.rms_norm in its weight: state += Σ_t dy[t] * x[t] / sqrt(mean(x[t]²) + eps)";
  let description = [{
    Constraints: (C1) dy and x are [T, N]; (C2) the state is [N] of f32; (C3) eps is positive.
  }];
  let arguments = (ins M1_Gradient:$dy, M1_Rows:$x, M1_TensorStateType:$state, F64Attr:$eps);
  let results = (outs M1_TensorStateType:$newState);
  let assemblyFormat = "$dy `,` $x `,` $state `eps` $eps attr-dict `:` functional-type(operands, results)";
}

def M1_ScaleOp : M1_Op<"scale", [Pure, DeclareOpInterfaceMethods<M1_OperandAxesOpInterface>,
    DeclareOpInterfaceMethods<M1_ElementwiseOpInterface>]> {
  let summary = "operand * factor, elementwise";
  let description = "Constraints: (C1) operand and result have the same shape.";
  let arguments = (ins RankedTensorOf<[M1_Float]>:$operand, F64Attr:$factor);
  let results = (outs RankedTensorOf<[M1_Float]>:$result);
  let assemblyFormat = "$operand `by` $factor attr-dict `:` functional-type(operands, results)";
}

def M1_SiluGradientOp : M1_Op<"silu_gradient", [Pure, DeclareOpInterfaceMethods<M1_OperandAxesOpInterface>,
    DeclareOpInterfaceMethods<M1_ElementwiseOpInterface>]> {
  let summary = "Gradient of m1.silu: dy * s (1 + x (1 - s)), s = sigmoid(x), elementwise";
  let description = "Constraints: (C1) both operands and the result have the same shape.";
  let arguments = (ins M1_Gradient:$dy, M1_Rows:$x);
  let results = (outs M1_Gradient:$result);
  let assemblyFormat = "$dy `,` $x attr-dict `:` functional-type(operands, results)";
}

def M1_SigmoidGateGradientOp : M1_Op<"sigmoid_gate_gradient", [Pure,
    DeclareOpInterfaceMethods<M1_OperandAxesOpInterface>, DeclareOpInterfaceMethods<M1_ElementwiseOpInterface>]> {
  let summary = "Gradient of m1.sigmoid_gate in the gate: dy * x * s (1 - s), s = sigmoid(gate), elementwise";
  let description = "Constraints: (C1) operands and result have the same shape.";
  let arguments = (ins M1_Gradient:$dy, M1_Rows:$x, M1_Rows:$gate);
  let results = (outs M1_Gradient:$result);
  let assemblyFormat = "$dy `,` $x `,` $gate attr-dict `:` functional-type(operands, results)";
}

def M1_SiluMulGradientOp : M1_Op<"silu_mul_gradient", [Pure, DeclareOpInterfaceMethods<M1_OperandAxesOpInterface>,
    DeclareOpInterfaceMethods<M1_ElementwiseOpInterface>]> {
  let summary = "Gradient of m1.silu_mul in a: dy * b * s (1 + a (1 - s)), s = sigmoid(a), elementwise";
  let description = "Constraints: (C1) operands and result have the same shape.";
  let arguments = (ins M1_Gradient:$dy, M1_Rows:$a, M1_Rows:$b);
  let results = (outs M1_Gradient:$result);
  let assemblyFormat = "$dy `,` $a `,` $b attr-dict `:` functional-type(operands, results)";
}

def M1_SharedMixGradientOp : M1_Op<"shared_mix_gradient", [Pure,
    DeclareOpInterfaceMethods<M1_OperandAxesOpInterface>]> {
  let summary = "Gradients of m1.shared_mix in its three operands";
  let description = [{
    With c = sigmoid(coefficient): moe_gradient = dy (1 - c), shared_gradient = dy c, coefficient_gradient[t] =
    c (1 - c) Σ_n dy[t, n] (shared[t, n] - moe[t, n]).

    Constraints: (C1) dy, moe, shared and their gradients are [T, D]; (C2) coefficient and its gradient are [T, 1].
  }];
  let arguments = (ins M1_Gradient:$dy, M1_Rows:$moe, M1_Rows:$shared, M1_Rows:$coefficient);
  let results = (outs M1_Gradient:$moeGradient, M1_Gradient:$sharedGradient, M1_Gradient:$coefficientGradient);
  let assemblyFormat = "$dy `,` $moe `,` $shared `,` $coefficient attr-dict `:` functional-type(operands, results)";
}

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

def M1_MergeQKVOp : M1_Op<"merge_qkv", [Pure, DeclareOpInterfaceMethods<M1_OperandAxesOpInterface>]> {
  let summary = "Joins q, k and v [T, H, d] to [T, 3Hd]: the inverse of m1.split_qkv";
  let description = [{
    Constraints: (C1) q, k and v are [T, H, d] of one type; (C2) the result is [T, 3Hd] of their element type.
  }];
  let arguments = (ins M1_Heads:$q, M1_Heads:$k, M1_Heads:$v);
  let results = (outs M1_Rows:$result);
  let assemblyFormat = "$q `,` $k `,` $v attr-dict `:` functional-type(operands, results)";
}

def M1_LightningAttentionGradientOp : M1_Op<"lightning_attention_gradient", [Pure,
    DeclareOpInterfaceMethods<M1_OperandAxesOpInterface>]> {
  let summary = "Gradients of m1.lightning_attention in q, k and v";
  let description = [{
    For sequences that begin at position 0 and end with the batch: the state is 0 before and unused after. In chunks of
    m <= `chunk` rows from position 0 on, i and j counted in the chunk, λ = exp(-slopes[h]), S_prev the state before
    the chunk and dS_next the gradient of the state after it (0 for the last):

        dq_i    = Σ_{j<=i} λ^{i-j} (dy_i·v_j) k_j + λ^{i+1} S_prev dy_i
        dk_j    = Σ_{i>=j} λ^{i-j} (dy_i·v_j) q_i + λ^{m-1-j} dS_next v_j
        dv_j    = Σ_{i>=j} λ^{i-j} (q_i·k_j) dy_i + λ^{m-1-j} k_jᵀ dS_next
        dS_prev = λ^m dS_next + Σ_i λ^{i+1} q_iᵀ dy_i

    States are computed anew from k and v; S and dS are f32 and never rounded.

    Constraints: (C1) q, k and v are [T, H, d] of one type, dy and the results [T, H, d] of f32; (C2) slopes has H
    entries, finite and none negative; (C3) cu_seqlens is [B+1]; (C4) chunk is positive.
  }];
  let arguments = (ins M1_Gradient:$dy, M1_Heads:$q, M1_Heads:$k, M1_Heads:$v, M1_Index:$cuSeqlens,
                       DenseF64ArrayAttr:$slopes, I64Attr:$chunk);
  let results = (outs M1_Gradient:$dq, M1_Gradient:$dk, M1_Gradient:$dv);
  let assemblyFormat = [{
    $dy `,` $q `,` $k `,` $v `at` $cuSeqlens `slopes` custom<ExactNumbers>($slopes) `chunk` $chunk attr-dict
    `:` functional-type(operands, results)
  }];
}

def M1_SoftmaxAttentionGradientOp : M1_Op<"softmax_attention_gradient", [Pure,
    DeclareOpInterfaceMethods<M1_OperandAxesOpInterface>]> {
  let summary = "Gradients of m1.softmax_attention in q, k and v";
  let description = [{
    For sequences that begin at position 0, with p_ij = softmax_j(scale q_i·k_j) over j <= i, which is computed anew,
    and D_i = dy_i·result_i:

        ds_ij = p_ij (dy_i·v_j - D_i)
        dq_i  = scale Σ_j ds_ij k_j,   dk_j = scale Σ_{i, h} ds_ij q_i,   dv_j = Σ_{i, h} p_ij dy_i

    where the sums of dk and dv also run over the H/G query heads h that share the key/value head, in order.

    Constraints: (C1) q and result are [T, H, d], dy and dq as well, of f32; (C2) k and v are [T, G, d] of one type,
    dk and dv [T, G, d] of f32; (C3) G divides H; (C4) cu_seqlens is [B+1]; (C5) scale is positive.
  }];
  let arguments = (ins M1_Gradient:$dy, M1_Heads:$q, M1_Heads:$k, M1_Heads:$v, M1_Heads:$result, M1_Index:$cuSeqlens,
                       F64Attr:$scale);
  let results = (outs M1_Gradient:$dq, M1_Gradient:$dk, M1_Gradient:$dv);
  let assemblyFormat = [{
    $dy `,` $q `,` $k `,` $v `,` $result `at` $cuSeqlens `scale` $scale attr-dict `:` functional-type(operands, results)
  }];
}

//===----------------------------------------------------------------------===//
// Mixture of experts
//===----------------------------------------------------------------------===//

def M1_RouterGradientOp : M1_Op<"router_gradient", [Pure, DeclareOpInterfaceMethods<M1_OperandAxesOpInterface>]> {
  let summary = "Gradient of m1.router's weights in the logits of all experts";
  let description = [{
    With g = dweights[t] and w = weights[t]: result[t, experts[t, k]] = w_k (g_k - Σ_j w_j g_j), and 0 for experts that
    were not chosen. For K = 1 it is exactly 0.

    Constraints: (C1) dweights, experts and weights are [T, K]; (C2) the result is [T, E], E >= K.
  }];
  let arguments = (ins M1_Gradient:$dweights, RankedTensorOf<[I32]>:$experts, M1_Rows:$weights);
  let results = (outs M1_Gradient:$result);
  let assemblyFormat = "$dweights `,` $experts `,` $weights attr-dict `:` functional-type(operands, results)";
}

def M1_RouterBalanceOp : M1_Op<"router_balance", [Pure, DeclareOpInterfaceMethods<M1_OperandAxesOpInterface>,
    M1_LossOpInterface]> {
  let summary = "The auxiliary loss of a router, and its gradient in the logits";
  let description = [{
    With p = softmax(x[t] weightᵀ) over the E experts: loss[t] = Σ_e coefficients[e] p_e, gradient[t, e] =
    p_e (coefficients[e] - loss[t]), the gradient of Σ_t loss[t].

    The auxiliary loss of a batch, α E Σ_e f_e P_e with f_e the share of tokens sent to e and P_e the mean of p_e, is
    the sum of these losses over tokens and layers with coefficients[e] = α E f_e / (number of tokens × layers).

    Constraints: (C1) x is [T, D] and weight a static [E, D]; (C2) coefficients is [E] of f32; (C3) loss is [T] and
    gradient [T, E].
  }];
  let arguments = (ins M1_Rows:$x, M1_Weight:$weight, RankedTensorOf<[F32]>:$coefficients);
  let results = (outs M1_PerToken:$loss, M1_Gradient:$gradient);
  let assemblyFormat = "$x `,` $weight `,` $coefficients attr-dict `:` functional-type(operands, results)";
}

def M1_ExpertsGradientOp : M1_Op<"experts_gradient", [Pure, DeclareOpInterfaceMethods<M1_OperandAxesOpInterface>]> {
  let summary = "Gradients of m1.experts in x and the weights of the choices, and what its parameters' gradients need";
  let description = [{
    For each token t and choice k with expert e = experts[t, k] and w = weights[t, k], where a = x[t] w1ᵀ and
    b = x[t] w3ᵀ, h = silu(a) b and u = dy[t] w2:

        dweights[t, k] = h·u
        gate_gradient[t, k] = da = w u b silu'(a)
        up_gradient[t, k] = db = w u silu(a)
        hidden[t, k] = w h
        dx[t] = Σ_k (da w1 + db w3), in the order of k

    da, db and w h are rounded to the element type of their results; dx is computed from the rounded values, dweights
    from h and u as they are. a and b are computed anew, or read from `products`, the gate and up that `m1.experts`
    returned: the bits are the same.

    Constraints: (C1) dy and x are [T, D], dy of f32 or bf16, and dx [T, D] of f32; (C2) experts, weights and dweights
    are [T, K]; (C3) w1 and w3 are static [E, F, D], w2 [E, D, F], of one element type; (C4) hidden, gate_gradient and
    up_gradient are [T, K, F] of dy's element type; (C5) products are none, or gate and up: [T, K, F] of f32.
  }];
  let arguments = (ins M1_RoundedGradient:$dy, M1_Rows:$x, RankedTensorOf<[I32]>:$experts, M1_Rows:$weights,
                       M1_Weight:$w1, M1_Weight:$w3, M1_Weight:$w2, Variadic<M1_Product>:$products);
  let results = (outs M1_Gradient:$dx, M1_Gradient:$dweights, M1_RoundedGradient:$hidden,
                      M1_RoundedGradient:$gateGradient, M1_RoundedGradient:$upGradient);
  let assemblyFormat = [{
    $dy `,` $x `,` $experts `,` $weights `,` $w1 `,` $w3 `,` $w2 (`products` $products^)? attr-dict
    `:` functional-type(operands, results)
  }];
}

def M1_ExpertsWeightGradientOp : M1_AccumulateOp<"experts_weight_gradient"> {
  let summary = "Gradient of one weight of m1.experts: state[e] += leftᵀ right over the choices of expert e";
  let description = [{
    state[e, n, k] += Σ left[t, n] right[t, k] over the tokens t and choices j with experts[t, j] = e, in the order of
    tokens. Either side can have a row for each choice, [T, J, ·], which is then left[t, j, n] or right[t, j, k]. With
    `cu_seqlens` the tokens of a sequence that chose the expert may be added in pairs.

    Constraints: (C1) experts is [T, J]; (C2) left is [T, N] or [T, J, N], right [T, K] or [T, J, K]; (C3) the state is
    [E, N, K] of f32; (C4) cu_seqlens is [B+1].
  }];
  let arguments = (ins RankedTensorOf<[M1_Float]>:$left, RankedTensorOf<[M1_Float]>:$right,
                       RankedTensorOf<[I32]>:$experts, M1_TensorStateType:$state, Optional<M1_Index>:$cuSeqlens);
  let results = (outs M1_TensorStateType:$newState);
  let assemblyFormat = [{
    $left `,` $right `,` $experts `,` $state (`at` $cuSeqlens^)? attr-dict `:` functional-type(operands, results)
  }];
}

//===----------------------------------------------------------------------===//
// The loss
//===----------------------------------------------------------------------===//

def M1_PolicyHeadOp : M1_AccumulateOp<"policy_head", [M1_LossOpInterface]> {
  let summary = "The output head and the policy loss: log-probabilities and the gradients of x and of the head's weight";
  let description = [{
    For each token, with p = softmax(x[t] weightᵀ / temperature) and y = targets[t]:

        log_probs[t] = log p_y, entropy[t] = -Σ_v p_v log p_v
        r = min(exp(log_probs[t] - old_log_probs[t]), 3e38)
        s = -weights[t] advantages[t] clip(r, ratio_min, ratio_max) M
        M = 0 where advantages[t] > 0 and r > mask_above, or advantages[t] < 0 and r < mask_below; otherwise 1
        dlogits_v = s ([v = y] - p_v) / temperature
        x_gradient[t] = dlogits weight, state[v] += dlogits_v x[t]

    s is the derivative of the loss in the token's log-probability (docs/training.md has the losses that the bounds
    express). `bounds` holds ratio_min, ratio_max, mask_below and mask_above. A token with weight 0 has s = 0 whatever
    its other values are, NaN included. 1 - p_y and log p_y are computed from the sum over the other tokens of the
    vocabulary, so that they are accurate for a token that is almost certain. log_probs has the bits of
    `m1.token_log_prob` with this temperature.

    Where the weight is bf16, dlogits is rounded to bf16 before both products of the backward pass, and x before the
    second; with `cu_seqlens` the tokens of a sequence may then be added to the state in pairs. The logits, the
    log-probabilities and the entropy are those of x as it is.

    It is computed in blocks of tokens; there is no [T, V] tensor.

    Constraints: (C1) x is [T, D] and weight a static [V, D]; (C2) targets, old_log_probs, advantages and weights are
    [T], log_probs and entropy as well; (C3) temperature is [1] and bounds [4]; (C4) x_gradient is [T, D] and the state
    [V, D] of f32; (C5) cu_seqlens is [B+1].
  }];
  let arguments = (ins M1_Rows:$x, M1_Weight:$weight, M1_Index:$targets, M1_PerToken:$oldLogProbs,
                       M1_PerToken:$advantages, M1_PerToken:$weights, M1_One:$temperature,
                       RankedTensorOf<[F32]>:$bounds, M1_TensorStateType:$state, Optional<M1_Index>:$cuSeqlens);
  let results = (outs M1_PerToken:$logProbs, M1_PerToken:$entropy, M1_Gradient:$xGradient,
                      M1_TensorStateType:$newState);
  let assemblyFormat = [{
    $x `,` $weight `,` $targets `old` $oldLogProbs `advantages` $advantages `weights` $weights `temperature` $temperature
    `bounds` $bounds `,` $state (`at` $cuSeqlens^)? attr-dict `:` functional-type(operands, results)
  }];
}

//===----------------------------------------------------------------------===//
// The optimiser
//===----------------------------------------------------------------------===//

def M1_TrainedOp : M1_Op<"trained", [DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "Declares that a parameter is trained, and the states that belong to it";
  let description = [{
    Callers read and write these states as tensors of the checkpoint, through the parameter's sources.

    Constraints: (C1) `parameter` names an `m1.parameter`; (C2) the others name tensor states of its shape.

    ```mlir
    m1.trained @head master @head.master moments @head.first, @head.second gradient @head.gradient
    ```

    A parameter with several uses in the model has a gradient for each, so that the order of a sum over tokens does not
    depend on how a batch is divided into calls. `further` names those of all uses but the first; the gradient is the
    sum.
  }];
  let arguments = (ins FlatSymbolRefAttr:$parameter, FlatSymbolRefAttr:$master, FlatSymbolRefAttr:$first,
                       FlatSymbolRefAttr:$second, FlatSymbolRefAttr:$gradient,
                       OptionalAttr<FlatSymbolRefArrayAttr>:$further);
  let assemblyFormat = [{
    $parameter `master` $master `moments` $first `,` $second `gradient` $gradient (`further` $further^)? attr-dict
  }];
  let hasVerifier = 0;
}

def M1_UpdateParameterOp : M1_Op<"update_parameter", [MemoryEffects<[MemRead, MemWrite]>,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "Sets a parameter to the contents of a tensor state, rounded to the parameter's element type";
  let description = [{
    Later functions compute with the new value. The checkpoint's files are not changed.

    Constraints: (C1) `parameter` names an `m1.parameter`; (C2) `state` names a tensor state of its shape.
  }];
  let arguments = (ins FlatSymbolRefAttr:$parameter, FlatSymbolRefAttr:$state);
  let assemblyFormat = "$parameter `from` $state attr-dict";
  let hasVerifier = 0;
}

def M1_MoveStateOp : M1_Op<"move_state", [Pure, DeclareOpInterfaceMethods<M1_StateUpdateOpInterface>]> {
  let summary = "Adds one tensor state to another, and clears it: to += from, from = 0";
  let description = "Constraints: (C1) all four states have one type.";
  let arguments = (ins M1_TensorStateType:$to, M1_TensorStateType:$from);
  let results = (outs M1_TensorStateType:$newTo, M1_TensorStateType:$newFrom);
  let assemblyFormat = "$from `to` $to attr-dict `:` functional-type(operands, results)";
}

def M1_StateValueOp : M1_AccumulateOp<"state_value"> {
  let summary = "The tensor in a tensor state, copied; the state is unchanged";
  let description = "Constraints: (C1) the result has the state's shape and element type.";
  let arguments = (ins M1_TensorStateType:$state);
  let results = (outs M1_Weight:$result, M1_TensorStateType:$newState);
  let assemblyFormat = "$state attr-dict `:` functional-type(operands, results)";
}

def M1_SquaredSumOp : M1_AccumulateOp<"squared_sum",
    [DeclareOpInterfaceMethods<M1_F64OpInterface, ["verifyF64"]>]> {
  let summary = "The sum of the squares of a tensor state, in f64";
  let description = [{
    The state is unchanged. The sum is that of f64 arithmetic: squares of gradients of 1e-20 do not vanish.

    Constraints: (C1) the result is [1] of f64.
  }];
  let arguments = (ins M1_TensorStateType:$state);
  let results = (outs RankedTensorOf<[F64]>:$result, M1_TensorStateType:$newState);
  let assemblyFormat = "$state attr-dict `:` functional-type(operands, results)";
}

def M1_ClipNormOp : M1_Op<"clip_norm", [Pure, DeclareOpInterfaceMethods<M1_F64OpInterface, ["verifyF64"]>]> {
  let summary = "The global norm of gradients and the factor that clips it";
  let description = [{
    norm = sqrt(Σ_i sums[i]), summed in order in f64 and rounded once. scale = min(1, max_norm / norm), 1 where max_norm
    is 0 or less (no clipping) or the norm is 0. applied is 1 if `enabled` is not 0 and the norm is finite, otherwise 0,
    with scale 0.

    Constraints: (C1) at least one sum; each is [1] of f64; (C2) max_norm and enabled are [1]; (C3) so are the results.
  }];
  let arguments = (ins Variadic<RankedTensorOf<[F64]>>:$sums, M1_One:$maxNorm, RankedTensorOf<[I32]>:$enabled);
  let results = (outs M1_One:$norm, M1_One:$scale, RankedTensorOf<[I32]>:$applied);
  let assemblyFormat = "$sums `max` $maxNorm `if` $enabled attr-dict `:` functional-type(operands, results)";
}

def M1_AdamWOp : M1_Op<"adamw", [Pure, DeclareOpInterfaceMethods<M1_OperandAxesOpInterface>,
    DeclareOpInterfaceMethods<M1_StateUpdateOpInterface>]> {
  let summary = "A step of AdamW on one parameter's master values";
  let description = [{
    Elementwise, in f32, if `applied` is not 0, with g = gradient * scale, the parameter's learning rate
    lr = learning_rates[index] and weight decay wd = weight_decays[index]:

        first  = beta1 first + (1 - beta1) g
        second = beta2 second + (1 - beta2) g²
        master = master - lr (first / correction1 / (sqrt(second) / sqrt(correction2) + epsilon) + wd master)

    correction1 is 1 - beta1^n and correction2 1 - beta2^n in step n, counted from 1. If `applied` is 0, master, first
    and second are unchanged. In both cases the gradient is 0 afterwards.

    `hyperparameters` holds beta1, beta2, epsilon, correction1 and correction2.

    Constraints: (C1) the four states have one type, of f32; (C2) scale and applied are [1], hyperparameters [5]; (C3)
    learning_rates and weight_decays are [P] with 0 <= index < P.
  }];
  let arguments = (ins M1_TensorStateType:$master, M1_TensorStateType:$first, M1_TensorStateType:$second,
                       M1_TensorStateType:$gradient, M1_One:$scale, RankedTensorOf<[I32]>:$applied,
                       RankedTensorOf<[F32]>:$learningRates, RankedTensorOf<[F32]>:$weightDecays,
                       RankedTensorOf<[F32]>:$hyperparameters, I64Attr:$index);
  let results = (outs M1_TensorStateType:$newMaster, M1_TensorStateType:$newFirst, M1_TensorStateType:$newSecond,
                      M1_TensorStateType:$newGradient);
  let assemblyFormat = [{
    $master `moments` $first `,` $second `gradient` $gradient `scale` $scale `if` $applied `rates` $learningRates
    `decays` $weightDecays `hyperparameters` $hyperparameters `index` $index attr-dict
    `:` functional-type(operands, results)
  }];
}

#endif // M1_TRAINING_OPS
