# ===- bad_modules.py - modules that m1c refuses -------------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//

import os
import resource

from refusals import OUT, accepted, checkpoint, refused, run, work

GRAPH = """func.func @f(%x: tensor<?x8xf32> {{m1.name = "{}"}}) -> (tensor<?x8xf32> {{m1.name = "{}"}}, tensor<?x8xf32> {{m1.name = "{}"}}) {{
  %0 = {}
  return %0, %x : tensor<?x8xf32>, tensor<?x8xf32>
}}
"""
LARGE = """m1.parameter @p : tensor<2000000000xf32> from [#m1.source<"p">]
func.func @f() -> tensor<2000000000xf32> {
  %0 = m1.load_parameter @p : tensor<2000000000xf32>
  return %0 : tensor<2000000000xf32>
}
"""
SILU = "m1.silu %x : (tensor<?x8xf32>) -> tensor<?x8xf32>"


def written(path, text):
    with open(path, "w") as file:
        file.write(text)


def check_nesting(graph, plan):
    """Modules that would exhaust the stack of MLIR's parsers, or memory."""
    tools = (("m1c", graph, "-o", plan), ("m1-opt", graph), ("m1-interpret", graph, "--out-dir", OUT))
    deep = "expected brackets nested at most 200 deep, found more"
    for text in ("module {\n" * 5000 + "}" * 5000, "func.func @f(%x: " + "tuple<" * 10**5, "module attributes {llvm.a = " + "[" * 10**5):
        written(graph, text)
        for tool in tools:
            refused([deep], *tool)
    long = "expected an affine map or set of at most 20000 characters, found more"
    for operators in ("-" * 10**6, "d0 + " * 10**5):
        written(graph, f"module attributes {{llvm.a = affine_map<(d0) -> ({operators}d0)>}} {{}}")
        refused([f"{graph}:1:39: ", long], *tools[0])
    # What is no nesting: strings, comments, arrows and comparisons.
    many = "(" * 300
    written(graph, f'// {many}\nmodule attributes {{llvm.a = "{many}\\"{many}", llvm.b = affine_set<(d0) : (d0 >= 0)>}} {{}}')
    accepted("m1c", graph, "--emit=model")

    def small_memory():
        resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))

    written(graph, LARGE)
    refused(["m1-interpret: error: out of memory\n"], *tools[2], "--weights=none", preexec_fn=small_memory)
    os.remove(graph)


def check_graphs():
    """Modules and bounds from which m1c cannot make a valid plan."""
    folder, _ = checkpoint()
    graph = os.path.join(work, "graph.mlir")
    plan = os.path.join(work, "new.m1plan")

    def module(*parts):
        with open(graph, "w") as file:
            file.write(GRAPH.format(*parts))

    def compiled(fragments, *options):
        refused(fragments, "m1c", graph, "-o", plan, *options)

    module("a", "b", "c", SILU)
    accepted("m1c", graph, "-o", plan)
    os.remove(plan)
    module("../a b", "b", "c", SILU)
    compiled([f"{graph}:1:1: ", "expected m1.name to be letters, digits, '_', '-' and '.', found \"../a b\""])
    module("a", "same", "same", SILU)
    compiled([f"{graph}:1:1: ", "expected a m1.name of its own, found \"same\", which result 0 has"])
    module("a", "b", "c", SILU + "\n  %1 = m1.silu %x : (tensor<?x8xf32>) -> tensor<?x9xf32>")
    compiled([f"{graph}:3:8: ", "m1.silu", "tensor<?x8xf32>", "tensor<?x9xf32>"])
    module("a", "b", "c", "m1.bogus %x : (tensor<?x8xf32>) -> tensor<?x8xf32>")
    compiled([f"{graph}:2:8: ", "m1.bogus"])
    module("a", "b", "c", "m1.silu %y : (tensor<?x8xf32>) -> tensor<?x8xf32>")
    compiled([f"{graph}:2:16: ", "undeclared"])
    check_nesting(graph, plan)
    # MLIR's parser deletes %0 although the first line uses it: it prints an error and a note, and damages its heap.
    use = "%1 = m1.silu %0 : (tensor<?x8xf32>) -> tensor<?x8xf32>\n"
    written(graph, use + GRAPH.format("a", "b", "c", f"{SILU}\n  {use}"))
    assert run("m1c", graph, "-o", plan).returncode == 1
    for text in ("", "module { module { func.func @f() { return } } }", "m1.state @s : !m1.kv_cache<2 x 8, f32>"):
        written(graph, text)
        compiled([f"{graph}: expected functions, found none"])
    for option in ("--max-tokens", "--slots", "--max-length"):
        for value in (2147483648, 9223372036854775807):
            refused([option, "expected 1 to 2147483647", str(value)], "m1c", folder, "-o", plan, f"{option}={value}")
    # 2^62 positions: their bytes exceed a 64-bit number.
    refused(["keys", "too large"], "m1c", folder, "-o", plan, "--slots=2147483647", "--max-length=2147483647")
    refused(["arena", "bytes"], "m1c", folder, "-o", plan, "--slots=100000", "--max-length=1000000000")
    refused(["--target-cpu", "bogus", "x86-64-v3"], "m1c", folder, "-o", plan, "--target-cpu=bogus")
    # Options that name passes of the project and of MLIR, and options of the context.
    names = ("m1-fuse-head", "canonicalize", "tile-to-host", "plan-assign-buffers", "convert-func-to-llvm")
    accepted("m1c", folder, "-o", plan, *(f"--mlir-print-ir-after={n}" for n in names))
    accepted("m1c", folder, "-o", plan, "--mlir-disable-threading", "--mlir-print-ir-module-scope", "--mlir-print-ir-after-all")
    accepted("m1c", folder, "-o", plan, "--mlir-timing")
