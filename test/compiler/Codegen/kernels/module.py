# ===- module.py - m1 functions and the cases that call them ---------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Builds an m1 module out of small functions, each with cases: inputs to call it with.

Random numbers are seeded by names: those of a parameter by its function's, those
of a case by its own. Names tell ops, element types and shapes, so a case's data
stays the same whatever other cases there are.
"""

import dataclasses
import hashlib
import itertools
import os
import sys

import numpy as np

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "..")
sys.path += [os.path.join(ROOT, "test", "e2e"), os.path.join(ROOT, "test", "compiler", "Codegen")]
import e2e  # noqa: E402
from e2e import make_checkpoint  # noqa: E402
from kernel_results import TOLERANCE  # noqa: E402, F401

DTYPES = {"f32": "float32", "bf16": "bfloat16", "f16": "float16", "f64": "float64"}
MAX_LENGTH = 520  # tokens of one sequence


def tensor(*shape, element="f32"):
    """A tensor type; None is a dynamic extent."""
    return "tensor<" + "".join("?x" if n is None else f"{n}x" for n in shape) + element + ">"


def offsets(lengths):
    """cu_seqlens of sequences with these lengths."""
    return np.cumsum((0, *lengths)).astype(np.int32)


class Random:
    """Random arrays from a stream that is seeded by a name."""

    def __init__(self, name):
        seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little")
        self.generator = np.random.Generator(np.random.PCG64(seed))

    def normal(self, *shape, element="f32", scale=1.0):
        """Normally distributed numbers that the element type represents exactly; bf16 is returned as float32."""
        values = scale * self.generator.standard_normal(shape)
        if element == "f64":
            return values
        data = make_checkpoint.encode(values.astype(np.float32), DTYPES[element])
        if element == "bf16":
            return (np.frombuffer(data, "<u2").astype(np.uint32) << 16).view(np.float32).reshape(shape)
        return np.frombuffer(data, "<f4" if element == "f32" else "<f2").astype(np.float32).reshape(shape)

    def integers(self, low, high, *shape):
        """int32 from low up to but not including high."""
        return self.generator.integers(low, high, shape).astype(np.int32)


@dataclasses.dataclass
class Case:
    """One call of a function: arrays for its arguments, and the tolerance of its results, or of each."""

    function: "Function"
    name: str
    arguments: list
    tolerance: object

    @property
    def id(self):
        return f"{self.function.name}/{self.name}"

    @property
    def detail(self):
        """The call's types with its actual extents: "f32[65, 33], i32[65] -> bf16"."""

        def element(type_):
            return type_.rstrip(">").rsplit("x", 1)[-1].removeprefix("tensor<")

        given = [f"{element(t)}{list(np.shape(a))}" for t, a in zip(self.function.argument_types, self.arguments)]
        given += [f"{element(t)}{t.removeprefix('tensor<').rsplit('x', 1)[0].split('x')} @{n}".replace("'", "") for n, t in self.function.parameters]
        return f"{', '.join(given)} -> {', '.join(element(t) for t in self.function.result_types)}"


