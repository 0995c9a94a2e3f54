# ===- fields.py - what becomes of every field of a request ---------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""The tables of request fields, and the reader that follows them.

A field is honoured, ignored (with a warning in the log and in the header `x-m1-ignored`) or refused with
status 400. A field that is in no table is refused. docs/openai.md has these tables: `python -m
m1c.server.fields` prints them.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Any

from .errors import ApiError, invalid

HONOURED, IGNORED, REFUSED = "honoured", "ignored", "refused"


@dataclass(frozen=True)
class Field:
    """One field of a request.

    `note` says what it does or why it is not honoured. A refused field may still have one of the values in
    `harmless`, which ask for nothing. `extension` marks fields that OpenAI's API does not have.
    """

    name: str
    status: str
    note: str
    harmless: tuple[Any, ...] = ()
    extension: bool = False


def _extension(name: str, note: str) -> Field:
    return Field(name, HONOURED, note, extension=True)


_SAMPLING = (
    Field("frequency_penalty", HONOURED, "-2 to 2"),
    Field("logit_bias", HONOURED, "token id to a number from -100 to 100, added to the logit"),
    Field("n", HONOURED, "1 to 128; with a seed s, choice i equals a request of its own with seed s + i"),
    Field("presence_penalty", HONOURED, "-2 to 2"),
    Field("seed", HONOURED, "64 bits; the response does not depend on what else is served"),
    Field(
        "stop",
        HONOURED,
        "a string, or up to 16,384 strings of up to 4,096 characters; nothing of them is returned",
    ),
    Field("stream", HONOURED, "server-sent events"),
    Field(
        "stream_options",
        HONOURED,
        "`include_usage`; `include_obfuscation` and `continuous_usage_stats` are ignored",
    ),
    Field("temperature", HONOURED, "0 (the most likely token) or more"),
    Field("top_p", HONOURED, "0 to 1"),
    Field("user", IGNORED, "nothing is kept about users"),
    _extension("allowed_token_ids", "only these tokens are drawn"),
    _extension("ignore_eos", "go on after the model's end token"),
    _extension(
        "logprobs_mode",
        '`"raw"` (default): the model\'s own, which do not change with the sampling rules; '
        '`"processed"`: after penalties, biases and temperature',
    ),
    _extension("min_p", "0 to 1: no token below this share of the most likely one's probability"),
    _extension("min_tokens", "the response does not end before so many tokens"),
    _extension("priority", "lower numbers are served first (default 0)"),
    _extension("repetition_penalty", "above 0; 1 is off"),
    _extension("return_token_ids", "adds `token_ids` to each choice, and `prompt_token_ids` to the response"),
    _extension("return_tokens_as_token_ids", "in log-probabilities, tokens are written `token_id:N`"),
    _extension("skip_special_tokens", "default true: control tokens do not appear in the text"),
    _extension("stop_token_ids", "further tokens that end the response"),
    _extension(
        "structured_outputs",
        "one of `json` (a schema), `regex`, `choice`, `grammar` (Lark or GBNF) and "
        "`json_object`; with `disable_any_whitespace` or `whitespace_pattern` for JSON",
    ),
    *(
        _extension(f"guided_{name}", f"the older name of `structured_outputs.{name}`")
        for name in ("json", "regex", "choice", "grammar")
    ),
    _extension("top_k", "only the k most likely tokens are drawn; 0 or -1 is off"),
)

_CHAT = (
    Field(
        "messages",
        HONOURED,
        "roles system, developer, user, assistant, tool; content as string or text parts",
    ),
    Field("model", HONOURED, "one of the served names; the first of them if it is missing"),
    Field("audio", REFUSED, "the model writes text only"),
    Field("function_call", REFUSED, "deprecated by OpenAI: use `tool_choice`", harmless=("none", "auto")),
    Field("functions", REFUSED, "deprecated by OpenAI: use `tools`", harmless=([],)),
    Field("logprobs", HONOURED, "log-probabilities of all tokens that the model wrote"),
    Field("max_completion_tokens", HONOURED, "clamped to the context; default: what fits. Thinking counts"),
    Field("max_tokens", HONOURED, "the older name of `max_completion_tokens`, which prevails"),
    Field("metadata", IGNORED, "nothing is stored"),
    Field("modalities", REFUSED, "the model writes text only", harmless=(["text"], [])),
    Field("moderation", REFUSED, "there is no moderation model"),
    Field("parallel_tool_calls", HONOURED, "false: the response ends after its first tool call"),
    Field("prediction", IGNORED, "it would change the time only"),
    Field("prompt_cache_key", IGNORED, "the prefix cache finds equal prefixes by itself"),
    Field("prompt_cache_options", IGNORED, "as `prompt_cache_key`"),
    Field("prompt_cache_retention", IGNORED, "as `prompt_cache_key`"),
    Field(
        "reasoning_effort", IGNORED, "the model has no such setting; `thinking_budget` limits its thinking"
    ),
    Field(
        "response_format",
        HONOURED,
        "`text`, `json_object`, and `json_schema`: the response follows the schema; what "
        "cannot be followed of it is refused with `strict`, and else passed over",
    ),
    Field("safety_identifier", IGNORED, "nothing is kept about users"),
    Field("service_tier", IGNORED, "there is one tier"),
    Field("store", IGNORED, "nothing is stored"),
    Field(
        "tool_choice",
        HONOURED,
        '`"none"`, `"auto"`, `"required"` (at least one call) and a named function (one call '
        "of it); arguments follow the function's parameters",
    ),
    Field(
        "tools",
        HONOURED,
        "functions, with `strict` as in `response_format`; tools of other types are refused",
    ),
    Field("top_logprobs", HONOURED, "0 to 20, with `logprobs`"),
    Field("verbosity", IGNORED, "the model has no such setting"),
    Field("web_search_options", REFUSED, "there is no web search"),
    _extension("add_generation_prompt", "default true: the prompt ends where the assistant's answer begins"),
    _extension("chat_template_kwargs", "variables of the chat template"),
    _extension("thinking_budget", "tokens of thinking, after which it is closed by force"),
)

