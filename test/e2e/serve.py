# ===- serve.py - plans for serving -----------------------------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""serve.py CONFIG.json WORK_DIR

Compares `next` of a plan for serving (m1c --serve) with that of a plan without it, which must
have the same bits where no sequence has rules; and with the rules' definition in docs/model.md
and the interpreter where they have some.
"""

import os
import sys

import e2e
import numpy as np

sys.path.append(os.path.join(e2e.ROOT, "test", "compiler", "Codegen"))
from sample import definition  # noqa: E402

config_file, work = sys.argv[1:]
e2e.fresh(work)
config = e2e.make_checkpoint.load_config(config_file)
folder = os.path.join(work, "model")
e2e.make_checkpoint.write_checkpoint(config, folder, 1)
V, BOUNDS = config["vocab_size"], ("--max-tokens", "64", "--slots", "4", "--max-length", "96")
random = np.random.default_rng(3)


def compiled(name, *options):
    path = os.path.join(work, f"{name}.m1plan")
    e2e.run("m1c", folder, "-o", path, *BOUNDS, *options)
    return path


def arguments(entry, arrays):
    """The arrays as files, in the order that the command line gives them."""
    result = []
    for name, (value, dtype) in arrays.items():
        path = os.path.join(work, f"{entry}.{name}.npy")
        np.save(path, np.ascontiguousarray(value, dtype))
        result += ["--arg", path]
    return result


def call(plan, entry, arrays, *start):
    out = e2e.fresh(os.path.join(work, "out"))
    e2e.run(*start, "m1run", "call", plan, "--weights", folder, "--entry", entry, "--out-dir", out, *arguments(entry, arrays))
    return {os.path.splitext(name)[0]: np.load(os.path.join(out, name)) for name in os.listdir(out)}


def equal_bits(a, b, names):
    for name in names:
        assert a[name].tobytes() == b[name].tobytes(), (name, a[name], b[name])


plain, serve = compiled("plain"), compiled("serve", "--serve")
LENGTHS = (9, 1, 20, 3)
B = len(LENGTHS)
cu_seqlens = np.cumsum([0, *LENGTHS])
batch = {
    "tokens": (random.integers(0, V, cu_seqlens[-1]), "i4"),
    "positions": (np.concatenate([np.arange(n) for n in LENGTHS]), "i4"),
    "cu_seqlens": (cu_seqlens, "i4"),
    "slots": (random.permutation(B), "i4"),
}
# Of keys and values: all sequences that the plan has room for, 96 positions each in blocks of 64.
paged = batch | {"blocks": (random.permutation(2 * B).reshape(B, 2), "i4")}


def settings(tokens, seed, temperature=(1, 0, 0.7, 1)):
    return tokens | {
        "temperature": (temperature, "f4"),
        "top_p": ((1, 1, 0.9, 1), "f4"),
        "top_k": ((0, 0, 0, 7), "i4"),
        "seeds": (np.arange(B) + seed, "i8"),
        "sample_positions": (LENGTHS, "i4"),
    }


NONE = {"min_p": (np.zeros(B), "f4"), "adjustments": (np.full(B, -1), "i4"), "bias": (np.full((1, V), np.nan), "f4"), "repetition": (np.zeros((1, V)), "f4")}

expected = call(plain, "next", settings(batch, 5))
found = call(serve, "next", settings(paged, 5) | NONE)
equal_bits(expected, found, ("sampled", "log_probs", "logits"))
assert (found["policy_log_probs"] == found["log_probs"])[[0, 1, 3]].all(), found  # temperature 1, or 0, which is not divided by
print("without rules: the same bits")

# Row 0 of the rules bans most tokens and all that are likely; row 1 allows one alone; row 2 penalises half.
logits = expected["logits"]
bias, repetition = np.zeros((3, V)), np.ones((3, V))
bias[0, random.random(V) < 0.9] = -np.inf
bias[0, logits.argmax(1)] = -np.inf
bias[1] = -np.inf
bias[1, 77] = 0
bias[2, : V // 2], repetition[2, V // 4 :] = random.normal(0, 2, V // 2), 1.5
bias, repetition = bias.astype(np.float32), repetition.astype(np.float32)
draws, module = 0, os.path.join(work, "serve.mlir")
e2e.run("m1c", folder, "--serve", "--emit=model", "-o", module)
for number, rows in enumerate(((0, -1, 2, 0), (2, 0, 1, -1), (1, 1, 2, 2), (-1, 2, 0, 1)) * 3):
    rules = {"min_p": (random.choice([0, 0.05, 0.3], B), "f4"), "adjustments": (rows, "i4"), "bias": (bias, "f4"), "repetition": (repetition, "f4")}
    given = settings(paged, 100 * number) | rules
    found = call(serve, "next", given)
    equal_bits(found, {"logits": logits}, ["logits"])
    temperature, top_p, top_k, seeds, positions, min_p = (
        np.asarray(*given[n]) for n in ("temperature", "top_p", "top_k", "seeds", "sample_positions", "min_p")
    )
    adjusted = logits.copy()
    for b, row in enumerate(rows):
        if row >= 0:
            adjusted[b] = np.where(logits[b] > 0, logits[b] / repetition[row], logits[b] * repetition[row]) + bias[row]
        token, distance = definition(adjusted[b], temperature[b], top_p[b], top_k[b], seeds[b], positions[b], min_p[b])
        assert distance > 1e-6 and found["sampled"][b] == token, (number, b, token, distance, found)
        assert row < 0 or bias[row, token] > -np.inf, (number, b, token)
        at = e2e.log_softmax(adjusted[b] / (temperature[b] or 1))[token]
        assert abs(found["policy_log_probs"][b] - at) < 2e-5 * (1 + abs(at)), (number, b, at, found)
        draws += 1
    # Log-probabilities are those of the model, as `score` has them.
    targets = np.zeros(cu_seqlens[-1], np.int32)
    targets[cu_seqlens[1:] - 1] = found["sampled"]
    scored = call(serve, "score", paged | {"targets": (targets, "i4")})["log_probs"][cu_seqlens[1:] - 1]
    assert scored.tobytes() == found["log_probs"].tobytes(), (number, scored, found)
    if number == 0:
        out = os.path.join(work, "interpreted")
        e2e.run("m1-interpret", module, "--weights", folder, "--entry", "next", "--out-dir", out, *arguments("next", given))
        same = {name: np.load(os.path.join(out, f"{name}.npy")) for name in found}
        assert (same["sampled"] == found["sampled"]).all(), (same, found)
        for name in ("log_probs", "policy_log_probs"):
            assert abs(same[name] - found[name]).max() < 1e-4, (same, found)
print(draws, "draws under rules")

# A mesh divides the vocabulary; the rules are of the whole, and so is the draw.
two = compiled("two", "--serve", "--mesh", "tensor=2")
equal_bits(found, call(two, "next", given, *e2e.mpirun(2)), found)
print("two ranks: the same bits")


def generate(plan, *options):
    prompts = e2e.write_tokens(os.path.join(work, "prompts"), [np.arange(1, 12), np.arange(40, 44)])
    out = e2e.fresh(os.path.join(work, "generated"))
    e2e.run("m1run", "generate", plan, "--weights", folder, "--tokens", prompts, "--max-new-tokens", "12", "--out-dir", out, *options)
    return [a.tobytes() for kind in ("tokens", "logprobs") for a in e2e.read(out, kind, 2)]


greedy = generate(plain, "--temperature", "0")
assert generate(plain) == generate(serve)
assert generate(serve, "--min-p", "1") == generate(serve, "--temperature", "0", "--min-p", "0.5") == greedy
assert generate(serve, "--min-p", "0.2") not in (greedy, generate(serve))
print("generate: the same bits")
