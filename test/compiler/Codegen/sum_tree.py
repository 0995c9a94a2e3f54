# ===- sum_tree.py - the bits of sums with leaves --------------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""sum_tree.py WORK_DIR UNIT

Compares the bits of products that have leaves with sums in numpy: chains over equal
parts of the inner axis, joined by the tree. Operands have few enough significant bits
that a product is exact in float32, so each step of a chain is one rounding. Then does
what ranks do: a rank has a part of the inner axis and computes partial sums, and the
tree over those of all ranks has the bits of the whole. Likewise for norms with groups
and for experts. Prints the number of comparisons.
"""

import os
import sys

sys.dont_write_bytecode = True
import numpy as np
from kernels.module import Module, e2e, tensor  # noqa: I001 (it finds kernel_results)
from kernel_results import call, write_arguments

# The inner axis, the leaves, and the numbers of ranks that can share them.
SUMS = ((11, 1, ()), (96, 3, (3,)), (35, 5, ()), (84, 12, (2,)), (160, 16, (4,)), (512, 16, ()))
ROWS = (1, 2, 3, 6, 65)
N = 33


def tree(numbers):
    """Neighbours are added, level by level; an odd last one moves up unchanged."""
    while len(numbers) > 1:
        pairs = [a + b for a, b in zip(numbers[::2], numbers[1::2])]
        numbers = pairs + numbers[2 * len(pairs) :]
    return numbers[0]


def product(x, w, leaves):
    """x wᵀ in float32."""
    assert x.dtype == w.dtype == np.float32
    length = x.shape[1] // leaves
    chains = []
    for leaf in range(leaves):
        chain = np.zeros((len(x), len(w)), np.float32)
        for k in range(leaf * length, (leaf + 1) * length):
            chain = chain + x[:, k, None] * w[None, :, k]
        chains.append(chain)
    return tree(chains)


def partials_of(leaves):
    """How many partial sums a rank with that many leaves has: as few as are subtrees."""
    return leaves // (leaves & -leaves)


def columns(array, rank, ranks, axis=-1):
    """A rank's part of an axis."""
    return np.ascontiguousarray(np.split(array, ranks, axis)[rank])


class Caller:
    """Calls functions of a module on arrays."""

    def __init__(self, work, unit):
        self.work, self.module, self.unit = work, Module(unit), unit
        self.count = 0

    def build(self):
        target, runner = e2e.UNITS[self.unit]
        self.module.build(self.work, *target)
        self.command = (*runner[:1], "call", self.module.plan, *runner[1:], *self.module.weights)

    def __call__(self, function, *arrays):
        (result,) = call(self.command, function.name, write_arguments(arrays, self.work), os.path.join(self.work, "out")).values()
        return result

    def compare(self, what, found, wanted):
        self.count += 1
        assert np.any(wanted), f"{what}: only zeros"
        assert found.tobytes() == wanted.tobytes(), f"{what}: {np.sum(found != wanted)} of {wanted.size} elements differ"


def linear(module, name, types, weight, leaves, partials):
    x, w = types
    f, (n, k) = module.function(*name, x, w), weight.shape
    operands = [f.argument(tensor(None, k, element=x)), f.parameter(n, k, element=w, values=weight)]
    f.results(f.op("m1.linear", operands, tensor(None, partials * n), more=f"leaves {leaves} partials {partials}"))
    return f


