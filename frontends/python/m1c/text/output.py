# ===- output.py - reasoning and tool calls together ----------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""A response's text, divided into reasoning, content and tool calls."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from .events import Content, Event
from .reasoning import ReasoningParser
from .toolcalls import ToolCallParser


class OutputParser:
    """Both parsers, one after the other: tool calls are looked for in the answer, not in the thinking.

    `reasoning` and `tools` are kinds of ReasoningParser and ToolCallParser: "m1" or "none".
    """

    def __init__(
        self,
        reasoning: str = "m1",
        tools: str = "m1",
        opened: bool = False,
        make_id: Callable[[int], str] | None = None,
    ):
        self._reasoning = ReasoningParser(reasoning, opened)
        self._tools = ToolCallParser(tools) if make_id is None else ToolCallParser(tools, make_id)

    @property
    def calls(self) -> int:
        """How many tool calls there were: with any, a response's finish_reason is "tool_calls"."""
        return self._tools.calls

    def push(self, text: str) -> list[Event]:
        """What is certain after this text."""
        return self._divide(self._reasoning.push(text))

    def finish(self) -> list[Event]:
        """What was held back: the response has ended."""
        return self._divide(self._reasoning.finish()) + self._tools.finish()

    def _divide(self, events: Iterable[Event]) -> list[Event]:
        result: list[Event] = []
        for event in events:
            if isinstance(event, Content):
                result += self._tools.push(event.text)
            else:
                result.append(event)
        return result
