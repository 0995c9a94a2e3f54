# ===- bad_input.py - the tools' errors for bad input -----------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""bad_input.py KIND CONFIG.json WORK_DIR

KIND is graphs, weights, plans, prompts, calls or tools. Every bad input must end in
exit code 1 and one line on standard error that says what was found and expected, with
nothing on standard output and no file written. Prints the number of cases.
"""

import functools
import json
import os
import re
import resource
import shutil
import struct
import subprocess
import sys

import e2e
import numpy as np
import reseal

kind, config_file, work = sys.argv[1:]
cases, failures = 0, 0
shutil.rmtree(work, ignore_errors=True)
os.makedirs(work)
OUT = os.path.join(work, "out")


def listing():
    return sorted(os.path.join(d, f) for d, _, files in os.walk(work) for f in files)


def run(*command, **options):
    return subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def refused(fragments, *command, **options):
    """Runs a command that must fail with one line that contains all fragments."""
    global cases, failures
    cases += 1
    before = listing()
    result = run(*command, **options)
    problems = [f"no '{f}' in the error" for f in fragments if f not in result.stderr]
    if result.returncode != 1:
        problems.append(f"exit code {result.returncode}, expected 1")
    if result.stderr.count("\n") != 1 or not re.match(rf"{re.escape(command[0])}: |[^:]+\.mlir:\d+:\d+: error: ", result.stderr):
        problems.append("expected one line that begins with the tool's name or a place in a graph")
    if result.stdout:
        problems.append(f"on standard output: {result.stdout[:200]!r}")
    if added := sorted(set(listing()) ^ set(before)):
        problems.append(f"files written or lost: {added}")
    shutil.rmtree(OUT, ignore_errors=True)
    if problems:
        failures += 1
        print(f"{' '.join(map(str, command))}\n  {result.stderr!r}\n  " + "\n  ".join(problems))


def accepted(*command, note=None, **options):
    """Runs a command that must succeed; with a note, this line alone must be on standard error."""
    global cases, failures
    cases += 1
    result = run(*command, **options)
    said = note is None or (result.stderr.startswith(note) and result.stderr.count("\n") == bool(note))
    if result.returncode or not said:
        failures += 1
        print(f"{' '.join(map(str, command))}\n  exit code {result.returncode}: {result.stderr!r}, expected {note!r}")
    return result.stdout


def checkpoint():
    """Makes a small checkpoint; its directory, and the path of its only weights file."""
    folder = os.path.join(work, "checkpoint")
    e2e.make_checkpoint.write_checkpoint(e2e.make_checkpoint.load_config(config_file), folder, 1)
    return folder, os.path.join(folder, "model.safetensors")


def compile_model(folder, *options):
    plan = os.path.join(work, "model.m1plan")
    e2e.run("m1c", folder, "-o", plan, *options)
    return plan


def prompt(name, tokens, dtype=np.int64):
    path = os.path.join(work, f"{name}.npy")
    np.save(path, np.asarray(tokens, dtype))
    return path


def memory(limit):
    """For preexec_fn: limits the process's address space, in bytes."""
    return lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def call(plan, weights, *files):
    arguments = [word for file in files for word in ("--arg", file)]
    return "m1run", "call", plan, "--weights", weights, "--entry", "score", *arguments, "--out-dir", OUT


def score(plan, weights, tokens):
    return "m1run", "score", plan, "--weights", weights, "--tokens", tokens, "--out-dir", OUT


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


