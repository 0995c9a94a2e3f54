# ===- embed_docs.py - op documentation as a C++ table ---------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""embed_docs.py OUT.inc OPS.md...

Writes the sections of OPS.md, the output of `mlir-tblgen -gen-op-doc`, as initialisers
{"dialect.op", "documentation"}, without their headings.
"""

import re
import sys

out, *files = sys.argv[1:]
with open(out, "w", encoding="utf-8") as table:
    for name in files:
        with open(name, encoding="utf-8") as file:
            sections = re.split(r"^### `(.*?)`.*\n", file.read(), flags=re.MULTILINE)[1:]
        for op, text in zip(sections[::2], sections[1::2]):
            assert ')doc"' not in text, f"{op}: the documentation ends the C++ literal"
            table.write(f'{{"{op}", R"doc({text.strip()})doc"}},\n')
