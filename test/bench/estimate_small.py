#!/usr/bin/env python3
# ===- estimate_small.py - estimates against measurements on this CPU -----===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Compares `m1run estimate` with `m1run bench` on this machine.

    estimate_small.py [--threads 1] [--rounds 3] [--model test/configs/small.json]
                      [--build-dir build] [--keep DIR]

Each round measures this CPU with cpu_rates.c, makes a machine's file of the rates of
that many threads, runs `m1run bench`, and prints a line with the estimated and the
measured time of a decoded token and of a prefill of 512 tokens, and their ratio. Times
are wall times, the best of --repeat: the machine should be idle. With small.json, it
takes a minute and a half for one thread and three rounds.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.append(os.path.join(ROOT, "tools"))
import make_checkpoint  # noqa: E402


def output(*command):
    """What a command prints."""
    return subprocess.run([str(c) for c in command], check=True, stdout=subprocess.PIPE, text=True).stdout


def measured_machine(work, threads):
    """A machine's file with what `threads` threads of this CPU can do at most, and the rates in G/s."""
    program = os.path.join(work, "cpu_rates")
    if not os.path.exists(program):
        source = os.path.join(ROOT, "test", "bench", "cpu_rates.c")
        subprocess.run(["clang-19", "-O3", "-march=native", source, "-o", program, "-lpthread"], check=True)
    rates, alone = {}, {}
    for line in output(program).splitlines():
        name, number, _, rate, _ = line.split()
        if number == "1":
            alone[name] = float(rate)
        if number == str(threads):
            rates[name] = float(rate)
    flop = rates["flop"] / 1000
    machine = {
        "name": f"{threads} threads",
        "source": "test/bench/cpu_rates.c",
        "ranks_per_node": 1,
        "memory_gib": 16,
        "memory_bandwidth_gb_per_s": rates["bytes"],
        "tflops": {"bf16": rates.get("bf16", rates["flop"]) / 1000, "f16": flop, "f32": flop},
        "units": threads,
        "unit_bandwidth_gb_per_s": alone["bytes"],
        "launch_us": 0,
    }
    path = os.path.join(work, "machine.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(machine, file)
    return path, rates


def compiled(options, work):
    """The checkpoint and the plan, made unless they are there."""
    checkpoint, plan = os.path.join(work, "model"), os.path.join(work, "model.m1plan")
    if not os.path.exists(plan):
        config = make_checkpoint.load_config(options.model)
        make_checkpoint.write_checkpoint(config, checkpoint, 1, "bfloat16")
        length = options.prompt + options.new_tokens
        bounds = ("--slots", 1, "--max-tokens", options.prompt, "--max-length", length)
        output(os.path.join(options.build_dir, "bin", "m1c"), checkpoint, "-o", plan, *bounds)
    return checkpoint, plan


def estimated(options, plan, machine):
    """Seconds of a decoded token, half-way through those that the bench decodes, and of the prefill."""
    context = options.prompt + options.new_tokens // 2
    found = output(
        *(os.path.join(options.build_dir, "bin", "m1run"), "estimate", plan, "--machine", machine, "--json"),
        *("--decode", 1, "--context", context, "--prefill", options.prompt),
    )
    decode, prefill = (case["seconds"]["total"] for case in json.loads(found)["cases"])
    return decode, prefill


def measured(options, checkpoint, plan):
    """The same, measured."""
    found = output(
        *(os.path.join(options.build_dir, "bin", "m1run"), "bench", plan, "--weights", checkpoint, "--json"),
        *("--threads", options.threads, "--repeat", options.repeat),
        *("--prompt-len", options.prompt, "--new-tokens", options.new_tokens),
    )
    found = json.loads(found)
    return found["decode_seconds"] / options.new_tokens, found["prefill_seconds"]


def main():
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("--build-dir", default=os.path.join(ROOT, "build"))
    parser.add_argument("--model", default=os.path.join(ROOT, "test", "configs", "small.json"), metavar="CONFIG.json")
    parser.add_argument("--threads", type=int, choices=(1, 2), default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--repeat", type=int, default=5, help="of the bench, of which the fastest counts")
    parser.add_argument("--prompt", type=int, default=512, help="tokens of the prefill")
    parser.add_argument("--new-tokens", type=int, default=32, help="decoded tokens")
    parser.add_argument("--keep", metavar="DIR", help="where to put checkpoint and plan, and to find them")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = options.keep or folder
        os.makedirs(work, exist_ok=True)
        checkpoint, plan = compiled(options, work)
        for number in range(options.rounds):
            machine, rates = measured_machine(work, options.threads)
            decode, prefill = estimated(options, plan, machine)
            found_decode, found_prefill = measured(options, checkpoint, plan)
            print(
                f"round {number + 1}: " + ", ".join(f"{name} {rate:.1f} G/s" for name, rate in rates.items()),
                f"decode {1e3 * decode:.3g} of {1e3 * found_decode:.3g} ms, ratio {decode / found_decode:.2f}",
                f"prefill {1e3 * prefill:.3g} of {1e3 * found_prefill:.3g} ms, ratio {prefill / found_prefill:.2f}",
                sep="; ",
                flush=True,
            )


if __name__ == "__main__":
    main()
