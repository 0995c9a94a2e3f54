# ===- program.py - tests of m1c.compile and of calls ---------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
import os
import stat
import subprocess
import sys
import tempfile
import threading

import checks
import m1c
import m1c.compiler
import numpy as np
from checks import raises

GRAPH = """
m1.parameter @qkv : tensor<96x32xf32> from [#m1.source<"qkv.weight">]
m1.state @memory : !m1.lightning_state<2 x 16, chunk = 64, f32>

func.func @attend(
    %x: tensor<?x32xf32> {m1.name = "x"},
    %positions: tensor<?xi32> {m1.name = "positions"},
    %cu_seqlens: tensor<?xi32> {m1.name = "cu_seqlens", m1.dim = "B+1"},
    %slots: tensor<?xi32> {m1.name = "slots", m1.dim = "B"})
    -> (tensor<?x32xf32> {m1.name = "y"}) {
  %w = m1.load_parameter @qkv : tensor<96x32xf32>
  %rows = m1.linear %x, %w : (tensor<?x32xf32>, tensor<96x32xf32>) -> tensor<?x96xf32>
  %q, %k, %v = m1.split_qkv %rows : (tensor<?x96xf32>) -> (tensor<?x2x16xf32>, tensor<?x2x16xf32>, tensor<?x2x16xf32>)
  %s = m1.read_state @memory : !m1.lightning_state<2 x 16, chunk = 64, f32>
  %o, %next = m1.lightning_attention %q, %k, %v, %s at (%positions, %cu_seqlens, %slots) slopes [0.5, 0.25]
    : (tensor<?x2x16xf32>, tensor<?x2x16xf32>, tensor<?x2x16xf32>, !m1.lightning_state<2 x 16, chunk = 64, f32>,
       tensor<?xi32>, tensor<?xi32>, tensor<?xi32>) -> (tensor<?x2x16xf32>, !m1.lightning_state<2 x 16, chunk = 64, f32>)
  m1.write_state %next, @memory : !m1.lightning_state<2 x 16, chunk = 64, f32>
  %y = m1.merge_heads %o : (tensor<?x2x16xf32>) -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}

func.func @gate(%x: tensor<?x8xbf16> {m1.name = "x"}, %function: tensor<?x8xbf16> {m1.name = "function"})
    -> (tensor<?x8xbf16> {m1.name = "y"}, tensor<?x8xf32> {m1.name = "wide"}) {
  %y = m1.silu_mul %x, %function : (tensor<?x8xbf16>, tensor<?x8xbf16>) -> tensor<?x8xbf16>
  %wide = m1.cast %x : tensor<?x8xbf16> to tensor<?x8xf32>
  return %y, %wide : tensor<?x8xbf16>, tensor<?x8xf32>
}
"""
SILU = """func.func @f(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %y = m1.silu %x : (tensor<?x8xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}"""
plan = m1c.compile(GRAPH, weights="none", slots=4, max_tokens=128, seed=7)
random = np.random.default_rng(1)
X = random.standard_normal((5, 32), np.float32)


def attend(x, slot=0, begin=0, program=plan):
    count = len(x)
    return program.call(
        "attend",
        x=x,
        positions=np.arange(begin, begin + count, dtype=np.int32),
        cu_seqlens=[0, count],
        slots=[slot],
    )["y"]


def check_signatures():
    functions = plan.functions()
    assert list(functions) == ["attend", "gate"]
    assert str(functions["attend"]) == (
        "attend(x: float32[T, 32], positions: int32[T], cu_seqlens: int32[B+1], slots: int32[B]) -> (y: float32[T, 32])"
    )
    assert functions["gate"].outputs["y"] == m1c.TensorType("bfloat16", ("T", 8))
    assert plan.bounds["T"] == 128 and plan.bounds["B"] == 4 and plan.model is None
    assert plan.program.device.startswith("cpu")


