# ===- token_order.py - weight gradients of batches in pieces ---------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""token_order.py WORK_DIR UNIT

Adds the gradients of weights of a batch of tokens to states at once, and in two
pieces: every bit of the states is the same, wherever the batch is cut. Prints the
number of comparisons.
"""

import os
import sys

sys.dont_write_bytecode = True
import numpy as np
from kernels.module import Module, e2e, tensor  # noqa: I001 (it finds kernel_results)
from kernel_results import call, write_arguments

TOKENS = 130
CUTS = (0, 1, 63, 64, 65, 130)


def functions(module, name, op, types, shape):
    """Functions that add one batch, and two."""
    whole, pieces = module.function("whole", name), module.function("pieces", name)
    whole.accumulated(op, [[whole.argument(type_) for type_ in types]], shape)
    batches = [[pieces.argument(type_, symbol) for type_ in types] for symbol in ("P", "Q")]
    pieces.accumulated(op, batches, shape)
    return whole, pieces


def compare(module, run, work, pair, arrays, cut):
    whole, pieces = pair
    (expected,) = call(run, whole.name, write_arguments(arrays, work), os.path.join(work, "whole")).values()
    cut_arrays = [a[:cut] for a in arrays] + [a[cut:] for a in arrays]
    (found,) = call(run, pieces.name, write_arguments(cut_arrays, work), os.path.join(work, "pieces")).values()
    assert np.any(expected), f"{whole.name}: only zeros"
    assert found.tobytes() == expected.tobytes(), f"{whole.name}, cut at {cut}: {np.sum(found != expected)} of {found.size} elements differ"


def main():
    work, unit = sys.argv[1:]
    module, cases = Module(unit), []
    n, k, experts, choices = 33, 70, 3, 2
    random = np.random.default_rng(20260303)
    chosen = np.array([random.permutation(experts)[:choices] for _ in range(TOKENS)], np.int32)
    for x in ("f32", "bf16"):
        dy, rows = tensor(None, n), tensor(None, k, element=x)
        values = random.normal(size=(TOKENS, n)).astype(np.float32), random.normal(size=(TOKENS, k)).astype(np.float32)
        pair = functions(module, f"linear_{x}", "m1.linear_weight_gradient", [dy, rows], (n, k))
        cases.append((pair, values))
        by_pair, experts_type = tensor(None, choices, n), tensor(None, choices, element="i32")
        pair = functions(module, f"experts_{x}", "m1.experts_weight_gradient", [by_pair, rows, experts_type], (experts, n, k))
        cases.append((pair, (random.normal(size=(TOKENS, choices, n)).astype(np.float32), values[1], chosen)))
    target, runner = e2e.UNITS[unit]
    module.build(work, *target)
    run = (*runner[:1], "call", module.plan, *runner[1:])
    for pair, arrays in cases:
        for cut in CUTS:
            compare(module, run, work, pair, arrays, cut)
    print(f"{len(cases) * len(CUTS)} comparisons agree")


main()
