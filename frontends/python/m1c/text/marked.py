# ===- marked.py - strings that remember what came from users --------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Strings for templates that remember which characters came from a request.

A `Marked` equals the plain string, so a template takes the same branches and renders the same text. What is
made of it remembers as well: sums, slices, `strip`, `split`, `replace`, `join` character by character. The
result of anything else that saw a Marked is taken to come from the request as a whole (`from_request`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, SupportsIndex

from jinja2 import Undefined

from .tokenizer import Segment, merge_segments


class Marked(str):
    """A string with at least one character from a request. Immutable, like str."""

    __slots__ = ("segments",)
    segments: tuple[Segment, ...]

    def __new__(cls, text: str, segments: Sequence[Segment] | None = None) -> Marked:
        """`segments` make up `text`; without them all of it comes from the request."""
        self = super().__new__(cls, text)
        self.segments = (Segment(str.__str__(text), False),) if segments is None else tuple(segments)
        return self

    # str() of it, which is what templates do with what they print, must not forget.
    def __str__(self) -> str:
        return self

    def __add__(self, other: str) -> str:
        return concat((self, other)) if isinstance(other, str) else NotImplemented

    def __radd__(self, other: str) -> str:
        return concat((other, self)) if isinstance(other, str) else NotImplemented

    def __mul__(self, count: Any) -> str:
        return concat([self] * count) if isinstance(count, int) else NotImplemented

    __rmul__ = __mul__

    def __mod__(self, arguments: Any) -> str:
        return from_request(str.__mod__(self, arguments))

    def __getitem__(self, key: Any) -> str:
        if isinstance(key, slice) and key.step not in (None, 1):
            return concat([self[i] for i in range(*key.indices(len(self)))])
        start, stop, _ = (key if isinstance(key, slice) else self._one(key)).indices(len(self))
        parts = []
        for text, trusted in self.segments:
            if start < len(text) and stop > 0:
                parts.append(Segment(text[max(start, 0) : stop], trusted))
            start, stop = start - len(text), stop - len(text)
        return marked(parts)

    def _one(self, index: Any) -> slice:
        str.__getitem__(self, index)  # raises what it raises
        index = index.__index__() % len(self)
        return slice(index, index + 1)

    def __iter__(self) -> Iterator[str]:
        return (self[i] for i in range(len(self)))

    def _slices(self, pieces: Iterable[str]) -> list[str]:
        """The pieces, found from left to right."""
        result, start = [], 0
        for piece in pieces:
            start = self.find(piece, start)
            result.append(self[start : start + len(piece)])
            start += len(piece)
        return result

    def strip(self, characters: str | None = None, /) -> str:
        start = len(self) - len(str.lstrip(self, characters))
        return self[start : start + len(str.strip(self, characters))]

    def lstrip(self, characters: str | None = None, /) -> str:
        return self[len(self) - len(str.lstrip(self, characters)) :]

    def rstrip(self, characters: str | None = None, /) -> str:
        return self[: len(str.rstrip(self, characters))]

    def removeprefix(self, prefix: str, /) -> str:
        return self[len(self) - len(str.removeprefix(self, prefix)) :]

    def removesuffix(self, suffix: str, /) -> str:
        return self[: len(str.removesuffix(self, suffix))]

    def split(self, sep: str | None = None, maxsplit: int = -1) -> list[str]:  # type: ignore[override]
        return self._split(str.split(self, sep, maxsplit), sep)

    def rsplit(self, sep: str | None = None, maxsplit: int = -1) -> list[str]:  # type: ignore[override]
        return self._split(str.rsplit(self, sep, maxsplit), sep)

    def _split(self, pieces: list[str], sep: str | None) -> list[str]:
        if sep is None:
            return self._slices(pieces)
        result, start = [], 0
        for piece in pieces:
            result.append(self[start : start + len(piece)])
            start += len(piece) + len(sep)
        return result

    def splitlines(self, keepends: bool = False) -> list[str]:
        result, start = [], 0
        for line, whole in zip(str.splitlines(self), str.splitlines(self, keepends=True)):
            result.append(self[start : start + len(whole if keepends else line)])
            start += len(whole)
        return result

    def partition(self, sep: str, /) -> tuple[str, str, str]:
        return self._parts(str.partition(self, sep))

    def rpartition(self, sep: str, /) -> tuple[str, str, str]:
        return self._parts(str.rpartition(self, sep))

    def _parts(self, parts: tuple[str, str, str]) -> tuple[str, str, str]:
        first, second = len(parts[0]), len(parts[0]) + len(parts[1])
        return self[:first], self[first:second], self[second:]

    def replace(self, old: str, new: str, count: SupportsIndex = -1, /) -> str:
        if not old or isinstance(old, Marked):
            return from_request(str.replace(self, old, new, count))
        left = count.__index__()
        pieces: list[str] = []
        start = 0
        while left != 0:
            at = self.find(old, start)
            if at < 0:
                break
            pieces.append(self[start:at])
            # Where the request chose the text, it chose the replacement.
            pieces.append(from_request(new) if isinstance(self[at : at + len(old)], Marked) else new)
            start = at + len(old)
            left -= 1
        return concat([*pieces, self[start:]])

    def join(self, items: Iterable[str], /) -> str:
        return join(self, items)

    def _same_length(self, text: str) -> str:
        """`text` has a character for each of this string, or its origin is not known."""
        if len(text) != len(self):
            return from_request(text)
        parts, start = [], 0
        for segment in self.segments:
            parts.append(Segment(text[start : start + len(segment.text)], segment.trusted))
            start += len(segment.text)
        return marked(parts)

    def lower(self) -> str:
        return self._same_length(str.lower(self))

    def upper(self) -> str:
        return self._same_length(str.upper(self))

    def title(self) -> str:
        return self._same_length(str.title(self))

    def capitalize(self) -> str:
        return self._same_length(str.capitalize(self))


def from_request(text: str) -> str:
    """`text` as one that comes from the request from its first to its last character."""
    return Marked(text) if text else ""


def segments_of(text: str) -> tuple[Segment, ...]:
    """What a string is made of; one trusted segment for a plain one."""
    return text.segments if isinstance(text, Marked) else (Segment(text, True),)


def marked(segments: Iterable[Segment]) -> str:
    """The string of these segments; a plain one if all are trusted."""
    merged = merge_segments(segments)
    if all(segment.trusted for segment in merged):
        return "".join(segment.text for segment in merged)
    return Marked("".join(segment.text for segment in merged), merged)


def concat(texts: Iterable[str]) -> str:
    """The texts, one after the other."""
    texts = list(texts)
    if not any(isinstance(text, Marked) for text in texts):
        return "".join(texts)
    return marked(segment for text in texts for segment in segments_of(text))


def join(separator: str, items: Iterable[str]) -> str:
    """As separator.join(items)."""
    parts: list[str] = []
    for item in items:
        if not isinstance(item, str):
            raise TypeError(f"cannot join: expected a string, found {type(item).__name__}")
        parts += [separator, item] if parts else [item]
    return concat(parts)


def mark(value: Any) -> Any:
    """A copy of a value from a request (of JSON's types) with every string in it marked."""
    if isinstance(value, str):
        return from_request(value)
    if isinstance(value, dict):
        return {mark(key): mark(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [mark(each) for each in value]
    return value


def is_marked(value: Any) -> bool:
    """Whether a value is, or may hold, a marked string."""
    if value is None or isinstance(value, (bool, int, float, Undefined)):
        return False
    if isinstance(value, str):
        return isinstance(value, Marked)
    if isinstance(value, dict):
        return any(is_marked(key) or is_marked(each) for key, each in value.items())
    if isinstance(value, (list, tuple, set, frozenset)):
        return any(map(is_marked, value))
    return True  # namespaces, generators: nobody knows


def trusted_texts(value: Any) -> Iterator[str]:
    """The strings, and parts of strings, in a value that do not come from the request."""
    if isinstance(value, str):
        yield from (segment.text for segment in segments_of(value) if segment.trusted)
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from trusted_texts(key)
            yield from trusted_texts(each)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for each in value:
            yield from trusted_texts(each)
