# ===- checks.py - what the tests of the package share --------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Runs the functions check_* of a test, each by itself, and says how many passed."""

import contextlib
import signal
import sys
import traceback


@contextlib.contextmanager
def raises(kind, *parts):
    """The block raises the exception, with all parts in a message of one line."""
    try:
        yield
    except kind as error:
        message = str(error)
        assert type(error) is kind, f"expected {kind.__name__}, found {type(error).__name__}: {message}"
        missing = [part for part in parts if part not in message]
        assert not missing, f"{missing} not in: {message}"
        assert "\n" not in message, message
    else:
        raise AssertionError(f"nothing raised, expected {kind.__name__} with {parts}")


def main(module, only=()):
    """Runs all checks of a module, or those that are named."""
    # A job in the background may have been started with SIGINT ignored, and what it starts inherits that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    checks = [
        (name, value)
        for name, value in vars(module).items()
        if name.startswith("check_") and callable(value) and (not only or name in only)
    ]
    failed = 0
    for name, check in checks:
        try:
            check()
        except Exception:
            failed += 1
            print(f"--- {name}", file=sys.stderr)
            traceback.print_exc()
    print(f"{len(checks) - failed} of {len(checks)} checks passed")
    sys.exit(bool(failed))
