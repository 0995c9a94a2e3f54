# ===- bad_training.py - training that cannot begin, or is cut off -------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//

import json
import os
import resource
import signal
import subprocess
import sys

import e2e
import numpy as np
from refusals import OUT, accepted, checkpoint, count, prompt, refused, run, work

# A program as an environment. The file `how` beside it says in which way it misbehaves.
PROGRAM = """
import json, os, sys, time
how = open(os.path.dirname(os.path.abspath(__file__)) + "/how").read()
for line in sys.stdin:
    request = json.loads(line)
    reply = {"id": request["id"], "vocabulary": 64, "stop_token": 10, "prompt": [5, 6, 7]}
    if request["type"] == "reward":
        reply["reward"] = sum(request["response"]) % 7
        if how == "late": time.sleep(60)
        if how == "string": reply["reward"] = "1"
        if how == "nan": reply["reward"] = float("nan")
        if how == "none": del reply["reward"]
        if how == "count" and request["id"] % 3 == 0: sys.exit(3)
        if how == "error": reply["error"] = "no judge"
        if how == "text": print("loading the model", flush=True)
        if how == "twice": print(json.dumps(reply), flush=True)
    if how == "never": time.sleep(60)
    if how == "length" and request["type"] == "prompt": reply["prompt"] = [5] * 43
    if how == "token" and request["type"] == "prompt": reply["prompt"] = [64]
    if how == "large": reply["vocabulary"] = 98
    print(json.dumps(reply), flush=True)
"""


def write_json(name, value):
    path = os.path.join(work, name)
    with open(path, "w") as file:
        json.dump(value, file)
    return path


def contents(directory):
    """The bytes of a run's files, but for the lock, and when each was written."""
    found = {}
    for folder, _, files in os.walk(directory):
        for name in files:
            path = os.path.join(folder, name)
            with open(path, "rb") as file:
                found[path] = None if name == "lock" else (os.stat(path).st_mtime_ns, file.read())
    return found


def digests(directory):
    with open(os.path.join(directory, "digests.jsonl")) as file:
        return file.read()


def fails(fragments, *command, **options):
    """Runs a command that must fail with one line after it may have written files."""
    result = run(*command, **options)
    problems = [f"no '{f}' in the error" for f in fragments if f not in result.stderr]
    if result.returncode != 1 or result.stderr.count("\n") != 1 or not result.stderr.startswith("m1run: error: "):
        problems.append(f"expected exit code 1 and one line, found {result.returncode}")
    count(problems and f"{' '.join(map(str, command))}\n  {result.stderr!r}\n  " + "\n  ".join(problems))


def check(what, holds):
    count(None if holds else what)


class Trainer:
    def __init__(self):
        self.folder, _ = checkpoint()
        self.plan = self.compile("train", "--train", "--train-tokens", 44)
        self.tokens = e2e.write_tokens(os.path.join(work, "tokens"), [np.arange(n) % 97 for n in (9, 30, 5, 17)])

    def compile(self, name, *options):
        plan = os.path.join(work, name + ".m1plan")
        e2e.run("m1c", self.folder, "-o", plan, "--max-length=48", "--max-tokens=32", "--slots=4", *options)
        return plan

    def sft(self, *options, recipe=None, plan=None, tokens=None, out=OUT, **keys):
        recipe = recipe or write_json("sft.json", {"batch_size": 2, "learning_rate": 1e-3, **keys})
        given = ("--tokens", tokens or self.tokens) if tokens != "" else ()
        return ("m1run", "sft", plan or self.plan, "--weights", self.folder, "--recipe", recipe, "--out", out, *given, *options)

    def train(self, *options, out=OUT, **keys):
        defaults = {
            "environments": ["copy"],
            "num_prompts": 2,
            "num_generations": 4,
            "mini_batches": 2,
            "max_steps": 4,
            "max_completion_length": 8,
            "dynamic_sampling": False,
            "learning_rate": 1e-3,
        }
        recipe = write_json("train.json", {**defaults, **keys})
        return ("m1run", "train", self.plan, "--weights", self.folder, "--recipe", recipe, "--out", out, *options)


def check_training():
    trainer = Trainer()
    check_compiler(trainer)
    check_recipes(trainer)
    check_sequences(trainer)
    check_existing(trainer)
    check_environments(trainer)
    check_interruptions(trainer)


