#!/usr/bin/env python3
# ===- generate.py - makes the golden data --------------------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Writes CASE/golden.npz for every CASE/config.json beside this script.

Needs torch, transformers and numpy; README.md tells the versions that made the
data here. The checkpoints are made by tools/make_checkpoint.py and not kept.

golden.npz holds
    seed            of make_checkpoint.py
    fused           1 if the checkpoint was made with --fused-experts
    tied            its --tied, if that is not "embedding"
    tokens_N        [T] int32, prompt N; lengths 1, 63, 64, 65 and 200
    logits_N        [T, V] float32
    greedy          [64] int64: greedy continuation of prompt 1
"""

import json
import os
import sys
import tempfile

import numpy as np
import torch
from transformers import MiniMaxConfig, MiniMaxForCausalLM

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "tools"))
import make_checkpoint
import reference

MOST_SEEDS = 50
LENGTHS = (1, 63, 64, 65, 200)
NEW_TOKENS = 64
GREEDY_PROMPT = 1
# The --tied of cases where it is not "embedding".
TIED = {"hf-own-head": "both", "hf-only-head": "head"}
# A greedy choice or a choice of experts closer than this could differ by
# rounding alone; another seed is taken then.
LEAST_LOGIT_GAP = 1e-3
LEAST_ROUTER_MARGIN = 2e-5
# float32 in another order may differ by this much of the largest logit; more
# means a model that magnifies rounding.
WORST_DIFFERENCE = 5e-6
# Fewer different tokens than this in a continuation would test little.
LEAST_DIFFERENT_TOKENS = 8


def expressible(config):
    """Whether transformers' MiniMaxForCausalLM computes this configuration."""
    size = config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"]
    published = config["architectures"][0] != "MiniMaxForCausalLM"
    return config.get("rotary_dim", size) == size and size % 2 == 0 and (
        not published or config.get("postnorm", False) and not make_checkpoint.shared_width(config)
    )


def transformers_model(directory, dtype=torch.float32):
    """MiniMaxForCausalLM with the checkpoint's weights, eager."""
    with open(os.path.join(directory, "config.json")) as file:
        config = json.load(file)
    published = config["architectures"][0] != "MiniMaxForCausalLM"
    if published:
        names = {
            "linear_attn_alpha_factor": "layernorm_linear_attention_alpha",
            "linear_attn_beta_factor": "layernorm_linear_attention_beta",
            "full_attn_alpha_factor": "layernorm_full_attention_alpha",
            "full_attn_beta_factor": "layernorm_full_attention_beta",
            "mlp_alpha_factor": "layernorm_mlp_alpha",
            "mlp_beta_factor": "layernorm_mlp_beta",
        }
        mixes = {ours: config.get(theirs, 1) for ours, theirs in names.items()}
        types = ["linear_attention" if t == 0 else "full_attention" for t in config["attn_type_list"]]
        config = {**config, **mixes, "layer_types": types}
    converted = MiniMaxConfig(**{k: v for k, v in config.items() if k not in ("architectures", "model_type", "torch_dtype")})
    model, report = MiniMaxForCausalLM.from_pretrained(
        directory, config=converted, dtype=dtype, attn_implementation="eager", output_loading_info=True
    )
    assert not report["missing_keys"] or published and all("decay" in k or "slope" in k for k in report["missing_keys"]), report
    assert not report["unexpected_keys"] and not report["mismatched_keys"], report
    if published:
        with open(os.path.join(directory, "config.json")) as file:
            own = json.load(file)
        for layer, block in enumerate(model.model.layers):
            if converted.layer_types[layer] == "linear_attention":
                attention = block.self_attn
                slopes = torch.tensor(reference.decay_slopes(own, layer), dtype=torch.float32)[:, None, None]
                decays = attention.decay_factors(slopes)
                attention.slope_rate = slopes.to(dtype)
                attention.query_decay, attention.key_decay, attention.diagonal_decay = (d.to(dtype) for d in decays)
    return model.eval()


@torch.no_grad()
def transformers_logits(model, tokens):
    return model(torch.tensor(tokens)[None].long(), use_cache=False).logits[0].double().numpy()


@torch.no_grad()
def transformers_greedy(model, tokens):
    ids = torch.tensor(tokens)[None].long()
    model.generation_config.eos_token_id = None
    model.generation_config.pad_token_id = 0
    out = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=NEW_TOKENS, do_sample=False)
    return out[0, len(tokens) :].numpy()


def greedy(model, tokens):
    """Greedy continuation by the reference, and the least gap between the two best logits."""
    tokens, gap = list(tokens), np.inf
    for _ in range(NEW_TOKENS):
        last = model(np.array(tokens))[-1]
        best = np.sort(last)[-2:]
        gap = min(gap, (best[1] - best[0]) / np.abs(last).max())
        tokens.append(int(last.argmax()))
    return np.array(tokens[-NEW_TOKENS:]), gap


def attempt(config, directory, seed, fused, tied):
    """The case's data, or None where a choice is too close to be a test."""
    make_checkpoint.write_checkpoint(config, directory, seed, "float32", fused=fused, tied=tied)
    generator = np.random.Generator(np.random.PCG64(seed))
    prompts = [generator.integers(0, config["vocab_size"], n).astype(np.int32) for n in LENGTHS]
    model = reference.Model(directory)
    logits = [model(tokens) for tokens in prompts]
    if model.router_margin < LEAST_ROUTER_MARGIN:
        return None
    continuation, gap = greedy(model, prompts[GREEDY_PROMPT])
    if gap < LEAST_LOGIT_GAP or model.router_margin < LEAST_ROUTER_MARGIN:
        return None
    if len(set(continuation)) < LEAST_DIFFERENT_TOKENS:
        return None
    difference = None
    if expressible(config):
        oracle = transformers_model(directory)
        theirs = [transformers_logits(oracle, tokens) for tokens in prompts]
        difference = max(np.abs(a - b).max() / np.abs(a).max() for a, b in zip(theirs, logits))
        if difference > WORST_DIFFERENCE:
            return None
        assert (transformers_greedy(oracle, prompts[GREEDY_PROMPT]) == continuation).all()
        logits = theirs
    data = {"seed": np.int64(seed), "fused": np.int64(fused), "greedy": continuation.astype(np.int64)}
    if tied != "embedding":
        data["tied"] = np.array(tied)
    for i, (tokens, rows) in enumerate(zip(prompts, logits)):
        data[f"tokens_{i}"], data[f"logits_{i}"] = tokens, rows.astype(np.float32)
    return data, gap, model.router_margin, difference


def main():
    names = sys.argv[1:] or sorted(n for n in os.listdir(HERE) if os.path.exists(os.path.join(HERE, n, "config.json")))
    for name in names:
        config = make_checkpoint.load_config(os.path.join(HERE, name, "config.json"))
        fused = "fused" in name
        with tempfile.TemporaryDirectory() as directory:
            result = None
            seed = 0
            while result is None:
                seed += 1
                if seed > MOST_SEEDS:
                    sys.exit(f"{name}: no seed up to {MOST_SEEDS} gives data that rounding cannot change")
                result = attempt(config, directory, seed, fused, TIED.get(name, "embedding"))
        data, gap, margin, difference = result
        np.savez_compressed(os.path.join(HERE, name, "golden.npz"), **data)
        source = f"transformers, {difference:.1e} from reference.py" if difference is not None else "reference.py"
        print(f"{name}: seed {seed}, logit gap {gap:.1e}, router margin {margin:.1e}; {source}", flush=True)


if __name__ == "__main__":
    main()
