# ===- policy_head.py - the policy loss against differences ------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""policy_head.py WORK_DIR

Compares the gradients of m1.policy_head with finite differences of its loss in
m1-interpret. The gradient flows through log-probabilities only, so the loss is the
sum of s[t] log_probs[t] with s held fixed; s comes from NumPy. Each entry of x and of
the weight is moved. Prints what was compared.
"""

import os
import subprocess
import sys

import numpy as np

T, D, V, TEMPERATURE, STEP = 7, 4, 6, 0.7, 1e-5
BOUNDS = np.array([0.2, 1.6, 0.7, 1.3])
work = sys.argv[1]
os.makedirs(work)
MODULE = os.path.join(work, "module.mlir")
PER_TOKEN = "tensor<?xf64>"
STATE = f"!m1.tensor_state<{V}x{D}xf32>"
with open(MODULE, "w", encoding="utf-8") as file:
    file.write(f"""m1.state @sum : {STATE}
func.func @log_probs(%x: tensor<?x{D}xf64>, %w: tensor<{V}x{D}xf64>, %y: tensor<?xi32>, %t: tensor<?xf32>) -> tensor<?xf32> {{
  %l = m1.linear %x, %w : (tensor<?x{D}xf64>, tensor<{V}x{D}xf64>) -> tensor<?x{V}xf64>
  %p = m1.token_log_prob %l, %y temperature %t : (tensor<?x{V}xf64>, tensor<?xi32>, tensor<?xf32>) -> tensor<?xf32>
  return %p : tensor<?xf32>
}}
func.func @head(%x: tensor<?x{D}xf64>, %w: tensor<{V}x{D}xf64>, %y: tensor<?xi32>, %o: tensor<?xf32>, %a: tensor<?xf32>, %g: tensor<?xf32>, %t: tensor<1xf32>, %b: tensor<4xf32>)
    -> (tensor<?xf32>, tensor<?xf32>, tensor<?x{D}xf32>, tensor<{V}x{D}xf32>) {{
  %s = m1.read_state @sum : {STATE}
  %p, %h, %dx, %n = m1.policy_head %x, %w, %y old %o advantages %a weights %g temperature %t bounds %b, %s
    : (tensor<?x{D}xf64>, tensor<{V}x{D}xf64>, tensor<?xi32>, tensor<?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<1xf32>, tensor<4xf32>, {STATE})
    -> (tensor<?xf32>, tensor<?xf32>, tensor<?x{D}xf32>, {STATE})
  %dw, %m = m1.state_value %n : ({STATE}) -> (tensor<{V}x{D}xf32>, {STATE})
  m1.write_state %m, @sum : {STATE}
  return %p, %h, %dx, %dw : tensor<?xf32>, tensor<?xf32>, tensor<?x{D}xf32>, tensor<{V}x{D}xf32>
}}
""")


def interpret(entry, *arguments):
    command = ["m1-interpret", MODULE, "--entry", entry, "--out-dir", os.path.join(work, entry)]
    for i, argument in enumerate(arguments):
        path = os.path.join(work, f"argument{i}.npy")
        np.save(path, argument)
        command += ["--arg", path]
    subprocess.run(command, check=True)
    count = 4 if entry == "head" else 1
    return [np.load(os.path.join(work, entry, f"result{i}.npy")) for i in range(count)]


def log_probs(x, w, y):
    return interpret("log_probs", x, w, y, np.full(len(x), TEMPERATURE))[0]


def compare(name, found, differences):
    error = np.abs(found - differences).max()
    assert error < 1e-8 * max(1, np.abs(differences).max()), f"{name}: {found}, by differences {differences}"
    assert np.abs(differences).max() > 0.01, f"{name}: {differences}"


random = np.random.default_rng(7)
x, w = random.standard_normal((T, D)), random.standard_normal((V, D))
y = random.integers(0, V, T).astype(np.int32)
advantages, weights = random.standard_normal(T), random.random(T)
weights[2] = 0
logits = x @ w.T / TEMPERATURE
p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
now = np.log(p[np.arange(T), y])
ratio = np.array([1, 1.2, 1, 5, 0.1, 0.8, 1.4])  # within the bounds and on both sides; masked or not by the sign
advantages[5:] = -1, 1
old = now - np.log(ratio)
masked = ((advantages > 0) & (ratio > BOUNDS[3])) | ((advantages < 0) & (ratio < BOUNDS[2]))
assert masked.any() and not masked.all()
s = np.where(masked, 0, -weights * advantages * np.clip(ratio, *BOUNDS[:2]))

found, entropy, dx, dw = interpret("head", x, w, y, old, advantages, weights, np.array([TEMPERATURE]), BOUNDS)
compare("log_probs", found, now)
compare("entropy", entropy, -(p * np.log(p)).sum(1))

# Tokens do not affect each other: all the moved rows are one batch.
moved = np.concatenate([x + sign * STEP * np.eye(D)[k] for k in range(D) for sign in (1, -1)])
plus, minus = log_probs(moved, w, np.tile(y, 2 * D)).reshape(D, 2, T).transpose(1, 2, 0)
compare("x_gradient", dx, s[:, None] * (plus - minus) / (2 * STEP))

differences = np.zeros((V, D))
for v in range(V):
    for k in range(D):
        step = np.zeros((V, D))
        step[v, k] = STEP
        differences[v, k] = s @ (log_probs(x, w + step, y) - log_probs(x, w - step, y)) / (2 * STEP)
compare("state", dw, differences)
print(f"{dx.size} entries of x_gradient and {dw.size} of the state agree")