def check_compiler(trainer):
    """Options of m1c for training."""
    plan = os.path.join(work, "new.m1plan")
    train = "m1c", trainer.folder, "-o", plan, "--max-length=48"
    refused(["activations need ", "--activation-memory allows 1000;"], *train, "--train", "--activation-memory", 1000)
    refused(["--train-tokens: expected 1 to 2147483647, found '0'"], *train, "--train", "--train-tokens", 0)
    refused(["--activation-memory: expected 1 to 9223372036854775807, found '0'"], *train, "--train", "--activation-memory", 0)
    refused(["--train-tokens: expected --train beside it"], *train, "--train-tokens", 44)
    refused(["--activation-memory: expected --train beside it"], *train, "--activation-memory", 10**9)
    module = os.path.join(work, "model.mlir")
    e2e.run("m1c", trainer.folder, "--emit=model", "-o", module)
    refused(["--train: expected a checkpoint, found the graph ", "model.mlir"], "m1c", module, "--train", "-o", plan)


def check_recipes(trainer):
    """Recipes, plans and weights that do not fit, before anything is written."""
    absent = os.path.join(work, "absent")
    refused(["sft.json: learning_rat: unknown key; did you mean learning_rate?"], *trainer.sft(learning_rat=1))
    refused(["train.json: batch_size: found a key of m1run sft"], *trainer.train(batch_size=3))
    refused(["train.json: max_steps: found -1"], *trainer.train(max_steps=-1))
    refused(["absent.json: No such file"], *trainer.sft(recipe=absent + ".json"))
    refused(["absent.m1plan: No such file"], *trainer.sft(plan=absent + ".m1plan"))
    command = trainer.sft()
    refused([absent], *command[:3], "--weights", absent, *command[5:])
    inference = trainer.compile("inference")
    refused(["inference.m1plan: no function 'gradients'", "m1c --train"], *trainer.sft(plan=inference))
    refused(["--steps 5: the run has 2 steps"], *trainer.sft("--steps", 5))
    refused(["--steps 5: the run has 4 steps"], *trainer.train("--steps", 5))
    refused(["weight_decay_exclude: tensor 'model.layers.0.block_sparse_moe.experts."], *trainer.sft(weight_decay=0.1, weight_decay_exclude=["experts.2."]))
    refused(["environment", "'sortin'", "sorting"], *trainer.train(environments=["sortin"]))
    # Responses that no plan of this size can be trained on.
    refused(["max_completion_length: found 44; expected less than 44 (m1c --train-tokens"], *trainer.train(max_completion_length=44))
    refused(["max_completion_length: found 50; expected less than 44"], *trainer.train(max_completion_length=[8, 50]))
    refused(["max_completion_length: found 8; expected less than 8 (m1c --train-tokens or micro_batch_tokens)"], *trainer.train(micro_batch_tokens=8))
    refused(["Not a directory"], *trainer.train(out=os.path.join(trainer.plan, "out")))


def check_sequences(trainer):
    """Data for supervised training."""
    refused(["no sequences: give --data or --tokens"], *trainer.sft(tokens=""))
    long = prompt("long", [1] * 45)
    refused(["long.npy: 45 tokens, expected at most 44 (m1c --train-tokens"], *trainer.sft(tokens=long))
    # Before the weights are looked at.
    command = trainer.sft(tokens=long)
    refused(["long.npy: 45 tokens"], *command[:3], "--weights", os.path.join(work, "absent"), *command[5:])
    refused(["1.npy: 30 tokens, expected at most 29"], *trainer.sft(micro_batch_tokens=29))
    refused(["short.npy: 1 tokens, expected at least 2"], *trainer.sft(tokens=prompt("short", [1])))
    for token in (97, -1, 2**40):
        refused(["outside.npy: ", str(token)], *trainer.sft(tokens=prompt("outside", [1, token, 2])))
    refused(["floats.npy", "F32"], *trainer.sft(tokens=prompt("floats", [1, 2], np.float32)))
    refused(["absent.npy"], *trainer.sft(tokens=os.path.join(work, "absent.npy")))
    good = prompt("good", [1, 2, 3])
    refused(["--mask: 1 files, expected 4"], *trainer.sft("--mask", prompt("mask", [0, 1, 1])))
    refused(["mask.npy: 2 entries, expected 3"], *trainer.sft("--mask", prompt("mask", [0, 1]), tokens=good))
    refused(["mask.npy: found 2, expected 0 and 1"], *trainer.sft("--mask", prompt("mask", [0, 1, 2]), tokens=good))
    data = os.path.join(work, "data")
    refused(["absent"], *trainer.sft("--data", os.path.join(work, "absent"), tokens=""))
    e2e.run("m1run", "environment", "copy", "--count", 3, "--out", data)
    for name, value, fragment in (
        ("mask", np.zeros(3, np.uint8), "mask.npy"),
        ("cu_seqlens", np.array([0, 5, 3]), "cu_seqlens.npy"),
        ("tokens", np.array([-1]), "tokens.npy"),
    ):
        path = os.path.join(data, name + ".npy")
        kept = np.load(path)
        np.save(path, value)
        refused([fragment], *trainer.sft("--data", data, tokens=""))
        np.save(path, kept)


