# ===- exec.py - compiled kernels against the reference interpreter ---------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Compiled kernels against the reference interpreter.

Writes small functions of m1 operations in the shapes where kernels go wrong
(single rows and columns, one row more or less than a block, odd widths, empty
sequences, experts that nobody chose), compiles them to one plan, and compares
`m1run call` with `m1-interpret` on the same random inputs and weights. Plans for
GPUs run on the emulated one; for CPUs with AMX the shapes are those where tiles
go wrong.

The interpreter rounds nothing, so the difference, relative in norm, is the
compiled code's own rounding: up to 1e-5 where everything is f32, 1e-15 where it
is f64, and 2e-3 where values are rounded to bf16, twice that where there are too
few to average over.
Prints the number of cases.
"""

import argparse
import os
import shutil
import sys

import numpy as np

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "e2e"))
import e2e  # noqa: E402
from e2e import make_checkpoint  # noqa: E402

DTYPES = {"f32": "float32", "bf16": "bfloat16", "f16": "float16", "f64": "float64"}
# Of a result of many elements, each rounded once; one alone may be off by twice
# as much.
TOLERANCE = {"f32": 1e-5, "bf16": 2e-3, "f16": 3e-4, "f64": 1e-15}
FEW = 256
ROWS = (1, 5, 6, 7, 63, 64, 65, 200)
# An AMX tile has 16 rows.
TILE_ROWS = (1, 15, 16, 17, 31, 32, 33, 64, 65, 200)


def tensor(*shape, element="f32"):
    return "tensor<" + "".join("?x" if n is None else f"{n}x" for n in shape) + element + ">"


class Module:
    """Functions with their parameters and states, and the calls to compare."""

    def __init__(self, options, seed):
        self.options = options
        self.gpu = options.target != "cpu"
        self.tiles = (options.target_cpu or "").endswith("+amx")
        self.rows = TILE_ROWS if self.tiles else ROWS
        self.random = np.random.Generator(np.random.PCG64(seed))
        self.text, self.weights, self.calls, self.functions = [], [], [], 0

    def normal(self, *shape, element="f32", scale=1.0):
        """Random numbers that the element type holds exactly."""
        if element == "f64":
            return scale * self.random.standard_normal(shape)
        values = (scale * self.random.standard_normal(shape)).astype(np.float32)
        data = make_checkpoint.encode(values, DTYPES[element])
        if element == "bf16":
            return (np.frombuffer(data, "<u2").astype(np.uint32) << 16).view(np.float32).reshape(shape)
        return np.frombuffer(data, "<f4" if element == "f32" else "<f2").astype(np.float32).reshape(shape)

    def parameter(self, *shape, element="f32", scale=1.0, values=None):
        """Declares a parameter with a tensor of its own; its name."""
        name = f"w{len(self.weights)}"
        if values is None:
            values = self.normal(*shape, element=element, scale=scale)
        self.weights.append(make_checkpoint.Tensor(name, shape, DTYPES[element], 0.0, values=values))
        self.text.append(f'm1.parameter @{name} : {tensor(*shape, element=element)} from [#m1.source<"{name}">]')
        return name

    def load(self, name):
        """The text that loads a parameter as %name."""
        weight = next(w for w in self.weights if w.name == name)
        element = next(e for e, d in DTYPES.items() if d == weight.dtype)
        return f"  %{name} = m1.load_parameter @{name} : {tensor(*weight.shape, element=element)}\n"

    def state(self, kind):
        name = f"s{self.functions}"
        self.text.append(f"m1.state @{name} : {kind}")
        return name

    def function(self, arguments, results, body):
        """`arguments` and `results` are (type, m1.dim or None); the body returns. Its name."""
        name = f"f{self.functions}"
        self.functions += 1

        def typed(type_, dim):
            return type_ + (f' {{m1.dim = "{dim}"}}' if dim else "")

        given = ", ".join(f"%a{i}: {typed(*a)}" for i, a in enumerate(arguments))
        self.text.append(f"func.func @{name}({given}) -> ({', '.join(typed(*r) for r in results)}) {{\n{body}}}")
        return name

    def call(self, name, arguments, tolerance):
        self.calls.append((name, arguments, tolerance))

    def build(self):
        """Writes module and weights into the work directory, which is made anew, and compiles them."""
        work = e2e.fresh(self.options.work)
        weights = e2e.fresh(os.path.join(work, "weights"))
        self.path, self.plan = os.path.join(work, "module.mlir"), os.path.join(work, "module.m1plan")
        with open(self.path, "w") as file:
            file.write("\n".join(self.text) + "\n")
        make_checkpoint.write_shard(os.path.join(weights, "model.safetensors"), self.weights, 0)
        self.given = ("--weights", weights) if self.weights else ()
        cpu = ("--target-cpu", self.options.target_cpu) if self.options.target_cpu else ()
        e2e.run("m1c", self.path, "-o", self.plan, f"--max-length={LENGTH}", f"--max-tokens={2 * LENGTH}", "--target", self.options.target, *cpu)

    def expected(self, number, work):
        """What the interpreter computes for a call."""
        name, arguments, _ = self.calls[number]
        return results(("m1-interpret", self.path, *self.given), name, arguments, work)

    def compare(self):
        """Compiles, runs the calls with both tools and compares; prints how many."""
        self.build()
        numbers = range(0, len(self.calls), self.options.every)
        command = (self.options.runner, "call", self.plan, "--device", "ptx" if self.gpu else "cpu", *self.given)
        failures = 0
        for number in numbers:
            name, arguments, tolerance = self.calls[number]
            try:
                found = results(command, name, arguments, self.options.work)
                expected = self.expected(number, self.options.work)
                problem = difference(found, expected, tolerance)[2]
            except e2e.ToolError as error:
                problem = str(error)
            if problem:
                failures += 1
                print(f"call {number} of {name} on {[list(np.shape(a)) for a in arguments]}", problem, sep="\n  ")
        print(f"{len(numbers)} cases compared, {failures} differ")
        sys.exit(failures > 0)


def results(command, name, arguments, work):
    """What a tool computes of a function: arrays by the results' names. `work` holds its files meanwhile."""
    paths, out = [], e2e.fresh(os.path.join(work, "results"))
    for i, argument in enumerate(arguments):
        paths += ["--arg", os.path.join(work, f"argument{i}.npy")]
        np.save(paths[-1], argument)
    e2e.run(*command, "--entry", name, *paths, "--out-dir", out)
    arrays = {os.path.splitext(file)[0]: np.load(os.path.join(out, file)) for file in sorted(os.listdir(out))}
    shutil.rmtree(out)
    return arrays


