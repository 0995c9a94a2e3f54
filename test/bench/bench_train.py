#!/usr/bin/env python3
# ===- bench_train.py - training the small model, against transformers ----===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Measures training steps of the small model and prints a table.

    bench_train.py [--build-dir build] [--threads 2] [--rounds 2] [--steps 3] [--json]
                   [--no-transformers] [--dtypes bfloat16,float32] [--avx2] [--work DIR]

Trains test/configs/small.json in bfloat16 with `m1run sft`: one sequence of 1,024 tokens
a step, cross-entropy of all its tokens, gradients clipped, AdamW. A step is its forward
and backward passes (time/train) and the optimiser (time/update); digests and checkpoints
are not part of it. For comparison:

    --activation-memory    the same plan with 70 % of the memory of activations
    transformers           eager, autograd and the fused AdamW of torch, all in bfloat16
                           and all in float32, the better of the two for each figure (it
                           rotates whole heads where the model rotates half of each: the
                           same work)
    the machine            float32 operations per second of numpy's matrix product, which
                           uses all processors

Each round runs each of them once, in turn, for one untimed step and `steps` timed ones; a
figure is the best of all rounds. Operations are six per weight that a token uses (two in
the forward pass, four in the backward pass): all weights but the embedding table and the
experts that it is not routed to. Those of attention between tokens and of values that are
computed anew are not counted.

With --avx2, all of them leave the AVX-512 instructions of a CPU unused, as on a machine
without them. torch then has no fast product in bfloat16, and a step takes minutes:
--dtypes float32 leaves it out.

