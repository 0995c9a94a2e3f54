# ===- __init__.py - text for models: tokens, templates, parsers ------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Between text and token ids. Needs `tokenizers` and `jinja2`; knows nothing of plans and engines.

docs/text.md describes it.
"""

from .budget import ThinkingBudget, thinking_budget, thinking_is_open
from .chat import ChatTemplate
from .detokenizer import Detokenizer
from .errors import TemplateError, TextError
from .events import Content, Event, Reasoning, ToolCallDelta, merge_events
from .output import OutputParser
from .reasoning import ReasoningParser
from .stop import StopStrings
from .tokenizer import Segment, Tokenizer, TokenText
from .toolcalls import ToolCallParser

__all__ = [
    "ChatTemplate",
    "Content",
    "Detokenizer",
    "Event",
    "OutputParser",
    "Reasoning",
    "ReasoningParser",
    "Segment",
    "StopStrings",
    "TemplateError",
    "TextError",
    "ThinkingBudget",
    "TokenText",
    "Tokenizer",
    "ToolCallDelta",
    "ToolCallParser",
    "merge_events",
    "thinking_budget",
    "thinking_is_open",
]
