# ===- chat.py - prompts from messages --------------------------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Chat templates, in which control tokens come from the template and never from a message."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
from jinja2 import nodes

from .environment import ChatEnvironment, Refused
from .errors import TemplateError, TextError
from .files import read_object, read_optional_object, read_text
from .marked import mark, segments_of
from .tokenizer import Segment, Tokenizer

#: The template that MiniMax-M1 was published with, which fails on ordinary requests.
PUBLISHED_M1_SHA256 = "11fc33a57630c6e71a2231641db07c724208f4cc7611659c419c027c3fb3cf18"
M1_TEMPLATE = Path(__file__).with_name("m1_chat_template.jinja")
_M1_CONTROL = ("<begin_of_document>", "<beginning_of_sentence>", "<end_of_sentence>")

#: Roles that a template may turn into control tokens. Any other role is text from the request.
ROLES = frozenset(("system", "developer", "user", "assistant", "tool", "function"))


def published_m1(source: str) -> bool:
    """Whether this is the template that MiniMax-M1 was published with."""
    return hashlib.sha256(source.strip().encode("utf-8")).hexdigest() == PUBLISHED_M1_SHA256


class ChatTemplate:
    """A compiled template. Safe to use from several threads.

    `name` says in messages which template it is. `render` and `encode` raise TemplateError for messages that
    the template refuses or fails on.
    """

    def __init__(
        self, source: str | Mapping[str, str] | None, tokenizer: Tokenizer, name: str = "chat template"
    ):
        """`source` is the text of a template, several by name (of which "tool_use" is taken for requests with
        tools, "default" otherwise), or None: MiniMax-M1's, as this package brings it."""
        self._tokenizer = tokenizer
        control = tokenizer.control_ids
        self._environment = ChatEnvironment(lambda text: any(token in text for token in control))
        self.built_in = source is None
        if source is None:
            missing = [token for token in _M1_CONTROL if token not in control]
            if missing:
                raise TextError(
                    f"MiniMax-M1's chat template needs the token {missing[0]!r}, which the tokenizer "
                    "does not have; give a template with --chat-template"
                )
            source, name = read_text(M1_TEMPLATE), "MiniMax-M1's chat template"
        self.name = name
        sources = {"default": source} if isinstance(source, str) else dict(source)
        if "default" not in sources:
            raise TextError(f"{name}: has no template named 'default'")
        self._compiled = {each: self._compile(text) for each, text in sources.items()}

    def _compile(self, source: str) -> tuple[jinja2.Template, str]:
        try:
            parsed = self._environment.parse(source)
            if parsed.find(nodes.ScopedEvalContextModifier) is not None:
                raise TemplateError(f"{self.name}: autoescape is not supported")
            return self._environment.from_string(source), _content_format(parsed)
        except jinja2.TemplateSyntaxError as error:
            raise TemplateError(f"{self.name}: line {error.lineno}: {error.message}") from None

    @classmethod
    def from_directory(
        cls, directory: str | Path, tokenizer: Tokenizer, override: str | Path | None = None
    ) -> ChatTemplate | None:
        """The template of a checkpoint, or the one in the file `override`; None if there is none.

        The checkpoint's own is in chat_template.jinja, chat_template.json or tokenizer_config.json, in this
        order. If that is the one that MiniMax-M1 was published with, or there is none and the model is a
        MiniMax-M1, it is the package's own.
        """
        if override is not None:
            return cls(read_text(Path(override)), tokenizer, str(override))
        directory = Path(directory)
        path = directory / "chat_template.jinja"
        source: Any = None
        if path.exists():
            source = read_text(path)
        else:
            for file in ("chat_template.json", "tokenizer_config.json"):
                path = directory / file
                source = read_optional_object(path).get("chat_template")
                if source is not None:
                    break
        if isinstance(source, list):
            try:
                source = {each["name"]: each["template"] for each in source}
            except (TypeError, KeyError):
                raise TextError(
                    f"{path}: chat_template: expected objects with a name and a template"
                ) from None
        if (
            source is not None
            and not isinstance(source, str)
            and not (isinstance(source, dict) and all(isinstance(each, str) for each in source.values()))
        ):
            raise TextError(f"{path}: chat_template: expected a string, found {type(source).__name__}")
        if source is None:
            config = directory / "config.json"
            architectures = read_object(config).get("architectures") if config.exists() else None
            if (
                not isinstance(architectures, list)
                or "MiniMaxM1ForCausalLM" not in architectures
                or any(token not in tokenizer.control_ids for token in _M1_CONTROL)
            ):
                return None
        elif isinstance(source, str) and published_m1(source):
            source = None
        return cls(source, tokenizer, str(path))

    def render(
        self,
        messages: Sequence[Mapping[str, Any]],
        tools: Sequence[Any] | None = None,
        add_generation_prompt: bool = True,
        **kwargs: Any,
    ) -> list[Segment]:
        """The prompt, in pieces that come from the template (trusted) or from the request.

        Everything in messages, tools and `kwargs` (further variables of the template) comes from the request.
        """
        template, form = self._compiled["tool_use" if tools and "tool_use" in self._compiled else "default"]
        try:
            variables: dict[str, Any] = {key: mark(value) for key, value in kwargs.items()}
            variables.update(self._tokenizer.special_tokens)
            variables.update(
                messages=[_message(message, i, form) for i, message in enumerate(messages)],
                tools=mark(tools) if tools else None,
                add_generation_prompt=add_generation_prompt,
            )
            return list(segments_of(template.render(variables)))
        except TextError:
            raise
        except Refused as error:
            raise TemplateError(f"the chat template refuses this: {error.message}") from None
        except (
            jinja2.TemplateError,
            ArithmeticError,
            AttributeError,
            LookupError,
            TypeError,
            ValueError,
            RecursionError,
        ) as error:
            raise TemplateError(f"{self.name}: cannot render these messages: {error}") from None

    def render_text(
        self,
        messages: Sequence[Mapping[str, Any]],
        tools: Sequence[Any] | None = None,
        add_generation_prompt: bool = True,
        **kwargs: Any,
    ) -> str:
        """The prompt as one string."""
        return "".join(
            segment.text for segment in self.render(messages, tools, add_generation_prompt, **kwargs)
        )

    def encode(
        self,
        messages: Sequence[Mapping[str, Any]],
        tools: Sequence[Any] | None = None,
        add_generation_prompt: bool = True,
        **kwargs: Any,
    ) -> list[int]:
        """The ids of the prompt; control tokens in what comes from the request are text."""
        return self._tokenizer.encode_segments(self.render(messages, tools, add_generation_prompt, **kwargs))


