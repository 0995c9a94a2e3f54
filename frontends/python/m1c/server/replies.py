# ===- replies.py - what all answers share --------------------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""The parts of a response that do not depend on the endpoint."""

from __future__ import annotations

import time
import uuid
from collections.abc import AsyncGenerator
from typing import Any

from . import json_text
from .errors import ApiError
from .output import ChoiceOutput
from .requests import Common
from .runs import Run, close_all

DONE = "data: [DONE]\n\n"


def usage(prompt: int, generated: int, cached: int, reasoning: int | None = None) -> dict[str, Any]:
    """OpenAI's counts of tokens."""
    result: dict[str, Any] = {
        "prompt_tokens": prompt,
        "completion_tokens": generated,
        "total_tokens": prompt + generated,
        "prompt_tokens_details": {"cached_tokens": cached},
    }
    if reasoning is not None:
        result["completion_tokens_details"] = {"reasoning_tokens": reasoning}
    return result


def error_event(error: ApiError) -> str:
    """An error after the response has begun, as a server-sent event; then the stream's end."""
    return f"data: {json_text.dump(error.body())}\n\n{DONE}"


class Reply:
    """An answer to a request whose runs have been submitted: either `collect` or `events` is called, then
    `close`."""

    def __init__(
        self, prefix: str, kind: str, request: Common, runs: list[Run], *, model: str, fingerprint: str
    ):
        self.id = prefix + uuid.uuid4().hex
        self.runs = runs
        self.streaming = request.stream
        self.ignored = request.ignored
        self.head = {
            "id": self.id,
            "object": kind,
            "created": int(time.time()),
            "model": model,
            "system_fingerprint": fingerprint,
        }
        # An event is the start, its choice and the end.
        self._opening = "data: " + json_text.dump(self.head)[:-1]
        self.event_start = self._opening + ',"choices":['
        self.event_end = '],"usage":null}\n\n' if request.include_usage else "]}\n\n"
        self._sent_ids: dict[int, int] = {}

    async def collect(self) -> dict[str, Any]:
        """The whole response, a JSON object."""
        raise NotImplementedError

    def events(self) -> AsyncGenerator[str, None]:
        """The response as server-sent events."""
        raise NotImplementedError

    def usage_event(self, counts: dict[str, Any]) -> str:
        """The event with the counts of tokens."""
        return f'{self._opening},"choices":[],"usage":{json_text.dump(counts)}}}\n\n'

    def new_ids(self, choice: ChoiceOutput) -> list[int]:
        """The tokens of a choice since the last call."""
        start = self._sent_ids.get(choice.index, 0)
        self._sent_ids[choice.index] = len(choice.token_ids)
        return choice.token_ids[start:]

    def close(self) -> None:
        """Frees what the engine holds for the request, whether it has ended or not."""
        close_all(self.runs)