_COMPLETIONS = (
    Field("model", HONOURED, "one of the served names; the first of them if it is missing"),
    Field(
        "prompt",
        HONOURED,
        "a string, a list of token ids, or a list of either; control tokens in strings are text",
    ),
    Field(
        "best_of",
        HONOURED,
        "n to 128, not with `stream`: the choices with the best mean log-probability of a token",
    ),
    Field(
        "echo",
        HONOURED,
        "the prompt precedes the response, with its log-probabilities if `logprobs` is given",
    ),
    Field("logprobs", HONOURED, "0 to 20"),
    Field("max_tokens", HONOURED, "default 16; 0 generates nothing; clamped to the context"),
    Field("suffix", REFUSED, "the model cannot fill in the middle", harmless=("",)),
    _extension("allow_special", "default false; true: control tokens in strings become control tokens"),
    _extension("response_format", "as in chat completions"),
    Field("add_special_tokens", IGNORED, "the tokenizer adds none by itself", extension=True),
)


def _table(*groups: tuple[Any, ...]) -> dict[str, Field]:
    fields = sorted(
        (field for group in groups for field in group), key=lambda field: (field.extension, field.name)
    )
    table = {field.name: field for field in fields}
    assert len(table) == len(fields)
    return table


CHAT = _table(_CHAT, _SAMPLING)
COMPLETIONS = _table(_COMPLETIONS, _SAMPLING)
TOKENIZE = _table(
    (
        _extension("model", "one of the served names"),
        _extension("prompt", "the text to split"),
        _extension("allow_special", "default false; true: control tokens in the text become control tokens"),
        Field("add_special_tokens", IGNORED, "the tokenizer adds none by itself", extension=True),
        _extension("return_token_strs", "adds the tokens' texts as `token_strs`"),
        _extension("messages", "instead of `prompt`: the chat to render and split"),
        _extension("tools", "with `messages`"),
        _extension("add_generation_prompt", "with `messages`; default true"),
        _extension("chat_template_kwargs", "with `messages`"),
    )
)
DETOKENIZE = _table(
    (
        _extension("model", "one of the served names"),
        _extension("tokens", "token ids"),
        _extension("skip_special_tokens", "default false"),
    )
)

TABLES = {"chat": CHAT, "completions": COMPLETIONS, "tokenize": TOKENIZE, "detokenize": DETOKENIZE}


def _same(value: Any, other: Any) -> bool:
    return type(value) is type(other) and value == other


