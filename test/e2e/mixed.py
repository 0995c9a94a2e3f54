# ===- mixed.py - checkpoints of several element types ----------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""mixed.py CONFIG.json WORK_DIR [UNIT ...]

Scores 60 tokens with two checkpoints of mixed element types: in one the experts' tensors
cycle through float32, bfloat16 and float16 and all others are float32; in the other all
tensors cycle. Prints the largest and the median difference from the interpreter.
Products of mixed experts are in float32.
"""

import os
import sys

import e2e
import numpy as np

config_file, work, *units = sys.argv[1:]
e2e.fresh(work)
config = e2e.make_checkpoint.load_config(config_file)
layout = e2e.make_checkpoint.layout
tokens = e2e.write_tokens(work, [np.random.default_rng(0).integers(0, config["vocab_size"], 60)])


def mixed(only):
    def change(*args):
        tensors = [t for t in layout(*args)]
        for i, t in enumerate(t for t in tensors if only in t.name):
            t.dtype = ("float32", "bfloat16", "float16")[i % 3]
            t.bytes = t.elements * e2e.make_checkpoint.BYTES[t.dtype]
        return tensors

    return change


for name, only in (("experts", ".experts."), ("all", "")):
    folder, module, reference = (os.path.join(work, name + end) for end in ("", ".mlir", ".reference"))
    e2e.make_checkpoint.layout = mixed(only)
    e2e.make_checkpoint.write_checkpoint(config, folder, 1)
    e2e.run("m1c", folder, "--emit=model", "-o", module)
    e2e.run("m1-interpret", module, "--weights", folder, "--tokens", tokens, "--out-dir", reference)
    expected = e2e.read(reference, "logprobs", 1)[0]
    for unit in units:
        options, program = e2e.UNITS[unit]
        plan, out = (os.path.join(work, f"{name}.{unit}{end}") for end in (".m1plan", ""))
        e2e.run("m1c", folder, "-o", plan, *options)
        e2e.run(program[0], "score", plan, "--weights", folder, "--tokens", tokens, "--out-dir", out, *program[1:])
        distance = abs(e2e.read(out, "logprobs", 1)[0] - expected)
        print(f"{name} {unit}: largest {distance.max():.6f}, median {np.median(distance):.6f}")
