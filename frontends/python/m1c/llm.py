# ===- llm.py - a model for programs and scripts --------------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""A model for programs and scripts: lists of prompts in, lists of outputs out."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np

from .async_llm import AsyncLLM, Stream
from .engine import Served, delta_of
from .errors import Error, NotFinite, QueueFull
from .outputs import CompletionOutput, Delta, Logprob, RequestOutput
from .program import Plan
from .sampling import SamplingParams
from .text import ChatTemplate, Detokenizer, StopStrings, Tokenizer

__all__ = ["LLM", "AsyncLLM", "Stream"]

Prompt = str | Sequence[int] | Mapping[str, Any]


class _Choice:
    """A response while its tokens arrive."""

    def __init__(self, index: int, detokenizer: Detokenizer | None, with_logprobs: bool):
        self.output = CompletionOutput(index, "", [])
        self.detokenizer = detokenizer
        self.texts: list[str] = []
        self.logprobs: list[tuple[float, list[tuple[int, float]]]] | None = [] if with_logprobs else None

    def take(self, delta: Delta) -> None:
        output, ids = self.output, delta.token_ids
        output.token_ids += ids
        if self.logprobs is not None:
            self.logprobs += zip(delta.logprobs or [], delta.top_logprobs or [])
        if self.detokenizer is not None:
            # The stop token is no part of the text.
            spoken = ids[:-1] if delta.stop_reason is not None else ids
            self.texts.append(self.detokenizer.push(spoken))
            if delta.finish_reason is not None:
                self.texts.append(self.detokenizer.finish())
            if self.detokenizer.stopped is not None:
                # What the engine drew before it heard of the stop text does not belong to the response.
                del output.token_ids[self.detokenizer.tokens :]
                output.finish_reason, output.stop_reason = "stop", self.detokenizer.stopped
                return
        if delta.finish_reason is not None:
            output.finish_reason, output.stop_reason = delta.finish_reason, delta.stop_reason


class _Request:
    """A prompt in the engine."""

    def __init__(self, llm: LLM, name: str, prompt: str | None, ids: list[int], params: SamplingParams):
        if params.stop and llm.tokenizer is None:
            raise Error(
                "stop: the model has no tokenizer, so stop texts cannot be found; expected stop_token_ids"
            )
        stops = StopStrings(params.stop) if params.stop else ()
        self.llm, self.name, self.prompt, self.ids, self.params = llm, name, prompt, ids, params
        self.choices = [
            _Choice(
                i,
                (
                    Detokenizer(
                        llm.tokenizer, stops, params.skip_special_tokens, min_tokens=params.min_tokens
                    )
                    if llm.tokenizer
                    else None
                ),
                params.logprobs is not None,
            )
            for i in range(params.n)
        ]
        self.number: int | None = None
        self.open = params.n
        self.cached = 0
        self.prompt_logprobs: list[Any] | None = None
        self.error: str | None = None

    def submit(self) -> None:
        engine = self.llm._engine
        self.number = engine.submit(engine.request(self.ids, self.params), self.take)

    def take(self, update: Any) -> None:
        delta = delta_of(update, self.params)
        self.cached = max(self.cached, delta.cached_tokens)
        self.prompt_logprobs = self.prompt_logprobs or delta.prompt_logprobs
        choice = self.choices[delta.choice]
        if choice.output.finish_reason is not None:
            return  # by a stop text
        choice.take(delta)
        if delta.finish_reason == "error":
            self.error = delta.error
        if choice.output.finish_reason is None:
            return
        self.open -= 1
        if self.open == 0 and self.number is not None:
            self.llm._engine.forget(self.number)

    def output(self) -> RequestOutput:
        name = self.llm._token_text
        for choice in self.choices:
            output = choice.output
            output.text = "".join(choice.texts)
            if choice.logprobs is not None:
                kept = choice.logprobs[: len(output.token_ids)]
                output.logprobs = [
                    _place(token, own, top, name) for token, (own, top) in zip(output.token_ids, kept)
                ]
                output.cumulative_logprob = sum(own for own, _ in kept)
        prompt_logprobs = None
        if self.params.prompt_logprobs is not None:
            found = self.prompt_logprobs or [None]
            prompt_logprobs = [
                each and _place(token, each[0], each[1], name) for token, each in zip(self.ids, found)
            ]
        return RequestOutput(
            self.name,
            self.prompt,
            self.ids,
            [choice.output for choice in self.choices],
            prompt_logprobs,
            self.cached,
        )


