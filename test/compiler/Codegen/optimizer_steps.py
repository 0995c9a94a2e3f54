# ===- optimizer_steps.py - sums over tokens and steps of the optimiser ----===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""optimizer_steps.py WORK_DIR [UNIT]

Properties of compiled code that the interpreter does not have, because it does
not round: the bits of sums over tokens do not depend on how the tokens are cut
into calls, nor do those of a norm depend on threads; a NaN in a gradient leaves
every bit of weights and moments; and many small steps add up. Steps are those of
torch.optim.AdamW.
"""

import os
import sys

import numpy as np

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from kernels.module import e2e, tensor  # noqa: E402
from kernels.optimizer import STATES, hyperparameters  # noqa: E402
from kernels.row_gradients import state_type  # noqa: E402
from kernel_results import call, write_arguments  # noqa: E402

work, unit = sys.argv[1], (sys.argv[2:] or ["cpu"])[0]
target, runner = e2e.UNITS[unit]
random = np.random.default_rng(20260104)
ONE, FLAG, FIVE, INDEX = tensor(1), tensor(1, element="i32"), tensor(5), tensor(None, element="i32")


class Program:
    """A function @main; lines of text, and arguments by name."""

    def __init__(self, name):
        self.name, self.states, self.arguments, self.lines, self.results = name, [], [], [], []

    def state(self, name, type_):
        """The value of a new state."""
        self.states.append(f"m1.state @{name} : {type_}")
        self.lines.append(f"%{name} = m1.read_state @{name} : {type_}")
        return f"%{name}"

    def argument(self, name, type_, dim=None):
        self.arguments.append(f"%{name}: {type_}" + (f' {{m1.dim = "{dim}"}}' if dim else ""))
        return f"%{name}"

    def result(self, name, value, type_, shape):
        """Returns a state's value, and writes the state."""
        self.lines.append(f"%{name}_value, %{name}_after = m1.state_value {value} : ({type_}) -> ({tensor(*shape)}, {type_})")
        self.lines.append(f"m1.write_state %{name}_after, @{name} : {type_}")
        self.results.append((f"%{name}_value", tensor(*shape)))

    def run(self, arrays, *options):
        """The results, in order."""
        folder = e2e.fresh(os.path.join(work, self.name))
        path, plan = os.path.join(folder, "module.mlir"), os.path.join(folder, "module.m1plan")
        values, types = zip(*self.results)
        with open(path, "w", encoding="utf-8") as file:
            signature = f"func.func @main({', '.join(self.arguments)}) -> ({', '.join(types)}) {{"
            file.write("\n".join([*self.states, signature, *self.lines, f"return {', '.join(values)} : {', '.join(types)}", "}"]) + "\n")
        e2e.run("m1c", path, *target, "--max-tokens=1024", "-o", plan)
        found = call((*runner[:1], "call", plan, *runner[1:], *options), "main", write_arguments(arrays, folder), os.path.join(folder, "results"))
        return [found[f"result{i}"] for i in range(len(found))]


def cut_sums():
    """One call with all tokens, and four calls with some each, the second with none."""
    cuts = (0, 1, 1, 70, 203)
    v, n = 7, 300
    p = Program("cuts")
    tokens = random.integers(0, v, cuts[-1]).astype(np.int32)
    dy, x = (random.standard_normal((cuts[-1], n)).astype(np.float32) for _ in range(2))
    arrays = []
    ranges = [(0, cuts[-1]), *zip(cuts, cuts[1:])]
    for i, (begin, end) in enumerate(ranges):
        p.argument(f"dy{i}", tensor(None, n), f"T{i}")
        p.argument(f"x{i}", tensor(None, n), f"T{i}")
        p.argument(f"tokens{i}", INDEX, f"T{i}")
        arrays += [dy[begin:end], x[begin:end], tokens[begin:end]]
    for op, shape, operand, attributes in (("embedding_gradient", (v, n), ("tokens", INDEX), ""), ("rms_norm_weight_gradient", (n,), ("x", tensor(None, n)), "eps 0.01")):
        held = state_type(*shape)
        for way, calls in (("whole", [0]), ("cut", range(1, len(ranges)))):
            name = f"{op}_{way}"
            value = p.state(name, held)
            for i in calls:
                p.lines.append(f"{value}_{i} = m1.{op} %dy{i}, %{operand[0]}{i}, {value if i == calls[0] else last} {attributes} : ({tensor(None, n)}, {operand[1]}, {held}) -> {held}")
                last = f"{value}_{i}"
            p.result(name, last, held, shape)
    table, cut_table, norm, cut_norm = p.run(arrays)
    assert np.abs(table).max() > 0 and np.abs(norm).max() > 0
    assert table.tobytes() == cut_table.tobytes() and norm.tobytes() == cut_norm.tobytes(), "sums depend on how tokens are cut into calls"
    print("sums do not depend on cuts")


