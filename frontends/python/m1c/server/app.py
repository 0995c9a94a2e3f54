# ===- app.py - the HTTP application --------------------------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""The ASGI application: routes, keys, limits, errors, streams.

Every error is OpenAI's JSON with the right status. While a request runs, a second task listens for the client
going away, and then ends the request at once, streaming or not.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import logging
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from . import errors, json_text
from .errors import ApiError
from .replies import Reply, error_event
from .service import Service

log = logging.getLogger("m1c.server")

HEARTBEAT_SECONDS = 15  # Proxies often close connections after 60 seconds of silence.


@dataclass
class Limits:
    """What the server refuses: see the options of `m1 serve`. A timeout of 0 is none."""

    max_body_bytes: int = 32 << 20
    request_timeout: float = 0.0
    body_timeout: float = 60.0


class Keys:
    """The keys that are accepted; without any, everybody is.

    Digests are compared, all of them, each in constant time: how long it takes tells nothing about a key.
    """

    def __init__(self, keys: list[str]):
        self._digests = [hashlib.sha256(key.encode()).digest() for key in keys]

    def check(self, header: bytes | None) -> None:
        """Raises unless the authorization header has an accepted key."""
        if not self._digests:
            return
        scheme, _, key = (header or b"").partition(b" ")
        digest = hashlib.sha256(key.strip()).digest()
        accepted = False
        for each in self._digests:
            accepted |= hmac.compare_digest(each, digest)
        if header is None or scheme.lower() != b"bearer":
            raise ApiError(
                401,
                "No API key was given: expected a header 'Authorization: Bearer KEY'.",
                code="missing_api_key",
            )
        if not accepted:
            raise ApiError(401, "The API key is not valid.", code="invalid_api_key")


