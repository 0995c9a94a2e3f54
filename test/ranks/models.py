# ===- models.py - models on many ranks have the bits of one ----------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""models.py cpu|checked|ptx DIRECTORY

Compiles small models for one rank and for several, which are threads of one process.
Compares the bits of scores, prefill and decoding, and what transports carried in each call
with what `m1run estimate` says: by kind of exchange and axis, the numbers of exchanges,
messages and bytes.
"""

import json
import os
import subprocess
import sys

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
sys.path.append(os.path.join(ROOT, "tools"))
import make_checkpoint  # noqa: E402

# The vocabulary has two units, of which the last is short.
COMMON = {
    "num_hidden_layers": 2,
    "attn_type_list": [0, 1],
    "vocab_size": 1100,
    "hidden_size": 64,
    "num_attention_heads": 8,
    "num_key_value_heads": 2,
    "intermediate_size": 256,
}
# Sums of few rows are gathered, and those of many are distributed, which saves nothing with two ranks.
# A number is the option --gather-bytes: 1 distributes all that it can, ALL gathers everything, and 20,000
# is between a call of one token and one of 24.
ALL = 1 << 60
MODELS = [
    # Inner axes of products have 8 leaves.
    (
        {},
        [("tensor=2", 1), ("tensor=4", 1), ("tensor=4", ALL), ("tensor=8", 20000)]
        + [("expert=4", 1), ("data=2,tensor=2", 1)],
    ),
    # 12 leaves.
    (
        {"num_attention_heads": 12, "num_key_value_heads": 3, "intermediate_size": 384},
        [("tensor=3", 20000)],
    ),
]
BOUNDS = ["--max-tokens", "24", "--slots", "3", "--max-length", "64"]
# Function, sequences, tokens of each: decoding, prefill, scoring.
CALLS = [("next", 1, 24), ("next", 1, 1), ("next", 3, 1), ("score", 1, 24), ("score", 2, 1)]


def run(*command):
    """Runs a tool; its standard output."""
    result = subprocess.run([str(c) for c in command], check=False, capture_output=True, text=True)
    if result.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{result.stdout}{result.stderr}")
    return result.stdout


def carried(plan, device):
    """{(function, sequences, tokens): {(kind, axis): (exchanges, messages, bytes)}}, as transports did."""
    counts = {call: {} for call in CALLS}
    calls = [":".join(map(str, call)) for call in CALLS]
    for line in run("m1-rank-threads", "count", plan, "none", device, *calls).splitlines():
        if line.startswith("rank "):
            continue
        call, kind, axis, *numbers = line.split()
        entry, sequences, tokens = call.split(":")
        counts[entry, int(sequences), int(tokens)][kind, axis] = tuple(map(int, numbers))
    return counts


def estimated(plan):
    """The same, as m1run estimate says."""
    counts = {}
    for entry in ("next", "score"):
        text = run(
            *("m1run", "estimate", plan, "--machine", "8xH200", "--json", "--entry", entry),
            *("--decode", "1,2,3", "--context", 30, "--prefill", 24),
        )
        for case in json.loads(text)["cases"]:
            sent = {(s["kind"], s["axis"]): (s["exchanges"], s["messages"], s["bytes"]) for s in case["sent"]}
            counts[entry, case["sequences"], case["tokens"]] = sent
            sums = tuple(sum(column) for column in zip(*sent.values()))
            assert sums == (case["exchanges"], case["messages"], case["message_bytes"]), case
    return {call: counts[call] for call in CALLS}


def main():
    device, directory = sys.argv[1:]
    os.makedirs(directory, exist_ok=True)
    options = [*BOUNDS, *(["--target", "cuda:sm_80"] if device == "ptx" else [])]
    config = make_checkpoint.load_config(os.path.join(ROOT, "test", "configs", "tiny.json"))
    rng = np.random.default_rng(2)
    tokens = []
    for number, length in enumerate([1, 30, 7]):
        tokens.append(os.path.join(directory, f"tokens{number}.npy"))
        np.save(tokens[-1], rng.integers(0, COMMON["vocab_size"], length))
    for number, (changes, meshes) in enumerate(MODELS):
        checkpoint = os.path.join(directory, f"checkpoint{number}")
        make_checkpoint.write_checkpoint({**config, **COMMON, **changes}, checkpoint, 1)
        whole = os.path.join(directory, f"whole{number}.m1plan")
        run("m1c", checkpoint, "-o", whole, *options)
        for mesh, gather_bytes in meshes:
            name = f"{mesh.replace('=', '').replace(',', '-')}-{gather_bytes}.m1plan"
            plan = os.path.join(directory, name)
            run("m1c", checkpoint, "-o", plan, "--mesh", mesh, "--gather-bytes", gather_bytes, *options)
            said = run("m1-rank-threads", "compare", plan, checkpoint, device, whole, *tokens)
            print(said.splitlines()[-1])
            found, expected = carried(plan, device), estimated(plan)
            for call in CALLS:
                if found[call] != expected[call] or not found[call]:
                    sys.exit(f"{name}, {call}: carried {found[call]}, estimated {expected[call]}")
            kinds = [" and ".join(sorted({kind for kind, _ in found[call]})) for call in CALLS]
            print(f"  traffic as estimated; decoding by {kinds[1]}, prefill by {kinds[0]}")


if __name__ == "__main__":
    main()
