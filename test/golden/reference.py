# ===- reference.py - the model in numpy ----------------------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""The forward pass of docs/model.md in float64 numpy, one token after another.

It shares no code with the project and is written for reading: recurrences in
place of chunks, one head and one expert at a time. generate.py uses it for what
the transformers package cannot express (no postnorm, shared experts, partial
rotary embeddings) and checks it against transformers everywhere else.
"""

import json
import math
import os

import numpy as np


def read_safetensors(path):
    """{name: float64 array} of one file; F32, BF16 and F16."""
    with open(path, "rb") as file:
        data = file.read()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        raw = data[8 + size + begin : 8 + size + end]
        if entry["dtype"] == "BF16":
            values = (np.frombuffer(raw, "<u2").astype(np.uint32) << 16).view(np.float32)
        else:
            values = np.frombuffer(raw, {"F32": "<f4", "F16": "<f2"}[entry["dtype"]])
        tensors[name] = values.astype(np.float64).reshape(entry["shape"])
    return tensors


def alibi_slopes(heads):
    def powers(n):
        return [2.0 ** (-8.0 * (i + 1) / n) for i in range(n)]

    below = 2 ** int(math.floor(math.log2(heads)))
    return np.array(powers(below) + powers(2 * below)[0::2][: heads - below])


def decay_slopes(config, layer):
    heads, layers = config["num_attention_heads"], config["num_hidden_layers"]
    if config["architectures"][0] != "MiniMaxForCausalLM" and layers > 1:
        return alibi_slopes(heads) * (1 - layer / (layers - 1) + 1e-5)
    return 2.0 ** (-8.0 * np.arange(1, heads + 1) / heads) * (1 - layer / (layers - 1 + 1e-5) + 1e-5)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def silu(x):
    return x * sigmoid(x)


def rms_norm(x, weight, eps):
    return weight * x / np.sqrt((x * x).mean(-1, keepdims=True) + eps)


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


class Model:
    def __init__(self, directory):
        with open(os.path.join(directory, "config.json")) as file:
            self.config = json.load(file)
        self.weights = read_safetensors(os.path.join(directory, "model.safetensors"))
        c = self.config
        self.published = c["architectures"][0] != "MiniMaxForCausalLM"
        self.heads = c["num_attention_heads"]
        self.size = c.get("head_dim") or c["hidden_size"] // self.heads
        self.eps = c.get("rms_norm_eps", 1e-5)
        if self.published:
            self.lightning = [t == 0 for t in c["attn_type_list"]]
            names = ("layernorm_linear_attention", "layernorm_full_attention", "layernorm_mlp")
            self.mixes = [(c.get(n + "_alpha", 1), c.get(n + "_beta", 1)) for n in names]
            self.postnorm = c.get("postnorm", False)
        else:
            self.lightning = [t == "linear_attention" for t in c["layer_types"]]
            names = ("linear_attn", "full_attn", "mlp")
            self.mixes = [(c.get(n + "_alpha_factor", 1), c.get(n + "_beta_factor", 1)) for n in names]
            self.postnorm = True
        rope = c.get("rope_scaling") or c.get("rope_parameters") or {}
        self.theta = rope.get("rope_theta", c.get("rope_theta", 1e6))
        self.rotary = c.get("rotary_dim", self.size)
        self.router_margin = math.inf  # the closest that any token's choice of experts was

    def __call__(self, tokens):
        """logits [T, V] of one sequence."""
        w = self.weights
        # Of tied matrices, one may be missing.
        head = w.get("lm_head.weight", w.get("model.embed_tokens.weight"))
        x = w.get("model.embed_tokens.weight", head)[tokens]
        for layer, lightning in enumerate(self.lightning):
            name = f"model.layers.{layer}."
            h = rms_norm(x, w[name + "input_layernorm.weight"], self.eps)
            attention = self.lightning_attention if lightning else self.softmax_attention
            alpha, beta = self.mixes[0 if lightning else 1]
            x = (h if self.postnorm else x) * alpha + attention(layer, h) * beta
            h = rms_norm(x, w[name + "post_attention_layernorm.weight"], self.eps)
            alpha, beta = self.mixes[2]
            x = (h if self.postnorm else x) * alpha + self.mlp(name, h) * beta
        x = rms_norm(x, w["model.norm.weight"], self.eps)
        return x @ head.T

    def lightning_attention(self, layer, h):
        w, name, d = self.weights, f"model.layers.{layer}.self_attn.", self.size
        qkv = silu(h @ w[name + "qkv_proj.weight"].T).reshape(len(h), self.heads, 3 * d)
        slopes = decay_slopes(self.config, layer)
        out = np.zeros((len(h), self.heads, d))
        for head in range(self.heads):
            state = np.zeros((d, d))
            for t in range(len(h)):
                q, k, v = qkv[t, head, :d], qkv[t, head, d : 2 * d], qkv[t, head, 2 * d :]
                state = math.exp(-slopes[head]) * state + np.outer(k, v)
                out[t, head] = q @ state
        y = rms_norm(out.reshape(len(h), -1), w[name + "norm.weight"], 1e-6)
        return (y * sigmoid(h @ w[name + "output_gate.weight"].T)) @ w[name + "out_proj.weight"].T

    def rotate(self, x):
        """x [T, H, d]: component i of the first `rotary` turns with component i + rotary / 2."""
        n = self.rotary
        angle = np.arange(len(x))[:, None] * self.theta ** (-2.0 * np.arange(n // 2) / n)
        cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]
        a, b = x[..., : n // 2], x[..., n // 2 : n]
        return np.concatenate([a * cos - b * sin, b * cos + a * sin, x[..., n:]], -1)

    def softmax_attention(self, layer, h):
        w, name, d = self.weights, f"model.layers.{layer}.self_attn.", self.size
        q, k, v = ((h @ w[f"{name}{p}_proj.weight"].T).reshape(len(h), -1, d) for p in "qkv")
        q, k = self.rotate(q), self.rotate(k)
        group = self.heads // k.shape[1]
        out = np.zeros_like(q)
        for head in range(self.heads):
            for t in range(len(h)):
                p = softmax(k[: t + 1, head // group] @ q[t, head] / math.sqrt(d))
                out[t, head] = p @ v[: t + 1, head // group]
        return out.reshape(len(h), -1) @ w[name + "o_proj.weight"].T

    def expert(self, name, e):
        """w1, w3, w2 of one expert, whichever way the file holds them."""
        w, width = self.weights, self.config["intermediate_size"]
        if name + "mlp.experts.down_proj" in w:
            both = w[name + "mlp.experts.gate_up_proj"][e]
            return both[:width], both[width:], w[name + "mlp.experts.down_proj"][e]
        return (w[f"{name}block_sparse_moe.experts.{e}.{p}.weight"] for p in ("w1", "w3", "w2"))

    def mlp(self, name, h):
        w, c = self.weights, self.config
        gate = w.get(name + "block_sparse_moe.gate.weight", w.get(name + "mlp.gate.weight"))
        probabilities = softmax(h @ gate.T)
        count = c["num_experts_per_tok"]
        out = np.zeros_like(h)
        experts = [tuple(self.expert(name, e)) for e in range(len(gate))]
        for t, p in enumerate(probabilities):
            order = np.argsort(-p, kind="stable")
            chosen = order[:count]
            if count < len(p):
                self.router_margin = min(self.router_margin, p[order[count - 1]] - p[order[count]])
            for e, weight in zip(chosen, p[chosen] / p[chosen].sum()):
                w1, w3, w2 = experts[e]
                out[t] += weight * ((silu(h[t] @ w1.T) * (h[t] @ w3.T)) @ w2.T)
        if name + "coefficient.weight" in w:
            gate, up, down = (w[f"{name}shared_mlp.{p}_proj.weight"] for p in ("gate", "up", "down"))
            shared = (silu(h @ gate.T) * (h @ up.T)) @ down.T
            mix = sigmoid(h @ w[name + "coefficient.weight"].T)
            out = out * (1 - mix) + shared * mix
        return out