def check_prompts():
    """Prompts that are malformed or do not fit the plan."""
    folder, _ = checkpoint()
    plan = compile_model(folder, "--max-length=40", "--max-tokens=32", "--slots=2")

    def generate(tokens, *options):
        return "m1run", "generate", plan, "--weights", folder, "--tokens", tokens, "--out-dir", OUT, *options

    few = ("--max-new-tokens", 2)
    good = prompt("good", [1, 2, 3])
    for files in (",", "", f"{good},", f",{good}"):
        refused([f"--tokens '{files}': expected values separated by commas, found an empty one"], *generate(files, *few))
    refused(["outside.npy", "512", "vocabulary"], *generate(prompt("outside", [1, 512]), *few))
    refused(["outside.npy", "512", "vocabulary"], *score(plan, folder, prompt("outside", [1, 512])))
    refused(["below.npy", "-1"], *generate(prompt("below", [-1, 2]), *few))
    refused(["below.npy", str(2**40)], *generate(prompt("below", [2**40]), *few))
    refused(["empty.npy"], *generate(prompt("empty", []), *few))
    refused(["long.npy", "41", "40"], *generate(prompt("long", [1] * 41), *few))
    refused(["long.npy", "41", "40"], *score(plan, folder, prompt("long", [1] * 41)))
    refused(["floats.npy", "F32", "int64"], *generate(prompt("floats", [1, 2], np.float32), *few))
    refused(["matrix.npy"], *generate(prompt("matrix", [[1, 2], [3, 4]]), *few))
    refused(["absent.npy"], *generate(f"{good},{os.path.join(work, 'absent.npy')}", *few))
    half = os.path.join(work, "half.npy")
    with open(good, "rb") as source, open(half, "wb") as file:
        file.write(source.read()[:-4])
    refused(["half.npy"], *generate(half, *few))
    with open(half, "wb") as file:
        file.write(b"not an array")
    refused(["half.npy"], *generate(half, *few))
    bad_values = {
        "--temperature": (-1, "nan", "inf"),
        "--top-p": (0, 1.5),
        "--top-k": (-1,),
        "--max-new-tokens": (-1, 2**63, "1e3"),
        "--stop-token": (512, -1, "0x10", "many"),
        "--seed": (2**32, -1, "0x10"),
        "--early-stop": (-2, 2**63),
        "--early-stop-probability": (7, "nan"),
    }
    for option, value in ((option, value) for option, values in bad_values.items() for value in values):
        refused([f"{option} {value}"], *generate(good, *few[: 0 if option == few[0] else 2], option, value))
    for chunk in (-1, 0, 2**63):
        refused([f"--chunk {chunk}: expected a whole number from 1 to"], *score(plan, folder, good), "--chunk", chunk)
    refused(["--stop-token '5,,6'"], *generate(good, *few), "--stop-token", "5,,6")
    # 64 million tokens, which are not read: only the header is in memory.
    huge = os.path.join(work, "huge.npy")
    with open(huge, "wb") as file:
        np.lib.format.write_array_header_1_0(file, dict(descr="<i8", fortran_order=False, shape=(64_000_000,)))
        file.truncate(file.tell() + 8 * 64_000_000)
    refused(["huge.npy: 64000000 tokens, ", "at most 40"], *generate(huge, *few), preexec_fn=memory(200 << 20))
    refused(["huge.npy: not enough memory for its 512000000 bytes"], *call(plan, folder, *[huge] * 5), preexec_fn=memory(200 << 20))
    os.remove(huge)

    # All integer types, a 1-D array in Fortran order, names with commas, and values that are decimal.
    names = [prompt(t, [1, 2, 3], t) for t in ("uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64")]
    comma = prompt("a,b", [4, 5])
    fortran = os.path.join(work, "fortran.npy")
    with open(fortran, "wb") as file:
        np.lib.format.write_array_header_1_0(file, dict(descr="<i8", fortran_order=True, shape=(3,)))
        np.arange(3).tofile(file)
    accepted(*generate(",".join([*names, fortran]), "--tokens", comma, "--tokens", good, "--max-new-tokens", "010", "--seed", "010"))
    found = e2e.read(OUT, "tokens", 10)
    assert [list(t[:-10]) for t in found] == [[1, 2, 3]] * 7 + [[0, 1, 2], [4, 5], [1, 2, 3]], found
    expected = accepted(*generate(good, "--max-new-tokens", 10, "--seed", 10)), e2e.read(OUT, "tokens", 1)[0]
    accepted(*generate(good, "--max-new-tokens", "010", "--seed", "010"))
    assert (e2e.read(OUT, "tokens", 1)[0] == expected[1]).all()
    shutil.rmtree(OUT)

    # Responses end after the checkpoint's eos_token_id and after each --stop-token.
    greedy = "--max-new-tokens", 20, "--temperature", 0
    accepted(*generate(good, *greedy))
    whole = e2e.read(OUT, "tokens", 1)[0]
    assert len(set(whole[3:])) > 8, whole
    ids = [int(t) for t in whole[3:]]

    def ends_after(token, *options):
        result = run(*generate(good, *greedy, *options))
        assert result.returncode == 0, result
        response = [int(t) for t in e2e.read(OUT, "tokens", 1)[0][3:]]
        assert response == ids[: ids.index(token) + 1], (response, ids, options)
        shutil.rmtree(OUT)
        return result.stderr

    def eos(name, value):
        with open(os.path.join(folder, name), "w") as file:
            json.dump({"eos_token_id": value}, file)

    assert ends_after(ids[6], "--stop-token", ids[6]) == ""
    ends_after(ids[4], "--stop-token", f"{ids[6]},{ids[4]}")
    ends_after(ids[4], "--stop-token", ids[6], "--stop-token", ids[4])
    eos("generation_config.json", [ids[7], ids[5]])
    note = f"m1run: note: responses end after token {ids[7]} or {ids[5]}, the eos_token_id of {folder}/generation_config.json"
    assert ends_after(ids[5]).startswith(note)
    ends_after(ids[3], "--stop-token", ids[3])
    assert ends_after(ids[-1], "--ignore-eos") == ""
    eos("generation_config.json", "</s>")
    refused(["generation_config.json: eos_token_id: ", '"</s>"'], *generate(good, *few))
    os.remove(os.path.join(folder, "generation_config.json"))

    check_failing_prompts(folder, plan)

    # Sequences beyond the number of slots wait.
    many = ",".join(prompt(f"many{i}", [i + 1] * (i + 1)) for i in range(7))
    accepted(*generate(many, *few))
    found = e2e.read(OUT, "tokens", 7)
    assert [len(t) for t in found] == [i + 3 for i in range(7)], found
    # A sequence ends at the plan's maximum length.
    shutil.rmtree(OUT)
    accepted(*generate(prompt("full", [1] * 40), "--max-new-tokens", 9))


