#!/usr/bin/env python3
# ===- bf16_error.py - how far bf16 models are from exact arithmetic -------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Compares bf16 log-probabilities with the double-precision interpreter.

    bf16_error.py [--build-dir build] [CASE ...]

For each golden case that transformers can run (the folders test/golden/hf-*), in
bfloat16: the absolute error of 199 tokens' log-probabilities, by m1run and by
transformers' eager model, against m1-interpret on the same weights. Needs torch
and transformers.
"""

import argparse
import os
import sys
import tempfile

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(ROOT, "test", "e2e"))
import e2e  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402
from transformers import AutoModelForCausalLM  # noqa: E402


def transformers_log_probs(checkpoint, tokens):
    model = AutoModelForCausalLM.from_pretrained(
        checkpoint, dtype=torch.bfloat16, attn_implementation="eager", experts_implementation="eager"
    ).eval()
    with torch.no_grad():
        logits = model(torch.tensor(tokens)[None]).logits[0].float().numpy()
    return e2e.log_softmax(logits)[np.arange(len(tokens) - 1), tokens[1:]]


def compare(case, work):
    config = e2e.make_checkpoint.load_config(os.path.join(ROOT, "test", "golden", case, "config.json"))
    checkpoint = e2e.fresh(os.path.join(work, "checkpoint"))
    e2e.make_checkpoint.write_checkpoint(config, checkpoint, 1, "bfloat16")
    tokens = np.random.Generator(np.random.PCG64(1)).integers(0, config["vocab_size"], 200)
    files = e2e.write_tokens(os.path.join(work, "tokens"), [tokens])
    plan, module = os.path.join(work, "model.m1plan"), os.path.join(work, "model.mlir")
    e2e.run("m1c", checkpoint, "-o", plan)
    e2e.run("m1c", checkpoint, "--emit=model", "-o", module)
    found = {}
    for name, command in ("m1run", ("m1run", "score", plan)), ("exact", ("m1-interpret", module)):
        out = e2e.fresh(os.path.join(work, name))
        e2e.run(*command, "--weights", checkpoint, "--tokens", files, "--out-dir", out)
        found[name] = e2e.read(out, "logprobs", 1)[0]
    found["transformers"] = transformers_log_probs(checkpoint, tokens)
    for name in "m1run", "transformers":
        error = np.abs(found[name] - found["exact"])
        print(
            f"{case:14} {name:13} {np.median(error):8.4f} {error.mean():8.4f} "
            f"{np.quantile(error, 0.9):8.4f} {error.max():8.4f}"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build-dir", default=os.path.join(ROOT, "build"))
    parser.add_argument("cases", nargs="*", default=["hf-heads3", "hf-fused", "hf-one-layer"])
    arguments = parser.parse_args()
    os.environ["PATH"] = os.path.join(os.path.abspath(arguments.build_dir), "bin") + os.pathsep + os.environ["PATH"]
    print(f"{'case':14} {'by':13} {'median':>8} {'mean':>8} {'90%':>8} {'max':>8}")
    for case in arguments.cases:
        with tempfile.TemporaryDirectory() as work:
            compare(case, work)


main()
