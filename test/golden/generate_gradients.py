#!/usr/bin/env python3
# ===- generate_gradients.py - makes the golden gradients ------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Writes CASE/gradients.npz for every CASE/golden.npz beside this script.

Needs torch, transformers and numpy, as generate.py. The loss of sequences with token
weights w is

    Σ_t -w_t log p(token t | tokens before t)  +  α E Σ_e f_e P_e

where the second term, the routers' auxiliary loss, is pooled over all layers and all
tokens of all sequences: f_e is the number of choices of expert e divided by tokens
times layers, a constant of the loss, and P_e the mean probability of e.

Gradients come from autograd in float64: through transformers' MiniMaxForCausalLM and
its load_balancing_loss_func where they express the case, otherwise through
differentiable.py, which is compared with them everywhere else.

gradients.npz holds (sketches are those of sketch.py, over the checkpoint's trained
tensors in the order of their names; the checkpoint is that of golden.npz)

    tokens_N        [L] int32, sequence N
    weights_N       [L] float32; that of the first token is 0
    log_probs_N     [L-1] float64, of each token after the first
    loss            its first term
    alpha           α of the auxiliary loss
    counts          [E] int64, how often each expert is chosen, over all layers and tokens
    aux_loss        α E Σ_e f_e P_e
    names           the tensors
    loss_*          sketches of the gradients of the loss with α = 0
    balance_*       sketches of the gradients of the auxiliary loss alone
    steps_*         for STEPS_CASE only: sketches of the changes of the weights by STEPS
                    steps of AdamW, each with the gradients of the whole loss at the
                    weights then; f_e stays that of the first
    grad_norms      [STEPS], before clipping
    learning_rate, weight_decay, beta1, beta2, epsilon, max_norm
"""

import contextlib
import os
import sys
import tempfile

import numpy as np
import torch
from transformers.models.minimax import modeling_minimax

import differentiable
import generate
import make_checkpoint
import reference
import sketch

HERE = os.path.dirname(os.path.abspath(__file__))
# More than two chunks of a lightning layer; the least that has a loss; less than a chunk.
LENGTHS = (130, 2, 17)
ALPHA = 0.01
MOST_DRAWS = 200
# The probabilities of the last chosen and the first unchosen expert differ by more.
LEAST_ROUTER_MARGIN = 1e-4
# Of the two ways to gradients, in float64; relative to a tensor's norm.
WORST_DIFFERENCE = 1e-9
STEPS_CASE = "hf-heads3"
STEPS = 3
OPTIMIZER = {"learning_rate": 1e-2, "weight_decay": 0.1, "beta1": 0.9, "beta2": 0.95, "epsilon": 1e-15, "max_norm": 1.0}


class DoublePrecision:
    """The module torch, whose float32 is float64."""

    float32 = float = torch.float64

    def __getattr__(self, name):
        return getattr(torch, name)


@contextlib.contextmanager
def double_precision():
    """transformers' model casts to float32 inside; here it casts to float64."""
    narrow = torch.Tensor.float
    modeling_minimax.torch = DoublePrecision()
    torch.Tensor.float = torch.Tensor.double
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        modeling_minimax.torch = torch
        torch.Tensor.float = narrow
        torch.set_default_dtype(torch.float32)


class TransformersModel:
    """MiniMaxForCausalLM with the interface of differentiable.Model; use it in double_precision()."""

    def __init__(self, directory):
        self.own = reference.Model(directory)
        self.model = generate.transformers_model(directory, torch.float64)
        self.model.config._experts_implementation = "eager"
        # The checkpoint's buffers are rounded to float32.
        rotary = self.model.model.rotary_emb
        rotary.inv_freq = rotary.compute_default_rope_parameters(self.model.config)[0]
        for layer, block in enumerate(self.model.model.layers):
            if hasattr(block.self_attn, "slope_rate"):
                attention = block.self_attn
                slopes = attention.get_slope_rate()
                if self.own.published:
                    slopes = torch.tensor(reference.decay_slopes(self.own.config, layer))[:, None, None]
                attention.slope_rate = slopes
                attention.query_decay, attention.key_decay, attention.diagonal_decay = attention.decay_factors(slopes)

    def __call__(self, tokens):
        out = self.model(torch.as_tensor(tokens)[None].long(), use_cache=False, output_router_logits=True)
        return out.logits[0], list(out.router_logits)

    def named(self):
        """Pairs of a checkpoint tensor's name and a function from a parameter's values or gradient to the tensor's."""
        stored = self.own.weights
        for name, parameter in self.model.named_parameters():
            block, _, part = name.partition(".mlp.")
            if name in stored:
                yield name, parameter, slice(None)
            elif part == "gate.weight":
                yield f"{block}.block_sparse_moe.gate.weight", parameter, slice(None)
            elif part.startswith("experts."):
                width = self.own.config["intermediate_size"]
                for e in range(len(parameter)):
                    expert = f"{block}.block_sparse_moe.experts.{e}"
                    if part == "experts.down_proj":
                        yield f"{expert}.w2.weight", parameter, e
                    else:
                        yield f"{expert}.w1.weight", parameter, (e, slice(None, width))
                        yield f"{expert}.w3.weight", parameter, (e, slice(width, None))
            else:
                assert name == "model.embed_tokens.weight" and "lm_head.weight" in stored, name
                yield "lm_head.weight", parameter, slice(None)

    def parameters(self):
        return {name: parameter for name, parameter in self.model.named_parameters()}

    def tensors(self, of):
        return {name: of(parameter)[part].detach().numpy().copy() for name, parameter, part in self.named()}


