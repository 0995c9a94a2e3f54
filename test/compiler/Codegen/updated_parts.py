# ===- updated_parts.py - weights that are updated and packed in parts -----===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""updated_parts.py WORK_DIR

A step of the optimiser on a weight that is too large to be updated at once, and
then products with it, transposed and not: their rows are those of a unit matrix,
so that the results are the packed weights, bit for bit, for this CPU and for AVX2.
"""

import json
import os
import sys

import numpy as np

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from kernels.module import e2e, tensor  # noqa: E402
from kernel_results import call, write_arguments  # noqa: E402

N, K = 2176, 512  # two parts of 1088 rows
RATE, DECAY = np.float32(0.25), np.float32(0.125)
ONE, FLAG, FIVE = tensor(1), tensor(1, element="i32"), tensor(5)
MODULE = """
m1.parameter @w : tensor<{n}x{k}x{element}> from [#m1.source<"w">]
m1.state @master : {held} from @w
m1.state @first : {held}
m1.state @second : {held}
m1.state @gradient : {held}
func.func @main(%x: tensor<?x{k}x{element}>, %dy: tensor<?x{n}x{element}> {{m1.dim = "U"}}, %one: {one}, %enabled: {flag}, %rates: {one}, %decays: {one}, %five: {five})
    -> (tensor<?x{n}xf32> {{m1.name = "y"}}, tensor<?x{k}xf32> {{m1.name = "dx", m1.dim = "U"}}) {{
  %m = m1.read_state @master : {held}
  %f = m1.read_state @first : {held}
  %s = m1.read_state @second : {held}
  %g = m1.read_state @gradient : {held}
  %n:4 = m1.adamw %m moments %f, %s gradient %g scale %one if %enabled rates %rates decays %decays hyperparameters %five index 0
    : ({held}, {held}, {held}, {held}, {one}, {flag}, {one}, {one}, {five}) -> ({held}, {held}, {held}, {held})
  m1.write_state %n#0, @master : {held}
  m1.write_state %n#1, @first : {held}
  m1.write_state %n#2, @second : {held}
  m1.write_state %n#3, @gradient : {held}
  m1.update_parameter @w from @master
  %w = m1.load_parameter @w : tensor<{n}x{k}x{element}>
  %y = m1.linear %x, %w : (tensor<?x{k}x{element}>, tensor<{n}x{k}x{element}>) -> tensor<?x{n}xf32>
  %dx = m1.linear_transposed %dy, %w : (tensor<?x{n}x{element}>, tensor<{n}x{k}x{element}>) -> tensor<?x{k}xf32>
  return %y, %dx : tensor<?x{n}xf32>, tensor<?x{k}xf32>
}}
"""


def rounded(x, element):
    """f32 numbers, rounded to a type, to nearest even."""
    if element == "f32":
        return x
    bits = x.view(np.uint32)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) & np.uint32(0xFFFF0000)).view(np.float32)


def write_weight(folder, weight, element):
    """A checkpoint with the tensor "w"."""
    data = weight.tobytes() if element == "f32" else (weight.view(np.uint32) >> 16).astype(np.uint16).tobytes()
    header = json.dumps({"w": {"dtype": element.upper(), "shape": weight.shape, "data_offsets": [0, len(data)]}}).encode()
    with open(os.path.join(folder, "model.safetensors"), "wb") as file:
        file.write(len(header).to_bytes(8, "little") + header + data)


work = sys.argv[1]
random = np.random.default_rng(20260130)
for element in ("bf16", "f32"):
    folder = e2e.fresh(os.path.join(work, element))
    weight = rounded(random.standard_normal((N, K)).astype(np.float32), element)
    write_weight(folder, weight, element)
    held = f"!m1.tensor_state<{N}x{K}xf32>"
    path, plan = os.path.join(folder, "module.mlir"), os.path.join(folder, "module.m1plan")
    with open(path, "w", encoding="utf-8") as file:
        file.write(MODULE.format(n=N, k=K, element=element, held=held, one=ONE, flag=FLAG, five=FIVE))
    # Gradient and moments are zero, so weights decay only.
    expected = rounded(weight - RATE * (DECAY * weight), element)
    rows, columns = np.arange(0, N, 97), np.arange(K)
    arguments = [np.eye(K, dtype=np.float32), np.eye(N, dtype=np.float32)[rows], np.float32([1]), np.int32([1]), np.float32([RATE]), np.float32([DECAY]), np.float32([0.9, 0.95, 1e-8, 1, 1])]
    given = write_arguments(arguments, folder)
    for target in ((), ("--target-cpu", "x86-64-v3")):
        e2e.run("m1c", path, *target, "--max-tokens=512", "-o", plan)
        found = call(("m1run", "call", plan, "--weights", folder), "main", given, os.path.join(folder, "results"))
        assert np.abs(found["y"]).max() > 0 and not np.array_equal(expected, weight)
        assert found["y"].T.tobytes() == (expected + np.float32(0)).tobytes(), (element, target, "packed")
        assert found["dx"].tobytes() == (expected[rows] + np.float32(0)).tobytes(), (element, target, "transposed")
    print(f"{element}: all parts are updated and packed")