def json_response(value: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A response of JSON text."""
    return Response(json_text.dump(value), status, headers, "application/json")


def error_response(error: ApiError) -> Response:
    """The response for an error."""
    headers = {}
    if error.retry_after is not None:
        headers["retry-after"] = str(error.retry_after)
    if error.status == 401:
        headers["www-authenticate"] = "Bearer"
    return json_response(error.body(), error.status, headers)


class Application:
    """The routes of one service. `app` is the ASGI application."""

    def __init__(
        self,
        service: Service,
        keys: list[str] | None = None,
        limits: Limits | None = None,
        origins: list[str] | None = None,
    ):
        self.service = service
        self.limits = limits or Limits()
        self._keys = Keys(keys or [])
        self.active = 0
        self._watched: set[_Watched] = set()
        routes = [
            Route("/v1/chat/completions", _Endpoint(self, self._generate), methods=["POST"]),
            Route("/v1/completions", _Endpoint(self, self._generate), methods=["POST"]),
            Route("/v1/models", _Endpoint(self, self._models), methods=["GET"]),
            Route("/v1/models/{name:path}", _Endpoint(self, self._model), methods=["GET"]),
            Route("/tokenize", _Endpoint(self, self._tokenize), methods=["POST"]),
            Route("/detokenize", _Endpoint(self, self._detokenize), methods=["POST"]),
            Route("/tokenizer_info", _Endpoint(self, self._tokenizer_info), methods=["GET"]),
            Route("/health", _Endpoint(self, self._health, public=True), methods=["GET"]),
            Route("/version", _Endpoint(self, self._version, public=True), methods=["GET"]),
            Route("/metrics", _Endpoint(self, self._metrics, public=True), methods=["GET"]),
        ]
        self._paths = {route.path for route in routes}
        middleware = []
        if origins:
            middleware.append(
                Middleware(
                    CORSMiddleware,
                    allow_origins=origins,
                    allow_methods=["GET", "POST"],
                    allow_headers=["*"],
                    expose_headers=["x-request-id", "x-m1-ignored"],
                )
            )
        inner = Starlette(
            routes=routes, middleware=middleware, exception_handlers={HTTPException: self._unrouted}
        )
        inner.router.redirect_slashes = False
        self.app: ASGIApp = _Outermost(self, inner)

    def abort_all(self) -> None:
        """Ends all running requests with an error."""
        for watched in list(self._watched):
            watched.end(errors.draining())

    # Endpoints: each takes a request and returns a response, or None if it has sent one.

    async def _generate(self, request: Request, send: Send) -> Response | None:
        body = await self._json(request)
        async with _Watched(request, self) as watched:
            reply = await self.service.reply(request.url.path, body)
            try:
                headers = {"x-request-id": reply.id}
                if reply.ignored:
                    log.warning("%s: ignored fields: %s", reply.id, ", ".join(reply.ignored))
                    headers["x-m1-ignored"] = ", ".join(reply.ignored)
                if reply.streaming:
                    await _stream(reply, headers, send, watched)
                    return None
                return json_response(await reply.collect(), headers=headers)
            finally:
                reply.close()
        if watched.failure is not None:
            raise watched.failure
        return None

    async def _models(self, request: Request, send: Send) -> Response:
        return json_response(self.service.models())

    async def _model(self, request: Request, send: Send) -> Response:
        return json_response(self.service.model(request.path_params["name"]))

    async def _tokenize(self, request: Request, send: Send) -> Response:
        return json_response(await self.service.tokenize(await self._json(request)))

    async def _detokenize(self, request: Request, send: Send) -> Response:
        return json_response(await self.service.detokenize(await self._json(request)))

    async def _tokenizer_info(self, request: Request, send: Send) -> Response:
        return json_response(self.service.tokenizer_info())

    async def _health(self, request: Request, send: Send) -> Response:
        if self.service.draining:
            raise errors.draining()
        return json_response({"status": "ok"})

    async def _version(self, request: Request, send: Send) -> Response:
        return json_response({"version": self.service.version})

    async def _metrics(self, request: Request, send: Send) -> Response:
        metrics = self.service.metrics
        metrics.http_active = self.active
        return Response(metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    # What they share.

    async def _json(self, request: Request) -> object:
        """The request's body, a JSON value."""
        kind = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise ApiError(
                415,
                f"Unsupported content type {kind[:100]!r}: expected application/json.",
                code="unsupported_media_type",
            )
        if request.headers.get("content-encoding", "identity").lower() != "identity":
            raise ApiError(415, "Compressed bodies are not supported.", code="unsupported_media_type")
        return json_text.parse(await self._body(request))

    async def _body(self, request: Request) -> bytes:
        limit = self.limits.max_body_bytes
        too_large = ApiError(
            413, f"The body is larger than {limit} bytes, the server's limit.", code="body_too_large"
        )
        length = request.headers.get("content-length", "0")
        if length.isdigit() and int(length) > limit:
            raise too_large

        async def read() -> bytes:
            pieces, size = [], 0
            async for piece in request.stream():
                size += len(piece)
                if size > limit:
                    raise too_large
                pieces.append(piece)
            return b"".join(pieces)

        try:
            return await asyncio.wait_for(read(), self.limits.body_timeout or None)
        except asyncio.TimeoutError:
            raise ApiError(
                408,
                f"The body did not arrive within {self.limits.body_timeout:g} seconds.",
                kind="timeout_error",
                code="timeout",
            ) from None

    def authorize(self, scope: Scope) -> None:
        """Raises unless the request has a key, if keys are needed."""
        self._keys.check(next((value for name, value in scope["headers"] if name == b"authorization"), None))

    def count(self, path: str, status: int) -> None:
        """Counts a response. Paths of clients' invention are counted as one."""
        known = (
            path
            if path in self._paths
            else "/v1/models/{name}"
            if path.startswith("/v1/models/")
            else "other"
        )
        self.service.metrics.http_requests[known, status] += 1

    def _unrouted(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        method, path = request.method, request.url.path[:200]
        if error.status_code == 405:
            response = error_response(
                ApiError(405, f"{path} does not take {method}.", code="method_not_allowed")
            )
            response.headers.update(error.headers or {})
            return response
        return error_response(ApiError(404, f"Unknown request URL: {method} {path}", code="unknown_url"))


class _Endpoint:
    """An ASGI application for one route: checks the key, and turns exceptions into responses."""

    def __init__(
        self,
        owner: Application,
        function: Callable[[Request, Send], Awaitable[Response | None]],
        public: bool = False,
    ):
        self._owner = owner
        self._function = function
        self._public = public

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            if not self._public:
                self._owner.authorize(scope)
            response = await self._function(Request(scope, receive), send)
        except ApiError as error:
            response = error_response(error)
        except ClientDisconnect:
            return
        except Exception:
            log.exception("%s %r failed", scope["method"], scope["path"])
            response = error_response(errors.internal())
        if response is not None:
            response.headers.setdefault("x-request-id", "req-" + uuid.uuid4().hex)
            await response(scope, receive, send)


class _Outermost:
    """Counts requests and responses."""

    def __init__(self, owner: Application, inner: ASGIApp):
        self._owner = owner
        self._inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        owner = self._owner

        async def counting(message: Message) -> None:
            if message["type"] == "http.response.start":
                owner.count(scope["path"], message["status"])
            await send(message)

        owner.active += 1
        try:
            await self._inner(scope, receive, counting)
        finally:
            owner.active -= 1


class _Watched:
    """A block that is cut short when the client goes away, the time is over, or the server ends.

    No exception leaves the block then. Afterwards `failure` has the error for the client; None if the client
    is gone.
    """

    def __init__(self, request: Request, owner: Application):
        self.failure: ApiError | None = None
        self._request = request
        self._owner = owner
        self._ended = False

    async def __aenter__(self) -> _Watched:
        task = asyncio.current_task()
        assert task is not None
        self._task = task
        self._owner._watched.add(self)
        loop, seconds = asyncio.get_running_loop(), self._owner.limits.request_timeout
        self._listener = loop.create_task(self._listen())
        self._timer = (
            loop.call_later(seconds, lambda: self.end(errors.timed_out(seconds))) if seconds else None
        )
        return self

    async def __aexit__(self, kind: type | None, error: BaseException | None, trace: object) -> bool:
        self._owner._watched.discard(self)
        self._listener.cancel()
        if self._timer is not None:
            self._timer.cancel()
        if self._ended and hasattr(self._task, "uncancel"):
            self._task.uncancel()
        return self._ended and kind is asyncio.CancelledError

    def end(self, failure: ApiError | None) -> None:
        """Cuts the block short. The first call counts."""
        if not self._ended and self in self._owner._watched:
            self._ended = True
            self.failure = failure
            self._task.cancel()

    async def _listen(self) -> None:
        with contextlib.suppress(Exception):
            while (await self._request.receive())["type"] != "http.disconnect":
                pass
        self._owner.service.metrics.disconnects += 1
        self.end(None)


async def _stream(reply: Reply, headers: dict[str, str], send: Send, watched: _Watched) -> None:
    """Sends a reply's events as they come, and a comment when there is none for long."""
    loop = asyncio.get_running_loop()
    await send(
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [
                (b"content-type", b"text/event-stream; charset=utf-8"),
                (b"cache-control", b"no-cache"),
                (b"x-accel-buffering", b"no"),
                *((name.encode(), value.encode()) for name, value in headers.items()),
            ],
        }
    )
    last = loop.time()
    beating: set[asyncio.Task[None]] = set()

    async def send_comment() -> None:
        await send({"type": "http.response.body", "body": b": waiting\n\n", "more_body": True})

    timer = loop.call_later(HEARTBEAT_SECONDS, lambda: beat())

    def beat() -> None:
        nonlocal timer
        quiet = loop.time() - last
        if quiet >= HEARTBEAT_SECONDS:
            quiet = 0
            task = loop.create_task(send_comment())
            beating.add(task)
            task.add_done_callback(beating.discard)
        timer = loop.call_later(HEARTBEAT_SECONDS - quiet, beat)

    try:
        async with contextlib.aclosing(reply.events()) as events:
            async for event in events:
                await send({"type": "http.response.body", "body": event.encode(), "more_body": True})
                last = loop.time()
    except asyncio.CancelledError:
        if watched.failure is None:
            raise
        failure: ApiError | None = watched.failure
    except ApiError as error:
        failure = error
    except Exception:
        log.exception("%s failed", reply.id)
        failure = errors.internal()
    else:
        failure = None
    finally:
        timer.cancel()
    if failure is not None:
        await send({"type": "http.response.body", "body": error_event(failure).encode(), "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})
