# ===- program.py - plans and their functions -----------------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Plans, and their functions on arrays."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from . import _runtime
from .errors import Error

__all__ = ["Function", "Plan", "Program", "TensorType"]


class TensorType(NamedTuple):
    """The type of an input or a result."""

    dtype: str
    """As NumPy names it: "float32", "int32", ...; or "bfloat16"."""
    shape: tuple[int | str, ...]
    """Extents: numbers, or symbols that a call determines, such as "T" or "B+1"."""

    def __str__(self) -> str:
        return f"{self.dtype}[{', '.join(map(str, self.shape))}]"


class Function(NamedTuple):
    """The signature of a plan's function."""

    name: str
    inputs: Mapping[str, TensorType]
    outputs: Mapping[str, TensorType]

    def __str__(self) -> str:
        inputs, outputs = (
            ", ".join(f"{name}: {type}" for name, type in tensors.items())
            for tensors in (self.inputs, self.outputs)
        )
        return f"{self.name}({inputs}) -> ({outputs})"


def _functions(described: dict[str, Any]) -> dict[str, Function]:
    def types(tensors: dict[str, tuple[str, tuple[int | str, ...]]]) -> dict[str, TensorType]:
        return {name: TensorType(*type) for name, type in tensors.items()}

    return {
        name: Function(name, types(each["inputs"]), types(each["outputs"]))
        for name, each in described["functions"].items()
    }


def _argument(where: str, value: Any, type: TensorType) -> Any:
    """What the runtime takes for an argument: arrays as they are, numbers and lists as arrays of the input's
    type."""
    if isinstance(value, np.ndarray) and value.dtype.name == "bfloat16":
        return value.view(np.uint16)
    if not isinstance(value, (bool, int, float, list, tuple, np.generic)):
        return value
    dtype = np.dtype(np.float32 if type.dtype == "bfloat16" else type.dtype)
    try:
        found = np.asarray(value)
        if not np.can_cast(found.dtype, dtype, "same_kind") and found.size:
            raise Error(f"{where}: expected {type.dtype}, found a list of {found.dtype}")
        array = np.array(value, dtype)
    except (OverflowError, TypeError, ValueError) as error:
        if isinstance(error, Error):
            raise
        raise Error(f"{where}: expected numbers that are {type.dtype}: {error}") from None
    if type.dtype == "bfloat16":
        return _to_bfloat16(array)
    return array


def _to_bfloat16(array: np.ndarray) -> np.ndarray:
    """The bits, rounded to nearest, ties to even."""
    bits = array.view(np.uint32)
    rounded = (bits + (0x7FFF + ((bits >> 16) & 1))) >> 16
    return np.where(np.isnan(array), 0x7FC0, rounded).astype(np.uint16)


def _from_bfloat16(bits: np.ndarray) -> np.ndarray:
    return (bits.astype(np.uint32) << 16).view(np.float32)


class Program:
    """A plan with its weights on a device.

    States keep what calls wrote into them. Calls from several threads run one after the other, without the
    GIL.
    """

    def __init__(
        self,
        plan: str | os.PathLike[str],
        weights: str | os.PathLike[str] | None = None,
        *,
        device: str | None = None,
        threads: int = 0,
        seed: int = 0,
    ):
        """Loads the plan and its weights.

        `weights`: the checkpoint's directory, "none" for random weights (of the seed), or None for a plan
        without parameters. `device`: "cpu", "cuda", "cuda:N" or "ptx" (a GPU in software); None: the one that
        the plan was compiled for. `threads`: of the CPU; 0: one for each processor.
        """
        self._opened = _runtime.Program(
            os.fspath(plan), os.fspath(weights or ""), device=device or "", threads=threads, seed=seed
        )
        self._functions = _functions(self._opened.describe())

    @property
    def device(self) -> str:
        """The device, in words."""
        return self._opened.device

    def functions(self) -> dict[str, Function]:
        """The plan's functions by name."""
        return dict(self._functions)

    def call(self, function: str, /, **arrays: Any) -> dict[str, np.ndarray]:
        """Runs a function on its inputs, which are given by name, and returns its results by name.

        An input is an array of exactly the input's type, from NumPy or from anything with DLPack in the
        host's memory; it is used in place if it is contiguous. Numbers and lists are converted. bfloat16:
        arrays of ml_dtypes, DLPack, or the bits as uint16; results of bfloat16 are returned as float32, which
        is exact.
        """
        known = self._functions.get(function)
        if known:
            where = f"function '{function}': input "
            arrays = {
                name: (
                    _argument(f"{where}'{name}'", value, known.inputs[name])
                    if name in known.inputs
                    else value
                )
                for name, value in arrays.items()
            }
        results = self._opened.call(function, arrays)
        assert known is not None  # else the call has failed
        return {
            name: _from_bfloat16(array) if known.outputs[name].dtype == "bfloat16" else array
            for name, array in results.items()
        }


class Plan:
    """A compiled plan: a file, which is loaded with its weights at the first call."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        weights: str | os.PathLike[str] | None = None,
        *,
        device: str | None = None,
        threads: int = 0,
        seed: int = 0,
    ):
        """Reads what the plan holds. The options are those of `Program`."""
        self.path = os.fspath(path)
        self._described = _runtime.describe_plan(self.path)
        self._functions = _functions(self._described)
        self._options: dict[str, Any] = {
            "weights": weights,
            "device": device,
            "threads": threads,
            "seed": seed,
        }
        self._program: Program | None = None
        self._opening = threading.Lock()

    def functions(self) -> dict[str, Function]:
        """The plan's functions by name."""
        return dict(self._functions)

    @property
    def bounds(self) -> dict[str, int]:
        """The largest value of each symbol: of T, the tokens of a call, of B, its sequences, and so on."""
        return dict(self._described["symbols"])

    @property
    def model(self) -> dict[str, Any] | None:
        """Of a language model: architecture, vocabulary, slots, max_length and so on; None for other
        graphs."""
        model = self._described["model"]
        return dict(model) if model else None

    @property
    def targets(self) -> list[str]:
        """What its machine code is for: "x86_64-linux-gnu" or a GPU such as "sm_90a"."""
        return list(self._described["targets"])

    @property
    def program(self) -> Program:
        """The plan on its device, with its weights."""
        with self._opening:
            if self._program is None:
                self._program = Program(self.path, **self._options)
            return self._program

    def call(self, function: str, /, **arrays: Any) -> dict[str, np.ndarray]:
        """`Program.call`."""
        return self.program.call(function, **arrays)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Copies the plan to a file, which appears when it is complete."""
        path = os.path.abspath(path)
        handle, temporary = tempfile.mkstemp(dir=os.path.dirname(path), prefix=os.path.basename(path) + ".")
        os.close(handle)
        try:
            shutil.copyfile(self.path, temporary)
            os.chmod(temporary, 0o666 & ~_umask())
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise

    def __repr__(self) -> str:
        return f"Plan({self.path!r}: {', '.join(self._functions)})"


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
