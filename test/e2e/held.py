# ===- held.py - runs of tools that stop in the middle -----------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""A FIFO in the place of a result holds a tool: it waits for a reader of the FIFO."""

import os
import signal
import subprocess
import time

SECONDS = 60  # that anything here may take, many times what it does take


def become_default(*signals):
    """Whatever the shell that runs the tests ignores."""
    for number in signals:
        signal.signal(number, signal.SIG_DFL)


class Held:
    """A tool that is started here and has come to the FIFO `path`."""

    def __init__(self, path, *command, before=lambda: None):
        self.path = path
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if not os.path.exists(path):
            os.mkfifo(path)

        def prepare():
            become_default(signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
            before()

        self.process = subprocess.Popen(
            [str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=prepare
        )
        # All of its threads sleep, and do so for longer than they wait for others.
        end, sleeping = time.monotonic() + SECONDS, 0
        while sleeping < 6:
            assert self.process.poll() is None, self.process.communicate()
            assert time.monotonic() < end, "does not come to the FIFO"
            sleeping = sleeping + 1 if self.states() == {"S"} else 0
            time.sleep(0.02)

    def states(self):
        """The states of its threads."""
        states = set()
        for thread in os.listdir(f"/proc/{self.process.pid}/task"):
            try:
                with open(f"/proc/{self.process.pid}/task/{thread}/stat") as file:
                    states.add(file.read().rsplit(")", 1)[1].split()[0])
            except OSError:
                states.add("ended meanwhile")
        return states

    def send(self, number):
        self.process.send_signal(number)
        time.sleep(0.1)
        return self

    def release(self):
        """Reads the FIFO to its end; the bytes."""
        with open(self.path, "rb") as file:
            return file.read()

    def end(self):
        """Exit code and the last line on standard error, or the standard output if there is none."""
        output, errors = self.process.communicate(timeout=SECONDS)
        return self.process.returncode, (errors or output).strip()


def files(directory):
    """Names of everything but FIFOs."""
    return sorted(n for n in os.listdir(directory) if os.path.isfile(os.path.join(directory, n)))
