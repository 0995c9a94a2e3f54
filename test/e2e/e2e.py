# ===- e2e.py - what the end-to-end tests share ----------------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Runs the tools of the project on checkpoints made on the spot."""

import os
import shutil
import subprocess
import sys

import numpy as np

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(ROOT, "tools"))
import make_checkpoint  # noqa: E402

# This CPU, emulated AMX and an emulated GPU: what m1c is told, and the program
# that runs the plan.
UNITS = {
    "cpu": ((), ("m1run",)),
    "amx": (("--target-cpu", "x86-64-v3+amx"), ("m1run-amx",)),
    "ptx": (("--target", "cuda:sm_80"), ("m1run", "--device", "ptx")),
}


def run(*command):
    """Runs a tool that is found in PATH; its errors end the test."""
    result = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if result.returncode:
        sys.exit(f"{' '.join(map(str, command))}\nexit code {result.returncode}\n{result.stdout}{result.stderr}")
    return result.stdout


def fresh(path):
    shutil.rmtree(path, ignore_errors=True)
    os.makedirs(path)
    return path


def write_tokens(directory, sequences):
    """Writes each sequence to a .npy file; the list of files as --tokens takes it."""
    os.makedirs(directory, exist_ok=True)
    paths = [os.path.join(directory, f"{i}.npy") for i in range(len(sequences))]
    for path, tokens in zip(paths, sequences):
        np.save(path, np.asarray(tokens, np.int64))
    return ",".join(paths)


def read(directory, kind, count):
    """kind.0.npy, kind.1.npy, ... of a run's --out-dir."""
    return [np.load(os.path.join(directory, f"{kind}.{i}.npy")) for i in range(count)]


def log_softmax(logits):
    shifted = logits.astype(np.float64) - logits.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
