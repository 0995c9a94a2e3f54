#!/usr/bin/env python3
# ===- compare-ops.py - compiled values against the interpreter's -----------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Compares every value that a model's functions compute, compiled and interpreted.

MODEL is a checkpoint directory or a module of m1 ops (graph.mlir). Each function is
made to return its intermediate values, compiled, run on random inputs, and compared
with m1-interpret. The first value whose relative error exceeds the tolerance is
marked: its op's kernel is wrong, since everything before it is right.

Ops are compared one by one at first, and then as the compiler fuses them. If only
the second is wrong, the mark is on the fused kernel at fault.

  compare-ops.py CHECKPOINT --function score
  compare-ops.py graph.mlir --target cuda:sm_80 --lengths 130,1

The exit code is 1 if an error exceeds the tolerance. The tools (build/bin) must be
in PATH.
"""

import argparse
import dataclasses
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import zlib

import numpy as np

sys.dont_write_bytecode = True
import make_checkpoint  # noqa: E402

DTYPES = {"F32": np.float32, "BF16": np.float32, "F16": np.float16, "F64": np.float64, "I32": np.int32, "I64": np.int64, "U8": np.uint8}
CHECKPOINT_DTYPES = {"F32": "float32", "BF16": "bfloat16", "F16": "float16", "F64": "float64"}
# Rounding adds up over a model's layers.
TOLERANCE, NARROW_TOLERANCE = 1e-4, 5e-2
# With narrow types rounding may send a few tokens to another expert.
MOST_REROUTED = 0.1


def fail(message):
    sys.exit(f"compare-ops: error: {message}")


def run(*command):
    """Runs a tool; returns its standard output."""
    command = [str(c) for c in command]
    try:
        result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace")
    except OSError as error:
        fail(f"{command[0]}: {error.strerror}; build/bin must be in PATH")
    if result.returncode:
        sys.exit(f"{result.stderr}compare-ops: error: exit code {result.returncode} of {shlex.join(command)}")
    return result.stdout


# ===----------------------------------------------------------------------===//
# Inputs
# ===----------------------------------------------------------------------===//


def extent(expression, symbols):
    """The value of an extent of m1run inspect: a number, "T" or "B+1"."""
    if isinstance(expression, int):
        return expression
    match = re.fullmatch(r"(?:(\d+)\*)?(\w+)(?:\+(\d+))?", expression)
    if not match:
        fail(f"no value is known for the extent '{expression}'")
    factor, symbol, more = match.groups()
    return int(factor or 1) * symbols[symbol] + int(more or 0)


def random_input(tensor, lengths, symbols, seed):
    """A random array for an input, which satisfies the checks of the plan."""
    name, dtype, checks = tensor["name"], DTYPES[tensor["dtype"]], tensor.get("checks", {})
    shape = [extent(e, symbols) for e in tensor["shape"]]
    random = np.random.Generator(np.random.PCG64([seed, zlib.crc32(name.encode())]))
    if "offsets" in checks:
        return np.cumsum((0, *lengths)).astype(dtype)
    if "consecutive" in checks:  # each sequence from its beginning
        return np.concatenate([np.arange(n) for n in lengths]).astype(dtype)
    if checks.get("unique"):
        *rows, count = shape
        picks = [random.permutation(checks["below"])[:count] for _ in range(int(np.prod(rows)))]
        return np.array(picks, dtype).reshape(shape)
    if np.issubdtype(dtype, np.integer):
        return random.integers(0, checks.get("below", 100), shape).astype(dtype)
    values = random.standard_normal(shape)
    if name in ("temperature", "top_p"):
        values = np.clip(np.abs(values), 0.1, 1)
    if tensor["dtype"] == "BF16":  # numbers that bf16 represents exactly
        bits = np.frombuffer(make_checkpoint.encode(values, "bfloat16"), "<u2")
        values = (bits.astype(np.uint32) << 16).view(np.float32).reshape(shape)
    return values.astype(dtype)


def write_random_weights(plan, folder, seed):
    """A checkpoint with all tensors that a plan reads."""
    os.makedirs(folder)
    listed = json.loads(run("m1run", "inspect", plan, "--json", "--tensors"))["tensor_list"]
    tensors = []
    for tensor in listed:
        shape, dtype = tensor["shape"], tensor["dtype"]
        if dtype not in CHECKPOINT_DTYPES:
            fail(f"no random numbers are made for '{tensor['name']}' of {dtype}; give --weights")
        # Vectors are norms' weights; the rows of matrices keep activations near 1.
        std, mean = (0.1, 1.0) if len(shape) == 1 else (shape[-1] ** -0.5, 0.0)
        tensors.append(make_checkpoint.Tensor(tensor["name"], shape, CHECKPOINT_DTYPES[dtype], std, mean=mean))
    make_checkpoint.write_shard(os.path.join(folder, "model.safetensors"), tensors, seed)
    return folder


# ===----------------------------------------------------------------------===//
# Errors
# ===----------------------------------------------------------------------===//


class Comparison:
    """The error of one value: relative in norm; for integers, the share that differs."""

    def __init__(self, found, expected, rows=None):
        """`rows` says which rows count; None: all."""
        self.shape, self.row, self.differing = list(found.shape), None, None
        if found.shape != expected.shape:
            self.error = np.inf
            return
        if rows is not None and found.ndim and len(found) == len(rows):
            found, expected, numbers = found[rows], expected[rows], np.flatnonzero(rows)
        else:
            numbers = np.arange(len(found)) if found.ndim else None
        if np.issubdtype(found.dtype, np.integer):
            difference = (found != expected).astype(np.float64)
            self.error = difference.mean() if difference.size else 0.0
        else:
            difference = np.abs(found.astype(np.float64) - expected)
            self.error = np.linalg.norm(difference) / max(np.linalg.norm(expected), 1e-300) if difference.size else 0.0
        if self.error and difference.size and found.ndim:
            per_row = np.nan_to_num(difference.reshape(len(difference), -1), nan=np.inf).max(-1)
            self.row, self.differing = int(numbers[per_row.argmax()]), per_row > 0

    def exceeds(self, tolerance):
        return not self.error <= tolerance  # also if NaN


class Function:
    """A function of the module, its inputs, and how to call it."""

    def __init__(self, described, options, lengths, work):
        self.name, self.options = described["name"], options
        self.work = os.path.join(work, self.name)
        os.makedirs(self.work)
        symbols = dict.fromkeys(options.symbols, sum(lengths)) | {"B": len(lengths)}
        self.given = []
        for tensor in described["inputs"]:
            path = options.arrays.get(tensor["name"])
            if not path:
                path = os.path.join(self.work, f"{tensor['name']}.npy")
                np.save(path, random_input(tensor, lengths, symbols, options.seed))
            self.given += ["--arg", path]

    def call(self, command, kind):
        out = os.path.join(self.work, kind)
        shutil.rmtree(out, ignore_errors=True)
        run(*command, "--entry", self.name, *self.given, "--out-dir", out)
        return {file.removesuffix(".npy"): np.load(os.path.join(out, file)) for file in os.listdir(out)}

    def compiled(self, plan):
        given = ("--weights", self.options.weights) if self.options.weights else ()
        return self.call((self.options.runner, "call", plan, *given, "--device", self.options.device), "found")

    def interpreted(self, module):
        given = ("--weights", self.options.weights) if self.options.weights else ()
        return self.call(("m1-interpret", module, *given), "expected")


# ===----------------------------------------------------------------------===//
# The comparison
# ===----------------------------------------------------------------------===//


def order(name):
    """Intermediate values, "v<I>.<op>.<location>", in order, and then the function's own results."""
    match = re.match(r"v(\d+)\.", name)
    return (0, int(match[1]), "") if match else (1, 0, name)


