# ===- pack.py - packs a build to be checked on a machine with a GPU --------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""pack.py DIR: run by tools/gpu-check.sh, whose --help describes it.

cases.py describes what is packed, and under which names.
"""

import argparse
import concurrent.futures
import gzip
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
CODEGEN, E2E, TEST = os.path.join("test", "compiler", "Codegen"), os.path.join("test", "e2e"), os.path.join(ROOT, "test")
sys.path += [os.path.join(ROOT, CODEGEN), os.path.join(ROOT, E2E)]
import bfloat16_units  # noqa: E402
import cases  # noqa: E402
import compare  # noqa: E402
import e2e  # noqa: E402
import invariance  # noqa: E402
import kernel_results  # noqa: E402
import kernels  # noqa: E402
import numpy as np  # noqa: E402

# The modules of the packed program.
MODULES = (
    *(os.path.join(E2E, f"{name}.py") for name in ("e2e", "compare", "bfloat16_units", "invariance")),
    os.path.join(CODEGEN, "kernel_results.py"),
    os.path.join("test", "cpu_features.py"),
    os.path.join("tools", "make_checkpoint.py"),
    os.path.join("tools", "gpu-check", "cases.py"),
)
# Every Linux machine with a C++ runtime has these.
SYSTEM_LIBRARIES = re.compile(r"(libc|libm|libdl|libpthread|librt|libstdc\+\+|libgcc_s|ld-linux-x86-64)\.so\.\d+")
PROBE = """func.func @probe(%x: tensor<?x1xf32>) -> tensor<?x1xbf16> {
  %y = m1.cast %x : tensor<?x1xf32> to tensor<?x1xbf16>
  return %y : tensor<?x1xbf16>
}
"""
TINY, SMALL = (os.path.join(TEST, "configs", f"{name}.json") for name in ("tiny", "small"))
GOLDEN = sorted(entry.name for entry in os.scandir(os.path.join(TEST, "golden")) if entry.is_dir())
# Models whose experts differ enough that rounding sends few tokens to others.
BFLOAT16 = ("tiny", "m1-pattern", "m1-prenorm", "m1-shared")
INVARIANCE = {"tiny-bfloat16": (TINY, "bfloat16"), "m1-heads3-float32": (os.path.join(TEST, "golden", "m1-heads3", "config.json"), "float32")}
# The lengths of the sequences that gradients are compared for, and a short run of reinforcement learning.
TRAINING, TRAINING_LENGTHS, TRAINING_BOUNDS = "m1-pattern", (130, 40, 9), ("--max-length", 160, "--max-tokens", 64, "--train-tokens", 200, "--slots", 8)
TRAINING_RECIPE = {
    "environments": ["copy"],
    "num_prompts": 2,
    "num_generations": 4,
    "max_completion_length": 12,
    "mini_batches": 2,
    "max_steps": 2,
    "learning_rate": 1e-3,
    "dynamic_sampling": False,
    "temperature": 0.9,
}
# Batch, prompt and new tokens. On the emulator benches only test that they run.
BENCH_BOUNDS = ("--max-tokens", 2048, "--slots", 32, "--max-length", 4096)
BENCH = {
    "tiny": {"cuda": [(b, p, 64) for b in (1, 8, 32) for p in (128, 1024)], "ptx": [(1, 16, 2), (2, 16, 2)]},
    "small": {"cuda": [(b, p, 64) for b in (1, 8, 32) for p in (128, 512, 2048)], "ptx": []},
}
# The least distance between the two largest logits of a greedy token, relative to the largest logit of all, and how many
# seeds are tried to find a model that keeps it.
LEAST_GAP, MOST_SEEDS = 1e-3, 50


def fail(message):
    sys.exit(f"gpu-check: error: {message}")


def config_of(model):
    return TINY if model == "tiny" else os.path.join(TEST, "golden", model, "config.json")


def copy_runner(source, target):
    """Copies m1run without its symbols, if the other machine has all libraries that it needs."""
    try:
        text = subprocess.run(["readelf", "-d", source], stdout=subprocess.PIPE, text=True, check=True).stdout
        subprocess.run(["strip", "-o", target, source], check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        fail(f"{source}: {error}; readelf and strip are binutils'")
    needed = re.findall(r"\(NEEDED\).*\[(.*)\]", text)
    if strange := [name for name in needed if not SYSTEM_LIBRARIES.fullmatch(name)]:
        fail(f"{source} needs {', '.join(strange)}, which other machines may not have; expected C's and C++'s libraries only "
             "(Abseil's archives are in libabsl-dev; a build with sanitizers cannot be packed)")  # fmt: skip


def store_plan(plan, folder):
    """Compresses a plan into a folder; PTX shrinks to a tenth."""
    with open(plan, "rb") as source, gzip.open(os.path.join(folder, cases.PLAN), "wb") as target:
        shutil.copyfileobj(source, target)


class Packer:
    """Fills a directory with the cases whose names are `wanted`."""

    def __init__(self, directory, target, wanted, scratch, pool):
        self.directory, self.target, self.wanted, self.scratch, self.pool = directory, target, wanted, scratch, pool
        self.contents = {kind: {} for kind in ("kernels", "golden", "bfloat16", "invariance", "training", "bench")}

    def folder(self, kind, name):
        return e2e.fresh(os.path.join(self.directory, kind, name))

    def plan(self, source, folder, *bounds):
        """Compiles a checkpoint or a module into a folder of the pack."""
        plan = os.path.join(self.scratch, "model.m1plan")
        e2e.run("m1c", source, "-o", plan, "--target", self.target, *bounds)
        store_plan(plan, folder)

    def program(self):
        copy_runner(shutil.which("m1run"), os.path.join(self.directory, "m1run"))
        shutil.copy(os.path.join(HERE, "check.py"), os.path.join(self.directory, "gpu-check"))
        os.chmod(os.path.join(self.directory, "gpu-check"), 0o755)
        lib = e2e.fresh(os.path.join(self.directory, "lib"))
        for module in MODULES:
            shutil.copy(os.path.join(ROOT, module), lib)
        probe = os.path.join(self.scratch, "probe.mlir")
        with open(probe, "w") as file:
            file.write(PROBE)
        self.plan(probe, e2e.fresh(os.path.join(self.directory, "probe")))

    def kernels(self, op):
        module = kernels.module_of(op, "ptx")
        wanted = [case for case in module.cases if self.wanted(cases.kernel_name(op, case.id))]
        if not wanted:
            return
        module.build(os.path.join(self.scratch, "kernels", op), "--target", self.target)
        folder = self.folder("kernels", op)
        store_plan(module.plan, folder)
        shutil.copy(module.path, folder)  # for reading
        if module.weights:
            shutil.copytree(module.weights[1], os.path.join(folder, "weights"))

        def store(number, case):
            """Writes a case's file; its entry in pack.json."""
            work = os.path.join(self.scratch, "expected", op, str(number))
            given = kernel_results.write_arguments(case.arguments, work)
            expected = kernel_results.call(("m1-interpret", module.path, *module.weights), case.function.name, given, os.path.join(work, "results"))
            if np.min(case.tolerance) >= kernel_results.TOLERANCE["f32"]:  # half the size; its rounding is far below the tolerance
                expected = {name: a.astype(np.float32) if a.dtype == np.float64 else a for name, a in expected.items()}
            named = {f"argument{i}": a for i, a in enumerate(case.arguments)} | {f"result.{name}": a for name, a in expected.items()}
            file = f"{number:03}.npz"
            np.savez_compressed(os.path.join(folder, file), **named)
            return {"file": file, "entry": case.function.name, "tolerance": case.tolerance, "detail": case.detail}

        entries = self.pool.map(store, range(len(wanted)), wanted)
        self.contents["kernels"][op] = {"weights": bool(module.weights), "cases": {case.id: entry for case, entry in zip(wanted, entries)}}

    def golden(self, model):
        if not any(self.wanted(f"golden/{model}/{what}") for what in ("logits", "greedy")):
            return
        folder = self.folder("golden", model)
        shutil.copy(config_of(model), os.path.join(folder, "config.json"))
        if model == "tiny":
            np.savez_compressed(os.path.join(folder, "golden.npz"), **self.golden_of_interpreter(config_of(model)))
        else:
            shutil.copy(os.path.join(TEST, "golden", model, "golden.npz"), folder)
        case = compare.Golden(folder, os.path.join(self.scratch, "golden", model))
        self.plan(case.checkpoint, folder)
        self.contents["golden"][model] = {}

    def golden_of_interpreter(self, config_file):
        """Golden data from the interpreter, with the first seed for which rounding cannot change a greedy token."""
        config = e2e.make_checkpoint.load_config(config_file)
        for seed in range(MOST_SEEDS):
            work = e2e.fresh(os.path.join(self.scratch, "golden-of-interpreter"))
            checkpoint, module = os.path.join(work, "checkpoint"), os.path.join(work, "model.mlir")
            e2e.make_checkpoint.write_checkpoint(config, checkpoint, seed, "float32")
            e2e.run("m1c", checkpoint, "--emit=model", "-o", module)
            generator = np.random.Generator(np.random.PCG64(seed))
            prompts = [generator.integers(0, config["vocab_size"], n) for n in (65, 20, 3)]
            command = ("m1-interpret", module, "--weights", checkpoint, "--out-dir", work, "--tokens")
            e2e.run(*command, e2e.write_tokens(os.path.join(work, "in"), [prompts[compare.GREEDY_PROMPT]]), "--max-new-tokens", 64)
            sequence = e2e.read(work, "tokens", 1)[0]
            e2e.run(*command, e2e.write_tokens(os.path.join(work, "in"), [*prompts, sequence]), "--logits")
            *logits, choices = e2e.read(work, "logits", len(prompts) + 1)
            second, first = np.sort(choices[len(prompts[compare.GREEDY_PROMPT]) - 1 : -1])[:, -2:].T
            if (first - second).min() > LEAST_GAP * np.abs(choices).max():
                named = {f"tokens_{i}": p for i, p in enumerate(prompts)} | {f"logits_{i}": x for i, x in enumerate(logits)}
                return {"seed": seed, "fused": 0, "greedy": sequence[-64:], **named}
        fail(f"{config_file}: no seed below {MOST_SEEDS} gives greedy tokens that rounding cannot change")

    def bfloat16(self, model):
        if not self.wanted(f"bfloat16/{model}/log-probs"):
            return
        folder = self.folder("bfloat16", model)
        shutil.copy(config_of(model), os.path.join(folder, "config.json"))
        case = bfloat16_units.Case(e2e.make_checkpoint.load_config(config_of(model)), os.path.join(self.scratch, "bfloat16", model))
        exact = case.exact()
        np.save(os.path.join(folder, "exact.npy"), exact)
        self.plan(case.checkpoint, folder)
        allowed = bfloat16_units.MOST * float(case.error("cpu", exact))
        self.contents["bfloat16"][model] = {"config": model, "allowed": allowed}

    def invariance(self, name):
        config_file, dtype = INVARIANCE[name]
        model = invariance.Model(e2e.make_checkpoint.load_config(config_file), dtype, None, (None,), os.path.join(self.scratch, "invariance", name))
        names = [what for what, _ in invariance.comparisons(model) if self.wanted(f"invariance/{name}/{what}")]
        if not names:
            return
        folder = self.folder("invariance", name)
        shutil.copy(config_file, os.path.join(folder, "config.json"))
        self.plan(model.checkpoint, folder)
        self.contents["invariance"][name] = {"dtype": dtype, "comparisons": names}

    def training(self, model):
        if not any(self.wanted(f"training/{model}/{what}") for what in ("gradients", "mismatch", "micro-batches")):
            return
        folder, work = self.folder("training", model), e2e.fresh(os.path.join(self.scratch, "training"))
        shutil.copy(config_of(model), os.path.join(folder, "config.json"))
        config = e2e.make_checkpoint.load_config(config_of(model))
        checkpoint = e2e.fresh(os.path.join(work, "checkpoint"))
        e2e.make_checkpoint.write_checkpoint(config, checkpoint, 1, "float32")
        self.plan(checkpoint, folder, "--train", *TRAINING_BOUNDS)
        generator = np.random.Generator(np.random.PCG64(11))
        sequences = [generator.integers(0, config["vocab_size"], n).tolist() for n in TRAINING_LENGTHS]
        plan, out = os.path.join(work, "cpu.m1plan"), os.path.join(work, "gradients.safetensors")
        e2e.run("m1c", checkpoint, "--train", *TRAINING_BOUNDS, "-o", plan)
        tokens = e2e.write_tokens(os.path.join(work, "tokens"), sequences)
        e2e.run("m1run", "gradients", plan, "--weights", checkpoint, "--tokens", tokens, "--out", out)
        np.savez_compressed(os.path.join(folder, "gradients.npz"), **cases.read_f32(out))
        self.contents["training"][model] = {"sequences": sequences, "recipe": TRAINING_RECIPE, "micro_batch_tokens": 40}

    def bench(self, model):
        runs = {device: [r for r in shapes if self.wanted(cases.bench_name(model, *r))] for device, shapes in BENCH[model].items()}
        if not any(runs.values()):
            return
        # Benches run with random weights: the names of the tensors are enough.
        config = e2e.make_checkpoint.load_config({"tiny": TINY, "small": SMALL}[model]) | {"torch_dtype": "bfloat16"}
        names = {tensor.name: "model-00001-of-00001.safetensors" for tensor in e2e.make_checkpoint.layout(config, "bfloat16", False)}
        source = e2e.fresh(os.path.join(self.scratch, "bench", model))
        for name, value in (("config.json", config), ("model.safetensors.index.json", {"weight_map": names})):
            with open(os.path.join(source, name), "w") as file:
                json.dump(value, file)
        self.plan(source, self.folder("bench", model), *BENCH_BOUNDS)
        self.contents["bench"][model] = runs