class Reader:
    """Reads the fields of one request by its table. All errors are status 400 and name the field.

    A field whose value is null counts as missing. `ignored` lists the fields that were ignored.
    """

    def __init__(self, body: object, table: dict[str, Field]):
        if not isinstance(body, dict):
            raise invalid("The body must be a JSON object.")
        self.values: dict[str, Any] = {}
        self.ignored: list[str] = []
        self.read: set[str] = set()
        self._table = table
        for name, value in body.items():
            field = table.get(name)
            if field is None:
                close = difflib.get_close_matches(name[:64], table, n=1)
                hint = f" Did you mean '{close[0]}'?" if close else ""
                raise unknown(name[:64], name[:64], hint)
            if value is None:
                continue
            if field.status == HONOURED:
                self.values[name] = value
            elif field.status == IGNORED:
                self.ignored.append(name)
            elif not any(_same(value, harmless) for harmless in field.harmless):
                raise invalid(
                    f"'{name}' is not supported: {field.note.replace('`', chr(39))}.",
                    param=name,
                    code="unsupported_parameter",
                )

    def get(self, name: str) -> Any:
        """The value as it is in the request, or None."""
        assert self._table[name].status == HONOURED, name
        self.read.add(name)
        return self.values.get(name)

    def has(self, name: str) -> bool:
        """Whether the field is honoured by this endpoint at all."""
        return name in self._table

    def boolean(self, name: str, default: bool = False) -> bool:
        value = self.get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise wrong_type(name, "a boolean", value)
        return value

    def integer(self, name: str, low: int, high: int) -> int | None:
        value = self.get(name)
        return None if value is None else check_integer(value, name, low, high)

    def number(self, name: str, low: float | None = None, high: float | None = None) -> float | None:
        value = self.get(name)
        return None if value is None else check_number(value, name, low, high)

    def token_ids(self, name: str, vocab_size: int) -> list[int] | None:
        value = self.get(name)
        return None if value is None else check_token_ids(value, name, vocab_size)

    def object(self, name: str) -> dict[str, Any] | None:
        value = self.get(name)
        if value is not None and not isinstance(value, dict):
            raise wrong_type(name, "an object", value)
        return value

    def array(self, name: str) -> list[Any] | None:
        value = self.get(name)
        if value is not None and not isinstance(value, list):
            raise wrong_type(name, "an array", value)
        return value

    def choice(self, name: str, choices: tuple[str, ...]) -> str | None:
        value = self.get(name)
        if value is not None and (not isinstance(value, str) or value not in choices):
            raise invalid(f"'{name}' must be one of {', '.join(map(repr, choices))}.", param=name)
        return value


_TYPE_NAMES = {
    bool: "a boolean",
    int: "an integer",
    float: "a number",
    str: "a string",
    list: "an array",
    dict: "an object",
    type(None): "null",
}


def unknown(field: str, param: str, hint: str = "") -> ApiError:
    """The error for a field that nobody knows; `param` is the field of the request that it is in."""
    return invalid(
        f"Unrecognized request argument supplied: {field!r}.{hint}", param=param, code="unknown_parameter"
    )


def wrong_type(param: str, expected: str, value: object) -> ApiError:
    """The error for a value of another type than `expected`."""
    return invalid(
        f"Invalid type for '{param}': expected {expected}, but got {_TYPE_NAMES[type(value)]} instead.",
        param=param,
        code="invalid_type",
    )


def check_integer(value: object, param: str, low: int, high: int) -> int:
    """`value` if it is an integer from `low` to `high`."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise wrong_type(param, "an integer", value)
    if not low <= value <= high:
        shown = value if abs(value) < 10**30 else "a number of many digits"
        raise invalid(
            f"Invalid '{param}': expected {low} to {high}, but got {shown}.",
            param=param,
            code="integer_out_of_range",
        )
    return value


def check_number(value: object, param: str, low: float | None = None, high: float | None = None) -> float:
    """`value` as a float if it is a finite number from `low` to `high`."""
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise wrong_type(param, "a number", value)
    try:
        number = float(value)
    except OverflowError:
        number = float("inf")
    finite = abs(number) != float("inf") and number == number
    if not finite or low is not None and number < low or high is not None and number > high:
        limits = (
            f"{low:g} to {high:g}"
            if low is not None and high is not None
            else f"at least {low:g}"
            if low is not None
            else "a finite number"
        )
        raise invalid(
            f"Invalid '{param}': expected {limits}, but got {number:g}.",
            param=param,
            code="decimal_out_of_range",
        )
    return number


def check_token_ids(value: object, param: str, vocab_size: int) -> list[int]:
    """`value` if it is a list of token ids of a vocabulary of `vocab_size`."""
    if not isinstance(value, list):
        raise wrong_type(param, "an array of token ids", value)
    if not set(map(type, value)) <= {int}:
        wrong = next(item for item in value if type(item) is not int)
        raise wrong_type(param, "token ids", wrong)
    if value and (min(value) < 0 or max(value) >= vocab_size):
        index, token = next((i, t) for i, t in enumerate(value) if not 0 <= t < vocab_size)
        shown = token if abs(token) < 10**30 else "a number of many digits"
        raise invalid(
            f"Invalid '{param}': token {index} is {shown}, but the vocabulary has {vocab_size} tokens.",
            param=param,
            code="invalid_token",
        )
    return value


def markdown(table: dict[str, Field]) -> str:
    """The table as it stands in docs/openai.md."""
    lines = ["| field | | |", "| --- | --- | --- |"]
    for field in table.values():
        note = field.note
        if field.harmless:
            values = ", ".join(f"`{value!r}`".replace("'", '"') for value in field.harmless)
            note += f" (accepted: {values})"
        status = "ignored with a warning" if field.status == IGNORED else field.status
        name = f"`{field.name}`" + (" (extension)" if field.extension else "")
        lines.append(f"| {name} | {status} | {note} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    for title, table in TABLES.items():
        print(f"<!-- fields: {title} -->\n{markdown(table)}<!-- end -->\n")
