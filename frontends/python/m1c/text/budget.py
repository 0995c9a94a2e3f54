# ===- budget.py - ends thinking after so many tokens ---------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Thinking budgets: what an engine must be told to close `<think>` by force."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

from .errors import TextError
from .reasoning import CLOSE, OPEN
from .tokenizer import Segment, Tokenizer


class ThinkingBudget(NamedTuple):
    """`tokens` come by force after `after_tokens` tokens, unless `closing` has appeared among those.

    `closing` is shorter than `tokens`: the end of a tag merges with what follows it, so only the ids that do
    not depend on that show that the model has closed its thinking itself.
    """

    after_tokens: int
    tokens: list[int]
    closing: list[int]


def thinking_is_open(tokenizer: Tokenizer, prompt: Sequence[int]) -> bool:
    """Whether a prompt ends with the beginning of the thinking, as some templates write it."""
    return tokenizer.decode(prompt[-16:], False).rstrip().endswith(OPEN)


def thinking_budget(
    tokenizer: Tokenizer, after_tokens: int, close: str = CLOSE + "\n\n", opened: bool = True
) -> ThinkingBudget:
    """The budget of `after_tokens` tokens of thinking, which ends with the text `close`.

    `opened` is False if the prompt does not begin the thinking: a budget without room for `<think>` then
    makes the response begin with an empty block.
    """
    if after_tokens < 0:
        raise TextError(f"a thinking budget must not be negative, found {after_tokens}")
    if CLOSE not in close:
        raise TextError(f"the text that ends thinking must contain {CLOSE!r}, found {close!r}")

    def encode(text: str) -> list[int]:
        return tokenizer.encode_segments([Segment(text, True)])

    followed = [
        encode(CLOSE + after) for after in ("", "\n", "\n\n", "\n\n\n", " a", "a", "A", "1", ".", "<")
    ]
    closing = list(os.path.commonprefix(followed))
    if not opened and after_tokens < len(encode(OPEN)):
        return ThinkingBudget(0, encode(OPEN + close), closing)
    return ThinkingBudget(after_tokens, encode(close), closing)
