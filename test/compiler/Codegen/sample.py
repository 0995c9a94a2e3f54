# ===- sample.py - compiled draws against their definition -------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Compares compiled draws (m1.sample, m1.adjust_logits) with their definition in docs/model.md, in numpy.

Covers vocabularies from one token to several groups of columns, with ties, masked
tokens and extreme temperatures; the frequencies of many draws; independence of the rest
of the batch and of threads; the error for logits that are not finite; and, to the bit,
what penalties and biases make of logits. With --time,
prints the time of a row of 200,064 logits instead.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys

import numpy as np

MASK = 0xFFFFFFFF
# Below and above blocks of 64 and 1024 columns. The last two have several groups of
# columns on a GPU; the last, on a CPU, too.
SIZES = (1, 2, 63, 64, 65, 97, 1000, 1024, 1025, 3001, 40000)
REAL_SIZE = 200064


def philox(position, seed):
    """The first word of Philox4x32-10 (Salmon et al., SC 2011)."""
    c = [position & MASK, position >> 32, 0, 0]
    k = [seed & MASK, seed >> 32 & MASK]
    for _ in range(10):
        a, b = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [b >> 32 ^ c[1] ^ k[0], b & MASK, a >> 32 ^ c[3] ^ k[1], a & MASK]
        k = [k[0] + 0x9E3779B9 & MASK, k[1] + 0xBB67AE85 & MASK]
    return c[0]


def definition(logits, temperature, top_p, top_k, seed, position, min_p=0):
    """The token, and the distance of u from the nearest boundary between tokens: 0 if rounding may
    decide which tokens min_p keeps."""
    order = np.argsort(-logits, kind="stable")
    if temperature == 0:
        return order[0], 1
    above = (logits[order].astype(np.float64) - logits[order[0]]) / np.float64(temperature)
    p = np.exp(above)
    kept = len(p)
    if min_p > 0:
        least = np.log(min(np.float64(min_p), 1))
        if (np.abs(above - least) < 1e-6 * abs(least)).any():
            return -1, 0
        kept = np.searchsorted(-above, -least, side="right")
    kept = kept if top_k == 0 else min(top_k, kept)
    running = np.cumsum(p)
    if top_p < 1:
        kept = min(kept, np.searchsorted(running, np.float64(top_p) * running[kept - 1]) + 1)
    running = running[:kept]
    at = philox(int(position), int(seed)) * 2.0**-32 * running[-1]
    drawn = min(np.searchsorted(running, at, side="right"), kept - 1)
    return order[drawn], np.abs(running - at).min() / running[-1]


class Plan:
    """A plan with functions for each vocabulary size: vN draws, mN draws with min_p; aN adjusts logits."""

    def __init__(self, options, sizes, slots, kinds="vm"):
        self.options, self.work = options, options.work
        os.makedirs(self.work, exist_ok=True)
        module, self.path = (os.path.join(self.work, f"sample.{e}") for e in ("mlir", "m1plan"))
        with open(module, "w") as file:
            for size in sizes:
                logits, others = f"tensor<?x{size}xf32>", [f"tensor<?x{e}>" for e in ("f32", "f32", "i32", "i64", "i32", "f32")]
                sample = "m1.sample %l temperature %t top_p %p top_k %k seeds %s positions %q"
                ops = {
                    "v": (sample, "ltpksq", "BBBBBB", [logits, *others[:5]], "tensor<?xi32>"),
                    "m": (sample + " min_p %m", "ltpksqm", "BBBBBBB", [logits, *others], "tensor<?xi32>"),
                    "a": ("m1.adjust_logits %l rows %k bias %b repetition %f", "lkbf", "BBRR", [logits, others[2], logits, logits], logits),
                }
                for kind in kinds:
                    op, names, dims, types, result = ops[kind]
                    given = ", ".join(f'%{n}: {t} {{m1.dim = "{d}"}}' for n, t, d in zip(names, types, dims))
                    file.write(f'func.func @{kind}{size}({given}) -> ({result} {{m1.dim = "B", m1.name = "drawn"}}) {{\n')
                    file.write(f"  %r = {op} : ({', '.join(types)}) -> {result}\n")
                    file.write(f"  return %r : {result}\n}}\n")
        subprocess.run(["m1c", module, "-o", self.path, f"--slots={slots}", "--target", options.target], check=True)

    def run(self, logits, temperature, top_p, top_k, seeds, positions, *more, min_p=None):
        """m1run's output, and the tokens, or None if it failed."""
        given = [(logits, "f4"), (temperature, "f4"), (top_p, "f4"), (top_k, "i4"), (seeds, "i8"), (positions, "i4")]
        given += [(min_p, "f4")] if min_p is not None else []
        rows, size = logits.shape
        given[1:] = [(np.broadcast_to(value, rows), dtype) for value, dtype in given[1:]]
        return self.call(f"{'v' if min_p is None else 'm'}{size}", given, *more)

    def call(self, entry, given, *more):
        """m1run's output, and the result, or None if it failed."""
        out = os.path.join(self.work, "out")
        shutil.rmtree(out, ignore_errors=True)
        device = "cpu" if self.options.target == "cpu" else "ptx"
        command = ["m1run", "call", self.path, "--device", device, "--entry", entry, "--out-dir", out, *more]
        for i, (value, dtype) in enumerate(given):
            path = os.path.join(self.work, f"argument{i}.npy")
            np.save(path, np.ascontiguousarray(value, dtype))
            command += ["--arg", path]
        result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return result.stdout, None if result.returncode else np.load(os.path.join(out, "drawn.npy"))

    def draw(self, *arguments, **options):
        said, tokens = self.run(*arguments, **options)
        assert tokens is not None, said
        return tokens


