#!/usr/bin/env python3
# ===- learning.py - does training learn, and which loss learns best -------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Trains the tiny model of test/bench/learning and prints tables of its rewards.

    learning.py [--work DIR] [--build-dir build] [--jobs 2] [--tasks copy,parity,sorting]
                [--losses cispo,grpo,dapo] [--noise 0,1] [--seeds 3] [--figures DIR]

Tasks: from random weights, each task has a supervised warm-up and then CISPO, by the
recipes in test/bench/learning. The rewards before, between and after are means over
512 responses to prompts that were not trained on.

Losses: from the warm-up of sorting, test/bench/learning/compare.json is trained with
each loss, each amount of noise in the rollouts' log-probabilities, and several seeds.

A run that is in DIR already is not repeated. Each run has one thread; --jobs of them
run at once. The script fails if log-probabilities of rollout and training differ without
noise, in any step of any run that computes them twice from the same weights.
"""

import argparse
import concurrent.futures
import json
import os
import shutil
import subprocess
import sys

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
RECIPES = os.path.join(HERE, "learning")
sys.path.insert(0, os.path.join(ROOT, "tools"))
import make_checkpoint  # noqa: E402

TASKS = ("copy", "parity", "sorting")
# DAPO's upper bound is higher; the other keys are the defaults of each loss.
LOSSES = {"cispo": {}, "grpo": {}, "dapo": {"epsilon": 0.2, "epsilon_high": 0.28}}
# Prompts to test with: another seed than those of the recipes, and of the warm-up's data.
TEST_SEED, DATA_SEED, SEQUENCES = 999, 1000, 8192
# Over so many batches are final rewards and times to a reward averaged.
WINDOW = 5
COMPARED = "reward,entropy"


def read_json(path):
    with open(path) as file:
        return json.load(file)


def write_json(path, value):
    with open(path, "w") as file:
        json.dump(value, file, indent=1)


class Bench:
    def __init__(self, options):
        self.work, self.bin = options.work, os.path.join(options.build_dir, "bin")
        os.makedirs(self.work, exist_ok=True)
        self.checkpoint, self.plan = self.path("random"), self.path("model.m1plan")

    def path(self, *names):
        return os.path.join(self.work, *names)

    def call(self, tool, *arguments):
        done = subprocess.run([os.path.join(self.bin, tool), *map(str, arguments)], capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"learning: {tool} {' '.join(map(str, arguments))}: {done.stderr.strip()}")

    def prepare(self):
        if os.path.exists(self.plan):
            return
        config = make_checkpoint.load_config(os.path.join(RECIPES, "model.json"))
        make_checkpoint.write_checkpoint(config, self.checkpoint, 1)
        sizes = ("--max-length", 32, "--max-tokens", 512, "--train-tokens", 1024, "--slots", 256)
        self.call("m1c", self.checkpoint, "--train", *sizes, "-o", self.plan)

    def train(self, command, name, weights, recipe, *options):
        """The directory of a run, which is made if it is not there."""
        out, partial = self.path(name), self.path(name + ".partial")
        if os.path.exists(out):
            return out
        shutil.rmtree(partial, ignore_errors=True)
        os.makedirs(os.path.dirname(out), exist_ok=True)
        write_json(self.path(name + ".json"), recipe)
        given = ("--weights", weights, "--recipe", self.path(name + ".json"), "--out", partial, "--threads", 1)
        self.call("m1run", command, self.plan, *given, *options)
        check_bits(partial, recipe)
        os.rename(partial, out)
        return out

    def warm_up(self, task):
        """The checkpoint of a task's supervised warm-up."""
        settings = {**read_json(recipe_path(task, "cispo"))["environments"][0], "seed": DATA_SEED}
        del settings["name"]
        data = self.path("data", task)
        if not os.path.exists(data):
            self.call("m1run", "environment", task, "--options", json.dumps(settings), "--count", SEQUENCES, "--out", data)
        return newest(self.train("sft", f"warmup/{task}", self.checkpoint, read_json(recipe_path(task, "warmup")), "--data", data))

    def evaluate(self, name, weights, recipe):
        """The mean reward of a checkpoint. A learning rate of 0 leaves it as it is."""
        environments = [{**each, "seed": TEST_SEED} for each in recipe["environments"]]
        test = {"environments": environments, "num_prompts": 256, "num_generations": 2, "max_steps": 1, "mini_batches": 1}
        test.update(learning_rate=0, dynamic_sampling=False, save_steps=0, sample_steps=1)
        test["max_completion_length"] = recipe["max_completion_length"]
        return metrics(self.train("train", name, weights, test))[0]["reward"]

    def learn(self, task):
        """Trains one task; a line of the table."""
        recipe = read_json(recipe_path(task, "cispo"))
        warm = self.warm_up(task)
        run = self.train("train", f"cispo/{task}", warm, recipe)
        stages = (("random", self.checkpoint), ("warm", warm), ("trained", newest(run)))
        rewards = [self.evaluate(f"test/{task}-{name}", weights, recipe) for name, weights in stages]
        steps = [read_json(recipe_path(task, "warmup"))["max_steps"], recipe["max_steps"]]
        return [task, *(f"{reward:.3f}" for reward in rewards), *steps, *(f"{seconds(r):.0f}" for r in (self.path("warmup", task), run))]

    def compare(self, loss, noise, seed):
        """One run of the comparison; its figures."""
        recipe = {**read_json(os.path.join(RECIPES, "compare.json")), **LOSSES[loss], "loss_type": loss}
        recipe.update(seed=seed, rollout_noise=noise)
        recipe["environments"] = [{**each, "seed": seed} for each in recipe["environments"]]
        name = f"compare/{loss}-{noise:g}-{seed}"
        run = self.train("train", name, self.warm_up("sorting"), recipe)
        lines = metrics(run)
        by_batch = [lines[i]["reward"] for i in range(0, len(lines), recipe["mini_batches"])]
        means = [np.mean(by_batch[i : i + WINDOW]) for i in range(len(by_batch) - WINDOW + 1)]
        reached = next((i + WINDOW for i, mean in enumerate(means) if mean >= 0.8), None)
        return {
            "test": self.evaluate(name + "-test", newest(run), recipe),
            "final": means[-1],
            "steps80": None if reached is None else reached * recipe["mini_batches"],
            "outside": np.mean([line["clip_ratio/low"] + line["clip_ratio/high"] for line in lines]),
            "ratio": max(line["ratio/max"] for line in lines),
            "kl": np.mean([line["kl"] for line in lines]),
            "difference": max(line["sampling_logp_difference/max"] for line in lines if "sampling_logp_difference/max" in line),
        }


