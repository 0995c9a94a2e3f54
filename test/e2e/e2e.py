# ===- e2e.py - shared by the end-to-end tests -----------------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Runs the project's tools on checkpoints made for the test."""

import os
import shutil
import subprocess
import sys

import numpy as np

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path += [os.path.join(ROOT, "tools"), os.path.join(ROOT, "test")]
import cpu_features  # noqa: E402
import make_checkpoint  # noqa: E402

# Units that run plans: this CPU, its AVX512_BF16, AVX-512 (emulated if this CPU has none), emulated AMX, both, and an
# emulated GPU. For each, the options of m1c, and the program that runs the plan with its options.
ON_AVX512 = "" if cpu_features.AVX512 else "-bochs"
UNITS = {
    "cpu": ((), ("m1run",)),
    "avx512bf16": (("--target-cpu", "x86-64-v4+avx512bf16"), ("m1run",)),
    "avx512": (("--target-cpu", "x86-64-v4"), ("m1run" + ON_AVX512,)),
    "amx": (("--target-cpu", "x86-64-v3+amx"), ("m1run-amx",)),
    "avx512-amx": (("--target-cpu", "x86-64-v4+amx"), ("m1run-amx" + ON_AVX512,)),
    "ptx": (("--target", "cuda:sm_80"), ("m1run", "--device", "ptx")),
}


def mpirun(count, grace=None):
    """The command that starts `count` ranks on this machine, however few processors it has; also as root and in containers.

    After a stop signal mpirun kills ranks that are still there after `grace` seconds, by default one. With `grace`, mpirun
    takes as long to end, whatever happens.
    """
    options = "--oversubscribe --allow-run-as-root --bind-to none --mca btl self,vader --mca btl_vader_single_copy_mechanism none"
    if grace is not None:
        options += f" --mca odls_base_sigkill_timeout {grace}"
    return ("mpirun", "-n", str(count), *options.split())


# The running processes of run(), and its time limit in seconds (None: no limit).
RUNNING = set()
TIME_LIMIT = None


class ToolError(SystemExit):
    """A tool failed: its command, exit code and output. Ends a script that does not catch it."""


def run(*command):
    """Runs a tool from PATH; its standard output."""
    command = [str(c) for c in command]
    try:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace")
    except OSError as error:
        raise ToolError(f"{command[0]}: {error.strerror}")
    RUNNING.add(process)
    try:
        output, errors = process.communicate(timeout=TIME_LIMIT)
        status = f"exit code {process.returncode}"
    except subprocess.TimeoutExpired:
        process.kill()
        output, errors = process.communicate()
        status = f"not finished after {TIME_LIMIT} s"
    finally:
        RUNNING.discard(process)
    if process.returncode:
        raise ToolError(f"{' '.join(command)}\n{status}\n{output}{errors}")
    return output


def fresh(path):
    shutil.rmtree(path, ignore_errors=True)
    os.makedirs(path)
    return path


def write_tokens(directory, sequences):
    """Writes each sequence to a .npy file; the list of files for --tokens."""
    os.makedirs(directory, exist_ok=True)
    paths = [os.path.join(directory, f"{i}.npy") for i in range(len(sequences))]
    for path, tokens in zip(paths, sequences):
        np.save(path, np.asarray(tokens, np.int64))
    return ",".join(paths)


def read(directory, kind, count):
    """The arrays kind.0.npy, kind.1.npy, ... in a run's --out-dir."""
    return [np.load(os.path.join(directory, f"{kind}.{i}.npy")) for i in range(count)]


def log_softmax(logits):
    shifted = logits.astype(np.float64) - logits.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
