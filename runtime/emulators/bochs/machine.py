# ===- machine.py - Bochs' CPU -----------------------------------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""A CPU of the package bochscpu-python."""

import ctypes
import signal
import traceback
from array import array

from linux import CONTEXT_ORDER, System
from memory import KERNEL, PAGE, PHYSICAL, ROOT, fail

# The supervisor's pages: code, tables, a stack with the continuation of system
# calls at its lower end, and the save area of vector registers during a signal.
TABLES, STACK, VECTORS = KERNEL + PAGE, KERNEL + 2 * PAGE, KERNEL + 3 * PAGE
STACK_END, GO_ON = STACK + PAGE, STACK
GLOBAL_TABLE, INTERRUPT_TABLE, TASK = TABLES, TABLES + 0x100, TABLES + 0x400


def at(address, register=4):
    """An operand's ModRM and SIB bytes, and its address."""
    return f"{register << 3 | 4:02x}25" + address.to_bytes(4, "little").hex()


# WBINVD calls back.
CODE = {
    # rax is CR4, r8 the entry point; XCR0 = 0xe7 is x87, SSE, AVX and AVX-512.
    "boot": "0f22e0 31c9 31d2 b8e7000000 0f01d1"  # mov cr4, rax; xsetbv
    "4c89c1 31c0 4531c0 480f07",  # mov rcx, r8; xor eax, eax; xor r8d, r8d; sysretq
    "system_call": "0f09 ff" + at(GO_ON),  # wbinvd; jmp [GO_ON]
    "return": "480f07",  # sysretq
    # The stack holds rax and the operands of iretq.
    "resume": "b8ffffffff 480fae" + at(VECTORS, 5) + "58 48cf",  # mov eax, -1; xrstor64; pop rax; iretq
    "undefined": "0f09 480fae" + at(VECTORS) + "48cf",  # wbinvd, which sets eax to -1; xsave64; iretq
}
ENTRY = {}
for name, code in CODE.items():
    ENTRY[name] = KERNEL + sum(len(bytes.fromhex(CODE[before])) for before in ENTRY)

CR0 = 1 << 31 | 1 << 16 | 1 << 5 | 1 << 4 | 1 << 1 | 1  # PG, WP, NE, ET, MP, PE
CR4_AT_FIRST = 1 << 5  # PAE
CR4 = CR4_AT_FIRST | 1 << 18 | 1 << 16 | 1 << 10 | 1 << 9  # OSXSAVE, FSGSBASE, OSXMMEXCPT, OSFXSR
EFER = 1 << 11 | 1 << 10 | 1 << 8 | 1  # NXE, LMA, LME, SCE
FLAGS, FLAGS_CLEARED = 0x202, 0x47700  # interrupts enabled; what SYSCALL clears
MXCSR, MXCSR_MASK = 0x1F80, 0xFFFF  # to nearest, exceptions masked

# Selectors that SYSCALL and SYSRET derive from STAR, and their segments.
KERNEL_CODE, KERNEL_DATA, USER_BASE, USER_DATA, USER_CODE, TASK_SELECTOR = 0x10, 0x18, 0x20, 0x2B, 0x33, 0x40
DESCRIPTORS = {KERNEL_CODE: 0xAF9B000000FFFF, KERNEL_DATA: 0xCF93000000FFFF, USER_DATA & ~3: 0xCFF3000000FFFF, USER_CODE & ~3: 0xAFFB000000FFFF}
SEGMENTS = [("cs", KERNEL_CODE, 0xA09B), ("ss", KERNEL_DATA, 0xC093), *((name, 0, 0xC0F3) for name in ("ds", "es", "fs", "gs"))]
UNDEFINED, PAGE_FAULT = 6, 14
EXCEPTIONS = {0: "#DE", 1: "#DB", 3: "#BP", UNDEFINED: "#UD", 7: "#NM", 8: "#DF", 13: "#GP", PAGE_FAULT: "#PF", 16: "#MF", 17: "#AC", 19: "#XM"}

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
    """Ends the process on an exception in a callback, which ctypes would only print."""

    def call(*arguments):
        try:
            return function(*arguments)
        except Exception:
            fail(f"the runner itself failed\n{traceback.format_exc()}")

    return call


