# ===- batch.py - requests from a file ------------------------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""The requests of `m1 run-batch`: OpenAI's batch format, one JSON object a line, answered without HTTP.

    {"custom_id": "1", "method": "POST", "url": "/v1/chat/completions", "body": {"messages": [...]}}

A line of the output has the same `custom_id`, and either `response` (status, and the body that the server
would have sent) or `error` (the line is no request).
"""

from __future__ import annotations

import asyncio
import uuid
from collections import deque
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from typing import Any

from . import json_text
from .errors import ApiError
from .service import Service

_RETRY_SECONDS = 0.05


@dataclass
class BatchCounts:
    """How many lines were answered with status 200, with another status, and were no requests."""

    succeeded: int = 0
    refused: int = 0
    invalid: int = 0


async def answer(service: Service, body: object, url: str) -> tuple[int, dict[str, Any]]:
    """The status and the body that a server would send for a request. Waits while the engine's queue is
    full."""
    try:
        if isinstance(body, dict) and body.get("stream"):
            raise ApiError(400, "A batch has no streams.", param="stream", code="unsupported_parameter")
        while True:
            try:
                reply = await service.reply(url, body)
                break
            except ApiError as error:
                if error.code != "queue_full":
                    raise
            await asyncio.sleep(_RETRY_SECONDS)
        try:
            return 200, await reply.collect()
        finally:
            reply.close()
    except ApiError as error:
        return error.status, error.body()


async def answer_line(service: Service, line: str | bytes, counts: BatchCounts) -> dict[str, Any]:
    """The output for one line of input."""
    result: dict[str, Any] = {
        "id": "batch_req_" + uuid.uuid4().hex,
        "custom_id": None,
        "response": None,
        "error": None,
    }
    try:
        request = json_text.parse(line.encode("utf-8", "surrogatepass") if isinstance(line, str) else line)
        if not isinstance(request, dict):
            raise ApiError(400, "A line must be a JSON object.", code="invalid_line")
        custom_id = request.get("custom_id")
        if not isinstance(custom_id, str):
            raise ApiError(400, "'custom_id' is missing or not a string.", code="missing_custom_id")
        result["custom_id"] = custom_id
        if request.get("method", "POST") != "POST":
            raise ApiError(400, "'method' must be POST.", code="invalid_method")
        unknown = set(request) - {"custom_id", "method", "url", "body"}
        if unknown:
            raise ApiError(
                400, f"Unrecognized field in a line: {min(unknown)[:64]!r}.", code="unknown_parameter"
            )
        url = request.get("url")
        if url not in ("/v1/chat/completions", "/v1/completions"):
            raise ApiError(400, "'url' must be /v1/chat/completions or /v1/completions.", code="invalid_url")
    except ApiError as error:
        counts.invalid += 1
        result["error"] = {"code": error.code, "message": error.message}
        return result
    status, body = await answer(service, request.get("body"), url)
    if status == 200:
        counts.succeeded += 1
    else:
        counts.refused += 1
    result["response"] = {"status_code": status, "request_id": "req-" + uuid.uuid4().hex, "body": body}
    return result


async def run_batch(
    service: Service, lines: Iterable[str | bytes], counts: BatchCounts | None = None, concurrency: int = 256
) -> AsyncIterator[str]:
    """Yields an output line, without its end, for each line of input that is not blank, in the order of the
    input.

    At most `concurrency` requests are underway; `lines` is read as they finish.
    """
    counts = counts if counts is not None else BatchCounts()
    pending: deque[asyncio.Task[Any]] = deque()
    try:
        for line in lines:
            if not line.strip():
                continue
            while len(pending) >= concurrency:
                yield json_text.dump(await pending.popleft())
            pending.append(asyncio.create_task(answer_line(service, line, counts)))
            # Lets the request begin, so that the engine gets requests in their order.
            await asyncio.sleep(0)
        while pending:
            yield json_text.dump(await pending.popleft())
    finally:
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
