# ===- runs.py - requests to the engine -----------------------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""One prompt in the engine, and what its choices yield."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator
from typing import Any

from .errors import ApiError, internal
from .metrics import RequestRecord
from .output import ChoiceOutput, TokenEntry

log = logging.getLogger("m1c.server")

# A choice, its new text and its new entries.
Update = tuple[ChoiceOutput, str, list[TokenEntry]]


class Run:
    """A prompt that has been submitted, with its choices.

    `updates` must be iterated once, or `close` be called. `closing` frees what the engine holds for the
    request; both do it, too.
    """

    def __init__(
        self, stream: Any, choices: list[ChoiceOutput], prompt_ids: list[int], record: RequestRecord
    ):
        self.choices = choices
        self.prompt_ids = prompt_ids
        self.cached_tokens = 0
        self.prompt_logprobs: list[Any] | None = None
        self._stream = stream
        self._record = record
        self._open = len(choices)

    async def updates(self) -> AsyncGenerator[Update, None]:
        """Yields a choice, its new text and its new entries, until all choices have ended.

        Raises an ApiError if the engine fails or drops the request.
        """
        try:
            async for delta in self._stream:
                if delta.prompt_logprobs is not None:
                    self.prompt_logprobs = delta.prompt_logprobs
                if delta.cached_tokens:
                    self.cached_tokens = delta.cached_tokens
                choice = self.choices[delta.choice]
                if choice.finish_reason is not None:
                    continue
                self._record.tokens(delta.choice, len(delta.token_ids))
                if delta.finish_reason in ("abort", "error"):
                    raise _failed(delta)
                text, entries = choice.push(delta)
                if choice.finish_reason is not None:
                    self._open -= 1
                yield choice, text, entries
                if self._open == 0:
                    return
            raise internal()
        finally:
            self.close()

    def end(self, choice: ChoiceOutput, reason: str) -> None:
        """Ends a choice whose further tokens nobody wants. To be called between two updates."""
        if choice.finish_reason is None:
            choice.finish_reason = reason
            self._open -= 1

    def close(self) -> None:
        """Frees the request, whether it has ended or not. May be called again."""
        self._stream.abort()
        self._record.finish([choice.finish_reason or "abort" for choice in self.choices])


def _failed(delta: Any) -> ApiError:
    log.error("the engine: %s", delta.error or "a request was aborted")
    if delta.finish_reason == "abort":
        return ApiError(503, "The request was aborted by the server.", code="aborted")
    return internal()


def merged(runs: list[Run]) -> AsyncGenerator[Update, None]:
    """The updates of several runs as they arrive."""
    return runs[0].updates() if len(runs) == 1 else _merged(runs)


async def _merged(runs: list[Run]) -> AsyncGenerator[Update, None]:
    queue: asyncio.Queue[Any] = asyncio.Queue()

    async def feed(run: Run) -> None:
        try:
            async with contextlib.aclosing(run.updates()) as updates:
                async for update in updates:
                    queue.put_nowait(update)
            queue.put_nowait(None)
        except Exception as error:  # Raised again below, where the request is handled.
            queue.put_nowait(error)

    tasks = [asyncio.create_task(feed(run)) for run in runs]
    try:
        remaining = len(tasks)
        while remaining:
            item = await queue.get()
            if item is None:
                remaining -= 1
            elif isinstance(item, Exception):
                raise item
            else:
                yield item
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def close_all(runs: list[Run]) -> None:
    """Frees all requests."""
    for run in runs:
        run.close()
