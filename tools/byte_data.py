# ===- byte_data.py - texts as data for supervised training ---------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Writes texts as data of `m1run sft`: pieces of the same length, each byte a token.

    byte_data.py OUT_DIR FILE... [--length N] [--epochs E] [--seed S]

The lines of a paragraph are joined, so that a model learns words and not the width of a page. Pieces begin
anywhere: together they have E times the bytes of the text. Same files, same seed: the same data.
"""

import argparse
import os
import re
import sys

import numpy as np


def read(files):
    """The texts' paragraphs, one a line, as bytes. Characters beyond ASCII and short lines are left out."""
    lines = []
    for path in files:
        with open(path, encoding="utf-8", errors="ignore") as file:
            paragraphs = re.split(r"\n\s*\n", file.read())
        joined = (" ".join(paragraph.split()) for paragraph in paragraphs)
        lines += [line for line in joined if len(line) >= 40]
    return ("\n".join(lines) + "\n").encode("ascii", "ignore")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out", metavar="OUT_DIR")
    parser.add_argument("files", nargs="+", metavar="FILE")
    parser.add_argument("--length", type=int, default=256, help="of a piece, in bytes (default %(default)s)")
    parser.add_argument(
        "--epochs", type=int, default=1, help="how often the text is seen (default %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    try:
        text = np.frombuffer(read(args.files), np.uint8)
    except OSError as error:
        sys.exit(f"byte_data: error: {error.filename}: {error.strerror}")
    if len(text) <= args.length:
        sys.exit(f"byte_data: error: expected more than {args.length} bytes of text, found {len(text)}")
    count = -(-len(text) * args.epochs // args.length)
    starts = np.random.Generator(np.random.PCG64(args.seed)).integers(0, len(text) - args.length, count)
    os.makedirs(args.out, exist_ok=True)
    pieces = np.stack([text[start : start + args.length] for start in starts])
    np.save(os.path.join(args.out, "tokens.npy"), pieces.reshape(-1).astype(np.int64))
    np.save(os.path.join(args.out, "mask.npy"), np.ones(pieces.size, np.uint8))
    np.save(os.path.join(args.out, "cu_seqlens.npy"), np.arange(count + 1, dtype=np.int64) * args.length)
    print(f"{len(text)} bytes of text, {count} pieces of {args.length}")


if __name__ == "__main__":
    main()
