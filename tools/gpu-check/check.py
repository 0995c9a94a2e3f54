#!/usr/bin/env python3
# ===- check.py - runs a packed check ---------------------------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Checks m1run and the kernels in this directory on a GPU:

  kernels     every op in many shapes, against the reference interpreter
  golden      float32 models: logits and greedy tokens, against golden data
  bfloat16    bf16 models, as near the interpreter as on the CPU
  invariance  the same bits alone and batched, in pieces, decoded and scored
  training    gradients as on the CPU; no mismatch between rollout and training; the
              same bits for micro-batches of any size
  bench       tokens per second in prefill and decoding

Prints a line for each case (on a terminal a bar, and a line for each that fails), then
a table. The exit code is 1 if any case fails. A case that crashes or hangs fails with
the command that it ran.
"""

import argparse
import concurrent.futures
import json
import math
import os
import platform
import queue
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(ROOT, "lib"))
try:
    import numpy as np
except ImportError:
    sys.exit(f"gpu-check: error: {sys.executable} has no numpy; install it, or run this file with a python3 that has it")
import cases  # noqa: E402
import e2e  # noqa: E402

EMULATOR = "ptx"


def options_of(arguments):
    parser = argparse.ArgumentParser(prog="gpu-check", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    device = "cuda (default), cuda:N, or ptx, a GPU emulated on this CPU: slow, and its speed says nothing"
    parser.add_argument("--device", default="cuda", help=device)
    only = "only cases whose names contain PATTERN (* and ? as in file names); may be given several times"
    parser.add_argument("--only", metavar="PATTERN", action="append", help=only)
    parser.add_argument("--no-bench", action="store_true", help="leave the benches out")
    parser.add_argument("--compare-emulator", action="store_true", help="compare the GPU's kernels with the emulator's instead, bit by bit")
    parser.add_argument("--list", action="store_true", help="print the names of the cases and run none")
    parser.add_argument("--json", metavar="FILE", help="also write the machine, every case and every figure into FILE")
    parser.add_argument("--jobs", type=int, metavar="N", help="cases at once, apart from benches (default: the processors, 8 at most)")
    parser.add_argument("--timeout", type=float, default=300, metavar="SECONDS", help="for each run of m1run (default 300)")
    work = "keep all inputs and outputs of runs in DIR, so that a command can be repeated"
    parser.add_argument("--work", metavar="DIR", help=work)
    options = parser.parse_args(arguments)
    if not re.fullmatch(r"cuda(:\d+)?|ptx", options.device):
        parser.error(f"--device {options.device}: expected cuda, cuda:N or ptx")
    if options.compare_emulator and options.device == EMULATOR:
        parser.error("--compare-emulator compares a GPU with the emulator; --device ptx is the emulator itself")
    if options.jobs is not None and options.jobs < 1:
        parser.error(f"--jobs {options.jobs}: expected 1 or more")
    options.jobs = options.jobs or min(os.cpu_count() or 1, 8)
    return options


def fail(message):
    sys.exit(f"gpu-check: error: {message}")


# ===----------------------------------------------------------------------===//
# Running
# ===----------------------------------------------------------------------===//


class Result:
    def __init__(self, case, outcome, seconds):
        self.case, self.outcome, self.seconds = case, outcome, seconds
        self.passed = outcome.problem is None

    def json(self):
        finite = {k: v if math.isfinite(v) else None for k, v in (("error", float(self.outcome.error)), ("allowed", float(self.outcome.allowed)))}
        more = {"problem": self.outcome.problem} if self.outcome.problem else {}
        return {"name": self.case.name, "detail": self.case.detail, "passed": self.passed, **finite, "seconds": round(self.seconds, 3), **more}


def run_case(case):
    start = time.monotonic()
    try:
        outcome = case.run()
    except (SystemExit, Exception) as error:  # the other cases continue in any case
        outcome = cases.Outcome(problem=str(error).strip() if isinstance(error, SystemExit) else f"{type(error).__name__}: {error}")
    return Result(case, outcome, time.monotonic() - start)


def run_groups(groups, jobs):
    """Yields results as they come; an interrupt ends running cases."""
    results, stopped = queue.SimpleQueue(), threading.Event()

    def run_group(group):
        for case in group:
            if not stopped.is_set():
                results.put(run_case(case))

    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        futures = []
        try:
            for group in groups:
                futures.append(pool.submit(run_group, group))
            for _ in range(sum(map(len, groups))):
                yield results.get()
        finally:
            stopped.set()
            pool.shutdown(wait=False, cancel_futures=True)
            while not all(future.done() for future in futures):
                for process in list(e2e.RUNNING):
                    process.kill()
                time.sleep(0.05)  # a case may be about to start another one


class Progress:
    """Prints a line for each result; on a terminal a bar, and lines for failures."""

    def __init__(self, total):
        self.total, self.done, self.failed = total, 0, 0
        self.bar = sys.stdout.isatty()

    def add(self, result):
        self.done += 1
        self.failed += not result.passed
        if self.bar:
            print("\r\033[K", end="")
        if not self.bar or not result.passed:
            print(line(result), flush=True)
        if self.bar:
            width = 30 * self.done // self.total
            print(f"[{'#' * width:30}] {self.done} of {self.total}, {self.failed} failed  {result.case.name}", end="", flush=True)

    def end(self):
        if self.bar:
            print("\r\033[K", end="", flush=True)


# ===----------------------------------------------------------------------===//
# Reporting
# ===----------------------------------------------------------------------===//


def number(value):
    if not math.isfinite(value):
        return "-"
    return f"{value:.0f}" if value == int(value) else f"{value:.1e}" if value < 1e-2 else f"{value:.4f}"


def figures_text(figures):
    return f"prefill {figures['prefill_tokens_per_second']:.1f} tokens/s, decode {figures['decode_tokens_per_second']:.1f} tokens/s"


def line(result):
    name, detail, outcome = result.case.name, result.case.detail, result.outcome
    if not result.passed:
        return f"FAIL {name} ({detail}): {outcome.problem}"
    if outcome.figures:
        return f"pass {name} ({detail}): {figures_text(outcome.figures)}"
    allowed = "" if math.isinf(outcome.allowed) else f" of {number(outcome.allowed)}"
    return f"pass {name} ({detail}): {number(outcome.error)}{allowed}, {result.seconds:.1f} s"


def nearness(result):
    """Orders results by how near they are to the tolerance; failures come last."""
    error, allowed = result.outcome.error, result.outcome.allowed
    return not result.passed, error / allowed if allowed and math.isfinite(error) else error


def print_table(results):
    """One row per op, or per model."""
    rows = {}
    for result in results:
        name = result.case.name
        rows.setdefault("/".join(name.split("/")[:2]) if name.startswith(("kernels/", "invariance/")) else name, []).append(result)
    wide = max(map(len, rows), default=0)
    print(f"\n{'case':{wide}} {'cases':>6} {'worst error':>12} {'allowed':>9}")
    for name, group in rows.items():
        worst, failed = max(group, key=nearness), sum(not r.passed for r in group)
        verdict = f"{failed} FAIL" if failed else "pass"
        print(f"{name:{wide}} {len(group):6} {number(worst.outcome.error):>12} {number(worst.outcome.allowed):>9}  {verdict}")


def print_benches(results):
    wide = max(len(r.case.name) for r in results)
    print(f"\n{'bench':{wide}} {'prefill, tokens/s':>18} {'decode, tokens/s':>18}")
    for result in results:
        figures = result.outcome.figures
        cells = [f"{figures[f'{k}_tokens_per_second']:18.1f}" for k in ("prefill", "decode")] if figures else [f"{'FAIL':>18}"]
        print(f"{result.case.name:{wide}} {' '.join(cells)}")


def machine():
    """A description of this machine."""
    query = ["nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"]
    try:
        gpus = subprocess.run(query, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, timeout=30, check=True).stdout.splitlines()
    except (OSError, subprocess.SubprocessError):
        gpus = []
    processor = platform.processor()
    try:
        with open("/proc/cpuinfo") as file:
            processor = next((l.split(":", 1)[1].strip() for l in file if l.startswith("model name")), processor)
    except OSError:
        pass
    keys = "name", "driver", "memory"
    return {
        "gpus": [dict(zip(keys, (cell.strip() for cell in gpu.split(",")))) for gpu in gpus],
        "processor": processor,
        "processors": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "time": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
    }


class JsonFile:
    """A file that appears complete or not at all. Fails before anything runs if it cannot be written."""

    def __init__(self, path):
        self.path, self.aside = path, f"{path}.{os.getpid()}.tmp"
        try:
            self.file = open(self.aside, "x")
        except OSError as error:
            fail(f"--json {path}: {error.strerror}")

    def write(self, value):
        with self.file:
            json.dump(value, self.file, indent=1, allow_nan=False)
            self.file.write("\n")
        os.replace(self.aside, self.path)

    def discard(self):
        self.file.close()
        if os.path.exists(self.aside):
            os.remove(self.aside)


# ===----------------------------------------------------------------------===//


def against_emulator(pack, op, name):
    """A kernel's case as a comparison of two devices."""
    case = pack.kernel(op, name)
    return cases.Case(case.name, case.detail, lambda: pack.compare_kernel(op, name, EMULATOR))


