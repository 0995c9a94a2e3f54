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


def accepted(*command):
    global cases, failures
    cases += 1
    result = run(*command)
    if result.returncode:
        failures += 1
        print(f"{' '.join(map(str, command))}\n  exit code {result.returncode}: {result.stderr!r}")
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
        text = json.dumps(altered).encode()
        return len(text).to_bytes(8, "little") + text + data + more

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
    damaged(["lm_head.weight", "F33"], changed(update(dtype="F33")))
    damaged(["lm_head.weight", "negative"], changed(update(shape=[-1, 128])))
    damaged(["lm_head.weight", "too large"], changed(update(shape=[2**40, 2**40])))
    damaged(["lm_head.weight"], changed(lambda h: h["lm_head.weight"].pop("shape") and None))
    damaged(["lm_head.weight", "I32"], changed(update(dtype="I32")))
    damaged(["lm_head.weight", "[128, 512]", "[512, 128]"], changed(update(shape=[128, 512])))

    with open(file, "wb") as stream:
        stream.write(changed(lambda h: h.pop("lm_head.weight") and None))
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
    refused(["checkpoint"], *score(plan, folder, tokens))
    refused(["nowhere"], *score(plan, os.path.join(work, "nowhere"), tokens))


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
        refused([f"--tokens '{files}': expected files separated by commas, found an empty name"], *generate(files, *few))
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
        "--max-new-tokens": (-1,),
        "--stop-token": (512, -1),
        "--seed": (2**32, -1),
        "--early-stop": (-2,),
        "--early-stop-probability": (7, "nan"),
    }
    for option, value in ((option, value) for option, values in bad_values.items() for value in values):
        refused([f"{option} {value}"], *generate(good, *few[: 0 if option == few[0] else 2], option, value))
    refused(["--chunk", "-1"], *score(plan, folder, good), "--chunk", -1)

    # Sequences beyond the number of slots wait.
    many = ",".join(prompt(f"many{i}", [i + 1] * (i + 1)) for i in range(7))
    accepted(*generate(many, *few))
    found = e2e.read(OUT, "tokens", 7)
    assert [len(t) for t in found] == [i + 3 for i in range(7)], found
    # A sequence ends at the plan's maximum length.
    shutil.rmtree(OUT)
    accepted(*generate(prompt("full", [1] * 40), "--max-new-tokens", 9))


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
    refused(["nowhere.mlir", "no such file"], "m1c", os.path.join(work, "nowhere.mlir"), "-o", plan)
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
    commands = "expected a subcommand (generate, score, call, bench, inspect), found "
    refused([commands + "'bogus'"], "m1run", "bogus", "--json")
    refused([commands + "none"], "m1run")
    refused(["--bogus"], "m1c", folder, "-o", plan, "--bogus")
    refused(["--max-tokens", "many"], "m1c", folder, "-o", plan, "--max-tokens=many")
    refused(["--bogus"], "m1-interpret", folder, "--out-dir", OUT, "--bogus")
    refused(["--weights"], "m1run", "score", good, "--tokens", tokens, "--out-dir", OUT)
    refused(["--tokens"], "m1run", "score", good, "--weights", folder, "--out-dir", OUT)
    for option in ("--batch", "--prompt-len", "--new-tokens", "--repeat"):
        refused([option + " 0: expected 1 or more"], "m1run", "bench", good, "--weights", folder, option, 0)
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
        assert result.returncode == 1 and result.stderr == "m1run: error: cannot write to standard output\n", result
    with open("/dev/full", "w") as full:
        result = subprocess.run(["m1c", folder, "-o", plan, "--report"], stdout=full, stderr=subprocess.PIPE, text=True)
    assert result.returncode == 1 and result.stderr == "m1c: error: 'standard output': No space left on device\n", result


GRAPH = """func.func @f(%x: tensor<?x8xf32> {{m1.name = "{}"}}) -> (tensor<?x8xf32> {{m1.name = "{}"}}, tensor<?x8xf32> {{m1.name = "{}"}}) {{
  %0 = {}
  return %0, %x : tensor<?x8xf32>, tensor<?x8xf32>
}}
"""
SILU = "m1.silu %x : (tensor<?x8xf32>) -> tensor<?x8xf32>"


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
