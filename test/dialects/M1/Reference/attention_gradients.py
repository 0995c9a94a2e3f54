# ===- attention_gradients.py - gradients of attention ---------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""attention_gradients.py WORK_DIR

Runs m1.lightning_attention_gradient and m1.softmax_attention_gradient on seeded
random inputs with m1-interpret. Each gradient is compared

- along random directions with central differences of the attention op in the
  interpreter, which are exact up to O(h²): extrapolated from steps h and h/2,
  they agree to 1e-8 of the largest value;
- in every element with NumPy: lightning attention by the equations of chunks,
  softmax attention as whole matrices, to 1e-12.

Prints the number of cases.
"""

import os
import subprocess
import sys

import numpy as np

work = sys.argv[1]
random = np.random.default_rng(20260102)
runs = 0
LENGTHS = [3, 0, 1, 11]  # of the sequences in the batch
CU = np.cumsum([0] + LENGTHS).astype(np.int32)
T = int(CU[-1])


def interpret(text, arguments):
    """The results of @main, in order."""
    global runs
    runs += 1
    folder = os.path.join(work, str(runs))
    os.makedirs(folder)
    module = os.path.join(folder, "module.mlir")
    with open(module, "w", encoding="utf-8") as file:
        file.write(text)
    command = ["m1-interpret", module, "--out-dir", folder]
    for i, argument in enumerate(arguments):
        path = os.path.join(folder, f"argument{i}.npy")
        np.save(path, argument)
        command += ["--arg", path]
    subprocess.run(command, check=True)
    count = sum(name.startswith("result") for name in os.listdir(folder))
    return [np.load(os.path.join(folder, f"result{i}.npy")) for i in range(count)]


class Attention:
    """An attention op on T tokens: H query heads, G key/value heads, width d."""

    def __init__(self, op, state, attributes, gradient_attributes, heads, groups, d):
        self.op, self.state, self.attributes, self.gradient_attributes = op, state, attributes, gradient_attributes
        self.shapes = [(T, heads, d), (T, groups, d), (T, groups, d)]

    def types(self):
        return ["tensor<" + "x".join(map(str, s)) + "xf64>" for s in self.shapes]

    def forward(self, points):
        """The results for several (q, k, v), in one run."""
        q, k, v = self.types()
        out = q.replace("f64", "f32")
        index = f"tensor<{T}xi32>, tensor<{len(CU)}xi32>, tensor<{len(LENGTHS)}xi32>"
        arguments, names, body = [], [], f"  %s0 = m1.read_state @s : {self.state}\n"
        for i, point in enumerate(points):
            given = [f"%q{i}", f"%k{i}", f"%v{i}"]
            names += [f"{n}: {t}" for n, t in zip(given, (q, k, v))]
            arguments += point
            body += f"""  %r{i}, %s{i + 1} = {self.op} {", ".join(given)}, %s{i} at (%p, %cu, %slots) {self.attributes}
    : ({q}, {k}, {v}, {self.state}, {index}) -> ({out}, {self.state})
"""
        results = ", ".join(f"%r{i}" for i in range(len(points)))
        types = ", ".join([out] * len(points))
        header = ", ".join(f"{n}: {t}" for n, t in zip(("%p", "%cu", "%slots"), index.split(", ")))
        text = f"""m1.state @s : {self.state}
