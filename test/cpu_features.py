# ===- cpu_features.py - what this CPU can execute ---------------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Which code this CPU executes; tests run other code on emulated CPUs."""


def _flags():
    try:
        with open("/proc/cpuinfo") as file:
            return next((set(line.split()) for line in file if line.startswith("flags")), set())
    except OSError:
        return set()


FLAGS = _flags()
AVX512 = {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"} <= FLAGS  # x86-64-v4
AVX512_BF16 = AVX512 and "avx512_bf16" in FLAGS
AMX = "amx_bf16" in FLAGS