Rollouts of `m1run train` (8 sequences of 64 new tokens) are compared with `m1run bench`,
which decodes as many, in the same rounds.
"""

import argparse
import json
import os
import resource
import sys
import tempfile
import time

import numpy as np
from bench_small import HERE, ROOT, machine_limits, make_checkpoint, run, used_weights

LENGTH, SEQUENCES, NEW_TOKENS, ACTIVATION_SHARE = 1024, 8, 64, 0.7
LEARNING_RATE, BETAS, EPSILON, MAX_NORM = 1e-5, (0.9, 0.95), 1e-8, 1.0
DTYPES = ("bfloat16", "float32")
# What keeps ATen, oneDNN, MKL and numpy's OpenBLAS from using AVX-512.
AVX2_ONLY = {
    "ATEN_CPU_CAPABILITY": "avx2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
    "OPENBLAS_CORETYPE": "Haswell",
}


def tokens_of(vocabulary):
    return np.arange(LENGTH) * 7919 % vocabulary


def transformers_main(directory, dtype, threads, steps):
    """Measures transformers in a separate process."""
    import torch

    sys.path.insert(0, os.path.join(HERE, "..", "golden"))
    import generate

    torch.set_num_threads(threads)
    model = generate.transformers_model(directory, getattr(torch, dtype)).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, betas=BETAS, eps=EPSILON, weight_decay=0, fused=True)
    tokens = torch.from_numpy(tokens_of(model.config.vocab_size))[None]

    def step():
        logits = model(tokens, use_cache=False).logits[0, :-1].float()
        loss = torch.nn.functional.cross_entropy(logits, tokens[0, 1:])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), MAX_NORM)
        optimizer.step()
        optimizer.zero_grad()
        return loss.item()

    times, losses = [], []
    for _ in range(1 + steps):
        start = time.perf_counter()
        losses.append(step())
        times.append(time.perf_counter() - start)
    result = {
        "step_seconds": times[1:],
        "losses": losses,
        "peak_rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }
    print(json.dumps(result))


class Bench:
    def __init__(self, args, work):
        self.args, self.work = args, work
        config = make_checkpoint.load_config(args.config)
        self.checkpoint = os.path.join(work, "checkpoint")
        make_checkpoint.write_checkpoint(config, self.checkpoint, 1, "bfloat16")
        self.weights = used_weights(config)
        self.tokens = os.path.join(work, "tokens.npy")
        np.save(self.tokens, tokens_of(config["vocab_size"]))
        self.plan, self.figures = self.compile("all")
        self.lean_plan, self.lean_figures = self.compile("lean", int(ACTIVATION_SHARE * self.figures["activation_bytes"]))

    def tool(self, name, *arguments):
        return run([os.path.join(self.args.build_dir, "bin", name), *map(str, arguments)])

    def compile(self, name, activation_memory=0):
        plan = os.path.join(self.work, name + ".m1plan")
        sizes = ("--train-tokens", LENGTH, "--max-length", LENGTH, "--slots", SEQUENCES)
        limit = ("--activation-memory", activation_memory) if activation_memory else ()
        target = ("--target-cpu", "x86-64-v3") if self.args.avx2 else ()
        self.tool("m1c", self.checkpoint, "--train", *sizes, *limit, *target, "-o", plan)
        return plan, json.loads(self.tool("m1run", "inspect", plan, "--json")[0])

    def start(self, command, plan, steps, *options, **keys):
        """The lines of a run's metrics after the first, and its peak memory."""
        recipe, out = os.path.join(self.work, "recipe.json"), os.path.join(self.work, "run")
        keys.update(learning_rate=LEARNING_RATE, max_grad_norm=MAX_NORM, max_steps=1 + steps, save_steps=1 << 20)
        with open(recipe, "w") as file:
            json.dump(keys, file)
        given = ("--weights", self.checkpoint, "--recipe", recipe, "--out", out, "--threads", self.args.threads)
        _, _, memory = self.tool("m1run", command, plan, *given, *options)
        with open(os.path.join(out, "metrics.jsonl")) as file:
            lines = [json.loads(line) for line in file]
        run(["rm", "-r", out])
        return lines, memory

    def train(self, plan):
        lines, memory = self.start(
            "sft", plan, self.args.steps, "--tokens", self.tokens, batch_size=1, num_train_epochs=1,
            adam_beta1=BETAS[0], adam_beta2=BETAS[1], adam_epsilon=EPSILON, weight_decay=0,
        )  # fmt: skip
        return {
            "step_seconds": [line["time/train"] + line["time/update"] for line in lines[1:]],
            "train_seconds": [line["time/train"] for line in lines[1:]],
            "update_seconds": [line["time/update"] for line in lines[1:]],
            "losses": [line["loss"] for line in lines],
            "peak_rss_bytes": memory,
        }

    def rollouts(self):
        """Tokens per second of rollouts, and of `m1run bench`."""
        lines, _ = self.start(
            "train", self.plan, 1, environments=[{"name": "copy"}], num_prompts=1, num_generations=SEQUENCES,
            mini_batches=1, max_completion_length=NEW_TOKENS, dynamic_sampling=False,
        )  # fmt: skip
        sizes = ("--batch", SEQUENCES, "--prompt-len", 8, "--new-tokens", NEW_TOKENS, "--repeat", 1)
        given = ("--weights", self.checkpoint, "--threads", self.args.threads, "--json")
        decode = json.loads(self.tool("m1run", "bench", self.plan, *given, *sizes)[0])["decode_tokens_per_second"]
        return {"rollout_tokens_per_second": lines[1]["tokens_per_second/rollout"], "decode_tokens_per_second": decode}

    def transformers(self, dtype):
        command = [sys.executable, os.path.abspath(__file__), "--measure-transformers", self.checkpoint, dtype]
        return json.loads(run(command + [str(self.args.threads), str(self.args.steps)])[0].splitlines()[-1])

    def measure(self):
        phases = {"m1run": lambda: self.train(self.plan), "lean": lambda: self.train(self.lean_plan), "rollouts": self.rollouts}
        if not self.args.no_transformers:
            phases.update({f"transformers_{dtype}": lambda dtype=dtype: self.transformers(dtype) for dtype in self.args.dtypes})
        rounds = [{name: phase() for name, phase in phases.items()} for _ in range(self.args.rounds)]
        _, operations = machine_limits(self.args.threads)
        result = {
            "rounds": rounds,
            "matrix_operations_per_second": operations,
            "used_weights": self.weights,
            "planned_bytes": planned_bytes(self.figures),
            "lean_planned_bytes": planned_bytes(self.lean_figures),
        }
        for name in phases:
            if name == "rollouts":
                result[name] = {key: max(r[name][key] for r in rounds) for key in rounds[0][name]}
                continue
            seconds = min(min(r[name]["step_seconds"]) for r in rounds)
            result[name] = {
                "step_seconds": seconds,
                "tokens_per_second": LENGTH / seconds,
                "share_of_matrix_peak": 6 * self.weights * LENGTH / seconds / operations,
                "peak_rss_bytes": max(r[name]["peak_rss_bytes"] for r in rounds),
            }
        return result


