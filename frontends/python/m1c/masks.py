# ===- masks.py - which tokens may come next ------------------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Masks for the engine that keep a response to a form. llguidance computes them from grammars."""

from __future__ import annotations

import functools
import json
import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from .errors import Error
from .structured import StructuredOutputsParams, library
from .text import Tokenizer
from .text.reasoning import CLOSE, OPEN

__all__ = ["Constraints", "ResponseMasks"]

_KEPT = 64  # grammars


class Constraints:
    """Compiles forms of responses for a model. May be used on any thread."""

    def __init__(self, tokenizer: Tokenizer, vocab_size: int, stop_token_ids: Iterable[int]):
        self._tokenizer = tokenizer
        self._vocab_size = vocab_size
        self._stops = [token for token in stop_token_ids if token < vocab_size]
        self._access = threading.Lock()
        self._library_tokenizer: Any = None
        self._compiled: OrderedDict[str, Any] = OrderedDict()

    def masks(
        self,
        params: StructuredOutputsParams,
        *,
        opened: bool = False,
        must_think: bool = False,
        ignore_eos: bool = False,
    ) -> ResponseMasks:
        """The masks of one request. Raises Error if the form cannot be compiled.

        `opened`: the prompt ended with the beginning of the thinking. `must_think`: there will be thinking.
        """
        forms = [self._matcher(grammar) for grammar in params.grammars()]
        thinking = None
        if params.after_thinking:
            thinking = self._matcher(_thinking(opened))
        ends = self._bits(self._stops)
        control = self._bits(self._tokenizer.special_ids) | ends
        never = ends if ignore_eos else np.zeros_like(ends)
        return ResponseMasks(forms, thinking, opened or must_think, never, control)

    def _bits(self, tokens: Iterable[int]) -> np.ndarray:
        """A mask with these tokens."""
        found = np.zeros((self._vocab_size + 31) // 32, np.uint32)
        for token in tokens:
            if token < self._vocab_size:
                found[token // 32] |= np.uint32(1 << token % 32)
        return found

    def _matcher(self, grammar: str) -> Any:
        """A matcher at the beginning, to be copied. The last ones are kept."""
        with self._access:
            found = self._compiled.get(grammar)
            if found is not None:
                self._compiled.move_to_end(grammar)
                return found
            if self._library_tokenizer is None:
                self._library_tokenizer = self._make_tokenizer()
            tokenizer = self._library_tokenizer
        limits = library().LLParserLimits(verbose_errors=False)
        found = library().LLMatcher(tokenizer, grammar, log_level=0, limits=limits)
        if found.is_error():
            raise Error(f"structured_outputs: {_line(found.get_error())}")
        with self._access:
            self._compiled[grammar] = found
            if len(self._compiled) > _KEPT:
                self._compiled.popitem(last=False)
        return found

    def _make_tokenizer(self) -> Any:
        wrapped = library().TokenizerWrapper(_Vocabulary(self._tokenizer, self._vocab_size, self._stops))
        return library().LLTokenizer(wrapped, eos_token=self._stops or None)


class _Vocabulary:
    """A tokenizer as llguidance's TokenizerWrapper reads it."""

    def __init__(self, tokenizer: Tokenizer, vocab_size: int, stops: Sequence[int]):
        tokens = list(tokenizer.id_to_bytes)
        tokens += [b""] * (vocab_size - len(tokens))
        if not stops:
            tokens.append(b"")  # a token that the model does not have
        self.eos_token_id = stops[0] if stops else len(tokens) - 1
        self.bos_token_id = tokenizer.bos_token_id
        self.tokens = tokens
        self.special_token_ids = sorted(tokenizer.special_ids | {self.eos_token_id, *stops})
        self._tokenizer = tokenizer

    def __call__(self, text: str) -> list[int]:
        if not isinstance(text, str):
            raise TypeError("expected a text")
        return self._tokenizer.encode(text)


class ResponseMasks:
    """The masks of a request's choices, for Request.mask_with. Called by one thread at a time.

    A choice follows the thinking, if there is any, or one of the forms; as long as its tokens leave that
    open, it may go on with any of them. After the thinking, the forms begin.
    """

    def __init__(
        self, forms: list[Any], thinking: Any, must_think: bool, never: np.ndarray, control: np.ndarray
    ):
        """`never`: tokens that are never drawn; `control`: those that are not drawn in thinking."""
        self._forms = forms
        self._thinking = thinking
        self._must_think = thinking is not None and must_think
        self._never = never
        self._control = control
        self._choices: dict[int, _Choice] = {}

    def __call__(self, number: int, tokens: list[int]) -> bytes | bool:
        """The mask for the next token of a choice that has got these ones; False: its form is complete."""
        choice = self._choices.get(number)
        if choice is None:
            choice = self._choices[number] = _Choice(
                self._thinking and self._thinking.deep_copy(), [] if self._must_think else self._begin()
            )
        for token in tokens:
            self._take(choice, token)
        thinking, forms = choice.thinking, choice.forms
        if thinking is None and all(form.is_stopped() for form in forms):
            self._check(forms)
            return False
        masks = [self._compute(form) for form in forms]
        if thinking is not None:
            masks.append(self._compute(thinking) & ~self._control)
        return bytes((functools.reduce(np.bitwise_or, masks) & ~self._never).tobytes())

    def _begin(self) -> list[Any]:
        return [form.deep_copy() for form in self._forms]

    def _take(self, choice: _Choice, token: int) -> None:
        forms = [form for form in choice.forms if form.try_consume_tokens([token]) == 1]
        thinking = choice.thinking
        if thinking is not None and thinking.try_consume_tokens([token]) == 1:
            if thinking.is_accepting():
                forms = self._begin()
        else:
            thinking = None
        if thinking is None and not forms:
            self._check(choice.forms)
            raise Error(f"structured_outputs: token {token} does not follow the form")
        if thinking is not None and thinking.is_stopped():
            thinking = None
        choice.thinking, choice.forms = thinking, forms

    def _compute(self, matcher: Any) -> np.ndarray:
        mask = np.frombuffer(matcher.compute_bitmask(), np.uint32)[: len(self._never)]
        self._check([matcher])
        return mask

    @staticmethod
    def _check(matchers: list[Any]) -> None:
        for matcher in matchers:
            if matcher.is_error():
                raise Error(f"structured_outputs: {_line(matcher.get_error())}")


class _Choice:
    """Where a choice is: its thinking, or None; and the forms that it may follow."""

    __slots__ = ("thinking", "forms")

    def __init__(self, thinking: Any, forms: list[Any]):
        self.thinking = thinking
        self.forms = forms


def _thinking(opened: bool) -> str:
    """The grammar of a block of thinking, with the line ends that belong to its closing tag. The thinking is
    any bytes, also no UTF-8: where a budget ends it, half a character may be at its end."""
    begin = "" if opened else f'"{OPEN}" '
    rules = [
        "start: block ends?",
        "block[lazy]: BLOCK",
        f'BLOCK: {begin}BYTES "{CLOSE}"',
        "BYTES: ~NOTHING",
        'NOTHING: "a" & "b"',
        r"ends: /\n{1,2}/",
    ]
    return json.dumps({"grammars": [{"lark_grammar": "\n".join(rules)}]})


def _line(message: str) -> str:
    """A message of llguidance as one short line."""
    line = " ".join(message.split())
    return line if len(line) <= 300 else line[:300] + "..."
