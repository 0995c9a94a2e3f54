#!/usr/bin/env python3
# ===- engine.py - requests in random schedules, and their cost -------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Runs the engine on small models in random schedules, and compares each request with itself alone.

    engine.py [--count N] [--seed S] [--only NAME] [--work DIR]

Each case compiles a model and runs N schedules (docs/engine.md describes them), on one and on two threads. Prints what
was run; ends with exit code 1 at the first case with a difference.
"""

import argparse
import json
import os
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
sys.path.insert(0, os.path.join(ROOT, "test", "e2e"))
import e2e  # noqa: E402

# What is changed in the configuration of test/golden/m1-pattern, options of m1c, and options of the schedules; and a mesh,
# whose ranks, threads of one process, run some of the schedules. With few blocks, sequences give way to others.
FEW_BLOCKS = ("--serve", "--cache-blocks", "12")
CASES = {
    "serve": ({}, FEW_BLOCKS, (), "expert=2"),
    "bfloat16": ({"torch_dtype": "bfloat16"}, FEW_BLOCKS, ()),
    "long": ({}, ("--serve", "--cache-blocks", "20"), ("--longest-prompt", "300")),
    "lightning": ({"attn_type_list": [0, 0], "num_hidden_layers": 2}, ("--serve",), ()),
    "softmax": ({"attn_type_list": [1, 1], "num_hidden_layers": 2}, FEW_BLOCKS, ()),
    "plain": ({}, (), ()),
    "four-ranks": ({"intermediate_size": 64}, FEW_BLOCKS, (), "tensor=2,expert=2"),
}


def make_checkpoint(changes, directory):
    """Writes the checkpoint of a case."""
    with open(os.path.join(ROOT, "test", "golden", "m1-pattern", "config.json")) as file:
        config = json.load(file) | changes
    with open(directory + ".json", "w") as file:
        json.dump(config, file)
    e2e.run(sys.executable, os.path.join(ROOT, "tools", "make_checkpoint.py"), directory + ".json", directory, "--seed", 1)
    return directory


def run_case(name, count, seed, work):
    """Runs the schedules of a case; False if there is a difference."""
    changes, compile_options, options, *mesh = CASES[name]
    checkpoint = make_checkpoint(changes, os.path.join(work, name))
    plan = os.path.join(work, f"{name}.m1plan")
    compile_options += ("--max-tokens", "256", "--slots", "5", "--max-length", "400")
    e2e.run("m1c", checkpoint, *compile_options, "-o", plan)
    if mesh:
        ranks = os.path.join(work, f"{name}.ranks.m1plan")
        e2e.run("m1c", checkpoint, *compile_options, "--mesh", *mesh, "-o", ranks)
        options = (*options, "--ranks", ranks)
    output = e2e.run(
        "m1-engine-job", "schedules", plan, checkpoint, "--count", count, "--seed", seed, "--threads", "1,2", *options
    )
    print(f"{name}:", "; ".join(output.strip().split("\n")), flush=True)
    return output.endswith(f"{count} schedules, 0 failures\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=2000, help="schedules of each case")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=CASES, action="append", help="this case; may be repeated")
    parser.add_argument("--work", help="keep checkpoints and plans there")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        work = args.work or temporary
        os.makedirs(work, exist_ok=True)
        for name in args.only or CASES:
            if not run_case(name, args.count, args.seed, work):
                sys.exit(f"{name}: a request differs from itself alone")


if __name__ == "__main__":
    main()