def check_existing(trainer):
    """Directories that have a run, or none. The run stays as it is."""
    refused([f"{OUT}: no run to resume"], *trainer.sft("--resume"))
    refused(["invocation.json"], "m1run", "verify-run", OUT, "--step", 1)
    result = run(*trainer.sft(out=os.path.join(work, "warmup"), warmup_steps=3))
    check(f"warmup: {result}", result.returncode == 0 and "note: warmup_steps is 3, the run has 2 steps" in result.stderr)
    there = os.path.join(work, "there")
    accepted(*trainer.sft(out=there))
    before = contents(there)

    def unharmed(fragments, *command, **options):
        refused([there, *fragments], *command, **options)
        after = contents(there)
        check(f"files of the run that changed: {[n for n in before if before[n] != after.get(n)]}", after == before)

    unharmed([": holds a run; continue it with --resume"], *trainer.sft(out=there))
    unharmed([": holds a run; continue it with --resume"], *trainer.train(out=there))
    unharmed(["another recipe", "0.001 for 'learning_rate', now it is 0.002"], *trainer.sft("--resume", out=there, learning_rate=0.002))
    unharmed(["another recipe", "'"], *trainer.train("--resume", out=there))
    unharmed([": no step 3 in digests.jsonl, which has steps 1 to 2"], "m1run", "verify-run", there, "--step", 3)
    refused(["--step 0"], "m1run", "verify-run", there, "--step", 0)

    # The same recipe with other data, and with another model.
    fewer = ",".join(trainer.tokens.split(",")[:3])
    swapped = ",".join(reversed(trainer.tokens.split(",")))
    unharmed(["other sequences, or in another order"], *trainer.sft("--resume", out=there, tokens=swapped))
    unharmed(["4 sequences, found 3"], *trainer.sft("--resume", out=there, tokens=fewer))
    model = os.path.join(work, "model")
    config = e2e.make_checkpoint.load_config(sys.argv[-2])
    e2e.make_checkpoint.write_checkpoint({**config, "intermediate_size": 32}, model, 1)
    other = Trainer.__new__(Trainer)
    other.folder, other.tokens = model, trainer.tokens
    other.plan = other.compile("other", "--train", "--train-tokens", 44)
    unharmed(["tensor '", "28", "32"], *other.sft("--resume", out=there))


