# ===- cases.py - what a pack checks ----------------------------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""The cases of a packed directory, each a name and a function that runs it.

    kernels/OP/FUNCTION/CASE    one case of exec.py, against the interpreter
    golden/MODEL/logits         a float32 model's logits against golden data
    golden/MODEL/greedy         its greedy tokens, which must equal the golden ones
    bfloat16/MODEL/log-probs    a bf16 model, as near the interpreter as the CPU's
    invariance/MODEL/WHAT       the same bits however a token is computed
    training/MODEL/gradients    a float32 model's gradients, against the CPU's
    training/MODEL/mismatch     the log-probabilities of a rollout and of training, which must be the same bits
    training/MODEL/micro-batches  the same weights after updates, whatever the size of micro-batches
    bench/MODEL/BATCHxPROMPT+NEW  tokens per second

pack.json lists them:

    architecture, commit
    kernels     OP: {cases: {FUNCTION/CASE: {file, entry, tolerance, detail}}, weights}
    golden      [MODEL]
    bfloat16    MODEL: {config, allowed}
    invariance  MODEL: {config, dtype, comparisons}
    training    MODEL: {sequences: [[token]], recipe, micro_batch_tokens}
    bench       MODEL: {cuda: [[batch, prompt, new]], ptx: likewise}

Inputs, expected values and plans, all compressed, are in KIND/OP or KIND/MODEL.
"""

import dataclasses
import fnmatch
import functools
import gzip
import json
import os
import shutil
import threading
import typing

import bfloat16_units
import compare
import e2e
import invariance
import kernel_results
import numpy as np


PLAN = "model.m1plan.gz"


# Relative in norm, for each tensor; a tensor of almost no gradient counts beside the norm of all.
GRADIENT_TOLERANCE = 2e-5


def lines(directory, name):
    """The values in a file of JSON lines."""
    with open(os.path.join(directory, name)) as file:
        return [json.loads(line) for line in file]


def read_f32(path):
    """The tensors of a safetensors file of float32."""
    with open(path, "rb") as file:
        data = file.read()
    begin = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:begin])
    header.pop("__metadata__", None)

    def tensor(entry):
        first, last = entry["data_offsets"]
        return np.frombuffer(data[begin + first : begin + last], np.float32).reshape(entry["shape"])

    return {name: tensor(entry) for name, entry in header.items()}


def selected(name, patterns):
    """Whether a case's name contains one of the patterns, or there are none."""
    return not patterns or any(fnmatch.fnmatchcase(name, f"*{p}*") for p in patterns)


def kernel_name(op, case):
    return f"kernels/{op}/{case}"


def bench_name(model, batch, prompt, new_tokens):
    return f"bench/{model}/{batch}x{prompt}+{new_tokens}"


@dataclasses.dataclass
class Outcome:
    """A case's error, the largest allowed, and the problem if it is larger; for a bench, its figures."""

    error: float = np.inf
    allowed: float = np.inf
    problem: typing.Optional[str] = None
    figures: typing.Optional[dict] = None


@dataclasses.dataclass
class Case:
    name: str
    detail: str
    run: typing.Callable[[], Outcome]


def within(error, allowed, problem):
    """An outcome that fails if the error is larger, or NaN."""
    return Outcome(error, allowed, None if error <= allowed else problem)


