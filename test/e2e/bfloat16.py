# ===- bfloat16.py - a bf16 model against the reference interpreter ---------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""bfloat16.py CONFIG.json WORK_DIR

Compares the logits of a compiled bfloat16 model with the interpreter's, which are not
rounded. They differ by the rounding of products' operands and of the rows that
attention stores. The error of a token is the root mean square of the difference,
relative to the standard deviation of the logits.
"""

import os
import sys

import e2e
import numpy as np

# bf16 has 8 significant bits: one rounding is up to 0.4 %, and averages out over a
# row. Where two experts are nearly equally probable, rounding can send a token to the
# other, so the logits of a few tokens may be far off.
MEDIAN, MOST, SHARE = 0.01, 0.05, 0.9
TOKENS = 200


def main():
    config_file, work = sys.argv[1:]
    config = e2e.make_checkpoint.load_config(config_file)
    checkpoint = e2e.fresh(os.path.join(work, "checkpoint"))
    e2e.make_checkpoint.write_checkpoint(config, checkpoint, 1, "bfloat16")
    generator = np.random.Generator(np.random.PCG64(1))
    tokens = e2e.write_tokens(os.path.join(work, "tokens"), [generator.integers(0, config["vocab_size"], TOKENS)])
    plan, module = os.path.join(work, "model.m1plan"), os.path.join(work, "model.mlir")
    e2e.run("m1c", checkpoint, "-o", plan)
    e2e.run("m1c", checkpoint, "--emit=model", "-o", module)
    common = ("--weights", checkpoint, "--tokens", tokens, "--logits", "--out-dir")
    compiled, reference = e2e.fresh(os.path.join(work, "compiled")), e2e.fresh(os.path.join(work, "reference"))
    e2e.run("m1run", "score", plan, *common, compiled)
    e2e.run("m1-interpret", module, *common, reference)

    found, expected = (e2e.read(folder, "logits", 1)[0] for folder in (compiled, reference))
    error = np.sqrt(((found - expected) ** 2).mean(-1)) / expected.std(-1)
    most = np.quantile(error, SHARE)
    print(f"median {np.median(error):.4f}, {SHARE:.0%} within {most:.4f}, worst {error.max():.4f} of the logits' spread")
    # not >, so that a NaN fails
    if not (np.median(error) <= MEDIAN and most <= MOST):
        sys.exit(f"expected a median of at most {MEDIAN} and {SHARE:.0%} within {MOST}")
    print("near")


main()
