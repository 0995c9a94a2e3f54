# ===- json_text.py - JSON in and out -------------------------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Strict JSON on the way in, compact JSON that any reader of lines accepts on the way out."""

from __future__ import annotations

import json
import math
from json.encoder import encode_basestring
from typing import Any

from .errors import invalid


class _Refused(ValueError):
    """A value that Python's parser takes and that JSON does not have."""


def _constant(name: str) -> float:
    raise _Refused(f"{name} is not a JSON value")


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise _Refused(f"the number {text[:40]} is out of range")
    return value


def _unique(pairs: list[Any]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[Any] = set()
        twice = ""
        for name, _ in pairs:
            if name in seen:
                twice = name
                break
            seen.add(name)
        raise _Refused(f"the name {twice[:40]!r} occurs twice in one object")
    return result


def parse(body: bytes) -> object:
    """The value of a JSON text in UTF-8.

    NaN, infinities, numbers out of range, names that occur twice, invalid UTF-8, lone surrogates and text
    that is nested too deep raise an ApiError with status 400.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise invalid(f"The body is not valid UTF-8 (byte {error.start}).", code="invalid_json") from None
    try:
        value = json.loads(text, parse_constant=_constant, parse_float=_number, object_pairs_hook=_unique)
    except _Refused as error:
        raise invalid(f"The body is not valid JSON: {error}.", code="invalid_json") from None
    except json.JSONDecodeError as error:
        raise invalid(
            f"The body is not valid JSON: {error.msg} (line {error.lineno}, column {error.colno}).",
            code="invalid_json",
        ) from None
    except ValueError:
        raise invalid(
            "The body is not valid JSON: an integer has too many digits.", code="invalid_json"
        ) from None
    except RecursionError:
        raise invalid("The body is not valid JSON: it is nested too deep.", code="invalid_json") from None
    # Only an escape can bring a lone surrogate into decoded UTF-8.
    if "\\u" in text and _has_surrogate(value):
        raise invalid(
            "The body is not valid JSON: a string has half of a surrogate pair.", code="invalid_json"
        )
    return value


def _has_surrogate(value: object) -> bool:
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            if not item.isascii() and any("\ud800" <= c <= "\udfff" for c in item):
                return True
        elif isinstance(item, list):
            stack.extend(item)
        elif isinstance(item, dict):
            stack.extend(item)
            stack.extend(item.values())
    return False


def quote(text: str) -> str:
    """A JSON string. Line separators beyond ASCII are escaped: some clients split events at them."""
    quoted = encode_basestring(text)
    if not text.isascii():
        quoted = quoted.replace("\x85", "\\u0085").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    return quoted


_encoder = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def dump(value: object) -> str:
    """Compact JSON text of `value`, safe in a server-sent event. NaN and infinities raise ValueError."""
    text = _encoder.encode(value)
    if not text.isascii():
        text = text.replace("\x85", "\\u0085").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    return text
