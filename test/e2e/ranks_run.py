# ===- ranks_run.py - what a user sees of several ranks ---------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""ranks_run.py CONFIG.json WORK_DIR

Runs m1run on ranks: prints for each run its exit code, how often an error was printed,
and the error. Ranks run in folders of their own, so that one of them can lack a file.
"""

import os
import shutil
import signal
import subprocess
import sys
import time

import e2e
import numpy as np

config, work = sys.argv[1:]
e2e.fresh(work)
checkpoint, one, pair, copies = (os.path.join(work, n) for n in ("checkpoint", "one.m1plan", "pair.m1plan", "copies.m1plan"))
e2e.make_checkpoint.write_checkpoint(e2e.make_checkpoint.load_config(config), checkpoint, 1)
bounds = ("--slots", 1, "--max-tokens", 20, "--max-length", 64)
for plan, mesh in ((one, ()), (pair, ("--mesh", "tensor=2")), (copies, ("--mesh", "data=2"))):
    e2e.run("m1c", checkpoint, "-o", plan, *bounds, *mesh)
prompts = e2e.write_tokens(os.path.join(work, "in"), [np.arange(11) + i for i in range(5)])
out = os.path.join(work, "out")
IN_FOLDER = ("sh", "-c", f'cd {work}/rank$OMPI_COMM_WORLD_RANK && exec "$@"', "sh")


def start(ranks, *command):
    """Starts m1run on ranks, or without mpirun."""
    shutil.rmtree(out, ignore_errors=True)
    prefix = e2e.mpirun(ranks) if ranks else ()
    return subprocess.Popen([str(c) for c in (*prefix, *command)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def end(name, process):
    output, said = process.communicate(timeout=120)
    errors = [line for line in said.splitlines() if line.startswith("m1run: error: ")]
    text = " | ".join(errors).replace(work, "WORK")
    print(f"{name}: exit code {process.returncode}, {len(output.splitlines())} lines, {len(errors)} errors: {text}")
    return output, said


def generate(plan, *options, tokens=prompts, new_tokens=3):
    return ("m1run", "generate", plan, "--weights", checkpoint, "--tokens", tokens, "--max-new-tokens", new_tokens, *options)


# The root alone prints and writes.
output, said = end("two ranks", start(2, *generate(pair)))
print("as on one rank:", output.splitlines()[:-1] == end("one rank", start(0, *generate(one)))[0].splitlines()[:-1])
print("notes:", [line.replace(work, "WORK") for line in said.splitlines() if line.startswith("m1run: note: ")])
end("files", start(2, *generate(copies, "--out-dir", out)))
print(*sorted(os.listdir(out)))
output, said = end("profile", start(2, *generate(pair, "--profile")))
print("tables:", [line for line in said.splitlines() if line.startswith("rank ")])
end("help", start(2, "m1run", "generate", "--help"))
end("inspect", start(2, "m1run", "inspect", pair))

# Errors.
end("wrong number of ranks", start(3, *generate(pair)))
end("without mpirun", start(0, *generate(pair)))
end("plan for one rank", start(2, *generate(one)))
end("unknown option", start(2, "m1run", "generate", pair, "--temprature", 1))
end("missing prompts", start(2, *generate(pair, tokens=os.path.join(work, "none.npy"))))
end("no folder", start(2, *generate(pair, "--out-dir", os.path.join(pair, "out"))))
recipe = os.path.join(work, "recipe.json")
with open(recipe, "w") as file:
    file.write("{}")
sft = ("m1run", "sft", pair, "--weights", checkpoint, "--tokens", prompts, "--recipe", recipe, "--out", out)
end("training", start(0, *sft))
end("training on ranks", start(2, *sft))
for rank in range(2):
    os.makedirs(os.path.join(work, f"rank{rank}"))
shutil.copy(pair, os.path.join(work, "rank0", "pair.m1plan"))
end("a rank without the plan", start(2, *IN_FOLDER, *generate("pair.m1plan")))

# A stop signal ends all ranks; sequences that are finished are kept.
for name, plan in (("pair", pair), ("copies", copies)):
    process = start(2, *generate(plan, "--out-dir", out, tokens=",".join(200 * [prompts]), new_tokens=50))
    while process.poll() is None and not (os.path.isdir(out) and any(".m1tmp-" in f for f in os.listdir(out))):
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=120)
    found = sorted(os.listdir(out))
    print(f"interrupted {name}: ends with an error: {process.returncode != 0}; temporary files: {sum('.m1tmp-' in f for f in found)}; the first sequence is kept: {'tokens.0.npy' in found}")
