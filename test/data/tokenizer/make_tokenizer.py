# ===- make_tokenizer.py - tokenizers for tests ----------------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Writes tokenizer.json and the files beside it.

    make_tokenizer.py small DIR    the one in this folder: 256 bytes, 240 merges, 16 added tokens
    make_tokenizer.py m1 DIR       MiniMax-M1's, rebuilt from test/data/minimax-m1/merges.txt.xz

The small one has the form of MiniMax-M1's: the same splitting rule, the id of byte b is b, that of merge i is
256 + i, and added tokens follow. Its merges are the most frequent pairs of the repository's licence and a few
lines in other scripts. M1's added tokens beyond the three that its chat template needs are not published:
theirs are names made up here.
"""

import collections
import json
import lzma
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tools"))

import byte_tokenizer  # noqa: E402

M1 = ROOT / "test/data/minimax-m1"

WORD = r"[^\r\n\p{L}\p{N}]?"
UPPER, LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
CONTRACTION = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
# The rule known as o200k.
SPLIT = "|".join(
    [
        f"{WORD}{UPPER}*{LOWER}+{CONTRACTION}",
        f"{WORD}{UPPER}+{LOWER}*{CONTRACTION}",
        r"\p{N}{1,3}",
        r" ?[^\s\p{L}\p{N}]+[\r\n/]*",
        r"\s*[\r\n]+",
        r"\s+(?!\S)",
        r"\s+",
    ]
)

SAMPLE = """
Übergröße, naïve café, Ελληνικά, Русский язык, עברית, العربية, हिन्दी, 中文，日本語の文字、한국어.
<think>\n</think>\n\n<tool_calls>\n{"name": "f", "arguments": {"x": 1}}\n</tool_calls>\n 🙂👩‍👩‍👧 €
"""


def train(text, count):
    """The `count` merges of plain BPE; of equally frequent pairs the one that is first in order."""
    characters = byte_tokenizer.byte_characters()
    words = collections.Counter()
    for line in text.splitlines(keepends=True):
        for i, word in enumerate(line.split(" ")):
            words[tuple(characters[b] for b in ((" " if i else "") + word).encode())] += 1
    merges = []
    while len(merges) < count:
        pairs = collections.Counter()
        for word, times in words.items():
            for pair in zip(word, word[1:]):
                pairs[pair] += times
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(best)
        merged = collections.Counter()
        for word, times in words.items():
            parts, i = [], 0
            while i < len(word):
                step = 2 if word[i : i + 2] == best else 1
                parts.append("".join(word[i : i + step]))
                i += step
            merged[tuple(parts)] += times
        words = merged
    return merges


def describe(merges, added):
    """The object of tokenizer.json. `added` maps texts to ids."""
    tokens = sorted(added.items(), key=lambda item: item[1])
    description = byte_tokenizer.describe([(text, i, text.startswith("<")) for text, i in tokens], merges)
    byte_level = dict(description["decoder"], trim_offsets=True)
    split = {"type": "Split", "pattern": {"Regex": SPLIT}, "behavior": "Isolated", "invert": False}
    return dict(
        description,
        pre_tokenizer={"type": "Sequence", "pretokenizers": [split, byte_level]},
        post_processor=byte_level,
        decoder=byte_level,
    )


def small():
    """The small tokenizer; one of its added tokens is not special."""
    merges = train((ROOT / "LICENSE").read_text() + SAMPLE * 4, 240)
    names = [
        "<begin_of_document>",
        "<end_of_document>",
        "<beginning_of_sentence>",
        "<end_of_sentence>",
        "[image]",
    ] + [f"<reserved_{i}>" for i in range(11)]
    return describe(merges, {name: 496 + i for i, name in enumerate(names)})


def m1():
    """MiniMax-M1's tokenizer."""
    lines = lzma.decompress((M1 / "merges.txt.xz").read_bytes()).decode().splitlines()[1:]
    names = {
        200019: "<beginning_of_sentence>",
        200020: "<end_of_sentence>",
        200034: "<begin_of_document>",
        200035: "<end_of_document>",
    }
    added = {names.get(i, f"<reserved_{i - 200000}>"): i for i in range(200000, 200064)}
    return describe([tuple(line.split(" ")) for line in lines], added)


def write(directory, description, indent=None):
    """The files of a checkpoint that describe its tokenizer."""
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    with open(directory / "tokenizer.json", "w", encoding="utf-8") as file:
        json.dump(description, file, ensure_ascii=False, indent=indent)
        file.write("\n")
    config = (M1 / "tokenizer_config.json").read_bytes()
    (directory / "tokenizer_config.json").write_bytes(config)
    eos = next(each["id"] for each in description["added_tokens"] if each["content"] == "<end_of_sentence>")
    (directory / "generation_config.json").write_text(json.dumps({"eos_token_id": eos}) + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in ("small", "m1"):
        sys.exit("usage: make_tokenizer.py small|m1 DIR")
    write(
        sys.argv[2], {"small": small, "m1": m1}[sys.argv[1]](), indent=0 if sys.argv[1] == "small" else None
    )