class Function:
    """A function under construction. A value is its name in the text ("%a0"); `types` maps names to types."""

    def __init__(self, module, name):
        self.module, self.name = module, name
        self.types, self.arguments, self.lines, self.cases = {}, [], [], []
        self.declarations, self.parameters, self.weights, self.result_types = [], [], [], []

    @property
    def argument_types(self):
        return [self.types[a] for a, _ in self.arguments]

    def define(self, name, type_):
        self.types[name] = type_
        return name

    def argument(self, type_, dim=None):
        """A new argument; `dim` is its m1.dim."""
        name = f"%a{len(self.arguments)}"
        self.arguments.append((name, dim))
        return self.define(name, type_)

    def parameter(self, *shape, element="f32", scale=1.0, values=None, step=None):
        """The value of a new parameter: an array, or normally distributed numbers. With `step`, each rank of the axis
        `tensor` has so many of its rows."""
        number, type_ = len(self.parameters), tensor(step or shape[0], *shape[1:], element=element)
        symbol = f"{self.name}.w{number}"
        if values is None:
            values = Random(symbol).normal(*shape, element=element, scale=scale)
        self.parameters.append((f"w{number}", type_))
        self.weights.append(make_checkpoint.Tensor(symbol, shape, DTYPES[element], 0.0, values=values))
        slices = f' slices [#m1.slice<0 over "tensor" step {step} of {shape[0]}>]' if step else ""
        self.declarations.append(f'm1.parameter @{symbol} : {type_} from [#m1.source<"{symbol}">]{slices}')
        self.lines.append(f"%w{number} = m1.load_parameter @{symbol} : {type_}")
        return self.define(f"%w{number}", type_)

    def state(self, type_):
        """The value of a new state, and a function that writes its successor back."""
        symbol = f"{self.name}.state"
        self.declarations.append(f"m1.state @{symbol} : {type_}")
        self.lines.append(f"%state = m1.read_state @{symbol} : {type_}")
        return self.define("%state", type_), lambda value: self.lines.append(f"m1.write_state {value}, @{symbol} : {type_}")

    def accumulated(self, op, calls, shape, at=()):
        """Ends the function, whose result is a state [shape] of f32 after the op on each of the lists of operands in `calls`. `at`
        has for each of them the offsets of its sequences."""
        type_ = f"!m1.tensor_state<{'x'.join(map(str, shape))}xf32>"
        state, write = self.state(type_)
        for operands, offsets_ in itertools.zip_longest(calls, at):
            form = ", ".join(["{}"] * (len(operands) + 1)) + (" at {}" if offsets_ else "")
            state = self.op(op, [*operands, state, *([offsets_] if offsets_ else [])], type_, form=form)
        value, state = self.op("m1.state_value", [state], tensor(*shape), type_)
        write(state)
        self.results(value)

    def op(self, op, operands, *results, more="", form=None):
        """The result of an op, or a list of several. `more` follows the operands, or `form` has "{}" for each of them."""
        names = [f"%{len(self.types) + i}" for i in range(len(results))]
        words = form.format(*operands) if form else ", ".join(operands)
        signature = f"({', '.join(self.types[o] for o in operands)}) -> " + (results[0] if len(results) == 1 else f"({', '.join(results)})")
        self.lines.append(f"{', '.join(names)} = {op} {words} {more} : {signature}")
        for name, type_ in zip(names, results):
            self.define(name, type_)
        return names[0] if len(names) == 1 else names

    def cast(self, value, type_):
        name = f"%{len(self.types)}"
        self.lines.append(f"{name} = m1.cast {value} : {self.types[value]} to {type_}")
        return self.define(name, type_)

    def results(self, *values, dims=None):
        """Ends the function; `dims` are the results' m1.dim."""
        self.result_types = [self.types[v] for v in values]
        self.dims = dims or [None] * len(values)
        self.lines.append(f"return {', '.join(values)} : {', '.join(self.result_types)}")

    def text(self):
        def typed(type_, dim):
            return type_ + (f' {{m1.dim = "{dim}"}}' if dim else "")

        given = ", ".join(f"{name}: {typed(self.types[name], dim)}" for name, dim in self.arguments)
        results = ", ".join(typed(t, d) for t, d in zip(self.result_types, self.dims))
        return "\n".join([*self.declarations, f"func.func @{self.name}({given}) -> ({results}) {{", *(f"  {line}" for line in self.lines), "}"])

    def random(self, case):
        """The stream of a case's data."""
        return Random(f"{self.name}/{case}")

    def case(self, name, arguments, tolerance):
        name = str(name)
        assert all(name != c.name for c in self.cases), f"{self.name}/{name} is there already"
        self.cases.append(Case(self, name, arguments, tolerance))


class Module:
    """All functions of one group of cases, in the shapes that matter to a unit of e2e.UNITS. With a mesh, such as
    "tensor = 3", they run on several ranks."""

    def __init__(self, unit):
        self.gpu, self.tiles = unit == "ptx", "amx" in unit
        self.functions, self.mesh = [], None

    def function(self, *name):
        """A new function; its name tells op, shapes and element types."""
        name = "_".join(map(str, name))
        assert all(name != f.name for f in self.functions), f"{name} is there already"
        self.functions.append(Function(self, name))
        return self.functions[-1]

    @property
    def cases(self):
        return [case for function in self.functions for case in function.cases]

    def build(self, work, *options):
        """Writes module and weights into `work`, which is made anew, and compiles them for m1c's `options`."""
        e2e.fresh(work)
        self.path, self.plan = os.path.join(work, "module.mlir"), os.path.join(work, "module.m1plan")
        text = "\n".join(f.text() for f in self.functions) + "\n"
        if self.mesh:
            text = f"module attributes {{m1.mesh = #m1.mesh<{self.mesh}>}} {{\n{text}}}\n"
        with open(self.path, "w") as file:
            file.write(text)
        self.weights, tensors = (), [w for f in self.functions for w in f.weights]
        if tensors:
            folder = e2e.fresh(os.path.join(work, "weights"))
            make_checkpoint.write_shard(os.path.join(folder, "model.safetensors"), tensors, 0)
            self.weights = ("--weights", folder)
        self.compile = ("m1c", self.path, f"--max-length={MAX_LENGTH}", f"--max-tokens={2 * MAX_LENGTH}", *options)
        e2e.run(*self.compile, "-o", self.plan)
