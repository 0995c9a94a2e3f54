# ===- exec_failures.py - exec.py's report of failing cases ----------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""exec_failures.py WORK_DIR

Runs exec.py with an m1run that changes one function's results; repeats the failing
case with the command that was printed, first with that m1run, then with the real one.
Then checks that a case's data does not depend on other cases, and that exec.kernels
lists every group.
"""

import os
import shlex
import shutil
import subprocess
import sys

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
EXEC = os.path.join(HERE, "exec.py")
sys.path += [HERE, os.path.join(HERE, "..", "..")]
import kernel_tests  # noqa: E402
import kernels  # noqa: E402

WRONG = """#!{python}
import os, subprocess, sys
import numpy as np
subprocess.run([{real!r}, *sys.argv[1:]], check=True)
if "select_last_7_f32" in sys.argv:
    path = os.path.join(sys.argv[sys.argv.index("--out-dir") + 1], "result0.npy")
    values = np.load(path)
    np.save(path, values + (len(values) == 4))
"""


def run(command, path=os.environ["PATH"]):
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, "PATH": path})
    print(f"{result.stdout}exit code {result.returncode}", flush=True)
    return result.stdout


def main():
    work = sys.argv[1]
    shutil.rmtree(work, ignore_errors=True)
    os.makedirs(os.path.join(work, "bin"))
    wrong = os.path.join(work, "bin", "m1run")
    with open(wrong, "w") as file:
        file.write(WRONG.format(python=sys.executable, real=shutil.which("m1run")))
    os.chmod(wrong, 0o755)
    with_wrong = os.path.dirname(wrong) + os.pathsep + os.environ["PATH"]

    print("== fails")
    output = run([sys.executable, EXEC, "select_last", os.path.join(work, "first"), "--only", "_7_"], with_wrong)
    print(sorted(os.listdir(os.path.join(work, "first", "failed", "select_last_7_f32.3-0-64-1"))))
    print("== repeated")
    repeat = next(shlex.split(line) for line in output.splitlines() if "exec.py" in line)
    run(repeat, with_wrong)
    print("== mended")
    run(repeat)
    print("== too few")
    run([sys.executable, EXEC, "select_last", os.path.join(work, "few"), "--only", "_7_f32/1$", "--at-least", "2"])
    print("== without the code")
    run([sys.executable, EXEC, "select_last", os.path.join(work, "code"), "--only", "_7_f32/1$", "--code", "no.such.instruction"])
    print("== list")
    run([sys.executable, EXEC, "select_last", "--list", "--only", "_7_f32"], path="")

    print("== data")
    for op, first, second in (("lightning_attention", "cpu", "ptx"), ("linear", "cpu", "amx")):
        cases = [{c.id: c for c in kernels.module_of(op, unit).cases} for unit in (first, second)]
        common = cases[0].keys() & cases[1].keys()
        assert common and cases[0].keys() != cases[1].keys()
        same = all(a.tobytes() == b.tobytes() for name in common for a, b in zip(*(c[name].arguments for c in cases)))
        distinct = len({c.arguments[0].tobytes() for c in cases[0].values() if np.size(c.arguments[0]) > 64})
        print(f"{op}: data {'independent of' if same else 'dependent on'} the batch, {distinct} distinct arrays")
    groups = {group for (_, group), _ in kernel_tests.read_table(os.path.join(HERE, "exec.kernels"))}
    print("missing in exec.kernels:", sorted(set(kernels.OPS) - groups), "unknown there:", sorted(groups - set(kernels.OPS)))


main()