def check_failing_prompts(folder, plan):
    """A token whose embedding is not a number: its sequences fail, and the others are as before, bit for bit, although
    they get the slots of those that failed."""
    lists = [1, 2, 3, 4], [7, 300, 9], [5] * 20, [300], [8, 9]
    files = [prompt(f"sequence{i}", tokens) for i, tokens in enumerate(lists)]
    options = "--weights", folder, "--tokens", ",".join(files), "--out-dir", OUT
    generate = "m1run", "generate", plan, *options, "--max-new-tokens", 6
    score_all = "m1run", "score", plan, *options, "--logits"

    def results():
        found = {name: np.load(os.path.join(OUT, name)) for name in os.listdir(OUT)}
        shutil.rmtree(OUT)
        return found

    def kept(command, before, kinds, first, others):
        global cases, failures
        cases += 1
        result = run(*command)
        names = {f"{kind}.{i}.npy" for kind in kinds for i in (0, 2, 4)}
        found = results()
        assert set(found) == names, found
        for name in names:
            assert np.array_equal(before[name].view(np.int32), found[name].view(np.int32)), name
        end = f"; the weights are damaged or do not suit the model; 3 of 5 sequences are finished and in {OUT}\n"
        expected = f"m1run: error: {files[1]}: {first} is not a number or is infinite{end}"
        printed = result.stdout.splitlines()
        if result.returncode != 1 or result.stderr != expected or not all(f"{i}: failed: {w}" in printed[i] for i, w in others.items()):
            failures += 1
            print(f"{result}\n  expected {expected!r} and {others}")

    accepted(*generate)
    generated = results()
    accepted(*score_all)
    scored = results()
    file = os.path.join(folder, "model.safetensors")
    with open(file, "rb") as stream:
        good = stream.read()
    length = int.from_bytes(good[:8], "little")
    embedding = json.loads(good[8 : 8 + length])["model.embed_tokens.weight"]
    begin, end = embedding["data_offsets"]
    row = (end - begin) // embedding["shape"][0]
    begin += 8 + length + 300 * row
    with open(file, "wb") as stream:
        stream.write(good[:begin] + b"\xff" * row + good[begin + row :])
    # The first token's row is in the same chunk of lightning attention.
    first = "score: the log-probability of token 300 at index 1"
    one = "sample: the logit of token 0 for index 1 is not a number"
    kept(generate, generated, ("tokens", "logprobs"), first, {1: first, 3: one})
    kept(score_all, scored, ("logprobs", "logits"), first, {1: first, 3: "logits: the logit of token 0 after index 0"})
    result = run(*generate[:-4], "--max-new-tokens", 6, "--json")
    sequences = json.loads(result.stdout)["sequences"]
    assert result.returncode == 1 and "3 of 5 sequences are finished\n" in result.stderr, result
    assert [s["finish"] for s in sequences] == ["max_new_tokens", "failed", "max_new_tokens", "failed", "max_new_tokens"], sequences
    assert first in sequences[1]["error"] and len(sequences[2]["response"]) == 6, sequences
    with open(file, "wb") as stream:
        stream.write(good)


