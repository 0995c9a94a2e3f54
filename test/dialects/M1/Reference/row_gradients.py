# ===- row_gradients.py - gradients of ops on rows, and the optimiser -------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""row_gradients.py WORK_DIR

Runs gradients of ops on rows with m1-interpret on seeded random inputs and
compares them, along random directions, with central differences of the ops
themselves: to 1e-8 of the largest value. Runs the optimiser and compares it with
its equations in NumPy, over several steps, and with known steps. Prints the
number of comparisons.
"""

import os
import subprocess
import sys

import numpy as np

work = sys.argv[1]
random = np.random.default_rng(20260103)
runs = comparisons = 0
T = 5  # tokens
DIRECTIONS = 2
STEP = 1e-4


def tensor_type(shape, element):
    return "tensor<" + "".join(f"{n}x" for n in shape) + element + ">"


def interpret(text, arguments):
    """The results of @main, in order."""
    global runs
    runs += 1
    folder = os.path.join(work, str(runs))
    os.makedirs(folder)
    module = os.path.join(folder, "module.mlir")
    with open(module, "w", encoding="utf-8") as file:
        file.write(text)
    command = ["m1-interpret", module, "--out-dir", folder, "--entry", "main"]
    for i, argument in enumerate(arguments):
        path = os.path.join(folder, f"argument{i}.npy")
        np.save(path, argument)
        command += ["--arg", path]
    subprocess.run(command, check=True)
    count = sum(name.startswith("result") for name in os.listdir(folder))
    return [np.load(os.path.join(folder, f"result{i}.npy")) for i in range(count)]


def run_op(op, operands, shapes, attributes="", state=None):
    """The results of an op on arrays, of these shapes; with `state`, the shape of
    a state that it adds to, what it adds to zero."""
    names = [f"%a{i}" for i in range(len(operands))]
    types = [tensor_type(a.shape, "i32" if a.dtype.kind == "i" else "f32") for a in operands]
    arguments = ", ".join(f"{n}: {t}" for n, t in zip(names, types))
    if state is None:
        results = [tensor_type(shape, "f32") for shape in shapes]
        outs = ", ".join(f"%r{i}" for i in range(len(shapes)))
        body = f"  {outs} = {op} {', '.join(names)} {attributes} : ({', '.join(types)}) -> ({', '.join(results)})"
        return interpret(f"func.func @main({arguments}) -> ({', '.join(results)}) {{\n{body}\n  return {outs} : {', '.join(results)}\n}}\n", operands)
    held = "!m1.tensor_state<" + "".join(f"{n}x" for n in state) + "f32>"
    result = tensor_type(state, "f32")
    text = f"""m1.state @state : {held}