def bytes_of(directory):
    return sum(os.path.getsize(os.path.join(folder, name)) for folder, _, names in os.walk(directory) for name in names)


def commit():
    """The commit that is packed, from git."""
    try:
        result = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        return result.stdout.strip() or "unknown"
    except OSError:
        return "unknown"


def pack(directory, options, scratch):
    """Fills the directory."""

    def wanted(name):
        return cases.selected(name, options.only)

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        packer = Packer(directory, f"cuda:{options.arch}", wanted, scratch, pool)
        packer.program()
        steps = [(packer.kernels, op) for op in kernels.OPS]
        steps += [(packer.golden, model) for model in (*GOLDEN, "tiny")]
        steps += [(packer.bfloat16, model) for model in BFLOAT16]
        steps += [(packer.invariance, model) for model in INVARIANCE]
        steps += [(packer.training, TRAINING)]
        steps += [(packer.bench, model) for model in BENCH]
        for step, name in steps:
            step(name)
            if name not in packer.contents[step.__name__]:
                continue
            size = bytes_of(directory)
            print(f"{step.__name__}/{name}: {size / 2**20:.1f} MiB so far", flush=True)
            if size > options.max_size * 2**20:
                more = "--only leaves cases out, --max-size allows more"
                fail(f"the pack is larger than {options.max_size:g} MiB with {step.__name__}/{name}; {more}")
    if not any(packer.contents.values()):
        fail(f"no case is called {' or '.join(options.only)}")
    with open(os.path.join(directory, "pack.json"), "w") as file:
        json.dump({"commit": commit(), "architecture": options.arch, **packer.contents}, file, indent=1)


