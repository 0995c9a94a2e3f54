# ===- real_metadata.py - the real model, from its metadata ---------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""real_metadata.py MODULE.mlir METADATA_DIR

Checks the module that was imported from the published config.json and index:
the tensors that its parameters name are those of the index, one for one, and
their elements and bytes add up to the published model's.
"""

import json
import math
import os
import re
import sys

module, metadata = sys.argv[1:]
with open(os.path.join(metadata, "model.safetensors.index.json")) as file:
    index = json.load(file)
with open(module) as file:
    lines = [line for line in file if "m1.parameter @" in line]

names, elements, size = [], 0, 0
for line in lines:
    shape, dtype = re.search(r": tensor<([0-9x]+)x(bf16|f32)> from", line).groups()
    count = math.prod(map(int, shape.split("x")))
    elements += count
    size += count * {"bf16": 2, "f32": 4}[dtype]
    names += re.findall(r'#m1\.source<"([^"]+)">', line)
    assert dtype == ("f32" if ".gate : " in line else "bf16"), line

assert len(names) == len(set(names)), "a tensor is named twice"
assert set(names) == set(index["weight_map"]), set(names) ^ set(index["weight_map"])
assert size == index["metadata"]["total_size"]
print(f"{elements} parameters, {len(names)} tensors, {size} bytes")
