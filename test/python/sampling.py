# ===- sampling.py - tests of SamplingParams ------------------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
import math
import sys

import checks
import numpy as np
from checks import raises
from m1c import Error, SamplingParams
from m1c.model import EngineConfig, parse_bytes


def check_defaults():
    params = SamplingParams()
    assert (params.n, params.temperature, params.top_p, params.top_k, params.max_tokens) == (
        1,
        1.0,
        1.0,
        0,
        16,
    )
    assert (
        params.stop == [] and params.stop_token_ids == [] and params.seed is None and params.logit_bias == {}
    )
    assert SamplingParams(top_k=-1).top_k == 0 and SamplingParams(stop="x").stop == ["x"]
    assert SamplingParams(max_tokens=np.int64(3)).max_tokens == 3
    assert SamplingParams(seed=-1).seed == 2**64 - 1 and SamplingParams(seed=2**64 - 1).seed == 2**64 - 1
    assert SamplingParams(logit_bias={7: -math.inf}).logit_bias == {7: -math.inf}
    assert params.replace(max_tokens=5).max_tokens == 5 and params.max_tokens == 16


def check_refused():
    for name, values in {
        "n": (0, -1, 1.0, True, "1", None, 1025),
        "temperature": (-0.1, math.nan, math.inf, "hot", None, True, 10**400),
        "top_p": (0, 1.1, math.nan, "x"),
        "top_k": (-2, 1.5, 2**31),
        "min_p": (-0.1, 1.1, math.nan),
        "repetition_penalty": (0, -1, math.nan),
        "presence_penalty": (-2.1, 2.1, math.nan),
        "frequency_penalty": (-2.1, 2.1),
        "seed": (2**64, -(2**63) - 1, 0.5, "7"),
        "stop": (7, [7], [""], "", {"a": 1}),
        "stop_token_ids": ("12", 7, [1.5], [-1], [True]),
        "ignore_eos": (1, None, "yes"),
        "max_tokens": (-1, 1.5, "many", True),
        "min_tokens": (-1, 17, None),
        "logprobs": (-1, True, 2.5),
        "prompt_logprobs": (-1,),
        "logit_bias": ([1], {"a": 1}, {-1: 0}, {1: math.nan}, {1: math.inf}, {1: "x"}),
        "allowed_token_ids": ([], [-1], "ab"),
        "thinking_budget": (-1, 1.5),
        "logprobs_mode": ("both", None),
        "priority": (0.5, 2**31),
    }.items():
        for value in values:
            with raises(Error, name):
                SamplingParams(**{name: value})
    try:
        SamplingParams(temprature=1)
    except TypeError as error:
        assert "temprature" in str(error)
    else:
        raise AssertionError("an unknown name was accepted")


def check_sizes():
    assert [parse_bytes("x", each) for each in (7, "7", "2GiB", "1.5 kB".replace("k", "K"), "3MB")] == [
        7,
        7,
        2 << 30,
        1500,
        3000000,
    ]
    assert parse_bytes("x", "25%", 1000) == 250
    for bad in (-1, 1.5, "2 gigs", "50%", "", None, True, "101%"):
        with raises(Error, "x: expected a number of bytes"):
            parse_bytes("x", bad, 1000 if bad == "101%" else None)
    for option, value in {
        "max_model_len": 0,
        "max_num_seqs": "4",
        "threads": -1,
        "seed": -1,
        "enable_prefix_caching": 1,
    }.items():
        with raises(Error, option):
            EngineConfig(**{option: value})


if __name__ == "__main__":
    checks.main(sys.modules[__name__], sys.argv[1:])