def main():
    parser = argparse.ArgumentParser(prog="gpu-check.sh pack")
    parser.add_argument("directory", metavar="DIR")
    parser.add_argument("--arch", default="sm_80")
    parser.add_argument("--only", action="append")
    parser.add_argument("--max-size", type=float, default=60, metavar="MIB")
    options = parser.parse_args()
    target = os.path.abspath(options.directory)
    if os.path.exists(target) and not os.path.isfile(os.path.join(target, "pack.json")):
        fail(f"{options.directory} is there and is not a pack")
    os.makedirs(os.path.dirname(target), exist_ok=True)
    # Made in a temporary directory, so that an error or an interrupt leaves no incomplete pack.
    with tempfile.TemporaryDirectory(prefix=".gpu-check-", dir=os.path.dirname(target)) as aside:
        made = e2e.fresh(os.path.join(aside, "pack"))
        pack(made, options, e2e.fresh(os.path.join(aside, "scratch")))
        shutil.rmtree(target, ignore_errors=True)
        os.rename(made, target)
    files = sum(len(names) for _, _, names in os.walk(target))
    program = os.path.join(options.directory, "gpu-check")
    print(f"{options.directory}: {bytes_of(target) / 2**20:.1f} MiB in {files} files; on a machine with a GPU: {program}")


if __name__ == "__main__":
    main()
