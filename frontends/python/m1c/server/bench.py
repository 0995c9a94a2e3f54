# ===- bench.py - m1 bench serve: what clients of a server see ------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Measures a server with OpenAI's API from outside: first token, between tokens, whole requests, throughput.

`add_arguments(parser)` and `run(args)` make it a subcommand.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import random
import statistics
import sys
import time
from dataclasses import dataclass, field
from typing import Any

import aiohttp

_QUANTILES = (50, 90, 99)
_EXAMPLE = """\
example:
  m1 bench serve --num-prompts 200 --request-rate 4 --input-len 512 --output-len 64

A file of prompts has one JSON object a line: {"prompt": TEXT or TOKEN IDS} or {"messages": [...]}, and
optionally "max_tokens". Times between tokens are those between events of a stream; times per output token
are of whole requests: from the first token to the last, divided by the tokens after the first.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `m1 bench serve`."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EXAMPLE
    parser.add_argument(
        "--base-url",
        default="http://127.0.0.1:8000",
        metavar="URL",
        help="the server, without /v1 (default %(default)s)",
    )
    parser.add_argument("--model", metavar="NAME", help="the model (default: the server's first)")
    parser.add_argument(
        "--api-key",
        default=os.environ.get("M1_API_KEY"),
        metavar="KEY",
        help="default: the environment variable M1_API_KEY",
    )
    parser.add_argument(
        "--num-prompts", type=_positive, default=100, metavar="N", help="requests (default %(default)s)"
    )
    parser.add_argument(
        "--request-rate",
        type=_rate,
        default=float("inf"),
        metavar="R",
        help="requests a second, at random times as of independent users (default: all at once)",
    )
    parser.add_argument(
        "--max-concurrency", type=_positive, metavar="N", help="requests at the same time (default: no bound)"
    )
    parser.add_argument(
        "--dataset",
        choices=("random", "file"),
        default="random",
        help="random token ids, or prompts from --file (default %(default)s)",
    )
    parser.add_argument("--file", metavar="FILE", help="prompts, for --dataset file")
    parser.add_argument(
        "--input-len",
        type=_positive,
        default=256,
        metavar="N",
        help="tokens of a random prompt (default %(default)s)",
    )
    parser.add_argument(
        "--output-len",
        type=_positive,
        default=64,
        metavar="N",
        help="tokens of a response; with random prompts exactly, otherwise at most (default %(default)s)",
    )
    parser.add_argument(
        "--prefix-len",
        type=int,
        default=0,
        metavar="N",
        help="tokens that all random prompts begin with, as part of --input-len (default %(default)s)",
    )
    parser.add_argument(
        "--vocab-size",
        type=_positive,
        metavar="N",
        help="bound of random token ids (default: what the server says, otherwise 256)",
    )
    parser.add_argument(
        "--num-warmups",
        type=int,
        default=1,
        metavar="N",
        help="requests before the measurement (default %(default)s)",
    )
    parser.add_argument(
        "--seed", type=int, default=0, help="of prompts, arrivals and sampling (default %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected a number of at least 1, found {text}")
    return value


def _rate(text: str) -> float:
    value = float(text)
    if not value > 0:
        raise argparse.ArgumentTypeError(f"expected a number above 0, or inf, found {text}")
    return value


class BenchError(Exception):
    """Why nothing can be measured, in one line."""


@dataclass
class Result:
    """The times of one request, in seconds, and its counts of tokens."""

    first: float = 0.0
    total: float = 0.0
    gaps: list[float] = field(default_factory=list)
    prompt_tokens: int = 0
    output_tokens: int = 0
    error: str | None = None


async def _request(session: aiohttp.ClientSession, path: str, body: dict[str, Any]) -> Result:
    """Sends one request and times its stream."""
    result = Result()
    start = last = time.perf_counter()
    try:
        async with session.post(path, json=body) as response:
            if response.status != 200:
                result.error = f"status {response.status}: {_message(await response.text())}"
                return result
            async for line in response.content:
                if not line.startswith(b"data: "):
                    continue
                now = time.perf_counter()
                if line.startswith(b"data: [DONE]"):
                    break
                if b'"error":' in line[:32]:
                    result.error = _message(line[6:].decode())
                    return result
                # Only the last event has numbers in its usage.
                counts = (
                    json.loads(line[6:]).get("usage")
                    if b'"usage":{' in line or b'"usage": {' in line
                    else None
                )
                if counts:
                    result.prompt_tokens = counts["prompt_tokens"]
                    result.output_tokens = counts["completion_tokens"]
                elif not result.first:
                    if _has_text(line):
                        result.first = now - start
                        last = now
                else:
                    result.gaps.append(now - last)
                    last = now
            result.total = last - start
    except (aiohttp.ClientError, asyncio.TimeoutError, OSError, ValueError) as error:
        result.error = f"{type(error).__name__}: {error}"
    if result.error is None and not result.output_tokens:
        result.error = "the response has no tokens"
    return result


def _has_text(line: bytes) -> bool:
    """Whether an event has more than a role."""
    for choice in json.loads(line[6:]).get("choices", ()):
        delta = choice.get("delta")
        names = ("content", "reasoning_content", "reasoning", "tool_calls")
        if delta is None or any(delta.get(name) for name in names):
            return True
    return False


def _message(text: str) -> str:
    try:
        return str(json.loads(text)["error"]["message"])[:300]
    except (ValueError, KeyError, TypeError):
        return text[:300].replace("\n", " ")


def _prompts(
    args: argparse.Namespace, vocab_size: int, model: str, count: int
) -> list[tuple[str, dict[str, Any]]]:
    """The requests: path and body."""
    common = {
        "model": model,
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_tokens": args.output_len,
    }
    if args.dataset == "random":
        generator = random.Random(args.seed)

        def ids(length: int) -> list[int]:
            return [generator.randrange(vocab_size) for _ in range(length)]

        prefix = ids(min(args.prefix_len, args.input_len))
        return [
            (
                "/v1/completions",
                {
                    **common,
                    "prompt": prefix + ids(args.input_len - len(prefix)),
                    "seed": i,
                    "ignore_eos": True,
                },
            )
            for i in range(count)
        ]
    requests = []
    try:
        with open(args.file, encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                if not line.strip():
                    continue
                try:
                    item = json.loads(line)
                    path = "/v1/chat/completions" if "messages" in item else "/v1/completions"
                    name = "messages" if "messages" in item else "prompt"
                    body = {**common, name: item[name], "max_tokens": item.get("max_tokens", args.output_len)}
                except (ValueError, KeyError, TypeError, AttributeError):
                    raise BenchError(
                        f"{args.file}: line {number}: expected an object with 'prompt' or 'messages'"
                    ) from None
                requests.append((path, body))
    except (OSError, UnicodeDecodeError) as error:
        raise BenchError(f"{args.file}: {getattr(error, 'strerror', None) or 'is not UTF-8'}") from None
    if not requests:
        raise BenchError(f"{args.file}: has no prompts")
    return [
        (requests[i % len(requests)][0], {**requests[i % len(requests)][1], "seed": i}) for i in range(count)
    ]


async def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Runs the benchmark. Returns its report; raises BenchError if the server cannot be asked."""
    headers = {"Authorization": f"Bearer {args.api_key}"} if args.api_key else {}
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(
        args.base_url.rstrip("/"),
        headers=headers,
        connector=connector,
        timeout=aiohttp.ClientTimeout(total=None),
        read_bufsize=1 << 20,
    ) as session:
        model, vocab_size = await _model(session, args)
        requests = _prompts(args, vocab_size, model, args.num_prompts + args.num_warmups)
        for path, body in requests[args.num_prompts :]:
            warmup = await _request(session, path, body)
            if warmup.error:
                raise BenchError(f"{args.base_url}{path}: {warmup.error}")
        slots = asyncio.Semaphore(args.max_concurrency or len(requests))

        async def one(path: str, body: dict[str, Any]) -> Result:
            async with slots:
                return await _request(session, path, body)

        arrivals = random.Random(args.seed + 1)
        start = time.perf_counter()
        due = start
        tasks = []
        for path, body in requests[: args.num_prompts]:
            tasks.append(asyncio.create_task(one(path, body)))
            if args.request_rate != float("inf"):
                due += arrivals.expovariate(args.request_rate)
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
        results = await asyncio.gather(*tasks)
        return _report(results, time.perf_counter() - start, model, args)