class Pack:
    """A packed directory, a device to run it on, and a directory for the runs' files."""

    def __init__(self, root, device, work):
        self.root, self.device, self.work = root, device, work
        self.plans, self.lock = set(), threading.Lock()
        with open(self.path("pack.json")) as file:
            self.contents = json.load(file)

    def path(self, *names):
        return os.path.join(self.root, *names)

    def command(self, subcommand, plan, device=None):
        return (self.path("m1run"), subcommand, plan, "--device", device or self.device)

    def plan(self, *names):
        """The path of a plan, unpacked at its first use (replacing one that another pack left there)."""
        plan = os.path.join(self.work, *names, PLAN.removesuffix(".gz"))
        with self.lock:
            if names not in self.plans:
                os.makedirs(os.path.dirname(plan), exist_ok=True)
                with gzip.open(self.path(*names, PLAN)) as source, open(plan, "wb") as target:
                    shutil.copyfileobj(source, target)
                self.plans.add(names)
        return plan

    def probe(self):
        """Runs one small kernel; raises m1run's error if it fails."""
        work = e2e.fresh(os.path.join(self.work, "probe"))
        np.save(os.path.join(work, "x.npy"), np.ones((1, 1), np.float32))
        command = self.command("call", self.plan("probe"))
        e2e.run(*command, "--entry", "probe", "--arg", os.path.join(work, "x.npy"), "--out-dir", work)

    def groups(self):
        """All cases but benches, in groups. The cases of a group share files and run in order."""
        for op, kernel in self.contents["kernels"].items():
            yield from ([self.kernel(op, case)] for case in kernel["cases"])
        for model in self.contents["golden"]:
            yield list(self.golden(model))
        for model, entry in self.contents["bfloat16"].items():
            yield [Case(f"bfloat16/{model}/log-probs", entry["config"], functools.partial(self.bfloat16, model))]
        for model, entry in self.contents["invariance"].items():
            yield list(self.invariance(model, entry))
        for model, entry in self.contents["training"].items():
            yield list(self.training(model, entry))

    # A kernel

    def kernel(self, op, case):
        return Case(kernel_name(op, case), self.contents["kernels"][op]["cases"][case]["detail"], functools.partial(self.check_kernel, op, case))

    def stored(self, op, case):
        """A case's arguments and expected results."""
        file = self.path("kernels", op, self.contents["kernels"][op]["cases"][case]["file"])
        try:
            with np.load(file) as data:
                arguments = [data[f"argument{i}"] for i in range(sum(name.startswith("argument") for name in data.files))]
                expected = {name[len("result.") :]: data[name] for name in data.files if name.startswith("result.")}
        except Exception as error:  # zipfile, zlib and numpy raise their own
            raise e2e.ToolError(f"{file}: cannot be read: {error}")
        return arguments, expected

    def kernel_results(self, op, case, arguments, device):
        kernel = self.contents["kernels"][op]
        given = ("--weights", self.path("kernels", op, "weights")) if kernel["weights"] else ()
        # Cases run in parallel: more threads in the emulator would only compete.
        command = (*self.command("call", self.plan("kernels", op), device), "--threads", 1, *given)
        work = os.path.join(self.work, kernel_name(op, case), device.replace(":", "-"))
        arguments = kernel_results.write_arguments(arguments, work)
        return kernel_results.call(command, kernel["cases"][case]["entry"], arguments, os.path.join(work, "results"))

    def check_kernel(self, op, case):
        arguments, expected = self.stored(op, case)
        found = self.kernel_results(op, case, arguments, self.device)
        return Outcome(*kernel_results.difference(found, expected, self.contents["kernels"][op]["cases"][case]["tolerance"]))

    def compare_kernel(self, op, case, other):
        """The device against another one: error 0 where every bit is the same."""
        arguments, _ = self.stored(op, case)
        found, expected = (self.kernel_results(op, case, arguments, device) for device in (self.device, other))
        if all(found[name].tobytes() == expected[name].tobytes() for name in expected):
            return Outcome(0, np.inf)
        error = max(kernel_results.distance(found[name], expected[name], 1)[0] for name in expected)
        # Zeros of different signs differ in bits alone.
        return Outcome(max(error, np.finfo(float).tiny), np.inf)

    # Models

    def golden(self, model):
        @functools.cache
        def opened():
            return compare.Golden(self.path("golden", model), os.path.join(self.work, "golden", model))

        def logits():
            differences = opened().score(*self.command("score", self.plan("golden", model)))
            return within(np.max(differences), allowed, f"differs by {np.max(differences):.1e} of the largest logit")

        def greedy():
            continuation, same = opened().greedy(*self.command("generate", self.plan("golden", model)), "--temperature", 0)
            golden = opened().data["greedy"]
            return within(len(golden) - same, 0, f"tokens differ from {same} on: {continuation[same:same + 4]}, expected {golden[same:same + 4]}")

        allowed = compare.TOLERANCE["m1run"]
        yield Case(f"golden/{model}/logits", "float32", logits)
        yield Case(f"golden/{model}/greedy", "float32", greedy)

    def config(self, kind, model):
        return e2e.make_checkpoint.load_config(self.path(kind, model, "config.json"))

    def bfloat16(self, model):
        allowed = self.contents["bfloat16"][model]["allowed"]
        case = bfloat16_units.Case(self.config("bfloat16", model), os.path.join(self.work, "bfloat16", model))
        found = case.log_probs(*self.command("score", self.plan("bfloat16", model)))
        error = float(np.abs(found - np.load(self.path("bfloat16", model, "exact.npy"))).mean())
        return within(error, allowed, f"mean error {error:.5f}, expected at most {allowed:.5f}")

    def invariance(self, model, entry):
        @functools.cache
        def comparisons():
            work, plan = os.path.join(self.work, "invariance", model), self.plan("invariance", model)
            runner = (self.path("m1run"), "--device", self.device)
            return dict(invariance.comparisons(invariance.Model(self.config("invariance", model), entry["dtype"], plan, runner, work)))

        def same(what):
            texts = invariance.differences(*comparisons()[what]())
            return within(len(texts), 0, "; ".join(texts))

        for what in entry["comparisons"]:
            yield Case(f"invariance/{model}/{what}", entry["dtype"], functools.partial(same, what))

    # Training

    def training(self, model, entry):
        @functools.cache
        def checkpoint():
            folder = e2e.fresh(os.path.join(self.work, "training", model, "checkpoint"))
            e2e.make_checkpoint.write_checkpoint(self.config("training", model), folder, 1, "float32")
            return folder

        def gradients():
            work = e2e.fresh(os.path.join(self.work, "training", model, "gradients"))
            tokens, out = e2e.write_tokens(work, entry["sequences"]), os.path.join(work, "gradients.safetensors")
            e2e.run(*self.command("gradients", self.plan("training", model)), "--weights", checkpoint(), "--tokens", tokens, "--out", out)
            found = read_f32(out)
            with np.load(self.path("training", model, "gradients.npz")) as expected:
                norms = {name: np.linalg.norm(expected[name]) for name in expected.files}
                floor = 1e-4 * np.linalg.norm(list(norms.values()))
                error = max(np.linalg.norm(found[name] - expected[name]) / max(norm, floor) for name, norm in norms.items())
            return within(float(error), GRADIENT_TOLERANCE, "the gradients differ from the CPU's")

        def train(name, **keys):
            """The directory of a run of the recipe with these keys."""
            work = e2e.fresh(os.path.join(self.work, "training", model, name))
            recipe, out = os.path.join(work, "recipe.json"), os.path.join(work, "run")
            with open(recipe, "w") as file:
                json.dump(entry["recipe"] | keys, file)
            e2e.run(*self.command("train", self.plan("training", model)), "--weights", checkpoint(), "--recipe", recipe, "--out", out)
            return out

        run = functools.cache(lambda: train("whole"))

        def mismatch():
            largest = max(line.get("sampling_logp_difference/max", 0) for line in lines(run(), "metrics.jsonl"))
            return within(largest, 0, "log-probabilities of rollout and training differ")

        def micro_batches():
            cut = train("cut", micro_batch_tokens=entry["micro_batch_tokens"])
            different = sum(a != b for a, b in zip(lines(run(), "digests.jsonl"), lines(cut, "digests.jsonl"), strict=True))
            return within(different, 0, "weights differ after a step")

        for what, check in ("gradients", gradients), ("mismatch", mismatch), ("micro-batches", micro_batches):
            yield Case(f"training/{model}/{what}", "float32", check)

    # Speed

    def benches(self):
        for model, runs in self.contents["bench"].items():
            for batch, prompt, new_tokens in runs["ptx" if self.device == "ptx" else "cuda"]:
                options = ("--batch", batch, "--prompt-len", prompt, "--new-tokens", new_tokens, "--repeat", 3, "--json")
                given = ("--weights", "none", "--init-seed", 1)
                name, detail = bench_name(model, batch, prompt, new_tokens), f"{batch} x ({prompt} + {new_tokens}) tokens, bfloat16"
                yield Case(name, detail, functools.partial(self.measure, model, (*given, *options)))

    def measure(self, model, options):
        return Outcome(0, 0, figures=json.loads(e2e.run(*self.command("bench", self.plan("bench", model)), *options)))
