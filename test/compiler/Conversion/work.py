# ===- work.py - launches of kernels with products say their operations ----===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""work.py PLAN.mlir...

Prints the number of kernels with products in modules that m1c --emit=plan wrote, and an
error if a launch of one has no operations, or a launch of another has some.
"""

import re
import sys

kernels = launches = 0
for path in sys.argv[1:]:
    text = open(path).read()
    with_products = set()
    for kernel in re.split(r"^  tile\.kernel ", text, flags=re.M)[1:]:
        name = re.match(r"(?:\w+ )?@(\"[^\"]*\"|[\w.$-]+)", kernel)[1]
        if "tile.dot" in kernel.split("\n  }")[0]:
            with_products.add(name)
    for line in re.findall(r"plan\.launch .*", text):
        name = re.match(r"plan\.launch @(\"[^\"]*\"|[\w.$-]+)", line)[1]
        launches += 1
        if (name in with_products) != ("plan.operations = " in line):
            sys.exit(f"{path}: kernel {name} {'has' if name in with_products else 'has no'} products: {line}")
    kernels += len(with_products)
print(f"{kernels} kernels with products")
