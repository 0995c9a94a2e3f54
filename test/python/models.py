# ===- models.py - small checkpoints for tests of the package -------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Small checkpoints with random weights, with and without a tokenizer of bytes."""

import json
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CONFIG = {
    "architectures": ["MiniMaxM1ForCausalLM"],
    "model_type": "minimax_m1",
    "torch_dtype": "float32",
    "vocab_size": 272,
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "attn_type_list": [0, 1],
    "num_attention_heads": 4,
    "head_dim": 16,
    "num_key_value_heads": 2,
    "num_local_experts": 2,
    "num_experts_per_tok": 1,
    "intermediate_size": 64,
    "rotary_dim": 8,
    "rope_theta": 10000000,
    "rms_norm_eps": 1e-05,
    "hidden_act": "silu",
    "postnorm": True,
    "layernorm_linear_attention_alpha": 1.5,
    "layernorm_linear_attention_beta": 1.0,
    "layernorm_full_attention_alpha": 1.5,
    "layernorm_full_attention_beta": 1.0,
    "layernorm_mlp_alpha": 1.5,
    "layernorm_mlp_beta": 1.0,
    "shared_intermediate_size": 0,
    "shared_moe_mode": "sigmoid",
    "tie_word_embeddings": False,
    "max_position_embeddings": 4096,
    "bos_token_id": None,
    "eos_token_id": None,
}


def checkpoint(folder, tokenizer=True, seed=1, **config):
    """Writes a checkpoint into a new folder and returns its path."""
    os.makedirs(os.path.dirname(folder), exist_ok=True)
    source = folder + ".config.json"
    with open(source, "w") as file:
        json.dump({**CONFIG, **config}, file)
    make = os.path.join(ROOT, "tools", "make_checkpoint.py")
    subprocess.run(
        [sys.executable, make, source, folder, "--seed", str(seed)], check=True, stdout=subprocess.DEVNULL
    )
    if tokenizer:
        subprocess.run(
            [
                sys.executable,
                os.path.join(ROOT, "tools", "byte_tokenizer.py"),
                folder,
                "--temperature",
                "0.9",
            ],
            check=True,
        )
    return folder