def difference(found, expected, tolerance):
    """The results of a call that come nearest to what is allowed, or beyond it: their error, what is allowed, and the
    problem or None. The error of integers is how many differ, of others relative in norm."""
    if found.keys() != expected.keys():
        return np.inf, 0, f"results {', '.join(found)}, expected {', '.join(expected)}"
    each = []
    for name in expected:
        error, allowed, problem = distance(found[name], expected[name], tolerance)
        each.append((problem is not None, error / allowed if allowed else error, error, allowed, problem and f"{name}: {problem}"))
    return max(each, key=lambda e: e[:2])[2:]


def distance(found, expected, tolerance):
    """Of one result, as above."""
    if found.shape != expected.shape:
        return np.inf, 0, f"shape {found.shape}, expected {expected.shape}"
    if found.dtype.kind == "V":
        return np.inf, 0, f"element type {found.dtype}"
    if found.dtype.kind == "i":
        wrong = np.argwhere(found != expected)
        return len(wrong), 0, f"{len(wrong)} of {found.size} differ, the first at {wrong[0]}" if len(wrong) else None
    if found.size < FEW and tolerance > TOLERANCE["f32"]:
        tolerance *= 2
    expected = expected.astype(np.float64)
    error, norm = np.linalg.norm(found - expected), np.linalg.norm(expected)
    relative = error / max(norm, 1e-300)
    # not >, so that a NaN fails
    return relative, tolerance, None if error <= tolerance * norm else f"relative error {relative:.1e}, expected at most {tolerance:.1e}"


