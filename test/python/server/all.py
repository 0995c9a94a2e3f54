# ===- all.py - all cases with a scripted engine --------------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Runs the cases whose names contain one of the arguments; all without any."""

import sys

import clients
import harness
import lives
import refusals

if __name__ == "__main__":
    sys.exit(harness.run_cases([clients, refusals, lives], sys.argv[1:]))
