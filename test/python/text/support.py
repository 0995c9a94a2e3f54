# ===- support.py - shared by the tests of m1c.text -----------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""The package under test, tokenizers to test it with, and `tokenizers` and `jinja2` called directly."""

import functools
import json
import random
import sys
import types
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
# m1c.text as it is in the sources, without the rest of the package, which needs the compiled runtime.
sys.modules["m1c"] = types.ModuleType("m1c")
sys.modules["m1c"].__path__ = [str(ROOT / "frontends/python/m1c")]
sys.path.insert(0, str(ROOT / "test/data/tokenizer"))

import jinja2.ext  # noqa: E402
import jinja2.sandbox  # noqa: E402
import m1c.text  # noqa: E402
import make_tokenizer  # noqa: E402, F401
import tokenizers  # noqa: E402

SMALL = ROOT / "test/data/tokenizer"
M1 = ROOT / "test/data/minimax-m1"


def small():
    """The package's Tokenizer and `tokenizers`' own for the small tokenizer."""
    return m1c.text.Tokenizer.from_directory(SMALL), tokenizers.Tokenizer.from_file(
        str(SMALL / "tokenizer.json")
    )


def rejects(function, *parts):
    """Calls a function that must raise TextError with one line that has all `parts`."""
    try:
        function()
    except m1c.text.TextError as error:
        message = str(error)
        assert "\n" not in message, message
        assert all(part in message for part in parts), (message, parts)
        return
    raise AssertionError(f"no error; expected {parts}")


def published_template():
    """The chat template that MiniMax-M1 was published with."""
    return json.loads((M1 / "tokenizer_config.json").read_text())["chat_template"]


@functools.lru_cache
def compiled(source):
    """A template compiled by jinja2 as HuggingFace sets it up, with nothing of the package."""
    environment = jinja2.sandbox.ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[jinja2.ext.loopcontrols]
    )

    def raise_exception(message):
        raise jinja2.exceptions.TemplateError(message)

    environment.filters["tojson"] = lambda value, indent=None: json.dumps(
        value, ensure_ascii=False, indent=indent
    )
    environment.globals["raise_exception"] = raise_exception
    return environment.from_string(source)


def plain_jinja(source, **variables):
    """What jinja2 renders."""
    return compiled(source).render(**variables)


def random_ids(rng, size, most):
    """Ids of which many are single bytes, so that characters are often cut or invalid."""
    return [
        rng.randrange(256) if rng.random() < 0.4 else rng.randrange(size)
        for _ in range(rng.randrange(most + 1))
    ]


def random_cuts(rng, value):
    """The pieces of a sequence or string, cut at random."""
    pieces = []
    while value:
        size = rng.choice((1, 1, 2, 3, 8))
        pieces.append(value[:size])
        value = value[size:]
    return pieces


def generator(seed):
    return random.Random(seed)
