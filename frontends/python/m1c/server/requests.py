# ===- requests.py - from JSON values to checked requests -----------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Checks the bodies of requests. Nothing here touches tokens, text or the engine.

Every error is an ApiError that names the field. What the fields mean: the tables in fields.py.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from . import fields
from .errors import invalid
from .fields import Reader, check_integer, check_number, check_token_ids, unknown, wrong_type
from .forms import Form, ToolChoice, read_form, read_tool_choice

MAX_CHOICES = 128  # OpenAI's bound of n.
MAX_TOP_LOGPROBS = 20  # OpenAI's bound.
MAX_STOP_STRINGS = 16384  # They are looked for all at once; this bounds the memory of a request.
MAX_STOP_LENGTH = 4096  # As much text may be held back before it is streamed.
MAX_STOP_TOKENS = 1024
MAX_PROMPTS = 2048  # Prompts of one completions request, as in OpenAI's API.
MAX_LOGIT_BIASES = 1024
MAX_TOOLS = 128  # OpenAI's bound.
MAX_TOKENS = 2**31 - 1
INT64 = 2**63


@dataclass
class Common:
    """What chat and completions requests have in common.

    `sampling` holds keyword arguments of SamplingParams, for the fields that the request has; max_tokens and
    n are not among them. `max_tokens` of None means that the request does not limit them.
    """

    model: str | None
    sampling: dict[str, Any]
    n: int
    max_tokens: int | None
    stop: list[str]
    logprobs: int | None
    stream: bool
    include_usage: bool
    return_token_ids: bool
    tokens_as_ids: bool
    skip_special: bool
    form: Form | None
    ignored: list[str]


@dataclass
class ChatRequest(Common):
    """A checked body of /v1/chat/completions. `tools` is None if there are none or tool_choice is none; of
    `forced` the model must call one."""

    messages: list[dict[str, Any]] = field(default_factory=list)
    tools: list[dict[str, Any]] | None = None
    forced: list[dict[str, Any]] | None = None
    parallel_tool_calls: bool = True
    add_generation_prompt: bool = True
    template_kwargs: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass
class CompletionRequest(Common):
    """A checked body of /v1/completions. A prompt is text or a list of token ids."""

    prompts: list[str | list[int]] = field(default_factory=list)
    echo: bool = False
    best_of: int = 1
    allow_special: bool = False


def parse_chat(body: object, vocab_size: int) -> ChatRequest:
    """Checks the body of a chat request."""
    reader = Reader(body, fields.CHAT)
    messages = check_messages(reader.array("messages"))
    tools, choice = _tools(reader)
    parallel = reader.boolean("parallel_tool_calls", True) and not choice.one
    wanted = reader.boolean("logprobs")
    top = reader.integer("top_logprobs", 0, MAX_TOP_LOGPROBS)
    if top is not None and not wanted:
        raise invalid("'top_logprobs' needs 'logprobs' to be true.", param="top_logprobs")
    newer = reader.integer("max_completion_tokens", 1, MAX_TOKENS)
    older = reader.integer("max_tokens", 1, MAX_TOKENS)
    common = _common(
        reader, vocab_size, newer if newer is not None else older, (top or 0) if wanted else None
    )
    budget = reader.integer("thinking_budget", 0, MAX_TOKENS)
    if budget is not None:
        common["sampling"]["thinking_budget"] = budget
    return ChatRequest(
        **common,
        messages=messages,
        tools=tools,
        forced=choice.forced,
        parallel_tool_calls=parallel,
        add_generation_prompt=reader.boolean("add_generation_prompt", True),
        template_kwargs=_template_kwargs(reader),
    )


