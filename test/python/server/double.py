# ===- double.py - an engine that does what a test wants ------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""A stand-in for AsyncLLM whose responses are scripts: tokens cut anywhere, pauses, errors.

    llm = ScriptedLLM(byte_tokenizer())
    llm.say("Hello", cut=2)          # the next request gets these bytes as tokens, two at a time, then the end token

Log-probabilities are a fixed function of the token, so that tests can expect them. One step of the engine
gives every running request its next piece.
"""

from __future__ import annotations

import asyncio
import dataclasses
import sys
from collections import deque
from collections.abc import Iterable
from pathlib import Path

from m1c.errors import Error, QueueFull, Stopped
from m1c.outputs import Delta
from m1c.sampling import SamplingParams
from m1c.text.tokenizer import Tokenizer

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "tools"))

from byte_tokenizer import describe  # noqa: E402

CONTROL = {"<begin>": 256, "<turn>": 257, "<end>": 258, "<think>": 259, "</think>": 260}
END = CONTROL["<end>"]


def byte_tokenizer() -> Tokenizer:
    """A tokenizer of bytes and control tokens, of which <think> and </think> are not special."""
    added = [(text, i, "think" not in text) for text, i in CONTROL.items()]
    return Tokenizer(describe(added), special_tokens={"eos_token": "<end>"})


@dataclasses.dataclass
class Step:
    """One step of a script: tokens, perhaps the end, after `pause` steps without any."""

    ids: list[int] = dataclasses.field(default_factory=list)
    finish: str | None = None
    pause: int = 0


def logprob(token: int) -> float:
    """The log-probability of a token, whatever precedes it."""
    return -0.5 - token / 256


def top(token: int, count: int) -> list[tuple[int, float]]:
    """The `count` most likely tokens beside `token`: those that follow it."""
    return [((token + 1 + i) % 256, -0.25 * (i + 1)) for i in range(count)]


def pieces(text: str | bytes, cut: int | list[int] = 1, end: bool = True) -> list[Step]:
    """A script that says `text`, `cut` bytes a step or cut at the given places, and then ends."""
    ids = list(text.encode() if isinstance(text, str) else text)
    if isinstance(cut, int):
        cuts = list(range(cut, len(ids), cut))
    else:
        cuts = cut
    steps = [Step(ids[a:b]) for a, b in zip([0, *cuts], [*cuts, len(ids)])] if ids else []
    return steps + [Step([END], "stop")] if end else steps


class Stream:
    """The deltas of one request."""

    def __init__(
        self, llm: ScriptedLLM, prompt: list[int], params: SamplingParams, scripts: list[Iterable[Step]]
    ):
        self.prompt = prompt
        self.params = params
        self.aborted = False
        self.steps = 0
        self._llm = llm
        self._scripts = [iter(script) for script in scripts]
        self._pauses: list[tuple[int, Step] | None] = [None] * len(scripts)
        self._counts = [0] * len(scripts)
        self._open = set(range(len(scripts)))
        self._ready: deque = deque()
        self._wake = asyncio.Event()
        self._scored = params.prompt_logprobs is None

    def abort(self) -> None:
        """Ends the request."""
        if self in self._llm.running:
            self._llm.running.remove(self)
            self.aborted = True
        self._wake.set()

    def __aiter__(self) -> Stream:
        return self

    async def __anext__(self) -> Delta:
        while not self._ready:
            if self not in self._llm.running:
                raise StopAsyncIteration
            self._wake.clear()
            await self._wake.wait()
        item = self._ready.popleft()
        if isinstance(item, Exception):
            raise item
        return item

    def step(self) -> None:
        """One step of the engine."""
        self.steps += 1
        for choice in sorted(self._open):
            pending = self._pauses[choice]
            if pending is None:
                step = next(self._scripts[choice], None)
                if step is None:
                    continue
                if isinstance(step, Exception):
                    self._ready.append(step)
                    self._open.clear()
                    break
                pending = (step.pause, step)
            if pending[0] > 0:
                self._pauses[choice] = (pending[0] - 1, pending[1])
                continue
            self._pauses[choice] = None
            self._emit(choice, pending[1])
        if not self._open and self in self._llm.running:
            self._llm.running.remove(self)
        self._wake.set()

    def _emit(self, choice: int, step: Step) -> None:
        params = self.params
        room = params.max_tokens - self._counts[choice]
        ids, finish = step.ids[:room], step.finish
        if len(step.ids) >= room and not (finish == "stop" and len(step.ids) == room):
            finish = "length"
        self._counts[choice] += len(ids)
        delta = Delta(choice, list(ids), finish_reason=finish)
        if params.logprobs is not None:
            delta.logprobs = [logprob(token) for token in ids]
            delta.top_logprobs = [top(token, params.logprobs) for token in ids]
        if finish == "stop" and ids:
            delta.stop_reason = ids[-1]
        if not self._scored:
            self._scored = True
            count = params.prompt_logprobs
            delta.prompt_logprobs = [None, *[(logprob(t), top(t, count)) for t in self.prompt[1:]]]
        delta.cached_tokens = self._llm.cached
        if finish is not None:
            self._open.discard(choice)
        self._ready.append(delta)


class ScriptedLLM:
    """An AsyncLLM whose responses are scripts.

    `scripts` holds those of the next requests, each a list with one script for each choice (the last one
    repeats); when there are none, `default` is said. `gate` stops the engine while it is clear.
    """

    def __init__(
        self,
        tokenizer: Tokenizer | None = None,
        *,
        max_model_len: int = 1024,
        max_queued: int = 64,
        step_seconds: float = 0.0,
        defaults: dict | None = None,
    ):
        self.tokenizer = tokenizer
        self.max_model_len = max_model_len
        self.vocab_size = 272
        self.stop_token_ids = [END]
        self.default_sampling = defaults or {}
        self.default = "ok"
        self.scripts: deque = deque()
        self.submitted: list[Stream] = []
        self.prepared: list = []
        self.refuse_forms = False
        self.running: list[Stream] = []
        self.cached = 0
        self.steps = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.closed = False
        self.failure: str | None = None
        self._max_queued = max_queued
        self._step_seconds = step_seconds
        self._engine: asyncio.Task | None = None

    def say(self, *texts: str | bytes | list, cut: int | list[int] = 1) -> None:
        """The next request's choices say these texts, or follow these scripts."""
        self.scripts.append([text if isinstance(text, list) else pieces(text, cut) for text in texts])

    def submit(self, prompt_token_ids: list[int], params: SamplingParams) -> Stream:
        """Starts a request."""
        if self.closed:
            raise Stopped("the engine has stopped")
        if len(self.running) >= self._max_queued:
            raise QueueFull("the queue is full")
        if len(prompt_token_ids) + params.max_tokens > self.max_model_len:
            raise Error("the request is longer than the model allows")
        given = self.scripts.popleft() if self.scripts else [pieces(self.default)]
        scripts = [given[min(choice, len(given) - 1)] for choice in range(params.n)]
        stream = Stream(self, list(prompt_token_ids), params, scripts)
        self.submitted.append(stream)
        self.running.append(stream)
        if self._engine is None or self._engine.done():
            self._engine = asyncio.get_running_loop().create_task(self._run())
        return stream

    async def _run(self) -> None:
        while self.running:
            await self.gate.wait()
            await asyncio.sleep(self._step_seconds)
            self.steps += 1
            for stream in list(self.running):
                stream.step()

    def prepare(self, prompt_token_ids: list[int], params: SamplingParams) -> None:
        """Remembers what would be compiled."""
        self.prepared.append(params.structured_outputs)
        if self.refuse_forms:
            raise Error("structured_outputs: no such form")

    def stats(self) -> dict:
        """The engine's numbers."""
        return {"running": len(self.running), "waiting": 0, "steps": self.steps}

    async def drain(self) -> None:
        """Waits until nothing runs."""
        while self.running:
            await asyncio.sleep(0.001)

    def close(self) -> None:
        """Ends everything."""
        self.closed = True
        for stream in list(self.running):
            stream.abort()
