# ===- ranks_run.py - what a user sees of several ranks ---------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""ranks_run.py CONFIG.json WORK_DIR

Runs m1run on ranks: prints for each run its exit code, how often an error was printed,
and the error. Ranks can run in folders of their own, with other files, or without one.
"""

import os
import shutil
import signal
import subprocess
import sys
import time

import e2e
import numpy as np
import reseal

config, work = sys.argv[1:]
e2e.fresh(work)
checkpoint, second = (os.path.join(work, n) for n in ("checkpoint", "second"))
one, pair, copies, four, bounded, resealed = (
    os.path.join(work, n + ".m1plan") for n in ("one", "pair", "copies", "four", "bounded", "resealed")
)
for seed, path in enumerate((checkpoint, second)):
    e2e.make_checkpoint.write_checkpoint(e2e.make_checkpoint.load_config(config), path, seed)
for plan, *options in (
    (one, 20),
    (pair, 20, "--mesh", "tensor=2"),
    (copies, 20, "--mesh", "data=2"),
    (four, 20, "--mesh", "tensor=4"),
    (bounded, 21, "--mesh", "tensor=2"),
):
    e2e.run("m1c", checkpoint, "-o", plan, "--slots", 1, "--max-length", 64, "--max-tokens", *options)
prompts = e2e.write_tokens(os.path.join(work, "in"), [np.arange(11) + i for i in range(5)])
out = os.path.join(work, "out")


def start(ranks, *command, grace=None):
    """Starts m1run on ranks, or without mpirun."""
    shutil.rmtree(out, ignore_errors=True)
    prefix = e2e.mpirun(ranks, grace) if ranks else ()
    return subprocess.Popen([str(c) for c in (*prefix, *command)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def end(name, process):
    output, said = process.communicate(timeout=300)
    errors = [line for line in said.splitlines() if line.startswith("m1run: error: ")]
    text = " | ".join(errors).replace(work, "WORK")
    print(f"{name}: exit code {process.returncode}, {len(output.splitlines())} lines, {len(errors)} errors: {text}")
    return output, said


def generate(plan, *options, weights=checkpoint, tokens=prompts, new_tokens=3):
    return ("m1run", "generate", plan, "--weights", weights, "--tokens", tokens, "--max-new-tokens", new_tokens, *options)


# A stop signal ends all ranks; sequences that are finished are kept. mpirun waits long: other runs follow meanwhile.
interrupted = {}
for name, plan in (("pair", pair), ("copies", copies)):
    folder = os.path.join(work, "out-" + name)
    command = generate(plan, "--out-dir", folder, tokens=",".join(200 * [prompts]), new_tokens=50)
    process = start(2, *command, grace=8)
    while process.poll() is None and not (os.path.isdir(folder) and any(".m1tmp-" in f for f in os.listdir(folder))):
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    interrupted[name] = folder, process

# The root alone prints and writes.
output, said = end("two ranks", start(2, *generate(pair, "--seed", 7)))
alone = end("one rank", start(0, *generate(one, "--seed", 7)))[0].splitlines()[:-1]
print("as on one rank:", output.splitlines()[:-1] == alone)
print("notes:", [line.replace(work, "WORK") for line in said.splitlines() if line.startswith("m1run: note: ")])
end("files", start(2, *generate(copies, "--out-dir", out)))
print(*sorted(os.listdir(out)))
output, said = end("profile", start(2, *generate(pair, "--profile")))
print("tables:", [line for line in said.splitlines() if line.startswith("rank ")])
# Options are rank 0's.
output, _ = end("another seed", start(1, *generate(pair, "--seed", 7), ":", "-n", 1, *generate(pair, "--seed", 8)))
print("the seed of rank 0:", output.splitlines()[:-1] == alone)
end("help", start(2, "m1run", "generate", "--help"))
end("inspect", start(2, "m1run", "inspect", pair))

# Errors. All at once: mpirun waits a second after each.
failing = {}
failing["wrong number of ranks"] = start(3, *generate(pair))
failing["too few ranks"] = start(2, *generate(four))
failing["without mpirun"] = start(0, *generate(pair))
failing["plan for one rank"] = start(2, *generate(one))
failing["unknown option"] = start(2, "m1run", "generate", pair, "--temprature", 1)
failing["missing prompts"] = start(2, *generate(pair, tokens=os.path.join(work, "none.npy")))
failing["no folder"] = start(2, *generate(pair, "--out-dir", os.path.join(pair, "out")))
recipe = os.path.join(work, "recipe.json")
with open(recipe, "w") as file:
    file.write("{}")
sft = ("m1run", "sft", pair, "--weights", checkpoint, "--tokens", prompts, "--recipe", recipe, "--out", out)
failing["training"] = start(0, *sft)
failing["training on ranks"] = start(2, *sft)
# What must be the same on all ranks: a file of rank 0, and of rank 1.
with open(pair, "rb") as file:
    other = bytearray(file.read())
other[other.index(b"m1c ")] ^= 0x20  # the producer's name
with open(resealed, "wb") as file:
    file.write(reseal.reseal(bytes(other)))
OWN = {
    "a rank without the plan": ("pair.m1plan", (pair,)),
    "another mesh": ("pair.m1plan", (pair, copies)),
    "other bounds": ("pair.m1plan", (pair, bounded)),
    "another plan": ("pair.m1plan", (pair, resealed)),
    "another checkpoint": ("model.safetensors", [os.path.join(c, "model.safetensors") for c in (checkpoint, second)]),
}
for name, (file, given) in OWN.items():
    folder = os.path.join(work, name.replace(" ", "-"))
    for rank in range(2):
        os.makedirs(os.path.join(folder, f"rank{rank}"))
    for rank, path in enumerate(given):
        os.symlink(path, os.path.join(folder, f"rank{rank}", file))
    in_folder = ("sh", "-c", f'cd {folder}/rank$OMPI_COMM_WORLD_RANK && exec "$@"', "sh")
    command = generate("pair.m1plan") if file == "pair.m1plan" else generate(pair, weights="model.safetensors")
    failing[name] = start(2, *in_folder, *command)
for name, process in failing.items():
    end(name, process)

for name, (folder, process) in interrupted.items():
    process.communicate(timeout=300)
    found = sorted(os.listdir(folder))
    print(
        f"interrupted {name}: ends with an error: {process.returncode != 0}; "
        f"temporary files: {sum('.m1tmp-' in f for f in found)}; the first sequence is kept: {'tokens.0.npy' in found}"
    )
