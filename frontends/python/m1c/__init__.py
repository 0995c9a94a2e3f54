# ===- __init__.py - what users import ------------------------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""m1c: language models in the style of MiniMax-M1, compiled.

    from m1c import LLM, SamplingParams

    llm = LLM("CHECKPOINT_DIR")    # compiles at the first use, into a cache
    for output in llm.generate(["Once"], SamplingParams(temperature=0.8, max_tokens=100)):
        print(output.outputs[0].text)

`compile` and `Plan` are for graphs of one's own. The command `m1` has the rest: `m1 --help`.
"""

from ._runtime import version as __version__
from .compiler import compile
from .errors import CompilerError, CompilerMissing, Error, NotFinite, QueueFull, Stopped
from .llm import LLM, AsyncLLM, Stream
from .outputs import CompletionOutput, Delta, Logprob, RequestOutput
from .program import Function, Plan, Program, TensorType
from .sampling import SamplingParams
from .structured import StructuredOutputsParams

__all__ = [
    "AsyncLLM",
    "CompilerError",
    "CompilerMissing",
    "CompletionOutput",
    "Delta",
    "Error",
    "Function",
    "LLM",
    "Logprob",
    "NotFinite",
    "Plan",
    "Program",
    "QueueFull",
    "RequestOutput",
    "SamplingParams",
    "Stopped",
    "Stream",
    "StructuredOutputsParams",
    "TensorType",
    "__version__",
    "compile",
]
