# ===- toolcalls.py - finds tool calls in an answer -----------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""MiniMax-M1's tool calls: JSON objects, one a line, between `<tool_calls>` and `</tool_calls>`."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable
from typing import Any, NoReturn

from .errors import TextError
from .events import Content, Event, ToolCallDelta
from .tags import beginning_of

OPEN, CLOSE = "<tool_calls>", "</tool_calls>"

TOOL_CALL_PARSERS = ("m1", "none")

_OUTSIDE_STRING = re.compile(r'["{}<]')
_INSIDE_STRING = re.compile(r'["\\\n]')
_SPACE = " \t\r\n"


def _new_id(index: int) -> str:
    return f"call_{uuid.uuid4().hex[:24]}"


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def parse_call(line: str) -> tuple[str, str] | None:
    """The name and the arguments, as the text of a JSON object, of a call; None if it is none."""
    try:
        call = json.loads(line, parse_constant=_no_constant)
        arguments: Any = call.get("arguments") if isinstance(call, dict) else None
        if isinstance(arguments, str):
            arguments = json.loads(arguments, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return None
    arguments = {} if arguments is None else arguments
    if not isinstance(call, dict) or not isinstance(arguments, dict):
        return None
    name = call.get("name")
    if not isinstance(name, str) or not name:
        return None
    return name, json.dumps(arguments, ensure_ascii=False)


class ToolCallParser:
    """Divides an answer's text, which may be cut anywhere, into Content and calls.

    A call appears when its object is complete: an object that turns out to be none is content as it stands,
    with `malformed`, and the calls beside it are calls. A closing tag inside a string of JSON is part of the
    string. White space before a block of calls is left out, and white space after it if nothing else follows.
    A block may miss its closing tag, and there may be several.

    `kind` is "m1", or "none": everything is content. `make_id` gives a call with an index its id.
    """

    def __init__(self, kind: str = "m1", make_id: Callable[[int], str] = _new_id):
        if kind not in TOOL_CALL_PARSERS:
            raise TextError(
                f"unknown tool-call parser {kind!r}; expected one of {', '.join(TOOL_CALL_PARSERS)}"
            )
        self._make_id = make_id
        #: How many calls there were.
        self.calls = 0
        self._state = self._everything if kind == "none" else self._outside
        self._held = ""
        self._gap = ""  # white space and tags that appear only if text that is no call follows
        self._shown_open = False  # whether the block's opening tag has appeared
        self._after_block = False  # whether nothing has appeared since a block of calls
        self._parts: list[str] = []  # the object so far,
        self._depth = 0  # how deep its braces are,
        self._in_string = False  # whether a string is open,
        self._escaped = False  # and whether a backslash precedes

    def push(self, text: str) -> list[Event]:
        """What is certain after this text."""
        self._held += text
        events: list[Event] = []
        while self._state(events):
            pass
        return events

    def finish(self) -> list[Event]:
        """What was held back: the answer has ended."""
        events = self.push("")
        while self._state == self._object:
            self._no_object(sum(map(len, self._parts)), events)
            events += self.push("")
        if self._state == self._outside:
            # White space alone after calls belongs to them.
            if self._held.strip(_SPACE) or not self._after_block:
                self._show(self._held, events)
        elif self._state == self._between and not self._held and OPEN not in self._gap:
            pass  # calls without a closing tag
        else:
            self._show(self._held, events, malformed=self._state != self._everything)
        self._held = self._gap = ""
        return events

    def _take(self, size: int) -> str:
        taken, self._held = self._held[:size], self._held[size:]
        return taken

    def _show(self, text: str, events: list[Event], malformed: bool = False) -> None:
        if malformed and OPEN in self._gap:
            self._shown_open = True
        text, self._gap = self._gap + text, ""
        if text:
            self._after_block = False
            events.append(Content(text, malformed))

    # Each state reads from _held, and returns whether another may go on with it.

    def _everything(self, events: list[Event]) -> bool:
        self._show(self._take(len(self._held)), events)
        return False

    def _outside(self, events: list[Event]) -> bool:
        """In text: all but what may be a tag, and the white space before it, is certain."""
        at = self._held.find(OPEN)
        end = len(self._held) - beginning_of(OPEN, self._held) if at < 0 else at
        text = self._take(len(self._held[:end].rstrip(_SPACE)))
        if text:
            self._show(text, events)
        if at < 0:
            return False
        self._gap += self._take(at + len(OPEN) - len(text))
        self._shown_open = False
        self._state = self._between
        return True

    def _between(self, events: list[Event]) -> bool:
        """In a block, where an object or the closing tag begins."""
        self._gap += self._take(len(self._held) - len(self._held.lstrip(_SPACE)))
        if CLOSE.startswith(self._held) and self._held != CLOSE:
            return False
        if self._held.startswith(CLOSE):
            self._take(len(CLOSE))
            if self._shown_open or OPEN in self._gap:  # no call, or one that was none, began the block
                self._show(CLOSE, events, malformed=True)
            self._gap = ""
            self._after_block = not self._shown_open
            self._state = self._outside
        elif self._held.startswith("{"):
            self._parts, self._depth, self._in_string, self._escaped = [], 0, False, False
            self._state = self._object
        else:
            self._state = self._bad_line
        return True

    def _object(self, events: list[Event]) -> bool:
        text, index = self._held, 0
        while index < len(text):
            if self._escaped:
                self._escaped = False
                index += 1
                continue
            match = (_INSIDE_STRING if self._in_string else _OUTSIDE_STRING).search(text, index)
            if match is None:
                break
            index = match.end()
            character = match[0]
            if character == '"':
                self._in_string = not self._in_string
            elif character == "\\":
                self._escaped = True
            elif character == "{":
                self._depth += 1
            elif character == "}":
                self._depth -= 1
                if self._depth == 0:
                    self._parts.append(self._take(index))
                    self._call("".join(self._parts), events)
                    self._state = self._between
                    return True
            else:  # a line end in a string, a tag outside
                return self._no_object(sum(map(len, self._parts)) + index - 1, events)
        self._parts.append(self._take(len(text)))
        return False

    def _call(self, text: str, events: list[Event]) -> None:
        call = parse_call(text)
        if call is None:
            self._show(text, events, malformed=True)
            return
        self._gap = ""
        events.append(ToolCallDelta(self.calls, self._make_id(self.calls), *call))
        self.calls += 1

    def _no_object(self, size: int, events: list[Event]) -> bool:
        """What began as an object is none, as its first `size` characters show."""
        self._held = "".join(self._parts) + self._held
        self._parts = []
        # A quote too many may have hidden the closing tag.
        hidden = self._held.find(CLOSE, 0, size)
        self._show(self._take(size if hidden < 0 else hidden), events, malformed=True)
        self._state = self._bad_line if hidden < 0 else self._between
        return True

    def _bad_line(self, events: list[Event]) -> bool:
        """In a line that is no call: up to its end or the closing tag."""
        ends = [end for end in (self._held.find("\n"), self._held.find(CLOSE)) if end >= 0]
        size = min(ends) if ends else len(self._held) - beginning_of(CLOSE, self._held)
        if size:
            self._show(self._take(size), events, malformed=True)
        if ends:
            self._state = self._between
        return bool(ends)
