# ===- bad_tools.py - options, outputs and a full disk -------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//

import json
import os
import resource
import shutil
import subprocess

import e2e
import numpy as np
from refusals import OUT, accepted, checkpoint, compile_model, memory, prompt, refused, run, score, work


def check_tools():
    """Options, outputs and a full disk."""
    folder, _ = checkpoint()
    plan = os.path.join(work, "new.m1plan")
    refused(["nowhere", "config.json"], "m1c", os.path.join(work, "nowhere"), "-o", plan)
    refused(["nowhere.mlir", "No such file"], "m1c", os.path.join(work, "nowhere.mlir"), "-o", plan)
    refused(["-o"], "m1c", folder)
    refused(["-o"], "m1c", folder, "-o", "-")
    refused(["--max-tokens", "0"], "m1c", folder, "-o", plan, "--max-tokens=0")
    refused(["--slots", "-3"], "m1c", folder, "-o", plan, "--slots=-3")
    refused(["--max-length", "0"], "m1c", folder, "-o", plan, "--max-length=0")
    refused([os.path.join("absent", "new.m1plan")], "m1c", folder, "-o", os.path.join(work, "absent", "new.m1plan"))
    refused(["/dev/full", "No space left"], "m1c", folder, "-o", "/dev/full")
    refused(["No space left"], "m1c", folder, "--emit=m1", "-o", "/dev/full")
    assert not os.path.isfile("/dev/full"), "the device was replaced by a file"

    good = compile_model(folder, "--max-length=2048")
    tokens = prompt("tokens", [1] * 1500)
    refused(["--bogus"], *score(good, folder, tokens), "--bogus")
    commands = "expected a subcommand (generate, score, call, bench, engine, inspect, estimate, digest, environment, train, sft, verify-run, gradients), found "
    refused([commands + "'bogus'"], "m1run", "bogus", "--json")
    refused([commands + "none"], "m1run")
    refused(["--bogus"], "m1c", folder, "-o", plan, "--bogus")
    refused(["--max-tokens", "many"], "m1c", folder, "-o", plan, "--max-tokens=many")
    refused(["--bogus"], "m1-interpret", folder, "--out-dir", OUT, "--bogus")
    refused(["--weights"], "m1run", "score", good, "--tokens", tokens, "--out-dir", OUT)
    refused(["--tokens"], "m1run", "score", good, "--weights", folder, "--out-dir", OUT)
    bench = "m1run", "bench", good, "--weights", folder
    small = prompt("small", [1, 2, 3])
    for option in ("--batch", "--prompt-len", "--new-tokens", "--repeat"):
        for value in (0, -1, 2**63, "1e3", "0x10"):
            refused([f"{option} {value}: expected a whole number from 1 to 9223372036854775807"], *bench, option, value)
    largest = 2**63 - 1
    refused([str(largest), "64", "2048"], *bench, "--prompt-len", largest)
    refused([str(largest), "2048"], *bench, "--prompt-len", largest, "--new-tokens", largest)
    refused([f"--batch {largest}", "room for 8"], *bench, "--batch", largest)
    refused(["cannot start 1000 threads"], *score(good, folder, small), "--threads", 1000, preexec_fn=memory(1 << 30))
    for limit in range(12, 60, 12):  # the program itself takes 10 MiB
        few_bytes = run(*score(good, folder, small), preexec_fn=memory(limit << 20))
        assert few_bytes.returncode in (0, 1) and few_bytes.stderr.count("\n") == few_bytes.returncode, few_bytes
    # 4 GiB, in 2: the tools without exceptions end with a line, too.
    module, large = os.path.join(work, "model.mlir"), os.path.join(work, "large.npy")
    e2e.run("m1c", folder, "--emit=model", "-o", module)
    with open(large, "wb") as file:
        np.lib.format.write_array_header_1_0(file, dict(descr="<i8", fortran_order=False, shape=(2**29,)))
        file.truncate(file.tell() + 8 * 2**29)
    interpret = "m1-interpret", module, "--weights", folder, "--out-dir", OUT
    refused(["m1-interpret: error: out of memory"], *interpret, "--entry", "score", "--arg", large, preexec_fn=memory(2 << 30))
    os.remove(large)
    # Names that a terminal would obey, and names that are no text.
    odd = os.path.join(work, "a\x1b[31m\u202e\udcff")
    refused([r"a\u001b[31m\u202e\xff.m1plan: No such file"], "m1run", "inspect", odd + ".m1plan")
    refused([r"a\u001b[31m\u202e\xff: not a directory"], "m1c", odd, "-o", plan)
    refused([r"unknown option '--a\u001b[31m'"], "m1c", folder, "-o", plan, "--a\x1b[31m")
    refused([r"unknown option '--a\u001b[31m'"], "m1run", "inspect", good, "--a\x1b[31m")
    shutil.copy(good, odd)
    assert r"a\u001b[31m\u202e\xff (" in accepted("m1run", "inspect", odd)
    assert json.loads(accepted("m1run", "inspect", odd, "--json"))["file"].endswith("a\x1b[31m\u202e\ufffd")
    os.remove(odd)
    for value in ("many", "-1", "", str(2**32)):
        refused([f"--threads {value}: expected a whole number from 0 to 4294967295"], *score(good, folder, tokens), "--threads", value)
    for value in ("-1", str(2**64), "0x", "1e3"):
        expected = f"--init-seed {value}: expected a whole number from 0 to 18446744073709551615"
        refused([expected], *score(good, "none", tokens), "--init-seed", value)
    refused(["absent"], "m1run", "call", good, "--weights", folder, "--entry", "absent")
    refused(["score", "5", "0"], "m1run", "call", good, "--weights", folder, "--entry", "score")
    refused([os.path.join(good, "out"), "Not a directory"], *score(good, folder, tokens)[:-1], os.path.join(good, "out"))

    def small_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))

    # 1,500 rows of 512 logits exceed the limit, their log-probabilities do not.
    refused(["logits.0.npy", "File too large"], *score(good, folder, tokens), "--logits", preexec_fn=small_files)

    # All files of a run appear, or none, however late one fails.
    few = prompt("few", [1, 2, 3])
    two = f"{few},{few}"
    generate = "m1run", "generate", good, "--weights", folder, "--tokens", two, "--max-new-tokens", 2, "--out-dir", OUT
    scored = score(good, folder, two)
    for name, command in (("logprobs.1", scored), ("logits.1", (*scored, "--logits")), ("logprobs.1", generate)):
        name += ".npy"
        os.makedirs(os.path.join(OUT, name))
        refused([os.path.join(OUT, name), "Is a directory"], *command)

    # Output smaller and larger than a buffer.
    for words in (("inspect", good), ("inspect", good, "--json"), ("--help",)):
        with open("/dev/full", "w") as full:
            result = subprocess.run(["m1run", *words], stdout=full, stderr=subprocess.PIPE, text=True)
        assert result.returncode == 1 and result.stderr == "m1run: error: cannot write to standard output: No space left on device\n", result
    with open("/dev/full", "w") as full:
        result = subprocess.run(["m1c", folder, "-o", plan, "--report"], stdout=full, stderr=subprocess.PIPE, text=True)
    assert result.returncode == 1 and result.stderr == "m1c: error: 'standard output': No space left on device\n", result
    assert not os.path.exists(plan), "a plan without its report"
    # Kernels are linked without temporary files.
    accepted("m1c", folder, "-o", plan, env={**os.environ, "TMPDIR": os.path.join(work, "absent")})
