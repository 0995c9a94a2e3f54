# ===- log_prob.py - the bits of log-probabilities --------------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Compares the bits of a token's log-probability by every way to compute it.

Drawing reads logits, scoring is fused with the head, training also computes gradients. The shapes have one group of the
vocabulary or several, and a last panel that is partial or whole.
"""

import argparse
import os
import sys

import numpy as np

sys.dont_write_bytecode = True
from kernels import policy  # noqa: E402
from kernels.module import Module, e2e, tensor  # noqa: E402
from kernel_results import call, write_arguments  # noqa: E402

SHAPES = ((33, 97), (64, 1500), (48, 2048))  # D, V
ELEMENTS = (("f32", "f32"), ("f32", "bf16"), ("bf16", "bf16"))
TEMPERATURES = (0.5, 0.7, 1, 1.3)
ROWS = (1, 3, 70)
INDEX = tensor(None, element="i32")


def function(module, d, v, x, w):
    """The log-probabilities of x's rows: fused, of logits, of logits at 1, and at a temperature of logits and in training."""
    f = module.function("log_prob", d, v, x, w)
    rows, targets = f.argument(tensor(None, d, element=x)), f.argument(INDEX)
    ones, temperature = f.argument(tensor(None)), f.argument(tensor(None))
    zeros, one_temperature, bounds = f.argument(tensor(None)), f.argument(tensor(1)), f.argument(tensor(4))
    weight = f.parameter(v, d, element=w, scale=0.5)
    logits = f.op("m1.linear", [rows, weight], tensor(None, v))
    fused = f.op("m1.head_log_prob", [rows, weight, targets], tensor(None))
    read = f.op("m1.token_log_prob", [logits, targets], tensor(None))
    tempered = [f.op("m1.token_log_prob", [logits, targets, t], tensor(None), form="{}, {} temperature {}") for t in (ones, temperature)]
    state_type = f"!m1.tensor_state<{v}x{d}xf32>"
    state, write = f.state(state_type)
    operands = [rows, weight, targets, zeros, zeros, zeros, one_temperature, bounds, state]
    trained, *_, state = f.op("m1.policy_head", operands, tensor(None), tensor(None), tensor(None, d), state_type, form=policy.FORM)
    write(state)
    f.results(fused, read, *tempered, trained)
    for t in ROWS:
        random = f.random(t)
        x_rows, tokens = random.normal(t, d, element=x), random.integers(0, v, t)
        for degrees in TEMPERATURES:
            degrees_of_rows = np.full(t, degrees, np.float32)
            arguments = [x_rows, tokens, np.ones(t, np.float32), degrees_of_rows, np.zeros(t, np.float32), degrees_of_rows[:1], policy.UNBOUNDED]
            f.case(f"{t}/{degrees}", arguments, 0)
    return f


def compare(case, module, runner, work):
    """Checks one case; how many log-probabilities were compared."""
    given = write_arguments(case.arguments, os.path.join(work, "arguments"))
    found = call((*runner[:1], "call", module.plan, *runner[1:], *module.weights), case.function.name, given, os.path.join(work, "out"))
    fused, read, ones, tempered, trained = (found[f"result{i}"] for i in range(5))
    same = [("of logits", read, fused), ("at 1", ones, fused), ("of training", trained, tempered)]
    if case.name.endswith("/1"):
        same.append(("at a temperature of 1", tempered, fused))
    else:
        assert (tempered != fused).all(), f"{case.id}: the temperature has no effect"
    for name, one, other in same:
        assert np.array_equal(one.view(np.int32), other.view(np.int32)), f"{case.id}: {name} {one}, expected {other}"
    assert (fused < 0).all(), case.id
    return fused.size * len(same)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", help="directory for all files; replaced if it exists")
    parser.add_argument("--unit", default="cpu", choices=("cpu", "ptx"), help="what runs the kernels (default: cpu)")
    options = parser.parse_args()
    module = Module(options.unit)
    for d, v in SHAPES:
        for x, w in ELEMENTS:
            function(module, d, v, x, w)
    target, runner = e2e.UNITS[options.unit]
    module.build(options.work, *target)
    print(sum(compare(case, module, runner, options.work) for case in module.cases), "log-probabilities have the same bits")


main()
