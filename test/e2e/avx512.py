# ===- avx512.py - a model on an emulated CPU with AVX-512 -------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""avx512.py CONFIG.json WORK_DIR

Runs a bfloat16 model on the CPU that m1run-bochs emulates. Code without AVX-512 must
give the same bits there as on this CPU, which tests the emulator: AVX2 alone, and with
AMX, which m1run-amx emulates on both. Code with AVX-512 must be as near the interpreter
as bfloat16_units.py requires, and must give generated and scored tokens the same bits.
Code for a feature that the emulated CPU lacks must be refused.
"""

import os
import sys

import bfloat16_units
import e2e
import numpy as np

# Below and above a chunk of 64 tokens; the new tokens continue into a second chunk.
SCORED, PROMPT, NEW_TOKENS = (66, 9), 62, 4


def main():
    config_file, work = sys.argv[1:]
    case = bfloat16_units.Case(e2e.make_checkpoint.load_config(config_file), work, SCORED)
    plans = {cpu: os.path.join(work, f"{cpu}.m1plan") for cpu in ("x86-64-v3", "x86-64-v3+amx", "x86-64-v4", "x86-64-v4+amx")}
    for cpu, plan in plans.items():
        e2e.run("m1c", case.checkpoint, "-o", plan, "--target-cpu", cpu)

    exact = case.exact()
    for kind, program, unit in ("AVX2", "m1run", ""), ("AVX2 and AMX", "m1run-amx", "+amx"):
        here = case.log_probs(program, "score", plans["x86-64-v3" + unit])
        there = case.log_probs(program + "-bochs", "score", plans["x86-64-v3" + unit])
        wide = case.log_probs(program + "-bochs", "score", plans["x86-64-v4" + unit])
        if here.tobytes() != there.tobytes():
            sys.exit(f"{kind}: other bits on the emulated CPU")
        print(f"{kind}: the same bits on the emulated CPU")
        errors = [np.abs(found - exact).mean() for found in (wide, here)]
        print(f"{len(exact)} tokens, mean error {errors[0]:.5f} with AVX-512 instead of AVX2, {errors[1]:.5f} without")
        # not >, so that a NaN fails
        if not 0 < errors[0] <= bfloat16_units.MOST * errors[1]:
            sys.exit(f"expected at most {bfloat16_units.MOST} times the error without")
        print("near")

    prompt = np.random.Generator(np.random.PCG64(2)).integers(0, 100, PROMPT)
    given = ("--weights", case.checkpoint, "--tokens")

    def run(command, tokens, *options):
        out = e2e.fresh(os.path.join(work, "out"))
        e2e.run("m1run-bochs", command, plans["x86-64-v4"], *given, e2e.write_tokens(os.path.join(work, "prompt"), [tokens]), "--out-dir", out, *options)
        return out

    out = run("generate", prompt, "--max-new-tokens", NEW_TOKENS, "--temperature", 0)
    (tokens,), (generated,) = e2e.read(out, "tokens", 1), e2e.read(out, "logprobs", 1)
    (scored,) = e2e.read(run("score", tokens), "logprobs", 1)
    if generated[-NEW_TOKENS:].tobytes() != scored[-NEW_TOKENS:].tobytes():
        sys.exit(f"generated tokens have other bits than scored ones: {generated[-NEW_TOKENS:]}, {scored[-NEW_TOKENS:]}")
    print("generated tokens have the bits of scored ones")

    try:
        case.log_probs("m1run-bochs", "score", plans["x86-64-v4+amx"])
        sys.exit("a plan for a CPU with AMX ran on one without")
    except e2e.ToolError as error:
        print(str(error).splitlines()[-1])


if __name__ == "__main__":
    main()
