# ===- sketch.py - few numbers that tell whether a tensor is right ---------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Sketches of tensors: golden data keep these in place of whole gradients.

A sketch has the tensor's norm, PROJECTIONS sums of its elements with random signs, and
some of its elements (all, where there are few). A difference d of two tensors changes
each sum by Σ ±d_i, whose mean square is |d|²: the projections estimate the norm of any
difference, however many elements it has, to within a factor of 2 or so, and an element
that differs alone changes every projection. The elements tell where a difference is.
"""

import zlib

import numpy as np

PROJECTIONS = 16
# A tensor of more elements is sampled at that many.
SAMPLES = 128
# Some gradients are exactly zero in theory (of a router that chooses one expert), and only rounding is left of them: those
# whose norm is less than the first share of the norm of all gradients. Differences there are relative to the second.
ZERO, ZERO_UNIT = 1e-12, 1e-4


def signs(name, count):
    """[PROJECTIONS, count] of 1 and -1, the same on every machine."""
    words = np.random.PCG64(np.random.SeedSequence([PROJECTIONS, zlib.crc32(name.encode())])).random_raw(count)
    bits = words >> np.arange(64 - PROJECTIONS, 64, dtype=np.uint64)[:, None]
    return 1.0 - 2.0 * (bits & np.uint64(1)).astype(np.float64)


def sampled(size):
    """The indices of the elements that a sketch keeps, of a tensor of `size`."""
    if size <= SAMPLES:
        return np.arange(size)
    return np.unique(np.linspace(0, size - 1, SAMPLES).astype(np.int64))


def sketch(name, tensor):
    """(norm, projections [PROJECTIONS], elements [<= SAMPLES]) of a tensor, in float64."""
    flat = np.asarray(tensor, np.float64).reshape(-1)
    return np.sqrt((flat * flat).sum()), signs(name, flat.size) @ flat, flat[sampled(flat.size)]


def pack(tensors):
    """The sketches of {name: tensor} as arrays for an .npz file, in the order of names."""
    sketches = [sketch(name, tensors[name]) for name in sorted(tensors)]
    norms, projections, elements = zip(*sketches)
    return {
        "norms": np.float32(norms),
        "projections": np.float32(projections),
        "elements": np.concatenate(elements).astype(np.float32),
    }


def norm_of(tensors):
    """The norm of all elements of {name: tensor}."""
    return np.sqrt(sum((np.asarray(t, np.float64) ** 2).sum() for t in tensors.values()))


def unit_of(norm, scale):
    """What a difference from a tensor of this norm is relative to; `scale` is the norm of all gradients."""
    return norm if norm > ZERO * scale else ZERO_UNIT * scale


def distances(packed, tensors, scale):
    """{name: an estimate of |tensor - golden| / unit_of(|golden|, scale)}; NaN where a tensor has one."""
    result, begin = {}, 0
    for i, name in enumerate(sorted(tensors)):
        _, projections, elements = sketch(name, tensors[name])
        golden = packed["elements"][begin : begin + len(elements)].astype(np.float64)
        begin += len(elements)
        by_projections = np.sqrt(((projections - packed["projections"][i]) ** 2).mean())
        by_elements = np.sqrt(((elements - golden) ** 2).mean() * np.asarray(tensors[name]).size)
        result[name] = np.maximum(by_projections, by_elements) / unit_of(float(packed["norms"][i]), scale)
    return result
