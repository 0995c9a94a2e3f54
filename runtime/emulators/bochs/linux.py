# ===- linux.py - Linux for an emulated program -----------------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Loads a program, implements its system calls, and delivers SIGILL, the only signal that it can handle."""

import ctypes
import errno
import mmap
import os
from array import array

from memory import MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE, PAGE, PROT_EXEC, PROT_READ, PROT_WRITE, fail, libc, up

# Load address of the program, which its heap follows, and end of its stack.
IMAGE, STACK_END, STACK = 0x10000000, 0xFFFF0000, 8 << 20

AT_PHDR, AT_PHENT, AT_PHNUM, AT_PAGESZ, AT_BASE, AT_ENTRY, AT_SECURE, AT_RANDOM, AT_EXECFN = 3, 4, 5, 6, 7, 9, 23, 25, 31
PT_LOAD, PT_INTERP = 1, 3


class Elf:
    """An ELF file, mapped into memory."""

    def __init__(self, memory, path, address):
        with open(path, "rb") as file:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            if data[:5] != b"\x7fELF\x02" or data[18:20] != b"\x3e\x00":
                fail(f"{path} is no program for x86-64")
            fixed = int.from_bytes(data[16:18], "little") == 2  # ET_EXEC
            self.base = 0 if fixed else address
            entry, headers = (int.from_bytes(data[at : at + 8], "little") for at in (24, 32))
            self.entry, self.header_count = self.base + entry, int.from_bytes(data[56:58], "little")
            self.interpreter, self.end, self.headers = None, 0, 0
            for i in range(self.header_count):
                header = data[headers + 56 * i : headers + 56 * (i + 1)]
                kind, flags = (int.from_bytes(header[at : at + 4], "little") for at in (0, 4))
                offset, to, _, in_file, size = (int.from_bytes(header[at : at + 8], "little") for at in range(8, 48, 8))
                if kind == PT_INTERP:
                    self.interpreter = data[offset : offset + in_file - 1].decode()
                elif kind == PT_LOAD:
                    self.load(memory, file.fileno(), flags, offset, self.base + to, in_file, size)
                    if offset <= headers < offset + in_file:
                        self.headers = self.base + to + headers - offset

    def load(self, memory, file, flags, offset, to, in_file, size):
        """Maps a segment: its part of the file, zero-filled up to its size."""
        protection = (flags >> 2 & 1) * PROT_READ | (flags >> 1 & 1) * PROT_WRITE | (flags & 1) * PROT_EXEC
        start, end, skip = to // PAGE * PAGE, up(to + size), to % PAGE
        memory.map(start, end - start, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED)
        if in_file:
            memory.map(start, in_file + skip, protection, MAP_PRIVATE | MAP_FIXED, file, offset - skip)
            ctypes.memset(memory.base + to + in_file, 0, up(to + in_file) - (to + in_file) if size > in_file else 0)
        self.end = max(self.end, end)


def load(memory, arguments):
    """Loads a program, its dynamic loader and its stack; returns the entry point and the stack pointer."""
    program = Elf(memory, arguments[0], IMAGE)
    begin, loader = program.entry, 0
    if program.interpreter:
        interpreter = Elf(memory, program.interpreter, memory.next)
        begin, loader, memory.next = interpreter.entry, interpreter.base, interpreter.end + PAGE
    memory.heap = memory.heap_end = program.end + PAGE
    memory.map(STACK_END - STACK, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED)
    top = STACK_END

    def push(data):
        nonlocal top
        top -= len(data)
        memory.write(top, data)
        return top

    strings = [[push(os.fsencode(s) + b"\0") for s in part] for part in (arguments, [f"{k}={v}" for k, v in os.environ.items()])]
    vector = {AT_PHDR: program.headers, AT_PHENT: 56, AT_PHNUM: program.header_count, AT_PAGESZ: PAGE, AT_BASE: loader}
    vector |= {AT_ENTRY: program.entry, AT_SECURE: 0, AT_RANDOM: push(os.urandom(16)), AT_EXECFN: strings[0][0], 0: 0}
    words = array("Q", [len(arguments), *strings[0], 0, *strings[1], 0, *(word for pair in vector.items() for word in pair)])
    top -= top % 16 + 8 * len(words) % 16
    return begin, push(words.tobytes())


# ===----------------------------------------------------------------------===//
# System calls
# ===----------------------------------------------------------------------===//

