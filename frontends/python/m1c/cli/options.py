# ===- options.py - options that commands share ---------------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Options that commands share: of the model, of the engine, of sampling."""

from __future__ import annotations

import argparse
import math
from typing import Any

__all__ = ["add_engine_options", "add_model", "add_sampling_options", "engine_options", "sampling_options"]


def whole(least: int) -> Any:
    """The type of an option that is a whole number."""

    def convert(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if value < least:
            raise argparse.ArgumentTypeError(f"expected a whole number of at least {least}, found {text!r}")
        return value

    return convert


def number(text: str) -> float:
    """The type of an option that is a finite number."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"expected a number, found {text!r}")
    return value


def add_model(parser: argparse.ArgumentParser) -> None:
    """The model, and options of its text."""
    parser.add_argument(
        "model",
        metavar="CHECKPOINT|PLAN",
        help="a directory in HuggingFace layout, which is compiled unless it is in the cache; or a plan",
    )
    parser.add_argument(
        "--weights", metavar="DIR|none", help="of a plan: its checkpoint, or none: random ones"
    )
    parser.add_argument(
        "--tokenizer", metavar="DIR", help="where tokenizer.json is, if not in the checkpoint"
    )


def add_engine_options(parser: argparse.ArgumentParser) -> None:
    """Options of the engine; engine_options() reads them."""
    group = parser.add_argument_group("engine")
    group.add_argument(
        "--max-model-len",
        type=whole(1),
        metavar="N",
        help="most tokens of prompt and response together (default: 4096, or the model's own bound)",
    )
    group.add_argument(
        "--max-num-seqs",
        type=whole(1),
        metavar="N",
        help="responses that are computed at a time (default 16)",
    )
    group.add_argument(
        "--max-num-batched-tokens",
        type=whole(1),
        metavar="N",
        help="tokens of a step, in which long prompts are computed in pieces (default 512)",
    )
    group.add_argument(
        "--kv-cache-memory",
        metavar="SIZE",
        help="memory for keys and values, such as 2GiB or 50%% of the device's (default: enough for all)",
    )
    group.add_argument(
        "--enable-prefix-caching",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="compute equal beginnings of prompts once; the results are the same bits",
    )
    group.add_argument(
        "--prefix-cache-memory", metavar="SIZE", help="for states of beginnings (default 256MiB)"
    )
    group.add_argument(
        "--tensor-parallel-size",
        type=whole(1),
        metavar="N",
        help="processes among which the model is divided; the results are the same bits (default 1)",
    )
    group.add_argument("--mesh", metavar="AXIS=N[,...]", help="the general form, such as tensor=2,expert=4")
    group.add_argument(
        "--launcher",
        metavar="COMMAND",
        help="what starts these processes, such as 'srun -n 8' (default: mpirun, on this machine)",
    )
    group.add_argument(
        "--rank-timeout",
        type=whole(1),
        metavar="SECONDS",
        help="how long they wait for each other in a step (default 60)",
    )
    group.add_argument(
        "--device", metavar="DEVICE", help="cpu, cuda, cuda:N, or ptx: a GPU in software (default cpu)"
    )
    group.add_argument("--target-cpu", metavar="CPU", help="the CPU to compile for (default: this one)")
    group.add_argument(
        "--threads",
        type=whole(0),
        metavar="N",
        help="threads on the CPU (default: one per processor that it may use)",
    )


_ENGINE = (
    "weights",
    "tokenizer",
    "chat_template",
    "max_model_len",
    "max_num_seqs",
    "max_num_batched_tokens",
    "kv_cache_memory",
    "enable_prefix_caching",
    "prefix_cache_memory",
    "tensor_parallel_size",
    "mesh",
    "launcher",
    "rank_timeout",
    "device",
    "target_cpu",
    "threads",
)


def engine_options(args: argparse.Namespace) -> dict[str, Any]:
    """The arguments of LLM and AsyncLLM that were given."""
    found = {name: getattr(args, name, None) for name in _ENGINE}
    return {name: value for name, value in found.items() if value is not None}


def add_sampling_options(parser: argparse.ArgumentParser, max_tokens: int | None) -> None:
    """Options of sampling; sampling_options() reads them. Without one, generation_config.json decides."""
    group = parser.add_argument_group("sampling (default: as generation_config.json says)")
    bound = "up to the model's bound" if max_tokens is None else str(max_tokens)
    group.add_argument(
        "--max-tokens",
        type=whole(0),
        default=max_tokens,
        metavar="N",
        help=f"most tokens of a response (default: {bound})",
    )
    group.add_argument("--temperature", type=number, metavar="T", help="0: always the most likely token")
    group.add_argument("--top-p", type=number, metavar="P")
    group.add_argument("--top-k", type=whole(-1), metavar="K")
    group.add_argument("--min-p", type=number, metavar="P")
    group.add_argument("--repetition-penalty", type=number, metavar="R")
    group.add_argument("--presence-penalty", type=number, metavar="X")
    group.add_argument("--frequency-penalty", type=number, metavar="X")
    group.add_argument("--seed", type=int, metavar="N", help="same seed, same response")
    group.add_argument("--stop", action="append", metavar="TEXT", help="ends the response; may be repeated")
    group.add_argument("--ignore-eos", action="store_true", help="go on after the model's own end")
    group.add_argument(
        "--thinking-budget", type=whole(0), metavar="N", help="close the thinking after so many tokens"
    )


_SAMPLING = (
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "repetition_penalty",
    "presence_penalty",
    "frequency_penalty",
    "seed",
    "stop",
    "ignore_eos",
    "thinking_budget",
)


def sampling_options(args: argparse.Namespace) -> dict[str, Any]:
    """The arguments of SamplingParams that were given, and max_tokens."""
    found = {name: getattr(args, name) for name in _SAMPLING}
    given = {name: value for name, value in found.items() if value is not None}
    return {**given, "max_tokens": args.max_tokens}
