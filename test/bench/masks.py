# ===- masks.py - what masks cost a token ----------------------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Times tokens with and without masks, on a tiny model with MiniMax-M1's vocabulary of 200,064 tokens.

    masks.py WORK_DIR [--batch 8] [--tokens 100] [--repeat 3]

Needs m1c in the PATH (build/bin). Prints, for each kind of mask, the CPU time of a token in the whole process, and the
part of it that the engine waits for masks. A request with a mask has a row of biases, as one with a bias has. The kinds
take turns; the medians are printed.
"""

import argparse
import os
import resource
import statistics
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(ROOT, "test", "python"), os.path.join(ROOT, "test", "data", "tokenizer")]

import make_tokenizer  # noqa: E402
import models  # noqa: E402
from m1c import LLM, SamplingParams, StructuredOutputsParams  # noqa: E402

SCHEMA = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "name": {"type": "string", "maxLength": 12},
            "size": {"type": "number"},
            "kind": {"enum": ["a", "b"]},
        },
        "required": ["name", "size", "kind"],
    },
    "minItems": 1000,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("work", metavar="WORK_DIR")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--tokens", type=int, default=100)
    parser.add_argument("--repeat", type=int, default=3)
    args = parser.parse_args()
    folder = os.path.join(args.work, "masks")
    if not os.path.isdir(folder):
        models.checkpoint(folder, tokenizer=False, vocab_size=200064)
        make_tokenizer.write(folder, make_tokenizer.m1())
    llm = LLM(folder, max_model_len=args.tokens + 16, max_num_seqs=args.batch, quiet=True, threads=1)
    size = 4 * ((llm.vocab_size + 31) // 32)
    every, half = b"\xff" * size, b"\x0f" * size

    def flips(choice, tokens):
        """Changes all words of the mask for each token."""
        flips.turn ^= 1
        return every if flips.turn else half

    flips.turn = 0
    plain = SamplingParams(max_tokens=args.tokens, seed=1, ignore_eos=True)
    kinds = {
        "none": plain,
        "none, but a bias": plain.replace(logit_bias={7: 1}),
        "one that permits all": plain.replace(next_mask=lambda choice, tokens: None),
        "the same bytes": plain.replace(next_mask=lambda choice, tokens: half),
        "other bytes each time": plain.replace(next_mask=flips),
        "JSON schema": plain.replace(
            structured_outputs=StructuredOutputsParams(json=SCHEMA, disable_any_whitespace=True)
        ),
        "any text": plain.replace(structured_outputs=StructuredOutputsParams(regex="(.|\n)*")),
    }
    found = {kind: [] for kind in kinds}
    for turn in range(args.repeat + 1):
        for kind, params in kinds.items():
            before, waited = (
                resource.getrusage(resource.RUSAGE_SELF).ru_utime,
                llm.stats()["seconds_in_masks"],
            )
            outputs = llm.generate([[1 + i] for i in range(args.batch)], params)
            count = sum(len(each.outputs[0].token_ids) for each in outputs)
            assert count == args.batch * args.tokens, (kind, count)
            if turn:  # the first one compiles, and touches pages
                found[kind].append(
                    (
                        (resource.getrusage(resource.RUSAGE_SELF).ru_utime - before) / count,
                        (llm.stats()["seconds_in_masks"] - waited) / count,
                    )
                )
    for kind, times in found.items():
        user, masks = (1e6 * statistics.median(each) for each in zip(*times))
        print(f"{kind:24} {user:8.1f} us of CPU time a token, {masks:8.1f} us in masks")


if __name__ == "__main__":
    main()
