# ===- config_errors.py - what m1c says of wrong configurations -----------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""config_errors.py M1C CONFIG.json WORK_DIR

Changes one thing of a valid configuration at a time and compares m1c's one line
of error or warning with the expected one, and what it imports with a fragment of
the module.
"""

import json
import os
import subprocess
import sys

MISSING = object()
UNSCALED = '"default": scaled rotary embeddings are not supported'
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
    ({"num_experts_per_tok": 65, "num_local_experts": 65}, "num_experts_per_tok is 65, expected at most 64"),
    ({"num_hidden_layers": 1025, "attn_type_list": [0] * 1025}, "num_hidden_layers is 1025, expected at most 1024"),
    ({"num_local_experts": 65537}, "num_local_experts is 65537, expected at most 65536"),
    ({"num_hidden_layers": 5, "attn_type_list": [0] * 5, "num_local_experts": 65536}, "num_local_experts is 65536, expected at most 262144 in all num_hidden_layers (5)"),
    ({"head_dim": 65536, "num_attention_heads": 65536}, "head_dim is 65536, expected at most 4194304 in all num_attention_heads (65536)"),
    ({"hidden_size": 2**22, "intermediate_size": 2**18}, "intermediate_size is 262144, expected at most 1099511627776 elements of a weight of all num_local_experts (4) with hidden_size 4194304"),
    ({"rms_norm_eps": 0}, "rms_norm_eps is 0, expected a positive number"),
    ({"rms_norm_eps": float("inf")}, "rms_norm_eps is Infinity, expected a number"),
    ({"rope_theta": "big"}, 'rope_theta is "big", expected a number'),
    ({"rope_scaling": {"type": "yarn", "factor": 4}}, f'rope_scaling.type is "yarn", expected {UNSCALED}'),
    ({"rope_parameters": {"rope_theta": 5}}, "rope_theta is 10000000, expected 5 as in rope_parameters.rope_theta, or no such key"),
    ({"layer_types": ["full_attention"] * 4}, 'layer_types is ["full_attention","full_attention","f..., expected no such key: MiniMaxM1ForCausalLM reads attn_type_list, which differs'),
    ({"full_attn_beta_factor": 0.5}, "full_attn_beta_factor is 0.5, expected 1.0: MiniMaxM1ForCausalLM reads layernorm_full_attention_beta instead"),
    ({"shared_intermediate_size": [64, 64]}, "shared_intermediate_size is [64,64], expected an integer from 0 to 4194304, or a list of one for each layer, all equal"),
    ({"shared_intermediate_size": [64]}, "shared_intermediate_size is [64], expected an integer from 0 to 4194304, or a list of one for each layer, all equal"),
    ({"partial_rotary_factor": 0.25}, "partial_rotary_factor is 0.25, expected the same number of components as rotary_dim (16)"),
    ({"text_config": {"hidden_size": 8}}, 'text_config is {"hidden_size":8}, expected no such key: all settings are at the top level'),
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
    ({"rope_parameters": {"rope_type": "yarn"}}, f'rope_parameters.rope_type is "yarn", expected {UNSCALED}'),
    ({"rope_parameters": {"type": "linear", "factor": 4.0}}, f'rope_parameters.type is "linear", expected {UNSCALED}'),
    ({"rope_parameters": {"type": "dynamic", "rope_type": "default"}}, f'rope_parameters.type is "dynamic", expected {UNSCALED}'),
    ({"rope_parameters": {"rope_type": 1}}, f"rope_parameters.rope_type is 1, expected {UNSCALED}"),
    ({"rope_scaling": {"type": "llama3"}, "rope_parameters": None}, f'rope_scaling.type is "llama3", expected {UNSCALED}'),
    ({"rope_scaling": {"rope_type": "default"}, "rope_parameters": {"rope_theta": 5}}, 'rope_scaling is {"rope_type":"default"}, expected null, or the same as rope_parameters'),
    ({"rope_parameters": {"factor": 4.0}}, 'rope_parameters.factor is 4.0, expected no such key: it has no effect on the rope_type "default"'),
    (
        {"rope_parameters": {"full_attention": {"rope_theta": 5}}},
        'rope_parameters.full_attention is {"rope_theta":5}, expected the settings of all layers in rope_parameters',
    ),
    ({"rope_parameters": {"rope_theta": -1}}, "rope_parameters.rope_theta is -1, expected a positive number"),
    ({"rope_scaling": {"rope_theta": 5}, "rope_theta": 6}, "rope_theta is 6, expected 5 as in rope_scaling.rope_theta, or no such key"),
    ({"rope_parameters": [1]}, "rope_parameters is [1], expected an object"),
    ({"rope_scaling": "linear"}, 'rope_scaling is "linear", expected an object'),
    ({"partial_rotary_factor": 1.5}, "partial_rotary_factor is 1.5, expected a number above 0 and at most 1"),
    ({"partial_rotary_factor": 0.1}, "partial_rotary_factor is 0.1 of head_dim 32 (3 components), expected an even number of components to rotate"),
    ({"num_hidden_layers": MISSING}, "num_hidden_layers is missing, expected a positive integer"),
    ({"attn_type_list": [1, 0]}, "attn_type_list is [1,0], expected no such key: MiniMaxForCausalLM reads layer_types, which differs"),
    ({"attn_type_list": [0, 1], "layer_types": MISSING}, "attn_type_list is [0,1], expected no such key: MiniMaxForCausalLM reads layer_types, which differs"),
    ({"layernorm_mlp_alpha": 3}, "layernorm_mlp_alpha is 3, expected 1.0: MiniMaxForCausalLM reads mlp_alpha_factor instead"),
    ({"postnorm": False}, "postnorm is false, expected true: MiniMaxForCausalLM has no other form"),
    ({"shared_intermediate_size": 64}, "shared_intermediate_size is 64, expected 0: MiniMaxForCausalLM has no shared expert"),
    ({"num_experts": 8}, "num_experts is 8, expected 4 as in num_local_experts"),
    ({"per_layer_config": {"0": {"mlp_alpha_factor": 2}}}, 'per_layer_config is {"0":{"mlp_alpha_factor":2}}, expected no such key: all settings are at the top level'),
    ({"compression_config": {}}, "compression_config is present, expected none: only float32, bfloat16 and float16 weights are supported"),
]

# What is changed, a fragment of the module, and what follows "config.json: " in
# the warning, if there is one. transformers 5.24 computes the same except where
# the warning says so.
ACCEPTED = [
    ({"rope_scaling": {"rope_type": "default", "rope_theta": 999.0}}, "theta 9.990000e+02 dims 32", None),
    ({"rope_scaling": {"type": "default"}, "rope_theta": 777}, "theta 7.770000e+02 dims 32", None),
    ({"rope_scaling": {}, "rope_parameters": {"rope_theta": 555, "rope_type": "default", "type": None}}, "theta 5.550000e+02 dims 32", None),
    ({"rope_scaling": {"rope_theta": 5}, "rope_parameters": {"rope_theta": 5}, "rope_theta": 5.0}, "theta 5.000000e+00 dims 32", None),
    ({"rope_parameters": {"rope_type": "default", "original_max_position_embeddings": 64}}, "theta 1.000000e+06 dims 32", None),
    ({"num_local_experts": MISSING, "num_experts": 4}, "tensor<4x128xf32>", None),
    ({"layer_types": MISSING, "attn_type_list": [1, 0], "postnorm": True, "mlp_alpha_factor": 2, "layernorm_mlp_alpha": 2.0, "shared_intermediate_size": [0]}, "alpha 2.000000e+00", None),
    ({"attention_bias": False, "mlp_only_layers": [], "quantization_config": None, "eos_token_id": [1, 2], "top_p": 0.5}, "m1.linear", None),
    ({"unused": float("nan"), "other": float("-inf")}, "m1.linear", "ignored, since MiniMaxForCausalLM has no such setting: other (-Infinity), unused (NaN)"),
    (
        {"a": 1, "attention_bias": True, "norm_topk_prob": False, "final_logit_softcapping": 5.0, "use_qk_norm": True},
        "m1.linear",
        "ignored, since MiniMaxForCausalLM has no such setting: a (1), attention_bias (true), final_logit_softcapping (5.0), norm_topk_prob (false) and 1 more",
    ),
    (
        {"rotary_dim": 16},
        "dims 16",
        "rotary_dim is 16: m1c rotates 16 of the 32 components of a head, transformers 5.24 all of them, vLLM the same as m1c",
    ),
    (
        {"rope_parameters": {"partial_rotary_factor": 0.5}},
        "dims 16",
        "rope_parameters.partial_rotary_factor is 0.5: m1c rotates 16 of the 32 components of a head, transformers 5.24 all of them, vLLM too: it reads rotary_dim only",
    ),
    ({"rotary_dim": 32, "partial_rotary_factor": 1.0}, "dims 32", None),
]


def transformers_config(config):
    kept = {k: v for k, v in config.items() if not k.startswith(("attn_type", "layernorm", "postnorm", "rotary", "shared", "rope"))}
    return {**kept, "architectures": ["MiniMaxForCausalLM"], "num_hidden_layers": 2, "layer_types": ["linear_attention", "full_attention"]}


def run(m1c, directory):
    result = subprocess.run([m1c, directory, "--emit=model"], capture_output=True, text=True)
    return result.returncode, result.stdout, result.stderr


def main():
    m1c, config_file, directory = sys.argv[1:]
    os.makedirs(directory, exist_ok=True)
    path = os.path.join(directory, "config.json")
    with open(config_file) as file:
        published = json.load(file)
    failures = 0

    def failed(code, found, expected):
        nonlocal failures
        failures += 1
        print(f"exit code {code}\n  found    {found!r}\n  expected {expected!r}")

    def import_config(text):
        with open(path, "w") as file:
            file.write(text)
        return run(m1c, directory)

    def refused(text, expected):
        code, out, errors = import_config(text)
        line = f"m1c: error: {path}: {expected}\n"
        if code != 1 or out or errors != line:
            failed(code, errors, line)

    def changed(base, change):
        return json.dumps({k: v for k, v in {**base, **change}.items() if v is not MISSING})

    for base, cases in ((published, PUBLISHED), (transformers_config(published), TRANSFORMERS)):
        for change, expected in cases:
            refused(changed(base, change), expected)
    for change, fragment, warning in ACCEPTED:
        code, out, errors = import_config(changed(transformers_config(published), change))
        line = f"m1c: warning: {path}: {warning}\n" if warning else ""
        if code or errors != line:
            failed(code, errors, line)
        if fragment not in out:
            failed(code, out[:80], fragment)
    refused("{", "line 1, column 1: not valid JSON: syntax error while parsing object key - unexpected end of input; expected string literal")
    refused("[1, 2]", "found [1,2], expected a JSON object")
    refused('{"a": ' + "[" * 100000, "line 1, column 106: arrays and objects are nested deeper than 100 levels")
    refused('{"hidden_size": 8,\n "hidden_size": 9}', "line 2, column 14: duplicate key 'hidden_size'")
    os.remove(path)
    code, out, errors = run(m1c, directory)
    if code != 1 or out or errors != f"m1c: error: cannot open {path}: No such file or directory\n":
        failed(code, errors, "cannot open")
    print(f"{len(PUBLISHED) + len(TRANSFORMERS) + len(ACCEPTED) + 5} cases, {failures} failed")
    sys.exit(failures > 0)


main()
