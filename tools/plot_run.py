#!/usr/bin/env python3
# ===- plot_run.py - curves of training runs -------------------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Draws the metrics of training runs (RUN_DIR/metrics.jsonl) as a PNG.

    plot_run.py RUN_DIR [RUN_DIR...] --metrics reward_mean,entropy --out curves.png

There is one plot for each metric, with a curve for each run. A run that is still
training can be drawn, too. Needs matplotlib, which tools/setup.sh installs into .venv.
"""

import argparse
import json
import math
import os
import sys

COLUMNS = 3


def fail(message):
    sys.exit(f"plot_run: error: {message}")


def read_run(folder):
    """The metrics of a run: {name: {step: value}}, in the order of their first line."""
    path = os.path.join(folder, "metrics.jsonl")
    try:
        with open(path, encoding="utf-8") as file:
            lines = file.readlines()
    except OSError as error:
        fail(f"cannot read {path}: {error.strerror}")
    except UnicodeDecodeError as error:
        fail(f"{path}: not UTF-8: {error.reason}")
    if lines and not lines[-1].endswith("\n"):
        lines.pop()  # it is being written
    metrics = {}
    for number, line in enumerate(lines, 1):
        try:
            fields = json.loads(line)
            step = fields.pop("step")
        except (ValueError, KeyError, AttributeError, TypeError):
            fail(f"{path}:{number}: expected a JSON object with 'step'")
        if isinstance(step, bool) or not isinstance(step, int):
            fail(f"{path}:{number}: 'step' is {json.dumps(step)}, expected a whole number")
        for name, value in fields.items():
            if value is None:
                value = math.nan  # a number that was not finite
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                metrics.setdefault(name, {})[step] = float(value)
    if not metrics:
        fail(f"{path}: no metrics yet")
    return metrics


def average(values, count):
    """The means of up to `count` values that end at each one; NaN counts as none."""
    result = []
    for end in range(1, len(values) + 1):
        window = [v for v in values[max(0, end - count) : end] if not math.isnan(v)]
        result.append(sum(window) / len(window) if window else math.nan)
    return result


def choose(runs, wanted):
    """The names of the metrics to draw."""
    known = list(dict.fromkeys(name for metrics in runs.values() for name in metrics))
    if wanted is None:
        return known
    names = [name.strip() for name in wanted.split(",") if name.strip()]
    if not names:
        fail("--metrics: expected names, separated by commas")
    for name in names:
        if name not in known:
            fail(f"no metric '{name}'; there are {', '.join(known)}")
    return names


def labels(folders):
    """The last parts of the paths, or the paths where these are equal."""
    names = [os.path.basename(os.path.abspath(folder)) for folder in folders]
    return names if len(set(names)) == len(names) else folders


def draw(runs, names, smooth, out):
    try:
        import matplotlib
    except ImportError:
        fail("no matplotlib in this Python: run it with .venv/bin/python, which tools/setup.sh makes")
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    columns = min(COLUMNS, len(names))
    rows = -(-len(names) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(5 * columns, 3.2 * rows), squeeze=False, layout="constrained")
    for index, plot in enumerate(axes.flat):
        if index >= len(names):
            plot.set_axis_off()
            continue
        name = names[index]
        for number, (label, metrics) in enumerate(runs.items()):
            points = sorted(metrics.get(name, {}).items())
            steps, values = [p[0] for p in points], [p[1] for p in points]
            color = f"C{number % 10}"
            # A single point makes no line.
            marker = "." if len(points) < 3 else None
            if smooth > 1:
                plot.plot(steps, values, color=color, alpha=0.25, marker=marker)
                values = average(values, smooth)
            plot.plot(steps, values, color=color, label=label, marker=marker)
        plot.set_title(name)
        plot.set_xlabel("step")
        plot.grid(alpha=0.3)
        if index == 0:
            plot.legend()
    # It appears when complete.
    temporary = f"{out}.tmp-{os.getpid()}"
    try:
        figure.savefig(temporary, format="png", dpi=120)
        os.replace(temporary, out)
    except OSError as error:
        if os.path.exists(temporary):
            os.remove(temporary)
        fail(f"cannot write {out}: {error.strerror}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", metavar="RUN_DIR", help="directory of a run")
    parser.add_argument("--metrics", metavar="A,B", help="which metrics to draw (default: all)")
    parser.add_argument("--out", metavar="FILE", default="metrics.png", help="the PNG file (default: metrics.png)")
    parser.add_argument("--smooth", metavar="N", type=int, default=1, help="draw means of N steps (default: 1)")
    options = parser.parse_args()
    if options.smooth < 1:
        fail(f"--smooth is {options.smooth}, expected at least 1")
    runs = {}
    for label, folder in zip(labels(options.runs), options.runs):
        if label in runs:
            fail(f"{folder} is given twice")
        runs[label] = read_run(folder)
    names = choose(runs, options.metrics)
    draw(runs, names, options.smooth, options.out)
    steps = max((max(values) for metrics in runs.values() for values in metrics.values()))
    print(f"{options.out}: {len(names)} metrics of {len(runs)} runs, up to step {steps}")


if __name__ == "__main__":
    main()
