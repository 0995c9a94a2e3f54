# ===- ranks.py - models on several ranks ----------------------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Models on several ranks: processes of their own, `m1run engine`, which mpirun or another program starts."""

from __future__ import annotations

import math
import os
import re
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path

from . import _runtime
from .errors import Error

__all__ = ["become_rank", "find_runner", "launch", "parse_mesh", "rank_count"]

Mesh = dict[str, int]

# Whether a launcher has started this process as rank 0, and the others have become ranks.
_is_root = False


def parse_mesh(mesh: str | Mapping[str, int] | None, tensor_parallel_size: int) -> Mesh:
    """The axes of a mesh, such as "tensor=2,expert=2", that have more than one coordinate; or of that number
    of tensor ranks. Raises Error."""
    axes: Mesh = {}
    if isinstance(mesh, Mapping):
        mesh = ",".join(f"{axis}={extent}" for axis, extent in mesh.items())
    if mesh is not None and not isinstance(mesh, str):
        raise Error(f'mesh: expected a text such as "tensor=2,expert=2", found {mesh!r}')
    for part in mesh.split(",") if mesh else []:
        match = re.fullmatch(r"(tensor|expert|data)=([1-9]\d{0,5})", part)
        if not match or match[1] in axes:
            raise Error(f'mesh: expected axes and their extents, such as "tensor=2,expert=2", found {mesh!r}')
        axes[match[1]] = int(match[2])
    if tensor_parallel_size != 1 and axes.setdefault("tensor", tensor_parallel_size) != tensor_parallel_size:
        raise Error(
            f"tensor_parallel_size: expected {axes['tensor']}, the mesh's axis tensor, or none, "
            f"found {tensor_parallel_size}"
        )
    if axes.get("data", 1) > 1:
        raise Error(
            f"mesh: data={axes['data']}: an engine has one copy of the model; start an engine for each, "
            "without this axis"
        )
    return {axis: extent for axis, extent in axes.items() if extent > 1}


def rank_count(mesh: Mesh) -> int:
    """The ranks of a mesh."""
    return math.prod(mesh.values())


def find_runner() -> str:
    """The path of `m1run`: that of the environment variable M1RUN_PATH; or the one built beside this package;
    or the first on the PATH. Raises Error."""
    named = os.environ.get("M1RUN_PATH")
    if named:
        if os.path.isfile(named) and os.access(named, os.X_OK):
            return named
        raise Error(f"M1RUN_PATH: expected the path of the program m1run, found {named!r}")
    beside = Path(__file__).parent.parent.parent / "bin" / "m1run"
    found = str(beside) if os.access(beside, os.X_OK) else shutil.which("m1run")
    if found:
        return found
    raise Error(
        "several ranks need the program m1run: expected it on the PATH, or its path in M1RUN_PATH "
        "(tools/setup.sh builds it)"
    )


def become_rank() -> None:
    """For commands that a launcher may have started on several ranks, as in `mpirun -n 2 m1 serve`. On ranks
    other than 0 it does not return: the process becomes `m1run engine`, whose options come from rank 0."""
    global _is_root
    found = _runtime.launched_rank()
    if found is None:
        return
    if found[0] > 0:
        runner = find_runner()
        os.execv(runner, [runner, "engine"])
    _is_root = True


def launch(mesh: Mesh, launcher: str | None, arguments: list[str]) -> list[str]:
    """The command that starts `m1run engine` with these arguments on the ranks of a mesh. Raises Error."""
    count = rank_count(mesh)
    command = [find_runner(), "engine", *arguments]
    started = _runtime.launched_rank()
    if started is not None:
        if not _is_root:
            raise Error(
                f"this program was started on {started[1]} ranks: start it without a launcher; it starts the "
                "model's ranks"
            )
        if started[1] != count:
            raise Error(f"started on {started[1]} ranks, expected {count} ({_text(mesh)})")
        return command  # this process's place among the ranks is its child's
    if launcher is not None:
        return [*shlex.split(launcher), *command]
    if shutil.which("mpirun") is None:
        raise Error(
            f"{count} ranks need mpirun, which is not on the PATH: install openmpi-bin, or give a launcher, "
            f'such as "srun -n {count}"'
        )
    # Ranks divide the processors among themselves (docs/ranks.md).
    options = ["--oversubscribe", "--bind-to", "none"]
    if os.geteuid() == 0:
        options.append("--allow-run-as-root")
    return ["mpirun", *options, "-n", str(count), *command]


def check_single() -> None:
    """For a model of one rank. Raises Error if a launcher has started several: the others wait for it."""
    started = _runtime.launched_rank()
    if _is_root and started is not None:
        raise Error(
            f"started on {started[1]} ranks, but the model is for one: give --tensor-parallel-size "
            f"{started[1]} or --mesh, or start it without a launcher"
        )


def _text(mesh: Mesh) -> str:
    return ",".join(f"{axis}={extent}" for axis, extent in mesh.items())


def mesh_option(mesh: Mesh) -> str | None:
    """As an option of the compiler; None with one rank."""
    return _text(mesh) or None
