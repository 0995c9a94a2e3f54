# ===- text.py - properties of m1c.text, and its speed --------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""What test/python/text checks, on as many cases as one likes, and what the parts cost.

    text.py [--sequences 1000000] [--contents 100000] [--seed 1] [--m1] [--only PART]

Parts: streams (random id sequences, decoded in random pieces), stops (stop strings in them), control (random
messages, no control token of which may come through; with MiniMax-M1's template and others), published (the M1
template against the published one), points (every code point on its own), files (all texts of the repository),
speed. With --m1 they use MiniMax-M1's tokenizer, otherwise the small one.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python/text"))

import m1  # noqa: E402
import prompts  # noqa: E402
import streams  # noqa: E402
import tokenizer as tests  # noqa: E402
from support import generator, m1c, small  # noqa: E402

FOLDERS = ("compiler", "dialects", "docs", "frontends", "runtime", "test", "tools")


def clock(name, count, function, unit="us"):
    """Prints the CPU time of a call, divided by `count`."""
    start = time.process_time()
    function()
    print(f"{name:48} {(time.process_time() - start) / count * 1e6:10.3f} {unit}", flush=True)


def one_by_one(detokenizer, ids):
    for index in ids:
        detokenizer.push([index])
    detokenizer.finish()


def check_speed(tokenizer, rng):
    """CPU time a token, a character or a prompt."""
    text = "".join(content for _, content in tests.files(("docs",)))
    ids = tokenizer.encode(text)
    clock("encode, a character", len(text), lambda: tokenizer.encode(text))
    clock("decode at once, a token", len(ids), lambda: tokenizer.decode(ids))
    detokenizer = m1c.text.Detokenizer
    clock("decode, a token", len(ids), lambda: one_by_one(detokenizer(tokenizer), ids))
    clock("  4 stop strings", len(ids), lambda: one_by_one(
        detokenizer(tokenizer, ["\n\nUser:", "</s>", "STOP!", "###\n\n"]), ids))
    words = sorted({text[i:i + 24] + "~" for i in range(0, len(text), 23)})[:10000]
    assert len(words) == 10000
    clock("  10,000 stop strings, all of whose beginnings occur", len(ids), lambda: one_by_one(
        detokenizer(tokenizer, words), ids))
    clock("  (preparing them, each request)", 1, lambda: m1c.text.StopStrings(words))
    answer = ("<think>\n" + text[:60000].replace("<", "(") + "\n</think>\n\n" + text[60000:120000])
    pieces = [answer[i:i + 4] for i in range(0, len(answer), 4)]
    parser = m1c.text.OutputParser()
    clock("parse, a piece of 4 characters", len(pieces), lambda: [parser.push(piece) for piece in pieces])
    template = m1c.text.ChatTemplate(None, tokenizer)
    short = [{"role": "user", "content": "What is the capital of France?"}]
    long = [{"role": ("user", "assistant")[i % 2], "content": text[i * 500:i * 500 + 500]} for i in range(101)]
    for name, messages in (("1 message", short), ("101 messages of 500 characters", long)):
        clock(f"render {name}", 20, lambda: [template.render(messages) for _ in range(20)])
        clock(f"render and encode {name}", 20, lambda: [template.encode(messages) for _ in range(20)])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sequences", type=int, default=1000000)
    parser.add_argument("--contents", type=int, default=100000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--m1", action="store_true")
    parser.add_argument("--only", action="append")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        tokenizer, direct = m1.load(work) if arguments.m1 else small()
    template = m1c.text.ChatTemplate(None, tokenizer)
    sequences, contents = arguments.sequences, arguments.contents
    others = max(1, contents // 2 // len(prompts.conversations.TEMPLATES))
    parts = {
        "streams": lambda rng: streams.check_streams(tokenizer, direct, rng, sequences),
        "stops": lambda rng: streams.check_stops(tokenizer, rng, max(100, sequences // 10)),
        "control": lambda rng: (prompts.check_m1_control(tokenizer, template, rng, contents // 2),
                                prompts.check_other_control(tokenizer, rng, others)),
        "published": lambda rng: prompts.check_published(template, rng, max(100, contents // 10)),
        "points": lambda rng: tests.check_code_points(tokenizer, direct, 1),
        "files": lambda rng: tests.check_agreement(tokenizer, direct, tests.files(FOLDERS)),
        "speed": lambda rng: check_speed(tokenizer, rng),
    }
    for name in arguments.only or parts:
        start = time.process_time()
        result = parts[name](generator(arguments.seed))
        print(f"{name}: ok{'' if result is None else f', {result}'}; {time.process_time() - start:.1f} s of CPU time",
              flush=True)


if __name__ == "__main__":
    main()