def parse_completion(body: object, vocab_size: int) -> CompletionRequest:
    """Checks the body of a completions request."""
    reader = Reader(body, fields.COMPLETIONS)
    prompts = _prompts(reader.get("prompt"), vocab_size)
    max_tokens = reader.integer("max_tokens", 0, MAX_TOKENS)
    logprobs = reader.integer("logprobs", 0, MAX_TOP_LOGPROBS)
    common = _common(reader, vocab_size, 16 if max_tokens is None else max_tokens, logprobs)
    n = common["n"]
    best_of = reader.integer("best_of", 1, MAX_CHOICES)
    if best_of is not None and best_of < n:
        raise invalid(f"'best_of' must be at least 'n', which is {n}.", param="best_of")
    if best_of is not None and best_of > n and common["stream"]:
        raise invalid("'best_of' above 'n' cannot be streamed.", param="best_of")
    return CompletionRequest(
        **common,
        prompts=prompts,
        echo=reader.boolean("echo"),
        best_of=best_of or n,
        allow_special=reader.boolean("allow_special"),
    )


@dataclass
class TokenizeRequest:
    """A checked body of /tokenize: text, or a chat."""

    model: str | None
    prompt: str | None
    allow_special: bool
    return_token_strs: bool
    messages: list[dict[str, Any]] | None
    tools: list[dict[str, Any]] | None
    add_generation_prompt: bool
    template_kwargs: dict[str, Any]


def parse_tokenize(body: object) -> TokenizeRequest:
    """Checks the body of a tokenize request."""
    reader = Reader(body, fields.TOKENIZE)
    prompt, messages = reader.get("prompt"), reader.array("messages")
    if (prompt is None) == (messages is None):
        raise invalid("Give either 'prompt' or 'messages'.", param="prompt")
    if prompt is not None and not isinstance(prompt, str):
        raise wrong_type("prompt", "a string", prompt)
    tools = reader.array("tools")
    return TokenizeRequest(
        _model(reader),
        prompt,
        reader.boolean("allow_special"),
        reader.boolean("return_token_strs"),
        check_messages(messages) if messages is not None else None,
        check_tools(tools) if tools else None,
        reader.boolean("add_generation_prompt", True),
        _template_kwargs(reader),
    )


def parse_detokenize(body: object, vocab_size: int) -> tuple[str | None, list[int], bool]:
    """Checks the body of a detokenize request: model, token ids, and whether control tokens are left out."""
    reader = Reader(body, fields.DETOKENIZE)
    tokens = reader.token_ids("tokens", vocab_size)
    if tokens is None:
        raise invalid("'tokens' is missing.", param="tokens", code="missing_required_parameter")
    return _model(reader), tokens, reader.boolean("skip_special_tokens")


def _model(reader: Reader) -> str | None:
    model = reader.get("model")
    if model is not None and not isinstance(model, str):
        raise wrong_type("model", "a string", model)
    return model


def _common(reader: Reader, vocab_size: int, max_tokens: int | None, logprobs: int | None) -> dict[str, Any]:
    n = reader.integer("n", 1, MAX_CHOICES)
    stream = reader.boolean("stream")
    include_usage = _stream_options(reader, stream)
    return {
        "model": _model(reader),
        "sampling": _sampling(reader, vocab_size, max_tokens),
        "n": 1 if n is None else n,
        "max_tokens": max_tokens,
        "stop": _stop(reader.get("stop")),
        "logprobs": logprobs,
        "stream": stream,
        "include_usage": include_usage,
        "return_token_ids": reader.boolean("return_token_ids"),
        "tokens_as_ids": reader.boolean("return_tokens_as_token_ids"),
        "skip_special": reader.boolean("skip_special_tokens", True),
        "form": read_form(reader),
        "ignored": reader.ignored,
    }


