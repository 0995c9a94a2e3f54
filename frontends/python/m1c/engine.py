# ===- engine.py - requests to the runtime's engine -----------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""What LLM and AsyncLLM share: requests as the runtime's engine takes them, and the way of its updates."""

from __future__ import annotations

import itertools
import os
import random
import threading
import weakref
from collections.abc import Callable, Sequence
from typing import Any

from . import _runtime
from .errors import Error
from .masks import Constraints
from .model import Model, options_of
from .outputs import Delta
from .sampling import SamplingParams
from .text import ChatTemplate, Tokenizer, thinking_budget, thinking_is_open

__all__ = ["Engine", "Served", "delta_of"]

Handler = Callable[[Any], None]


class Engine:
    """The runtime's engine with a model. `submit` and `dispatch` may be called on any thread."""

    def __init__(self, model: Model):
        self.model = model
        self.runtime = _runtime.Engine(**model.engine_arguments())
        info = self.runtime.model_info
        self.vocab_size: int = info["vocab_size"]
        self.max_model_len: int = min(info["max_length"], model.config.max_model_len or info["max_length"])
        self._handlers: dict[int, Handler] = {}
        self._access = threading.Lock()
        self._constraints: Constraints | None = None
        self._seeds = random.Random(model.config.seed) if model.config.seed is not None else None
        # A thread that runs on while the process ends would use what is gone.
        self._end = weakref.finalize(self, self.runtime.stop)

    def close(self) -> None:
        """Aborts what runs, and ends the engine's thread. May be called again."""
        self._end()

    @property
    def failure(self) -> str | None:
        """Why no request runs any more: the device or a rank has failed. None as long as all is well."""
        return self.runtime.failure

    def stats(self) -> dict[str, Any]:
        """The engine's counts; `cache_usage` is the share of blocks that sequences use."""
        found = self.runtime.stats()
        found["cache_usage"] = found["blocks_used"] / found["blocks"] if found["blocks"] else 0.0
        return found

    def limit(self, prompt: Sequence[int], max_tokens: int | None) -> int:
        """The most tokens of a response: what was asked for, or what fits. Raises Error if nothing fits."""
        if not prompt:
            raise Error("prompt: expected at least one token, found none")
        room = self.max_model_len - len(prompt)
        if room < (0 if max_tokens == 0 else 1):
            raise Error(
                f"prompt: has {len(prompt)} tokens, but the model is served with at most "
                f"{self.max_model_len} of prompt and response together"
            )
        return room if max_tokens is None else min(max_tokens, room)

    def request(self, prompt: Sequence[int], params: SamplingParams) -> Any:
        """The runtime's form of a request."""
        if not isinstance(params, SamplingParams):
            raise Error(f"params: expected SamplingParams, found {type(params).__name__}")
        made = _runtime.Request()
        try:
            made.prompt = prompt if isinstance(prompt, list) else [int(token) for token in prompt]
        except TypeError:
            raise Error("prompt: expected a list of token ids") from None
        limit = self.limit(prompt, params.max_tokens)
        made.n, made.priority = params.n, params.priority
        made.max_tokens, made.min_tokens = limit, min(params.min_tokens, limit)
        stops = set(params.stop_token_ids or ())
        if not params.ignore_eos:
            stops.update(self.model.stop_token_ids)
        made.stop_tokens = sorted(stops)
        made.seed = params.seed
        if params.seed is None and self._seeds is not None:
            made.seed = self._seeds.getrandbits(64)
        made.top_logprobs = -1 if params.logprobs is None else params.logprobs
        made.prompt_logprobs = -1 if params.prompt_logprobs is None else params.prompt_logprobs
        made.policy_logprobs = params.logprobs_mode == "processed"
        rules = made.rules
        rules.temperature, rules.top_p, rules.top_k, rules.min_p = (
            params.temperature,
            params.top_p,
            params.top_k,
            params.min_p,
        )
        rules.repetition_penalty = params.repetition_penalty
        rules.presence_penalty, rules.frequency_penalty = params.presence_penalty, params.frequency_penalty
        rules.logit_bias = list((params.logit_bias or {}).items())
        rules.allowed_tokens = list(params.allowed_token_ids or ())
        made.rules = rules
        if params.thinking_budget is not None:
            tokenizer = self._tokenizer_for("thinking_budget", "its thinking cannot be found")
            opened = thinking_is_open(tokenizer, made.prompt)
            made.forced = thinking_budget(tokenizer, params.thinking_budget, opened=opened)
        masks = self.masks(made.prompt, params)
        if masks is not None:
            made.mask_with(masks)
        made.use_prefix_cache = self.model.config.enable_prefix_caching
        return made

    def masks(self, prompt: Sequence[int], params: SamplingParams) -> Callable[[int, list[int]], Any] | None:
        """The function that masks the tokens of a response, if there is one. A form of the response is
        compiled, which may take a while, unless that has been done. May be called on any thread; raises
        Error."""
        wanted = params.structured_outputs
        if wanted is None:
            return params.next_mask
        tokenizer = self._tokenizer_for("structured_outputs", "text is not possible")
        with self._access:
            if self._constraints is None:
                self._constraints = Constraints(tokenizer, self.vocab_size, self.model.stop_token_ids)
        return self._constraints.masks(
            wanted,
            opened=thinking_is_open(tokenizer, prompt),
            must_think=params.thinking_budget is not None,
            ignore_eos=params.ignore_eos,
        )

    def _tokenizer_for(self, field: str, why: str) -> Tokenizer:
        if self.model.tokenizer is None:
            raise Error(f"{field}: the model has no tokenizer, so {why}")
        return self.model.tokenizer

    def submit(self, request: Any, handler: Handler) -> int:
        """Submits a request. `dispatch` hands its updates to the handler, on the thread that calls it."""
        with self._access:  # its first update may come before the number is known
            number = self.runtime.submit(request)
            self._handlers[number] = handler
            return number

    def forget(self, number: int) -> None:
        """Aborts a request whose updates nobody wants any more."""
        with self._access:
            known = self._handlers.pop(number, None)
        if known is not None:
            self.runtime.abort(number)

    def ended(self, number: int) -> None:
        """All choices of a request have ended."""
        with self._access:
            self._handlers.pop(number, None)

    def dispatch(self, seconds: float = 0) -> bool:
        """Hands over the updates that have come, or that come within the time. Whether there were any."""
        updates = self.runtime.take(seconds)
        for number, group in itertools.groupby(updates, key=lambda update: update.id):
            with self._access:
                handler = self._handlers.get(number)
            if handler is not None:
                for update in group:
                    handler(update)
        return bool(updates)


