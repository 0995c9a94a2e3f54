#!/usr/bin/env python3
# ===- bench_small.py - the small model, against transformers -------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Measures the compiled small model and prints a table.

    bench_small.py [--build-dir build] [--threads 2] [--json] [--no-transformers]

Runs test/configs/small.json in bfloat16 with one sequence: a prefill of 512 tokens, then
decoding 64, the best of three runs after an untimed one. For comparison:

    transformers    eager, in bfloat16 and in float32, the better of the two for each
                    figure (it rotates whole heads where the model rotates half of
                    each: the same work)
    the machine     bytes per second that numpy reads from memory with as many threads,
                    and float32 operations per second of its matrix product, which uses
                    all processors

Decoding is bound by memory: its share of the machine's limit is the bytes of weights
used per token over the bytes that could be read in the same time. Prefill is bound by
arithmetic: two operations per weight that a token uses.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
sys.path.insert(0, os.path.join(ROOT, "tools"))
import make_checkpoint  # noqa: E402

PROMPT, NEW_TOKENS, REPEAT = 512, 64, 3


def best(function, repeat=REPEAT):
    """The shortest time of `repeat` calls, in seconds, after an untimed one."""
    function()
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def in_threads(count, function):
    threads = [threading.Thread(target=function, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def machine_limits(threads):
    """Bytes read per second, and float32 operations per second."""
    arrays = [np.ones(1 << 26, np.float64) for _ in range(threads)]
    seconds = best(lambda: in_threads(threads, lambda i: arrays[i].max()))
    bandwidth = sum(a.nbytes for a in arrays) / seconds
    a = np.ones((3072, 3072), np.float32)
    return bandwidth, 2 * 3072**3 / best(lambda: a @ a)


def used_weights(config):
    """How many weights one token uses: all but the embedding table and the experts that it is not routed to."""
    share = config["num_experts_per_tok"] / config["num_local_experts"]
    return sum(
        t.elements * (share if ".experts." in t.name else 1)
        for t in make_checkpoint.layout(config, "bfloat16", False)
        if t.name != "model.embed_tokens.weight"
    )


def run(command):
    """A program's output, time in seconds and peak memory."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command)}: exit code {process.returncode}")
    return output, time.perf_counter() - start, usage.ru_maxrss * 1024


def transformers_main(directory, dtype, threads):
    """Measures transformers in a separate process."""
    import torch

    sys.path.insert(0, os.path.join(HERE, "..", "golden"))
    import generate

    torch.set_num_threads(threads)
    torch.set_grad_enabled(False)
    model = generate.transformers_model(directory, getattr(torch, dtype))
    prompt = (torch.arange(PROMPT) * 7919 % model.config.vocab_size)[None]

    def prefill():
        return model(prompt, use_cache=True, logits_to_keep=1)

    def decode(cache, token):
        for _ in range(NEW_TOKENS):
            out = model(token, past_key_values=cache, use_cache=True)
            cache, token = out.past_key_values, out.logits[:, -1:].argmax(-1)

    prefill_seconds = best(prefill)
    decode_seconds = []
    for _ in range(REPEAT):
        out = prefill()
        start = time.perf_counter()
        decode(out.past_key_values, out.logits[:, -1:].argmax(-1))
        decode_seconds.append(time.perf_counter() - start)
    result = {
        "prefill_tokens_per_second": PROMPT / prefill_seconds,
        "decode_tokens_per_second": NEW_TOKENS / min(decode_seconds),
        "peak_rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }
    print(json.dumps(result))


def measure(args, work):
    config = make_checkpoint.load_config(args.config)
    checkpoint, plan = os.path.join(work, "checkpoint"), os.path.join(work, "model.m1plan")
    make_checkpoint.write_checkpoint(config, checkpoint, 1, "bfloat16")
    tools = os.path.join(args.build_dir, "bin")
    _, compile_seconds, compile_memory = run([os.path.join(tools, "m1c"), checkpoint, "-o", plan])
    command = [os.path.join(tools, "m1run"), "bench", plan, "--weights", checkpoint, "--threads", str(args.threads), "--json"]
    command += ["--prompt-len", str(PROMPT), "--new-tokens", str(NEW_TOKENS), "--repeat", str(REPEAT)]
    m1 = json.loads(run(command)[0])
    bandwidth, operations = machine_limits(args.threads)
    weights = used_weights(config)
    result = {
        "m1run": m1,
        "compile_seconds": compile_seconds,
        "compile_peak_rss_bytes": compile_memory,
        "plan_bytes": os.path.getsize(plan),
        "read_bytes_per_second": bandwidth,
        "matrix_operations_per_second": operations,
        "used_weights": weights,
        "decode_share_of_bandwidth": m1["decode_tokens_per_second"] * 2 * weights / bandwidth,
        "prefill_share_of_matrix_peak": m1["prefill_tokens_per_second"] * 2 * weights / operations,
    }
    if not args.no_transformers:
        for dtype in ("bfloat16", "float32"):
            command = [sys.executable, __file__, "--measure-transformers", checkpoint, dtype, str(args.threads)]
            result[f"transformers_{dtype}"] = json.loads(run(command)[0].splitlines()[-1])
    return result


def print_table(result):
    m1 = result["m1run"]
    others = [result[k] for k in ("transformers_bfloat16", "transformers_float32") if k in result]
    print(f"{'':24}{'m1run':>12}{'transf. bf16':>14}{'transf. f32':>14}{'m1run / best':>14}{'of the limit':>14}")
    shares = {"prefill": result["prefill_share_of_matrix_peak"], "decode": result["decode_share_of_bandwidth"]}
    for name, share in shares.items():
        key = f"{name}_tokens_per_second"
        cells = "".join(f"{o[key]:14.1f}" for o in others) if others else f"{'-':>14}{'-':>14}"
        ratio = f"{m1[key] / max(o[key] for o in others):14.2f}" if others else f"{'-':>14}"
        print(f"{name + ', tokens/s':24}{m1[key]:12.1f}{cells}{ratio}{share:13.0%}")
    cells = "".join(f"{o['peak_rss_bytes'] / 2**20:14.0f}" for o in others) if others else f"{'-':>14}{'-':>14}"
    print(f"{'peak memory, MiB':24}{m1['peak_rss_bytes'] / 2**20:12.0f}{cells}")
    print(f"weights {m1['parameter_bytes'] / 2**20:.0f} MiB, {result['used_weights'] / 1e6:.1f} M of them used per token")
    print(f"compile {result['compile_seconds']:.2f} s, {result['compile_peak_rss_bytes'] / 2**20:.0f} MiB; plan {result['plan_bytes'] / 2**20:.2f} MiB")
    print(f"machine {result['read_bytes_per_second'] / 1e9:.1f} GB/s read, {result['matrix_operations_per_second'] / 1e9:.0f} GFLOP/s in float32")


def main():
    if sys.argv[1:2] == ["--measure-transformers"]:
        return transformers_main(sys.argv[2], sys.argv[3], int(sys.argv[4]))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build-dir", default=os.path.join(ROOT, "build"))
    parser.add_argument("--config", default=os.path.join(HERE, "..", "configs", "small.json"))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    parser.add_argument("--no-transformers", action="store_true", help="do not measure transformers, which needs torch")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        result = measure(args, work)
    if args.json:
        print(json.dumps(result, indent=2))
    else:
        print_table(result)


if __name__ == "__main__":
    main()
