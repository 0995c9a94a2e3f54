# ===- __init__.py - the kernel tests' cases -------------------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""The cases of exec.py: a function for each op, or group of ops, that fills a Module."""

from kernels import (
    attention,
    attention_gradients,
    experts,
    optimizer,
    output,
    policy,
    product_gradients,
    row_gradients,
    rows,
    sums,
)
from kernels.module import Module

OPS = {
    op.__name__: op
    for op in (
        rows.linear,
        rows.linear_fused,
        sums.linear_leaves,
        sums.experts_leaves,
        sums.norm_groups,
        sums.expert_halves,
        rows.rms_norm,
        rows.elementwise,
        rows.embedding,
        rows.select_last,
        attention.rotary,
        attention.lightning_attention,
        attention.softmax_attention,
        attention.softmax_blocks,
        attention.split_qkv,
        attention_gradients.lightning_gradient,
        attention_gradients.softmax_gradient,
        experts.router,
        experts.experts,
        output.token_log_prob,
        output.head_log_prob,
        output.log_prob_halves,
        output.vocabulary_shards,
        rows.doubles,
        output.sample,
        output.sample_min_p,
        output.adjust_logits,
        policy.policy_head,
        row_gradients.elementwise_gradients,
        row_gradients.rms_norm_gradient,
        row_gradients.rms_norm_weight_gradient,
        row_gradients.embedding_gradient,
        row_gradients.shared_mix_gradient,
        row_gradients.merge_qkv,
        row_gradients.inverse_rotary,
        optimizer.squared_sum,
        optimizer.clip_norm,
        optimizer.adamw,
        product_gradients.linear_transposed,
        product_gradients.linear_weight_gradient,
        product_gradients.linear_gradient_twos,
        product_gradients.router_gradient,
        product_gradients.router_balance,
        product_gradients.experts_gradient,
        product_gradients.experts_weight_gradient,
        product_gradients.experts_gradient_twos,
    )
}


def module_of(op, unit):
    """The module with all cases of an op, in the shapes that matter to a unit of e2e.UNITS."""
    module = Module(unit)
    OPS[op](module)
    return module
