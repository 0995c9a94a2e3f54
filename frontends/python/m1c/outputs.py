# ===- outputs.py - what requests return ----------------------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""What requests return. Names are vLLM's."""

from __future__ import annotations

import dataclasses

__all__ = ["CompletionOutput", "Delta", "Logprob", "RequestOutput"]


@dataclasses.dataclass(slots=True)
class Logprob:
    """A token's log-probability at a place."""

    logprob: float
    rank: int | None = None
    """1: the most likely token; None if it is not among those that were asked for."""
    decoded_token: str | None = None
    """Its text, if the model has a tokenizer. Bytes that are no characters appear as U+FFFD."""


@dataclasses.dataclass(slots=True)
class CompletionOutput:
    """One response."""

    index: int
    text: str
    """Without the stop text or token that ended it; empty if the model has no tokenizer."""
    token_ids: list[int]
    """A stop token included; behind a stop text there are none."""
    cumulative_logprob: float | None = None
    """The sum of the tokens' log-probabilities, if they were asked for."""
    logprobs: list[dict[int, Logprob]] | None = None
    """For each token, itself and the most likely ones."""
    finish_reason: str | None = None
    """"stop", "length" or "abort"."""
    stop_reason: int | str | None = None
    """The stop token or the stop text that ended it."""


@dataclasses.dataclass(slots=True)
class RequestOutput:
    """A prompt with its responses."""

    request_id: str
    prompt: str | None
    """None if it was given as token ids."""
    prompt_token_ids: list[int]
    outputs: list[CompletionOutput]
    prompt_logprobs: list[dict[int, Logprob] | None] | None = None
    """For each token of the prompt; None for the first."""
    num_cached_tokens: int = 0
    """Of the prompt, that came from the prefix cache."""
    finished: bool = True


@dataclasses.dataclass(slots=True)
class Delta:
    """What is new of one choice of a streamed request."""

    choice: int
    token_ids: list[int]
    logprobs: list[float] | None = None
    """Of each token, if they were asked for."""
    top_logprobs: list[list[tuple[int, float]]] | None = None
    """The most likely tokens at each place, with their log-probabilities, in descending order."""
    finish_reason: str | None = None
    """"stop", "length", "abort" or "error" in the choice's last delta."""
    stop_reason: int | None = None
    """The stop token, which is the last of token_ids."""
    cached_tokens: int = 0
    """Of the prompt, that came from the prefix cache."""
    prompt_logprobs: list[tuple[float, list[tuple[int, float]]] | None] | None = None
    """Once, for each token of the prompt: its log-probability and the most likely ones; None for the
    first."""
    error: str | None = None
    """Why, if finish_reason is "error"."""
