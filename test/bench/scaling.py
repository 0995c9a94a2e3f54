#!/usr/bin/env python3
# ===- scaling.py - what the published model costs on many ranks ----------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Prints the tables of docs/scaling.md: MiniMax-M1 on meshes of ranks.

    scaling.py [--build-dir build] [--keep DIR] [MESH@MACHINE...]

For each mesh and machine of tools/machines it compiles the published model, without
weights, and prints what `m1run estimate` says: the memory of a rank by kind, and the
time of decoding and of prefill, with what binds and how it changes with less bandwidth
and with more latency. --keep keeps plans, and uses those that are there.
"""

import argparse
import json
import os
import resource
import subprocess
import tempfile

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
DEFAULT = ["tensor=8@8xH200", "data=64,tensor=8@64x8xH800"]
BOUNDS = ["--max-tokens", "4096", "--slots", "256", "--max-length", "1048576"]
CHANGES = {
    "memory −30 %": "memory_bandwidth=0.7",
    "links −30 %": "link_bandwidth=0.7",
    "latency ×2": "latency=2",
}
GIB = 2**30


def context(tokens):
    return {1024: "1 K", 102400: "100 K", 1048576: "1 M"}[tokens]


def duration(seconds):
    if seconds == 0:
        return "0"
    for unit, scale in (("s", 1), ("ms", 1e3), ("µs", 1e6)):
        if seconds * scale >= 1 or unit == "µs":
            return f"{seconds * scale:.3g} {unit}"


def table(head, rows):
    print("| " + " | ".join(head) + " |")
    print("| " + " | ".join("---" for _ in head) + " |")
    for row in rows:
        print("| " + " | ".join(map(str, row)) + " |")
    print()


def compile_plan(options, mesh):
    """The plan's path. Says how long the compiler took."""
    path = os.path.join(options.keep, mesh.replace("=", "").replace(",", "-") + ".m1plan")
    if os.path.exists(path):
        return path
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    model = os.path.join(ROOT, "test", "data", "minimax-m1")
    subprocess.run(
        [os.path.join(options.build_dir, "bin", "m1c"), model, "-o", path]
        + ["--mesh", mesh, "--target", "cuda:sm_90a", *BOUNDS],
        check=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"Compiled in {seconds:.1f} s of CPU time.\n")
    return path


def estimate(options, plan, machine, *more):
    m1run = os.path.join(options.build_dir, "bin", "m1run")
    command = [m1run, "estimate", plan, "--machine", machine, "--json", *more]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def print_memory(memory):
    """By kind; states of one sequence at the bound of its length."""

    def parts(name, kinds, digits):
        most_first = sorted(kinds.items(), key=lambda item: -item[1])
        yield [name, f"{sum(kinds.values()) / GIB:.{digits}f}"]
        yield from ([f"· {kind}", f"{n / GIB:.3f}"] for kind, n in most_first)

    states = {kind: n / memory["slots"] for kind, n in memory["states"].items()}
    rows = [*parts("weights", memory["weights"], 2), *parts("states of a sequence of 1 M tokens", states, 3)]
    rows += [["activations, 4096 tokens in a call", f"{memory['activations'] / GIB:.3f}"]]
    table(["memory of a rank", "GiB"], rows)


def name(case):
    if case["tokens"] > 1:
        return ["prefill of", f"{case['tokens']}"]
    return [case["sequences"], context(case["context"] + 1)]


def print_times(found, changed):
    head = ["sequences", "context", "TFLOP", "GB", "MB sent", "messages"]
    head += ["launching", "compute", "memory", "exchanges", "total", "GiB", "binds", *changed]
    rows = []
    for number, case in enumerate(found["cases"]):
        seconds = case["seconds"]
        row = name(case)
        row += [f"{sum(case['operations'].values()) / 1e12:.3g}", f"{sum(case['bytes'].values()) / 1e9:.4g}"]
        row += [f"{case['message_bytes'] / 1e6:.4g}", case["messages"]]
        row += [duration(seconds[part]) for part in ("launches", "compute", "memory", "exchanges", "total")]
        row += [f"{case['memory_bytes'] / GIB:.0f}" + ("" if case["fits"] else " !"), case["bound"]]
        for other in changed.values():
            then = other["cases"][number]["seconds"]["total"]
            row.append(f"+{100 * (then / seconds['total'] - 1):.0f} %")
        rows.append(row)
    table(head, rows)


def main():
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("--build-dir", default=os.path.join(ROOT, "build"))
    parser.add_argument("--keep", metavar="DIR")
    parser.add_argument("cases", nargs="*", default=DEFAULT, metavar="MESH@MACHINE")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        options.keep = options.keep or folder
        os.makedirs(options.keep, exist_ok=True)
        for case in options.cases:
            mesh, machine = case.split("@")
            print(f"### --mesh {mesh}, --machine {machine}\n", flush=True)
            plan = compile_plan(options, mesh)
            found = estimate(options, plan, machine)
            print_memory(found["memory"])
            changed = {n: estimate(options, plan, machine, "--scale", s) for n, s in CHANGES.items()}
            print_times(found, changed)


if __name__ == "__main__":
    main()
