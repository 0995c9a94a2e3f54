# ===- widths.py - the same bits with other vector widths --------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""widths.py RUNNER WORK_DIR OP[/N]...

Compiles the cases of OP in exec.py for AVX2 and for AVX-512, and compares the
bits that `m1run` and RUNNER compute in one case of N. Only for ops whose sums are all
matrix products: their reduction order does not depend on the vector width.
"""

import os
import sys

import kernels
import numpy as np
from kernel_results import call, write_arguments


def compiled(op, cpu, work):
    module = kernels.module_of(op, "cpu")
    module.build(os.path.join(work, cpu), "--target-cpu", cpu)
    return module


def main():
    runner, work, *ops = sys.argv[1:]
    compared, different = 0, 0
    for op, _, every in (o.partition("/") for o in ops):
        sides = [("m1run", compiled(op, "x86-64-v3", work)), (runner, compiled(op, "x86-64-v4", work))]
        for case in sides[0][1].cases[:: int(every or 1)]:
            given = write_arguments(case.arguments, os.path.join(work, "arguments"))
            out = os.path.join(work, "out")
            narrow, wide = (call((program, "call", m.plan, *m.weights), case.function.name, given, out) for program, m in sides)
            compared += 1
            if narrow.keys() != wide.keys() or not all(np.array_equal(narrow[r].view(np.uint8), wide[r].view(np.uint8)) for r in narrow):
                different += 1
                print(f"{case.id}: other bits ({case.detail})")
    print(f"{compared} cases compared, {different} differ")
    sys.exit(different > 0)


if __name__ == "__main__":
    main()
