# ===- service.py - OpenAI's API over an engine, without HTTP -------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Answers requests in OpenAI's format over an AsyncLLM. The HTTP server and `m1 run-batch` are built on
it."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from ..errors import Error, QueueFull, Stopped
from ..sampling import SamplingParams
from ..structured import StructuredOutputsParams
from ..text import ChatTemplate, Detokenizer, OutputParser, StopStrings, thinking_is_open
from . import errors
from .chat import ChatReply
from .chat_parts import ChatParts
from .completions import CompletionReply, Prompt
from .errors import ApiError
from .forms import Form, calls_of, form_error
from .metrics import Metrics, RequestRecord
from .output import ChoiceOutput, Offsets, TokenNames
from .replies import Reply
from .requests import (
    ChatRequest,
    Common,
    CompletionRequest,
    TokenizeRequest,
    parse_chat,
    parse_completion,
    parse_detokenize,
    parse_tokenize,
)
from .runs import Run, close_all

log = logging.getLogger("m1c.server")

# Longer texts are split into tokens on another thread, so that the event loop goes on.
_INLINE_CHARACTERS = 16384


@dataclass
class ChatFormat:
    """How chats become prompts, and responses become messages.

    Without a template, chats are refused. The kinds of parsers are those of ReasoningParser and
    ToolCallParser.
    """

    template: ChatTemplate | None = None
    reasoning: str = "none"
    tools: str = "none"


