# ===- gpu.py - a plan for GPUs, on an emulated one -------------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""gpu.py CONFIG.json ARCHITECTURE WORK_DIR

Generates with a plan for a GPU, on the PTX emulator, and with one for this CPU: greedy
tokens must be equal, log-probabilities nearly. Then tests errors of --device.
"""

import os
import subprocess
import sys

import e2e
import numpy as np

config_file, architecture, work = sys.argv[1:]
BOUNDS = ("--max-tokens", 32, "--slots", 2, "--max-length", 128)
PROMPTS, NEW_TOKENS = (20, 3), 5

checkpoint = e2e.fresh(os.path.join(work, "checkpoint"))
config = e2e.make_checkpoint.load_config(config_file)
e2e.make_checkpoint.write_checkpoint(config, checkpoint, 1)
generator = np.random.Generator(np.random.PCG64(7))
prompts = [generator.integers(0, config["vocab_size"], n) for n in PROMPTS]
tokens = e2e.write_tokens(os.path.join(work, "prompts"), prompts)
plans = {}


def generate(name, target, *options):
    plans[name] = os.path.join(work, f"{name}.m1plan")
    e2e.run("m1c", checkpoint, "-o", plans[name], "--target", target, *BOUNDS)
    out = e2e.fresh(os.path.join(work, f"out-{name}"))
    e2e.run("m1run", "generate", plans[name], "--weights", checkpoint, "--tokens", tokens, "--out-dir", out,
            "--max-new-tokens", NEW_TOKENS, "--temperature", 0, *options)  # fmt: skip
    return [e2e.read(out, kind, len(prompts)) for kind in ("tokens", "logprobs")]


def refused(*command):
    result = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if result.returncode != 1 or result.stderr.count("\n") != 1 or result.stdout:
        sys.exit(f"{command}: exit code {result.returncode}\n{result.stdout}{result.stderr}")
    print(result.stderr.replace(work + "/", ""), end="")


cpu_tokens, cpu_log_probs = generate("cpu", "cpu")
gpu_tokens, gpu_log_probs = generate("gpu", f"cuda:{architecture}", "--device", "ptx")
worst = 0
for found, expected, length in zip(gpu_tokens, cpu_tokens, PROMPTS, strict=True):
    if len(found) != length + NEW_TOKENS or (found != expected).any():
        sys.exit(f"tokens {found[length:]} on the GPU, {expected[length:]} on the CPU")
for found, expected in zip(gpu_log_probs, cpu_log_probs, strict=True):
    worst = max(worst, np.abs(found - expected).max())
if not worst < 1e-4:
    sys.exit(f"log-probabilities differ by {worst}")
print(f"{sum(PROMPTS)} + {len(PROMPTS) * NEW_TOKENS} tokens, equal")

print(e2e.run("m1run", "inspect", plans["gpu"]).replace(work + "/", ""))
for plan, device in (("cpu", "ptx"), ("gpu", "cpu"), ("gpu", "tpu")):
    refused("m1run", "score", plans[plan], "--weights", checkpoint, "--tokens", tokens, "--out-dir", os.path.join(work, "x"), "--device", device)
