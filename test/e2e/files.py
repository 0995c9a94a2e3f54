# ===- files.py - the files that tools read and write ------------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""files.py CONFIG.json WORK_DIR

Files that change while a tool uses them, inputs that are no regular files, closed
standard descriptors, limits on the size of files, and outputs that are links, pipes and
devices. Prints one line for each.
"""

import os
import resource
import shutil
import signal
import subprocess
import sys

import e2e
import numpy as np
from held import SECONDS, Held, files

config, work = sys.argv[1:]
e2e.fresh(work)
checkpoint, plan, module, out = (os.path.join(work, n) for n in ("checkpoint", "model.m1plan", "model.mlir", "out"))
weights = os.path.join(checkpoint, "model.safetensors")
settings = e2e.make_checkpoint.load_config(config)
e2e.make_checkpoint.write_checkpoint(settings, checkpoint, 1)
e2e.run("m1c", checkpoint, "-o", plan, "--slots=1", "--max-tokens=11")
e2e.run("m1c", checkpoint, "--emit=model", "-o", module)
prompts = e2e.write_tokens(work, [np.arange(11) + i for i in range(3)])
tokens = prompts.split(",")[0]
score = ["m1run", "score", plan, "--weights", checkpoint, "--tokens", prompts, "--out-dir", out]
interpret = ["m1-interpret", module, "--weights", checkpoint, "--tokens", prompts, "--out-dir", out]


def started(*command, **options):
    """Exit code and what was said."""
    run = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=SECONDS, **options)
    return f"{run.returncode} {run.stdout.strip().replace(work, 'WORK')}".strip()


def contents(path):
    with open(path, "rb") as file:
        return file.read()


# Files that change in the middle of a run.
e2e.run(*score)
expected = [contents(os.path.join(out, f"logprobs.{i}.npy")) for i in range(3)]
good = contents(plan), contents(weights)
def rename_over(path):
    with open(path + ".new", "wb") as file:
        file.write(bytes(100))
    os.replace(path + ".new", path)


def write_into(path):
    with open(path, "r+b") as file:
        file.seek(-4, os.SEEK_END)
        file.write(bytes(4))


def truncate(path):
    os.truncate(path, 100)


for change, changed in ((truncate, plan), (rename_over, weights), (write_into, weights), (truncate, weights)):
    e2e.fresh(out)
    run = Held(os.path.join(out, "logprobs.1.npy"), *score)
    change(changed)
    written = run.release()
    code, said = run.end()
    if code == 0:
        os.remove(run.path)
        written = [written if i == 1 else contents(os.path.join(out, f"logprobs.{i}.npy")) for i in range(3)]
        said = "the same results" if written == expected else "other results"
    print(f"{change.__name__}: {code} {said.replace(work, 'WORK')} {' '.join(files(out)) if code else ''}".strip())
    for file, content in zip((plan, weights), good):
        with open(file, "wb") as stream:
            stream.write(content)

# Inputs that would be waited for, or have no end.
fifo = os.path.join(work, "fifo")
os.mkfifo(fifo)
shutil.copytree(checkpoint, os.path.join(work, "bad"))
for name in ("config.json", "model.safetensors"):
    for kind in (fifo, "/dev/zero"):
        bad = e2e.fresh(os.path.join(work, "bad"))
        for file in os.listdir(checkpoint):
            os.symlink(kind if file == name else os.path.join(checkpoint, file), os.path.join(bad, file))
        print("m1c", name, started("m1c", bad, "-o", os.path.join(out, "p")))
os.remove(weights)
for name, kind in (("fifo.mlir", fifo), ("zero.mlir", "/dev/zero")):
    os.symlink(kind, os.path.join(work, name))
    for command in (("m1c", "--emit=m1"), ("m1-interpret", "--out-dir", out), ("m1-opt",)):
        print(*command[:1], started(command[0], os.path.join(work, name), *command[1:]))
with open(weights, "wb") as file:
    file.write(good[1])
large = os.path.join(work, "large.mlir")
with open(large, "w") as file:
    file.truncate(2**40)
print("m1c", started("m1c", large, "--emit=m1"))
os.remove(large)
with open(os.path.join(e2e.fresh(os.path.join(work, "bad")), "config.json"), "w") as file:
    file.truncate(2**40)
print("m1c", started("m1c", os.path.join(work, "bad"), "--emit=m1"))
# Pipes of the shell.
shell = f"m1-interpret <(cat {module}) --weights {checkpoint} --tokens {tokens} --out-dir {out} && cat {module} | m1-opt - | m1-opt /dev/stdin -o /dev/stdout | wc -l"
lines = len(e2e.run("m1-opt", module).splitlines())
print("pipes:", started("bash", "-c", shell) == f"0 {lines}")

# Descriptors that are closed.
commands = [
    ["m1c", checkpoint, "--emit=model", "-o", fifo],
    ["m1-opt", module, "-o", fifo],
    [*interpret[:-1], os.path.join(work, "i")],
    [*score[:-1], os.path.join(work, "i")],
]
os.mkdir(os.path.join(work, "i"))
os.symlink(fifo, os.path.join(work, "i", "logprobs.0.npy"))
for command in commands:
    run = Held(fifo, *command, before=lambda: [os.close(n) for n in range(3)])
    opened = {os.readlink(f"/proc/{run.process.pid}/fd/{n}") for n in range(3)}
    run.process.kill()
    run.process.communicate()
    print(command[0], *sorted(opened))
server = subprocess.Popen(["m1-lsp-server"], stdin=subprocess.PIPE, preexec_fn=lambda: [os.close(n) for n in (1, 2)])
server.stdin.write(b"\n")
while server.poll() is None and not os.path.exists(f"/proc/{server.pid}/fd/2"):
    pass
print("m1-lsp-server", *sorted({os.path.basename(os.readlink(f"/proc/{server.pid}/fd/{n}")) for n in (1, 2)}))
server.stdin.close()
server.wait(SECONDS)


# Outputs.
def limited():
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))


e2e.fresh(out)
text = os.path.join(out, "text")
print("limit, m1c:", started("m1c", checkpoint, "--emit=model", "-o", text, preexec_fn=limited), *files(out))
print("limit, m1-opt:", started("m1-opt", module, "-o", text, preexec_fn=limited), *files(out))
os.symlink("text", os.path.join(out, "link"))
old = os.umask(0o027)
e2e.run("m1c", checkpoint, "--emit=model", "-o", os.path.join(out, "link"))
os.umask(old)
print("link:", os.readlink(os.path.join(out, "link")), oct(os.stat(text).st_mode & 0o777))
e2e.run("bash", "-c", f"(echo -n before; m1c {checkpoint} --emit=model -o /dev/stdout; echo -n after) > {text}2")
print("standard output:", contents(text + "2") == b"before" + contents(text) + b"after")
print("device:", started("m1c", checkpoint, "--emit=model", "-o", "/dev/null"), os.stat("/dev/null").st_rdev == os.makedev(1, 3))
