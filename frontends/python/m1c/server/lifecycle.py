# ===- lifecycle.py - from a bound port to the last answer ----------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Runs an application on uvicorn: binding, readiness, and an orderly end.

The first SIGTERM or SIGINT stops new requests (503) and waits for the running ones; a second one ends the
process at once.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
from collections.abc import Callable
from types import FrameType
from typing import Any

import uvicorn

from .app import Application

log = logging.getLogger("m1c.server")

_POLL_SECONDS = 0.05
_WATCH_SECONDS = 0.2


class CannotListen(Exception):
    """The address cannot be bound; the message is one line."""


def bind(host: str, port: int) -> socket.socket:
    """A socket bound to an address, not listening yet. Port 0 takes a free one. Raises CannotListen."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        bound = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError) as error:
        raise CannotListen(f"cannot listen on {host!r}: {_reason(error)}") from None
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except (OSError, OverflowError) as error:
        bound.close()
        raise CannotListen(f"cannot listen on {host!r}, port {port}: {_reason(error)}") from None
    return bound


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


def address_of(bound: socket.socket) -> str:
    """The URL of a bound socket."""
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class Server(uvicorn.Server):
    """A uvicorn server that drains: `run_until_stopped` returns the process's exit status."""

    def __init__(
        self,
        application: Application,
        bound: socket.socket,
        *,
        shutdown_timeout: float,
        access_log: bool,
        on_ready: Callable[[str], None],
    ):
        super().__init__(
            uvicorn.Config(
                application.app,
                log_level=None,
                access_log=access_log,
                lifespan="off",
                log_config=None,
                server_header=False,
                timeout_keep_alive=75,
                timeout_graceful_shutdown=1,
                ws="none",
                backlog=2048,
            )
        )
        self._application = application
        self._bound = bound
        self._shutdown_timeout = shutdown_timeout
        self._on_ready = on_ready
        self._draining: asyncio.Task[Any] | None = None
        self.exit_status = 0

    def run_until_stopped(self) -> int:
        """Serves until a signal, `stop`, or a failure of the engine ends it. The exit status is then 1."""
        try:
            self._bound.listen(2048)
        except OSError as error:
            raise CannotListen(f"cannot listen on {address_of(self._bound)}: {_reason(error)}") from None
        self.run(sockets=[self._bound])
        return self.exit_status

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Starts accepting connections, then tells so."""
        await super().startup(sockets)
        self._loop = asyncio.get_running_loop()
        self._on_ready(address_of(self._bound))
        self._watching = self._loop.create_task(self._watch())

    async def _watch(self) -> None:
        """Ends the server when its engine has failed: what supervises it can start another one."""
        service = self._application.service
        while service.llm.failure is None:
            await asyncio.sleep(_WATCH_SECONDS)
            if self.should_exit:
                return
        log.critical("the engine has failed: %s", service.llm.failure)
        self.exit_status = 1
        self.stop()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal drains. A second one ends the process: nothing that would have to be saved
        exists."""
        if self._draining is not None or self.should_exit:
            os.write(2, b"m1 serve: second signal, not waiting any longer\n")
            signal.signal(sig, signal.SIG_DFL)
            os.kill(os.getpid(), sig)
            return
        if not self.started:
            self.should_exit = True
            return
        self._draining = self._loop.create_task(self._drain())
        # The handler may run while the loop sleeps.
        self._loop.call_soon_threadsafe(lambda: None)

    def stop(self) -> None:
        """Drains and ends, as the first signal does."""
        if self._draining is None:
            self._draining = asyncio.get_running_loop().create_task(self._drain())

    async def _drain(self) -> None:
        application = self._application
        application.service.draining = True
        log.info("shutting down: %d requests are running", application.active)
        deadline = self._loop.time() + self._shutdown_timeout
        while application.active and self._loop.time() < deadline:
            await asyncio.sleep(_POLL_SECONDS)
        if application.active:
            log.warning(
                "shutting down: ending %d requests that did not finish in %g seconds",
                application.active,
                self._shutdown_timeout,
            )
            application.abort_all()
        self.should_exit = True
