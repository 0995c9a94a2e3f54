# ===- gpu_check.py - a small pack, run on the emulated GPU -----------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""gpu_check.py WORK_DIR

Packs a few cases of each kind with tools/gpu-check.sh and runs them; then breaks
the pack in ways that users may meet.
"""

import json
import os
import shutil
import subprocess
import sys
import time

import numpy as np

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..")
BUILD = os.path.dirname(os.path.dirname(shutil.which("m1run")))
ONLY = ("kernels/select_last/select_last_60", "kernels/linear/linear_64x161*/[015]", "golden/m1-one-layer", "bfloat16/m1-shared", "invariance/m1-heads3-float32/pieces of 64", "bench/tiny/1x16")

os.environ["PYTHON"] = sys.executable
# Hides a GPU, if there is one.
os.environ["CUDA_VISIBLE_DEVICES"] = ""


def headline(text):
    print(f"== {text}", flush=True)


def run(*command):
    """Prints a program's output, of both streams, and its exit code."""
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    print(result.stdout, end="")
    print(f"exit code {result.returncode}", flush=True)


def pack(directory, *options):
    run("bash", os.path.join(ROOT, "tools", "gpu-check.sh"), "pack", directory, "--build-dir", BUILD, *options)


def check(*options):
    run(sys.executable, "moved/gpu-check", *options)


def replace_runner(script):
    """Replaces the packed m1run by a script, which finds the original as m1run.real."""
    if not os.path.exists("moved/m1run.real"):
        os.rename("moved/m1run", "moved/m1run.real")
    with open("moved/m1run", "w") as file:
        file.write(f"#!/bin/bash\nreal=${{BASH_SOURCE[0]}}.real\n{script}\n")
    os.chmod("moved/m1run", 0o755)


def interrupt():
    """Terminates a run after five cases; the sixth takes a minute. (SIGINT may be ignored where a test runs.)"""
    command = [sys.executable, "moved/gpu-check", "--device", "ptx", "--only", "select_last", "--jobs", "1", "--json", "interrupted.json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    lines = [process.stdout.readline() for _ in range(6)]
    start = time.monotonic()
    process.terminate()
    print("".join(lines) + process.stdout.read(), end="")
    print(f"exit code {process.wait()}, {'at once' if time.monotonic() - start < 20 else 'late'}", flush=True)


def main():
    work = sys.argv[1]
    shutil.rmtree(work, ignore_errors=True)
    os.makedirs(work)
    os.chdir(work)

    headline("pack")
    pack("pack", *(option for pattern in ONLY for option in ("--only", pattern)))
    os.rename("pack", "moved")

    headline("list")
    check("--list", "--device", "ptx")
    headline("emulator")
    check("--device", "ptx", "--no-bench", "--json", "result.json")
    with open("result.json") as file:
        result = json.load(file)
    print("json:", result["passed"], result["device"], result["architecture"], len(result["cases"]), result["bench"], sorted(result["machine"]))
    print("json:", result["cases"][0])
    headline("bench")
    check("--device", "ptx", "--only", "bench", "--json", "bench.json")
    with open("bench.json") as file:
        (bench,) = json.load(file)["bench"]
    print("json:", bench["name"], bench["passed"], bench["device"], bench["decode_tokens_per_second"] > 0)

    headline("damaged")
    for number in ("000", "001"):
        shutil.copy(f"moved/kernels/select_last/{number}.npz", f"kept-{number}.npz")
    with np.load("kept-000.npz") as data:
        arrays = dict(data)
    (name,) = (n for n in arrays if n.startswith("result."))
    arrays[name].flat[3] += 1
    np.savez("moved/kernels/select_last/000.npz", **arrays)
    os.truncate("moved/kernels/select_last/001.npz", 100)
    check("--device", "ptx", "--only", "select_last", "--json", "damaged.json")
    with open("damaged.json") as file:
        result = json.load(file)
    print("json:", result["passed"], [(c["name"], c["error"] is None) for c in result["cases"] if not c["passed"]])
    for number in ("000", "001"):
        shutil.move(f"kept-{number}.npz", f"moved/kernels/select_last/{number}.npz")

    headline("no GPU")
    check("--json", "none.json")
    print(os.path.exists("none.json"), [name for name in os.listdir() if name.endswith(".tmp")])

    # The emulator stands in for a GPU.
    headline("compare")
    replace_runner('exec "$real" "${@/#cuda/ptx}"')
    check("--compare-emulator", "--only", "linear", "--json", "compare.json")
    with open("compare.json") as file:
        print("json:", json.load(file)["comparison"])
    headline("compare, bits differ")
    replace_runner('[[ $* != *"--device cuda"*"--entry linear_64x161_bf16"* ]] || set -- "${@/*\\/weights/none}"; exec "$real" "${@/#cuda/ptx}"')
    check("--compare-emulator", "--only", "linear")

    headline("crash and no end")
    replace_runner('[[ $* != *"--entry select_last_60_f32"* ]] || kill -SEGV $$; [[ $* != *"--entry select_last_60_bf16"* ]] || exec sleep 60; exec "$real" "$@"')
    check("--device", "ptx", "--only", "kernels", "--timeout", "2")
    headline("interrupt")
    replace_runner('[[ $* != *"--entry select_last_60_bf16"* ]] || exec sleep 60; exec "$real" "$@"')
    interrupt()
    with open("interrupted.json") as file:
        result = json.load(file)
    print("json:", result["passed"], result["interrupted"], len(result["cases"]))

    headline("refused")
    check("--compare-emulator", "--device", "ptx")
    check("--device", "tpu")
    check("--only", "nothing")
    check("--json", "no/such/folder.json")
    os.environ["PYTHONPATH"] = ""
    run(sys.executable, "-S", "moved/gpu-check")  # without installed packages
    pack("large", "--only", "golden/m1-one-layer", "--max-size", "1")
    pack("empty", "--only", "nothing")
    os.mkdir("other")
    pack("other")
    pack("unbuilt", "--build-dir", "other")
    print(sorted(os.listdir()))


main()
