#!/usr/bin/env python3
# ===- make_seeds.py - the seeds of the fuzz targets -----------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""make_seeds.py [--build-dir build] [TARGET ...]

Writes the folders test/fuzz/corpus/TARGET anew with the tools of a build: small valid
inputs, from which fuzzing starts. Files that are named valid-* must be accepted by the
target. Plans are stripped of their machine code.
"""

import argparse
import hashlib
import io
import json
import os
import re
import stat
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
sys.path.append(os.path.join(ROOT, "test", "e2e"))
import e2e  # noqa: E402
import numpy as np  # noqa: E402

GRAPHS = os.path.join(HERE, "graphs")
# Longer kernels take too long for one input.
MAX_PTX_BYTES = 20000
# Of nested arrays: more than any reader should follow, few enough for a small file.
DEPTH = 3000


def load(path):
    with open(path, "rb") as file:
        return file.read()


def safetensors(header, data=b""):
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def nested(content, place):
    """`content` with arrays in arrays at a place."""
    return content.replace(place, b"[" * DEPTH + b"]" * DEPTH, 1)


def safetensors_seeds(work):
    tensor = {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}
    yield "valid-one", safetensors({"weight": tensor}, bytes(24))
    yield "valid-empty", safetensors({})
    header, end = {"__metadata__": {"format": "pt"}}, 0
    sizes = {"F32": 4, "BF16": 2, "F16": 2, "F64": 8, "I32": 4, "I64": 8, "U8": 1, "I8": 1, "I16": 2, "U16": 2}
    sizes |= {"U32": 4, "U64": 8, "BOOL": 1, "F8_E4M3": 1, "F8_E5M2": 1}
    for dtype, size in sizes.items():
        header[f"layer.{dtype}"] = {"dtype": dtype, "shape": [3, 1], "data_offsets": [end, end + 3 * size]}
        end += 3 * size
    header["scalar"] = {"dtype": "U8", "shape": [], "data_offsets": [end, end + 1]}
    header["none"] = {"dtype": "F32", "shape": [0, 4], "data_offsets": [end + 1, end + 1]}
    yield "valid-types", safetensors(header, bytes(end + 1))
    yield "hole", safetensors({"weight": tensor}, bytes(28))
    yield "overlap", safetensors({"weight": tensor, "other": tensor}, bytes(24))
    yield "huge-shape", safetensors({"weight": {**tensor, "shape": [1 << 62, 1 << 62, 0]}}, bytes(24))
    yield "huge-header", (1 << 63).to_bytes(8, "little") + b"{}"
    yield "nested", nested(safetensors({"weight": tensor}), b"[2, 3]")


def index_seeds(work):
    def index(weight_map, **others):
        return json.dumps({**others, "weight_map": weight_map}, indent=2).encode()

    yield "valid-two", index({"a": "a.safetensors", "b": "b.safetensors"}, metadata={"total_size": 8})
    yield "valid-one", index({"a": "a.safetensors"})
    yield "missing", index({"a": "a.safetensors", "c": "c.safetensors"})
    yield "path", index({"a": "../a.safetensors"})
    yield "nested", nested(index({"a": ""}), b'""')


def npy_seeds(work):
    for dtype in "f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "?":
        file = io.BytesIO()
        np.save(file, np.arange(6).reshape(2, 3).astype(dtype))
        yield f"valid-{np.dtype(dtype).name}", file.getvalue()
    for name, shape in ("scalar", ()), ("empty", (0,)), ("deep", (1,) * 8):
        file = io.BytesIO()
        np.save(file, np.zeros(shape, "f4"))
        yield f"valid-{name}", file.getvalue()
    for version in (2, 0), (3, 0):
        file = io.BytesIO()
        np.lib.format.write_array(file, np.arange(5), version)
        yield f"valid-version{version[0]}", file.getvalue()
        if version[0] == 2:
            yield "huge-header", file.getvalue()[:8] + bytes([255] * 4) + file.getvalue()[12:]
            yield "huge-shape", file.getvalue().replace(b"(5,), }   ", b"(5" + b"0" * 7 + b",)}")
            yield "huge-empty", file.getvalue().replace(b"(5,), }              ", b"(0,5" + b"0" * 15 + b")}")
    file = io.BytesIO()
    np.save(file, np.asfortranarray(np.ones((2, 3), ">f4")))
    yield "order", file.getvalue()


def config_seeds(work):
    golden = os.path.join(ROOT, "test", "golden")
    for case in sorted(os.listdir(golden)):
        path = os.path.join(golden, case, "config.json")
        if os.path.exists(path):
            yield f"valid-{case}", load(path)
    yield "valid-published", load(os.path.join(ROOT, "test", "data", "minimax-m1", "config.json"))
    yield "nested", nested(load(os.path.join(golden, "m1-one-layer", "config.json")), b'"silu"')


def stripped(plan, work):
    """A plan without its machine code. Its digest is then wrong, which the target puts right."""
    schema = os.path.join(ROOT, "runtime", "schema", "plan.fbs")
    subprocess.run(["flatc", "-t", "--strict-json", "--defaults-json", "-o", work, schema, "--", plan], check=True)
    text = os.path.join(work, os.path.basename(plan).replace(".m1plan", ".json"))
    with open(text, encoding="utf-8") as file:
        content = json.load(file)
    for image in content["images"]:
        image["data"] = [0]
    with open(text, "w", encoding="utf-8") as file:
        json.dump(content, file)
    subprocess.run(["flatc", "-b", "-o", work, schema, text], check=True)
    return load(plan)


def plan_seeds(work):
    config = e2e.make_checkpoint.load_config(os.path.join(ROOT, "test", "golden", "m1-one-layer", "config.json"))
    checkpoint = os.path.join(work, "checkpoint")
    e2e.make_checkpoint.write_checkpoint(config, checkpoint, 1)
    sources = {"model": checkpoint, "attend": os.path.join(GRAPHS, "attend.mlir")}
    for name, source in sources.items():
        for target in (), ("--target", "cuda:sm_80"):
            plan = os.path.join(work, f"{name}.m1plan")
            e2e.run("m1c", source, "-o", plan, "--max-tokens", 32, "--slots", 2, "--max-length", 64, *target)
            yield f"valid-{name}-{'gpu' if target else 'cpu'}", stripped(plan, work)
    # Serving: tables of blocks, and rules for logits.
    plan, softmax = os.path.join(work, "serve.m1plan"), os.path.join(work, "softmax")
    changes = {"attn_type_list": [1], "head_dim": 16, "rotary_dim": 8}
    e2e.make_checkpoint.write_checkpoint(config | changes, softmax, 1)
    e2e.run("m1c", softmax, "-o", plan, "--serve", "--max-tokens", 32, "--slots", 2, "--max-length", 64)
    yield "valid-serve-cpu", stripped(plan, work)
    # Several ranks: slices, shifts, collectives and conditions.
    plan = os.path.join(work, "ranks.m1plan")
    bounds = ("--max-tokens", 32, "--slots", 2, "--max-length", 64)
    e2e.run("m1c", os.path.join(GRAPHS, "ranks.mlir"), "-o", plan, *bounds, "--gather-bytes", 1000)
    yield "valid-ranks-cpu", stripped(plan, work)


def kernels_of(module):
    """Each kernel of a module, as a module with the head and the variables of the whole."""
    head, *kernels = re.split(r"(?=^\t// \.globl)", module, flags=re.MULTILINE)
    variables = re.findall(r"^\.extern .*\n", module, flags=re.MULTILINE)
    for kernel in kernels:
        text = re.sub(r"^\.extern .*\n", "", kernel, flags=re.MULTILINE)
        yield re.search(r"\.entry (\w+)", kernel)[1], head + "".join(variables) + text


def hostile_ptx():
    """Modules that ask for more than a GPU has."""
    head = ".version 8.0\n.target sm_80\n.address_size 64\n"
    bodies = {
        "registers": ".reg .f64 %fd<2147483647>;",
        "local": ".local .align 16 .b8 a[1099511627776];",
        "shared": ".shared .align 16 .b8 a[4294967297];",
        "scopes": "{" * DEPTH + "}" * DEPTH,
        "branches": "".join(f"L{i}: bra L{i + 1};\n" for i in range(DEPTH)) + f"L{DEPTH}:",
        "loop": "L: bra L;",
    }
    for name, body in bodies.items():
        yield f"huge-{name}", f"{head}.visible .entry k()\n{{\n{body}\nret;\n}}\n".encode()
    variables = {
        "global": ".global .align 16 .b8 a[1099511627776];",
        "initializer": ".global .b32 a[4] = {1, 2, 3, 4, 5};",
        "parameter": ".visible .entry k(.param .align 16 .b8 a[4294967295])\n{\nret;\n}",
        "recursion": ".func f()\n{\ncall f;\nret;\n}\n.visible .entry k()\n{\ncall f;\nret;\n}",
    }
    for name, text in variables.items():
        yield f"huge-{name}", f"{head}{text}\n".encode()


def ptx_seeds(work):
    """Short kernels of graphs, and the modules of the emulator's unit tests."""
    yield from hostile_ptx()
    for graph in sorted(os.listdir(GRAPHS)):
        text = e2e.run("m1c", os.path.join(GRAPHS, graph), "--emit=ptx", "--target", "cuda:sm_80")
        for name, kernel in kernels_of(text):
            if len(kernel) <= MAX_PTX_BYTES:
                yield f"valid-{name}", kernel.encode()
    # The tests pass each module to the program of this variable, as they would to NVIDIA's assembler.
    copier, copies = os.path.join(work, "copy"), e2e.fresh(os.path.join(work, "copies"))
    with open(copier, "w", encoding="utf-8") as file:
        file.write(f'#!/bin/sh\ncp "$4" "$(mktemp -p {copies})"\n')
    os.chmod(copier, stat.S_IRWXU)
    tests = os.path.join(os.environ["PATH"].split(os.pathsep)[0], "m1-ptx-tests")
    subprocess.run([tests], env={**os.environ, "M1_PTXAS": copier}, stdout=subprocess.DEVNULL, check=True)
    for name in sorted(os.listdir(copies)):
        text = load(os.path.join(copies, name))
        if len(text) <= MAX_PTX_BYTES:
            yield f"test-{hashlib.sha256(text).hexdigest()[:10]}", text


