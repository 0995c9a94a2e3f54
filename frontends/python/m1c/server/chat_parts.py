# ===- chat_parts.py - from a response's text to a message ----------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Divides the text of one response into the parts of OpenAI's message: reasoning, content, tool calls."""

from __future__ import annotations

from typing import Any

from ..text import Content, Event, OutputParser, Reasoning


class ChatParts:
    """Parses one response.

    `push` and `finish` return deltas of a message. `thinking` tells whether the response is in its reasoning,
    `calls` counts its tool calls, and `complete` that nothing more is wanted: a call is there, and `parallel`
    is false. `opened`: the prompt ended with the beginning of the reasoning.
    """

    def __init__(self, parser: OutputParser, parallel: bool, opened: bool = False):
        self.thinking = opened
        self.calls = 0
        self.complete = False
        self._parser = parser
        self._parallel = parallel

    def push(self, text: str) -> list[dict[str, Any]]:
        """The deltas that are certain after this text."""
        return self._deltas(self._parser.push(text))

    def finish(self) -> list[dict[str, Any]]:
        """The deltas that were held back: the response has ended."""
        return self._deltas(self._parser.finish())

    def _deltas(self, events: list[Event]) -> list[dict[str, Any]]:
        deltas: list[dict[str, Any]] = []
        for event in events:
            if self.complete:
                break
            self.thinking = isinstance(event, Reasoning)
            if isinstance(event, Reasoning):
                deltas.append({"reasoning_content": event.text})
            elif isinstance(event, Content):
                deltas.append({"content": event.text})
            else:
                self.calls += 1
                self.complete = not self._parallel
                deltas.append({"tool_calls": [event.as_openai()]})
        return deltas