EXPERTS = """
m1.parameter @up : tensor<4x3x2xf32> from [#m1.source<"up">]
m1.parameter @down : tensor<4x2x3xf32> from [#m1.source<"down">]
func.func @experts(%x: tensor<?x2xf32> {m1.name = "x"}, %chosen: tensor<?x2xi32> {m1.name = "chosen"},
                   %weights: tensor<?x2xf32> {m1.name = "weights"}) -> tensor<?x2xf32> {
  %up = m1.load_parameter @up : tensor<4x3x2xf32>
  %down = m1.load_parameter @down : tensor<4x2x3xf32>
  %r = m1.experts %x, %chosen, %weights, %up, %up, %down
    : (tensor<?x2xf32>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<4x3x2xf32>, tensor<4x3x2xf32>, tensor<4x2x3xf32>) -> tensor<?x2xf32>
  return %r : tensor<?x2xf32>
}
"""


def check_calls():
    """Inputs whose elements would make kernels access memory out of bounds."""
    folder, _ = checkpoint()
    plan = compile_model(folder, "--max-length=40", "--max-tokens=32", "--slots=3")

    def call(plan, weights, entry, inputs, **changes):
        arguments = []
        for name, value in {**inputs, **changes}.items():
            arguments += ["--arg", prompt(name, value, np.float32 if isinstance(value, np.ndarray) else np.int64)]
        return "m1run", "call", plan, "--weights", weights, "--entry", entry, *arguments, "--out-dir", OUT

    # The end of one sequence, no token of another, the beginning of a third.
    batch = dict(
        tokens=[0, 511, 1, 2, 3], positions=[38, 39, 0, 1, 2], cu_seqlens=[0, 2, 2, 5], slots=[2, 0, 1], targets=[511, 0, 0, 0, 0]
    )

    def broken(expected, **changes):
        name = next(iter(changes))
        fragments = [f"input '{name}' of function 'score': element ", expected]
        refused(fragments, *call(plan, folder, "score", batch, **changes))

    accepted(*call(plan, folder, "score", batch))
    shutil.rmtree(OUT)
    # init ran when the plan was loaded, and what it read is released.
    for weights in ("none", folder):
        refused(["model.m1plan", "'init'", "cannot be called", "score"], "m1run", "call", plan, "--weights", weights, "--entry", "init")
    broken("element 1 is 512, expected 0 to 511", tokens=[0, 512, 1, 2, 3])
    broken("element 0 is -1, expected 0 to 511", tokens=[-1, 0, 1, 2, 3])
    broken("element 4 is 512, expected 0 to 511", targets=[0, 0, 0, 0, 512])
    broken("element 1 is 40, expected 0 to 39", positions=[39, 40, 0, 1, 2])
    broken("element 0 is -1, expected 0 to 39", positions=[-1, 0, 0, 1, 2])
    broken("element 3 is 2, expected 1", positions=[38, 39, 0, 2, 3])
    broken("element 0 is 1, expected 0", cu_seqlens=[1, 2, 2, 5])
    broken("element 2 is 1, expected at least 2", cu_seqlens=[0, 2, 1, 5])
    broken("element 3 is 4, expected 5, the total", cu_seqlens=[0, 2, 2, 4])
    broken("element 3 is 500, expected 5, the total", cu_seqlens=[0, 2, 2, 500])
    broken("element 0 is 3, expected 0 to 2", slots=[3, 0, 1])
    broken("element 2 is 0, expected a value different from element 1", slots=[2, 0, 0])

    module = os.path.join(work, "experts.mlir")
    with open(module, "w") as file:
        file.write(EXPERTS)
    plan = os.path.join(work, "experts.m1plan")
    e2e.run("m1c", module, "-o", plan)
    rows = dict(x=np.ones((3, 2)), chosen=[[0, 3], [1, 0], [2, 1]], weights=np.ones((3, 2)))
    accepted(*call(plan, "none", "experts", rows))
    shutil.rmtree(OUT)
    for expected, chosen in (
        ("element [1, 0] is 4, expected 0 to 3", [[0, 3], [4, 0], [2, 1]]),
        ("element [2, 1] is 2, expected a value different from element [2, 0]", [[0, 3], [1, 0], [2, 2]]),
    ):
        refused(["input 'chosen' of function 'experts': ", expected], *call(plan, "none", "experts", rows, chosen=chosen))


