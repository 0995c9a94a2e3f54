# ===- byte_tokenizer.py - a tokenizer of bytes for a checkpoint ----------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Gives a checkpoint a tokenizer whose tokens are the 256 bytes and the control tokens of chats.

    byte_tokenizer.py CHECKPOINT_DIR [--temperature T] [--top-p P]

Writes tokenizer.json, tokenizer_config.json, with a chat template, and generation_config.json. The model's
vocabulary must have at least 260 tokens: byte b is token b, and the control tokens follow.
"""

import argparse
import json
import os
import sys

CONTROL = ("<begin_of_document>", "<beginning_of_sentence>", "<end_of_sentence>", "<pad>")
TEMPLATE = """{{ '<begin_of_document>' }}
{%- for message in messages -%}
{{ '<beginning_of_sentence>' + message.role + '\\n' + message.content + '<end_of_sentence>\\n' }}
{%- endfor -%}
{%- if add_generation_prompt %}{{ '<beginning_of_sentence>assistant\\n' }}{% endif %}"""


def byte_characters():
    """The character that stands for each byte in tokenizer.json: GPT-2's table."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    table = {byte: chr(byte) for byte in printable}
    table.update({byte: chr(256 + i) for i, byte in enumerate(others)})
    return [table[byte] for byte in range(256)]


def describe(added, merges=()):
    """The object of a tokenizer.json without a splitting rule: byte b is token b, what merge i makes is token 256 + i.
    `added` has (text, id, whether it is special) for each of the added tokens."""
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False}
    vocabulary = {character: byte for byte, character in enumerate(byte_characters())}
    for i, (left, right) in enumerate(merges):
        vocabulary[left + right] = 256 + i
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {
                "id": index,
                "content": text,
                "single_word": False,
                "lstrip": False,
                "rstrip": False,
                "normalized": False,
                "special": special,
            }
            for text, index, special in added
        ],
        "normalizer": None,
        "pre_tokenizer": level,
        "post_processor": None,
        "decoder": level,
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": False,
            "vocab": vocabulary,
            "merges": [list(pair) for pair in merges],
        },
    }


def tokenizer():
    """The object of tokenizer.json that write() writes."""
    return describe([(text, 256 + i, True) for i, text in enumerate(CONTROL)])


def write(folder, **sampling):
    """Writes the files into a checkpoint's directory; `sampling` goes into generation_config.json."""
    with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
        vocabulary = json.load(file)["vocab_size"]
    if vocabulary < 256 + len(CONTROL):
        sys.exit(
            f"byte_tokenizer: error: {folder}: expected a vocabulary of at least {256 + len(CONTROL)}, found {vocabulary}"
        )
    files = {
        "tokenizer.json": tokenizer(),
        "tokenizer_config.json": {
            "eos_token": "<end_of_sentence>",
            "bos_token": "<begin_of_document>",
            "chat_template": TEMPLATE,
        },
        "generation_config.json": {"eos_token_id": 256 + CONTROL.index("<end_of_sentence>"), **sampling},
    }
    for name, content in files.items():
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            json.dump(content, file, indent=1)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("checkpoint", metavar="CHECKPOINT_DIR")
    parser.add_argument("--temperature", type=float)
    parser.add_argument("--top-p", type=float)
    args = parser.parse_args()
    write(
        args.checkpoint,
        **{name: value for name, value in vars(args).items() if name != "checkpoint" and value is not None},
    )


if __name__ == "__main__":
    main()
