# ===- blocks.py - keys and values in blocks of a pool ----------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""blocks.py CONFIG.json DTYPE UNIT WORK_DIR [RANKS]

UNIT is one of e2e.UNITS. A plan of m1c --serve must give the bits of one without, whichever
blocks sequences have. With RANKS, on as many of them, which divide heads among them.
"""

import json
import os
import sys

import e2e
import numpy as np

SLOTS, LENGTH, BLOCK = 3, 200, 64
COLUMNS = -(-LENGTH // BLOCK)
BLOCKS = SLOTS * COLUMNS
# Below, at and above a block, and several of them.
LENGTHS = (63, 64, 65, 130, 1)


class Model:
    def __init__(self, config, dtype, unit, work, ranks):
        self.options, (self.runner, *self.device) = e2e.UNITS[unit]
        self.prefix = e2e.mpirun(ranks) if ranks else ()
        self.mesh = ("--mesh", f"tensor={ranks}") if ranks else ()
        self.work, self.runs, self.failures = e2e.fresh(work), 0, 0
        self.config = e2e.make_checkpoint.load_config(config)
        self.checkpoint = os.path.join(work, "checkpoint")
        e2e.make_checkpoint.write_checkpoint(self.config, self.checkpoint, 1, dtype)
        generator = np.random.Generator(np.random.PCG64(5))
        self.sequences = [generator.integers(0, self.config["vocab_size"], n) for n in LENGTHS]

    def compile(self, name, *options):
        plan = os.path.join(self.work, name + ".m1plan")
        bounds = ("--slots", SLOTS, "--max-length", LENGTH, "--max-tokens", 150)
        e2e.run("m1c", self.checkpoint, "-o", plan, *bounds, *self.options, *self.mesh, *options)
        return plan

    def folder(self):
        self.runs += 1
        return os.path.join(self.work, f"run{self.runs}")

    def run(self, plan, command, *options):
        """Tokens and log-probabilities of each sequence, one after the other."""
        out = self.folder()
        tokens = e2e.write_tokens(out + "-in", self.sequences)
        given = ("--weights", self.checkpoint, "--tokens", tokens, "--out-dir", out)
        e2e.run(*self.prefix, self.runner, command, plan, *given, *self.device, *options)
        kinds = ("tokens", "logprobs") if command == "generate" else ("logprobs",)
        return [values for kind in kinds for values in e2e.read(out, kind, len(self.sequences))]

    def score(self, plan, numbers, blocks):
        """Log-probabilities of some sequences, in one call with these blocks."""
        out = self.folder()
        os.makedirs(out)
        given = [self.sequences[n] for n in numbers]
        lengths = [len(s) - 1 for s in given]
        arguments = [
            np.concatenate([s[:-1] for s in given]),
            np.concatenate([np.arange(n) for n in lengths]),
            np.cumsum((0, *lengths)),
            np.arange(len(given)),
            blocks,
            np.concatenate([s[1:] for s in given]),
        ]
        options = []
        for i, argument in enumerate(arguments):
            path = os.path.join(out, f"{i}.npy")
            np.save(path, np.asarray(argument, np.int32))
            options += ["--arg", path]
        e2e.run(self.runner, "call", plan, "--weights", self.checkpoint, "--entry", "score", *options, "--out-dir", out, *self.device)
        return np.split(np.load(os.path.join(out, "log_probs.npy")), np.cumsum(lengths)[:-1])

    def check(self, what, right):
        if not right:
            self.failures += 1
            print(f"failed: {what}")

    def refused(self, what, *arguments):
        """The error of a call that must fail."""
        try:
            arguments[0](*arguments[1:])
        except e2e.ToolError as error:
            print(f"{what}: {str(error).splitlines()[-1].replace(self.work, 'WORK')}")
        else:
            self.check(f"{what} was accepted", False)


def equal(found, expected):
    return len(found) == len(expected) and all(a.dtype == b.dtype and np.array_equal(a, b) for a, b in zip(found, expected))


def check_runs(model, plain, serve):
    options = ("--max-new-tokens", 66, "--temperature", 0.9, "--seed", 3)
    model.check("generate has the same bits", equal(model.run(serve, "generate", *options), model.run(plain, "generate", *options)))
    scored = model.run(plain, "score")
    model.check("log-probabilities differ among themselves", np.ptp(scored[3]) > 0.5)
    for chunk in (150, 64, 7):
        model.check(f"score in pieces of {chunk} has the same bits", equal(model.run(serve, "score", "--chunk", chunk), scored))
    return scored


def check_tables(model, serve, small, scored):
    """Blocks in any order; what is not used may be anybody's. Sequences of 130, and of 63 and 65 tokens."""
    order = np.random.Generator(np.random.PCG64(2)).permutation(BLOCKS)
    for name, table in (("scattered", order), ("reversed", np.arange(BLOCKS)[::-1])):
        alone, pair = table[:COLUMNS].reshape(1, -1), table[: 2 * COLUMNS].reshape(2, -1)
        model.check(f"{name} blocks of one sequence", equal(model.score(serve, [3], alone), [scored[3]]))
        model.check(f"{name} blocks of two sequences", equal(model.score(serve, [2, 0], pair), [scored[2], scored[0]]))
    few = np.array([[4, 2, 4, 4], [3, 4, 4, 4]])
    model.check("as few blocks as two sequences need", equal(model.score(small, [2, 0], np.where(few == 4, 0, few)), [scored[2], scored[0]]))
    model.refused("generate with 5 blocks", model.run, small, "generate")
    for wrong in (-1, 5):
        model.refused(f"block {wrong} of 5", model.score, small, [0], [[0, 0, 0, wrong]])


def main():
    config, dtype, unit, work, *ranks = sys.argv[1:]
    model = Model(config, dtype, unit, work, int(ranks[0]) if ranks else 0)
    plain, serve = model.compile("plain"), model.compile("serve", "--serve")
    scored = check_runs(model, plain, serve)
    small = model.compile("small", "--serve", "--cache-blocks", 5)
    if not ranks:
        check_tables(model, serve, small, scored)
    for plan in (plain, serve, small):
        described = json.loads(e2e.run("m1run", "inspect", plan, "--json"))
        parts = sorted({(arena["division"], arena["parts"]) for arena in described["arenas"] if "parts" in arena})
        print(f"{os.path.basename(plan)}: {described['model']['cache_blocks']} blocks of {described['model']['block_positions']}, {parts}")
    model.refused("blocks without --serve", model.compile, "wrong", "--cache-blocks", 5)
    model.refused("too many blocks", model.compile, "wrong", "--serve", "--cache-blocks", 2**31)
    print(f"{model.runs} runs, {model.failures} failures")
    sys.exit(model.failures > 0)


if __name__ == "__main__":
    main()