def agrees_with_the_definition(plan, sizes, rounds):
    total = edges = others = 0
    for size in sizes:
        for number in range(rounds):
            random = np.random.Generator(np.random.PCG64([size, number]))
            rows = 32
            logits = (3 * random.standard_normal((rows, size))).astype(np.float32)
            if number % 3 == 0:
                logits = np.round(logits)  # ties, and zeros of both signs
            if number % 4 == 1:
                logits[:, 1:][:, random.random(size - 1) < 0.3] = -np.inf
            if number % 4 == 2:
                logits[:4] = 7  # all tied
            temperature = random.choice(np.float32([0, 0.5, 1, 1, 2, 1e-3, 1e4, 1e-30, 1e30]), rows)
            top_p = random.choice(np.float32([1, 0.95, 0.9, 0.3, 0.01, 1e-9, 0, 2]), rows)
            top_k = random.choice(np.int32([0, 0, 1, 2, 7, 40, size, size + 1, 2**31 - 1]), rows)
            if number % 4 == 1:
                temperature = np.minimum(temperature, 1e4)  # -infinity divided by infinity is undefined
            seeds = random.integers(-(2**63), 2**63, rows)
            positions = random.integers(0, 2**31, rows).astype(np.int32)
            min_p = random.choice(np.float32([0, 0, 0.05, 0.3, 0.9, 1, 1e-7, 2, -1]), rows) if number % 2 else None
            found = plan.draw(logits, temperature, top_p, top_k, seeds, positions, min_p=min_p)
            for b in range(rows):
                case = (logits[b], temperature[b], top_p[b], top_k[b], seeds[b], positions[b], 0 if min_p is None else min_p[b])
                expected, distance = definition(*case)
                total += 1
                others += expected != np.argmax(logits[b])
                if found[b] == expected:
                    continue
                assert distance < 1e-6, f"{size} tokens, round {number}, row {b}: found {found[b]}, expected {expected}: {case[1:]}"
                edges += 1
    # u is rarely within rounding of a boundary, and draws must not always be the largest logit.
    assert edges <= total // 500 and others > total // 6, (total, edges, others)
    print(f"{total} draws as defined")


