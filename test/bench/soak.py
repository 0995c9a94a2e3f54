#!/usr/bin/env python3
# ===- soak.py - random runs for as long as one likes ----------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Runs random models on random prompts, and compares what must be equal.

    soak.py [--minutes M | --rounds N] [--seed S] [--unit cpu] [--build-dir build] [--m1run FILE]

Each round compiles one of the models of test/golden in a random type and with random
bounds, and generates with random prompts, options and numbers of threads. Then

- the log-probabilities of generate and of score have the same bits, whatever pieces
  the sequences are fed in and however many threads run;
- a part of the prompts generates the same sequences by itself, in another order of
  time and slots;
- responses end for the reason that is given, and greedy ones consist of the tokens
  with the largest logits;
- a second run of many sequences in one process shows how much memory a sequence takes.

Stops at the first difference with exit code 1, the commands that repeat it and their
files; `--seed S --rounds 1` repeats a round. An interrupt ends the soak with its
summary.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
sys.path.insert(0, os.path.join(ROOT, "test", "e2e"))
import e2e  # noqa: E402
import numpy as np  # noqa: E402

GOLDEN = os.path.join(ROOT, "test", "golden")
DTYPES = ("float32", "bfloat16", "float16")
# What a finished sequence may take until the end of the run: its name, and what is printed about it. That is 1 to 3 KiB;
# a leak of a state, of activations or of logits is far larger.
MAX_SEQUENCE_BYTES = 8 << 10


class Mismatch(Exception):
    """A difference; its message."""


