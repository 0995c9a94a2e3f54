#!/usr/bin/env python3
# ===- make_checkpoint.py - checkpoints of seeded random weights ----------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Writes a checkpoint in HuggingFace layout whose weights are random.

    make_checkpoint.py CONFIG.json OUT_DIR --seed S

The configuration's `architectures` decides names: MiniMaxM1ForCausalLM and
MiniMaxText01ForCausalLM use those of the published checkpoints,
MiniMaxForCausalLM those that the transformers package writes.

The same configuration, seed and dtype give the same bytes on every machine: weights
are computed in integers from the raw output of PCG64, one stream per tensor. (numpy
keeps raw streams stable, but may change its normal distribution.) At most one block of
a tensor is in memory at a time.

Scales keep every layer's activations near 1 and the logits far apart, so that a wrong
layer changes the result by far more than rounding does.
"""

import argparse
import json
import math
import os
import shutil
import signal
import sys
import tempfile
import zlib

import numpy as np

PUBLISHED = ("MiniMaxM1ForCausalLM", "MiniMaxText01ForCausalLM")
TRANSFORMERS = "MiniMaxForCausalLM"
SAFETENSORS_NAMES = {"float32": "F32", "bfloat16": "BF16", "float16": "F16", "float64": "F64"}
BYTES = {"float32": 4, "bfloat16": 2, "float16": 2, "float64": 8}
BLOCK_ELEMENTS = 1 << 20


class UsageError(Exception):
    """An error that the caller can correct; printed as one line."""


class Tensor:
    """A tensor to write: mean + std * noise, or `values`."""

    def __init__(self, name, shape, dtype, std, mean=0.0, values=None):
        self.name, self.shape, self.dtype = name, tuple(shape), dtype
        self.std, self.mean, self.values = std, mean, values
        self.elements = math.prod(self.shape)
        self.bytes = self.elements * BYTES[dtype]


def linear(name, out_features, in_features, dtype, gain=1.0):
    return Tensor(name, (out_features, in_features), dtype, gain / math.sqrt(in_features))


def norm(name, size, dtype):
    return Tensor(name, (size,), dtype, 0.1, mean=1.0)


def is_lightning(config, layer):
    if config.get("attn_type_list") is not None:
        return config["attn_type_list"][layer] == 0
    if config.get("layer_types") is not None:
        return config["layer_types"][layer] == "linear_attention"
    # The default of transformers' MiniMaxConfig.
    return layer % 2 == 1


def decay_buffers(config, prefix, layer, dtype):
    """The buffers with which transformers stores a lightning layer's decay."""
    heads, layers = config["num_attention_heads"], config["num_hidden_layers"]
    block = config.get("block_size", 256)
    factor = 1 - layer / (layers - 1 + 1e-5) + 1e-5
    slopes = (2.0 ** (-8.0 * (np.arange(heads) + 1) / heads) * factor)[:, None, None]
    index = np.arange(block) + 1
    distance = index[:, None] - index[None, :]
    diagonal = np.where(distance >= 0, np.exp(-slopes * np.maximum(distance, 0)), 0.0)
    for name, values in (
        ("slope_rate", slopes),
        ("query_decay", np.exp(-slopes * index[:, None])),
        ("key_decay", np.exp(-slopes * (block - index[:, None]))),
        ("diagonal_decay", diagonal[None]),
    ):
        values = values.astype(np.float32)
        yield Tensor(f"{prefix}.{name}", values.shape, dtype, 0.0, values=values)


def attention(config, prefix, layer, dtype, transformers_names):
    hidden, heads = config["hidden_size"], config["num_attention_heads"]
    size = config.get("head_dim") or hidden // heads
    width = heads * size
    if is_lightning(config, layer):
        yield linear(f"{prefix}.qkv_proj.weight", 3 * width, hidden, dtype)
        yield linear(f"{prefix}.output_gate.weight", width, hidden, dtype)
        yield linear(f"{prefix}.out_proj.weight", hidden, width, dtype, gain=2.0)
        yield norm(f"{prefix}.norm.weight", width, dtype)
        if transformers_names:
            yield from decay_buffers(config, prefix, layer, dtype)
    else:
        keys = (config.get("num_key_value_heads") or heads) * size
        # Scores with a standard deviation near 2: the softmax is neither flat nor one-hot.
        yield linear(f"{prefix}.q_proj.weight", width, hidden, dtype, gain=1.5)
        yield linear(f"{prefix}.k_proj.weight", keys, hidden, dtype, gain=1.5)
        yield linear(f"{prefix}.v_proj.weight", keys, hidden, dtype)
        yield linear(f"{prefix}.o_proj.weight", hidden, width, dtype, gain=2.0)