def recipe_path(task, stage):
    return os.path.join(RECIPES, f"{task}.{stage}.json")


def metrics(run):
    with open(os.path.join(run, "metrics.jsonl")) as file:
        return [json.loads(line) for line in file]


def seconds(run):
    return sum(line["time/step"] for line in metrics(run))


def newest(run):
    names = [name for name in os.listdir(run) if name.startswith("checkpoint-")]
    return os.path.join(run, max(names, key=lambda name: int(name.split("-")[1])))


def check_bits(run, recipe):
    """Log-probabilities of rollout and training are the same bits."""
    found = [line["sampling_logp_difference/max"] for line in metrics(run) if "sampling_logp_difference/max" in line]
    if "environments" in recipe and not found:
        sys.exit(f"learning: {run}: no sampling_logp_difference/max")
    if not recipe.get("rollout_noise") and any(value != 0 for value in found):
        sys.exit(f"learning: {run}: log-probabilities of rollout and training differ by up to {max(found)}")


def print_table(head, rows):
    for row in (head, ["---"] * len(head), *rows):
        print("| " + " | ".join(map(str, row)) + " |")
    print(flush=True)


def compared_row(loss, noise, runs):
    def mean_of(key, digits=3):
        values = [run[key] for run in runs]
        return f"{np.mean(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"

    reached = [run["steps80"] for run in runs]
    steps = ", ".join("never" if step is None else str(step) for step in reached)
    outside = f"{100 * np.mean([run['outside'] for run in runs]):.1f} %"
    ratio = f"{max(run['ratio'] for run in runs):.3g}"
    kl = f"{np.mean([run['kl'] for run in runs]):.4f}"
    return [loss, f"{noise:g}", mean_of("test"), mean_of("final"), steps, outside, ratio, kl, f"{max(run['difference'] for run in runs):.3g}"]


