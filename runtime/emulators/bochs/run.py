# ===- run.py - programs on Bochs' model of a CPU ---------------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""run.py LIBRARY PROGRAM [ARGUMENT...]

Runs an x86-64 Linux program on Bochs' model of Intel's Sapphire Rapids, so that
code for CPUs with AVX-512 is tested where there is none. The emulator is PyPI's
bochscpu-python; LIBRARY is the build's libm1-bochs-glibc.so, which that package
needs on an older C library. The package was built without Bochs' AMX: this CPU
reports none.

The program runs in user mode with its dynamic loader and its libraries, all of it
emulated, including CPUID. SYSCALL enters a supervisor page whose code calls back
into Python with an instruction that Bochs reports (WBINVD). No other instruction
has a callback: some 50 million simple instructions run per second. Python then
acts as Linux: most calls are passed to the host, on the program's files and
memory. There is one processor and one thread. An instruction that the CPU lacks
raises SIGILL if the program handles it, so that m1run-amx, which has AMX in
software, runs as well: AVX-512 by Bochs, tiles by ../amx. Other CPU exceptions
and system calls that linux.py does not list end the program with one line on
stderr and exit code 70.
"""

import ctypes
import sys

from linux import load
from machine import Machine
from memory import Memory


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    library, *arguments = sys.argv[1:]
    ctypes.CDLL(library, ctypes.RTLD_GLOBAL)
    memory = Memory()
    Machine(memory).start(*load(memory, arguments))


if __name__ == "__main__":
    main()
