# ===- rows.py - cases of products, norms and ops on rows ------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Products, norms and ops that work on rows."""

import numpy as np
from kernels.module import TOLERANCE, offsets, tensor

# Single rows, and one more or less than a block's.
ROWS = (1, 5, 6, 7, 63, 64, 65, 200)
# The same for AMX, whose tiles have 16 rows.
TILE_ROWS = (1, 15, 16, 17, 31, 32, 33, 64, 65, 200)


def rows_of(module):
    return TILE_ROWS if module.tiles else ROWS


def linear(module):
    elements = [("f32", "f32", "f32"), ("bf16", "bf16", "f32"), ("bf16", "bf16", "bf16"), ("f32", "bf16", "f32"), ("f16", "f16", "f16"), ("f16", "f32", "f32")]
    shapes = [(1, 1), (7, 1), (1, 7), (33, 60), (60, 33), (97, 97), (128, 32), (64, 161)]
    in_all_elements = ((33, 60), (97, 97))
    if module.tiles:
        shapes, in_all_elements = [(32, 1), (32, 16), (64, 33), (96, 160), (33, 60), (256, 17)], ((96, 160), (33, 60))
    for k, n in shapes:
        for x, w, y in elements if (k, n) in in_all_elements else elements[1 if module.tiles else 0 : 2]:
            f = module.function("linear", f"{k}x{n}", x, w, y)
            f.results(f.op("m1.linear", [f.argument(tensor(None, k, element=x)), f.parameter(n, k, element=w)], tensor(None, n, element=y)))
            for t in (0, *rows_of(module)) if y == "f32" else (1, 65):
                f.case(t, [f.random(t).normal(t, k, element=x)], TOLERANCE[y])


def linear_fused(module):
    """Elementwise ops in a product's epilogue: with operands on either side, and with an operand per token."""
    k = 20
    for n in (1, 33, 64):
        f = module.function("linear_fused", f"{k}x{n}")
        rows, column = tensor(None, n), tensor(None, 1)
        x, other = f.argument(tensor(None, k)), f.argument(rows)
        w, v, c = f.parameter(n, k), f.parameter(n, k), f.parameter(1, k)
        p, q, column_product = (f.op("m1.linear", [x, weight], type_) for weight, type_ in ((w, rows), (v, rows), (c, column)))
        gated = f.op("m1.silu_mul", [p, q], rows)
        mixed = f.op("m1.shared_mix", [other, gated, column_product], rows)
        total = f.op("m1.residual", [other, mixed], rows, more="alpha 3.5565588200778455 beta -0.25")
        second = f.op("m1.sigmoid_gate", [total, f.op("m1.linear", [x, v], rows)], tensor(None, n, element="bf16"))
        f.results(total, second)
        for t in ROWS:
            random = f.random(t)
            # A few of the gated elements dominate the norm.
            f.case(t, [random.normal(t, k), random.normal(t, n)], (TOLERANCE["f32"], 1.25 * TOLERANCE["bf16"]))


def doubles(module):
    """What supports f64: ops that move data, casts, and products of two f64 operands."""
    k, n = 20, 33
    rows = tensor(None, k, element="f64")
    for y in ("f64", "f32"):
        f = module.function("linear", "f64", "f64", y)
        f.results(f.op("m1.linear", [f.argument(rows), f.parameter(n, k, element="f64")], tensor(None, n, element=y)))
        f.case(70, [f.random(70).normal(70, k, element="f64")], TOLERANCE[y])
        f = module.function("embedding", "f64", y)
        f.results(f.op("m1.embedding", [f.argument(tensor(None, element="i32")), f.parameter(n, k, element="f64")], tensor(None, k, element=y)))
        f.case(n, [np.arange(n, dtype=np.int32)], 0 if y == "f64" else TOLERANCE[y])
    for x, y in (("f64", "f32"), ("f32", "f64"), ("bf16", "f64"), ("f16", "f64")):
        f = module.function("cast", x, y)
        f.results(f.cast(f.argument(tensor(None, k, element=x)), tensor(None, k, element=y)))
        f.case(9, [f.random(9).normal(9, k, element=x)], TOLERANCE[y] if x == "f64" else 0)
    f = module.function("select_last", "f64")
    x, cu_seqlens = f.argument(rows), f.argument(tensor(None, element="i32"), "B+1")
    merged = f.op("m1.merge_heads", [f.op("m1.split_heads", [x], tensor(None, 4, 5, element="f64"))], rows)
    f.results(f.op("m1.select_last", [merged, cu_seqlens], rows), dims=["B"])
    f.case("4-0-5", [f.random("4-0-5").normal(9, k, element="f64"), offsets((4, 0, 5))], 0)


