#!/usr/bin/env python3
# ===- lists.py - braced lists end before what refers to them -------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Finds ArrayRefs of braced lists that outlive them in C++ sources.

    lists.py FOLDER...

The elements of `ArrayRef<T>{a, b}` live until the end of the full expression: they may be
an argument of a call, but not a variable, and not a part of what a range-based for
iterates over, as in `for (auto [A, B] : zip(As, ArrayRef<StringRef>{"x", "y"}))`. clang 19
keeps such lists in constant data, where neither its warnings nor AddressSanitizer miss
them; g++ does not, and the compiler that it builds reads what is left of them.
"""

import os
import re
import sys

NAME, ELEMENT = r"(?:ArrayRef|initializer_list)", r"<[^<>{}();]*(?:<[^<>]*>[^<>{}();]*)*>"
ELEMENTS = r"\{\s*[^\s}]"
LIST = rf"{NAME}\s*(?:{ELEMENT})?\s*\(?\s*{ELEMENTS}"
VARIABLE = re.compile(
    rf"{NAME}\s*{ELEMENT}\s+\w+\s*(?:=\s*)?{ELEMENTS}"
    rf"|(?:\bauto|{NAME}\s*{ELEMENT})\s+\w+\s*=\s*(?:\w+::)*{LIST}"
)
FOR = re.compile(r"\bfor\s*\(")


def header(text: str, begin: int) -> str:
    """What is between the parenthesis that ends before `begin` and its partner."""
    depth = 1
    for end in range(begin, len(text)):
        depth += {"(": 1, ")": -1}.get(text[end], 0)
        if depth == 0:
            return text[begin:end]
    return text[begin:]


def without_comments(text: str) -> str:
    return re.sub(r"//[^\n]*", "", text)


def dangling(text: str) -> list[int]:
    """The numbers of the lines where such a list begins."""
    text = without_comments(text)
    places = [match.start() for match in VARIABLE.finditer(text)]
    for match in FOR.finditer(text):
        inside = header(text, match.end())
        if re.search(LIST, inside):
            places.append(match.start())
    return sorted(text.count("\n", 0, place) + 1 for place in places)


# What must be found, and what must not.
BAD = [
    'for (auto [A, B] :\n     llvm::zip(As, ArrayRef<StringRef>{"x",\n "y"}))',
    'for (auto [I, A] : llvm::enumerate(ArrayRef<StringRef>{"x"})) {',
    "for (auto A : llvm::reverse(llvm::ArrayRef({X, Y})))",
    "ArrayRef<int64_t> Dims = {1, 2};",
    "const llvm::ArrayRef<std::pair<int, int>> Pairs{{1, 2}};",
    "auto Dims = ArrayRef<int64_t>{1, 2};",
]
GOOD = [
    'for (StringRef A : {"x", "y"})',
    "for (auto [A, B] : llvm::zip(As, Names))",
    "for (int64_t I : Op.getDims()) B.create<X>(ArrayRef<int64_t>{1, 0});",
    "void launch(llvm::ArrayRef<int64_t> Strides = {});",
    "return create<vector::TransposeOp>(Block, ArrayRef<int64_t>{1, 0});",
    "// ArrayRef<int64_t> Dims = {1, 2};",
]


def main() -> int:
    for text in BAD:
        assert dangling(text), text
    for text in GOOD:
        assert not dangling(text), text
    files = found = 0
    for folder in sys.argv[1:]:
        for path, _, names in sorted(os.walk(folder)):
            for name in sorted(names):
                if not name.endswith((".cpp", ".h")):
                    continue
                files += 1
                with open(os.path.join(path, name)) as source:
                    for line in dangling(source.read()):
                        found += 1
                        print(f"{source.name}:{line}: a list in braces ends before it is used")
    print(f"{files} files, {found} lists that are used too late")
    return 1 if found or not files else 0


if __name__ == "__main__":
    sys.exit(main())
