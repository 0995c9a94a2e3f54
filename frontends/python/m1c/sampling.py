# ===- sampling.py - how tokens are drawn ---------------------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""How the tokens of a response are drawn, and when it ends."""

from __future__ import annotations

import dataclasses
import math
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from .errors import Error
from .structured import StructuredOutputsParams

__all__ = ["SamplingParams"]

_LARGEST_SEED = (1 << 64) - 1


def _whole(name: str, value: Any, least: int, most: int | None = None) -> int:
    """The value as an int between two bounds. Bools and floats are refused, integers of NumPy are not."""
    try:
        if isinstance(value, bool):
            raise TypeError
        found = operator.index(value)
    except TypeError:
        raise Error(f"{name}: expected a whole number, found {value!r}") from None
    if found < least or (most is not None and found > most):
        bounds = f"at least {least}" if most is None else f"from {least} to {most}"
        raise Error(f"{name}: expected a whole number {bounds}, found {found}")
    return found


def _number(name: str, value: Any, expected: str, accepts: Any) -> float:
    """The value as a finite float that `accepts` accepts."""
    try:
        if isinstance(value, (bool, str, bytes)):
            raise TypeError
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        raise Error(f"{name}: expected a number, {expected}, found {value!r}") from None
    if not math.isfinite(found) or not accepts(found):
        raise Error(f"{name}: expected a number, {expected}, found {found}")
    return found


def _token_ids(name: str, value: Any) -> list[int]:
    if isinstance(value, (str, bytes, Mapping)) or not hasattr(value, "__iter__"):
        raise Error(f"{name}: expected a list of token ids, found {value!r}")
    return [_whole(f"{name}[{i}]", each, 0, (1 << 31) - 1) for i, each in enumerate(value)]


