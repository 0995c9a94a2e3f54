# ===- invariance.py - the same bits however a token is computed -----------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""invariance.py CONFIG.json DTYPE UNIT WORK_DIR

UNIT is one of e2e.UNITS. A token's log-probability must have the same bits whatever
else is in the batch, however the prompt is split into pieces, whether the token is
decoded or scored, and with any number of threads.
"""

import functools
import os
import sys

import e2e
import numpy as np

# Below, at and above a chunk of 64 tokens, and several chunks; new tokens reach a second chunk.
LENGTHS = (130, 50, 64, 65, 2)
NEW_TOKENS = 16


class Model:
    """A seeded model, its plan, and the command that runs it."""

    def __init__(self, config, dtype, plan, command, work):
        self.config, self.plan, self.work, self.runs = config, plan, work, 0
        self.runner, *self.device = command
        self.checkpoint = e2e.fresh(os.path.join(work, "checkpoint"))
        e2e.make_checkpoint.write_checkpoint(config, self.checkpoint, 1, dtype)

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


def comparisons(model):
    """Names of comparisons, each with a function that computes both sides: lists of arrays that must have the same bits."""
    generator = np.random.Generator(np.random.PCG64(7))
    sequences = [generator.integers(0, model.config["vocab_size"], n) for n in LENGTHS]

    @functools.cache
    def together():
        values = model.score(sequences)
        if not all(np.ptp(v) > 0.5 for v in values if len(v) > 10):
            sys.exit("the log-probabilities are nearly all equal: the comparison would show nothing")
        return values

    @functools.cache
    def generated(*options):
        return model.generate(sequences, *options)

    yield "alone or in a batch", lambda: ([model.score([s])[0] for s in sequences], together())
    yield "another order of the batch", lambda: (model.score(sequences[::-1])[::-1], together())
    for piece in (1, 7, 64, 100):
        yield f"pieces of {piece}", lambda piece=piece: (model.score(sequences, "--chunk", piece), together())
    yield "1 thread or 2", lambda: (model.score(sequences, "--threads", 1), model.score(sequences, "--threads", 2))
    yield "logits alone or in a batch", lambda: ([model.logits([s])[0] for s in sequences[:2]], model.logits(sequences)[:2])
    for name, options in ("greedy", ("--temperature", 0)), ("sampled", ("--temperature", 1, "--seed", 5)):

        def rescored(options=options):
            tokens, decoded = generated(*options)
            return decoded, model.score(tokens)

        yield f"decoded or scored, {name}", rescored

        def one_thread(options=options):
            return model.generate(sequences, *options, "--threads", 1)[1], generated(*options)[1]

        yield f"1 thread or all while decoding, {name}", one_thread
    greedy = ("--temperature", 0)
    yield "decoded alone or in a batch", lambda: ([model.generate([s], *greedy)[1][0] for s in sequences], model.generate(sequences, *greedy)[1])


def differences(found, expected):
    """A description of each pair of arrays with different bits."""
    texts = []
    for i, (a, b) in enumerate(zip(found, expected, strict=True)):
        if a.dtype != b.dtype or a.shape != b.shape or not np.isfinite(b).all():
            sys.exit(f"sequence {i}: {a.dtype}{a.shape} and {b.dtype}{b.shape}")
        differing = np.flatnonzero((a != b).reshape(len(a), -1).any(-1)) if len(a) else []
        if len(differing):
            texts.append(f"sequence {i}: {len(differing)} of {len(a)} rows differ, the first is {differing[0]}, by up to {np.abs(a - b).max():.1e}")
    return texts


def main():
    config_file, dtype, unit, work = sys.argv[1:]
    target, command = e2e.UNITS[unit]
    model = Model(e2e.make_checkpoint.load_config(config_file), dtype, os.path.join(work, "model.m1plan"), command, work)
    e2e.run("m1c", model.checkpoint, "-o", model.plan, *target)
    failures = 0
    for what, sides in comparisons(model):
        for text in differences(*sides()):
            failures += 1
            print(f"{what}, {text}")
    print(f"{model.runs} runs, {failures} differences")
    sys.exit(failures > 0)


if __name__ == "__main__":
    main()