def _sampling(reader: Reader, vocab_size: int, max_tokens: int | None) -> dict[str, Any]:
    result: dict[str, Any] = {
        "temperature": reader.number("temperature", 0),
        "top_p": reader.number("top_p", 0, 1),
        "top_k": reader.integer("top_k", -1, 2**31 - 1),
        "min_p": reader.number("min_p", 0, 1),
        "repetition_penalty": reader.number("repetition_penalty", 0),
        "presence_penalty": reader.number("presence_penalty", -2, 2),
        "frequency_penalty": reader.number("frequency_penalty", -2, 2),
        "seed": reader.integer("seed", -INT64, 2 * INT64 - 1),
        "min_tokens": reader.integer("min_tokens", 0, MAX_TOKENS),
        "priority": reader.integer("priority", -(2**31), 2**31 - 1),
        "logprobs_mode": reader.choice("logprobs_mode", ("raw", "processed")),
        "ignore_eos": reader.boolean("ignore_eos") or None,
        "logit_bias": _logit_bias(reader.object("logit_bias"), vocab_size),
        "stop_token_ids": reader.token_ids("stop_token_ids", vocab_size),
        "allowed_token_ids": reader.token_ids("allowed_token_ids", vocab_size),
    }
    result = {name: value for name, value in result.items() if value is not None}
    if result.get("repetition_penalty") == 0:
        raise invalid("Invalid 'repetition_penalty': expected a number above 0.", param="repetition_penalty")
    if result.get("top_k") == -1:
        result["top_k"] = 0
    if result.get("top_p") == 0:
        # The smallest set of tokens that is not empty.
        del result["top_p"]
        result["top_k"] = 1
    if "seed" in result:
        result["seed"] %= 2 * INT64
    if len(result.get("stop_token_ids", ())) > MAX_STOP_TOKENS:
        raise invalid(f"'stop_token_ids' has more than {MAX_STOP_TOKENS} tokens.", param="stop_token_ids")
    if result.get("allowed_token_ids") == []:
        raise invalid("'allowed_token_ids' is empty: no token could be drawn.", param="allowed_token_ids")
    if max_tokens is not None and result.get("min_tokens", 0) > max_tokens:
        raise invalid(f"'min_tokens' is above the limit of tokens, {max_tokens}.", param="min_tokens")
    return result


def _logit_bias(value: dict[str, Any] | None, vocab_size: int) -> dict[int, float] | None:
    if not value:
        return None
    if len(value) > MAX_LOGIT_BIASES:
        raise invalid(f"'logit_bias' has more than {MAX_LOGIT_BIASES} tokens.", param="logit_bias")
    result = {}
    for key, bias in value.items():
        if not re.fullmatch("[0-9]{1,10}", key, re.ASCII) or int(key) >= vocab_size:
            raise invalid(
                f"Invalid 'logit_bias': {key[:64]!r} is not a token id below {vocab_size}.",
                param="logit_bias",
                code="invalid_token",
            )
        result[int(key)] = check_number(bias, f"logit_bias.{int(key)}", -100, 100)
    return result


def _stop(value: object) -> list[str]:
    if value is None:
        return []
    strings = [value] if isinstance(value, str) else value
    if not isinstance(strings, list):
        raise wrong_type("stop", "a string or an array of strings", value)
    if len(strings) > MAX_STOP_STRINGS:
        raise invalid(
            f"'stop' has {len(strings)} strings, but at most {MAX_STOP_STRINGS} are possible.",
            param="stop",
            code="array_above_max_length",
        )
    for text in strings:
        if not isinstance(text, str):
            raise wrong_type("stop", "strings", text)
        if not 0 < len(text) <= MAX_STOP_LENGTH:
            raise invalid(
                f"A string in 'stop' has {len(text)} characters, but expected 1 to {MAX_STOP_LENGTH}.",
                param="stop",
            )
    return strings


def _stream_options(reader: Reader, stream: bool) -> bool:
    options = reader.object("stream_options")
    if options is None:
        return False
    if not stream:
        raise invalid("'stream_options' is only allowed with 'stream'.", param="stream_options")
    for name, value in options.items():
        if name not in ("include_usage", "include_obfuscation", "continuous_usage_stats"):
            raise unknown(f"stream_options.{name[:64]}", "stream_options")
        if value is not None and not isinstance(value, bool):
            raise wrong_type(f"stream_options.{name}", "a boolean", value)
        if name != "include_usage" and value:
            reader.ignored.append(f"stream_options.{name}")
    return bool(options.get("include_usage"))


