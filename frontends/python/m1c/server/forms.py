# ===- forms.py - fields that give responses a form ------------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""From response_format, structured_outputs, tool_choice and their like to the form of a response."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..errors import Error
from ..structured import Function, StructuredOutputsParams, ToolCalls
from .errors import ApiError, invalid
from .fields import Reader, unknown, wrong_type

# vLLM's older names.
_GUIDED = {f"guided_{name}": name for name in ("json", "regex", "choice", "grammar")}
_STRUCTURED: dict[str, tuple[tuple[type, ...], str]] = {
    "json": ((dict, str), "an object or a string"),
    "regex": ((str,), "a string"),
    "choice": ((list,), "an array of strings"),
    "grammar": ((str,), "a string"),
    "json_object": ((bool,), "a boolean"),
    "disable_any_whitespace": ((bool,), "a boolean"),
    "whitespace_pattern": ((str,), "a string"),
}


class Form(NamedTuple):
    """A form, and the field that asks for it."""

    field: str
    params: StructuredOutputsParams


def read_form(reader: Reader) -> Form | None:
    """The form that a request asks for, but for calls of tools."""
    found = []
    wanted = _response_format(reader)
    if wanted is not None:
        found.append(_form("response_format", **wanted))
    structured = reader.object("structured_outputs")
    if structured is not None:
        for name, value in structured.items():
            field = f"structured_outputs.{name[:64]}"
            if name not in _STRUCTURED:
                raise unknown(field, "structured_outputs")
            types, expected = _STRUCTURED[name]
            if value is not None and not isinstance(value, types):
                raise wrong_type(field, expected, value)
        found.append(_form("structured_outputs", **{k: v for k, v in structured.items() if v is not None}))
    for name, meaning in _GUIDED.items():
        value = reader.get(name)
        if value is not None:
            types, expected = _STRUCTURED[meaning]
            if not isinstance(value, types):
                raise wrong_type(name, expected, value)
            found.append(_form(name, **{meaning: value}))
    if len(found) > 1:
        raise invalid(f"'{found[0].field}' and '{found[1].field}' cannot be combined.", param=found[1].field)
    return found[0] if found else None


def _form(field: str, **values: Any) -> Form:
    try:
        return Form(field, StructuredOutputsParams(**values))
    except Error as error:
        raise form_error(field, error) from None


def form_error(field: str, error: Exception) -> ApiError:
    """The error for a form that is none."""
    return invalid(
        f"Invalid '{field}': {str(error).removeprefix('structured_outputs: ')}",
        param=field,
        code="invalid_form",
    )


def _response_format(reader: Reader) -> dict[str, Any] | None:
    """The arguments of StructuredOutputsParams; None for text."""
    given = reader.object("response_format")
    if given is None:
        return None
    kind = given.get("type")
    known = {"text": {"type"}, "json_object": {"type"}, "json_schema": {"type", "json_schema"}}
    if not isinstance(kind, str) or kind not in known:
        raise invalid(
            f"'response_format.type' must be one of {', '.join(map(repr, known))}.", param="response_format"
        )
    for name in given:
        if name not in known[kind]:
            raise unknown(f"response_format.{name[:64]}", "response_format")
    if kind != "json_schema":
        return {"json_object": True} if kind == "json_object" else None
    wanted = given.get("json_schema")
    if not isinstance(wanted, dict):
        raise wrong_type("response_format.json_schema", "an object", wanted)
    for name, types, expected in (
        ("name", str, "a string"),
        ("description", str, "a string"),
        ("schema", dict, "an object"),
        ("strict", bool, "a boolean"),
    ):
        if wanted.get(name) is not None and not isinstance(wanted[name], types):
            raise wrong_type(f"response_format.json_schema.{name}", expected, wanted[name])
    for name in wanted:
        if name not in ("name", "description", "schema", "strict"):
            raise unknown(f"response_format.json_schema.{name[:64]}", "response_format")
    if wanted.get("schema") is None:
        return {"json_object": True}
    return {"json": wanted["schema"], "lenient": not wanted.get("strict")}


class ToolChoice(NamedTuple):
    """What tool_choice asks for."""

    offered: bool
    """Whether the model sees the tools."""
    forced: list[dict[str, Any]] | None
    """The tools of which it must call one."""
    one: bool = False
    """Whether it must call no more than one."""


def read_tool_choice(choice: object, tools: list[dict[str, Any]] | None) -> ToolChoice:
    """The meaning of the field `tool_choice` beside these tools, which have been checked."""
    if choice is None:
        return ToolChoice(bool(tools), None)
    if not isinstance(choice, (str, dict)):
        raise wrong_type("tool_choice", "a string or an object", choice)
    if isinstance(choice, str) and choice not in ("none", "auto", "required"):
        raise invalid("'tool_choice' must be 'none', 'auto', 'required' or a function.", param="tool_choice")
    if choice == "none":
        return ToolChoice(False, None)
    if not tools:
        raise invalid("'tool_choice' is only allowed with 'tools'.", param="tool_choice")
    if isinstance(choice, str):
        return ToolChoice(True, tools if choice == "required" else None)
    function = choice.get("function")
    if (
        choice.get("type") != "function"
        or not isinstance(function, dict)
        or not isinstance(function.get("name"), str)
    ):
        raise invalid(
            '\'tool_choice\' must be a string, or of the form {"type": "function", "function": {"name": '
            "...}}.",
            param="tool_choice",
            code="unsupported_value",
        )
    named = [tool for tool in tools if tool["function"]["name"] == function["name"]]
    if not named:
        raise invalid(
            f"'tool_choice' names the function {function['name'][:64]!r}, which is not in 'tools'.",
            param="tool_choice",
        )
    return ToolChoice(True, named[:1], True)


def calls_of(tools: list[dict[str, Any]], parallel: bool) -> ToolCalls:
    """The form of calls of these tools."""
    functions = [tool["function"] for tool in tools]
    return ToolCalls(
        functions=[
            Function(name=each["name"], parameters=each.get("parameters"), strict=bool(each.get("strict")))
            for each in functions
        ],
        parallel=parallel,
    )
