# ===- differentiable.py - the model in torch, for autograd ----------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""reference.py in torch, so that autograd can differentiate it; float64.

As there, recurrences stand in place of chunks and experts are visited one by one. It
has no derivative of its own: all come from autograd.
"""

import math

import torch

import reference


def rms_norm(x, weight, eps):
    return weight * x / torch.sqrt((x * x).mean(-1, keepdim=True) + eps)


class Model(reference.Model):
    """Its `weights` are leaves of the graph, by the checkpoint's names."""

    def __init__(self, directory):
        super().__init__(directory)
        trained = {name: w for name, w in self.weights.items() if name.endswith((".weight", "gate_up_proj", "down_proj"))}
        self.weights = {name: torch.tensor(w, dtype=torch.float64, requires_grad=True) for name, w in trained.items()}

    def parameters(self):
        return self.weights

    def __call__(self, tokens):
        """logits [T, V] of one sequence, and each layer's router logits [T, E]."""
        w = self.weights
        head = w.get("lm_head.weight", w.get("model.embed_tokens.weight"))
        x = w.get("model.embed_tokens.weight", head)[torch.as_tensor(tokens).long()]
        router_logits = []
        for layer, lightning in enumerate(self.lightning):
            name = f"model.layers.{layer}."
            h = rms_norm(x, w[name + "input_layernorm.weight"], self.eps)
            attention = self.lightning_attention if lightning else self.softmax_attention
            alpha, beta = self.mixes[0 if lightning else 1]
            x = (h if self.postnorm else x) * alpha + attention(layer, h) * beta
            h = rms_norm(x, w[name + "post_attention_layernorm.weight"], self.eps)
            alpha, beta = self.mixes[2]
            y, logits = self.mlp(name, h)
            router_logits.append(logits)
            x = (h if self.postnorm else x) * alpha + y * beta
        return rms_norm(x, w["model.norm.weight"], self.eps) @ head.T, router_logits

    def lightning_attention(self, layer, h):
        w, name, d = self.weights, f"model.layers.{layer}.self_attn.", self.size
        qkv = torch.nn.functional.silu(h @ w[name + "qkv_proj.weight"].T).reshape(len(h), self.heads, 3 * d)
        q, k, v = qkv.split(d, -1)
        decay = torch.exp(-torch.tensor(reference.decay_slopes(self.config, layer), dtype=torch.float64))[:, None, None]
        state, out = torch.zeros(self.heads, d, d, dtype=torch.float64), []
        for t in range(len(h)):
            state = decay * state + k[t, :, :, None] * v[t, :, None, :]
            out.append((q[t, :, :, None] * state).sum(1))
        y = rms_norm(torch.stack(out).reshape(len(h), -1), w[name + "norm.weight"], 1e-6)
        return (y * torch.sigmoid(h @ w[name + "output_gate.weight"].T)) @ w[name + "out_proj.weight"].T

    def rotate(self, x):
        n = self.rotary
        frequencies = self.theta ** (-2.0 * torch.arange(n // 2, dtype=torch.float64) / n)
        angle = torch.arange(len(x), dtype=torch.float64)[:, None] * frequencies
        cos, sin = torch.cos(angle)[:, None], torch.sin(angle)[:, None]
        a, b = x[..., : n // 2], x[..., n // 2 : n]
        return torch.cat([a * cos - b * sin, b * cos + a * sin, x[..., n:]], -1)

    def softmax_attention(self, layer, h):
        w, name, d = self.weights, f"model.layers.{layer}.self_attn.", self.size
        q, k, v = ((h @ w[f"{name}{p}_proj.weight"].T).reshape(len(h), -1, d) for p in "qkv")
        q, k = self.rotate(q), self.rotate(k)
        group = self.heads // k.shape[1]
        later = torch.ones(len(h), len(h), dtype=torch.bool).triu(1)
        out = []
        for head in range(self.heads):
            scores = q[:, head] @ k[:, head // group].T / math.sqrt(d)
            out.append(torch.softmax(scores.masked_fill(later, -math.inf), -1) @ v[:, head // group])
        return torch.stack(out, 1).reshape(len(h), -1) @ w[name + "o_proj.weight"].T

    def mlp(self, name, h):
        w = self.weights
        gate = w.get(name + "block_sparse_moe.gate.weight", w.get(name + "mlp.gate.weight"))
        logits = h @ gate.T
        probabilities = torch.softmax(logits, -1)
        count = self.config["num_experts_per_tok"]
        order = probabilities.detach().sort(-1, descending=True)
        if count < len(gate):
            margins = order.values[:, count - 1] - order.values[:, count]
            self.router_margin = min(self.router_margin, float(margins.min()))
        chosen = torch.zeros_like(probabilities).scatter(1, order.indices[:, :count], 1.0)
        weights = probabilities * chosen
        weights = weights / weights.sum(-1, keepdim=True)
        out = torch.zeros_like(h)
        for e in range(len(gate)):
            rows = chosen[:, e].nonzero()[:, 0]
            if len(rows):
                w1, w3, w2 = self.expert(name, e)
                y = (torch.nn.functional.silu(h[rows] @ w1.T) * (h[rows] @ w3.T)) @ w2.T
                out = out.index_add(0, rows, weights[rows, e, None] * y)
        if name + "coefficient.weight" in w:
            gate, up, down = (w[f"{name}shared_mlp.{p}_proj.weight"] for p in ("gate", "up", "down"))
            shared = (torch.nn.functional.silu(h @ gate.T) * (h @ up.T)) @ down.T
            mix = torch.sigmoid(h @ w[name + "coefficient.weight"].T)
            out = out * (1 - mix) + shared * mix
        return out, logits
