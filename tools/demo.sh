#!/usr/bin/env bash
#===- demo.sh - a small model, from checkpoint to tokens ------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===-----------------------------------------------------------------------===//
#
# Compiles a small MiniMax-M1 with random weights, generates from two prompts,
# scores what it generated, and checks that both gave the same bits.

set -euo pipefail
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

if (($#)); then
  echo "usage: tools/demo.sh   (no arguments; all files are in build/demo)"
  [[ $1 == -h || $1 == --help ]] || exit 1
  exit 0
fi
cd "$root"

"$root/tools/setup.sh"
python=.venv/bin/python
demo=build/demo
rm -rf "$demo"
mkdir -p "$demo"

stage() { printf '\n== %s\n' "$*"; }

stage "1. A checkpoint in HuggingFace layout: a small MiniMax-M1 with random weights, the same on every machine"
"$python" tools/make_checkpoint.py test/configs/tiny.json "$demo/tiny-checkpoint" --seed 1

stage "2. Compile: kernels and schedule go into one file, the weights stay in the checkpoint"
build/bin/m1c "$demo/tiny-checkpoint" -o "$demo/tiny.m1plan"
ls -l "$demo/tiny.m1plan"

# 150 tokens span several chunks of lightning attention; 40 tokens end the first chunk while decoding.
stage "3. Two prompts of different length, 150 and 40 tokens"
"$python" - "$demo" <<'PYTHON'
import sys

import numpy as np

random = np.random.Generator(np.random.PCG64(2))
for name, length in (("a", 150), ("b", 40)):
    np.save(f"{sys.argv[1]}/{name}.npy", random.integers(0, 512, length, dtype=np.int64))
PYTHON

stage "4. Generate 32 tokens for each, greedily, both in one ragged batch"
build/bin/m1run generate "$demo/tiny.m1plan" --weights "$demo/tiny-checkpoint" --tokens "$demo/a.npy,$demo/b.npy" \
  --max-new-tokens 32 --temperature 0 --out-dir "$demo/out"

stage "5. Score prompt and response at once, as an evaluation or a training step would"
build/bin/m1run score "$demo/tiny.m1plan" --weights "$demo/tiny-checkpoint" \
  --tokens "$demo/out/tokens.0.npy,$demo/out/tokens.1.npy" --out-dir "$demo/score"

stage "6. Compare: a token's log-probability is the same bits whether it was decoded or scored"
"$python" - "$demo" <<'PYTHON'
import sys

import numpy as np

demo = sys.argv[1]
same = True
for index, name in enumerate("ab"):
    prompt = np.load(f"{demo}/{name}.npy")
    tokens = np.load(f"{demo}/out/tokens.{index}.npy")
    if len(tokens) != len(prompt) + 32 or not np.array_equal(tokens[: len(prompt)], prompt):
        sys.exit(f"sequence {index}: expected the prompt and 32 new tokens, found {len(tokens)} tokens")
    generated = np.load(f"{demo}/out/logprobs.{index}.npy")
    scored = np.load(f"{demo}/score/logprobs.{index}.npy")
    for source, values in (("generate", generated), ("score", scored)):
        if values.dtype != np.float32 or values.shape != (len(tokens) - 1,):
            sys.exit(f"sequence {index}: {source} wrote {values.dtype}{list(values.shape)}, expected float32[{len(tokens) - 1}]")
        # The comparison is meaningless unless these are log-probabilities, and differ from each other.
        if not (np.isfinite(values).all() and (values <= 0).all() and np.ptp(values) > 0):
            sys.exit(f"sequence {index}: {source} wrote values that are not log-probabilities")
    differing = np.flatnonzero(generated.view(np.uint32) != scored.view(np.uint32))
    print(f"sequence {index}: new tokens {' '.join(map(str, tokens[len(prompt):len(prompt) + 8]))} ...")
    if len(differing):
        at = differing[0]
        print(f"  {len(differing)} of {len(scored)} log-probabilities differ; first at token {at + 1}: "
              f"generate {generated[at]!r}, score {scored[at]!r}")
        same = False
    else:
        print(f"  all {len(scored)} log-probabilities are bit-identical; sum {scored.sum(dtype=np.float64):.6f}")
sys.exit(0 if same else "generate and score disagree")
PYTHON

stage "7. The contents of the compiled file: parameters, states, memory, kernels, functions"
build/bin/m1run inspect "$demo/tiny.m1plan"
