# ===- bfloat16_gradients.py - gradients of a bf16 model against f32 --------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""bfloat16_gradients.py CONFIG.json UNIT WORK_DIR

Compares the gradients of a bfloat16 model with those of a float32 model that has the
same weights. UNIT is one of e2e.UNITS. Prints the tensor that differs most, and the median of
all, relative to the norm of the tensor's gradient.
"""

import os
import re
import sys

import e2e
import numpy as np

sys.path.append(os.path.join(e2e.ROOT, "test", "golden"))
import reference  # noqa: E402

# One rounding to bf16 is an error of 2^-9 / sqrt(3) = 0.0011 of a row's norm on average, and there are some tens of roundings
# between a token and the gradient of a weight: about 0.008. Those of the forward pass alone make 0.0073 of the median and 0.0119 of
# the worst tensor of tiny.json, those of gradients add 0.0007 and 0.0002.
WORST, MEDIAN = 0.025, 0.015
# Odd lengths, more than a chunk of 64 tokens, and more than are added at once.
LENGTHS = (70, 9, 33, 201)


def write_checkpoints(config, work):
    """Two checkpoints with the same weights, as bfloat16 and as float32."""
    # All experts are chosen: rounding cannot send a token to others.
    config = {**config, "num_experts_per_tok": config["num_local_experts"]}
    rounded, exact = (e2e.fresh(os.path.join(work, name)) for name in ("bfloat16", "float32"))
    e2e.make_checkpoint.write_checkpoint(config, rounded, 1, "bfloat16")
    e2e.make_checkpoint.write_checkpoint(config, exact, 1, "float32")
    weights = reference.read_safetensors(os.path.join(rounded, "model.safetensors"))
    tensors = [e2e.make_checkpoint.Tensor(name, values.shape, "float32", 0.0, values=values.astype(np.float32)) for name, values in weights.items()]
    e2e.make_checkpoint.write_shard(os.path.join(exact, "model.safetensors"), tensors, 0)
    return rounded, exact


def gradients(checkpoint, tokens, weights, unit, work):
    """The gradients of the weighted log-likelihood, by tensor."""
    options, (runner, *device) = e2e.UNITS[unit]
    plan, out = os.path.join(work, "model.m1plan"), os.path.join(work, "gradients.safetensors")
    sizes = ("--max-length", max(LENGTHS), "--train-tokens", sum(LENGTHS), "--max-tokens", 32, "--slots", len(LENGTHS))
    e2e.run("m1c", checkpoint, "--train", *options, *sizes, "-o", plan)
    printed = e2e.run(runner, "gradients", plan, *device, "--weights", checkpoint, "--tokens", tokens, "--token-weights", weights, "--out", out)
    return float(re.match(r"loss (\S+),", printed)[1]), reference.read_safetensors(out)


def main():
    config_file, unit, work = sys.argv[1:]
    config = e2e.make_checkpoint.load_config(config_file)
    rounded, exact = write_checkpoints(config, e2e.fresh(work))
    generator = np.random.Generator(np.random.PCG64(1))
    tokens = e2e.write_tokens(os.path.join(work, "tokens"), [generator.integers(0, config["vocab_size"], n) for n in LENGTHS])
    files = []
    for i, n in enumerate(LENGTHS):
        files.append(os.path.join(work, f"weights.{i}.npy"))
        np.save(files[-1], generator.standard_normal(n).astype(np.float32))
    (loss, found), (expected_loss, expected) = (gradients(each, tokens, ",".join(files), unit, work) for each in (rounded, exact))
    assert sorted(found) == sorted(expected) and len(found) > 10, f"expected the same tensors, found {sorted(set(found) ^ set(expected))}"
    errors = {name: np.linalg.norm(found[name] - expected[name]) / np.linalg.norm(expected[name]) for name in expected}
    worst = max(errors, key=lambda name: np.nan_to_num(errors[name], nan=np.inf))
    median = np.median(list(errors.values()))
    print(f"loss {loss:.5f}, {expected_loss:.5f} in float32; {len(errors)} tensors, median {median:.4f}, worst {errors[worst]:.4f}, {worst}")
    # not >, so that a NaN fails; the gradients are those of rounded numbers, not the same
    if not (0 < median <= MEDIAN and errors[worst] <= WORST and abs(loss - expected_loss) <= WORST * abs(expected_loss)):
        sys.exit(f"expected a median of at most {MEDIAN} and at most {WORST}")
    print("near")


if __name__ == "__main__":
    main()
