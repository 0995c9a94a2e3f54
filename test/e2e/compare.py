# ===- compare.py - the compiled model against golden data -----------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""compare.py (m1run | m1-interpret) CASE_DIR WORK_DIR

Makes the case's checkpoint, compiles or imports it, and compares with the case's
golden.npz (test/golden/README.md):

    logits        of all prompts in one ragged batch, to TOLERANCE of the largest
    log-probs     of the prompts' tokens, to the same
    greedy        64 tokens after one prompt, one for one
"""

import os
import sys

import e2e
import numpy as np

GREEDY_PROMPT = 1
# Of the largest golden logit. The interpreter computes in float64: what is left
# is the rounding of the golden data itself.
TOLERANCE = {"m1run": 1e-4, "m1-interpret": 1e-5}


def main():
    tool, case, work = sys.argv[1:]
    tolerance = TOLERANCE[tool]
    golden = np.load(os.path.join(case, "golden.npz"))
    count = sum(name.startswith("tokens_") for name in golden.files)
    prompts = [golden[f"tokens_{i}"] for i in range(count)]

    checkpoint = e2e.fresh(os.path.join(work, "checkpoint"))
    config = e2e.make_checkpoint.load_config(os.path.join(case, "config.json"))
    e2e.make_checkpoint.write_checkpoint(config, checkpoint, int(golden["seed"]), "float32", fused=bool(golden["fused"]))
    tokens = e2e.write_tokens(os.path.join(work, "tokens"), prompts)
    scores, generated = e2e.fresh(os.path.join(work, "scores")), e2e.fresh(os.path.join(work, "generated"))
    prompt = os.path.join(work, "tokens", f"{GREEDY_PROMPT}.npy")
    new_tokens = len(golden["greedy"])
    if tool == "m1run":
        model = os.path.join(work, "model.m1plan")
        e2e.run("m1c", checkpoint, "-o", model)
        common = ("--weights", checkpoint, "--tokens")
        e2e.run("m1run", "score", model, *common, tokens, "--logits", "--out-dir", scores)
        e2e.run("m1run", "generate", model, *common, prompt, "--max-new-tokens", new_tokens, "--temperature", 0, "--out-dir", generated)
    else:
        model = os.path.join(work, "model.mlir")
        e2e.run("m1c", checkpoint, "--emit=m1", "-o", model)
        common = ("m1-interpret", model, "--weights", checkpoint, "--tokens")
        e2e.run(*common, tokens, "--logits", "--out-dir", scores)
        e2e.run(*common, prompt, "--max-new-tokens", new_tokens, "--out-dir", generated)

    worst, failures = 0.0, []
    logits, log_probs = e2e.read(scores, "logits", count), e2e.read(scores, "logprobs", count)
    for i, prompt in enumerate(prompts):
        expected = golden[f"logits_{i}"]
        if logits[i].shape != expected.shape or log_probs[i].shape != (len(prompt) - 1,):
            sys.exit(f"prompt {i}: logits {logits[i].shape}, log-probs {log_probs[i].shape}, golden logits {expected.shape}")
        scale = np.abs(expected).max()
        difference = np.abs(logits[i] - expected).max() / scale
        target = e2e.log_softmax(expected)[np.arange(len(prompt) - 1), prompt[1:]]
        log_difference = np.abs(log_probs[i] - target).max(initial=0) / scale
        worst = max(worst, difference, log_difference)
        # not <=, so that a NaN fails
        if not (difference <= tolerance and log_difference <= tolerance):
            failures.append(f"prompt {i} of {len(prompt)} tokens: logits differ by {difference:.1e}, log-probs by {log_difference:.1e} of the largest logit")

    continuation = e2e.read(generated, "tokens", 1)[0][-new_tokens:]
    same = int((np.cumsum(continuation != golden["greedy"]) == 0).sum())
    if same != new_tokens:
        failures.append(f"greedy tokens differ from token {same} on: {continuation[same:same + 4]}, expected {golden['greedy'][same:same + 4]}")
    print(f"{os.path.basename(os.path.normpath(case))}: worst difference {worst:.1e}, {same} greedy tokens equal")
    if failures:
        sys.exit("\n".join(failures))
    print("equal")


main()
