# ===- sharded_models.py - models on many ranks, interpreted ---------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""sharded_models.py CONFIG.json WORK_DIR [MESH:CHANGES]...

Interprets a model for one rank and for each mesh, and compares log-probabilities,
greedy tokens and logits. The interpreter runs all ranks and fails if their results
differ. CHANGES are keys of the configuration, as in `num_key_value_heads=1`, separated
by semicolons. A model of CHANGES is made for each mesh. `config=FOLDER` takes the
configuration of this folder instead, `dtype=TYPE` is the element type of the weights, and
`experts=fused` makes one tensor of the weights of a layer's experts.
"""

import json
import os
import subprocess
import sys

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
TOLERANCE = 1e-9  # of doubles, whose sums have another order


def run(*command):
    subprocess.run(command, check=True)


def interpret(module, checkpoint, tokens, out):
    run("m1-interpret", module, "--weights", checkpoint, "--tokens", tokens, "--max-new-tokens", "3", "--logits", "--out-dir", out)
    return {name: np.load(os.path.join(out, f"{name}.0.npy")) for name in ("tokens", "logprobs", "logits")}


def main():
    config, work, *cases = sys.argv[1:]
    for number, case in enumerate(cases):
        mesh, _, changes = case.partition(":")
        folder = os.path.join(work, str(number))
        os.makedirs(folder, exist_ok=True)
        changes = dict(change.split("=") for change in filter(None, changes.split(";")))
        given = os.path.join(changes.pop("config"), "config.json") if "config" in changes else config
        with open(given, encoding="utf-8") as file:
            model = json.load(file)
        how = ["--seed", "1", "--dtype", changes.pop("dtype", "config")]
        if changes.pop("experts", "") == "fused":
            how.append("--fused-experts")
        model.update({key: json.loads(value) for key, value in changes.items()})
        path = os.path.join(folder, "config.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(model, file)
        checkpoint = os.path.join(folder, "checkpoint")
        run(sys.executable, os.path.join(HERE, "../../tools/make_checkpoint.py"), path, checkpoint, *how)
        tokens = os.path.join(folder, "tokens.npy")
        np.save(tokens, np.arange(7, 7 + 70) * 37 % model["vocab_size"])
        values = []
        for name, options in (("one", []), ("many", ["--mesh", mesh])):
            module = os.path.join(folder, f"{name}.mlir")
            run("m1c", checkpoint, "--emit=m1", "-o", module, *options)
            values.append(interpret(module, checkpoint, tokens, os.path.join(folder, name)))
        one, many = values
        assert np.array_equal(one["tokens"], many["tokens"]), f"{case}: other tokens"
        for name in ("logprobs", "logits"):
            error = np.abs(one[name] - many[name]).max()
            assert error <= TOLERANCE * np.abs(one[name]).max(), f"{case}: {name} differ by {error}"
        print(f"{mesh}: equal")


main()