def check_tools():
    """Options, outputs and a full disk."""
    folder, _ = checkpoint()
    plan = os.path.join(work, "new.m1plan")
    refused(["nowhere", "config.json"], "m1c", os.path.join(work, "nowhere"), "-o", plan)
    refused(["nowhere.mlir", "No such file"], "m1c", os.path.join(work, "nowhere.mlir"), "-o", plan)
    refused(["-o"], "m1c", folder)
    refused(["-o"], "m1c", folder, "-o", "-")
    refused(["--max-tokens", "0"], "m1c", folder, "-o", plan, "--max-tokens=0")
    refused(["--slots", "-3"], "m1c", folder, "-o", plan, "--slots=-3")
    refused(["--max-length", "0"], "m1c", folder, "-o", plan, "--max-length=0")
    refused([os.path.join("absent", "new.m1plan")], "m1c", folder, "-o", os.path.join(work, "absent", "new.m1plan"))
    refused(["/dev/full", "No space left"], "m1c", folder, "-o", "/dev/full")
    refused(["No space left"], "m1c", folder, "--emit=m1", "-o", "/dev/full")
    assert not os.path.isfile("/dev/full"), "the device was replaced by a file"

    good = compile_model(folder, "--max-length=2048")
    tokens = prompt("tokens", [1] * 1500)
    refused(["--bogus"], *score(good, folder, tokens), "--bogus")
    commands = "expected a subcommand (generate, score, call, bench, inspect, digest), found "
    refused([commands + "'bogus'"], "m1run", "bogus", "--json")
    refused([commands + "none"], "m1run")
    refused(["--bogus"], "m1c", folder, "-o", plan, "--bogus")
    refused(["--max-tokens", "many"], "m1c", folder, "-o", plan, "--max-tokens=many")
    refused(["--bogus"], "m1-interpret", folder, "--out-dir", OUT, "--bogus")
    refused(["--weights"], "m1run", "score", good, "--tokens", tokens, "--out-dir", OUT)
    refused(["--tokens"], "m1run", "score", good, "--weights", folder, "--out-dir", OUT)
    bench = "m1run", "bench", good, "--weights", folder
    small = prompt("small", [1, 2, 3])
    for option in ("--batch", "--prompt-len", "--new-tokens", "--repeat"):
        for value in (0, -1, 2**63, "1e3", "0x10"):
            refused([f"{option} {value}: expected a whole number from 1 to 9223372036854775807"], *bench, option, value)
    largest = 2**63 - 1
    refused([str(largest), "64", "2048"], *bench, "--prompt-len", largest)
    refused([str(largest), "2048"], *bench, "--prompt-len", largest, "--new-tokens", largest)
    refused([f"--batch {largest}", "room for 8"], *bench, "--batch", largest)
    refused(["cannot start 1000 threads"], *score(good, folder, small), "--threads", 1000, preexec_fn=memory(1 << 30))
    for limit in range(10, 60, 10):
        few_bytes = run(*score(good, folder, small), preexec_fn=memory(limit << 20))
        assert few_bytes.returncode in (0, 1) and few_bytes.stderr.count("\n") == few_bytes.returncode, few_bytes
    # 4 GiB, in 2: the tools without exceptions end with a line, too.
    module, large = os.path.join(work, "model.mlir"), os.path.join(work, "large.npy")
    e2e.run("m1c", folder, "--emit=model", "-o", module)
    with open(large, "wb") as file:
        np.lib.format.write_array_header_1_0(file, dict(descr="<i8", fortran_order=False, shape=(2**29,)))
        file.truncate(file.tell() + 8 * 2**29)
    interpret = "m1-interpret", module, "--weights", folder, "--out-dir", OUT
    refused(["m1-interpret: error: out of memory"], *interpret, "--entry", "score", "--arg", large, preexec_fn=memory(2 << 30))
    os.remove(large)
    # Names that a terminal would obey, and names that are no text.
    odd = os.path.join(work, "a\x1b[31m\u202e\udcff")
    refused([r"a\u001b[31m\u202e\xff.m1plan: No such file"], "m1run", "inspect", odd + ".m1plan")
    refused([r"a\u001b[31m\u202e\xff: not a directory"], "m1c", odd, "-o", plan)
    refused([r"unknown option '--a\u001b[31m'"], "m1c", folder, "-o", plan, "--a\x1b[31m")
    refused([r"unknown option '--a\u001b[31m'"], "m1run", "inspect", good, "--a\x1b[31m")
    shutil.copy(good, odd)
    assert r"a\u001b[31m\u202e\xff (" in accepted("m1run", "inspect", odd)
    assert json.loads(accepted("m1run", "inspect", odd, "--json"))["file"].endswith("a\x1b[31m\u202e\ufffd")
    os.remove(odd)
    for value in ("many", "-1", "", str(2**32)):
        refused([f"--threads {value}: expected a whole number from 0 to 4294967295"], *score(good, folder, tokens), "--threads", value)
    for value in ("-1", str(2**64), "0x", "1e3"):
        expected = f"--init-seed {value}: expected a whole number from 0 to 18446744073709551615"
        refused([expected], *score(good, "none", tokens), "--init-seed", value)
    refused(["absent"], "m1run", "call", good, "--weights", folder, "--entry", "absent")
    refused(["score", "5", "0"], "m1run", "call", good, "--weights", folder, "--entry", "score")
    refused([os.path.join(good, "out"), "Not a directory"], *score(good, folder, tokens)[:-1], os.path.join(good, "out"))

    def small_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))

    # 1,500 rows of 512 logits exceed the limit, their log-probabilities do not.
    refused(["logits.0.npy", "File too large"], *score(good, folder, tokens), "--logits", preexec_fn=small_files)

    # All files of a run appear, or none, however late one fails.
    few = prompt("few", [1, 2, 3])
    two = f"{few},{few}"
    generate = "m1run", "generate", good, "--weights", folder, "--tokens", two, "--max-new-tokens", 2, "--out-dir", OUT
    scored = score(good, folder, two)
    for name, command in (("logprobs.1", scored), ("logits.1", (*scored, "--logits")), ("logprobs.1", generate)):
        name += ".npy"
        os.makedirs(os.path.join(OUT, name))
        refused([os.path.join(OUT, name), "Is a directory"], *command)

    # Output smaller and larger than a buffer.
    for words in (("inspect", good), ("inspect", good, "--json"), ("--help",)):
        with open("/dev/full", "w") as full:
            result = subprocess.run(["m1run", *words], stdout=full, stderr=subprocess.PIPE, text=True)
        assert result.returncode == 1 and result.stderr == "m1run: error: cannot write to standard output: No space left on device\n", result
    with open("/dev/full", "w") as full:
        result = subprocess.run(["m1c", folder, "-o", plan, "--report"], stdout=full, stderr=subprocess.PIPE, text=True)
    assert result.returncode == 1 and result.stderr == "m1c: error: 'standard output': No space left on device\n", result
    assert not os.path.exists(plan), "a plan without its report"
    # Kernels are linked without temporary files.
    accepted("m1c", folder, "-o", plan, env={**os.environ, "TMPDIR": os.path.join(work, "absent")})


