# ===- optimizer.py - cases of the optimiser -------------------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Norms of gradients and AdamW on states, which start from zero and get their values by m1.embedding_gradient."""

import numpy as np
from kernels.module import TOLERANCE, tensor
from kernels.row_gradients import state_type

F32 = TOLERANCE["f32"]
ONE, FLAG = tensor(1), tensor(1, element="i32")
STATES = ("master", "first", "second", "gradient")
# Less than a vector, one more or less than a block of elements, more than a cell.
SHAPES = ((1, 1), (1, 15), (3, 341), (1, 1024), (25, 41), (2, 16384), (3, 5463))


class States:
    """States of one shape in a function."""

    def __init__(self, f, names, shape):
        self.f, self.names, self.shape, self.type = f, names, shape, state_type(*shape)
        for name in names:
            f.declarations.append(f"m1.state @{f.name}.{name} : {self.type}")
            f.lines.append(f"%{name} = m1.read_state @{f.name}.{name} : {self.type}")
        self.now = {name: f.define(f"%{name}", self.type) for name in names}
        # The caller gives the numbers of the rows.
        self.rows = f.argument(tensor(shape[0], element="i32"))

    def add(self, name, value):
        """Adds a value of the states' shape."""
        self.now[name] = self.f.op("m1.embedding_gradient", [value, self.rows, self.now[name]], self.type)

    def values(self):
        """The states' values; writes the states."""
        found = []
        for name in self.names:
            value, self.now[name] = self.f.op("m1.state_value", [self.now[name]], tensor(*self.shape), self.type)
            self.f.lines.append(f"m1.write_state {self.now[name]}, @{self.f.name}.{name} : {self.type}")
            found.append(value)
        return found


def squared_sum(module):
    for shape in SHAPES:
        f = module.function("squared_sum", "x".join(map(str, shape)))
        states = States(f, ["gradient"], shape)
        states.add("gradient", f.argument(tensor(*shape)))
        total, states.now["gradient"] = f.op("m1.squared_sum", [states.now["gradient"]], tensor(1, element="f64"), states.type)
        f.results(total, *states.values())
        # Squares of the smaller numbers are no numbers of f32, nor is the sum of the larger ones.
        for scale in (1, 1e-20, 1e19):
            f.case(f"{scale:g}", [np.arange(shape[0], dtype=np.int32), f.random(scale).normal(*shape, scale=scale)], (1e-13, 0))


def clip_norm(module):
    sums = tensor(1, element="f64")
    for count in (1, 2, 70):
        f = module.function("clip_norm", count)
        operands = [f.argument(sums) for _ in range(count)] + [f.argument(ONE), f.argument(FLAG)]
        results = f.op("m1.clip_norm", operands, ONE, ONE, FLAG, form=", ".join(["{}"] * count) + " max {} if {}")
        f.results(*results)
        random = f.random("sums").generator
        for name, scale, most, enabled in (("clipped", 9, 1, 1), ("below", 1e-60, 1e-3, 1), ("unlimited", 9, 0, 1), ("negative", 9, -1, 2), ("off", 9, 1, 0), ("zero", 0, 1, 1)):
            given = [scale * random.random(1) for _ in range(count)]
            f.case(name, [*given, np.float32([most]), np.int32([enabled])], (F32, F32, 0))
        f = module.function("clip_norm_refused", count)
        operands = [f.argument(sums) for _ in range(count)] + [f.argument(ONE), f.argument(FLAG)]
        f.results(*f.op("m1.clip_norm", operands, ONE, ONE, FLAG, form=", ".join(["{}"] * count) + " max {} if {}")[1:])
        for bad in (np.nan, np.inf, 1e80, -1e3):
            f.case(f"{bad:g}", [*(np.float64([1]) for _ in range(count - 1)), np.float64([bad]), np.float32([1]), np.int32([1])], 0)


def hyperparameters(step, epsilon=1e-15, betas=(0.9, 0.95)):
    """What m1.adamw gets in step `step`: the corrections are those of the rounded betas."""
    betas = np.float32(betas).astype(np.float64)
    return np.float32([*betas, epsilon, *(1 - betas**step)])


def adamw(module):
    """Three steps from random master values; the second is not applied."""
    rates, five = tensor(3), tensor(5)
    for shape in SHAPES:
        f = module.function("adamw", "x".join(map(str, shape)))
        states = States(f, STATES, shape)
        states.add("master", f.argument(tensor(*shape)))
        common = [f.argument(ONE), f.argument(rates), f.argument(rates)]
        for _ in range(3):
            states.add("gradient", f.argument(tensor(*shape)))
            scale, rate, decay = common
            operands = [*states.now.values(), scale, f.argument(FLAG), rate, decay, f.argument(five)]
            form = "{} moments {}, {} gradient {} scale {} if {} rates {} decays {} hyperparameters {} index 1"
            states.now = dict(zip(STATES, f.op("m1.adamw", operands, *[states.type] * 4, form=form)))
        f.results(*states.values())
        for name, size, skipped in (("ordinary", 1, 1), ("tiny", 1e-17, 1), ("NaN", 1, np.nan)):
            random = f.random(name)
            given = [np.arange(shape[0], dtype=np.int32), random.normal(*shape), np.float32([0.25]), np.float32([9, 0.01, 9]), np.float32([9, 0.1, 9])]
            for step, scale, applied in ((1, size, 1), (2, size * skipped, 0), (2, size, 1)):
                given += [random.normal(*shape, scale=scale), np.int32([applied]), hyperparameters(step)]
            # Elements of the moments that nearly cancel have larger errors; there is no error in zeros.
            f.case(name, given, (F32, F32, F32, 0))
