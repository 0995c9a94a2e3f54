# ===- interrupt.py - make_checkpoint.py is ended in the middle -------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""interrupt.py MAKE_CHECKPOINT.py CONFIG.json WORK_DIR

Ends make_checkpoint.py while it writes a checkpoint that would fill any disk.
"""

import os
import shutil
import signal
import subprocess
import sys
import time

program, config, work = sys.argv[1:]


def reset():
    """A test runner may ignore them."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


shutil.rmtree(work, ignore_errors=True)
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    process = subprocess.Popen([sys.executable, program, config, work], preexec_fn=reset)
    end = time.monotonic() + 60
    while not (os.path.isdir(work) and os.listdir(work)):
        assert process.poll() is None and time.monotonic() < end
        time.sleep(0.01)
    time.sleep(0.1)
    process.send_signal(number)
    print(number.name, process.wait(60), os.listdir(work))
