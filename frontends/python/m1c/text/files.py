# ===- files.py - the small JSON files of a checkpoint ---------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Reads the files that describe a checkpoint's tokenizer and template."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from .errors import TextError


def read_text(path: Path) -> str:
    """The text of a file; TextError if it cannot be read or is not UTF-8."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise TextError(f"{path}: {os.strerror(error.errno or 0)}") from None
    except UnicodeDecodeError as error:
        raise TextError(f"{path}: is not UTF-8 at byte {error.start}") from None


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object in a file; TextError if there is none."""
    text = read_text(path)
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise TextError(f"{path}: is not valid JSON: {error}") from None
    if not isinstance(value, dict):
        raise TextError(f"{path}: expected a JSON object, found {type(value).__name__}")
    return value


def read_optional_object(path: Path) -> dict[str, Any]:
    """As read_object; empty if there is no such file."""
    return read_object(path) if path.exists() else {}