class Served:
    """What LLM and AsyncLLM have in common: a model with an engine."""

    def __init__(self, model: str | os.PathLike[str], **options: Any):
        """Loads a checkpoint's directory, which is compiled unless it is in the cache, or a plan. The options
        are the fields of m1c.model.EngineConfig."""
        self._engine = Engine(Model(model, options_of(options)))

    @property
    def tokenizer(self) -> Tokenizer | None:
        """Between text and tokens; None if the checkpoint has no tokenizer.json."""
        return self._engine.model.tokenizer

    @property
    def max_model_len(self) -> int:
        """Most tokens of prompt and response together."""
        return self._engine.max_model_len

    @property
    def vocab_size(self) -> int:
        """Token ids are below this."""
        return self._engine.vocab_size

    @property
    def stop_token_ids(self) -> list[int]:
        """The tokens that end a response by themselves."""
        return list(self._engine.model.stop_token_ids)

    @property
    def default_sampling(self) -> dict[str, Any]:
        """The arguments of SamplingParams that the checkpoint's generation_config.json has."""
        return dict(self._engine.model.default_sampling)

    def chat_template(self) -> ChatTemplate | None:
        """The template of chats; None if there is none."""
        return self._engine.model.chat_template()

    @property
    def failure(self) -> str | None:
        """Why no request runs any more: the device or a rank has failed. None as long as all is well."""
        return self._engine.failure

    def stats(self) -> dict[str, Any]:
        """The engine's counts: running, waiting, blocks_used, prefix_cache_hits and so on."""
        return self._engine.stats()


def delta_of(update: Any, wanted: SamplingParams) -> Delta:
    """The update of a request with these parameters."""
    found = Delta(
        update.choice,
        update.tokens,
        finish_reason=update.finish_reason,
        stop_reason=update.stop_token,
        cached_tokens=update.cached_tokens,
        error=update.error,
    )
    if wanted.logprobs is not None:
        found.logprobs = update.logprobs
        found.top_logprobs = update.top if wanted.logprobs else [[] for _ in found.token_ids]
    if wanted.prompt_logprobs is not None and update.prompt_logprobs:
        own = update.prompt_logprobs
        top = update.prompt_top or [[] for _ in own]
        found.prompt_logprobs = [None, *zip(own, top)]
    return found