# ===----------------------------------------------------------------------===//
# Rows
# ===----------------------------------------------------------------------===//


def unary(module, op, x_type, result_type, weights=(), more=""):
    """A function of one op on x and parameters."""
    loads = "".join(module.load(w) for w in weights)
    types = [x_type] + [line.rsplit(" : ", 1)[1] for line in loads.splitlines()]
    operands = ", ".join(["%a0"] + [f"%{w}" for w in weights])
    body = f"{loads}  %r = {op} {operands}{more} : ({', '.join(types)}) -> {result_type}\n  return %r : {result_type}\n"
    return module.function([(x_type, None)], [(result_type, None)], body)


def linear(module):
    elements = [("f32", "f32", "f32"), ("bf16", "bf16", "f32"), ("bf16", "bf16", "bf16"), ("f32", "bf16", "f32"), ("f16", "f16", "f16"), ("f16", "f32", "f32")]
    shapes = [(1, 1), (7, 1), (1, 7), (33, 60), (60, 33), (97, 97), (128, 32), (64, 161)]
    every = ((33, 60), (97, 97))
    if module.tiles:
        shapes, every = [(32, 1), (32, 16), (64, 33), (96, 160), (33, 60), (256, 17)], ((96, 160), (33, 60))
    for k, n in shapes:
        for x, w, y in elements if (k, n) in every else elements[1 if module.tiles else 0 : 2]:
            name = module.parameter(n, k, element=w)
            function = unary(module, "m1.linear", tensor(None, k, element=x), tensor(None, n, element=y), [name])
            for t in (0, *module.rows) if y == "f32" else (1, 65):
                module.call(function, [module.normal(t, k, element=x)], TOLERANCE[y])


def linear_fused(module):
    """Elementwise ops at the end of a product, with operands on either side and of one column."""
    for n in (1, 33, 64):
        w, v, c = module.parameter(n, 20), module.parameter(n, 20), module.parameter(1, 20)
        rows, half = tensor(None, n), tensor(None, n, element="bf16")
        x = tensor(None, 20)
        product = f"m1.linear %a0, %{{}} : ({x}, {tensor(n, 20)}) -> {rows}\n"
        body = module.load(w) + module.load(v) + module.load(c)
        body += f"  %p = {product.format(w)}  %q = {product.format(v)}"
        body += f"  %c = m1.linear %a0, %{c} : ({x}, {tensor(1, 20)}) -> {tensor(None, 1)}\n"
        body += f"  %gated = m1.silu_mul %p, %q : ({rows}, {rows}) -> {rows}\n"
        body += f"  %mixed = m1.shared_mix %a1, %gated, %c : ({rows}, {rows}, {tensor(None, 1)}) -> {rows}\n"
        body += f"  %sum = m1.residual %a1, %mixed alpha 3.5565588200778455 beta -0.25 : ({rows}, {rows}) -> {rows}\n"
        body += f"  %again = m1.linear %a0, %{v} : ({x}, {tensor(n, 20)}) -> {rows}\n"
        body += f"  %second = m1.sigmoid_gate %sum, %again : ({rows}, {rows}) -> {half}\n"
        body += f"  return %sum, %second : {rows}, {half}\n"
        function = module.function([(x, None), (rows, None)], [(rows, None), (half, None)], body)
        for t in ROWS:
            module.call(function, [module.normal(t, 20), module.normal(t, n)], TOLERANCE["bf16"])


