# ===- ranks.py - the same bits on any number of ranks ----------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""ranks.py CASES UNIT DTYPE WORK_DIR

Runs small models on one rank and on meshes of ranks, which mpirun starts, and compares
the bits of tokens and log-probabilities. CASES is a regular expression for the names
in CASES below; UNIT is cpu or ptx (a GPU, emulated). There may be more ranks than
processors.
"""

import dataclasses
import itertools
import json
import os
import re
import sys

import e2e
import numpy as np

BASE = {
    "architectures": ["MiniMaxM1ForCausalLM"],
    "model_type": "minimax_m1",
    "vocab_size": 1100,  # a whole unit of 1,024 columns and a part of one
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "attn_type_list": [0, 1],  # lightning, softmax
    "num_attention_heads": 8,
    "head_dim": 32,
    "num_key_value_heads": 2,
    "num_local_experts": 4,
    "num_experts_per_tok": 2,
    "intermediate_size": 256,
    "rotary_dim": 16,
    "rope_theta": 10000000,
    "rms_norm_eps": 1e-05,
    "hidden_act": "silu",
    "postnorm": True,
    "layernorm_linear_attention_alpha": 2.0,
    "layernorm_linear_attention_beta": 1.0,
    "layernorm_full_attention_alpha": 2.0,
    "layernorm_full_attention_beta": 1.0,
    "layernorm_mlp_alpha": 2.0,
    "layernorm_mlp_beta": 1.0,
    "shared_intermediate_size": 0,
    "shared_moe_mode": "sigmoid",
    "tie_word_embeddings": False,
    "max_position_embeddings": 4096,
}
# Sums over heads and over the experts' columns have 12 leaves instead of 8.
TWELVE = {"num_attention_heads": 12, "num_key_value_heads": 6, "intermediate_size": 384}


def scale_head(head, factor):
    """Scales the values of an attention head in both layers; of all that share a key/value head in the softmax layer."""

    def edit(config, tensors):
        size, heads = config["head_dim"], config["num_attention_heads"]
        rows = tensors["model.layers.0.self_attn.qkv_proj.weight"].reshape(heads, 3, size, -1)
        rows[head, 2] *= factor
        group = head * config["num_key_value_heads"] // heads
        tensors["model.layers.1.self_attn.v_proj.weight"][group * size : (group + 1) * size] *= factor

    return edit


def negative_logits(config, tensors):
    """Makes every logit negative: a column that is padding, of logit 0, would be the most likely token."""
    tensors["model.embed_tokens.weight"][:, 0] = 8
    tensors["lm_head.weight"][:, 0] = -10


def one_expert(config, tensors):
    """Sends every token to the third expert first; the others have few tokens, or none."""
    tensors["model.embed_tokens.weight"][:, 0] = 8
    for layer in range(config["num_hidden_layers"]):
        gate = tensors[f"model.layers.{layer}.block_sparse_moe.gate.weight"]
        gate[:, 0] = 0
        gate[2, 0] = 20


@dataclasses.dataclass
class Case:
    """A model, the meshes that it runs on, and what runs."""

    meshes: tuple
    config: dict = dataclasses.field(default_factory=dict)
    edit: object = None
    runs: tuple = ("score", "sampled")
    units: tuple = ("cpu",)
    # Values of m1c --gather-bytes; None is the default, with which these small models gather all partial sums of calls.
    gather_bytes: tuple = (None,)


CASES = {
    # Leaves: 8 ranks have one each; two ranks have the same key/value head from 4 ranks on; six of 8 ranks have no column
    # of the vocabulary.
    "tensor": Case(("tensor=2", "tensor=4", "tensor=8"), runs=("score", "sampled", "greedy")),
    "tensor-pair": Case(("tensor=2",)),
    "twelve": Case(("tensor=2", "tensor=3"), TWELVE),
    "shared": Case(("tensor=2,expert=2",), {"shared_intermediate_size": 256, "shared_moe_mode": "sigmoid"}),
    "expert": Case(("expert=2", "expert=4")),
    "data": Case(("data=2", "data=3"), runs=("score", "logits", "sampled", "one")),
    "data-tensor": Case(("data=2,tensor=2", "data=2,tensor=2,expert=2"), runs=("score", "logits", "sampled", "one")),
    # Exchanges that distribute the rows of sums wherever they can, and that never do.
    "forms": Case(("tensor=4",), gather_bytes=(1, 1 << 60)),
    "large-head": Case(("tensor=4",), edit=scale_head(3, 100), gather_bytes=(1,)),
    "zero-head": Case(("tensor=4",), edit=scale_head(3, 0)),
    "negative-logits": Case(("tensor=8",), edit=negative_logits, runs=("score", "greedy")),
    "one-expert": Case(("tensor=2", "expert=4"), {"num_experts_per_tok": 1}, edit=one_expert),
    # One row of one sequence, and of 256: few rows and many for the sums.
    "rows": Case(("tensor=4", "tensor=2,expert=2"), runs=("single", "wide"), gather_bytes=(60000,)),
    "gpu": Case(("tensor=2", "data=2,expert=2"), {"num_attention_heads": 4, "intermediate_size": 128}, runs=("short",), units=("ptx",)),
}
# What m1c refuses: configuration, mesh, and words of the error.
REFUSED = [
    ({}, "tensor=3", ["8", "3"]),
    ({"num_key_value_heads": 8}, "tensor=16", ["8", "16"]),
    (TWELVE, "tensor=8", ["12", "8"]),
    ({"num_local_experts": 3, "num_experts_per_tok": 1}, "expert=2", ["3", "2"]),
]


def edit_weights(config, checkpoint, edit):
    """Lets `edit` change the tensors of a checkpoint, which it gets as writable float32 arrays by name."""
    path = os.path.join(checkpoint, "model.safetensors")
    data = bytearray(open(path, "rb").read())
    begin = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:begin])
    tensors = {}
    for name, entry in header.items():
        if entry.get("dtype") == "F32":
            first, last = (begin + o for o in entry["data_offsets"])
            tensors[name] = np.frombuffer(memoryview(data)[first:last], "<f4").reshape(entry["shape"])
    edit(config, tensors)
    open(path, "wb").write(data)


def ranks_of(mesh):
    return int(np.prod([int(axis.split("=")[1]) for axis in mesh.split(",")])) if mesh else 1


class Model:
    def __init__(self, name, case, unit, dtype, work):
        self.work, self.count = e2e.fresh(os.path.join(work, name)), 0
        self.config = {**BASE, **case.config}
        self.checkpoint = os.path.join(self.work, "checkpoint")
        self.target, (_, *self.device) = e2e.UNITS[unit]
        e2e.make_checkpoint.write_checkpoint(self.config, self.checkpoint, 1, dtype)
        if case.edit:
            edit_weights(self.config, self.checkpoint, case.edit)
        generator = np.random.Generator(np.random.PCG64(7))
        self.sequences = [generator.integers(0, self.config["vocab_size"], n) for n in (70, 1, 33, 64, 2)]
        # Fewer slots than sequences, and fewer tokens than a batch has: pieces, and sequences that start while others decode.
        self.bounds = ("--max-tokens", 300, "--slots", 3, "--max-length", 128)

    def compile(self, mesh, gather_bytes=None):
        self.plan = os.path.join(self.work, f"{mesh or 'one'}.m1plan")
        options = ("--mesh", mesh) if mesh else ()
        if gather_bytes is not None:
            options += ("--gather-bytes", gather_bytes)
        e2e.run("m1c", self.checkpoint, "-o", self.plan, *self.target, *self.bounds, *options)
        self.mesh = mesh

    def m1run(self, command, sequences, *options):
        self.count += 1
        folder = e2e.fresh(os.path.join(self.work, f"run{self.count}"))
        tokens = e2e.write_tokens(os.path.join(folder, "in"), sequences)
        out = os.path.join(folder, "out")
        given = ("--weights", self.checkpoint, "--tokens", tokens, "--out-dir", out, "--threads", 1)
        prefix = e2e.mpirun(ranks_of(self.mesh)) if self.mesh else ()
        e2e.run(*prefix, "m1run", command, self.plan, *given, *self.device, *options)
        return out

    def generate(self, prompts, new_tokens, *options):
        out = self.m1run("generate", prompts, "--max-new-tokens", new_tokens, *options)
        return e2e.read(out, "tokens", len(prompts)) + e2e.read(out, "logprobs", len(prompts))

    # What a case can run; each returns arrays.

    def score(self):
        return e2e.read(self.m1run("score", self.sequences, "--chunk", 50), "logprobs", len(self.sequences))

    def logits(self):
        return e2e.read(self.m1run("score", self.sequences[:3], "--logits"), "logits", 3)

    def sampled(self):
        return self.generate(self.sequences, 6, "--seed", 5)

    def greedy(self):
        return self.generate(self.sequences, 4, "--temperature", 0)

    def one(self):
        """One sequence: other data coordinates have none."""
        return self.generate(self.sequences[2:3], 3, "--seed", 5)

    def single(self):
        return self.generate([s[:1] for s in self.sequences[:1]], 4, "--temperature", 0)

    def wide(self):
        return self.generate([[i] for i in range(256)], 3, "--seed", 2)

    def short(self):
        return self.generate([s[:9] for s in self.sequences[:3]], 2, "--seed", 5)


def check_refusals(work):
    failures = 0
    for number, (changes, mesh, words) in enumerate(REFUSED):
        checkpoint = e2e.fresh(os.path.join(work, f"refused{number}"))
        e2e.make_checkpoint.write_checkpoint({**BASE, **changes}, checkpoint, 1, "float32")
        plan = os.path.join(work, "refused.m1plan")
        try:
            e2e.run("m1c", checkpoint, "-o", plan, "--mesh", mesh)
            text = "accepted"
        except e2e.ToolError as error:
            text = str(error).splitlines()[-1]
        if os.path.exists(plan) or not text.startswith("m1c: error: ") or not all(re.search(rf"\b{w}\b", text) for w in words):
            print(f"{mesh} with {changes}: {text}")
            failures += 1
    return failures


def differing_rows(found, expected):
    if found.shape != expected.shape:
        return f"shape {expected.shape}"
    return f"rows {np.flatnonzero((found != expected).reshape(len(found), -1).any(-1))}"


def main():
    pattern, unit, dtype, work = sys.argv[1:]
    compared = failures = 0
    for name, case in CASES.items():
        if not re.fullmatch(pattern, name) or unit not in case.units:
            continue
        model = Model(name, case, unit, dtype, work)
        if "wide" in case.runs:
            model.bounds = ("--max-tokens", 300, "--slots", 256, "--max-length", 16)
        model.compile("")
        expected = {run: getattr(model, run)() for run in case.runs}
        for mesh, gather_bytes in itertools.product(case.meshes, case.gather_bytes):
            model.compile(mesh, gather_bytes)
            for run in case.runs:
                found = getattr(model, run)()
                compared += len(found)
                for number, (a, b) in enumerate(zip(found, expected[run], strict=True)):
                    if a.dtype != b.dtype or a.tobytes() != b.tobytes():
                        form = "" if gather_bytes is None else f", {gather_bytes} bytes"
                        print(f"{name}, {mesh}{form}, {run}: array {number} differs: {a.dtype}{a.shape}, {differing_rows(a, b)}")
                        failures += 1
    if re.fullmatch(pattern, "refused"):
        failures += check_refusals(work)
    print(f"{compared} arrays, {failures} failures")
    sys.exit(failures > 0)


if __name__ == "__main__":
    main()