def rms_norm(module):
    for n in (1, 7, 8, 33, 60, 97, 256, 1024, 1152):
        for x, w, y in [("f32", "f32", "f32"), ("f32", "bf16", "f32"), ("bf16", "bf16", "bf16")]:
            f = module.function("rms_norm", n, x, w, y)
            f.results(f.op("m1.rms_norm", [f.argument(tensor(None, n, element=x)), f.parameter(n, element=w)], tensor(None, n, element=y), more="eps 0.01"))
            for t in ROWS if y == "f32" else (1, 9):
                f.case(t, [f.random(t).normal(t, n, element=x)], TOLERANCE[y])


# Ops with their number of operands and their attributes.
ELEMENTWISE = {"silu": (1, ""), "silu_mul": (2, ""), "sigmoid_gate": (2, ""), "residual": (2, "alpha 2.5 beta -0.75"), "shared_mix": (3, ""), "cast": (1, "")}


def elementwise(module):
    for n in (1, 7, 60, 97):
        for x, y in [("f32", "f32"), ("bf16", "f32"), ("f32", "bf16"), ("f16", "bf16"), ("f32", "f16")]:
            for op, (count, attributes) in ELEMENTWISE.items():
                if op == "cast" and x == y:
                    continue
                f = module.function(op, n, x, y)
                widths = [n, n, 1] if op == "shared_mix" else [n] * count
                operands = [f.argument(tensor(None, width, element=x)) for width in widths]
                result = tensor(None, n, element=y)
                f.results(f.cast(*operands, result) if op == "cast" else f.op(f"m1.{op}", operands, result, more=attributes))
                for t in (1, 7, 9) if (x, y) == ("f32", "f32") else (7,):
                    random = f.random(t)
                    # Wide enough that exponentials reach both ends of their range.
                    f.case(t, [random.normal(t, width, element=x, scale=8) for width in widths], TOLERANCE[y])


def embedding(module):
    for v, d in ((1, 1), (7, 33), (97, 60)):
        for w, y in (("f32", "f32"), ("bf16", "f32"), ("bf16", "bf16"), ("f32", "bf16")):
            f = module.function("embedding", f"{v}x{d}", w, y)
            f.results(f.op("m1.embedding", [f.argument(tensor(None, element="i32")), f.parameter(v, d, element=w)], tensor(None, d, element=y)))
            for t in (1, 7, 8, 9, 65):
                tokens = f.random(t).integers(0, v, t)
                tokens[[0, -1]] = 0, v - 1
                f.case(t, [tokens], TOLERANCE[y])


def select_last(module):
    for n in (1, 7, 60):
        for element in ("f32", "bf16"):
            f = module.function("select_last", n, element)
            rows = tensor(None, n, element=element)
            f.results(f.op("m1.select_last", [f.argument(rows), f.argument(tensor(None, element="i32"), "B+1")], rows), dims=["B"])
            for lengths in ((1,), (3, 0, 64, 1), (0,), (0, 0, 5), (65, 0)):
                name = "-".join(map(str, lengths))
                f.case(name, [f.random(name).normal(sum(lengths), n, element=element), offsets(lengths)], 1e-12)
