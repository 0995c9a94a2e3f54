# ===- model.py - from a checkpoint or a plan to what an engine needs -----===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Finds what belongs to a model: its plan, which is compiled if need be, its weights, tokenizer and
defaults."""

from __future__ import annotations

import dataclasses
import math
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import _runtime, ranks
from .compiler import Bounds, compile_model, device_memory
from .errors import Error
from .text import ChatTemplate, TextError, Tokenizer
from .text.files import read_optional_object

__all__ = ["EngineConfig", "Model", "parse_bytes"]

_UNITS = {"": 1, "B": 1}
_UNITS.update({unit + "B": 1000 ** (i + 1) for i, unit in enumerate("KMGT")})
_UNITS.update({unit + "iB": 1024 ** (i + 1) for i, unit in enumerate("KMGT")})
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Za-z]*|%)")
# As vLLM, whose names these are.
_SAMPLING_DEFAULTS = ("temperature", "top_p", "top_k", "min_p", "repetition_penalty")


def parse_bytes(name: str, value: int | str, whole: int | None = None) -> int:
    """A number of bytes: an int, or a text such as "2GiB", or, of `whole`, "50%"."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    if isinstance(value, str):
        match = _SIZE.fullmatch(value.strip())
        if match and match[2] == "%" and whole is not None and float(match[1]) <= 100:
            return int(whole * float(match[1]) / 100)
        if match and match[2] in _UNITS:
            return int(float(match[1]) * _UNITS[match[2]])
    share = ', or a share such as "50%"' if whole is not None else ""
    raise Error(f'{name}: expected a number of bytes, such as 2147483648 or "2GiB"{share}, found {value!r}')


@dataclasses.dataclass(kw_only=True)
class EngineConfig:
    """The options of LLM and AsyncLLM. For a model that is a plan, its bounds are the largest values."""

    weights: str | os.PathLike[str] | None = None
    """The checkpoint of a plan, or "none" for random weights."""
    tokenizer: str | os.PathLike[str] | None = None
    """The directory with the tokenizer's files, if it is not the checkpoint's."""
    chat_template: str | os.PathLike[str] | None = None
    """A file with a chat template, instead of the checkpoint's."""
    max_model_len: int | None = None
    """Most tokens of a sequence, prompt and response; by default 4096, or what the model was made for if that
    is less."""
    max_num_seqs: int | None = None
    """Sequences that are computed at a time; by default 16."""
    max_num_batched_tokens: int | None = None
    """Tokens of a step: a longer prompt is computed in pieces, beside the responses of others; by default
    512."""
    kv_cache_memory: int | str | None = None
    """Memory for keys and values: bytes, a text such as "2GiB", or a share of the device's memory such as
    "50%". Sequences that do not fit wait. By default there is enough for all."""
    enable_prefix_caching: bool = False
    """Whether prompts that begin like an earlier one start from its state. The results are the same bits."""
    prefix_cache_memory: int | str = 256 << 20
    """Host memory for states of the prefix cache."""
    swap_memory: int | str = 1 << 30
    """Host memory for states of sequences that gave way to others."""
    max_num_queued: int = 1024
    """Sequences that wait; further ones are refused with QueueFull."""
    tensor_parallel_size: int = 1
    """Ranks, processes of their own, among which the model's tensors are divided. The results are the same
    bits."""
    mesh: str | Mapping[str, int] | None = None
    """The general form: the ranks on each axis, such as "tensor=2,expert=4"."""
    launcher: str | None = None
    """The command that starts the ranks of the mesh, on several machines for example: "srun -n 16". The
    command to be run is appended, and rank 0 has to be on this machine. By default, mpirun starts them
    here."""
    rank_timeout: int = 60
    """Seconds that a rank waits for others in a step, before all end with an error."""
    device: str | None = None
    """"cpu", "cuda", "cuda:N" or "ptx" (a GPU in software)."""
    target_cpu: str | None = None
    """The CPU to compile for, as for `m1c --target-cpu`; by default this one."""
    threads: int = 0
    """Threads on the CPU; 0: one for each processor."""
    seed: int | None = None
    """Makes seeds of requests that have none, so that a program draws the same each time; also that of random
    weights."""
    quiet: bool = False
    """Whether not to say on standard error that a model is being compiled."""

    def __post_init__(self) -> None:
        for name in (
            "max_model_len",
            "max_num_seqs",
            "max_num_batched_tokens",
            "max_num_queued",
            "tensor_parallel_size",
            "rank_timeout",
        ):
            value = getattr(self, name)
            if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
                raise Error(f"{name}: expected a whole number of at least 1, found {value!r}")
        if (
            not isinstance(self.threads, int)
            or isinstance(self.threads, bool)
            or not 0 <= self.threads <= 4096
        ):
            raise Error(f"threads: expected a whole number from 0 to 4096, found {self.threads!r}")
        if self.seed is not None and (not isinstance(self.seed, int) or not 0 <= self.seed < 1 << 64):
            raise Error(f"seed: expected a whole number from 0 to 2^64 - 1, found {self.seed!r}")
        if not isinstance(self.enable_prefix_caching, bool):
            raise Error(
                f"enable_prefix_caching: expected True or False, found {self.enable_prefix_caching!r}"
            )


