# ===- print_array.py - printed results are numpy's text -------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""print_array.py WORK_DIR

Calls functions that cast their argument, and compares what `m1run call` prints with
what numpy prints. Prints how many results were compared.
"""

import os
import subprocess
import sys

import numpy as np

work = sys.argv[1]
os.makedirs(work, exist_ok=True)
module, plan, path = (os.path.join(work, f"print.{e}") for e in ("mlir", "m1plan", "npy"))
SHAPES = {"vector": (), "rows": (3,), "wide": (30,), "heads": (2, 5), "large": (40, 30)}
NAMES = {"f64": "F64", "f32": "F32", "f16": "F16"}
with open(module, "w") as file:
    for name, shape in SHAPES.items():
        extents = "".join(f"x{n}" for n in shape)
        for element in NAMES:
            types = f"tensor<?{extents}x{'f32' if element != 'f32' else 'f64'}>", f"tensor<?{extents}x{element}>"
            file.write(f"func.func @{name}_{element}(%x: {types[0]}) -> ({types[1]} {{m1.name = \"y\"}}) {{\n")
            file.write(f"  %y = m1.cast %x : {types[0]} to {types[1]}\n  return %y : {types[1]}\n}}\n")
subprocess.run(["m1c", module, "-o", plan], check=True)

random = np.random.Generator(np.random.PCG64(3))
DATA = {
    "normal": lambda shape: random.standard_normal(shape),
    "whole": lambda shape: random.integers(-5, 100, shape).astype(float),
    "wide range": lambda shape: random.standard_normal(shape) * 10.0 ** random.integers(-7, 5, shape),
    "halves": lambda shape: random.integers(-50, 50, shape) / 8,
    "not finite": lambda shape: random.choice([1.5, -2.25, np.nan, np.inf, -np.inf], shape),
    "no number": lambda shape: np.full(shape, np.nan),
    "zeros": lambda shape: np.zeros(shape),
    "one size": lambda shape: 1e10 * (1 + random.random(shape)),
}
compared = 0
for name, shape in SHAPES.items():
    for element, printed in NAMES.items():
        for data, make in DATA.items():
            if data == "one size" and element == "f16":
                continue  # infinite there
            for rows in (0, 1, 7):
                given = make((rows, *shape)).astype(np.float32 if element != "f32" else np.float64)
                np.save(path, given)
                result = subprocess.run(["m1run", "call", plan, "--entry", f"{name}_{element}", "--arg", path], stdout=subprocess.PIPE, text=True, check=True)
                with np.errstate(over="ignore"):
                    expected = given.astype({"f64": np.float64, "f32": np.float32, "f16": np.float16}[element])
                text = f"y: {printed}{list(expected.shape)}\n{expected}\n"
                compared += 1
                if result.stdout != text:
                    sys.exit(f"{name} {element} {data} {rows}: found\n{result.stdout}expected\n{text}")
print(f"{compared} results printed as numpy does")
