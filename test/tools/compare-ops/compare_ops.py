# ===- compare_ops.py - errors that compare-ops.py must find ---------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""compare_ops.py CONFIG.json WORK_DIR

Runs compare-ops.py on a model: as it is; with a runner that changes one weight; and
with one that makes results wrong only where a certain value is fused. Then on a
graph with random weights, and with bad options.
"""

import os
import subprocess
import sys

import numpy as np

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..")
sys.path += [os.path.join(ROOT, "tools"), os.path.join(ROOT, "test", "e2e")]
import e2e  # noqa: E402

config_file, work = sys.argv[1:]
e2e.fresh(work)
checkpoint, damaged = os.path.join(work, "checkpoint"), os.path.join(work, "damaged")
config = e2e.make_checkpoint.load_config(config_file)
e2e.make_checkpoint.write_checkpoint(config, checkpoint, 1, "float32")


def compare(title, *arguments):
    print(f"== {title}", flush=True)
    command = [sys.executable, os.path.join(ROOT, "tools", "compare-ops.py"), *arguments]
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    print(result.stdout.replace(work + "/", ""), end="")
    print(f"exit code {result.returncode}", flush=True)


def runner(name, script):
    path = os.path.join(work, name)
    with open(path, "w") as file:
        file.write(f"#!{sys.executable}\n{script}")
    os.chmod(path, 0o755)
    return "--runner", path


def make_damaged():
    """The checkpoint with another weight of one norm."""
    layout = e2e.make_checkpoint.layout

    def changed(*args):
        for tensor in layout(*args):
            if tensor.name == "model.layers.1.self_attn.norm.weight":
                tensor.mean = 1.5
            yield tensor

    e2e.make_checkpoint.layout = changed
    e2e.make_checkpoint.write_checkpoint(config, damaged, 1, "float32")


make_damaged()
score = (checkpoint, "--function", "score", "--lengths", "20,1")
compare("right", *score)
wrong_weight = f"""import os, sys
words = [{damaged!r} if word == {checkpoint!r} else word for word in sys.argv[1:]]
os.execvp("m1run", ["m1run", *words])
"""
compare("one op is wrong", *score, *runner("wrong-weight", wrong_weight))
wrong_fused = """import os, re, subprocess, sys
import numpy as np
subprocess.run(["m1run", *sys.argv[1:]], check=True)
plan, out = os.path.basename(sys.argv[2]), sys.argv[sys.argv.index("--out-dir") + 1]
for file in os.listdir(out):
    if plan == "fused.m1plan" and re.match(r"v\\d+\\.fused\\.model\\.layers\\.0\\.self_attn\\.gate\\.npy", file):
        path = os.path.join(out, file)
        np.save(path, 1.01 * np.load(path))
"""
compare("a fused kernel is wrong", *score, *runner("wrong-fused", wrong_fused))

graph = os.path.join(work, "graph.mlir")
with open(graph, "w") as file:
    file.write("""m1.parameter @w : tensor<24x16xbf16> from [#m1.source<"w">]
func.func @f(%x: tensor<?x16xbf16> {m1.name = "x"}, %cu: tensor<?xi32> {m1.dim = "B+1", m1.name = "cu"})
    -> (tensor<?x24xf32> {m1.dim = "B", m1.name = "y"}) {
  %w = m1.load_parameter @w : tensor<24x16xbf16>
  %last = m1.select_last %x, %cu : (tensor<?x16xbf16>, tensor<?xi32>) -> tensor<?x16xbf16>
  %p = m1.linear %last, %w : (tensor<?x16xbf16>, tensor<24x16xbf16>) -> tensor<?x24xf32>
  %y = m1.silu %p : (tensor<?x24xf32>) -> tensor<?x24xf32>
  return %y : tensor<?x24xf32>
}
""")
compare("graph", graph, "--lengths", "3,0,5", "--target", "cuda:sm_80")
np.save(os.path.join(work, "x.npy"), np.full((8, 16), np.nan, np.float32))
compare("not a number", graph, "--lengths", "3,0,5", "--arg", f"x={os.path.join(work, 'x.npy')}")
compare("unknown function", graph, "--function", "g")
compare("unknown input", graph, "--arg", "z=x.npy")
compare("bad lengths", graph, "--lengths", "3;4")
compare("no such graph", os.path.join(work, "absent.mlir"))
