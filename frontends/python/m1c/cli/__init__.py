# ===- __init__.py - the command m1 ---------------------------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""The command `m1`: complete, chat, run-batch, serve and bench, each in a module that only its own use
loads."""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import sys
from types import ModuleType
from typing import NoReturn

from .. import _runtime, ranks
from ..errors import Error

__all__ = ["main"]

_DESCRIPTION = (
    "Language models in the style of MiniMax-M1: text in, text out. m1 COMMAND --help describes a command."
)
# The name, what --help says of it, and the module with `add_arguments` and `run`.
_COMMANDS = {
    "complete": ("Continue a text", "m1c.cli.complete"),
    "chat": ("Chat in the terminal", "m1c.cli.chat"),
    "run-batch": ("Answer the requests in a file", "m1c.cli.run_batch"),
    "serve": ("Serve OpenAI's API over HTTP", "m1c.server.cli"),
    "bench": ("Measure a server", "m1c.cli.bench"),
}
# Those that run a model, which may have several ranks.
_RUN_MODELS = ("complete", "chat", "run-batch", "serve")


class Parser(argparse.ArgumentParser):
    """Errors are one line, and their exit status is 1, as for the project's other tools."""

    def error(self, message: str) -> NoReturn:
        self.exit(1, f"{self.prog}: error: {message} ({self.prog} --help lists all)\n")


def _parser(command: str | None) -> tuple[Parser, ModuleType | None]:
    """The parser, with the arguments of one command, and that command's module."""
    parser = Parser(prog="m1", description=_DESCRIPTION)
    parser.add_argument("--version", action="version", version=f"m1 {_runtime.version}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command", required=True)
    module = None
    for name, (about, path) in _COMMANDS.items():
        each = commands.add_parser(name, help=about, description=about + ".")
        if name == command:
            module = importlib.import_module(path)
            module.add_arguments(each)
    return parser, module


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line and returns the exit status."""
    given = sys.argv[1:] if arguments is None else arguments
    command = next((each for each in given if not each.startswith("-")), None)
    if command in _RUN_MODELS:
        ranks.become_rank()
    parser, module = _parser(command)
    chosen = parser.parse_args(given)
    assert module is not None  # the parser has refused anything else
    try:
        status: int | None = module.run(chosen)
        sys.stdout.flush()
        return status or 0
    except BrokenPipeError:
        # Nobody reads the output any more: end as a program without a handler would.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        signal.raise_signal(signal.SIGPIPE)
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except (Error, OSError, ValueError) as error:
        print(f"m1 {chosen.command}: error: {error}", file=sys.stderr)
        return 1
