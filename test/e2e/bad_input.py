# ===- bad_input.py - the tools' errors for bad input --------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""bad_input.py KIND CONFIG.json WORK_DIR

KIND is graphs, weights, plans, prompts, calls, tools or training. Every bad input must end in
exit code 1 and one line on standard error that says what was found and expected, with
nothing on standard output and no file written. Prints the number of cases.
"""

import sys

import bad_files
import bad_modules
import bad_runs
import bad_tools
import bad_training
import refusals

CHECKS = {
    "graphs": bad_modules.check_graphs,
    "weights": bad_files.check_weights,
    "plans": bad_files.check_plans,
    "prompts": bad_runs.check_prompts,
    "calls": bad_runs.check_calls,
    "tools": bad_tools.check_tools,
    "training": bad_training.check_training,
}
CHECKS[sys.argv[1]]()
print(f"{refusals.cases} cases, {refusals.failures} failed")
sys.exit(refusals.failures > 0)