class OwnModel(differentiable.Model):
    def tensors(self, of):
        return {name: of(parameter).detach().numpy().copy() for name, parameter in self.weights.items()}


def gradient_of(parameter):
    return torch.zeros_like(parameter) if parameter.grad is None else parameter.grad


def draw(config, seed):
    """The sequences and their token weights."""
    generator = np.random.Generator(np.random.PCG64([seed, len(LENGTHS)]))
    total = sum(LENGTHS)
    sequences = []
    for length in LENGTHS:
        tokens = generator.integers(0, config["vocab_size"], length).astype(np.int32)
        weights = ((generator.standard_normal(length) + 0.5) / total).astype(np.float32)
        weights[generator.random(length) < 0.2] = 0
        weights[0] = 0
        sequences.append((tokens, weights))
    return sequences


def run(model, sequences):
    """The weighted loss, log-probabilities of each sequence's tokens after the first, each layer's router logits."""
    loss, log_probs, router_logits = 0, [], []
    for tokens, weights in sequences:
        logits, routers = model(tokens)
        next_tokens = torch.as_tensor(tokens[1:]).long()
        log_prob = torch.log_softmax(logits[:-1], -1).gather(1, next_tokens[:, None])[:, 0]
        loss = loss - (torch.as_tensor(weights[1:]).double() * log_prob).sum()
        log_probs.append(log_prob.detach().numpy())
        router_logits.append(routers)
    return loss, log_probs, [torch.cat(parts) for parts in zip(*router_logits)]


def expert_counts(router_logits, count):
    """[E]: how often each expert is chosen."""
    chosen = [torch.softmax(logits.detach(), -1).topk(count, -1).indices for logits in router_logits]
    return torch.bincount(torch.cat(chosen).reshape(-1), minlength=router_logits[0].shape[1]).double()


def auxiliary_loss(model, router_logits, counts, count):
    """Σ_e f_e P_e E, by transformers where the model is theirs."""
    experts = router_logits[0].shape[1]
    if isinstance(model, TransformersModel):
        return modeling_minimax.load_balancing_loss_func(tuple(router_logits), experts, count)
    logits = torch.cat(router_logits)
    return experts * (counts / len(logits) * torch.softmax(logits, -1).mean(0)).sum()


def gradients(model, sequences, count):
    """The case's data with the gradients as {name: array}."""
    result = {}
    for variant in ("loss", "balance"):
        for parameter in model.parameters().values():
            parameter.grad = None
        loss, log_probs, router_logits = run(model, sequences)
        counts = expert_counts(router_logits, count)
        balance = ALPHA * auxiliary_loss(model, router_logits, counts, count)
        (loss if variant == "loss" else balance).backward()
        result[variant] = model.tensors(gradient_of)
        result.update(log_probs=log_probs, counts=counts.long().numpy(), aux_loss=float(balance.detach()), value=float(loss.detach()))
    return result


def decays(name):
    return not name.endswith(("norm.weight", "layernorm.weight", "embed_tokens.weight"))