def read_config(path: Path) -> dict[str, Any]:
    """The object in a JSON file; empty if there is no such file."""
    try:
        return read_optional_object(path)
    except TextError as error:
        raise Error(str(error)) from None


class Model:
    """A model's plan, weights and text."""

    def __init__(self, model: str | os.PathLike[str], config: EngineConfig):
        path = Path(os.path.expanduser(os.fspath(model)))
        self.config = config
        self.mesh = ranks.parse_mesh(config.mesh, config.tensor_parallel_size)
        if path.is_dir():
            if config.weights is not None:
                raise Error(
                    f"weights: {path} is a checkpoint, which has its own; expected weights for a plan only"
                )
            self.directory: Path | None = path
            self.weights = str(path)
            self.plan = self._compile(path)
        elif path.exists():
            if config.weights is None:
                raise Error(
                    f"{path}: a plan holds no weights: give weights=CHECKPOINT, or "
                    'weights="none" for random ones'
                )
            self.weights = os.path.expanduser(os.fspath(config.weights))
            self.directory = Path(self.weights) if Path(self.weights).is_dir() else None
            self.plan = path
            self._check_plan()
        else:
            raise Error(f"{path}: there is no such checkpoint or plan")
        if not self.mesh:
            ranks.check_single()
        text = (
            Path(os.path.expanduser(os.fspath(config.tokenizer)))
            if config.tokenizer is not None
            else self.directory
        )
        self.tokenizer: Tokenizer | None = None
        if text is not None and ((text / "tokenizer.json").exists() or config.tokenizer is not None):
            self.tokenizer = Tokenizer.from_directory(text)
        self._text = text
        self.generation = read_config(self.directory / "generation_config.json") if self.directory else {}
        self.stop_token_ids = self._stop_tokens()
        self.default_sampling = self._default_sampling()

    def chat_template(self) -> ChatTemplate | None:
        """The template of chats; None if there is none."""
        if self.tokenizer is None or self._text is None:
            return None
        override = self.config.chat_template
        return ChatTemplate.from_directory(
            self._text, self.tokenizer, None if override is None else os.fspath(override)
        )

    def _bounds(self, directory: Path) -> Bounds:
        config = self.config
        length = config.max_model_len
        if length is None:
            known = read_config(directory / "config.json").get("max_position_embeddings")
            length = min(4096, known) if isinstance(known, int) and known > 0 else 4096
        tokens = config.max_num_batched_tokens or 512
        slots = config.max_num_seqs or 16
        if tokens < slots:
            raise Error(f"max_num_batched_tokens: expected at least max_num_seqs, {slots}, found {tokens}")
        mesh = ranks.mesh_option(self.mesh)
        return Bounds(max_tokens=tokens, slots=slots, max_length=length, serve=True, mesh=mesh)

    def _compile(self, directory: Path) -> Path:
        config = self.config
        bounds = self._bounds(directory)

        def compiled(bounds: Bounds, quiet: bool) -> Path:
            return compile_model(
                directory, bounds, device=config.device, target_cpu=config.target_cpu, quiet=quiet
            )

        plan = compiled(bounds, config.quiet)
        if config.kv_cache_memory is None:
            return plan
        whole = device_memory(config.device)
        if not (config.device or "").startswith("cuda"):
            whole //= ranks.rank_count(self.mesh)  # they are on this machine
        memory = parse_bytes("kv_cache_memory", config.kv_cache_memory, whole)
        known = _runtime.describe_plan(str(plan))["model"]
        if not known["cache_blocks"]:
            return plan  # no layer has keys and values
        blocks = min(memory // known["block_bytes"], known["cache_blocks"])
        if blocks < 1:
            raise Error(
                f"kv_cache_memory: expected at least {known['block_bytes']} bytes, a block of "
                f"{known['block_positions']} tokens, found {memory}"
            )
        if blocks == known["cache_blocks"]:
            return plan
        return compiled(dataclasses.replace(bounds, cache_blocks=blocks), config.quiet)

    def _check_plan(self) -> None:
        config = self.config
        described = _runtime.describe_plan(str(self.plan))
        model = described["model"]
        if model is None:
            raise Error(
                f"{self.plan}: expected the plan of a language model, found one of a graph; m1c.Plan runs it"
            )
        if self.mesh and self.mesh != described["mesh"]:
            raise Error(
                f"mesh: {self.plan} was compiled for {ranks.mesh_option(described['mesh']) or 'one rank'}, "
                f"found {ranks.mesh_option(self.mesh)}"
            )
        self.mesh = ranks.parse_mesh(described["mesh"], 1)
        if config.kv_cache_memory is not None:
            raise Error(
                "kv_cache_memory: a plan has its own, which m1c --cache-blocks gave it; found one for a plan"
            )
        largest = {
            "max_model_len": ("max_length", model["max_length"]),
            "max_num_seqs": ("slots", model["slots"]),
            "max_num_batched_tokens": ("max_tokens", described["symbols"].get("T", 0)),
        }
        for name, (option, bound) in largest.items():
            asked = getattr(config, name)
            if asked is not None and asked > bound:
                raise Error(
                    f"{name}: {self.plan} was compiled for at most {bound} "
                    f"(m1c --{option.replace('_', '-')}), found {asked}"
                )

    def _stop_tokens(self) -> list[int]:
        if self.tokenizer is not None:
            return list(self.tokenizer.stop_token_ids)
        config = read_config(self.directory / "config.json") if self.directory else {}
        for known in (self.generation, config):
            value = known.get("eos_token_id")
            if value is not None:
                values = value if isinstance(value, list) else [value]
                if not all(type(each) is int and each >= 0 for each in values):
                    raise Error(
                        f"{self.directory}: eos_token_id: expected a token id or a list of them, "
                        f"found {value!r}"
                    )
                return values
        return []

    def _default_sampling(self) -> dict[str, Any]:
        """The sampling parameters that generation_config.json gives. Its do_sample is ignored, as vLLM
        does."""
        found = {}
        for name in _SAMPLING_DEFAULTS:
            value = self.generation.get(name)
            if value is None:
                continue
            if not isinstance(value, (int, float)) or isinstance(value, bool) or not math.isfinite(value):
                raise Error(
                    f"{self.directory}/generation_config.json: {name}: expected a number, found {value!r}"
                )
            found[name] = int(value) if name == "top_k" else value
        return found

    def engine_arguments(self) -> dict[str, Any]:
        """The arguments of the runtime's Engine."""
        config = self.config
        cache = parse_bytes("prefix_cache_memory", config.prefix_cache_memory)
        found: dict[str, Any] = {
            "plan": str(self.plan),
            "weights": self.weights,
            "device": config.device or "",
            "threads": config.threads,
            "seed": config.seed or 0,
            "max_tokens_per_step": config.max_num_batched_tokens or 0,
            "max_running": config.max_num_seqs or 0,
            "max_queued": config.max_num_queued,
            "prefix_cache_bytes": cache if config.enable_prefix_caching else 0,
            "swap_bytes": parse_bytes("swap_memory", config.swap_memory),
        }
        if self.mesh:
            found["ranks"] = ranks.launch(self.mesh, config.launcher, self._rank_arguments(found))
            found["quiet"] = config.quiet
        return found

    def _rank_arguments(self, found: Mapping[str, Any]) -> list[str]:
        """The same as arguments of `m1run engine`."""
        options = {
            "--weights": found["weights"],
            "--init-seed": found["seed"],
            "--threads": found["threads"],
            "--timeout": self.config.rank_timeout,
            "--max-tokens-per-step": found["max_tokens_per_step"],
            "--max-running": found["max_running"],
            "--max-queued": found["max_queued"],
            "--prefix-cache-bytes": found["prefix_cache_bytes"],
            "--swap-bytes": found["swap_bytes"],
        }
        if found["device"]:
            options["--device"] = found["device"]
        # Ranks may be started in another directory.
        arguments = [os.path.abspath(found["plan"])]
        if found["weights"] != "none":
            options["--weights"] = os.path.abspath(found["weights"])
        for name, value in options.items():
            arguments += [name, str(value)]
        return arguments


def options_of(values: Mapping[str, Any]) -> EngineConfig:
    """The options of a call; an unknown one is an error that names the known ones."""
    known = [field.name for field in dataclasses.fields(EngineConfig)]
    for name in values:
        if name not in known:
            raise TypeError(f"unknown option {name!r}; expected one of {', '.join(known)}")
    return EngineConfig(**values)
