# ===- bench.py - m1 bench ------------------------------------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""`m1 bench serve`: measures a server from outside."""

from __future__ import annotations

import argparse

from ..server import bench

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what can be measured, with its options."""
    kinds = parser.add_subparsers(metavar="WHAT", dest="what", required=True)
    bench.add_arguments(
        kinds.add_parser("serve", help="times of requests to a server, as its users see them")
    )


def run(args: argparse.Namespace) -> int:
    """Runs `m1 bench serve`."""
    return bench.run(args)