func.func @main({header}, {", ".join(names)}) -> ({types}) {{
{body}  m1.write_state %s{len(points)}, @s : {self.state}
  return {results} : {types}
}}
"""
        positions = np.concatenate([np.arange(n) for n in LENGTHS]).astype(np.int32)
        return interpret(text, [positions, CU, np.arange(len(LENGTHS), dtype=np.int32), *arguments])

    def gradients(self, dy, q, k, v, result):
        tq, tk, tv = self.types()
        more = self.op == "m1.softmax_attention"
        arguments = [dy, q, k, v] + ([result] if more else []) + [CU]
        types = [tq.replace("f64", "f32"), tq, tk, tv] + ([tq] if more else []) + [f"tensor<{len(CU)}xi32>"]
        outs = ", ".join(t.replace("f64", "f32") for t in (tq, tk, tv))
        names = [f"%a{i}" for i in range(len(types))]
        text = f"""func.func @main({", ".join(f"{n}: {t}" for n, t in zip(names, types))}) -> ({outs}) {{
  %0, %1, %2 = {self.op}_gradient {", ".join(names[:-1])} at {names[-1]} {self.gradient_attributes} : ({", ".join(types)}) -> ({outs})
  return %0, %1, %2 : {outs}
}}
"""
        return interpret(text, arguments)


def close(what, found, expected, limit):
    assert found.shape == expected.shape, f"{what}: shape {found.shape}, expected {expected.shape}"
    error = np.abs(found - expected).max() / np.abs(expected).max()
    assert error <= limit, f"{what}: differs by {error:.3e} of the largest value"


def check_differences(name, attention, dy, point, gradients):
    """The slope of Σ dy result along directions, each of which changes one operand."""
    step, directions = 1e-3, []
    for operand in range(3):
        directions += [(operand, random.normal(size=point[operand].shape)) for _ in range(4)]

    def moved(operand, by):
        return [x + by if i == operand else x for i, x in enumerate(point)]

    points = [moved(o, s * step * d) for o, d in directions for s in (1, -1, 0.5, -0.5)]
    values = np.array([(dy * result).sum() for result in attention.forward(points)]).reshape(-1, 4)
    coarse, fine = (values[:, 0] - values[:, 1]) / (2 * step), (values[:, 2] - values[:, 3]) / step
    found = np.array([(gradients[o] * d).sum() for o, d in directions])
    close(f"{name}: differences", found, (4 * fine - coarse) / 3, 1e-8)


def sequences():
    return [slice(a, b) for a, b in zip(CU, CU[1:]) if a < b]


def lightning_in_chunks(dy, q, k, v, slopes, chunk):
    """The equations of the op's description."""
    dq, dk, dv = np.zeros_like(q), np.zeros_like(k), np.zeros_like(v)
    for rows in sequences():
        for h, slope in enumerate(slopes):
            parts = [slice(a, min(a + chunk, rows.stop)) for a in range(rows.start, rows.stop, chunk)]
            state, states = np.zeros((q.shape[2],) * 2), []
            for part in parts:
                m = part.stop - part.start
                states.append(state)
                left = np.exp(-slope * np.arange(m - 1, -1, -1))
                state = np.exp(-slope * m) * state + np.einsum("j,jd,je->de", left, k[part, h], v[part, h])
            dstate = np.zeros_like(state)
            for part, state in zip(reversed(parts), reversed(states)):
                m = part.stop - part.start
                y, a, b, c = dy[part, h], q[part, h], k[part, h], v[part, h]
                distance = np.arange(m)[:, None] - np.arange(m)
                decay = np.where(distance >= 0, np.exp(-slope * np.maximum(distance, 0)), 0)
                after, left = np.exp(-slope * np.arange(1, m + 1))[:, None], np.exp(-slope * np.arange(m - 1, -1, -1))[:, None]
                dq[part, h] = (decay * (y @ c.T)) @ b + after * (y @ state.T)
                dk[part, h] = (decay * (y @ c.T)).T @ a + left * (c @ dstate.T)
                dv[part, h] = (decay * (a @ b.T)).T @ y + left * (b @ dstate)
                dstate = np.exp(-slope * m) * dstate + (after * a).T @ y
    return dq, dk, dv


def softmax_in_matrices(dy, q, k, v, scale):
    """Backward through the softmax's matrix of whole sequences."""
    shared = q.shape[1] // k.shape[1]
    dq, dk, dv = np.zeros_like(q), np.zeros_like(k), np.zeros_like(v)
    for rows in sequences():
        for h in range(q.shape[1]):
            y, a, b, c = dy[rows, h], q[rows, h], k[rows, h // shared], v[rows, h // shared]
            scores = np.where(np.tri(len(a), dtype=bool), scale * (a @ b.T), -np.inf)
            p = np.exp(scores - scores.max(1, keepdims=True))
            p /= p.sum(1, keepdims=True)
            dp = y @ c.T
            ds = scale * p * (dp - (p * dp).sum(1, keepdims=True))
            dq[rows, h] = ds @ b
            dk[rows, h // shared] += ds.T @ a
            dv[rows, h // shared] += p.T @ y
    return dq, dk, dv


def check(name, attention, expected):
    point = [random.normal(size=shape) for shape in attention.shapes]
    dy = random.normal(size=attention.shapes[0])
    (result,) = attention.forward([point])
    gradients = attention.gradients(dy, *point, result)
    check_differences(name, attention, dy, point, gradients)
    for what, found, value in zip(("dq", "dk", "dv"), gradients, expected(dy, *point)):
        close(f"{name}: {what}", found, value, 1e-12)
    return 2


cases = 0
for slopes, chunk in (([0.9, 0.01, 0.0], 4), ([3.0], 256)):
    heads, numbers = len(slopes), f"slopes [{', '.join(f'{s:.17e}' for s in slopes)}]"
    op = Attention(
        "m1.lightning_attention", f"!m1.lightning_state<{heads} x 5, chunk = 4, f64>", numbers, f"{numbers} chunk {chunk}", heads, heads, 5
    )
    cases += check(f"lightning {heads}", op, lambda *a, s=slopes, c=chunk: lightning_in_chunks(*a, s, c))
for heads, groups in ((6, 2), (1, 1)):
    op = Attention("m1.softmax_attention", f"!m1.kv_cache<{groups} x 5, f64>", "scale 0.7", "scale 0.7", heads, groups, 5)
    cases += check(f"softmax {heads}", op, lambda *a: softmax_in_matrices(*a, 0.7))
print(f"{cases} cases agree")
