# ===- gradients_units.py - the gradients of two units ---------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""gradients_units.py CASE_DIR DTYPE UNIT WORK_DIR

The gradients of a small model on a unit of e2e.UNITS against those on the CPU: for
each tensor, the norm of the difference relative to the norm of the gradient.
"""

import json
import os
import sys

import e2e
import numpy as np

sys.path.append(os.path.join(e2e.ROOT, "test", "golden"))
import reference  # noqa: E402

LENGTHS = (68, 9)
TOLERANCE = {"float32": 2e-5, "bfloat16": 5e-2}


def main():
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    case, dtype, unit, work = sys.argv[1:]
    e2e.fresh(work)
    with open(os.path.join(case, "config.json")) as file:
        config = json.load(file)
    checkpoint = e2e.fresh(os.path.join(work, "checkpoint"))
    e2e.make_checkpoint.write_checkpoint(config, checkpoint, 1, dtype)
    generator = np.random.Generator(np.random.PCG64(5))
    sequences = [generator.integers(0, config["vocab_size"], n) for n in LENGTHS]
    tokens = e2e.write_tokens(os.path.join(work, "tokens"), sequences)
    gradients = {}
    for name in "cpu", unit:
        options, (runner, *device) = e2e.UNITS[name]
        plan, out = os.path.join(work, name + ".m1plan"), os.path.join(work, name + ".safetensors")
        e2e.run("m1c", checkpoint, "--train", *options, "--max-length", 80, "--train-tokens", 100, "--slots", 3, "-o", plan)
        e2e.run(
            runner, "gradients", plan, "--weights", checkpoint, "--tokens", tokens, "--router-aux-loss-coef", 0.01, "--out", out, *device
        )  # fmt: skip
        gradients[name] = reference.read_safetensors(out)
    worst = 0.0
    for name, expected in gradients["cpu"].items():
        norm = np.linalg.norm(expected)
        if norm:
            worst = max(worst, np.linalg.norm(gradients[unit][name] - expected) / norm)
    print(f"{len(gradients['cpu'])} tensors, worst difference {worst:.1e}")
    print("equal" if worst <= TOLERANCE[dtype] else "different")


if __name__ == "__main__":
    main()