def check_results():
    """States last between calls; a call in two pieces has the bits of one."""
    whole = attend(X, slot=1)
    assert (
        whole.shape == (5, 32)
        and whole.dtype == np.float32
        and np.isfinite(whole).all()
        and np.ptp(whole) > 0
    )
    pieces = np.concatenate([attend(X[:2], slot=2), attend(X[2:], slot=2, begin=2)])
    assert (pieces.view(np.uint32) == whole.view(np.uint32)).all()
    alone = m1c.Program(plan.path, "none", seed=7, threads=1)
    assert (attend(X, program=alone) == whole).all()
    assert (attend(X, program=m1c.Program(plan.path, "none", seed=8)) != whole).any()


def check_arrays():
    """What is not contiguous, is read-only or comes by DLPack is the same array."""
    whole = attend(X)
    assert (attend(np.asfortranarray(X)) == whole).all()
    wide = np.zeros((5, 64), np.float32)
    wide[:, ::2] = X
    assert (attend(wide[:, ::2]) == whole).all()
    frozen = X.copy()
    frozen.flags.writeable = False
    assert (attend(frozen) == whole).all()

    class Exporter:
        def __dlpack__(self, **options):
            return X.__dlpack__()

        def __dlpack_device__(self):
            return X.__dlpack_device__()

    exporter = Exporter()
    result = plan.call("attend", x=exporter, positions=list(range(5)), cu_seqlens=[0, 5], slots=[0])["y"]
    assert (result == whole).all()
    assert np.from_dlpack(result).ctypes.data == result.ctypes.data and result.flags.writeable
    empty = plan.call("gate", x=np.zeros((0, 8), np.uint16), function=np.zeros((0, 8), np.uint16))
    assert empty["y"].shape == (0, 8)


def check_bfloat16():
    """An input named `function`; bits as uint16, lists rounded to nearest even, results as float32."""
    values = np.array([[1.0, -2.5, 0.0, 3.0, 1.00390625, 1.01171875, 0.5, -0.125]], np.float32)
    ones = np.full((1, 8), 0x3F80, np.uint16)
    result = plan.call("gate", x=values.tolist(), function=ones)
    # 1 + 2^-8 and 1 + 3 * 2^-8 are halfway between two bfloat16.
    rounded = values.copy()
    rounded[0, 4], rounded[0, 5] = 1.0, 1.015625
    assert result["wide"].tolist() == rounded.tolist()
    exact = rounded / (1 + np.exp(-rounded.astype(np.float64)))
    assert result["y"].dtype == np.float32 and np.abs(result["y"] - exact).max() < 0.01
    assert not (result["y"].view(np.uint32) & 0xFFFF).any()


def check_refused():
    good = {"x": X, "positions": [0, 1, 2, 3, 4], "cu_seqlens": [0, 5], "slots": [0]}

    def refused(*parts, call="attend", without=(), **changes):
        with raises(m1c.Error, *parts):
            plan.call(call, **{k: v for k, v in {**good, **changes}.items() if k not in without})

    refused("'atend'", "attend, gate", call="atend")
    refused("'x' is missing", "float32", without=["x"])
    refused("no input 'slot'", "did you mean 'slots'", slot=[0])
    refused("expected float32, found float64", x=X.astype(np.float64))
    refused("expected float32, found uint8", x=np.zeros((5, 32), np.uint8))
    refused("expected int32, found int64", positions=np.arange(5))
    refused("expected float32, found bool", x=X > 0)
    refused("expected an array of float32, found str", x="text")
    refused("expected an array of float32, found NoneType", x=None)
    refused("expected int32", "float64", slots=[1.5])
    refused("expected numbers that are int32", slots=[2**40])
    refused("expected numbers that are int32", slots=[[1], [1, 2]])
    refused("[5, 31]", "expected 32 as extent 1", x=np.ascontiguousarray(X[:, :31]))
    refused("[160]", "2 dimensions", x=X.reshape(-1))
    refused("[4]", "expected 5", positions=[0, 1, 2, 3])
    refused("at most 128", x=np.zeros((129, 32), np.float32), positions=list(range(129)), cu_seqlens=[0, 129])
    refused("'slots'", "is 9, expected 0 to 3", slots=[9])
    refused("'slots'", "is -1", slots=[-1])
    with raises(m1c.Error, "expected bfloat16, found float16"):
        plan.call("gate", x=np.zeros((1, 8), np.float16), function=np.zeros((1, 8), np.uint16))
    # After all of these, a call works.
    assert attend(X).shape == (5, 32)