GRAPH = """func.func @f(%x: tensor<?x8xf32> {{m1.name = "{}"}}) -> (tensor<?x8xf32> {{m1.name = "{}"}}, tensor<?x8xf32> {{m1.name = "{}"}}) {{
  %0 = {}
  return %0, %x : tensor<?x8xf32>, tensor<?x8xf32>
}}
"""
LARGE = """m1.parameter @p : tensor<2000000000xf32> from [#m1.source<"p">]
func.func @f() -> tensor<2000000000xf32> {
  %0 = m1.load_parameter @p : tensor<2000000000xf32>
  return %0 : tensor<2000000000xf32>
}
"""
SILU = "m1.silu %x : (tensor<?x8xf32>) -> tensor<?x8xf32>"


def written(path, text):
    with open(path, "w") as file:
        file.write(text)


def check_nesting(graph, plan):
    """Modules that would exhaust the stack of MLIR's parsers, or memory."""
    tools = (("m1c", graph, "-o", plan), ("m1-opt", graph), ("m1-interpret", graph, "--out-dir", OUT))
    deep = "expected brackets nested at most 200 deep, found more"
    for text in ("module {\n" * 5000 + "}" * 5000, "func.func @f(%x: " + "tuple<" * 10**5, "module attributes {llvm.a = " + "[" * 10**5):
        written(graph, text)
        for tool in tools:
            refused([deep], *tool)
    long = "expected an affine map or set of at most 20000 characters, found more"
    for operators in ("-" * 10**6, "d0 + " * 10**5):
        written(graph, f"module attributes {{llvm.a = affine_map<(d0) -> ({operators}d0)>}} {{}}")
        refused([f"{graph}:1:39: ", long], *tools[0])
    # What is no nesting: strings, comments, arrows and comparisons.
    many = "(" * 300
    written(graph, f'// {many}\nmodule attributes {{llvm.a = "{many}\\"{many}", llvm.b = affine_set<(d0) : (d0 >= 0)>}} {{}}')
    accepted("m1c", graph, "--emit=model")

    def small_memory():
        resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))

    written(graph, LARGE)
    refused(["m1-interpret: error: out of memory\n"], *tools[2], "--weights=none", preexec_fn=small_memory)
    os.remove(graph)


