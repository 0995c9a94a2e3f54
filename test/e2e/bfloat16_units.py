# ===- bfloat16_units.py - bf16 models on units against the plain CPU --------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""bfloat16_units.py CONFIG.json UNIT WORK_DIR

Compares the log-probabilities of a bfloat16 model with the interpreter's, which are not
rounded. The mean absolute error on a unit of e2e.UNITS may be that of this CPU's vector
code times MOST.
"""

import os
import sys

import e2e
import numpy as np

MOST = 1.3  # times the CPU's error
SEQUENCES, TOKENS = 4, 200


class Case:
    """A seeded bfloat16 model and random sequences."""

    def __init__(self, config, work, lengths=(TOKENS,) * SEQUENCES):
        self.work = work
        self.checkpoint = e2e.fresh(os.path.join(work, "checkpoint"))
        e2e.make_checkpoint.write_checkpoint(config, self.checkpoint, 1, "bfloat16")
        generator = np.random.Generator(np.random.PCG64(1))
        sequences = [generator.integers(0, config["vocab_size"], n) for n in lengths]
        self.count = len(sequences)
        self.tokens = e2e.write_tokens(os.path.join(work, "tokens"), sequences)

    def log_probs(self, *command):
        """A tool's log-probabilities of all tokens."""
        out = e2e.fresh(os.path.join(self.work, "out"))
        e2e.run(*command, "--weights", self.checkpoint, "--tokens", self.tokens, "--out-dir", out)
        return np.concatenate(e2e.read(out, "logprobs", self.count))

    def exact(self):
        """The interpreter's log-probabilities."""
        module = os.path.join(self.work, "model.mlir")
        e2e.run("m1c", self.checkpoint, "--emit=model", "-o", module)
        return self.log_probs("m1-interpret", module)

    def error(self, unit, exact):
        """The mean error of the model compiled for a unit of e2e.UNITS."""
        target, (runner, *device) = e2e.UNITS[unit]
        plan = os.path.join(self.work, f"{unit}.m1plan")
        e2e.run("m1c", self.checkpoint, "-o", plan, *target)
        return np.abs(self.log_probs(runner, "score", plan, *device) - exact).mean()


def main():
    config_file, unit, work = sys.argv[1:]
    case = Case(e2e.make_checkpoint.load_config(config_file), work)
    exact = case.exact()
    errors = {name: case.error(name, exact) for name in ("cpu", unit)}
    print(f"{len(exact)} tokens, mean error {errors[unit]:.5f} on {unit}, {errors['cpu']:.5f} on cpu")
    # not >, so that a NaN fails
    if not 0 < errors[unit] <= MOST * errors["cpu"]:
        sys.exit(f"expected at most {MOST} times the CPU's error")
    print("near")


if __name__ == "__main__":
    main()
