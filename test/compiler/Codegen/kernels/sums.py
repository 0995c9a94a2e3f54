# ===- sums.py - cases of sums with leaves ---------------------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Products whose sums have leaves, joined by the tree, and partial sums."""

import numpy as np
from kernels.module import TOLERANCE, tensor

# Inner axis, leaves and partial sums; the leaves of a GPU's or a CPU's matrix unit are multiples of 16 or 32.
SUMS = ((3, 3, 1), (10, 5, 1), (35, 5, 5), (48, 3, 1), (84, 12, 3), (96, 6, 3), (160, 5, 1), (320, 10, 5), (384, 12, 1), (512, 16, 1), (768, 8, 1))
ROWS = (1, 2, 3, 7, 16, 65, 130)


def linear_leaves(module):
    elements = (("f32", "f32", "f32"), ("bf16", "bf16", "f32"), ("f32", "bf16", "f32"), ("f16", "f16", "f16"), ("bf16", "bf16", "bf16"))
    for number, (k, leaves, partials) in enumerate(SUMS):
        n = (33, 1, 64, 97)[number % 4]
        for x, w, y in elements[1:2] if module.tiles else elements if leaves in (5, 12) else elements[:2]:
            f = module.function("linear_leaves", f"{k}x{n}", f"{leaves}to{partials}", x, w, y)
            more = f"leaves {leaves}" + (f" partials {partials}" if partials > 1 else "")
            f.results(f.op("m1.linear", [f.argument(tensor(None, k, element=x)), f.parameter(n, k, element=w)], tensor(None, partials * n, element=y), more=more))
            for t in ROWS if (x, w) in (("f32", "f32"), ("bf16", "bf16")) and y == "f32" else (1, 65):
                f.case(t, [f.random(t).normal(t, k, element=x)], TOLERANCE[y])
    k, n = 96, 33
    f = module.function("linear_leaves_fused", f"{k}x{n}")
    x, other = f.argument(tensor(None, k)), f.argument(tensor(None, n))
    product = f.op("m1.linear", [x, f.parameter(n, k)], tensor(None, n), more="leaves 3")
    f.results(f.op("m1.residual", [other, product], tensor(None, n), more="alpha 2.5 beta -0.75"))
    for t in ROWS:
        f.case(t, [f.random(t).normal(t, k), f.random(-t).normal(t, n)], TOLERANCE["f32"])


def experts_leaves(module):
    shapes = ((7, 35, 3, 2, 5), (60, 96, 4, 3, 3), (32, 512, 3, 1, 16))
    for d, width, e, k, leaves in shapes:
        for element in ("bf16",) if module.tiles else ("f32", "bf16"):
            f = module.function("experts_leaves", f"{d}x{width}x{e}", f"top{k}", leaves, element)
            operands = [f.argument(t) for t in (tensor(None, d, element=element), tensor(None, k, element="i32"), tensor(None, k))]
            operands += [f.parameter(*s, element=element, scale=s[-1] ** -0.5) for s in ((e, width, d), (e, width, d), (e, d, width))]
            f.results(f.op("m1.experts", operands, tensor(None, d), more=f"leaves {leaves}"))
            for t in (1, 7, 65, 130):
                random = f.random(t)
                chosen = np.stack([random.generator.permutation(e)[:k] for _ in range(t)]).astype(np.int32)
                weights = random.generator.random((t, k)).astype(np.float32)
                # The hidden row is rounded.
                f.case(t, [random.normal(t, d, element=element), chosen, weights], TOLERANCE[element] * (1 if element == "f32" else 3))


def norm_groups(module):
    """Norms with groups of columns, and their halves."""
    for n, groups in ((3, 3), (14, 2), (99, 3), (70, 7), (384, 12), (256, 64), (2080, 5)):
        for x, w, y in (("f32", "f32", "f32"), ("f32", "bf16", "f32"), ("bf16", "bf16", "bf16")):
            f = module.function("norm_groups", f"{groups}of{n}", x, w, y)
            f.results(f.op("m1.rms_norm", [f.argument(tensor(None, n, element=x)), f.parameter(n, element=w)], tensor(None, n, element=y), more=f"eps 0.01 groups {groups}"))
            for t in (0, 1, 5, 8, 9, 65) if y == "f32" else (1, 9):
                f.case(t, [f.random(t).normal(t, n, element=x)], TOLERANCE[y])
        f = module.function("squares", f"{groups}of{n}")
        own = groups - 1  # one is another rank's
        width = own * n // groups
        x, squares, columns = (f.argument(tensor(None, c)) for c in (n, groups, width))
        normal = f.op("m1.normalize", [columns, f.parameter(width), squares], tensor(None, width), more=f"groups {own} eps 0.01")
        f.results(f.op("m1.squares", [x], tensor(None, groups)), normal)
        for t in (1, 9, 65):
            random = f.random(t)
            f.case(t, [random.normal(t, n), np.abs(random.normal(t, groups)) + 1, random.normal(t, width)], TOLERANCE["f32"])


def expert_halves(module):
    """The products of experts as partial sums, and the weighted sum of their outputs."""
    for d, width, e, k, leaves, partials in ((7, 12, 3, 2, 6, 3), (33, 96, 4, 3, 3, 3), (60, 64, 2, 1, 4, 2)):
        for element in ("f32", "bf16"):
            f = module.function("expert_products", f"{d}x{width}x{e}", f"top{k}", f"{leaves}to{partials}", element)
            operands = [f.argument(t) for t in (tensor(None, d, element=element), tensor(None, k, element="i32"))]
            operands += [f.parameter(*s, element=element, scale=s[-1] ** -0.5) for s in ((e, width, d), (e, width, d), (e, d, width))]
            f.results(f.op("m1.expert_products", operands, tensor(None, k * partials * d), more=f"leaves {leaves} partials {partials}"))
            for t in (1, 7, 65):
                random = f.random(t)
                chosen = np.stack([random.generator.permutation(e)[:k] for _ in range(t)]).astype(np.int32)
                f.case(t, [random.normal(t, d, element=element), chosen], TOLERANCE[element] * (1 if element == "f32" else 3))
        f = module.function("combine_experts", d, f"top{k}")
        f.results(f.op("m1.combine_experts", [f.argument(tensor(None, k * d)), f.argument(tensor(None, k))], tensor(None, d)))
        for t in (1, 7, 65):
            f.case(t, [f.random(t).normal(t, k * d), f.random(-t).normal(t, k)], TOLERANCE["f32"])
