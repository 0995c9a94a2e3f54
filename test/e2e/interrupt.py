# ===- interrupt.py - the files that Ctrl-C leaves --------------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""interrupt.py CONFIG.json WORK_DIR

Interrupts `m1run generate` in the second of three sequences, which run one after
another in the only slot. The first keeps its files, the others have none, and the error
is one line. The progress bar, on a pseudo-terminal, tells when to interrupt.
"""

import os
import pty
import re
import signal
import subprocess
import sys

import e2e
import numpy as np

config, work = sys.argv[1:]
e2e.fresh(work)
checkpoint, plan, out = (os.path.join(work, n) for n in ("checkpoint", "model.m1plan", "out"))
e2e.make_checkpoint.write_checkpoint(e2e.make_checkpoint.load_config(config), checkpoint, 1)
e2e.run("m1c", checkpoint, "-o", plan, "--slots=1", "--max-length=15000")
prompts = e2e.write_tokens(work, [np.arange(10)] * 3)

terminal, end = pty.openpty()
command = ["m1run", "generate", plan, "--weights", checkpoint, "--tokens", prompts, "--out-dir", out]
process = subprocess.Popen([*command, "--max-new-tokens=14000"], stderr=end, stdout=subprocess.PIPE)
os.close(end)
said, interrupted = "", False
while True:
    try:
        said += os.read(terminal, 4096).decode()
    except OSError:  # the other end is closed
        break
    done = re.findall(r"(\d+) %", said)
    if not interrupted and done and int(done[-1]) >= 40:
        process.send_signal(signal.SIGINT)
        interrupted = True
output = process.communicate()[0]
last = said.strip().splitlines()[-1]
print(last.replace(work, "WORK"))
print("exit code", process.returncode, "standard output", output)
for name in sorted(os.listdir(out)):
    print(name, np.load(os.path.join(out, name)).shape)