SEEDS = {
    "config": config_seeds,
    "index": index_seeds,
    "npy": npy_seeds,
    "plan": plan_seeds,
    "ptx": ptx_seeds,
    "safetensors": safetensors_seeds,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build-dir", default=os.path.join(ROOT, "build"))
    parser.add_argument("--out-dir", default=os.path.join(HERE, "corpus"), help="where to write the folders")
    parser.add_argument("targets", nargs="*", metavar="TARGET", default=sorted(SEEDS), help=", ".join(sorted(SEEDS)))
    arguments = parser.parse_args()
    if unknown := set(arguments.targets) - set(SEEDS):
        parser.error(f"unknown target {unknown.pop()}, expected one of {', '.join(sorted(SEEDS))}")
    os.environ["PATH"] = os.path.join(os.path.abspath(arguments.build_dir), "bin") + os.pathsep + os.environ["PATH"]
    for target in arguments.targets:
        with tempfile.TemporaryDirectory() as work:
            seeds = dict(SEEDS[target](work))
        folder = e2e.fresh(os.path.join(arguments.out_dir, target))
        for name, content in seeds.items():
            with open(os.path.join(folder, name), "wb") as file:
                file.write(content)
        print(f"{target}: {len(seeds)} files, {sum(map(len, seeds.values()))} bytes")


if __name__ == "__main__":
    main()