def doubles(module):
    """Where f64 is known: moved, cast, and in products of its own."""
    w = module.parameter(33, 20, element="f64")
    x, heads = tensor(None, 20, element="f64"), tensor(None, 4, 5, element="f64")
    for y in ("f64", "f32"):
        module.call(unary(module, "m1.linear", x, tensor(None, 33, element=y), [w]), [module.normal(70, 20, element="f64")], TOLERANCE[y])
        body = f"  %r = m1.cast %a0 : {x} to {tensor(None, 20, element=y)}\n  return %r : {tensor(None, 20, element=y)}\n"
        if y == "f32":
            module.call(module.function([(x, None)], [(tensor(None, 20), None)], body), [module.normal(9, 20, element="f64")], TOLERANCE[y])
        function = unary(module, "m1.embedding", "tensor<?xi32>", tensor(None, 20, element=y), [w])
        module.call(function, [np.arange(33, dtype=np.int32)], 0 if y == "f64" else TOLERANCE[y])
    for narrow in ("f32", "bf16", "f16"):
        given = tensor(None, 20, element=narrow)
        body = f"  %r = m1.cast %a0 : {given} to {x}\n  return %r : {x}\n"
        module.call(module.function([(given, None)], [(x, None)], body), [module.normal(9, 20, element=narrow)], 0)
    body = f"  %h = m1.split_heads %a0 : ({x}) -> {heads}\n  %m = m1.merge_heads %h : ({heads}) -> {x}\n"
    body += f"  %r = m1.select_last %m, %a1 : ({x}, tensor<?xi32>) -> {x}\n  return %r : {x}\n"
    function = module.function([(x, None), ("tensor<?xi32>", "B+1")], [(x, "B")], body)
    module.call(function, [module.normal(9, 20, element="f64"), np.array([0, 4, 4, 9], np.int32)], 0)


def rms_norm(module):
    for n in (1, 7, 8, 33, 60, 97, 256, 1024, 1152):
        for x, w, y in [("f32", "f32", "f32"), ("f32", "bf16", "f32"), ("bf16", "bf16", "bf16")]:
            name = module.parameter(n, element=w)
            function = unary(module, "m1.rms_norm", tensor(None, n, element=x), tensor(None, n, element=y), [name], " eps 0.01")
            for t in ROWS if y == "f32" else (1, 9):
                module.call(function, [module.normal(t, n, element=x)], TOLERANCE[y])


def elementwise(module):
    for n in (1, 7, 60, 97):
        for x, y in [("f32", "f32"), ("bf16", "f32"), ("f32", "bf16"), ("f16", "bf16"), ("f32", "f16")]:
            rows, result = tensor(None, n, element=x), tensor(None, n, element=y)
            for op in ("silu", "silu_mul", "sigmoid_gate", "residual", "shared_mix", "cast"):
                count = {"silu": 1, "cast": 1, "shared_mix": 3}.get(op, 2)
                types = [rows] * count
                if op == "shared_mix":
                    types[2] = tensor(None, 1, element=x)
                operands = ", ".join(f"%a{i}" for i in range(count))
                more = " alpha 2.5 beta -0.75" if op == "residual" else ""
                arrow = f"{rows} to {result}" if op == "cast" else f"({', '.join(types)}) -> {result}"
                if op == "cast" and x == y:
                    continue
                body = f"  %r = m1.{op} {operands}{more} : {arrow}\n  return %r : {result}\n"
                function = module.function([(type_, None) for type_ in types], [(result, None)], body)
                for t in (1, 7, 9) if (x, y) == ("f32", "f32") else (7,):
                    widths = [n, n, 1] if op == "shared_mix" else [n] * count
                    # Wide enough that exponentials reach both ends of their range.
                    arguments = [module.normal(t, width, element=x, scale=8) for width in widths]
                    module.call(function, arguments, TOLERANCE[y])


def embedding(module):
    for v, d in ((1, 1), (7, 33), (97, 60)):
        for w, y in (("f32", "f32"), ("bf16", "f32"), ("bf16", "bf16"), ("f32", "bf16")):
            table = module.parameter(v, d, element=w)
            function = unary(module, "m1.embedding", "tensor<?xi32>", tensor(None, d, element=y), [table])
            for t in (1, 7, 8, 9, 65):
                tokens = module.random.integers(0, v, t).astype(np.int32)
                tokens[[0, -1]] = 0, v - 1
                module.call(function, [tokens], TOLERANCE[y])