@dataclasses.dataclass(kw_only=True)
class SamplingParams:
    """Names and meanings are those of vLLM. Everything is checked when the object is made."""

    n: int = 1
    """Responses; choice i of a request with seed s is the response of a request with seed s + i."""
    temperature: float = 1.0
    """0: always the most likely token."""
    top_p: float = 1.0
    """Draw from the most likely tokens that together have this probability."""
    top_k: int = 0
    """Draw from this many most likely tokens; 0 or -1: from all."""
    min_p: float = 0.0
    """Draw from tokens that have at least this share of the most likely one's probability."""
    repetition_penalty: float = 1.0
    """Divides positive logits, and multiplies negative ones, of tokens in prompt or response."""
    presence_penalty: float = 0.0
    """Subtracted from the logits of tokens in the response."""
    frequency_penalty: float = 0.0
    """Subtracted for each occurrence in the response."""
    seed: int | None = None
    """Same seed, same response, whoever else is being served; None: another one each time."""
    stop: str | Sequence[str] | None = None
    """Texts that end the response; they do not belong to it."""
    stop_token_ids: Sequence[int] | None = None
    """Tokens that end the response, beside the model's own end."""
    ignore_eos: bool = False
    """Whether the response goes on after the model's own end."""
    max_tokens: int | None = 16
    """Most tokens of the response; None: up to the model's bound. 0: none, for log-probabilities of the
    prompt."""
    min_tokens: int = 0
    """Before as many tokens the response does not end, except at stop texts."""
    logprobs: int | None = None
    """Log-probabilities of the response's tokens, and of so many of the most likely ones at each place."""
    prompt_logprobs: int | None = None
    """The same of the prompt."""
    logit_bias: Mapping[int, float] | None = None
    """Added to the logits of tokens; -inf: the token is never drawn."""
    allowed_token_ids: Sequence[int] | None = None
    """No other tokens are drawn."""
    thinking_budget: int | None = None
    """After so many tokens a block <think> that is still open is closed."""
    structured_outputs: StructuredOutputsParams | None = None
    """The form of the response: a JSON schema, a regular expression, a list of texts or a grammar."""
    next_mask: Callable[[int, list[int]], bytes | bool | None] | None = None
    """Called before each token of a choice, on the engine's thread, with the choice's number and the tokens
    that it has got since the last call. Returns what the next one may be: None: any; bytes: those whose bits
    are 1 (bit t % 8 of byte t // 8, for the whole vocabulary, in words of 32 bits); False: none, the response
    ends. An exception ends the choice with it."""
    logprobs_mode: Literal["raw", "processed"] = "raw"
    """raw: of the model itself, whatever the rules above; processed: of the distribution that tokens are
    drawn from, at the temperature, with penalties and biases, before top_p, top_k and min_p."""
    priority: int = 0
    """Requests with smaller numbers go first."""
    skip_special_tokens: bool = True
    """Whether control tokens are left out of the text."""

    def __post_init__(self) -> None:
        self.n = _whole("n", self.n, 1, 1024)
        self.temperature = _number("temperature", self.temperature, "at least 0", lambda x: x >= 0)
        self.top_p = _number("top_p", self.top_p, "above 0 and at most 1", lambda x: 0 < x <= 1)
        self.top_k = max(0, _whole("top_k", self.top_k, -1, (1 << 31) - 1))
        self.min_p = _number("min_p", self.min_p, "from 0 to 1", lambda x: 0 <= x <= 1)
        self.repetition_penalty = _number(
            "repetition_penalty", self.repetition_penalty, "above 0", lambda x: x > 0
        )
        for name in ("presence_penalty", "frequency_penalty"):
            setattr(self, name, _number(name, getattr(self, name), "from -2 to 2", lambda x: -2 <= x <= 2))
        if self.seed is not None:
            # As 64 bits: negative numbers have their two's complement.
            self.seed = _whole("seed", self.seed, -(1 << 63), _LARGEST_SEED) & _LARGEST_SEED
        self.stop = self._stop_strings()
        self.stop_token_ids = _token_ids("stop_token_ids", self.stop_token_ids or ())
        for name in ("ignore_eos", "skip_special_tokens"):
            if not isinstance(getattr(self, name), bool):
                raise Error(f"{name}: expected True or False, found {getattr(self, name)!r}")
        if self.max_tokens is not None:
            self.max_tokens = _whole("max_tokens", self.max_tokens, 0)
        self.min_tokens = _whole("min_tokens", self.min_tokens, 0)
        if self.max_tokens is not None and self.min_tokens > self.max_tokens:
            raise Error(
                f"min_tokens: expected at most max_tokens, {self.max_tokens}, found {self.min_tokens}"
            )
        for name in ("logprobs", "prompt_logprobs", "thinking_budget"):
            if getattr(self, name) is not None:
                setattr(self, name, _whole(name, getattr(self, name), 0))
        self.logit_bias = self._biases()
        if self.allowed_token_ids is not None:
            self.allowed_token_ids = _token_ids("allowed_token_ids", self.allowed_token_ids)
            if not self.allowed_token_ids:
                raise Error("allowed_token_ids: expected at least one token, found none")
        if self.logprobs_mode not in ("raw", "processed"):
            raise Error(f"logprobs_mode: expected 'raw' or 'processed', found {self.logprobs_mode!r}")
        if not isinstance(self.structured_outputs, (StructuredOutputsParams, type(None))):
            raise Error(
                "structured_outputs: expected StructuredOutputsParams, "
                f"found {self.structured_outputs!r:.100}"
            )
        if self.next_mask is not None and not callable(self.next_mask):
            raise Error(f"next_mask: expected a function, found {self.next_mask!r:.100}")
        form = self.structured_outputs
        if form is not None and self.thinking_budget is not None and not form.after_thinking:
            raise Error(
                "thinking_budget: expected none beside structured_outputs without after_thinking, found one"
            )
        if self.next_mask is not None and self.structured_outputs is not None:
            raise Error("next_mask: expected none beside structured_outputs, found one")
        self.priority = _whole("priority", self.priority, -(1 << 31), (1 << 31) - 1)

    def _stop_strings(self) -> list[str]:
        stop = self.stop
        if stop is None:
            return []
        stop = [stop] if isinstance(stop, str) else list(stop) if isinstance(stop, (list, tuple)) else stop
        if not isinstance(stop, list) or not all(isinstance(each, str) for each in stop):
            raise Error(f"stop: expected a text or a list of texts, found {stop!r}")
        if "" in stop:
            raise Error("stop: expected texts of at least one character, found an empty one")
        return stop

    def _biases(self) -> dict[int, float]:
        if self.logit_bias is None:
            return {}
        if not isinstance(self.logit_bias, Mapping):
            raise Error(
                f"logit_bias: expected a dictionary from token ids to numbers, found {self.logit_bias!r}"
            )
        found = {}
        for token, bias in self.logit_bias.items():
            token = _whole("logit_bias: token", token, 0, (1 << 31) - 1)
            if bias != -math.inf:
                bias = _number(f"logit_bias: token {token}", bias, "finite or -inf", lambda x: True)
            found[token] = float(bias)
        return found

    def replace(self, **changes: Any) -> SamplingParams:
        """A copy with other values, which are checked."""
        return dataclasses.replace(self, **changes)
