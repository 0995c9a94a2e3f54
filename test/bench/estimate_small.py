#!/usr/bin/env python3
# ===- estimate_small.py - estimates against measurements on this CPU -----===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Compares `m1run estimate` with `m1run bench` for the small model on one core.

    estimate_small.py [--build-dir build] [--rounds 3] [--keep DIR]

Each round measures this CPU with cpu_rates.c, makes a machine's file of the rates of one
thread, and prints a line with the estimated and the measured time of a decoded token and
of a prefill of 512 tokens, and their ratio. Measured times are CPU times, so that other
programs on the machine disturb them less: those of 4 repetitions less that of one.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.append(os.path.join(ROOT, "tools"))
import make_checkpoint  # noqa: E402

PROMPT, NEW_TOKENS, CONTEXT = 512, 32, 32


def cpu_seconds(*command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [str(c) for c in command]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def output(*command):
    return subprocess.run([str(c) for c in command], check=True, stdout=subprocess.PIPE, text=True).stdout


def measured_machine(work):
    """A machine's file with what one thread of this CPU can do at most."""
    program = os.path.join(work, "cpu_rates")
    if not os.path.exists(program):
        source = os.path.join(ROOT, "test", "bench", "cpu_rates.c")
        subprocess.run(["clang-19", "-O3", "-march=native", source, "-o", program, "-lpthread"], check=True)
    rates = {}
    for line in output(program).splitlines():
        name, threads, _, rate, _ = line.split()
        if threads == "1":
            rates[name] = float(rate)
    flop = rates["flop"] / 1000
    bf16 = rates.get("bf16", rates["flop"]) / 1000
    machine = {
        "name": "one core",
        "source": "test/bench/cpu_rates.c",
        "memory_gib": 16,
        "memory_bandwidth_gb_per_s": rates["bytes"],
        "tflops": {"bf16": bf16, "f16": flop, "f32": flop},
        "units": 1,
        "launch_us": 0,
    }
    path = os.path.join(work, "machine.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(machine, file)
    return path, rates


def main():
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("--build-dir", default=os.path.join(ROOT, "build"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--keep", metavar="DIR", help="where to put checkpoint and plan, and to find them")
    options = parser.parse_args()
    m1c, m1run = (os.path.join(options.build_dir, "bin", tool) for tool in ("m1c", "m1run"))
    with tempfile.TemporaryDirectory() as folder:
        work = options.keep or folder
        os.makedirs(work, exist_ok=True)
        checkpoint, plan = os.path.join(work, "small"), os.path.join(work, "small.m1plan")
        if not os.path.exists(plan):
            config = make_checkpoint.load_config(os.path.join(ROOT, "test", "configs", "small.json"))
            make_checkpoint.write_checkpoint(config, checkpoint, 1, "bfloat16")
            bounds = ("--slots", 1, "--max-tokens", PROMPT, "--max-length", PROMPT + NEW_TOKENS)
            output(m1c, checkpoint, "-o", plan, *bounds)

        def bench(prompt, new_tokens):
            """The CPU time of one repetition."""
            command = (m1run, "bench", plan, "--weights", checkpoint, "--threads", 1)
            command += ("--prompt-len", prompt, "--new-tokens", new_tokens)
            return (cpu_seconds(*command, "--repeat", 4) - cpu_seconds(*command, "--repeat", 1)) / 3

        for number in range(options.rounds):
            machine, rates = measured_machine(work)
            text = output(
                *(m1run, "estimate", plan, "--machine", machine, "--json"),
                *("--decode", 1, "--context", CONTEXT // 2, "--prefill", PROMPT),
            )
            decode, prefill = (case["seconds"]["total"] for case in json.loads(text)["cases"])
            short = bench(1, 1)
            found_decode = (bench(1, 1 + NEW_TOKENS) - short) / NEW_TOKENS
            found_prefill = bench(PROMPT, 1)
            print(
                f"round {number + 1}:",
                ", ".join(f"{name} {rate:.1f} G/s" for name, rate in rates.items()),
                f"; decode {1e3 * decode:.2f} of {1e3 * found_decode:.2f} ms,",
                f"ratio {decode / found_decode:.2f}; prefill {1e3 * prefill:.0f} of",
                f"{1e3 * found_prefill:.0f} ms, ratio {prefill / found_prefill:.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
