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
from ..errors import Error
from ..text import ChatTemplate, TextError
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


def _at_least(lowest: float, kind: type) -> Any:
    def convert(text: str) -> Any:
        value = kind(text)
        if not lowest <= value < float("inf"):
            raise argparse.ArgumentTypeError(f"expected a number of at least {lowest}, found {text}")
        return value

    convert.__name__ = "number"
    return convert


def _port(text: str) -> int:
    value = int(text)
    if not 0 <= value <= 65535:
        raise argparse.ArgumentTypeError(f"expected 0 to 65535, found {text}")
    return value


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `m1 serve`."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG
    positive = _at_least(1, int)
    parser.add_argument("model", metavar="CHECKPOINT|PLAN", help="a directory in HuggingFace format, or a compiled plan")

    group = parser.add_argument_group("network")
    group.add_argument("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
    group.add_argument("--port", type=_port, default=8000, help="0 takes a free one (default %(default)s)")
    group.add_argument("--api-key", action="append", default=[], metavar="KEY",
                       help="a key that clients must have; may be repeated. Better, as others can see a process's "
                       "options: the environment variable M1_API_KEY, with several keys divided by commas")
    group.add_argument("--allowed-origins", nargs="+", default=[], metavar="ORIGIN",
                       help="origins of web pages that may use the server, or '*' (default: none)")
    group.add_argument("--max-body-size", type=positive, default=32 << 20, metavar="BYTES",
                       help="of a request (default %(default)s)")
    group.add_argument("--request-timeout", type=_at_least(0, float), default=0.0, metavar="SECONDS",
                       help="after which a request is ended with an error; 0: never (default)")
    group.add_argument("--shutdown-timeout", type=_at_least(0, float), default=30.0, metavar="SECONDS",
                       help="for running requests after SIGTERM (default %(default)g)")

    group = parser.add_argument_group("model")
    group.add_argument("--served-model-name", nargs="+", action="extend", default=[], metavar="NAME",
                       help="names that requests may use (default: the directory's)")
    group.add_argument("--chat-template", metavar="FILE", help="instead of the checkpoint's: a Jinja template")
    group.add_argument("--reasoning-parser", choices=REASONING_PARSERS, default="m1",
                       help="how thinking is told from answers (default %(default)s)")
    group.add_argument("--tool-call-parser", choices=TOOL_CALL_PARSERS, default="m1",
                       help="how tool calls are found (default %(default)s)")

    group = parser.add_argument_group("engine")
    group.add_argument("--max-model-len", type=positive, metavar="N", help="most tokens of prompt and response together")
    group.add_argument("--max-num-seqs", type=positive, metavar="N", help="responses that are computed at a time")
    group.add_argument("--max-num-queued", type=positive, default=1024, metavar="N",
                       help="requests that wait; further ones get status 429 (default %(default)s)")
    group.add_argument("--enable-prefix-caching", action=argparse.BooleanOptionalAction, default=False,
                       help="keep the states of prompts, so that equal beginnings are computed once")

    group = parser.add_argument_group("log")
    group.add_argument("--log-level", choices=_LOG_LEVELS, default="info", help="(default %(default)s)")
    group.add_argument("--access-log", action="store_true", help="log every HTTP request")


def engine_options(args: argparse.Namespace) -> dict[str, Any]:
    """The keyword arguments of AsyncLLM that the options ask for."""
    options = {"max_model_len": args.max_model_len, "max_num_seqs": args.max_num_seqs,
               "max_num_queued": args.max_num_queued, "enable_prefix_caching": args.enable_prefix_caching}
    return {name: value for name, value in options.items() if value is not None}


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

    server = Server(application, bound, shutdown_timeout=args.shutdown_timeout, log_level=args.log_level,
                    access_log=args.access_log, on_ready=ready)
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
    logging.getLogger("asyncio").setLevel("WARNING")


def _fail(message: object) -> int:
    print(f"m1 serve: {message}", file=sys.stderr)
    return 1


def run(args: argparse.Namespace) -> int:
    """Runs `m1 serve`. Returns the exit status: 0 after a signal, 1 with one line on stderr if it cannot start."""
    from ..llm import AsyncLLM  # Here, since it loads the runtime.

    _set_up_log(args)
    try:
        # First, since loading a model takes long.
        bound = bind(args.host, args.port)
    except CannotListen as error:
        return _fail(error)
    try:
        llm = AsyncLLM(args.model, **engine_options(args))
    except (Error, TextError, OSError) as error:
        return _fail(error)
    try:
        template = None
        if llm.tokenizer is not None:
            template = ChatTemplate.from_directory(args.model, llm.tokenizer, args.chat_template)
        return serve(llm, ChatFormat(template, args.reasoning_parser, args.tool_call_parser), args, bound)
    except (CannotListen, TextError) as error:
        return _fail(error)
