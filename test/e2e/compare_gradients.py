# ===- compare_gradients.py - gradients against golden data ----------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""compare_gradients.py (m1-interpret | steps | UNIT) CASE_DIR WORK_DIR

Makes the case's checkpoint, compiles or imports it for training, and compares with the case's
gradients.npz (test/golden/README.md), for each tensor of the checkpoint:

    loss       the gradients of a weighted log-likelihood of three sequences
    balance    those of the routers' auxiliary loss
    total      those of both

and the losses themselves. UNIT is one of e2e.UNITS, which runs compiled code. `steps` compares the
changes of the weights by steps of AdamW, in the interpreter.
"""

import glob
import os
import re
import sys

import compare
import e2e
import numpy as np

sys.path.append(os.path.join(e2e.ROOT, "test", "golden"))
import reference  # noqa: E402
import sketch  # noqa: E402

# Of a tensor's difference, relative to its norm. The interpreter computes in float64:
# its tolerance covers the rounding of the golden data to float32.
TOLERANCE = {"compiled": 2e-5, "m1-interpret": 1e-6, "steps": 1e-5}
# clip(r, 1, 1), no mask: the loss is -Σ weight * log-probability.
BOUNDS = np.array([1, 1, 0, 3e38])


class GoldenGradients:
    """A case's golden data, and its sequences as one ragged batch."""

    def __init__(self, case, work):
        self.work = work
        self.checkpoint = compare.Golden(case, work).checkpoint
        self.data = np.load(os.path.join(case, "gradients.npz"))
        count = sum(name.startswith("tokens_") for name in self.data.files)
        self.tokens = [self.data[f"tokens_{i}"].astype(np.int64) for i in range(count)]
        self.weights = [self.data[f"weights_{i}"] for i in range(count)]
        self.log_probs = [self.data[f"log_probs_{i}"] for i in range(count)]
        self.names = [str(name) for name in self.data["names"]]
        # Gradients are compared beside the norm of all gradients of the loss.
        self.scale = float(np.sqrt((self.data["loss_norms"].astype(np.float64) ** 2).sum()))

    def coefficients(self):
        """[E]: alpha E f_e / (tokens * layers), f_e the number of choices of e / (tokens * layers)."""
        counts = self.data["counts"]
        config = e2e.make_checkpoint.load_config(os.path.join(self.checkpoint, "config.json"))
        places = sum(len(tokens) for tokens in self.tokens) * config["num_hidden_layers"]
        return self.data["alpha"] * len(counts) * counts / places**2

    def packed(self, variant):
        """The sketches of a variant; those of a sum are the sum, and its norm about that of the larger part."""
        if variant == "total":
            parts = [self.packed(part) for part in ("loss", "balance")]
            norms = np.maximum(parts[0]["norms"], parts[1]["norms"])
            return {"norms": norms, **{k: parts[0][k].astype(np.float64) + parts[1][k] for k in ("projections", "elements")}}
        return {k: self.data[f"{variant}_{k}"] for k in ("norms", "projections", "elements")}

    def batch(self):
        """The arguments of the model's functions that say which sequences there are, by name."""
        lengths = [len(tokens) for tokens in self.tokens]
        return {
            "tokens": np.concatenate(self.tokens),
            "positions": np.concatenate([np.arange(n) for n in lengths]),
            "cu_seqlens": np.cumsum([0, *lengths]),
            "slots": np.arange(len(lengths)),
            "targets": np.concatenate([np.append(tokens[1:], 0) for tokens in self.tokens]),
        }

    def arguments(self, variant):
        """The arguments of the function `gradients` by name."""
        batch = self.batch()
        total = len(batch["tokens"])
        return {
            **batch,
            "old_log_probs": np.zeros(total),
            "advantages": np.ones(total),
            "weights": np.concatenate([np.append(weights[1:], 0) for weights in self.weights]).astype(np.float64) * (variant != "balance"),
            "temperature": np.ones(1),
            "bounds": BOUNDS,
            "balance": self.coefficients() * (variant != "loss"),
        }

    def compare(self, variant, tensors, tolerance):
        """Prints the tensor that differs most; the failures."""
        if sorted(tensors) != self.names:
            return [f"{variant}: tensors {sorted(set(tensors) ^ set(self.names))} are in one of result and golden data"]
        distances = sketch.distances(self.packed(variant), tensors, self.scale)
        # A NaN is the largest and fails.
        worst = max(distances, key=lambda name: np.nan_to_num(distances[name], nan=np.inf))
        print(f"{variant}: {len(distances)} tensors, worst difference {distances[worst]:.1e}, {worst}")
        return [f"{variant}: {name} differs by {d:.1e} of its norm" for name, d in distances.items() if not d <= tolerance]

    def compare_losses(self, variant, loss, balance, tolerance):
        """The failures of the two terms of the loss."""
        expected = {"loss": (loss, float(self.data["loss"]) * (variant != "balance")), "auxiliary loss": (balance, float(self.data["aux_loss"]) * (variant != "loss"))}
        return [f"{variant}: the {name} is {found}, expected {value}" for name, (found, value) in expected.items() if not abs(found - value) <= tolerance * abs(value)]

    def compare_log_probs(self, variant, log_probs, tolerance):
        """log_probs [T], of the token after each; the failures."""
        golden = np.concatenate([np.append(each, np.nan) for each in self.log_probs])
        predicts = ~np.isnan(golden)
        difference = np.abs(log_probs - golden)[predicts].max()
        return [] if difference <= tolerance else [f"{variant}: log-probabilities differ by {difference:.1e}"]


