# ===- row_gradients.py - cases of gradients of ops on rows ----------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Gradients of ops that work on rows, and sums over tokens in the state of a parameter's gradient."""

from kernels.attention import INDEX
from kernels.module import TOLERANCE, tensor
from kernels.rows import ROWS

F32 = TOLERANCE["f32"]


def state_type(*shape):
    return f"!m1.tensor_state<{'x'.join(map(str, shape))}xf32>"


def accumulate(f, shape, op, calls, attributes=""):
    """Ends a function whose result is the state [shape] after the op on each list of operands in `calls`."""
    type_ = state_type(*shape)
    state, write = f.state(type_)
    for operands in calls:
        state = f.op(op, [*operands, state], type_, more=attributes)
    value, state = f.op("m1.state_value", [state], tensor(*shape), type_)
    write(state)
    f.results(value)


# Ops with the number of their operands besides dy.
ELEMENTWISE = {"silu": 1, "sigmoid_gate": 2, "silu_mul": 2}


def elementwise_gradients(module):
    for n in (1, 7, 60, 97):
        for op, count in ELEMENTWISE.items():
            for x in ("f32", "bf16"):
                f = module.function(f"{op}_gradient", n, x)
                operands = [f.argument(tensor(None, n)), *(f.argument(tensor(None, n, element=x)) for _ in range(count))]
                f.results(f.op(f"m1.{op}_gradient", operands, tensor(None, n)))
                for t in (1, 7, 9) if x == "f32" else (7,):
                    random = f.random(t)
                    # Wide enough that exponentials reach both ends of their range.
                    f.case(t, [random.normal(t, n), *(random.normal(t, n, element=x, scale=8) for _ in range(count))], F32)
        for x, y in (("f32", "f32"), ("bf16", "f32"), ("f32", "bf16")):
            f = module.function("scale", n, x, y)
            f.results(f.op("m1.scale", [f.argument(tensor(None, n, element=x))], tensor(None, n, element=y), more="by -0.1"))
            f.case(9, [f.random(9).normal(9, n, element=x)], TOLERANCE[y])


def rms_norm_gradient(module):
    for n in (1, 7, 33, 97, 1024, 1152):
        for x, w in (("f32", "f32"), ("f32", "bf16"), ("bf16", "bf16")):
            f = module.function("rms_norm_gradient", n, x, w)
            rows = tensor(None, n)
            operands = [f.argument(rows), f.argument(tensor(None, n, element=x)), f.parameter(n, element=w)]
            f.results(f.op("m1.rms_norm_gradient", operands, rows, more="eps 0.01"))
            for t in (0, *ROWS) if (x, w) == ("f32", "f32") else (1, 9):
                random = f.random(t)
                # In rows of one element the terms cancel: the result is dy w eps s³.
                f.case(t, [random.normal(t, n), random.normal(t, n, element=x)], F32 if n > 1 else 20 * F32)


def rms_norm_weight_gradient(module):
    """Two sums on one state, so that the second starts from memory; T and U tokens."""
    for n in (1, 7, 127, 128, 129, 255, 256, 257, 600):
        for x in ("f32", "bf16"):
            f = module.function("rms_norm_weight_gradient", n, x)
            calls = [[f.argument(tensor(None, n), dim), f.argument(tensor(None, n, element=x), dim)] for dim in ("T", "U")]
            accumulate(f, (n,), "m1.rms_norm_weight_gradient", calls, "eps 0.01")
            for t, u in ((1, 0), (0, 9), (7, 65), (65, 1)) if x == "f32" else ((8, 9),):
                random = f.random(f"{t}-{u}")
                arrays = [random.normal(count, n, element=e) for count in (t, u) for e in ("f32", x)]
                f.case(f"{t}-{u}", arrays, F32)


def embedding_gradient(module):
    for v, d in ((1, 1), (7, 33), (97, 60), (5, 127), (5, 128), (5, 129), (5, 256), (3, 600)):
        f = module.function("embedding_gradient", f"{v}x{d}")
        calls = [[f.argument(tensor(None, d), dim), f.argument(INDEX, dim)] for dim in ("T", "U")]
        accumulate(f, (v, d), "m1.embedding_gradient", calls)
        for t, u in ((1, 0), (0, 8), (9, 65)):
            random = f.random(f"{t}-{u}")
            arrays = []
            for count in (t, u):
                tokens = random.integers(0, v, count)
                tokens[-1:] = v - 1
                arrays += [random.normal(count, d), tokens]
            f.case(f"{t}-{u}", arrays, F32)


def shared_mix_gradient(module):
    for n in (1, 7, 60, 97):
        for x in ("f32", "bf16"):
            f = module.function("shared_mix_gradient", n, x)
            rows, column = tensor(None, n), tensor(None, 1)
            operands = [f.argument(rows), *(f.argument(tensor(None, width, element=x)) for width in (n, n, 1))]
            f.results(*f.op("m1.shared_mix_gradient", operands, rows, rows, column))
            for t in (0, *ROWS) if x == "f32" else (9,):
                random = f.random(t)
                f.case(t, [random.normal(t, n), *(random.normal(t, width, element=x, scale=s) for width, s in ((n, 1), (n, 1), (1, 8)))], (F32, F32, F32))


def merge_qkv(module):
    for h, d in ((1, 1), (3, 7), (8, 32)):
        for element in ("f32", "bf16"):
            f = module.function("merge_qkv", f"{h}x{d}", element)
            heads = tensor(None, h, d, element=element)
            f.results(f.op("m1.merge_qkv", [f.argument(heads) for _ in range(3)], tensor(None, 3 * h * d, element=element)))
            for t in (0, 1, 9):
                random = f.random(t)
                f.case(t, [random.normal(t, h, d, element=element) for _ in range(3)], 1e-12)


def inverse_rotary(module):
    for h, d, dims in ((1, 2, 2), (3, 20, 6), (1, 33, 14)):
        f = module.function("inverse_rotary", f"{h}x{d}", f"dims{dims}")
        heads = tensor(None, h, d)
        f.results(f.op("m1.rotary", [f.argument(heads), f.argument(INDEX)], heads, more=f"theta 1.0e7 dims {dims} inverse"))
        for t in (0, 1, 7, 9):
            random = f.random(t)
            positions = random.integers(0, 100, t)
            positions[-1:] = 10_000_000  # where an angle in f32 would be off by a radian
            f.case(t, [random.normal(t, h, d), positions], F32)
