# ===- memory.py - an emulated machine's memory ------------------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""The machine's memory, mapped in the host process, and its page tables."""

import ctypes
import errno
import os
import sys
from array import array

# Physical and virtual addresses are equal: [0, SPACE) is the program's. The page
# tables follow; their lowest level is one array with an entry per page.
PAGE = 4096
SPACE = 1 << 36
TABLES = SPACE
DIRECTORIES = TABLES + SPACE // PAGE * 8
POINTERS = DIRECTORIES + SPACE // PAGE // 512 * 8
ROOT = POINTERS + PAGE
PHYSICAL = ROOT + PAGE

# The supervisor's pages, and the program's mappings, whose addresses are never reused.
KERNEL, KERNEL_PAGES, MAPPINGS = 0x1000, 4, 0x100000000
HEAP = 1 << 30

# Bits of a page table entry.
PRESENT, WRITABLE, USER, ACCESSED, DIRTY, NO_EXECUTE = 1, 2, 4, 0x20, 0x40, 1 << 63
PRESENT_TABLE = PRESENT | WRITABLE | USER | ACCESSED
SUPERVISOR = PRESENT | WRITABLE | ACCESSED | DIRTY

PROT_READ, PROT_WRITE, PROT_EXEC = 1, 2, 4
MAP_SHARED, MAP_PRIVATE, MAP_FIXED, MAP_ANONYMOUS, MAP_NORESERVE = 1, 2, 0x10, 0x20, 0x4000
FAILED = (1 << 64) - 1


def fail(problem):
    """Ends the process with a message, even if stderr is closed."""
    try:
        print(f"bochs: {problem}", file=sys.stderr, flush=True)
    finally:
        os._exit(70)


libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_uint64
libc.mmap.argtypes = [ctypes.c_uint64, ctypes.c_uint64, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_uint64]
libc.syscall.restype = ctypes.c_long
libc.syscall.argtypes = [ctypes.c_long] + [ctypes.c_uint64] * 6


def up(value, unit=PAGE):
    return -(-value // unit) * unit


class Memory:
    """The machine's memory, mapped in the host process, and its page tables."""

    def __init__(self):
        flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
        self.base = libc.mmap(0, PHYSICAL, PROT_READ | PROT_WRITE, flags, -1, 0)
        if self.base == FAILED:
            fail("the host gives no address space")
        self.entries = self.view(TABLES, SPACE // PAGE * 8).cast("Q")
        self.fill(DIRECTORIES, TABLES, DIRECTORIES)
        self.fill(POINTERS, DIRECTORIES, POINTERS)
        self.fill(ROOT, POINTERS, ROOT)
        last = KERNEL + KERNEL_PAGES * PAGE
        self.entries[KERNEL // PAGE : last // PAGE] = array("Q", range(KERNEL | SUPERVISOR, last | SUPERVISOR, PAGE))
        self.next = MAPPINGS
        self.heap = self.heap_end = 0

    def fill(self, table, first, last):
        """Makes a table's entries refer to the tables in [first, last)."""
        entries = array("Q", range(first | PRESENT_TABLE, last, PAGE))
        self.view(table, 8 * len(entries)).cast("Q")[:] = entries

    def view(self, address, size):
        return memoryview((ctypes.c_char * size).from_address(self.base + address)).cast("B")

    def write(self, address, data):
        self.view(address, len(data))[:] = data

    def words(self, address, count):
        return self.view(address, 8 * count).cast("Q").tolist()

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
        """Whether an address belongs to the program."""
        return address < SPACE and self.entries[address // PAGE] & (PRESENT | USER) == PRESENT | USER

    def map(self, address, size, protection, flags=MAP_PRIVATE | MAP_ANONYMOUS, file=-1, offset=0):
        """mmap(): the address, or a negative error number. Private host mappings are always writable; the page tables
        hold the protection that the program asked for."""
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
        """brk(): the end of the heap. Memory that is released and allocated again is zero."""
        if self.heap <= end <= self.heap + HEAP:
            mapped, wanted = up(self.heap_end), up(end)
            if wanted > mapped:
                self.protect(mapped, wanted - mapped, PROT_READ | PROT_WRITE)
            elif wanted < mapped:
                self.unmap(wanted, mapped - wanted)
            self.heap_end = end
        return self.heap_end