class Module:
    """A module of m1 ops as text: its parameters and functions."""

    def __init__(self, path):
        self.path = path
        with open(path) as file:
            self.text = file.read()
        # {symbol: [(tensor, axis or None, begin, end, extent)]}
        self.sources = {}
        for symbol, sources in re.findall(r"m1\.parameter @(\S+) : \S+ from (?:stacked )?\[(.*)\]", self.text):
            found = re.findall(r'#m1\.source<"([^"]+)"(?:\[axis (\d+), (\d+) to (\d+) of (\d+)\])?', sources)
            self.sources[symbol] = [(tensor, *(int(n) if n else None for n in numbers)) for tensor, *numbers in found]
        self.trained = re.findall(r"m1\.trained @(\S+) ", self.text)

    def ports(self, function):
        """The arguments of a function and its results: [(name, type, attributes)] of each."""
        arguments, results = re.search(rf"func\.func @{function}\((.*)\) -> \((.*)\) {{", self.text).groups()
        port = r"(tensor<[^>]*>) ({[^}]*})"
        return tuple(
            [(re.search(r'm1\.name = "([^"]*)"', attributes)[1], kind, attributes) for kind, attributes in re.findall(port, text)]
            for text in (arguments, results)
        )

    def tensors(self, directory, suffix):
        """The states PARAMETER + suffix, as {tensor of the checkpoint: array}.

        A parameter has a gradient for each use: the second one's suffix has ".1" after it."""
        result = {}
        for symbol in self.trained:
            value, sources = np.load(os.path.join(directory, f"{symbol}{suffix}.npy")), self.sources[symbol]
            further = glob.escape(os.path.join(directory, f"{symbol}{suffix}")) + ".[0-9]*.npy"
            value = value + sum(np.load(path) for path in glob.glob(further))
            if len(sources) > 1:
                assert len(sources) == len(value)
                result.update({tensor: value[i] for i, (tensor, *_) in enumerate(sources)})
                continue
            tensor, axis, begin, end, extent = sources[0]
            if axis is None:
                result[tensor] = value
                continue
            shape = list(value.shape)
            shape[axis] = extent
            result.setdefault(tensor, np.full(shape, np.nan))[(slice(None),) * axis + (slice(begin, end),)] = value
        return result


def interpret(module, function, arguments, checkpoint, work):
    """Runs a function with arguments by name; its results by name, and the directory of its states."""
    inputs, out, states = (e2e.fresh(os.path.join(work, name)) for name in ("inputs", "results", "states"))
    command = ["m1-interpret", module.path, "--weights", checkpoint, "--entry", function, "--out-dir", out, "--state-dir", states]
    ports, results = module.ports(function)
    for name, _, _ in ports:
        np.save(os.path.join(inputs, f"{name}.npy"), arguments[name])
        command += ["--arg", os.path.join(inputs, f"{name}.npy")]
    e2e.run(*command)
    return {name: np.load(os.path.join(out, f"{name}.npy")) for name, _, _ in results}, states


def import_model(golden):
    """The case's module with its training step."""
    path = os.path.join(golden.work, "model.mlir")
    e2e.run("m1c", golden.checkpoint, "--train", "--emit=m1", "-o", path)
    return Module(path)


def compare_interpreted(golden):
    module, failures = import_model(golden), []
    for variant in ("loss", "balance", "total"):
        results, states = interpret(module, "gradients", golden.arguments(variant), golden.checkpoint, golden.work)
        failures += golden.compare(variant, module.tensors(states, ".gradient"), TOLERANCE["m1-interpret"])
        failures += golden.compare_log_probs(variant, results["log_probs"], TOLERANCE["m1-interpret"])
        loss = -(golden.arguments(variant)["weights"] * results["log_probs"]).sum()
        failures += golden.compare_losses(variant, loss, results["balance_loss"].sum(), TOLERANCE["m1-interpret"])
    return failures


