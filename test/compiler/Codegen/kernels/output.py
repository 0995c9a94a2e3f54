# ===- output.py - cases of log-probabilities and draws --------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Log-probabilities of tokens, and draws."""

import numpy as np
from kernels.module import TOLERANCE, tensor
from kernels.rows import ROWS, rows_of

INDEX = tensor(None, element="i32")
GROUP = 1024  # tokens of the vocabulary, whose parts are joined


def targets(random, t, v):
    """Random tokens, the first and the last of the vocabulary among them."""
    tokens = random.integers(0, v, t)
    tokens[[0, -1]] = 0, v - 1
    return tokens


def token_log_prob(module):
    for v in (1, 7, 60, 97, 512, 513, 1500):
        f = module.function("token_log_prob", v)
        f.results(f.op("m1.token_log_prob", [f.argument(tensor(None, v)), f.argument(INDEX)], tensor(None)))
        for t in ROWS:
            random = f.random(t)
            logits = random.normal(t, v, scale=20)
            logits[t // 2] -= 1000  # a constant added to all logits has no effect
            if t == 1 and v > 1:
                logits[0, -1] -= 40  # the target: with probability 1, its log-probability would be rounding alone
            f.case(t, [logits, targets(random, t, v)], TOLERANCE["f32"] * (10 if v > 1 else 1))
    # Every target is almost certain: what counts is the sum over the others.
    for v in (4, 97, 1500):
        f = module.function("token_log_prob_certain", v)
        f.results(f.op("m1.token_log_prob", [f.argument(tensor(None, v)), f.argument(INDEX)], tensor(None)))
        for t in (1, 65):
            random = f.random(t)
            logits, tokens = random.normal(t, v), targets(random, t, v)
            logits[np.arange(t), tokens] = 24
            f.case(t, [logits, tokens], TOLERANCE["f32"])
    for v in (7, 97, 1500):
        f = module.function("token_log_prob_temperature", v)
        operands = [f.argument(tensor(None, v)), f.argument(INDEX), f.argument(tensor(None))]
        f.results(f.op("m1.token_log_prob", operands, tensor(None), form="{}, {} temperature {}"))
        for t in (1, 8, 65):
            random = f.random(t)
            temperature = random.generator.choice(np.float32([-1, 0, 1e-3, 0.5, 0.7, 1, 1.3, 1e6]), t)
            f.case(t, [random.normal(t, v, scale=5), targets(random, t, v), temperature], TOLERANCE["f32"])


def head_log_prob(module):
    shapes = ((1, 1), (7, 33), (33, 97), (60, 513), (32, 1500))
    elements, in_all_rows = (("f32", "f32"), ("bf16", "bf16"), ("f32", "bf16")), "f32"
    if module.tiles:
        shapes, elements, in_all_rows = ((32, 16), (64, 33), (96, 513), (33, 97), (32, 1500)), elements[1:], "bf16"
    for d, v in shapes:
        for x, w in elements:
            f = module.function("head_log_prob", f"{d}x{v}", x, w)
            f.results(f.op("m1.head_log_prob", [f.argument(tensor(None, d, element=x)), f.parameter(v, d, element=w), f.argument(INDEX)], tensor(None)))
            for t in rows_of(module) if x == w == in_all_rows else (1, 65):
                random = f.random(t)
                f.case(t, [random.normal(t, d, element=x), targets(random, t, v)], TOLERANCE["f32"])


def log_prob_halves(module):
    """The parts of groups of the vocabulary, and the log-probabilities that they make."""
    for d, v, x, w in ((7, 60, "f32", "f32"), (33, 1500, "f32", "f32"), (32, 2049, "bf16", "bf16"), (33, 1024, "f32", "bf16")):
        f = module.function("log_prob_parts", f"{d}x{v}", x, w)
        operands = [f.argument(tensor(None, d, element=x)), f.parameter(v, d, element=w), f.argument(INDEX)]
        f.results(*f.op("m1.log_prob_parts", operands, *3 * [tensor(None, -(-v // GROUP))]))
        for t in (1, 65):
            random = f.random(t)
            f.case(t, [random.normal(t, d, element=x), targets(random, t, v)], TOLERANCE["f32"])
    for groups in (1, 3, 196):
        f = module.function("join_log_prob", groups)
        f.results(f.op("m1.join_log_prob", [f.argument(tensor(None, groups)) for _ in range(3)], tensor(None)))
        for t in (1, 9, 65):
            random = f.random(t)
            maxima = random.normal(t, groups, scale=5)
            others = np.exp(random.normal(t, groups))
            below = maxima - np.abs(random.normal(t, groups))
            f.case(t, [maxima, others, np.where(np.arange(groups) == random.integers(0, groups, t, 1), below, 0)], TOLERANCE["f32"])


def vocabulary_shards(module):
    """Embedding and log-probabilities whose vocabulary is spread over ranks: the last have fewer rows, or none."""
    module.mesh = "tensor = 3"
    for v, step in ((2500, GROUP), (1100, GROUP), (5000, 2 * GROUP)):
        shard = f'shard <"tensor", {step} of {v}>'
        for d, element in ((7, "f32"), (32, "bf16")):
            f = module.function("embedding_shard", f"{v}x{d}", element)
            table = f.parameter(v, d, element=element, step=step)
            rows = f.op("m1.embedding", [f.argument(INDEX), table], tensor(None, d), more=shard)
            f.results(f.op("m1.tree_sum", [rows], tensor(None, d), more='over "tensor" partials 1'))
            for t in (2, 33):
                f.case(t, [targets(f.random(t), t, v)], TOLERANCE["f32"])
            f = module.function("head_log_prob_shard", f"{v}x{d}", element)
            x, weight = f.argument(tensor(None, d, element=element)), f.parameter(v, d, element=element, step=step)
            parts = f.op("m1.log_prob_parts", [x, weight, f.argument(INDEX)], *3 * [tensor(None, step // GROUP)], more=shard)
            parts = [f.op("m1.all_gather", [p], tensor(None, -(-v // GROUP)), more='over "tensor"') for p in parts]
            f.results(f.op("m1.join_log_prob", parts, tensor(None)))
            for t in (2, 33):
                random = f.random(t)
                f.case(t, [random.normal(t, d, element=element), targets(random, t, v)], TOLERANCE["f32"])


def sample(module):
    for v in (1, 97, 1500):
        f = module.function("sample", v)
        operands = [f.argument(t, "B") for t in (tensor(None, v), *(tensor(None, element=e) for e in ("f32", "f32", "i32", "i64", "i32")))]
        form = "{} temperature {} top_p {} top_k {} seeds {} positions {}"
        f.results(f.op("m1.sample", operands, INDEX, form=form), dims=["B"])
        for rows in (1, 8):
            random, generator = f.random(rows), f.random(f"{rows}/options").generator
            logits = np.round(random.normal(rows, v, scale=3), 1)  # with ties
            temperature, top_p = (generator.choice(np.float32(choices), rows) for choices in ([0, 0.7, 1, 2], [0.1, 0.9, 1]))
            top_k, seeds = generator.choice(np.int32([0, 1, 20, 5000]), rows), generator.integers(-(2**63), 2**63, rows)
            f.case(rows, [logits, temperature, top_p, top_k, seeds, random.integers(0, 2**31, rows)], 0)


def sample_min_p(module):
    elements = ("f32", "f32", "i32", "i64", "i32", "f32")
    for v in (1, 97, 1500):
        f = module.function("sample_min_p", v)
        operands = [f.argument(t, "B") for t in (tensor(None, v), *(tensor(None, element=e) for e in elements))]
        form = "{} temperature {} top_p {} top_k {} seeds {} positions {} min_p {}"
        f.results(f.op("m1.sample", operands, INDEX, form=form), dims=["B"])
        for rows in (1, 8):
            random, generator = f.random(rows), f.random(f"{rows}/options").generator
            logits = np.round(random.normal(rows, v, scale=3), 1)  # with ties
            temperature, top_p, min_p = (
                generator.choice(np.float32(choices), rows) for choices in ([0, 0.7, 1, 2], [0.1, 0.9, 1], [-1, 0, 0.011, 0.11, 0.77, 1, 3])
            )
            top_k, seeds = generator.choice(np.int32([0, 1, 20, 5000]), rows), generator.integers(-(2**63), 2**63, rows)
            f.case(rows, [logits, temperature, top_p, top_k, seeds, random.integers(0, 2**31, rows), min_p], 0)


def adjust_logits(module):
    for v in (1, 97, 1500):
        f = module.function("adjust_logits", v)
        operands = [f.argument(tensor(None, v), "B"), f.argument(INDEX, "B"), f.argument(tensor(None, v), "R"), f.argument(tensor(None, v), "R")]
        f.results(f.op("m1.adjust_logits", operands, tensor(None, v), form="{} rows {} bias {} repetition {}"), dims=["B"])
        for rows, rules in ((1, 1), (8, 3)):
            random, generator = f.random(rows), f.random(f"{rows}/rules").generator
            logits = np.round(random.normal(rows, v, scale=3), 1)  # zeros among them
            bias = generator.choice(np.float32([0, 0.5, -20]), (rules, v))
            repetition = generator.choice(np.float32([1, 1.25, 0.8, 2]), (rules, v))
            chosen = generator.integers(-1, rules, rows)
            f.case(rows, [logits, chosen, bias, repetition], TOLERANCE["f32"])
