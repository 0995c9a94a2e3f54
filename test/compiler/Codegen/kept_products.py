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

# D, F, the number of experts and of a token's choices, the types of x, weights and dy. The last suits matrix units.
CASES = (
    ((1, 1, 1, 1), ("f32", "f32", "f32")),
    ((7, 33, 3, 2), ("bf16", "f32", "f32")),
    ((60, 97, 4, 3), ("bf16", "bf16", "bf16")),
    ((64, 96, 5, 2), ("bf16", "bf16", "bf16")),
)
TOKENS = (1, 65, 130)
RESULTS = ("the result", "dx", "dweights", "hidden", "gate_gradient", "up_gradient")


def function(module, shape, types):
    """Returns RESULTS twice."""
    d, width, experts, choices = shape
    x, w, dy = types
    f = module.function("twice", *shape, *types)
    inputs = (tensor(None, d, element=x), tensor(None, choices, element="i32"), tensor(None, choices), tensor(None, d, element=dy))
    *given, gradient = (f.argument(type_) for type_ in inputs)
    given += [f.parameter(*s, element=w, scale=s[-1] ** -0.5) for s in ((experts, width, d), (experts, width, d), (experts, d, width))]
    rows, product, hidden = tensor(None, d), tensor(None, choices, width), tensor(None, choices, width, element=dy)
    form, results = ", ".join(["{}"] * 7), []
    for products in (), (product, product):
        y, *kept = f.op("m1.experts", given, rows, *products) if products else [f.op("m1.experts", given, rows)]
        more = " products {}, {}" if kept else ""
        gradients = f.op("m1.experts_gradient", [gradient, *given, *kept], rows, tensor(None, choices), hidden, hidden, hidden, form=form + more)
        results += [y, *gradients]
    f.results(*results)
    return f


def arguments(random, shape, types, tokens):
    d, _, experts, choices = shape
    chosen = np.array([random.generator.permutation(experts)[:choices] for _ in range(tokens)], np.int32)
    if tokens == 65:  # the other experts get no token
        chosen[:] = np.arange(choices)[::-1]
    weights = random.generator.random((tokens, choices)).astype(np.float32)
    return [random.normal(tokens, d, element=types[0]), chosen, weights, random.normal(tokens, d, element=types[2])]


def main():
    work, unit = sys.argv[1:]
    module, count = Module(unit), 0
    chosen, sizes = (CASES[-1:], TOKENS[:2]) if module.gpu else (CASES[: None if module.tiles else -1], TOKENS)
    functions = [(function(module, shape, types), shape, types) for shape, types in chosen]
    target, runner = e2e.UNITS[unit]
    module.build(work, *target)
    run = (*runner[:1], "call", module.plan, *runner[1:], *module.weights)
    for f, shape, types in functions:
        for tokens in sizes:
            given = write_arguments(arguments(f.random(tokens), shape, types, tokens), work)
            found = call(run, f.name, given, os.path.join(work, "out"))
            for number, name in enumerate(RESULTS):
                anew, kept = found[f"result{number}"], found[f"result{number + len(RESULTS)}"]
                assert np.any(anew), f"{f.name}, {tokens} tokens: {name} has only zeros"
                assert anew.tobytes() == kept.tobytes(), f"{f.name}, {tokens} tokens: {np.sum(anew != kept)} elements of {name} differ"
                count += 1
    print(f"{count} comparisons agree")


main()
