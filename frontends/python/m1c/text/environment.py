# ===- environment.py - Jinja as chat templates expect it -------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Jinja's immutable sandbox with HuggingFace's conventions, and with strings that remember their origin.

Conventions: `trim_blocks`, `lstrip_blocks`, `break` and `continue`, `tojson` without escapes for HTML or
beyond ASCII, `raise_exception`, `strftime_now`; `{% generation %}` marks what a model wrote and renders its
body.
"""

from __future__ import annotations

import datetime
import functools
import json
import types
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

from jinja2 import nodes
from jinja2.compiler import CodeGenerator
from jinja2.exceptions import TemplateError as JinjaError
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.runtime import BlockReference, Context, LoopContext, Macro
from jinja2.sandbox import ImmutableSandboxedEnvironment

from .marked import Marked, concat, from_request, is_marked, join, trusted_texts

#: What renders a part of the template: its result is made of strings that already know their origin.
_RENDERERS = (Macro, LoopContext, BlockReference)

#: Filters that are a method of the string that they filter, and so know; those that return what they are
#: given.
_METHOD_FILTERS = frozenset(("capitalize", "lower", "replace", "reverse", "string", "trim", "upper"))
_CHOOSING_FILTERS = frozenset(("attr", "d", "default", "first", "last", "max", "min", "random"))


class _GenerationTag(Extension):
    tags = {"generation"}

    def parse(self, parser: Parser) -> nodes.Node:
        line = next(parser.stream).lineno
        return nodes.Scope(parser.parse_statements(("name:endgeneration",), drop_needle=True), lineno=line)


class _Generator(CodeGenerator):
    def visit_Concat(self, node: nodes.Concat, frame: Any) -> None:
        """`~`, which would make plain strings."""
        self.write("environment.concat((")
        for argument in node.nodes:
            self.visit(argument, frame)
            self.write(", ")
        self.write("))")


def _printed(value: Any) -> str:
    """The text that a template prints for a value."""
    if isinstance(value, str):
        return value
    text = str(value)
    return from_request(text) if is_marked(value) else text


def _concat(values: Iterable[Any]) -> str:
    return concat([_printed(value) for value in values])


def _to_json(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | str | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    return json.dumps(
        value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys
    )


def _join(environment: ChatEnvironment, value: Iterable[Any], d: str = "", attribute: Any = None) -> str:
    if attribute is not None:
        value = environment.filters["map"](environment.make_context(), value, attribute=attribute)
    return join(d, [_printed(each) for each in value])


class Refused(JinjaError):
    """What a template raises by raise_exception."""


def _raise_exception(message: str) -> NoReturn:
    raise Refused(message)


def _strftime_now(format: str) -> str:
    return datetime.datetime.now().strftime(format)


class ChatEnvironment(ImmutableSandboxedEnvironment):
    """Compiles chat templates. `has_control` says whether a text contains a control token."""

    code_generator_class = _Generator
    concat = staticmethod(_concat)
    intercepted_binops = frozenset(("+", "*", "%"))

    def __init__(self, has_control: Callable[[str], bool]):
        super().__init__(
            trim_blocks=True, lstrip_blocks=True, finalize=_printed, extensions=[_GenerationTag, loopcontrols]
        )
        self._has_control = has_control
        self.filters["tojson"] = _to_json
        for name in list(self.filters):
            self.filters[name] = self._tracked(name, self.filters[name])
        self.filters["join"] = functools.partial(_join, self)
        self.globals["raise_exception"] = _raise_exception
        self.globals["strftime_now"] = _strftime_now

    def make_context(self) -> Context:
        """An empty context, for filters that are called from here."""
        return self.from_string("").new_context()

    def _tracked(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        first = 1 if hasattr(function, "jinja_pass_arg") else 0  # then args[0] is Jinja's own

        @functools.wraps(function)  # also copies what Jinja passes to it
        def tracked(*args: Any, **kwargs: Any) -> Any:
            result = function(*args, **kwargs)
            if name in _CHOOSING_FILTERS or name in _METHOD_FILTERS and isinstance(args[first], Marked):
                return result
            return self._origin(f"the filter {name!r}", result, (args[first:], kwargs))

        return tracked

    def _origin(self, what: str, result: Any, arguments: Any) -> Any:
        """A result of something that forgets origins: from the request as a whole if an argument was."""
        if not isinstance(result, str) or not result or not is_marked(arguments):
            return result
        for text in trusted_texts(arguments):
            if self._has_control(text):
                raise JinjaError(
                    f"{what} mixes control tokens with text from the request; use + or ~ to join them"
                )
        return from_request(str(result))

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        # Bytes would not remember.
        return super().is_safe_attribute(obj, attr, value) and not (isinstance(obj, str) and attr == "encode")

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        result = super().call_binop(context, operator, left, right)
        if operator != "%" and isinstance(result, Marked):
            return result
        return self._origin(f"the operator {operator!r}", result, (left, right))

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: B902, N805
        """A call in a template: of a macro, a global function or a method."""
        function = getattr(__obj, "__wrapped__", __obj)  # str.format is wrapped by the sandbox
        owner = getattr(function, "__self__", None)
        name = getattr(function, "__name__", "")
        if (
            isinstance(function, types.BuiltinMethodType)
            and isinstance(owner, str)
            and name == "join"
            and len(args) == 1
        ):
            return join(owner, args[0])
        result = super().call(__context, __obj, *args, **kwargs)
        if (
            isinstance(__obj, _RENDERERS)
            or isinstance(function, types.MethodType)
            and isinstance(owner, Marked)
        ):
            return result
        return __self._origin(
            f"the call of {name!r}", result, (owner if isinstance(owner, str) else "", args, kwargs)
        )
