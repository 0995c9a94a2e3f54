# ===- plot_run.py - are curves drawn, and errors clear? --------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""plot_run.py WORK_DIR: draws runs made by hand and looks at the picture."""

import importlib.util
import math
import os
import shutil
import subprocess
import sys

import matplotlib.image
import numpy as np

TOOL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "tools", "plot_run.py")
work = sys.argv[1]
shutil.rmtree(work, ignore_errors=True)
os.makedirs(work)
os.chdir(work)
checks = 0


def check(condition, what):
    global checks
    checks += 1
    if not condition:
        sys.exit(f"FAILED: {what}")


def write(name, text):
    os.makedirs(name, exist_ok=True)
    with open(os.path.join(name, "metrics.jsonl"), "w") as file:
        file.write(text)


def plot(*arguments):
    result = subprocess.run([sys.executable, TOOL, *arguments], capture_output=True, text=True)
    return result.returncode, result.stdout + result.stderr


def colors(path):
    """How many pixels have the colours of the first and the second run."""
    image = matplotlib.image.imread(path)[:, :, :3]
    counts = []
    for color in ((0x1F, 0x77, 0xB4), (0xFF, 0x7F, 0x0E)):
        counts.append(int((np.abs(image - np.array(color) / 255).max(axis=2) < 0.02).sum()))
    return image.shape, counts


def refused(expected, *arguments):
    code, text = plot(*arguments)
    check(code == 1 and text == f"plot_run: error: {expected}\n", f"{arguments}: {code} {text}")


steps = range(1, 21)
write("a", "".join(f'{{"step":{s},"reward":{s * s},"loss":{1 / s},"note":"x","on":true}}\n' for s in steps))
write("b", "".join(f'{{"step":{s},"reward":{3 * s},"loss":null}}\n' for s in steps) + '{"step":21,"rew')

code, text = plot("a")
check(code == 0 and text == "metrics.png: 2 metrics of 1 runs, up to step 20\n", text)
shape, (first, second) = colors("metrics.png")
check(shape[0] == 384 and shape[1] == 1200, f"two plots side by side: {shape}")
check(first > 500 and second == 0, f"only the first run's colour: {first} {second}")

code, text = plot("a", "b/", "--metrics", "reward", "--out", "both.png", "--smooth", "5")
check(code == 0 and text == "both.png: 1 metrics of 2 runs, up to step 20\n", text)
shape, (first, second) = colors("both.png")
check(shape[0] == 384 and shape[1] == 600, f"one plot: {shape}")
check(first > 300 and second > 300, f"both runs' colours: {first} {second}")
check(sorted(os.listdir(".")) == ["a", "b", "both.png", "metrics.png"], "no other files")

spec = importlib.util.spec_from_file_location("tool", TOOL)
tool = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tool)
check(tool.average([1, 3, 5, 8], 2) == [1, 2, 4, 6.5], "means of two values")
means = tool.average([math.nan, 2, math.nan, 4], 2)
check(math.isnan(means[0]) and means[1:] == [2, 2, 4], "values that are missing")

refused("cannot read none/metrics.jsonl: No such file or directory", "none")
refused("no metric 'rewards'; there are reward, loss", "a", "--metrics", "loss,rewards")
refused("--metrics: expected names, separated by commas", "a", "--metrics", ",")
refused("--smooth is 0, expected at least 1", "a", "--smooth", "0")
refused("a is given twice", "a", "a")
refused("cannot write none/x.png: No such file or directory", "a", "--out", "none/x.png")
write("c", '{"step":1,"reward":1}\n{"reward":2}\n')
refused("c/metrics.jsonl:2: expected a JSON object with 'step'", "c")
write("c", '{"step":1,"reward":1}\n[]\n')
refused("c/metrics.jsonl:2: expected a JSON object with 'step'", "c")
write("c", '{"step":1.5,"reward":1}\n')
refused("c/metrics.jsonl:1: 'step' is 1.5, expected a whole number", "c")
write("c", '{"step":1')
refused("c/metrics.jsonl: no metrics yet", "c")
print(f"{checks} checks")