def select_last(module):
    for n in (1, 7, 60):
        for element in ("f32", "bf16"):
            x, last = tensor(None, n, element=element), tensor(None, n, element=element)
            body = f"  %r = m1.select_last %a0, %a1 : ({x}, tensor<?xi32>) -> {last}\n  return %r : {last}\n"
            function = module.function([(x, None), ("tensor<?xi32>", "B+1")], [(last, "B")], body)
            for lengths in ((1,), (3, 0, 64, 1), (0,), (0, 0, 5), (65, 0)):
                cu = np.cumsum((0, *lengths)).astype(np.int32)
                module.call(function, [module.normal(cu[-1], n, element=element), cu], 1e-12)


# ===----------------------------------------------------------------------===//
# Attention
# ===----------------------------------------------------------------------===//


def rotary(module):
    for h, d, dims in ((1, 2, 2), (3, 8, 8), (3, 20, 6), (2, 32, 16), (1, 33, 14)):
        for x, y in (("f32", "f32"), ("bf16", "f32"), ("f32", "bf16")):
            heads, result = tensor(None, h, d, element=x), tensor(None, h, d, element=y)
            body = f"  %r = m1.rotary %a0, %a1 theta 1.0e7 dims {dims} : ({heads}, tensor<?xi32>) -> {result}\n  return %r : {result}\n"
            function = module.function([(heads, None), ("tensor<?xi32>", None)], [(result, None)], body)
            for t in (1, 7, 9, 65):
                positions = module.random.integers(0, 100, t).astype(np.int32)
                positions[-1] = 10_000_000  # where an angle in f32 would be off by a radian
                module.call(function, [module.normal(t, h, d, element=x), positions], TOLERANCE[y])


# Ragged batches as lengths of sequences in a first and a second step.
LENGTH = 520  # positions of a sequence
STEPS = [
    ((1,), (1,)),
    ((0, 0), (0, 0)),
    ((63, 64, 65), (1, 1, 1)),
    ((130, 0, 1), (0, 7, 63)),
    ((0, 5), (70, 0)),
    ((64,), (64,)),
]
# Single tokens on a GPU share out the keys of softmax layers, in segments of 128.
LONG_STEPS = [((255, 256, 513), (1, 1, 3))]


def attention_elements(d):
    """Of operands and result: all at one width, at others one that rounds or two."""
    yield "f32", "f32"
    if 1 < d <= 32:
        yield "bf16", "f32"
    if d >= 32:
        yield "bf16", "bf16"


def attention(module, op, state, shapes, element, result, attributes, steps=None, slots=8):
    """Two calls' worth of tokens through one state: the second continues what the first began."""
    if not steps:
        steps = STEPS if shapes[0][1] <= 32 else STEPS[2:4]  # wider ones take their time
    name = module.state(state)
    arguments, body = [], f"  %s0 = m1.read_state @{name} : {state}\n"
    queries = tensor(None, *shapes[0], element=element)
    keys = tensor(None, *shapes[1], element=element)
    out = tensor(None, *shapes[0], element=result)
    index = "tensor<?xi32>"
    for step in range(2):
        first = len(arguments)
        dim = ["T", "U"][step]
        arguments += [(queries, dim), (keys, dim), (keys, dim), (index, dim), (index, "B+1"), (index, "B")]
        q, k, v, positions, cu, slot = (f"%a{first + i}" for i in range(6))
        body += f"  %r{step}, %s{step + 1} = {op} {q}, {k}, {v}, %s{step} at ({positions}, {cu}, {slot}) {attributes}\n"
        body += f"    : ({queries}, {keys}, {keys}, {state}, {index}, {index}, {index}) -> ({out}, {state})\n"
    body += f"  m1.write_state %s2, @{name} : {state}\n  return %r0, %r1 : {out}, {out}\n"
    function = module.function(arguments, [(out, "T"), (out, "U")], body)
    for lengths in steps:
        slot = module.random.permutation(slots)[: len(lengths[0])].astype(np.int32)
        given = []
        for step in range(2):
            starts = lengths[0] if step else [0] * len(slot)
            count = sum(lengths[step])
            given += [module.normal(count, *shape, element=element) for shape in shapes]
            positions = [np.arange(s, s + n) for s, n in zip(starts, lengths[step])]
            given.append(np.concatenate(positions).astype(np.int32))
            given += [np.cumsum((0, *lengths[step])).astype(np.int32), slot]
        # bf16 rounds the state's image, or the softmax's rows, and the result.
        module.call(function, given, TOLERANCE["f32"] if element == result == "f32" else 2 * TOLERANCE["bf16"])


