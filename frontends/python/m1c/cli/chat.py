# ===- chat.py - m1 chat --------------------------------------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""`m1 chat`: a chat in the terminal. Answers are printed as they come, thinking dimmed."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from typing import Any

from ..async_llm import AsyncLLM
from ..errors import Error
from ..sampling import SamplingParams
from ..text import Content, Reasoning, ReasoningParser
from ..text.reasoning import OPEN, REASONING_PARSERS
from .options import add_engine_options, add_model, add_sampling_options, engine_options, sampling_options
from .streaming import stream_text

__all__ = ["add_arguments", "run"]

_HELP = """\
/reset   forget the chat     /system TEXT   begin a new chat with an instruction
/exit    end (also Ctrl-D)   /help          this text
Ctrl-C stops an answer; what was printed of it is kept. A line that ends with \\ goes on in the next one."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `m1 chat`."""
    add_model(parser)
    parser.add_argument("--system", metavar="TEXT", help="an instruction before the chat")
    parser.add_argument(
        "--chat-template", metavar="FILE", help="instead of the checkpoint's: a Jinja template"
    )
    parser.add_argument(
        "--reasoning-parser",
        choices=REASONING_PARSERS,
        default="m1",
        help="how thinking is told from answers (default %(default)s)",
    )
    parser.add_argument("--hide-thinking", action="store_true", help="do not print it")
    add_sampling_options(parser, None)
    add_engine_options(parser)


class _Screen:
    """Prints an answer, its thinking dimmed where the terminal can."""

    def __init__(self, hide_thinking: bool):
        self.colours = (
            sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
        )
        self.hide = hide_thinking
        self.dimmed = False

    def thinking(self, text: str) -> None:
        if self.hide:
            return
        if not self.dimmed:
            self.dimmed = True
            print("\x1b[2m" if self.colours else "<think>\n", end="")
        print(text, end="", flush=True)

    def answer(self, text: str) -> None:
        self.end_thinking()
        print(text, end="", flush=True)

    def end_thinking(self) -> None:
        if self.dimmed:
            self.dimmed = False
            print("\x1b[0m\n" if self.colours else "\n</think>\n", flush=True)


class _Chat:
    def __init__(self, args: argparse.Namespace, llm: AsyncLLM):
        self.args, self.llm = args, llm
        if llm.tokenizer is None:
            raise Error(
                "the checkpoint has no tokenizer.json, which a chat needs; m1 complete takes token ids"
            )
        self.template = llm.chat_template()
        if self.template is None:
            raise Error("the checkpoint has no chat template; expected --chat-template FILE")
        self.params = SamplingParams(**{**llm.default_sampling, **sampling_options(args)})
        self.messages: list[dict[str, str]] = []
        self.begin(args.system)

    def begin(self, system: str | None) -> None:
        self.messages = [{"role": "system", "content": system}] if system else []

    def answer(self, text: str) -> None:
        """One turn. Ctrl-C ends the answer."""
        self.messages.append({"role": "user", "content": text})
        said: dict[str, str] = {"role": "assistant", "content": ""}
        screen = _Screen(self.args.hide_thinking)
        try:
            asyncio.run(self._stream(screen, said))
        except KeyboardInterrupt:
            pass
        except Error as error:
            self.messages.pop()
            print(f"m1 chat: error: {error}; /reset begins a new chat", file=sys.stderr)
            return
        finally:
            screen.end_thinking()
        print(flush=True)
        self.messages.append(said)

    async def _stream(self, screen: _Screen, said: dict[str, str]) -> None:
        assert self.template is not None and self.llm.tokenizer is not None
        ids = self.template.encode(self.messages)
        opened = self.llm.tokenizer.decode(ids[-16:], False).rstrip().endswith(OPEN)
        parser = ReasoningParser(self.args.reasoning_parser, opened)

        def show(events: list[Any]) -> None:
            for event in events:
                if isinstance(event, Reasoning):
                    said["reasoning_content"] = said.get("reasoning_content", "") + event.text
                    screen.thinking(event.text)
                elif isinstance(event, Content):
                    said["content"] += event.text
                    screen.answer(event.text)

        async for piece in stream_text(self.llm, ids, self.params):
            show(parser.push(piece))
        show(parser.finish())


def _read(terminal: bool) -> str | None:
    """A message, which may have several lines; None at the end of the input."""
    lines: list[str] = []
    while True:
        try:
            line = input(("> " if not lines else "| ") if terminal else "")
        except EOFError:
            if not lines:
                return None
            return "\n".join(lines)
        if not line.endswith("\\"):
            return "\n".join([*lines, line])
        lines.append(line[:-1])


def run(args: argparse.Namespace) -> int:
    """Runs `m1 chat`."""
    terminal = sys.stdin.isatty() and sys.stdout.isatty()
    options = engine_options(args)
    options.setdefault("max_num_seqs", 1)
    # Each turn begins with all that precede it.
    options.setdefault("enable_prefix_caching", True)
    llm = AsyncLLM(args.model, **options)
    try:
        chat = _Chat(args, llm)
        if terminal:
            import readline  # noqa: F401  (input() then edits lines and knows earlier ones)

            print(_HELP)
        while True:
            try:
                text = _read(terminal)
            except KeyboardInterrupt:
                print("\n(/exit or Ctrl-D ends)")
                continue
            if text is None:
                break
            command, _, rest = text.strip().partition(" ")
            if command in ("/exit", "/quit"):
                break
            if command == "/help":
                print(_HELP)
            elif command == "/reset":
                chat.begin(args.system)
            elif command == "/system":
                chat.begin(rest.strip())
            elif command.startswith("/") and command[1:].isalpha() and not rest:
                print(f"m1 chat: unknown command {command}; /help lists them", file=sys.stderr)
            elif command:
                chat.answer(text)
        if terminal:
            print()
        return 0
    finally:
        llm.close()