# Calls passed to the host, by number: name and arguments; p is an address in the program.
HOST_CALLS = {
    0: ("read", "ipi"),
    1: ("write", "ipi"),
    3: ("close", "i"),
    5: ("fstat", "ip"),
    8: ("lseek", "iii"),
    16: ("ioctl", "iip"),
    17: ("pread64", "ipii"),
    21: ("access", "pi"),
    28: ("madvise", "pii"),
    39: ("getpid", ""),
    62: ("kill", "ii"),
    63: ("uname", "p"),
    72: ("fcntl", "iii"),
    74: ("fsync", "i"),
    75: ("fdatasync", "i"),
    79: ("getcwd", "pi"),
    82: ("rename", "pp"),
    83: ("mkdir", "pi"),
    87: ("unlink", "p"),
    89: ("readlink", "ppi"),
    96: ("gettimeofday", "pp"),
    98: ("getrusage", "ip"),
    217: ("getdents64", "ipi"),
    228: ("clock_gettime", "ip"),
    257: ("openat", "ipii"),
    262: ("newfstatat", "ippi"),
    302: ("prlimit64", "iipp"),
    306: ("syncfs", "i"),
    318: ("getrandom", "pii"),
    319: ("memfd_create", "pi"),
}
ARCH_SET_FS = 0x1002
SIG_IGN = 1
# A handler's ucontext_t: the registers in its uc_mcontext.
INFO_SIZE, CONTEXT_SIZE, CONTEXT_REGISTERS = 128, 968, 40
CONTEXT_ORDER = ("r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "rdi", "rsi", "rbp", "rbx", "rdx", "rax", "rcx", "rsp", "rip", "rflags")
FUTEX_WAKE, FUTEX_COMMAND = 1, 0x7F


class System:
    """Linux for one thread. Calls get all six arguments and use the first few."""

    def __init__(self, machine, memory):
        self.machine, self.memory = machine, memory
        self.handlers = {}
        self.own = {
            9: self.mmap,
            10: self.mprotect,
            11: self.munmap,
            12: lambda end, *_: memory.grow(end),  # brk
            13: self.rt_sigaction,
            14: lambda *_: 0,  # rt_sigprocmask
            15: lambda *_: self.resume(),  # rt_sigreturn
            158: self.arch_prctl,
            186: lambda *_: os.getpid(),  # gettid
            202: self.futex,
            204: self.sched_getaffinity,
            218: lambda *_: os.getpid(),  # set_tid_address
            231: lambda code, *_: os._exit(code & 0xFF),  # exit_group
            234: lambda _, __, signal, *___: fail(f"the program ends by signal {signal}"),  # tgkill
            273: lambda *_: 0,  # set_robust_list
            334: lambda *_: -errno.ENOSYS,  # rseq
        }

    def call(self, number, arguments):
        """The result of a system call, or None if it does not return."""
        if number in HOST_CALLS:
            return self.host(number, arguments)
        if number not in self.own:
            fail(f"system call {number} is not emulated (asm/unistd_64.h has its name)")
        return self.own[number](*arguments)

    def host(self, number, arguments):
        given = [0] * 6
        for i, kind in enumerate(HOST_CALLS[number][1]):
            given[i] = arguments[i]
            if kind == "p" and given[i]:
                if not self.memory.is_mapped(given[i]):
                    return -errno.EFAULT
                given[i] += self.memory.base
        result = libc.syscall(number, *given)
        return result if result != -1 else -ctypes.get_errno()

    def mmap(self, address, size, protection, flags, file, offset):
        result = self.memory.map(address, size, protection, flags, ctypes.c_int(file).value, offset)
        self.machine.forget_translations()
        return result

    def mprotect(self, address, size, protection, *_):
        self.memory.protect(address, size, protection)
        self.machine.forget_translations()
        return 0

    def munmap(self, address, size, *_):
        result = self.memory.unmap(address, size)
        self.machine.forget_translations()
        return result

    def rt_sigaction(self, signal, action, old, *_):
        if old:
            self.memory.write(old, bytes(32))
        if action:
            handler, _, restorer = self.memory.words(action, 3)
            self.handlers[signal] = (handler, restorer) if handler > SIG_IGN else None
        return 0

    def signal(self, signal, registers):
        """Pushes a signal frame below the red zone of the program's stack; returns the registers with which the handler
        starts. Vector registers are saved by the machine."""
        handler, restorer = self.handlers[signal]
        info = registers["rsp"] - 128 - INFO_SIZE
        context = (info - CONTEXT_SIZE) // 16 * 16
        self.memory.write(info, signal.to_bytes(INFO_SIZE, "little"))
        self.memory.write(context, bytes(CONTEXT_SIZE))
        self.memory.write(context + CONTEXT_REGISTERS, array("Q", [registers[name] for name in CONTEXT_ORDER]).tobytes())
        self.memory.write(context - 8, restorer.to_bytes(8, "little"))
        return {"rip": handler, "rsp": context - 8, "rdi": signal, "rsi": info, "rdx": context}

    def resume(self):
        """rt_sigreturn(): continues with the registers in the frame, which the handler may have changed."""
        context = self.machine.get("rsp")
        values = self.memory.words(context + CONTEXT_REGISTERS, len(CONTEXT_ORDER))
        self.machine.resume(dict(zip(CONTEXT_ORDER, values)))

    def arch_prctl(self, code, value, *_):
        if code != ARCH_SET_FS:
            return -errno.EINVAL
        self.machine.set_fs(value)
        return 0

    def futex(self, _, operation, *__):
        if operation & FUTEX_COMMAND != FUTEX_WAKE:
            fail(f"futex operation {operation}: there is one thread, which would wait for ever")
        return 0

    def sched_getaffinity(self, _, size, mask, *__):
        self.memory.write(mask, (1).to_bytes(8, "little"))
        return 8
