# ===- bad_configs.py - what make_checkpoint.py says of bad input -----------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""bad_configs.py CONFIG.json WORK_DIR

Every bad configuration must end in exit code 1 and one line that names the key,
what was found and what was expected, with nothing written. Prints the number of
cases.
"""

import json
import os
import shutil
import subprocess
import sys

TOOL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "tools", "make_checkpoint.py")
source, work = sys.argv[1:]
shutil.rmtree(work, ignore_errors=True)
os.makedirs(work)
path, out = os.path.join(work, "config.json"), os.path.join(work, "out")
with open(source) as file:
    good = json.load(file)
cases, failures = 0, 0


def make(text, *options):
    with open(path, "w") as file:
        file.write(text)
    return subprocess.run([sys.executable, TOOL, path, out, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def refused(message, text, *options):
    global cases, failures
    cases += 1
    result = make(text, *options)
    if result.returncode != 1 or result.stdout or result.stderr != f"make_checkpoint.py: {message}\n" or os.path.exists(out):
        failures += 1
        print(f"{message}\n  {result.returncode} {result.stdout!r} {result.stderr[-500:]!r}")
    shutil.rmtree(out, ignore_errors=True)


def accepted(**changes):
    global cases, failures
    cases += 1
    result = make(json.dumps({**good, **changes}))
    if result.returncode:
        failures += 1
        print(f"{changes}\n  {result.returncode} {result.stderr[-500:]!r}")
    shutil.rmtree(out, ignore_errors=True)


SIZE, WIDTH = "a positive integer", "an integer of at least 0, or a list of equal ones"
layers = good["num_hidden_layers"]
for key, value, expected in (
    ("vocab_size", True, SIZE),
    ("vocab_size", 1.5, SIZE),
    ("hidden_size", None, SIZE),
    ("head_dim", "x", SIZE),
    ("head_dim", -3, SIZE),
    ("num_key_value_heads", "2", SIZE),
    ("num_key_value_heads", -1, SIZE),
    ("block_size", "a" * 60, SIZE),
    ("shared_intermediate_size", "8", WIDTH),
    ("shared_intermediate_size", -8, WIDTH),
    ("shared_intermediate_size", [], WIDTH),
    ("shared_intermediate_size", [8, 16], WIDTH),
    ("tie_word_embeddings", 1, "true or false"),
    ("attn_type_list", 3, "a list"),
    ("layer_types", 5, "a list"),
):
    found = json.dumps(value)
    found = found if len(found) <= 40 else found[:37] + "..."
    refused(f"{path}: {key} is {found}, expected {expected}", json.dumps({**good, key: value}))
types = "expected one of float32, bfloat16, float16, float64"
refused(f'torch_dtype is ["x"], {types}', json.dumps({**good, "torch_dtype": ["x"]}))
refused(f'torch_dtype is "int8", {types}', json.dumps({**good, "torch_dtype": "int8"}))
refused(f"{path}: attn_type_list has 1 entries, expected {layers}", json.dumps({**good, "attn_type_list": [1]}))
refused(f"{path}: attn_type_list[0] is 2, expected 0 or 1", json.dumps({**good, "attn_type_list": [2] * layers}))
refused(f"{path}: hidden_size is 1, expected at least num_attention_heads ({good['num_attention_heads']})", json.dumps({**good, "hidden_size": 1, "head_dim": None}))
refused(f"{path}: vocab_size is missing, expected {SIZE}", json.dumps({key: good[key] for key in good if key != "vocab_size"}))
refused("--tied both is for tie_word_embeddings, which the configuration does not set", json.dumps(good), "--tied", "both")
accepted(shared_intermediate_size=[8] * layers, num_key_value_heads=None, attn_type_list=None, torch_dtype=None)
print(f"{cases} cases, {failures} failed")
sys.exit(failures > 0)