def _place(token: int, own: float, top: list[tuple[int, float]], text: Any) -> dict[int, Logprob]:
    """The log-probabilities at one place: the token's own first."""
    found = {token: Logprob(own, None, text(token))}
    for rank, (other, logprob) in enumerate(top, 1):
        if other == token:
            found[token].rank = rank
        else:
            found[other] = Logprob(logprob, rank, text(other))
    return found


class LLM(Served):
    """A model with an engine. May be used from several threads, whose requests run together."""

    def __init__(self, model: str | os.PathLike[str], **options: Any):
        """Loads a checkpoint's directory, which is compiled unless it is in the cache, or a plan. The options
        are the fields of m1c.model.EngineConfig."""
        super().__init__(model, **options)
        self._turn = threading.Lock()  # held by the thread that hands over updates
        self._template: ChatTemplate | None = None
        self._plan: Plan | None = None
        self._count = 0

    def generate(
        self,
        prompts: Prompt | Sequence[Prompt],
        sampling_params: SamplingParams | Sequence[SamplingParams] | None = None,
    ) -> list[RequestOutput]:
        """Continues prompts: texts, lists of token ids, or dictionaries with "prompt" or "prompt_token_ids".

        `sampling_params`: for all, or one for each; by default those of the checkpoint. The outputs have the
        order of the prompts. All prompts are checked before any is computed.
        """
        found = _as_list(prompts)
        return self._run([self._encoded(i, prompt) for i, prompt in enumerate(found)], sampling_params)

    def chat(
        self,
        messages: Sequence[Mapping[str, Any]] | Sequence[Sequence[Mapping[str, Any]]],
        sampling_params: SamplingParams | Sequence[SamplingParams] | None = None,
        *,
        tools: Sequence[Any] | None = None,
        add_generation_prompt: bool = True,
        chat_template_kwargs: Mapping[str, Any] | None = None,
    ) -> list[RequestOutput]:
        """Answers a chat, a list of messages as OpenAI's API has them, or several. Control tokens in messages
        are text."""
        if not messages:
            raise Error("messages: expected at least one message, found none")
        single = isinstance(messages[0], Mapping)
        chats = cast("Sequence[Sequence[Mapping[str, Any]]]", [messages] if single else messages)
        if self._template is None:
            self._needs_tokenizer("a chat")
            self._template = self.chat_template()
            if self._template is None:
                raise Error("the checkpoint has no chat template; give one with chat_template=FILE")
        ids = [
            self._template.encode(chat, tools, add_generation_prompt, **(chat_template_kwargs or {}))
            for chat in chats
        ]
        return self._run([(None, each) for each in ids], sampling_params)

    def score(
        self, prompts: Prompt | Sequence[Prompt], completions: Prompt | Sequence[Prompt] | None = None
    ) -> list[np.ndarray]:
        """The log-probabilities, float32, of given tokens: of each prompt's from the second on; or, with
        completions, of their tokens after the prompts. They have the bits that the same tokens get when they
        are generated.
        """
        given = _as_list(prompts)
        encoded = [self._encoded(i, prompt)[1] for i, prompt in enumerate(given)]
        skipped = [1] * len(encoded)
        if completions is not None:
            added = _as_list(completions)
            if len(added) != len(encoded):
                raise Error(f"completions: expected {len(encoded)}, one for each prompt, found {len(added)}")
            skipped = [len(each) for each in encoded]
            if 0 in skipped:
                raise Error(f"prompts[{skipped.index(0)}]: expected at least one token, found none")
            encoded = [each + self._encoded(i, more)[1] for i, (each, more) in enumerate(zip(encoded, added))]
        params = SamplingParams(max_tokens=0, prompt_logprobs=0)
        requests = self._complete([(None, each) for each in encoded], params)
        return [
            np.array([place[0] for place in (each.prompt_logprobs or [None])[skip:]], np.float32)
            for each, skip in zip(requests, skipped)
        ]

    def call(self, function: str, /, **arrays: Any) -> dict[str, np.ndarray]:
        """Runs a function of the model's plan on arrays, as Plan.call: with states and memory of its own,
        beside the engine, so that the first call loads the weights once more."""
        if self._plan is None:
            model, config = self._engine.model, self._engine.model.config
            self._plan = Plan(
                model.plan, model.weights, device=config.device, threads=config.threads, seed=config.seed or 0
            )
        return self._plan.call(function, **arrays)

    def close(self) -> None:
        """Ends the engine's thread. May be called again."""
        self._engine.close()

    def __enter__(self) -> LLM:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    # Parts of the above.

    def _needs_tokenizer(self, what: str) -> Tokenizer:
        if self.tokenizer is None:
            raise Error(
                f"{what} needs a tokenizer, and the checkpoint has no tokenizer.json; expected token ids"
            )
        return self.tokenizer

    def _token_text(self, token: int) -> str | None:
        return self.tokenizer.token_text(token).text if self.tokenizer is not None else None

    def _encoded(self, index: int, prompt: Prompt) -> tuple[str | None, list[int]]:
        """A prompt's text, if it is one, and its token ids."""
        if isinstance(prompt, Mapping):
            keys = [key for key in ("prompt_token_ids", "prompt") if key in prompt]
            if len(keys) != 1:
                raise Error(
                    f'prompts[{index}]: expected "prompt" or "prompt_token_ids", found '
                    + (", ".join(prompt) or "nothing")
                )
            prompt = prompt[keys[0]]
        if isinstance(prompt, str):
            return prompt, self._needs_tokenizer(f"prompts[{index}]: a text").encode(prompt)
        if isinstance(prompt, np.ndarray) and prompt.ndim == 1 and prompt.dtype.kind in "iu":
            prompt = prompt.tolist()
        if not isinstance(prompt, (list, tuple)):
            raise Error(
                f"prompts[{index}]: expected a text or a list of token ids, found {type(prompt).__name__}"
            )
        for place, token in enumerate(prompt):
            if not isinstance(token, (int, np.integer)) or isinstance(token, bool):
                raise Error(f"prompts[{index}][{place}]: expected a token id, found {token!r}")
            if not 0 <= token < self.vocab_size:
                raise Error(
                    f"prompts[{index}][{place}]: expected a token id from 0 to {self.vocab_size - 1}, "
                    f"found {token}"
                )
        return None, [int(token) for token in prompt]

    def _run(
        self,
        prompts: list[tuple[str | None, list[int]]],
        params: SamplingParams | Sequence[SamplingParams] | None,
    ) -> list[RequestOutput]:
        return [each.output() for each in self._complete(prompts, params)]

    def _complete(
        self,
        prompts: list[tuple[str | None, list[int]]],
        params: SamplingParams | Sequence[SamplingParams] | None,
    ) -> list[_Request]:
        if params is None:
            params = SamplingParams(**self.default_sampling)
        each = [params] * len(prompts) if isinstance(params, SamplingParams) else list(params)
        for chosen in each:
            if not isinstance(chosen, SamplingParams):
                raise Error(f"sampling_params: expected SamplingParams, found {type(chosen).__name__}")
        if len(each) != len(prompts):
            raise Error(f"sampling_params: expected {len(prompts)}, one for each prompt, found {len(each)}")
        requests = []
        for i, ((text, ids), chosen) in enumerate(zip(prompts, each)):
            try:
                requests.append(_Request(self, str(self._count + i), text, ids, chosen))
                self._engine.request(ids, chosen)
            except Error as error:
                raise type(error)(f"prompts[{i}]: {error}" if len(prompts) > 1 else str(error)) from None
        self._count += len(prompts)
        self._wait(requests)
        return requests

    def _wait(self, requests: list[_Request]) -> None:
        """Submits the requests, and returns when all have ended. Those that are open are aborted if this is
        interrupted."""
        queued = deque(requests)
        running: list[_Request] = []
        try:
            while queued or running:
                while queued:
                    try:
                        queued[0].submit()
                    except QueueFull:
                        # Its own requests will make room, or those of other threads.
                        break
                    running.append(queued.popleft())
                with self._turn:
                    if not queued and all(each.open == 0 for each in running):
                        break
                    self._engine.dispatch(0.05 if queued else 0.5)
                failed = next((each for each in running if each.error is not None), None)
                if failed is not None and failed.error is not None:
                    kind = NotFinite if "finite" in failed.error else Error
                    raise kind(f"request {failed.name}: {failed.error}")
                running = [each for each in running if each.open]
        finally:
            for each in running:
                if each.open and each.number is not None:
                    self._engine.forget(each.number)


def _as_list(prompts: Prompt | Sequence[Prompt]) -> list[Prompt]:
    """A list of prompts, also of a single one."""
    return cast("list[Prompt]", [prompts] if _is_one(prompts) else list(prompts))


def _is_one(prompts: Any) -> bool:
    """Whether this is a prompt, not a list of prompts."""
    if isinstance(prompts, (str, Mapping)):
        return True
    if isinstance(prompts, np.ndarray):
        return prompts.ndim == 1
    return bool(prompts) and isinstance(prompts[0], (int, np.integer))
