# ===- completions.py - text completions ----------------------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Answers of /v1/completions, as a whole and as a stream."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Sequence
from typing import Any

from . import json_text
from .output import ChoiceOutput, Offsets, TokenEntry, TokenNames, legacy_logprobs
from .replies import DONE, Reply, usage
from .requests import CompletionRequest
from .runs import Run, merged


class Prompt:
    """A prompt: its token ids, and its text as `echo` shows it."""

    def __init__(self, ids: list[int], text: str):
        self.ids = ids
        self.text = text


class CompletionReply(Reply):
    """The answer to a completions request.

    There is one run for each prompt; none if nothing has to be computed (`max_tokens` of 0 without
    log-probabilities of the prompt). Choice c of prompt p has the index p * n + c.
    """

    def __init__(
        self,
        request: CompletionRequest,
        prompts: list[Prompt],
        runs: list[Run],
        text: TokenNames,
        skipped: frozenset[int],
        **identity: Any,
    ):
        super().__init__("cmpl-", "text_completion", request, runs, **identity)
        self._request = request
        self._prompts = prompts
        self._text = text
        self._skipped = skipped

    async def collect(self) -> dict[str, Any]:
        """The whole response."""
        kept = await asyncio.gather(*[self._keep(run) for run in self.runs])
        choices: list[dict[str, Any]] = []
        for p, prompt in enumerate(self._prompts):
            if self._request.max_tokens == 0:
                finished: Sequence[tuple[ChoiceOutput | None, str, list[TokenEntry]]] = [
                    (None, "", [])
                ] * self._request.n
            else:
                finished = self._best(kept[p])
            for c, (choice, text, entries) in enumerate(finished):
                head, head_entries = self._head(p)
                item: dict[str, Any] = {
                    "index": p * self._request.n + c,
                    "text": head + text,
                    "logprobs": self._logprobs(head_entries + _behind(head, entries)),
                    "finish_reason": choice.finish_reason if choice else "length",
                    "stop_reason": choice.stop_reason if choice else None,
                }
                if self._request.return_token_ids:
                    item["token_ids"] = choice.token_ids if choice else []
                    item["prompt_token_ids"] = prompt.ids
                choices.append(item)
        return {**self.head, "choices": choices, "usage": self._usage()}

    async def _keep(self, run: Run) -> list[tuple[ChoiceOutput, str, list[TokenEntry]]]:
        """Each choice's whole text and entries."""
        texts: list[list[str]] = [[] for _ in run.choices]
        entries: list[list[TokenEntry]] = [[] for _ in run.choices]
        position = {choice.index: i for i, choice in enumerate(run.choices)}
        async with contextlib.aclosing(run.updates()) as updates:
            async for choice, text, new in updates:
                texts[position[choice.index]].append(text)
                entries[position[choice.index]] += new
        return [(choice, "".join(texts[i]), entries[i]) for i, choice in enumerate(run.choices)]

    def _best(
        self, kept: list[tuple[ChoiceOutput, str, list[TokenEntry]]]
    ) -> list[tuple[ChoiceOutput, str, list[TokenEntry]]]:
        if self._request.best_of == self._request.n:
            return kept
        return sorted(kept, key=lambda item: -item[0].logprob_sum / max(item[0].count, 1))[: self._request.n]

    def _head(self, p: int) -> tuple[str, list[TokenEntry]]:
        """What precedes the responses to prompt `p`: with echo, its text and entries."""
        if not self._request.echo:
            return "", []
        prompt = self._prompts[p]
        if self._request.logprobs is None:
            return prompt.text, []
        offsets = Offsets(self._text, self._skipped)
        rows = self.runs[p].prompt_logprobs or [None] * len(prompt.ids)
        return prompt.text, [
            TokenEntry(token, row[0] if row else None, row[1] if row else [], offsets.next(token))
            for token, row in zip(prompt.ids, rows)
        ]

    def _logprobs(self, entries: list[TokenEntry]) -> dict[str, Any] | None:
        if self._request.logprobs is None:
            return None
        return legacy_logprobs(entries, self._text, self._request.logprobs)

    async def events(self) -> AsyncGenerator[str, None]:
        """The response as server-sent events."""
        request, start, end = self._request, self.event_start, self.event_end
        plain = request.logprobs is None and not request.return_token_ids
        heads = set(range(len(self._prompts) * request.n)) if request.echo else set()
        if request.max_tokens == 0:
            for run in self.runs:
                await self._keep(run)
            for index in range(len(self._prompts) * request.n):
                head, entries = self._head(index // request.n)
                yield self._event(index, head, entries, None, "length")
        else:
            async with contextlib.aclosing(merged(self.runs)) as updates:
                async for choice, text, entries in updates:
                    index = choice.index
                    p = index // request.n
                    if request.echo:
                        entries = _behind(self._prompts[p].text, entries)
                    if index in heads:
                        heads.discard(index)
                        head, head_entries = self._head(p)
                        text, entries = head + text, head_entries + entries
                    reason = choice.finish_reason
                    if plain:
                        if text or reason:
                            ending = f'"{reason}"' if reason else "null"
                            yield (
                                f'{start}{{"index":{index},"text":{json_text.quote(text)},"logprobs":null,'
                                f'"finish_reason":{ending}}}{end}'
                            )
                    elif text or reason or entries or request.return_token_ids:
                        yield self._event(index, text, entries, choice, reason)
        if request.include_usage:
            yield self.usage_event(self._usage())
        yield DONE

    def _event(
        self,
        index: int,
        text: str,
        entries: list[TokenEntry],
        choice: ChoiceOutput | None,
        reason: str | None,
    ) -> str:
        item: dict[str, Any] = {
            "index": index,
            "text": text,
            "logprobs": self._logprobs(entries),
            "finish_reason": reason,
        }
        if self._request.return_token_ids:
            item["token_ids"] = self.new_ids(choice) if choice else []
        return self.event_start + json_text.dump(item) + self.event_end

    def _usage(self) -> dict[str, Any]:
        generated = (
            sum(choice.count for run in self.runs for choice in run.choices)
            if self._request.max_tokens
            else 0
        )
        return usage(
            sum(len(prompt.ids) for prompt in self._prompts),
            generated,
            sum(run.cached_tokens for run in self.runs),
        )


def _behind(head: str, entries: list[TokenEntry]) -> list[TokenEntry]:
    """The entries of a text that follows `head`."""
    return [entry._replace(offset=entry.offset + len(head)) for entry in entries] if head else entries
