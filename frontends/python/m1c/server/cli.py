# ===- cli.py - m1 serve --------------------------------------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""The command `m1 serve`: `add_arguments(parser)` and `run(args)` make it a subcommand."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from pathlib import Path
from typing import Any

from .. import __version__
from ..cli.options import add_engine_options, add_model, engine_options, whole
from ..errors import Error
from ..text import TextError
from ..text.reasoning import REASONING_PARSERS
from ..text.toolcalls import TOOL_CALL_PARSERS
from .app import Application, Limits
from .lifecycle import CannotListen, Server, bind
from .metrics import Metrics
from .service import ChatFormat, Service

_EPILOG = """\
examples:
  m1 serve CHECKPOINT_DIR
  M1_API_KEY=secret m1 serve CHECKPOINT_DIR --host 0.0.0.0 --served-model-name m1

When it is ready, it prints one line with its address. docs/serving.md describes it.
"""
_LOG_LEVELS = ("critical", "error", "warning", "info", "debug")


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a number of at least 0, found {text}")
    return value


_seconds.__name__ = "number"


def _port(text: str) -> int:
    value = int(text)
    if not 0 <= value <= 65535:
        raise argparse.ArgumentTypeError(f"expected 0 to 65535, found {text}")
    return value


_port.__name__ = "number"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `m1 serve`."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG
    add_model(parser)

    group = parser.add_argument_group("network")
    group.add_argument("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
    group.add_argument("--port", type=_port, default=8000, help="0 takes a free one (default %(default)s)")
    group.add_argument(
        "--api-key",
        action="append",
        default=[],
        metavar="KEY",
        help="a key that clients must have; may be repeated. Better, as others can see a process's "
        "options: the environment variable M1_API_KEY, with several keys divided by commas",
    )
    group.add_argument(
        "--allowed-origins",
        nargs="+",
        default=[],
        metavar="ORIGIN",
        help="origins of web pages that may use the server, or '*' (default: none)",
    )
    group.add_argument(
        "--max-body-size",
        type=whole(1),
        default=32 << 20,
        metavar="BYTES",
        help="of a request (default %(default)s)",
    )
    group.add_argument(
        "--request-timeout",
        type=_seconds,
        default=0.0,
        metavar="SECONDS",
        help="after which a request is ended with an error; 0: never (default)",
    )
    group.add_argument(
        "--shutdown-timeout",
        type=_seconds,
        default=30.0,
        metavar="SECONDS",
        help="for running requests after SIGTERM (default %(default)g)",
    )

    group = parser.add_argument_group("model")
    group.add_argument(
        "--served-model-name",
        nargs="+",
        action="extend",
        default=[],
        metavar="NAME",
        help="names that requests may use (default: the directory's)",
    )
    group.add_argument(
        "--chat-template", metavar="FILE", help="instead of the checkpoint's: a Jinja template"
    )
    group.add_argument(
        "--reasoning-parser",
        choices=REASONING_PARSERS,
        default="m1",
        help="how thinking is told from answers (default %(default)s)",
    )
    group.add_argument(
        "--tool-call-parser",
        choices=TOOL_CALL_PARSERS,
        default="m1",
        help="how tool calls are found (default %(default)s)",
    )

    add_engine_options(parser)
    group = parser.add_argument_group("queue")
    group.add_argument(
        "--max-num-queued",
        type=whole(1),
        default=1024,
        metavar="N",
        help="responses that wait; further requests get status 429 (default %(default)s)",
    )

    group = parser.add_argument_group("log")
    group.add_argument("--log-level", choices=_LOG_LEVELS, default="info", help="(default %(default)s)")
    group.add_argument("--access-log", action="store_true", help="log every HTTP request")


def keys(args: argparse.Namespace) -> list[str]:
    """The API keys of the options and of the environment."""
    found = [*args.api_key, *os.environ.get("M1_API_KEY", "").split(",")]
    return [key.strip() for key in found if key.strip()]


def served_names(args: argparse.Namespace) -> list[str]:
    """The model's names, each once."""
    path = Path(args.model).resolve()
    return list(dict.fromkeys(args.served_model_name)) or [path.stem if path.is_file() else path.name]


def serve(llm: Any, chat_format: ChatFormat, args: argparse.Namespace, bound: Any) -> int:
    """Serves `llm` on a bound socket until a signal. Returns the exit status."""
    names = served_names(args)
    service = Service(llm, names, Metrics(names[0], llm.stats, __version__), chat_format, __version__)
    limits = Limits(args.max_body_size, args.request_timeout)
    application = Application(service, keys(args), limits, args.allowed_origins)

    def ready(address: str) -> None:
        print(f"m1 serve: {names[0]} at {address}", flush=True)

    server = Server(
        application, bound, shutdown_timeout=args.shutdown_timeout, access_log=args.access_log, on_ready=ready
    )
    try:
        return server.run_until_stopped()
    finally:
        llm.close()


def _set_up_log(args: argparse.Namespace) -> None:
    level = args.log_level.upper()
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    if args.log_level == "info":
        # uvicorn tells at this level that it has started and stopped.
        logging.getLogger("uvicorn.error").setLevel("WARNING")
    if args.access_log:
        logging.getLogger("uvicorn.access").setLevel("INFO")
    logging.getLogger("asyncio").setLevel("ERROR")


def _fail(message: object) -> int:
    print(f"m1 serve: {message}", file=sys.stderr)
    return 1


def run(args: argparse.Namespace) -> int:
    """Runs `m1 serve`. Returns the exit status: 0 after a signal, 1 with one line on stderr if it cannot
    start."""
    from ..async_llm import AsyncLLM  # Here, since it loads the runtime.

    _set_up_log(args)
    if not all(key.strip() for key in args.api_key):
        return _fail("--api-key: expected a key, found an empty one")
    try:
        # First, since loading a model takes long.
        bound = bind(args.host, args.port)
    except CannotListen as error:
        return _fail(error)
    try:
        llm = AsyncLLM(args.model, max_num_queued=args.max_num_queued, **engine_options(args))
    except (Error, TextError, OSError) as error:
        return _fail(error)
    try:
        chat_format = ChatFormat(llm.chat_template(), args.reasoning_parser, args.tool_call_parser)
        return serve(llm, chat_format, args, bound)
    except (CannotListen, TextError) as error:
        llm.close()
        return _fail(error)