class Step(Program):
    """Whole steps: gradients are added, their norm is clipped, weights are updated."""

    def __init__(self, name, n, steps):
        super().__init__(name)
        self.type = held = state_type(1, n)
        now = [self.state(name, held) for name in STATES]
        rows = tensor(1, n)
        for argument, type_ in (("tokens", FLAG), ("start", rows), ("limit", ONE), ("enabled", FLAG), ("rates", ONE), ("decays", ONE)):
            self.argument(argument, type_)
        add = f"({rows}, {FLAG}, {held}) -> {held}"
        self.lines.append(f"%m = m1.embedding_gradient %start, %tokens, {now[0]} : {add}")
        now[0] = "%m"
        for i, gradient in enumerate(steps):
            if i == steps.index(gradient):
                self.argument(gradient, rows)
                self.argument(f"h_{gradient}", FIVE)
            self.lines += [
                f"%g{i} = m1.embedding_gradient %{gradient}, %tokens, {now[3]} : {add}",
                f"%sum{i}, %q{i} = m1.squared_sum %g{i} : ({held}) -> (tensor<1xf64>, {held})",
                f"%norm{i}, %scale{i}, %applied{i} = m1.clip_norm %sum{i} max %limit if %enabled : (tensor<1xf64>, {ONE}, {FLAG}) -> ({ONE}, {ONE}, {FLAG})",
                f"%n{i}:4 = m1.adamw {now[0]} moments {now[1]}, {now[2]} gradient %q{i} scale %scale{i} if %applied{i} rates %rates decays %decays hyperparameters %h_{gradient} index 0"
                f" : ({held}, {held}, {held}, {held}, {ONE}, {FLAG}, {ONE}, {ONE}, {FIVE}) -> ({held}, {held}, {held}, {held})",
            ]
            now = [f"%n{i}#{j}" for j in range(4)]
        self.results.append((f"%norm{len(steps) - 1}", ONE))
        for name, value in zip(STATES, now):
            self.result(name, value, held, (1, n))

    def step(self, start, gradients, rate, decay=0.0, limit=0.0, options=()):
        """`gradients` are arrays with their hyperparameters."""
        first = [np.zeros(1, np.int32), start, np.float32([limit]), np.int32([1]), np.float32([rate]), np.float32([decay])]
        return self.run([*first, *(array for pair in gradients for array in pair)], *options)


def nothing_of_nan():
    """The step after an ordinary one has a NaN in its gradient."""
    n = 1030
    start, gradient = (random.standard_normal((1, n)).astype(np.float32) for _ in range(2))
    start[0, 0] = -0.0
    one = Step("before", n, ["a"]).step(start, [(gradient, hyperparameters(1))], 0.01, 0.1, 1)
    assert np.abs(one[1] - start).max() > 0.009 and np.array_equal(one[4], np.zeros((1, n))), "the first step"
    for bad in (np.nan, np.inf):
        damaged = gradient.copy()
        damaged[0, -1] = bad
        two = Step("after", n, ["a", "b"]).step(start, [(gradient, hyperparameters(1)), (damaged, hyperparameters(2))], 0.01, 0.1, 1)
        assert not np.isfinite(two[0][0])
        assert [a.tobytes() for a in two[1:]] == [a.tobytes() for a in one[1:]], f"a step with {bad} changed something"
    print("NaN and infinity change nothing")


def clipped():
    """(3, 4) clipped to 1 is (0.6, 0.8), and its norm is 5."""
    plain = np.float32([0, 0, 1, 1, 1])
    norm, _, first, second, _ = Step("clipped", 2, ["a"]).step(np.zeros((1, 2), np.float32), [(np.float32([[3, 4]]), plain)], 0, 0, 1)
    assert norm == 5 and np.allclose(first, [[0.6, 0.8]], rtol=1e-7) and np.allclose(second, [[0.36, 0.64]], rtol=3e-7), (norm, first, second)
    print("(3, 4) is clipped to (0.6, 0.8)")


