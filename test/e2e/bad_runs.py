# ===- bad_runs.py - prompts and arguments that do not fit a plan --------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//

import json
import os
import shutil

import e2e
import numpy as np
from refusals import OUT, accepted, checkpoint, compile_model, count, memory, prompt, refused, run, score, work


def call_score(plan, weights, *files):
    arguments = [word for file in files for word in ("--arg", file)]
    return "m1run", "call", plan, "--weights", weights, "--entry", "score", *arguments, "--out-dir", OUT


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
        "--min-p": (-0.1, 1.5, "nan"),
        "--top-k": (-1,),
        "--max-new-tokens": (-1, 2**63, "1e3"),
        "--stop-token": (512, -1, "0x10", "many"),
        "--seed": (2**32, -1, "0x10"),
        "--early-stop": (-2, 2**63),
        "--early-stop-probability": (7, "nan"),
    }
    for option, value in ((option, value) for option, values in bad_values.items() for value in values):
        refused([f"{option} {value}"], *generate(good, *few[: 0 if option == few[0] else 2], option, value))
    refused(["'next' has no 'min_p'", "compile the model with --serve"], *generate(good, *few), "--min-p", "0.1")
    for chunk in (-1, 0, 2**63):
        refused([f"--chunk {chunk}: expected a whole number from 1 to"], *score(plan, folder, good), "--chunk", chunk)
    refused(["--stop-token '5,,6'"], *generate(good, *few), "--stop-token", "5,,6")
    # 64 million tokens, which are not read: only the header is in memory.
    huge = os.path.join(work, "huge.npy")
    with open(huge, "wb") as file:
        np.lib.format.write_array_header_1_0(file, dict(descr="<i8", fortran_order=False, shape=(64_000_000,)))
        file.truncate(file.tell() + 8 * 64_000_000)
    refused(["huge.npy: 64000000 tokens, ", "at most 40"], *generate(huge, *few), preexec_fn=memory(200 << 20))
    refused(["huge.npy: not enough memory for its 512000000 bytes"], *call_score(plan, folder, *[huge] * 5), preexec_fn=memory(200 << 20))
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
        result = run(*command)
        names = {f"{kind}.{i}.npy" for kind in kinds for i in (0, 2, 4)}
        found = results()
        assert set(found) == names, found
        for name in names:
            assert np.array_equal(before[name].view(np.int32), found[name].view(np.int32)), name
        end = f"; the weights are damaged or do not suit the model; 3 of 5 sequences are finished and in {OUT}\n"
        expected = f"m1run: error: {files[1]}: {first} is not a number or is infinite{end}"
        printed = result.stdout.splitlines()
        right = result.returncode == 1 and result.stderr == expected and all(f"{i}: failed: {w}" in printed[i] for i, w in others.items())
        count(None if right else f"{result}\n  expected {expected!r} and {others}")

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