def experts(config, layer_prefix, dtype, fused):
    hidden, width, count = config["hidden_size"], config["intermediate_size"], config["num_local_experts"]
    if fused:
        prefix = f"{layer_prefix}.mlp.experts"
        yield Tensor(f"{prefix}.gate_up_proj", (count, 2 * width, hidden), dtype, 1 / math.sqrt(hidden))
        yield Tensor(f"{prefix}.down_proj", (count, hidden, width), dtype, 3 / math.sqrt(width))
        return
    for expert in range(count):
        prefix = f"{layer_prefix}.block_sparse_moe.experts.{expert}"
        yield linear(f"{prefix}.w1.weight", width, hidden, dtype)
        yield linear(f"{prefix}.w3.weight", width, hidden, dtype)
        yield linear(f"{prefix}.w2.weight", hidden, width, dtype, gain=3.0)


def shared_width(config):
    width = config.get("shared_intermediate_size") or 0
    return width[0] if isinstance(width, list) else width


def layout(config, dtype, fused, tied="embedding"):
    """Every tensor of the checkpoint, in file order. `tied` is which of the tied matrices are stored."""
    architecture = config["architectures"][0]
    transformers_names = architecture == TRANSFORMERS
    hidden, vocabulary = config["hidden_size"], config["vocab_size"]
    # The published checkpoints store the router in float32; transformers writes one dtype for all tensors.
    router_dtype = dtype if transformers_names else "float32"
    is_tied = config.get("tie_word_embeddings", False)
    yield Tensor("lm_head.weight" if is_tied and tied == "head" else "model.embed_tokens.weight", (vocabulary, hidden), dtype, 1.0)
    for layer in range(config["num_hidden_layers"]):
        prefix = f"model.layers.{layer}"
        yield norm(f"{prefix}.input_layernorm.weight", hidden, dtype)
        yield from attention(config, f"{prefix}.self_attn", layer, dtype, transformers_names)
        yield norm(f"{prefix}.post_attention_layernorm.weight", hidden, dtype)
        block = "mlp" if fused else "block_sparse_moe"
        yield linear(f"{prefix}.{block}.gate.weight", config["num_local_experts"], hidden, router_dtype, gain=1.5)
        yield from experts(config, prefix, dtype, fused)
        if shared_width(config) > 0 and not transformers_names:
            yield linear(f"{prefix}.shared_mlp.gate_proj.weight", shared_width(config), hidden, dtype)
            yield linear(f"{prefix}.shared_mlp.up_proj.weight", shared_width(config), hidden, dtype)
            yield linear(f"{prefix}.shared_mlp.down_proj.weight", hidden, shared_width(config), dtype, gain=3.0)
            yield linear(f"{prefix}.coefficient.weight", 1, hidden, dtype)
    yield norm("model.norm.weight", hidden, dtype)
    if not is_tied or tied == "both":
        yield linear("lm_head.weight", vocabulary, hidden, dtype, gain=2.0)


def noise_blocks(tensor, seed):
    """float32 blocks of mean 0 and variance 1: each value is a sum of four 16-bit uniforms."""
    stream = np.random.PCG64(np.random.SeedSequence([seed, zlib.crc32(tensor.name.encode())]))
    scale = np.float32(1 / (65536 * math.sqrt(4 / 12)))
    for begin in range(0, tensor.elements, BLOCK_ELEMENTS):
        count = min(BLOCK_ELEMENTS, tensor.elements - begin)
        words = stream.random_raw(count)
        total = np.zeros(count, np.int32)
        for shift in (0, 16, 32, 48):
            total += ((words >> np.uint64(shift)) & np.uint64(0xFFFF)).astype(np.int32)
        yield (total - 2 * 65536 + 2).astype(np.float32) * scale