def check_environments(trainer):
    """A program as an environment that does not do what it should. After it was mended, the run goes on."""
    script = os.path.join(work, "program.py")
    with open(script, "w") as file:
        file.write(PROGRAM)
    entry = {"name": "program", "command": [sys.executable, "-S", script], "timeout_seconds": 1, "max_restarts": 0}
    keys = {"environments": [entry], "save_steps": 1}

    def misbehaves(how):
        with open(os.path.join(work, "how"), "w") as file:
            file.write(how)

    misbehaves("")
    whole = os.path.join(work, "whole")
    entry["timeout_seconds"] = 30
    accepted(*trainer.train(out=whole, **keys))
    expected = digests(whole)
    rewards = {
        "string": ["the reward '\"1\"' is string, expected a number"],
        "nan": ["a reward is NaN, which JSON does not have"],
        "none": ["a reply has no \"reward\""],
        "count": ["it exited with status 3 with ", "unanswered"],
        "error": ["it reports an error: no judge"],
        "text": ["not valid JSON", "'loading the model'"],
        "twice": ["it answered request ", " twice"],
        "length": ["environment 'program': prompt 0: 43 tokens and 8 of a response", "at most 44 (m1c --train-tokens"],
        "token": ["its prompt 0", "64"],
    }
    for how, fragments in rewards.items():
        misbehaves(how)
        out = os.path.join(work, how)
        fails(["environment", *fragments], *trainer.train(out=out, **keys))
        check(f"{how}: a checkpoint", not [n for n in os.listdir(out) if n.startswith("checkpoint")])
        if how in ("nan", "twice"):
            misbehaves("")
            accepted(*trainer.train("--resume", out=out, **keys))
            check(f"{how}: digests differ", digests(out) == expected)
    # Relative paths start at the recipe, wherever the command is started.
    misbehaves("")
    relative = {**entry, "command": [sys.executable, "-S", "program.py"], "log": "program.log"}
    out, elsewhere = os.path.join(work, "relative"), os.path.join(work, "elsewhere")
    os.mkdir(elsewhere)
    result = run(*trainer.train(out=out, **{**keys, "environments": [relative]}), cwd=elsewhere)
    check(f"relative paths: {result}", result.returncode == 0 and digests(out) == expected)
    check("relative paths: no log", os.path.exists(os.path.join(work, "program.log")) and not os.listdir(elsewhere))
    result = run("m1run", "verify-run", out, "--step", 2, cwd=elsewhere)
    check(f"relative paths: {result}", result.returncode == 0 and "the same bits" in result.stdout)
    # Later in a run: it goes on from its checkpoint.
    out = os.path.join(work, "later")
    misbehaves("")
    accepted(*trainer.train("--steps", 2, out=out, **keys))
    before = contents(os.path.join(out, "checkpoint-2"))
    misbehaves("string")
    result = run(*trainer.train("--resume", out=out, **keys))
    check(f"later: {result}", result.returncode == 1 and "expected a number" in result.stderr and contents(os.path.join(out, "checkpoint-2")) == before)
    misbehaves("")
    accepted(*trainer.train("--resume", out=out, **keys))
    check("later: digests differ", digests(out) == expected)
    # Before a run begins, and answers that take too long.
    entry["timeout_seconds"] = 1
    misbehaves("late")
    fails(["no reply within 1.0 seconds (timeout_seconds), "], *trainer.train(out=os.path.join(work, "late"), **keys))
    misbehaves("never")
    refused(["no reply within 1.0 seconds (timeout_seconds), 1 request unanswered"], *trainer.train(**keys))
    entry["timeout_seconds"] = 30
    misbehaves("large")
    refused(["environment 'program' has tokens up to 97, the model's vocabulary is 97"], *trainer.train(**keys))


def check_interruptions(trainer):
    """A full disk, and a process that is killed: the run goes on to the same bits."""
    keys = {"num_train_epochs": 6, "save_steps": 3, "save_total_limit": 0}
    whole = os.path.join(work, "long")
    accepted(*trainer.sft(out=whole, **keys))
    expected = digests(whole)
    check("steps", expected.count("\n") == 12)

    # No file may be as large as the weights are.
    def small_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    full = os.path.join(work, "full")
    accepted(*trainer.sft("--steps", 3, out=full, **keys))
    kept = contents(os.path.join(full, "checkpoint-3"))
    result = run(*trainer.sft("--resume", out=full, **keys), preexec_fn=small_files)
    errors = [line for line in result.stderr.splitlines() if not line.startswith("m1run: note: ")]
    check(f"full disk: {result}", result.returncode == 1 and len(errors) == 1 and "File too large" in errors[0])
    check("full disk: the checkpoint changed", contents(os.path.join(full, "checkpoint-3")) == kept)
    check(f"full disk: {os.listdir(full)}", not [n for n in os.listdir(full) if "checkpoint-6" in n or "tmp" in n])
    accepted(*trainer.sft("--resume", out=full, **keys))
    check("full disk: digests differ", digests(full) == expected)

    # Killed after steps that no checkpoint holds.
    killed = os.path.join(work, "killed")
    process = subprocess.Popen([str(c) for c in trainer.sft(out=killed, **keys)], stdout=subprocess.PIPE, text=True)
    for line in process.stdout:
        if line.startswith("step 5 "):
            break
    process.send_signal(signal.SIGKILL)
    process.communicate()
    check("killed: it was done", process.returncode == -signal.SIGKILL and digests(killed) != expected)
    accepted(*trainer.sft("--resume", out=killed, **keys))
    check("killed: digests differ", digests(killed) == expected)
    for path in (full, killed):
        check("names", sorted(os.listdir(path)) == sorted(os.listdir(whole)))
