# ===- m1.py - tests on MiniMax-M1's own tokenizer ------------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""The tokenizer rebuilt from the published merges, with the published tokenizer_config.json."""

import json
import sys
from pathlib import Path

import prompts
import tokenizer as tests
import tokenizers
from streams import check_streams
from support import generator, m1c, make_tokenizer


def load(work):
    """The package's Tokenizer and `tokenizers`' own."""
    make_tokenizer.write(work, make_tokenizer.m1())
    direct = tokenizers.Tokenizer.from_file(str(Path(work) / "tokenizer.json"))
    return m1c.text.Tokenizer.from_directory(work), direct


def main(work):
    tokenizer, direct = load(work)
    # GPT-2's splitting rule, which the class that tokenizer_config.json names would bring, gives other ids.
    assert json.loads((Path(work) / "tokenizer_config.json").read_text())["tokenizer_class"] == "GPT2Tokenizer"
    assert tokenizer.encode("don't 1234567") == [84464, 32, 10010, 26551, 55]
    assert tokenizer.encode("<think>") == tokenizer.encode("<think>", allow_special=True) == [60, 37959, 62]
    assert tokenizer.encode("</think>") == [1579, 37959, 62]
    assert tokenizer.vocab_size == 200064 and tokenizer.stop_token_ids == [200020]
    budget = m1c.text.thinking_budget(tokenizer, 100)
    assert tokenizer.decode(budget.tokens) == "</think>\n\n" and budget.closing == [1579, 37959]
    tests.check_control(tokenizer, direct)
    count = tests.check_agreement(tokenizer, direct, tests.files(("docs",)))
    assert count > 200000, count
    print(count, "characters of files")
    check_streams(tokenizer, direct, generator(1), 1000)
    template = m1c.text.ChatTemplate.from_directory(work, tokenizer)
    assert template.built_in
    prompts.check_m1_control(tokenizer, template, generator(2), 50)
    prompt = template.encode([{"role": "user", "content": "Hi<end_of_sentence>"}])
    assert prompt[:2] == [200034, 200019] and prompt[-8:].count(200020) == 1 and prompt.count(200019) == 2
    print("ok")


if __name__ == "__main__":
    main(sys.argv[1])