def chosen(pack, options):
    """Groups of cases, and benches, that the options ask for."""
    if options.compare_emulator:
        groups = [[against_emulator(pack, op, case)] for op, kernel in pack.contents["kernels"].items() for case in kernel["cases"]]
        benches = []
    else:
        groups, benches = list(pack.groups()), [] if options.no_bench else list(pack.benches())
    groups = [[c for c in group if cases.selected(c.name, options.only)] for group in groups]
    benches = [c for c in benches if cases.selected(c.name, options.only)]
    return [group for group in groups if group], benches


def report_comparison(results, device):
    compared = [r for r in results if r.passed]
    differing = [r for r in compared if r.outcome.error]
    print(f"\n{len(compared)} cases on {device} and {EMULATOR}: {len(compared) - len(differing)} agree bit for bit, {len(differing)} differ")
    if differing:
        worst = max(differing, key=lambda r: r.outcome.error)
        print(f"largest difference {number(worst.outcome.error)} (relative in norm; of integers, how many): {worst.case.name} ({worst.case.detail})")
    return {"device": device, "cases": len(compared), "equal": len(compared) - len(differing)}


def check(pack, options, json_file):
    groups, benches = chosen(pack, options)
    if not groups and not benches:
        fail(f"no case is called {' or '.join(options.only)}; --list prints their names" if options.only else "there is no case to run")
    try:
        pack.probe()
    except e2e.ToolError as error:
        # m1run's own error if there is one; otherwise the command and its exit code.
        last = str(error).strip().splitlines()[-1]
        sys.exit(last if last.startswith("m1run: error: ") else f"gpu-check: error: {error}")
    describe = machine()
    header = pack.contents["commit"], pack.contents["architecture"]
    gpus = ", ".join(f"{g['name']} (driver {g['driver']})" for g in describe["gpus"]) or "no nvidia-smi"
    print(f"commit {header[0]}, compiled for {header[1]}; --device {options.device}; {gpus}", flush=True)

    progress, results, measured, interrupted = Progress(sum(map(len, groups)) + len(benches)), [], [], False
    start = time.monotonic()
    try:
        for result in run_groups(groups, options.jobs):
            results.append(result)
            progress.add(result)
        for result in run_groups([benches], 1):
            measured.append(result)
            progress.add(result)
    except KeyboardInterrupt:
        interrupted = True
    progress.end()

    order = {case.name: i for i, case in enumerate(case for group in groups for case in group)}
    results.sort(key=lambda r: order[r.case.name])
    comparison = {"comparison": report_comparison(results, options.device)} if options.compare_emulator else {}
    if results and not options.compare_emulator:
        print_table(results)
    if measured:
        print_benches(measured)
    failed = [r for r in results + measured if not r.passed]
    if failed:
        print("\nfailed, for the reasons above:", *(r.case.name for r in failed), sep="\n  ")
    seconds = time.monotonic() - start
    print(f"\n{progress.done} of {progress.total} cases run in {seconds:.0f} s, {len(failed)} failed" + ("; interrupted" if interrupted else ""))
    if json_file:
        json_file.write(
            {
                "commit": header[0],
                "architecture": header[1],
                "device": options.device,
                "machine": describe,
                "passed": not failed and not interrupted,
                "interrupted": interrupted,
                "seconds": round(seconds, 1),
                **comparison,
                "cases": [r.json() for r in results],
                "bench": [{**r.json(), **(r.outcome.figures or {})} for r in measured],
            }
        )
    return 130 if interrupted else bool(failed)


def main():
    options = options_of(sys.argv[1:])
    # On SIGTERM, and on SIGHUP without nohup, print the results so far, as on an interrupt.
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)
    e2e.TIME_LIMIT = options.timeout
    json_file = JsonFile(options.json) if options.json and not options.list else None
    try:
        with tempfile.TemporaryDirectory(prefix="gpu-check-") as temporary:
            pack = cases.Pack(ROOT, options.device, os.path.abspath(options.work) if options.work else temporary)
            if options.list:
                groups, benches = chosen(pack, options)
                for case in [c for group in groups for c in group] + benches:
                    print(case.name, case.detail, sep="\t")
                return 0
            return check(pack, options, json_file)
    finally:
        if json_file:
            json_file.discard()


if __name__ == "__main__":
    sys.exit(main())
