# ===- token_order.py - weight gradients of batches in pieces ---------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""token_order.py WORK_DIR UNIT

Adds the gradients of weights of a batch of tokens to states at once, and in two
pieces: every bit of the states is the same, wherever the batch is cut, or, where the
tokens of a sequence are taken in twos, wherever it is cut between two sequences. Prints
the number of comparisons.
"""

import os
import sys

sys.dont_write_bytecode = True
import numpy as np
from kernels.module import Module, e2e, offsets, tensor  # noqa: I001 (it finds kernel_results)
from kernel_results import call, write_arguments

TOKENS = 130
CUTS = (0, 1, 63, 64, 65, 130)
# The lengths of sequences, odd ones among them, that end at these cuts; longer than a block of tokens, and empty.
LENGTHS = (1, 62, 0, 1, 1, 65)
INDICES = tensor(None, element="i32")


def functions(module, name, op, types, shape, in_sequences=False):
    """Functions that add one batch, and two."""
    whole, pieces = module.function("whole", name), module.function("pieces", name)
    operands = [whole.argument(type_) for type_ in types]
    whole.accumulated(op, [operands], shape, at=[whole.argument(INDICES, "B+1")] if in_sequences else ())
    batches = [[pieces.argument(type_, symbol) for type_ in types] for symbol in ("P", "Q")]
    pieces.accumulated(op, batches, shape, at=[pieces.argument(INDICES, symbol + "+1") for symbol in ("C", "D")] if in_sequences else ())
    return whole, pieces


def sequences(first, past):
    """The offsets of the sequences between two cuts."""
    ends = offsets(LENGTHS)
    return (ends[(first <= ends) & (ends <= past)] - first).astype(np.int32)


def compare(module, run, work, pair, arrays, cut, in_sequences):
    whole, pieces = pair
    given = [*arrays, *([sequences(0, TOKENS)] if in_sequences else [])]
    (expected,) = call(run, whole.name, write_arguments(given, work), os.path.join(work, "whole")).values()
    cut_arrays = [a[:cut] for a in arrays] + [a[cut:] for a in arrays]
    if in_sequences:
        cut_arrays += [sequences(0, cut), sequences(cut, TOKENS)]
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
        cases.append((pair, values, False))
        by_pair, experts_type = tensor(None, choices, n), tensor(None, choices, element="i32")
        pair = functions(module, f"experts_{x}", "m1.experts_weight_gradient", [by_pair, rows, experts_type], (experts, n, k))
        cases.append((pair, (random.normal(size=(TOKENS, choices, n)).astype(np.float32), values[1], chosen), False))
    # Rounded rows, in twos.
    types = [tensor(None, columns, element="bf16") for columns in (n, k)]
    pair = functions(module, "linear_twos", "m1.linear_weight_gradient", types, (n, k), in_sequences=True)
    cases.append((pair, values, True))
    pair = functions(module, "experts_twos", "m1.experts_weight_gradient", [*types, experts_type], (experts, n, k), in_sequences=True)
    cases.append((pair, (*values, chosen), True))
    target, runner = e2e.UNITS[unit]
    module.build(work, *target)
    run = (*runner[:1], "call", module.plan, *runner[1:])
    for pair, arrays, in_sequences in cases:
        for cut in CUTS:
            compare(module, run, work, pair, arrays, cut, in_sequences)
    print(f"{len(cases) * len(CUTS)} comparisons agree")


main()
