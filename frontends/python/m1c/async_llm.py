# ===- async_llm.py - a model for asyncio ---------------------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""A model for asyncio: many requests at a time, each a stream of tokens."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Sequence
from typing import Any

from .engine import Served, delta_of
from .errors import Error
from .outputs import Delta
from .sampling import SamplingParams

__all__ = ["AsyncLLM", "Stream"]


class Stream:
    """The deltas of a request, to be iterated once. A stream that is closed, cancelled or dropped aborts its
    request."""

    def __init__(self, llm: AsyncLLM, prompt: list[int], params: SamplingParams):
        self.prompt_token_ids = prompt
        self._llm = llm
        self._params = params
        self._ready: deque[Delta] = deque()
        self._open = params.n
        self._waiter: asyncio.Future[None] | None = None
        self._number: int | None = llm._engine.submit(llm._engine.request(prompt, params), self._take)
        llm._streams.add(self._number)

    def _take(self, update: Any) -> None:
        self._ready.append(delta_of(update, self._params))
        if update.finish_reason is not None:
            self._open -= 1
            if self._open == 0:
                self._llm._end(self._number)
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def abort(self) -> None:
        """Ends the request, whose sequences leave the engine at the next step. No effect if it has ended."""
        if self._number is not None and self._open:
            self._open = 0
            self._llm._abort(self._number)
            self._wake()

    async def aclose(self) -> None:
        """As abort()."""
        self.abort()

    def __aiter__(self) -> Stream:
        return self

    async def __anext__(self) -> Delta:
        while not self._ready:
            if self._open == 0:
                raise StopAsyncIteration
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            except asyncio.CancelledError:
                self.abort()
                raise
            finally:
                self._waiter = None
        return self._ready.popleft()

    async def __aenter__(self) -> Stream:
        return self

    async def __aexit__(self, *error: object) -> None:
        self.abort()

    def __del__(self) -> None:
        if getattr(self, "_number", None) is not None:
            self.abort()


class AsyncLLM(Served):
    """A model with an engine, for one event loop at a time."""

    def __init__(self, model: str | os.PathLike[str], **options: Any):
        """As LLM."""
        super().__init__(model, **options)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._streams: set[int] = set()
        self._drained = False

    def prepare(self, prompt_token_ids: Sequence[int], params: SamplingParams) -> None:
        """Does what may take a while of submit(), which is to compile the form of a response, and keeps it
        for submit(). May be called on any thread; raises Error."""
        self._engine.masks(prompt_token_ids, params)

    def submit(self, prompt_token_ids: Sequence[int], params: SamplingParams) -> Stream:
        """Submits a request from a coroutine. Raises Error if it is not well-formed, QueueFull or Stopped.

        `params.stop` is not looked at: the engine never sees text (m1c.text.Detokenizer finds stop texts).
        """
        self._attach()
        return Stream(self, list(prompt_token_ids), params)

    def _attach(self) -> None:
        """Sees to it that the running loop hands over updates."""
        loop = asyncio.get_running_loop()
        if loop is self._loop:
            return
        if self._loop is not None and not self._loop.is_closed():
            if self._streams:
                raise Error("AsyncLLM: another event loop has requests; expected one loop at a time")
            self._loop.remove_reader(self._engine.runtime.fileno())
        loop.add_reader(self._engine.runtime.fileno(), self._engine.dispatch)
        self._loop = loop

    def _end(self, number: int | None) -> None:
        if number is not None:
            self._streams.discard(number)
            self._engine.ended(number)

    def _abort(self, number: int) -> None:
        self._streams.discard(number)
        self._engine.forget(number)

    async def drain(self) -> None:
        """Accepts no more requests, and returns when all have ended and their streams have been told."""
        await asyncio.get_running_loop().run_in_executor(None, self._engine.runtime.drain)
        self._engine.dispatch()

    def close(self) -> None:
        """Aborts what runs, and ends the engine's thread. May be called again."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.remove_reader(self._engine.runtime.fileno())
        self._loop = None
        self._engine.close()
        self._engine.dispatch()
