# ===- streaming.py - a response's text as it comes -----------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""A response's text as it comes, for commands that print it."""

from __future__ import annotations

from collections.abc import AsyncIterator

from ..async_llm import AsyncLLM
from ..errors import Error
from ..sampling import SamplingParams
from ..text import Detokenizer

__all__ = ["stream_text"]


async def stream_text(llm: AsyncLLM, prompt: list[int], params: SamplingParams) -> AsyncIterator[str]:
    """The text of the one response, in pieces; without a tokenizer, token ids with spaces between them."""
    if params.stop and llm.tokenizer is None:
        raise Error("--stop: the model has no tokenizer, so stop texts cannot be found")
    text = (
        Detokenizer(llm.tokenizer, params.stop or (), params.skip_special_tokens)
        if llm.tokenizer is not None
        else None
    )
    async with llm.submit(prompt, params) as stream:
        async for delta in stream:
            if delta.error is not None:
                raise Error(delta.error)
            if text is None:
                yield "".join(f"{token} " for token in delta.token_ids)
                continue
            spoken = delta.token_ids[:-1] if delta.stop_reason is not None else delta.token_ids
            piece = text.push(spoken)
            if delta.finish_reason is not None:
                piece += text.finish()
            if piece:
                yield piece
            if text.stopped is not None:
                return
