# ===- events.py - what parsers find in a response ------------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""The events of parsers, which read a response's text as it comes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Content:
    """Text of the answer. `malformed`: it stands where a tool call was expected and is none."""

    text: str
    malformed: bool = False


@dataclass(frozen=True)
class Reasoning:
    """Text of the thinking that precedes the answer."""

    text: str


@dataclass(frozen=True)
class ToolCallDelta:
    """A tool call, whole: `arguments` is the text of a JSON object."""

    index: int
    id: str
    name: str
    arguments: str

    def as_openai(self) -> dict[str, Any]:
        """An entry of `delta.tool_calls`; without "index", one of `message.tool_calls`."""
        return {
            "index": self.index,
            "id": self.id,
            "type": "function",
            "function": {"name": self.name, "arguments": self.arguments},
        }


Event = Content | Reasoning | ToolCallDelta


def merge_events(events: Iterable[Event]) -> list[Event]:
    """The events of a whole response, with neighbouring texts of one kind joined: independent of how it
    came."""
    merged: list[Event] = []
    for event in events:
        last = merged[-1] if merged else None
        if isinstance(event, Content) and isinstance(last, Content) and event.malformed == last.malformed:
            merged[-1] = Content(last.text + event.text, last.malformed)
        elif isinstance(event, Reasoning) and isinstance(last, Reasoning):
            merged[-1] = Reasoning(last.text + event.text)
        else:
            merged.append(event)
    return merged