@dataclass
class Service:
    """One engine's service.

    `names` are the models' names that requests may use; the first is reported. `draining` refuses new
    requests.
    """

    llm: Any
    names: list[str]
    metrics: Metrics
    chat_format: ChatFormat = field(default_factory=ChatFormat)
    version: str = ""
    draining: bool = False

    def __post_init__(self) -> None:
        self.created = int(time.time())
        self.tokenizer = self.llm.tokenizer
        self._defaults = dict(self.llm.default_sampling or {})
        self._special = frozenset(self.tokenizer.special_ids) if self.tokenizer else frozenset()
        self._workers = ThreadPoolExecutor(2, thread_name_prefix="m1-text")

    # Requests.

    async def reply(self, path: str, body: object) -> Reply:
        """Submits a request to a path that generates. Errors are ApiErrors; nothing is left behind by
        them."""
        if path == "/v1/chat/completions":
            return await self.chat(body)
        if path == "/v1/completions":
            return await self.complete(body)
        raise ApiError(404, f"Unknown request URL: POST {path[:200]}", code="unknown_url")

    async def chat(self, body: object) -> ChatReply:
        """Submits a chat request."""
        request = parse_chat(body, self.llm.vocab_size)
        self._admit(request)
        ids = await self._render(request)
        limit = self._limit(ids, request.max_tokens, "messages")
        await self._prepare(request, self._form_of_chat(request), ids)
        run = self._submit(request, ids, limit, request.n, first=0)
        parts = [self._parts(request, ids) for _ in range(request.n)]
        return ChatReply(request, run, parts, self._token_names(request), **self._identity(request))

    async def complete(self, body: object) -> CompletionReply:
        """Submits a completions request."""
        request = parse_completion(body, self.llm.vocab_size)
        self._admit(request)
        prompts = [await self._prompt(prompt, request) for prompt in request.prompts]
        limits = [self._limit(prompt.ids, request.max_tokens, "prompt") for prompt in prompts]
        await self._prepare(request, request.form, prompts[0].ids)
        scored = request.echo and request.logprobs is not None
        runs: list[Run] = []
        if request.max_tokens != 0 or scored:
            try:
                for i, (prompt, limit) in enumerate(zip(prompts, limits)):
                    runs.append(
                        self._submit(
                            request, prompt.ids, limit, request.best_of, first=i * request.n, scored=scored
                        )
                    )
            except ApiError:
                close_all(runs)
                raise
        return CompletionReply(
            request,
            prompts,
            runs,
            self._token_names(request),
            self._skipped(request),
            **self._identity(request),
        )

    async def tokenize(self, body: object) -> dict[str, Any]:
        """The tokens of a text or a chat."""
        request = parse_tokenize(body)
        self.check_model(request.model)
        tokenizer = self._needs_tokenizer("prompt")
        if request.messages is not None:
            ids = await self._render(request)
        else:
            ids = await self._encode(request.prompt or "", request.allow_special)
        result = {"count": len(ids), "max_model_len": self.llm.max_model_len, "tokens": ids}
        if request.return_token_strs:
            text = TokenNames(tokenizer, False)
            result["token_strs"] = [text.legacy(token) for token in ids]
        return result

    async def detokenize(self, body: object) -> dict[str, Any]:
        """The text of tokens."""
        model, ids, skip = parse_detokenize(body, self.llm.vocab_size)
        self.check_model(model)
        tokenizer = self._needs_tokenizer("tokens")
        return {"prompt": await self._on_worker(len(ids), tokenizer.decode, ids, skip)}

    def tokenizer_info(self) -> dict[str, Any]:
        """The names of special tokens, as clients that split text themselves ask for them."""
        names = self._needs_tokenizer("prompt").special_tokens
        return {
            **{name: names.get(name) for name in ("bos_token", "eos_token", "pad_token", "unk_token")},
            "vocab_size": self.llm.vocab_size,
            "model_max_length": self.llm.max_model_len,
        }

    def models(self) -> dict[str, Any]:
        """The body of /v1/models."""
        return {"object": "list", "data": [self.model(name) for name in self.names]}

    def model(self, name: str) -> dict[str, Any]:
        """The body of /v1/models/{name}."""
        self.check_model(name)
        return {
            "id": name,
            "object": "model",
            "created": self.created,
            "owned_by": "m1c",
            "root": self.names[0],
            "parent": None,
            "max_model_len": self.llm.max_model_len,
            "vocab_size": self.llm.vocab_size,
        }

    def check_model(self, name: str | None) -> None:
        """Raises if `name` is given and not served."""
        if name is not None and name not in self.names:
            raise ApiError(
                404,
                f"The model {name[:200]!r} does not exist; this server has {', '.join(self.names)}.",
                param="model",
                code="model_not_found",
            )

    # Parts of the above.

    def _admit(self, request: Common) -> None:
        if self.draining:
            raise errors.draining()
        self.check_model(request.model)
        if self.tokenizer is None:
            request.return_token_ids = True
        if request.stop and self.tokenizer is None:
            raise errors.invalid(
                "This model has no tokenizer, so 'stop' cannot be honoured; use 'stop_token_ids'.",
                param="stop",
                code="no_tokenizer",
            )

    def _identity(self, request: Common) -> dict[str, str]:
        return {"model": request.model or self.names[0], "fingerprint": f"m1c-{self.version}"}

    def _needs_tokenizer(self, param: str) -> Any:
        if self.tokenizer is None:
            raise errors.invalid(
                f"This model has no tokenizer, so text is not possible in '{param}'; /v1/completions "
                "takes token ids.",
                param=param,
                code="no_tokenizer",
            )
        return self.tokenizer

    def _token_names(self, request: Common) -> TokenNames:
        return TokenNames(self.tokenizer, request.tokens_as_ids)

    def _skipped(self, request: Common) -> frozenset[int]:
        return self._special if request.skip_special else frozenset()

    async def _on_worker(self, size: int, function: Callable[..., Any], *arguments: Any) -> Any:
        if size <= _INLINE_CHARACTERS:
            return function(*arguments)
        return await asyncio.get_running_loop().run_in_executor(self._workers, function, *arguments)

    async def _encode(self, text: str, allow_special: bool) -> list[int]:
        ids: list[int] = await self._on_worker(len(text), self.tokenizer.encode, text, allow_special)
        return ids

    async def _prompt(self, prompt: str | list[int], request: CompletionRequest) -> Prompt:
        if isinstance(prompt, str):
            self._needs_tokenizer("prompt")
            return Prompt(await self._encode(prompt, request.allow_special), prompt)
        text = ""
        if request.echo and self.tokenizer is not None:
            text = await self._on_worker(len(prompt), self.tokenizer.decode, prompt, request.skip_special)
        return Prompt(prompt, text)

    async def _render(self, request: ChatRequest | TokenizeRequest) -> list[int]:
        self._needs_tokenizer("messages")
        template = self.chat_format.template
        if template is None:
            raise errors.invalid(
                "This model has no chat template; start the server with --chat-template, or use "
                "/v1/completions.",
                param="messages",
                code="no_chat_template",
            )
        size = sum(len(str(message["content"])) for message in request.messages or ())

        def render() -> list[int]:
            return template.encode(
                request.messages or [],
                tools=request.tools,
                add_generation_prompt=request.add_generation_prompt,
                **request.template_kwargs,
            )

        try:
            ids: list[int] = await self._on_worker(size, render)
            return ids
        except ValueError as error:
            raise errors.invalid(str(error), param="messages") from None

    def _form_of_chat(self, request: ChatRequest) -> Form | None:
        """The form of the response, with its calls of tools and its thinking."""
        form, tools, parallel = request.form, request.tools, request.parallel_tool_calls
        thinks = self.chat_format.reasoning != "none"
        if request.forced is not None:
            if self.chat_format.tools == "none":
                raise errors.invalid(
                    "This server was started with --tool-call-parser none, so 'tool_choice' must be "
                    "'none' or 'auto'.",
                    param="tool_choice",
                    code="unsupported_value",
                )
            return Form(
                "tools",
                StructuredOutputsParams(tool_calls=calls_of(request.forced, parallel), after_thinking=thinks),
            )
        if form is None:
            return None
        calls = calls_of(tools, parallel) if tools and self.chat_format.tools != "none" else None
        return form._replace(params=dataclasses.replace(form.params, tool_calls=calls, after_thinking=thinks))

    async def _prepare(self, request: Common, form: Form | None, ids: list[int]) -> None:
        """Gives the responses their form, which may have to be compiled."""
        if form is None:
            return
        params = SamplingParams(structured_outputs=form.params)
        try:
            await asyncio.get_running_loop().run_in_executor(self._workers, self.llm.prepare, ids, params)
        except Error as error:
            raise form_error(form.field, error) from None
        request.sampling["structured_outputs"] = form.params

    def _limit(self, ids: list[int], max_tokens: int | None, param: str) -> int:
        """The most tokens of the response: what was asked for, or what fits."""
        if not ids:
            raise errors.invalid("The prompt is empty: it has no tokens.", param=param, code="empty_prompt")
        room: int = self.llm.max_model_len - len(ids)
        if room < (0 if max_tokens == 0 else 1):
            raise errors.context_length(len(ids), self.llm.max_model_len, param)
        return room if max_tokens is None else min(max_tokens, room)

    def _submit(
        self, request: Common, ids: list[int], limit: int, choices: int, first: int, scored: bool = False
    ) -> Run:
        """Submits a prompt of which `choices` responses are wanted; the first has the index `first`."""
        sampling = {**self._defaults, **request.sampling, "n": choices, "max_tokens": limit}
        sampling["min_tokens"] = min(sampling.get("min_tokens") or 0, limit)
        wanted = request.logprobs
        if wanted is None and isinstance(request, CompletionRequest) and request.best_of > request.n:
            wanted = 0
        sampling["logprobs"] = wanted
        if scored:
            sampling["prompt_logprobs"] = request.logprobs
        try:
            stream = self.llm.submit(ids, SamplingParams(**sampling))
        except QueueFull:
            raise errors.queue_full() from None
        except Stopped:
            raise errors.draining() from None
        except Error as error:
            if self.llm.failure is not None:
                raise errors.draining() from None
            raise errors.invalid(str(error)) from None
        stop = StopStrings(request.stop) if request.stop else ()
        outputs = [
            self._output(request, first + c, stop, sampling["min_tokens"], wanted is not None)
            for c in range(choices)
        ]
        return Run(stream, outputs, ids, RequestRecord(self.metrics, len(ids), limit, choices))

    def _output(
        self,
        request: Common,
        index: int,
        stop: StopStrings | tuple[Any, ...],
        min_tokens: int,
        logprobs: bool,
    ) -> ChoiceOutput:
        detokenizer = None
        if self.tokenizer is not None:
            detokenizer = Detokenizer(self.tokenizer, stop, request.skip_special, min_tokens=min_tokens)
        offsets = Offsets(self._token_names(request), self._skipped(request)) if logprobs else None
        return ChoiceOutput(index, detokenizer, offsets, request.return_token_ids)

    def _parts(self, request: ChatRequest, ids: list[int]) -> ChatParts:
        reasoning, tools = self.chat_format.reasoning, self.chat_format.tools if request.tools else "none"
        # Some templates begin the thinking themselves.
        opened = reasoning != "none" and thinking_is_open(self.tokenizer, ids)
        return ChatParts(OutputParser(reasoning, tools, opened), request.parallel_tool_calls, opened)