def describe(name):
    """A value's op and location."""
    match = re.match(r"v\d+\.([^.]*)\.(.*)", name)
    return (match[1], match[2]) if match else ("result", name)


class Table:
    """A line for each value, with a mark at the first beyond the tolerance."""

    def __init__(self, tolerance):
        self.tolerance, self.first = tolerance, None
        self.text = f"  {'error':>8}  {'op':22}{'shape':18}where"

    def note(self, text):
        self.text += f"\n  {text}"

    def add(self, name, comparison):
        exceeds = comparison.exceeds(self.tolerance)
        mark = "> " if exceeds and not self.first else "  "
        op, where = describe(name)
        row = f", worst in row {comparison.row}" if exceeds and comparison.row is not None else ""
        self.text += f"\n{mark}{comparison.error:8.1e}  {op:22}{str(comparison.shape):18}{where}{row}"
        if exceeds and not self.first:
            self.first = name


def compare_values(function, variant, tolerance):
    """The table of all values of one variant of a function."""
    expected = function.interpreted(variant.module)
    found = function.compiled(variant.plan)
    table, rows = Table(tolerance), None
    for name in sorted(expected, key=order):
        comparison = Comparison(found[name], expected[name], rows)
        wrong = comparison.differing
        routes = describe(name)[0] == "router" and found[name].dtype.kind == "i"
        if routes and wrong is not None and tolerance >= NARROW_TOLERANCE and wrong.mean() <= MOST_REROUTED:
            rows = np.ones(len(found[name]), bool) if rows is None else rows
            rows[np.flatnonzero(rows)[wrong]] = False
            table.note(f"rounding sends tokens {', '.join(map(str, np.flatnonzero(~rows)))} to other experts; they do not count from here on")
            comparison = Comparison(found[name], expected[name], rows)
        table.add(name, comparison)
    return table


def compare(function, variants, tolerance):
    """Compares one function; whether it is right."""
    table = compare_values(function, variants["separate"], tolerance)
    print(table.text)
    if not table.first:
        fused = compare_values(function, variants["fused"], tolerance)
        if not fused.first:
            print(f"{function.name}: all values are within {tolerance:g}, op by op and with fused kernels")
            return True
        print(f"{function.name}: right op by op, wrong with fused kernels:\n{fused.text}")
        table = fused
    op, where = describe(table.first)
    print(f"{function.name}: the first wrong value is of {op} at {where}")
    return False


