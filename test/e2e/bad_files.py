# ===- bad_files.py - damaged checkpoints and plans ----------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//

import functools
import json
import os
import resource
import struct

import e2e
import numpy as np
import reseal
from refusals import OUT, accepted, checkpoint, compile_model, prompt, refused, score, work


def check_weights():
    """Damaged checkpoints, for compiler and runtime."""
    folder, file = checkpoint()
    plan = compile_model(folder)
    tokens = prompt("tokens", [1, 2, 3])
    with open(file, "rb") as stream:
        good = stream.read()
    length = int.from_bytes(good[:8], "little")
    header, data = json.loads(good[8 : 8 + length]), good[8 + length :]

    def damaged(fragments, content, compiler=True):
        with open(file, "wb") as stream:
            stream.write(content)
        if compiler:
            refused(["model.safetensors", *fragments], "m1c", folder, "-o", os.path.join(work, "other.m1plan"))
        refused(["model.safetensors", *fragments], *score(plan, folder, tokens))

    def changed(change):
        altered = json.loads(json.dumps(header))
        more = change(altered) or b""
        return raw(json.dumps(altered).encode()) + more

    def raw(text):
        return len(text).to_bytes(8, "little") + text + data

    text = json.dumps(header).encode()

    def update(**values):
        return lambda h: h["lm_head.weight"].update(values)

    begin, end = header["lm_head.weight"]["data_offsets"]
    damaged(["truncated"], good[: len(good) // 2])
    damaged(["truncated"], good[: length // 2])
    damaged(["too short"], good[:5])
    damaged(["too short", "0 bytes"], b"")
    damaged([str(2**60)], (2**60).to_bytes(8, "little") + good[8:])
    damaged([str(2**64 - 1)], b"\xff" * 8 + good[8:])
    damaged(["JSON"], good[:8] + b"{" * length + data)
    damaged(["'{'"], good[:8] + b" " * length + data)
    damaged(["lm_head.weight", str(end + 2**40)], changed(update(data_offsets=[begin, end + 2**40])))
    damaged(["lm_head.weight", "262140"], changed(update(data_offsets=[begin, end - 4])))
    damaged(["lm_head.weight", "begin"], changed(update(data_offsets=[end, begin])))
    damaged(["lm_head.weight", "overlap"], changed(lambda h: h["model.norm.weight"].update(data_offsets=[begin, begin + 512])))
    damaged(["4 bytes", "after the last tensor", "belong to no tensor"], good + b"\0\0\0\0")
    damaged(["JSON", "null byte"], raw(text + b"\0{}"))
    damaged(["'model.embed_tokens.weight': duplicate key 'dtype'"], raw(text.replace(b'"dtype"', b'"dtype":"F32","dtype"')))
    damaged(["Git LFS pointer"], b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 12\n")
    damaged(["lm_head.weight", "F33"], changed(update(dtype="F33")))
    damaged(["lm_head.weight", "negative"], changed(update(shape=[-1, 128])))
    damaged(["lm_head.weight", "too large"], changed(update(shape=[2**40, 2**40])))
    damaged(["lm_head.weight"], changed(lambda h: h["lm_head.weight"].pop("shape") and None))
    damaged(["lm_head.weight", "I32"], changed(update(dtype="I32")))
    damaged(["lm_head.weight", "[128, 512]", "[512, 128]"], changed(update(shape=[128, 512])))

    with open(file, "wb") as stream:
        stream.write(changed(lambda h: h.update(other=h.pop("lm_head.weight"))))
    refused(["checkpoint", "lm_head.weight"], "m1c", folder, "-o", os.path.join(work, "other.m1plan"))
    refused(["checkpoint", "lm_head.weight", "model.m1plan"], *score(plan, folder, tokens))
    with open(file, "wb") as stream:
        surplus = {"dtype": "F32", "shape": [1], "data_offsets": [len(data), len(data) + 4]}
        stream.write(changed(lambda h: h.update(extra=surplus) or b"\0\0\0\0"))
    refused(["checkpoint", "extra"], "m1c", folder, "-o", os.path.join(work, "other.m1plan"))
    refused(["checkpoint", "extra", "model.m1plan"], *score(plan, folder, tokens))
    with open(file, "wb") as stream:
        stream.write(changed(lambda h: h.update({"a\n\x1b[31mb": surplus}) or b"\0\0\0\0"))
    refused(["checkpoint", r"a\n\u001b[31mb"], "m1c", folder, "-o", os.path.join(work, "other.m1plan"))
    refused(["checkpoint", r"a\n\u001b[31mb"], *score(plan, folder, tokens))

    # Weights that are NaN: the first op that can tell reports it.
    with open(file, "wb") as stream:
        stream.write(good[: 8 + length] + data[:begin] + b"\xff" * (end - begin) + data[end:])
    bad = ["is not a number or is infinite; the weights are damaged"]
    generate = "m1run", "generate", plan, "--weights", folder, "--tokens"
    one = prompt("one", [1])
    refused(["score: the log-probability of token 2 ", *bad], *score(plan, folder, tokens))
    refused(["logits: the logit of token 0 ", *bad], *score(plan, folder, one), "--logits")
    refused(["score: the log-probability of token 2 ", *bad], *generate, tokens, "--max-new-tokens", 0, "--out-dir", OUT)
    refused(["sample: the logit of token 0 ", *bad], *generate, one, "--max-new-tokens", 1, "--out-dir", OUT)
    refused(bad, "m1run", "bench", plan, "--weights", folder, "--prompt-len", 4, "--new-tokens", 2)

    os.remove(file)
    compiler = "m1c", folder, "-o", os.path.join(work, "other.m1plan")
    refused(["checkpoint"], *score(plan, folder, tokens))
    refused(["nowhere"], *score(plan, os.path.join(work, "nowhere"), tokens))
    other = os.path.join(folder, "pytorch_model.bin")
    open(other, "w").close()
    for command in compiler, score(plan, folder, tokens):
        refused(["found pytorch_model.bin, expected safetensors", "convert it"], *command)
    os.remove(other)
    os.symlink("model.safetensors", file)
    for command in compiler, score(plan, folder, tokens):
        refused(["model.safetensors: Too many levels of symbolic links"], *command)
    os.remove(file)

    # Tiny tensors fill the largest header; memory is short, or there are too many of them.
    tensor = '"%06d":{"dtype":"U8","shape":[],"data_offsets":[%d,%d]},'
    tiny = "".join(tensor % (i, i, i + 1) for i in range(1_100_000))
    with open(file, "wb") as stream:
        stream.write(raw(b"{" + tiny[:-1].encode().ljust(99_999_998) + b"}"))
    refused(["model.safetensors: ", "1000000 tensors"], *score(plan, folder, tokens))
    short = functools.partial(resource.setrlimit, resource.RLIMIT_AS, (200 << 20, 200 << 20))
    refused(["model.safetensors: not enough memory"], *score(plan, folder, tokens), preexec_fn=short)

    check_choice(folder, file, good, plan, tokens)


def check_choice(folder, file, good, plan, tokens):
    """Which of several files are read: the same for all tools."""
    index, shard = (os.path.join(folder, n) for n in ("model.safetensors.index.json", "part.safetensors"))
    length = int.from_bytes(good[:8], "little")
    names = [n for n in json.loads(good[8 : 8 + length]) if n != "__metadata__"]

    def write(path, content):
        with open(path, "wb") as stream:
            stream.write(content)

    def write_index(name):
        write(index, json.dumps({"metadata": {"total_size": 3}, "weight_map": dict.fromkeys(names, name)}).encode())

    model = os.path.join(work, "model.mlir")
    commands = [
        ("m1c", folder, "-o", os.path.join(work, "same.m1plan")),
        score(plan, folder, tokens),
        ("m1-interpret", model, "--weights", folder, "--tokens", tokens, "--out-dir", OUT),
    ]
    os.remove(file)
    e2e.run("m1c", folder, "--emit=model", "-o", model)

    def reads(note=""):
        for command in commands:
            accepted(*command, note=f"{command[0]}: note: {folder}: {note}" if note else "")

    # An index of an earlier save, whose files are gone, there, or damaged.
    write(file, good)
    write_index("part.safetensors")
    reads("found both model.safetensors and model.safetensors.index.json, which names other files, 1 of which does not exist: reading model.safetensors")
    write(shard, good[:100])
    reads("found both model.safetensors and model.safetensors.index.json, which names other files: reading model.safetensors")
    # The index names the file; a folder; no index, and what macOS leaves.
    write_index("model.safetensors")
    reads()
    os.remove(file)
    os.makedirs(os.path.join(folder, "sub"))
    write_index("sub/part.safetensors")
    os.rename(shard, os.path.join(folder, "sub", "part.safetensors"))
    write(os.path.join(folder, "sub", "part.safetensors"), good)
    reads()
    os.remove(index)
    write(shard, good)
    write(os.path.join(folder, "._part.safetensors"), b"\0\5\x16\7")
    reads()
    write(index, json.dumps({"weight_map": {names[0]: "a"}}).encode()[:-2] + b', "' + names[0].encode() + b'": "b"}}')
    for command in commands:
        refused(["model.safetensors.index.json: line 1, column ", f"duplicate key 'weight_map.{names[0]}'"], *command)


def check_plans():
    """Plans that are damaged, of another version, or for another processor."""
    folder, _ = checkpoint()
    plan = compile_model(folder)
    tokens = prompt("tokens", [1, 2, 3])
    with open(plan, "rb") as file:
        good = file.read()
    root = struct.unpack_from("<I", good)[0]
    vtable = root - struct.unpack_from("<i", good, root)[0]
    version = root + struct.unpack_from("<H", good, vtable + 4)[0]
    found = struct.unpack_from("<I", good, version)[0]

    def damaged(fragments, content):
        bad = os.path.join(work, "bad.m1plan")
        with open(bad, "wb") as file:
            file.write(content)
        refused(["bad.m1plan", *fragments], *score(bad, folder, tokens))
        refused(["bad.m1plan", *fragments], "m1run", "inspect", bad)

    newer = bytearray(good)
    struct.pack_into("<I", newer, version, found + 1)
    damaged([f"plan format {found + 1}", f"reads {found}"], newer)
    damaged(["not a plan"], b"")
    damaged(["not a plan"], good[:10])
    damaged(["not a plan"], b"\0" * 1000)
    damaged(["not a plan"], b"PK\3\4" + good[4:8][::-1] + good[8:])
    for part in (2, 3, 10, 1000):
        damaged(["truncated or damaged"], good[: len(good) // part])
    damaged(["truncated or damaged"], good[:-1])
    random = np.random.default_rng(3)
    for place in [*random.integers(8, len(good), 40), len(good) - 1]:
        flipped = bytearray(good)
        flipped[place] ^= 1 << random.integers(8)
        # The digest or the structure reveals a flipped bit anywhere but in the version, which is read first.
        damaged(["plan format"] if version <= place < version + 4 else ["truncated or damaged"], flipped)
    refused(["nowhere.m1plan"], *score(os.path.join(work, "nowhere.m1plan"), folder, tokens))
    refused([work], *score(work, folder, tokens))

    # PTX that a valid digest seals, for the emulated GPU.
    gpu = compile_model(folder, "--target", "cuda:sm_80")
    with open(gpu, "rb") as file:
        on_gpu = file.read()
    assert reseal.reseal(on_gpu) == on_gpu
    module = ".version 8.0\n.target sm_80\n.address_size 64\n"

    def bad_ptx(fragments, text):
        bad = os.path.join(work, "bad.m1plan")
        with open(bad, "wb") as file:
            file.write(reseal.with_ptx(on_gpu, module + text))
        refused(["bad.m1plan: ptx: ", *fragments], *score(bad, folder, tokens), "--device", "ptx", timeout=60)

    body = ".entry k() {{ {} }}".format
    bad_ptx(["line 4: a number of registers is 4000000000, expected 1 to 65536"], body(".reg .b32 %r<4000000000>;"))
    bad_ptx(["line 4: an array's size is 1000000000000"], ".global .b8 x[1000000000000];")
    bad_ptx(["line 4: variable 'x' has 4294967295 bytes"], body(".local .b8 x[4294967295];"))
    bad_ptx(["line 4: an array's size is -1"], body(".shared .b8 x[-1];"))
    bad_ptx(["line 4: an alignment is 0, expected 1 to 256"], body(".local .align 0 .pred x;"))
    bad_ptx(["line 4: expected an operand, found '('"], body("mov.u32 " + "(" * 20000 + ";"))
    bad_ptx(["more than 16384 functions"], "".join(f".func f{i}(){{}}\n" for i in range(20000)))

    wide = os.path.join(work, "wide.m1plan")
    e2e.run("m1c", folder, "-o", wide, "--target-cpu=x86-64-v4")
    with open("/proc/cpuinfo") as file:
        here = "avx512f" in file.read()
    if here:
        print("skipped: this CPU runs every target")
    else:
        refused(["wide.m1plan", "avx512"], *score(wide, folder, tokens))
