# ===- output.py - from tokens to text and log-probabilities --------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Turns the tokens of one choice into text and log-probabilities that fit together.

Text may be held back (half a character, the beginning of a stop string). A token's log-probability is held
back as long as no text of it or after it has been shown, and is never shown if the token lies behind a stop
string.
"""

from __future__ import annotations

import codecs
from collections import deque
from typing import Any, NamedTuple

LOWEST = -9999.0  # Stands for minus infinity, which JSON does not have.


class TokenEntry(NamedTuple):
    """One token: id, log-probability (None for the first of a prompt), the most likely ones with theirs, and
    the number of characters before it."""

    id: int
    logprob: float | None
    top: list[tuple[int, float]]
    offset: int


class TokenNames:
    """Strings of single tokens for log-probabilities.

    Without a tokenizer, or with `as_ids`, a token is written `token_id:N`.
    """

    def __init__(self, tokenizer: Any, as_ids: bool):
        self._tokenizer = tokenizer
        self._table = None if tokenizer is None else tokenizer.id_to_bytes
        self._as_ids = as_ids or tokenizer is None

    def raw(self, token: int) -> bytes:
        """The token's bytes; none without a tokenizer."""
        return b"" if self._table is None else self._tokenizer.lookup(self._table, token)

    def legacy(self, token: int) -> str:
        r"""As OpenAI's completions write it: bytes that are no text by themselves are `bytes:\xNN...`."""
        if self._as_ids:
            return f"token_id:{token}"
        raw = self.raw(token)
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            return "bytes:" + "".join(f"\\x{byte:02x}" for byte in raw)

    def chat(self, token: int, logprob: float) -> dict[str, Any]:
        """As an entry of OpenAI's chat log-probabilities."""
        raw = self.raw(token)
        text = f"token_id:{token}" if self._as_ids else raw.decode("utf-8", "replace")
        return {"token": text, "logprob": max(logprob, LOWEST), "bytes": list(raw)}


def _top(entry: TokenEntry, count: int, logprob: float) -> list[tuple[int, float]]:
    """The most likely tokens. If the token itself is among them, it has its own log-probability, to the
    bit."""
    return [(token, logprob if token == entry.id else each) for token, each in entry.top[:count]]


def chat_logprobs(entries: list[TokenEntry], text: TokenNames, top: int) -> list[dict[str, Any]]:
    """The `content` of a chat choice's log-probabilities. All entries have one."""
    result = []
    for entry in entries:
        assert entry.logprob is not None
        tops = [text.chat(token, logprob) for token, logprob in _top(entry, top, entry.logprob)]
        result.append({**text.chat(entry.id, entry.logprob), "top_logprobs": tops})
    return result


def legacy_logprobs(entries: list[TokenEntry], text: TokenNames, top: int) -> dict[str, Any]:
    """The `logprobs` of a completions choice. Of two tokens with the same string, the likelier one is
    listed."""
    tops: list[dict[str, Any] | None] = []
    for entry in entries:
        if entry.logprob is None:
            tops.append(None)
            continue
        listed: dict[str, float] = {}
        for token, logprob in [*_top(entry, top, entry.logprob), (entry.id, entry.logprob)]:
            listed.setdefault(text.legacy(token), max(logprob, LOWEST))
        tops.append(listed)
    return {
        "tokens": [text.legacy(entry.id) for entry in entries],
        "token_logprobs": [
            None if entry.logprob is None else max(entry.logprob, LOWEST) for entry in entries
        ],
        "top_logprobs": tops,
        "text_offset": [entry.offset for entry in entries],
    }


class Offsets:
    """The number of whole characters before each token of a text."""

    def __init__(self, text: TokenNames, skipped: frozenset[int], start: int = 0):
        self._text = text
        self._skipped = skipped
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._count = start

    def next(self, token: int) -> int:
        """The characters before `token`, which is the next one."""
        before = self._count
        if token not in self._skipped:
            self._count += len(self._decoder.decode(self._text.raw(token)))
        return before


class ChoiceOutput:
    """The state of one choice while its tokens arrive.

    `push` returns the text and the entries that may be shown now. `finish_reason` is None until the choice
    has ended.
    """

    __slots__ = (
        "index",
        "detokenizer",
        "count",
        "finish_reason",
        "stop_reason",
        "token_ids",
        "logprob_sum",
        "shown",
        "_offsets",
        "_held",
        "_keep_ids",
    )

    def __init__(self, index: int, detokenizer: Any, offsets: Offsets | None, keep_ids: bool):
        self.index = index
        self.detokenizer = detokenizer
        self.count = 0
        self.finish_reason: str | None = None
        self.stop_reason: int | str | None = None
        self.token_ids: list[int] = []
        self.logprob_sum = 0.0
        self.shown = 0
        self._offsets = offsets
        self._held: deque[TokenEntry] | None = deque() if offsets else None
        self._keep_ids = keep_ids

    def push(self, delta: Any) -> tuple[str, list[TokenEntry]]:
        """Takes a delta of the engine."""
        ids = delta.token_ids
        self.count += len(ids)
        if self._keep_ids:
            self.token_ids.extend(ids)
        if self._held is not None and ids:
            self._hold(delta)
        reason = delta.finish_reason
        text = ""
        if self.detokenizer is not None:
            # The token that ended the response is no part of its text.
            detokenizer, spoken = self.detokenizer, ids[:-1] if reason == "stop" else ids
            if spoken:
                before = detokenizer.tokens
                text = detokenizer.push(spoken)
            if reason is not None and detokenizer.stopped is None:
                text += detokenizer.finish()
            if detokenizer.stopped is not None:
                self.finish_reason, self.stop_reason = "stop", detokenizer.stopped
                # Tokens behind the stop string do not count.
                self._drop(len(ids) - (detokenizer.tokens - before) if spoken else 0)
        self.shown += len(text)
        if self.finish_reason is None and reason is not None:
            self.finish_reason, self.stop_reason = reason, delta.stop_reason
        return text, self._release() if self._held is not None else []

    def _drop(self, count: int) -> None:
        self.count -= count
        if self._keep_ids and count:
            del self.token_ids[-count:]

    def _hold(self, delta: Any) -> None:
        tops, held, offsets = delta.top_logprobs, self._held, self._offsets
        assert held is not None and offsets is not None
        for i, token in enumerate(delta.token_ids):
            logprob = delta.logprobs[i]
            self.logprob_sum += logprob
            held.append(TokenEntry(token, logprob, tops[i] if tops else [], offsets.next(token)))

    def _release(self) -> list[TokenEntry]:
        held, result = self._held, []
        assert held is not None
        behind = isinstance(self.stop_reason, str)
        everything = self.finish_reason is not None and not behind or self.detokenizer is None
        while held and (everything or held[0].offset < self.shown):
            result.append(held.popleft())
        if behind:
            held.clear()
        return result
