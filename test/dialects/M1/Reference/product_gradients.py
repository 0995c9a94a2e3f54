# ===- product_gradients.py - gradients against finite differences ----------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""product_gradients.py WORK_DIR

Compares the gradients of products, routers and experts with central differences of
the interpreter's forward ops, along random directions, in double precision. Prints
the number of derivatives.
"""

import os
import subprocess
import sys

import numpy as np

work = sys.argv[1]
random = np.random.default_rng(20260202)
calls = derivatives = 0
STEP = 1e-4


def tensor_type(shape, element="f64"):
    return "tensor<" + "".join(f"{n}x" for n in shape) + element + ">"


def state_type(shape):
    return f"!m1.tensor_state<{'x'.join(map(str, shape))}xf32>"


def interpret(text, arguments, count):
    """The `count` results of the function, in order."""
    global calls
    calls += 1
    folder = os.path.join(work, str(calls))
    os.makedirs(folder)
    module = os.path.join(folder, "module.mlir")
    with open(module, "w", encoding="utf-8") as file:
        file.write(text)
    command = ["m1-interpret", module, "--out-dir", folder]
    for i, argument in enumerate(arguments):
        command += ["--arg", os.path.join(folder, f"argument{i}.npy")]
        np.save(command[-1], argument)
    subprocess.run(command, check=True)
    return [np.load(os.path.join(folder, f"result{i}.npy")) for i in range(count)]


def run_ops(op, points, results, state=None):
    """The results of an op on each list of arrays in `points`, one after the other; gradients are of type f32, which the
    interpreter does not round to. With `state`, a shape, the op's last operand and only result is a state, zero before,
    whose value is the result."""
    arguments, types, lines, outs = [], [], [], []
    for operands in points:
        names = [f"%a{len(arguments) + i}" for i in range(len(operands))]
        own = [tensor_type(a.shape, "i32" if a.dtype.kind == "i" else "f32") for a in operands]
        arguments, types = arguments + operands, types + own
        if state:
            lines.append(f"%s1 = {op} {', '.join(names)}, %s0 : ({', '.join(own)}, {state_type(state)}) -> {state_type(state)}")
            continue
        found = [f"%r{len(outs) + i}" for i in range(len(results))]
        lines.append(f"{', '.join(found)} = {op} {', '.join(names)} : ({', '.join(own)}) -> ({', '.join(results)})")
        outs += found
    returned = list(results) * len(points)
    declaration = ""
    if state:
        held, value = state_type(state), tensor_type(state, "f32")
        declaration = f"m1.state @s : {held}\n"
        lines = [f"%s0 = m1.read_state @s : {held}", *lines, f"%v, %s2 = m1.state_value %s1 : ({held}) -> ({value}, {held})", f"m1.write_state %s2, @s : {held}"]
        outs, returned = ["%v"], [value]
    lines.append(f"return {', '.join(outs)} : {', '.join(returned)}")
    signature = ", ".join(f"%a{i}: {t}" for i, t in enumerate(types))
    return interpret(declaration + f"func.func @main({signature}) -> ({', '.join(returned)}) {{\n  " + "\n  ".join(lines) + "\n}\n", arguments, len(outs))


def run_op(op, operands, results, state=None):
    return run_ops(op, [operands], results, state)


def check(what, losses, at, gradient):
    """The derivative along two directions of the loss, which `losses` computes at a list of points, is that of `gradient`."""
    global derivatives
    assert at.shape == gradient.shape, f"{what}: shape {gradient.shape}, expected {at.shape}"
    directions = random.normal(size=(2, *at.shape))
    found = losses([at + sign * STEP * direction for direction in directions for sign in (1, -1)])
    for direction, (above, below) in zip(directions, np.reshape(found, (2, 2))):
        expected, actual = (above - below) / (2 * STEP), np.vdot(gradient, direction)
        scale = np.linalg.norm(gradient) * np.linalg.norm(direction)
        assert scale > 0 and abs(actual - expected) <= 1e-6 * scale, f"{what}: {actual}, expected {expected}"
        derivatives += 1


def check_linear():
    t, n, k = 5, 4, 7
    x, w, dy = random.normal(size=(t, k)), random.normal(size=(n, k)), random.normal(size=(t, n))

    def losses(points):
        return [np.vdot(dy, y) for y in run_ops("m1.linear", points, [tensor_type((t, n), "f32")])]

    (dx,) = run_op("m1.linear_transposed", [dy, w], [tensor_type((t, k), "f32")])
    check("linear_transposed", lambda points: losses([[p, w] for p in points]), x, dx)
    (dw,) = run_op("m1.linear_weight_gradient", [dy, x], (), state=(n, k))
    check("linear_weight_gradient", lambda points: losses([[x, p] for p in points]), w, dw)


def check_router():
    """The logits of the product with the unit matrix are the operand itself."""
    t, e, k = 6, 5, 3
    logits, g, unit = random.normal(size=(t, e)), random.normal(size=(t, k)), np.eye(e)
    chosen = [tensor_type((t, k), "i32"), tensor_type((t, k), "f32")]
    experts, weights = run_op("m1.router", [logits, unit], chosen)
    (found,) = run_op("m1.router_gradient", [g, experts.astype(np.int32), weights], [tensor_type((t, e), "f32")])
    check("router_gradient", lambda points: [np.vdot(g, w) for w in run_ops("m1.router", [[p, unit] for p in points], chosen)[1::2]], logits, found)

    coefficients = random.normal(size=e)
    results = [tensor_type((t,), "f32"), tensor_type((t, e), "f32")]
    loss, gradient = run_op("m1.router_balance", [logits, unit, coefficients], results)
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert np.abs(loss - p @ coefficients).max() <= 1e-14, f"router_balance: loss {loss}, expected {p @ coefficients}"
    check("router_balance", lambda points: [loss.sum() for loss in run_ops("m1.router_balance", [[p, unit, coefficients] for p in points], results)[::2]], logits, gradient)


def check_experts():
    """Some tokens choose an expert twice; one expert has no tokens."""
    t, d, f, e, k = 6, 5, 4, 4, 2
    x, dy, weights = random.normal(size=(t, d)), random.normal(size=(t, d)), random.uniform(size=(t, k))
    w1, w3, w2 = random.normal(size=(e, f, d)), random.normal(size=(e, f, d)), random.normal(size=(e, d, f))
    experts = random.integers(0, e - 1, (t, k)).astype(np.int32)
    experts[1] = 1
    rows, pairs, hidden = (tensor_type(shape, "f32") for shape in ((t, d), (t, k), (t, k, f)))
    operands = [x, experts, weights, w1, w3, w2]

    def along(position):
        def losses(points):
            return [np.vdot(dy, y) for y in run_ops("m1.experts", [[*operands[:position], p, *operands[position + 1 :]] for p in points], [rows])]

        return losses

    dx, dweights, hidden, dgate, dup = run_op("m1.experts_gradient", [dy, *operands], [rows, pairs, hidden, hidden, hidden])
    check("experts_gradient in x", along(0), x, dx)
    check("experts_gradient in weights", along(2), weights, dweights)
    for position, left, right in ((3, dgate, x), (4, dup, x), (5, dy, hidden)):
        (found,) = run_op("m1.experts_weight_gradient", [left, right, experts], (), state=operands[position].shape)
        check(f"experts_weight_gradient {position}", along(position), operands[position], found)
        assert not found[-1].any(), f"an expert without tokens has the gradient {found[-1]}"


check_linear()
check_router()
check_experts()
print(f"{derivatives} derivatives agree")