def tiny():
    """Gradients of 1e-18 move a weight with epsilon 1e-15, hardly with 1e-8."""
    for epsilon, share in ((1e-15, 1 / 1001), (1e-8, 1e-10)):
        _, master, *_ = Step("tiny", 1, ["a"]).step(np.zeros((1, 1), np.float32), [(np.full((1, 1), 1e-18, np.float32), hyperparameters(1, epsilon))], 0.5)
        assert np.allclose(master, -0.5 * share, rtol=1e-5), (epsilon, master)
    print("gradients of 1e-18 are used")


def like_torch():
    """Steps of torch.optim.AdamW with clipped gradients (test/golden/generate_adamw.py)."""
    golden = np.load(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../golden/adamw.npz"))
    steps, n = golden["gradients"].shape
    betas = golden["beta1"], golden["beta2"]
    for count in (1, steps):
        pairs = [(golden["gradients"][i : i + 1], hyperparameters(i + 1, golden["epsilon"], betas)) for i in range(count)]
        step = Step("torch", n, [f"s{i}" for i in range(count)])
        norm, *found, gradient = step.step(golden["start"][None], pairs, golden["learning_rate"], golden["weight_decay"], golden["max_norm"])
        assert np.allclose(norm, golden["norms"][count - 1], rtol=1e-7) and not gradient.any(), (norm, golden["norms"])
        for name, value in zip(STATES, found):
            expected = golden[name][count - 1]
            # Of an element, relative to the terms that may cancel in it.
            scale = {"master": 1, "first": np.abs(golden["gradients"]).max(0), "second": np.maximum(expected, 1e-40)}[name]
            error = np.abs(value[0] - expected)
            assert (error <= 1e-6 * scale).all(), (count, name, error, expected)
            assert np.abs(value[0] - (golden["start"] if name == "master" else 0)).max() > 1e-3, name
    print(f"{steps} steps are those of torch")


def many_steps(count):
    """Equal steps from 1: each is `size`, far below the spacing of bf16. With betas of 1 the moments
    stay as they are, so a step is m1.adamw alone."""
    size, held, rows = 0.01 / count, state_type(1, 1), tensor(1, 1)
    p = Program("many")
    now = [p.state(name, held) for name in STATES]
    for argument, type_ in (("tokens", FLAG), ("start", rows), ("one", ONE), ("enabled", FLAG), ("rates", ONE), ("decays", ONE), ("five", FIVE)):
        p.argument(argument, type_)
    for i, name in enumerate(STATES[:3]):
        p.lines.append(f"%{name}_start = m1.embedding_gradient %start, %tokens, {now[i]} : ({rows}, {FLAG}, {held}) -> {held}")
        now[i] = f"%{name}_start"
    for i in range(count):
        p.lines.append(
            f"%n{i}:4 = m1.adamw {now[0]} moments {now[1]}, {now[2]} gradient {now[3]} scale %one if %enabled rates %rates decays %decays hyperparameters %five index 0"
            f" : ({held}, {held}, {held}, {held}, {ONE}, {FLAG}, {ONE}, {ONE}, {FIVE}) -> ({held}, {held}, {held}, {held})"
        )
        now = [f"%n{i}#{j}" for j in range(4)]
    for name, value in zip(STATES, now):
        p.result(name, value, held, (1, 1))
    ones = np.ones((1, 1), np.float32)
    master, first, second, gradient = p.run([np.zeros(1, np.int32), ones, ones[0], np.int32([1]), np.float32([size]), np.zeros(1, np.float32), np.float32([1, 1, 1e-15, 1, 1])])
    w = np.float32(1)
    for _ in range(count):
        w = np.float32(w - np.float32(size))
    assert master == w and abs(w - 0.99) < 3e-4, (master, w)
    assert first == 1 and second == 1 and gradient == 0, (first, second, gradient)
    print(f"{count} steps of {size:.0e} end at {w:.5f}")


def same_norm_on_threads():
    n = 40000
    gradient = random.standard_normal((1, n)).astype(np.float32)
    norms = [Step("threads", n, ["a"]).step(gradient, [(gradient, hyperparameters(1))], 0, options=("--threads", str(count)))[0] for count in (1, 2)]
    assert norms[0] == norms[1] and abs(norms[0] / np.linalg.norm(gradient.astype(np.float64)) - 1) < 1e-7
    print("norms do not depend on threads")


cut_sums()
nothing_of_nan()
clipped()
tiny()
like_torch()
many_steps(10000 if unit == "cpu" else 200)
if unit == "cpu":
    same_norm_on_threads()
