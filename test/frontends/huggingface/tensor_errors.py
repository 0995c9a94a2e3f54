# ===- tensor_errors.py - what m1c says of wrong checkpoints --------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""tensor_errors.py M1C TOOLS_DIR CONFIGS_DIR WORK_DIR

Writes checkpoints with one thing wrong, compares m1c's one line of error with
the expected one, and checks that what is allowed is accepted.
"""

import json
import os
import shutil
import subprocess
import sys

m1c, tools, configs, work = sys.argv[1:]
sys.path.insert(0, tools)
import make_checkpoint  # noqa: E402
import numpy as np  # noqa: E402

LAYOUT = make_checkpoint.layout
CONFIG = make_checkpoint.load_config(os.path.join(configs, "tiny.json"))
TRANSFORMERS = {
    **{k: v for k, v in CONFIG.items() if not k.startswith(("attn_type", "layernorm", "postnorm", "rotary", "shared"))},
    "architectures": ["MiniMaxForCausalLM"],
    "num_hidden_layers": 2,
    "layer_types": ["linear_attention", "full_attention"],
    "block_size": 8,
}
OUT = "model.layers.1.self_attn.out_proj.weight"
EXPERT = "model.layers.2.block_sparse_moe.experts.{}.{}.weight"
failures = 0


def checkpoint(name, change=lambda tensors: tensors, config=CONFIG, **options):
    directory = os.path.join(work, name)
    shutil.rmtree(directory, ignore_errors=True)
    make_checkpoint.layout = lambda *args: change(list(LAYOUT(*args)))
    make_checkpoint.write_checkpoint(config, directory, 0, **options)
    return directory


def run(directory):
    result = subprocess.run([m1c, directory, "--emit=model"], capture_output=True, text=True)
    return result.returncode, result.stdout, result.stderr


def refused(directory, expected):
    global failures
    code, out, errors = run(directory)
    if code != 1 or out or errors != f"m1c: error: {directory}{expected}\n":
        failures += 1
        print(f"exit code {code}\n  found    {errors!r}\n  expected {expected!r}")


def accepted(directory, *fragments, without=(), warning=None):
    global failures
    code, out, errors = run(directory)
    line = f"m1c: warning: {directory}{warning}\n" if warning else ""
    if code or errors != line or any(f not in out for f in fragments) or any(f in out for f in without):
        failures += 1
        print(f"exit code {code}, {errors!r}, expected {line!r}; expected {fragments}, not {without}")


def without(*names):
    return lambda tensors: [t for t in tensors if t.name not in names]


def retyped(dtype, *names):
    def change(tensors):
        for t in tensors:
            if t.name in names:
                t.dtype, t.bytes = dtype, t.elements * make_checkpoint.BYTES[dtype]
        return tensors

    return change


def reshaped(name, shape):
    return lambda tensors: [make_checkpoint.Tensor(t.name, shape, t.dtype, t.std) if t.name == name else t for t in tensors]


def edit(path, old, new):
    with open(path, "r+b") as file:
        data = file.read()
        assert len(old) == len(new) and data.count(old) == 1
        file.seek(0)
        file.write(data.replace(old, new))


M1 = "expected from config.json (MiniMaxM1ForCausalLM)"
refused(checkpoint("missing", without(OUT)), f": missing tensor {OUT}, {M1}")
refused(checkpoint("missing3", without(OUT, "lm_head.weight", "model.norm.weight")), f": missing tensor lm_head.weight and 2 more, {M1}")
extra = make_checkpoint.Tensor("model.layers.1.self_attn.slope_rate", (4, 1, 1), "float32", 1.0)
refused(
    checkpoint("surplus", lambda tensors: tensors + [extra]),
    f": surplus tensor {extra.name}, config.json (MiniMaxM1ForCausalLM) has no use for it",
)
refused(checkpoint("shape", reshaped(OUT, (128, 127))), f"/model.safetensors: {OUT} has shape [128, 127], expected [128, 128] from config.json")
refused(
    checkpoint("rank", reshaped(EXPERT.format(3, "w2"), (1, 128, 128))),
    f"/model.safetensors: {EXPERT.format(3, 'w2')} has shape [1, 128, 128], expected [128, 128] from config.json",
)
directory = checkpoint("dtype")
edit(os.path.join(directory, "model.safetensors"), f'"{OUT}":{{"dtype":"F32"'.encode(), f'"{OUT}":{{"dtype":"I32"'.encode())
refused(directory, f"/model.safetensors: {OUT} is stored as I32, expected F32, BF16 or F16")
# Experts of one layer that are not of one type become f32; a layer of one type keeps it.
accepted(
    checkpoint("experts", retyped("bfloat16", EXPERT.format(1, "w1"))),
    f'm1.parameter @model.layers.2.block_sparse_moe.experts.w1 : tensor<4x128x128xf32> from [#m1.source<"{EXPERT.format(0, "w1")}">, #m1.source<"{EXPERT.format(1, "w1")}" as bf16>, ',
)
accepted(
    checkpoint("w2", retyped("bfloat16", *(EXPERT.format(e, "w2") for e in range(4)))),
    f'@model.layers.2.block_sparse_moe.experts.w2 : tensor<4x128x128xf32> from [#m1.source<"{EXPERT.format(0, "w2")}" as bf16>',
)
accepted(
    checkpoint("layer", retyped("bfloat16", *(EXPERT.format(e, w) for e in range(4) for w in ("w1", "w2", "w3")))),
    f'@model.layers.2.block_sparse_moe.experts.w2 : tensor<4x128x128xbf16> from [#m1.source<"{EXPERT.format(0, "w2")}">',
)
fused = checkpoint("fused-missing", without("model.layers.0.mlp.experts.down_proj"), TRANSFORMERS, fused=True)
refused(fused, ": missing tensor model.layers.0.mlp.experts.down_proj, expected from config.json (MiniMaxForCausalLM)")

# Only an index: its names count.
directory = checkpoint("index", without(OUT), max_shard_size=500000)
for name in os.listdir(directory):
    if name.endswith(".safetensors"):
        os.remove(os.path.join(directory, name))
refused(directory, f"/model.safetensors.index.json: missing tensor {OUT}, {M1}")
with open(os.path.join(directory, "model.safetensors.index.json"), "w") as file:
    json.dump({"weight_map": {"a": 1}}, file)
code, out, errors = run(directory)
if code != 1 or "model.safetensors.index.json" not in errors or errors.count("\n") != 1:
    failures += 1
    print(errors)

# One shard of several gone, and half a file.
directory = checkpoint("shard", max_shard_size=500000)
gone = sorted(n for n in os.listdir(directory) if n.endswith(".safetensors"))[1]
os.remove(os.path.join(directory, gone))
code, out, errors = run(directory)
if code != 1 or gone not in errors or errors.count("\n") != 1:
    failures += 1
    print(errors)
directory = checkpoint("half")
os.truncate(os.path.join(directory, "model.safetensors"), 100000)
code, out, errors = run(directory)
if code != 1 or "model.safetensors" not in errors or errors.count("\n") != 1:
    failures += 1
    print(errors)

# Element types are each tensor's own; rows of q, k and v need one type.
accepted(
    checkpoint("mixed", retyped("bfloat16", "model.layers.3.self_attn.q_proj.weight", OUT)),
    "@model.layers.3.self_attn.q_proj : tensor<128x128xbf16>",
    "@model.layers.1.self_attn.out_proj : tensor<128x128xbf16>",
    "@model.layers.3.self_attn.state : !m1.kv_cache<2 x 32, f32>",
)
accepted(checkpoint("half-precision", dtype="float16"), "@lm_head : tensor<512x128xf16>", "block_sparse_moe.gate : tensor<4x128xf32>", "chunk = 64, f32>")
accepted(checkpoint("buffers", config=TRANSFORMERS), '#m1.source<"model.layers.1.block_sparse_moe.experts.3.w2.weight">')
accepted(
    checkpoint("fused", config=TRANSFORMERS, fused=True),
    '@model.layers.0.mlp.experts.w1 : tensor<4x128x128xf32> from [#m1.source<"model.layers.0.mlp.experts.gate_up_proj"[axis 1, 0 to 128 of 256]>]',
    '@model.layers.0.mlp.experts.w3 : tensor<4x128x128xf32> from [#m1.source<"model.layers.0.mlp.experts.gate_up_proj"[axis 1, 128 to 256 of 256]>]',
    '@model.layers.0.mlp.experts.w2 : tensor<4x128x128xf32> from [#m1.source<"model.layers.0.mlp.experts.down_proj">]',
)
tied = {**CONFIG, "tie_word_embeddings": True}
EMBEDDING, HEAD = "m1.parameter @model.embed_tokens : tensor<512x128xf32> from", "m1.parameter @lm_head"
# A stored head is used even if the configuration ties it; either tied matrix may be the stored one.
accepted(checkpoint("tied", config=tied), f'{EMBEDDING} [#m1.source<"model.embed_tokens.weight">]', without=[HEAD])
accepted(checkpoint("own-head", config=tied, tied="both"), f'{EMBEDDING} [#m1.source<"model.embed_tokens.weight">]', HEAD)
accepted(checkpoint("only-head", config=tied, tied="head"), f'{EMBEDDING} [#m1.source<"lm_head.weight">]', without=[HEAD])
refused(checkpoint("no-head", without("model.embed_tokens.weight"), config=tied), f": missing tensor model.embed_tokens.weight, {M1}")
# The published code gives the shared expert intermediate_size rows.
shared = {**CONFIG, "shared_intermediate_size": 96}
accepted(checkpoint("shared", config=shared), "@model.layers.0.shared_mlp.gate_proj : tensor<96x128xf32>")
directory = checkpoint("shared-published", config={**CONFIG, "shared_intermediate_size": 128})
with open(os.path.join(directory, "config.json"), "w") as file:
    json.dump(shared, file)
accepted(directory, "@model.layers.0.shared_mlp.gate_proj : tensor<128x128xf32>")



# Buffers that contradict the configuration: the layers of a longer model, of which the last was removed.
SLOPES = "model.layers.1.self_attn.slope_rate"
USES = "m1c uses config.json"


def edit_config(directory, **change):
    path = os.path.join(directory, "config.json")
    with open(path) as file:
        config = json.load(file)
    with open(path, "w") as file:
        json.dump({**config, **change}, file)
    return directory


def with_buffer(name, *values):
    buffer = make_checkpoint.Tensor(name, (len(values),), "float32", 0.0, values=np.array(values))
    return lambda tensors: tensors + [buffer]


for dtype, value in (("float32", "0.125"), ("bfloat16", "0.125"), ("float16", "0.125")):
    longer = {**TRANSFORMERS, "num_hidden_layers": 3, "layer_types": ["full_attention", "linear_attention", "full_attention"], "dtype": dtype}
    accepted(checkpoint("decay", config=longer), "m1.lightning_attention")
    kept = checkpoint("pruned", lambda tensors: [t for t in tensors if "layers.2." not in t.name], longer)
    accepted(
        edit_config(kept, num_hidden_layers=2, layer_types=longer["layer_types"][:2]),
        warning=f"/model.safetensors: {SLOPES} is {value} at index 0, 5e-06 by config.json: {USES}, transformers the stored tensor",
    )
accepted(
    checkpoint("buffer-size", with_buffer("model.layers.0.self_attn.slope_rate", 1.0, 2.0), {**TRANSFORMERS, "layer_types": ["full_attention"] * 2}),
    warning=f"/model.safetensors: model.layers.0.self_attn.slope_rate has 2 elements, 4 by config.json: {USES}, transformers the stored tensor",
)
FREQUENCIES = [1e7 ** (-i / 8) for i in range(8)]
accepted(checkpoint("frequencies", with_buffer("model.layers.3.self_attn.rotary_emb.inv_freq", *FREQUENCIES)))
accepted(
    checkpoint("other-frequencies", with_buffer("model.layers.3.self_attn.rotary_emb.inv_freq", *FREQUENCIES[:7], 1.0)),
    warning=f"/model.safetensors: model.layers.3.self_attn.rotary_emb.inv_freq is 1 at index 7, 7.499e-07 by config.json: {USES}",
)

print(f"{failures} failed")
sys.exit(failures > 0)
