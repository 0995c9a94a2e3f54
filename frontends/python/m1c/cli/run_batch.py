# ===- run_batch.py - m1 run-batch ----------------------------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""`m1 run-batch`: answers a file of requests in OpenAI's batch format, without HTTP."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, TextIO

from .. import _runtime
from ..async_llm import AsyncLLM
from ..errors import Error
from ..server.batch import BatchCounts, run_batch
from ..server.metrics import Metrics
from ..server.service import ChatFormat, Service
from ..text.reasoning import REASONING_PARSERS
from ..text.toolcalls import TOOL_CALL_PARSERS
from .options import add_engine_options, add_model, engine_options

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `m1 run-batch`."""
    add_model(parser)
    parser.add_argument(
        "-i",
        "--input-file",
        required=True,
        metavar="FILE",
        help='requests, an object a line: {"custom_id", "method": "POST", "url", "body"}; - is standard '
        "input",
    )
    parser.add_argument(
        "-o",
        "--output-file",
        required=True,
        metavar="FILE",
        help="answers, in the order of the requests; it appears when all are there; - is standard output",
    )
    parser.add_argument(
        "--served-model-name",
        nargs="+",
        default=[],
        metavar="NAME",
        help="names that requests may use (default: the checkpoint's)",
    )
    parser.add_argument(
        "--chat-template", metavar="FILE", help="instead of the checkpoint's: a Jinja template"
    )
    parser.add_argument(
        "--reasoning-parser", choices=REASONING_PARSERS, default="m1", help="(default %(default)s)"
    )
    parser.add_argument(
        "--tool-call-parser", choices=TOOL_CALL_PARSERS, default="m1", help="(default %(default)s)"
    )
    add_engine_options(parser)


async def _answer(service: Service, lines: IO[bytes], output: IO[str], counts: BatchCounts) -> None:
    async for line in run_batch(service, lines, counts):
        print(line, file=output)
    if service.llm.failure is not None:
        raise Error(f"the engine has failed: {service.llm.failure}")


def run(args: argparse.Namespace) -> int:
    """Runs `m1 run-batch`. The exit status is 0 if every line has an answer, also where that is an error."""
    lines = sys.stdin.buffer if args.input_file == "-" else open(args.input_file, "rb")
    counts = BatchCounts()
    with lines:
        llm = AsyncLLM(args.model, **engine_options(args))
        try:
            path = Path(args.model).resolve()
            names = args.served_model_name or [path.stem if path.is_file() else path.name]
            formats = ChatFormat(llm.chat_template(), args.reasoning_parser, args.tool_call_parser)
            version = _runtime.version
            service = Service(llm, names, Metrics(names[0], llm.stats, version), formats, version)
            if args.output_file == "-":
                asyncio.run(_answer(service, lines, sys.stdout, counts))
            else:
                _write(args.output_file, lambda output: asyncio.run(_answer(service, lines, output, counts)))
        finally:
            llm.close()
    print(
        f"m1 run-batch: {counts.succeeded} answered, {counts.refused} refused, "
        f"{counts.invalid} lines are no requests",
        file=sys.stderr,
    )
    return 0


def _write(path: str, write: Callable[[TextIO], None]) -> None:
    """Writes a file that appears when it is complete."""
    folder, name = os.path.split(os.path.abspath(path))
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=name + ".")
    try:
        with open(handle, "w", encoding="utf-8") as output:
            write(output)
        mask = os.umask(0o022)
        os.umask(mask)
        os.chmod(temporary, 0o666 & ~mask)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
