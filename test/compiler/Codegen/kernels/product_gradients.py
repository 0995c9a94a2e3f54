# ===- product_gradients.py - cases of gradients of products and experts ----===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Gradients of products, routers and experts. Gradients that are added to states begin with what another call left there."""

import numpy as np
from kernels.module import TOLERANCE, offsets, tensor

# Single rows, and one more or less than a block's.
TOKENS = (0, 1, 6, 63, 64, 65, 200)


def shapes_of(module):
    """(N, K) of weights: single rows and columns, no multiples of vectors, panels or blocks, and more than a block's."""
    if module.tiles:
        return [(33, 64), (97, 288)]
    return [(1, 1), (7, 1), (1, 7), (33, 60), (60, 33), (97, 97), (32, 128), (161, 300)]


def sequences(tokens):
    """The offsets of three sequences of that many tokens: of an odd number, of none, of the rest."""
    first = min(tokens, tokens // 6 * 2 + 1)
    return offsets((first, 0, tokens - first))


def linear_transposed(module):
    for n, k in shapes_of(module):
        types = [("f32", w) for w in (("f32", "bf16", "f16") if (n, k) == (97, 97) else ("f32", "bf16"))]
        if n >= 32:  # even and odd numbers of terms
            types += [("bf16", "bf16")]
        for dy, w in types:
            f = module.function("linear_transposed", f"{n}x{k}", *(() if dy == "f32" else (dy,)), w)
            operands = [f.argument(tensor(None, n, element=dy)), f.parameter(n, k, element=w)]
            f.results(f.op("m1.linear_transposed", operands, tensor(None, k)))
            for t in TOKENS if dy == "f32" else (1, 65):
                f.case(t, [f.random(t).normal(t, n, element=dy)], TOLERANCE["f32"])


def linear_weight_gradient(module):
    """The gradient is added twice: to zeros, and to the sum of other tokens."""
    for n, k in shapes_of(module):
        for x in ("f32", "bf16", "f16") if (n, k) == (97, 97) else ("f32", "bf16"):
            f = module.function("linear_weight_gradient", f"{n}x{k}", x)
            operands = [f.argument(type_) for type_ in (tensor(None, n), tensor(None, k, element=x))]
            f.accumulated("m1.linear_weight_gradient", [operands, operands], (n, k))
            for t in TOKENS:
                random = f.random(t)
                # A single sum may be small compared with its terms.
                f.case(t, [random.normal(t, n), random.normal(t, k, element=x)], TOLERANCE["f32"] * (2 if n * k == 1 else 1))


def linear_gradient_twos(module):
    """The same of rounded rows, whose sums take the tokens of a sequence in twos."""
    for n, k in ((1, 1), (7, 1), (33, 60), (97, 97), (320, 272)):
        f = module.function("linear_gradient_twos", f"{n}x{k}")
        operands = [f.argument(tensor(None, columns, element="bf16")) for columns in (n, k)]
        cu_seqlens = f.argument(tensor(None, element="i32"), "B+1")
        f.accumulated("m1.linear_weight_gradient", [operands, operands], (n, k), at=[cu_seqlens] * 2)
        for t in (0, 1, 65, 129, 200):
            random = f.random(t)
            rows = [random.normal(t, columns, element="bf16") for columns in (n, k)]
            f.case(t, [*rows, sequences(t)], TOLERANCE["f32"] * (2 if n * k == 1 else 1))


def router_gradient(module):
    for e, k in ((1, 1), (3, 1), (5, 2), (17, 3), (33, 12)):
        f = module.function("router_gradient", e, f"top{k}")
        pairs = tensor(None, k)
        f.results(f.op("m1.router_gradient", [f.argument(pairs), f.argument(tensor(None, k, element="i32")), f.argument(pairs)], tensor(None, e)))
        for t in (1, 7, 8, 9, 65):
            random = f.random(t)
            weights = random.generator.random((t, k)).astype(np.float32)
            weights /= weights.sum(axis=1, keepdims=True)
            # For one choice the result is exactly 0.
            f.case(t, [random.normal(t, k), choices(random, t, e, k), weights], TOLERANCE["f32"])


def router_balance(module):
    shapes = ((1, 1), (7, 3), (33, 17), (97, 32))
    for d, e in ((32, 17), (64, 32)) if module.tiles else shapes:
        for x, w in (("bf16", "bf16"),) if module.tiles else (("f32", "f32"), ("bf16", "f32"), ("bf16", "bf16")):
            f = module.function("router_balance", f"{d}x{e}", x, w)
            operands = [f.argument(tensor(None, d, element=x)), f.parameter(e, d, element=w), f.argument(tensor(e))]
            f.results(*f.op("m1.router_balance", operands, tensor(None), tensor(None, e)))
            for t in (1, 7, 8, 9, 65):
                random = f.random(t)
                # For one expert the gradient is exactly 0.
                f.case(t, [random.normal(t, d, element=x), np.abs(random.normal(e))], 4 * TOLERANCE["f32"])


def choices(random, tokens, experts, count):
    """Distinct experts of each token; of 65 tokens all choose the same, so that others have none."""
    if tokens == 65:
        return np.tile(np.arange(count, dtype=np.int32)[::-1], (tokens, 1))
    return np.array([random.generator.permutation(experts)[:count] for _ in range(tokens)], np.int32).reshape(tokens, count)


def experts_gradient(module):
    """With gate and up computed anew, and read."""
    for d, width, e, k in ((1, 1, 1, 1), (7, 33, 3, 2), (60, 97, 4, 3), (32, 64, 5, 1)):
        for dy, x, w in (("f32", "f32", "f32"), ("f32", "bf16", "bf16"), ("f32", "f32", "bf16"), ("bf16", "bf16", "bf16")):
            reads = x != w or (dy == "bf16" and width % 2 == 1)
            f = module.function("experts_gradient", f"{d}x{width}x{e}", f"top{k}", *(() if dy == "f32" else (dy,)), x, w, *(("products",) if reads else ()))
            types = (tensor(None, d, element=dy), tensor(None, d, element=x), tensor(None, k, element="i32"), tensor(None, k))
            operands = [f.argument(type_) for type_ in types]
            operands += [f.parameter(*s, element=w, scale=s[-1] ** -0.5) for s in ((e, width, d), (e, width, d), (e, d, width))]
            hidden = tensor(None, k, width, element=dy)
            results = (tensor(None, d), tensor(None, k), hidden, hidden, hidden)
            if reads:
                operands += [f.argument(tensor(None, k, width)) for _ in range(2)]
            form = "{}, {}, {}, {}, {}, {}, {}" + (" products {}, {}" if reads else "")
            f.results(*f.op("m1.experts_gradient", operands, *results, form=form))
            for t in (0, 1, 7, 63, 64, 65, 200) if dy == "f32" else (1, 65):
                random = f.random(t)
                weights = random.generator.random((t, k)).astype(np.float32)
                # dx is a sum of products with hidden rows, which are rounded to dy's type; the choices' weights are not.
                tolerance = TOLERANCE["f32"] if dy == "f32" else [2 * TOLERANCE[dy], TOLERANCE["f32"], *[TOLERANCE[dy]] * 3]
                arguments = [random.normal(t, d, element=dy), random.normal(t, d, element=x), choices(random, t, e, k), weights]
                f.case(t, arguments + [random.normal(t, k, width) for _ in range(2 if reads else 0)], tolerance)


def experts_weight_gradient(module):
    """With a row for each token or choice on either side, added twice as above."""
    for n, k, e, j in ((1, 1, 1, 1), (33, 7, 3, 2), (60, 100, 4, 3), (128, 150, 5, 1), (293, 101, 2, 1)):
        for left, right in (("t", "t"), ("t", "j"), ("j", "t"), ("j", "j")) if n < 293 else (("j", "t"),):
            for x in ("f32", "bf16") if right == "t" else ("f32",):
                f = module.function("experts_weight_gradient", f"{n}x{k}x{e}", f"top{j}", left + right, x)
                types = [tensor(None, *([j] if side == "j" else []), width, element=element) for side, width, element in ((left, n, "f32"), (right, k, x))]
                operands = [f.argument(type_) for type_ in (*types, tensor(None, j, element="i32"))]
                f.accumulated("m1.experts_weight_gradient", [operands, operands], (e, n, k))
                for t in (0, 1, 63, 65, 200):
                    random = f.random(t)
                    sides = [random.normal(t, *([j] if side == "j" else []), width, element=element) for side, width, element in ((left, n, "f32"), (right, k, x))]
                    f.case(t, [*sides, choices(random, t, e, j)], TOLERANCE["f32"])


def experts_gradient_twos(module):
    """The same of rounded rows, whose sums take the tokens of a sequence that chose the expert in twos."""
    for n, k, e, j in ((1, 1, 1, 1), (33, 7, 3, 2), (128, 208, 5, 1), (293, 101, 2, 1)):
        for left, right in (("t", "j"), ("j", "t")):
            f = module.function("experts_gradient_twos", f"{n}x{k}x{e}", f"top{j}", left + right)
            shapes = [(*([j] if side == "j" else []), width) for side, width in ((left, n), (right, k))]
            operands = [f.argument(tensor(None, *shape, element="bf16")) for shape in shapes]
            operands += [f.argument(tensor(None, j, element="i32"))]
            cu_seqlens = f.argument(tensor(None, element="i32"), "B+1")
            f.accumulated("m1.experts_weight_gradient", [operands, operands], (e, n, k), at=[cu_seqlens] * 2)
            for t in (0, 65, 301):
                random = f.random(t)
                sides = [random.normal(t, *shape, element="bf16") for shape in shapes]
                f.case(t, [*sides, choices(random, t, e, j), sequences(t)], TOLERANCE["f32"])
