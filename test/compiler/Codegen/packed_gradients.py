# ===- packed_gradients.py - gradients of packed sequences ------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""packed_gradients.py WORK_DIR

Computes gradients of attention for batches of several sequences, and for each
sequence in a batch of its own, on every kind of target. The bits must be the same.
"""

import os
import re
import sys

import kernels
import numpy as np
from kernel_results import call, write_arguments
from kernels.module import e2e, offsets

BATCHES = [(70, 1, 0, 130), (130, 63, 70)]
FUNCTIONS = {
    "lightning_gradient": "lightning_gradient_(3x8_chunk64_bf16|2x8_chunk5_f32)",
    "softmax_gradient": "softmax_gradient_(6x3x20_f32|4x2x32_bf16)",
}


def compare(function, command, work, threads):
    """The number of batches, and how many of them differ."""
    random, different = function.random("packed"), 0
    shapes = [type_.split("x")[1:-1] for type_ in function.argument_types[:-1]]
    for lengths in BATCHES:
        given = [random.normal(sum(lengths), *map(int, shape), element="bf16") for shape in shapes]

        def gradients(rows, lengths, threads):
            arguments = write_arguments([a[rows] for a in given] + [offsets(lengths)], os.path.join(work, "arguments"))
            return call((*command, *threads), function.name, arguments, os.path.join(work, "out"))

        ends = offsets(lengths)
        packed = gradients(slice(0, ends[-1]), lengths, threads)
        assert len(packed) == 3 and all(np.abs(g).max() > 0 for g in packed.values()), "expected three gradients"
        same = True
        for first, past in zip(ends, ends[1:]):
            if first == past:
                continue
            alone = gradients(slice(first, past), (past - first,), ())
            same &= all(np.array_equal(packed[name][first:past].view(np.uint32), alone[name].view(np.uint32)) for name in packed)
        if not same:
            different += 1
            print(f"{function.name}: other bits for sequences of {lengths} tokens together")
    return len(BATCHES), different


def main():
    totals = []
    for unit in ("cpu", "ptx"):
        for op, chosen in FUNCTIONS.items():
            work = os.path.join(sys.argv[1], unit, op)
            module = kernels.module_of(op, unit)
            module.functions = [f for f in module.functions if re.fullmatch(chosen, f.name)]
            assert len(module.functions) == 2, f"found {len(module.functions)} functions that match {chosen}"
            target, runner = e2e.UNITS[unit]
            module.build(work, *target)
            command = (*runner[:1], "call", module.plan, *runner[1:])
            threads = ("--threads", "3") if unit == "cpu" else ()
            totals += [compare(f, command, work, threads) for f in module.functions]
    batches, different = map(sum, zip(*totals))
    print(f"{batches} batches compared, {different} differ")
    sys.exit(different > 0)


if __name__ == "__main__":
    main()
