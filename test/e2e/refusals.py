# ===- refusals.py - commands that must fail, or succeed -----------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""What the checks of bad_input.py share. The last two arguments of the command line are
the configuration of a model and the directory to work in, which is made anew."""

import os
import re
import resource
import shutil
import subprocess
import sys

import e2e
import numpy as np

config_file, work = sys.argv[-2:]
OUT = os.path.join(work, "out")
cases, failures = 0, 0
e2e.fresh(work)


def count(problem):
    """Counts a case, and prints its problem if there is one."""
    global cases, failures
    cases += 1
    if problem:
        failures += 1
        print(problem)


def listing():
    return sorted(os.path.join(d, f) for d, _, files in os.walk(work) for f in files)


def run(*command, **options):
    return subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def refused(fragments, *command, **options):
    """Runs a command that must fail with one line that contains all fragments."""
    before = listing()
    result = run(*command, **options)
    problems = [f"no '{f}' in the error" for f in fragments if f not in result.stderr]
    if result.returncode != 1:
        problems.append(f"exit code {result.returncode}, expected 1")
    if result.stderr.count("\n") != 1 or not re.match(rf"{re.escape(command[0])}: |[^:]+\.mlir:\d+:\d+: error: ", result.stderr):
        problems.append("expected one line that begins with the tool's name or a place in a graph")
    if result.stdout:
        problems.append(f"on standard output: {result.stdout[:200]!r}")
    if added := sorted(set(listing()) ^ set(before)):
        problems.append(f"files written or lost: {added}")
    shutil.rmtree(OUT, ignore_errors=True)
    count(problems and f"{' '.join(map(str, command))}\n  {result.stderr!r}\n  " + "\n  ".join(problems))


def accepted(*command, note=None, **options):
    """Runs a command that must succeed; with a note, this line alone must be on standard error."""
    result = run(*command, **options)
    said = note is None or (result.stderr.startswith(note) and result.stderr.count("\n") == bool(note))
    problem = f"{' '.join(map(str, command))}\n  exit code {result.returncode}: {result.stderr!r}, expected {note!r}"
    count(problem if result.returncode or not said else None)
    return result.stdout


def checkpoint():
    """Makes a small checkpoint; its directory, and the path of its only weights file."""
    folder = os.path.join(work, "checkpoint")
    e2e.make_checkpoint.write_checkpoint(e2e.make_checkpoint.load_config(config_file), folder, 1)
    return folder, os.path.join(folder, "model.safetensors")


def compile_model(folder, *options):
    plan = os.path.join(work, "model.m1plan")
    e2e.run("m1c", folder, "-o", plan, *options)
    return plan


def prompt(name, tokens, dtype=np.int64):
    path = os.path.join(work, f"{name}.npy")
    np.save(path, np.asarray(tokens, dtype))
    return path


def memory(limit):
    """For preexec_fn: limits the process's address space, in bytes."""
    return lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def score(plan, weights, tokens):
    return "m1run", "score", plan, "--weights", weights, "--tokens", tokens, "--out-dir", OUT
