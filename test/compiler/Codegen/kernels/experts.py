# ===- experts.py - cases of routers and experts ---------------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Routers and experts, among them experts without tokens."""

import numpy as np
from kernels.module import TOLERANCE, tensor
from kernels.rows import rows_of


def router(module):
    shapes = ((1, 1, 1), (7, 3, 1), (33, 3, 3), (60, 17, 2), (97, 32, 8), (40, 33, 12), (1024, 5, 2), (1152, 32, 3))
    elements = (("f32", "f32"), ("bf16", "f32"), ("bf16", "bf16"))
    if module.tiles:
        shapes, elements = ((32, 1, 1), (64, 17, 2), (96, 32, 8), (33, 3, 3), (32, 20, 9)), elements[2:]
    for d, e, k in shapes:
        for x, w in elements:
            f = module.function("router", f"{d}x{e}", f"top{k}", x, w)
            f.results(*f.op("m1.router", [f.argument(tensor(None, d, element=x)), f.parameter(e, d, element=w)], tensor(None, k, element="i32"), tensor(None, k)))
            for t in rows_of(module) if module.tiles else (1, 7, 8, 9, 65):
                # The logits of long rows stay small enough for their powers to differ in f32.
                values = f.random(t).normal(t, d, element=x, scale=1 if d < 1000 else 0.1)
                values[t // 2] = 0  # all experts are tied: the lowest indices win
                f.case(t, [values], TOLERANCE["f32"])


def experts(module):
    """One function in two also returns gate and up."""
    shapes = ((1, 1, 1, 1), (7, 33, 3, 2), (60, 97, 4, 3), (32, 64, 5, 1))
    elements = (("f32", "f32"), ("bf16", "f32"), ("bf16", "bf16"), ("f16", "f32"))
    if module.tiles:
        shapes, elements = ((32, 32, 3, 2), (64, 96, 5, 1), (96, 33, 4, 3), (60, 97, 4, 3)), elements[1:3]
    for number, (d, width, e, k) in enumerate(shapes):
        for element, y in elements:
            f = module.function("experts", f"{d}x{width}x{e}", f"top{k}", element, y)
            operands = [f.argument(t) for t in (tensor(None, d, element=element), tensor(None, k, element="i32"), tensor(None, k))]
            operands += [f.parameter(*s, element=element, scale=s[-1] ** -0.5) for s in ((e, width, d), (e, width, d), (e, d, width))]
            result, product = tensor(None, d, element=y), tensor(None, k, width)
            if keeps := (number + (element == "f32")) % 2 == 0:
                f.results(*f.op("m1.experts", operands, result, product, product))
            else:
                f.results(f.op("m1.experts", operands, result))
            for t in rows_of(module) if module.tiles else (1, 7, 63, 64, 65, 200):
                random = f.random(t)
                chosen = np.stack([random.generator.permutation(e)[:k] for _ in range(t)]).astype(np.int32)
                if t == 65:  # all tokens choose the same experts; the others get none
                    chosen[:] = np.arange(k)[::-1]
                weights = random.generator.random((t, k)).astype(np.float32)
                tolerance = TOLERANCE[element]
                if element != "f32":
                    # The hidden row is rounded, and a narrower or equal result again.
                    tolerance *= 1.5 if element == y else 3
                # Gate and up are not rounded.
                f.case(t, [random.normal(t, d, element=element), chosen, weights], [tolerance, *[TOLERANCE["f32"]] * 2] if keeps else tolerance)