class Machine:
    """Bochs' CPU. The package's Python interface calls back for every instruction; the C interface used here calls
    only the hooks that are set."""

    def __init__(self, memory):
        import bochscpu._bochscpu as package

        self.memory, self.package = memory, package
        self.bochs = ctypes.CDLL(package.__file__)
        for name in ("cr2", *CONTEXT_ORDER):
            getattr(self.bochs, f"bochscpu_cpu_{name}").restype = ctypes.c_uint64
        for name in ("bochscpu_cpu_from", "sim_get_param_enum"):
            getattr(self.bochs, name).restype = ctypes.c_void_p
        # bx_param_enum_c::set(): the package has no interface for it.
        model = ctypes.c_void_p(self.bochs.sim_get_param_enum(b"cpu.model"))
        self.bochs._ZN15bx_param_enum_c3setEl(model, ctypes.c_long(SAPPHIRE_RAPIDS))
        self.session = package.Session()  # makes CPU 0
        self.cpu = ctypes.c_void_p(self.bochs.bochscpu_cpu_from(0))
        self.missing = ctypes.CFUNCTYPE(None, ctypes.c_uint64)(guarded(self.page_in))
        self.bochs.bochscpu_mem_missing_page(self.missing)
        self.system = System(self, memory)

    def page_in(self, address):
        """Maps a range of physical memory."""
        first = address // (16 * PAGE) * (16 * PAGE)
        if address >= PHYSICAL:
            fail(f"physical address {address:#x} does not exist")
        for page in range(first, min(first + 16 * PAGE, PHYSICAL), PAGE):
            self.bochs.bochscpu_mem_page_insert(ctypes.c_uint64(page), ctypes.c_void_p(self.memory.base + page))

    def get(self, register):
        return getattr(self.bochs, f"bochscpu_cpu_{register}")(self.cpu)

    def set(self, registers):
        for name, value in registers.items():
            getattr(self.bochs, f"bochscpu_cpu_set_{name}")(self.cpu, ctypes.c_uint64(value))

    def forget_translations(self):
        self.bochs.bochscpu_cpu_set_mode(self.cpu)

    def set_fs(self, base):
        segment = Segment()
        self.bochs.bochscpu_cpu_fs(self.cpu, ctypes.byref(segment))
        segment.base = base
        self.bochs.bochscpu_cpu_set_fs(self.cpu, ctypes.byref(segment))

    def start(self, begin, stack):
        """Runs the program, whose exit ends the process."""
        self.memory.write(KERNEL, bytes.fromhex("".join(CODE.values())))
        self.write_tables()
        state = self.package.State()
        state.rip, state.rsp, state.r8, state.rax = ENTRY["boot"], stack, begin, CR4
        state.rflags = state.r11 = FLAGS
        state.cr0, state.cr3, state.cr4, state.efer, state.xcr0 = CR0, ROOT, CR4_AT_FIRST, EFER, 1
        state.star, state.lstar, state.sfmask = USER_BASE << 48 | KERNEL_CODE << 32, ENTRY["system_call"], FLAGS_CLEARED
        state.mxcsr, state.mxcsr_mask, state.fpcw, state.fptw = MXCSR, MXCSR_MASK, 0x37F, 0xFFFF
        for name, selector, attributes in SEGMENTS:
            setattr(state, name, self.segment(selector, 0, 0xFFFFFFFF, attributes))
        state.tr = self.segment(TASK_SELECTOR, TASK, 103, 0x8B)
        for name, base, limit in (("gdtr", GLOBAL_TABLE, 0x3F), ("idtr", INTERRUPT_TABLE, 16 * UNDEFINED + 15)):
            table = self.package.GlobalSegment()
            table.base, table.limit = base, limit
            setattr(state, name, table)
        self.session.cpu.state = state
        number = ctypes.c_uint32
        call = ctypes.CFUNCTYPE(None, ctypes.c_void_p, number, number)(guarded(self.called))
        exception = ctypes.CFUNCTYPE(None, ctypes.c_void_p, number, number, number)(guarded(self.exception))
        hooks = Hooks(cache_cntrl=ctypes.cast(call, ctypes.c_void_p), exception=ctypes.cast(exception, ctypes.c_void_p))
        self.bochs.bochscpu_cpu_run(self.cpu, (ctypes.POINTER(Hooks) * 2)(ctypes.pointer(hooks), None))
        fail("the CPU stopped")

    def segment(self, selector, base, limit, attributes):
        segment = self.package.Segment()
        segment.present, segment.selector, segment.base, segment.limit, segment.attr = True, selector, base, limit, attributes
        return segment

    def write_tables(self):
        """The tables of #UD, the only exception that is delivered: its gate, segments and stack."""
        for selector, descriptor in DESCRIPTORS.items():
            self.memory.write(GLOBAL_TABLE + selector, descriptor.to_bytes(8, "little"))
        to = ENTRY["undefined"]
        self.memory.write(INTERRUPT_TABLE + 16 * UNDEFINED, (to & 0xFFFF | KERNEL_CODE << 16 | 0x8E << 40 | to >> 16 << 48).to_bytes(16, "little"))
        self.memory.write(TASK + 4, STACK_END.to_bytes(8, "little"))

    def called(self, *_):
        """Handles the supervisor's WBINVD."""
        if STACK <= self.get("rsp") < STACK_END:
            self.undefined()
            return
        self.memory.write(GO_ON, ENTRY["return"].to_bytes(8, "little"))
        result = self.system.call(self.get("rax"), [self.get(register) for register in ARGUMENTS])
        if result is not None:
            self.set({"rax": result})

    def undefined(self):
        """Enters the program's SIGILL handler. The stack holds rip, cs, rflags, rsp and ss."""
        frame = STACK_END - 40
        registers = {name: self.get(name) for name in CONTEXT_ORDER}
        registers["rip"], _, registers["rflags"], registers["rsp"], _ = self.memory.words(frame, 5)
        first = self.system.signal(signal.SIGILL, registers)
        words = [first.pop("rip"), USER_CODE, FLAGS, first.pop("rsp"), USER_DATA]
        self.memory.write(frame, array("Q", words).tobytes())
        self.set({**first, "rax": 0xFFFFFFFF})

    def resume(self, registers):
        """Returns to user mode with the given registers and the saved vector registers."""
        rax, rip, flags, stack = (registers.pop(name) for name in ("rax", "rip", "rflags", "rsp"))
        words = array("Q", [rax, rip, USER_CODE, flags, stack, USER_DATA])
        self.memory.write(STACK_END - 48, words.tobytes())
        self.memory.write(GO_ON, ENTRY["resume"].to_bytes(8, "little"))
        self.set({**registers, "rsp": STACK_END - 48})

    def exception(self, _, __, vector, error):
        if vector == UNDEFINED and self.system.handlers.get(signal.SIGILL):
            return
        name = EXCEPTIONS.get(vector, f"exception {vector}")
        where = f" on address {self.get('cr2'):#x}" if vector == PAGE_FAULT else ""
        fail(f"{name}({error:#x}) before {self.get('rip'):#x}{where}")