def frequencies(plan, draws):
    p = np.array([0.5, 0.3, 0.2])
    logits = np.broadcast_to(np.log(p).astype(np.float32), (draws, 3))
    counts = np.bincount(plan.draw(logits, 1, 1, 0, 7, np.arange(draws)), minlength=3)
    # Five standard deviations of a binomial count.
    assert (np.abs(counts - draws * p) < 5 * np.sqrt(draws * p * (1 - p))).all(), counts

    # Of 0.4, 0.3, 0.2 and 0.1, a top_k of 2 leaves 4/7 and 3/7. The first of these reaches
    # a top_p of 0.5, which 0.4 alone does not.
    logits = np.broadcast_to(np.log(np.float32([0.4, 0.3, 0.2, 0.1])), (100, 4))
    for top_k, count in ((2, 1), (0, 2)):
        assert len(np.unique(plan.draw(logits, 1, 0.5, top_k, 7, np.arange(100)))) == count

    # All logits equal.
    logits = np.zeros((draws, 4), np.float32)
    for top_k, top_p, count in ((0, 1, 4), (3, 1, 3), (0, 0.75, 3), (0, 0.751, 4), (3, 0.6, 2), (1, 1, 1)):
        tokens = plan.draw(logits, 5, top_p, top_k, 3, np.arange(draws))
        assert (np.unique(tokens) == np.arange(count)).all(), (top_k, top_p, tokens)

    # Of 0.5, 0.3 and 0.2, min_p keeps those of at least its share of 0.5; top_p then counts what is left.
    logits = np.broadcast_to(np.log(p).astype(np.float32), (100, 3))
    for min_p, top_k, top_p, count in ((0, 0, 1, 3), (0.39, 0, 1, 3), (0.41, 0, 1, 2), (0.59, 0, 1, 2), (0.61, 0, 1, 1), (1, 0, 1, 1),
                                       (0.41, 1, 1, 1), (0.41, 3, 1, 2), (0.41, 0, 0.62, 1), (0.41, 0, 0.63, 2)):
        tokens = plan.draw(logits, 1, top_p, top_k, 7, np.arange(100), min_p=min_p)
        assert (np.unique(tokens) == np.arange(count)).all(), (min_p, top_k, top_p, tokens)
    assert (plan.draw(logits, 0, 1, 0, 7, np.arange(100), min_p=0.1) == 0).all()
    # Its share is one at the temperature: at 1/2, 0.25, 0.09 and 0.04.
    assert len(np.unique(plan.draw(logits, 0.5, 1, 0, 7, np.arange(100), min_p=0.35))) == 2
    assert len(np.unique(plan.draw(logits, 0.5, 1, 0, 7, np.arange(100), min_p=0.37))) == 1
    logits = np.zeros((100, 4), np.float32)
    assert len(np.unique(plan.draw(logits, 1, 1, 0, 7, np.arange(100), min_p=1))) == 4  # all tied

    logits = np.full((100, 50), -np.inf, np.float32)
    assert (plan.draw(logits, 1, 1, 0, 3, np.arange(100)) == 0).all()
    logits[:, 17] = -3
    assert (plan.draw(logits, 1, 1, 0, 3, np.arange(100)) == 17).all()
    assert (plan.draw(logits, 1, 0.5, 20, 3, np.arange(100)) == 17).all()
    assert (plan.draw(logits, 1, 0.5, 20, 3, np.arange(100), min_p=0.5) == 17).all()
    print("frequencies as defined")


def independence(plan, size):
    """A row's token is the same in any batch and with any number of threads."""
    random = np.random.Generator(np.random.PCG64(5))
    rows = 24
    logits = (2 * random.standard_normal((rows, size))).astype(np.float32)
    temperature, top_p = random.choice(np.float32([0, 1, 3]), rows), random.choice(np.float32([1, 0.9]), rows)
    top_k, seeds = random.choice(np.int32([0, 50]), rows), random.integers(0, 2**63, rows)
    case = (logits, temperature, top_p, top_k, seeds, np.arange(rows, dtype=np.int32))
    min_p = random.choice(np.float32([0, 0.02]), rows)
    together = plan.draw(*case, min_p=min_p)
    assert len(np.unique(together)) > rows // 2, together
    reverse = plan.draw(*(c[::-1] for c in case), min_p=min_p[::-1])
    assert (reverse[::-1] == together).all(), (together, reverse)
    for b in range(3):
        assert plan.draw(*(c[b : b + 1] for c in case), min_p=min_p[b : b + 1])[0] == together[b], b
    for threads in (1, 3):
        assert (plan.run(*case, "--threads", str(threads), min_p=min_p)[1] == together).all(), threads
    print("independent of the batch")


