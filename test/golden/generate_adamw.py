#!/usr/bin/env python3
# ===- generate_adamw.py - steps of torch.optim.AdamW ----------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Writes adamw.npz: steps of torch.optim.AdamW in float64 on one vector. Needs torch.

    start           float32 [N]
    gradients       float32 [STEPS, N]; of the last eight elements, four have gradients of
                    1e-12, and four gradients of 0
    master, first, second
                    float64 [STEPS, N], after each step: the vector and its moments
    norms           float64 [STEPS], before clipping
    learning_rate, weight_decay, beta1, beta2, epsilon, max_norm
                    numbers of float32, which torch gets as they are
"""

import os

import numpy as np
import torch

N, STEPS = 37, 5
OPTIMIZER = {"learning_rate": 1e-2, "weight_decay": 0.1, "beta1": 0.9, "beta2": 0.95, "epsilon": 1e-10, "max_norm": 4.0}


def main():
    rounded = {name: float(np.float32(value)) for name, value in OPTIMIZER.items()}
    random = np.random.default_rng(1)
    start = random.standard_normal(N).astype(np.float32)
    gradients = random.standard_normal((STEPS, N)).astype(np.float32)
    gradients[:, -8:-4] *= np.float32(1e-12)
    gradients[:, -4:] = 0
    weight = torch.nn.Parameter(torch.from_numpy(start).double())
    optimizer = torch.optim.AdamW(
        [weight], lr=rounded["learning_rate"], betas=(rounded["beta1"], rounded["beta2"]), eps=rounded["epsilon"], weight_decay=rounded["weight_decay"]
    )
    found = {"master": [], "first": [], "second": [], "norms": []}
    for gradient in gradients:
        weight.grad = torch.from_numpy(gradient).double()
        found["norms"].append(float(torch.nn.utils.clip_grad_norm_([weight], rounded["max_norm"])))
        optimizer.step()
        state = optimizer.state[weight]
        for name, value in (("master", weight), ("first", state["exp_avg"]), ("second", state["exp_avg_sq"])):
            found[name].append(value.detach().numpy().copy())
    data = {name: np.array(values) for name, values in found.items()}
    data.update({name: np.float32(value) for name, value in rounded.items()})
    np.savez_compressed(os.path.join(os.path.dirname(os.path.abspath(__file__)), "adamw.npz"), start=start, gradients=gradients, **data)
    print(f"torch {torch.__version__}: norms {data['norms']}, the largest change {np.abs(data['master'][-1] - start).max():.3f}")


if __name__ == "__main__":
    main()
