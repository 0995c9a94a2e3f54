# ===- harness.py - runs cases, and servers for them ----------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Cases are coroutines named case_*; each gets a fresh server of a scripted engine in this process."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import json
import logging
import socket
import sys
import time
import traceback
from typing import Any

import httpx2 as httpx
import openai
from double import ScriptedLLM, byte_tokenizer
from m1c.server.app import Application, Limits
from m1c.server.lifecycle import Server, bind
from m1c.server.metrics import Metrics
from m1c.server.service import ChatFormat, Service
from m1c.text import ChatTemplate

TEMPLATE = (
    "<begin>{% for m in messages %}<turn>{{ m.role }}: {{ m.content }}"
    "{% for c in m.tool_calls or [] %}[{{ c.function.name }}]{% endfor %}<end>{% endfor %}"
    "{% if tools %}<turn>tools {{ tools | tojson }}<end>{% endif %}"
    "{% if add_generation_prompt %}<turn>assistant: {% endif %}"
)


class Served:
    """A server on a free port with a scripted engine. Use as an async context manager."""

    def __init__(
        self,
        llm: Any = None,
        *,
        keys: list[str] | None = None,
        origins: list[str] | None = None,
        reasoning: str = "m1",
        tools: str = "m1",
        template: str | None = TEMPLATE,
        shutdown_timeout: float = 5.0,
        **limits: Any,
    ):
        self.llm = llm if llm is not None else ScriptedLLM(byte_tokenizer())
        chat = None
        if template is not None and self.llm.tokenizer is not None:
            chat = ChatTemplate(template, self.llm.tokenizer)
        self.service = Service(
            self.llm,
            ["tiny", "alias"],
            Metrics("tiny", self.llm.stats, "1.0"),
            ChatFormat(chat, reasoning, tools),
            "1.0",
        )
        self.application = Application(self.service, keys, Limits(**limits), origins)
        self._bound = bind("127.0.0.1", 0)
        self._ready = asyncio.Event()
        self.server = Server(
            self.application,
            self._bound,
            shutdown_timeout=shutdown_timeout,
            access_log=False,
            on_ready=self._set_address,
        )

    def _set_address(self, address: str) -> None:
        self.address = address
        self.port = int(address.rsplit(":", 1)[1])
        self._ready.set()

    async def __aenter__(self) -> Served:
        self._bound.listen()
        self.task = asyncio.create_task(self.server.serve(sockets=[self._bound]))
        await self._ready.wait()
        self.client = openai.AsyncOpenAI(
            base_url=self.address + "/v1", api_key="none", max_retries=0, timeout=300
        )
        self.http = httpx.AsyncClient(base_url=self.address, timeout=300)
        return self

    async def __aexit__(self, *exception: object) -> None:
        if isinstance(self.llm, ScriptedLLM):
            self.llm.gate.set()
        with contextlib.suppress(Exception):
            await self.client.close()
        await self.http.aclose()
        self.server.should_exit = True
        await self.task
        self.llm.close()

    async def post(self, path: str, body: Any = None, **kwargs: Any) -> httpx.Response:
        """A POST of JSON, or of raw `content`."""
        if "content" not in kwargs:
            kwargs["json"] = body
        return await self.http.post(path, **kwargs)

    async def refused(self, path: str, body: Any, status: int, *parts: str, **kwargs: Any) -> dict:
        """Checks that a request is refused with OpenAI's JSON, whose message has these parts. Returns the
        error."""
        response = await self.post(path, body, **kwargs)
        return check_error(response, status, *parts)

    async def events(self, path: str, body: dict) -> list[dict]:
        """The events of a stream, checked for its frame."""
        async with self.http.stream("POST", path, json={**body, "stream": True}) as response:
            assert response.status_code == 200, await response.aread()
            assert response.headers["content-type"].startswith("text/event-stream"), response.headers
            text = (await response.aread()).decode()
        blocks = text.split("\n\n")
        assert blocks[-2:] == ["data: [DONE]", ""], blocks[-3:]
        assert all(block.startswith("data: ") and "\n" not in block for block in blocks[:-1]), blocks
        return [json.loads(block[6:]) for block in blocks[:-2]]

    async def raw(self, data: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection that has sent these bytes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(data)
        await writer.drain()
        return reader, writer


def check_error(response: httpx.Response, status: int, *parts: str) -> dict:
    """Checks an error's status and form, and that its message has these parts."""
    text = response.text
    assert response.status_code == status, (response.status_code, text)
    assert response.headers["content-type"] == "application/json", response.headers
    body = response.json()
    assert set(body) == {"error"} and set(body["error"]) == {"message", "type", "param", "code"}, text
    message = body["error"]["message"]
    for part in parts:
        assert part in message, (part, text)
    assert "\n" not in message and len(message) < 1000, text
    return body["error"]


def raw_request(path: str, body: bytes, *headers: str) -> bytes:
    """The bytes of a POST."""
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: x",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *headers,
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def until(condition: Any, seconds: float = 100.0) -> None:
    """Waits until a condition holds."""
    for _ in range(int(seconds / 0.005)):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError(f"not within {seconds} s: {inspect.getsource(condition).strip()}")


def free_port() -> int:
    """A port that nothing uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def run_cases(modules: list[Any], only: list[str]) -> int:
    """Runs every case of the modules whose name contains one of `only`. Prints a line for each failure and a
    sum; with "-v", the CPU time of each."""
    logging.getLogger("m1c.server").setLevel(logging.CRITICAL)
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    count = failed = 0
    names = [part for part in only if part != "-v"]
    for module in modules:
        for name, function in list(vars(module).items()):
            if not name.startswith("case_") or names and not any(part in name for part in names):
                continue
            count += 1
            start = time.process_time()
            try:
                asyncio.run(asyncio.wait_for(function(), 300))
            except BaseException:
                failed += 1
                print(f"FAILED {module.__name__}.{name}", file=sys.stderr)
                traceback.print_exc()
                if isinstance(sys.exc_info()[1], KeyboardInterrupt):
                    raise
            finally:
                if "-v" in only:
                    print(f"{name}: {time.process_time() - start:.2f} s")
    print(f"{count} cases, {failed} failed")
    return 1 if failed or not count else 0