def _prompts(value: object, vocab_size: int) -> list[str | list[int]]:
    if value is None:
        raise invalid("'prompt' is missing.", param="prompt", code="missing_required_parameter")
    if isinstance(value, str):
        return [value]
    if not isinstance(value, list):
        raise wrong_type("prompt", "a string or an array", value)
    if not value:
        raise invalid("'prompt' is empty.", param="prompt", code="empty_prompt")
    if type(value[0]) is int:
        return [check_token_ids(value, "prompt", vocab_size)]
    if len(value) > MAX_PROMPTS:
        raise invalid(
            f"'prompt' has {len(value)} prompts, but at most {MAX_PROMPTS} are possible.",
            param="prompt",
            code="array_above_max_length",
        )
    return [
        item if isinstance(item, str) else check_token_ids(item, f"prompt[{i}]", vocab_size)
        for i, item in enumerate(value)
    ]


_ROLES = ("system", "developer", "user", "assistant", "tool")


def check_messages(messages: list[Any] | None) -> list[dict[str, Any]]:
    """Checks the messages of a chat. Returns copies with the fields that templates may read.

    Content is a string, a list of text parts ({"type": "text", "text": ...}), or None in an assistant's
    message that calls tools. The role developer becomes system.
    """
    if messages is None:
        raise invalid("'messages' is missing.", param="messages", code="missing_required_parameter")
    if not messages:
        raise invalid("'messages' is empty.", param="messages", code="empty_array")
    return [_message(message, f"messages[{i}]") for i, message in enumerate(messages)]


def _message(message: object, where: str) -> dict[str, Any]:
    if not isinstance(message, dict):
        raise wrong_type(where, "an object", message)
    role = message.get("role")
    if not isinstance(role, str) or role not in _ROLES:
        raise invalid(
            f"Invalid '{where}.role': expected one of {', '.join(map(repr, _ROLES))}.", param=f"{where}.role"
        )
    result: dict[str, Any] = {"role": "system" if role == "developer" else role}
    for name, value in message.items():
        if value is None or name in ("role", "content"):
            continue
        if name not in (
            "name",
            "tool_calls",
            "tool_call_id",
            "reasoning_content",
            "reasoning",
            "refusal",
            "annotations",
            "audio",
            "function_call",
        ):
            raise invalid(
                f"Unrecognized field in a message: {name[:64]!r}.", param=where, code="unknown_parameter"
            )
        if name in ("audio", "function_call"):
            raise invalid(f"'{where}.{name}' is not supported.", param=where, code="unsupported_parameter")
        if name in ("name", "tool_call_id", "reasoning_content", "reasoning", "refusal"):
            if not isinstance(value, str):
                raise wrong_type(f"{where}.{name}", "a string", value)
        if name in ("name", "tool_call_id"):
            result[name] = value
        elif name in ("reasoning_content", "reasoning"):
            result["reasoning_content"] = value
        elif name == "tool_calls":
            if role != "assistant":
                raise invalid(f"'{where}.tool_calls' belongs to messages of the assistant.", param=where)
            result["tool_calls"] = _tool_calls(value, f"{where}.tool_calls")
    content = message.get("content")
    if content is None:
        refusal = message.get("refusal")
        if not (role == "assistant" and (result.get("tool_calls") or refusal)):
            raise invalid(f"'{where}.content' is missing.", param=f"{where}.content")
        result["content"] = refusal
    else:
        result["content"] = _content(content, f"{where}.content", role)
    if role == "tool" and "tool_call_id" not in result:
        raise invalid(f"'{where}.tool_call_id' is missing.", param=f"{where}.tool_call_id")
    return result