def adjusted(plan, sizes):
    """Logits under the rules of their rows, to the bit; a row without rules is copied, whatever it holds."""
    special = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, -np.nan, 1e-42, 3e38, -3e38], np.float32)
    for size in sizes:
        random = np.random.Generator(np.random.PCG64(size))
        for rows, rules in ((1, 1), (9, 3)):
            logits = (3 * random.standard_normal((rows, size))).astype(np.float32)
            logits[:, random.random(size) < 0.2] = random.choice(special)
            bias = random.choice(np.float32([0, -np.inf, 1.5, -100]), (rules, size), p=[0.5, 0.2, 0.2, 0.1])
            repetition = random.choice(np.float32([1, 1.3, 0.7]), (rules, size))
            chosen = random.integers(-1, rules, rows).astype(np.int32)
            chosen[0] = 0 if rows == 1 else -1
            said, found = plan.call(f"a{size}", [(logits, "f4"), (chosen, "i4"), (bias, "f4"), (repetition, "f4")])
            assert found is not None, said
            with np.errstate(invalid="ignore", over="ignore"):
                expected = np.where(logits > 0, logits / repetition[chosen], logits * repetition[chosen]) + bias[chosen]
            same = (found == expected) | (np.isnan(found) & np.isnan(expected))
            same[chosen < 0] = (found.view(np.int32) == logits.view(np.int32))[chosen < 0]
            assert same.all(), (size, rows, np.argwhere(~same)[:4])
        for row in (-2, rules):
            chosen[1] = row
            said, found = plan.call(f"a{size}", [(logits, "f4"), (chosen, "i4"), (bias, "f4"), (repetition, "f4")])
            assert found is None and f"input 'arg1' of function 'a{size}': element 1 is {row}, expected -1 to 2" in said, said
    print("adjusted as defined")


def damaged(plan, size):
    for value, token in ((np.nan, size - 1), (np.inf, 1), (-np.nan, 0)):
        for temperature in (0, 1):
            logits = np.zeros((3, size), np.float32)
            logits[1, token:] = value
            said, tokens = plan.run(logits, temperature, 0.9, 3, 0, 0, min_p=0.1 if token else None)
            expected = f"error: sample: the logit of token {token} is not a number or is infinite; the weights are damaged or do not suit the model"
            assert tokens is None and expected in said and said.count("\n") == 1, said
    print("damaged logits are errors")


def timed(plan):
    random = np.random.Generator(np.random.PCG64(1))
    logits = (3 * random.standard_normal((1, REAL_SIZE))).astype(np.float32)
    logits[0, :50] += np.linspace(14, 8, 50, dtype=np.float32)
    for case in ((0, 1, 0), (1, 1, 0), (1, 0.95, 0), (1, 0.95, 40)):
        said, _ = plan.run(logits, *case, 5, 7, "--threads", "1", "--profile")
        print(f"temperature {case[0]}, top_p {case[1]}, top_k {case[2]}:", re.search(r"total.*", said).group(0))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", help="directory for all files; replaced if it exists")
    parser.add_argument("--target", default="cpu", help="as m1c takes it: cpu or cuda:ARCH")
    parser.add_argument("--time", action="store_true", help="measure instead")
    options = parser.parse_args()
    shutil.rmtree(options.work, ignore_errors=True)
    if options.time:
        return timed(Plan(options, (REAL_SIZE,), 1))
    gpu = options.target != "cpu"
    assert philox(0, 0) == 0x6627E8D5  # from the known-answer file of Random123
    draws = 1000 if gpu else 20000
    sizes = [s for s in SIZES if s <= 3001] if gpu else SIZES
    plan = Plan(options, sizes, 32)
    agrees_with_the_definition(plan, sizes, 4 if gpu else 12)
    frequencies(Plan(options, (3, 4, 50), draws), draws)
    plan = Plan(options, (3001,), 32)
    independence(plan, 3001)
    damaged(plan, 3001)
    adjusted(Plan(options, (1, 97, 3001), 9, "a"), (1, 97, 3001))


if __name__ == "__main__":
    main()
