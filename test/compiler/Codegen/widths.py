# ===- widths.py - the same bits for vectors of another width ----------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""widths.py RUNNER WORK_DIR OP[/N]...

Compiles the cases of ops of exec.py for AVX2 and for AVX-512 and compares the
bits of what `m1run` and RUNNER compute, of every Nth case. For ops whose sums are
products, whose order does not depend on the vector's width.
"""

import argparse
import os
import sys

import exec as cases
import numpy as np


def compiled(op, cpu, work):
    options = argparse.Namespace(op=op, work=os.path.join(work, cpu), target="cpu", target_cpu=cpu)
    module = cases.module_of(options)
    module.build()
    return module


def main():
    runner, work, *ops = sys.argv[1:]
    compared, different = 0, 0
    for op, _, every in (o.partition("/") for o in ops):
        modules = [("m1run", compiled(op, "x86-64-v3", work)), (runner, compiled(op, "x86-64-v4", work))]
        for number in range(0, len(modules[0][1].calls), int(every or 1)):
            name, arguments, _ = modules[0][1].calls[number]
            narrow, wide = (cases.results((program, "call", m.plan, *m.given), name, arguments, m.options.work) for program, m in modules)
            compared += 1
            if narrow.keys() != wide.keys() or not all(np.array_equal(narrow[r].view(np.uint8), wide[r].view(np.uint8)) for r in narrow):
                different += 1
                print(f"{op}: call {number} of {name} on {[list(np.shape(a)) for a in arguments]}: other bits")
    print(f"{compared} cases compared, {different} differ")
    sys.exit(different > 0)


if __name__ == "__main__":
    main()
