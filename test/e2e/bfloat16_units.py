# ===- bfloat16_units.py - bf16 models on units against the plain CPU --------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""bfloat16_units.py CONFIG.json UNIT WORK_DIR

Log-probabilities of a bfloat16 model: a unit of e2e.UNITS may be as far from the
interpreter, which rounds nothing, as this CPU's vectors are, and a little more.
Compares mean absolute errors.
"""

import os
import sys

import e2e
import numpy as np

MOST = 1.3  # times the CPU's error
SEQUENCES, TOKENS = 4, 200


def main():
    config_file, unit, work = sys.argv[1:]
    config = e2e.make_checkpoint.load_config(config_file)
    checkpoint = e2e.fresh(os.path.join(work, "checkpoint"))
    e2e.make_checkpoint.write_checkpoint(config, checkpoint, 1, "bfloat16")
    generator = np.random.Generator(np.random.PCG64(1))
    sequences = [generator.integers(0, config["vocab_size"], TOKENS) for _ in range(SEQUENCES)]
    tokens = e2e.write_tokens(os.path.join(work, "tokens"), sequences)

    def log_probs(name, *command):
        out = e2e.fresh(os.path.join(work, name))
        e2e.run(*command, "--weights", checkpoint, "--tokens", tokens, "--out-dir", out)
        return np.concatenate(e2e.read(out, "logprobs", SEQUENCES))

    module = os.path.join(work, "model.mlir")
    e2e.run("m1c", checkpoint, "--emit=m1", "-o", module)
    exact = log_probs("exact", "m1-interpret", module)
    errors = {}
    for name in "cpu", unit:
        target, (runner, *device) = e2e.UNITS[name]
        plan = os.path.join(work, f"{name}.m1plan")
        e2e.run("m1c", checkpoint, "-o", plan, *target)
        errors[name] = np.abs(log_probs(name, runner, "score", plan, *device) - exact).mean()
    print(f"{len(exact)} tokens, mean error {errors[unit]:.5f} on {unit}, {errors['cpu']:.5f} on cpu")
    # not >, so that a NaN fails
    if not 0 < errors[unit] <= MOST * errors["cpu"]:
        sys.exit(f"expected at most {MOST} times the CPU's error")
    print("near")


main()