def products(run, types):
    """Functions of products; returns what compares them."""
    cases, ordered = [], 0
    for (k, leaves, worlds), both in ((s, t) for s in SUMS for t in types):
        random = np.random.default_rng(leaves)
        weight = np.rint(32 * random.normal(size=(N, k))).astype(np.float32)
        whole = linear(run.module, ("whole", k, leaves), both, weight, leaves, 1)
        shares = []
        for ranks in worlds if both == types[0] else ():
            own = leaves // ranks
            parts = [columns(weight, rank, ranks) for rank in range(ranks)]
            shares.append([linear(run.module, ("part", r, "of", ranks, k, leaves), both, part, own, partials_of(own)) for r, part in enumerate(parts)])
        # Numbers of very different size, so that the order of additions shows.
        x = np.rint(8 * random.normal(size=(max(ROWS), k))).astype(np.float32)
        x *= np.exp2(random.integers(-9, 9, size=x.shape)).astype(np.float32)
        wanted = product(x, weight, leaves)
        ordered += leaves > 1 and np.any(wanted != product(x, weight, 1))
        cases.append((whole, shares, leaves, x, wanted))
    assert ordered == len(types) * (len(SUMS) - 1), "the order of additions changes no bit"

    def compare():
        for whole, shares, leaves, x, wanted in cases:
            for rows in ROWS:
                run.compare(f"{whole.name}, {rows} rows", run(whole, x[:rows]), wanted[:rows])
            for parts in shares:
                ranks = len(parts)
                sums = [s for r, f in enumerate(parts) for s in np.split(run(f, columns(x[:3], r, ranks)), partials_of(leaves // ranks), axis=1)]
                run.compare(f"{whole.name} on {ranks} ranks", tree(sums), wanted[:3])

    return compare


def norms(run):
    """A norm of twelve groups, and its halves on ranks."""
    width, groups, worlds = 12 * 20, 12, (2, 3)
    random = np.random.default_rng(12)
    weight, x = random.normal(size=width).astype(np.float32), random.normal(size=(9, width)).astype(np.float32)
    f = run.module.function("norm")
    f.results(f.op("m1.rms_norm", [f.argument(tensor(None, width)), f.parameter(width, values=weight)], tensor(None, width), more=f"eps 1.0e-6 groups {groups}"))
    shares = []
    for ranks in worlds:
        columns_of, own = width // ranks, groups // ranks
        first = run.module.function("squares", ranks)
        first.results(first.op("m1.squares", [first.argument(tensor(None, columns_of))], tensor(None, own)))
        second = []
        for rank in range(ranks):
            g = run.module.function("normalize", rank, "of", ranks)
            operands = [g.argument(tensor(None, columns_of)), g.parameter(columns_of, values=columns(weight, rank, ranks)), g.argument(tensor(None, groups))]
            g.results(g.op("m1.normalize", operands, tensor(None, columns_of), more=f"groups {own} eps 1.0e-6"))
            second.append(g)
        shares.append((ranks, first, second))

    def compare():
        wanted = run(f, x)
        for ranks, first, second in shares:
            squares = np.concatenate([run(first, columns(x, r, ranks)) for r in range(ranks)], axis=1)
            found = np.concatenate([run(g, columns(x, r, ranks), squares) for r, g in enumerate(second)], axis=1)
            run.compare(f"a norm on {ranks} ranks", found, wanted)

    return compare


def experts(run, element):
    """Experts whose inner axis has twelve leaves, and their halves on ranks."""
    d, width, count, choices, leaves, tokens = 20, 12 * 32, 3, 2, 12, 9
    random = np.random.default_rng(7)
    x, w1, w3, w2 = (np.rint(8 * random.normal(size=s)).astype(np.float32) / 16 for s in ((tokens, d), (count, width, d), (count, width, d), (count, d, width)))
    chosen = np.array([random.permutation(count)[:choices] for _ in range(tokens)], np.int32)
    weights = random.random((tokens, choices)).astype(np.float32)

    def operands(f, rank, ranks):
        given = [f.argument(tensor(None, d, element=element)), f.argument(tensor(None, choices, element="i32"))]
        return given, [f.parameter(*w.shape, element=element, values=w) for w in (columns(w1, rank, ranks, 1), columns(w3, rank, ranks, 1), columns(w2, rank, ranks, 2))]

    f = run.module.function("experts", element)
    given, parameters = operands(f, 0, 1)
    f.results(f.op("m1.experts", [*given, f.argument(tensor(None, choices)), *parameters], tensor(None, d), more=f"leaves {leaves}"))
    combine = run.module.function("combine", element)
    combine.results(combine.op("m1.combine_experts", [combine.argument(tensor(None, choices * d)), combine.argument(tensor(None, choices))], tensor(None, d)))
    shares = []
    for ranks in (1, 2):
        own = leaves // ranks
        partials = 1 if ranks == 1 else partials_of(own)
        parts = []
        for rank in range(ranks):
            g = run.module.function("expert_products", rank, "of", ranks, element)
            given, parameters = operands(g, rank, ranks)
            g.results(g.op("m1.expert_products", [*given, *parameters], tensor(None, choices * partials * d), more=f"leaves {own} partials {partials}"))
            parts.append(g)
        shares.append((ranks, partials, parts))

    def compare():
        wanted = run(f, x, chosen, weights)
        for ranks, partials, parts in shares:
            sums = [run(g, x, chosen).reshape(tokens * choices, partials, d)[:, m] for g in parts for m in range(partials)]
            run.compare(f"experts on {ranks} ranks", run(combine, tree(sums).reshape(tokens, choices * d), weights), wanted)

    return compare


def main():
    run = Caller(*sys.argv[1:])
    # Matrix units add in an order of their own.
    types = (("f32", "f32"),) if run.module.gpu else (("f32", "f32"), ("f32", "bf16"))
    comparisons = products(run, types), norms(run), experts(run, "bf16")
    run.build()
    for compare in comparisons:
        compare()
    print(f"{run.count} comparisons agree")


main()