def planned_bytes(figures):
    """What a plan says that it needs, without the checkpoint."""
    return sum(figures[key] for key in ("activation_bytes", "packed_weight_bytes", "state_bytes", "constant_bytes"))


def print_table(result):
    ours, lean = result["m1run"], result["lean"]
    names = [name for name in result if name.startswith("transformers_")]
    others = [result[name] for name in names]
    heads = "".join(f"{'transf. ' + name.removeprefix('transformers_'):>18}" for name in names)
    print(f"{'':28}{'m1run':>10}{'less memory':>13}{heads}{'m1run / best':>14}")

    def row(title, key, show, best):
        cells = "".join(f"{show(o[key]):>18}" for o in others)
        ratio = f"{ours[key] / best(o[key] for o in others):14.2f}" if others else f"{'-':>14}"
        print(f"{title:28}{show(ours[key]):>10}{show(lean[key]):>13}{cells}{ratio}")

    row("step, s", "step_seconds", "{:.2f}".format, min)
    row("tokens/s", "tokens_per_second", "{:.1f}".format, max)
    row("of the matrix product", "share_of_matrix_peak", "{:.0%}".format, max)
    row("peak memory, MiB", "peak_rss_bytes", lambda b: f"{b / 2**20:.0f}", min)
    print(f"{'the plan says, MiB':28}{result['planned_bytes'] / 2**20:10.0f}{result['lean_planned_bytes'] / 2**20:13.0f}")
    rollouts = result["rollouts"]
    rate, decode = rollouts["rollout_tokens_per_second"], rollouts["decode_tokens_per_second"]
    print(f"rollouts {rate:.1f} tokens/s, {rate / decode:.2f} of the {decode:.1f} that m1run bench decodes")
    print(f"{result['used_weights'] / 1e6:.1f} M weights used per token; machine {result['matrix_operations_per_second'] / 1e9:.0f} GFLOP/s in float32")
    if others:
        pairs = [(r["m1run"], [r[name] for name in r if name.startswith("transformers_")]) for r in result["rounds"]]
        ratios = [min(min(o["step_seconds"]) for o in theirs) / min(own["step_seconds"]) for own, theirs in pairs]
        print("times faster, by round: " + ", ".join(f"{ratio:.2f}" for ratio in ratios))


def main():
    if sys.argv[1:2] == ["--measure-transformers"]:
        return transformers_main(sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build-dir", default=os.path.join(ROOT, "build"))
    parser.add_argument("--config", default=os.path.join(HERE, "..", "configs", "small.json"))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--steps", type=int, default=3, help="timed steps of each round")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    parser.add_argument("--no-transformers", action="store_true", help="do not measure transformers, which needs torch")
    parser.add_argument("--dtypes", type=lambda text: text.split(","), default=DTYPES, help="of transformers (default: both)")
    parser.add_argument("--avx2", action="store_true", help="use no AVX-512 instructions, in any of the programs")
    parser.add_argument("--work", help="an empty directory for the runs, with 5 GB of room")
    args = parser.parse_args()
    if args.avx2 and not AVX2_ONLY.items() <= os.environ.items():
        # numpy reads its variable when it is loaded.
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | AVX2_ONLY)
    with tempfile.TemporaryDirectory(dir=args.work) as work:
        result = Bench(args, work).measure()
    if args.json:
        print(json.dumps(result, indent=2))
    else:
        print_table(result)


if __name__ == "__main__":
    main()
