# ===- errors.py - what is wrong with a tokenizer, template or text --------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""The errors of this package. Each message is one line that a user can act on."""


class TextError(ValueError):
    """A file, a text or an option that cannot be used."""


class TemplateError(TextError):
    """A chat template that is not valid, or that refuses or fails on these messages."""
