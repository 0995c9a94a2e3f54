# ===- interrupt.py - signals that ask a tool to end -------------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""interrupt.py CONFIG.json WORK_DIR

Sends SIGINT (Ctrl-C), SIGTERM and SIGHUP to runs that are held at a result (held.py).
m1run generate and score finish the sequence and keep what is finished; everything else
ends at once. Nothing leaves temporary files, except a process that is killed, whose
files the next one removes. Every sequence has a call of its own.
"""

import os
import signal
import subprocess
import sys
import time

import e2e
import numpy as np
from held import Held, files

config, work = sys.argv[1:]
e2e.fresh(work)
checkpoint, plan, module, out = (os.path.join(work, n) for n in ("checkpoint", "model.m1plan", "model.mlir", "out"))
e2e.make_checkpoint.write_checkpoint(e2e.make_checkpoint.load_config(config), checkpoint, 1)
e2e.run("m1c", checkpoint, "-o", plan, "--slots=1", "--max-tokens=11")
e2e.run("m1c", checkpoint, "--emit=model", "-o", module)
prompts = e2e.write_tokens(work, [np.arange(11) + i for i in range(3)])
STOPS = signal.SIGINT, signal.SIGTERM, signal.SIGHUP


def sequences(command, *options):
    return ["m1run", command, plan, "--weights", checkpoint, "--tokens", prompts, "--out-dir", out, *options]


RUNS = {
    "generate": ("tokens.1.npy", sequences("generate", "--max-new-tokens", 5)),
    "score": ("logprobs.1.npy", sequences("score")),
    "score --logits": ("logits.1.npy", sequences("score", "--logits")),
}
one = {n: os.path.join(work, f"{n}.npy") for n in ("int", "float", "cu")}
for name, value in (("int", np.zeros(1, "i4")), ("float", np.ones(1, "f4")), ("cu", np.array([0, 1]))):
    np.save(one[name], value)
kinds = ["int", "int", "cu", "int", "float", "float", "int", "int", "int"]  # the inputs of next
call = ["m1run", "call", plan, "--weights", checkpoint, "--entry", "next", "--out-dir", out]
call += [word for kind in kinds for word in ("--arg", one[kind])]
interpret = ["m1-interpret", module, "--weights", checkpoint, "--tokens", prompts, "--out-dir", out]


def ended(run, *signals):
    """Ends a run that has temporary files with signals; prints how it ended, and what is left."""
    assert any(".m1tmp-" in f for f in files(out)), files(out)
    for number in signals:
        run.send(number)
    code, said = run.end()
    print(f"exit code {code} '{said}' {' '.join(files(out))}")
    e2e.fresh(out)


def held(name, **options):
    e2e.fresh(out)
    return Held(os.path.join(out, RUNS[name][0]), *RUNS[name][1], **options)


for name in RUNS:
    for number in STOPS:
        run = held(name)
        run.send(number).send(number)  # timeout(1) sends two, and so does a terminal that is closed
        run.release()
        code, said = run.end()
        print(f"{name} {number.name}: exit code {code} '{said.replace(work, 'WORK')}' {' '.join(files(out))}")

run = held("generate").send(signal.SIGTERM)
time.sleep(1)
print("a second one after a second: ", end="")
ended(run, signal.SIGTERM)

for name, command, path, numbers in (("call", call, "log_probs.npy", STOPS), ("m1-interpret", interpret, "tokens.1.npy", [signal.SIGTERM])):
    for number in numbers:
        print(f"{name} {number.name}: ", end="")
        ended(Held(os.path.join(out, path), *command), number)

run = held("generate", before=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)).send(signal.SIGHUP)
run.release()
print("ignored:", run.end()[0], " ".join(files(out)))
for ignored in (signal.SIG_IGN, signal.SIG_DFL):
    fifo = os.path.join(e2e.fresh(out), "fifo")
    run = Held(fifo, "m1c", checkpoint, "-o", fifo, before=lambda: signal.signal(signal.SIGHUP, ignored)).send(signal.SIGHUP)
    written = run.release() if ignored == signal.SIG_IGN else b""
    print(f"m1c, {ignored.name}:", *run.end(), "a plan" if b"M1PL" in written[:16] or len(written) > 10_000 else "no plan")

run = held("generate").send(signal.SIGKILL)
print("killed:", run.end()[0], *(f.split(".m1tmp-")[0] for f in files(out)))
os.remove(os.path.join(out, "tokens.1.npy"))
e2e.run(*sequences("generate", "--max-new-tokens", 2))
print("the next run:", " ".join(files(out)))

# Nobody reads the progress or the result any more.
for options in ({"stderr": "closed"}, {"stdout": "closed"}):
    reader, writer = os.pipe()
    os.close(reader)
    streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, **{k: writer for k in options}}
    done = subprocess.run([str(c) for c in sequences("score", "--profile")], **streams, text=True)
    os.close(writer)
    said = [line for line in (done.stderr or "").splitlines() if "error" in line]
    print(f"without a reader of {list(options)[0]}: {done.returncode} {said}")
