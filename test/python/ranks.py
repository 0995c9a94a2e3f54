# ===- ranks.py - the package on several ranks ----------------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""LLM and the command m1 on two ranks: the results of one, and what happens when a process ends."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request

import checks
import models
import numpy as np
from checks import raises
from m1c import LLM, CompilerError, Error, SamplingParams
from m1c.compiler import Bounds, compile_model

WORK = sys.argv[1]
shutil.rmtree(WORK, ignore_errors=True)
SPEAKING = models.checkpoint(os.path.join(WORK, "speaking"))
BOUNDS = {"max_model_len": 256, "max_num_seqs": 4, "max_num_batched_tokens": 64}
PROMPTS = ["Hello", "The quick brown fox", "0123456789" * 9, [7] * 130, "masked"]
SHARED = [i % 250 for i in range(200)]
M1 = [sys.executable, "-m", "m1c.cli"]
OPTIONS = [word for name, value in BOUNDS.items() for word in ("--" + name.replace("_", "-"), str(value))]


def ranks(work=WORK):
    """The processes of ranks whose plan or checkpoint is in this folder: process numbers by rank."""
    found = {}
    for number in filter(str.isdecimal, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            with open(f"/proc/{number}/cmdline") as file:
                words = file.read().split("\0")
            with open(f"/proc/{number}/environ") as file:
                variables = dict(word.partition("=")[::2] for word in file.read().split("\0"))
            # Not mpirun itself, whose arguments are the same.
            if "engine" in words[:2] and any(word.startswith(work) for word in words):
                found[int(variables["OMPI_COMM_WORLD_RANK"])] = int(number)
    return found


def until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "not in time"
        time.sleep(0.02)


def bits(output):
    def place(logprobs):
        return [
            each and [(token, np.float32(own.logprob).tobytes(), own.rank) for token, own in each.items()]
            for each in logprobs
        ]

    return output.num_cached_tokens, [
        (one.token_ids, place(one.logprobs), one.finish_reason, one.stop_reason) for one in output.outputs
    ]


def check_equal():
    """Everything that can be asked for, on one rank and on two."""
    base = SamplingParams(max_tokens=24, seed=5, logprobs=2, ignore_eos=True)
    asked = [
        base,
        base.replace(n=3, temperature=0.7, min_p=0.01, presence_penalty=0.5, repetition_penalty=1.2),
        base.replace(temperature=0, logit_bias={65: 3.0, 66: -np.inf}, stop_token_ids=[1, 2], min_tokens=5),
        base.replace(top_p=0.8, logprobs_mode="processed", allowed_token_ids=list(range(0, 250, 3))),
        base.replace(next_mask=lambda _, new: (b"\x55\xaa" if sum(new) % 2 else b"\xcc\x33") * 18),
    ]
    found = []
    for options in ({}, {"tensor_parallel_size": 2}):
        with LLM(SPEAKING, **BOUNDS, **options, enable_prefix_caching=True, quiet=True) as llm:
            outputs = llm.generate(PROMPTS, asked)
            first, second = (llm.generate([SHARED], base)[0] for _ in range(2))
            assert second.num_cached_tokens >= 128
            scores = [each.tobytes() for each in llm.score(["A text", SHARED])]
            top = llm.generate(["some"], base.replace(max_tokens=0, prompt_logprobs=2))[0].prompt_logprobs
            assert llm._engine.runtime.device.endswith("2 ranks (tensor 2)") == bool(options)
            stats = llm.stats()
            assert stats["running"] == stats["waiting"] == 0 and stats["generated_tokens"] == 24 * 9
            found.append(([bits(each) for each in [*outputs, first, second]], scores, top))
    assert found[0] == found[1]
    until(lambda: not ranks())


def check_refused():
    """What cannot start says why, in one line, and leaves nothing running."""
    for options, kind, *parts in (
        ({"mesh": "data=2"}, Error, "mesh", "data=2"),
        ({"mesh": "tensor"}, Error, "mesh", "'tensor'"),
        ({"mesh": "tensor=4", "tensor_parallel_size": 2}, Error, "tensor_parallel_size", "4", "2"),
        ({"tensor_parallel_size": 0}, Error, "tensor_parallel_size", "0"),
        ({"tensor_parallel_size": 3}, CompilerError, "3"),
        ({"mesh": "tensor=2", "launcher": "/nowhere/start"}, Error, "/nowhere/start", "No such file"),
        ({"mesh": {"tensor": 2}, "launcher": "env"}, Error, "compiled for 2 ranks (tensor 2), found one"),
        ({"mesh": "tensor=2", "launcher": "sh -c true"}, Error, "sh ended with exit status 0"),
    ):
        with raises(kind, *parts):
            LLM(SPEAKING, **BOUNDS, **options, quiet=True)
    plan = compile_model(SPEAKING, Bounds(64, 4, 256, serve=True, mesh="tensor=2"), quiet=True)
    with raises(Error, "tensor=2", "expert=2"):
        LLM(plan, weights=SPEAKING, mesh="expert=2")
    with raises(Error, "/nowhere"):
        LLM(plan, weights="/nowhere", quiet=True)
    assert not ranks()


def check_killed():
    """A rank that is killed ends the request that runs, with its number, and later ones at once."""
    plan = compile_model(SPEAKING, Bounds(64, 4, 256, serve=True, mesh="tensor=2"), quiet=True)
    llm = LLM(plan, weights=SPEAKING, quiet=True)
    processes = ranks()
    assert set(processes) == {0, 1}
    request = llm._engine.request([1, 2, 3], SamplingParams(max_tokens=250, ignore_eos=True, n=2))
    updates = []
    llm._engine.submit(request, updates.append)
    until(lambda: llm._engine.dispatch(0.1))
    os.kill(processes[1], signal.SIGKILL)
    until(lambda: llm._engine.dispatch(0.1) and sum(each.finish_reason is not None for each in updates) == 2)
    ends = {each.choice: each for each in updates if each.finish_reason is not None}
    assert {each.finish_reason for each in ends.values()} == {"error"}
    assert "rank 1" in ends[0].error and ends[0].error == ends[1].error == llm._engine.failure
    with raises(Error, "rank 1"):
        llm.generate(["x"])
    llm.close()
    until(lambda: not ranks())


@contextlib.contextmanager
def served(*options):
    process = subprocess.Popen(
        [*M1, "serve", SPEAKING, *OPTIONS, "--port", "0", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        line = process.stdout.readline()
        assert line.startswith("m1 serve: "), process.communicate()
        yield process, line.split()[-1]
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def complete(address, **options):
    body = {"prompt": SHARED, "max_tokens": 20, "seed": 3, "logprobs": 2, "ignore_eos": True, **options}
    request = urllib.request.Request(
        address + "/v1/completions", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)["choices"]


def check_serve():
    """m1 serve: the answers of one rank; SIGTERM; a rank that is killed; a server that is killed."""
    with served() as (_, address):
        expected = complete(address)
    with served("--tensor-parallel-size", "2") as (process, address):
        assert complete(address) == expected
        # Ranks that have nothing to do use nearly no time of processors.
        time.sleep(0.3)
        before = [used(each) for each in ranks().values()]
        time.sleep(0.5)
        assert max(used(each) - was for each, was in zip(ranks().values(), before)) < 0.1
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0 and out == "", (process.returncode, out, err)
    until(lambda: not ranks())
    with served("--mesh", "tensor=2") as (process, address):
        os.kill(ranks()[1], signal.SIGKILL)
        out, err = process.communicate(timeout=60)
        assert process.returncode == 1 and "rank 1" in err, (process.returncode, out, err)
    until(lambda: not ranks())
    with served("--mesh", "tensor=2") as (process, address):
        process.kill()
        until(lambda: not ranks())


def used(process):
    """Seconds of processors that a process has used."""
    with open(f"/proc/{process}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def check_launched():
    """The command m1, started on two ranks by mpirun."""
    options = [*OPTIONS, "--prompt-token-ids", "1,2,3", "--max-tokens", "9", "--seed", "1", "--ignore-eos"]
    mpirun = ["mpirun", "--oversubscribe", "--allow-run-as-root", "--bind-to", "none", "-n", "2"]

    def run(*command):
        return subprocess.run([*command, *options], capture_output=True, text=True, timeout=100)

    alone = run(*M1, "complete", SPEAKING)
    together = run(*mpirun, *M1, "complete", SPEAKING, "--tensor-parallel-size", "2")
    assert alone.returncode == together.returncode == 0 and alone.stdout == together.stdout, (alone, together)
    wrong = run(*mpirun, *M1, "complete", SPEAKING)
    assert wrong.returncode == 1 and "--tensor-parallel-size 2" in wrong.stderr, wrong


if __name__ == "__main__":
    checks.main(sys.modules["__main__"], sys.argv[2:])
