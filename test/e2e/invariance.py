# ===- invariance.py - the same bits however a token is computed -----------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""invariance.py CONFIG.json DTYPE UNIT WORK_DIR

UNIT is one of e2e.UNITS.
A token's log-probability must be the same bits whatever else is in the batch,
however the prompt is cut into pieces, whether the token is decoded or scored,
and however many threads run.
"""

import os
import sys

import e2e
import numpy as np

# Both sides of a chunk of 64 tokens, several chunks, and few; new tokens reach a second chunk.
LENGTHS = (130, 50, 64, 65, 2)
NEW_TOKENS = 16


class Model:
    def __init__(self, config, dtype, unit, work):
        self.work, self.runs = work, 0
        self.checkpoint = e2e.fresh(os.path.join(work, "checkpoint"))
        e2e.make_checkpoint.write_checkpoint(config, self.checkpoint, 1, dtype)
        self.plan = os.path.join(work, "model.m1plan")
        target, (self.runner, *self.device) = e2e.UNITS[unit]
        e2e.run("m1c", self.checkpoint, "-o", self.plan, *target)

    def m1run(self, command, sequences, *options):
        self.runs += 1
        folder = e2e.fresh(os.path.join(self.work, f"run{self.runs}"))
        tokens = e2e.write_tokens(os.path.join(folder, "in"), sequences)
        out = os.path.join(folder, "out")
        given = ("--weights", self.checkpoint, "--tokens", tokens, "--out-dir", out)
        e2e.run(self.runner, command, self.plan, *given, *self.device, *options)
        return out

    def score(self, sequences, *options):
        return e2e.read(self.m1run("score", sequences, *options), "logprobs", len(sequences))

    def logits(self, sequences, *options):
        return e2e.read(self.m1run("score", sequences, "--logits", *options), "logits", len(sequences))

    def generate(self, prompts, *options):
        out = self.m1run("generate", prompts, "--max-new-tokens", NEW_TOKENS, *options)
        return e2e.read(out, "tokens", len(prompts)), e2e.read(out, "logprobs", len(prompts))


def main():
    config_file, dtype, unit, work = sys.argv[1:]
    config = e2e.make_checkpoint.load_config(config_file)
    model = Model(config, dtype, unit, work)
    generator = np.random.Generator(np.random.PCG64(7))
    sequences = [generator.integers(0, config["vocab_size"], n) for n in LENGTHS]
    failures = 0

    def same(what, found, expected):
        nonlocal failures
        for i, (a, b) in enumerate(zip(found, expected, strict=True)):
            if a.dtype != b.dtype or a.shape != b.shape or not np.isfinite(b).all():
                sys.exit(f"{what}, sequence {i}: {a.dtype}{a.shape} and {b.dtype}{b.shape}")
            differing = np.flatnonzero((a != b).reshape(len(a), -1).any(-1)) if len(a) else []
            if len(differing):
                failures += 1
                print(f"{what}, sequence {i}: {len(differing)} of {len(a)} rows differ, the first is {differing[0]}, by up to {np.abs(a - b).max():.1e}")

    together = model.score(sequences)
    if not all(np.ptp(values) > 0.5 for values in together if len(values) > 10):
        sys.exit("the log-probabilities are nearly all the same: nothing would be compared")
    same("alone or in a batch", [model.score([s])[0] for s in sequences], together)
    same("another order of the batch", model.score(sequences[::-1])[::-1], together)
    for piece in (1, 7, 64, 100):
        same(f"pieces of {piece}", model.score(sequences, "--chunk", piece), together)
    same("1 thread or 2", model.score(sequences, "--threads", 1), model.score(sequences, "--threads", 2))
    same("logits alone or in a batch", [model.logits([s])[0] for s in sequences[:2]], model.logits(sequences)[:2])

    for options in (("--temperature", 0), ("--temperature", 1, "--seed", 5)):
        tokens, decoded = model.generate(sequences, *options)
        same(f"decoded or scored {options}", decoded, model.score(tokens))
        same(f"threads while decoding {options}", model.generate(sequences, *options, "--threads", 1)[1], decoded)
    tokens, decoded = model.generate(sequences, "--temperature", 0)
    same("decoded alone or in a batch", [model.generate([s], "--temperature", 0)[1][0] for s in sequences], decoded)

    print(f"{model.runs} runs, {failures} differences")
    sys.exit(failures > 0)


main()