def options_of(arguments):
    parser = argparse.ArgumentParser(prog="compare-ops.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", metavar="MODEL", help="checkpoint directory or graph.mlir")
    parser.add_argument("--function", metavar="NAME", action="append", help="only this function; may be given several times (default: all)")
    parser.add_argument("--target", default="cpu", help="as for m1c: cpu or cuda:ARCH (default: cpu)")
    parser.add_argument("--target-cpu", metavar="CPU", help="as for m1c")
    parser.add_argument("--device", help="as for m1run (default: cpu; for a GPU ptx, the emulator)")
    parser.add_argument("--runner", default="m1run", metavar="PROGRAM", help="runs plans: m1run, or an emulator such as m1run-bochs (default: m1run)")
    weights = "directory of safetensors files (default: the checkpoint; random weights for a graph)"
    parser.add_argument("--weights", metavar="DIR|none", help=weights + ", or none: random weights")
    parser.add_argument("--lengths", default="70,1,9", metavar="N,N,...", help="tokens of each sequence of the ragged batch (default: 70,1,9)")
    parser.add_argument("--arg", metavar="NAME=FILE.npy", action="append", default=[], help="an array for the input NAME; others are random")
    parser.add_argument("--seed", type=int, default=0, help="of random inputs and weights (default: 0)")
    tolerance = f"largest relative error, in norm (default: {TOLERANCE:g}, or {NARROW_TOLERANCE:g} for modules with bf16 or f16)"
    parser.add_argument("--tolerance", type=float, help=tolerance)
    parser.add_argument("--work", metavar="DIR", help="directory for all files, replaced if it exists (default: a temporary one)")
    options = parser.parse_args(arguments)
    if not re.fullmatch(r"\d+(,\d+)*", options.lengths):
        fail(f"--lengths {options.lengths}: expected numbers of tokens, separated by commas")
    if options.seed < 0:
        fail(f"--seed {options.seed}: expected 0 or more")
    options.arrays = {}
    for word in options.arg:
        name, equals, path = word.partition("=")
        if not equals:
            fail(f"--arg {word}: expected NAME=FILE.npy")
        options.arrays[name] = path
    options.device = options.device or ("cpu" if options.target == "cpu" else "ptx")
    return options


@dataclasses.dataclass
class Variant:
    """A module whose functions return their intermediate values, and its plan."""

    module: str
    plan: str


def check(options, work):
    """Whether all functions that the options choose are right."""
    lengths = [int(n) for n in options.lengths.split(",")]
    is_checkpoint = os.path.isdir(options.model)
    bounds = [f"--max-tokens={max(512, sum(lengths))}", f"--slots={max(8, len(lengths))}", f"--max-length={max(512, *lengths)}"]
    target = ["--target", options.target, *(("--target-cpu", options.target_cpu) if options.target_cpu else ())]

    def variant(name, stage):
        """The model after a stage of m1c."""
        source, module, plan = (os.path.join(work, f"{name}{end}") for end in (".source.mlir", ".mlir", ".m1plan"))
        run("m1c", options.model, f"--emit={stage}", "--locations", "-o", source)
        run("m1-opt", source, "--m1-return-values", "--mlir-print-debuginfo", "-o", module)
        run("m1c", module, "-o", plan, *bounds, *target)
        return Variant(module, plan)

    variants = {"separate": variant("separate", "model"), "fused": variant("fused", "m1")}
    if options.weights is None and is_checkpoint:
        options.weights = options.model
    description = json.loads(run("m1run", "inspect", variants["separate"].plan, "--json"))
    if options.weights in (None, "none"):
        random = description["tensors"] > 0
        options.weights = write_random_weights(variants["separate"].plan, os.path.join(work, "weights"), options.seed) if random else None
    options.symbols = description["symbols"]
    functions = {f["name"]: f for f in description["functions"] if f["name"] != "init"}
    chosen = options.function or list(functions)
    for name in chosen:
        if name not in functions:
            fail(f"--function {name}: expected one of {', '.join(functions)}")
    inputs = {t["name"] for name in chosen for t in functions[name]["inputs"]}
    if unknown := [name for name in options.arrays if name not in inputs]:
        fail(f"--arg {unknown[0]}: expected one of the inputs {', '.join(sorted(inputs))}")
    with open(variants["separate"].module) as file:
        narrow = re.search(r"x(bf16|f16)>", file.read())
    tolerance = options.tolerance if options.tolerance is not None else NARROW_TOLERANCE if narrow else TOLERANCE

    right = True
    for name in chosen:
        function = Function(functions[name], options, lengths, work)
        right &= compare(function, variants, tolerance)
    return right


def main():
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # to be piped into head
    make_checkpoint.exit_on_stop_signals()
    options = options_of(sys.argv[1:])
    if options.work:
        shutil.rmtree(options.work, ignore_errors=True)
        os.makedirs(options.work)
        right = check(options, os.path.abspath(options.work))
    else:
        with tempfile.TemporaryDirectory(prefix="compare-ops-") as work:
            right = check(options, work)
    sys.exit(not right)


if __name__ == "__main__":
    main()
