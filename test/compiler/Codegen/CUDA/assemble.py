# ===- assemble.py - assembles PTX where ptxas is installed ----------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""assemble.py FILE.ptx ARCHITECTURE: fails on errors, warnings and spills."""

import re
import shutil
import subprocess
import sys

text, architecture = sys.argv[1:]
if not shutil.which("ptxas"):
    print("no ptxas here")
    sys.exit()
run = subprocess.run(
    ["ptxas", "-v", "-arch", architecture, "-o", "/dev/null", text], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
)
if run.returncode or "warning" in run.stdout:
    sys.exit(run.stdout)
spills = re.findall(r"Function properties for (\S+)\n.*?(\d+) bytes spill stores", run.stdout)
assert spills, run.stdout
spilled = [name for name, size in spills if int(size) and re.match("lightning|softmax|linear|experts|head", name)]
if spilled:
    sys.exit(f"spills in {', '.join(spilled)}")
print(f"assembled, no spills in products and attention ({len(spills)} kernels)")