def lightning_attention(module):
    shapes = [(1, 1, 64), (3, 8, 64), (1, 20, 64), (2, 32, 64), (1, 64, 64), (1, 96, 64), (1, 128, 64), (1, 256, 64)]
    # A thread block of a GPU holds a chunk in its shared memory.
    shapes += [(2, 8, 5), (1, 8, 1), (1, 7, 64 if module.gpu else 256)]
    for h, d, chunk in shapes:
        for element, result in attention_elements(d) if chunk == 64 else [("f32", "f32")]:
            slopes = ", ".join(["5.0e-01", "3.0e-02", "0.0"][:h])
            state = f"!m1.lightning_state<{h} x {d}, chunk = {chunk}, {element}>"
            attention(module, "m1.lightning_attention", state, [(h, d)] * 3, element, result, f"slopes [{slopes}]")


def softmax_attention(module):
    for h, g, d in ((1, 1, 1), (3, 1, 8), (80, 1, 8), (6, 3, 20), (4, 2, 32), (2, 2, 7), (1, 1, 64), (2, 1, 96), (1, 1, 128), (1, 1, 256)):
        for element, result in attention_elements(d):
            state = f"!m1.kv_cache<{g} x {d}, {element}>"
            steps = LONG_STEPS if d == 8 else None  # and more heads to one key than a block has rows
            attention(module, "m1.softmax_attention", state, [(h, d), (g, d), (g, d)], element, result, "scale 0.7", steps)


def split_qkv(module):
    """A lightning layer's projection: attention reads parts of each row where they lie."""
    for h, d in ((1, 8), (3, 20)):
        x, heads = tensor(None, 3 * h * d), tensor(None, h, d)
        state, index = f"!m1.lightning_state<{h} x {d}, chunk = 64, f32>", "tensor<?xi32>"
        name = module.state(state)
        weight = module.parameter(h * d)
        merged = tensor(None, h * d)
        body = module.load(weight)
        body += f"  %q, %k, %v = m1.split_qkv %a0 : ({x}) -> ({heads}, {heads}, {heads})\n"
        body += f"  %s = m1.read_state @{name} : {state}\n"
        body += f"  %o, %n = m1.lightning_attention %q, %k, %v, %s at (%a1, %a2, %a3) slopes [{', '.join(['1.0e-01'] * h)}]\n"
        body += f"    : ({heads}, {heads}, {heads}, {state}, {index}, {index}, {index}) -> ({heads}, {state})\n"
        body += f"  m1.write_state %n, @{name} : {state}\n"
        body += f"  %m = m1.merge_heads %o : ({heads}) -> {merged}\n"
        body += f"  %y = m1.rms_norm %m, %{weight} eps 1.0e-6 : ({merged}, {tensor(h * d)}) -> {merged}\n"
        body += f"  %rq = m1.rotary %q, %a1 theta 1.0e4 dims {d} : ({heads}, {index}) -> {heads}\n"
        body += f"  %ro = m1.rotary %o, %a1 theta 1.0e4 dims {d} : ({heads}, {index}) -> {heads}\n"
        body += f"  return %y, %rq, %ro : {merged}, {heads}, {heads}\n"
        arguments = [(x, None), (index, None), (index, "B+1"), (index, "B")]
        function = module.function(arguments, [(merged, None), (heads, None), (heads, None)], body)
        for lengths in ((1,), (65, 0, 7), (130,)):
            positions = np.concatenate([np.arange(n) for n in lengths]).astype(np.int32)
            cu = np.cumsum((0, *lengths)).astype(np.int32)
            slot = np.arange(len(lengths), dtype=np.int32)[::-1]
            module.call(function, [module.normal(cu[-1], 3 * h * d), positions, cu, slot], TOLERANCE["f32"])


