# ===- random_cases.py - the interpreter against NumPy on random data -------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""random_cases.py WORK_DIR

Runs operations on seeded random inputs with m1-interpret and compares with
other forms of the same mathematics: attention as masked and decayed matrices
over a whole sequence while the interpreter gets it in ragged pieces, experts as
a dense sum, Philox written out. Differences are at most 1e-12 of the largest
value. Prints the number of cases.
"""

import json
import os
import subprocess
import sys

import numpy as np

work = sys.argv[1]
random = np.random.default_rng(20260101)
cases = 0


def tensor_type(array):
    element = {"f": "f64", "i": f"i{8 * array.dtype.itemsize}"}[array.dtype.kind]
    return "tensor<" + "".join(f"{n}x" for n in array.shape) + element + ">"


def interpret(text, arguments, *options):
    """The results of the function, in order."""
    global cases
    cases += 1
    folder = os.path.join(work, str(cases))
    os.makedirs(folder)
    module = os.path.join(folder, "module.mlir")
    with open(module, "w", encoding="utf-8") as file:
        file.write(text)
    command = ["m1-interpret", module, "--out-dir", folder, *options]
    for i, argument in enumerate(arguments):
        path = os.path.join(folder, f"argument{i}.npy")
        np.save(path, argument)
        command += ["--arg", path]
    subprocess.run(command, check=True)
    results = []
    while os.path.exists(path := os.path.join(folder, f"result{len(results)}.npy")):
        results.append(np.load(path))
    return results


def run_op(op, operands, results, attributes=""):
    """One op on arrays; results are their types."""
    names = [f"%a{i}" for i in range(len(operands))]
    types = [tensor_type(a) for a in operands]
    outs = [f"%r{i}" for i in range(len(results))]
    text = f"""func.func @main({", ".join(f"{n}: {t}" for n, t in zip(names, types))}) -> ({", ".join(results)}) {{
  {", ".join(outs)} = {op} {", ".join(names)} {attributes} : ({", ".join(types)}) -> ({", ".join(results)})
  return {", ".join(outs)} : {", ".join(results)}
}}
"""
    return interpret(text, operands)


def close(what, found, expected):
    assert found.shape == expected.shape, f"{what}: shape {found.shape}, expected {expected.shape}"
    error = np.abs(found - expected).max() / np.abs(expected).max()
    assert error <= 1e-12, f"{what}: differs by {error:.3e} of the largest value"


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def sigmoid(x):
    return 0.5 * (1 + np.tanh(x / 2))


def check_rows():
    x, w = random.normal(size=(5, 7)), random.normal(size=(6, 7))
    close("linear", *run_op("m1.linear", [x, w], ["tensor<5x6xf32>"]), np.einsum("tk,nk->tn", x, w))
    n = random.normal(size=7)
    mean = np.mean(np.square(x), axis=1)[:, None]
    close("rms_norm", *run_op("m1.rms_norm", [x, n], ["tensor<5x7xf32>"], "eps 0.01"), n * x * (mean + 0.01) ** -0.5)
    y, c = random.normal(size=(5, 7)), random.normal(size=(5, 1))
    close("silu_mul", *run_op("m1.silu_mul", [x, y], ["tensor<5x7xf32>"]), x * sigmoid(x) * y)
    close("sigmoid_gate", *run_op("m1.sigmoid_gate", [x, y], ["tensor<5x7xf32>"]), x * sigmoid(y))
    close("shared_mix", *run_op("m1.shared_mix", [x, y, c], ["tensor<5x7xf32>"]), x + sigmoid(c) * (y - x))


def check_rotary():
    """As complex numbers: components i and i + n/2 are the parts of one that turns."""
    x = random.normal(size=(9, 3, 10))
    positions = np.array([0, 1, 2, 1000, 100000, 8, 9, 10, 11], np.int32)
    turn = np.exp(1j * positions[:, None, None] * 1e4 ** (-np.arange(3) / 3))
    turned = (x[..., :3] + 1j * x[..., 3:6]) * turn
    expected = np.concatenate([turned.real, turned.imag, x[..., 6:]], axis=-1)
    found = run_op("m1.rotary", [x, positions], ["tensor<9x3x10xf32>"], "theta 1.0e4 dims 6")
    close("rotary", *found, expected)


# Three sequences in four calls: pieces of one to several tokens, an empty one,
# and the last sequence in the slot that the first has left.
PIECES = [
    [(2, 0, 5), (0, 0, 3)],
    [(0, 3, 4), (2, 5, 5), (7, 0, 1)],
    [(7, 1, 9), (2, 5, 6), (0, 4, 11)],
    [(2, 0, 4), (7, 9, 10)],
]  # (slot, first position, end)


def run_attention(op, state, shapes, attributes):
    """Runs `op` over PIECES; returns each sequence's inputs and results."""
    lengths = {}
    for call, pieces in enumerate(PIECES):
        for slot, first, end in pieces:
            key = (slot, max(c for c in range(call + 1) if (slot, 0) in [p[:2] for p in PIECES[c]]))
            lengths[key] = max(lengths.get(key, 0), end)
    inputs = {key: [random.normal(size=(n, *shape)) for shape in shapes] for key, n in lengths.items()}
    calls, body, returned = [], "", []
    for call, pieces in enumerate(PIECES):
        keys = [max(k for k in inputs if k[0] == slot and k[1] <= call) for slot, _, _ in pieces]
        rows = [np.concatenate([inputs[k][i][a:b] for k, (_, a, b) in zip(keys, pieces)]) for i in range(3)]
        positions = np.concatenate([np.arange(a, b, dtype=np.int32) for _, a, b in pieces])
        cu = np.cumsum([0] + [b - a for _, a, b in pieces]).astype(np.int32)
        slots = np.array([s for s, _, _ in pieces], np.int32)
        calls.append((keys, pieces, cu))
        arrays = [*rows, positions, cu, slots]
        names = [f"%c{call}_{i}" for i in range(6)]
        body += f"""  %s{call} = m1.read_state @s : {state}
  %r{call}, %t{call} = {op} {names[0]}, {names[1]}, {names[2]}, %s{call} at ({", ".join(names[3:])}) {attributes}
    : (tensor<?x{shapes[0][0]}x{shapes[0][1]}xf64>, tensor<?x{shapes[1][0]}x{shapes[1][1]}xf64>, tensor<?x{shapes[1][0]}x{shapes[1][1]}xf64>, {state}, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>)
    -> (tensor<?x{shapes[0][0]}x{shapes[0][1]}xf32>, {state})
  m1.write_state %t{call}, @s : {state}
"""
        returned.append((names, arrays))
    arguments = [a for _, arrays in returned for a in arrays]
    typed = [
        f"{n}: tensor<?" + "".join(f"x{e}" for e in a.shape[1:]) + ("xf64>" if a.dtype.kind == "f" else "xi32>")
        for names, arrays in returned
        for n, a in zip(names, arrays)
    ]
    out = f"tensor<?x{shapes[0][0]}x{shapes[0][1]}xf32>"
    count = len(PIECES)
    text = f"""m1.state @s : {state}
func.func @main({", ".join(typed)}) -> ({", ".join([out] * count)}) {{
{body}  return {", ".join(f"%r{c}" for c in range(count))} : {", ".join([out] * count)}
}}
"""
    results = interpret(text, arguments)
    outputs = {key: [] for key in inputs}
    for (keys, pieces, cu), result in zip(calls, results):
        for b, key in enumerate(keys):
            outputs[key].append(result[cu[b] : cu[b + 1]])
    return [(*inputs[key], np.concatenate(outputs[key])) for key in inputs]


