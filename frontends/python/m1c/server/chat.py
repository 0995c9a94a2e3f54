# ===- chat.py - chat completions -----------------------------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Answers of /v1/chat/completions, as a whole and as a stream."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator
from typing import Any

from . import json_text
from .chat_parts import ChatParts
from .output import ChoiceOutput, TokenEntry, TokenNames, chat_logprobs
from .replies import DONE, Reply, usage
from .requests import ChatRequest
from .runs import Run


class _Choice:
    """What has been made of one choice's text."""

    def __init__(self, parts: ChatParts):
        self.parts = parts
        self.content: list[str] = []
        self.reasoning: list[str] = []
        self.calls: list[dict[str, Any]] = []
        self.entries: list[TokenEntry] = []
        self.started = False
        self.counted = 0

    def add(self, delta: dict[str, Any]) -> None:
        """Appends a delta of a message to the message."""
        if "content" in delta:
            self.content.append(delta["content"])
        if "reasoning_content" in delta:
            self.reasoning.append(delta["reasoning_content"])
        for call in delta.get("tool_calls", ()):
            self.calls.append({name: value for name, value in call.items() if name != "index"})

    def message(self) -> dict[str, Any]:
        """The whole message."""
        calls = self.calls
        content = "".join(self.content)
        message: dict[str, Any] = {
            "role": "assistant",
            "content": content if content or not calls else None,
            "refusal": None,
        }
        if self.reasoning:
            message["reasoning_content"] = message["reasoning"] = "".join(self.reasoning)
        if calls:
            message["tool_calls"] = calls
        return message


# A choice, what has been made of it, its new deltas and entries, and the reason if it ends.
_Step = tuple[ChoiceOutput, _Choice, list[dict[str, Any]], list[TokenEntry], str | None]


class ChatReply(Reply):
    """The answer to a chat request, which has one run."""

    def __init__(
        self, request: ChatRequest, run: Run, parts: list[ChatParts], text: TokenNames, **identity: Any
    ):
        super().__init__(
            "chatcmpl-",
            "chat.completion.chunk" if request.stream else "chat.completion",
            request,
            [run],
            **identity,
        )
        self._request = request
        self._run = run
        self._text = text
        self._reasoning_tokens = 0
        self._choices = [_Choice(each) for each in parts]

    async def _updates(self) -> AsyncGenerator[_Step, None]:
        """The deltas of messages as they arrive, with the reason when a choice ends."""
        run = self._run
        async with contextlib.aclosing(run.updates()) as updates:
            async for choice, text, entries in updates:
                state = self._choices[choice.index]
                thinking = state.parts.thinking
                deltas = state.parts.push(text) if text else []
                if choice.finish_reason is not None:
                    deltas += state.parts.finish()
                elif state.parts.complete:
                    run.end(choice, "tool_calls")
                if thinking or state.parts.thinking:
                    self._reasoning_tokens += choice.count - state.counted
                state.counted = choice.count
                reason = choice.finish_reason
                if reason is not None and reason != "length" and state.parts.calls:
                    reason = choice.finish_reason = "tool_calls"
                yield choice, state, deltas, entries, reason

    async def collect(self) -> dict[str, Any]:
        """The whole response."""
        request = self._request
        async with contextlib.aclosing(self._updates()) as updates:
            async for _, state, deltas, entries, _ in updates:
                for delta in deltas:
                    state.add(delta)
                state.entries += entries
        choices = []
        for choice, state in zip(self._run.choices, self._choices):
            item = {
                "index": choice.index,
                "message": state.message(),
                "logprobs": self._logprobs(state.entries),
                "finish_reason": choice.finish_reason,
                "stop_reason": choice.stop_reason,
            }
            if request.return_token_ids:
                item["token_ids"] = choice.token_ids
            choices.append(item)
        result = {**self.head, "choices": choices, "usage": self._usage()}
        if request.return_token_ids:
            result["prompt_token_ids"] = self._run.prompt_ids
        return result

    async def events(self) -> AsyncGenerator[str, None]:
        """The response as server-sent events: first a role, then deltas, then the reason of the end."""
        request, start, end = self._request, self.event_start, self.event_end
        plain = request.logprobs is None and not request.return_token_ids
        async with contextlib.aclosing(self._updates()) as updates:
            async for choice, state, deltas, entries, reason in updates:
                index, out = choice.index, []
                if not state.started:
                    state.started = True
                    out.append(
                        self._event(index, {"role": "assistant", "content": "", "refusal": None}, [], None)
                    )
                if plain:
                    for delta in deltas:
                        if "content" in delta:
                            # By far the most frequent event.
                            out.append(
                                f'{start}{{"index":{index},"delta":{{"content":'
                                f'{json_text.quote(delta["content"])}}},"logprobs":null,'
                                f'"finish_reason":null}}{end}'
                            )
                        else:
                            out.append(self._event(index, delta, [], None))
                else:
                    held = state.entries
                    held += entries
                    if not deltas and held and request.return_token_ids:
                        deltas = [{}]
                    for delta in deltas or ([{}] if request.return_token_ids else []):
                        out.append(self._event(index, delta, held, None, choice))
                        held = []
                    state.entries = held
                if reason is not None:
                    out.append(self._event(index, {}, state.entries if not plain else [], reason, choice))
                if out:
                    yield "".join(out)
        if request.include_usage:
            yield self.usage_event(self._usage())
        yield DONE

    def _event(
        self,
        index: int,
        delta: dict[str, Any],
        entries: list[TokenEntry],
        reason: str | None,
        choice: ChoiceOutput | None = None,
    ) -> str:
        if "reasoning_content" in delta:
            delta = {**delta, "reasoning": delta["reasoning_content"]}
        logprobs = self._logprobs(entries) if entries else None
        item: dict[str, Any] = {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": reason}
        if self._request.return_token_ids and choice is not None:
            item["token_ids"] = self.new_ids(choice)
        return self.event_start + json_text.dump(item) + self.event_end

    def _logprobs(self, entries: list[TokenEntry]) -> dict[str, Any] | None:
        if self._request.logprobs is None:
            return None
        return {"content": chat_logprobs(entries, self._text, self._request.logprobs), "refusal": None}

    def _usage(self) -> dict[str, Any]:
        run = self._run
        return usage(
            len(run.prompt_ids),
            sum(choice.count for choice in run.choices),
            run.cached_tokens,
            self._reasoning_tokens,
        )
