# ===- compiler.py - runs the compiler, with a cache ----------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Runs the compiler `m1c`, and keeps what it compiled."""

from __future__ import annotations

import ctypes
import dataclasses
import fcntl
import functools
import hashlib
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from .errors import CompilerError, CompilerMissing, Error
from .program import Plan

__all__ = ["Bounds", "cache_directory", "compile", "compile_model", "device_memory", "find_compiler"]

# PTX of an older GPU runs on newer ones; what ends in "a" does not.
_GPUS = {80: "sm_80", 86: "sm_86", 87: "sm_87", 89: "sm_89", 90: "sm_90"}


@dataclasses.dataclass(frozen=True)
class Bounds:
    """What the memory of a plan depends on."""

    max_tokens: int = 512
    """Most tokens of one call."""
    slots: int = 8
    """Sequences whose state is kept at once."""
    max_length: int = 4096
    """Most tokens of a sequence, prompt and response."""
    serve: bool = False
    """Whether the plan is for the engine."""
    cache_blocks: int | None = None
    """Blocks of keys and values of a plan for the engine; None: as many as all slots could need."""
    mesh: str | None = None
    """The mesh of its ranks, such as "tensor=2"; None: one."""

    def arguments(self) -> list[str]:
        """The compiler's options."""
        found = [
            f"--max-tokens={self.max_tokens}",
            f"--slots={self.slots}",
            f"--max-length={self.max_length}",
        ]
        if self.serve:
            found.append("--serve")
        if self.cache_blocks is not None:
            found.append(f"--cache-blocks={self.cache_blocks}")
        if self.mesh is not None:
            found.append(f"--mesh={self.mesh}")
        return found


def find_compiler() -> str:
    """The path of `m1c`: that of the environment variable M1C_COMPILER_PATH; or the one installed with this
    package, or built beside it; or the first on the PATH. Raises CompilerMissing."""
    named = os.environ.get("M1C_COMPILER_PATH")
    if named:
        if os.path.isfile(named) and os.access(named, os.X_OK):
            return named
        raise CompilerMissing(f"M1C_COMPILER_PATH: expected the path of the program m1c, found {named!r}")
    package = Path(__file__).parent
    for path in (package / "bin" / "m1c", package.parent.parent / "bin" / "m1c"):
        if path.is_file() and os.access(path, os.X_OK):
            return str(path)
    found = shutil.which("m1c")
    if found:
        return found
    raise CompilerMissing(
        "there is no compiler: expected the program m1c on the PATH, or its path in M1C_COMPILER_PATH "
        "(tools/setup.sh builds it); a plan that is already compiled needs none"
    )


def cache_directory() -> Path:
    """Where compiled plans are kept: $M1C_CACHE, or m1c in the user's directory of caches."""
    named = os.environ.get("M1C_CACHE")
    if named:
        return Path(named)
    caches = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(caches) / "m1c"


@functools.cache
def _compiler_identity(path: str, size: int, modified: int) -> str:
    version = subprocess.run([path, "--version"], capture_output=True, text=True)
    return f"{version.stdout.strip()} {size} {modified}"


@functools.cache
def _processor() -> str:
    """What decides which code "native" is."""
    try:
        with open("/proc/cpuinfo") as file:
            for line in file:
                if line.startswith("flags"):
                    return " ".join(sorted(line.partition(":")[2].split()))
    except OSError:
        pass
    return os.uname().machine


def _cuda(device: str) -> tuple[ctypes.CDLL, ctypes.c_int]:
    """The driver, and its handle of a GPU: "cuda" or "cuda:N"."""
    number = device.partition(":")[2] or "0"
    if not number.isdecimal():
        raise Error(f"device: expected cuda:NUMBER, found {device!r}")
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        raise Error(f"device {device}: there is no NVIDIA driver (libcuda.so.1) here") from None
    handle = ctypes.c_int()
    if driver.cuInit(0) or driver.cuDeviceGet(ctypes.byref(handle), int(number)):
        raise Error(f"device {device}: there is no such GPU")
    return driver, handle