def _content(content: object, where: str, role: str) -> str | list[dict[str, Any]]:
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise wrong_type(where, "a string or an array of parts", content)
    if not content:
        raise invalid(f"'{where}' has no parts.", param=where, code="empty_array")
    parts = []
    for i, part in enumerate(content):
        if not isinstance(part, dict):
            raise wrong_type(f"{where}[{i}]", "an object", part)
        kind = part.get("type")
        name = "refusal" if kind == "refusal" and role == "assistant" else "text"
        if kind not in ("text", name):
            raise invalid(
                f"'{where}[{i}]' is of type {str(kind)[:64]!r}, but the model reads text only.",
                param=f"{where}[{i}]",
                code="unsupported_content",
            )
        if not isinstance(part.get(name), str):
            raise wrong_type(f"{where}[{i}].{name}", "a string", part.get(name))
        parts.append({"type": "text", "text": part[name]})
    return parts


def _tool_calls(value: object, where: str) -> list[dict[str, Any]]:
    if not isinstance(value, list):
        raise wrong_type(where, "an array", value)
    calls = []
    for i, call in enumerate(value):
        function = call.get("function") if isinstance(call, dict) else None
        if not isinstance(function, dict) or call.get("type", "function") != "function":
            raise invalid(f"'{where}[{i}]' is not a call of a function.", param=where)
        if not isinstance(function.get("name"), str) or not isinstance(function.get("arguments"), str):
            raise invalid(f"'{where}[{i}].function' needs 'name' and 'arguments', both strings.", param=where)
        if not isinstance(call.get("id", ""), str):
            raise wrong_type(f"{where}[{i}].id", "a string", call["id"])
        calls.append(
            {
                "id": call.get("id", ""),
                "type": "function",
                "function": {"name": function["name"], "arguments": function["arguments"]},
            }
        )
    return calls


def check_tools(tools: list[Any]) -> list[dict[str, Any]]:
    """Checks the definitions of tools."""
    if len(tools) > MAX_TOOLS:
        raise invalid(
            f"'tools' has {len(tools)} tools, but at most {MAX_TOOLS} are possible.",
            param="tools",
            code="array_above_max_length",
        )
    for i, tool in enumerate(tools):
        if not isinstance(tool, dict):
            raise wrong_type(f"tools[{i}]", "an object", tool)
        if tool.get("type") != "function":
            raise invalid(
                f"'tools[{i}]' is of type {str(tool.get('type'))[:64]!r}, but only functions are supported.",
                param=f"tools[{i}].type",
                code="unsupported_value",
            )
        function = tool.get("function")
        if (
            not isinstance(function, dict)
            or not isinstance(function.get("name"), str)
            or not function["name"]
        ):
            raise invalid(f"'tools[{i}].function' needs a 'name'.", param=f"tools[{i}].function")
        for name, kind, expected in (
            ("parameters", dict, "an object"),
            ("description", str, "a string"),
            ("strict", bool, "a boolean"),
        ):
            value = function.get(name)
            if value is not None and not isinstance(value, kind):
                raise wrong_type(f"tools[{i}].function.{name}", expected, value)
    return tools


def _tools(reader: Reader) -> tuple[list[dict[str, Any]] | None, ToolChoice]:
    tools = reader.array("tools")
    if tools:
        check_tools(tools)
    choice = read_tool_choice(reader.get("tool_choice"), tools)
    return (tools if choice.offered else None), choice


def _template_kwargs(reader: Reader) -> dict[str, Any]:
    kwargs = reader.object("chat_template_kwargs") or {}
    reserved = {"messages", "tools", "add_generation_prompt", "self"} & set(kwargs)
    if reserved:
        raise invalid(f"'chat_template_kwargs' cannot set '{min(reserved)}'.", param="chat_template_kwargs")
    return kwargs


__all__ = [
    "ChatRequest",
    "CompletionRequest",
    "TokenizeRequest",
    "check_integer",
    "check_messages",
    "check_tools",
    "parse_chat",
    "parse_completion",
    "parse_detokenize",
    "parse_tokenize",
]