def write_means(bench, loss, noise, seeds):
    """A directory that looks like a run: means over seeds and the last WINDOW batches, once in each batch."""
    runs = [metrics(bench.path("compare", f"{loss}-{noise:g}-{seed}")) for seed in seeds]
    size = WINDOW * read_json(os.path.join(RECIPES, "compare.json"))["mini_batches"]
    out = bench.path("means", f"{loss}, noise {noise:g}")
    os.makedirs(out, exist_ok=True)
    with open(os.path.join(out, "metrics.jsonl"), "w") as file:
        for end in range(size, len(runs[0]) + 1, size // WINDOW):
            lines = [line for run in runs for line in run[end - size : end]]
            means = {name: float(np.mean([line[name] for line in lines])) for name in COMPARED.split(",")}
            file.write(json.dumps({"step": end, **means}) + "\n")
    return out


def plot(runs, names, smooth, out):
    tool = os.path.join(ROOT, "tools", "plot_run.py")
    subprocess.run([sys.executable, tool, *runs, "--metrics", names, "--smooth", str(smooth), "--out", out], check=True)


def names_of(text):
    return [name for name in text.split(",") if name]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", default=os.path.join(ROOT, "build", "learning"), metavar="DIR", help="where runs are (default: build/learning)")
    parser.add_argument("--build-dir", default=os.path.join(ROOT, "build"))
    parser.add_argument("--jobs", type=int, default=2, help="runs at once (default: 2)")
    parser.add_argument("--tasks", default=",".join(TASKS), help="empty: none")
    parser.add_argument("--losses", default=",".join(LOSSES), help="empty: no comparison")
    parser.add_argument("--noise", default="0,1", help="standard deviations (default: 0,1)")
    parser.add_argument("--seeds", type=int, default=3, help="seeds of the comparison (default: 3)")
    parser.add_argument("--figures", metavar="DIR", help="draw curves as PNG files; needs matplotlib")
    options = parser.parse_args()
    tasks, losses = names_of(options.tasks), names_of(options.losses)
    for name, known in [*((task, TASKS) for task in tasks), *((loss, tuple(LOSSES)) for loss in losses)]:
        if name not in known:
            sys.exit(f"learning: no '{name}'; there are {', '.join(known)}")
    bench, seeds = Bench(options), range(1, options.seeds + 1)
    noises = [float(text) for text in names_of(options.noise)]
    bench.prepare()
    pool = concurrent.futures.ThreadPoolExecutor(options.jobs)
    if tasks:
        rows = list(pool.map(bench.learn, tasks))
        head = ["task", "random weights", "after the warm-up", "after CISPO", "updates: warm-up", "CISPO", "seconds: warm-up", "CISPO"]
        print_table(head, rows)
    kinds = [(loss, noise) for noise in noises for loss in losses]
    if kinds:
        bench.warm_up("sorting")
        jobs = {(*kind, seed): pool.submit(bench.compare, *kind, seed) for seed in seeds for kind in kinds}
        rows = [compared_row(*kind, [jobs[(*kind, seed)].result() for seed in seeds]) for kind in kinds]
        head = ["loss", "noise", "test reward", f"reward of the last {WINDOW} batches", "updates to 80 %"]
        print_table([*head, "outside the bounds", "largest ratio", "KL", "largest difference of log-probabilities"], rows)
    if not options.figures:
        return
    os.makedirs(options.figures, exist_ok=True)
    if tasks:
        runs = [bench.path("cispo", task) for task in tasks]
        plot(runs, "reward", 20, os.path.join(options.figures, "learning-tasks.png"))
    if kinds:
        means = [write_means(bench, *kind, seeds) for kind in kinds]
        plot(means, COMPARED, 1, os.path.join(options.figures, "learning-losses.png"))


if __name__ == "__main__":
    main()