def _gpu(device: str) -> str:
    """The target of a GPU: cuda:ARCH. The emulated one runs code for all of them."""
    if device == "ptx":
        return "cuda:sm_80"
    driver, handle = _cuda(device)
    major, minor = ctypes.c_int(), ctypes.c_int()
    driver.cuDeviceGetAttribute(ctypes.byref(major), 75, handle)  # compute capability
    driver.cuDeviceGetAttribute(ctypes.byref(minor), 76, handle)
    found = major.value * 10 + minor.value
    known = [each for each in _GPUS if each <= found]
    if not known:
        raise Error(
            f"device {device}: expected compute capability 8.0 or later, found {major.value}.{minor.value}"
        )
    return "cuda:sm_90a" if found == 90 else "cuda:" + _GPUS[max(known)]


def device_memory(device: str | None) -> int:
    """Bytes of a GPU's memory, or of the memory that this process may use."""
    if device and device.partition(":")[0] == "cuda":
        driver, handle = _cuda(device)
        total = ctypes.c_size_t()
        driver.cuDeviceTotalMem_v2(ctypes.byref(total), handle)
        return total.value
    found = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            found = min(found, int(Path(path).read_text()))
        except (OSError, ValueError):
            pass  # no such limit, or "max"
    return found


def target_arguments(device: str | None, target: str | None, target_cpu: str | None) -> tuple[list[str], str]:
    """The compiler's options for a device, and what the cache knows the target by."""
    if target is None and device and (device == "ptx" or device.partition(":")[0] == "cuda"):
        target = _gpu(device)
    if target and target != "cpu":
        return [f"--target={target}"], target
    if target_cpu and target_cpu != "native":
        return [f"--target-cpu={target_cpu}"], target_cpu
    return [], "native: " + _processor()


def _header(path: Path) -> bytes:
    """The header of a safetensors file; nothing of one that is damaged, which the compiler will say."""
    with open(path, "rb") as file:
        length = file.read(8)
        return (
            length + file.read(min(struct.unpack("<Q", length)[0], 1 << 27)) if len(length) == 8 else length
        )


def model_digest(checkpoint: Path) -> str:
    """A digest of what the compiler reads of a checkpoint: its configuration, and the names, types and shapes
    of its tensors. Not of the weights, which a plan does not hold."""
    found = hashlib.sha256()
    names = sorted(
        path
        for path in checkpoint.iterdir()
        if path.suffix == ".safetensors" or path.name.endswith(".index.json")
    )
    for path in [checkpoint / "config.json", *names]:
        try:
            content = _header(path) if path.suffix == ".safetensors" else path.read_bytes()
        except FileNotFoundError:
            if path.name == "config.json":
                raise Error(f"{checkpoint}: expected a checkpoint, found no config.json in it") from None
            continue  # a link to a file that is not there
        found.update(f"{path.name} {len(content)}\n".encode() + content)
    return found.hexdigest()


def _run(compiler: str, source: str, output: str, arguments: list[str], shown: str) -> None:
    done = subprocess.run([compiler, source, "-o", output, *arguments], capture_output=True, text=True)
    said = done.stderr.replace(source, shown).strip()
    if done.returncode != 0:
        if done.returncode < 0:
            said = f"{said}\nm1c was ended by signal {-done.returncode}".strip()
        said = said.removeprefix("m1c: error: ")
        raise CompilerError(said or f"m1c failed with exit code {done.returncode}")
    for line in said.splitlines():
        print(line, file=sys.stderr)


