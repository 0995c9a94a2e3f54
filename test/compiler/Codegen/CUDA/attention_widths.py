# ===- attention_widths.py - attention of many widths ----------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""attention_widths.py WIDTH...: prints an m1 module with both kinds of attention for each head width, in bf16."""

import sys

BATCH = '%p: tensor<?xi32>, %c: tensor<?xi32> {m1.dim = "B+1"}, %s: tensor<?xi32> {m1.dim = "B"}'
BATCH_TYPES = "tensor<?xi32>, tensor<?xi32>, tensor<?xi32>"
for d in map(int, sys.argv[1:]):
    q, k = f"tensor<?x4x{d}xbf16>", f"tensor<?x2x{d}xbf16>"
    for op, state, kv, attributes in (
        ("lightning_attention", f"!m1.lightning_state<4 x {d}, chunk = 64, bf16>", q, "slopes [0.5, 0.25, 0.125, 0.0625]"),
        ("softmax_attention", f"!m1.kv_cache<2 x {d}, bf16>", k, "scale 0.5"),
    ):
        name = f"{op}_{d}"
        print(f"m1.state @state_{name} : {state}")
        print(f"func.func @{name}(%q: {q}, %k: {kv}, %v: {kv}, {BATCH}) -> {q} {{")
        print(f"  %0 = m1.read_state @state_{name} : {state}")
        print(f"  %o, %1 = m1.{op} %q, %k, %v, %0 at (%p, %c, %s) {attributes}")
        print(f"    : ({q}, {kv}, {kv}, {state}, {BATCH_TYPES}) -> ({q}, {state})")
        print(f"  m1.write_state %1, @state_{name} : {state}")
        print(f"  return %o : {q}\n}}")