class Round:
    """A model, its plan, and the commands that were run."""

    def __init__(self, seed, unit, work):
        self.random = np.random.Generator(np.random.PCG64(seed))
        self.target, (self.runner, *self.device) = e2e.UNITS[unit]
        self.work, self.commands, self.runs = work, [], 0
        cases = sorted(c for c in os.listdir(GOLDEN) if os.path.exists(os.path.join(GOLDEN, c, "config.json")))
        self.case, self.dtype = str(self.random.choice(cases)), str(self.random.choice(DTYPES))
        self.config = e2e.make_checkpoint.load_config(os.path.join(GOLDEN, self.case, "config.json"))
        self.slots = self.integer(1, 9)
        self.max_tokens = self.integer(self.slots, 200)
        self.max_length = self.integer(2, 260)
        self.checkpoint, self.plan = os.path.join(work, "checkpoint"), os.path.join(work, "model.m1plan")
        e2e.make_checkpoint.write_checkpoint(self.config, self.checkpoint, seed, self.dtype)
        bounds = ("--slots", self.slots, "--max-tokens", self.max_tokens, "--max-length", self.max_length)
        self.run("m1c", self.checkpoint, "-o", self.plan, *bounds, *self.target)

    def integer(self, low, high):
        """A random number, low <= n < high."""
        return int(self.random.integers(low, high))

    def maybe(self, *options):
        return options if self.random.random() < 0.5 else ()

    def threads(self):
        return "--threads", self.integer(1, 5)

    def run(self, *command):
        command = [str(part) for part in command]
        self.commands.append(" ".join(command))
        return e2e.run(*command)

    def m1run(self, command, sequences, *options):
        """Runs a subcommand on sequences; its folder of results, and what it printed."""
        self.runs += 1
        folder = e2e.fresh(os.path.join(self.work, f"run{self.runs}"))
        tokens = e2e.write_tokens(os.path.join(folder, "in"), sequences)
        out = os.path.join(folder, "out")
        given = ("--weights", self.checkpoint, "--tokens", tokens, "--out-dir", out, "--json")
        return out, json.loads(self.run(self.runner, command, self.plan, *given, *self.device, *options))

    def prompts(self):
        longest = self.max_length if self.random.random() < 0.2 else max(1, self.max_length // 2)
        lengths = [self.integer(1, longest + 1) for _ in range(self.integer(1, 3 * self.slots + 1))]
        return [self.random.integers(0, self.config["vocab_size"], length) for length in lengths]

    def sampling(self):
        """Options of generate; the temperature, the stop token and the early stop are also returned."""
        temperature = float(self.random.choice([0, 0.5, 1, 1.5]))
        stop = self.integer(0, self.config["vocab_size"]) if self.random.random() < 0.5 else None
        early = self.integer(1, 4) if self.random.random() < 0.3 else 0
        probability = float(self.random.choice([0.05, 0.2]))
        options = ["--temperature", temperature, "--seed", self.integer(0, 1 << 32)]
        options += ["--max-new-tokens", self.integer(0, 80)]
        options += self.maybe("--top-p", float(self.random.choice([0.1, 0.5, 0.9, 1])))
        options += self.maybe("--top-k", self.integer(0, self.config["vocab_size"] + 10))
        options += ["--stop-token", stop] if stop is not None else []
        options += ["--early-stop", early, "--early-stop-probability", probability] if early else []
        return options, temperature, stop, early, probability


def same(what, found, expected):
    for index, (a, b) in enumerate(zip(found, expected, strict=True)):
        if a.dtype != b.dtype or a.shape != b.shape:
            raise Mismatch(f"{what}, sequence {index}: {a.dtype}{a.shape} and {b.dtype}{b.shape}")
        if a.tobytes() != b.tobytes():
            first = int(np.flatnonzero(a != b)[0]) if (a != b).any() else 0
            raise Mismatch(f"{what}, sequence {index}: {int((a != b).sum())} of {len(a)} differ, the first is {first}")


def check_ends(model, options, stop, early, probability, prompts, tokens, log_probs, report):
    """Every response ends where its options say, for the reason that is given."""
    most = options[options.index("--max-new-tokens") + 1]
    for index, (prompt, whole, values) in enumerate(zip(prompts, tokens, log_probs, strict=True)):
        response = whole[len(prompt) :]
        if whole[: len(prompt)].tolist() != prompt.tolist():
            raise Mismatch(f"sequence {index} does not begin with its prompt")
        if len(values) != len(whole) - 1 or not np.isfinite(values).all() or (values > 0).any():
            raise Mismatch(f"sequence {index}: the log-probabilities are not numbers of at most 0 per token after the first")
        run, reason = 0, None
        for count, (token, value) in enumerate(zip(response, values[len(prompt) - 1 :]), 1):
            if reason:
                raise Mismatch(f"sequence {index} continues after its end ({reason})")
            run = run + 1 if np.exp(np.float64(value)) > probability else 0
            if token == stop:
                reason = "stop"
            elif count >= most:
                reason = "tokens"
            elif len(prompt) + count >= model.max_length:
                reason = "length"
            elif early and run >= early:
                reason = "early"
        if not reason and len(response) == 0:
            reason = "tokens" if most == 0 else "length"
            if most and len(prompt) < model.max_length:
                raise Mismatch(f"sequence {index} has no response")
        found = report["sequences"][index]["finish"]
        if not reason or reason not in found.replace("max_new_tokens", "tokens").replace("max_length", "length"):
            raise Mismatch(f"sequence {index} ends after {len(response)} tokens ({found}), expected the reason {reason}")


def check_greedy(model, prompts, tokens):
    """At temperature 0, each token of a response has the largest logit."""
    out, _ = model.m1run("score", tokens, "--logits", *model.threads())
    for index, (prompt, whole, logits) in enumerate(zip(prompts, tokens, e2e.read(out, "logits", len(tokens)))):
        for place in range(len(prompt), len(whole)):
            row = logits[place - 1]
            if row[whole[place]] != row.max():
                raise Mismatch(f"sequence {index}: token {place} is not the most likely one")


def play(seed, unit, work):
    """One round; a line about it, and the number of tokens."""
    model = Round(seed, unit, work)
    try:
        prompts = model.prompts()
        options, temperature, stop, early, probability = model.sampling()
        out, report = model.m1run("generate", prompts, *options, *model.threads())
        tokens, log_probs = e2e.read(out, "tokens", len(prompts)), e2e.read(out, "logprobs", len(prompts))
        check_ends(model, options, stop, early, probability, prompts, tokens, log_probs, report)

        # A sequence of one token has no log-probability.
        for pieces in (), ("--chunk", model.integer(1, model.max_tokens + 1)):
            out, _ = model.m1run("score", tokens, *pieces, *model.threads())
            same(f"generated and scored {' '.join(map(str, pieces))}", log_probs, e2e.read(out, "logprobs", len(tokens)))
        # Sequence i depends on the seed and i only: fewer prompts are other batches in other slots.
        part = model.integer(1, len(prompts) + 1)
        out, _ = model.m1run("generate", prompts[:part], *options, *model.threads())
        same("tokens of a part of the prompts", e2e.read(out, "tokens", part), tokens[:part])
        same("log-probabilities of a part of the prompts", e2e.read(out, "logprobs", part), log_probs[:part])
        if temperature == 0:
            check_greedy(model, prompts, tokens)
    except (Mismatch, e2e.ToolError) as problem:
        raise Mismatch(f"{problem}\n" + "\n".join(model.commands))
    bounds = f"{model.slots} slots, {model.max_tokens} tokens, length {model.max_length}"
    count = sum(map(len, tokens))
    return f"{model.case} {model.dtype}, {bounds}: {len(prompts)} sequences, {count} tokens, {model.runs} runs", count


# Runs a command and prints its peak memory in KiB. The kernel also counts what the parent had before the child's exec, so
# that the parent must be small: this one has no numpy.
LAUNCHER = """
import resource, subprocess, sys
status = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(status)
"""


def peak_bytes(command):
    """The peak memory of a command."""
    return int(e2e.run(sys.executable, "-I", "-S", "-c", LAUNCHER, *command)) * 1024


def memory_per_sequence(unit, work, counts, limit):
    """How much the peak memory grows with each sequence of one process, in bytes."""
    model = Round(1, unit, work)
    prompt = model.random.integers(0, model.config["vocab_size"], min(16, model.max_length))
    file = e2e.write_tokens(os.path.join(work, "in"), [prompt])
    peaks = []
    for count in counts:
        out = os.path.join(work, f"out{count}")
        command = [model.runner, "generate", model.plan, "--weights", model.checkpoint, *model.device]
        peaks.append(peak_bytes([*command, "--tokens", ",".join([file] * count), "--max-new-tokens", 16, "--out-dir", out]))
    growth = (peaks[1] - peaks[0]) / (counts[1] - counts[0])
    if growth > limit:
        raise Mismatch(f"each sequence takes {growth:.0f} bytes, at most {limit:.0f} are expected\n{' '.join(map(str, command))}")
    return growth


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=5, help="how long to run (default 5)")
    parser.add_argument("--rounds", type=int, help="run this many rounds instead")
    parser.add_argument("--seed", type=int, default=0, help="of the first round; each further one has the next (default 0)")
    parser.add_argument("--unit", choices=sorted(e2e.UNITS), default="cpu", help="what runs the plans (default cpu)")
    parser.add_argument("--build-dir", default=os.path.join(ROOT, "build"))
    parser.add_argument("--m1run", metavar="FILE", help="the m1run of another build, such as one with sanitizers")
    arguments = parser.parse_args()
    os.environ["PATH"] = os.path.join(os.path.abspath(arguments.build_dir), "bin") + os.pathsep + os.environ["PATH"]

    if arguments.m1run:
        os.environ["PATH"] = os.path.dirname(os.path.abspath(arguments.m1run)) + os.pathsep + os.environ["PATH"]

    start, rounds, total = time.monotonic(), 0, 0
    work = tempfile.mkdtemp(prefix="m1-soak-")
    try:
        while rounds < arguments.rounds if arguments.rounds is not None else time.monotonic() - start < 60 * arguments.minutes:
            line, tokens = play(arguments.seed + rounds, arguments.unit, e2e.fresh(os.path.join(work, "round")))
            print(f"{time.monotonic() - start:7.1f} s  seed {arguments.seed + rounds}: {line}", flush=True)
            rounds, total = rounds + 1, total + tokens
        counts = (16, 272) if arguments.rounds is not None else (256, 2304)
        # Sanitizers have memory of their own for what a program uses, and keep what it frees.
        limit = MAX_SEQUENCE_BYTES * (16 if arguments.m1run else 1)
        growth = memory_per_sequence(arguments.unit, e2e.fresh(os.path.join(work, "memory")), counts, limit)
        print(f"memory: {growth / 1024:.1f} KiB per sequence, over {counts[1]} in one process")
    except (Mismatch, e2e.ToolError) as problem:
        print(f"{problem}\nrepeat with: {sys.argv[0]} --seed {arguments.seed + rounds} --rounds 1; files: {work}")
        sys.exit(1)
    except KeyboardInterrupt:
        print("interrupted")
    shutil.rmtree(work, ignore_errors=True)
    print(f"{rounds} rounds, {total} tokens in {time.monotonic() - start:.0f} s, no difference")


if __name__ == "__main__":
    main()
