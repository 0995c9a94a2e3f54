# ===- policy.py - cases of the output head with its loss -------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""The output head with the policy loss: random data, and cases by hand (test/dialects/M1/Reference/policy-head.mlir)."""

import numpy as np
from kernels.module import TOLERANCE, offsets, tensor
from kernels.output import INDEX, targets

FORM = "{}, {}, {} old {} advantages {} weights {} temperature {} bounds {}, {}"
IN_SEQUENCES = FORM + " at {}"
UNBOUNDED = np.float32([0, 5, 0, 3e38])  # no mask
MASKED = np.float32([0.2, 3, 0.8, 1.28])


class Head:
    """A function of x [T, D] and what the loss is given for its tokens, with results log_probs, entropy, x_gradient, state;
    with `in_sequences`, also of the offsets of sequences."""

    def __init__(self, module, name, d, v, x="f32", w="f32", weight=None, in_sequences=False):
        self.f = f = module.function(name, f"{d}x{v}", x, w)
        self.d, self.v, self.x, self.in_sequences = d, v, x, in_sequences
        # Where the weight is bf16, both operands of the gradients' products are rounded, each by up to 2^-9. The largest of a
        # token's gradients are those of a few logits, so errors average out little.
        self.tolerance = [TOLERANCE["f32"]] * 2 + [3 * TOLERANCE["bf16"] if w == "bf16" else TOLERANCE["f32"]] * 2
        type_ = f"!m1.tensor_state<{v}x{d}xf32>"
        weight = f.parameter(v, d, element=w, scale=2 / np.sqrt(d), values=weight)
        state, write = f.state(type_)
        rows, *others = (f.argument(t) for t in (tensor(None, d, element=x), INDEX, *[tensor(None)] * 3, tensor(1), tensor(4)))
        results = (tensor(None), tensor(None), tensor(None, d), type_)
        operands, form = [rows, weight, *others, state], FORM
        if in_sequences:
            operands, form = [*operands, f.argument(INDEX, "B+1")], IN_SEQUENCES
        *values, state = f.op("m1.policy_head", operands, *results, form=form)
        value, state = f.op("m1.state_value", [state], tensor(v, d), type_)
        write(state)
        f.results(*values, value)

    def case(self, name, x, tokens, old, advantages, weights, temperature, bounds):
        numbers = [np.asarray(a, np.float32) for a in (old, advantages, weights, [temperature], bounds)]
        if self.in_sequences:
            numbers.append(offsets((len(x) // 4 * 2 + 1, 0, len(x) - len(x) // 4 * 2 - 1)))
        self.f.case(name, [x, np.asarray(tokens, np.int32), *numbers], self.tolerance)


def random_tokens(random, head, t):
    """x, targets, old log-probabilities, advantages and weights of t tokens; one in four is masked by its weight."""
    x = random.normal(t, head.d, element=head.x)
    # Ratios on both sides of the bounds; log-probabilities are about -ln V.
    old = random.normal(t, scale=2) - np.float32(np.log(head.v))
    tokens = targets(random, t, head.v) if t else np.int32([])
    return x, tokens, old, random.normal(t), random.normal(t) ** 2 * (np.arange(t) % 4 != 3)


def policy_head(module):
    shapes = [(1, 1), (7, 33), (33, 97), (60, 513), (48, 1500)]
    elements = (("f32", "f32"), ("f32", "bf16"), ("bf16", "bf16"))
    if module.tiles:
        shapes, elements = [(64, 33), (32, 1500)], elements[1:]
    for d, v in shapes:
        for x, w in elements:
            head = Head(module, "policy_head", d, v, x, w)
            for t in (1, 65, 200) if (x, w) == ("f32", "f32") else (65,):
                for temperature, bounds in ((1, UNBOUNDED), (0.7, MASKED)):
                    head.case(f"{t}/{temperature}", *random_tokens(head.f.random(t), head, t), temperature, bounds)
        # Sums of rounded rows take the tokens of a sequence in twos.
        head = Head(module, "policy_head_twos", d, v, "f32", "bf16", in_sequences=True)
        for t in (65, 200):
            head.case(t, *random_tokens(head.f.random(t), head, t), 0.7, MASKED)
    # A call of no tokens. Then more than a block of tokens (128, whose logits take 32 MiB).
    head = Head(module, "policy_head_empty", 7, 33)
    head.case(0, *random_tokens(head.f.random(0), head, 0), 1, UNBOUNDED)
    if not module.gpu:
        head = Head(module, "policy_head_blocks", 5, 65500)
        head.case(130, *random_tokens(head.f.random(130), head, 130), 1.3, MASKED)
        # Two tokens that are added at once are in different blocks: the second sequence begins at token 65.
        head = Head(module, "policy_head_blocks_twos", 5, 65500, w="bf16", in_sequences=True)
        head.case(130, *random_tokens(head.f.random(130), head, 130), 1.3, MASKED)

    # Logits 0 and 0.
    head = Head(module, "policy_head_ratios", 1, 2, weight=np.float32([[1], [0]]))
    ratios, advantages = np.float64([1, 3, 9, 0.01, 9, 9]), [1, 1, 1, 1, 0.5, 0]
    old = np.append(-np.log(2) - np.log(ratios), [-200.5, -800])  # the last two: ratio_max
    head.case("bounds", np.zeros((8, 1), np.float32), [0, 0, 0, 0, 1, 0, 0, 1], old, [*advantages, 1, -1], np.ones(8), 1, UNBOUNDED)
    head.case("infinite", np.zeros((1, 1), np.float32), [0], [-800], [0], [1], 1, [0, np.inf, 0, np.inf])
    # Logits 20, 0, 0, 0, and those of 2 and 0 at temperature 1/2.
    head = Head(module, "policy_head_certain", 1, 4, weight=np.float32([[1], [0], [0], [0]]))
    head.case("certain", np.full((1, 1), 20, np.float32), [0], [-6.183461e-9], [1], [1], 1, UNBOUNDED)
    head = Head(module, "policy_head_temperature", 1, 2, weight=np.float32([[1], [0]]))
    head.case("half", np.full((1, 1), 2, np.float32), [0], [-0.018149928], [1], [1], 0.5, UNBOUNDED)
    # Numbers that are not finite at a token of weight 0, and logits that overflow there.
    head = Head(module, "policy_head_weight", 2, 97)
    x, tokens, old, advantages, weights = random_tokens(head.f.random("zero"), head, 8)
    old[3], advantages[7] = np.nan, np.inf
    head.case("zero", x, tokens, old, advantages, weights, 1, UNBOUNDED)
