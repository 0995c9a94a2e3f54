# ===- serve_double.py - m1 serve with a scripted engine ------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Takes the options of `m1 serve`. Every response is "slowly", five times, over about half a second."""

import argparse
import sys

from double import ScriptedLLM, byte_tokenizer
from harness import TEMPLATE
from m1c.server import cli
from m1c.server.lifecycle import CannotListen, bind
from m1c.server.service import ChatFormat
from m1c.text import ChatTemplate

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    cli.add_arguments(parser)
    args = parser.parse_args()
    tokenizer = byte_tokenizer()
    llm = ScriptedLLM(tokenizer, step_seconds=0.02)
    llm.default = "slowly" * 5
    try:
        bound = bind(args.host, args.port)
        sys.exit(cli.serve(llm, ChatFormat(ChatTemplate(TEMPLATE, tokenizer), "m1", "m1"), args, bound))
    except CannotListen as error:
        sys.exit(f"m1 serve: {error}")
