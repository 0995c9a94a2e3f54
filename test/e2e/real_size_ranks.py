# ===- real_size_ranks.py - who has what of the real model ----------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""real_size_ranks.py INSPECTED.json METADATA_DIR

Checks a plan for many ranks of the published model, as `m1run inspect --json
--tensors` describes it, against the published index: the ranks read its tensors
and no others, and every element of each is read by the same number of ranks.
"""

import itertools
import json
import os
import sys
from collections import Counter

inspected, metadata = sys.argv[1:]
with open(inspected) as file:
    plan = json.load(file)
with open(os.path.join(metadata, "model.safetensors.index.json")) as file:
    index = json.load(file)

extents = {axis["axis"]: axis["extent"] for axis in plan["mesh"]}
ranks = [
    dict(zip(extents, coordinates))
    for coordinates in itertools.product(*map(range, extents.values()))
]


def read_by(tensor, rank):
    """The tensor's name on a rank, and the indices that it reads: for each
    dimension the first and the one after the last."""
    name = tensor["name"]
    if "names" in tensor:
        name = tensor["names"][rank[tensor["names_axis"]]]
    ranges = [(0, extent) for extent in tensor["shape"]]
    for part in tensor.get("slices", []):
        place = rank[part["axis"]] // part["replicas"]
        first = min(part["begin"] + place * part["step"], part["end"])
        last = min(first + part["step"], part["end"])
        ranges[part["dimension"]] = (first, last)
    return name, tuple(ranges)


shapes, read = {}, {}
for tensor in plan["tensor_list"]:
    for rank in ranks:
        name, ranges = read_by(tensor, rank)
        shapes[name] = tensor["shape"]
        if all(first < last for first, last in ranges):
            read.setdefault(name, Counter())[ranges] += 1

assert set(shapes) == set(index["weight_map"])
for name, shape in shapes.items():
    assert len(set(read[name].values())) == 1, (name, read[name])
    # The ranges are those of a grid: along each dimension they follow one another.
    cuts = [sorted({ranges[d] for ranges in read[name]}) for d in range(len(shape))]
    for extent, parts in zip(shape, cuts):
        ends = [0] + [last for _, last in parts]
        assert [first for first, _ in parts] == ends[:-1] and ends[-1] == extent, (name, parts)
    assert set(read[name]) == set(itertools.product(*cuts)), name
print(f"{len(shapes)} tensors, each of them whole on {len(ranks)} ranks")
