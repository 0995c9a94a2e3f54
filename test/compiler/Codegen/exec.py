#!/usr/bin/env python3
# ===- exec.py - compiled kernels against the reference interpreter ---------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Runs compiled kernels and compares their results with the reference interpreter's.

OP is one of the groups of cases in the folder kernels, or all. Its cases are
small functions of m1 ops in the shapes where kernels go wrong: single rows and
columns, one row more or less than a block, widths that are no multiple of a
vector, empty sequences, experts without tokens. They are compiled into one plan,
and `m1run call` and `m1-interpret` run on the same random inputs and weights; plans
for several ranks run on ranks that are threads.

A case's name tells op, shapes, element types and rows: linear_33x60_bf16_bf16_f32/65.
For a case that fails, WORK/failed keeps inputs and results, and the commands that
repeat it are printed.

The tools (build/bin) must be in PATH.

  exec.py linear --list
  exec.py linear /tmp/work --only 33x60_bf16
  exec.py all /tmp/work --unit ptx --every 10
"""

import argparse
import os
import re
import shlex
import shutil
import sys

sys.dont_write_bytecode = True
import kernels  # noqa: E402
from kernels.module import e2e  # noqa: E402
from kernel_results import call, call_on_ranks, difference, ranks_command, write_arguments  # noqa: E402


def describe_failure(case, problem, folder, commands, repeat):
    print(f"FAIL {case.id}: {case.detail}", *(f"  {line}" for line in problem.splitlines()), sep="\n")
    print(f"  arguments and results are in {folder}")
    for command in (*commands, repeat):
        print("  " + shlex.join(map(str, command)))


def compare(case, module, runner, work, repeat):
    """Whether a case's results are within its tolerance of the interpreter's; if not, prints why."""
    folder = os.path.join(work, "failed", case.id.replace("/", "."))
    given = write_arguments(case.arguments, folder)
    out = {side: os.path.join(folder, side) for side in ("found", "expected")}
    expected = ("m1-interpret", module.path, *module.weights)
    commands = [(*expected, "--entry", case.function.name, *given, "--out-dir", out["expected"])]
    if module.mesh:
        found = ranks_command(module.plan, runner[-1] if runner[1:] else "cpu", *module.weights[1:], case.function.name, folder, out["found"])
        commands.insert(0, found)
    else:
        found = (*runner[:1], "call", module.plan, *runner[1:], *module.weights)
        commands.insert(0, (*found, "--entry", case.function.name, *given, "--out-dir", out["found"]))
    try:
        arrays = call_on_ranks(found, case.arguments) if module.mesh else call(found, case.function.name, given, out["found"])
        problem = difference(arrays, call(expected, case.function.name, given, out["expected"]), case.tolerance)[2]
    except e2e.ToolError as error:
        problem = str(error)
    if problem:
        describe_failure(case, problem, folder, [(*module.compile, "-o", module.plan), *commands], repeat)
        return False
    shutil.rmtree(folder)
    return True


def choose(module, options):
    """The cases that the options ask for. The module keeps the functions of those that --only leaves."""
    if options.only:
        module.functions = [f for f in module.functions if any(re.search(options.only, case.id) for case in f.cases)]
        for function in module.functions:
            function.cases = [case for case in function.cases if re.search(options.only, case.id)]
    chosen = module.cases[:: options.every]
    return [case for case in chosen if not options.skip or not re.search(options.skip, case.id)]


def check_code(module, patterns):
    """Fails unless the module's LLVM IR or PTX contains each of these texts, such as an instruction that must be used."""
    code = e2e.run(*module.compile, "--emit", "ptx" if "--target" in module.compile else "llvm", "-o", "-")
    for pattern in patterns:
        if pattern not in code:
            sys.exit(f"the code that {shlex.join(module.compile)} makes has no '{pattern}'")


def run(op, options):
    """Compiles and compares an op's cases; returns how many there are and how many differ."""
    module = kernels.module_of(op, options.unit)
    cases = choose(module, options)
    if options.list:
        for case in cases:
            print(f"{case.id}: {case.detail}")
        return len(cases), 0
    if not cases:
        return 0, 0
    work = os.path.abspath(os.path.join(options.work, op) if options.op == "all" else options.work)
    target, runner = e2e.UNITS[options.unit]
    module.build(work, *target)
    if options.code:
        check_code(module, options.code)

    def repeat(case):
        return sys.executable, os.path.abspath(__file__), op, work, "--unit", options.unit, "--only", f"^{re.escape(case.id)}$"

    failed = sum(not compare(case, module, runner, work, repeat(case)) for case in cases)
    return len(cases), failed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("op", choices=[*kernels.OPS, "all"], metavar="OP", help=f"{', '.join(kernels.OPS)} or all")
    parser.add_argument("work", nargs="?", metavar="WORK", help="directory for everything that is made; replaced if it exists")
    parser.add_argument("--unit", default="cpu", choices=e2e.UNITS, help="what runs the kernels (default: cpu); units other than cpu are emulated")
    parser.add_argument("--only", metavar="REGEX", help="only cases whose names match, and only their functions are compiled")
    parser.add_argument("--skip", metavar="REGEX", help="no cases whose names match")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only one case of N, from the first on")
    parser.add_argument("--list", action="store_true", help="print the names of the cases and run none")
    parser.add_argument("--at-least", type=int, default=1, metavar="N", help="fail if there are fewer cases (default: 1)")
    parser.add_argument("--code", metavar="TEXT", action="append", help="fail unless the LLVM IR or PTX contains TEXT; may be given several times")
    options = parser.parse_args()
    if not options.list and not options.work:
        parser.error("expected a directory for WORK, or --list")
    if options.every < 1:
        parser.error(f"--every {options.every}: expected 1 or more")
    totals = [run(op, options) for op in (kernels.OPS if options.op == "all" else [options.op])]
    cases, failed = map(sum, zip(*totals))
    if not options.list:
        print(f"{cases} cases compared, {failed} differ")
    if cases < options.at_least:
        sys.exit(f"found {cases} cases, expected at least {options.at_least}")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
