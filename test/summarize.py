#!/usr/bin/env python3
# ===- summarize.py - one closing line for all tests ---------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===---------------------------------------------------------------------===//
"""Sums up test results and prints "N passed, N failed[, N skipped]".

    summarize.py RESULTS...

RESULTS are JUnit files of ctest (.xml) and result files of lit (.json). The
exit code is 1 if a test failed, or if one of the files is missing or has no
test that ran: a suite that did not start has not passed.
"""

import json
import sys
import xml.etree.ElementTree as ElementTree

LIT_PASSED = {"PASS", "FLAKYPASS", "XFAIL"}
LIT_SKIPPED = {"UNSUPPORTED", "SKIPPED"}
LIT_NOT_CHOSEN = {"EXCLUDED"}


def was_skipped(case):
    """Whether the test skipped itself; ctest also reports a missing program as skipped."""
    reason = case.find("skipped")
    return reason is not None and reason.get("message", "").startswith("SKIP_")


def count_ctest(path):
    passed = failed = skipped = 0
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        status = case.get("status")
        if status == "run":
            passed += 1
        elif status == "disabled" or status == "notrun" and was_skipped(case):
            skipped += 1
        else:
            failed += 1
    return passed, failed, skipped


def count_lit(path):
    passed = failed = skipped = 0
    with open(path, encoding="utf-8") as file:
        tests = json.load(file)["tests"]
    for test in tests:
        code = test["code"]
        if code in LIT_PASSED:
            passed += 1
        elif code in LIT_SKIPPED:
            skipped += 1
        elif code not in LIT_NOT_CHOSEN:
            failed += 1
    return passed, failed, skipped


def main(paths):
    totals = [0, 0, 0]
    complete = True
    for path in paths:
        count = count_ctest if path.endswith(".xml") else count_lit
        try:
            counts = count(path)
        except (OSError, ValueError, KeyError, ElementTree.ParseError) as error:
            print(f"{path}: no results: {error}", file=sys.stderr)
            complete = False
            continue
        if counts[0] + counts[1] == 0:
            print(f"{path}: no test ran", file=sys.stderr)
            complete = False
        totals = [total + one for total, one in zip(totals, counts)]
    # Nothing may follow this line: scripts read it.
    sys.stderr.flush()
    passed, failed, skipped = totals
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""), flush=True)
    return 0 if complete and failed == 0 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
