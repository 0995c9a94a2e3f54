# ===- written_run.py - do other readers see what a run wrote? --------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""written_run.py WORK_DIR: reads with Python what m1-write-run writes (see there),
and compares its digests with m1run digest. Uses the safetensors package, too, where
there is one."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys

import numpy as np

work = sys.argv[1]
shutil.rmtree(work, ignore_errors=True)
os.makedirs(work)
os.chdir(work)

TYPES = {"F64": "f8", "F32": "f4", "BF16": "u2", "F16": "f2"}
# Names of smallTensors in MemoryPolicy.h, in its order.
TRAINED = [
    ("model.norm.weight", "F32", [5]),
    ("model.embed_tokens.weight", "BF16", [7, 3]),
    ("model.a.weight", "F16", [2, 2, 2]),
    ("model.b.weight", "F64", [4]),
    ("model.empty.weight", "F32", [0, 3]),
    ("model.scale", "BF16", []),
]
checks = 0


def check(condition, what):
    global checks
    checks += 1
    if not condition:
        sys.exit(f"FAILED: {what}")


def run(*command):
    result = subprocess.run(command, capture_output=True, text=True)
    check(result.returncode == 0, f"{command}: {result.stdout}{result.stderr}")


def read(path):
    """{name: (type, shape, values)} of a safetensors file; checks its layout."""
    data = open(path, "rb").read()
    length = int.from_bytes(data[:8], "little")
    check((8 + length) % 8 == 0, f"{path}: the data are aligned")
    header = json.loads(data[8 : 8 + length])
    check(header.pop("__metadata__") == {"format": "pt"}, f"{path}: metadata that transformers asks for")
    tensors, end = {}, 0
    for name, entry in header.items():
        begin, next_end = entry["data_offsets"]
        check(begin == end, f"{path}: {name} follows the tensor before it")
        end = next_end
        values = np.frombuffer(data[8 + length + begin : 8 + length + end], "<" + TYPES[entry["dtype"]])
        tensors[name] = (entry["dtype"], entry["shape"], values.reshape(entry["shape"]))
    check(8 + length + end == len(data), f"{path}: no bytes after the last tensor")
    return tensors


def expected(step, kind, tensor, shape):
    """What m1-write-run "trains": close, since its sine may differ in the last bit."""
    count = int(np.prod(shape))
    return np.sin(step * 1000.0 + kind * 100 + tensor * 10 + np.arange(count) * 0.1).reshape(shape)


def bfloat16(values):
    """Rounded to nearest, ties to even."""
    bits = np.asarray(values, "f4").view("u4")
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype("u2")


def compare(folder, step):
    index = json.load(open(f"{folder}/model.safetensors.index.json"))
    weights = {}
    for file in sorted(set(index["weight_map"].values())):
        tensors = read(f"{folder}/{file}")
        check(set(tensors) == {n for n, f in index["weight_map"].items() if f == file}, f"{file}: what the index says")
        weights.update(tensors)
    check(sum(t[2].nbytes for t in weights.values()) == index["metadata"]["total_size"], "total_size")
    optimizer = read(f"{folder}/optimizer.safetensors")
    check(len(optimizer) == 3 * len(TRAINED), "three tensors for each one that is trained")
    for number, (name, dtype, shape) in enumerate(TRAINED):
        for kind, prefix in enumerate(("master", "first_moment", "second_moment")):
            values = optimizer[f"{prefix}.{name}"]
            check(values[:2] == ("F32", shape), f"{prefix}.{name}: type and shape")
            check(np.allclose(values[2], expected(step, kind, number, shape), atol=1e-3), f"{prefix}.{name}: values")
        master = optimizer[f"master.{name}"][2]
        stored = weights.pop(name)
        check(stored[:2] == (dtype, shape), f"{name}: type and shape")
        rounded = bfloat16(master).reshape(shape) if dtype == "BF16" else master.astype(TYPES[dtype])
        check(stored[2].tobytes() == rounded.tobytes(), f"{name}: the master values, rounded")
    check(list(weights) == ["model.rotary.inv_freq"], "the tensor that is not trained")
    check(weights["model.rotary.inv_freq"][2].tobytes() == b"\x07" * 16, "its bytes")


def compare_with_package(folder):
    from safetensors import safe_open

    index = json.load(open(f"{folder}/model.safetensors.index.json"))
    for file in set(index["weight_map"].values()):
        with safe_open(f"{folder}/{file}", "np") as reader:
            check(reader.metadata() == {"format": "pt"}, "metadata")
            for name, (dtype, shape, values) in read(f"{folder}/{file}").items():
                piece = reader.get_slice(name)
                check((piece.get_dtype(), piece.get_shape()) == (dtype, shape), f"{name}: type and shape")
                if dtype != "BF16":  # numpy has none
                    check(reader.get_tensor(name).tobytes() == values.tobytes(), f"{name}: values")


def lines(path):
    return [json.loads(line) for line in open(path)]


os.mkdir("source")
for name in ("config.json", "tokenizer.json"):
    with open(f"source/{name}", "w") as file:
        file.write(f'{{"name": "{name}"}}')
for folder, options in (("whole", []), ("shards", ["48"])):
    run("m1-write-run", "source", folder, *options)
    for step in (1, 2):
        checkpoint = f"{folder}/checkpoint-{step}"
        compare(checkpoint, step)
        run("m1run", "digest", "--check", checkpoint)
        check(open(f"{checkpoint}/tokenizer.json").read() == '{"name": "tokenizer.json"}', "a small file")
        state = json.load(open(f"{checkpoint}/trainer_state.json"))
        check((state["step"], state["recipe"], state["state"]) == (step, {"seed": 7}, {"third": 1 / 3}), "the trainer's state")
        if importlib.util.find_spec("safetensors"):
            compare_with_package(checkpoint)
    check(lines(f"{folder}/metrics.jsonl") == [{"step": 1, "loss": 1.0}, {"step": 2, "loss": 0.5}], "metrics")
check(os.path.exists("whole/checkpoint-1/model.safetensors"), "one file")
check(os.path.exists("shards/checkpoint-1/model-00003-of-00003.safetensors"), "three files")
check(lines("whole/digests.jsonl") == lines("shards/digests.jsonl"), "digests do not depend on shards")
print("every file of 2 runs is as expected")
