#!/usr/bin/env python3
# ===- bench_http.py - what HTTP adds to a token --------------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Measures what the server adds to each token of many streams, with a scripted engine in place of a model.

    bench_http.py [--streams 32] [--tokens 500] [--step-ms 20] [--path chat|completions] [--json]

Every step of the engine gives each stream a piece of text that holds the time at which it was made. The client, another
process, subtracts that from the time at which it has the piece: this is what queues, text, JSON, HTTP and the client
add. The server's CPU time for a token is that of its process less that of the scripted engine alone, iterated without a
server. On a busy machine, trust the CPU times.
"""

import argparse
import asyncio
import contextlib
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python" / "server"))

from double import ScriptedLLM, Step, byte_tokenizer  # noqa: E402

from m1c.sampling import SamplingParams  # noqa: E402


class Clock:
    """A script whose every step says the time, as one token would be."""

    def __init__(self, tokens: int):
        self.left = tokens

    def __iter__(self):
        return self

    def __next__(self) -> Step:
        if self.left == 0:
            raise StopIteration
        self.left -= 1
        return Step(list(b"@%016d." % time.monotonic_ns()), None if self.left else "length")


class TimedLLM(ScriptedLLM):
    """An engine that says the time."""

    tokens = 0

    def submit(self, prompt_token_ids, params):
        self.scripts.append([Clock(self.tokens)])
        return super().submit(prompt_token_ids, params)


def timed_llm(args: argparse.Namespace) -> TimedLLM:
    llm = TimedLLM(byte_tokenizer(), max_model_len=1 << 30, max_queued=1 << 20, step_seconds=args.step_ms / 1000)
    llm.tokens = args.tokens
    return llm


def serve(args: argparse.Namespace) -> None:
    """The server's process."""
    from harness import TEMPLATE

    from m1c.server import cli
    from m1c.server.lifecycle import bind
    from m1c.server.service import ChatFormat
    from m1c.text import ChatTemplate

    parser = argparse.ArgumentParser()
    cli.add_arguments(parser)
    options = parser.parse_args(["timed", "--port", "0", "--log-level", "error"])
    llm = timed_llm(args)
    bound = bind(options.host, options.port)
    sys.exit(cli.serve(llm, ChatFormat(ChatTemplate(TEMPLATE, llm.tokenizer), "m1", "m1"), options, bound))


async def alone(args: argparse.Namespace) -> float:
    """The CPU time of the engine and of reading its streams, without a server."""
    llm = timed_llm(args)
    start = time.process_time()

    async def read(stream) -> None:
        async for _ in stream:
            pass

    params = SamplingParams(max_tokens=1 << 29)
    await asyncio.gather(*[read(llm.submit([1], params)) for _ in range(args.streams)])
    return time.process_time() - start


def cpu_seconds(process: int) -> float:
    """User and system time of a process."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def stream(session, args: argparse.Namespace, delays: list) -> None:
    """Reads one stream and notes each piece's age in seconds."""
    body = {"stream": True, "max_tokens": 1 << 28}
    if args.path == "chat":
        path, body["messages"] = "/v1/chat/completions", [{"role": "user", "content": "x"}]
    else:
        path, body["prompt"] = "/v1/completions", "x"
    async with session.post(path, json=body) as response:
        assert response.status == 200, await response.text()
        async for line in response.content:
            at = line.find(b'"@')
            if at >= 0:
                delays.append((time.monotonic_ns() - int(line[at + 2:at + 18])) / 1e9)


async def measure(args: argparse.Namespace, address: str, server: int) -> dict:
    """Runs all streams at once."""
    import aiohttp

    delays: list = []
    async with aiohttp.ClientSession(address, connector=aiohttp.TCPConnector(limit=0),
                                     timeout=aiohttp.ClientTimeout(total=None)) as session:
        before = cpu_seconds(server)
        await asyncio.gather(*[stream(session, args, delays) for _ in range(args.streams)])
        used = cpu_seconds(server) - before
    count = args.streams * args.tokens
    assert len(delays) == count, (len(delays), count)
    engine = await alone(args)
    delays.sort()
    return {"streams": args.streams, "tokens": count, "path": args.path, "step_ms": args.step_ms,
            "server_cpu_us_per_token": 1e6 * (used - engine) / count, "engine_cpu_us_per_token": 1e6 * engine / count,
            "server_cpu_ms_per_step": 1e3 * (used - engine) / args.tokens,
            "delay_ms": {"mean": 1e3 * statistics.fmean(delays), "p50": 1e3 * delays[count // 2],
                         "p90": 1e3 * delays[count * 9 // 10], "p99": 1e3 * delays[count * 99 // 100]}}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streams", type=int, default=32)
    parser.add_argument("--tokens", type=int, default=500, help="of each stream")
    parser.add_argument("--step-ms", type=float, default=20, help="between two steps of the engine; 0: none")
    parser.add_argument("--path", choices=("chat", "completions"), default="chat")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        serve(args)
    options = ["--streams", str(args.streams), "--tokens", str(args.tokens), "--step-ms", str(args.step_ms)]
    server = subprocess.Popen([sys.executable, __file__, "--serve", *options], stdout=subprocess.PIPE, text=True)
    with contextlib.ExitStack() as stack:
        stack.callback(server.terminate)
        address = server.stdout.readline().split()[-1]
        report = asyncio.run(measure(args, address, server.pid))
    if args.json:
        print(json.dumps(report))
        return 0
    delay = report["delay_ms"]
    print(f"{args.streams} streams of {args.tokens} tokens, /v1/{args.path}, a step every {args.step_ms:g} ms")
    print(f"server: {report['server_cpu_us_per_token']:.1f} us of CPU a token, {report['server_cpu_ms_per_step']:.2f} ms "
          f"a step (and {report['engine_cpu_us_per_token']:.1f} us a token for the scripted engine)")
    print(f"from the engine to the client: mean {delay['mean']:.2f} ms, p50 {delay['p50']:.2f}, p90 {delay['p90']:.2f}, "
          f"p99 {delay['p99']:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
