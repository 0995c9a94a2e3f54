# ===- kernel_results.py - results of kernels and their errors -------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Calls functions of a plan or a module with arrays, and measures errors of results."""

import os

import e2e
import numpy as np

# Bounds of the relative error in norm of results whose elements are each rounded
# once; the interpreter does not round. With fewer than FEW elements, the rounding
# errors of a narrow type average out less: twice the bound.
TOLERANCE = {"f32": 1e-5, "bf16": 2e-3, "f16": 3e-4, "f64": 1e-15}
FEW = 256


def write_arguments(arguments, work):
    """Writes arrays into a directory; the options that give them to m1run and m1-interpret."""
    os.makedirs(work, exist_ok=True)
    options = []
    for i, argument in enumerate(arguments):
        options += ["--arg", os.path.join(work, f"argument{i}.npy")]
        np.save(options[-1], argument)
    return options


def call(command, entry, given, out):
    """Runs a function with the argument options `given`; returns its results as arrays by name."""
    e2e.run(*command, "--entry", entry, *given, "--out-dir", e2e.fresh(out))
    return {os.path.splitext(file)[0]: np.load(os.path.join(out, file)) for file in sorted(os.listdir(out))}


def ranks_command(plan, device, weights, entry, given, out):
    """The command that calls a function on all ranks of a plan. Each reads the arguments in the folder `given`."""
    return "m1-rank-threads", "call", plan, weights, device, entry, given, out


def call_on_ranks(command, arguments):
    """Runs a `ranks_command`; returns the function's results, which must have the same bits on all ranks."""
    *_, given, out = command
    e2e.fresh(out)
    for number, argument in enumerate(arguments):
        np.save(os.path.join(given, f"arg{number}.npy"), argument)
    e2e.run(*command)
    results = {}
    for file in sorted(os.listdir(out)):
        name, rank, _ = file.rsplit(".", 2)
        array = np.load(os.path.join(out, file))
        if array.tobytes() != results.setdefault(name, array).tobytes():
            raise e2e.ToolError(f"{name} of rank {rank} differs")
    return results


def difference(found, expected, tolerance):
    """Compares a call's results. Returns error, tolerance and problem (or None) of the result that is worst relative to its
    tolerance. The error of integers is how many differ, that of other types is relative in norm. `tolerance` is one
    number for all results, or one for each, in the order of their names."""
    if found.keys() != expected.keys():
        return np.inf, 0, f"results {', '.join(found)}, expected {', '.join(expected)}"
    tolerances = tolerance if isinstance(tolerance, (tuple, list)) else [tolerance] * len(expected)
    each = []
    for name, tolerance in zip(sorted(expected), tolerances, strict=True):
        error, allowed, problem = distance(found[name], expected[name], tolerance)
        each.append((problem is not None, error / allowed if allowed else error, error, allowed, problem and f"{name}: {problem}"))
    return max(each, key=lambda e: e[:2])[2:]


def distance(found, expected, tolerance):
    """The same for one result."""
    if found.shape != expected.shape:
        return np.inf, 0, f"shape {found.shape}, expected {expected.shape}"
    if found.dtype.kind == "V":
        return np.inf, 0, f"element type {found.dtype}"
    if found.dtype.kind == "i":
        wrong = np.argwhere(found != expected)
        return len(wrong), 0, f"{len(wrong)} of {found.size} differ, the first at {wrong[0]}" if len(wrong) else None
    if found.size < FEW and tolerance > TOLERANCE["f32"]:
        tolerance *= 2
    expected = expected.astype(np.float64)
    error, norm = np.linalg.norm(found - expected), np.linalg.norm(expected)
    relative = error / max(norm, 1e-300)
    # not >, so that a NaN fails
    return relative, tolerance, None if error <= tolerance * norm else f"relative error {relative:.1e}, expected at most {tolerance:.1e}"