async def _model(session: aiohttp.ClientSession, args: argparse.Namespace) -> tuple[str, int]:
    """The model's name and a bound of its token ids."""
    try:
        async with session.get("/v1/models") as response:
            if response.status != 200:
                raise BenchError(
                    f"{args.base_url}/v1/models: status {response.status}: {_message(await response.text())}"
                )
            models = (await response.json())["data"]
            known = {each["id"]: each for each in models}
            name = args.model or models[0]["id"]
    except (aiohttp.ClientError, OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise BenchError(f"{args.base_url}: {error}") from None
    if name not in known:
        raise BenchError(f"{args.base_url}: has no model {name!r}; it has {', '.join(known)}")
    return name, args.vocab_size or known[name].get("vocab_size") or 256


def quantile(values: list[float], percent: float) -> float:
    """The least value that is not below `percent` of all, from a sorted list."""
    return values[max(0, math.ceil(len(values) * percent / 100) - 1)]


def _summary(values: list[float]) -> dict[str, float] | None:
    """Mean and quantiles in milliseconds."""
    if not values:
        return None
    values = sorted(values)
    return {
        "mean": 1e3 * statistics.fmean(values),
        **{f"p{q}": 1e3 * quantile(values, q) for q in _QUANTILES},
        "max": 1e3 * values[-1],
    }


def _report(results: list[Result], seconds: float, model: str, args: argparse.Namespace) -> dict[str, Any]:
    good = [result for result in results if result.error is None]
    errors = [result.error for result in results if result.error is not None]
    tokens = sum(result.output_tokens for result in good)
    prompt_tokens = sum(result.prompt_tokens for result in good)
    return {
        "model": model,
        "requests": len(results),
        "failed": len(errors),
        "first_error": errors[0] if errors else None,
        "seconds": seconds,
        "request_rate": args.request_rate if args.request_rate != float("inf") else None,
        "max_concurrency": args.max_concurrency,
        "prompt_tokens": prompt_tokens,
        "output_tokens": tokens,
        "requests_per_second": len(good) / seconds,
        "output_tokens_per_second": tokens / seconds,
        "total_tokens_per_second": (tokens + prompt_tokens) / seconds,
        "time_to_first_token_ms": _summary([result.first for result in good]),
        "inter_token_latency_ms": _summary([gap for result in good for gap in result.gaps]),
        "time_per_output_token_ms": _summary(
            [
                (result.total - result.first) / (result.output_tokens - 1)
                for result in good
                if result.output_tokens > 1
            ]
        ),
        "end_to_end_ms": _summary([result.total for result in good]),
    }


def table(report: dict[str, Any]) -> str:
    """The report for people."""
    lines = [
        f"{report['requests']} requests to {report['model']} in {report['seconds']:.2f} s, "
        f"{report['failed']} failed",
        f"{report['requests_per_second']:.2f} requests/s, "
        f"{report['output_tokens_per_second']:.1f} output tokens/s, "
        f"{report['total_tokens_per_second']:.1f} tokens/s with prompts",
        "",
        f"{'milliseconds':24}" + "".join(f"{name:>10}" for name in ("mean", "p50", "p90", "p99", "max")),
    ]
    for name, title in (
        ("time_to_first_token_ms", "time to first token"),
        ("inter_token_latency_ms", "between tokens"),
        ("time_per_output_token_ms", "per output token"),
        ("end_to_end_ms", "end to end"),
    ):
        summary = report[name]
        if summary is not None:
            lines.append(f"{title:24}" + "".join(f"{value:10.2f}" for value in summary.values()))
    if report["first_error"] is not None:
        lines.append(f"first error: {report['first_error']}")
    return "\n".join(lines)


def run(args: argparse.Namespace) -> int:
    """Runs the benchmark and prints its report. Returns the exit status: 1 if a request failed."""
    if (args.dataset == "file") != (args.file is not None):
        print("m1 bench serve: --dataset file and --file go together", file=sys.stderr)
        return 1
    try:
        report = asyncio.run(measure(args))
    except BenchError as error:
        print(f"m1 bench serve: {error}", file=sys.stderr)
        return 1
    print(json.dumps(report) if args.json else table(report))
    return 1 if report["failed"] else 0
