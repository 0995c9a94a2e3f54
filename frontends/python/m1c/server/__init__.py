# ===- __init__.py - OpenAI's API over HTTP -------------------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""OpenAI's API over an AsyncLLM: `m1 serve`, `m1 bench serve`, and the requests of `m1 run-batch`.

docs/serving.md is the guide, docs/openai.md says what becomes of each field.

- service.py answers requests without HTTP; app.py is the HTTP application; lifecycle.py runs it.
- fields.py and requests.py check what clients send; chat.py and completions.py write what they get.
"""