def encode(values, dtype):
    """Little-endian bytes of float32 values (float64 for that dtype), rounded to the nearest even of dtype."""
    if dtype == "float64":
        return values.astype("<f8").tobytes()
    if dtype == "float32":
        return values.astype("<f4").tobytes()
    if dtype == "float16":
        return values.astype("<f2").tobytes()
    bits = values.astype(np.float32).view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype("<u2").tobytes()


def tensor_blocks(tensor, seed):
    if tensor.values is not None:
        yield encode(tensor.values.reshape(-1), tensor.dtype)
        return
    for block in noise_blocks(tensor, seed):
        yield encode(np.float32(tensor.mean) + np.float32(tensor.std) * block, tensor.dtype)


def write_shard(path, tensors, seed):
    header, offset = {"__metadata__": {"format": "pt"}}, 0
    for tensor in tensors:
        header[tensor.name] = {
            "dtype": SAFETENSORS_NAMES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [offset, offset + tensor.bytes],
        }
        offset += tensor.bytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for tensor in tensors:
            for block in tensor_blocks(tensor, seed):
                file.write(block)


def split_shards(tensors, limit):
    shards, used = [[]], 0
    for tensor in tensors:
        if shards[-1] and limit and used + tensor.bytes > limit:
            shards.append([])
            used = 0
        shards[-1].append(tensor)
        used += tensor.bytes
    return shards


def positive(value):
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def is_width(value):
    """0 means no shared expert. The published configurations have a number, others a list, here of equal entries."""
    if isinstance(value, list) and value and all(entry == value[0] for entry in value):
        value = value[0]
    return positive(value) or value == 0 and isinstance(value, int) and not isinstance(value, bool)


def shown(value):
    """A value for an error message, on one line, shortened."""
    text = json.dumps(value)
    return text if len(text) <= 40 else text[:37] + "..."


