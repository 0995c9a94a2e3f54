# ===- models.py - models on many ranks have the bits of one ----------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Compiles a small model for one rank and for several, and compares the bits of scores, prefill and decoding.

usage: models.py cpu|checked|ptx MODEL DIRECTORY MESH...
"""

import json
import os
import subprocess
import sys

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
# Inner axes of products have 8 or 12 leaves, so that they can be cut in 2, 4 and 8, or in 2, 3, 4 and 6. The vocabulary
# has three units, of which the last is short.
SIZES = {
    "eighths": {"hidden_size": 256, "num_attention_heads": 8, "intermediate_size": 256, "num_key_value_heads": 2},
    "thirds": {"hidden_size": 384, "num_attention_heads": 12, "intermediate_size": 384, "num_key_value_heads": 3},
    "bfloat16": {
        "hidden_size": 256,
        "num_attention_heads": 8,
        "intermediate_size": 256,
        "num_key_value_heads": 4,
        "torch_dtype": "bfloat16",
        "shared_intermediate_size": 256,
    },
}
COMMON = {"num_hidden_layers": 2, "attn_type_list": [0, 1], "vocab_size": 2500}


def main():
    device, model, directory, *meshes = sys.argv[1:]
    os.makedirs(directory, exist_ok=True)
    with open(os.path.join(ROOT, "test", "configs", "tiny.json")) as file:
        config = json.load(file)
    config.update(COMMON)
    config.update(SIZES[model])
    config_path = os.path.join(directory, "config.json")
    with open(config_path, "w") as file:
        json.dump(config, file)
    checkpoint = os.path.join(directory, "checkpoint")
    subprocess.run(
        [sys.executable, os.path.join(ROOT, "tools", "make_checkpoint.py"), config_path, checkpoint, "--seed", "1"],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    options = ["--max-tokens", "24", "--slots", "3", "--max-length", "64"]
    if device == "ptx":
        options += ["--target", "cuda:sm_80"]
    whole = os.path.join(directory, "whole.m1plan")
    subprocess.run(["m1c", checkpoint, "-o", whole, *options], check=True)
    rng = np.random.default_rng(2)
    tokens = []
    for number, length in enumerate([1, 30, 7]):
        tokens.append(os.path.join(directory, f"tokens{number}.npy"))
        np.save(tokens[-1], rng.integers(0, config["vocab_size"], length))
    for mesh in meshes:
        # Sums are gathered for few rows and distributed for many.
        for gather_bytes in ("1", "20000"):
            plan = os.path.join(directory, mesh.replace("=", "").replace(",", "-") + f"-{gather_bytes}.m1plan")
            subprocess.run(
                ["m1c", checkpoint, "-o", plan, "--mesh", mesh, "--gather-bytes", gather_bytes, *options], check=True
            )
            result = subprocess.run(
                ["m1-rank-threads", "compare", plan, checkpoint, device, whole, *tokens],
                check=False,
                capture_output=True,
                text=True,
            )
            sys.stderr.write(result.stdout + result.stderr)
            if result.returncode != 0:
                print(f"{model}: {mesh} failed")
                return 1
            print(f"{model}: {result.stdout.splitlines()[-1]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
