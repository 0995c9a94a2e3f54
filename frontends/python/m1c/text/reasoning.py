# ===- reasoning.py - divides thinking from the answer --------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""MiniMax-M1's thinking: a response begins with `<think>`, thinks, and answers after `</think>`."""

from __future__ import annotations

from .errors import TextError
from .events import Content, Event, Reasoning
from .tags import beginning_of

OPEN, CLOSE = "<think>", "</think>"

REASONING_PARSERS = ("m1", "none")


class ReasoningParser:
    """Divides a response's text, which may be cut anywhere, into Reasoning and Content.

    The line ends that belong to the tags are left out: one after `<think>`, one before `</think>`, two after it.
    White space before `<think>` is left out too. A response that does not begin with `<think>` is an answer;
    thinking that never closes is reasoning to its end; later tags are text.

    `kind` is "m1", or "none": everything is content. `opened`: the prompt ended with `<think>`.
    """

    def __init__(self, kind: str = "m1", opened: bool = False):
        if kind not in REASONING_PARSERS:
            raise TextError(f"unknown reasoning parser {kind!r}; expected one of {', '.join(REASONING_PARSERS)}")
        self._held = ""
        self._state = self._answering if kind == "none" else self._thinking if opened else self._beginning
        self._line_ends = 0  # of the tag, still to be left out

    def push(self, text: str) -> list[Event]:
        """What is certain after this text."""
        self._held += text
        events: list[Event] = []
        while True:
            state = self._state
            event = state()
            if event is not None:
                events.append(event)
            if self._state == state:
                return events

    def finish(self) -> list[Event]:
        """What was held back: the response has ended."""
        held, self._held = self._held, ""
        if not held:
            return []
        return [Reasoning(held) if self._state == self._thinking else Content(held)]

    def _take(self, size: int) -> str:
        taken, self._held = self._held[:size], self._held[size:]
        return taken

    def _beginning(self) -> Event | None:
        rest = self._held.lstrip()
        if rest.startswith(OPEN):
            self._held = rest[len(OPEN):]
            self._line_ends = 1
            self._state = self._after_open
        elif not OPEN.startswith(rest):
            self._state = self._answering
        return None

    def _skip_line_ends(self) -> bool:
        """Whether the line ends of a tag are over."""
        while self._line_ends and self._held.startswith("\n"):
            self._take(1)
            self._line_ends -= 1
        return bool(self._held) or not self._line_ends

    def _after_open(self) -> Event | None:
        if self._skip_line_ends():
            self._state = self._thinking
        return None

    def _thinking(self) -> Event | None:
        end = self._held.find(CLOSE)
        if end < 0:
            held = max(beginning_of(CLOSE, self._held), beginning_of("\n" + CLOSE, self._held))
            text = self._take(len(self._held) - held)
        else:
            text = self._take(end)
            if text.endswith("\n"):
                text = text[:-1]
            self._take(len(CLOSE))
            self._line_ends = 2
            self._state = self._after_close
        return Reasoning(text) if text else None

    def _after_close(self) -> Event | None:
        if self._skip_line_ends():
            self._state = self._answering
        return None

    def _answering(self) -> Event | None:
        text = self._take(len(self._held))
        return Content(text) if text else None