def load_config(path):
    try:
        with open(path) as file:
            config = json.load(file)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}")
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: not JSON: {error}")
    names = (*PUBLISHED, TRANSFORMERS)
    found = config.get("architectures") if isinstance(config, dict) else None
    if not isinstance(found, list) or len(found) != 1 or found[0] not in names:
        raise UsageError(f"{path}: architectures is {shown(found)}, expected one of {', '.join(names)}")

    def check(key, valid, expected):
        if not valid(config.get(key)):
            raise UsageError(f"{path}: {key} is {shown(config[key]) if key in config else 'missing'}, expected {expected}")

    def optional(valid):
        return lambda value: value is None or valid(value)

    for key in ("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "num_local_experts", "intermediate_size"):
        check(key, positive, "a positive integer")
    for key in ("head_dim", "num_key_value_heads", "block_size"):
        check(key, optional(positive), "a positive integer")
    check("shared_intermediate_size", optional(is_width), "an integer of at least 0, or a list of equal ones")
    check("tie_word_embeddings", optional(lambda value: isinstance(value, bool)), "true or false")
    layers = config["num_hidden_layers"]
    for key, kinds in (("attn_type_list", (0, 1)), ("layer_types", ("linear_attention", "full_attention"))):
        check(key, optional(lambda value: isinstance(value, list)), "a list")
        if config.get(key) is not None and len(config[key]) != layers:
            raise UsageError(f"{path}: {key} has {len(config[key])} entries, expected {layers}")
        for index, kind in enumerate(config.get(key) or []):
            if isinstance(kind, (bool, float)) or kind not in kinds:
                raise UsageError(f"{path}: {key}[{index}] is {shown(kind)}, expected {' or '.join(map(str, kinds))}")
    if not config.get("head_dim") and config["hidden_size"] < config["num_attention_heads"]:
        raise UsageError(f"{path}: hidden_size is {config['hidden_size']}, expected at least num_attention_heads ({config['num_attention_heads']})")
    return config


def write_checkpoint(config, out_dir, seed, dtype="config", max_shard_size=0, fused=False, tied="embedding"):
    """Writes config.json and the weights to out_dir, replacing a checkpoint that is there."""
    architecture = config["architectures"][0]
    if fused and architecture != TRANSFORMERS:
        raise UsageError(f"--fused-experts is for {TRANSFORMERS}, the configuration is of {architecture}")
    if tied != "embedding" and not config.get("tie_word_embeddings", False):
        raise UsageError(f"--tied {tied} is for tie_word_embeddings, which the configuration does not set")
    dtype_key = "dtype" if "dtype" in config or architecture == TRANSFORMERS and "torch_dtype" not in config else "torch_dtype"
    if dtype == "config":
        dtype = config.get(dtype_key) or "bfloat16"
    if not isinstance(dtype, str) or dtype not in BYTES:
        raise UsageError(f"{dtype_key} is {shown(dtype)}, expected one of {', '.join(BYTES)}")
    config = {**config, dtype_key: dtype}
    tensors = list(layout(config, dtype, fused, tied))
    shards = split_shards(tensors, max_shard_size)

    out_dir = os.path.abspath(out_dir)
    os.makedirs(out_dir, exist_ok=True)
    # Written to a temporary directory first, so that a full disk or an interrupt leaves no incomplete checkpoint.
    temporary = tempfile.mkdtemp(prefix=".checkpoint-", dir=out_dir)
    try:
        with open(os.path.join(temporary, "config.json"), "w") as file:
            json.dump(config, file, indent=2)
            file.write("\n")
        names, weight_map = [], {}
        for number, shard in enumerate(shards):
            name = "model.safetensors"
            if len(shards) > 1:
                name = f"model-{number + 1:05d}-of-{len(shards):05d}.safetensors"
            write_shard(os.path.join(temporary, name), shard, seed)
            names.append(name)
            weight_map.update({tensor.name: name for tensor in shard})
        if len(shards) > 1:
            names.append("model.safetensors.index.json")
            with open(os.path.join(temporary, names[-1]), "w") as file:
                index = {"metadata": {"total_size": sum(t.bytes for t in tensors)}, "weight_map": weight_map}
                json.dump(index, file, indent=2)
                file.write("\n")
        for name in ["config.json", *names]:
            os.replace(os.path.join(temporary, name), os.path.join(out_dir, name))
        for old in os.listdir(out_dir):
            if old not in names and (old.endswith(".safetensors") or old == "model.safetensors.index.json"):
                os.remove(os.path.join(out_dir, old))
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def exit_on_stop_signals():
    """Makes stop signals end a script as sys.exit does, which removes its temporary files. Those that are ignored stay so (nohup)."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, lambda number, _: sys.exit(128 + number))


def main():
    exit_on_stop_signals()
    parser = argparse.ArgumentParser(description="Write a checkpoint of seeded random weights.")
    parser.add_argument("config", help="a config.json of one of the three architectures")
    parser.add_argument("out_dir")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--dtype", choices=["config", *BYTES], default="config", help="of the weights (default: the configuration's)")
    parser.add_argument("--max-shard-size", type=int, default=0, metavar="BYTES", help="split into files of at most this size")
    parser.add_argument("--fused-experts", action="store_true", help=f"{TRANSFORMERS}: one tensor for all experts of a layer")
    parser.add_argument(
        "--tied",
        choices=["embedding", "head", "both"],
        default="embedding",
        help="what to store with tie_word_embeddings; both: two different matrices (default: embedding)",
    )
    args = parser.parse_args()
    try:
        if args.seed < 0 or args.max_shard_size < 0:
            raise UsageError("--seed and --max-shard-size must not be negative")
        write_checkpoint(load_config(args.config), args.out_dir, args.seed, args.dtype, args.max_shard_size, args.fused_experts, args.tied)
    except UsageError as error:
        sys.exit(f"make_checkpoint.py: {error}")
    except OSError as error:
        sys.exit(f"make_checkpoint.py: {error.filename or args.out_dir}: {error.strerror}")


if __name__ == "__main__":
    main()
