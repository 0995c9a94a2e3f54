# ===- estimate.py - estimates agree with the formulas of the model ---------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""estimate.py CONFIG.json WORK_DIR

Compiles the model and compares what m1run estimate sums over launches with formulas:
operations of a decoded token, of prefill and of a training step; bytes of weights that
one token and that all experts' tokens read; the memory by kind.
"""

import json
import os
import subprocess
import sys

config_path, work = sys.argv[1:]
os.makedirs(work, exist_ok=True)
config = json.load(open(config_path))
V, D, layers = config["vocab_size"], config["hidden_size"], config["num_hidden_layers"]
H, d, G = config["num_attention_heads"], config["head_dim"], config["num_key_value_heads"]
E, K, F = config["num_local_experts"], config["num_experts_per_tok"], config["intermediate_size"]
softmax = sum(config["attn_type_list"])
lightning = layers - softmax
C = 64  # the chunk of lightning attention


def run(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def plan(name, *options):
    path = os.path.join(work, name + ".m1plan")
    run("m1c", checkpoint, "-o", path, "--max-tokens", "600", "--slots", "4", "--max-length", "2048", *options)
    return path


def estimate(path, *options):
    return json.loads(run("m1run", "estimate", path, "--machine", "8xH200", "--json", *options))


def equal(what, found, expected):
    if found != expected:
        sys.exit(f"{what}: found {found}, expected {expected}")
    print(f"{what}: {found:.0f}")


def operations(case):
    return sum(case["operations"].values())


checkpoint = os.path.join(work, "checkpoint")
run(sys.executable, os.path.join(os.path.dirname(__file__), "../../../tools/make_checkpoint.py"), config_path, checkpoint, "--seed", "1")

# Parameters of products that each token meets, with those of the chosen experts only.
attention = lightning * (3 * H * d + 2 * H * d) * D + softmax * ((H + 2 * G) * d + H * d) * D
products = attention + layers * (E * D + K * 3 * F * D)
head = V * D
linear_state = lightning * H * (2 * C * d + 4 * d * d)
per_key = softmax * 4 * H * d

for target in "cpu", "cuda:sm_80":
    path = plan(target.replace(":", "_"), "--target", target)
    inspected = json.loads(run("m1run", "inspect", path, "--json"))
    figures = {f["name"]: f["value"] for f in inspected["figures"]}
    for context in 1, 1000:
        case = estimate(path, "--decode", "1", "--context", str(context), "--prefill", "none")["cases"][0]
        equal(f"{target}: operations of a token with {context} keys", operations(case), 2 * (products + head) + linear_state + per_key * context)
        per_token = {n: v for n, v in figures.items() if n.startswith("operations per token")}
        by_figures = sum(v * (context if "per key" in n else 1) for n, v in per_token.items())
        equal(f"{target}: the same by m1c --report", operations(case), by_figures)
    T = 600
    case = estimate(path, "--decode", "none", "--prefill", str(T))["cases"][0]
    expected = T * (2 * products + linear_state) + 2 * head + per_key * T * (T + 1) // 2
    equal(f"{target}: operations of prefill", operations(case), expected)
    case = estimate(path, "--decode", "none", "--prefill", str(T), "--entry", "score")["cases"][0]
    equal(f"{target}: operations of scoring", operations(case), expected + 2 * (T - 1) * head)

    # Weights are read once, of experts only those that are chosen.
    found = estimate(path, "--decode", "1", "--context", "1", "--prefill", str(T))
    weights = found["memory"]["weights"]
    table = weights["embed_tokens"]
    experts = sum(v for n, v in weights.items() if "experts" in n)
    rest = sum(weights.values()) - weights.get("padding", 0) - table - experts
    decode, prefill = (case["bytes"]["weights"] for case in found["cases"])
    equal(f"{target}: bytes of weights, one token", decode, rest + experts * K / E + table / V)
    equal(f"{target}: bytes of weights, all experts", prefill, rest + experts + T * table / V)
    packed = sum(weights.values()) - sum(v for n, v in weights.items() if n == "embed_tokens" or "norm" in n)
    equal(f"{target}: packed weights", packed, inspected["packed_weight_bytes"])
    equal(f"{target}: states", sum(found["memory"]["states"].values()), inspected["state_bytes"])

    # A training step computes each product, and its gradients of x and of the weight.
    path = plan("train_" + target.replace(":", "_"), "--target", target, "--train", "--train-tokens", "600")
    case = estimate(path, "--entry", "gradients", "--decode", "none", "--prefill", str(T))["cases"][0]
    by_kernel = {k["name"]: k["operations"] for k in case["kernels"]}
    found = sum(v for n, v in by_kernel.items() if n.startswith(("linear", "experts", "router", "policy")))
    # The loss of routers that are out of balance has products of its own, as many as the routers.
    again = T * 6 * layers * E * D
    equal(f"{target}: 6 operations per parameter and token", found, T * 6 * (products + head) + again)
