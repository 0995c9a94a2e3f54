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
# scores what it generated, and checks that both gave the same bits. Then a
# smaller one learns to sort digits, by supervised training and CISPO, and
# another one, whose tokens are bytes, to write words.

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

stage "7. The same on two ranks: compiled for two processes, which mpirun starts"
build/bin/m1c "$demo/tiny-checkpoint" --mesh tensor=2 -o "$demo/tiny-2.m1plan"
if command -v mpirun >/dev/null; then
  OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 mpirun --oversubscribe -n 2 \
    build/bin/m1run score "$demo/tiny-2.m1plan" --weights "$demo/tiny-checkpoint" \
    --tokens "$demo/out/tokens.0.npy,$demo/out/tokens.1.npy" --out-dir "$demo/score-2"
  for index in 0 1; do
    cmp "$demo/score/logprobs.$index.npy" "$demo/score-2/logprobs.$index.npy"
  done
  echo "two ranks and one have the same bits"
fi

stage "8. The contents of the compiled file: parameters, states, memory, kernels, functions"
build/bin/m1run inspect "$demo/tiny.m1plan"

recipes=test/bench/learning
options='"max_length": 4, "digits": 6'
stage "9. Training: compile a smaller model for it, with the functions of a training step"
"$python" tools/make_checkpoint.py "$recipes/model.json" "$demo/random" --seed 1
build/bin/m1c "$demo/random" --train --max-length 32 --train-tokens 1024 --slots 256 -o "$demo/train.m1plan"

stage "10. Learn to sort digits: 70 updates from solutions"
build/bin/m1run environment sorting --options "{$options, \"seed\": 1000}" --count 8192 --out "$demo/data"
build/bin/m1run environment sorting --options "{$options, \"seed\": 1000}" --count 2
build/bin/m1run sft "$demo/train.m1plan" --weights "$demo/random" --data "$demo/data" \
  --recipe "$recipes/sorting.warmup.json" --out "$demo/warmup" | awk '/^step/ && $2 % 10 == 0'

stage "11. 400 updates by reinforcement learning (CISPO): only rewards say what is right"
build/bin/m1run train "$demo/train.m1plan" --weights "$demo/warmup/checkpoint-70" \
  --recipe "$recipes/sorting.cispo.json" --out "$demo/cispo" | awk '/^step/ && $2 % 40 == 0'

stage "12. Rewards on 256 prompts that were not trained on"
# A learning rate of 0: the responses are judged, and the weights stay as they are.
cat >"$demo/test.json" <<RECIPE
{"environments": [{"name": "sorting", $options, "seed": 999}], "num_prompts": 256, "num_generations": 2, "max_completion_length": 12,
 "dynamic_sampling": false, "mini_batches": 1, "max_steps": 1, "learning_rate": 0, "save_steps": 0}
RECIPE
for weights in random warmup/checkpoint-70 cispo/checkpoint-400; do
  out=$demo/test-${weights%%/*}
  build/bin/m1run train "$demo/train.m1plan" --weights "$demo/$weights" --recipe "$demo/test.json" --out "$out" >/dev/null
done
"$python" - "$demo" <<'PYTHON'
import json
import sys

demo = sys.argv[1]
rewards = {}
for name, text in (("random", "random weights"), ("warmup", "after the warm-up"), ("cispo", "after CISPO")):
    with open(f"{demo}/test-{name}/metrics.jsonl") as file:
        rewards[name] = json.loads(file.readline())["reward"]
    print(f"{text:18} {rewards[name]:.3f}")
with open(f"{demo}/cispo/metrics.jsonl") as file:
    found = [line["sampling_logp_difference/max"] for line in map(json.loads, file) if "sampling_logp_difference/max" in line]
if not found or any(found):
    sys.exit(f"log-probabilities of rollout and training differ: {found}")
print(f"In all {len(found)} batches, log-probabilities of rollout and training were the same bits.")
sys.exit(0 if rewards["random"] < rewards["warmup"] < rewards["cispo"] else "it did not learn")
PYTHON

licences=/usr/share/common-licenses
if [[ -r $licences/GPL-3 && -r $licences/LGPL-3 && -r $licences/MPL-2.0 && -r $licences/Apache-2.0 ]]; then
  stage "13. A model whose tokens are bytes learns to write: 480 updates from the licences of free software"
  "$python" tools/make_checkpoint.py "$recipes/text.model.json" "$demo/illiterate" --seed 1
  "$python" tools/byte_data.py "$demo/text" "$licences"/{GPL-3,LGPL-3,MPL-2.0,Apache-2.0} --epochs 15
  build/bin/m1c "$demo/illiterate" --train --max-length 256 --train-tokens 2048 --slots 8 -o "$demo/text.m1plan"
  build/bin/m1run sft "$demo/text.m1plan" --weights "$demo/illiterate" --data "$demo/text" \
    --recipe "$recipes/text.recipe.json" --out "$demo/writer" | awk '/^step/ && $2 % 60 == 0'
  model=$demo/writer/checkpoint-480
  "$python" tools/byte_tokenizer.py "$model" --temperature 0.5
  du -h "$model/model.safetensors" | cut -f1

  stage "14. Text in and out: the Python package's command m1, which compiles a checkpoint into a cache"
  for prompt in "You may " "The copyright "; do
    M1C_CACHE=$demo/plans .venv/bin/m1 complete "$model" --prompt "$prompt" --echo --max-tokens 160 --seed 1 | tee -a "$demo/written.txt"
  done
  "$python" - "$demo" "$licences"/{GPL-3,LGPL-3,MPL-2.0,Apache-2.0} <<'PYTHON'
import re
import sys


def words(*paths):
    return [word for path in paths for word in re.findall("[a-z]{3,}", open(path, errors="ignore").read().lower())]


written = words(sys.argv[1] + "/written.txt")
known = set(words(*sys.argv[2:]))
found = sum(word in known for word in written)
print(f"{found} of {len(written)} words that it wrote are words of the licences.")
sys.exit(0 if found >= 0.7 * len(written) > 10 else "it did not learn to write")
PYTHON
fi