def steps(model, sequences, count):
    """The changes of the weights by AdamW as {name: array}, and the norms of the gradients."""
    parameters = model.parameters()
    groups = [
        {"params": [p for name, p in parameters.items() if decays(name)], "weight_decay": OPTIMIZER["weight_decay"]},
        {"params": [p for name, p in parameters.items() if not decays(name)], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(
        groups, lr=OPTIMIZER["learning_rate"], betas=(OPTIMIZER["beta1"], OPTIMIZER["beta2"]), eps=OPTIMIZER["epsilon"]
    )
    before, norms, margins, counts = model.tensors(lambda p: p), [], [], None
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss, _, router_logits = run(model, sequences)
        now = expert_counts(router_logits, count)
        counts = now if counts is None else counts
        probabilities = torch.softmax(torch.cat(router_logits).detach(), -1).sort(-1, descending=True).values
        margins.append(float((probabilities[:, count - 1] - probabilities[:, count]).min()))
        logits = torch.cat(router_logits)
        mean = torch.softmax(logits, -1).mean(0)
        (loss + ALPHA * len(counts) * (counts / len(logits) * mean).sum()).backward()
        norms.append(float(torch.nn.utils.clip_grad_norm_(parameters.values(), OPTIMIZER["max_norm"])))
        optimizer.step()
    after = model.tensors(lambda p: p)
    return {name: after[name] - before[name] for name in before}, np.array(norms), min(margins)


def worst_difference(ours, theirs, scale):
    """The largest difference of two sets of tensors, relative to norms as in sketch.distances."""
    assert sorted(ours) == sorted(theirs), sorted(set(ours) ^ set(theirs))
    return max(np.linalg.norm(ours[n] - theirs[n]) / sketch.unit_of(np.linalg.norm(theirs[n]), scale) for n in theirs)


def find_draw(model, config):
    """The first draw of which no choice of experts is close to a tie, and its margin."""
    for seed in range(1, MOST_DRAWS + 1):
        sequences = draw(config, seed)
        model.router_margin = np.inf
        with torch.no_grad():
            for tokens, _ in sequences:
                model(tokens)
                if model.router_margin < LEAST_ROUTER_MARGIN:
                    break
        if model.router_margin >= LEAST_ROUTER_MARGIN:
            return sequences, seed, model.router_margin
    sys.exit(f"no draw up to {MOST_DRAWS} keeps the choices of experts {LEAST_ROUTER_MARGIN} from a tie")


def make_case(name):
    """Writes the case's file; what to print about it."""
    golden = np.load(os.path.join(HERE, name, "golden.npz"))
    config = make_checkpoint.load_config(os.path.join(HERE, name, "config.json"))
    count = config["num_experts_per_tok"]
    with tempfile.TemporaryDirectory() as directory:
        tied = str(golden.get("tied", "embedding"))
        make_checkpoint.write_checkpoint(config, directory, int(golden["seed"]), "float32", fused=bool(golden["fused"]), tied=tied)
        model = OwnModel(directory)
        sequences, seed, margin = find_draw(model, config)
        result = gradients(model, sequences, count)
        notes = [f"draw {seed}, router margin {margin:.1e}"]
        if generate.expressible(config):
            with double_precision():
                model = TransformersModel(directory)
                theirs = gradients(model, sequences, count)
            scale = sketch.norm_of(theirs["loss"])
            differences = [worst_difference(result[v], theirs[v], scale) for v in ("loss", "balance")]
            differences.append(max(np.abs(a - b).max(initial=0) for a, b in zip(result["log_probs"], theirs["log_probs"])))
            assert (result["counts"] == theirs["counts"]).all()
            notes.append(f"transformers, from differentiable.py {differences[0]:.1e} and {differences[1]:.1e}, log-probabilities {differences[2]:.1e}")
            if not max(differences) <= WORST_DIFFERENCE:
                sys.exit(f"{name}: " + ", ".join(notes))
            result = theirs
        if name == STEPS_CASE:
            with double_precision():
                result["steps"], norms, margin = steps(TransformersModel(directory), sequences, count)
            ours, _, _ = steps(OwnModel(directory), sequences, count)
            notes.append(
                f"{STEPS} steps: norms {np.array2string(norms, precision=3)}, router margin {margin:.1e}, from differentiable.py {worst_difference(ours, result['steps'], 0):.1e}"
            )
    data = {"loss": np.float64(result["value"]), "alpha": np.float64(ALPHA), "counts": result["counts"], "aux_loss": np.float64(result["aux_loss"])}
    for i, ((tokens, weights), log_probs) in enumerate(zip(sequences, result["log_probs"])):
        data[f"tokens_{i}"], data[f"weights_{i}"], data[f"log_probs_{i}"] = tokens, weights, log_probs
    data["names"] = np.array(sorted(result["loss"]))
    for variant in ("loss", "balance", "steps"):
        if variant in result:
            data.update({f"{variant}_{k}": v for k, v in sketch.pack(result[variant]).items()})
    if "steps" in result:
        data.update({k: np.float64(v) for k, v in OPTIMIZER.items()}, grad_norms=norms)
    np.savez_compressed(os.path.join(HERE, name, "gradients.npz"), **data)
    norms = {v: data[f"{v}_norms"] for v in ("loss", "balance")}
    notes.append("norms " + ", ".join(f"{v} {np.linalg.norm(n):.1e} (least {n[n > 0].min(initial=np.inf):.1e})" for v, n in norms.items()))
    return ", ".join(notes)


def main():
    names = sys.argv[1:] or sorted(n for n in os.listdir(HERE) if os.path.exists(os.path.join(HERE, n, "golden.npz")))
    for name in names:
        print(f"{name}: {make_case(name)}", flush=True)


if __name__ == "__main__":
    main()
