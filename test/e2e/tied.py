# ===- tied.py - plans of tied matrices and other checkpoints --------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""tied.py CONFIG.json WORK_DIR

Compiles a checkpoint with tie_word_embeddings that stores only the embedding. The plan
and the module run with it, and name the tensor that is missing or surplus in checkpoints
that store the head, or both. Prints the number of runs.
"""

import os
import subprocess
import sys

import e2e
import numpy as np

config_file, work = sys.argv[1:]
config = {**e2e.make_checkpoint.load_config(config_file), "tie_word_embeddings": True}
e2e.fresh(work)
tokens = e2e.write_tokens(os.path.join(work, "tokens"), [np.arange(3, dtype=np.int32)])
# What each checkpoint stores, and the tensor that is missing (m1run looks for these first) or surplus.
EMBEDDING, HEAD = "model.embed_tokens.weight", "lm_head.weight"
MISMATCH = {"embedding": (None, None), "head": (EMBEDDING, HEAD), "both": (HEAD, HEAD)}
plan, module = os.path.join(work, "model.m1plan"), os.path.join(work, "model.mlir")
failures = 0
for stored, tensors in MISMATCH.items():
    checkpoint = os.path.join(work, stored)
    e2e.make_checkpoint.write_checkpoint(config, checkpoint, 1, "float32", tied=stored)
    if stored == "embedding":
        e2e.run("m1c", checkpoint, "-o", plan)
        e2e.run("m1c", checkpoint, "--emit=model", "-o", module)
    for tool, tensor in zip((["m1run", "score", plan], ["m1-interpret", module]), tensors):
        command = [*tool, "--weights", checkpoint, "--tokens", tokens, "--out-dir", os.path.join(work, "out")]
        result = subprocess.run(command, capture_output=True, text=True)
        if result.returncode != (1 if tensor else 0) or tensor and (tensor not in result.stderr or result.stderr.count("\n") != 1):
            failures += 1
            print(f"{tool[0]}, checkpoint with {stored}: exit code {result.returncode}, {result.stderr!r}, expected {tensor}")
print(f"{2 * len(MISMATCH)} runs, {failures} failed")
sys.exit(failures > 0)
