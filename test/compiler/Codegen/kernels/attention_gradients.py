# ===- attention_gradients.py - cases of the gradients of attention --------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Gradients of both kinds of attention. Sequences are complete."""

import numpy as np
from kernels.module import TOLERANCE, offsets, tensor

# Lengths of the sequences in a batch.
BATCHES = [(1,), (0, 0), (63, 64, 65), (130, 0, 1, 7), (0, 200), (128, 64)]


def batches_of(d):
    """All batches for narrow heads, some for wide ones, which are slow."""
    return BATCHES if d <= 32 else BATCHES[:1] + BATCHES[3:4]


def elements_of(d):
    """Element types of q, k and v."""
    return ("f32",) if d < 8 else ("f32", "bf16")


def lightning_gradient(module):
    shapes = [(1, 1, 64), (3, 8, 64), (1, 20, 64), (2, 32, 64), (1, 64, 64), (1, 128, 64)]
    # On a GPU, a chunk must fit in a thread block's shared memory.
    shapes += [(2, 8, 5), (1, 8, 1), (1, 7, 64 if module.gpu else 256)]
    for h, d, chunk in shapes:
        for element in elements_of(d) if chunk == 64 else ("f32",):
            slopes = ", ".join(["5.0e-01", "3.0e-02", "0.0"][:h])
            f = module.function("lightning_gradient", f"{h}x{d}", f"chunk{chunk}", element)
            gradient = tensor(None, h, d)
            operands = [f.argument(gradient)] + [f.argument(tensor(None, h, d, element=element)) for _ in range(3)]
            operands.append(f.argument(tensor(None, element="i32"), "B+1"))
            form = f"{{}}, {{}}, {{}}, {{}} at {{}} slopes [{slopes}] chunk {chunk}"
            f.results(*f.op("m1.lightning_attention_gradient", operands, *[gradient] * 3, form=form))
            for lengths in batches_of(d):
                name = "-".join(map(str, lengths))
                random, t = f.random(name), sum(lengths)
                given = [random.normal(t, h, d)] + [random.normal(t, h, d, element=element) for _ in range(3)]
                f.case(name, [*given, offsets(lengths)], TOLERANCE["f32"])


def softmax_gradient(module):
    # Among them more heads per key than a block has rows.
    for h, g, d in ((1, 1, 1), (3, 1, 8), (80, 1, 8), (6, 3, 20), (4, 2, 32), (2, 2, 7), (1, 1, 64), (2, 1, 128)):
        for element in elements_of(d):
            f = module.function("softmax_gradient", f"{h}x{g}x{d}", element)
            query, key = tensor(None, h, d, element=element), tensor(None, g, d, element=element)
            dq, dk = tensor(None, h, d), tensor(None, g, d)
            operands = [f.argument(type_) for type_ in (dq, query, key, key, query)]
            operands.append(f.argument(tensor(None, element="i32"), "B+1"))
            f.results(*f.op("m1.softmax_attention_gradient", operands, dq, dk, dk, form="{}, {}, {}, {}, {} at {} scale 0.7"))
            for lengths in batches_of(d) if h < 80 else BATCHES[3:4]:
                name = "-".join(map(str, lengths))
                random, t = f.random(name), sum(lengths)
                # The result is an operand: the equations hold for any.
                given = [random.normal(t, h, d)] + [random.normal(t, n, d, element=element) for n in (h, g, g, h)]
                f.case(name, [*given, offsets(lengths)], 2 * TOLERANCE["f32"])
