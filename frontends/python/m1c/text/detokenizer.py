# ===- detokenizer.py - text from tokens as they come ----------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Incremental decoding, with stop strings."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Sequence

from .stop import StopStrings
from .tokenizer import Tokenizer

_Utf8 = codecs.getincrementaldecoder("utf-8")


class Detokenizer:
    """Turns one response's ids into text as they come.

    What `push` and `finish` return, joined, is what Tokenizer.decode returns for all ids, up to the first
    stop string: the one that is complete first, the longest if several end with the same character. A
    character appears when all its bytes are there. Nothing of a stop string appears, nor of what may become
    one, unless `include_stop_str_in_output`: then the text ends with it.

    A stop string ends the response only if a token after the first `min_tokens` completes it.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        stop_strings: Sequence[str] | StopStrings = (),
        skip_special: bool = True,
        include_stop_str_in_output: bool = False,
        min_tokens: int = 0,
    ):
        self._table = tokenizer.byte_table(skip_special)
        self._lookup = tokenizer.lookup
        self._decode = _Utf8("replace").decode
        self._stops: StopStrings | None = None
        if isinstance(stop_strings, StopStrings):
            self._stops = stop_strings
        elif stop_strings:
            self._stops = StopStrings(stop_strings)
        self._state = self._stops.root if self._stops else None
        self._include = include_stop_str_in_output
        self._min_tokens = min_tokens
        self._held = ""
        #: The stop string that ended the text, or None.
        self.stopped: str | None = None
        #: How many ids the text took: those after a stop string do not count.
        self.tokens = 0

    def push(self, ids: Iterable[int]) -> str:
        """The text that may be shown after these ids. Nothing comes after a stop string."""
        if self._stops is None:
            ids = ids if isinstance(ids, list) else list(ids)
            self.tokens += len(ids)
            table = self._table
            return self._decode(b"".join([self._lookup(table, index) for index in ids]))
        shown: list[str] = []
        for index in ids:
            if self.stopped is not None:
                break
            self.tokens += 1
            text = self._decode(self._lookup(self._table, index))
            if text:
                shown.append(self._filter(text))
        return "".join(shown)

    def finish(self) -> str:
        """What is still held back: the response has ended. Bytes of half a character become U+FFFD."""
        if self.stopped is not None:
            return ""
        text = self._decode(b"", True)
        if self._stops is None:
            return text
        shown = self._filter(text) if text else ""
        if self.stopped is not None:
            return shown
        held, self._held = self._held, ""
        self._state = self._stops.root
        return shown + held

    def _filter(self, text: str) -> str:
        """The part of held and new text that is certain to be shown."""
        assert self._stops is not None and self._state is not None
        self._state, found = self._stops.search(self._state, text, self.tokens > self._min_tokens)
        if found is None:
            if self._include:
                return text
            known = self._held + text
            shown = len(known) - self._state.depth
            self._held = known[shown:]
            return known[:shown]
        self.stopped = found.string
        known, end = self._held + text, len(self._held) + found.end
        self._held = ""
        return known[:end] if self._include else known[: end - len(found.string)]