def _cached(name: str, facts: dict[str, Any], make: Any, quiet: bool, what: str) -> Path:
    """The path of the plan that the facts describe; `make(path)` compiles it if it is not in the cache."""
    key = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:24]
    folder = cache_directory()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Error(
            f"cannot make the cache {folder} ({error.strerror}): set M1C_CACHE to another directory"
        ) from None
    # The name is for people: another copy of a model finds the same plan.
    plan = folder / f"{name}-{key}.m1plan"

    def known() -> Path | None:
        return next(folder.glob(f"*-{key}.m1plan"), None)

    if (found := known()) is not None:
        return found
    # Another process that needs the same plan waits, and finds it. The lock goes with its process.
    with open(folder / f"{key}.lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not quiet:
                print(f"m1: waiting for another process that compiles {what}", file=sys.stderr)
            fcntl.flock(lock, fcntl.LOCK_EX)
        if (found := known()) is not None:
            return found
        if not quiet:
            print(f"m1: compiling {what}", file=sys.stderr)
        begin = time.monotonic()
        temporary = f"{plan}.{os.getpid()}.new"
        try:
            make(temporary)
            os.replace(temporary, plan)
        finally:
            for left in (temporary, lock.name):
                if os.path.exists(left):
                    os.unlink(left)
        if not quiet:
            print(f"m1: compiled in {time.monotonic() - begin:.1f} s: {plan}", file=sys.stderr)
    return plan


def _identity(compiler: str) -> str:
    found = os.stat(compiler)
    return _compiler_identity(compiler, found.st_size, found.st_mtime_ns)


def compile_model(
    checkpoint: str | os.PathLike[str],
    bounds: Bounds,
    *,
    device: str | None = None,
    target: str | None = None,
    target_cpu: str | None = None,
    quiet: bool = False,
) -> Path:
    """The plan of a checkpoint, compiled unless it is in the cache. Says on standard error that it
    compiles."""
    checkpoint = Path(checkpoint)
    if not checkpoint.is_dir():
        raise Error(f"{checkpoint}: expected the directory of a checkpoint")
    compiler = find_compiler()
    options, known = target_arguments(device, target, target_cpu)
    facts = {
        "compiler": _identity(compiler),
        "model": model_digest(checkpoint),
        "bounds": dataclasses.asdict(bounds),
        "target": known,
    }
    name = "".join(c if c.isalnum() or c in "-_." else "_" for c in checkpoint.resolve().name)[:60] or "model"
    arguments = bounds.arguments() + options

    def make(output: str) -> None:
        _run(compiler, str(checkpoint), output, arguments, str(checkpoint))

    return _cached(name, facts, make, quiet, f"{checkpoint} ({' '.join(arguments)})")


def compile(
    mlir: str,
    *,
    weights: str | os.PathLike[str] | None = None,
    max_tokens: int = 512,
    slots: int = 8,
    max_length: int = 4096,
    device: str | None = None,
    target: str | None = None,
    target_cpu: str | None = None,
    threads: int = 0,
    seed: int = 0,
) -> Plan:
    """Compiles a module of m1 ops, given as text; each of its functions becomes a function of the plan.

    `max_tokens` bounds the symbol T, `slots` the symbol B, `max_length` the tokens of a sequence. `target`:
    "cpu" or "cuda:ARCH", by default what the device needs; `target_cpu`: as for `m1c --target-cpu`. The other
    options are those of `Program`. Raises CompilerError, with the compiler's message.
    """
    if not isinstance(mlir, str):
        raise Error(f"compile: expected the text of a module, found {type(mlir).__name__}")
    compiler = find_compiler()
    bounds = Bounds(max_tokens=max_tokens, slots=slots, max_length=max_length)
    options, known = target_arguments(device, target, target_cpu)
    facts = {
        "compiler": _identity(compiler),
        "graph": hashlib.sha256(mlir.encode()).hexdigest(),
        "bounds": dataclasses.asdict(bounds),
        "target": known,
    }

    def make(output: str) -> None:
        with tempfile.TemporaryDirectory() as folder:
            source = os.path.join(folder, "graph.mlir")
            Path(source).write_text(mlir, encoding="utf-8")
            _run(compiler, source, output, bounds.arguments() + options, "graph.mlir")

    path = _cached("graph", facts, make, True, "a graph")
    return Plan(path, weights, device=device, threads=threads, seed=seed)
