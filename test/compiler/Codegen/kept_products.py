# ===- kept_products.py - the bits of experts that keep their products ------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""kept_products.py WORK_DIR UNIT

Runs experts and their gradient twice: with gate and up computed anew in the gradient,
and with those that the forward op returned. Every bit of the forward result and of all
gradients is the same, for single rows, experts without tokens, and widths that are no
multiple of a panel. Prints the number of comparisons.
"""

import os
import sys

sys.dont_write_bytecode = True
import numpy as np
from kernels.module import Module, e2e, tensor  # noqa: I001 (it finds kernel_results)
from kernel_results import call, write_arguments

# D, F, the number of experts, and of a token's choices; the last has leaves that fill a matrix unit.
SHAPES = ((1, 1, 1, 1), (7, 33, 3, 2), (60, 97, 4, 3), (64, 96, 5, 2))
TYPES = (("f32", "f32", "f32"), ("bf16", "f32", "f32"), ("bf16", "bf16", "bf16"))  # x, weights, dy
TOKENS = (1, 63, 65, 130)


def function(module, name, shape, types, kept):
    d, width, experts, choices = shape
    x, w, dy = types
    f = module.function(name, *shape, *types)
    rows, indices, weights, gradient = (f.argument(tensor(None, n, element=t)) for n, t in ((d, x), (choices, "i32"), (choices, "f32"), (d, dy)))
    # Parameters of the same values in both functions.
    random = np.random.default_rng(11)
    matrices = [f.parameter(*s, element=w, values=to_bf16(random.normal(size=s) / s[-1] ** 0.5)) for s in ((experts, width, d), (experts, width, d), (experts, d, width))]
    result, product, hidden = tensor(None, d), tensor(None, choices, width), tensor(None, choices, width, element=dy)
    forward = f.op("m1.experts", [rows, indices, weights, *matrices], result, *([product] * 2 if kept else []))
    y, products = (forward[0], forward[1:]) if kept else (forward, [])
    form = ", ".join(["{}"] * 7) + (" products {}, {}" if kept else "")
    gradients = f.op("m1.experts_gradient", [gradient, rows, indices, weights, *matrices, *products], result, tensor(None, choices), hidden, hidden, hidden, form=form)
    f.results(y, *gradients)
    return f


def to_bf16(array):
    """Numbers that bf16 represents exactly, in float32."""
    bits = np.asarray(array, np.float32).view(np.uint32)
    return (bits & np.uint32(0xFFFF0000)).view(np.float32)


def arguments(random, shape, types, tokens):
    d, _, experts, choices = shape
    chosen = np.array([random.permutation(experts)[:choices] for _ in range(tokens)], np.int32)
    if tokens == 65:  # the other experts get no token
        chosen[:] = np.arange(choices)[::-1]
    return [to_bf16(random.normal(size=(tokens, d))), chosen, random.random((tokens, choices)).astype(np.float32), to_bf16(random.normal(size=(tokens, d)))]


def main():
    work, unit = sys.argv[1:]
    module, cases = Module(unit), []
    for shape in SHAPES:
        for types in TYPES:
            cases.append((shape, types, *(function(module, name, shape, types, name == "kept") for name in ("anew", "kept"))))
    target, runner = e2e.UNITS[unit]
    module.build(work, *target)
    run = (*runner[:1], "call", module.plan, *runner[1:], *module.weights)
    random, count = np.random.default_rng(20260404), 0
    for shape, types, *functions in cases:
        for tokens in TOKENS:
            given = write_arguments(arguments(random, shape, types, tokens), work)
            anew, kept = (call(run, f.name, given, os.path.join(work, "out")) for f in functions)
            for name in anew:
                count += 1
                assert np.any(anew[name]), f"{functions[1].name}, {tokens} tokens: {name} has only zeros"
                assert anew[name].tobytes() == kept[name].tobytes(), f"{functions[1].name}, {tokens} tokens: {np.sum(anew[name] != kept[name])} elements of {name} differ"
    print(f"{count} comparisons agree")


main()
