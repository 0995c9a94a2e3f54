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
memory. There is one processor and one thread, and no signals. Calls that this
file does not list end the program, as do the CPU's exceptions, with one line on
stderr and exit code 70.
"""

import ctypes
import errno
import mmap
import os
import sys
import traceback
from array import array

# ===----------------------------------------------------------------------===//
# Memory
# ===----------------------------------------------------------------------===//

# A physical address is the virtual one: [0, SPACE) is the program's. Above lie
# the page tables, whose lowest level is one array with an entry a page.
PAGE = 4096
SPACE = 1 << 36
TABLES = SPACE
DIRECTORIES = TABLES + SPACE // PAGE * 8
POINTERS = DIRECTORIES + SPACE // PAGE // 512 * 8
ROOT = POINTERS + PAGE
PHYSICAL = ROOT + PAGE

# Of the program's: the page for system calls, the program itself with its heap
# behind it, the stack, and what it maps, at addresses that are not used twice.
KERNEL, IMAGE, STACK_END, MAPPINGS = 0x1000, 0x10000000, 0xFFFF0000, 0x100000000
HEAP, STACK = 1 << 30, 8 << 20

# Of a page table's entry.
PRESENT, WRITABLE, USER, ACCESSED, DIRTY, NO_EXECUTE = 1, 2, 4, 0x20, 0x40, 1 << 63
PRESENT_TABLE = PRESENT | WRITABLE | USER | ACCESSED

PROT_READ, PROT_WRITE, PROT_EXEC = 1, 2, 4
MAP_SHARED, MAP_PRIVATE, MAP_FIXED, MAP_ANONYMOUS, MAP_NORESERVE = 1, 2, 0x10, 0x20, 0x4000
FAILED = (1 << 64) - 1

libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_uint64
libc.mmap.argtypes = [ctypes.c_uint64, ctypes.c_uint64, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_uint64]
libc.syscall.restype = ctypes.c_long
libc.syscall.argtypes = [ctypes.c_long] + [ctypes.c_uint64] * 6


def up(value, unit=PAGE):
    return -(-value // unit) * unit


class Memory:
    """The machine's memory, where the host has it, and its page tables."""

    def __init__(self):
        flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
        self.base = libc.mmap(0, PHYSICAL, PROT_READ | PROT_WRITE, flags, -1, 0)
        if self.base == FAILED:
            fail("the host gives no address space")
        self.entries = self.view(TABLES, SPACE // PAGE * 8).cast("Q")
        self.fill(DIRECTORIES, TABLES, DIRECTORIES)
        self.fill(POINTERS, DIRECTORIES, POINTERS)
        self.fill(ROOT, POINTERS, ROOT)
        self.next = MAPPINGS
        self.heap = self.heap_end = 0

    def fill(self, table, first, last):
        """Has a table's entries refer to the tables in [first, last)."""
        entries = array("Q", range(first | PRESENT_TABLE, last, PAGE))
        self.view(table, 8 * len(entries)).cast("Q")[:] = entries

    def view(self, address, size):
        return memoryview((ctypes.c_char * size).from_address(self.base + address)).cast("B")

    def write(self, address, data):
        self.view(address, len(data))[:] = data

    def protect(self, address, size, protection):
        first, last = address // PAGE, up(address + size) // PAGE
        if not protection:
            ctypes.memset(self.base + TABLES + 8 * first, 0, 8 * (last - first))
            return
        flags = PRESENT | USER | ACCESSED | DIRTY
        flags |= WRITABLE if protection & PROT_WRITE else 0
        flags |= 0 if protection & PROT_EXEC else NO_EXECUTE
        self.entries[first:last] = array("Q", range(first * PAGE | flags, last * PAGE | flags, PAGE))

    def is_mapped(self, address):
        return address < SPACE and bool(self.entries[address // PAGE] & PRESENT)

    def map(self, address, size, protection, flags=MAP_PRIVATE | MAP_ANONYMOUS, file=-1, offset=0):
        """As mmap(): the address, or minus an error's number. The host's mapping can be written wherever it is the
        program's own; the page tables hold what the program asked for."""
        if not flags & MAP_FIXED:
            address = self.next
            self.next += up(size) + PAGE
        if address % PAGE or not size or address + size > SPACE:
            return -errno.ENOMEM
        allowed = protection if flags & MAP_SHARED else PROT_READ | PROT_WRITE
        kept = flags & (MAP_SHARED | MAP_PRIVATE | MAP_ANONYMOUS) | MAP_FIXED | MAP_NORESERVE
        if libc.mmap(self.base + address, size, allowed, kept, file, offset) == FAILED:
            return -ctypes.get_errno()
        self.protect(address, size, protection)
        return address

    def unmap(self, address, size):
        if address % PAGE or address + size > SPACE:
            return -errno.EINVAL
        return min(0, self.map(address, size, 0, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED))

    def grow(self, end):
        """As brk(): where the heap ends."""
        if self.heap <= end <= self.heap + HEAP:
            if end > self.heap_end:
                self.protect(self.heap_end, end - self.heap_end, PROT_READ | PROT_WRITE)
            self.heap_end = up(end)
            return end
        return self.heap_end


# ===----------------------------------------------------------------------===//
# Programs
# ===----------------------------------------------------------------------===//

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
        """Maps a segment: its part of the file, and zeros up to its size."""
        protection = (flags >> 2 & 1) * PROT_READ | (flags >> 1 & 1) * PROT_WRITE | (flags & 1) * PROT_EXEC
        start, end, skip = to // PAGE * PAGE, up(to + size), to % PAGE
        memory.map(start, end - start, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED)
        if in_file:
            memory.map(start, in_file + skip, protection, MAP_PRIVATE | MAP_FIXED, file, offset - skip)
            ctypes.memset(memory.base + to + in_file, 0, up(to + in_file) - (to + in_file) if size > in_file else 0)
        self.end = max(self.end, end)


def load(memory, arguments):
    """Loads a program, its dynamic loader and its stack: where it begins, and where the stack does."""
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

# The host's, by number: name and arguments, p for an address of the program's.
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
    318: ("getrandom", "pii"),
    319: ("memfd_create", "pi"),
}
ARCH_SET_FS = 0x1002
FUTEX_WAKE, FUTEX_COMMAND = 1, 0x7F


class System:
    """Linux for one thread. Its own calls take all six arguments and use the first few."""

    def __init__(self, machine, memory):
        self.machine, self.memory = machine, memory
        self.own = {
            9: self.mmap,
            10: self.mprotect,
            11: self.munmap,
            12: lambda end, *_: memory.grow(end),  # brk
            13: lambda *_: 0,  # rt_sigaction
            158: self.arch_prctl,
            186: lambda *_: os.getpid(),  # gettid
            202: self.futex,
            204: self.sched_getaffinity,
            218: lambda *_: os.getpid(),  # set_tid_address
            231: lambda code, *_: os._exit(code & 0xFF),  # exit_group
            273: lambda *_: 0,  # set_robust_list
            334: lambda *_: -errno.ENOSYS,  # rseq
        }

    def call(self, number, arguments):
        """What a system call returns."""
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


def fail(problem):
    print(f"bochs: {problem}", file=sys.stderr, flush=True)
    os._exit(70)


# ===----------------------------------------------------------------------===//
# The CPU
# ===----------------------------------------------------------------------===//

# Enables the vector registers, then goes to user mode: rax is CR4, r8 where the program begins.
BOOT = bytes.fromhex(
    "0f22e0"  # mov cr4, rax
    "31c9 31d2 b8e7000000 0f01d1"  # xsetbv: XCR0 = 0xe7, that is x87, SSE, AVX and AVX-512
    "4c89c1 31c0 4531c0"  # mov rcx, r8; xor eax, eax; xor r8d, r8d
    "480f07"  # sysretq
)
SYSTEM_CALL = bytes.fromhex("0f09 480f07")  # wbinvd; sysretq

CR0 = 1 << 31 | 1 << 16 | 1 << 5 | 1 << 4 | 1 << 1 | 1  # PG, WP, NE, ET, MP, PE
CR4_AT_FIRST = 1 << 5  # PAE
CR4 = CR4_AT_FIRST | 1 << 18 | 1 << 16 | 1 << 10 | 1 << 9  # OSXSAVE, FSGSBASE, OSXMMEXCPT, OSFXSR
EFER = 1 << 11 | 1 << 10 | 1 << 8 | 1  # NXE, LMA, LME, SCE
FLAGS, FLAGS_CLEARED = 0x202, 0x47700  # interrupts enabled; what SYSCALL clears
MXCSR, MXCSR_MASK = 0x1F80, 0xFFFF  # to nearest, exceptions masked
# SYSCALL and SYSRET make segments of selectors alone: no table is read.
KERNEL_CODE, KERNEL_DATA, USER_BASE = 0x10, 0x18, 0x20
SEGMENTS = [("cs", KERNEL_CODE, 0xA09B), ("ss", KERNEL_DATA, 0xC093), *((name, 0, 0xC0F3) for name in ("ds", "es", "fs", "gs"))]
PAGE_FAULT = 14
EXCEPTIONS = {0: "#DE", 1: "#DB", 3: "#BP", 6: "#UD", 7: "#NM", 8: "#DF", 13: "#GP", PAGE_FAULT: "#PF", 16: "#MF", 17: "#AC", 19: "#XM"}

# The members of the C interface's bochscpu_hooks_t.
HOOKS = ("reset hlt mwait cnear_branch_taken cnear_branch_not_taken ucnear_branch far_branch opcode interrupt exception "
         "hw_interrupt tlb_cntrl cache_cntrl prefetch_hint clflush before_execution after_execution repeat_iteration inp inp2 "
         "outp lin_access phy_access wrmsr vmexit").split()
ARGUMENTS = ("rdi", "rsi", "rdx", "r10", "r8", "r9")
SAPPHIRE_RAPIDS = 30  # in Bochs' list of models


class Segment(ctypes.Structure):
    _fields_ = [("present", ctypes.c_bool), ("selector", ctypes.c_uint16), ("base", ctypes.c_uint64), ("limit", ctypes.c_uint32), ("attr", ctypes.c_uint16)]


class Hooks(ctypes.Structure):
    _fields_ = [("ctx", ctypes.c_void_p)] + [(name, ctypes.c_void_p) for name in HOOKS]


def guarded(function):
    """A callback's exception would be printed and forgotten."""

    def call(*arguments):
        try:
            return function(*arguments)
        except Exception:
            traceback.print_exc()
            fail("the runner itself failed")

    return call


class Machine:
    """Bochs' CPU. Its package's Python interface makes a callback of every instruction; the C interface below it calls
    only the hooks that are set."""

    def __init__(self, memory):
        import bochscpu._bochscpu as package

        self.memory, self.package = memory, package
        self.bochs = ctypes.CDLL(package.__file__)
        for name in ("rax", "rip", "cr2", *ARGUMENTS):
            getattr(self.bochs, f"bochscpu_cpu_{name}").restype = ctypes.c_uint64
        for name in ("bochscpu_cpu_from", "sim_get_param_enum"):
            getattr(self.bochs, name).restype = ctypes.c_void_p
        # bx_param_enum_c::set(): the package itself offers no choice.
        model = ctypes.c_void_p(self.bochs.sim_get_param_enum(b"cpu.model"))
        self.bochs._ZN15bx_param_enum_c3setEl(model, ctypes.c_long(SAPPHIRE_RAPIDS))
        self.session = package.Session()  # makes CPU 0
        self.cpu = ctypes.c_void_p(self.bochs.bochscpu_cpu_from(0))
        self.missing = ctypes.CFUNCTYPE(None, ctypes.c_uint64)(guarded(self.page_in))
        self.bochs.bochscpu_mem_missing_page(self.missing)
        self.system = System(self, memory)

    def page_in(self, address):
        """Gives the emulator a stretch of physical memory."""
        first = address // (16 * PAGE) * (16 * PAGE)
        if address >= PHYSICAL:
            fail(f"physical address {address:#x} does not exist")
        for page in range(first, min(first + 16 * PAGE, PHYSICAL), PAGE):
            self.bochs.bochscpu_mem_page_insert(ctypes.c_uint64(page), ctypes.c_void_p(self.memory.base + page))

    def get(self, register):
        return getattr(self.bochs, f"bochscpu_cpu_{register}")(self.cpu)

    def forget_translations(self):
        self.bochs.bochscpu_cpu_set_mode(self.cpu)

    def set_fs(self, base):
        segment = Segment()
        self.bochs.bochscpu_cpu_fs(self.cpu, ctypes.byref(segment))
        segment.base = base
        self.bochs.bochscpu_cpu_set_fs(self.cpu, ctypes.byref(segment))

    def start(self, begin, stack):
        """Runs the program, which ends the process."""
        memory = self.memory
        memory.write(KERNEL, SYSTEM_CALL + BOOT)
        memory.entries[KERNEL // PAGE] = KERNEL | PRESENT | ACCESSED
        state = self.package.State()
        state.rip, state.rsp, state.r8, state.rax = KERNEL + len(SYSTEM_CALL), stack, begin, CR4
        state.rflags = state.r11 = FLAGS
        state.cr0, state.cr3, state.cr4, state.efer, state.xcr0 = CR0, ROOT, CR4_AT_FIRST, EFER, 1
        state.star, state.lstar, state.sfmask = USER_BASE << 48 | KERNEL_CODE << 32, KERNEL, FLAGS_CLEARED
        state.mxcsr, state.mxcsr_mask, state.fpcw, state.fptw = MXCSR, MXCSR_MASK, 0x37F, 0xFFFF
        for name, selector, attributes in SEGMENTS:
            segment = self.package.Segment()
            segment.present, segment.selector, segment.base, segment.limit, segment.attr = True, selector, 0, 0xFFFFFFFF, attributes
            setattr(state, name, segment)
        self.session.cpu.state = state
        number = ctypes.c_uint32
        call = ctypes.CFUNCTYPE(None, ctypes.c_void_p, number, number)(guarded(self.system_call))
        exception = ctypes.CFUNCTYPE(None, ctypes.c_void_p, number, number, number)(guarded(self.exception))
        hooks = Hooks(cache_cntrl=ctypes.cast(call, ctypes.c_void_p), exception=ctypes.cast(exception, ctypes.c_void_p))
        self.bochs.bochscpu_cpu_run(self.cpu, (ctypes.POINTER(Hooks) * 2)(ctypes.pointer(hooks), None))
        fail("the CPU stopped")

    def system_call(self, *_):
        result = self.system.call(self.get("rax"), [self.get(register) for register in ARGUMENTS])
        self.bochs.bochscpu_cpu_set_rax(self.cpu, ctypes.c_uint64(result))

    def exception(self, _, __, vector, error):
        name = EXCEPTIONS.get(vector, f"exception {vector}")
        where = f" on address {self.get('cr2'):#x}" if vector == PAGE_FAULT else ""
        fail(f"{name}({error:#x}) before {self.get('rip'):#x}{where}")


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    library, *arguments = sys.argv[1:]
    ctypes.CDLL(library, ctypes.RTLD_GLOBAL)
    memory = Memory()
    Machine(memory).start(*load(memory, arguments))


if __name__ == "__main__":
    main()