func.func @main({arguments}) -> {result} {{
  %0 = m1.read_state @state : {held}
  %1 = {op} {", ".join([*names, "%0"])} {attributes} : ({", ".join([*types, held])}) -> {held}
  %2, %3 = m1.state_value %1 : ({held}) -> ({result}, {held})
  m1.write_state %3, @state : {held}
  return %2 : {result}
}}
"""
    return interpret(text, operands)


def close(what, found, expected, tolerance):
    global comparisons
    comparisons += 1
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.shape == expected.shape, f"{what}: shape {found.shape}, expected {expected.shape}"
    error = np.abs(found - expected).max() / np.abs(expected).max()
    assert error <= tolerance, f"{what}: differs by {error:.3e} of the largest value"


def differences(what, forward, operands, dy, gradients):
    """Compares `gradients`, by the number of an operand, with central differences
    of Σ dy forward(operands)."""
    for number, gradient in gradients.items():
        expected, found = [], []
        for _ in range(DIRECTIONS):
            direction = random.standard_normal(operands[number].shape)

            def loss(step):
                moved = list(operands)
                moved[number] = moved[number] + step * direction
                return (dy * forward(moved)).sum()

            # Two steps, extrapolated: exact up to O(STEP^4).
            coarse, fine = ((loss(h) - loss(-h)) / (2 * h) for h in (STEP, STEP / 2))
            expected.append((4 * fine - coarse) / 3)
            found.append((gradient * direction).sum())
        close(f"{what}, operand {number}", found, expected, 1e-8)


def normal(*shape, scale=1.0):
    return scale * random.standard_normal(shape)


def elementwise(op, count, gradients):
    """`gradients` are the gradient ops by operand, each a function of dy and the operands."""
    shape = (T, 7)
    operands = [normal(*shape, scale=3) for _ in range(count)]
    dy = normal(*shape)
    computed = {n: gradient(dy, *operands) for n, gradient in gradients.items()}
    differences(op, lambda xs: run_op(f"m1.{op}", xs, [shape])[0], operands, dy, computed)


def of(op, attributes=""):
    """A gradient op on rows."""
    return lambda *operands: run_op(f"m1.{op}", operands, [operands[0].shape], attributes)[0]


elementwise("silu", 1, {0: of("silu_gradient")})
# The gradient in the other operand is an op of the forward pass.
elementwise("sigmoid_gate", 2, {0: lambda dy, x, gate: of("sigmoid_gate")(dy, gate), 1: of("sigmoid_gate_gradient")})
elementwise("silu_mul", 2, {0: of("silu_mul_gradient"), 1: lambda dy, a, b: of("silu_mul")(a, dy)})

# --- scale: the gradients of a residual
shape = (T, 3)
residual = "alpha 2.5 beta -0.75"
operands, dy = [normal(*shape), normal(*shape)], normal(*shape)
gradients = {0: of("scale", "by 2.5")(dy), 1: of("scale", "by -0.75")(dy)}
differences("residual", lambda xs: run_op("m1.residual", xs, [shape], residual)[0], operands, dy, gradients)

# --- rms_norm
for n in (1, 6):
    shape, eps = (T, n), "eps 0.125"
    operands, dy = [normal(*shape), normal(n)], normal(*shape)
    gradients = {
        0: run_op("m1.rms_norm_gradient", [dy, *operands], [shape], eps)[0],
        1: run_op("m1.rms_norm_weight_gradient", [dy, operands[0]], None, eps, state=(n,))[0],
    }
    differences("rms_norm", lambda xs: run_op("m1.rms_norm", xs, [(T, n)], "eps 0.125")[0], operands, dy, gradients)

# --- shared_mix
shape = (T, 6)
operands, dy = [normal(*shape), normal(*shape), normal(T, 1, scale=2)], normal(*shape)
gradients = dict(enumerate(run_op("m1.shared_mix_gradient", [dy, *operands], [shape, shape, (T, 1)])))
differences("shared_mix", lambda xs: run_op("m1.shared_mix", xs, [shape])[0], operands, dy, gradients)

# --- embedding; the tokens are no operand that has a gradient
tokens = np.array([3, 1, 3, 0, 3], np.int32)
table, dy = normal(4, 3), normal(T, 3)
gradient = run_op("m1.embedding_gradient", [dy, tokens], None, state=(4, 3))[0]
differences("embedding", lambda xs: run_op("m1.embedding", [tokens, *xs], [(T, 3)])[0], [table], dy, {0: gradient})

# --- rotary
shape, attributes = (T, 2, 8), "theta 100.0 dims 6"
positions = np.array([0, 1, 2, 0, 11], np.int32)
x, dy = normal(*shape), normal(*shape)
gradient = run_op("m1.rotary", [dy, positions], [shape], attributes + " inverse")[0]
differences("rotary", lambda xs: run_op("m1.rotary", [*xs, positions], [shape], attributes)[0], [x], dy, {0: gradient})

# --- split_qkv: all three gradients at once
q, k, v = (normal(T, 2, 4) for _ in range(3))
x = normal(T, 24)
gradient = run_op("m1.merge_qkv", [q, k, v], [(T, 24)])[0]
differences("split_qkv", lambda xs: np.stack(run_op("m1.split_qkv", xs, [(T, 2, 4)] * 3)), [x], np.stack([q, k, v]), {0: gradient})


# --- adamw
def adamw(master, gradients, rate, decay, betas, epsilon, scale=1.0):
    """The master values after one step for each gradient, from moments of 0."""
    n = len(master)
    names = ("master", "first", "second", "gradient")
    one, five = "tensor<1xf32>", "tensor<5xf32>"
    inputs = [(f"%g{i}", f"tensor<1x{n}xf32>", g.reshape(1, n)) for i, g in enumerate([master, *gradients])]
    inputs += [(f"%h{i}", five, np.array([*betas, epsilon, 1 - betas[0] ** i, 1 - betas[1] ** i])) for i in range(1, len(gradients) + 1)]
    inputs += [("%scale", one, np.array([scale])), ("%applied", "tensor<1xi32>", np.array([1], np.int32))]
    inputs += [("%rate", one, np.array([rate])), ("%decay", one, np.array([decay]))]
    wide = f"!m1.tensor_state<1x{n}xf32>"
    lines = [f"%s_{name} = m1.read_state @{name} : {wide}" for name in names]
    add = f"(tensor<1x{n}xf32>, tensor<1xi32>, {wide}) -> {wide}"
    lines += ["%tokens = arith.constant dense<0> : tensor<1xi32>", f"%m0 = m1.embedding_gradient %g0, %tokens, %s_master : {add}"]
    values = ["%m0", "%s_first", "%s_second", "%s_gradient"]
    states = ", ".join([wide] * 4)
    for i in range(1, len(gradients) + 1):
        lines += [
            f"%a{i} = m1.embedding_gradient %g{i}, %tokens, {values[3]} : {add}",
            f"%n{i}:4 = m1.adamw {values[0]} moments {values[1]}, {values[2]} gradient %a{i} scale %scale if %applied rates %rate decays %decay"
            f" hyperparameters %h{i} index 0 : ({states}, {one}, tensor<1xi32>, {one}, {one}, {five}) -> ({states})",
        ]
        values = [f"%n{i}#{j}" for j in range(4)]
    lines += [f"%value, %last = m1.state_value {values[0]} : ({wide}) -> (tensor<1x{n}xf32>, {wide})"]
    lines += [f"m1.write_state {value}, @{name} : {wide}" for name, value in zip(names, ["%last", *values[1:]])]
    text = "\n".join([*(f"m1.state @{name} : {wide}" for name in names), f"func.func @main({', '.join(f'{a}: {t}' for a, t, _ in inputs)}) -> tensor<1x{n}xf32> {{"])
    text += "\n  " + "\n  ".join([*lines, f"return %value : tensor<1x{n}xf32>"]) + "\n}\n"
    return interpret(text, [a for _, _, a in inputs])[0][0]


def expected_adamw(master, gradients, rate, decay, betas, epsilon, scale=1.0):
    """The same, in the form of torch.optim.AdamW: the decay first, then a step."""
    w, m, v = master.copy(), np.zeros_like(master), np.zeros_like(master)
    for n, g in enumerate(gradients, start=1):
        w *= 1 - rate * decay
        m += (1 - betas[0]) * (g * scale - m)
        v = betas[1] * v + (1 - betas[1]) * (g * scale) ** 2
        w -= rate / (1 - betas[0] ** n) * m / (np.sqrt(v) / np.sqrt(1 - betas[1] ** n) + epsilon)
    return w


arguments = (normal(9), normal(6, 9), 0.02, 0.1, (0.9, 0.95), 1e-8, 0.25)
close("adamw, 6 steps", adamw(*arguments), expected_adamw(*arguments), 1e-14)
# The gradients of a large model are small: with epsilon 1e-15 they still move weights, with 1e-8 they do not.
for epsilon, share in ((1e-15, 1 / 1.001e3), (1e-8, 1e-10 / (1 + 1e-10))):
    moved = adamw(np.zeros(1), np.full((1, 1), 1e-18), 0.5, 0.0, (0.9, 0.95), epsilon)
    close(f"the first step of a gradient of 1e-18 with epsilon {epsilon}", moved, [-0.5 * share], 1e-12)
print(f"{comparisons} comparisons agree")