# ===----------------------------------------------------------------------===//
# Experts
# ===----------------------------------------------------------------------===//


def router(module):
    shapes = ((1, 1, 1), (7, 3, 1), (33, 3, 3), (60, 17, 2), (97, 32, 8), (1024, 5, 2), (1152, 32, 3))
    elements = (("f32", "f32"), ("bf16", "f32"), ("bf16", "bf16"))
    if module.tiles:
        shapes, elements = ((32, 1, 1), (64, 17, 2), (96, 32, 8), (33, 3, 3)), elements[2:]
    for d, e, k in shapes:
        for x, w in elements:
            weight = module.parameter(e, d, element=w)
            rows = tensor(None, d, element=x)
            chosen, weights = tensor(None, k, element="i32"), tensor(None, k)
            body = module.load(weight)
            body += f"  %e, %p = m1.router %a0, %{weight} : ({rows}, {tensor(e, d, element=w)}) -> ({chosen}, {weights})\n"
            body += f"  return %e, %p : {chosen}, {weights}\n"
            function = module.function([(rows, None)], [(chosen, None), (weights, None)], body)
            for t in module.rows if module.tiles else (1, 7, 8, 9, 65):
                # Of long rows, logits that f32 powers tell apart.
                values = module.normal(t, d, element=x, scale=1 if d < 1000 else 0.1)
                values[t // 2] = 0  # all experts alike: the lowest indices win
                module.call(function, [values], TOLERANCE["f32"])


def experts(module):
    shapes = ((1, 1, 1, 1), (7, 33, 3, 2), (60, 97, 4, 3), (32, 64, 5, 1))
    elements = (("f32", "f32"), ("bf16", "f32"), ("bf16", "bf16"), ("f16", "f32"))
    if module.tiles:
        shapes, elements = ((32, 32, 3, 2), (64, 96, 5, 1), (96, 33, 4, 3), (60, 97, 4, 3)), elements[1:3]
    for d, f, e, k in shapes:
        for element, y in elements:
            names = [module.parameter(*s, element=element, scale=s[-1] ** -0.5) for s in ((e, f, d), (e, f, d), (e, d, f))]
            rows, result = tensor(None, d, element=element), tensor(None, d, element=y)
            chosen, weights = tensor(None, k, element="i32"), tensor(None, k)
            types = [rows, chosen, weights, tensor(e, f, d, element=element), tensor(e, f, d, element=element), tensor(e, d, f, element=element)]
            body = "".join(module.load(n) for n in names)
            body += f"  %r = m1.experts %a0, %a1, %a2, {', '.join('%' + n for n in names)} : ({', '.join(types)}) -> {result}\n"
            body += f"  return %r : {result}\n"
            function = module.function([(rows, None), (chosen, None), (weights, None)], [(result, None)], body)
            for t in module.rows if module.tiles else (1, 7, 63, 64, 65, 200):
                picks = np.stack([module.random.permutation(e)[:k] for _ in range(t)]).astype(np.int32)
                if t == 65:  # one order of choices for all: whoever comes after the first k gets nothing
                    picks[:] = np.arange(k)[::-1]
                share = module.random.random((t, k)).astype(np.float32)
                # The hidden row is rounded too.
                tolerance = TOLERANCE[element] if element == y else 2 * TOLERANCE[element]
                module.call(function, [module.normal(t, d, element=element), picks, share], 1.5 * tolerance if element != "f32" else tolerance)


# ===----------------------------------------------------------------------===//
# Output
# ===----------------------------------------------------------------------===//


def targets_of(module, t, v):
    targets = module.random.integers(0, v, t).astype(np.int32)
    targets[[0, -1]] = 0, v - 1
    return targets


def token_log_prob(module):
    for v in (1, 7, 60, 97, 512, 513, 1500):
        logits = tensor(None, v)
        body = f"  %r = m1.token_log_prob %a0, %a1 : ({logits}, tensor<?xi32>) -> tensor<?xf32>\n  return %r : tensor<?xf32>\n"
        function = module.function([(logits, None), ("tensor<?xi32>", None)], [("tensor<?xf32>", None)], body)
        for t in ROWS:
            values = module.normal(t, v, scale=20)
            values[t // 2] -= 1000  # the size of all logits together does not matter
            module.call(function, [values, targets_of(module, t, v)], TOLERANCE["f32"] * (10 if v > 1 else 1))


def head_log_prob(module):
    shapes = ((1, 1), (7, 33), (33, 97), (60, 513), (32, 1500))
    elements, every = (("f32", "f32"), ("bf16", "bf16"), ("f32", "bf16")), "f32"
    if module.tiles:
        shapes, elements, every = ((32, 16), (64, 33), (96, 513), (33, 97), (32, 1500)), elements[1:], "bf16"
    for d, v in shapes:
        for x, w in elements:
            weight = module.parameter(v, d, element=w)
            rows, table = tensor(None, d, element=x), tensor(v, d, element=w)
            body = module.load(weight)
            body += f"  %r = m1.head_log_prob %a0, %{weight}, %a1 : ({rows}, {table}, tensor<?xi32>) -> tensor<?xf32>\n"
            body += "  return %r : tensor<?xf32>\n"
            function = module.function([(rows, None), ("tensor<?xi32>", None)], [("tensor<?xf32>", None)], body)
            for t in module.rows if x == w == every else (1, 65):
                module.call(function, [module.normal(t, d, element=x), targets_of(module, t, v)], TOLERANCE["f32"])


def sample(module):
    for v in (1, 97, 1500):
        types = [tensor(None, v)] + [tensor(None, element=e) for e in ("f32", "f32", "i32", "i64", "i32")]
        operands = "%a0 temperature %a1 top_p %a2 top_k %a3 seeds %a4 positions %a5"
        body = f"  %r = m1.sample {operands} : ({', '.join(types)}) -> tensor<?xi32>\n  return %r : tensor<?xi32>\n"
        function = module.function([(t, "B") for t in types], [("tensor<?xi32>", "B")], body)
        for rows in (1, 8):
            random, index = module.random, np.int32
            logits = np.round(module.normal(rows, v, scale=3), 1)  # some alike
            how = [random.choice(np.float32(choices), rows) for choices in ([0, 0.7, 1, 2], [0.1, 0.9, 1])]
            how += [random.choice(index([0, 1, 20, 5000]), rows), random.integers(-(2**63), 2**63, rows)]
            module.call(function, [logits, *how, random.integers(0, 2**31, rows).astype(index)], 0)


OPS = [linear, linear_fused, rms_norm, elementwise, embedding, select_last, rotary, lightning_attention, softmax_attention, split_qkv, router, experts, token_log_prob, head_log_prob, doubles, sample]


FUNCTIONS = {f.__name__: f for f in OPS}


def module_of(options):
    """The module with all cases of options.op."""
    module = Module(options, list(FUNCTIONS).index(options.op) + 1)
    FUNCTIONS[options.op](module)
    return module


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("op", choices=FUNCTIONS)
    parser.add_argument("work", help="directory that is made anew")
    parser.add_argument("--target", default="cpu", help="as m1c takes it: cpu or cuda:ARCH")
    parser.add_argument("--target-cpu", help="as m1c takes it")
    parser.add_argument("--runner", default="m1run", help="m1run, or m1run-amx or m1run-bochs with what they emulate")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="compare only one case of N, from the first on")
    module_of(parser.parse_args()).compare()


if __name__ == "__main__":
    main()
