# ===- tutorial.py - does the tutorial say what the tools print? ------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""tutorial.py TUTORIAL.md WORK_DIR

Follows the tutorial in WORK_DIR: runs its commands, in order, and looks for
what it quotes in what the tools print. "..." stands for anything; in code, a
comment is the tutorial's own, and a line may be broken where the tool's is not.
Numbers with a point may differ by 1e-4, for other processors. The values in LLVM
IR are compared without their names. Prints how many lines were compared.
"""

import json
import os
import re
import shutil
import subprocess
import sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
COMMENT = {"mlir": r"\s+//.*", "llvm": r"\s+;.*"}
NUMBER = re.compile(r"-?\d+\.\d+(?:e[-+]?\d+)?")

tutorial, work = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
compared, failures = 0, 0


def fail(place, problem):
    global failures
    failures += 1
    print(f"tutorial.md:{place}: {problem}")


def prepare():
    """A folder where the tutorial's paths mean something, and code is the same on every machine."""
    shutil.rmtree(work, ignore_errors=True)
    os.makedirs(os.path.join(work, "bin"))
    for name in ("tools", "test"):
        os.symlink(os.path.join(ROOT, name), os.path.join(work, name))
    os.makedirs(os.path.join(work, ".venv", "bin"))
    m1c = shutil.which("m1c")
    scripts = {
        "bin/m1c": f'case "$*" in *--target*) exec "{m1c}" "$@" ;; esac; exec "{m1c}" --target-cpu=x86-64-v3 "$@"',
        ".venv/bin/python": f'exec "{sys.executable}" "$@"',
    }
    for path, line in scripts.items():
        path = os.path.join(work, path)
        with open(path, "w") as file:
            file.write(f"#!/bin/sh\n{line}\n")
        os.chmod(path, 0o755)
    os.environ["PATH"] = os.path.join(work, "bin") + os.pathsep + os.environ["PATH"]
    os.chdir(work)


def run(place, command):
    """What a command prints; its failure ends the test."""
    if command.startswith("ptxas") and not shutil.which("ptxas"):
        return ""
    result = subprocess.run(["bash", "-c", command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if result.returncode:
        sys.exit(f"tutorial.md:{place}: {command}\nexit code {result.returncode}\n{result.stdout}{result.stderr}")
    return result.stdout


def blocks(text):
    """(line number, language, lines, the heading it stands under) of each fenced block."""
    heading, fence = "", None
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("#") and fence is None:
            heading = line
        if not line.startswith("```"):
            if fence:
                fence[2].append(line)
        elif fence:
            yield (*fence, heading)
            fence = None
        else:
            fence = (number + 1, line[3:], [])


def pattern(quoted, names):
    """A regular expression for a quoted line: spaces are any, "..." is anything."""
    parts = [re.escape(part) for part in " ".join(quoted.split()).split("...")]
    text = ".*".join(part.replace(r"\ ", r"\s+") for part in parts)
    return re.compile(text if names else re.sub(r"%[\w.]+", r"%[\\w.]+", text))


def compare_code(place, lines, output, language):
    """Finds the quoted lines in a tool's output, in their order."""
    global compared
    lines = [(place + i, re.sub(COMMENT[language], "", line)) for i, line in enumerate(lines)]
    lines = [(place, line) for place, line in lines if line.strip(" .")]
    names = language != "llvm"
    output = [" ".join(line.split()) for line in output.splitlines()]
    at = first = 0
    while first < len(lines):
        # As many quoted lines as it takes for one of the output.
        for count in range(1, min(4, len(lines) - first) + 1):
            wanted = pattern(" ".join(line for _, line in lines[first : first + count]), names)
            found = next((i for i in range(at, len(output)) if wanted.fullmatch(output[i])), None)
            if found is not None:
                break
        if found is None:
            fail(lines[first][0], f"not what is printed: {lines[first][1]}")
            count = 1
        else:
            at = found + 1
            compared += count
        first += count


def same(quoted, line):
    """Whether a quoted line is a line of output, but for the last digits of numbers."""
    groups = pattern(NUMBER.sub("@", quoted), True).pattern.replace("@", f"({NUMBER.pattern})")
    match = re.fullmatch(groups, " ".join(line.split()))
    if not match:
        return False
    pairs = zip(map(float, NUMBER.findall(quoted)), map(float, match.groups()))
    return all(abs(a - b) <= 1e-4 * max(1, abs(a)) for a, b in pairs)


def follow_session(place, lines):
    """Runs the commands of a block with prompts, and compares what they print."""
    global compared
    session = []  # place, command, quoted lines
    for number, line in enumerate(lines, place):
        if line.startswith("$ "):
            session.append((number, [line[2:]], []))
        elif "\n".join(session[-1][1]).count('"') % 2:
            session[-1][1].append(line)
        else:
            session[-1][2].append((number, line))
    for place, command, quoted in session:
        output = run(place, re.sub(r"\s+# .*", "", "\n".join(command))).splitlines()
        at = 0
        for number, line in quoted:
            if line == "...":
                continue
            found = next((i for i in range(at, len(output)) if same(line, output[i])), None)
            if found is None:
                fail(number, f"not what is printed: {line}")
            else:
                at = found + 1
                compared += 1


def compare_config(place, lines):
    """Each quoted key has the quoted value in the checkpoint's config.json."""
    global compared
    with open("tiny/config.json") as file:
        config = json.load(file)
    for number, line in enumerate(lines, place):
        quoted = json.loads("{" + re.sub(r",?\s{2,}.*|,$", "", line) + "}")
        if any(config.get(key, None) != value for key, value in quoted.items()):
            fail(number, f"not what the configuration says: {line}")
        compared += 1


prepare()
with open(tutorial) as file:
    text = file.read()
emitted = {}
for place, language, lines, heading in blocks(text):
    if language == "sh":
        for line in lines:
            if not line.startswith(("tools/setup.sh", "export ")):
                run(place, line)
    elif language == "json":
        compare_config(place, lines)
    elif language in COMMENT:
        emit = re.search(r"--emit=(\w+)", heading)[1]
        if emit not in emitted:
            emitted[emit] = run(place, f"m1c tiny --emit={emit}")
        compare_code(place, lines, emitted[emit], language)
    else:
        follow_session(place, lines)
print(f"{compared} lines compared, {failures} differ")
sys.exit(failures > 0)
