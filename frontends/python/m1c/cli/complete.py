# ===- complete.py - m1 complete ------------------------------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""`m1 complete`: continues a text, and prints it as it comes."""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import json
import sys

from ..errors import Error
from ..llm import LLM, AsyncLLM
from ..sampling import SamplingParams
from .options import (
    add_engine_options,
    add_model,
    add_sampling_options,
    engine_options,
    sampling_options,
    whole,
)
from .streaming import stream_text

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `m1 complete`."""
    add_model(parser)
    prompt = parser.add_mutually_exclusive_group()
    prompt.add_argument("--prompt", metavar="TEXT", help="default: standard input")
    prompt.add_argument("--prompt-file", metavar="FILE", help="a file with the prompt")
    prompt.add_argument("--prompt-token-ids", metavar="ID[,ID...]", help="the prompt as token ids")
    parser.add_argument("--echo", action="store_true", help="print the prompt too")
    parser.add_argument("-n", type=whole(1), default=1, metavar="N", help="responses (default 1)")
    parser.add_argument(
        "--logprobs",
        type=whole(0),
        metavar="K",
        help="with --json: log-probabilities, and those of the K most likely tokens",
    )
    parser.add_argument(
        "--json", action="store_true", help="print an object instead of text, when all is there"
    )
    add_sampling_options(parser, 256)
    add_engine_options(parser)


def _prompt(args: argparse.Namespace) -> str | list[int]:
    if args.prompt_token_ids is not None:
        try:
            return [int(each) for each in args.prompt_token_ids.split(",")]
        except ValueError:
            raise Error(
                f"--prompt-token-ids: expected token ids separated by commas, found {args.prompt_token_ids!r}"
            ) from None
    if args.prompt is not None:
        return str(args.prompt)
    if args.prompt_file is not None:
        with open(args.prompt_file, encoding="utf-8") as file:
            return file.read()
    if sys.stdin.isatty():
        raise Error(
            "expected --prompt, --prompt-file, --prompt-token-ids or a text on standard input, found none"
        )
    return sys.stdin.read()


def _print_all(args: argparse.Namespace, prompt: str | list[int], options: dict[str, object]) -> None:
    """All responses, when they have ended."""
    with LLM(args.model, **engine_options(args)) as llm:
        params = SamplingParams(**{**llm.default_sampling, **options})
        [output] = llm.generate([prompt], params)
    if args.json:
        print(json.dumps(dataclasses.asdict(output), ensure_ascii=False))
        return
    for each in output.outputs:
        shown = each.text if llm.tokenizer is not None else " ".join(map(str, each.token_ids))
        print(f"--- {each.index}")
        print(str(prompt) * args.echo + shown)


async def _stream(llm: AsyncLLM, prompt: str | list[int], options: dict[str, object], echo: bool) -> None:
    if isinstance(prompt, str):
        if llm.tokenizer is None:
            raise Error(
                "the checkpoint has no tokenizer.json, which a text needs; expected --prompt-token-ids"
            )
        ids = llm.tokenizer.encode(prompt)
    else:
        ids = prompt
    params = SamplingParams(**{**llm.default_sampling, **options})
    begun = echo
    if echo:
        print(prompt if isinstance(prompt, str) else " ".join(map(str, ids)) + " ", end="", flush=True)
    try:
        async for piece in stream_text(llm, ids, params):
            begun = True
            print(piece, end="", flush=True)
        begun = True
    finally:
        if begun:
            print(flush=True)


def run(args: argparse.Namespace) -> int:
    """Runs `m1 complete`."""
    if args.logprobs is not None and not args.json:
        raise Error("--logprobs: expected --json beside it")
    prompt = _prompt(args)
    options = {**sampling_options(args), "n": args.n, "logprobs": args.logprobs}
    if args.json or args.n > 1:
        _print_all(args, prompt, options)
        return 0
    llm = AsyncLLM(args.model, **engine_options(args))
    try:
        asyncio.run(_stream(llm, prompt, options, args.echo))
    finally:
        llm.close()
    return 0
