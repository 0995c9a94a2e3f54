# ===- failures.py - jobs whose ranks fail --------------------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
#
# Starts m1-rank-job with mpirun, with a fault of one rank, and checks messages, exit code
# and time. Call 0 and 1 of a rank's transport compare facts, with a gather and a
# broadcast; call 2 on are the exchanges. Prints exit codes and times.

import os
import re
import subprocess
import sys
import time

TIMEOUT = 4.0  # s, of an exchange
STARTING = 30.0  # s, allowed for mpirun and a busy machine
GRACE = 2.0

WHERE = r"rank {0} \({1}\), step {2} of 'score' \(model.layers.0; last finished: {3}\): "


def where(rank, place, step, last):
    return WHERE.format(rank, place, step, last)


# Name, arguments of mpirun, expected lines (regular expressions), exit codes, whether the
# job waits for the time limit.
JOB = ["m1-rank-job", "--steps=6", f"--timeout={int(TIMEOUT * 1000)}"]
TWO = ["-n", "2", *JOB, "--tensor=2"]
FOUR = ["-n", "4", *JOB, "--data=2", "--tensor=2"]
LATE = "rank 1 did not answer within 4 s"
OTHERS = r"error: rank \d \(.*\), step \d of 'score' \(.*\): all-.* of 64 bytes: .*rank \d did not answer within 4 s"
CASES = [
    ("no failure", TWO, ["done", "done"], [0], False),
    ("no failure, 4 ranks", FOUR, ["done"] * 4, [0], False),
    ("killed before the first exchange", [*TWO, "--rank=1", "--kill=0"], ["rank 1 .*signal 9"], [137], False),
    ("killed between exchanges", [*TWO, "--rank=1", "--kill=4"], ["rank 1 .*signal 9"], [137], False),
    ("killed while others wait", [*TWO, "--rank=1", "--kill=4", "--for=1000"], ["rank 1 .*signal 9"], [137], False),
    (
        "stopped (SIGSTOP)",
        [*TWO, "--rank=1", "--stop=4"],
        ["error: " + where(0, "tensor 0", 2, "step 1") + "all-gather of 64 bytes: " + LATE],
        [1],
        True,
    ),
    (
        "stopped, 4 ranks",
        [*FOUR, "--rank=1", "--stop=4"],
        ["error: rank [023] .*, step 1 of 'score' .*all-to-all of 64 bytes: " + LATE],
        [1],
        True,
    ),
    (
        "fails by itself",
        [*TWO, "--rank=1", "--fail=4"],
        [
            "error: " + where(0, "tensor 0", 2, "step 1") + "all-gather of 64 bytes: rank 1 failed: "
            + where(1, "tensor 1", 2, "step 1") + "injected failure",
            "error: " + where(1, "tensor 1", 2, "step 1") + "injected failure",
        ],
        [1],
        False,
    ),
    (
        "computes for too long",
        [*TWO, "--rank=1", "--delay=4", "--for=5000"],
        [
            "error: " + where(0, "tensor 0", 2, "step 1") + "all-gather of 64 bytes: " + LATE,
        ],
        [1],
        True,
    ),
    (
        "another seed",
        ["-n", "2", *JOB, "--tensor=2", "the seed=1", ":", "-n", "1", *JOB, "--tensor=2", "the seed=2"],
        ["error: the ranks differ in the seed: 1 on ranks 0, 1, 2 on rank 2"],
        [1],
        False,
    ),
    (
        "does not start",
        ["-n", "1", *JOB, "--tensor=2", "--start=4000", ":", "-n", "1", "sleep", "60"],
        ["m1: error: within 4 s not all ranks started \\(MPI_Init\\)"],
        [1],
        True,
    ),
]


def run(name, arguments, lines, codes, waits):
    environment = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    began = time.monotonic()
    done = subprocess.run(
        ["mpirun", "--oversubscribe", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
        timeout=120,
    )
    took = time.monotonic() - began
    problems = []
    rest = done.stdout
    for line in lines:
        found = re.search(line, rest)
        if not found:
            problems.append(f"no line {line!r}")
        else:
            rest = rest[: found.start()] + rest[found.end() :]
    if waits:
        # Where the time limits of others end at the same moment, or a rank that
        # was late goes on, they say so, too.
        rest = re.sub(OTHERS, "", rest)
    errors = len(re.findall("error: ", rest))
    if errors:
        problems.append(f"{errors} further errors")
    if done.returncode not in codes:
        problems.append(f"exit code {done.returncode}, expected {codes}")
    limit = STARTING + (TIMEOUT + GRACE if waits else 0)
    if took > limit:
        problems.append(f"took {took:.1f} s, expected at most {limit} s")
    for problem in problems:
        print(f"{name}: {problem}\n{done.stdout}")
    if not problems:
        print(f"| {name} | {done.returncode} | {took:.1f} s |")
    return not problems


if not all([run(*case) for case in CASES]):
    sys.exit("some jobs did not end as expected")
