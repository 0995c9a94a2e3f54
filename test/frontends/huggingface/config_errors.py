# ===- config_errors.py - what m1c says of wrong configurations -----------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""config_errors.py M1C CONFIG.json WORK_DIR

Changes one thing of a valid configuration at a time and compares m1c's one line
of error with the expected one.
"""

import json
import os
import subprocess
import sys

MISSING = object()
NAMES = "MiniMaxM1ForCausalLM, MiniMaxText01ForCausalLM or MiniMaxForCausalLM"

# What is changed, and what follows "config.json: " in the error.
PUBLISHED = [
    ({"architectures": ["LlamaForCausalLM"]}, f'architectures is ["LlamaForCausalLM"], expected a list with one of {NAMES}'),
    ({"architectures": MISSING}, f"architectures is missing, expected a list with one of {NAMES}"),
    ({"vocab_size": MISSING}, "vocab_size is missing, expected a positive integer"),
    ({"vocab_size": "many"}, 'vocab_size is "many", expected a positive integer'),
    ({"vocab_size": 2.5}, "vocab_size is 2.5, expected a positive integer"),
    ({"vocab_size": 0}, "vocab_size is 0, expected a positive integer"),
    ({"vocab_size": 2**31}, "vocab_size is 2147483648, expected at most 2147483647"),
    ({"hidden_size": 2**64 - 1}, "hidden_size is 18446744073709551615, expected at most 4194304"),
    ({"hidden_size": -4}, "hidden_size is -4, expected a positive integer"),
    ({"attn_type_list": MISSING}, "attn_type_list is missing, expected a list of 4 entries (num_hidden_layers)"),
    ({"attn_type_list": [0, 0, 1]}, "attn_type_list is a list of 3 entries, expected 4 (num_hidden_layers)"),
    ({"attn_type_list": [0, 0, 2, 1]}, "attn_type_list[2] is 2, expected 0 (lightning) or 1 (softmax)"),
    ({"attn_type_list": [0, "1", 0, 1]}, 'attn_type_list[1] is "1", expected 0 (lightning) or 1 (softmax)'),
    ({"num_key_value_heads": 3}, "num_key_value_heads is 3, expected a divisor of num_attention_heads (4)"),
    ({"num_key_value_heads": MISSING}, "num_key_value_heads is missing, expected a positive integer"),
    ({"head_dim": MISSING, "num_attention_heads": 6}, "head_dim is missing, expected it, or a hidden_size (128) that num_attention_heads (6) divides"),
    ({"rotary_dim": 34}, "rotary_dim is 34, expected at most head_dim (32)"),
    ({"rotary_dim": 7}, "rotary_dim is 7, expected an even number of components to rotate"),
    ({"rotary_dim": MISSING, "head_dim": 31}, "head_dim is 31, expected an even number of components to rotate"),
    ({"num_experts_per_tok": 5}, "num_experts_per_tok is 5, expected at most num_local_experts (4)"),
    ({"rms_norm_eps": 0}, "rms_norm_eps is 0.000000, expected a positive number"),
    ({"rope_theta": "big"}, 'rope_theta is "big", expected a number'),
    ({"rope_scaling": {"type": "yarn", "factor": 4}}, 'rope_scaling is {"factor":4,"type":"yarn"}, expected null: scaled rotary embeddings are not supported'),
    ({"postnorm": 1}, "postnorm is 1, expected true or false"),
    ({"tie_word_embeddings": "no"}, 'tie_word_embeddings is "no", expected true or false'),
    ({"layernorm_mlp_alpha": [1]}, "layernorm_mlp_alpha is [1], expected a number"),
    ({"hidden_act": "gelu"}, 'hidden_act is "gelu", expected "silu"'),
    ({"sliding_window": 4096}, "sliding_window is 4096, expected null: sliding windows are not supported"),
    ({"shared_intermediate_size": 64, "shared_moe_mode": "softmax"}, 'shared_moe_mode is "softmax", expected "sigmoid"'),
    ({"torch_dtype": "int8"}, 'torch_dtype is "int8", expected "float32", "bfloat16" or "float16"'),
    ({"quantization_config": {"bits": 8}}, "quantization_config is present, expected none: only float32, bfloat16 and float16 weights are supported"),
]

TRANSFORMERS = [
    ({"layer_types": ["linear_attention", "sliding_attention"]}, 'layer_types[1] is "sliding_attention", expected "linear_attention" (lightning) or "full_attention" (softmax)'),
    ({"rope_parameters": {"rope_type": "yarn"}}, 'rope_parameters.rope_type is "yarn", expected "default": no other rotary embedding is supported'),
    ({"rope_parameters": {"rope_theta": -1}}, "rope_parameters.rope_theta is -1, expected a positive number"),
    ({"rope_parameters": [1]}, "rope_parameters is [1], expected an object"),
    ({"partial_rotary_factor": 1.5}, "partial_rotary_factor is 1.5, expected a number above 0 and at most 1"),
    ({"num_hidden_layers": MISSING}, "num_hidden_layers is missing, expected a positive integer"),
]


def transformers_config(config):
    kept = {k: v for k, v in config.items() if not k.startswith(("attn_type", "layernorm", "postnorm", "rotary", "shared", "rope"))}
    return {**kept, "architectures": ["MiniMaxForCausalLM"], "num_hidden_layers": 2, "layer_types": ["linear_attention", "full_attention"]}


def run(m1c, directory):
    result = subprocess.run([m1c, directory, "--emit=model"], capture_output=True, text=True)
    return result.returncode, result.stderr


def main():
    m1c, config_file, directory = sys.argv[1:]
    os.makedirs(directory, exist_ok=True)
    path = os.path.join(directory, "config.json")
    with open(config_file) as file:
        published = json.load(file)
    failures = 0

    def check(text, expected):
        nonlocal failures
        with open(path, "w") as file:
            file.write(text)
        code, errors = run(m1c, directory)
        line = f"m1c: error: {path}: {expected}\n"
        if code != 1 or errors != line:
            failures += 1
            print(f"exit code {code}\n  found    {errors!r}\n  expected {line!r}")

    for base, cases in ((published, PUBLISHED), (transformers_config(published), TRANSFORMERS)):
        for change, expected in cases:
            changed = {k: v for k, v in {**base, **change}.items() if v is not MISSING}
            check(json.dumps(changed), expected)
    check("{", "not valid JSON")
    check("[1, 2]", "found [1,2], expected a JSON object")
    check("[" * 100000, "not valid JSON")
    os.remove(path)
    code, errors = run(m1c, directory)
    if code != 1 or errors != f"m1c: error: cannot open {path}: No such file or directory\n":
        failures += 1
        print(errors)
    print(f"{len(PUBLISHED) + len(TRANSFORMERS) + 4} cases, {failures} failed")
    sys.exit(failures > 0)


main()