def check_graphs():
    """Modules and bounds from which m1c cannot make a valid plan."""
    folder, _ = checkpoint()
    graph = os.path.join(work, "graph.mlir")
    plan = os.path.join(work, "new.m1plan")

    def module(*parts):
        with open(graph, "w") as file:
            file.write(GRAPH.format(*parts))

    def compiled(fragments, *options):
        refused(fragments, "m1c", graph, "-o", plan, *options)

    module("a", "b", "c", SILU)
    accepted("m1c", graph, "-o", plan)
    os.remove(plan)
    module("../a b", "b", "c", SILU)
    compiled([f"{graph}:1:1: ", "expected m1.name to be letters, digits, '_', '-' and '.', found \"../a b\""])
    module("a", "same", "same", SILU)
    compiled([f"{graph}:1:1: ", "expected a m1.name of its own, found \"same\", which result 0 has"])
    module("a", "b", "c", SILU + "\n  %1 = m1.silu %x : (tensor<?x8xf32>) -> tensor<?x9xf32>")
    compiled([f"{graph}:3:8: ", "m1.silu", "tensor<?x8xf32>", "tensor<?x9xf32>"])
    module("a", "b", "c", "m1.bogus %x : (tensor<?x8xf32>) -> tensor<?x8xf32>")
    compiled([f"{graph}:2:8: ", "m1.bogus"])
    module("a", "b", "c", "m1.silu %y : (tensor<?x8xf32>) -> tensor<?x8xf32>")
    compiled([f"{graph}:2:16: ", "undeclared"])
    check_nesting(graph, plan)
    # MLIR's parser deletes %0 although the first line uses it: it prints an error and a note, and damages its heap.
    use = "%1 = m1.silu %0 : (tensor<?x8xf32>) -> tensor<?x8xf32>\n"
    written(graph, use + GRAPH.format("a", "b", "c", f"{SILU}\n  {use}"))
    assert run("m1c", graph, "-o", plan).returncode == 1
    for text in ("", "module { module { func.func @f() { return } } }", "m1.state @s : !m1.kv_cache<2 x 8, f32>"):
        written(graph, text)
        compiled([f"{graph}: expected functions, found none"])
    for option in ("--max-tokens", "--slots", "--max-length"):
        for value in (2147483648, 9223372036854775807):
            refused([option, "expected 1 to 2147483647", str(value)], "m1c", folder, "-o", plan, f"{option}={value}")
    # 2^62 positions: their bytes exceed a 64-bit number.
    refused(["keys", "too large"], "m1c", folder, "-o", plan, "--slots=2147483647", "--max-length=2147483647")
    refused(["arena", "bytes"], "m1c", folder, "-o", plan, "--slots=100000", "--max-length=1000000000")
    refused(["--target-cpu", "bogus", "x86-64-v3"], "m1c", folder, "-o", plan, "--target-cpu=bogus")
    # Options that name passes of the project and of MLIR, and options of the context.
    names = ("m1-fuse-head", "canonicalize", "tile-to-host", "plan-assign-buffers", "convert-func-to-llvm")
    accepted("m1c", folder, "-o", plan, *(f"--mlir-print-ir-after={n}" for n in names))
    accepted("m1c", folder, "-o", plan, "--mlir-disable-threading", "--mlir-print-ir-module-scope", "--mlir-print-ir-after-all")
    accepted("m1c", folder, "-o", plan, "--mlir-timing")


CHECKS = {"graphs": check_graphs, "weights": check_weights, "plans": check_plans, "prompts": check_prompts, "calls": check_calls, "tools": check_tools}
CHECKS[kind]()
print(f"{cases} cases, {failures} failed")
sys.exit(failures > 0)