def check_lightning():
    slopes = np.array([0.9, 0.01, 0.0])
    text = ", ".join(f"{s:.17e}" for s in slopes)
    state = "!m1.lightning_state<3 x 5, chunk = 4, f64>"
    sequences = run_attention("m1.lightning_attention", state, [(3, 5)] * 3, f"slopes [{text}]")
    assert len(sequences) == 4, "every sequence is compared"
    for q, k, v, found in sequences:
        distance = np.arange(len(q))[:, None] - np.arange(len(q))
        decay = np.where(distance >= 0, np.exp(-slopes[:, None, None] * np.maximum(distance, 0)), 0)
        close("lightning", found, np.einsum("hij,ihd,jhd,jhe->ihe", decay, q, k, v))


def check_softmax():
    state = "!m1.kv_cache<2 x 5, f64>"
    sequences = run_attention("m1.softmax_attention", state, [(6, 5), (2, 5), (2, 5)], "scale 0.7")
    assert len(sequences) == 4, "every sequence is compared"
    for q, k, v, found in sequences:
        k, v = np.repeat(k, 3, axis=1), np.repeat(v, 3, axis=1)
        scores = 0.7 * np.einsum("ihd,jhd->hij", q, k)
        scores = np.where(np.tri(len(q), dtype=bool), scores, -np.inf)
        close("softmax", found, np.einsum("hij,jhd->ihd", softmax(scores), v))


