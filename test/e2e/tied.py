# ===- tied.py - plans of tied matrices and other checkpoints --------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""tied.py CONFIG.json WORK_DIR

Compiles a checkpoint with tie_word_embeddings that stores only the embedding. The plan
runs with it, and names the tensor that is missing or surplus in checkpoints that store
the head, or both. Prints the number of runs.
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
# What each checkpoint stores, and the tensor that is not in it or not in the plan.
MISMATCH = {"embedding": None, "head": "model.embed_tokens.weight", "both": "lm_head.weight"}
plan = os.path.join(work, "model.m1plan")
failures = 0
for stored, tensor in MISMATCH.items():
    checkpoint = os.path.join(work, stored)
    e2e.make_checkpoint.write_checkpoint(config, checkpoint, 1, "float32", tied=stored)
    if stored == "embedding":
        e2e.run("m1c", checkpoint, "-o", plan)
    command = ["m1run", "score", plan, "--weights", checkpoint, "--tokens", tokens, "--out-dir", os.path.join(work, "out")]
    result = subprocess.run(command, capture_output=True, text=True)
    refused = result.returncode == 1 and result.stderr.count("\n") == 1 and f"'{tensor}'" in result.stderr
    if not (refused if tensor else result.returncode == 0):
        failures += 1
        print(f"checkpoint with {stored}: exit code {result.returncode}, {result.stderr!r}, expected {tensor}")
print(f"{len(MISMATCH)} runs, {failures} failed")
sys.exit(failures > 0)
