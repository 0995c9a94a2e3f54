# ===- weights_none.py - compares log-probabilities -------------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""weights_none.py RUN REFERENCE OTHER_SEED

The log-probabilities in the first two folders agree to 1e-4; those in the third
are of other weights.
"""

import os
import sys

import numpy as np

run, reference, other = (np.load(os.path.join(folder, "logprobs.0.npy")) for folder in sys.argv[1:])
error = np.abs(run - reference).max()
assert error < 1e-4, f"m1run differs from m1-interpret by {error}"
difference = np.abs(other - reference).max()
assert difference > 1e-2, f"another seed changes the results by {difference}"
print(f"{len(run)} log-probabilities agree")
