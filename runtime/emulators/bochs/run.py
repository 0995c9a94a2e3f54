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
says that it has none.

The program runs in user mode with its dynamic loader and its libraries, and all
of it is emulated, CPUID included. SYSCALL leads to a supervisor page whose code
calls back here by an instruction that Bochs reports (WBINVD), so that nothing is
called for any other instruction: some 50 million plain ones run in a second. Here
Linux's part is played: most calls are the host's own, on the program's files and
memory. There is one processor and one thread. An instruction that the CPU lacks
becomes SIGILL where the program handles that, so m1run-amx, which has AMX in
software, runs as well: AVX-512 by Bochs, tiles by ../amx. All other exceptions of
the CPU end the program, as do system calls that linux.py does not list, with one
line on stderr and exit code 70.
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
