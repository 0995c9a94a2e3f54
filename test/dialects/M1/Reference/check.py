# ===- check.py - runs functions that return values and expected values ----===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""check.py MODULE.mlir WORK_DIR

Runs every public function of the module with m1-interpret. A function takes no
arguments and returns values and what they must be, the latter last: results i
and n/2 + i are equal to 14 digits. Prints the number of functions.
"""

import os
import re
import subprocess
import sys

import numpy as np

module, work = sys.argv[1:]
with open(module, encoding="utf-8") as file:
    names = re.findall(r"^func\.func @(\w+)", file.read(), re.MULTILINE)
for name in names:
    out = os.path.join(work, name)
    subprocess.run(["m1-interpret", module, "--entry", name, "--out-dir", out], check=True)
    count = len(os.listdir(out))
    assert count % 2 == 0, f"{name}: expected values and expected values, found {count} results"
    values = [np.load(os.path.join(out, f"result{i}.npy")) for i in range(count)]
    for value, expected in zip(values[: count // 2], values[count // 2 :]):
        assert value.shape == expected.shape, f"{name}: shape {value.shape}, expected {expected.shape}"
        error = np.abs(value - expected).max(initial=0)
        assert error <= 1e-14 * max(1, np.abs(expected).max(initial=0)), f"{name}: expected {expected}, found {value}"
print(f"{len(names)} functions agree")