def _message(message: Any, index: int, form: str) -> dict[str, Any]:
    """A message as templates expect it, marked as from the request."""
    if not isinstance(message, Mapping) or not isinstance(message.get("role"), str):
        raise TextError(f"message {index}: expected an object with a role")
    result: dict[str, Any] = mark(_with_content(dict(message), index, form))
    if message["role"] in ROLES:
        result["role"] = message["role"]
    for call in result.get("tool_calls") or []:
        # OpenAI's clients send arguments as a string of JSON, templates expect the object.
        function = call.get("function", call) if isinstance(call, dict) else None
        if isinstance(function, dict) and isinstance(function.get("arguments"), str):
            try:
                arguments = json.loads(function["arguments"] or "{}")
            except (ValueError, RecursionError):
                continue
            if isinstance(arguments, dict):
                function["arguments"] = mark(arguments)
    return result


def _with_content(message: dict[str, Any], index: int, form: str) -> dict[str, Any]:
    """The message with its content in the form that a template can read: "string", "parts" or "both"."""
    content = message.get("content")
    if form == "parts" and isinstance(content, str):
        message["content"] = [{"type": "text", "text": content}]
    elif form == "string" and isinstance(content, (list, tuple)):
        texts: list[str] = []
        for part in content:
            text = part.get("text") if isinstance(part, Mapping) else None
            if not isinstance(text, str):
                raise TextError(f"message {index}: the chat template takes text only")
            texts.append(text)
        message["content"] = "\n".join(texts)
    return message


def _content_format(template: nodes.Template) -> str:
    """Which form of contents a template reads, from what it does with them."""
    reads = any(_is_content(loop.iter) for loop in template.find_all(nodes.For)) or any(
        _is_content(item.node) and isinstance(item.arg, nodes.Const) and isinstance(item.arg.value, int)
        for item in template.find_all(nodes.Getitem)
    )
    tests = any(
        _is_content(test.node) and test.name in ("string", "mapping", "iterable", "sequence")
        for test in template.find_all(nodes.Test)
    )
    return ("both" if tests else "parts") if reads else "string"


def _is_content(node: nodes.Node) -> bool:
    while isinstance(node, nodes.Filter) and node.node is not None:
        node = node.node
    if isinstance(node, nodes.Name):
        return node.name == "content"
    if isinstance(node, nodes.Getattr):
        return node.attr == "content"
    return (
        isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const) and node.arg.value == "content"
    )
