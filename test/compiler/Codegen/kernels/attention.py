# ===- attention.py - cases of rotary embeddings and attention -------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Rotary embeddings and both kinds of attention."""

import numpy as np
from kernels.module import MAX_LENGTH, TOLERANCE, offsets, tensor

INDEX = tensor(None, element="i32")
# Ragged batches as lengths of the sequences in a first and a second step.
STEPS = [
    ((1,), (1,)),
    ((0, 0), (0, 0)),
    ((63, 64, 65), (1, 1, 1)),
    ((130, 0, 1), (0, 7, 63)),
    ((0, 5), (70, 0)),
    ((64,), (64,)),
]
# On a GPU several cells share the keys of a single token, in segments of 128.
LONG_STEPS = [((255, 256, 513), (1, 1, 3))]
SLOTS = 8
# Caches in blocks: positions of a block, blocks of a sequence, and of all slots.
BLOCK = 64
COLUMNS = -(-MAX_LENGTH // BLOCK)
POOL = SLOTS * COLUMNS
# Lengths in a first step, first positions and lengths in a second, and how the sequences' blocks are chosen. "shared"
# ones begin behind the first sequence's blocks, as many as there are before their first position.
BLOCK_STEPS = [
    ((1,), (1,), (1,), "scattered"),
    ((63, 64, 65), (63, 64, 65), (1, 1, 1), "scattered"),
    ((130, 0, 1), (130, 0, 1), (0, 7, 63), "reversed"),
    ((128, 0, 0), (128, 128, 64), (3, 1, 70), "shared"),
    ((64, 0, 127), (64, 64, 127), (1, 1, 1), "shared"),
]
LONG_BLOCK_STEPS = [((255, 256, 513), (255, 256, 513), (1, 1, 3), "scattered"), ((512, 0, 0), (512, 512, 448), (1, 2, 1), "shared")]


def rotary(module):
    for h, d, dims in ((1, 2, 2), (3, 8, 8), (3, 20, 6), (2, 32, 16), (1, 33, 14)):
        for x, y in (("f32", "f32"), ("bf16", "f32"), ("f32", "bf16")):
            f = module.function("rotary", f"{h}x{d}", f"dims{dims}", x, y)
            operands = [f.argument(tensor(None, h, d, element=x)), f.argument(INDEX)]
            f.results(f.op("m1.rotary", operands, tensor(None, h, d, element=y), more=f"theta 1.0e7 dims {dims}"))
            for t in (1, 7, 9, 65):
                random = f.random(t)
                positions = random.integers(0, 100, t)
                positions[-1] = 10_000_000  # where an angle in f32 would be off by a radian
                f.case(t, [random.normal(t, h, d, element=x), positions], TOLERANCE[y])


def attention_elements(d):
    """Element types of operands and result: f32 for all widths, one or two combinations with bf16 for wider heads."""
    yield "f32", "f32"
    if 1 < d <= 32:
        yield "bf16", "f32"
    if d >= 32:
        yield "bf16", "bf16"


def attention(f, op, state_type, shapes, element, result, attributes, steps):
    """Two attention ops on one state: the second continues the sequences that the first began."""
    query, key, out = (tensor(None, *shape, element=e) for shape, e in ((shapes[0], element), (shapes[1], element), (shapes[0], result)))
    state, write_state = f.state(state_type)
    results = []
    for dim in ("T", "U"):
        operands = [f.argument(type_, dim) for type_ in (query, key, key)] + [state]
        operands += [f.argument(INDEX, d) for d in (dim, "B+1", "B")]
        row, state = f.op(op, operands, out, state_type, form=f"{{}}, {{}}, {{}}, {{}} at ({{}}, {{}}, {{}}) {attributes}")
        results.append(row)
    write_state(state)
    f.results(*results, dims=["T", "U"])
    for lengths in steps:
        name = "-then-".join("-".join(map(str, step)) for step in lengths)
        random = f.random(name)
        slots = random.generator.permutation(SLOTS)[: len(lengths[0])].astype(np.int32)
        given = []
        for step, starts in zip(lengths, ([0] * len(slots), lengths[0])):
            given += [random.normal(sum(step), *shape, element=element) for shape in shapes]
            positions = np.concatenate([np.arange(s, s + n) for s, n in zip(starts, step)]).astype(np.int32)
            given += [positions, offsets(step), slots]
        # bf16 rounds the state's copy for the matrix unit, or the softmax's rows, and the result.
        f.case(name, given, TOLERANCE["f32"] if element == result == "f32" else 2 * TOLERANCE["bf16"])


def steps_of(d):
    """All steps for narrow heads, some for wide ones, which are slow."""
    return STEPS if d <= 32 else STEPS[2:4]


def lightning_attention(module):
    shapes = [(1, 1, 64), (3, 8, 64), (1, 20, 64), (2, 32, 64), (1, 64, 64), (1, 96, 64), (1, 128, 64), (1, 256, 64)]
    # On a GPU, a chunk must fit in a thread block's shared memory.
    shapes += [(2, 8, 5), (1, 8, 1), (1, 7, 64 if module.gpu else 256)]
    for h, d, chunk in shapes:
        for element, result in attention_elements(d) if chunk == 64 else [("f32", "f32")]:
            slopes = ", ".join(["5.0e-01", "3.0e-02", "0.0"][:h])
            f = module.function("lightning_attention", f"{h}x{d}", f"chunk{chunk}", element, result)
            state = f"!m1.lightning_state<{h} x {d}, chunk = {chunk}, {element}>"
            attention(f, "m1.lightning_attention", state, [(h, d)] * 3, element, result, f"slopes [{slopes}]", steps_of(d))


def softmax_attention(module):
    # Among them more heads per key than a block has rows.
    for h, g, d in ((1, 1, 1), (3, 1, 8), (80, 1, 8), (6, 3, 20), (4, 2, 32), (2, 2, 7), (1, 1, 64), (2, 1, 96), (1, 1, 128), (1, 1, 256)):
        for element, result in attention_elements(d):
            f = module.function("softmax_attention", f"{h}x{g}x{d}", element, result)
            state, steps = f"!m1.kv_cache<{g} x {d}, {element}>", LONG_STEPS if d == 8 else steps_of(d)
            attention(f, "m1.softmax_attention", state, [(h, d), (g, d), (g, d)], element, result, "scale 0.7", steps)


def block_table(generator, lengths, starts, kind):
    """[B, COLUMNS]: the blocks of sequences that have `lengths` tokens in the end. Entries past the end, which nothing may use, are other sequences' blocks."""
    free = list(generator.permutation(POOL) if kind != "reversed" else range(POOL - 1, -1, -1))
    table = np.empty((len(lengths), COLUMNS), np.int32)
    for row, (length, start) in enumerate(zip(lengths, starts)):
        used, common = -(-length // BLOCK), start // BLOCK if kind == "shared" and row else 0
        table[row, :common] = table[0, :common]
        table[row, common:used] = [free.pop(0) for _ in range(used - common)]
    for row, length in enumerate(lengths):
        table[row, -(-length // BLOCK) :] = table[row - 1, 0] if -(-lengths[row - 1] // BLOCK) else free[0]
    return table


def softmax_blocks(module):
    """Softmax attention on a cache in blocks, in two steps. Sequences of the second step may have blocks of others from the first."""
    for h, g, d in ((1, 1, 1), (3, 1, 8), (6, 3, 20), (4, 2, 32), (2, 1, 96)):
        for element, result in attention_elements(d):
            f = module.function("softmax_blocks", f"{h}x{g}x{d}", element, result)
            query, key, out = (tensor(None, n, d, element=e) for n, e in ((h, element), (g, element), (h, result)))
            type_ = f"!m1.kv_cache<{g} x {d}, {element}, block = {BLOCK}>"
            state, write_state = f.state(type_)
            results = []
            for dim in ("T", "U"):
                operands = [f.argument(t, dim) for t in (query, key, key)] + [state]
                operands += [f.argument(INDEX, n) for n in (dim, "B+1", "B")] + [f.argument(tensor(None, COLUMNS, element="i32"), "B")]
                row, state = f.op("m1.softmax_attention", operands, out, type_, form="{}, {}, {}, {} at ({}, {}, {}) blocks {} scale 0.7")
                results.append(row)
            write_state(state)
            f.results(*results, dims=["T", "U"])
            for first, starts, second, kind in LONG_BLOCK_STEPS if d == 8 else BLOCK_STEPS if d <= 32 else BLOCK_STEPS[3:]:
                name = f"{'-'.join(map(str, first))}-then-{'-'.join(map(str, second))}-{kind}"
                random = f.random(name)
                slots = random.generator.permutation(SLOTS)[: len(first)].astype(np.int32)
                ends = [max(a, b + c if c else 0) for a, b, c in zip(first, starts, second)]
                table = block_table(random.generator, ends, starts, kind)
                given = []
                for step, begins in ((first, [0] * len(first)), (second, starts)):
                    given += [random.normal(sum(step), n, d, element=element) for n in (h, g, g)]
                    positions = np.concatenate([np.arange(s, s + n) for s, n in zip(begins, step)]).astype(np.int32)
                    given += [positions, offsets(step), slots, table]
                f.case(name, given, TOLERANCE["f32"] if element == result == "f32" else 2 * TOLERANCE["bf16"])


def split_qkv(module):
    """A lightning layer's projection: attention reads its parts of each row in place."""
    for h, d in ((1, 8), (3, 20)):
        f = module.function("split_qkv", f"{h}x{d}")
        heads, merged, state_type = tensor(None, h, d), tensor(None, h * d), f"!m1.lightning_state<{h} x {d}, chunk = 64, f32>"
        x, positions, cu_seqlens, slots = f.argument(tensor(None, 3 * h * d)), f.argument(INDEX), f.argument(INDEX, "B+1"), f.argument(INDEX, "B")
        weight = f.parameter(h * d)
        q, k, v = f.op("m1.split_qkv", [x], heads, heads, heads)
        state, write_state = f.state(state_type)
        form = f"{{}}, {{}}, {{}}, {{}} at ({{}}, {{}}, {{}}) slopes [{', '.join(['1.0e-01'] * h)}]"
        out, state = f.op("m1.lightning_attention", [q, k, v, state, positions, cu_seqlens, slots], heads, state_type, form=form)
        write_state(state)
        norm = f.op("m1.rms_norm", [f.op("m1.merge_heads", [out], merged), weight], merged, more="eps 1.0e-6")
        rotated = [f.op("m1.rotary", [value, positions], heads, more=f"theta 1.0e4 dims {d}") for value in (q, out)]
        f.results(norm, *rotated)
        for lengths in ((1,), (65, 0, 7), (130,)):
            name = "-".join(map(str, lengths))
            positions = np.concatenate([np.arange(n) for n in lengths]).astype(np.int32)
            slots = np.arange(len(lengths), dtype=np.int32)[::-1]
            f.case(name, [f.random(name).normal(sum(lengths), 3 * h * d), positions, offsets(lengths), slots], TOLERANCE["f32"])
