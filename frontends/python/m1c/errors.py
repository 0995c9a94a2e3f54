# ===- errors.py - the package's exceptions -------------------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""The exceptions of the package. All are ValueErrors: what a caller can cause and mend."""

__all__ = ["CompilerError", "CompilerMissing", "Error", "NotFinite", "QueueFull", "Stopped"]


class Error(ValueError):
    """One line that says what was found, where, and what was expected."""

    __module__ = "m1c"


class NotFinite(Error):
    """The model computed a value that is not finite."""

    __module__ = "m1c"


class QueueFull(Error):
    """The engine's queue of requests is full; the same request may be accepted later."""

    __module__ = "m1c"


class Stopped(Error):
    """The engine takes no requests any more: it drains, or was closed."""

    __module__ = "m1c"


class CompilerMissing(Error):
    """There is no compiler `m1c`, and no compiled plan in the cache."""

    __module__ = "m1c"


class CompilerError(Error):
    """The compiler refused a model or a graph; the message is its own."""

    __module__ = "m1c"
