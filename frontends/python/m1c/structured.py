# ===- structured.py - responses of a given form --------------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""What a response must look like: a JSON schema, a regular expression, a list, a grammar, tool calls."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

from .errors import Error
from .text.toolcalls import CLOSE, OPEN

__all__ = ["Function", "StructuredOutputsParams", "ToolCalls", "library"]

_FORMS = ("json", "regex", "choice", "grammar", "json_object")
# Between two parts of JSON. Without a bound, a model may go on with it for ever.
_WHITE_SPACE = r"\r?\n[ \t]{0,32}|[ \t]{1,4}"
_NO_ARGUMENTS = {"type": "object", "properties": {}, "additionalProperties": False}


def library() -> Any:
    """The package llguidance, which is imported when it is needed first."""
    try:
        import llguidance
    except ImportError as error:
        raise _error(f"need the package llguidance (pip install 'm1c[structured]'): {error}") from None
    return llguidance


def _error(message: str) -> Error:
    return Error(f"structured_outputs: {message}")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Function:
    """A function that the model may call."""

    name: str
    parameters: Mapping[str, Any] | None = None
    """The JSON schema of its arguments, of an object; None: it has none."""
    strict: bool = False
    """Whether what cannot be followed in the schema is an error; otherwise it is passed over."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ToolCalls:
    """Calls in MiniMax-M1's form: JSON objects, one a line, between <tool_calls> and </tool_calls>."""

    functions: Sequence[Function]
    parallel: bool = True
    """Whether there may be more than one call."""

    def grammar(self) -> str:
        """The grammar, as llguidance takes it."""
        names = " | ".join(f"call{i}" for i in range(len(self.functions)))
        more = r' ("\n" call)*' if self.parallel else ""
        rules = [
            f"start: {_literal(OPEN + chr(10))} call{more} {_literal(chr(10) + CLOSE)}",
            f"call: {names}",
        ]
        grammars = []
        for i, function in enumerate(self.functions):
            head = '{"name": ' + json.dumps(function.name, ensure_ascii=False) + ', "arguments": '
            rules.append(f"call{i}: {_literal(head)} @arguments{i} {_literal('}')}")
            # One line, with a space behind commas and colons or without.
            form = {"whitespace_flexible": False, "item_separator": ", ?", "key_separator": ": ?"}
            schema = (
                _NO_ARGUMENTS if function.parameters is None else {"type": "object", **function.parameters}
            )
            if schema["type"] != "object":
                raise _error(f"the parameters of {function.name!r} are no object, but {schema['type']!r}")
            grammars.append(
                {"name": f"arguments{i}", **_json_grammar(schema, lenient=not function.strict, **form)}
            )
        return json.dumps({"grammars": [{"lark_grammar": "\n".join(rules)}, *grammars]})


@dataclasses.dataclass(kw_only=True)
class StructuredOutputsParams:
    """The form of a response: one of json, regex, choice, grammar and json_object, with the names and
    meanings of vLLM. With tool_calls: calls, or, if there is another form, either."""

    json: str | Mapping[str, Any] | None = None
    """A JSON schema, as an object or as its text. Properties come in its order."""
    regex: str | None = None
    """A regular expression that the whole response matches."""
    choice: Sequence[str] | None = None
    """The response is one of these texts."""
    grammar: str | None = None
    """A grammar in Lark's form, or in GBNF."""
    json_object: bool | None = None
    """True: any JSON object."""
    disable_any_whitespace: bool = False
    """JSON is compact. Otherwise there may be white space wherever JSON allows it: a few blanks, or a line
    end and an indentation."""
    whitespace_pattern: str | None = None
    """A regular expression for the white space in JSON."""
    lenient: bool = False
    """Whether what cannot be followed in a schema is passed over; otherwise it is an error."""
    tool_calls: ToolCalls | None = None
    after_thinking: bool = False
    """Whether the response may begin with a block <think>, so that what follows it has the form. With a
    thinking budget, it does."""

    def __post_init__(self) -> None:
        found = [name for name in _FORMS if getattr(self, name) not in (None, False)]
        if len(found) > 1 or (not found and self.tool_calls is None):
            raise _error(f"expected one of {', '.join(_FORMS)}, found {' and '.join(found) or 'none'}")
        if isinstance(self.json, str):
            try:
                self.json = json.loads(self.json)
            except (ValueError, RecursionError) as error:
                raise _error(f"json: {error}") from None
        if self.json is not None and not isinstance(self.json, Mapping):
            raise _error(f"json: expected a schema, which is an object, found {self.json!r:.100}")
        for name in ("regex", "grammar", "whitespace_pattern"):
            value = getattr(self, name)
            if value is not None and not isinstance(value, str):
                raise _error(f"{name}: expected a text, found {value!r:.100}")
        if self.choice is not None:
            texts = self.choice
            if isinstance(texts, str) or not isinstance(texts, Sequence) or not texts:
                raise _error(f"choice: expected a list of texts, found {texts!r:.100}")
            wrong = [each for each in texts if not isinstance(each, str) or not each]
            if wrong:
                raise _error(f"choice: expected texts of at least one character, found {wrong[0]!r:.100}")

    def grammars(self) -> list[str]:
        """The grammars, as llguidance takes them, of which the response follows one."""
        found = [self.tool_calls.grammar()] if self.tool_calls is not None else []
        if self.json is not None or self.json_object:
            options: dict[str, Any] = {"whitespace_flexible": False}
            if not self.disable_any_whitespace:
                options = {"whitespace_pattern": self.whitespace_pattern or _WHITE_SPACE}
            schema = self.json if isinstance(self.json, Mapping) else {"type": "object"}
            found.append(json.dumps({"grammars": [_json_grammar(schema, lenient=self.lenient, **options)]}))
        elif self.choice is not None:
            found.append(library().grammar_from("lark", "start: " + " | ".join(map(_literal, self.choice))))
        elif self.regex is not None:
            found.append(library().grammar_from("regex", self.regex))
        elif self.grammar is not None:
            try:
                found.append(library().grammar_from("grammar", self.grammar))
            except ValueError as error:
                raise _error(f"grammar: {error}") from None
        return found


def _literal(text: str) -> str:
    """A text in Lark's form."""
    return json.dumps(text, ensure_ascii=False)


def _json_grammar(schema: Mapping[str, Any], **options: Any) -> dict[str, Any]:
    """A schema as one of llguidance's grammars. Its own options prevail."""
    own = schema.get("x-guidance")
    return {"json_schema": {**schema, "x-guidance": {**options, **(own if isinstance(own, Mapping) else {})}}}
