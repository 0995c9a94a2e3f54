# ===- language_model.py - checks what m1-interpret says of two sequences ---===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""language_model.py OUT_DIR

Recomputes the logits of the model in language-model.mlir for the tokens found,
and compares logits and log-probabilities.
"""

import sys

import numpy as np

for index in range(2):
    tokens, log_probs, logits = (np.load(f"{sys.argv[1]}/{name}.{index}.npy") for name in ["tokens", "logprobs", "logits"])
    print(f"tokens.{index} {tokens.dtype} {tokens.tolist()}")
    expected = np.zeros((len(tokens), 4))
    expected[np.arange(len(tokens)), (tokens + 1) % 4] = 3
    expected[:, 0] += 0.5 * np.arange(1, len(tokens) + 1)
    assert logits.shape == expected.shape and (logits == expected).all(), logits
    every = expected - np.log(np.exp(expected).sum(1, keepdims=True))
    wanted = every[np.arange(len(tokens) - 1), tokens[1:]]
    assert log_probs.shape == wanted.shape and abs(log_probs - wanted).max() < 1e-14, (log_probs, wanted)
print("log-probabilities agree with the logits")