def compare_compiled(golden, unit):
    compile_options, program = e2e.UNITS[unit]
    plan, failures = os.path.join(golden.work, "model.m1plan"), []
    e2e.run("m1c", golden.checkpoint, "--train", *compile_options, "-o", plan)
    inputs, out = e2e.fresh(os.path.join(golden.work, "inputs")), os.path.join(golden.work, "gradients.safetensors")
    tokens = e2e.write_tokens(os.path.join(inputs, "tokens"), golden.tokens)
    for variant in ("loss", "balance", "total"):
        weights = []
        for i, each in enumerate(golden.weights):
            weights.append(os.path.join(inputs, f"weights.{i}.npy"))
            np.save(weights[-1], each * np.float32(variant != "balance"))
        alpha = float(golden.data["alpha"]) * (variant != "loss")
        printed = e2e.run(
            program[0], "gradients", plan, *program[1:], "--weights", golden.checkpoint, "--tokens", tokens, "--token-weights", ",".join(weights),
            "--router-aux-loss-coef", alpha, "--out", out)  # fmt: skip
        failures += golden.compare(variant, reference.read_safetensors(out), TOLERANCE["compiled"])
        loss, balance = (float(number) for number in re.match(r"loss (\S+), auxiliary loss (\S+),", printed).groups())
        failures += golden.compare_losses(variant, loss, balance, TOLERANCE["compiled"])
    return failures


def add_steps(module, count):
    """Adds a function @steps that calls @gradients and @update `count` times."""
    gradients, gradient_results = module.ports("gradients")
    update, update_results = module.ports("update")
    renamed = [(f"{name}_{i}", kind, '{m1.name = "%s_%d"}' % (name, i)) for i in range(count) for name, kind, _ in update if name == "hyperparameters"]
    arguments = gradients + [port for port in update if port[0] != "hyperparameters"] + renamed
    results = [(f"{name}_{i}", kind) for i in range(count) for name, kind, _ in update_results]

    def types(ports):
        return "(" + ", ".join(port[1] for port in ports) + ")"

    def values(ports, step):
        return ", ".join(f"%{name}_{step}" if name == "hyperparameters" else f"%{name}" for name, _, _ in ports)

    lines = [
        "func.func @steps(" + ", ".join(f"%{name}: {kind} {attributes}" for name, kind, attributes in arguments) + ") -> ("
        + ", ".join('%s {m1.name = "%s"}' % (kind, name) for name, kind in results) + ") {"
    ]  # fmt: skip
    for i in range(count):
        lines.append(f"%g{i}:{len(gradient_results)} = func.call @gradients({values(gradients, i)}) : {types(gradients)} -> {types(gradient_results)}")
        lines.append(f"%u{i}:{len(update_results)} = func.call @update({values(update, i)}) : {types(update)} -> {types(update_results)}")
    returned = ", ".join(f"%u{i}#{j}" for i in range(count) for j in range(len(update_results)))
    lines += [f"return {returned} : " + ", ".join(kind for _, kind in results), "}"]
    body, end, rest = module.text.rpartition("}")
    with open(module.path, "w") as file:
        file.write(body + "\n".join(lines) + "\n" + end + rest)
    return Module(module.path)


def compare_steps(golden):
    data, norms = golden.data, golden.data["grad_norms"]
    module = import_model(golden)
    module = add_steps(module, len(norms))
    rates = np.full(len(module.trained), data["learning_rate"])
    decays = np.array([0.0 if name.endswith(("norm", "embed_tokens")) else data["weight_decay"] for name in module.trained])
    arguments = {**golden.arguments("total"), "max_norm": data["max_norm"].reshape(1), "enabled": np.ones(1, np.int64)}
    arguments.update(learning_rates=rates, weight_decays=decays)
    for i in range(len(norms)):
        beta1, beta2 = data["beta1"], data["beta2"]
        arguments[f"hyperparameters_{i}"] = np.array([beta1, beta2, data["epsilon"], 1 - beta1 ** (i + 1), 1 - beta2 ** (i + 1)])
    results, states = interpret(module, "steps", arguments, golden.checkpoint, golden.work)
    failures = []
    for i, norm in enumerate(norms):
        found, applied = results[f"grad_norm_{i}"][0], results[f"applied_{i}"][0]
        print(f"step {i}: norm of the gradients {found:.6f}")
        if not (abs(found - norm) <= TOLERANCE["steps"] * norm and applied):
            failures.append(f"step {i}: the norm of the gradients is {found}, expected {norm}; applied {applied}")
    before = reference.read_safetensors(os.path.join(golden.checkpoint, "model.safetensors"))
    after = module.tensors(states, ".master")
    changes = {name: after[name] - before[name] for name in after}
    return failures + golden.compare("steps", changes, TOLERANCE["steps"])


def main():
    tool, case, work = sys.argv[1:]
    golden = GoldenGradients(case, work)
    if tool in e2e.UNITS:
        failures = compare_compiled(golden, tool)
    else:
        failures = {"m1-interpret": compare_interpreted, "steps": compare_steps}[tool](golden)
    if failures:
        sys.exit("\n".join(failures))
    print("equal")


if __name__ == "__main__":
    main()
