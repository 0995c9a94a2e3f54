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

    logits        of all prompts in one ragged batch, within TOLERANCE of the largest
    log-probs     of the prompts' tokens, within the same tolerance
    greedy        64 tokens after one prompt, which must be equal
"""

import os
import sys

import e2e
import numpy as np

GREEDY_PROMPT = 1
# Relative to the largest golden logit. The interpreter computes in float64: its
# tolerance covers the rounding of the golden data.
TOLERANCE = {"m1run": 1e-4, "m1-interpret": 1e-5}


class Golden:
    """A case's golden data and its checkpoint."""

    def __init__(self, case, work):
        self.work = work
        self.data = np.load(os.path.join(case, "golden.npz"))
        self.prompts = [self.data[f"tokens_{i}"] for i in range(sum(name.startswith("tokens_") for name in self.data.files))]
        config = e2e.make_checkpoint.load_config(os.path.join(case, "config.json"))
        self.checkpoint = e2e.fresh(os.path.join(work, "checkpoint"))
        tied = str(self.data.get("tied", "embedding"))
        e2e.make_checkpoint.write_checkpoint(config, self.checkpoint, int(self.data["seed"]), "float32", fused=bool(self.data["fused"]), tied=tied)

    def run(self, prompts, *command):
        """Runs a tool on prompts; the directory of its results."""
        out = e2e.fresh(os.path.join(self.work, "out"))
        e2e.run(*command, "--weights", self.checkpoint, "--tokens", e2e.write_tokens(os.path.join(self.work, "tokens"), prompts), "--out-dir", out)
        return out

    def score(self, *command):
        """Each prompt's largest difference of logits and log-probabilities, relative to the largest golden logit."""
        count = len(self.prompts)
        out = self.run(self.prompts, *command, "--logits")
        logits, log_probs, differences = e2e.read(out, "logits", count), e2e.read(out, "logprobs", count), []
        for i, prompt in enumerate(self.prompts):
            expected = self.data[f"logits_{i}"]
            if logits[i].shape != expected.shape or log_probs[i].shape != (len(prompt) - 1,):
                sys.exit(f"prompt {i}: logits {logits[i].shape}, log-probs {log_probs[i].shape}, golden logits {expected.shape}")
            target = e2e.log_softmax(expected)[np.arange(len(prompt) - 1), prompt[1:]]
            each = np.abs(logits[i] - expected).max(), np.abs(log_probs[i] - target).max(initial=0)
            differences.append(np.max(each) / np.abs(expected).max())  # NaN if one is
        return differences

    def greedy(self, *command):
        """A tool's greedy tokens after one prompt, and how many equal the golden ones before the first that does not."""
        golden = self.data["greedy"]
        out = self.run([self.prompts[GREEDY_PROMPT]], *command, "--max-new-tokens", len(golden))
        continuation = e2e.read(out, "tokens", 1)[0][-len(golden) :]
        return continuation, int((np.cumsum(continuation != golden) == 0).sum())


def main():
    tool, case, work = sys.argv[1:]
    golden = Golden(case, work)
    if tool == "m1run":
        model = os.path.join(work, "model.m1plan")
        e2e.run("m1c", golden.checkpoint, "-o", model)
        score, generate = ("m1run", "score", model), ("m1run", "generate", model, "--temperature", 0)
    else:
        model = os.path.join(work, "model.mlir")
        e2e.run("m1c", golden.checkpoint, "--emit=model", "-o", model)
        score = generate = ("m1-interpret", model)

    differences = golden.score(*score)
    # not >, so that a NaN fails
    failures = [f"prompt {i}: differs by {d:.1e} of the largest logit" for i, d in enumerate(differences) if not d <= TOLERANCE[tool]]
    continuation, same = golden.greedy(*generate)
    expected = golden.data["greedy"]
    if same != len(expected):
        failures.append(f"greedy tokens differ from token {same} on: {continuation[same:same + 4]}, expected {expected[same:same + 4]}")
    print(f"{os.path.basename(os.path.normpath(case))}: worst difference {np.max(differences):.1e}, {same} greedy tokens equal")
    if failures:
        sys.exit("\n".join(failures))
    print("equal")


if __name__ == "__main__":
    main()