def check_experts():
    x, gate = random.normal(size=(11, 6)), random.normal(size=(5, 6))
    chosen, weights = run_op("m1.router", [x, gate], ["tensor<11x3xi32>", "tensor<11x3xf32>"])
    p = softmax(x @ gate.T)
    expected = np.argsort(-p, axis=1, kind="stable")[:, :3]
    assert (chosen == expected).all(), f"router: found {chosen}, expected {expected}"
    top = np.take_along_axis(p, expected, 1)
    close("router", weights, top / top.sum(1, keepdims=True))

    w1, w3, w2 = (random.normal(size=s) for s in [(5, 4, 6), (5, 4, 6), (5, 6, 4)])
    dense = np.zeros((11, 5))
    np.put_along_axis(dense, chosen, weights, 1)
    hidden = np.einsum("td,efd->tef", x, w1)
    hidden *= sigmoid(hidden) * np.einsum("td,efd->tef", x, w3)
    operands = [x, chosen.astype(np.int32), weights, w1, w3, w2]
    close("experts", *run_op("m1.experts", operands, ["tensor<11x6xf32>"]), np.einsum("te,tef,edf->td", dense, hidden, w2))


def philox(counter, key):
    c, k = list(counter), list(key)
    for _ in range(10):
        a, b = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(b >> 32) ^ c[1] ^ k[0], b & 0xFFFFFFFF, (a >> 32) ^ c[3] ^ k[1], a & 0xFFFFFFFF]
        k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return c


def check_output():
    x, head = 3 * random.normal(size=(6, 4)), random.normal(size=(9, 4))
    targets = np.array([0, 8, 3, 3, 1, 7], np.int32)
    expected = np.log(softmax(x @ head.T))[np.arange(6), targets]
    close("head_log_prob", *run_op("m1.head_log_prob", [x, head, targets], ["tensor<6xf32>"]), expected)
    close("token_log_prob", *run_op("m1.token_log_prob", [x @ head.T, targets], ["tensor<6xf32>"]), expected)

    # The published known answers, to be sure of the expected side.
    assert philox([0] * 4, [0] * 2) == [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]
    count = 400
    logits = 2 * random.normal(size=(count, 12)).astype(np.float32)
    temperature = random.choice([0, 0.5, 1, 2], count).astype(np.float32)
    top_p = random.choice([0.1, 0.5, 0.9, 1], count).astype(np.float32)
    top_k = random.choice([0, 1, 3, 12, 50], count).astype(np.int32)
    seeds = random.integers(-(2**63), 2**63, count)
    positions = random.integers(0, 2**31, count).astype(np.int32)
    operands = "%l temperature %t top_p %p top_k %k seeds %s positions %q"
    types = f"tensor<{count}x12xf32>, " + ", ".join(f"tensor<{count}x{e}>" for e in ["f32", "f32", "i32", "i64", "i32"])
    arguments = ", ".join(f"%{n}: {t}" for n, t in zip("ltpksq", types.split(", ")))
    (found,) = interpret(
        f"""func.func @main({arguments}) -> tensor<{count}xi32> {{
  %r = m1.sample {operands} : ({types}) -> tensor<{count}xi32>
  return %r : tensor<{count}xi32>
}}
""",
        [logits, temperature, top_p, top_k, seeds, positions],
    )
    for b in range(count):
        if temperature[b] == 0:
            expected = np.argmax(logits[b])
        else:
            p = softmax(logits[b].astype(float) / float(temperature[b]))
            order = np.argsort(-p, kind="stable")
            keep = min(top_k[b] or 12, 12)
            share = np.cumsum(p[order]) / p[order][:keep].sum()
            reached = np.flatnonzero(share >= float(top_p[b]) - (1e-9 if top_p[b] == 1 else 0))
            keep = min(keep, reached[0] + 1)
            running = np.cumsum(p[order][:keep] / p[order][:keep].sum())
            seed, position = int(seeds[b]) % 2**64, int(positions[b])
            u = philox([position, 0, 0, 0], [seed & 0xFFFFFFFF, seed >> 32])[0] / 2**32
            assert abs(running - u).min() > 1e-12, "a draw on the edge proves nothing"
            expected = order[np.argmax(running > u)]
        assert found[b] == expected, f"sample {b}: found {found[b]}, expected {expected}"


