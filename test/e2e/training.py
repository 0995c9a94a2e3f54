# ===- training.py - training runs, bit for bit ----------------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""training.py CONFIG.json DTYPE UNIT WORK_DIR

UNIT is one of e2e.UNITS. Trains a small model by supervised and by reinforcement
learning, and compares the bits of the weights and of the optimiser's state after each
step: for every size of micro-batch, number of threads and memory of activations, and
for a run that is interrupted and resumed. The log-probabilities of rollout and training
must be the same bits.
"""

import json
import os
import sys

import e2e
import numpy as np

# Longer than a chunk of 64 tokens, and of one predicted token.
LENGTHS = (70, 9, 33, 2, 64)
LENGTH, TOKENS = 96, 128


class Trainer:
    def __init__(self, config, dtype, unit, work):
        options, (self.runner, *self.device) = e2e.UNITS[unit]
        self.work, self.options, self.runs = work, options, 0
        self.serves = unit == "cpu" and dtype == "float32"  # one of the tests does this too
        self.checkpoint = e2e.fresh(os.path.join(work, "checkpoint"))
        e2e.make_checkpoint.write_checkpoint(config, self.checkpoint, 1, dtype)
        self.plan = self.compile("policy")
        generator = np.random.Generator(np.random.PCG64(3))
        sequences = [generator.integers(0, config["vocab_size"], n) for n in LENGTHS]
        self.tokens = e2e.write_tokens(os.path.join(work, "tokens"), sequences)

    def compile(self, name, *options):
        plan = os.path.join(self.work, name + ".m1plan")
        sizes = ("--max-length", LENGTH, "--train-tokens", TOKENS, "--max-tokens", 32, "--slots", 6)
        e2e.run("m1c", self.checkpoint, "--train", *self.options, *sizes, *options, "-o", plan)
        return plan

    def recipe(self, **keys):
        self.runs += 1
        path = os.path.join(self.work, f"recipe{self.runs}.json")
        with open(path, "w") as file:
            json.dump(keys, file)
        return path

    def start(self, command, recipe, *options, out=None, plan=None):
        """Starts or continues a run; its directory."""
        self.runs += 1
        out = out or os.path.join(self.work, f"run{self.runs}")
        given = ("--weights", self.checkpoint, "--recipe", recipe, "--out", out)
        data = ("--tokens", self.tokens) if command == "sft" else ()
        e2e.run(self.runner, command, plan or self.plan, *given, *data, *self.device, *options)
        return out


def lines(directory, name):
    with open(os.path.join(directory, name)) as file:
        return [json.loads(line) for line in file]


def digests(directory):
    return [(line["step"], line["weights"], line["optimizer"]) for line in lines(directory, "digests.jsonl")]


class Checks:
    def __init__(self):
        self.count, self.failures = 0, []

    def equal(self, what, found, expected):
        self.check(what, found == expected, f"{found} is not {expected}")

    def check(self, what, holds, found=""):
        self.count += 1
        if not holds:
            self.failures.append(f"{what}: {found}")


def check_supervised(trainer, checks):
    keys = {"learning_rate": 1e-3, "batch_size": 3, "num_train_epochs": 2, "save_steps": 2, "router_aux_loss_coef": 0.01}
    recipe = trainer.recipe(**keys)
    run = trainer.start("sft", recipe)
    expected = digests(run)
    checks.equal("steps of two epochs", [step for step, *_ in expected], [1, 2, 3, 4])
    checks.equal("digests that differ", len({weights for _, weights, _ in expected}), 4)
    losses = [line["loss"] for line in lines(run, "metrics.jsonl")]
    checks.check("the loss falls", losses[2] < losses[0], losses)
    micro = trainer.recipe(**keys, micro_batch_tokens=70)
    checks.equal("micro-batches of 70 tokens", digests(trainer.start("sft", micro)), expected)
    checks.equal("1 thread", digests(trainer.start("sft", recipe, "--threads", 1)), expected)
    lean = trainer.compile("lean", "--activation-memory", lean_memory(trainer))
    checks.equal("less memory", digests(trainer.start("sft", recipe, plan=lean)), expected)
    # Interrupted after a step that no checkpoint holds, across an epoch's end.
    cut = trainer.start("sft", recipe, "--steps", 1)
    trainer.start("sft", recipe, "--steps", 3, "--resume", out=cut)
    trainer.start("sft", recipe, "--resume", out=cut)
    checks.equal("resumed twice", digests(cut), expected)
    checks.check("verify-run", "step 4: the same bits" in e2e.run(trainer.runner, "verify-run", run, "--step", 4, *trainer.device))
    # A checkpoint is one that m1c compiles, with the weights that training had.
    plan = os.path.join(trainer.work, "trained.m1plan")
    checkpoint = os.path.join(run, "checkpoint-4")
    e2e.run("m1c", checkpoint, *trainer.options, "-o", plan)
    e2e.run(trainer.runner, "score", plan, "--weights", checkpoint, "--tokens", trainer.tokens, "--out-dir", os.path.join(run, "scores"), *trainer.device)


def lean_memory(trainer):
    """Bytes of activations that only values computed anew keep. They need level 1 of m1-recompute in the test in float32, 2 in
    bfloat16, and 3 on the emulated device."""
    figures = json.loads(e2e.run("m1run", "inspect", trainer.plan, "--json"))
    kept = next(arena["bytes"] for arena in figures["arenas"] if arena["name"] == "activations")
    return int(kept * (0.6 if trainer.device else 0.9))


def check_reinforcement(trainer, checks):
    keys = {
        "environments": [{"name": "copy"}],
        "num_prompts": 2,
        "num_generations": 4,
        "max_completion_length": 12,
        "mini_batches": 2,
        "max_steps": 4,
        "learning_rate": 1e-3,
        "dynamic_sampling": False,
        "temperature": 0.9,
        "save_steps": 1,
        "sample_steps": 1,
        "router_aux_loss_coef": 0.01,
    }
    recipe = trainer.recipe(**keys)
    run = trainer.start("train", recipe)
    expected = digests(run)
    metrics = lines(run, "metrics.jsonl")
    checks.equal("steps", [step for step, *_ in expected], [1, 2, 3, 4])
    for line in metrics[::2]:  # the first update of each batch
        checks.equal("difference of log-probabilities", line["sampling_logp_difference/max"], 0)
        checks.equal("first ratios", (line["ratio/min"], line["ratio/max"]), (1, 1))
    checks.equal("samples", [line["step"] for line in lines(run, "samples.jsonl")], [1, 1, 3, 3])
    micro = trainer.recipe(**keys, micro_batch_tokens=40)
    checks.equal("micro-batches of 40 tokens", digests(trainer.start("train", micro)), expected)
    checks.equal("1 thread", digests(trainer.start("train", recipe, "--threads", 1)), expected)
    if trainer.serves:
        serve = trainer.compile("serve", "--serve")
        checks.equal("a plan for serving", digests(trainer.start("train", recipe, "--steps", 2, plan=serve)), expected[:2])
    # In the middle of a batch, and at its end.
    cut = trainer.start("train", recipe, "--steps", 1)
    trainer.start("train", recipe, "--steps", 2, "--resume", out=cut)
    trainer.start("train", recipe, "--resume", out=cut)
    checks.equal("resumed twice", digests(cut), expected)
    for loss in "grpo", "dapo", "dr_grpo":
        line = lines(trainer.start("train", trainer.recipe(**keys, loss_type=loss), "--steps", 1), "metrics.jsonl")[0]
        checks.equal(f"{loss}: difference", line["sampling_logp_difference/max"], 0)
    noisy = trainer.start("train", trainer.recipe(**keys, rollout_noise=0.01), "--steps", 1)
    checks.check("noise is a difference", lines(noisy, "metrics.jsonl")[0]["sampling_logp_difference/max"] > 0)


def main():
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    path, dtype, unit, work = sys.argv[1:]
    with open(path) as file:
        config = json.load(file)
    trainer, checks = Trainer(config, dtype, unit, e2e.fresh(work)), Checks()
    check_supervised(trainer, checks)
    check_reinforcement(trainer, checks)
    for failure in checks.failures:
        print(failure)
    print(f"{checks.count} checks, {len(checks.failures)} failures")
    sys.exit(1 if checks.failures else 0)


if __name__ == "__main__":
    main()
