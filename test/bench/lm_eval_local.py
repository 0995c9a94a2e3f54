#!/usr/bin/env python3
# ===- lm_eval_local.py - lm-eval's local-completions against m1 serve ------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Runs lm-eval's local-completions client on a small task of its own, against m1 serve.

    python3 -m venv LM && LM/bin/pip install "lm_eval[api]==0.4.13"
    lm_eval_local.py CHECKPOINT_DIR WORK_DIR --lm-eval LM/bin/lm_eval

The checkpoint needs a tokenizer (tools/byte_tokenizer.py). The task asks which of two continuations is likelier, and for
a greedy continuation. Both are then computed with the model in this process: the scores must be equal.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

QUESTIONS = [(f"The number after {i} is", [f" {i + 1}", f" {i + 7}"]) for i in range(12)]
BOUNDS = {"max_model_len": 256, "max_num_seqs": 4, "max_num_batched_tokens": 64}
CHOICE = """task: m1c_choice
dataset_path: json
dataset_kwargs: {data_files: {test: %s}}
test_split: test
output_type: multiple_choice
doc_to_text: "{{question}}"
doc_to_choice: "{{choices}}"
doc_to_target: 0
target_delimiter: ""
metric_list: [{metric: acc}]
"""
GENERATE = """task: m1c_generate
dataset_path: json
dataset_kwargs: {data_files: {test: %s}}
test_split: test
output_type: generate_until
doc_to_text: "{{question}}"
doc_to_target: "{{greedy}}"
target_delimiter: ""
generation_kwargs: {until: ["\\n\\n"], max_gen_toks: 12, temperature: 0}
metric_list: [{metric: exact_match}]
"""


def expected(folder: str) -> tuple[list[str], float]:
    """The greedy continuations, and the share of questions whose first choice is likelier."""
    from m1c import LLM, SamplingParams

    with LLM(folder, **BOUNDS, quiet=True) as llm:
        greedy = SamplingParams(temperature=0, max_tokens=12, stop="\n\n")
        texts = [output.outputs[0].text for output in llm.generate([question for question, _ in QUESTIONS], greedy)]
        right = 0
        for question, choices in QUESTIONS:
            sums = []
            for choice in choices:
                [output] = llm.generate([question + choice], SamplingParams(max_tokens=0, prompt_logprobs=0))
                places = output.prompt_logprobs[len(question.encode()):]
                sums.append(sum(next(iter(place.values())).logprob for place in places))
            right += sums[0] > sums[1]
        return texts, right / len(QUESTIONS)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint")
    parser.add_argument("work")
    parser.add_argument("--lm-eval", default="lm_eval", help="the program")
    args = parser.parse_args()
    work = Path(args.work).resolve()
    work.mkdir(parents=True, exist_ok=True)
    texts, accuracy = expected(args.checkpoint)
    data = work / "questions.json"
    data.write_text("".join(json.dumps({"question": question, "choices": choices, "greedy": text}) + "\n"
                            for (question, choices), text in zip(QUESTIONS, texts)))
    (work / "choice.yaml").write_text(CHOICE % data)
    (work / "generate.yaml").write_text(GENERATE % data)
    options = [f"--{name.replace('_', '-')}={value}" for name, value in BOUNDS.items()]
    server = subprocess.Popen([sys.executable, "-m", "m1c.cli", "serve", args.checkpoint, *options, "--port", "0",
                               "--served-model-name", "tiny"], stdout=subprocess.PIPE, text=True)
    try:
        address = server.stdout.readline().split()[-1]
        client = (f"base_url={address}/v1/completions,model=tiny,tokenizer_backend=remote,tokenized_requests=True,"
                  "num_concurrent=4,max_retries=1")
        environment = {**os.environ, "HF_HUB_OFFLINE": "1", "OPENAI_API_KEY": "none", "PYTHONPATH": ""}
        subprocess.run([args.lm_eval, "--model", "local-completions", "--model_args", client, "--tasks",
                        "m1c_choice,m1c_generate", "--include_path", work, "--output_path", work / "results"], check=True,
                       env=environment)
    finally:
        server.terminate()
        server.wait()
    [result] = [json.loads(path.read_text())["results"] for path in (work / "results").rglob("results*.json")][-1:]
    found = result["m1c_choice"]["acc,none"], result["m1c_generate"]["exact_match,none"]
    print(f"accuracy {found[0]:.4f}, expected {accuracy:.4f}; greedy texts equal: {found[1]:.4f}, expected 1")
    return 0 if abs(found[0] - accuracy) < 1e-9 and found[1] == 1 else 1


if __name__ == "__main__":
    sys.exit(main())
