# ===- stop.py - finds stop strings in a stream ----------------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""One automaton for any number of stop strings (Aho and Corasick's), built as far as texts reach it.

A state is the longest end of the text so far that begins a stop string. It is kept as the range of the sorted
stop strings that begin with it, so preparing costs one sort, and each character of text amortised O(log of
the number of strings), however many strings there are and however they overlap.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from .errors import TextError


class _State:
    """Strings[low:high] begin with the `depth` last characters of the text."""

    __slots__ = ("low", "high", "depth", "match", "fallback", "children")

    def __init__(self, low: int, high: int, depth: int):
        self.low, self.high, self.depth = low, high, depth
        self.match: str | None = None  # the longest stop string that ends here
        self.fallback: _State | None = None  # the state of the longest shorter end that begins a stop string
        self.children: dict[str, _State | None] = {}


class Found(NamedTuple):
    """A stop string whose last character is the one before `end`."""

    string: str
    end: int


class StopStrings:
    """The stop strings of a request; shared by its choices. Not empty strings, at least one."""

    def __init__(self, strings: Sequence[str]):
        if any(not isinstance(each, str) for each in strings):
            raise TextError("a stop string must be a string")
        if not all(strings):
            raise TextError("a stop string must not be empty")
        self._strings = sorted(set(strings))
        self.root = _State(0, len(self._strings), 0)
        firsts = sorted({each[0] for each in self._strings})
        # A character class searches faster than one state after the other.
        self.first = re.compile(f"[{''.join(map(re.escape, firsts))}]")

    def _child(self, state: _State, character: str) -> _State | None:
        """The state one character further down, new if need be, without its fallback; None if there is
        none."""
        strings, depth = self._strings, state.depth

        def at_depth(string: str) -> str:
            return string[depth : depth + 1]

        low = bisect_left(strings, character, state.low, state.high, key=at_depth)
        high = bisect_right(strings, character, low, state.high, key=at_depth)
        child = _State(low, high, depth + 1) if low < high else None
        state.children[character] = child
        return child

    def step(self, state: _State, character: str) -> _State:
        """The state after one more character."""
        made: list[_State] = []
        last = self.root
        at: _State | None = state
        while at is not None:
            known = character in at.children
            child = at.children[character] if known else self._child(at, character)
            if child is not None and known:
                last = child
                break
            if child is not None:
                made.append(child)
            at = at.fallback
        for new in reversed(made):
            new.fallback = last
            string = self._strings[new.low]
            new.match = string if len(string) == new.depth else last.match
            last = new
        return last

    def search(self, state: _State, text: str, look: bool = True) -> tuple[_State, Found | None]:
        """Reads on from `state`. Stops behind the first stop string that is complete, the longest if several
        end there; reads to the end if there is none, or if `look` is false."""
        root, index, size = self.root, 0, len(text)
        while index < size:
            if state is root:
                match = self.first.search(text, index)
                if match is None:
                    return root, None
                index = match.start()
            state = self.step(state, text[index])
            index += 1
            if state.match is not None:
                if look:
                    return state, Found(state.match, index)
                # A string that does not count is text; only what it may still begin is open.
                while state.high - state.low == 1 and len(self._strings[state.low]) == state.depth:
                    assert state.fallback is not None
                    state = state.fallback
        return state, None
