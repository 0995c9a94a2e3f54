# ===- errors.py - errors as OpenAI's clients read them -------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Errors that a client sees: a status and OpenAI's JSON object."""

from __future__ import annotations

from typing import Any


class ApiError(Exception):
    """Ends a request with `status` and `{"error": {message, type, param, code}}`.

    `retry_after` is in seconds and becomes the header of that name.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        kind: str | None = None,
        retry_after: int | None = None,
    ):
        super().__init__(message)
        self.status = status
        self.message = message
        self.param = param
        self.code = code
        self.kind = kind or _KINDS.get(status, "invalid_request_error" if status < 500 else "server_error")
        self.retry_after = retry_after

    def body(self) -> dict[str, Any]:
        """The JSON object of the response."""
        return {"error": {"message": self.message, "type": self.kind, "param": self.param, "code": self.code}}


_KINDS = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
    503: "service_unavailable_error",
    504: "timeout_error",
}


def invalid(message: str, param: str | None = None, code: str | None = None) -> ApiError:
    """A request that cannot be served as it is: status 400."""
    return ApiError(400, message, param=param, code=code)


def context_length(prompt_tokens: int, limit: int, param: str) -> ApiError:
    """A prompt that leaves no room for a response."""
    return ApiError(
        400,
        f"This model's maximum context length is {limit} tokens, but the prompt has {prompt_tokens} "
        "tokens. Shorten the prompt.",
        param=param,
        code="context_length_exceeded",
    )


def queue_full() -> ApiError:
    """The engine's queue holds as many requests as it may."""
    return ApiError(429, "The server's queue is full. Try again later.", code="queue_full", retry_after=1)


def draining() -> ApiError:
    """The server finishes what it has and takes nothing new."""
    return ApiError(503, "The server is shutting down.", code="shutting_down", retry_after=10)


def timed_out(seconds: float) -> ApiError:
    """The request took longer than --request-timeout."""
    return ApiError(
        504, f"The request took longer than {seconds:g} seconds, the server's limit.", code="timeout"
    )


def internal() -> ApiError:
    """A fault of the server: the log has the details, the client does not."""
    return ApiError(
        500, "The server failed to process the request; its log has the details.", code="internal_error"
    )