def check_parameters():
    """Whole tensors, ranges and stacks, of every float type of a checkpoint."""
    folder = os.path.join(work, "weights")
    os.makedirs(folder)
    bf16 = (random.normal(size=(3, 4)).astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)
    tensors = {
        "brain": ("BF16", bf16),
        "half": ("F16", random.normal(size=(3, 4)).astype(np.float16)),
        "single": ("F32", random.normal(size=(6, 4)).astype(np.float32)),
        "wide": ("F32", random.normal(size=(3, 9)).astype(np.float32)),
        "double": ("F64", random.normal(size=(2, 2, 6))),
    }
    header, data = {}, b""
    for name, (dtype, array) in tensors.items():
        end = len(data) + array.nbytes
        header[name] = {"dtype": dtype, "shape": list(array.shape), "data_offsets": [len(data), end]}
        data += array.tobytes()
    text = json.dumps(header).encode()
    with open(os.path.join(folder, "model.safetensors"), "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text + data)
    value = {name: array for name, (_, array) in tensors.items()}
    expected = {
        "brain": ("3x4xbf16", '"brain"', (bf16.astype(np.uint32) << 16).view(np.float32)),
        "half": ("3x4xf16", '"half"', value["half"]),
        "rows": ("2x4xf32", '"single"[axis 0, 3 to 5 of 6]', value["single"][3:5]),
        "columns": ("3x2xf32", '"wide"[axis 1, 7 to 9 of 9]', value["wide"][:, 7:]),
        "inner": ("2x1x6xf64", '"double"[axis 1, 1 to 2 of 2]', value["double"][:, 1:]),
        "stack": (
            "2x3x4xf32",
            '"single"[axis 0, 1 to 4 of 6]>, #m1.source<"wide"[axis 1, 2 to 6 of 9]',
            np.stack([value["single"][1:4], value["wide"][:, 2:6]]),
        ),
    }
    declared = "".join(f"m1.parameter @{n} : tensor<{t}> from [#m1.source<{s}>]\n" for n, (t, s, _) in expected.items())
    loads = "".join(f"  %{n} = m1.load_parameter @{n} : tensor<{t}>\n" for n, (t, _, _) in expected.items())
    types = ", ".join(f"tensor<{t}>" for t, _, _ in expected.values())
    values = ", ".join(f"%{n}" for n in expected)
    text = f"{declared}func.func @main() -> ({types}) {{\n{loads}  return {values} : {types}\n}}\n"
    for found, (name, (_, _, array)) in zip(interpret(text, [], "--weights", folder), expected.items(), strict=True):
        assert found.dtype == np.float64 and (found == array).all(), f"{name}: found {found}, expected {array}"


check_rows()
check_rotary()
check_lightning()
check_softmax()
check_experts()
check_output()
check_parameters()
print(f"{cases} cases agree")