def check_threads():
    """Calls from several threads, each with its slot."""
    expected = attend(X, slot=0)
    results = {}

    def work(slot):
        results[slot] = [attend(X, slot=slot) for _ in range(20)]

    threads = [threading.Thread(target=work, args=(slot,)) for slot in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all((y == expected).all() for each in results.values() for y in each) and len(results) == 4


def check_two():
    """Two plans in one process, with kernels of the same and of other names."""
    other = m1c.compile(SILU)
    expected = attend(X)
    x = np.linspace(-3, 3, 16, dtype=np.float32).reshape(2, 8)
    assert np.allclose(other.call("f", arg0=x)["result0"], x / (1 + np.exp(-x)), atol=1e-5)
    assert (attend(X) == expected).all() and other.call("f", arg0=x)["result0"].shape == (2, 8)


def check_opening():
    with raises(m1c.Error, "nowhere.m1plan", "No such file"):
        m1c.Plan("nowhere.m1plan")
    with raises(m1c.Error, "has 1 parameters"):
        m1c.Program(plan.path)
    with raises(m1c.Error, "nowhere"):
        m1c.Program(plan.path, "nowhere")
    with raises(m1c.Error, "cuda"):
        m1c.Program(plan.path, "none", device="cuda")
    with raises(m1c.Error, "tpu"):
        m1c.Program(plan.path, "none", device="tpu")


def check_cache():
    """The same text and bounds: the same plan, which is compiled once, whoever asks; another text: another
    one."""
    assert m1c.compile(GRAPH, weights="none", slots=4, max_tokens=128).path == plan.path
    folder = tempfile.mkdtemp()
    log = os.path.join(folder, "log")
    real = m1c.compiler.find_compiler()
    counting = os.path.join(folder, "m1c")
    with open(counting, "w") as file:
        file.write(f'#!/bin/sh\n[ $1 = --version ] || echo run >>{log}\nexec {real} "$@"\n')
    os.chmod(counting, 0o755)
    environment = {**os.environ, "M1C_COMPILER_PATH": counting, "M1C_CACHE": os.path.join(folder, "cache")}
    call = "call('f', arg0=numpy.zeros((1, 8), 'f4'))['result0'].sum()"
    script = f"import m1c, numpy; print(m1c.compile({SILU!r}).{call})"
    running = [
        subprocess.Popen([sys.executable, "-c", script], env=environment, stdout=subprocess.PIPE)
        for _ in range(3)
    ]
    assert [each.communicate()[0] for each in running] == [b"0.0\n"] * 3
    with open(log) as file:
        assert file.read() == "run\n"
    left = os.listdir(environment["M1C_CACHE"])
    assert len(left) == 1 and left[0].endswith(".m1plan"), left
    # A refused graph leaves nothing behind, and its message has the place.
    bad = subprocess.run(
        [sys.executable, "-c", "import m1c; m1c.compile('func.func @f(')"],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert "m1c.CompilerError: graph.mlir:1:13: error: " in bad.stderr, bad.stderr
    assert os.listdir(environment["M1C_CACHE"]) == left
    # A plan in the cache needs no compiler run; a missing compiler is named.
    nothing = {**environment, "M1C_COMPILER_PATH": os.path.join(folder, "absent")}
    missing = subprocess.run(
        [sys.executable, "-c", "import m1c; m1c.compile('')"], env=nothing, capture_output=True, text=True
    )
    assert "m1c.CompilerMissing: M1C_COMPILER_PATH" in missing.stderr, missing.stderr


def check_saved():
    folder = tempfile.mkdtemp()
    path = os.path.join(folder, "graph.m1plan")
    plan.save(path)
    assert os.listdir(folder) == ["graph.m1plan"] and not stat.S_IMODE(os.stat(path).st_mode) & 0o111
    assert (attend(X, program=m1c.Plan(path, "none", seed=7)) == attend(X)).all()
    with open(path, "r+b") as file:
        file.truncate(1000)
    with raises(m1c.Error, path):
        m1c.Plan(path)


if __name__ == "__main__":
    checks.main(sys.modules[__name__], sys.argv[1:])
