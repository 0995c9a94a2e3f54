# ===- verify_weights.py - damaged weights are found -----------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""verify_weights.py CONFIG.json WORK_DIR

Flips one bit in a tensor of each kind of a checkpoint. m1run --verify-weights must say
which tensor, before it writes anything; on the whole checkpoint its results must be
those without. Prints the number of kinds.
"""

import json
import os
import re
import subprocess
import sys

import e2e
import numpy as np

config, work = sys.argv[1:]
e2e.fresh(work)
checkpoint, plan, out = (os.path.join(work, n) for n in ("checkpoint", "model.m1plan", "out"))
file = os.path.join(checkpoint, "model.safetensors")
e2e.make_checkpoint.write_checkpoint(e2e.make_checkpoint.load_config(config), checkpoint, 1)
e2e.run("m1c", checkpoint, "-o", plan)
tokens = e2e.write_tokens(work, [np.arange(10)])
with open(file, "rb") as stream:
    good = stream.read()
length = int.from_bytes(good[:8], "little")
header = json.loads(good[8 : 8 + length])
header.pop("__metadata__", None)


def m1run(*arguments):
    result = subprocess.run(["m1run", *arguments], capture_output=True, text=True)
    return result.returncode, result.stdout, result.stderr


def expect(condition, *what):
    if not condition:
        print("FAILED:", *what)


def write(content):
    with open(file, "wb") as stream:
        stream.write(content)


weights = "--weights", checkpoint
score = "score", plan, *weights, "--tokens", tokens, "--out-dir", out
others = [
    ("generate", plan, *weights, "--tokens", tokens, "--max-new-tokens=1", "--out-dir", out),
    ("bench", plan, *weights, "--prompt-len=4", "--new-tokens=2", "--repeat=1"),
    ("call", plan, *weights, "--entry=score", "--out-dir", out),
    score,
]
before = m1run(*score)
code, _, errors = m1run(*score, "--verify-weights")
expect(code == 1 and "nothing to verify the weights with" in errors, errors)
code, said, errors = m1run("digest", checkpoint)
expect(code == 0 and said.startswith(f"wrote {file}.digests.json: {len(header)} tensors (") and not errors, said, errors)
expect(m1run(*score, "--verify-weights") == before, "verified weights give other results")
e2e.fresh(out)

kinds = {}
for name, entry in header.items():
    kinds.setdefault(re.sub(r"\d+", "N", name), (name, entry))
random = np.random.default_rng(5)
for name, entry in kinds.values():
    begin, end = entry["data_offsets"]
    damaged = bytearray(good)
    damaged[8 + length + random.integers(begin, end)] ^= 1 << random.integers(8)
    write(damaged)
    expected = f"m1run: error: {file}: tensor '{name}': the bytes differ from the digest in {file}.digests.json"
    for command in others if name == "lm_head.weight" else (score,):
        code, said, errors = m1run(*command, "--verify-weights")
        expect(code == 1 and errors.startswith(expected) and errors.count("\n") == 1 and not said, command, name, code, said, errors)
        expect(not os.listdir(out), "files were written", command)
code, _, errors = m1run("digest", "--check", checkpoint)
expect(code == 1 and errors.startswith(expected), errors)
write(good)
code, said, errors = m1run("digest", "--check", checkpoint)
expect(code == 0 and "agree with" in said, said, errors)
print(len(kinds), "kinds of tensors")
