# ===- kernel_tests.py - lit tests for the kernels in exec.py ---------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""A lit format: shell tests, and for each file *.kernels one test per entry of its table.

The first line of the table names units (test/e2e/e2e.py). Every other line names a
group of cases of exec.py and has for each unit "-" (no test) or N[/M]: one case of M
(default: every case) is run, and at least N must be. Text after "#" is a comment. The tests are called
FILE.kernels/UNIT/GROUP, so that `lit --filter` finds one:

    lit -v build/test/compiler/Codegen --filter kernels/ptx/linear
"""

import os
import shlex
import subprocess
import sys

import cpu_features
import lit.formats
import lit.Test

# The feature that a unit needs.
FEATURES = {"amx": "amx", "avx512": "avx512", "avx512-amx": "avx512"}
# Instructions that the code must contain: those that the unit has and others lack.
TILES, VECTORS = "call void @llvm.x86.tdpbf16ps", "call <16 x float> @llvm.fma.v16f32"
PAIRS = "call <16 x float> @llvm.x86.avx512bf16.dpbf16ps.512"
CODE = {(unit, "linear"): texts for unit, texts in (("amx", [TILES]), ("avx512", [VECTORS]), ("avx512-amx", [TILES, VECTORS]))}
if cpu_features.AVX512_BF16:
    groups = ("linear", "experts", "softmax_attention", "lightning_attention", "linear_transposed")
    groups += ("linear_gradient_twos", "experts_gradient_twos")
    CODE |= {("cpu", group): [PAIRS] for group in groups}
CODE |= {("amx", group): [TILES] for group in ("router", "experts", "head_log_prob")}
# These casts shift a mask register by its width less 1, which Bochs computes wrongly.
SKIP = {} if cpu_features.AVX512 else {"avx512": "cast_.*_f16_bf16"}


def read_table(path):
    """((unit, group), (least number, every)) of each test in a table."""
    with open(path) as file:
        lines = [words for words in (line.partition("#")[0].split() for line in file) if words]
    units = lines[0]
    for group, *cells in lines[1:]:
        if len(cells) != len(units):
            raise ValueError(f"{path}: {group} has {len(cells)} entries, expected {len(units)}")
        for unit, cell in zip(units, cells):
            if cell != "-":
                least, _, every = cell.partition("/")
                yield (unit, group), (int(least), int(every or 1))


class Format(lit.formats.ShTest):
    def getTestsForPath(self, testSuite, path_in_suite, litConfig, localConfig):
        if not path_in_suite[-1].endswith(".kernels"):
            yield from super().getTestsForPath(testSuite, path_in_suite, litConfig, localConfig)
            return
        for names, counts in read_table(testSuite.getSourcePath(path_in_suite)):
            test = lit.Test.Test(testSuite, (*path_in_suite, *names), localConfig)
            test.kernels = (*names, *counts)
            yield test

    def execute(self, test, litConfig):
        if not hasattr(test, "kernels"):
            return super().execute(test, litConfig)
        unit, group, least, every = test.kernels
        if unit in FEATURES and FEATURES[unit] not in test.config.available_features:
            return lit.Test.Result(lit.Test.UNSUPPORTED, f"needs the feature {FEATURES[unit]}")
        *folder, table = test.path_in_suite[:-2]
        script = os.path.join(test.suite.getSourcePath(tuple(folder)), "exec.py")
        work = os.path.join(test.suite.getExecPath(tuple(folder)), "Output", table, unit, group)
        command = [sys.executable, script, group, work, "--unit", unit, "--at-least", str(least), "--every", str(every)]
        for text in CODE.get((unit, group), []):
            command += ["--code", text]
        if unit in SKIP:
            command += ["--skip", SKIP[unit]]
        result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", env=test.config.environment)
        output = f"{shlex.join(command)}\n{result.stdout}"
        return lit.Test.Result(lit.Test.FAIL if result.returncode else lit.Test.PASS, output)
