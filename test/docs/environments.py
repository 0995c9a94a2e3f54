# ===- environments.py - does environments.md say what happens? -------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""environments.py ENVIRONMENTS.md WORK_DIR

Runs the commands of the console blocks with the program of the Python block in
WORK_DIR and compares what they print, sends the program the requests of the
protocol block and compares its replies, and compares the tables of tokens and
options with the source and with the list that m1run prints. Prints how much was
compared.
"""

import json
import os
import re
import shutil
import subprocess
import sys

page, work = open(sys.argv[1]).read(), sys.argv[2]
failures = compared = 0


def compare(what, quoted, found):
    global failures, compared
    compared += 1
    if quoted != found:
        failures += 1
        print(f"{what}\n  the page:  {quoted!r}\n  the tools: {found!r}")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", page, re.M | re.S)


shutil.rmtree(work, ignore_errors=True)
os.makedirs(os.path.join(work, "bin"))
os.symlink(sys.executable, os.path.join(work, "bin", "python3"))
os.environ["PATH"] = os.path.join(os.path.abspath(work), "bin") + os.pathsep + os.environ["PATH"]
os.chdir(work)
(program,) = blocks("python")
with open("countdown.py", "w") as file:
    file.write(program)

for block in blocks("console"):
    for command, quoted in re.findall(r"^\$ (.*)\n((?:[^$].*\n)*)", block, re.M):
        result = subprocess.run(["bash", "-c", command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        compare(command, quoted, result.stdout)

(protocol,) = blocks("protocol")
lines = protocol.splitlines()
requests = [line[2:] for line in lines if line.startswith("> ")]
replies = [line[2:] for line in lines if line.startswith("< ")]
result = subprocess.run(
    ["python3", "countdown.py"], input="\n".join(requests) + "\n", stdout=subprocess.PIPE, text=True
)
for request, quoted, found in zip(requests, replies, result.stdout.splitlines(), strict=True):
    compare(request, json.loads(quoted), json.loads(found))

# The tokens: the characters of the table, in order, are those of the header.
table = re.search(r"^\| tokens \| characters \|\n\| --- .*\n((?:\|.*\n)+)", page, re.M).group(1)
characters = ""
for first, last, cells in re.findall(r"^\| (\d+) to (\d+) \| (.*?) \|$", table, re.M):
    quoted = re.findall(r"`(.)`", cells)
    if " to " in cells:
        quoted = [chr(code) for code in range(ord(quoted[0]), ord(quoted[1]) + 1)]
    compare("the first token of a row", len(characters), int(first))
    characters += "".join(quoted)
    compare("the last token of a row", len(characters) - 1, int(last))
header = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "runtime/training/environments/Alphabet.h")
with open(header) as file:
    declared = "".join(re.findall(r'"(.*?)"', file.read().split("Alphabet =")[1].split(";")[0]))
compare("the alphabet", characters, declared)

# The names, and their own options.
listed, name = {}, None
for line in subprocess.run(["m1run", "environment"], stdout=subprocess.PIPE, text=True).stdout.splitlines():
    if not line.startswith(" "):
        name = line.split(":")[0]
        listed[name] = []
    else:
        listed[name].append(line.split(":")[0].strip())
common = {"seed", "min_length", "max_length", "partial_credit"}
table = page.split("## Built-in environments")[1].split("**Tokens.**")[0]
rows = re.findall(r"^\| `(\w+)` \| .* \| (.*?) ?\|$", table, re.M)
compare("names", [name for name, _ in rows] + ["program"], list(listed))
for name, options in rows:
    compare(name, sorted(re.findall(r"`(\w+)`", options)), sorted(set(listed[name]) - common))
    compare(f"common options of {name}", common <= set(listed[name]), True)
table = page.split("## A program as an environment")[1].split("### The protocol")[0]
options = [name for row in re.findall(r"^\| (`.*?) \|", table, re.M) for name in re.findall(r"`(\w+)`", row)]
compare("program", sorted(options), sorted(listed["program"]))

print(f"{compared} things compared, {failures} differ")
