# ===- collectives.py - exchanges of ranks against NumPy --------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Compiles m1.all_gather and m1.tree_sum and runs them on ranks that are threads.

usage: collectives.py cpu|ptx DIRECTORY
"""

import os
import subprocess
import sys

import numpy as np

MOST_ROWS = 37

# (name, mesh, axis, element type, partial sums, rank's columns, columns of the result, bytes to save an exchange)
# "never" sums all rows on every rank, "always" distributes rows, a number of bytes switches between the two.
CASES = [
    ("gather", "tensor = 2", "tensor", "f32", 0, 3, 6, 1),
    ("gather_cut", "tensor = 3", "tensor", "f32", 0, 5, 11, 1),
    ("gather_none_of_last", "tensor = 4", "tensor", "f32", 0, 4, 6, 1),
    ("gather_one_column", "tensor = 8", "tensor", "f32", 0, 1, 8, 1),
    ("gather_bf16", "tensor = 2", "tensor", "bf16", 0, 33, 66, 1),
    ("gather_wide", "tensor = 3", "tensor", "f32", 0, 1500, 4100, 1),
    ("gather_outer", "tensor = 2, expert = 3", "tensor", "f32", 0, 4, 8, 1),
    ("gather_inner", "tensor = 2, expert = 3", "expert", "f32", 0, 4, 12, 1),
    ("sum2", "tensor = 2", "tensor", "f32", 1, 8, 8, "always"),
    ("sum3", "tensor = 3", "tensor", "f32", 1, 5, 5, "always"),
    ("sum3_gathered", "tensor = 3", "tensor", "f32", 1, 5, 5, "never"),
    ("sum3_switch", "tensor = 3", "tensor", "f32", 1, 5, 5, 200),
    ("sum2_partials", "tensor = 2", "tensor", "f32", 3, 7, 7, "always"),
    ("sum4_partials", "tensor = 4", "tensor", "f32", 3, 64, 64, 8000),
    ("sum8", "tensor = 8", "tensor", "f32", 1, 1, 1, "always"),
    ("sum4_wide", "tensor = 4", "tensor", "f32", 1, 1030, 1030, "always"),
    ("sum_inner", "tensor = 2, expert = 3", "expert", "f32", 1, 6, 6, "always"),
]
ROWS = [0, 1, 2, 3, 7, 8, MOST_ROWS]


def module(mesh, axis, element, partials, columns, result):
    width = columns * max(partials, 1)
    if partials:
        op = f'm1.tree_sum %x over "{axis}" partials {partials}'
    else:
        op = f'm1.all_gather %x over "{axis}"'
    # Both of an argument and of a value that is computed, returned and used.
    head = f"(tensor<?x{width}x{element}>) -> tensor<?x{result}x{element}>"
    double = f"tensor<?x{width}x{element}>"
    sums = f"tensor<?x{result}x{element}>"
    lines = [
        f"module attributes {{m1.mesh = #m1.mesh<{mesh}>}} {{",
        f"  func.func @exchange(%x: {double} {{m1.name = \"x\"}})",
        f'      -> ({sums} {{m1.name = "direct"}}, {sums} {{m1.name = "computed"}}) {{',
        f"    %0 = {op} : {head}",
        f"    %1 = m1.scale %x by 2.0 : ({double}) -> {double}",
        f"    %2 = {op.replace('%x', '%1')} : {head}",
        f"    %3 = m1.scale %2 by 2.0 : ({sums}) -> {sums}",
        f"    return %0, %3 : {sums}, {sums}",
        "  }",
        "}",
    ]
    return "\n".join(lines) + "\n"


def tree(terms):
    while len(terms) > 1:
        pairs = [terms[i] + terms[i + 1] for i in range(0, len(terms) - 1, 2)]
        terms = pairs + terms[len(pairs) * 2 :]
    return terms[0]


def ranks_of(mesh):
    """The coordinates of each rank, by axis."""
    axes = [(name.strip(), int(extent)) for name, extent in (a.split("=") for a in mesh.split(","))]
    extents = [extent for _, extent in axes]
    return [
        {name: int(c) for (name, _), c in zip(axes, np.unravel_index(rank, extents))}
        for rank in range(int(np.prod(extents)))
    ]


def expected(inputs, ranks, rank, axis, partials, result):
    """What `rank` gets of the inputs of all ranks."""
    group = [
        inputs[other]
        for other, place in enumerate(ranks)
        if all(place[name] == ranks[rank][name] for name in place if name != axis)
    ]
    if not partials:
        return np.concatenate(group, axis=1)[:, :result]
    terms = [x[:, m * result : (m + 1) * result] for x in group for m in range(partials)]
    return tree(terms)


def numbers(rng, rows, width, element):
    """Numbers whose sum depends on the order, and negative zeros."""
    x = (rng.standard_normal((rows, width)) * 10.0 ** rng.integers(-3, 4, (rows, width))).astype(np.float32)
    x[rng.random((rows, width)) < 0.2] = -0.0
    x[:, :1] = -0.0  # in all ranks
    if element == "bf16":
        x = (x.view(np.uint32) & 0xFFFF0000).view(np.float32)
    return x


def run_case(device, directory, name, mesh, axis, element, partials, columns, result, gather_bytes):
    base = os.path.join(directory, name)
    os.makedirs(base, exist_ok=True)
    with open(base + ".mlir", "w") as file:
        file.write(module(mesh, axis, element, partials, columns, result))
    gather_bytes = {"always": 1, "never": 1 << 60}.get(gather_bytes, gather_bytes)
    target = ["--target", "cuda:sm_80"] if device == "ptx" else []
    subprocess.run(
        ["m1c", base + ".mlir", "-o", base + ".m1plan", "--max-tokens", str(MOST_ROWS)]
        + ["--gather-bytes", str(gather_bytes)]
        + target,
        check=True,
    )
    ranks = ranks_of(mesh)
    rng = np.random.default_rng(len(name))
    failures = 0
    for rows in ROWS:
        inputs = [numbers(rng, rows, columns * max(partials, 1), element) for _ in ranks]
        given, results = os.path.join(base, f"in{rows}"), os.path.join(base, f"out{rows}")
        os.makedirs(given, exist_ok=True)
        os.makedirs(results, exist_ok=True)
        for rank, x in enumerate(inputs):
            np.save(os.path.join(given, f"x.{rank}.npy"), x)
        subprocess.run(
            ["m1-rank-threads", "call", base + ".m1plan", "none", device, "exchange", given, results],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        for rank in range(len(ranks)):
            direct = expected(inputs, ranks, rank, axis, partials, result)
            wanted = {"direct": direct, "computed": 4 * direct}
            if partials:  # rounded differently only where it overflows or underflows
                wanted["computed"] = 2 * expected([2 * x for x in inputs], ranks, rank, axis, partials, result)
            for output, values in wanted.items():
                found = np.load(os.path.join(results, f"{output}.{rank}.npy"))
                if found.shape != values.shape or found.tobytes() != values.astype(np.float32).tobytes():
                    print(f"{name}: rank {rank}, {rows} rows: {output} differs\n{found}\n{values}")
                    failures += 1
    return failures


def main():
    device, directory = sys.argv[1:]
    failures = sum(run_case(device, directory, *case) for case in CASES)
    print(f"{len(CASES)} cases, {failures} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
